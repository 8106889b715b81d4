//! Carrying out a plan, within one transaction: the rows, the seats, the ledger, the request.

use super::plan::{Act, Diff, Gift, Limits, Plan};
use super::state::{Live, Wanted};
use super::waiting;
use super::{Held, HeldId, Reason, amounts, held, ledger_row, properties, store};
use crate::audit;
use crate::auth::Actor;
use crate::catalogue::properties::Typed;
use crate::catalogue::{self, Level};
use crate::db::{Via, Write};
use crate::engine::{self, Class, Hold, NewRequest, NewStep, Overtaken};
use crate::error::Result;
use crate::ids::{PreviewId, RequestId, RunId};
use crate::ledger::{self, Action, Source};
use crate::offers::{self, Limit, Meter, Tally};
use crate::secret::Key;
use serde_json::json;

/// What came of an order.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    pub request: RequestId,
    pub held: HeldId,
}

/// Why something is done: a preview that was looked at, a run over many.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cause {
    pub preview: Option<PreviewId>,
    pub run: Option<RunId>,
    /// The request that has waited for people and begins now.
    pub held: Option<RequestId>,
    /// It waits for people.
    pub hold: Option<Hold>,
}

impl Cause {
    /// The same for what goes along with it, and waits for nobody by itself.
    fn along(&self) -> Cause {
        Cause { held: None, hold: None, ..*self }
    }
}

/// Does what the plan says, or refuses it with all its reasons. What people have to agree to first
/// waits with it.
pub fn apply(tx: &Write, key: &Key, actor: &Actor, plan: &Plan, cause: &Cause) -> Result<Done> {
    plan.may_go()?;
    if cause.held.is_none()
        && let Some(hold) = waiting::hold(tx, plan)?
    {
        return waiting::order(tx, key, actor, plan, &Cause { hold: Some(hold), ..*cause });
    }
    at_once(tx, key, plan, cause)
}

/// The same of what nobody has to agree to any more.
pub fn at_once(tx: &Write, key: &Key, plan: &Plan, cause: &Cause) -> Result<Done> {
    match &plan.act {
        Act::Give(gift) => give(tx, key, plan, gift, cause),
        Act::Change { held, plan: new, label, user_plans, values, limits } => {
            if let Some(label) = label {
                store::set_label(tx, held.id, label)?;
            }
            if let Some(new) = new {
                offers::give_back(tx, &held.seat(), 1)?;
                offers::take(tx, &held.seat().in_plan(*new), 1)?;
                amounts::change_plan(tx, held, *new)?;
                store::set_plan(tx, held.id, *new)?;
            }
            if let (Some(plans), HeldId::Customer(id)) = (user_plans, held.id) {
                store::enable_plans(tx, id, plans)?;
            }
            limit(tx, held, limits)?;
            keep_values(tx, key, plan, held, values)?;
            order(
                tx,
                plan,
                held,
                if held.live == Live::Never { "provision" } else { "update" },
                cause,
            )
        }
        Act::Provision { held } => order(tx, plan, held, "provision", cause),
        Act::Suspend { held } => {
            suspend(tx, held, Reason::Operator)?;
            order(tx, plan, held, "suspend", cause)
        }
        Act::Resume { held } => {
            resume(tx, held, Reason::Operator)?;
            order(tx, plan, held, "resume", cause)
        }
        Act::Remove { held, users } => remove(tx, plan, held, users, cause),
        Act::Keep { held, users } => {
            for each in users.iter().chain([held]) {
                keep(tx, each)?;
            }
            for each in users {
                let steps = super::plan::steps_of(tx, each, event(Level::User, "provision"))?;
                let title = format!("{}, for a user", plan.title);
                let now = held::any(tx, each.id)?;
                let (what, class, after) = ("provision", Class::Bulk, None);
                let work = Work { held: &now, what, title: &title, class, steps, after };
                start(tx, work, cause)?;
            }
            order(tx, plan, &held::any(tx, held.id)?, "provision", cause)
        }
    }
}

/// The row and the seat are there from the order on, also while it waits.
pub fn give(tx: &Write, key: &Key, plan: &Plan, gift: &Gift, cause: &Cause) -> Result<Done> {
    let order = &plan.order;
    let mut after = plan.after;
    for first in &plan.with {
        after = Some(at_once(tx, key, first, &cause.along())?.request);
    }
    let (customer, service, plan_id) = (order.customer, gift.service.id, gift.plan);
    let meter = Meter::of(order.level());
    offers::take(tx, &Tally { customer, service, plan: plan_id, meter }, 1)?;
    let id = store::insert(tx, order, gift)?;
    if let HeldId::Customer(id) = id {
        store::enable_plans(tx, id, &gift.user_plans)?;
    }
    for reason in &gift.reasons {
        store::add_reason(tx, id, *reason)?;
    }
    let held = held::any(tx, id)?;
    limit(tx, &held, &gift.limits)?;
    keep_values(tx, key, plan, &held, &gift.values)?;
    order_behind(tx, plan, &held, "provision", cause, &Behind { after, children: &[] })
}

