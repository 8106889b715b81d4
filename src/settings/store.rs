//! The statements of this module.
use crate::db::{Read, Write};
use crate::error::Result;
use crate::money::Currency;
use rusqlite::named_params;
use std::collections::BTreeMap;

pub struct Provider {
    pub name: String,
    pub zone: String,
    pub currency: Currency,
}

pub fn all(db: &Read) -> Result<BTreeMap<String, String>> {
    let rows = db.all("SELECT key, value FROM settings", [], |row| {
        Ok((row.get("key")?, row.get("value")?))
    })?;
    Ok(rows.into_iter().collect())
}

pub fn provider(db: &Read) -> Result<Option<Provider>> {
    db.maybe("SELECT name, time_zone, currency FROM customers WHERE id = 1", [], |row| {
        Ok(Provider {
            name: row.get("name")?,
            zone: row.get("time_zone")?,
            currency: row.get("currency")?,
        })
    })
}

/// Keeps `value` for `key`; none takes it back to its default.
pub fn put(tx: &Write, key: &str, value: Option<&str>) -> Result<()> {
    match value {
        Some(value) => tx.run(
            "INSERT INTO settings (key, value, changed_at, changed_by) VALUES (:key, :value, :now, :by)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at,
                                             changed_by = excluded.changed_by",
            named_params! { ":key": key, ":value": value, ":now": tx.now, ":by": tx.by.user },
        ),
        None => tx.run("DELETE FROM settings WHERE key = ?1", [key]),
    }?;
    Ok(())
}
