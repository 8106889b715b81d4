use super::{Hold, items, last_of_request, last_of_run, list, one};
use crate::auth::Scope;
use crate::auth::permissions::RequestsRelease;
use crate::engine;
use crate::error::Result;
use crate::ids::HoldId;
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde_json::{Value, json};

pub const NOTHING: &[Field] = &[];

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("run_id", "the run that is held, or null"),
    Field::integer("request_id", "the request that is held, or null"),
    Field::integer("customer_id", "whose it is; of several customers, the nearest above them"),
    Field::text("title", "what it would do"),
    Field::integer("number", "of what it would take: to be typed"),
    Field::text("state", "held, released, refused or withdrawn"),
    Field::text("reason", "why it was let go or refused"),
    Field::text("made_at", ""),
    Field::integer("made_by", "who ordered it, or null"),
    Field::text("decided_at", "or null"),
];

pub const ITEM: &[Field] = &[
    Field::text("what", "users, groups, moves or assignments"),
    Field::integer("customer_id", ""),
    Field::integer("subject_id", "of users the user’s; 0 where it has none"),
    Field::text("text", "its name, and what becomes of it"),
];

pub fn index(cx: &Cx, scope: &Scope<RequestsRelease>) -> Result<Response> {
    let found = list(cx.db, scope, &cx.paging(NOTHING)?)?;
    response::json(200, &json!({ "items": found.items, "next": found.next }))
}

pub fn show(cx: &Cx, scope: &Scope<RequestsRelease>) -> Result<Response> {
    answer(200, &cx.db.read(|db| one(db, scope, cx.param("id")?))?)
}

/// What it would take, thing by thing.
pub fn list_items(cx: &Cx, scope: &Scope<RequestsRelease>) -> Result<Response> {
    let paging = cx.paging(NOTHING)?;
    let found = cx.db.read(|db| items(db, &one(db, scope, cx.param("id")?)?, &paging))?;
    let rows: Vec<Value> = found.items.iter().map(|(_, item)| json!(item)).collect();
    response::json(200, &json!({ "items": rows, "next": found.next }))
}

pub fn release(cx: &Cx, scope: &Scope<RequestsRelease>) -> Result<Response> {
    let id: HoldId = cx.param("id")?;
    release_one(cx, scope, id)
}

pub fn release_run(cx: &Cx, scope: &Scope<RequestsRelease>) -> Result<Response> {
    let hold = cx.db.read(|db| last_of_run(db, scope, cx.param("id")?))?;
    release_one(cx, scope, hold.id)
}

pub fn release_request(cx: &Cx, scope: &Scope<RequestsRelease>) -> Result<Response> {
    let hold = cx.db.read(|db| last_of_request(db, scope, cx.param("id")?))?;
    release_one(cx, scope, hold.id)
}

fn release_one(cx: &Cx, scope: &Scope<RequestsRelease>, id: HoldId) -> Result<Response> {
    let key = &cx.app.config.key;
    let input = cx.input()?;
    let hold =
        super::release(cx.db, scope, id, &input, |tx, request| engine::released(tx, key, request))?;
    answer(202, &hold)
}

pub fn refuse(cx: &Cx, scope: &Scope<RequestsRelease>) -> Result<Response> {
    let (id, input): (HoldId, _) = (cx.param("id")?, cx.input()?);
    answer(200, &super::refuse(cx.db, scope, id, &input, engine::turned_down)?)
}

fn answer(status: u16, hold: &Hold) -> Result<Response> {
    response::json(status, hold)
}
