//! Copies of the store, and proofs that a copy is whole. Copies are opened as they lie, so that
//! looking at one changes none of its bytes.

use crate::error::{Error, Result};
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::path::Path;

/// Columns with what [`crate::secret::Key`] sealed, and what clears them.
const CLEAR_SEALED: &[&str] = &[
    "UPDATE credentials SET sealed = '', previous = NULL, previous_until = NULL",
    "DELETE FROM settings WHERE key = 'mail_password'",
    "DELETE FROM property_values WHERE property_id IN (SELECT id FROM properties WHERE secret = 1)",
];

/// Writes a compact, consistent copy of the store at `from` to `to`, which must not exist, while
/// others go on reading and writing.
pub fn snapshot(from: &Path, to: &Path) -> Result<()> {
    let conn = super::connect(from)?;
    conn.execute("VACUUM INTO ?1", [text(to)?])?;
    Ok(())
}

/// Opens the store at `path` for verification and says what is wrong with it; nothing if it is
/// whole. `thorough` reads every page and index, which takes seconds a gigabyte.
pub fn complaints(path: &Path, thorough: bool) -> Result<Vec<String>> {
    let conn = look(path)?;
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
    Ok(look(path)?.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// What the schema of the store at `path` has or lacks besides the program's own; nothing if they
/// are the same.
pub fn schema_differences(path: &Path) -> Result<Vec<String>> {
    let (theirs, ours) = (objects(&look(path)?)?, super::migrate::fresh()?);
    let ours = objects(&ours)?;
    let lacks = ours.iter().filter(|(name, sql)| theirs.get(*name) != Some(*sql));
    let lacks = lacks.map(|(name, _)| match theirs.contains_key(name) {
        true => format!("{name} is another than the program's"),
        false => format!("{name} is missing"),
    });
    let strange = theirs.keys().filter(|name| !ours.contains_key(*name));
    Ok(lacks.chain(strange.map(|name| format!("{name} is not of this program"))).take(20).collect())
}

fn objects(conn: &Connection) -> Result<BTreeMap<String, Option<String>>> {
    let mut statement =
        conn.prepare("SELECT type || ' ' || name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How many rows each table holds.
pub fn rows(path: &Path) -> Result<BTreeMap<String, i64>> {
    let conn = look(path)?;
    let mut statement = conn.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'
            AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut counts = BTreeMap::new();
    for name in names {
        let name = name?;
        let quoted = name.replace('"', "\"\"");
        let count =
            conn.query_row(&format!("SELECT count(*) FROM \"{quoted}\""), [], |row| row.get(0))?;
        counts.insert(name, count);
    }
    Ok(counts)
}

/// The provider's name in the store at `path`; empty where nobody has set it up.
pub fn organisation(path: &Path) -> Result<String> {
    use rusqlite::OptionalExtension;
    let name =
        look(path)?.query_row("SELECT name FROM customers WHERE id = 1", [], |row| row.get(0));
    Ok(name.optional()?.unwrap_or_default())
}

/// Makes the copy at `path` fit to take the place of the store: nobody is signed in any more, no
/// mailed link works, and with `clear_sealed` what only another key opens is gone.
pub fn make_fit(path: &Path, clear_sealed: bool) -> Result<()> {
    let mut conn = look(path)?;
    let tx = conn.transaction()?;
    tx.execute_batch(
        "DELETE FROM sessions;
         DELETE FROM links;
         UPDATE messages SET secret = NULL, state = 'cancelled', answer = 'Its link ended when a backup was restored.'
          WHERE secret IS NOT NULL;",
    )?;
    if clear_sealed {
        for statement in CLEAR_SEALED {
            tx.execute_batch(statement)?;
        }
    }
    tx.commit()?;
    Ok(())
}

/// Brings what the write-ahead log holds into the file itself.
pub fn settle(path: &Path) -> Result<()> {
    super::connect(path)?.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a copy is looked at without the pragmas that change it"
)]
fn look(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.execute_batch(
        "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;",
    )?;
    Ok(conn)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| Error::refused("The path is not text."))
}
