//! Connectors: how outside systems are reached, with the secret that each of them holds. Scripts are
//! put into their folder by whoever owns the shell; nothing here takes a program from a browser.

pub mod api;
pub mod call;
pub mod doctor;
pub mod pages;
pub mod scripts;
mod store;

use crate::audit;
use crate::auth::Scope;
use crate::auth::permissions::{ConnectorsRead, ConnectorsWrite};
use crate::db::{Db, Read, Work, Write, unique};
use crate::drivers::{network, script, sign};
use crate::error::{Error, Result};
use crate::ids::{ConnectorId, CredentialId, CustomerId};
use crate::input::{Field, Fields, Input, typed};
use crate::secret::{Key, Secret};
use crate::time::Instant;
use crate::web::{Listing, Paging};
use ipnet::IpNet;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

words! {
    Kind { Script = "script", Webhook = "webhook" }
}

words! {
    /// Steps of a paused one wait; those of one that is gone fail.
    State { Active = "active", Paused = "paused", Gone = "gone" }
}

/// A connector that rules may name.
pub struct Choice {
    pub id: ConnectorId,
    pub name: String,
    pub kind: Kind,
    pub state: State,
}

pub struct Connector {
    pub id: ConnectorId,
    pub customer: CustomerId,
    pub customer_name: String,
    pub kind: Kind,
    pub name: String,
    pub state: State,
    pub script: String,
    pub url: String,
    pub networks: Vec<IpNet>,
    pub time_limit: i64,
    pub credential: Option<CredentialId>,
    pub previous_until: Option<Instant>,
    pub failures: i64,
    pub down_until: Option<Instant>,
    pub down_since: Option<Instant>,
    pub last_error: String,
    /// Rules that name it.
    pub rules: i64,
    pub version: i64,
    pub created_at: Instant,
}

/// What the asker may decide besides the connector itself.
#[derive(Clone, Copy)]
pub struct Reach {
    /// Which private networks are dialled.
    pub networks: bool,
    /// What runs on this machine.
    pub scripts: bool,
}

pub const NEW: &[Field] = &[
    Field::integer("customer_id", "whose it is; one's own if left out"),
    Field::text("kind", "script or webhook").required(),
    Field::text("name", "1 to 60 characters, unique for its customer").required(),
    Field::text("script", "of a script: its name in the folder of scripts"),
    Field::text("url", "of a webhook: its https address"),
    Field::integer(
        "time_limit",
        "seconds a call may take: 1 to 3600 for a script, 1 to 120 for a webhook",
    ),
    Field::list("networks", "private networks that may be dialled, like 192.168.10.0/24"),
    Field::object("secrets", "of a script: the values of the secrets that its manifest names"),
];

pub const EDIT: &[Field] = &[
    Field::text("name", "1 to 60 characters, unique for its customer"),
    Field::text("script", "of a script: its name in the folder of scripts"),
    Field::text("url", "of a webhook: its https address"),
    Field::integer("time_limit", "seconds a call may take"),
    Field::list("networks", "private networks that may be dialled"),
    Field::object("secrets", "of a script: new values of secrets; others stay"),
];

/// What somebody wants a connector to be.
struct Wanted {
    name: String,
    script: Option<String>,
    url: Option<String>,
    time_limit: i64,
    networks: Vec<IpNet>,
    secrets: BTreeMap<String, String>,
}

/// The old signing secret goes on beside the new one for so long.
const OVERLAP: i64 = 24 * 3600;

/// The connectors of `owner`, by name.
pub fn choices(db: &Read, owner: CustomerId) -> Result<Vec<Choice>> {
    store::choices(db, owner)
}

pub fn list(db: &Db, scope: &Scope<ConnectorsRead>, paging: &Paging) -> Result<Listing<Connector>> {
    let rows = db.read(|db| store::list(db, scope, paging))?;
    Ok(paging.listing(rows, |row| (row.name.clone(), row.id.0)))
}

pub fn one(db: &Db, scope: &Scope<ConnectorsRead>, id: ConnectorId) -> Result<Connector> {
    db.read(|db| store::one(db, scope, id))
}

