//! Roles, their rights, and who holds them.

use super::{Grant, Part, Right, Role, custom};
use crate::auth::Scope;
use crate::auth::permissions::{RolesGrant, RolesRead};
use crate::db::{Read, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, GrantId, RoleId, UserId};
use crate::time::Date;
use rusqlite::{Row, named_params};

/// The shipped roles, those of customers within reach, and those of customers above them, which may
/// be used there too; counted are the holders within reach.
pub fn list(db: &Read, scope: &Scope<RolesRead>) -> Result<Vec<Role>> {
    let mut roles = db.all(
        "SELECT roles.id, roles.customer_id, customers.name AS owner, roles.name, description, held_in,
                requires_factor, roles.version,
                (SELECT count(*) FROM role_grants
                  WHERE role_id = roles.id
                    AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = at_id
                                   AND scope IN (SELECT value FROM json_each(:scope)))) AS holders
           FROM roles LEFT JOIN customers ON customers.id = roles.customer_id
          WHERE roles.customer_id IS NULL
             OR EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = roles.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
             OR EXISTS (SELECT 1 FROM json_each(:scope) AS own
                          JOIN customer_tree ON below = own.value / 4 AND above = roles.customer_id)
          ORDER BY roles.id",
        named_params! { ":scope": scope },
        |row| Ok(Role { holders: row.get("holders")?, ..role(row)? }),
    )?;
    for role in &mut roles {
        fill(db, role)?;
    }
    Ok(roles)
}

/// A role that the scope may see.
pub fn one(db: &Read, scope: &Scope<RolesRead>, id: RoleId) -> Result<Role> {
    list(db, scope)?.into_iter().find(|role| role.id == id).ok_or(Error::NotFound)
}

/// A role whoever asks: its holders are not counted.
pub fn by_id(db: &Read, id: RoleId) -> Result<Role> {
    let mut role = db.one(
        "SELECT roles.id, roles.customer_id, customers.name AS owner, roles.name, description, held_in,
                requires_factor, roles.version
           FROM roles LEFT JOIN customers ON customers.id = roles.customer_id
          WHERE roles.id = ?1",
        [id],
        role,
    )?;
    fill(db, &mut role)?;
    Ok(role)
}

pub fn is_shipped(db: &Read, name: &str) -> Result<bool> {
    db.value("SELECT EXISTS (SELECT 1 FROM roles WHERE customer_id IS NULL AND name = ?1)", [name])
}

fn role(row: &Row) -> rusqlite::Result<Role> {
    Ok(Role {
        id: row.get("id")?,
        customer_id: row.get("customer_id")?,
        customer: row.get("owner")?,
        name: row.get("name")?,
        description: row.get("description")?,
        held_in: row.get("held_in")?,
        requires_factor: row.get("requires_factor")?,
        version: row.get("version")?,
        holders: 0,
        rights: Vec::new(),
        includes: Vec::new(),
    })
}

fn fill(db: &Read, role: &mut Role) -> Result<()> {
    role.rights = db.all(
        "SELECT permission, reach, services FROM role_rights WHERE role_id = ?1 ORDER BY permission",
        [role.id],
        |row| {
            let held = row.get::<_, String>("services")? == "held";
            Ok(Right {
                permission: row.get("permission")?,
                reach: row.get("reach")?,
                services: held.then(|| vec![custom::HELD.to_owned()]),
            })
        },
    )?;
    let listed: Vec<(String, String)> = db.all(
        "SELECT permission, code FROM role_services JOIN services ON services.id = service_id
          WHERE role_id = ?1 ORDER BY code",
        [role.id],
        |row| Ok((row.get("permission")?, row.get("code")?)),
    )?;
    for (permission, code) in listed {
        if let Some(right) = role.rights.iter_mut().find(|right| right.permission == permission) {
            right.services.get_or_insert_default().push(code);
        }
    }
    role.includes = db.all(
        "SELECT roles.id, name FROM role_includes JOIN roles ON roles.id = includes_id
          WHERE role_id = ?1 ORDER BY name",
        [role.id],
        |row| Ok(Part { id: row.get("id")?, name: row.get("name")? }),
    )?;
    Ok(())
}

