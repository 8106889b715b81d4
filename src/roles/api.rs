//! Roles and who holds them, as JSON.

use super::{
    Role, allowed, ask_for_factor, asks_for_factor, custom, grant, outsiders, store, take, why,
};
use crate::auth::permissions::{
    AccountRead, RolesAllow, RolesGrant, RolesRead, RolesWrite, SettingsWrite,
};
use crate::auth::{Own, Scope};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, GrantId, RoleId, UserId};
use crate::input::Field;
use crate::places;
use crate::web::{Cx, Listing, Response, response};

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("customer_id", "whose it is; none of a shipped one"),
    Field::text("customer", ""),
    Field::text("name", ""),
    Field::text("description", ""),
    Field::text("held_in", "provider, reseller, any, flag or all"),
    Field::boolean("requires_factor", ""),
    Field::integer("version", ""),
    Field::integer("holders", "how many of those within reach hold it"),
    Field::list("rights", "permission, reach (1 own, 2 below, 3 both), codes of its services"),
    Field::list("includes", "the roles it consists of besides"),
];

pub const ALLOWED: &[Field] = &[
    Field::integer("role_id", ""),
    Field::text("role", ""),
    Field::text("rule", "inherit, allow or deny"),
    Field::boolean("allowed", ""),
    Field::text("why_not", ""),
    Field::integer("holders", "there and below"),
];

pub const EFFECT: &[Field] = &[
    Field::text("rule", "inherit, allow or deny"),
    Field::integer("stops", "how many users' role stops working"),
    Field::integer("starts", "how many users' role works again"),
    Field::list("names", "up to five of those it stops for"),
];

pub const CHECK: &[Field] =
    &[Field::list("checks", "what, ok, text, href: each condition in its order")];

pub const REACHING: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("user_id", ""),
    Field::text("user", ""),
    Field::integer("home_id", "whose person it is"),
    Field::text("home", ""),
    Field::integer("role_id", ""),
    Field::text("role", ""),
    Field::integer("customer_id", "where the role stands"),
    Field::text("customer", ""),
    Field::text("until_on", "its last day"),
    Field::text("why_not", "why it is worth nothing at present"),
];

pub const GRANT_OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("user_id", ""),
    Field::integer("role_id", ""),
    Field::text("role", ""),
    Field::integer("customer_id", "where it stands"),
    Field::text("customer", ""),
    Field::text("until_on", "its last day"),
    Field::text("granted_at", ""),
    Field::text("why_not", "why it is worth nothing at present"),
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
        super::grants(db, scope, user)
    })?;
    response::json(200, &Listing { items, next: None })
}

pub fn create(cx: &Cx, scope: &Scope<RolesGrant>) -> Result<Response> {
    let user: UserId = cx.param("id")?;
    let input = cx.input()?;
    let at = input
        .get("customer_id")
        .parse()
        .map_or_else(|_| places::home_of(cx.db, scope, user), Ok)?;
    if cx.db.read(|db| asks_for_factor(db, at, input.get("role")))? {
        cx.again()?;
    }
    let id = grant(cx.db, &cx.actor, scope, user, &input)?;
    let made = cx.db.read(|db| store::grant(db, scope, user, id))?;
    response::created(format!("/api/v1/users/{user}/roles/{id}"), &made)
}

pub fn destroy(cx: &Cx, scope: &Scope<RolesGrant>) -> Result<Response> {
    let (user, id): (UserId, GrantId) = (cx.param("id")?, cx.param("grant")?);
    take(cx.db, &cx.actor, scope, user, id, &cx.input()?)?;
    Ok(response::no_content())
}

pub fn one(cx: &Cx, scope: &Scope<RolesRead>) -> Result<Response> {
    let role = cx.db.read(|db| store::one(db, scope, cx.param("id")?))?;
    Ok(response::json(200, &role)?.with("ETag", format!("\"{}\"", role.version)))
}

/// The roles that belong to a customer.
pub fn of_customer(cx: &Cx, scope: &Scope<RolesRead>) -> Result<Response> {
    let owner: CustomerId = cx.param("id")?;
    let paging = cx.paging(&[])?;
    let mut roles = cx.db.read(|db| {
        places::customer(db, scope, owner)?;
        store::list(db, scope)
    })?;
    roles.retain(|role| role.customer_id == Some(owner) && role.id.0 > paging.id());
    response::json(200, &paging.listing(roles, |role| (String::new(), role.id.0)))
}

