//! What becomes of services when a user or a customer is disabled, when that ends, and when a user
//! goes. A reason is taken back by whoever gave it; what an operator suspended stays so.

use super::act::{self, Cause, Work};
use super::plan;
use super::state::{Live, Wanted};
use super::{Held, HeldId, Reason, held, moving, properties, store, whole};
use crate::catalogue::{self, Level, Service};
use crate::db::{Read, Via, Write};
use crate::engine::{Class, NewStep};
use crate::error::Result;
use crate::ids::{CustomerId, RequestId, UserId, UserServiceId};
use crate::offers;
use std::collections::BTreeMap;

/// A service as it is remembered of a user, or given to another alike.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Had {
    pub service: String,
    pub name: String,
    pub plan: String,
    pub plan_name: String,
    #[serde(default)]
    pub label: String,
    /// Values that were set for this user, none that is secret.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// What a user has, as somebody else could be given it.
pub fn had_by(db: &Read, user: UserId) -> Result<Vec<Had>> {
    let mut all = Vec::new();
    for id in held::ids_of_user(db, user)? {
        let held = held::any(db, id)?;
        if held.wanted == Wanted::Gone {
            continue;
        }
        let properties = properties::own(db, &held)?;
        all.push(Had {
            service: held.code,
            name: held.name,
            plan: held.plan,
            plan_name: held.plan_name,
            label: held.label,
            properties,
        });
    }
    Ok(all)
}

/// Whether the user ever had a service.
pub fn ever_had_any(db: &Read, user: UserId) -> Result<bool> {
    held::ever_had_any(db, user)
}

/// Takes away all that a user has, what was given last first: it may need what was given before. The
/// account comes last. Says what was ordered, the whole first.
pub fn remove_user(tx: &Write, user: UserId) -> Result<Vec<RequestId>> {
    whole::of_user(tx, user, whole::DEPROVISION, || {
        moving::living(tx, user)?.iter().rev().map(|held| end(tx, held)).collect()
    })
}

/// Tells the outside of a new user, where a rule wants that.
pub fn created_user(tx: &Write, user: UserId) -> Result<Vec<RequestId>> {
    whole::of_user(tx, user, whole::PROVISION, || Ok(Vec::new()))
}

/// The same of one who was deleted.
pub fn deleted_user(tx: &Write, user: UserId) -> Result<Vec<RequestId>> {
    whole::of_user(tx, user, whole::DELETE, || Ok(Vec::new()))
}

/// How far one thing that a user has, or had, is; none where it is nobody's any more.
pub fn one_of_user(db: &Read, user: UserId, id: UserServiceId) -> Result<Option<Held>> {
    let held = held::any_kept(db, HeldId::User(id))?;
    Ok(held.filter(|held| held.user == Some(user)))
}

/// What the same user has that cannot be without it.
pub fn needing(db: &Read, held: &Held) -> Result<Vec<Service>> {
    let mut all = Vec::new();
    for other in catalogue::needed_by(db, held.service)? {
        if held::holds_beside(db, held, &other)? {
            all.push(other.service);
        }
    }
    Ok(all)
}

/// Takes away one thing that a user has.
pub fn end(tx: &Write, held: &Held) -> Result<RequestId> {
    let made =
        held.live != Live::Never || held.open.is_some() || store::anything_made(tx, held.id)?;
    let steps = if made { own_steps(tx, held, "deprovision")? } else { Vec::new() };
    act::take_away(tx, held, None)?;
    order(tx, held, "deprovision", Class::Interactive, steps)
}

/// Brings what the user has to the outside once more, whole; what is under way is left to itself.
pub fn provision_user(tx: &Write, user: UserId) -> Result<Vec<RequestId>> {
    whole::of_user(tx, user, whole::PROVISION, || {
        let mut requests = Vec::new();
        for held in idle(tx, user)? {
            let steps = own_steps(tx, &held, "provision")?;
            requests.push(order(tx, &held, "provision", Class::Interactive, steps)?);
        }
        Ok(requests)
    })
}

/// Tells the outside that the user is called otherwise now, where a service has a rule for that.
pub fn update_user(tx: &Write, user: UserId) -> Result<()> {
    let parts = || {
        let mut requests = Vec::new();
        for held in idle(tx, user)?.into_iter().filter(|held| held.live != Live::Never) {
            let steps = own_steps(tx, &held, "update")?;
            if !steps.is_empty() {
                requests.push(order(tx, &held, "update", Class::Sync, steps)?);
            }
        }
        Ok(requests)
    };
    whole::of_user(tx, user, whole::Act { class: Class::Sync, ..whole::PROVISION }, parts)
        .map(|_| ())
}

fn idle(tx: &Write, user: UserId) -> Result<Vec<Held>> {
    let mut all = Vec::new();
    for id in held::ids_of_user(tx, user)? {
        let held = held::any(tx, id)?;
        if held.wanted != Wanted::Gone && held.open.is_none() {
            all.push(held);
        }
    }
    Ok(all)
}

