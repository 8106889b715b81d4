//! The door: signing in and out, links that set a password, and what keeps guessing slow.
//!
//! Invariant: every failure looks alike and costs one hash, whether the name exists or not; tries
//! are counted before the hash is computed.

pub mod api;
pub mod pages;
mod links;
mod store;

pub use links::{Sent, check_password, forgot, put_password, send, set_by_link};

use crate::auth;
use crate::db::{By, Via};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::input::one_line;
use crate::secret::Secret;
use crate::web::throttle::Limit;
use crate::web::{App, Cx, Request, network, too_many};

words! {
    /// What became of a try at the door.
    Outcome { In = "in", Refused = "refused", Throttled = "throttled", Link = "link" }
}

/// The one answer to every try that fails.
pub const WRONG: &str = "Name or password is wrong, or you cannot sign in at present.";

/// Failures of one account before its tries have to wait.
const FREE: i64 = 5;
const BY_ADDRESS: Limit = Limit { tries: 20, seconds: 600 };

/// Who a typed name means, and what their password is compared with.
struct Known {
    user: UserId,
    hash: Option<String>,
}

/// Signs in by name and password; what comes back is the new session's token.
pub fn sign_in(app: &App, request: &Request, name: &str, password: &Secret) -> Result<Secret> {
    let name: String = one_line(name).to_lowercase().chars().take(254).collect();
    let known = app.db.read(|db| store::known(db, &name))?;
    let (by_account, by_address) = (account_key(known.as_ref(), &name), address_key(request));
    let record =
        |outcome| store::NewTry::of(request, known.as_ref().map(|k| k.user), &name, outcome);
    let now = app.db.now();
    let admitted = app
        .throttle
        .count(&by_address, BY_ADDRESS, now)
        .and_then(|()| app.throttle.backoff(&by_account, FREE, now));
    if let Err(seconds) = admitted {
        let by = By::portico(Via::Page);
        app.db.write(by, |tx| store::record(tx, &record(Outcome::Throttled)))?;
        return Err(too_many(seconds));
    }
    let hash = known.as_ref().and_then(|known| known.hash.as_deref());
    let right = app.hasher.matches(password, hash)?;
    let user = known.as_ref().map(|known| known.user).filter(|_| right);
    let opened = app.db.write(By { user, via: Via::Page }, |tx| {
        let opened = match user {
            Some(user) => {
                auth::open_session(tx, user, &request.address.to_string(), request.browser())
            }
            None => Err(Error::LoginRequired),
        };
        match opened {
            Ok(token) => {
                store::record(tx, &record(Outcome::In))?;
                Ok(Some(token))
            }
            Err(Error::LoginRequired) => {
                store::record(tx, &record(Outcome::Refused))?;
                Ok(None)
            }
            Err(err) => Err(err),
        }
    })?;
    let token = opened.ok_or_else(|| Error::refused(WRONG))?;
    app.throttle.forget(&by_account);
    app.throttle.give_back(&by_address);
    Ok(token)
}

/// Whether `password` is the one of the person who is signed in. Counted like a sign-in.
pub fn prove(cx: &Cx, password: &Secret) -> Result<bool> {
    let known = cx.db.read(|db| store::by_id(db, cx.actor.user))?;
    let (by_account, now) = (account_key(Some(&known), ""), cx.db.now());
    cx.app.throttle.backoff(&by_account, FREE, now).map_err(too_many)?;
    let right = cx.app.hasher.matches(password, known.hash.as_deref())?;
    if right {
        cx.app.throttle.forget(&by_account);
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

fn account_key(known: Option<&Known>, name: &str) -> String {
    match known {
        Some(known) => format!("account {}", known.user),
        None => format!("account {name}"),
    }
}

fn address_key(request: &Request) -> String {
    format!("sign-in {}", network(request))
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
