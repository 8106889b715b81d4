//! What whoever owns the shell may do when nobody can sign in, or for a program that is to be let
//! in. Portico itself answers for it in the audit log, by way of the shell.

mod store;

use crate::account;
use crate::audit;
use crate::auth::password::Hasher;
use crate::auth::permissions::TokensOwn;
use crate::auth::{self, Actor, Door};
use crate::catalogue::documents::{self, File};
use crate::catalogue::plans::Author;
use crate::db::{By, Db, Via};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::input::Input;
use crate::many::import::{self, Report};
use crate::secret::{Key, Secret, hex, sha256};
use crate::signin;
use crate::time::Instant;
use serde_json::json;

const SHELL: By = By { user: None, via: Via::Shell, acting_for: None };

/// Somebody who holds the role of an administrator.
pub struct Administrator {
    pub upn: String,
    pub name: String,
    pub role: String,
    pub customer: String,
    pub state: String,
    pub last_sign_in_at: Option<Instant>,
}

/// Everybody who administers something, the provider's first.
pub fn administrators(db: &Db) -> Result<Vec<Administrator>> {
    db.read(store::administrators)
}

/// The user with this sign-in name.
pub fn find(db: &Db, upn: &str) -> Result<UserId> {
    let found = db.read(|db| store::by_upn(db, &upn.to_lowercase()))?;
    found.ok_or_else(|| Error::refused(format!("Nobody signs in as {upn}.")))
}

/// Makes an API token for `user`, who must be allowed to have one.
pub fn make_token(db: &Db, user: UserId, input: &Input) -> Result<Secret> {
    let mut actor: Actor =
        db.read(|db| auth::actor(db, user, Door::Token, Via::Shell)).map_err(|err| match err {
            Error::LoginRequired => Error::refused("This user is disabled or may not use the API."),
            other => other,
        })?;
    actor.by = SHELL;
    let own = actor.own::<TokensOwn>()?;
    account::make_token(db, &actor, &own, input).map(|(_, text)| text)
}

/// Sets a password without knowing the old one; every sign-in ends.
pub fn reset_password(
    db: &Db,
    key: &Key,
    hasher: &Hasher,
    user: UserId,
    new: &Secret,
) -> Result<()> {
    signin::check_password(db, hasher, user, new)?;
    let hash = hasher.hash(new)?;
    db.write(SHELL, |tx| {
        let chosen = signin::Chosen { hash: &hash, text: new };
        let home = signin::put_password(tx, key, user, &chosen, None)?;
        audit::record(tx, "user.password_changed", ("user", user.0), home, &json!({}))
    })
}

/// Ends every sign-in and mailed link of `user`.
pub fn end_sessions(db: &Db, user: UserId) -> Result<()> {
    db.write(SHELL, |tx| {
        auth::end_sign_ins(tx, user, None)?;
        let home = store::home(tx, user)?;
        audit::record(tx, "user.sign_ins_ended", ("user", user.0), home, &json!({}))
    })
}

/// Takes the second factor of somebody who lost it, with tokens and sign-ins.
pub fn reset_factor(db: &Db, user: UserId, reason: &str) -> Result<()> {
    db.write(SHELL, |tx| {
        let told = format!("The second factor of your account was reset: {reason}");
        signin::others::take_factor(tx, user, &told)?;
        let home = store::home(tx, user)?;
        audit::record(tx, "user.factor_reset", ("user", user.0), home, &json!({ "reason": reason }))
    })
}

/// Lifts a lock after too many failures; whether there was one.
pub fn unlock(db: &Db, user: UserId) -> Result<bool> {
    db.write(SHELL, |tx| {
        let home = store::home(tx, user)?;
        let lifted = store::unlock(tx, user)?;
        if lifted {
            audit::record(tx, "user.unlocked", ("user", user.0), home, &json!({}))?;
        }
        Ok(lifted)
    })
}

/// Brings services from files into the catalogue.
pub fn apply(
    db: &Db,
    key: &Key,
    files: &[File],
    dry_run: bool,
    prune: bool,
) -> Result<documents::Outcome> {
    let scope = Actor::of_shell().scope()?;
    documents::apply(db, &Author::of_files(&scope, key, true), files, dry_run, prune)
}

/// Imports users of the customer with this code.
pub fn import_users(db: &Db, code: &str, bytes: &[u8], dry_run: bool) -> Result<Report> {
    let found = db.read(|db| store::by_code(db, code))?;
    let customer =
        found.ok_or_else(|| Error::refused(format!("No customer has the code {code}.")))?;
    let report = import::import_users(db, &Actor::of_shell(), customer, bytes, dry_run)?;
    if report.written {
        let hash = hex(&sha256(bytes));
        db.write(SHELL, |tx| import::record(tx, customer, &report, &hash))?;
    }
    Ok(report)
}
