//! The snapshots.

use super::{HadRole, User};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use crate::time::Instant;
use rusqlite::named_params;

pub fn keep(tx: &Write, user: &User, snapshot: &str) -> Result<()> {
    tx.run(
        "INSERT INTO user_memories (customer_id, user_id, at, snapshot) VALUES (:customer, :user, :now, :snapshot)",
        named_params! {
            ":customer": user.customer, ":user": user.id, ":now": tx.now, ":snapshot": snapshot,
        },
    )?;
    Ok(())
}

/// The snapshot that is not over: its id, when it was taken, and itself.
pub fn standing(db: &Read, id: UserId) -> Result<Option<(i64, Instant, String)>> {
    db.maybe(
        "SELECT id, at, snapshot FROM user_memories
          WHERE user_id = ?1 AND over_at IS NULL ORDER BY at DESC, id DESC LIMIT 1",
        [id],
        |row| Ok((row.get("id")?, row.get("at")?, row.get("snapshot")?)),
    )
}

pub fn change(tx: &Write, id: i64, snapshot: &str) -> Result<()> {
    tx.run("UPDATE user_memories SET snapshot = ?1 WHERE id = ?2", (snapshot, id))?;
    Ok(())
}

/// Customers with a memory from before then.
pub fn customers(db: &Read, before: Instant) -> Result<Vec<CustomerId>> {
    db.all(
        "SELECT customer_id FROM user_memories WHERE at < ?1 GROUP BY +customer_id",
        [before],
        |row| row.get(0),
    )
}

/// Removes up to `most` of them; says how many went.
pub fn forget(tx: &Write, customer: CustomerId, before: Instant, most: i64) -> Result<i64> {
    let gone = tx.run(
        "DELETE FROM user_memories WHERE id IN
           (SELECT id FROM user_memories WHERE at < :before AND +customer_id = :customer LIMIT :most)",
        named_params! { ":before": before, ":customer": customer, ":most": most },
    )?;
    Ok(i64::try_from(gone).unwrap_or(most))
}

pub fn end(tx: &Write, id: UserId) -> Result<()> {
    tx.run(
        "UPDATE user_memories SET over_at = :now WHERE user_id = :id AND over_at IS NULL",
        named_params! { ":now": tx.now, ":id": id },
    )?;
    Ok(())
}

/// The roles the user holds, each with where it stands.
pub fn roles(db: &Read, id: UserId) -> Result<Vec<HadRole>> {
    db.all(
        "SELECT roles.name, at_id, until_on FROM role_grants JOIN roles ON roles.id = role_id
          WHERE user_id = ?1 ORDER BY role_grants.id",
        [id],
        |row| {
            Ok(HadRole {
                role: row.get("name")?,
                at: row.get("at_id")?,
                until: row.get("until_on")?,
            })
        },
    )
}
