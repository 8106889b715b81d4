//! Credentials: secrets that connectors sign in with, each kept in one place and changed there.

pub mod api;
pub mod pages;
mod store;

use super::call;
use crate::audit;
use crate::auth::Scope;
use crate::auth::permissions::{ConnectorsRead, ConnectorsWrite};
use crate::config::Config;
use crate::db::{Db, Read, unique};
use crate::error::{Complaint, Error, Result};
use crate::ids::{CredentialId, CustomerId};
use crate::input::{Field, Fields, Input};
use crate::secret::Secret;
use crate::time::{Date, Instant};
use crate::web::{Listing, Paging};
use serde_json::json;

pub struct Credential {
    pub id: CredentialId,
    pub customer: CustomerId,
    pub customer_name: String,
    pub name: String,
    pub expires_on: Option<Date>,
    pub changed_at: Instant,
    /// The names of the connectors that sign in with it.
    pub used_by: Vec<String>,
    /// A script's or a webhook's own: changed there.
    pub own: bool,
}

/// One that a directory or a SCIM service may be given.
pub struct Choice {
    pub id: CredentialId,
    pub name: String,
}

pub const NEW: &[Field] = &[
    Field::integer("customer_id", "whose it is; one's own if left out"),
    Field::text("name", "1 to 60 characters, unique for its customer").required(),
    Field::text("secret", "the password; kept sealed, never shown").required(),
    Field::text("expires_on", "the day on which it ends, like 2026-12-31"),
];

pub const EDIT: &[Field] = &[
    Field::text("name", "1 to 60 characters, unique for its customer"),
    Field::text("expires_on", "the day on which it ends, or empty"),
];

pub const ROTATE: &[Field] = &[
    Field::text("secret", "the new password: every connector that uses it is tried with it first")
        .required(),
    Field::text("expires_on", "the day on which it ends; left out, it stays as it is"),
];

pub fn list(
    db: &Db,
    scope: &Scope<ConnectorsRead>,
    paging: &Paging,
) -> Result<Listing<Credential>> {
    let rows = db.read(|db| store::list(db, scope, paging))?;
    Ok(paging.listing(rows, |row| (row.name.clone(), row.id.0)))
}

pub fn one<P>(db: &Read, scope: &Scope<P>, id: CredentialId) -> Result<Credential> {
    store::one(db, scope, id)
}

/// Those of `owner` that a directory or a SCIM service may be signed in to with, by name.
pub fn choices(db: &Read, owner: CustomerId) -> Result<Vec<Choice>> {
    store::choices(db, owner)
}

pub fn create(
    db: &Db,
    config: &Config,
    scope: &Scope<ConnectorsWrite>,
    owner: CustomerId,
    input: &Input,
) -> Result<CredentialId> {
    let mut fields = Fields::of(input, NEW);
    let name = fields.text("name", 1..=60);
    let secret = secret(&mut fields);
    let expires_on = fields.optional_date("expires_on");
    let (name, secret, expires_on) = fields.finish(|| Some((name?, secret?, expires_on?)))?;
    db.write(scope.by, |tx| {
        scope.reaches(tx, owner)?;
        let id = taken(store::insert(tx, owner, &name, expires_on))?;
        store::seal(tx, id, &config.key.seal(&call::place(id), &secret)?)?;
        let detail = json!({ "name": name, "expires_on": expires_on });
        audit::record(tx, "credential.created", ("credential", id.0), owner, &detail)?;
        Ok(id)
    })
}

fn taken<T>(result: Result<T>) -> Result<T> {
    unique(result, "name", "is taken by another credential")
}

fn secret(fields: &mut Fields) -> Option<Secret> {
    let text = fields.value("secret");
    match text.chars().count() {
        0 => fields.complain("secret", "is required"),
        1..=1000 => Some(Secret::new(text)),
        _ => fields.complain("secret", "must be 1000 characters at most"),
    }
}

/// Its name and its end; the secret stays.
pub fn update(
    db: &Db,
    scope: &Scope<ConnectorsWrite>,
    id: CredentialId,
    input: &Input,
) -> Result<()> {
    let old = db.read(|db| store::one(db, scope, id))?;
    let whole = input.over(as_input(&old));
    let mut fields = Fields::of(&whole, EDIT);
    let name = fields.text("name", 1..=60);
    let expires_on = fields.optional_date("expires_on");
    let (name, expires_on) = fields.finish(|| Some((name?, expires_on?)))?;
    if old.own && name != old.name {
        return Err(Error::invalid("name", "is that of its connector"));
    }
    db.write(scope.by, |tx| {
        store::one(tx, scope, id)?;
        taken(store::update(tx, id, &name, expires_on))?;
        let detail =
            json!({ "name": [old.name, name], "expires_on": [old.expires_on, expires_on] });
        audit::record(tx, "credential.changed", ("credential", id.0), old.customer, &detail)
    })
}

pub fn as_input(old: &Credential) -> Input {
    let mut input = Input::default();
    input.set("name", &old.name);
    if let Some(day) = old.expires_on {
        input.set("expires_on", day);
    }
    input
}

/// Puts a new secret in the place of the old one, once everything that signs in with it has
/// let it in. One that does not: the old one stays.
pub fn rotate(
    db: &Db,
    config: &Config,
    scope: &Scope<ConnectorsWrite>,
    id: CredentialId,
    input: &Input,
) -> Result<()> {
    let (old, lines) = db.read(|db| {
        let old = store::one(db, scope, id)?;
        let used = store::signing_in(db, id)?;
        let lines: Result<Vec<_>> = used.into_iter().map(|id| call::line(db, id)).collect();
        Ok((old, lines?))
    })?;
    if old.own {
        return Err(Error::refused("It belongs to a script or a webhook and is changed there."));
    }
    let mut fields = Fields::of(input, ROTATE);
    let secret = secret(&mut fields);
    let expires_on = match fields.has("expires_on") {
        true => fields.optional_date("expires_on"),
        false => Some(old.expires_on),
    };
    let (secret, expires_on) = fields.finish(|| Some((secret?, expires_on?)))?;
    let mut wrong = Vec::new();
    for line in &lines {
        if let Err(why) = line.lets_in(config, &secret)? {
            let text = format!("{} did not let it in, so the old one stays: {why}", line.name);
            wrong.push(Complaint::new("secret", text));
        }
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    db.write(scope.by, |tx| {
        let now = store::one(tx, scope, id)?;
        if now.changed_at != old.changed_at {
            return Err(Error::Stale("Somebody changed this meanwhile. Load it again.".into()));
        }
        store::seal(tx, id, &config.key.seal(&call::place(id), &secret)?)?;
        store::update(tx, id, &now.name, expires_on)?;
        store::try_anew(tx, id)?;
        tx.wake(crate::db::Work::Requests);
        audit::record(tx, "credential.rotated", ("credential", id.0), now.customer, &json!({}))
    })
}

pub fn destroy(db: &Db, scope: &Scope<ConnectorsWrite>, id: CredentialId) -> Result<()> {
    db.write(scope.by, |tx| {
        let found = store::one(tx, scope, id)?;
        if !found.used_by.is_empty() {
            let text = format!("{} is used by {}.", found.name, found.used_by.join(", "));
            return Err(Error::refused(text));
        }
        store::delete(tx, id)?;
        let detail = json!({ "name": found.name });
        audit::record(tx, "credential.deleted", ("credential", id.0), found.customer, &detail)
    })
}

impl Credential {
    /// Whole days until it ends.
    pub fn days_left(&self, today: Date) -> Option<i64> {
        self.expires_on.map(|day| day.days_since(today))
    }
}
