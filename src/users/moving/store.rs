//! Leaving one customer for another.

use super::super::User;
use super::super::fields::Details;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use rusqlite::named_params;

pub fn running(db: &Read, id: UserId) -> Result<Vec<i64>> {
    db.all(
        "SELECT id FROM requests WHERE user_id = ?1 AND turn <> 'over' ORDER BY id LIMIT 20",
        [id],
        |row| row.get(0),
    )
}

/// Takes the row over without anything that belongs to the customer it leaves: names, place in the
/// house, marks that give rights.
pub fn leave(tx: &Write, user: &User, to: CustomerId, details: &Details) -> Result<()> {
    tx.run("DELETE FROM user_names WHERE user_id = ?1", [user.id])?;
    tx.change::<i64>(
        "UPDATE users
            SET customer_id = :to, upn = :upn, mail = :mail, manager_id = NULL, department_id = NULL,
                location_id = NULL, main_contact = 0, break_glass = 0
          WHERE id = :id AND customer_id = :from
         RETURNING id",
        named_params! {
            ":to": to, ":upn": details.upn, ":mail": details.mail, ":id": user.id, ":from": user.customer,
        },
    )?;
    Ok(())
}

/// Whether somebody of the customer has the address elsewhere.
pub fn has_external_email(db: &Read, customer: CustomerId, email: &str) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM user_external_emails WHERE customer_id = ?1 AND email = ?2)",
        (customer, email),
    )
}

/// Whether another system calls somebody of the customer so.
pub fn has_external_id(db: &Read, customer: CustomerId, source: &str, value: &str) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM user_external_ids WHERE customer_id = ?1 AND source = ?2 AND value = ?3)",
        (customer, source, value),
    )
}
