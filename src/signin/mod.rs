//! The door: signing in and out, links that set a password, and what keeps guessing slow.
//!
//! Invariant: every failure looks alike and costs one hash, whether the name exists or not; tries
//! are counted before the hash is computed.

pub mod api;
pub mod pages;
pub mod notices;
pub mod others;
pub mod outside;
mod cookies;
mod links;
mod passwords;
mod store;
mod tries;

pub use cookies::cookie;
pub use links::{Sent, forgot, link_by_code, send, set_by_link};
pub use passwords::{Chosen, check_password, days_left, put_password, rules};

use crate::auth;
use crate::auth::factor::{has_factor, take_code};
use crate::auth::password::Hasher;
use crate::db::{By, Via};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::input::one_line;
use crate::secret::Secret;
use crate::web::{App, Cx, Request};
use tries::Try;

words! {
    /// What became of a try at the door.
    Outcome { In = "in", Code = "code", Refused = "refused", Throttled = "throttled", Link = "link" }
}

/// The one answer to every try that fails.
pub const WRONG: &str = "Name or password is wrong, or you cannot sign in at present.";

/// Who a typed name means, and what their password is compared with.
struct Known {
    user: UserId,
    hash: Option<String>,
}

/// Somebody who came in, wholly or half way: what their browser is to keep.
pub struct Entered {
    pub session: Secret,
    /// What tells the browser again next time; none half way.
    pub browser: Option<Secret>,
}

/// Signs in by name and password. Who has a second factor is half in.
pub fn sign_in(app: &App, request: &Request, name: &str, password: &Secret) -> Result<Entered> {
    let name: String = one_line(name).to_lowercase().chars().take(254).collect();
    let known = app.db.read(|db| store::known(db, &name))?;
    let tried = Try::of(app, request, known.as_ref().map(|known| known.user), &name)?;
    tried.admit()?;
    let hash = known.as_ref().and_then(|known| known.hash.as_deref());
    let right = app.hasher.matches(password, hash)?;
    let user = known.as_ref().map(|known| known.user).filter(|_| right);
    if let (Some(user), Some(old)) = (user, hash.filter(|old| Hasher::is_outdated(old))) {
        let new = app.hasher.hash(password)?;
        app.db.write(By::portico(Via::Page), |tx| store::renew_hash(tx, user, old, &new))?;
    }
    let address = request.address.to_string();
    let entered = app.db.write(By { user, via: Via::Page, acting_for: None }, |tx| {
        let opened = match user {
            Some(user) => auth::open_session(tx, user, tried.door(), &address, request.browser())
                .map(|session| (user, session)),
            None => Err(Error::LoginRequired),
        };
        let (user, session) = match opened {
            Err(Error::LoginRequired) => {
                tried.failed(tx)?;
                return Ok(None);
            }
            other => other?,
        };
        let home = store::home(tx, user)?;
        passwords::end_old(tx, user, home)?;
        if has_factor(tx, user)? {
            tried.record(tx, Outcome::Code)?;
            return Ok(Some(Entered { session, browser: None }));
        }
        let told = auth::requires_factor(tx, user, home)?.is_some();
        Ok(Some(Entered { session, browser: Some(tried.entered(tx, user, told)?) }))
    })?;
    let entered = entered.ok_or_else(|| Error::refused(WRONG))?;
    match entered.browser {
        Some(_) => tried.passed(),
        None => tried.half_passed(),
    }
    Ok(entered)
}

/// The second step: a code of six digits or a recovery code makes a half sign-in whole.
pub fn give_code(cx: &Cx, typed: &Secret) -> Result<Entered> {
    let (app, user) = (cx.app, cx.actor.user);
    let session = cx.session.as_ref().ok_or(Error::LoginRequired)?;
    let name = cx.db.read(|db| store::name(db, user))?;
    let tried = Try::of(app, cx.request, Some(user), &name)?;
    tried.admit()?;
    let entered = app.db.write(cx.actor.by, |tx| {
        if !take_code(tx, &app.config.key, user, typed)? {
            tried.failed(tx)?;
            return Ok(None);
        }
        let session = session.rise(tx, true)?;
        let told = cx.actor.requires_factor.is_some();
        Ok(Some(Entered { session, browser: Some(tried.entered(tx, user, told)?) }))
    })?;
    let entered = entered.ok_or_else(|| Error::invalid("code", "is wrong or used up"))?;
    tried.passed();
    Ok(entered)
}

/// Whether `password` is the one of the person who is signed in. Counted like a sign-in.
pub fn prove(cx: &Cx, password: &Secret) -> Result<bool> {
    let (known, name) =
        cx.db.read(|db| Ok((store::by_id(db, cx.actor.user)?, store::name(db, cx.actor.user)?)))?;
    let tried = Try::of(cx.app, cx.request, Some(known.user), &name)?;
    tried.admit()?;
    let right = cx.app.hasher.matches(password, known.hash.as_deref())?;
    if right {
        tried.passed();
    } else {
        cx.db.write(By::portico(Via::Page), |tx| tried.failed(tx))?;
    }
    Ok(right)
}

/// An address of this installation that one may be sent to after signing in; anything else is Today.
pub fn own_path(to: &str) -> &str {
    let mut bytes = to.bytes();
    let begins = bytes.next() == Some(b'/') && !matches!(bytes.next(), Some(b'/' | b'\\'));
    let plain = to.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let loops = to.starts_with("/sign-") || to.starts_with("/again");
    if begins && plain && !loops && to.len() <= 2000 { to } else { "/today" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_paths_are_followed() {
        for own in ["/users/7?tab=x&y=%2F", "/", "/customers"] {
            assert_eq!(own_path(own), own);
        }
        for other in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "evil",
            "",
            "/a\tb",
            "/ü",
            "/\n/evil",
            "/sign-in?to=/",
            "javascript:alert(1)",
            "\\/evil",
            "/a\\b",
        ] {
            assert_eq!(own_path(other), "/today", "{other}");
        }
    }
}
