//! Rows that come and go with a user's state.

use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::UserId;
use rusqlite::named_params;

/// Those who report to the user, by name.
pub fn reports(db: &Read, id: UserId) -> Result<Vec<(UserId, String)>> {
    db.all(
        "SELECT id, display_name FROM users WHERE manager_id = ?1 ORDER BY display_name, id",
        [id],
        |row| Ok((row.get("id")?, row.get("display_name")?)),
    )
}

/// Takes every role, wherever it stands.
pub fn end_roles(tx: &Write, id: UserId) -> Result<()> {
    tx.run("DELETE FROM role_grants WHERE user_id = ?1", [id])?;
    Ok(())
}

/// Since when the user is in the bin, or that it is there no more.
pub fn note_deleted(tx: &Write, id: UserId, deleted: bool) -> Result<()> {
    tx.run(
        "UPDATE users SET deleted_at = iif(:deleted, :now, NULL) WHERE id = :id",
        named_params! { ":deleted": deleted, ":now": tx.now, ":id": id },
    )?;
    Ok(())
}
