use super::{Filter, list, one};
use crate::auth::Scope;
use crate::auth::permissions::RequestsRead;
use crate::error::Result;
use crate::ids::TaskId;
use crate::input::{Field, Fields};
use crate::web::{Cx, Response, response};
use serde_json::json;

pub const FILTERS: &[Field] = &[
    Field::boolean("mine", "only those that are given to oneself"),
    Field::boolean("all", "those that have ended, too"),
];

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("request_id", "the request that waits for it"),
    Field::integer("customer_id", ""),
    Field::text("title", ""),
    Field::text("text", "what to do"),
    Field::list("checklist", "each with text and done"),
    Field::list("fields", "names of what is asked for at the end"),
    Field::integer("assignee_id", "or null"),
    Field::text("assignee", "a name, or null"),
    Field::text("role", "everybody who holds it there may do it, or null"),
    Field::text("state", "open, done, refused or cancelled"),
    Field::text("reason", "why it was refused"),
    Field::text("due_at", ""),
    Field::text("opened_at", ""),
    Field::text("ended_at", "or null"),
];

/// Reads which are asked for.
pub fn filter(cx: &Cx) -> Result<Filter> {
    let mut query = cx.request.query.clone();
    query.remove("limit");
    query.remove("after");
    let mut fields = Fields::of(&query, FILTERS);
    let (mine, all) = (fields.flag("mine"), fields.flag("all"));
    fields.finish(|| Some(Filter { mine: mine?, all: all? }))
}

pub fn index(cx: &Cx, scope: &Scope<RequestsRead>) -> Result<Response> {
    let found = list(cx.db, scope, filter(cx)?, &cx.paging(FILTERS)?)?;
    response::json(200, &json!({ "items": found.items, "next": found.next }))
}

pub fn show(cx: &Cx, scope: &Scope<RequestsRead>) -> Result<Response> {
    answer(cx, scope, cx.param("id")?)
}

fn answer(cx: &Cx, scope: &Scope<RequestsRead>, id: TaskId) -> Result<Response> {
    response::json(200, &cx.db.read(|db| one(db, scope, id))?)
}

pub fn complete(cx: &Cx, scope: &Scope<RequestsRead>) -> Result<Response> {
    let id = cx.param("id")?;
    super::complete(cx.db, &cx.actor, scope, id, &cx.input()?)?;
    answer(cx, scope, id)
}

pub fn refuse(cx: &Cx, scope: &Scope<RequestsRead>) -> Result<Response> {
    let id = cx.param("id")?;
    super::refuse(cx.db, &cx.actor, scope, id, &cx.input()?)?;
    answer(cx, scope, id)
}

pub fn assign(cx: &Cx, scope: &Scope<RequestsRead>) -> Result<Response> {
    let id = cx.param("id")?;
    super::assign(cx.db, &cx.actor, scope, id, &cx.input()?)?;
    answer(cx, scope, id)
}
