//! The statements of this module.
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::CustomerId;
use crate::time::Date;
use rusqlite::named_params;

/// Those whose last day is within sixteen days or over, and that are not in the bin.
pub fn near_their_end(db: &Read) -> Result<Vec<CustomerId>> {
    db.all(
        "SELECT id FROM customers
          WHERE expires_on IS NOT NULL AND expires_on <= date(:now, '+16 days')
            AND (state IN ('active', 'disabled') OR (state = 'deprovisioned' AND expired_at IS NOT NULL))
          ORDER BY expires_on, id",
        named_params! { ":now": db.now },
        |row| row.get(0),
    )
}

/// Writes down that somebody was told; says whether that is new.
pub fn note(tx: &Write, id: CustomerId, last: Date, days: i64) -> Result<bool> {
    let new = tx.run(
        "INSERT OR IGNORE INTO customer_reminders (customer_id, expires_on, days) VALUES (:id, :last, :days)",
        named_params! { ":id": id, ":last": last, ":days": days },
    )?;
    Ok(new == 1)
}

pub fn mark_expired(tx: &Write, id: CustomerId) -> Result<()> {
    tx.run(
        "UPDATE customers SET expired_at = :now WHERE id = :id",
        named_params! { ":id": id, ":now": tx.now },
    )?;
    Ok(())
}
