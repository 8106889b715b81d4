//! Tries at the door: counted before anything is computed, by account and by address; a browser
//! somebody signed in with before has a count of its own, so that strangers cannot lock its owner out.

use super::{Outcome, store};
use crate::audit;
use crate::auth::{self, Door};
use crate::db::{By, Via, Write};
use crate::error::Result;
use crate::ids::UserId;
use crate::mail::texts;
use crate::secret::{Secret, hex, sha256, token};
use crate::web::throttle::Limit;
use crate::web::{App, Request, browser_cookie, network, too_many};
use serde_json::json;

/// Failures of one account before its tries have to wait.
const FREE: i64 = 5;
const BY_ADDRESS: Limit = Limit { tries: 20, seconds: 600 };
/// So many failures from strange browsers within a day shut the account to them.
const LOCKING: i64 = 20;
const LOCK_SECONDS: i64 = 1800;

/// One try: at whose door, and from where.
pub struct Try<'a> {
    app: &'a App,
    request: &'a Request,
    user: Option<UserId>,
    name: &'a str,
    known: bool,
    by_account: String,
    by_address: String,
}

impl<'a> Try<'a> {
    /// A try of `user`, or of nobody who typed `name`.
    pub fn of(
        app: &'a App,
        request: &'a Request,
        user: Option<UserId>,
        name: &'a str,
    ) -> Result<Try<'a>> {
        let cookie = request.cookie(browser_cookie(request));
        let known = match (user, cookie) {
            (Some(user), Some(cookie)) => app.db.read(|db| auth::is_known(db, user, cookie))?,
            _ => false,
        };
        let account = user.map_or_else(|| name.to_owned(), |user| user.to_string());
        let by_account = match cookie.filter(|_| known) {
            Some(cookie) => format!("account {account} {}", hex(&sha256(cookie.as_bytes()))),
            None => format!("account {account}"),
        };
        let by_address = format!("sign-in {}", network(request));
        Ok(Try { app, request, user, name, known, by_account, by_address })
    }

    /// The door this try comes by.
    pub fn door(&self) -> Door {
        if self.known { Door::Known } else { Door::Password }
    }

    /// Counts it; too many have to wait and are written down as such.
    pub fn admit(&self) -> Result<()> {
        let (throttle, now) = (&self.app.throttle, self.app.db.now());
        let admitted = throttle
            .count(&self.by_address, BY_ADDRESS, now)
            .and_then(|()| throttle.backoff(&self.by_account, FREE, now));
        let Err(seconds) = admitted else { return Ok(()) };
        self.app.db.write(By::portico(Via::Page), |tx| self.record(tx, Outcome::Throttled))?;
        Err(too_many(seconds))
    }

    pub fn record(&self, tx: &Write, outcome: Outcome) -> Result<()> {
        store::record(
            tx,
            &store::NewTry::of(self.request, self.user, self.name, outcome, self.known),
        )
    }

    /// Writes a failure down; the one that is too many locks strange browsers out.
    pub fn failed(&self, tx: &Write) -> Result<()> {
        self.record(tx, Outcome::Refused)?;
        let Some(user) = self.user.filter(|_| !self.known) else { return Ok(()) };
        if store::strange_failures(tx, user)? < LOCKING {
            return Ok(());
        }
        let until = tx.now.plus_seconds(LOCK_SECONDS);
        let told = store::was_locked_lately(tx, user)?;
        let home = store::lock(tx, user, until)?;
        let detail = json!({ "until": until, "address": self.request.address.to_string() });
        audit::record(tx, "user.locked", ("user", user.0), home, &detail)?;
        if told {
            return Ok(());
        }
        let what = "Somebody tried wrong passwords for your account many times. For half an hour it can \
                    be entered only from a browser you have used before.";
        texts::tell_user(
            tx,
            home,
            user,
            "user.locked",
            "Your account is locked for half an hour",
            what,
        )
    }

    /// It went well: the account's count starts anew.
    pub fn passed(&self) {
        self.app.throttle.forget(&self.by_account);
        self.app.throttle.give_back(&self.by_address);
    }

    /// The password was right and the code is still to come: only this try is taken back, so that
    /// the password does not buy new guesses at the code.
    pub fn half_passed(&self) {
        self.app.throttle.give_back(&self.by_account);
        self.app.throttle.give_back(&self.by_address);
    }

    /// Somebody is in: the browser is known from now on. What its cookie holds is given back.
    pub fn entered(&self, tx: &Write, user: UserId, told: bool) -> Result<Secret> {
        self.record(tx, Outcome::In)?;
        auth::note_entry(tx, user)?;
        texts::tell_of_emergency(tx, user, &self.request.address.to_string())?;
        let cookie = match self.request.cookie(browser_cookie(self.request)) {
            Some(cookie) if cookie.len() == 43 => Secret::new(cookie),
            _ => token()?,
        };
        auth::know(tx, user, cookie.reveal())?;
        if told && !self.known {
            let home = store::home(tx, user)?;
            let what = format!(
                "Somebody signed in to your account from a browser that was not used for it before, \
                 at the address {}.",
                self.request.address
            );
            texts::tell_user(tx, home, user, "user.new_browser", "A new browser signed in", &what)?;
        }
        Ok(cookie)
    }
}
