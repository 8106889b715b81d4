//! Connectors: how outside systems are reached, with the secret that each of them holds. Scripts are
//! put into their folder by whoever owns the shell; nothing here takes a program from a browser.

pub mod api;
pub mod call;
pub mod credentials;
pub mod doctor;
pub mod frame;
pub mod ldap;
pub mod notices;
pub mod pages;
pub mod scim;
pub mod scripts;
mod reading;
mod store;

use crate::audit;
use crate::auth::Scope;
use crate::auth::permissions::{ConnectorsRead, ConnectorsWrite};
use crate::db::{Db, Read, Work, Write, unique};
use crate::drivers::sign;
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
    Kind { Script = "script", Webhook = "webhook", Ldap = "ldap", Scim = "scim" }
}

words! {
    /// Whether what it reaches is real, or there to try things on.
    Stage { Production = "production", Sandbox = "sandbox" }
}

words! {
    /// Steps of a paused one wait; those of one that is gone fail.
    State { Active = "active", Paused = "paused", Gone = "gone" }
}

impl Kind {
    /// Whether it signs in with a credential that is kept apart from it.
    pub fn signs_in(self) -> bool {
        matches!(self, Kind::Ldap | Kind::Scim)
    }
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
    pub stage: Stage,
    pub script: String,
    pub url: String,
    /// Of a directory: how it is reached.
    pub directory: Option<ldap::Directory>,
    /// Of a SCIM service: who signs in there, and whom to trust.
    pub account: Option<scim::Account>,
    pub networks: Vec<IpNet>,
    pub time_limit: i64,
    pub credential: Option<CredentialId>,
    pub credential_name: String,
    pub previous_until: Option<Instant>,
    pub failures: i64,
    pub down_until: Option<Instant>,
    pub down_since: Option<Instant>,
    pub last_error: String,
    /// Rules that name it.
    pub rules: i64,
    /// Steps that may begin in a minute.
    pub calls_per_minute: Option<i64>,
    /// What the last check said, where it was not changed since.
    pub light: Option<doctor::Light>,
    pub light_text: String,
    pub examined_at: Option<Instant>,
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
    Field::text(
        "kind",
        "script, webhook, ldap, which is a directory, or scim, which is a SCIM 2.0 service",
    )
    .required(),
    Field::text("name", "1 to 60 characters, unique for its customer").required(),
    Field::text("stage", "production or sandbox; production if left out"),
    Field::text("script", "of a script: its name in the folder of scripts"),
    Field::text("url", "of a webhook or a SCIM service: its https address"),
    Field::integer(
        "time_limit",
        "seconds a call may take: 1 to 3600 for a script, 1 to 120 for a webhook, 1 to 60 for a directory or a SCIM service",
    ),
    Field::integer(
        "calls_per_minute",
        "1 to 6000: so many steps begin in a minute; any number if left out",
    ),
    Field::list("networks", "private networks that may be dialled, like 192.168.10.0/24"),
    Field::object("secrets", "of a script: the values of the secrets that its manifest names"),
    Field::list("hosts", "of a directory: its machines in order, like dc1.example.com"),
    Field::text("security", "of a directory: ldaps or starttls"),
    Field::text(
        "sign_in_as",
        "of a directory: the account that works there; of a SCIM service: its name, or left out for a token",
    ),
    Field::text(
        "password",
        "of a directory or a SCIM service: that account's, or the token; kept sealed as a new credential",
    ),
    Field::integer("credential_id", "a credential that is kept already, instead"),
    Field::text(
        "authority",
        "of a directory or a SCIM service: the certificate authority to trust, as PEM",
    ),
];

pub const EDIT: &[Field] = &[
    Field::text("name", "1 to 60 characters, unique for its customer"),
    Field::text("stage", "production or sandbox"),
    Field::text("script", "of a script: its name in the folder of scripts"),
    Field::text("url", "of a webhook or a SCIM service: its https address"),
    Field::integer("time_limit", "seconds a call may take"),
    Field::integer(
        "calls_per_minute",
        "1 to 6000: so many steps begin in a minute; empty: any number",
    ),
    Field::list("networks", "private networks that may be dialled"),
    Field::object("secrets", "of a script: new values of secrets; others stay"),
    Field::list("hosts", "of a directory: its machines in order"),
    Field::text("security", "of a directory: ldaps or starttls"),
    Field::text(
        "sign_in_as",
        "of a directory or a SCIM service: the account that works there; empty for a token",
    ),
    Field::integer("credential_id", "of a directory or a SCIM service: what it signs in with"),
    Field::text(
        "authority",
        "of a directory or a SCIM service: the certificate authority to trust, as PEM",
    ),
];