/// The account, then all that a user has, which is suspended for one more reason.
pub fn suspend_user(tx: &Write, user: UserId, reason: Reason) -> Result<()> {
    let parts = || all(held::ids_of_user(tx, user)?, |id| suspend(tx, id, reason));
    whole::of_user(tx, user, whole::DISABLE, parts).map(|_| ())
}

/// Takes the reason back; what has no other is resumed.
pub fn resume_user(tx: &Write, user: UserId, reason: Reason) -> Result<()> {
    let parts = || all(held::ids_of_user(tx, user)?, |id| resume(tx, id, reason));
    whole::of_user(tx, user, whole::ENABLE, parts).map(|_| ())
}

/// The same for a customer: its users' services, then its own.
pub fn suspend_customer(tx: &Write, customer: CustomerId, reason: Reason) -> Result<()> {
    all(held::ids_of_customer(tx, customer)?, |id| suspend(tx, id, reason)).map(|_| ())
}

/// Its own services first, since its users' stand on them.
pub fn resume_customer(tx: &Write, customer: CustomerId, reason: Reason) -> Result<()> {
    let ids = held::ids_of_customer(tx, customer)?;
    all(ids.into_iter().rev(), |id| resume(tx, id, reason)).map(|_| ())
}

/// What was ordered for each of them.
fn all(
    ids: impl IntoIterator<Item = HeldId>,
    order: impl Fn(HeldId) -> Result<Option<RequestId>>,
) -> Result<Vec<RequestId>> {
    ids.into_iter().filter_map(|id| order(id).transpose()).collect()
}

fn suspend(tx: &Write, id: HeldId, reason: Reason) -> Result<Option<RequestId>> {
    let held = held::any(tx, id)?;
    if held.wanted == Wanted::Gone || held.builtin || held.reasons.contains(&reason) {
        return Ok(None);
    }
    act::suspend(tx, &held, reason)?;
    if held.wanted == Wanted::On && !nothing_there(&held) {
        return work(tx, &held, "suspend", Class::Security).map(Some);
    }
    Ok(None)
}

fn resume(tx: &Write, id: HeldId, reason: Reason) -> Result<Option<RequestId>> {
    let held = held::any(tx, id)?;
    if held.wanted == Wanted::Gone || !held.reasons.contains(&reason) {
        return Ok(None);
    }
    act::resume(tx, &held, reason)?;
    if held.reasons.len() == 1 && !nothing_there(&held) {
        return work(tx, &held, "resume", Class::Interactive).map(Some);
    }
    Ok(None)
}

/// Whether it never was delivered, with nobody at it.
fn nothing_there(held: &Held) -> bool {
    held.live == Live::Never && held.open.is_none()
}

fn work(tx: &Write, held: &Held, what: &str, class: Class) -> Result<RequestId> {
    let steps = own_steps(tx, held, what)?;
    order(tx, held, what, class, steps)
}

pub(super) fn own_steps(tx: &Write, held: &Held, what: &str) -> Result<Vec<NewStep>> {
    plan::steps_of(tx, held, act::event(held.id.level(), what))
}

pub(super) fn order(
    tx: &Write,
    held: &Held,
    what: &str,
    class: Class,
    steps: Vec<NewStep>,
) -> Result<RequestId> {
    let verb = match what {
        "suspend" => "Suspend",
        "resume" => "Resume",
        "deprovision" => "Remove",
        "update" => "Update",
        _ => "Provision",
    };
    let title = format!("{verb} {} of {}", held.title(), store::holder_name(tx, held)?);
    // Nobody waits for what a run over many has ordered.
    let by_run = tx.by.via == Via::Job && class == Class::Interactive;
    let class = if by_run { Class::Bulk } else { class };
    let work = Work { held, what, title: &title, class, steps, after: None };
    act::start(tx, work, &Cause::default())
}

/// What the users of a customer may be given: "workplace/standard" and its words.
pub fn offered(db: &Read, customer: CustomerId) -> Result<Vec<(String, String, Service)>> {
    let mut all = Vec::new();
    let left = offers::seats_left(db, customer)?;
    for each in offers::sellable(db, customer)? {
        if each.service.kind == Level::Customer {
            continue;
        }
        let Some(held) = store::below(db, customer, each.service.id)? else { continue };
        let enabled = store::enabled_plans(db, held)?;
        for plan in each.plans.iter().filter(|plan| enabled.iter().any(|(id, _, _)| *id == plan.id))
        {
            let value = format!("{}/{}", each.service.code, plan.code);
            let room = [None, Some(plan.id)].map(|of| left.get(&(each.service.id, of)).copied());
            let room = match room.into_iter().flatten().min() {
                Some(n) => format!(" ({n} left)"),
                None => String::new(),
            };
            let text = format!("{}, {}{room}", each.service.name, plan.name);
            all.push((value, text, each.service.clone()));
        }
    }
    Ok(all)
}