/// How much of it the customer and its users may have from now on.
fn limit(tx: &Write, held: &Held, limits: &Limits) -> Result<()> {
    let limits: Vec<Limit> =
        limits.iter().map(|(measure, max)| Limit { measure, max: *max }).collect();
    offers::set_limits(tx, held.customer, held.service, &limits)
}

fn keep_values(tx: &Write, key: &Key, plan: &Plan, held: &Held, typed: &Typed) -> Result<()> {
    if typed.is_empty() {
        return Ok(());
    }
    let service = catalogue::service(tx, held.service)?;
    let order = properties::order(&service, held.id, plan.standing, typed, held.customer);
    properties::keep(tx, key, &order)
}

/// Takes the request in and writes down that it was ordered.
fn order(tx: &Write, plan: &Plan, held: &Held, what: &str, cause: &Cause) -> Result<Done> {
    let behind = Behind { after: plan.after, children: &[] };
    order_behind(tx, plan, held, what, cause, &behind)
}

/// What has to be done before a request begins.
struct Behind<'a> {
    after: Option<RequestId>,
    children: &'a [RequestId],
}

/// The same behind others.
fn order_behind(
    tx: &Write,
    plan: &Plan,
    held: &Held,
    what: &str,
    cause: &Cause,
    behind: &Behind,
) -> Result<Done> {
    if ["provision", "update"].contains(&what) {
        amounts::take(tx, &held::any(tx, held.id)?)?;
    }
    let steps = plan.own_steps(held.id.level());
    let waited_for = cause.run.is_none() || plan.class() == Class::Security;
    let class = if waited_for { plan.class() } else { Class::Bulk };
    let new = Work { held, what, title: &plan.title, class, steps, after: behind.after };
    let request = start_behind(tx, new, cause, behind.children)?;
    // Values have rows of their own, where those see them who may.
    let changes: Vec<&Diff> = plan.diffs.iter().filter(|diff| !diff.of_value).collect();
    let detail = json!({
        "service": held.code, "plan": held.plan, "label": held.label, "user_id": held.user,
        "request_id": request, "preview_id": cause.preview, "changes": changes,
    });
    let action = match plan.order.level() {
        Level::Customer => format!("customer_service.{}", plan.order.verb.past()),
        Level::User => format!("user_service.{}", plan.order.verb.past()),
    };
    audit::record(tx, &action, subject(held.id), held.customer, &detail)?;
    Ok(Done { request, held: held.id })
}

pub fn subject(id: HeldId) -> (&'static str, i64) {
    match id {
        HeldId::Customer(id) => ("customer_service", id.0),
        HeldId::User(id) => ("user_service", id.0),
    }
}

/// Work on one assignment.
pub struct Work<'a> {
    pub held: &'a Held,
    pub what: &'a str,
    pub title: &'a str,
    pub class: Class,
    pub steps: Vec<NewStep>,
    pub after: Option<RequestId>,
}

/// Hands work to the engine. The assignment knows its last request before it can settle.
pub fn start(tx: &Write, work: Work, cause: &Cause) -> Result<RequestId> {
    start_behind(tx, work, cause, &[])
}

/// The same, to begin when all of `children` are done.
pub fn start_behind(
    tx: &Write,
    work: Work,
    cause: &Cause,
    children: &[RequestId],
) -> Result<RequestId> {
    let held = work.held;
    let event = event(held.id.level(), work.what);
    let user_service = match held.id {
        HeldId::User(id) => Some(id),
        HeldId::Customer(_) => None,
    };
    let new = NewRequest {
        customer: held.customer,
        event,
        user: held.user,
        customer_service: Some(held.customer_service),
        user_service,
        title: work.title.to_owned(),
        class: work.class,
        source: source(tx.by.via),
        after: work.after,
        parent: None,
        preview: cause.preview,
        run: cause.run,
        by: tx.by.user,
        steps: work.steps,
    };
    // The assignment knows its last request before that can settle.
    let request = match (cause.held, cause.hold) {
        (Some(id), _) => {
            engine::begin_held(tx, id, new, children)?;
            id
        }
        (None, Some(hold)) => engine::accept_held(tx, new, hold)?,
        (None, None) => engine::accept_behind(tx, new, children)?,
    };
    store::set_last(tx, held.id, request)?;
    if ["provision", "update"].contains(&work.what) {
        let now = held::any(tx, held.id)?;
        store::order_with(tx, held.id, &properties::digest(tx, &now)?)?;
        amounts::take_anyway(tx, &now)?;
    }
    Ok(request)
}

