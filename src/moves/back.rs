//! A move whose work failed is taken back: user, names, services, roles and ledger are what they
//! were before. Where that is no longer possible, everything stays as it is, and those who administrate
//! either customer are told why.

use super::act::tell;
use crate::assignments::{self, moving as services};
use crate::audit;
use crate::db::Write;
use crate::engine::{End, Settled};
use crate::error::Result;
use crate::ledger::{self, Kind};
use crate::mail::texts;
use crate::places::State;
use crate::users::moving::{self, Kept};
use serde_json::json;

/// What is written when the work of a move has ended, well or not.
pub fn settle(tx: &Write, settled: &Settled) -> Result<()> {
    let Some(kept) = moving::kept(tx, settled.job.request)? else { return Ok(()) };
    // Whoever ended there meanwhile, or goes elsewhere, has nothing to come back for.
    if settled.end != End::Done && moving::is_there(tx, &kept)? {
        match moving::why_not_back(tx, &kept)? {
            None => put_back(tx, &kept, &settled.reason)?,
            Some(why) => leave_there(tx, &kept, &settled.reason, &why)?,
        }
    }
    moving::forget(tx, kept.id)
}

fn put_back(tx: &Write, kept: &Kept, reason: &str) -> Result<()> {
    let user = kept.user;
    let note = "the move was taken back";
    ledger::take_back(tx, Kind::User, user.0, kept.after, note)?;
    for id in kept.services.iter().map(|stood| stood.id).chain(kept.anew.iter().copied()) {
        ledger::take_back(tx, Kind::UserService, id.0, kept.after, note)?;
    }
    let mut requests = Vec::new();
    for held in services::living(tx, user)?.into_iter().rev() {
        if !kept.services.iter().any(|stood| stood.id.0 == held.id.number()) {
            requests.push(assignments::end(tx, &held)?);
        }
    }
    let disabled = (kept.state_now == State::Disabled, kept.from_state == State::Disabled);
    for stood in &kept.services {
        requests.extend(services::put_back(tx, stood, kept.from, disabled)?);
    }
    moving::put_back(tx, kept)?;
    let Kept { name, from_name: old, to_name: new, .. } = kept;
    let detail = json!({ "name": name, "reason": reason, "requests": requests });
    for customer in [kept.to, kept.from] {
        audit::record(tx, "user.move_undone", ("user", user.0), customer, &detail)?;
    }
    let what = format!("Your move to {new} was taken back. You sign in as {} again.", kept.upn);
    texts::tell_user(tx, kept.from, user, "user.move_undone", "Your account is back", &what)?;
    // Neither side is told the other's name: it may not reach it.
    let text = format!("The move failed and was taken back: {reason}");
    tell(tx, kept.from, user, &format!("{name} is back at {old}"), &text)?;
    tell(tx, kept.to, user, &format!("{name} is no longer at {new}"), &text)
}

fn leave_there(tx: &Write, kept: &Kept, reason: &str, why: &str) -> Result<()> {
    let user = kept.user;
    let Kept { name, to_name: new, .. } = kept;
    let detail = json!({ "name": name, "reason": reason, "why": why });
    audit::record(tx, "user.move_kept", ("user", user.0), kept.to, &detail)?;
    let text = format!("{reason} It cannot be taken back: {why}");
    let gone = format!("{name} does not come back to {}, though the move failed", kept.from_name);
    tell(tx, kept.from, user, &gone, &text)?;
    tell(tx, kept.to, user, &format!("{name} stays at {new}, though the move failed"), &text)
}
