//! Who a name means, tries at the door, and the password's place. Before somebody is signed in there
//! is no scope: these statements are about one person, whom a name or a link has found.

use super::others::{Standing, Verification};
use super::{Known, Outcome};
use crate::auth::Scope;
use crate::auth::permissions::{UsersPassword, UsersRead};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use crate::time::Instant;
use crate::web::Request;
use rusqlite::named_params;

pub struct NewTry<'a> {
    user: Option<UserId>,
    name: &'a str,
    address: String,
    browser: String,
    outcome: Outcome,
    known: bool,
}

impl<'a> NewTry<'a> {
    pub fn of(
        request: &Request,
        user: Option<UserId>,
        name: &'a str,
        outcome: Outcome,
        known: bool,
    ) -> NewTry<'a> {
        let browser = request.browser().chars().take(200).collect();
        NewTry { user, name, address: request.address.to_string(), browser, outcome, known }
    }
}

pub fn known(db: &Read, name: &str) -> Result<Option<Known>> {
    db.maybe(
        "SELECT users.id, password_hash
           FROM user_names JOIN users ON users.id = user_id
          WHERE name = ?1",
        [name],
        |row| Ok(Known { user: row.get("id")?, hash: row.get("password_hash")? }),
    )
}

pub fn by_id(db: &Read, user: UserId) -> Result<Known> {
    db.one("SELECT id, password_hash FROM users WHERE id = ?1", [user], |row| {
        Ok(Known { user: row.get("id")?, hash: row.get("password_hash")? })
    })
}

pub fn record(tx: &Write, new: &NewTry) -> Result<()> {
    tx.run(
        "INSERT INTO sign_ins (at, user_id, name, address, browser, known, outcome)
         VALUES (:now, :user, :name, :address, :browser, :known, :outcome)",
        named_params! {
            ":now": tx.now, ":user": new.user, ":name": new.name, ":address": new.address,
            ":browser": new.browser, ":known": new.known, ":outcome": new.outcome,
        },
    )?;
    Ok(())
}

/// The customer and name of somebody within reach.
pub fn person(
    db: &Read,
    scope: &Scope<UsersPassword>,
    user: UserId,
) -> Result<(CustomerId, String)> {
    db.one(
        "SELECT customer_id, display_name FROM users
          WHERE id = :user AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                                          AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":user": user, ":scope": scope },
        |row| Ok((row.get("customer_id")?, row.get("display_name")?)),
    )
}

/// What a password of this person must not consist of.
pub fn hints(db: &Read, user: UserId) -> Result<Vec<String>> {
    db.one(
        "SELECT first_name, last_name, display_name, coalesce(upn, '') AS upn, coalesce(mail, '') AS mail,
                customers.name AS customer, code,
                (SELECT house.name FROM customers house WHERE house.id = 1) AS house
           FROM users JOIN customers ON customers.id = users.customer_id
          WHERE users.id = ?1",
        [user],
        |row| {
            let mut hints: Vec<String> = Vec::new();
            for column in ["first_name", "last_name", "display_name", "upn", "mail", "customer", "code", "house"] {
                let text: String = row.get(column)?;
                hints.extend(text.split([' ', '@', '.']).map(str::to_owned));
                hints.push(text.chars().filter(|c| c.is_alphanumeric()).collect());
                hints.push(text);
            }
            Ok(hints)
        },
    )
}

pub fn put_password(tx: &Write, user: UserId, hash: &str) -> Result<CustomerId> {
    tx.change(
        "UPDATE users SET password_hash = :hash, password_set_at = :now, password_due = 0, changed_at = :now
          WHERE id = :user RETURNING customer_id",
        named_params! { ":hash": hash, ":now": tx.now, ":user": user },
    )
}

pub fn revoke_tokens(tx: &Write, user: UserId) -> Result<()> {
    tx.run(
        "UPDATE tokens SET revoked_at = :now WHERE user_id = :user AND revoked_at IS NULL",
        named_params! { ":now": tx.now, ":user": user },
    )?;
    Ok(())
}

pub fn home(db: &Read, user: UserId) -> Result<CustomerId> {
    db.one("SELECT customer_id FROM users WHERE id = ?1", [user], |row| row.get("customer_id"))
}

/// What the person is called.
pub fn display_name(db: &Read, user: UserId) -> Result<String> {
    db.one("SELECT display_name FROM users WHERE id = ?1", [user], |row| row.get("display_name"))
}

