use super::{pin, pinned, unpin};
use crate::auth::Scope;
use crate::auth::permissions::CustomersRead;
use crate::error::Result;
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde_json::json;

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::text("code", ""),
    Field::text("name", ""),
    Field::text("state", "active, disabled, deprovisioned, deleted"),
];

pub fn index(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<Response> {
    let all = cx.db.read(|db| pinned(db, scope, cx.actor.user))?;
    response::json(200, &json!({ "items": all }))
}

pub fn create(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<Response> {
    pin(cx.db, scope, cx.actor.user, cx.param("id")?)?;
    Ok(response::no_content())
}

pub fn destroy(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<Response> {
    unpin(cx.db, scope, cx.actor.user, cx.param("id")?)?;
    Ok(response::no_content())
}
