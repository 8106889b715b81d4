use super::acts::Act;
use super::{One, Order, retrying, start, undoing, within_input};
use crate::assignments;
use crate::auth::permissions::{AccountRead, UserServicesWrite, UsersRead};
use crate::auth::{Own, Scope};
use crate::error::Result;
use crate::ids::{CustomerId, RunId};
use crate::input::{Field, Fields, Input};
use crate::web::{Cx, Response, response};
use serde_json::json;

pub const STARTED: &[Field] = &[
    Field::integer("run_id", "where its progress is"),
    Field::integer("users", "of a preview: how many it is for"),
    Field::text(
        "confirm",
        "of a preview: what is to be sent as confirm, where many lose something",
    ),
    Field::list("items", "of a preview: user_id, name, result, changes, why of the first 2,000"),
];

/// What going on from a run takes.
pub const AGAIN: &[Field] = &[
    Field::boolean("preview", "true says what it would do and does nothing"),
    Field::text("confirm", "the number of users, where many lose something"),
];

/// Carries out an order over many users of the customer, or says what it would do.
pub fn create(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let (customer, input): (CustomerId, _) = (cx.param("id")?, cx.input()?);
    if input.get("action") == Act::GiveService.word() {
        cx.db.read(|db| scope.reaches(db, customer))?;
        return give(cx, customer, &input);
    }
    let order = cx.db.read(|db| Order::read(db, &cx.actor, scope, Some(customer), &input))?;
    carry_on(cx, customer, &order, &input)
}

/// The same for users of whichever customers are within reach.
pub fn create_anywhere(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let input = cx.input()?;
    let order = cx.db.read(|db| Order::read(db, &cx.actor, scope, None, &input))?;
    carry_on(cx, cx.actor.home, &order, &input)
}

/// A service is given by the run that takes seats for all of them.
fn give(cx: &Cx, customer: CustomerId, said: &Input) -> Result<Response> {
    let mut order = within_input(said);
    said.all("ids").for_each(|id| order.push("ids", id));
    for name in ["all", "q", "state", "department"] {
        if said.has(name) {
            order.set(name, said.get(name));
        }
    }
    let scope = cx.actor.service_rights::<UserServicesWrite>()?;
    assignments::api::give_to(cx, &scope, customer, &order, is_preview(said))
}

fn is_preview(input: &Input) -> bool {
    ["true", "1"].contains(&input.get("preview"))
}

fn carry_on(cx: &Cx, customer: CustomerId, order: &Order, input: &Input) -> Result<Response> {
    let users = order.ids.len();
    if is_preview(input) {
        let braked = cx.db.read(|db| order.is_braked(db))?;
        let items: Vec<One> = order.preview(cx.app, &cx.actor)?;
        let confirm = braked.then(|| users.to_string());
        let answer = json!({ "users": users, "confirm": confirm, "items": items });
        return response::json(200, &answer);
    }
    if cx.db.read(|db| order.asks_again(db))? {
        cx.again_for(order.permission())?;
    }
    let run: RunId = start(cx.db, cx.actor.by, customer, order, input)?;
    let answer = response::json(202, &json!({ "run_id": run }))?;
    Ok(answer.with("Location", format!("/api/v1/runs/{run}")))
}

/// Does once more what a run of one's own could not do.
pub fn retry(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let (id, input) = (cx.param("id")?, cx.input()?);
    Fields::of(&input, AGAIN).finish(|| Some(()))?;
    let (customer, order) = cx.db.read(|db| retrying(db, own, id))?;
    carry_on(cx, customer, &order, &input)
}

/// Puts back what a run of one's own did.
pub fn undo(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let (id, input) = (cx.param("id")?, cx.input()?);
    Fields::of(&input, AGAIN).finish(|| Some(()))?;
    let (customer, order) = cx.db.read(|db| undoing(db, own, id))?;
    carry_on(cx, customer, &order, &input)
}