/// The sign-in name.
pub fn name(db: &Read, user: UserId) -> Result<String> {
    db.one("SELECT coalesce(upn, '') AS upn FROM users WHERE id = ?1", [user], |row| row.get("upn"))
}

/// Failures from strange browsers within a day and since the last lock began to end.
pub fn strange_failures(db: &Read, user: UserId) -> Result<i64> {
    db.value(
        "SELECT count(*) FROM sign_ins
          WHERE user_id = :user AND at > max(:since, coalesce((SELECT locked_until FROM users WHERE id = :user), ''))
            AND outcome = 'refused' AND known = 0",
        named_params! { ":user": user, ":since": db.now.plus_days(-1) },
    )
}

/// Whether a lock began within a day: one mail about it is enough.
pub fn was_locked_lately(db: &Read, user: UserId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM users WHERE id = :user AND locked_until > :since)",
        named_params! { ":user": user, ":since": db.now.plus_days(-1) },
    )
}

pub fn lock(tx: &Write, user: UserId, until: Instant) -> Result<CustomerId> {
    tx.change(
        "UPDATE users SET locked_until = :until WHERE id = :user RETURNING customer_id",
        named_params! { ":until": until, ":user": user },
    )
}

/// Lifts a lock; whether there was one.
pub fn unlock(tx: &Write, user: UserId) -> Result<bool> {
    let lifted = tx.run(
        "UPDATE users SET locked_until = :now WHERE id = :user AND locked_until > :now",
        named_params! { ":user": user, ":now": tx.now },
    )?;
    Ok(lifted == 1)
}

/// The last passwords of `user`, the present one included, `most` at most.
pub fn earlier(db: &Read, user: UserId, most: i64) -> Result<Vec<String>> {
    db.all(
        "SELECT hash FROM (
            SELECT 0 AS place, password_hash AS hash FROM users WHERE id = :user AND password_hash IS NOT NULL
             UNION ALL
            SELECT -id, hash FROM password_history WHERE user_id = :user)
          ORDER BY place = 0 DESC, place LIMIT :most",
        named_params! { ":user": user, ":most": most },
        |row| row.get("hash"),
    )
}

/// Keeps the present password among the earlier ones, of which `most` stay.
pub fn remember_password(tx: &Write, user: UserId, most: i64) -> Result<()> {
    tx.run(
        "INSERT INTO password_history (user_id, hash)
         SELECT id, password_hash FROM users WHERE id = ?1 AND password_hash IS NOT NULL",
        [user],
    )?;
    tx.run(
        "DELETE FROM password_history WHERE user_id = :user AND id NOT IN
           (SELECT id FROM password_history WHERE user_id = :user ORDER BY id DESC LIMIT :most)",
        named_params! { ":user": user, ":most": most },
    )?;
    Ok(())
}

/// When the present password was set; none where there is none, or where it has no end.
pub fn password_since(db: &Read, user: UserId, exempt: bool) -> Result<Option<Instant>> {
    db.one(
        "SELECT password_set_at FROM users WHERE id = :user AND NOT (:exempt AND password_stays = 1)
         UNION ALL SELECT NULL LIMIT 1",
        named_params! { ":user": user, ":exempt": exempt },
        |row| row.get("password_set_at"),
    )
}

pub fn require_password(tx: &Write, user: UserId, due: bool) -> Result<()> {
    tx.run("UPDATE users SET password_due = ?1 WHERE id = ?2", (due, user))?;
    Ok(())
}

pub fn let_password_stay(tx: &Write, user: UserId, stays: bool) -> Result<()> {
    tx.run("UPDATE users SET password_stays = ?1 WHERE id = ?2", (stays, user))?;
    Ok(())
}

/// The same hash with the parameters of today.
pub fn renew_hash(tx: &Write, user: UserId, old: &str, new: &str) -> Result<()> {
    tx.run(
        "UPDATE users SET password_hash = :new WHERE id = :user AND password_hash = :old",
        named_params! { ":new": new, ":user": user, ":old": old },
    )?;
    Ok(())
}

pub fn home_within<P>(db: &Read, scope: &Scope<P>, user: UserId) -> Result<CustomerId> {
    db.one(
        "SELECT customer_id FROM users
          WHERE id = :user AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                                          AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":user": user, ":scope": scope },
        |row| row.get("customer_id"),
    )
}

