//! Roles of customers: their rights, their parts, who holds them.

use super::{Limit, NewRight, NewRole};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, RoleId, ServiceId, UserId};
use crate::roles::{self, Role};
use rusqlite::named_params;

pub fn insert(tx: &Write, owner: CustomerId, new: &NewRole) -> Result<RoleId> {
    tx.change(
        "INSERT INTO roles (customer_id, name, description, requires_factor)
         VALUES (:owner, :name, :description, :factor) RETURNING id",
        named_params! {
            ":owner": owner, ":name": new.name, ":description": new.description,
            ":factor": new.requires_factor,
        },
    )
}

pub fn update(tx: &Write, id: RoleId, new: &NewRole) -> Result<()> {
    tx.change::<i64>(
        "UPDATE roles
            SET name = :name, description = :description, requires_factor = :factor, version = version + 1
          WHERE id = :id AND customer_id IS NOT NULL RETURNING id",
        named_params! {
            ":id": id, ":name": new.name, ":description": new.description,
            ":factor": new.requires_factor,
        },
    )?;
    Ok(())
}

pub fn set_rights(tx: &Write, id: RoleId, rights: &[NewRight]) -> Result<()> {
    tx.run("DELETE FROM role_rights WHERE role_id = ?1", [id])?;
    for right in rights {
        let (services, listed): (_, &[ServiceId]) = match &right.limit {
            Limit::All => ("all", &[]),
            Limit::Held => ("held", &[]),
            Limit::Listed(listed) => ("listed", listed),
        };
        tx.run(
            "INSERT INTO role_rights (role_id, permission, reach, services) VALUES (?1, ?2, ?3, ?4)",
            (id, right.permission, right.reach, services),
        )?;
        for service in listed {
            tx.run(
                "INSERT INTO role_services (role_id, permission, service_id) VALUES (?1, ?2, ?3)",
                (id, right.permission, service),
            )?;
        }
    }
    Ok(())
}

pub fn set_includes(tx: &Write, id: RoleId, includes: &[RoleId]) -> Result<()> {
    tx.run("DELETE FROM role_includes WHERE role_id = ?1", [id])?;
    for part in includes {
        tx.run("INSERT INTO role_includes (role_id, includes_id) VALUES (?1, ?2)", (id, part))?;
    }
    Ok(())
}

pub fn delete(tx: &Write, id: RoleId) -> Result<()> {
    tx.change::<i64>(
        "DELETE FROM roles WHERE id = ?1 AND customer_id IS NOT NULL RETURNING id",
        [id],
    )?;
    Ok(())
}

/// Everybody who holds `id`, and every role that includes it, gets `other` instead.
pub fn replace(tx: &Write, id: RoleId, other: RoleId) -> Result<()> {
    let params = named_params! { ":id": id, ":other": other };
    tx.run(
        "DELETE FROM role_grants
          WHERE role_id = :id
            AND EXISTS (SELECT 1 FROM role_grants AS same
                         WHERE same.user_id = role_grants.user_id AND same.at_id = role_grants.at_id
                           AND same.role_id = :other)",
        params,
    )?;
    tx.run("UPDATE role_grants SET role_id = :other WHERE role_id = :id", params)?;
    tx.run(
        "UPDATE OR IGNORE role_includes SET includes_id = :other WHERE includes_id = :id",
        params,
    )?;
    tx.run("DELETE FROM role_includes WHERE includes_id = ?1", [id])?;
    Ok(())
}

pub fn holders(db: &Read, id: RoleId) -> Result<Vec<UserId>> {
    db.all(
        "SELECT DISTINCT user_id FROM role_grants WHERE role_id = ?1 ORDER BY user_id",
        [id],
        |row| row.get(0),
    )
}

/// The roles that include it directly.
pub fn including(db: &Read, id: RoleId) -> Result<Vec<(RoleId, String)>> {
    db.all(
        "SELECT roles.id, name FROM role_includes JOIN roles ON roles.id = role_id
          WHERE includes_id = ?1 ORDER BY name",
        [id],
        |row| Ok((row.get("id")?, row.get("name")?)),
    )
}

