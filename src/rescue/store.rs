use super::Administrator;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, UserId};

pub fn by_upn(db: &Read, upn: &str) -> Result<Option<UserId>> {
    db.maybe("SELECT id FROM users WHERE upn = ?1", [upn], |row| row.get("id"))
}

pub fn by_code(db: &Read, code: &str) -> Result<Option<CustomerId>> {
    db.maybe("SELECT id FROM customers WHERE code = ?1", [code], |row| row.get("id"))
}

pub fn home(db: &Read, user: UserId) -> Result<CustomerId> {
    db.one("SELECT customer_id FROM users WHERE id = ?1", [user], |row| row.get("customer_id"))
}

pub fn administrators(db: &Read) -> Result<Vec<Administrator>> {
    db.all(
        "SELECT users.upn, users.display_name, users.state, roles.name AS role, customers.name AS customer,
                (SELECT max(at) FROM sign_ins WHERE user_id = users.id AND outcome = 'in') AS last_at
           FROM roles
           JOIN role_grants ON role_grants.role_id = roles.id
           JOIN users ON users.id = role_grants.user_id
           JOIN customers ON customers.id = role_grants.at_id
          WHERE roles.customer_id IS NULL
            AND roles.name IN ('Provider administrator', 'Reseller administrator', 'Customer administrator')
          ORDER BY role_grants.at_id, users.upn",
        [],
        |row| {
            Ok(Administrator {
                upn: row.get("upn")?,
                name: row.get("display_name")?,
                role: row.get("role")?,
                customer: row.get("customer")?,
                state: row.get("state")?,
                last_sign_in_at: row.get("last_at")?,
            })
        },
    )
}

pub fn unlock(tx: &Write, user: UserId) -> Result<bool> {
    let lifted = tx.run(
        "UPDATE users SET locked_until = ?1 WHERE id = ?2 AND locked_until > ?1",
        (tx.now, user),
    )?;
    Ok(lifted == 1)
}
