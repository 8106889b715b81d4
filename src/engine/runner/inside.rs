//! What a step is before anybody works on it: judged and filled in with what earlier steps answered;
//! and the work that is Portico's own, done within the transaction that takes the step.

use super::Engine;
use super::store::{self, Step};
use crate::crash;
use crate::db::{Work, Write};
use crate::engine::rules::plan::{Ready, ready};
use crate::engine::rules::text;
use crate::engine::{Action, DEADLINE, Job, store as requests, tasks};
use crate::error::{Error, Result};
use crate::mail::{self, Class, NewMessage};
use crate::time::Instant;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// How far that went.
pub enum Begun {
    /// Somebody has to work on it.
    Outside,
    /// It was done or left out; the next one is looked at.
    Over,
    /// It waits for the clock or a person.
    Parked,
    Failed(String),
}

/// Nothing wakes a request before.
const NEVER: i64 = 253_370_764_800;

pub fn begin(tx: &Write, engine: &Engine, step: &mut Step, job: &Job) -> Result<Begun> {
    if !step.condition.is_empty() || text::is_open(&step.params) {
        let outputs: BTreeMap<String, Map<String, Value>> = requests::outputs(tx, step.request)?;
        match ready(&step.condition, &step.params, step.request.0, &outputs) {
            Ready::Go(params) => step.params = params,
            Ready::Skip(text) => {
                store::step_skipped(tx, step, &text)?;
                return Ok(Begun::Over);
            }
            Ready::Wrong(text) => return Ok(Begun::Failed(text)),
        }
    }
    match step.action {
        Action::Wait if step.waited => done(tx, step),
        Action::Wait => {
            let minutes = step.params.get("minutes").and_then(Value::as_i64).unwrap_or(1);
            let until = tx.now.plus_seconds(minutes.saturating_mul(60));
            store::park(tx, step, "wait", until, until.plus_seconds(DEADLINE))?;
            let_by(tx, step)?;
            crash::at("inside");
            Ok(Begun::Parked)
        }
        // Who promised to answer is not called once more.
        Action::WebhookSend if step.waited => {
            Ok(Begun::Failed("It did not answer within the time it asked for.".to_owned()))
        }
        Action::TaskOpen => {
            let never = Instant::from_unix(NEVER);
            match engine.app.db.write(tx.by, |tx| tasks::open(tx, step.id, job, &step.params)) {
                Ok(()) => {
                    store::park(tx, step, "person", never, never)?;
                    let_by(tx, step)?;
                    crash::at("inside");
                    Ok(Begun::Parked)
                }
                Err(err) => refused(err),
            }
        }
        Action::MailSend => match engine.app.db.write(tx.by, |tx| send(tx, job, &step.params)) {
            Ok(()) => done(tx, step),
            Err(err) => refused(err),
        },
        _ => Ok(Begun::Outside),
    }
}

/// Those behind it go on: who waits for a person or the clock has no place in the order.
fn let_by(tx: &Write, step: &Step) -> Result<()> {
    if requests::unblock(tx, step.request)? > 0 {
        tx.wake(Work::Requests);
    }
    Ok(())
}

fn done(tx: &Write, step: &Step) -> Result<Begun> {
    store::step_done(tx, step, "{}")?;
    crash::at("inside");
    Ok(Begun::Over)
}

/// What was refused fails the step; everything else is an error of ours.
fn refused(err: Error) -> Result<Begun> {
    match err {
        Error::Invalid(all) => {
            let said: Vec<String> = all.iter().map(|each| each.message.clone()).collect();
            Ok(Begun::Failed(said.join(" ")))
        }
        other => Err(other),
    }
}

fn send(tx: &Write, job: &Job, params: &Value) -> Result<()> {
    let said = |name: &str| params.get(name).and_then(Value::as_str).unwrap_or_default();
    for to in params.get("to").and_then(Value::as_array).into_iter().flatten() {
        let message = NewMessage {
            customer: job.customer,
            user: job.user,
            event: "rule.mail",
            class: Class::Notice,
            to: to.as_str().unwrap_or_default(),
            name: "",
            subject: said("subject"),
            text: said("text"),
            link: None,
            expires: None,
        };
        mail::queue(tx, &message)?;
    }
    Ok(())
}
