use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::UserId;
use rusqlite::named_params;

pub fn of(db: &Read, id: UserId) -> Result<Option<Vec<u8>>> {
    db.maybe("SELECT jpeg FROM user_photos WHERE user_id = ?1", [id], |row| row.get("jpeg"))
}

pub fn is_there(db: &Read, id: UserId) -> Result<bool> {
    db.value("SELECT EXISTS (SELECT 1 FROM user_photos WHERE user_id = ?1)", [id])
}

pub fn put(tx: &Write, id: UserId, jpeg: &[u8]) -> Result<()> {
    tx.run(
        "INSERT INTO user_photos (user_id, jpeg, changed_at) VALUES (:id, :jpeg, :now)
         ON CONFLICT DO UPDATE SET jpeg = excluded.jpeg, changed_at = excluded.changed_at",
        named_params! { ":id": id, ":jpeg": jpeg, ":now": tx.now },
    )?;
    Ok(())
}

pub fn remove(tx: &Write, id: UserId) -> Result<()> {
    tx.run("DELETE FROM user_photos WHERE user_id = ?1", [id])?;
    Ok(())
}