/// Makes one. A webhook gets a signing secret, which is shown this once.
pub fn create(
    db: &Db,
    (key, folder): (&Key, &Path),
    scope: &Scope<ConnectorsWrite>,
    owner: CustomerId,
    reach: Reach,
    input: &Input,
) -> Result<(ConnectorId, Option<Secret>)> {
    let mut fields = Fields::of(input, NEW);
    let kind: Option<Kind> = fields.parse("kind");
    let Some(kind) = kind else { return fields.finish(|| None) };
    if kind == Kind::Script && !reach.scripts {
        let _: Option<()> = fields.complain("kind", "is for the provider alone");
    }
    let wanted = read(fields, input, kind, folder, reach, None)?;
    let shown = match kind {
        Kind::Webhook => Some(sign::new_secret()?),
        Kind::Script => None,
    };
    let secret = match &shown {
        Some(secret) => secret.clone(),
        None => Secret::new(serde_json::to_string(&wanted.secrets)?),
    };
    let id = db.write(scope.by, |tx| {
        scope.reaches(tx, owner)?;
        let credential = taken(store::insert_credential(tx, owner, &wanted.name))?;
        store::seal(tx, credential, &key.seal(&call::place(credential), &secret)?)?;
        let id = taken(store::insert(tx, owner, kind, &wanted, credential))?;
        let detail = json!({ "name": wanted.name, "kind": kind, "script": wanted.script });
        audit::record(tx, "connector.created", ("connector", id.0), owner, &detail)?;
        Ok(id)
    })?;
    Ok((id, shown))
}

fn taken<T>(result: Result<T>) -> Result<T> {
    unique(result, "name", "is taken by another connector")
}

/// Changes what is given; the rest stays.
pub fn update(
    db: &Db,
    (key, folder): (&Key, &Path),
    scope: &Scope<ConnectorsWrite>,
    id: ConnectorId,
    (reach, version): (Reach, Option<i64>),
    input: &Input,
) -> Result<()> {
    let (old, line) = db.read(|db| Ok((store::one(db, scope, id)?, call::line(db, id)?)))?;
    let whole = input.over(as_input(&old));
    let mut wanted = read(Fields::of(&whole, EDIT), &whole, old.kind, folder, reach, Some(&old))?;
    let mut secrets: BTreeMap<String, String> = BTreeMap::new();
    if old.kind == Kind::Script {
        let kept = line.script_secrets(key)?;
        secrets.extend(kept.into_iter().map(|(name, value)| (name, value.reveal().to_owned())));
        secrets.extend(std::mem::take(&mut wanted.secrets));
    }
    db.write(scope.by, |tx| {
        let now = store::one(tx, scope, id)?;
        if version.is_some_and(|version| version != now.version) || now.version != old.version {
            return Err(Error::Stale("Somebody changed this meanwhile. Load it again.".into()));
        }
        taken(store::update(tx, id, &wanted))?;
        if let Some(credential) = old.credential {
            taken(store::rename_credential(tx, credential, &wanted.name))?;
            if old.kind == Kind::Script {
                let text = Secret::new(serde_json::to_string(&secrets)?);
                store::seal(tx, credential, &key.seal(&call::place(credential), &text)?)?;
            }
        }
        tx.wake(Work::Requests);
        let detail = json!({
            "name": [old.name, wanted.name], "url": [old.url, wanted.url], "script": [old.script, wanted.script],
            "networks": [old.networks, wanted.networks], "time_limit": [old.time_limit, wanted.time_limit],
        });
        audit::record(tx, "connector.changed", ("connector", id.0), old.customer, &detail)
    })
}

/// The present values, as a form holds them.
pub fn as_input(old: &Connector) -> Input {
    let mut input = Input::default();
    input.set("name", &old.name);
    match old.kind {
        Kind::Script => input.set("script", &old.script),
        Kind::Webhook => input.set("url", &old.url),
    }
    input.set("time_limit", old.time_limit);
    for network in &old.networks {
        input.push("networks", network);
    }
    input
}

fn read(
    mut fields: Fields,
    input: &Input,
    kind: Kind,
    folder: &Path,
    reach: Reach,
    old: Option<&Connector>,
) -> Result<Wanted> {
    let name = fields.text("name", 1..=60);
    let (most, default) = match kind {
        Kind::Script => (3600, 300),
        Kind::Webhook => (120, 30),
    };
    let limit = fields.optional_integer("time_limit", 1..=most);
    let networks = networks(&mut fields, input);
    if let Some(networks) = &networks
        && !reach.networks
        && *networks != old.map(|old| old.networks.clone()).unwrap_or_default()
    {
        let _: Option<()> =
            fields.complain("networks", "are listed by those who may change settings");
    }
    let secrets = fields.members("secrets");
    let (script, url) = match kind {
        Kind::Script => (read_script(&mut fields, folder, &secrets, old), None),
        Kind::Webhook => {
            if !secrets.is_empty() {
                let _: Option<()> =
                    fields.complain("secrets", "are a script's; a webhook gets its own");
            }
            (None, read_url(&mut fields))
        }
    };
    let given = secrets.into_iter().filter(|(_, value)| !value.is_empty());
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    fields.finish(|| {
        if script.is_none() && url.is_none() {
            return None;
        }
        Some(Wanted {
            name: name?,
            script,
            url,
            time_limit: limit?.unwrap_or(default),
            networks: networks?,
            secrets: given,
        })
    })
}

