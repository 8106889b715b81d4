//! What a step is before anybody works on it: judged and filled in with what earlier steps answered;
//! and the work that is Portico's own, done within the transaction that takes the step.

use super::Engine;
use super::store::{self, Step};
use crate::audit;
use crate::crash;
use crate::db::{Work, Write};
use crate::directory;
use crate::engine::rules::plan::{ENVIRONMENT, Ready, ready};
use crate::engine::rules::{actions, text};
use crate::engine::{Action, DEADLINE, Job, figures, never, store as requests, tasks};
use crate::error::{Error, Result};
use crate::events;
use crate::mail::{self, Class, NewMessage};
use crate::time::{Instant, Zone};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

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

pub fn begin(tx: &Write, engine: &Engine, step: &mut Step, job: &Job) -> Result<Begun> {
    if !step.condition.is_empty() || text::is_open(&step.params) {
        let mut outputs: BTreeMap<String, Map<String, Value>> =
            requests::outputs(tx, step.request)?;
        if let Some(place) = directory::customer_ou(tx, job.customer)? {
            let own = Map::from_iter([("customer_ou".to_owned(), Value::from(place))]);
            outputs.insert(ENVIRONMENT.to_owned(), own);
        }
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
            let until = waits_until(tx, job, &step.params)?;
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
            let never = never();
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
        Action::ValueSet => match written(tx, job, &step.params)? {
            Ok(()) => done(tx, step),
            Err(text) => Ok(Begun::Failed(text)),
        },
        Action::ServiceGive => given(tx, engine, step, job),
        Action::RequireMfa => match factor(tx, job, &step.params)? {
            Ok(()) => done(tx, step),
            Err(text) => Ok(Begun::Failed(text)),
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

/// Rules give because of what rules gave only so many times in a row.
const GIFTS: i64 = 3;

/// Orders a service; the request of that is known to later steps. What is there already is done.
fn given(tx: &Write, engine: &Engine, step: &Step, job: &Job) -> Result<Begun> {
    if store::gifts_before(tx, step.request)? >= GIFTS {
        let text = format!(
            "Rules gave {GIFTS} services because of each other; a further one is not given."
        );
        return Ok(Begun::Failed(text));
    }
    let key = &engine.app.config.key;
    match engine.app.db.write(tx.by, |tx| events::give(tx, key, job, &step.params)) {
        Ok(Some(request)) => {
            store::gave(tx, step, request)?;
            store::step_done(tx, step, &json!({ "request": request }).to_string())?;
            crash::at("inside");
            Ok(Begun::Over)
        }
        Ok(None) => done(tx, step),
        Err(err) => refused(err),
    }
}

/// So many minutes on, or the next time that the customer's clock shows that.
fn waits_until(tx: &Write, job: &Job, params: &Value) -> Result<Instant> {
    let clock = params.get("until").and_then(Value::as_str).and_then(actions::clock);
    let Some(seconds) = clock else {
        let minutes = params.get("minutes").and_then(Value::as_i64).unwrap_or(1);
        return Ok(tx.now.plus_seconds(minutes.saturating_mul(60)));
    };
    let zone = Zone::named(&store::time_zone(tx, job.customer)?).unwrap_or_else(Zone::utc);
    let today = tx.now.day(&zone);
    let then = today.at(&zone, seconds);
    Ok(if then > tx.now { then } else { today.plus_days(1).at(&zone, seconds) })
}

/// Writes what Portico alone writes of an assignment.
fn written(tx: &Write, job: &Job, params: &Value) -> Result<Result<(), String>> {
    let said = |name: &str| params.get(name).and_then(Value::as_str).unwrap_or_default();
    let (name, text) = (said("output"), said("value").trim());
    let Some(output) = store::output(tx, job, name)? else {
        return Ok(Err(format!("{name} is no setting here that Portico writes.")));
    };
    let value = match &*output.kind {
        "integer" | "size" => text.parse::<i64>().ok().map(Value::from),
        "boolean" => text.parse::<bool>().ok().map(Value::from),
        _ => Some(Value::from(text)),
    };
    match value {
        _ if text.is_empty() => store::clear_output(tx, &output)?,
        Some(value) => store::set_output(tx, &output, &value.to_string())?,
        None => return Ok(Err(format!("“{text}” is not a value for {name}."))),
    }
    Ok(Ok(()))
}

/// From which day a user needs a second factor, or that none is needed for this any more.
fn factor(tx: &Write, job: &Job, params: &Value) -> Result<Result<(), String>> {
    let Some(user) = job.user else {
        return Ok(Err("The request is about no user.".to_owned()));
    };
    let on = params.get("on").and_then(Value::as_bool).unwrap_or(true);
    let days = params.get("grace_days").and_then(Value::as_str).unwrap_or_default().trim();
    let days: i64 = match days {
        "" => 0,
        days => match days.parse() {
            Ok(days) if (0..=30).contains(&days) => days,
            _ => return Ok(Err(format!("“{days}” is not a number of days from 0 to 30."))),
        },
    };
    let from = on.then(|| tx.now.plus_days(days));
    if store::ask_for_factor(tx, user, from)? {
        let detail = json!({ "on": on, "from": from });
        audit::record(tx, "user.factor_asked", ("user", user.0), job.customer, &detail)?;
    }
    Ok(Ok(()))
}

fn done(tx: &Write, step: &Step) -> Result<Begun> {
    store::step_done(tx, step, "{}")?;
    figures::count(step.action, "done", Duration::ZERO);
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
