//! The statements of this module.
use super::{Person, Place};
use crate::auth::Scope;
use crate::db::Read;
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use rusqlite::named_params;

pub fn customer<P>(db: &Read, scope: &Scope<P>, id: CustomerId) -> Result<Place> {
    let mut place = db.one(
        "SELECT id, name, code, state, reseller
           FROM customers
          WHERE id = :id
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":id": id, ":scope": scope },
        |row| {
            Ok(Place {
                id: row.get("id")?,
                name: row.get("name")?,
                code: row.get("code")?,
                state: row.get("state")?,
                reseller: row.get("reseller")?,
                parents: Vec::new(),
            })
        },
    )?;
    place.parents = db.all(
        "SELECT customers.id, name
           FROM customer_tree JOIN customers ON customers.id = above
          WHERE below = :id AND depth > 0 AND parent_id IS NOT NULL
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = above
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY depth DESC",
        named_params! { ":id": id, ":scope": scope },
        |row| Ok((row.get("id")?, row.get("name")?)),
    )?;
    Ok(place)
}

pub fn user<P>(db: &Read, scope: &Scope<P>, id: UserId) -> Result<Person> {
    let (name, upn, state, home, leaving) = db.one(
        "SELECT display_name, coalesce(upn, '') AS upn, state, customer_id,
                (SELECT begins_at FROM offboardings
                  WHERE offboardings.user_id = users.id AND offboardings.state IN ('planned', 'begun')) AS leaving
           FROM users
          WHERE id = :id
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":id": id, ":scope": scope },
        |row| {
            Ok((
                row.get("display_name")?,
                row.get("upn")?,
                row.get("state")?,
                row.get("customer_id")?,
                row.get("leaving")?,
            ))
        },
    )?;
    Ok(Person { id, name, upn, state, leaving, customer: customer(db, scope, home)? })
}
