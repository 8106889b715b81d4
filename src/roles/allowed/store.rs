//! What is said of roles at customers, and whom it concerns.

use super::Rule;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, RoleId, UserId};
use rusqlite::named_params;

/// A grant that a rule concerns.
pub struct Concerned {
    pub user: UserId,
    pub name: String,
    pub home: CustomerId,
    pub at: CustomerId,
    pub at_name: String,
}

pub fn rule(db: &Read, role: RoleId, customer: CustomerId) -> Result<Rule> {
    let found: Option<String> = db.maybe(
        "SELECT rule FROM allowed_roles WHERE role_id = ?1 AND customer_id = ?2",
        (role, customer),
        |row| row.get(0),
    )?;
    Ok(found.and_then(|word| word.parse().ok()).unwrap_or(Rule::Inherit))
}

pub fn set(tx: &Write, role: RoleId, customer: CustomerId, rule: Rule) -> Result<()> {
    if rule == Rule::Inherit {
        tx.run(
            "DELETE FROM allowed_roles WHERE role_id = ?1 AND customer_id = ?2",
            (role, customer),
        )?;
        return Ok(());
    }
    tx.run(
        "INSERT INTO allowed_roles (role_id, customer_id, rule) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET rule = excluded.rule",
        (role, customer, rule.word()),
    )?;
    Ok(())
}

/// Who holds the role at `customer` or below it, or belongs there and holds it elsewhere.
pub fn grants(db: &Read, role: RoleId, customer: CustomerId) -> Result<Vec<Concerned>> {
    db.all(
        "SELECT user_id, display_name, users.customer_id, at_id, customers.name AS at_name
           FROM role_grants
           JOIN users ON users.id = user_id
           JOIN customers ON customers.id = at_id
          WHERE role_id = :role AND users.state NOT IN ('deleted', 'purged')
            AND EXISTS (SELECT 1 FROM customer_tree
                         WHERE above = :customer AND below IN (at_id, users.customer_id))
          ORDER BY display_name, user_id",
        named_params! { ":role": role, ":customer": customer },
        |row| {
            Ok(Concerned {
                user: row.get("user_id")?,
                name: row.get("display_name")?,
                home: row.get("customer_id")?,
                at: row.get("at_id")?,
                at_name: row.get("at_name")?,
            })
        },
    )
}

/// Whether nobody who can sign in administers that customer but by `role`.
pub fn only_by_this(db: &Read, role: RoleId, held: &Concerned) -> Result<bool> {
    db.value(
        "SELECT NOT EXISTS (
           SELECT 1 FROM role_grants AS other
             JOIN roles ON roles.id = other.role_id AND roles.customer_id IS NULL
              AND roles.name IN ('Customer administrator', 'Reseller administrator')
             JOIN users ON users.id = other.user_id
            WHERE other.at_id = :at AND other.role_id <> :role AND users.state = 'active'
              AND users.sign_in = 'everything' AND users.password_hash IS NOT NULL)",
        named_params! { ":at": held.at, ":role": role },
    )
}

pub fn is_at_or_below(db: &Read, above: CustomerId, below: CustomerId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM customer_tree WHERE above = ?1 AND below = ?2)",
        (above, below),
    )
}
