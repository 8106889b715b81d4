//! What becomes of services when a user or a customer is disabled, and when that ends. A reason is
//! taken back by whoever gave it; what an operator suspended stays so.

use super::act::{self, Cause, Work};
use super::plan;
use super::state::{Live, Wanted};
use super::{Held, HeldId, Reason, store};
use crate::db::Write;
use crate::engine::Class;
use crate::error::Result;
use crate::ids::{CustomerId, UserId};

/// Suspends all that a user has, for one more reason.
pub fn suspend_user(tx: &Write, user: UserId, reason: Reason) -> Result<()> {
    store::ids_of_user(tx, user)?.into_iter().try_for_each(|id| suspend(tx, id, reason))
}

/// Takes the reason back; what has no other is resumed.
pub fn resume_user(tx: &Write, user: UserId, reason: Reason) -> Result<()> {
    store::ids_of_user(tx, user)?.into_iter().try_for_each(|id| resume(tx, id, reason))
}

/// The same for a customer: its users' services, then its own.
pub fn suspend_customer(tx: &Write, customer: CustomerId, reason: Reason) -> Result<()> {
    store::ids_of_customer(tx, customer)?.into_iter().try_for_each(|id| suspend(tx, id, reason))
}

/// Its own services first, since its users' stand on them.
pub fn resume_customer(tx: &Write, customer: CustomerId, reason: Reason) -> Result<()> {
    let ids = store::ids_of_customer(tx, customer)?;
    ids.into_iter().rev().try_for_each(|id| resume(tx, id, reason))
}

fn suspend(tx: &Write, id: HeldId, reason: Reason) -> Result<()> {
    let held = store::any(tx, id)?;
    if held.wanted == Wanted::Gone || held.builtin || held.reasons.contains(&reason) {
        return Ok(());
    }
    act::suspend(tx, &held, reason)?;
    if held.wanted == Wanted::On && !nothing_there(&held) {
        work(tx, &held, "suspend", Class::Security)?;
    }
    Ok(())
}

fn resume(tx: &Write, id: HeldId, reason: Reason) -> Result<()> {
    let held = store::any(tx, id)?;
    if held.wanted == Wanted::Gone || !held.reasons.contains(&reason) {
        return Ok(());
    }
    act::resume(tx, &held, reason)?;
    if held.reasons.len() == 1 && !nothing_there(&held) {
        work(tx, &held, "resume", Class::Interactive)?;
    }
    Ok(())
}

/// Whether it never was delivered, with nobody at it.
fn nothing_there(held: &Held) -> bool {
    held.live == Live::Never && held.open.is_none()
}

fn work(tx: &Write, held: &Held, what: &str, class: Class) -> Result<()> {
    let event = act::event(held.id.level(), what);
    let steps = plan::steps(tx, held.service, event, 1)?;
    let steps = steps.iter().map(plan::Step::to_run).collect();
    let verb = if what == "suspend" { "Suspend" } else { "Resume" };
    let title = format!("{verb} {} of {}", held.title(), store::holder_name(tx, held)?);
    let work = Work { held, what, title: &title, class, steps, after: None };
    act::start(tx, work, &Cause::default())?;
    Ok(())
}
