//! Links that set a password: asked for at the door, sent by those who look after people, used once.

use super::others::is_verified;
use super::passwords::{Chosen, check_password, put_password};
use super::tries::Try;
use super::{Known, Outcome, store};
use crate::audit;
use crate::auth::factor::{has_factor, take_code, take_one_time_code, take_recovery_code};
use crate::auth::permissions::UsersPassword;
use crate::auth::{self, Actor, Door, Purpose, Scope};
use crate::customers::settings;
use crate::db::{By, Via};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::input::one_line;
use crate::mail::texts;
use crate::secret::Secret;
use crate::web::throttle::Limit;
use crate::web::{App, Request, browser_cookie, network};
use serde_json::json;

const BY_ACCOUNT: Limit = Limit { tries: 3, seconds: 3600 };
const BY_ADDRESS: Limit = Limit { tries: 20, seconds: 3600 };
/// A link somebody asked for at the door works for half an hour.
const ASKED_FOR: i64 = 1800;
const WRONG_CODES: &str = "Name or codes are wrong, or this account cannot be reset this way.";

/// What became of a link.
pub struct Sent {
    /// The address it went to; empty when it was shown instead.
    pub to: String,
    /// The link itself, for people without a mailbox.
    pub shown: Option<Secret>,
}

/// Somebody forgot the password of `name`. Nobody can tell from the answer whether there is such an
/// account: either way one row is written.
pub fn forgot(app: &App, request: &Request, name: &str) -> Result<()> {
    let name: String = one_line(name).to_lowercase().chars().take(254).collect();
    let known = app.db.read(|db| store::known(db, &name))?;
    let now = app.db.now();
    let account = known.as_ref().map_or_else(|| name.clone(), |known| known.user.to_string());
    let admitted = app
        .throttle
        .count(&format!("links {}", network(request)), BY_ADDRESS, now)
        .and_then(|()| app.throttle.count(&format!("link of {account}"), BY_ACCOUNT, now))
        .is_ok();
    app.db.write(By::portico(Via::Page), |tx| {
        let user = known.as_ref().map(|known| known.user);
        store::record(tx, &store::NewTry::of(request, user, &name, Outcome::Link, false))?;
        let Some(Known { user, .. }) = known.filter(|_| admitted) else { return Ok(()) };
        let reachable = settings::flag(tx, store::home(tx, user)?, "self_reset")?
            && texts::link_address(tx, user, Purpose::Password)?.is_some();
        match auth::may_enter(tx, user, Door::Link) {
            Ok(person) if reachable => {
                texts::send_link_for(tx, &app.config.key, user, Purpose::Password, ASKED_FOR)?;
                let detail = json!({ "asked_for_at": "door" });
                audit::record(tx, "user.link_sent", ("user", user.0), person.home, &detail)
            }
            Ok(_) | Err(Error::LoginRequired) => Ok(()),
            Err(err) => Err(err),
        }
    })
}

/// Sends `user` a link, or shows it once to those who hold all that the user holds.
pub fn send(
    app: &App,
    actor: &Actor,
    scope: &Scope<UsersPassword>,
    user: UserId,
    purpose: Purpose,
    show: bool,
) -> Result<Sent> {
    auth::not_acting(actor)?;
    let base_url = app.settings()?.base_url.clone();
    app.db.write(scope.by, |tx| {
        let (home, name) = store::person(tx, scope, user)?;
        match auth::may_enter(tx, user, Door::Link) {
            Err(Error::LoginRequired) => {
                return Err(Error::refused(format!("{name} cannot sign in at present.")));
            }
            other => other?,
        };
        let event = match purpose {
            Purpose::Welcome => "user.invited",
            _ => "user.link_sent",
        };
        let sent = if show {
            auth::not_stronger(tx, actor, user)?;
            if settings::flag(tx, home, "verify_before_link")? && !is_verified(tx, actor, user)? {
                return Err(Error::refused(format!("Verify {name} first.")));
            }
            if base_url.is_empty() {
                return Err(Error::refused(
                    "Set the address of this installation on the settings page first: links begin with it.",
                ));
            }
            let path = auth::make_link(tx, user, purpose, texts::lifetime(purpose))?;
            let link = Secret::new(format!("{base_url}{}", path.reveal()));
            Sent { to: String::new(), shown: Some(link) }
        } else {
            let to = texts::link_address(tx, user, purpose)?.unwrap_or_default();
            texts::send_link(tx, &app.config.key, user, purpose)?;
            Sent { to, shown: None }
        };
        let detail = json!({ "to": sent.to, "shown": show });
        audit::record(tx, event, ("user", user.0), home, &detail)?;
        Ok(sent)
    })
}

