use super::{Draft, Freeze};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, FreezeId, ServiceId};
use crate::web::Paging;
use rusqlite::{Row, named_params};

/// Those that are not over yet, by number.
pub fn page(db: &Read, paging: &Paging) -> Result<Vec<Freeze>> {
    db.all(
        "SELECT freezes.id, freezes.name, freezes.customer_id, customers.name AS customer_name,
                services.code AS service, queue, from_at, until_at, lets, display_name
           FROM freezes JOIN customers ON customers.id = freezes.customer_id
                LEFT JOIN services ON services.id = service_id
                LEFT JOIN users ON users.id = made_by
          WHERE freezes.id > :after AND until_at > :now
          ORDER BY freezes.id LIMIT :most",
        named_params! { ":after": paging.id(), ":now": db.now, ":most": paging.fetch() },
        freeze,
    )
}

pub fn one(db: &Read, id: FreezeId) -> Result<Freeze> {
    db.one(
        "SELECT freezes.id, freezes.name, freezes.customer_id, customers.name AS customer_name,
                services.code AS service, queue, from_at, until_at, lets, display_name
           FROM freezes JOIN customers ON customers.id = freezes.customer_id
                LEFT JOIN services ON services.id = service_id
                LEFT JOIN users ON users.id = made_by
          WHERE freezes.id = ?1",
        [id],
        freeze,
    )
}

fn freeze(row: &Row) -> rusqlite::Result<Freeze> {
    Ok(Freeze {
        id: row.get("id")?,
        name: row.get("name")?,
        customer_id: row.get("customer_id")?,
        customer_name: row.get("customer_name")?,
        service: row.get("service")?,
        queue: row.get("queue")?,
        from_at: row.get("from_at")?,
        until_at: row.get("until_at")?,
        lets: row.get("lets")?,
        by: row.get("display_name")?,
    })
}

pub fn insert(tx: &Write, draft: &Draft) -> Result<FreezeId> {
    tx.change(
        "INSERT INTO freezes (name, customer_id, service_id, queue, from_at, until_at, lets, made_at, made_by)
         VALUES (:name, :customer, :service, :queue, :from, :until, :lets, :now, :by)
         RETURNING id",
        named_params! {
            ":name": draft.name, ":customer": draft.customer, ":service": draft.service,
            ":queue": draft.queue, ":from": draft.from, ":until": draft.until, ":lets": draft.lets,
            ":now": tx.now, ":by": tx.by.user,
        },
    )
}

pub fn delete(tx: &Write, id: FreezeId) -> Result<usize> {
    tx.run("DELETE FROM freezes WHERE id = ?1", [id])
}

/// Lets all go on that a window held; what another holds is held again when it is looked at.
pub fn wake(tx: &Write) -> Result<usize> {
    tx.run(
        "UPDATE requests SET turn = 'ready', hold = '', version = version + 1
          WHERE turn = 'sleeping' AND hold = 'freeze'",
        [],
    )
}

pub fn is_customer(db: &Read, id: CustomerId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM customers WHERE id = ?1 AND state NOT IN ('deleted', 'purged'))",
        [id],
    )
}

pub fn service(db: &Read, code: &str) -> Result<Option<ServiceId>> {
    db.maybe("SELECT id FROM services WHERE code = ?1", [code], |row| row.get("id"))
}

pub fn is_queue(db: &Read, name: &str) -> Result<bool> {
    db.value("SELECT EXISTS (SELECT 1 FROM queues WHERE name = ?1)", [name])
}
