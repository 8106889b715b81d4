//! What becomes of all services of a customer when it ends, when it comes back, and when it moves.

use super::act::{self, Cause, Work};
use super::plan;
use super::state::{Live, Wanted};
use super::{Held, HeldId, Reason, amounts, held, store};
use crate::catalogue::{self, Level};
use crate::db::Write;
use crate::engine::Class;
use crate::error::{Complaint, Error, Result};
use crate::ids::{CustomerId, CustomerServiceId, PlanId, RequestId, ServiceId, UserServiceId};
use crate::offers;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What ended with a customer, to be brought back as it was.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ended {
    pub customer_services: Vec<CustomerServiceId>,
    pub user_services: Vec<UserServiceId>,
}

/// Takes everything away: the users' services, and what they stood on once those are gone. Says what
/// was ordered for the customer's own.
pub fn end_customer(tx: &Write, customer: CustomerId) -> Result<(Ended, Vec<RequestId>)> {
    let mut ended = Ended::default();
    let mut below: BTreeMap<CustomerServiceId, Vec<RequestId>> = BTreeMap::new();
    let mut own = Vec::new();
    for id in held::ids_of_customer(tx, customer)? {
        let held = held::any(tx, id)?;
        if held.wanted == Wanted::Gone {
            continue;
        }
        let idle = held.live == Live::Never && held.open.is_none();
        let made = !idle || store::anything_made(tx, id)?;
        act::take_away(tx, &held, None)?;
        match id {
            HeldId::Customer(id) => {
                let users = below.remove(&id).unwrap_or_default();
                own.push(order_behind(tx, &held, "deprovision", made, None, &users)?);
                ended.customer_services.push(id);
            }
            HeldId::User(id) => {
                let request = order(tx, &held, "deprovision", made, None)?;
                below.entry(held.customer_service).or_default().push(request);
                ended.user_services.push(id);
            }
        }
    }
    Ok((ended, own))
}

/// Brings back what ended, within the offers and limits of today; says all that stands against it.
pub fn revive(tx: &Write, viewer: CustomerId, ended: &Ended) -> Result<Vec<Complaint>> {
    let mut against: Vec<Complaint> = Vec::new();
    let customers = ended.customer_services.iter().map(|id| HeldId::Customer(*id));
    let users = ended.user_services.iter().map(|id| HeldId::User(*id));
    for id in customers.chain(users) {
        let Some(held) = held::any_kept(tx, id)? else { continue };
        if held.wanted != Wanted::Gone {
            continue;
        }
        match bring_back(tx, viewer, &held) {
            Err(Error::Invalid(all)) => {
                for each in all {
                    if !against.iter().any(|known| known.message == each.message) {
                        against.push(Complaint::new("", each.message));
                    }
                }
            }
            other => other?,
        }
    }
    Ok(against)
}

fn bring_back(tx: &Write, viewer: CustomerId, held: &Held) -> Result<()> {
    // What could not be removed outside has its seat still.
    if held.live == Live::Gone {
        let service = catalogue::service(tx, held.service)?;
        let plan = held.plan_id.map(|id| catalogue::plan(tx, id)).transpose()?;
        offers::require(tx, viewer, held.customer, &service, plan.as_ref())?;
        offers::take(tx, &held.seat(), 1)?;
        store::set_live(tx, held.id, Live::Never, false)?;
    }
    store::drop_reason(tx, held.id, Reason::CustomerDisabled)?;
    let after = match held.id {
        HeldId::User(_) => {
            let below = HeldId::Customer(held.customer_service);
            held::any(tx, below)?.open.map(|open| open.request)
        }
        HeldId::Customer(_) => None,
    };
    let held = held::any(tx, held.id)?;
    amounts::take(tx, &held)?;
    order(tx, &held, "provision", true, after).map(|_| ())
}

/// Brings all that a customer and its users have to the outside once more; what is under way is
/// left to itself.
pub fn provision_customer(tx: &Write, customer: CustomerId) -> Result<()> {
    for id in held::ids_of_customer(tx, customer)?.into_iter().rev() {
        let held = held::any(tx, id)?;
        if held.wanted != Wanted::Gone && held.open.is_none() {
            order(tx, &held, "provision", true, None)?;
        }
    }
    Ok(())
}

/// Tells the outside anew of the services in `changed`, whose inherited values are others now. Says
/// whose.
pub fn tell_anew(tx: &Write, customer: CustomerId, changed: &[ServiceId]) -> Result<Vec<HeldId>> {
    let mut told = Vec::new();
    if changed.is_empty() {
        return Ok(told);
    }
    for id in held::ids_of_customer(tx, customer)?.into_iter().rev() {
        let held = held::any(tx, id)?;
        let there = held.live != Live::Never && held.wanted != Wanted::Gone;
        if there && changed.contains(&held.service) {
            order(tx, &held, "update", true, None)?;
            told.push(id);
        }
    }
    Ok(told)
}

/// Gives everybody of a customer who has plan `from` the plan `to`.
pub fn change_plan(tx: &Write, customer: CustomerId, from: PlanId, to: PlanId) -> Result<()> {
    let level = catalogue::plan(tx, to)?.level;
    for id in held::ids_of_customer(tx, customer)?.into_iter().rev() {
        let held = held::any(tx, id)?;
        if held.wanted == Wanted::Gone {
            continue;
        }
        if let (HeldId::Customer(id), Level::User) = (id, level) {
            let mut plans: Vec<PlanId> =
                store::enabled_plans(tx, id)?.into_iter().map(|(plan, ..)| plan).collect();
            if plans.contains(&from) {
                plans.retain(|plan| *plan != from && *plan != to);
                plans.push(to);
                store::enable_plans(tx, id, &plans)?;
            }
        }
        if held.plan_id == Some(from) {
            offers::give_back(tx, &held.seat(), 1)?;
            offers::take(tx, &held.seat().in_plan(to), 1)?;
            amounts::change_plan(tx, &held, to)?;
            store::set_plan(tx, id, to)?;
            let held = held::any(tx, id)?;
            amounts::take(tx, &held)?;
            let what = if held.live == Live::Never { "provision" } else { "update" };
            order(tx, &held, what, true, None)?;
        }
    }
    Ok(())
}

fn order(
    tx: &Write,
    held: &Held,
    what: &str,
    outside: bool,
    after: Option<RequestId>,
) -> Result<RequestId> {
    order_behind(tx, held, what, outside, after, &[])
}

/// The same, to begin when all of `parts` are done.
fn order_behind(
    tx: &Write,
    held: &Held,
    what: &str,
    outside: bool,
    after: Option<RequestId>,
    parts: &[RequestId],
) -> Result<RequestId> {
    let event = act::event(held.id.level(), what);
    let steps = match outside {
        true => plan::steps_of(tx, held, event)?,
        false => Vec::new(),
    };
    let verb = match what {
        "deprovision" => "Remove",
        "update" => "Update",
        _ => "Provision",
    };
    let title = format!("{verb} {} of {}", held.title(), store::holder_name(tx, held)?);
    let work = Work { held, what, title: &title, class: Class::Bulk, steps, after };
    act::start_behind(tx, work, &Cause::default(), parts)
}