/// Sets the password of the person a link belongs to, and uses the link up. Every sign-in ends.
pub fn set_by_link(
    app: &App,
    request: &Request,
    purpose: Purpose,
    token: &str,
    (new, code): (&Secret, &Secret),
) -> Result<()> {
    let browser = request.cookie(browser_cookie(request));
    let (user, enrolled, name) = app.db.read(|db| {
        let user = auth::link(db, purpose, token, browser)?.user;
        Ok((user, has_factor(db, user)?, store::name(db, user)?))
    })?;
    check_password(&app.db, &app.hasher, user, new)?;
    let tried = Try::of(app, request, Some(user), &name)?;
    if enrolled {
        tried.admit()?;
    }
    let hash = app.hasher.hash(new)?;
    let set = app.db.write(By { user: Some(user), via: Via::Link, acting_for: None }, |tx| {
        let link = auth::link(tx, purpose, token, browser)?;
        if enrolled && !take_code(tx, &app.config.key, user, code)? {
            tried.failed(tx)?;
            return Ok(false);
        }
        link.use_up(tx)?;
        store::unlock(tx, user)?;
        let chosen = Chosen { hash: &hash, text: new };
        let home = put_password(tx, &app.config.key, user, &chosen, None)?;
        let event = match purpose {
            Purpose::Welcome => "user.password_set",
            _ => "user.password_reset",
        };
        if purpose == Purpose::Password {
            store::revoke_tokens(tx, user)?;
        }
        audit::record(tx, event, ("user", user.0), home, &json!({}))?;
        let what = "The password of your account was set by a link.";
        texts::tell_user(tx, home, user, event, "Your password was set", what)?;
        Ok(true)
    })?;
    if !set {
        return Err(Error::invalid("code", "is wrong or used up"));
    }
    app.throttle.forget(&format!("account {user}"));
    if enrolled {
        tried.passed();
    }
    Ok(())
}

/// Makes a link without a mail, for somebody who shows both a code of their device and a recovery
/// code, where the customer allows that and no role asks for a second factor. Its path.
pub fn link_by_code(
    app: &App,
    request: &Request,
    name: &str,
    codes: [&Secret; 2],
) -> Result<Secret> {
    let name: String = one_line(name).to_lowercase().chars().take(254).collect();
    let known = app.db.read(|db| store::known(db, &name))?;
    let user = known.as_ref().map(|known| known.user);
    let tried = Try::of(app, request, user, &name)?;
    tried.admit()?;
    let [code, recovery] = codes;
    let made = app.db.write(By { user, via: Via::Page, acting_for: None }, |tx| {
        let Some(user) = user else {
            tried.failed(tx)?;
            return Ok(None);
        };
        let home = store::home(tx, user)?;
        let allowed = settings::flag(tx, home, "self_reset")?
            && settings::flag(tx, home, "reset_by_code")?
            && auth::requires_factor(tx, user, home)?.is_none();
        let entered = match auth::may_enter(tx, user, Door::Link) {
            Err(Error::LoginRequired) => false,
            other => other.map(|_| true)?,
        };
        let key = &app.config.key;
        let right = allowed
            && entered
            && take_one_time_code(tx, key, user, code)?
            && take_recovery_code(tx, key, user, recovery)?;
        if !right {
            tried.failed(tx)?;
            return Ok(None);
        }
        // Both codes are used up; the link asks for another one of the device.
        let path = auth::make_link(tx, user, Purpose::Password, ASKED_FOR)?;
        let detail = json!({ "asked_for_at": "door", "by": "code" });
        audit::record(tx, "user.link_sent", ("user", user.0), home, &detail)?;
        Ok(Some(path))
    })?;
    let made = made.ok_or_else(|| Error::refused(WRONG_CODES))?;
    tried.passed();
    Ok(made)
}
