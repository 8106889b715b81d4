//! What came of a step, written in one transaction with what follows from it. A worker whose lease
//! is no longer its own changes nothing.

use super::store::{self, Step};
use super::take::{self, Taken};
use super::{Engine, guarded};
use crate::audit;
use crate::connectors::notices;
use crate::db::{Work, Write};
use crate::drivers::{Answer, Outcome};
use crate::engine::{
    Action, DEADLINE, End, Job, OnError, close, finish, record, store as requests,
};
use crate::error::Result;
use crate::events;
use crate::ids::{ConnectorId, RequestId, StepId};
use crate::secret;
use serde_json::{Value, json};
use std::time::Duration;

pub const TOO_LATE: &str = "It was not done within 24 hours.";
const UNWRITTEN: &str = "Portico could not write how this ended; its log says why.";

/// Tries of what may be better another time, and of what nobody can tell.
const TRIES: i64 = 8;
const TRIES_UNKNOWN: i64 = 3;
const INTERRUPTIONS: i64 = 3;
/// Failures in a row that open the breaker of a connector.
const BREAKER: i64 = 5;

/// How an attempt ended, as the engine sees it.
pub enum Ended {
    Answered(Outcome, String),
    /// The code of ours that did it panicked.
    Panicked,
}

/// Writes it, and leases the next step to the same worker where that may begin at once.
pub fn write(
    tx: &Write,
    engine: &Engine,
    taken: &Taken,
    ended: &Ended,
    go_on: bool,
) -> Result<Option<Taken>> {
    let Some(step) = store::leased(tx, taken.step.id, &taken.lease)? else { return Ok(None) };
    let job = &taken.job;
    let alive = match ended {
        Ended::Answered(outcome, log) => {
            store::close_attempt(tx, &step, word(outcome), log)?;
            note_health(tx, step.connector, outcome)?;
            match outcome {
                Outcome::Done(answer) | Outcome::Already(answer) => {
                    done(tx, &step, job, answer)?;
                    true
                }
                Outcome::Retry { after, text } => {
                    again(tx, engine, &step, job, ("transient", text), *after)?
                }
                Outcome::Unknown { text } => {
                    again(tx, engine, &step, job, ("unknown", text), None)?
                }
                Outcome::Waits { hours } => {
                    let until = tx.now.plus_seconds(hours.saturating_mul(3600));
                    store::await_callback(tx, &step, until, until.plus_seconds(DEADLINE))?;
                    tx.wake(Work::Requests);
                    false
                }
                Outcome::Refused { text } => fail_step(tx, engine, &step, job, "permanent", text)?,
            }
        }
        Ended::Panicked => {
            interrupted(tx, engine, &step, job, "It was ended by an error of Portico.")?
        }
    };
    follow(tx, engine, &step, alive, go_on)
}

/// What follows when a step is no longer leased.
fn follow(
    tx: &Write,
    engine: &Engine,
    step: &Step,
    alive: bool,
    go_on: bool,
) -> Result<Option<Taken>> {
    // Whoever gives the place back looks for work in its own queue first.
    let elsewhere = match step.connector {
        Some(connector) => store::wanted_elsewhere(tx, connector, step.request)?,
        None => false,
    };
    if !go_on || elsewhere {
        tx.wake(Work::Requests);
    }
    if !alive {
        return Ok(None);
    }
    let it = store::candidate(tx, step.request)?;
    if it.cancel_asked {
        let event = events::of(engine.events, &it.event)?;
        finish(tx, event, it.id, End::Cancelled, &it.reason)?;
        return Ok(None);
    }
    let Some(next) = store::next_step(tx, step.request)? else {
        return take::lease(tx, engine, step.request);
    };
    if go_on && store::may_start(tx, step.request, next.connector)? {
        return take::lease(tx, engine, step.request);
    }
    store::continue_at(tx, step.request, tx.now)?;
    tx.wake(Work::Requests);
    Ok(None)
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done(_) => "done",
        Outcome::Already(_) => "already",
        Outcome::Retry { .. } => "retry",
        Outcome::Unknown { .. } => "unknown",
        Outcome::Waits { .. } => "waits",
        Outcome::Refused { .. } => "refused",
    }
}

