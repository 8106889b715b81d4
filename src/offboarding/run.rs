//! The run behind an offboarding: what is due, a step a transaction, then the next run at the next
//! moment, until the report is sealed. It goes on where it was stopped, and no step is done twice.

use super::{Offboarding, Progress, SECOND_LOOK, State, Step, check, end, notice, proceed, report};
use super::{order, steps, store};
use crate::audit;
use crate::auth::permissions::UsersDeprovision;
use crate::auth::{Actor, Scope};
use crate::db::{By, Via, Write};
use crate::error::{Error, Result};
use crate::ids::OffboardingId;
use crate::jobs::{Level, Next, RunCx};
use crate::places::State as Account;
use crate::users::{self, User, memory};
use serde_json::json;

pub const KIND: &str = "users.offboard";

pub fn run(cx: &RunCx) -> Result<()> {
    let said = cx.run.input.get("offboarding").and_then(serde_json::Value::as_i64);
    let Some(id) = said.map(OffboardingId) else { return pick_up(cx) };
    let by = By { user: cx.run.user, via: Via::Job, acting_for: cx.run.acting_for };
    if !cx.db.write(by, |tx| begin(tx, cx, id))? {
        return Ok(());
    }
    let mut done = cx.done()?;
    loop {
        match cx.next()? {
            Next::Go => {}
            Next::PutOff => return Ok(()),
            Next::Cancelled => {
                cx.db.write(by, |tx| store::cancel_steps(tx, id))?;
                break;
            }
        }
        let Some(step) = cx.db.read(|db| store::due(db, id))? else { break };
        done += 1;
        one(cx, by, id, &step, done)?;
    }
    cx.db.write(by, |tx| go_on(tx, cx, id))
}

/// By the clock: what was left alone in the middle goes on, for whoever ordered it.
fn pick_up(cx: &RunCx) -> Result<()> {
    for (seq, id) in (1..).zip(cx.db.read(store::left_alone)?) {
        let it = cx.db.read(|db| store::one(db, id))?;
        let by = By { user: it.ordered, via: Via::Job, acting_for: it.acting_for };
        cx.db.write(by, |tx| {
            let due = match (store::next_due(tx, id)?, it.over_at) {
                (Some(due), _) => due,
                (None, Some(over)) => over.plus_seconds(SECOND_LOOK),
                (None, None) => tx.now,
            };
            proceed(tx, &it, due)?;
            let text = format!("Offboarding {id}");
            cx.unit(tx, seq, Level::Warn, "picked_up", &text, Some(("user", it.user_id.0)))
        })?;
    }
    Ok(())
}

/// Whether it is this run's turn. What there is before the first step is remembered.
fn begin(tx: &Write, cx: &RunCx, id: OffboardingId) -> Result<bool> {
    let it = store::one(tx, id)?;
    if it.run != Some(cx.run.id) {
        return Ok(false);
    }
    if it.state == State::Planned {
        let user = leaver(tx, &it)?;
        if matches!(user.state, Account::Active | Account::Disabled) {
            memory::keep(tx, &user)?;
        }
        store::set_state(tx, id, State::Begun)?;
    }
    Ok(true)
}

fn leaver(tx: &Write, it: &Offboarding) -> Result<User> {
    users::one(tx, &Scope::<UsersDeprovision>::of_system(Via::Job), it.user_id)
}

/// Does one step as whoever ordered it; what they may not do now is not done.
fn one(cx: &RunCx, by: By, id: OffboardingId, step: &Step, done: i64) -> Result<()> {
    if step.act.is_by_hand() {
        return cx.db.write(by, |tx| {
            let it = store::one(tx, id)?;
            let why = order::why_by_hand(tx, it.user_id)?;
            store::end_step(tx, step.id, Progress::ByHand, &why, None)?;
            cx.unit(tx, done, Level::Warn, "by_hand", &step.text, Some(("user", it.user_id.0)))
        });
    }
    let tried = cx
        .actor()
        .and_then(|actor| cx.db.write(actor.by, |tx| act(tx, cx, &actor, id, step, done)));
    let why = match tried {
        Ok(()) => return Ok(()),
        Err(Error::Internal(cause)) => {
            tracing::error!(offboarding = id.0, "{cause}");
            "Something of ours went wrong; the log names it.".to_owned()
        }
        Err(Error::NotFound) => "Whoever ordered it does not reach the user any more.".to_owned(),
        Err(other) => other.to_string(),
    };
    cx.db.write(by, |tx| {
        let it = store::one(tx, id)?;
        store::end_step(tx, step.id, Progress::Failed, &why, None)?;
        let text = format!("{}: {why}", step.text);
        cx.unit(tx, done, Level::Error, "failed", &text, Some(("user", it.user_id.0)))
    })
}

fn act(
    tx: &Write,
    cx: &RunCx,
    actor: &Actor,
    id: OffboardingId,
    step: &Step,
    done: i64,
) -> Result<()> {
    let it = store::one(tx, id)?;
    let user = leaver(tx, &it)?;
    if user.customer != it.customer {
        return Err(Error::refused("The user has moved to another customer."));
    }
    let result = steps::carry_out(tx, actor, &user, step, it.meant)?;
    store::end_step(tx, step.id, Progress::Done, &result, None)?;
    let text = format!("{}: {result}", step.text);
    cx.unit(tx, done, Level::Info, "done", &text, Some(("user", user.id.0)))
}

/// What comes after this run, once.
fn go_on(tx: &Write, cx: &RunCx, id: OffboardingId) -> Result<()> {
    let it = store::one(tx, id)?;
    if it.run != Some(cx.run.id) {
        return Ok(());
    }
    match (it.state, it.over_at) {
        (State::Begun, _) => match store::next_due(tx, id)? {
            Some(due) => proceed(tx, &it, due),
            None => {
                end(tx, &it)?;
                notice::of_what_is_left(tx, &store::one(tx, id)?)
            }
        },
        (State::Over, Some(over)) if tx.now.since(over) >= SECOND_LOOK => look_again(tx, &it),
        _ => Ok(()),
    }
}

/// A day later: looks at every step once more, seals the report, and tells of it.
fn look_again(tx: &Write, it: &Offboarding) -> Result<()> {
    let user = leaver(tx, it)?;
    for step in &it.steps {
        let (holds, found) = check::step(tx, user.id, user.state, step)?;
        store::note(tx, step.id, holds, &found)?;
    }
    let report = report::seal(tx, it.id)?;
    let detail = json!({ "offboarding": it.id });
    audit::record(tx, "user.offboarding_sealed", ("user", user.id.0), it.customer, &detail)?;
    notice::of_the_report(tx, &store::one(tx, it.id)?, &report)
}
