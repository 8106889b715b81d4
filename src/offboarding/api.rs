use super::order::Planned;
use super::{call_off, of_user, order, outlook, tick as done_by_hand};
use crate::auth::Scope;
use crate::auth::permissions::{UsersDeprovision, UsersRead};
use crate::error::Result;
use crate::ids::UserId;
use crate::input::{Field, Fields};
use crate::web::{Cx, Response, response};
use serde_json::{Value, json};

pub const ORDERED: &[Field] = &[Field::integer("id", ""), Field::text("state", "planned")];

/// With `?preview=true` nothing is ordered, and the steps are the answer.
pub fn create(cx: &Cx, scope: &Scope<UsersDeprovision>) -> Result<Response> {
    let (id, input): (UserId, _) = (cx.param("id")?, cx.input()?);
    if cx.only_looks()? {
        let steps = outlook(cx.db, &cx.actor, scope, id, &input)?;
        let steps: Vec<Value> = steps.iter().map(told).collect();
        return response::json(200, &json!({ "steps": steps }));
    }
    cx.again()?;
    let new = order(cx.db, &cx.actor, scope, id, &input)?;
    response::json(202, &json!({ "id": new, "state": "planned" }))
}

fn told(step: &Planned) -> Value {
    json!({
        "act": step.act, "text": step.text, "due_at": step.due, "by_hand": step.by_hand.is_some(),
        "why": step.by_hand,
    })
}

pub fn index(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let id = cx.param("id")?;
    let all = cx.db.read(|db| of_user(db, scope, id))?;
    response::json(200, &json!({ "items": all, "next": null }))
}

pub fn show(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let (user, id) = (cx.param("id")?, cx.param("offboarding")?);
    response::json(200, &cx.db.read(|db| super::one(db, scope, user, id))?)
}

/// A sealed report on paper.
pub fn paper(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let (user, id) = (cx.param("id")?, cx.param("offboarding")?);
    let bytes = cx.db.read(|db| super::pdf(db, scope, user, id))?;
    Ok(Response::new(200, "application/pdf", bytes))
}

pub fn cancel(cx: &Cx, scope: &Scope<UsersDeprovision>) -> Result<Response> {
    let (user, id) = (cx.param("id")?, cx.param("offboarding")?);
    nothing_said(cx)?;
    call_off(cx.db, &cx.actor, scope, user, id)?;
    response::json(200, &cx.db.read(|db| super::one(db, scope, user, id))?)
}

pub fn tick(cx: &Cx, scope: &Scope<UsersDeprovision>) -> Result<Response> {
    let (user, id) = (cx.param("id")?, cx.param("offboarding")?);
    nothing_said(cx)?;
    done_by_hand(cx.db, &cx.actor, scope, (user, id, cx.param("step")?))?;
    response::json(200, &cx.db.read(|db| super::one(db, scope, user, id))?)
}

/// A field that would have no effect is refused.
fn nothing_said(cx: &Cx) -> Result<()> {
    Fields::of(&cx.input()?, &[]).finish(|| Some(()))
}