fn done(tx: &Write, step: &Step, job: &Job, answer: &Answer) -> Result<()> {
    if step.action == Action::Reseller {
        let on = step.params.get("on").and_then(Value::as_bool).unwrap_or(true);
        if store::set_reseller(tx, job.customer, on)? {
            let detail = json!({ "reseller": on });
            audit::record(
                tx,
                "customer.changed",
                ("customer", job.customer.0),
                job.customer,
                &detail,
            )?;
        }
    }
    if !answer.warnings.is_empty() {
        store::warn(tx, step.request)?;
    }
    store::step_done(tx, step, &Value::Object(answer.outputs.clone()).to_string())
}

/// Puts a step off, or ends it once it was tried often enough. Says whether the request goes on at
/// once.
fn again(
    tx: &Write,
    engine: &Engine,
    step: &Step,
    job: &Job,
    (class, text): (&str, &str),
    after: Option<Duration>,
) -> Result<bool> {
    let tries = step.attempts.saturating_sub(step.spent);
    let usual = step.tries.unwrap_or(TRIES);
    let most = if class == "unknown" { TRIES_UNKNOWN.min(usual) } else { usual };
    if tries >= most {
        return fail_step(tx, engine, step, job, class, text);
    }
    let seconds = match after {
        Some(wait) => i64::try_from(wait.as_secs()).unwrap_or(3600).clamp(1, 3600),
        None => wait_before(tries)?,
    };
    let at = tx.now.plus_seconds(seconds);
    store::step_again(tx, step, (class, text), at, false)?;
    let cancelled = store::candidate(tx, step.request)?.cancel_asked;
    if !cancelled {
        store::continue_at(tx, step.request, at)?;
        tx.wake(Work::Requests);
    }
    Ok(cancelled)
}

/// Seconds before the next try: 5, 15, 45 … 15 minutes at most, each half to one and a half times.
fn wait_before(tries: i64) -> Result<i64> {
    let power = u32::try_from(tries.saturating_sub(1)).unwrap_or(0).min(8);
    let plain = 5_i64.saturating_mul(3_i64.saturating_pow(power)).min(900);
    let [a, b] = secret::random::<2>()?;
    let part = i64::from(u16::from_be_bytes([a, b]) % 1001).saturating_add(500);
    Ok(plain.saturating_mul(part).div_euclid(1000).max(1))
}

/// A step that its worker left in the middle.
pub fn interrupted(tx: &Write, engine: &Engine, step: &Step, job: &Job, why: &str) -> Result<bool> {
    store::close_attempt(tx, step, "interrupted", why)?;
    if step.interruptions.saturating_add(1) >= INTERRUPTIONS {
        return fail_step(
            tx,
            engine,
            step,
            job,
            "unknown",
            "It was stopped after 3 interruptions.",
        );
    }
    store::step_again(tx, step, ("unknown", why), tx.now, true)?;
    Ok(true)
}

/// Ends a step that cannot be done. Says whether the request goes on without it.
pub fn fail_step(
    tx: &Write,
    engine: &Engine,
    step: &Step,
    job: &Job,
    class: &str,
    text: &str,
) -> Result<bool> {
    store::step_failed(tx, step, class, text)?;
    if step.on_error == OnError::Continue {
        store::warn(tx, step.request)?;
        return Ok(true);
    }
    let reason = format!("{}: {text}", step.title);
    finish(tx, events::of(engine.events, &job.event)?, step.request, End::Failed, &reason)?;
    Ok(false)
}

/// Counts failures in a row. While the breaker is open, what still comes in is not counted.
fn note_health(tx: &Write, connector: Option<ConnectorId>, outcome: &Outcome) -> Result<()> {
    let Some(id) = connector else { return Ok(()) };
    let health = store::health(tx, id)?;
    let subject = ("connector", id.0);
    let text = match outcome {
        Outcome::Unknown { .. } => return Ok(()),
        Outcome::Retry { text, .. } => text,
        _ if health.failures == 0 => return Ok(()),
        _ => {
            store::set_health(tx, id, 0, None, "")?;
            if health.failures >= BREAKER {
                audit::record(tx, "connector.up", subject, health.customer, &json!({}))?;
                notices::up(tx, id)?;
                tx.wake(Work::Requests);
            }
            return Ok(());
        }
    };
    if health.down_until.is_some_and(|until| until > tx.now) {
        return Ok(());
    }
    let failures = health.failures.saturating_add(1);
    let until = (failures >= BREAKER).then(|| tx.now.plus_seconds(breaker(failures)));
    store::set_health(tx, id, failures, until, text)?;
    if failures == BREAKER {
        audit::record(tx, "connector.down", subject, health.customer, &json!({ "error": text }))?;
        notices::down(tx, id, text)?;
    }
    Ok(())
}

