use super::adopt::adopt as take_up;
use super::{Finding, begin, list, one, read_filter, verbs};
use crate::auth::Scope;
use crate::auth::permissions::{ConnectorsRead, ConnectorsWrite};
use crate::directory::environments;
use crate::error::Result;
use crate::ids::{DriftId, EnvironmentId};
use crate::input::{Field, Fields, Input};
use crate::web::{Cx, Response, response};
use serde_json::{Value, json};

pub const FINDING: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("directory_id", ""),
    Field::integer("customer_id", ""),
    Field::integer("user_id", "whose account it is, or null"),
    Field::text("class", "user, group or ou"),
    Field::text("object", "the id that it keeps there"),
    Field::text("name", "what people call it"),
    Field::text("place", "where it lies there, or lay last"),
    Field::text(
        "kind",
        "attribute, moved, renamed, disabled, enabled, deleted, unknown, member_added, member_removed or double",
    ),
    Field::text("what", "which attribute or name, or the id of the member"),
    Field::text("ours", "as it is here"),
    Field::text("theirs", "as it is there"),
    Field::text("state", "open, pushing, ignored or settled"),
    Field::text("how", "what settled it; gone: it was so no more"),
    Field::text("until", "the last day on which it is ignored, or null"),
    Field::integer("request_id", "the work that brings ours there, or null"),
    Field::text("note", "why that failed"),
    Field::list("verbs", "what may be said about it: push, take, ignore, adopt, forget"),
];

pub const PUSHED: &[Field] = &[Field::integer("request_id", "the work that brings ours there")];

pub const RUN: &[Field] = &[Field::integer("run_id", "that looks through the directory")];

pub fn index(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let id: EnvironmentId = cx.param("id")?;
    environments::one(cx.db, scope, id)?;
    let mut query = cx.request.query.clone();
    query.remove("limit");
    query.remove("after");
    let filter = read_filter(&query)?;
    let paging = cx.paging(super::FILTERS)?;
    let found = list(cx.db, scope, id, &filter, &paging)?;
    let items: Vec<Value> = found.items.iter().map(out).collect();
    response::json(200, &json!({ "items": items, "next": found.next }))
}

pub fn show(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let id: DriftId = cx.param("id")?;
    response::json(200, &out(&cx.db.read(|db| one(db, scope, id))?))
}

pub fn look(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    nothing_said(cx)?;
    let run = begin(cx.db, scope, cx.param("id")?)?;
    response::json(202, &json!({ "run_id": run }))
}

pub fn push(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    nothing_said(cx)?;
    let request = verbs::push(cx.db, scope, cx.param("id")?)?;
    response::json(202, &json!({ "request_id": request }))
}

pub fn take(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    nothing_said(cx)?;
    verbs::take(cx.db, &cx.actor, scope, cx.param("id")?)?;
    after(cx, scope)
}

pub fn ignore(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    verbs::ignore(cx.db, scope, cx.param("id")?, &cx.input()?)?;
    after(cx, scope)
}

pub fn adopt(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    take_up(cx.app, &cx.actor, scope, cx.param("id")?, &cx.input()?)?;
    after(cx, scope)
}

pub fn forget(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    nothing_said(cx)?;
    verbs::forget(cx.db, scope, cx.param("id")?)?;
    after(cx, scope)
}

fn after(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id: DriftId = cx.param("id")?;
    response::json(200, &out(&cx.db.read(|db| one(db, scope, id))?))
}

/// A field that would have no effect is refused.
fn nothing_said(cx: &Cx) -> Result<()> {
    let input: Input = cx.input()?;
    Fields::of(&input, &[]).finish(|| Some(()))
}

fn out(it: &Finding) -> Value {
    json!({
        "id": it.id, "directory_id": it.environment, "customer_id": it.customer, "user_id": it.user,
        "class": it.class, "object": it.object, "name": it.name, "place": it.place, "kind": it.kind,
        "what": it.what, "ours": it.ours, "theirs": it.theirs, "state": it.state, "how": it.how,
        "until": it.until.map(|day| day.to_string()), "request_id": it.request, "note": it.note,
        "verbs": it.verbs(),
    })
}
