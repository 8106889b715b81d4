//! A new file is made from schema.sql; an older one goes through the steps it has not seen.

use crate::error::{Error, Result};
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

const SCHEMA: &str = include_str!("../../schema.sql");

/// What takes a store of version n to n + 1, in order. Append only.
const STEPS: &[&str] = &[];

/// The version that schema.sql describes.
pub const SCHEMA_VERSION: usize = STEPS.len() + 1;

pub fn bring_up_to_date(conn: &mut Connection, path: &Path) -> Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let empty: bool = tx.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |r| r.get(0))?;
    let found: i64 = tx.pragma_query_value(None, "user_version", |r| r.get(0))?;
    let found = usize::try_from(found).unwrap_or(0);
    if empty {
        tx.execute_batch(SCHEMA)?;
    } else if found > SCHEMA_VERSION {
        return Err(Error::refused(format!(
            "The store is of schema {found}, this program knows up to {SCHEMA_VERSION}. Start the newer program."
        )));
    } else if found == 0 {
        return Err(Error::refused(format!("{} is not a store of Portico.", path.display())));
    } else if found < SCHEMA_VERSION {
        keep_a_copy(&tx, path, found)?;
        for step in STEPS.iter().skip(found - 1) {
            tx.execute_batch(step)?;
        }
    }
    tx.pragma_update(None, "user_version", i64::try_from(SCHEMA_VERSION).unwrap_or(1))?;
    tx.commit()?;
    Ok(())
}

/// An empty store in memory, to compare others with.
pub fn fresh() -> Result<Connection> {
    let conn = Connection::open_in_memory()?;
    conn.execute_batch(SCHEMA)?;
    Ok(conn)
}

/// The way back from an upgrade: the store as it was, beside it.
fn keep_a_copy(conn: &Connection, path: &Path, version: usize) -> Result<()> {
    let folder = path.with_file_name("snapshots");
    std::fs::create_dir_all(&folder)?;
    let copy = folder.join(format!("before-{version}-{SCHEMA_VERSION}.db"));
    if copy.exists() {
        return Ok(());
    }
    let mut to = super::connect(&copy)?;
    let backup = rusqlite::backup::Backup::new(conn, &mut to)?;
    backup.run_to_completion(-1, std::time::Duration::ZERO, None)?;
    Ok(())
}