/// What somebody within reach holds.
pub fn grants(db: &Read, scope: &Scope<RolesRead>, user: UserId) -> Result<Vec<Grant>> {
    db.all(
        "SELECT role_grants.id, user_id, role_id, roles.name AS role, at_id, customers.name AS customer, until_on,
                granted_at
           FROM role_grants
           JOIN roles ON roles.id = role_id
           JOIN customers ON customers.id = at_id
           JOIN users ON users.id = user_id
          WHERE user_id = :user
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY role_grants.id",
        named_params! { ":user": user, ":scope": scope },
        grant_row,
    )
}

pub fn grant(db: &Read, scope: &Scope<RolesGrant>, user: UserId, id: GrantId) -> Result<Grant> {
    db.one(
        "SELECT role_grants.id, user_id, role_id, roles.name AS role, at_id, customers.name AS customer, until_on,
                granted_at
           FROM role_grants
           JOIN roles ON roles.id = role_id
           JOIN customers ON customers.id = at_id
          WHERE role_grants.id = :id AND user_id = :user
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = at_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":id": id, ":user": user, ":scope": scope },
        grant_row,
    )
}

fn grant_row(row: &Row) -> rusqlite::Result<Grant> {
    Ok(Grant {
        id: row.get("id")?,
        user_id: row.get("user_id")?,
        role_id: row.get("role_id")?,
        role: row.get("role")?,
        customer_id: row.get("at_id")?,
        customer: row.get("customer")?,
        until_on: row.get("until_on")?,
        granted_at: row.get("granted_at")?,
        why_not: None,
    })
}

/// Whether the role or one that it consists of asks for a second factor.
pub fn asks_for_factor(db: &Read, role: RoleId) -> Result<bool> {
    db.value(
        "WITH RECURSIVE parts (id) AS (
           SELECT :role UNION SELECT includes_id FROM parts JOIN role_includes ON role_id = parts.id)
         SELECT EXISTS (SELECT 1 FROM parts JOIN roles ON roles.id = parts.id WHERE requires_factor = 1)",
        named_params! { ":role": role },
    )
}

pub fn insert(
    tx: &Write,
    user: UserId,
    role: RoleId,
    at: CustomerId,
    until: Option<Date>,
) -> Result<GrantId> {
    tx.change(
        "INSERT INTO role_grants (user_id, role_id, at_id, until_on, granted_at, granted_by)
         VALUES (:user, :role, :at, :until, :now, :by) RETURNING id",
        named_params! {
            ":user": user, ":role": role, ":at": at, ":until": until, ":now": tx.now, ":by": tx.by.user,
        },
    )
}

pub fn delete(tx: &Write, scope: &Scope<RolesGrant>, user: UserId, id: GrantId) -> Result<()> {
    tx.change(
        "DELETE FROM role_grants
          WHERE id = :id AND user_id = :user
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = at_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
         RETURNING 1",
        named_params! { ":id": id, ":user": user, ":scope": scope },
    )
    .map(|_: i64| ())
}

pub fn customer_name(db: &Read, id: CustomerId) -> Result<String> {
    db.value("SELECT name FROM customers WHERE id = ?1", [id])
}

/// Its name; the switch of a shipped role.
pub fn ask_for_factor(tx: &Write, id: RoleId, on: bool) -> Result<String> {
    tx.change(
        "UPDATE roles SET requires_factor = :on WHERE id = :id AND customer_id IS NULL RETURNING name",
        named_params! { ":on": on, ":id": id },
    )
}

/// The name of the holder, if nobody else at that customer is an administrator who can sign in.
pub fn only_administrator(db: &Read, held: &Grant) -> Result<Option<String>> {
    db.maybe(
        "SELECT display_name
           FROM users AS mine
          WHERE mine.id = :user AND mine.state = 'active'
            AND NOT EXISTS (
              SELECT 1 FROM role_grants AS other
                JOIN roles ON roles.id = other.role_id AND roles.customer_id IS NULL
                 AND roles.name IN ('Customer administrator', 'Reseller administrator', 'Provider administrator')
                JOIN users ON users.id = other.user_id
               WHERE other.at_id = :at AND other.user_id <> :user AND users.state = 'active'
                 AND users.sign_in = 'everything' AND users.password_hash IS NOT NULL)",
        named_params! { ":user": held.user_id, ":at": held.customer_id },
        |row| row.get(0),
    )
}

/// The customer of that code, if the scope reaches it.
pub fn by_code(db: &Read, scope: &Scope<RolesGrant>, code: &str) -> Result<Option<CustomerId>> {
    db.maybe(
        "SELECT id FROM customers
          WHERE code = :code
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":code": code, ":scope": scope },
        |row| row.get(0),
    )
}
