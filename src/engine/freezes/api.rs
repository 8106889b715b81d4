use super::{Freeze, list, one};
use crate::auth::Scope;
use crate::auth::permissions::SystemOperate;
use crate::error::Result;
use crate::ids::FreezeId;
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde_json::json;

pub const NOTHING: &[Field] = &[];

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::text("name", ""),
    Field::integer("customer_id", "for it and all below"),
    Field::text("service", "a code, or null"),
    Field::text("queue", "or null"),
    Field::text("from_at", ""),
    Field::text("until_at", ""),
    Field::text("lets", "what goes on: security or nothing"),
];

pub fn index(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    let found = list(cx.db, scope, &cx.paging(&[])?)?;
    response::json(200, &json!({ "items": found.items, "next": found.next }))
}

pub fn create(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    let id = super::create(cx.db, scope, &cx.actor.zone, &cx.input()?)?;
    let freeze: Freeze = cx.db.read(|db| one(db, scope, id))?;
    response::created(format!("/api/v1/freezes/{id}"), &freeze)
}

pub fn show(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    let id: FreezeId = cx.param("id")?;
    response::json(200, &cx.db.read(|db| one(db, scope, id))?)
}

pub fn destroy(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    super::lift(cx.db, scope, cx.param("id")?)?;
    Ok(response::no_content())
}
