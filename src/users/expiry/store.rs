//! Who has a last day, and who was told of it.

use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use crate::time::Date;
use rusqlite::named_params;

/// An active user whose last day is near or past.
pub struct Candidate {
    pub id: UserId,
    pub customer: CustomerId,
    pub name: String,
    pub upn: String,
    pub expires_on: Date,
    /// The customer's.
    pub time_zone: String,
}

pub fn candidates(
    db: &Read,
    last: Date,
    after: &(String, i64),
    most: i64,
) -> Result<Vec<Candidate>> {
    db.all(
        "SELECT users.id, users.customer_id, display_name, coalesce(upn, '') AS upn, users.expires_on,
                customers.time_zone
           FROM users INDEXED BY users_by_expiry JOIN customers ON customers.id = users.customer_id
          WHERE users.state = 'active' AND users.expires_on IS NOT NULL AND break_glass = 0 AND users.expires_on <= :last
            AND users.expires_on >= :after AND (users.expires_on > :after OR users.id > :after_id)
          ORDER BY users.expires_on, users.id LIMIT :most",
        named_params! { ":last": last, ":after": after.0, ":after_id": after.1, ":most": most },
        |row| {
            Ok(Candidate {
                id: row.get("id")?,
                customer: row.get("customer_id")?,
                name: row.get("display_name")?,
                upn: row.get("upn")?,
                expires_on: row.get("expires_on")?,
                time_zone: row.get("time_zone")?,
            })
        },
    )
}

/// Notes a notice; says whether it is new.
pub fn mark(tx: &Write, each: &Candidate, days: i64) -> Result<bool> {
    let new = tx.run(
        "INSERT OR IGNORE INTO user_expiry_notices (user_id, expires_on, days) VALUES (?1, ?2, ?3)",
        (each.id, each.expires_on, days),
    )?;
    Ok(new > 0)
}

/// Address and name of the manager and of those who administrate the customer's users, the user
/// not among them.
pub fn to_tell(db: &Read, each: &Candidate) -> Result<Vec<(String, String)>> {
    db.all(
        "SELECT mail, display_name FROM users
          WHERE state = 'active' AND mail IS NOT NULL AND id <> :id
            AND (id = (SELECT manager_id FROM users WHERE id = :id)
                 OR id IN (SELECT user_id FROM role_grants
                            WHERE at_id = :customer AND role_id IN
                              (SELECT id FROM roles WHERE customer_id IS NULL AND name IN
                                ('Customer administrator', 'Reseller administrator', 'Provider administrator',
                                 'User administrator', 'User and service administrator'))))
          ORDER BY id LIMIT 50",
        named_params! { ":id": each.id, ":customer": each.customer },
        |row| Ok((row.get("mail")?, row.get("display_name")?)),
    )
}
