//! What changes hands.

use crate::db::Write;
use crate::error::Result;
use crate::ids::{DomainId, UserId};
use crate::users::User;
use rusqlite::named_params;

/// Gives names, addresses elsewhere and numbers of `other` to `to`; `other` keeps `placeholder` alone.
pub fn hand_over(
    tx: &Write,
    other: &User,
    to: UserId,
    placeholder: &str,
    domain: Option<DomainId>,
) -> Result<()> {
    let from = other.id;
    tx.run(
        "INSERT INTO user_names (name, customer_id, domain_id, user_id)
         SELECT :name, customer_id, coalesce(:domain, domain_id), user_id FROM user_names WHERE name = :upn",
        named_params! { ":name": placeholder, ":domain": domain, ":upn": other.details.upn },
    )?;
    tx.run(
        "UPDATE users SET upn = :name, mail = :name, username = '', version = version + 1 WHERE id = :from",
        named_params! { ":name": placeholder, ":from": from },
    )?;
    tx.run(
        "UPDATE user_names SET user_id = :to WHERE user_id = :from AND name <> :name",
        named_params! { ":to": to, ":from": from, ":name": placeholder },
    )?;
    tx.run("UPDATE user_external_emails SET user_id = ?1 WHERE user_id = ?2", (to, from))?;
    // One for each system: where both have one, the survivor's counts.
    tx.run(
        "UPDATE user_external_ids SET user_id = :to
          WHERE user_id = :from
            AND source NOT IN (SELECT own.source FROM user_external_ids own WHERE own.user_id = :to)",
        named_params! { ":to": to, ":from": from },
    )?;
    tx.run("UPDATE devices SET user_id = ?1, main = 0 WHERE user_id = ?2", (to, from))?;
    tx.run(
        "UPDATE devices SET main = 1
          WHERE id = (SELECT min(id) FROM devices WHERE user_id = :to)
            AND NOT EXISTS (SELECT 1 FROM devices WHERE user_id = :to AND main = 1)",
        named_params! { ":to": to },
    )?;
    tx.run(
        "UPDATE users SET version = version + 1, changed_at = :now WHERE id = :to",
        named_params! { ":now": tx.now, ":to": to },
    )?;
    Ok(())
}
