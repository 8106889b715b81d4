//! Who a name means, tries at the door, and the password's place. Before somebody is signed in there
//! is no scope: these statements are about one person, whom a name or a link has found.

use super::{Known, Outcome};
use crate::auth::Scope;
use crate::auth::permissions::UsersPassword;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
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
                customers.name AS customer, code
           FROM users JOIN customers ON customers.id = users.customer_id
          WHERE users.id = ?1",
        [user],
        |row| {
            let mut hints: Vec<String> = Vec::new();
            for column in ["first_name", "last_name", "display_name", "upn", "mail", "customer", "code"] {
                let text: String = row.get(column)?;
                hints.extend(text.split([' ', '@', '.']).map(str::to_owned));
                hints.push(text);
            }
            Ok(hints)
        },
    )
}

pub fn put_password(tx: &Write, user: UserId, hash: &str) -> Result<CustomerId> {
    tx.change(
        "UPDATE users SET password_hash = :hash, password_set_at = :now, changed_at = :now
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

pub fn lock(tx: &Write, user: UserId, until: crate::time::Instant) -> Result<CustomerId> {
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
