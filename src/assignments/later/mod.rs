//! A removal on a later day: until then the assignment stays and is billed; then a run removes it with
//! the rights that whoever ordered it has by then. Stopping the run withdraws it.

mod store;

pub use store::{pending, pending_of};

use super::act::{self, Cause, Done};
use super::plan::{self, Act, Plan};
use super::previews::Applied;
use super::state::Verb;
use super::{HeldId, Order};
use crate::audit;
use crate::auth::permissions::{CustomerServicesWrite, UserServicesWrite};
use crate::auth::{Actor, Permission, ServiceRights};
use crate::db::{Db, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerServiceId, RunId, UserId, UserServiceId};
use crate::input::{self, Input};
use crate::jobs::{self, Level, Next, RunCx};
use crate::secret::Key;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The kind of run in `schedule.rs`.
pub const KIND: &str = "services.remove_later";

#[derive(Serialize, Deserialize)]
struct Work {
    user: Option<UserId>,
    held: i64,
}

/// Carries an order out: at once, or where it says so on its day.
pub fn carry_out<P: Permission>(
    db: &Db,
    key: &Key,
    actor: &Actor,
    scope: &ServiceRights<P>,
    order: &Order,
) -> Result<(Applied, HeldId)> {
    db.write(scope.by, |tx| {
        let plan = plan::of(tx, actor, scope, order)?;
        plan.may_go()?;
        if let Some(text) = plan.confirm() {
            input::typed(&order.input, &text)?;
        }
        if let (Some(_), Some(held)) = (plan.due, order.held) {
            return Ok((Applied::Run(put_off(tx, &plan)?), held));
        }
        let Done { request, held } = act::apply(tx, key, actor, &plan, &Cause::default())?;
        Ok((Applied::Request(request), held))
    })
}

/// Keeps for its day what a plan says.
pub fn put_off(tx: &Write, plan: &Plan) -> Result<RunId> {
    plan.may_go()?;
    let (Some(at), Act::Remove { held, .. }) = (plan.due, &plan.act) else {
        return Err(Error::internal("only removals are put off"));
    };
    let work = Work { user: plan.order.user, held: held.id.number() };
    let input = serde_json::to_value(&work)?;
    let run = jobs::queue_run_at(tx, KIND, held.customer, &input, Some(1), at)?;
    store::insert(tx, run, held.id, at)?;
    let detail = json!({ "service": held.code, "label": held.label, "at": at, "run_id": run });
    let action = format!("{}_service.remove_planned", held.id.level().word());
    audit::record(tx, &action, act::subject(held.id), held.customer, &detail)?;
    Ok(run)
}

/// Its day has come.
pub fn run(cx: &RunCx) -> Result<()> {
    if cx.done()? > 0 || cx.next()? != Next::Go {
        return Ok(());
    }
    let work: Work = serde_json::from_value(cx.run.input.clone())?;
    let actor = cx.actor()?;
    let held = match work.user {
        Some(_) => HeldId::User(UserServiceId(work.held)),
        None => HeldId::Customer(CustomerServiceId(work.held)),
    };
    let order = Order {
        verb: Verb::Remove,
        customer: cx.run.customer,
        user: work.user,
        held: Some(held),
        expected: None,
        input: Input::default(),
    };
    let cause = Cause { run: Some(cx.run.id), ..Cause::default() };
    let by = actor.by;
    let removed = match work.user {
        Some(_) => {
            let rights = actor.service_rights::<UserServicesWrite>()?;
            cx.db.write(by, |tx| {
                let plan = plan::of(tx, &actor, &rights, &order)?;
                remove(cx, tx, &actor, &plan, &cause)
            })
        }
        None => {
            let rights = actor.service_rights::<CustomerServicesWrite>()?;
            cx.db.write(by, |tx| {
                let plan = plan::of(tx, &actor, &rights, &order)?;
                remove(cx, tx, &actor, &plan, &cause)
            })
        }
    };
    match removed {
        // Removed before its day.
        Err(Error::NotFound) => cx.db.write(by, |tx| {
            cx.unit(tx, 1, Level::Info, "unchanged", "It is not there any more.", None)
        }),
        other => other,
    }
}

fn remove(cx: &RunCx, tx: &Write, actor: &Actor, plan: &Plan, cause: &Cause) -> Result<()> {
    let Done { request, .. } = act::apply(tx, &cx.app.config.key, actor, plan, cause)?;
    let text = format!("{}: request {request}.", plan.title);
    cx.unit(tx, 1, Level::Info, "removed", &text, Some(("request", request.0)))
}
