//! Orders that wait for people: kept with the plan they were ordered with, and carried out when all
//! have agreed. What has changed meanwhile is looked at again.

use super::act::{self, Cause, Done};
use super::plan::{self, Act, Plan};
use super::previews::{self, Preview};
use super::state::Live;
use super::{Held, HeldId, Order, held, quote, settle, store};
use crate::approvals;
use crate::audit;
use crate::auth::permissions::{CustomerServicesWrite, UserServicesWrite};
use crate::auth::{self, Actor, Door};
use crate::brake;
use crate::db::{Read, Via, Write};
use crate::engine::{self, Hold, Job, NewRequest};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::secret::Key;
use serde_json::json;

/// What an order waits for, if it does.
pub fn hold(db: &Read, plan: &Plan) -> Result<Option<Hold>> {
    if !plan.asks.is_empty() {
        return Ok(Some(Hold::Approval));
    }
    Ok(takes_from_many(db, plan)?.then_some(Hold::Brake))
}

fn takes_from_many(db: &Read, plan: &Plan) -> Result<bool> {
    let losing = (plan.order.customer, i64::try_from(plan.losing().len()).unwrap_or(i64::MAX));
    Ok(brake::takes_from_many(db, [losing])? && brake::needs_another_look(db, &[losing])?)
}

/// Takes an order in that waits. Of a gift the row and its seat are there at once; all else stays as
/// it is until people have agreed.
pub fn order(tx: &Write, key: &Key, actor: &Actor, plan: &Plan, cause: &Cause) -> Result<Done> {
    let preview = match (cause.preview, cause.run) {
        (Some(id), None) => id,
        _ => previews::keep(tx, key, actor, plan)?,
    };
    let cause = Cause { preview: Some(preview), ..*cause };
    let done = match (&plan.act, plan.act.held()) {
        (Act::Give(gift), _) => act::give(tx, key, plan, gift, &cause)?,
        (_, Some(held)) => keep(tx, plan, held, &cause)?,
        (_, None) => return Err(Error::internal("an order about nothing")),
    };
    previews::started(tx, preview, done.request)?;
    match cause.hold {
        Some(Hold::Brake) => brake_on(tx, plan, &done),
        _ => approvals::ask(tx, done.request, plan.order.customer, &plan.asks, ""),
    }?;
    Ok(done)
}

fn keep(tx: &Write, plan: &Plan, held: &Held, cause: &Cause) -> Result<Done> {
    let hold = cause.hold.ok_or_else(|| Error::internal("nothing to wait for"))?;
    let request = engine::accept_held(tx, request_of(tx, plan, held, cause), hold)?;
    store::set_last(tx, held.id, request)?;
    let detail = json!({
        "service": held.code, "plan": held.plan, "verb": plan.order.verb, "request_id": request,
        "preview_id": cause.preview, "changes": plan.diffs.iter().filter(|diff| !diff.of_value).collect::<Vec<_>>(),
    });
    let action = format!("{}_service.asked", held.id.level().word());
    audit::record(tx, &action, act::subject(held.id), held.customer, &detail)?;
    Ok(Done { request, held: held.id })
}

fn request_of(tx: &Write, plan: &Plan, held: &Held, cause: &Cause) -> NewRequest {
    let what = match &plan.act {
        Act::Suspend { .. } => "suspend",
        Act::Resume { .. } => "resume",
        Act::Remove { .. } => "deprovision",
        Act::Change { held, .. } if held.live != Live::Never => "update",
        Act::Give(_) | Act::Change { .. } | Act::Provision { .. } | Act::Keep { .. } => "provision",
    };
    let user_service = match held.id {
        HeldId::User(id) => Some(id),
        HeldId::Customer(_) => None,
    };
    NewRequest {
        customer: held.customer,
        event: act::event(held.id.level(), what),
        user: held.user,
        customer_service: Some(held.customer_service),
        user_service,
        title: plan.title.clone(),
        class: plan.class(),
        source: act::source(tx.by.via),
        after: plan.after,
        parent: None,
        preview: cause.preview,
        run: cause.run,
        by: tx.by.user,
        steps: plan.own_steps(held.id.level()),
    }
}

