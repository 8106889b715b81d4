use super::Stop;
use crate::auth::Scope;
use crate::auth::permissions::CustomersRead;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use rusqlite::{Row, named_params};

pub fn pinned(db: &Read, scope: &Scope<CustomersRead>, user: UserId) -> Result<Vec<Stop>> {
    db.all(
        "SELECT customers.id, code, name, state
           FROM pins JOIN customers ON customers.id = pins.customer_id
          WHERE pins.user_id = :user AND state <> 'purged'
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY name COLLATE NOCASE, customers.id",
        named_params! { ":user": user, ":scope": scope },
        stop,
    )
}

pub fn among(db: &Read, scope: &Scope<CustomersRead>, ids: &[CustomerId]) -> Result<Vec<Stop>> {
    db.all(
        "SELECT customers.id, code, name, state
           FROM json_each(:ids) AS one CROSS JOIN customers ON customers.id = one.value
          WHERE state <> 'purged'
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY one.key",
        named_params! { ":ids": serde_json::to_string(ids)?, ":scope": scope },
        stop,
    )
}

fn stop(row: &Row) -> rusqlite::Result<Stop> {
    Ok(Stop {
        id: row.get("id")?,
        code: row.get("code")?,
        name: row.get("name")?,
        state: row.get("state")?,
    })
}

/// Whether it was not there yet.
pub fn add(tx: &Write, user: UserId, customer: CustomerId) -> Result<bool> {
    let added = tx.run(
        "INSERT INTO pins (user_id, customer_id, pinned_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (user_id, customer_id) DO NOTHING",
        (user, customer, tx.now),
    )?;
    Ok(added == 1)
}

/// Whether it was there.
pub fn remove(tx: &Write, user: UserId, customer: CustomerId) -> Result<bool> {
    let sql = "DELETE FROM pins WHERE user_id = ?1 AND customer_id = ?2";
    Ok(tx.run(sql, (user, customer))? == 1)
}

pub fn count(db: &Read, user: UserId) -> Result<i64> {
    db.value("SELECT count(*) FROM pins WHERE user_id = ?1", [user])
}

pub fn is_pinned(db: &Read, user: UserId, customer: CustomerId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM pins WHERE user_id = ?1 AND customer_id = ?2)",
        (user, customer),
    )
}
