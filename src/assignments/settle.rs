//! The end of a request: what is live from now on, what is billed, which seat is free again.

use super::ledger_row::{self, By};
use super::state::{Live, Wanted};
use super::{Held, HeldId, act, amounts, held, notices, properties, store};
use crate::audit;
use crate::catalogue;
use crate::db::Write;
use crate::engine::{End, Job, Settled};
use crate::error::{Error, Result};
use crate::ledger::{self, Action};
use crate::offers;
use crate::prices;
use serde_json::json;

/// For every event of an assignment.
pub fn settle(tx: &Write, settled: &Settled) -> Result<()> {
    let job = &settled.job;
    let Some(held) = held::any_kept(tx, subject(job)?)? else {
        return Ok(());
    };
    let (_, what) = job.event.rsplit_once('.').unwrap_or_default();
    match (what, settled.end) {
        ("deprovision", End::Done) => removed(tx, job, &held),
        // Taken back before anything was done.
        ("deprovision", End::Cancelled)
            if held.wanted == Wanted::Gone
                && held.live != Live::Gone
                && held.last.as_ref().is_some_and(|last| last.request == job.request)
                && !store::removal_begun(tx, &held)? =>
        {
            act::keep(tx, &held)
        }
        ("deprovision" | "purge", _) => Ok(()),
        (_, End::Done) => delivered(tx, job, &held, what),
        (_, End::Cancelled) => cancelled(tx, &held),
        (_, End::Failed) => Ok(()),
    }
}

pub fn subject(job: &Job) -> Result<HeldId> {
    match (job.user_service, job.customer_service) {
        (Some(id), _) => Ok(HeldId::User(id)),
        (None, Some(id)) => Ok(HeldId::Customer(id)),
        (None, None) => Err(Error::internal(format!("request {} is about nothing", job.request))),
    }
}

/// The outside is as it was wanted: for the first time, in a new plan, or suspended no more.
fn delivered(tx: &Write, job: &Job, held: &Held, what: &str) -> Result<()> {
    if held.live == Live::Gone {
        return Ok(());
    }
    let suspends = store::open_of(tx, held.id, "suspend")?;
    let live = match what {
        "suspend" if held.live == Live::Never => Live::Never,
        "suspend" => Live::Suspended,
        "resume" if held.live == Live::Never => Live::Never,
        "resume" => Live::On,
        // What arrives while it is to be suspended was made suspended, unless that is still to come.
        _ if held.wanted == Wanted::Suspended && suspends == 0 => Live::Suspended,
        _ if held.live == Live::Suspended => Live::Suspended,
        _ => Live::On,
    };
    let planned = ["provision", "update"].contains(&what);
    store::set_live(tx, held.id, live, planned)?;
    if planned {
        amounts::settle(tx, held)?;
    }
    if held.builtin && live == Live::On {
        store::set_reseller(tx, held.customer, true)?;
        prices::start_reselling(tx, held.customer, 0)?;
    }
    // Ordered to go meanwhile: money stopped with that order.
    if live == Live::Never || held.wanted == Wanted::Gone {
        return Ok(());
    }
    let by = By {
        suspended: live == Live::Suspended || held.wanted == Wanted::Suspended,
        ordered_by: job.by,
        source: Some(job.source),
        request: Some(job.request),
        plan: if planned { held.plan_id } else { held.live_plan_id.or(held.plan_id) },
    };
    let kind = ledger_row::kind(held.id);
    if !ledger::is_open(tx, kind, held.id.number())? {
        ledger_row::write(tx, held, Action::Added, &by)?;
        // What arrives suspended cannot be used yet.
        return if live == Live::On { notices::live(tx, held) } else { Ok(()) };
    }
    let replanned = planned && held.live_plan_id != held.plan_id;
    let resumed = held.live == Live::Suspended && live == Live::On;
    if replanned || resumed {
        ledger_row::write(tx, held, Action::Changed, &by)?;
    }
    Ok(())
}

/// It is gone outside, so its seat is free.
fn removed(tx: &Write, job: &Job, held: &Held) -> Result<()> {
    if held.live == Live::Gone {
        return Ok(());
    }
    if held.builtin {
        store::set_reseller(tx, held.customer, false)?;
    }
    release(tx, held)?;
    let detail = json!({ "service": held.code, "plan": held.plan, "request_id": job.request });
    let action = format!("{}_service.removed", held.id.level().word());
    audit::record(tx, &action, act::subject(held.id), held.customer, &detail)?;
    if held.live == Live::Never { Ok(()) } else { notices::removed(tx, held) }
}

/// An order taken back before anything was made leaves nothing behind; otherwise what was there
/// stays, and the page says so.
fn cancelled(tx: &Write, held: &Held) -> Result<()> {
    let untouched = held.live == Live::Never
        && store::open_of(tx, held.id, "")? == 0
        && !store::anything_made(tx, held.id)?;
    if untouched && held.wanted != Wanted::Gone { release(tx, held) } else { Ok(()) }
}

pub fn release(tx: &Write, held: &Held) -> Result<()> {
    store::set_wanted(tx, held.id, Wanted::Gone)?;
    store::set_live(tx, held.id, Live::Gone, false)?;
    catalogue::properties::let_go(tx, properties::place(held.id))?;
    amounts::give_back(tx, held)?;
    offers::give_back(tx, &held.seat(), 1)
}