/// A minute, doubled each time it was in vain, a quarter of an hour at most.
fn breaker(failures: i64) -> i64 {
    let doubled = u32::try_from(failures.saturating_sub(BREAKER)).unwrap_or(0).min(4);
    60_i64.saturating_mul(2_i64.saturating_pow(doubled)).min(900)
}

/// Gives up the leases of a process that is no more.
pub fn recover(tx: &Write, engine: &Engine) -> Result<()> {
    for (id, lease) in store::of_other_boots(tx, &engine.boot)? {
        end_lease(tx, engine, id, &lease, |tx, step, job| {
            interrupted(tx, engine, step, job, "Portico was stopped during this attempt.")
        })?;
    }
    Ok(())
}

/// Says how the attempt of a worker ended that is not there any more. Where one request cannot be
/// settled, that one is given up, and not all of them.
fn end_lease(
    tx: &Write,
    engine: &Engine,
    id: StepId,
    lease: &str,
    ended: impl FnOnce(&Write, &Step, &Job) -> Result<bool>,
) -> Result<()> {
    let Some(step) = store::leased(tx, id, lease)? else { return Ok(()) };
    let done = guarded(|| {
        engine.app.db.write(tx.by, |tx| {
            let job = requests::job(tx, step.request)?;
            let alive = ended(tx, &step, &job)?;
            follow(tx, engine, &step, alive, false).map(|_| ())
        })
    });
    done.or_else(|err| {
        tracing::error!(request = %step.request, "the end of a step: {err}");
        give_up(tx, id, lease)
    })
}

/// Gives up leases that ran out; the workers that had them are to be replaced.
pub fn expire(tx: &Write, engine: &Engine) -> Result<Vec<StepId>> {
    let mut given_up = Vec::new();
    for (id, lease) in store::run_out(tx)? {
        end_lease(tx, engine, id, &lease, |tx, step, job| {
            let text = "It did not come back in its time and was given up.";
            store::close_attempt(tx, step, "retry", text)?;
            let outcome = Outcome::Retry { after: None, text: text.to_owned() };
            note_health(tx, step.connector, &outcome)?;
            again(tx, engine, step, job, ("transient", text), None)
        })?;
        given_up.push(id);
    }
    Ok(given_up)
}

/// Fails what has waited longer than anything may.
pub fn give_up_overdue(tx: &Write, engine: &Engine) -> Result<usize> {
    let all = store::overdue(tx)?;
    for id in &all {
        let done = guarded(|| {
            engine.app.db.write(tx.by, |tx| {
                let job = requests::job(tx, *id)?;
                finish(tx, events::of(engine.events, &job.event)?, *id, End::Failed, TOO_LATE)
            })
        });
        done.or_else(|err| {
            tracing::error!(request = %id, "giving up a request: {err}");
            end_unsettled(tx, *id)
        })?;
    }
    Ok(all.len())
}

/// The last resort, when the end itself could not be written: the step fails with what went wrong
/// here, and nothing is settled.
pub fn give_up(tx: &Write, id: StepId, lease: &str) -> Result<()> {
    let Some(step) = store::leased(tx, id, lease)? else { return Ok(()) };
    store::close_attempt(tx, &step, "unknown", UNWRITTEN)?;
    store::step_failed(tx, &step, "unknown", UNWRITTEN)?;
    end_unsettled(tx, step.request)
}

/// The same for a request that cannot be taken, if it still waits.
pub fn give_up_waiting(tx: &Write, id: RequestId) -> Result<()> {
    if store::is_ready(tx, id)? { end_unsettled(tx, id) } else { Ok(()) }
}

fn end_unsettled(tx: &Write, request: RequestId) -> Result<()> {
    let job = close(tx, request, End::Failed, UNWRITTEN)?;
    record(tx, &job, End::Failed, UNWRITTEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_spread() {
        for (tries, plain) in [(1, 5), (2, 15), (3, 45), (4, 135), (5, 405), (6, 900), (7, 900)] {
            for _ in 0..50 {
                let wait = wait_before(tries).unwrap();
                assert!((plain / 2..=plain * 3 / 2).contains(&wait), "{tries}: {wait}");
            }
        }
    }

    #[test]
    fn a_breaker_doubles_up_to_a_quarter_of_an_hour() {
        assert_eq!([5, 6, 7, 8, 9, 50].map(breaker), [60, 120, 240, 480, 900, 900]);
    }
}
