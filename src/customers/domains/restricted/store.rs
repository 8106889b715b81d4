use super::{Restriction, RestrictionId};
use crate::db::{Read, Write};
use crate::error::Result;
use rusqlite::named_params;

pub fn all(db: &Read) -> Result<Vec<Restriction>> {
    db.all(
        "SELECT restricted_domains.id, pattern, reason, added_at,
                coalesce((SELECT display_name FROM users WHERE users.id = added_by), 'Portico') AS added_by
           FROM restricted_domains ORDER BY pattern",
        [],
        |row| {
            Ok(Restriction {
                id: row.get("id")?,
                pattern: row.get("pattern")?,
                reason: row.get("reason")?,
                added_at: row.get("added_at")?,
                added_by: row.get("added_by")?,
            })
        },
    )
}

/// The reason of the first of `patterns` that is in the list.
pub fn reason(db: &Read, patterns: &[String]) -> Result<Option<String>> {
    db.maybe(
        "SELECT reason FROM restricted_domains
          WHERE pattern IN (SELECT value FROM json_each(?1)) LIMIT 1",
        [serde_json::to_string(patterns)?],
        |row| row.get(0),
    )
}

pub fn insert(tx: &Write, pattern: &str, reason: &str) -> Result<RestrictionId> {
    tx.change(
        "INSERT INTO restricted_domains (pattern, reason, added_at, added_by)
         VALUES (:pattern, :reason, :now, :by) RETURNING id",
        named_params! { ":pattern": pattern, ":reason": reason, ":now": tx.now, ":by": tx.by.user },
    )
}

pub fn delete(tx: &Write, id: RestrictionId) -> Result<()> {
    tx.run("DELETE FROM restricted_domains WHERE id = ?1", [id])?;
    Ok(())
}