fn brake_on(tx: &Write, plan: &Plan, done: &Done) -> Result<()> {
    let users: Vec<UserId> = plan.losing().iter().filter_map(|held| held.user).collect();
    let items = brake::users(tx, &users, "loses it")?;
    brake::hold_request(tx, done.request, &plan.title, &items).map(|_| ())
}

/// For every event of an assignment: people have agreed to what waited.
pub fn release(tx: &Write, key: &Key, job: &Job) -> Result<Option<String>> {
    let Some(preview) = previews::of_request(tx, job.request)? else {
        return engine::go(tx, key, job);
    };
    let by = job.by.ok_or_else(|| Error::internal("nobody ordered what people agreed to"))?;
    match agreed(tx, key, job, by, &preview) {
        Err(Error::Internal(cause)) => Err(Error::Internal(cause)),
        Err(why) => engine::turned_down(tx, job.request, &why.to_string()).map(|()| None),
        done => done,
    }
}

fn agreed(
    tx: &Write,
    key: &Key,
    job: &Job,
    by: UserId,
    preview: &Preview,
) -> Result<Option<String>> {
    let actor = auth::actor(tx, by, Door::Job, Via::Job)
        .map_err(|_| Error::refused("Whoever ordered it may not enter any more."))?;
    let order = preview.order(key)?;
    let mut plan = planned(tx, &actor, &order)?;
    let gives = matches!(plan.act, Act::Give(_));
    match gives {
        // It is there already, with its seat: of what is refused now, it is the reason.
        true => plan.refusals.clear(),
        false => plan.may_go()?,
    }
    let held = held::any(tx, settle::subject(job)?)?;
    let done = Done { request: job.request, held: held.id };
    let hold = engine::held_for(tx, job.request)?;
    let orderer = tx.on_behalf(actor.by);
    if let Some(moved) = moved(tx, &actor, preview, &plan)?
        && (hold == Some(Hold::Brake) || !plan.asks.is_empty())
    {
        let new = previews::keep(tx, key, &actor, &plan)?;
        previews::replaced(tx, preview.id)?;
        previews::started(tx, new, job.request)?;
        let cause = Cause { preview: Some(new), ..Cause::default() };
        engine::plan_held(tx, job.request, &mut request_of(&orderer, &plan, &held, &cause))?;
        match hold {
            Some(Hold::Brake) => brake_on(&orderer, &plan, &done)?,
            _ => approvals::ask(tx, job.request, job.customer, &plan.asks, &moved)?,
        }
        return Ok(Some(moved));
    }
    if hold == Some(Hold::Approval) && takes_from_many(tx, &plan)? {
        engine::hold_for(tx, job.request, Hold::Brake)?;
        brake_on(&orderer, &plan, &done)?;
        return Ok(None);
    }
    if gives {
        return engine::go(tx, key, job);
    }
    plan.steps = preview.shown()?.steps;
    let cause = Cause { preview: Some(preview.id), held: Some(job.request), ..Cause::default() };
    act::at_once(&orderer, key, &plan, &cause)?;
    Ok(None)
}

fn planned(db: &Read, actor: &Actor, order: &Order) -> Result<Plan> {
    match order.user {
        Some(_) => plan::of(db, actor, &actor.service_rights::<UserServicesWrite>()?, order),
        None => plan::of(db, actor, &actor.service_rights::<CustomerServicesWrite>()?, order),
    }
}

/// What has changed since it was planned, in words; nothing where it is the same work for the same
/// people at the same price still. Whoever may not see prices cannot tell how one moved.
fn moved(db: &Read, actor: &Actor, preview: &Preview, plan: &Plan) -> Result<Option<String>> {
    let shown = preview.shown()?;
    if shown.losing.len() != plan.losing().len() {
        return Ok(Some("Who loses it".to_owned()));
    }
    let Some(moved) = preview.moved(&plan.basis)? else { return Ok(None) };
    let now = quote::monthly(db, actor, plan.order.customer, &plan.changes)?;
    let money = match (&shown.monthly, &now) {
        (Some(then), Some(now)) => {
            (then.currency, then.delta_minor, then.once_minor)
                == (now.currency, now.delta_minor, now.once_minor)
        }
        _ => !moved.contains("A price"),
    };
    Ok(Some(moved).filter(|_| !money || shown.steps != plan.steps))
}
