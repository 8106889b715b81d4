//! How a SCIM service is reached, and what it says it can.

use super::call::{Line, place};
use crate::config::Config;
use crate::db::Write;
use crate::drivers::scim::{Endpoint, Fault, Pass, Session};
use crate::error::Result;
use crate::input::Input;
use crate::secret::Secret;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The name for basic sign-in; none where the credential is a token.
    pub sign_in_as: Option<String>,
    /// PEM; without it the authorities of the installation are trusted.
    pub authority: Option<String>,
}

/// What of SCIM a service can, and which attributes it knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Features {
    pub patch: bool,
    pub filter: bool,
    pub versions: bool,
    pub groups: bool,
    /// Of a user: each attribute that may be written, with its type.
    pub user: BTreeMap<String, String>,
    /// The same of the enterprise extension.
    pub enterprise: BTreeMap<String, String>,
}

/// What was said is believed for so long.
const A_DAY: i64 = 24 * 3600;

pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

impl Account {
    /// The present values, as a form holds them.
    pub fn fill(&self, input: &mut Input) {
        if let Some(name) = &self.sign_in_as {
            input.set("sign_in_as", name);
        }
        if let Some(authority) = &self.authority {
            input.set("authority", authority);
        }
    }
}

impl Line {
    pub fn scim(&self, config: &Config) -> Result<Endpoint> {
        let secret = match &self.credential {
            Some(sealed) => config.key.open(&place(sealed.id), &sealed.now)?,
            None => Secret::new(""),
        };
        self.scim_with(config, secret)
    }

    fn scim_with(&self, config: &Config, secret: Secret) -> Result<Endpoint> {
        let account = self.account.as_ref();
        let pass = match account.and_then(|account| account.sign_in_as.clone()) {
            Some(name) => Pass::Basic(name, secret),
            None => Pass::Bearer(secret),
        };
        let authorities = match (account.and_then(|it| it.authority.clone()), &config.ca_file) {
            (Some(own), _) => Some(own),
            (None, Some(file)) => Some(std::fs::read_to_string(file)?),
            (None, None) => None,
        };
        Ok(Endpoint {
            url: self.url.clone(),
            pass,
            networks: self.networks.clone(),
            limit: self.limit(),
            authorities,
        })
    }

    /// Whether a credential that is not kept yet would be let in.
    pub fn scim_lets_in(&self, config: &Config, secret: &Secret) -> Result<Result<(), String>> {
        let endpoint = self.scim_with(config, secret.clone())?;
        let mut session = Session::new(&endpoint, Instant::from_unix(0));
        Ok(session.find("Users", "", 1).map(|_| ()).map_err(Fault::text))
    }

    /// What is known of it, if that is not older than a day.
    pub fn fresh_features(&self, now: Instant) -> Option<&Features> {
        let fresh = self.features_at.is_some_and(|at| now.since(at) < A_DAY);
        self.features.as_ref().filter(|_| fresh)
    }
}

/// Asks a service what it can.
pub fn ask(session: &mut Session<'_>) -> Result<Features, Fault> {
    let told = session.read(&["ServiceProviderConfig"])?.body;
    let can = |name: &str| {
        let supported = told.get(name).and_then(|it| it.get("supported"));
        supported.and_then(Value::as_bool).unwrap_or(false)
    };
    let kinds = optional(session.find("ResourceTypes", "", 100))?;
    let groups = kinds.iter().any(|kind| kind.text("endpoint").trim_matches('/') == "Groups");
    let mut features = Features {
        patch: can("patch"),
        filter: can("filter"),
        versions: can("etag"),
        groups: groups || kinds.is_empty(),
        ..Features::default()
    };
    for schema in optional(session.find("Schemas", "", 100))? {
        let known = match schema.id() {
            USER => &mut features.user,
            ENTERPRISE => &mut features.enterprise,
            _ => continue,
        };
        let all = schema.body.get("attributes").and_then(Value::as_array);
        for attribute in all.into_iter().flatten() {
            let said = |name: &str| attribute.get(name).and_then(Value::as_str).unwrap_or_default();
            if said("mutability") != "readOnly" {
                known.insert(said("name").to_owned(), said("type").to_owned());
            }
        }
    }
    Ok(features)
}

/// Not every service tells its schemas; then what the standard names is taken as known.
fn optional<T>(asked: Result<Vec<T>, Fault>) -> Result<Vec<T>, Fault> {
    match asked {
        Err(Fault::Missing | Fault::Refused(_)) => Ok(Vec::new()),
        other => other,
    }
}

/// Keeps what a service said.
pub fn keep(tx: &Write, line: &Line, features: &Features) -> Result<()> {
    super::store::set_features(tx, line.id, features)
}
