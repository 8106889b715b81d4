//! The snapshots.

use super::{HadRole, User};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::UserId;
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

pub fn newest(db: &Read, id: UserId) -> Result<Option<(Instant, String)>> {
    db.maybe(
        "SELECT at, snapshot FROM user_memories WHERE user_id = ?1 ORDER BY at DESC, id DESC LIMIT 1",
        [id],
        |row| Ok((row.get("at")?, row.get("snapshot")?)),
    )
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
