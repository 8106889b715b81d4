//! The run behind a gift to many: each user in a savepoint of its own, rights and rules looked at
//! anew, the steps those that were shown: by the rules as they were then. It goes on where it was
//! stopped.

use super::{One, Verdict, order, rules};
use crate::assignments::act::{self, Cause};
use crate::assignments::plan;
use crate::assignments::previews;
use crate::auth::permissions::UserServicesWrite;
use crate::auth::{Actor, ServiceRights};
use crate::catalogue::properties;
use crate::db::{By, Via, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, PlanId, PreviewId, ServiceId};
use crate::input::Input;
use crate::jobs::{Level, Next, RunCx};
use crate::offers::{self, Meter, Tally};
use serde::{Deserialize, Serialize};

/// The kind of run in `schedule.rs`.
pub const KIND: &str = "user_services.give";

/// Users in one transaction: enough to share its cost, few enough to let others in between.
const BATCH: usize = 50;

/// What the run is to do.
#[derive(Serialize, Deserialize)]
pub struct Work {
    pub service: ServiceId,
    pub plan: Option<PlanId>,
    /// Sealed: it may hold secrets.
    pub said: String,
    /// Those that the steps come from, in their versions.
    pub rules: Vec<String>,
    pub users: Vec<One>,
    /// Taken when it was accepted; those that nobody got go back at the end.
    pub seats: i64,
    /// The same for properties that are counted, for each user: name, how much.
    #[serde(default)]
    pub amounts: Vec<(String, i64)>,
    pub preview: Option<PreviewId>,
}

/// How far it is, beside the run: so that no seat goes back twice.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Numbers {
    given: i64,
    had: i64,
    refused: i64,
    returned: i64,
}

/// Gives each user what was planned.
pub fn give(cx: &RunCx) -> Result<()> {
    let work: Work = serde_json::from_value(cx.run.input.clone())?;
    let mut numbers: Numbers = serde_json::from_value(cx.run.numbers.clone())?;
    let out = give_all(cx, &work, &mut numbers);
    if matches!(out, Ok(false)) {
        return Ok(());
    }
    let rest = work.seats - numbers.given - numbers.returned;
    if rest > 0 {
        numbers.returned += rest;
        cx.db.write(
            By { user: cx.run.user, via: Via::Job, acting_for: cx.run.acting_for },
            |tx| {
                give_back(tx, cx.run.customer, &work, rest)?;
                cx.numbers(tx, &serde_json::to_value(&numbers)?)
            },
        )?;
    }
    out.map(|_| ())
}

/// Gives back what was taken ahead for `n` of the users.
fn give_back(tx: &Write, customer: CustomerId, work: &Work, n: i64) -> Result<()> {
    let seats = Tally { customer, service: work.service, plan: work.plan, meter: Meter::Seats };
    offers::give_back(tx, &seats, n)?;
    let known = properties::all(tx, work.service)?;
    for (name, each) in &work.amounts {
        if let Some(property) = known.iter().find(|property| property.name == *name) {
            let (meter, all) = (Meter::Sum(property), each.saturating_mul(n));
            offers::give_back(tx, &Tally { meter, ..seats }, all)?;
        }
    }
    Ok(())
}

/// Whether it came to an end, if only because somebody stopped it.
fn give_all(cx: &RunCx, work: &Work, numbers: &mut Numbers) -> Result<bool> {
    let said = Input::from_kept(&previews::open(&cx.app.config.key, &work.said)?);
    let mut done = usize::try_from(cx.done()?).unwrap_or(usize::MAX);
    while let Some(rest) = work.users.get(done..).filter(|rest| !rest.is_empty()) {
        match cx.next()? {
            Next::Go => {}
            Next::Cancelled => break,
            // The seats of the rest stay taken for when it goes on.
            Next::PutOff => return Ok(false),
        }
        let actor = cx.actor()?;
        let scope = actor.service_rights::<UserServicesWrite>()?;
        let batch = rest.get(..BATCH).unwrap_or(rest);
        let mine = Share { cx, actor: &actor, scope: &scope, work, said: &said };
        *numbers = cx.db.write(scope.by, |tx| {
            let mut counted = Numbers { ..*numbers };
            for (place, one) in (done + 1..).zip(batch) {
                let place = i64::try_from(place).unwrap_or(i64::MAX);
                let user = Some(("user", one.user_id.0));
                let (level, result, text) = outcome(&mine, one, &mut counted)?;
                cx.unit(tx, place, level, result, &text, user)?;
            }
            cx.numbers(tx, &serde_json::to_value(&counted)?)?;
            Ok(counted)
        })?;
        done += batch.len();
    }
    Ok(true)
}

/// What every user's part of the run needs.
struct Share<'a> {
    cx: &'a RunCx<'a>,
    actor: &'a Actor,
    scope: &'a ServiceRights<UserServicesWrite>,
    work: &'a Work,
    said: &'a Input,
}

/// What became of one user, in words.
fn outcome(
    share: &Share,
    one: &One,
    numbers: &mut Numbers,
) -> Result<(Level, &'static str, String)> {
    let Share { cx, actor, scope, work, said } = share;
    match one.verdict {
        Verdict::Has => {
            numbers.had += 1;
            return Ok((Level::Info, "unchanged", format!("{} {}.", one.name, one.reason)));
        }
        Verdict::Refused => {
            numbers.refused += 1;
            return Ok((Level::Warn, "refused", format!("{} {}.", one.name, one.reason)));
        }
        Verdict::Gets => {}
    }
    let given = cx.db.write(scope.by, |tx| {
        // The seat that was taken for all of them becomes this user's own.
        give_back(tx, cx.run.customer, work, 1)?;
        let order = order(cx.run.customer, one.user_id, said);
        let plan = plan::of(tx, actor, scope, &order)?;
        if rules(&plan.basis) != work.rules {
            return Err(Error::refused(
                "What the engine does for it changed since it was ordered.",
            ));
        }
        let run = Some(cx.run.id);
        let cause = Cause { preview: work.preview, run, ..Cause::default() };
        act::apply(tx, &cx.app.config.key, actor, &plan, &cause)
    });
    match given {
        Ok(done) => {
            numbers.given += 1;
            let text = format!("{}: request {}.", one.name, done.request);
            Ok((Level::Info, "given", text))
        }
        Err(Error::Internal(cause)) => Err(Error::Internal(cause)),
        Err(refusal) => {
            numbers.refused += 1;
            Ok((Level::Warn, "refused", format!("{}: {refusal}", one.name)))
        }
    }
}
