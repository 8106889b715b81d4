//! Every way in: sign-in, session, token, link end here, so that disabled means disabled at each.

use super::Actor;
use crate::db::{Read, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, UserId};
use crate::secret::{self, Secret};
use crate::time::{Instant, Zone};
use rusqlite::named_params;

words! {
    /// What somebody is trying to come in by. A browser they signed in with before is not locked out.
    Door { Password = "password", Known = "known", Session = "session", Token = "token", Link = "link", Job = "job" }
}

/// Who came in.
pub struct Person {
    pub home: CustomerId,
    pub name: String,
    pub epoch: i64,
    pub zone: Zone,
}

/// A browser that is signed in.
pub struct Session {
    pub user: UserId,
    /// What each form of this session carries.
    pub csrf: String,
    pub last_seen_at: Instant,
    pub proven_at: Instant,
    factor_given: bool,
    has_factor: bool,
    password_due: bool,
    hash: [u8; 32],
}

/// How far somebody has come at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The password was right; the code is missing.
    Code,
    /// The password must be replaced first.
    Password,
    /// A second factor must be set first.
    Factor,
    Whole,
}

/// Seconds in which the code must follow the password.
const HALF: i64 = 300;

/// The one function that decides who may enter: the person active and not past their last day, the
/// customer active, the door permitted. No last day shuts out who is for emergencies, nor the last
/// administrator, whose end was held.
pub fn may_enter(db: &Read, user: UserId, door: Door) -> Result<Person> {
    let found = db.maybe(
        "SELECT users.customer_id, display_name, epoch, users.state, customers.state AS customer_state,
                users.expires_on, sign_in, locked_until, customers.time_zone AS home_zone,
                coalesce(nullif(users.time_zone, ''), customers.time_zone) AS zone,
                users.expires_on IS NOT NULL
                AND (break_glass = 1
                     OR EXISTS (SELECT 1 FROM user_expiry_notices AS held
                                 WHERE held.user_id = users.id AND held.expires_on = users.expires_on AND days = 0)) AS stays
           FROM users JOIN customers ON customers.id = users.customer_id
          WHERE users.id = :user",
        named_params! { ":user": user },
        |row| {
            let zone = Zone::named(&row.get::<_, String>("zone")?).unwrap_or_else(Zone::utc);
            // A last day ends at the customer's midnight, wherever the user is.
            let home = Zone::named(&row.get::<_, String>("home_zone")?).unwrap_or_else(Zone::utc);
            let last_day: Option<crate::time::Date> = row.get("expires_on")?;
            let permitted = match row.get::<_, String>("sign_in")?.as_str() {
                "everything" => true,
                "api_only" => matches!(door, Door::Token | Door::Job),
                _ => false,
            };
            let locked = row.get::<_, Option<Instant>>("locked_until")?.is_some_and(|until| db.now < until);
            let permitted = permitted && !(locked && matches!(door, Door::Password | Door::Link));
            let active = row.get::<_, String>("state")? == "active"
                && row.get::<_, String>("customer_state")? == "active"
                && (row.get("stays")? || last_day.is_none_or(|day| db.now.day(&home) <= day));
            let person = Person {
                home: row.get("customer_id")?,
                name: row.get("display_name")?,
                epoch: row.get("epoch")?,
                zone,
            };
            Ok((permitted && active).then_some(person))
        },
    )?;
    found.flatten().ok_or(Error::LoginRequired)
}

/// Makes a session for somebody whose password was right. The only place that does.
pub fn open_session(
    tx: &Write,
    user: UserId,
    door: Door,
    address: &str,
    browser: &str,
) -> Result<Secret> {
    let person = may_enter(tx, user, door)?;
    let token = secret::token()?;
    tx.run(
        "INSERT INTO sessions (hash, user_id, csrf, epoch, address, browser, created_at, last_seen_at, proven_at)
         VALUES (:hash, :user, :csrf, :epoch, :address, :browser, :now, :now, :now)",
        named_params! {
            ":hash": secret::sha256(token.reveal().as_bytes()), ":user": user,
            ":csrf": secret::hex(&secret::random::<16>()?), ":epoch": person.epoch,
            ":address": address, ":browser": browser.chars().take(200).collect::<String>(), ":now": tx.now,
        },
    )?;
    Ok(token)
}

/// Notes that somebody is in, with all it took.
pub fn note_entry(tx: &Write, user: UserId) -> Result<()> {
    tx.run(
        "UPDATE users SET last_sign_in_at = :now WHERE id = :user",
        named_params! { ":now": tx.now, ":user": user },
    )?;
    Ok(())
}

