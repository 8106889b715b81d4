//! What those who look after people do to the sign-in of one of them: end, unlock, ask for a new
//! password, reset a second factor, make sure who is on the telephone.

use super::store;
use crate::audit;
use crate::auth::factor::drop_factor;
use crate::auth::permissions::{UsersDisable, UsersMfa, UsersPassword, UsersRead};
use crate::auth::{self, Actor, Permission, Purpose, Scope};
use crate::customers::settings;
use crate::db::{By, Db, Read, Via, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, UserId};
use crate::input::{Field, Fields, Input};
use crate::mail::texts;
use crate::secret::sha256;
use crate::time::Instant;
use crate::web::App;
use serde_json::{Value, json};

pub const RESET: &[Field] = &[Field::text("reason", "5–200 characters").required()];
pub const VERIFY: &[Field] =
    &[Field::integer("address", "which of the addresses on file, from 0 on").required()];
pub const STAYS: &[Field] = &[Field::boolean("password_stays", "whether it never ends")];

/// For how long somebody counts as verified.
const VERIFIED: i64 = 900;

/// How the sign-in of a user stands, for those who look after them.
#[derive(Clone, serde::Serialize)]
pub struct Standing {
    pub locked_until: Option<Instant>,
    pub has_factor: bool,
    pub has_password: bool,
    pub password_due: bool,
    pub password_stays: bool,
    pub password_set_at: Option<Instant>,
    pub last_sign_in_at: Option<Instant>,
    /// Browsers signed in at present.
    pub sign_ins: i64,
}

/// An answer that was asked for by mail.
#[derive(Clone, serde::Serialize)]
pub struct Verification {
    /// Masked.
    pub address: String,
    pub asked_at: Instant,
    pub verified_at: Option<Instant>,
}

pub fn standing(db: &Read, scope: &Scope<UsersRead>, user: UserId) -> Result<Standing> {
    store::standing(db, scope, user)
}

/// Ends every sign-in and mailed link of `user`.
pub fn end_sessions(
    db: &Db,
    actor: &Actor,
    scope: &Scope<UsersDisable>,
    user: UserId,
) -> Result<()> {
    act(db, scope, user, "user.sessions_ended", json!({}), |tx| {
        auth::not_stronger_peer::<UsersDisable>(tx, actor, user)?;
        auth::end_sign_ins(tx, user, None)
    })
}

/// Lifts a lock. There is no way to set one: disabling is for that.
pub fn unlock(app: &App, actor: &Actor, scope: &Scope<UsersDisable>, user: UserId) -> Result<()> {
    act(&app.db, scope, user, "user.unlocked", json!({}), |tx| {
        auth::not_stronger_peer::<UsersDisable>(tx, actor, user)?;
        match store::unlock(tx, user)? {
            true => Ok(()),
            false => Err(Error::refused("This account is not locked.")),
        }
    })?;
    app.throttle.forget(&format!("account {user}"));
    Ok(())
}

/// The password must be replaced before anything else.
pub fn require_password(db: &Db, scope: &Scope<UsersPassword>, user: UserId) -> Result<()> {
    act(db, scope, user, "user.password_required", json!({}), |tx| {
        store::require_password(tx, user, true)
    })
}

/// Whether the password has no end, where the customer allows that.
pub fn let_password_stay(
    db: &Db,
    scope: &Scope<UsersPassword>,
    user: UserId,
    input: &Input,
) -> Result<()> {
    let mut fields = Fields::of(input, STAYS);
    let stays = fields.flag("password_stays");
    let stays = fields.finish(|| stays)?;
    let detail = json!({ "password_stays": stays });
    act(db, scope, user, "user.password_stays", detail, |tx| {
        let home = store::home(tx, user)?;
        if stays && !settings::flag(tx, home, "never_expires_allowed")? {
            return Err(Error::invalid("password_stays", "is not allowed at this customer"));
        }
        store::let_password_stay(tx, user, stays)
    })
}

/// Takes the second factor of somebody who lost it, with everything that was proven by it.
pub fn reset_factor(
    db: &Db,
    actor: &Actor,
    scope: &Scope<UsersMfa>,
    user: UserId,
    input: &Input,
) -> Result<()> {
    let mut fields = Fields::of(input, RESET);
    let reason = fields.text("reason", 5..=200);
    let reason = fields.finish(|| reason)?;
    let told = format!("The second factor of your account was reset: {reason}");
    act(db, scope, user, "user.factor_reset", json!({ "reason": reason }), |tx| {
        auth::not_oneself(actor, user)?;
        auth::not_stronger_peer::<UsersMfa>(tx, actor, user)?;
        take_factor(tx, user, &told)
    })
}