/// Through what an order came.
pub fn source(via: Via) -> Source {
    match via {
        Via::Page | Via::Link => Source::Page,
        Via::Api => Source::Api,
        Via::Engine => Source::Engine,
        Via::Job => Source::Job,
        Via::Shell => Source::Shell,
    }
}

/// The event's name, as `events.rs` has it.
pub fn event(level: Level, what: &str) -> &'static str {
    match (level, what) {
        (Level::Customer, "provision") => "customer_service.provision",
        (Level::Customer, "update") => "customer_service.update",
        (Level::Customer, "suspend") => "customer_service.suspend",
        (Level::Customer, "resume") => "customer_service.resume",
        (Level::Customer, _) => "customer_service.deprovision",
        (Level::User, "provision") => "user_service.provision",
        (Level::User, "update") => "user_service.update",
        (Level::User, "suspend") => "user_service.suspend",
        (Level::User, "resume") => "user_service.resume",
        (Level::User, "purge") => "user_service.purge",
        (Level::User, _) => "user_service.deprovision",
    }
}

/// Adds a reason. The ledger says suspended from the order on, in the customer's favour.
pub fn suspend(tx: &Write, held: &Held, reason: Reason) -> Result<()> {
    store::add_reason(tx, held.id, reason)?;
    let kind = ledger_row::kind(held.id);
    if held.wanted == Wanted::On && ledger::is_open(tx, kind, held.id.number())? {
        ledger_row::write(tx, held, Action::Changed, &ledger_row::By::now(held, true))?;
    }
    Ok(())
}

/// Takes a reason back. The ledger follows when it is live again.
pub fn resume(tx: &Write, held: &Held, reason: Reason) -> Result<()> {
    store::drop_reason(tx, held.id, reason)
}

/// Users first, then what they stood on; money stops now, seats come back as each is gone.
fn remove(tx: &Write, plan: &Plan, held: &Held, users: &[Held], cause: &Cause) -> Result<Done> {
    let mut children = Vec::new();
    if held.id.level() == Level::Customer {
        for each in users {
            let steps = if each.live == Live::Never && each.open.is_none() {
                match store::anything_made(tx, each.id)? {
                    true => plan.steps_of_user(tx, each)?,
                    false => Vec::new(),
                }
            } else {
                plan.steps_of_user(tx, each)?
            };
            take_away(tx, each, None)?;
            let title = format!("{}, for a user", plan.title);
            let work = Work {
                held: each,
                what: "deprovision",
                title: &title,
                class: Class::Bulk,
                steps,
                after: None,
            };
            children.push(start(tx, work, &cause.along())?);
        }
    }
    take_away(tx, held, cause.held)?;
    let behind = Behind { after: plan.after, children: &children };
    order_behind(tx, plan, held, "deprovision", cause, &behind)
}

/// Takes a removal back of which nothing was done: as if it never was ordered.
pub fn keep(tx: &Write, held: &Held) -> Result<()> {
    engine::cancel_open(tx, overtaken(held.id), "the removal was taken back")?;
    store::want_again(tx, held.id)?;
    let (kind, number) = (ledger_row::kind(held.id), held.id.number());
    ledger::take_back_end(tx, kind, number, "the removal was taken back")
}

fn overtaken(id: HeldId) -> Overtaken {
    match id {
        HeldId::Customer(id) => Overtaken::CustomerService(id),
        HeldId::User(id) => Overtaken::UserService(id),
    }
}

/// What a removal means from now on, whatever its request, `by`, comes to.
pub fn take_away(tx: &Write, held: &Held, by: Option<RequestId>) -> Result<()> {
    engine::cancel_open_but(tx, overtaken(held.id), "superseded by the removal", by)?;
    store::set_wanted(tx, held.id, Wanted::Gone)?;
    let kind = ledger_row::kind(held.id);
    if ledger::is_open(tx, kind, held.id.number())? {
        ledger_row::write(tx, held, Action::Removed, &ledger_row::By::now(held, false))?;
    }
    Ok(())
}
