use super::{list, one};
use crate::auth::Scope;
use crate::auth::permissions::SystemOperate;
use crate::error::Result;
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde_json::json;

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("position", "small numbers first"),
    Field::text("event", "like user_service.*"),
    Field::text("service", "a code, or null"),
    Field::integer("customer_id", "it and all below, or null"),
    Field::text("class", "or null"),
    Field::text("action", "or null"),
    Field::text("queue", ""),
];

pub const WHERE: &[Field] =
    &[Field::text("queue", ""), Field::object("route", "the route that says so, or null")];

pub fn index(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    let found = list(cx.db, scope, &cx.paging(&[])?)?;
    response::json(200, &json!({ "items": found.items, "next": found.next }))
}

pub fn create(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    let id = super::create(cx.db, scope, &cx.input()?)?;
    let route = cx.db.read(|db| one(db, scope, id))?;
    response::created(format!("/api/v1/queues/routes/{id}"), &route)
}

pub fn destroy(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    super::delete(cx.db, scope, cx.param("id")?)?;
    Ok(response::no_content())
}

pub fn find(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    let (route, queue) = super::find(cx.db, scope, &cx.request.query)?;
    response::json(200, &json!({ "queue": queue, "route": route }))
}

pub fn update(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    let queue: String = cx.param("name")?;
    super::limit(cx.db, scope, &queue, &cx.input()?)?;
    Ok(response::no_content())
}