/// The same without asking who does it: for whoever owns the shell.
pub fn take_factor(tx: &Write, user: UserId, told: &str) -> Result<()> {
    drop_factor(tx, user)?;
    store::revoke_tokens(tx, user)?;
    auth::end_sign_ins(tx, user, None)?;
    let home = store::home(tx, user)?;
    let subject = "Your second factor was reset";
    texts::tell_user(tx, home, user, "user.factor_reset", subject, told)
}

/// The addresses on file, masked: what a helper may see of them.
pub fn masked_addresses(
    db: &Read,
    scope: &Scope<UsersPassword>,
    user: UserId,
) -> Result<Vec<String>> {
    store::person(db, scope, user)?;
    Ok(texts::addresses(db, user)?.iter().map(|each| masked(each)).collect())
}

/// Mails `user` the question whether it is they whom the actor speaks with.
pub fn ask_who(app: &App, scope: &Scope<UsersPassword>, user: UserId, input: &Input) -> Result<()> {
    let mut fields = Fields::of(input, VERIFY);
    let place = fields.integer("address", 0..=19);
    let place = fields.finish(|| place)?;
    app.db.write(scope.by, |tx| {
        let (_, name) = store::person(tx, scope, user)?;
        let all = texts::addresses(tx, user)?;
        if all.is_empty() {
            return Err(Error::refused(format!("{name} has no address a link could go to.")));
        }
        let address = usize::try_from(place).ok().and_then(|place| all.get(place));
        let address =
            address.ok_or_else(|| Error::invalid("address", "is not one of the choices"))?;
        let (key, good) = (&app.config.key, texts::lifetime(Purpose::Verify));
        let (_, path) = texts::send_link_to(tx, key, user, Purpose::Verify, good, address)?;
        let token = path.reveal().strip_prefix(Purpose::Verify.place()).unwrap_or_default();
        store::ask_who(tx, user, &masked(address), &sha256(token.as_bytes()))
    })
}

/// The latest question of the actor, if it still counts for anything.
pub fn asked(
    db: &Read,
    scope: &Scope<UsersPassword>,
    user: UserId,
) -> Result<Option<Verification>> {
    store::person(db, scope, user)?;
    store::asked(db, scope.by.user, user, db.now.plus_seconds(-VERIFIED))
}

/// Whether the actor has made sure of `user` within a quarter of an hour.
pub fn is_verified(db: &Read, actor: &Actor, user: UserId) -> Result<bool> {
    let asked = store::asked(db, Some(actor.user), user, db.now.plus_seconds(-VERIFIED))?;
    Ok(asked.is_some_and(|asked| asked.verified_at.is_some()))
}

/// Who asks, by the link that was mailed: their name, for the page with the button.
pub fn who_asks(db: &Read, token: &str) -> Result<String> {
    let link = auth::link(db, Purpose::Verify, token, None)?;
    store::who_asks(db, link.hash())
}

/// The person pressed the button.
pub fn say_yes(app: &App, token: &str) -> Result<String> {
    let user = app.db.read(|db| auth::link(db, Purpose::Verify, token, None))?.user;
    app.db.write(By { user: Some(user), via: Via::Link, acting_for: None }, |tx| {
        let link = auth::link(tx, Purpose::Verify, token, None)?;
        let by = store::who_asks(tx, link.hash())?;
        link.use_up(tx)?;
        store::say_yes(tx, link.hash())?;
        let home = store::home(tx, user)?;
        audit::record(tx, "user.verified", ("user", user.0), home, &json!({ "asked_by": by }))?;
        Ok(by)
    })
}

/// Proves that an address elsewhere is the user's own.
pub fn prove_address(app: &App, token: &str) -> Result<()> {
    let user = app.db.read(|db| auth::link(db, Purpose::Recovery, token, None))?.user;
    app.db.write(By { user: Some(user), via: Via::Link, acting_for: None }, |tx| {
        let link = auth::link(tx, Purpose::Recovery, token, None)?;
        link.use_up(tx)?;
        let home = store::prove_address(tx, user)?;
        audit::record(tx, "user.recovery_proven", ("user", user.0), home, &json!({}))
    })
}

fn act<P: Permission>(
    db: &Db,
    scope: &Scope<P>,
    user: UserId,
    event: &str,
    detail: Value,
    act: impl FnOnce(&Write) -> Result<()>,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let home: CustomerId = store::home_within(tx, scope, user)?;
        act(tx)?;
        audit::record(tx, event, ("user", user.0), home, &detail)
    })
}

/// `m•••@t•••.example`: enough to tell addresses apart.
fn masked(address: &str) -> String {
    let (local, host) = address.split_once('@').unwrap_or((address, ""));
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    let end = host.rsplit_once('.').map_or("", |(_, end)| end);
    format!("{}•••@{}•••.{end}", first(local), first(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_address_tells_little() {
        assert_eq!(masked("maren@home.example"), "m•••@h•••.example");
        assert_eq!(masked("odd"), "o•••@•••.");
    }
}
