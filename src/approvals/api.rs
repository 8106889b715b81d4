use super::{Approval, View, Vote, decide as decide_one, deputies, list, one};
use crate::auth::permissions::{AccountRead, ApprovalsDecide};
use crate::auth::{Own, Scope};
use crate::error::Result;
use crate::ids::ApprovalId;
use crate::input::{Field, Fields};
use crate::web::{Cx, Response, response};
use serde_json::json;

pub const NOTHING: &[Field] = &[];

pub const FILTERS: &[Field] = &[Field::text(
    "view",
    "mine, what waits for oneself, if left out; ordered, one’s own orders that wait; decided, what ended within 30 days",
)];

macro_rules! row {
    ($($more:expr),* $(,)?) => {
        &[
            Field::integer("id", ""),
            Field::integer("request_id", "the request that waits"),
            Field::integer("customer_id", ""),
            Field::text("title", "what was ordered"),
            Field::text("chain", "the chain that is asked"),
            Field::text("state", "later, open, approved, rejected, expired, withdrawn or again"),
            Field::integer("needed", "how many have to agree"),
            Field::text("moved", "what changed since it was agreed to before"),
            Field::text("ordered_by_name", "or null"),
            Field::text("for_name", "or null"),
            Field::text("asked_at", "or null"),
            Field::text("expires_at", "when it is cancelled, or null"),
            Field::text("ended_at", "or null"),
            $($more,)*
        ]
    };
}

pub const ROW: &[Field] = row!();

/// With what would be done, and who is asked.
pub const OUT: &[Field] = row!(
    Field::object("plan", "what would be done, as a preview"),
    Field::list("voters", "each with user_id, name, vote, by, comment and at"),
);

pub const DEPUTY: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("deputy_id", ""),
    Field::text("deputy", "a name"),
    Field::text("from_on", ""),
    Field::text("until_on", ""),
];

/// Reads which are asked for.
pub fn view(cx: &Cx) -> Result<View> {
    let mut query = cx.request.query.clone();
    query.remove("limit");
    query.remove("after");
    let mut fields = Fields::of(&query, FILTERS);
    let view = fields.optional::<View>("view");
    fields.finish(|| Some(view?.unwrap_or(View::Mine)))
}

pub fn index(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let found = list(cx.db, own, view(cx)?, &cx.paging(FILTERS)?)?;
    response::json(200, &json!({ "items": found.items, "next": found.next }))
}

pub fn show(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let it: Approval = cx.db.read(|db| one(db, own, &cx.actor, cx.param("id")?))?;
    response::json(200, &it)
}

pub fn approve(cx: &Cx, scope: &Scope<ApprovalsDecide>) -> Result<Response> {
    decide(cx, scope, Vote::Approve)
}

pub fn reject(cx: &Cx, scope: &Scope<ApprovalsDecide>) -> Result<Response> {
    decide(cx, scope, Vote::Reject)
}

fn decide(cx: &Cx, scope: &Scope<ApprovalsDecide>, vote: Vote) -> Result<Response> {
    let own = cx.actor.own::<AccountRead>()?;
    let (id, input): (ApprovalId, _) = (cx.param("id")?, cx.input()?);
    decide_one(cx.db, &cx.app.config.key, scope, &own, id, vote, &input)?;
    response::json(200, &cx.db.read(|db| one(db, &own, &cx.actor, id))?)
}

pub fn withdraw(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let id: ApprovalId = cx.param("id")?;
    super::withdraw(cx.db, own, id)?;
    show(cx, own)
}

pub fn deputies_of_mine(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let all = cx.db.read(|db| deputies::list(db, own))?;
    response::json(200, &json!({ "items": all, "next": null }))
}

pub fn name_deputy(cx: &Cx, scope: &Scope<ApprovalsDecide>) -> Result<Response> {
    let own = cx.actor.own::<AccountRead>()?;
    let id = deputies::create(cx.db, scope, &own, cx.actor.home, &cx.input()?)?;
    let all = cx.db.read(|db| deputies::list(db, &own))?;
    let new = all.into_iter().find(|each| each.id == id);
    response::created(format!("/api/v1/approvals/deputies/{id}"), &new)
}

pub fn drop_deputy(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    deputies::delete(cx.db, own, cx.actor.home, cx.param("id")?)?;
    Ok(response::no_content())
}