/// What somebody wants a connector to be.
struct Wanted {
    name: String,
    stage: Stage,
    script: Option<String>,
    url: Option<String>,
    directory: Option<ldap::Directory>,
    account: Option<scim::Account>,
    time_limit: i64,
    calls_per_minute: Option<i64>,
    networks: Vec<IpNet>,
    secrets: BTreeMap<String, String>,
    /// Of a directory or a SCIM service: a password to keep, or the credential that has it.
    password: Option<Secret>,
    credential: Option<CredentialId>,
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

/// Those that are looked at by night: all that are not given up.
pub fn in_use(db: &Read) -> Result<Vec<ConnectorId>> {
    store::in_use(db)
}

/// What was found out does not hold any more: it is looked at again before it is used.
pub fn forget_examination(tx: &Write, id: ConnectorId) -> Result<()> {
    store::forget_examination(tx, id)
}

/// Whose it is.
pub fn owner_of<P>(db: &Db, scope: &Scope<P>, id: ConnectorId) -> Result<CustomerId> {
    Ok(db.read(|db| store::one(db, scope, id))?.customer)
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
    let wanted = reading::read(fields, input, kind, folder, reach, None)?;
    let shown = match kind {
        Kind::Webhook => Some(sign::new_secret()?),
        Kind::Script | Kind::Ldap | Kind::Scim => None,
    };
    let secret = match (&shown, &wanted.password) {
        (Some(secret), _) | (None, Some(secret)) => secret.clone(),
        (None, None) => Secret::new(serde_json::to_string(&wanted.secrets)?),
    };
    let id = db.write(scope.by, |tx| {
        scope.reaches(tx, owner)?;
        let credential = match wanted.credential {
            Some(credential) => own(tx, owner, credential)?,
            None => {
                let credential = taken(store::insert_credential(tx, owner, &wanted.name))?;
                store::seal(tx, credential, &key.seal(&call::place(credential), &secret)?)?;
                credential
            }
        };
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

/// A credential of the same customer that a directory or a SCIM service may be given: no other
/// thing's own.
fn own(tx: &Write, owner: CustomerId, id: CredentialId) -> Result<CredentialId> {
    match store::is_free_credential(tx, owner, id)? {
        true => Ok(id),
        false => Err(Error::invalid("credential_id", "is not a credential that can be chosen")),
    }
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
    let fields = Fields::of(&whole, EDIT);
    let mut wanted = reading::read(fields, &whole, old.kind, folder, reach, Some(&old))?;
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
        if let Some(credential) = wanted.credential {
            own(tx, old.customer, credential)?;
        }
        taken(store::update(tx, id, &wanted))?;
        if let Some(credential) = old.credential.filter(|_| !old.kind.signs_in()) {
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
            "calls_per_minute": [old.calls_per_minute, wanted.calls_per_minute],
            "stage": [old.stage, wanted.stage], "directory": [old.directory, wanted.directory],
            "account": [old.account, wanted.account],
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
        Kind::Webhook | Kind::Scim => input.set("url", &old.url),
        Kind::Ldap => {}
    }
    if let Some(directory) = &old.directory {
        directory.fill(&mut input);
    }
    if let Some(account) = &old.account {
        account.fill(&mut input);
    }
    if let Some(credential) = old.credential.filter(|_| old.kind.signs_in()) {
        input.set("credential_id", credential);
    }
    input.set("stage", old.stage.word());
    input.set("time_limit", old.time_limit);
    if let Some(calls) = old.calls_per_minute {
        input.set("calls_per_minute", calls);
    }
    for network in &old.networks {
        input.push("networks", network);
    }
    input
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
            (Kind::Ldap | Kind::Scim, _) => {
                return Err(Error::refused("The password is changed at its credential."));
            }
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
