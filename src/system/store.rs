//! When a setting was changed, and where the test mail goes.

use crate::auth::Own;
use crate::auth::permissions::AccountRead;
use crate::db::Read;
use crate::error::Result;
use crate::time::Instant;
use rusqlite::named_params;
use std::collections::BTreeMap;

/// When each setting was changed, and by whom.
pub fn changes(db: &Read) -> Result<BTreeMap<String, (Instant, String)>> {
    let rows = db.all(
        "SELECT key, settings.changed_at, coalesce(display_name, 'Portico') AS who
           FROM settings LEFT JOIN users ON users.id = changed_by
          WHERE settings.changed_at <> ''",
        [],
        |row| Ok((row.get("key")?, (row.get("changed_at")?, row.get("who")?))),
    )?;
    Ok(rows.into_iter().collect())
}

pub fn own_address(db: &Read, own: &Own<AccountRead>) -> Result<String> {
    db.one(
        "SELECT coalesce(mail, '') AS mail FROM users WHERE id = :own",
        named_params! { ":own": own },
        |row| row.get("mail"),
    )
}