/// The customers at which it is held, by itself or as a part of another.
pub fn held_at(db: &Read, id: RoleId) -> Result<Vec<CustomerId>> {
    db.all(
        "WITH RECURSIVE up (id) AS (
           SELECT :id UNION SELECT role_id FROM up JOIN role_includes ON includes_id = up.id)
         SELECT DISTINCT at_id FROM up JOIN role_grants ON role_id = up.id",
        named_params! { ":id": id },
        |row| row.get(0),
    )
}

/// Whether `user` holds it, directly or as a part of another.
pub fn holds(db: &Read, user: UserId, id: RoleId) -> Result<bool> {
    db.value(
        "WITH RECURSIVE parts (id) AS (
           SELECT role_id FROM role_grants WHERE user_id = :user
            UNION SELECT includes_id FROM parts JOIN role_includes ON role_id = parts.id)
         SELECT EXISTS (SELECT 1 FROM parts WHERE id = :id)",
        named_params! { ":user": user, ":id": id },
    )
}

pub fn includes_itself(db: &Read, id: RoleId) -> Result<bool> {
    db.value(
        "WITH RECURSIVE parts (id) AS (
           SELECT includes_id FROM role_includes WHERE role_id = :id
            UNION SELECT includes_id FROM parts JOIN role_includes ON role_id = parts.id)
         SELECT EXISTS (SELECT 1 FROM parts WHERE id = :id)",
        named_params! { ":id": id },
    )
}

/// How many roles stand upon each other in the tallest tower that `id` is a part of.
pub fn depth(db: &Read, id: RoleId) -> Result<i64> {
    db.value(
        "WITH RECURSIVE up (id, depth) AS (
           SELECT :id, 0
            UNION SELECT role_id, depth + 1 FROM up JOIN role_includes ON includes_id = up.id WHERE depth < 9),
         down (id, depth) AS (
           SELECT :id, 0
            UNION SELECT includes_id, depth + 1 FROM down JOIN role_includes ON role_id = down.id WHERE depth < 9)
         SELECT (SELECT max(depth) FROM up) + (SELECT max(depth) FROM down)",
        named_params! { ":id": id },
    )
}

/// A role that may be used at `owner`, by its number or its name: a shipped one, or one that belongs
/// there or above; of several of that name the nearest.
pub fn usable(db: &Read, owner: CustomerId, name: &str) -> Result<Option<Role>> {
    let found: Option<RoleId> = db.maybe(
        "SELECT roles.id
           FROM roles
           LEFT JOIN customer_tree ON above = roles.customer_id AND below = :owner
          WHERE (roles.name = :name OR CAST(roles.id AS TEXT) = :name)
            AND (roles.customer_id IS NULL OR depth IS NOT NULL)
            AND held_in NOT IN ('flag', 'all')
          ORDER BY roles.customer_id IS NULL, depth LIMIT 1",
        named_params! { ":owner": owner, ":name": name },
        |row| row.get(0),
    )?;
    found.map(|id| roles::store::by_id(db, id)).transpose()
}

/// The services that a right of a role of `owner` may be limited to: those that somebody there or
/// below has, for the provider all.
pub fn services(db: &Read, owner: CustomerId) -> Result<Vec<(ServiceId, String, String)>> {
    db.all(
        "SELECT id, code, name
           FROM services
          WHERE builtin = 0
            AND (:owner = 1 OR EXISTS (
                  SELECT 1 FROM customer_tree
                    JOIN customer_services ON customer_services.customer_id = below
                                          AND customer_services.service_id = services.id
                   WHERE above = :owner))
          ORDER BY name",
        named_params! { ":owner": owner },
        |row| Ok((row.get("id")?, row.get("code")?, row.get("name")?)),
    )
}

pub fn name_of(db: &Read, customer: CustomerId) -> Result<String> {
    db.value("SELECT name FROM customers WHERE id = ?1", [customer])
}

/// Number and name of every role that may be used at `owner`.
pub fn all_usable(db: &Read, owner: CustomerId) -> Result<Vec<(RoleId, String)>> {
    db.all(
        "SELECT roles.id, roles.name
           FROM roles
          WHERE held_in NOT IN ('flag', 'all')
            AND (held_in <> 'provider' OR :owner = 1)
            AND (roles.customer_id IS NULL
                 OR EXISTS (SELECT 1 FROM customer_tree WHERE above = roles.customer_id AND below = :owner))
          ORDER BY roles.name",
        named_params! { ":owner": owner },
        |row| Ok((row.get("id")?, row.get("name")?)),
    )
}
