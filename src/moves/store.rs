//! Where somebody may go, and who is told.

use crate::auth::Scope;
use crate::auth::permissions::UsersMove;
use crate::db::{Read, containing};
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use crate::places::State;
use rusqlite::named_params;

/// A customer somebody could go to.
pub struct Destination {
    pub id: CustomerId,
    pub name: String,
    pub code: String,
    pub state: State,
    /// It has as many users as it may have.
    pub full: bool,
}

pub fn destinations(
    db: &Read,
    scope: &Scope<UsersMove>,
    from: CustomerId,
    q: &str,
) -> Result<Vec<Destination>> {
    db.all(
        "SELECT customers.id, name, code, state,
                user_limit IS NOT NULL AND user_limit <=
                  (SELECT coalesce(sum(users), 0) FROM customer_users WHERE customer_users.customer_id = customers.id) AS full
           FROM customers
          WHERE state IN ('active', 'disabled') AND customers.id <> :from
            AND (:q = '' OR name LIKE :inside ESCAPE '\\' OR code LIKE :inside ESCAPE '\\')
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY name COLLATE NOCASE, customers.id LIMIT 50",
        named_params! { ":from": from, ":q": q, ":inside": containing(q), ":scope": scope },
        |row| {
            Ok(Destination {
                id: row.get("id")?,
                name: row.get("name")?,
                code: row.get("code")?,
                state: row.get("state")?,
                full: row.get("full")?,
            })
        },
    )
}

/// Address and name of those who administrate the customer, the user not among them.
pub fn administrators(
    db: &Read,
    customer: CustomerId,
    id: UserId,
) -> Result<Vec<(String, String)>> {
    db.all(
        "SELECT DISTINCT mail, display_name
           FROM role_grants
           JOIN roles ON roles.id = role_id AND roles.customer_id IS NULL
            AND roles.name IN ('Customer administrator', 'Reseller administrator', 'Provider administrator')
           JOIN users ON users.id = user_id AND users.state = 'active' AND users.mail IS NOT NULL
          WHERE at_id = :customer AND user_id <> :id
          ORDER BY mail LIMIT 20",
        named_params! { ":customer": customer, ":id": id },
        |row| Ok((row.get("mail")?, row.get("display_name")?)),
    )
}
