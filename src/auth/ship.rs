//! The shipped roles as this program knows them, written into the store at every start.

use super::permissions::{self, Shipped};
use crate::db::{By, Db, Via, Write};
use crate::error::Result;
use rusqlite::named_params;

pub fn ship_roles(db: &Db) -> Result<()> {
    db.write(By::portico(Via::Shell), |tx| {
        let all = || permissions::SHIPPED.iter().chain(permissions::FURTHER);
        for role in all() {
            let id = ship(tx, role)?;
            ship_rights(tx, role, id)?;
        }
        for role in all() {
            for column in role.includes {
                let part = all().find(|each| each.column == *column).map_or("", |each| each.name);
                tx.run(
                    "INSERT OR IGNORE INTO role_includes (role_id, includes_id)
                     SELECT whole.id, part.id
                       FROM roles AS whole JOIN roles AS part ON part.customer_id IS NULL AND part.name = :part
                      WHERE whole.customer_id IS NULL AND whole.name = :whole",
                    named_params! { ":whole": role.name, ":part": part },
                )?;
            }
        }
        Ok(())
    })
}

fn ship(tx: &Write, role: &Shipped) -> Result<i64> {
    let known: Option<i64> = tx.maybe(
        "SELECT id FROM roles WHERE customer_id IS NULL AND name = ?1",
        [role.name],
        |row| row.get(0),
    )?;
    match known {
        Some(id) => Ok(id),
        None => tx.change(
            "INSERT INTO roles (customer_id, name, description, held_in, requires_factor, allowed)
             VALUES (NULL, :name, :description, :held_in, :factor, :allowed) RETURNING id",
            named_params! {
                ":name": role.name, ":description": role.description, ":held_in": role.held_in,
                ":factor": role.requires_factor, ":allowed": role.allowed,
            },
        ),
    }
}

/// The rights of a shipped role. A service administrator's hold for the services the customer has.
fn ship_rights(tx: &Write, role: &Shipped, id: i64) -> Result<()> {
    let rights = permissions::rights_of(role.column);
    let names: Vec<&str> = rights.iter().map(|(name, _)| *name).collect();
    tx.run(
        "DELETE FROM role_rights
          WHERE role_id = :role AND permission NOT IN (SELECT value FROM json_each(:names))",
        named_params! { ":role": id, ":names": serde_json::to_string(&names)? },
    )?;
    for (permission, reach) in rights {
        let held = role.column == "SA" && permissions::is_per_service(permission);
        tx.run(
            "INSERT INTO role_rights (role_id, permission, reach, services) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET reach = excluded.reach, services = excluded.services
              WHERE reach <> excluded.reach OR services <> excluded.services",
            (id, permission, reach, if held { "held" } else { "all" }),
        )?;
    }
    Ok(())
}
