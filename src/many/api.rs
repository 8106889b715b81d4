use super::{One, Order, start};
use crate::auth::permissions::{AccountRead, UsersRead};
use crate::auth::{Own, Scope};
use crate::error::Result;
use crate::ids::{CustomerId, RunId};
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde_json::json;

pub const STARTED: &[Field] = &[
    Field::integer("run_id", "where its progress is"),
    Field::integer("users", "of a preview: how many it is for"),
    Field::list("items", "of a preview: user_id, name, result, changes, why of the first 2,000"),
];

pub const RUN: &[Field] = &[Field::integer("run_id", "where its progress is")];

/// Carries out an order over many users of the customer, or says what it would do.
pub fn create(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let (customer, input): (CustomerId, _) = (cx.param("id")?, cx.input()?);
    let order = cx.db.read(|db| Order::read(db, &cx.actor, scope, customer, &input))?;
    if input.get("preview") == "true" || input.get("preview") == "1" {
        let items: Vec<One> = order.preview(cx.app, &cx.actor)?;
        return response::json(200, &json!({ "users": order.ids.len(), "items": items }));
    }
    if cx.db.read(|db| order.is_braked(db, customer))? {
        cx.again_for(order.act.permission())?;
    }
    let run = start(cx.db, cx.actor.by, customer, &order, &input)?;
    accepted(run)
}

fn accepted(run: RunId) -> Result<Response> {
    let answer = response::json(202, &json!({ "run_id": run }))?;
    Ok(answer.with("Location", format!("/api/v1/runs/{run}")))
}

/// Does once more what a run of one's own could not do.
pub fn retry(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    accepted(super::retry(cx.db, &cx.actor, own, cx.param("id")?)?)
}

/// Puts back what a run of one's own did.
pub fn undo(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    accepted(super::undo(cx.db, &cx.actor, own, cx.param("id")?)?)
}
