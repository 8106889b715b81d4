//! Copies of the store, and proofs that a copy is whole.

use crate::error::{Error, Result};
use rusqlite::Connection;
use std::path::Path;

/// Writes a compact, consistent copy of the store at `from` to `to`, which must not exist, while
/// others go on reading and writing.
pub fn snapshot(from: &Path, to: &Path) -> Result<()> {
    let conn = super::connect(from)?;
    let to = to.to_str().ok_or_else(|| Error::refused("The path is not text."))?;
    conn.execute("VACUUM INTO ?1", [to])?;
    Ok(())
}

/// Opens the store at `path` for verification and says what is wrong with it; nothing if it is
/// whole. `thorough` reads every page and index, which takes seconds a gigabyte.
pub fn complaints(path: &Path, thorough: bool) -> Result<Vec<String>> {
    let conn = super::connect(path)?;
    let mut found = Vec::new();
    let check = if thorough { "PRAGMA integrity_check(20)" } else { "PRAGMA quick_check(20)" };
    let mut statement = conn.prepare(check)?;
    for line in statement.query_map([], |row| row.get::<_, String>(0))? {
        let line = line?;
        if line != "ok" {
            found.push(line);
        }
    }
    let mut statement = conn.prepare("PRAGMA foreign_key_check")?;
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, String>(2)?))
    })?;
    for row in rows.take(20) {
        let (table, id, parent) = row?;
        found.push(format!("{table} {}: its {parent} is missing", id.unwrap_or(0)));
    }
    Ok(found)
}

/// The schema version of the store at `path`.
pub fn version(path: &Path) -> Result<i64> {
    let conn: Connection = super::connect(path)?;
    Ok(conn.pragma_query_value(None, "user_version", |row| row.get(0))?)
}