pub fn standing(db: &Read, scope: &Scope<UsersRead>, user: UserId) -> Result<Standing> {
    db.one(
        "SELECT CASE WHEN locked_until > :now THEN locked_until END AS locked_until,
                EXISTS (SELECT 1 FROM factors WHERE user_id = users.id) AS has_factor,
                password_hash IS NOT NULL AS has_password, password_due, password_stays, password_set_at,
                last_sign_in_at,
                (SELECT count(*) FROM sessions WHERE user_id = users.id AND sessions.epoch = users.epoch) AS sign_ins
           FROM users
          WHERE id = :user AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                                          AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":user": user, ":scope": scope, ":now": db.now },
        |row| {
            Ok(Standing {
                locked_until: row.get("locked_until")?,
                has_factor: row.get("has_factor")?,
                has_password: row.get("has_password")?,
                password_due: row.get("password_due")?,
                password_stays: row.get("password_stays")?,
                password_set_at: row.get("password_set_at")?,
                last_sign_in_at: row.get("last_sign_in_at")?,
                sign_ins: row.get("sign_ins")?,
            })
        },
    )
}

pub fn ask_who(tx: &Write, user: UserId, address: &str, link: &[u8; 32]) -> Result<()> {
    tx.run(
        "INSERT INTO verifications (user_id, asked_by, address, link, asked_at)
         VALUES (:user, :by, :address, :link, :now)",
        named_params! {
            ":user": user, ":by": tx.by.user, ":address": address, ":link": link, ":now": tx.now,
        },
    )?;
    Ok(())
}

/// The latest question of `by`; an answer counts from `since` on.
pub fn asked(
    db: &Read,
    by: Option<UserId>,
    user: UserId,
    since: Instant,
) -> Result<Option<Verification>> {
    db.maybe(
        "SELECT address, asked_at, CASE WHEN verified_at > :since THEN verified_at END AS verified_at
           FROM verifications
          WHERE user_id = :user AND asked_by = :by AND asked_at > :since
          ORDER BY id DESC LIMIT 1",
        named_params! { ":user": user, ":by": by, ":since": since },
        |row| {
            Ok(Verification {
                address: row.get("address")?,
                asked_at: row.get("asked_at")?,
                verified_at: row.get("verified_at")?,
            })
        },
    )
}

pub fn who_asks(db: &Read, link: &[u8; 32]) -> Result<String> {
    db.one(
        "SELECT display_name FROM verifications JOIN users ON users.id = asked_by WHERE link = ?1",
        [link],
        |row| row.get("display_name"),
    )
}

pub fn say_yes(tx: &Write, link: &[u8; 32]) -> Result<()> {
    tx.run("UPDATE verifications SET verified_at = ?1 WHERE link = ?2", (tx.now, link))?;
    Ok(())
}

pub fn prove_address(tx: &Write, user: UserId) -> Result<CustomerId> {
    tx.change(
        "UPDATE users SET recovery_proven = 1
          WHERE id = ?1 AND recovery_email <> '' RETURNING customer_id",
        [user],
    )
}

/// A password whose end is near.
pub struct Ending {
    pub user: UserId,
    pub customer: CustomerId,
    pub since: Instant,
    pub stays: bool,
}

/// The customers that a maximum age may hold at.
pub fn with_ages(db: &Read) -> Result<Vec<CustomerId>> {
    db.all(
        "SELECT DISTINCT below FROM customer_settings CROSS JOIN customer_tree ON above = customer_id
          WHERE key = 'password_max_age' ORDER BY below",
        [],
        |row| row.get("below"),
    )
}

/// The passwords of a customer's active people.
pub fn passwords_of(db: &Read, customer: CustomerId) -> Result<Vec<Ending>> {
    db.all(
        "SELECT id, customer_id, password_set_at, password_stays FROM users
          WHERE customer_id = :customer AND state = 'active' AND password_set_at IS NOT NULL
            AND password_hash IS NOT NULL AND sign_in = 'everything'",
        named_params! { ":customer": customer },
        |row| {
            Ok(Ending {
                user: row.get("id")?,
                customer: row.get("customer_id")?,
                since: row.get("password_set_at")?,
                stays: row.get("password_stays")?,
            })
        },
    )
}

/// Whether any customer lets people set a password with their codes.
pub fn somebody_resets_by_code(db: &Read) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM customer_settings WHERE key = 'reset_by_code' AND value = 'yes')",
        [],
    )
}
