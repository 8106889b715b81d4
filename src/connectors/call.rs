//! One call through a connector: its secrets are opened for the call and for nothing longer.

use super::doctor::Light;
use super::ldap::Directory;
use super::scim::{Account, Features};
use super::{Kind, State, store};
use crate::config::Config;
use crate::db::Read;
use crate::drivers::log::Log;
use crate::drivers::mask::Mask;
use crate::drivers::script::{self, Ceiling, Script};
use crate::drivers::webhook::{self, Delivery, Endpoint};
use crate::drivers::{Call, Outcome};
use crate::error::{Error, Result};
use crate::ids::{ConnectorId, CredentialId, CustomerId};
use crate::secret::{Key, Secret};
use crate::time::Instant;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::time::Duration;

/// A connector with all that a call through it needs; its secrets still sealed.
#[derive(Clone)]
pub struct Line {
    pub id: ConnectorId,
    pub customer: CustomerId,
    pub kind: Kind,
    pub name: String,
    pub state: State,
    pub script: String,
    pub url: String,
    pub directory: Option<Directory>,
    pub account: Option<Account>,
    /// What a SCIM service said it can, and when.
    pub features: Option<Features>,
    pub features_at: Option<Instant>,
    /// What the last check said, where it was not changed since.
    pub light: Option<Light>,
    pub calls_per_minute: Option<i64>,
    pub networks: Vec<IpNet>,
    /// Seconds.
    pub time_limit: i64,
    pub credential: Option<Sealed>,
    /// The digest under which its script was enabled.
    pub enabled: Option<String>,
}

#[derive(Clone)]
pub struct Sealed {
    pub id: CredentialId,
    pub now: String,
    /// The one before, while it still signs.
    pub previous: Option<String>,
}

pub fn line(db: &Read, id: ConnectorId) -> Result<Line> {
    store::line(db, id)
}

impl Line {
    /// Runs the script or posts to the webhook. `attempt` is told to webhooks, and where they may
    /// answer later.
    pub fn send(
        &self,
        config: &Config,
        call: Call,
        (attempt, callback): (u32, Option<&str>),
        now: Instant,
    ) -> (Outcome, Log) {
        let sent = match self.kind {
            Kind::Script => self.run_script(config, call),
            Kind::Webhook => self.post(config, &call, (attempt, callback), now),
            Kind::Ldap | Kind::Scim => Err(Error::refused("it is given actions of its own.")),
        };
        sent.unwrap_or_else(|err| {
            let text = format!("It cannot be called: {err}");
            let mut log = Log::new(Mask::default());
            log.add(&text);
            (Outcome::Refused { text }, log)
        })
    }

    fn run_script(&self, config: &Config, mut call: Call) -> Result<(Outcome, Log)> {
        let Some(enabled) = &self.enabled else {
            return Err(Error::refused(format!("the script {} is not enabled.", self.script)));
        };
        call.secrets.extend(self.script_secrets(&config.key)?);
        let script = Script { dir: config.scripts.clone(), name: self.script.clone() };
        let ceiling = Ceiling { time: self.limit(), ..Ceiling::default() };
        Ok(script::run(&script, &call, ceiling, enabled))
    }

    fn post(
        &self,
        config: &Config,
        call: &Call,
        (attempt, callback): (u32, Option<&str>),
        now: Instant,
    ) -> Result<(Outcome, Log)> {
        let body = call.document(&[]);
        let held: Vec<Secret> = call.secrets.values().cloned().collect();
        let delivery = Delivery {
            key: &call.key,
            event: &call.event,
            attempt,
            body: &body,
            secrets: &held,
            callback,
            now,
        };
        Ok(webhook::send(&self.endpoint(config)?, &delivery))
    }

    pub fn endpoint(&self, config: &Config) -> Result<Endpoint> {
        let authorities = config.ca_file.as_ref().map(std::fs::read_to_string).transpose()?;
        Ok(Endpoint {
            url: self.url.clone(),
            secrets: self.signing_secrets(&config.key)?,
            networks: self.networks.clone(),
            limit: self.limit(),
            authorities,
        })
    }

    fn signing_secrets(&self, key: &Key) -> Result<Vec<Secret>> {
        let Some(sealed) = &self.credential else { return Ok(Vec::new()) };
        let what = place(sealed.id);
        let all = std::iter::once(&sealed.now).chain(&sealed.previous);
        all.map(|text| key.open(&what, text)).collect()
    }

    /// Adds a path, escaped already, to the address.
    pub fn go_to(&mut self, path: &str) -> Result<()> {
        let mut url = url::Url::parse(&self.url).map_err(Error::internal)?;
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{}", path.trim_start_matches('/')));
        self.url = url.into();
        Ok(())
    }

    /// The values of a script's secrets, by name.
    pub fn script_secrets(&self, key: &Key) -> Result<BTreeMap<String, Secret>> {
        let Some(sealed) = &self.credential else { return Ok(BTreeMap::new()) };
        let text = key.open(&place(sealed.id), &sealed.now)?;
        let values: BTreeMap<String, String> = serde_json::from_str(text.reveal())?;
        Ok(values.into_iter().map(|(name, value)| (name, Secret::new(value))).collect())
    }

    /// Seconds that a whole step may take: work in a directory or a SCIM service takes several calls.
    pub fn whole(&self) -> i64 {
        match self.kind {
            Kind::Ldap | Kind::Scim => self.time_limit.saturating_mul(8),
            Kind::Script | Kind::Webhook => self.time_limit,
        }
    }

    pub fn limit(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.time_limit).unwrap_or(1))
    }
}

/// What a credential's values are sealed for.
pub fn place(id: CredentialId) -> String {
    format!("credential {id}")
}
