//! Roles and who holds them, as JSON.

use super::{Role, ask_for_factor, grant, store, take};
use crate::auth::Scope;
use crate::auth::permissions::{RolesGrant, RolesRead, SettingsWrite};
use crate::error::{Error, Result};
use crate::ids::{GrantId, RoleId, UserId};
use crate::input::Field;
use crate::places;
use crate::web::{Cx, Listing, Response, response};

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::text("name", ""),
    Field::text("description", ""),
    Field::text("held_in", "provider, reseller or any"),
    Field::boolean("requires_factor", ""),
    Field::integer("holders", "how many of those within reach hold it"),
    Field::list("rights", "permission and reach: 1 own, 2 below, 3 both"),
];

pub const GRANT_OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("user_id", ""),
    Field::text("role", ""),
    Field::integer("customer_id", "where it stands"),
    Field::text("customer", ""),
    Field::text("until_on", "its last day"),
    Field::text("granted_at", ""),
];

pub fn index(cx: &Cx, scope: &Scope<RolesRead>) -> Result<Response> {
    let paging = cx.paging(&[])?;
    let roles = cx.db.read(|db| store::list(db, scope))?;
    let rest: Vec<Role> = roles.into_iter().filter(|role| role.id.0 > paging.id()).collect();
    response::json(200, &paging.listing(rest, |role| (String::new(), role.id.0)))
}

pub fn held(cx: &Cx, scope: &Scope<RolesRead>) -> Result<Response> {
    let user: UserId = cx.param("id")?;
    let items = cx.db.read(|db| {
        places::user(db, scope, user)?;
        store::grants(db, scope, user)
    })?;
    response::json(200, &Listing { items, next: None })
}

pub fn create(cx: &Cx, scope: &Scope<RolesGrant>) -> Result<Response> {
    let user: UserId = cx.param("id")?;
    let id = grant(cx.db, &cx.actor, scope, user, &cx.input()?)?;
    let made = cx.db.read(|db| store::grant(db, scope, user, id))?;
    response::created(format!("/api/v1/users/{user}/roles/{id}"), &made)
}

pub fn destroy(cx: &Cx, scope: &Scope<RolesGrant>) -> Result<Response> {
    let (user, id): (UserId, GrantId) = (cx.param("id")?, cx.param("grant")?);
    take(cx.db, &cx.actor, scope, user, id)?;
    Ok(response::no_content())
}

/// Of a role that is shipped, nothing can be changed.
pub fn one(cx: &Cx, scope: &Scope<RolesRead>) -> Result<Response> {
    let id: i64 = cx.param("id")?;
    let roles = cx.db.read(|db| store::list(db, scope))?;
    let role = roles.into_iter().find(|role| role.id.0 == id).ok_or(Error::NotFound)?;
    response::json(200, &role)
}

pub fn factor(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    let id: RoleId = cx.param("id")?;
    ask_for_factor(cx.db, scope, id, &cx.input()?)?;
    Ok(response::no_content())
}