/// The live session of a cookie: of the user's present epoch, idle for `idle` seconds at most, and
/// `whole` seconds old at most.
pub fn session(db: &Read, token: &str, idle: i64, whole: i64) -> Result<Session> {
    let hash = secret::sha256(token.as_bytes());
    let found = db.maybe(
        "SELECT user_id, csrf, sessions.created_at, last_seen_at, proven_at, factor_at IS NOT NULL AS factor_given,
                sessions.epoch = users.epoch AS current, password_due,
                EXISTS (SELECT 1 FROM factors WHERE factors.user_id = users.id) AS has_factor
           FROM sessions JOIN users ON users.id = user_id
          WHERE hash = :hash",
        named_params! { ":hash": hash },
        |row| {
            let (created_at, last_seen_at): (Instant, Instant) = (row.get("created_at")?, row.get("last_seen_at")?);
            let alive = row.get::<_, bool>("current")?
                && db.now.since(last_seen_at) <= idle
                && db.now.since(created_at) <= whole;
            let session = Session {
                user: row.get("user_id")?,
                csrf: row.get("csrf")?,
                last_seen_at,
                proven_at: row.get("proven_at")?,
                factor_given: row.get("factor_given")?,
                has_factor: row.get("has_factor")?,
                password_due: row.get("password_due")?,
                hash,
            };
            let late = session.lacks_code() && db.now.since(created_at) > HALF;
            Ok((alive && !late).then_some(session))
        },
    )?;
    found.flatten().ok_or(Error::LoginRequired)
}

/// Notes that the session was used; called once a minute at most.
pub fn touch(tx: &Write, session: &Session) -> Result<()> {
    tx.run(
        "UPDATE sessions SET last_seen_at = :now WHERE hash = :hash",
        named_params! { ":now": tx.now, ":hash": session.hash },
    )?;
    Ok(())
}

/// Ends every sign-in and link of `user` by raising the epoch; `but` is the one that stays.
pub fn end_sign_ins(tx: &Write, user: UserId, but: Option<&Session>) -> Result<()> {
    let epoch: i64 = tx.change(
        "UPDATE users SET epoch = epoch + 1 WHERE id = :user RETURNING epoch",
        named_params! { ":user": user },
    )?;
    tx.run(
        "DELETE FROM sessions WHERE user_id = :user AND hash IS NOT :kept",
        named_params! { ":user": user, ":kept": but.map(|session| session.hash) },
    )?;
    tx.run(
        "UPDATE sessions SET epoch = :epoch WHERE user_id = :user",
        named_params! { ":epoch": epoch, ":user": user },
    )?;
    Ok(())
}

impl Session {
    /// How far `actor` has come with it.
    pub fn stage(&self, actor: &Actor) -> Stage {
        match self {
            _ if self.lacks_code() => Stage::Code,
            _ if self.password_due => Stage::Password,
            _ if !self.has_factor && actor.requires_factor.is_some() => Stage::Factor,
            _ => Stage::Whole,
        }
    }

    fn lacks_code(&self) -> bool {
        self.has_factor && !self.factor_given
    }

    /// Goes on under a new cookie: an old one, seen by somebody before, is worth nothing now. The
    /// second factor counts as shown where `factor` says so.
    pub fn rise(&self, tx: &Write, factor: bool) -> Result<Secret> {
        let token = secret::token()?;
        tx.change(
            "UPDATE sessions
                SET hash = :hash, factor_at = CASE WHEN :factor THEN :now ELSE factor_at END
              WHERE hash = :old RETURNING 1",
            named_params! {
                ":hash": secret::sha256(token.reveal().as_bytes()), ":old": self.hash, ":factor": factor, ":now": tx.now,
            },
        )
        .map(|_: i64| token)
    }

    /// Notes that the password was given again.
    pub fn prove(&self, tx: &Write) -> Result<()> {
        tx.run(
            "UPDATE sessions SET proven_at = :now WHERE hash = :hash",
            named_params! { ":now": tx.now, ":hash": self.hash },
        )?;
        Ok(())
    }

    /// Ends it.
    pub fn end(&self, tx: &Write) -> Result<()> {
        tx.run("DELETE FROM sessions WHERE hash = ?1", [self.hash])?;
        Ok(())
    }

    /// Its row's key, for marking "this browser" in a list.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }
}