fn networks(fields: &mut Fields, input: &Input) -> Option<Vec<IpNet>> {
    if !fields.has("networks") {
        return Some(Vec::new());
    }
    let texts: Vec<&str> = input
        .all("networks")
        .flat_map(|text| text.split(|c: char| c == ',' || c.is_whitespace()))
        .filter(|text| !text.is_empty())
        .collect();
    if texts.len() > 20 {
        return fields.complain("networks", "must be 20 at most");
    }
    let mut all = Vec::new();
    let mut fine = true;
    for text in texts {
        match network::check_cidr(text) {
            Ok(network) => all.push(network),
            Err(why) => {
                fine = false;
                let _: Option<()> = fields.complain("networks", format!("{}.", capital(&why)));
            }
        }
    }
    fine.then_some(all)
}

fn capital(text: &str) -> String {
    crate::places::capital(text)
}

fn read_url(fields: &mut Fields) -> Option<String> {
    let text = fields.text("url", 1..=500)?;
    match network::check_url(&text) {
        Ok(_) => Some(text),
        Err(why) => fields.complain("url", why),
    }
}

/// The script must be there, and have all its secrets.
fn read_script(
    fields: &mut Fields,
    folder: &Path,
    secrets: &[(&str, &str)],
    old: Option<&Connector>,
) -> Option<String> {
    let name = fields.text("script", 1..=64)?;
    let manifest = match script::text(folder, &name) {
        Ok(text) => text.manifest,
        Err(err) => return fields.complain("script", format!("{err}")),
    };
    for (given, _) in secrets {
        if !manifest.secrets.iter().any(|secret| secret == given) {
            let _: Option<()> = fields.complain("secrets", format!("has no use for {given}"));
        }
    }
    let same = old.is_some_and(|old| old.script == name);
    for secret in manifest.secrets.iter().filter(|_| !same) {
        if !secrets.iter().any(|(given, value)| given == secret && !value.is_empty()) {
            let _: Option<()> =
                fields.complain("secrets", format!("must have a value for {secret}"));
        }
    }
    Some(name)
}

/// A new signing secret, shown this once; the old one signs beside it for a day.
pub fn rotate(
    db: &Db,
    key: &Key,
    scope: &Scope<ConnectorsWrite>,
    id: ConnectorId,
) -> Result<Secret> {
    let secret = sign::new_secret()?;
    db.write(scope.by, |tx| {
        let found = store::one(tx, scope, id)?;
        let credential = match (found.kind, found.credential) {
            (Kind::Webhook, Some(credential)) => credential,
            _ => return Err(Error::refused("The secrets of a script are changed by editing it.")),
        };
        let sealed = key.seal(&call::place(credential), &secret)?;
        store::rotate(tx, credential, &sealed, tx.now.plus_seconds(OVERLAP))?;
        audit::record(tx, "connector.rotated", ("connector", id.0), found.customer, &json!({}))
    })?;
    Ok(secret)
}

/// Lets its steps wait, or go on.
pub fn pause(db: &Db, scope: &Scope<ConnectorsWrite>, id: ConnectorId, on: bool) -> Result<()> {
    db.write(scope.by, |tx| {
        let found = store::one(tx, scope, id)?;
        let (from, to, action) = match on {
            true => (State::Active, State::Paused, "connector.paused"),
            false => (State::Paused, State::Active, "connector.resumed"),
        };
        if found.state == State::Gone {
            return Err(Error::Conflict("It is gone, and stays so.".into()));
        }
        if found.state != from {
            return Ok(());
        }
        set_state(tx, &found, to, action)
    })
}

/// Gives it up for ever: its steps fail at once. Its name is typed to confirm.
pub fn give_up(
    db: &Db,
    scope: &Scope<ConnectorsWrite>,
    id: ConnectorId,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let found = store::one(tx, scope, id)?;
        typed(input, &found.name)?;
        if found.state == State::Gone {
            return Ok(());
        }
        set_state(tx, &found, State::Gone, "connector.gone")
    })
}

fn set_state(tx: &Write, found: &Connector, to: State, action: &str) -> Result<()> {
    store::set_state(tx, found.id, to)?;
    if to == State::Active {
        store::extend_waiting(tx, found.id, tx.now.plus_days(1))?;
    }
    tx.wake(Work::Requests);
    audit::record(
        tx,
        action,
        ("connector", found.id.0),
        found.customer,
        &json!({ "name": found.name }),
    )
}