pub fn make(cx: &Cx, scope: &Scope<RolesWrite>) -> Result<Response> {
    let id = custom::create(cx.db, &cx.actor, scope, cx.param("id")?, &cx.input()?)?;
    made(cx, id)
}

pub fn copy(cx: &Cx, scope: &Scope<RolesWrite>) -> Result<Response> {
    let seen = cx.actor.scope::<RolesRead>()?;
    let id = custom::copy(cx.db, &cx.actor, scope, &seen, cx.param("id")?, &cx.input()?)?;
    made(cx, id)
}

fn made(cx: &Cx, id: RoleId) -> Result<Response> {
    let role = cx.db.read(|db| store::by_id(db, id))?;
    response::created(format!("/api/v1/roles/{id}"), &role)
}

pub fn update(cx: &Cx, scope: &Scope<RolesWrite>) -> Result<Response> {
    let (id, mut input): (RoleId, _) = (cx.param("id")?, cx.input()?);
    let expected = cx.expected_version(&mut input);
    seen(cx, id)?;
    custom::edit(cx.db, &cx.actor, scope, id, &input, expected)?;
    response::json(200, &cx.db.read(|db| store::by_id(db, id))?)
}

pub fn delete(cx: &Cx, scope: &Scope<RolesWrite>) -> Result<Response> {
    let id: RoleId = cx.param("id")?;
    seen(cx, id)?;
    custom::delete(cx.db, &cx.actor, scope, id, &cx.input()?)?;
    Ok(response::no_content())
}

fn seen(cx: &Cx, id: RoleId) -> Result<()> {
    let seen = cx.actor.scope::<RolesRead>()?;
    cx.db.read(|db| store::one(db, &seen, id).map(|_| ()))
}

pub fn allowed_roles(cx: &Cx, scope: &Scope<RolesRead>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    let paging = cx.paging(&[])?;
    let mut items = cx.db.read(|db| allowed::list(db, scope, customer))?;
    items.retain(|role| role.role_id.0 > paging.id());
    response::json(200, &paging.listing(items, |role| (String::new(), role.role_id.0)))
}

/// Says of a role what holds at a customer; `?preview=true` only tells what that would do.
pub fn allow(cx: &Cx, scope: &Scope<RolesAllow>) -> Result<Response> {
    let (customer, role): (CustomerId, RoleId) = (cx.param("id")?, cx.param("role")?);
    let (seen, input) = (cx.actor.scope::<RolesRead>()?, cx.input()?);
    if !cx.only_looks()? {
        let effect = allowed::set(cx.db, scope, &seen, customer, role, &input)?;
        return response::json(200, &effect);
    }
    let rule = input
        .get("rule")
        .parse()
        .map_err(|_| Error::invalid("rule", "is not one of the choices"))?;
    let effect = cx.db.read(|db| {
        scope.reaches(db, customer)?;
        let role = allowed::known(db, &seen, role, customer)?;
        allowed::effect(db, role.id, customer, rule)
    })?;
    response::json(200, &effect)
}

pub fn access(cx: &Cx, scope: &Scope<RolesRead>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    let paging = cx.paging(&[])?;
    response::json(200, &cx.db.read(|db| outsiders::list(db, scope, customer, &paging))?)
}

pub fn factor(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    let id: RoleId = cx.param("id")?;
    ask_for_factor(cx.db, scope, id, &cx.input()?)?;
    Ok(response::no_content())
}

/// Every condition of a permission: one's own, or somebody else's where roles may be read.
pub fn explain(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let query = &cx.request.query;
    let user = match query.get("user") {
        "" => own.user,
        text => text.parse().map_err(|_| Error::NotFound)?,
    };
    let checks = cx.db.read(|db| {
        if user != own.user {
            places::user(db, &cx.actor.scope::<RolesRead>()?, user)?;
        }
        why::explain(db, &cx.actor, &why::question(db, &cx.actor, user, query)?)
    })?;
    response::json(200, &serde_json::json!({ "checks": checks }))
}
