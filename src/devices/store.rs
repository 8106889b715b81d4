use super::{Device, Draft, Filter};
use crate::auth::Scope;
use crate::auth::permissions::UsersRead;
use crate::db::{Read, Write, containing};
use crate::error::Result;
use crate::ids::{CustomerId, DeviceId, UserId};
use crate::web::Paging;
use rusqlite::{Row, named_params};

/// What is told of a device; the rest of the statement follows.
macro_rules! whole {
    ($rest:literal) => {
        concat!(
            "SELECT devices.id, devices.customer_id, devices.user_id, devices.name, kind, serial, note, main,
                    devices.version,
                    (SELECT users.display_name FROM users WHERE users.id = devices.user_id) AS user_name
               FROM devices ",
            $rest
        )
    };
}

pub fn list(
    db: &Read,
    scope: &Scope<UsersRead>,
    customer: CustomerId,
    filter: &Filter,
    paging: &Paging,
) -> Result<Vec<Device>> {
    db.all(
        whole!(
            "WHERE devices.customer_id = :customer
               AND (SELECT count(*) FROM reach WHERE reach.customer_id = :customer
                        AND scope IN (SELECT value FROM json_each(:scope))) > 0
               AND (:q = '' OR devices.name LIKE :inside ESCAPE '\\' OR kind LIKE :inside ESCAPE '\\'
                    OR serial LIKE :inside ESCAPE '\\')
               AND devices.name COLLATE NOCASE >= :after
               AND (devices.name COLLATE NOCASE > :after OR devices.id > :after_id)
             ORDER BY devices.name COLLATE NOCASE, devices.id LIMIT :fetch"
        ),
        named_params! {
            ":customer": customer, ":scope": scope, ":q": filter.q, ":inside": containing(&filter.q),
            ":after": paging.value(), ":after_id": paging.id(), ":fetch": paging.fetch(),
        },
        device,
    )
}

pub fn of_user(db: &Read, user: UserId) -> Result<Vec<Device>> {
    db.all(whole!("WHERE devices.user_id = ?1 ORDER BY main DESC, devices.id"), [user], device)
}

pub fn one<P>(db: &Read, scope: &Scope<P>, customer: CustomerId, id: DeviceId) -> Result<Device> {
    db.one(
        whole!(
            "WHERE devices.id = :id AND devices.customer_id = :customer
               AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = devices.customer_id
                              AND scope IN (SELECT value FROM json_each(:scope)))"
        ),
        named_params! { ":id": id, ":customer": customer, ":scope": scope },
        device,
    )
}

fn device(row: &Row) -> rusqlite::Result<Device> {
    Ok(Device {
        id: row.get("id")?,
        customer_id: row.get("customer_id")?,
        user_id: row.get("user_id")?,
        user: row.get("user_name")?,
        name: row.get("name")?,
        kind: row.get("kind")?,
        serial: row.get("serial")?,
        note: row.get("note")?,
        primary: row.get("main")?,
        version: row.get("version")?,
    })
}

pub fn insert(tx: &Write, customer: CustomerId, draft: &Draft) -> Result<DeviceId> {
    tx.change(
        "INSERT INTO devices (customer_id, user_id, name, kind, serial, note, created_at)
         VALUES (:customer, :user, :name, :kind, :serial, :note, :now) RETURNING id",
        named_params! {
            ":customer": customer, ":user": draft.user, ":name": draft.name, ":kind": draft.kind,
            ":serial": draft.serial, ":note": draft.note, ":now": tx.now,
        },
    )
}

/// Whose it is no more loses its mark with it.
pub fn update(tx: &Write, id: DeviceId, draft: &Draft) -> Result<()> {
    tx.run(
        "UPDATE devices
            SET name = :name, kind = :kind, serial = :serial, note = :note, main = main AND user_id IS :user,
                user_id = :user, version = version + 1
          WHERE id = :id",
        named_params! {
            ":id": id, ":user": draft.user, ":name": draft.name, ":kind": draft.kind,
            ":serial": draft.serial, ":note": draft.note,
        },
    )?;
    Ok(())
}

pub fn give(tx: &Write, id: DeviceId, user: UserId) -> Result<()> {
    tx.run(
        "UPDATE devices SET user_id = :user, main = 0, version = version + 1 WHERE id = :id",
        named_params! { ":user": user, ":id": id },
    )?;
    Ok(())
}

pub fn leave(tx: &Write, id: DeviceId) -> Result<()> {
    tx.run(
        "UPDATE devices SET user_id = NULL, main = 0, version = version + 1 WHERE id = ?1",
        [id],
    )?;
    Ok(())
}

pub fn set_primary(tx: &Write, user: UserId, id: DeviceId) -> Result<()> {
    tx.run("UPDATE devices SET main = 0 WHERE user_id = ?1 AND main = 1 AND id <> ?2", (user, id))?;
    tx.run("UPDATE devices SET main = 1 WHERE id = ?1", [id])?;
    Ok(())
}

pub fn delete(tx: &Write, id: DeviceId) -> Result<()> {
    tx.run("DELETE FROM devices WHERE id = ?1", [id])?;
    Ok(())
}
