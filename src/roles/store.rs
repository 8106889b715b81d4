//! Roles, their rights, and who holds them.

use super::{Grant, Right, Role};
use crate::auth::Scope;
use crate::auth::permissions::{RolesGrant, RolesRead};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, GrantId, RoleId, UserId};
use crate::time::Date;
use rusqlite::{Row, named_params};

/// The shipped roles, which everybody may read about; counted are the holders within reach.
pub fn list(db: &Read, scope: &Scope<RolesRead>) -> Result<Vec<Role>> {
    let mut roles = db.all(
        "SELECT id, name, description, held_in, requires_factor,
                (SELECT count(*) FROM role_grants
                  WHERE role_id = roles.id
                    AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = at_id
                                   AND scope IN (SELECT value FROM json_each(:scope)))) AS holders
           FROM roles
          WHERE customer_id IS NULL
          ORDER BY id",
        named_params! { ":scope": scope },
        |row| Ok(Role { holders: row.get("holders")?, ..role(row)? }),
    )?;
    for role in &mut roles {
        role.rights = rights(db, role.id)?;
    }
    Ok(roles)
}

/// A role by its name or its number.
pub fn named(db: &Read, name: &str) -> Result<Option<Role>> {
    let found = db.maybe(
        "SELECT id, name, description, held_in, requires_factor
           FROM roles
          WHERE customer_id IS NULL AND (name = :name OR CAST(id AS TEXT) = :name)",
        named_params! { ":name": name },
        role,
    )?;
    match found {
        Some(found) => Ok(Some(Role { rights: rights(db, found.id)?, ..found })),
        None => Ok(None),
    }
}

fn role(row: &Row) -> rusqlite::Result<Role> {
    Ok(Role {
        id: row.get("id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        held_in: row.get("held_in")?,
        requires_factor: row.get("requires_factor")?,
        holders: 0,
        rights: Vec::new(),
    })
}

fn rights(db: &Read, role: RoleId) -> Result<Vec<Right>> {
    db.all(
        "SELECT permission, reach FROM role_rights WHERE role_id = ?1 ORDER BY permission",
        [role],
        |row| Ok(Right { permission: row.get("permission")?, reach: row.get("reach")? }),
    )
}

/// What somebody within reach holds.
pub fn grants(db: &Read, scope: &Scope<RolesRead>, user: UserId) -> Result<Vec<Grant>> {
    db.all(
        "SELECT role_grants.id, user_id, roles.name AS role, at_id, customers.name AS customer, until_on,
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
        "SELECT role_grants.id, user_id, roles.name AS role, at_id, customers.name AS customer, until_on,
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
        role: row.get("role")?,
        customer_id: row.get("at_id")?,
        customer: row.get("customer")?,
        until_on: row.get("until_on")?,
        granted_at: row.get("granted_at")?,
    })
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

/// Its name; the switch of a shipped role.
pub fn ask_for_factor(tx: &Write, id: RoleId, on: bool) -> Result<String> {
    tx.change(
        "UPDATE roles SET requires_factor = :on WHERE id = :id AND customer_id IS NULL RETURNING name",
        named_params! { ":on": on, ":id": id },
    )
}
