use super::{Chain, create, delete, list, one, update as change};
use crate::auth::Scope;
use crate::auth::permissions::ApprovalsWrite;
use crate::error::Result;
use crate::ids::{ChainId, CustomerId};
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde_json::json;

pub const NOTHING: &[Field] = &[];

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("customer_id", "it holds there and below"),
    Field::text("name", ""),
    Field::integer("position", ""),
    Field::text("kind", "manager or group"),
    Field::integer("levels", "of managers"),
    Field::integer("needed", "of a group, or null: all"),
    Field::list("verbs", "give, change, resume, remove"),
    Field::text("whose", "staff or everyone"),
    Field::integer("remind_days", ""),
    Field::integer("reject_days", ""),
    Field::boolean("enabled", ""),
    Field::integer("version", "for If-Match"),
    Field::list("services", "codes; none is all"),
    Field::list("members", "ids of users"),
];

pub const SWITCHED: &[Field] = &[Field::boolean("on", "")];

pub fn index(cx: &Cx, scope: &Scope<ApprovalsWrite>) -> Result<Response> {
    let found = list(cx.db, scope, &cx.paging(NOTHING)?)?;
    response::json(200, &json!({ "items": found.items, "next": found.next }))
}

pub fn create_one(cx: &Cx, scope: &Scope<ApprovalsWrite>) -> Result<Response> {
    let id = create(cx.db, scope, cx.actor.home, &cx.input()?)?;
    let chain = cx.db.read(|db| one(db, scope, id))?;
    response::created(format!("/api/v1/approvals/chains/{id}"), &chain)
}

pub fn show(cx: &Cx, scope: &Scope<ApprovalsWrite>) -> Result<Response> {
    answer(cx, scope, cx.param("id")?)
}

fn answer(cx: &Cx, scope: &Scope<ApprovalsWrite>, id: ChainId) -> Result<Response> {
    let chain: Chain = cx.db.read(|db| one(db, scope, id))?;
    let tag = format!("\"{}\"", chain.version);
    Ok(response::json(200, &chain)?.with("ETag", tag))
}

pub fn update(cx: &Cx, scope: &Scope<ApprovalsWrite>) -> Result<Response> {
    let (id, mut input) = (cx.param("id")?, cx.input()?);
    let expected = cx.expected_version(&mut input);
    change(cx.db, scope, id, expected, &input)?;
    answer(cx, scope, id)
}

pub fn destroy(cx: &Cx, scope: &Scope<ApprovalsWrite>) -> Result<Response> {
    delete(cx.db, scope, cx.param("id")?)?;
    Ok(response::no_content())
}

/// A customer opts in, or out.
pub fn switch(cx: &Cx, scope: &Scope<ApprovalsWrite>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    super::switch(cx.db, scope, id, &cx.input()?)?;
    let (everywhere, here) = cx.db.read(|db| crate::approvals::are_on(db, id))?;
    response::json(200, &json!({ "on": everywhere && here }))
}
