//! One attempt at a step, outside any transaction.

use super::take::Taken;
use crate::connectors::doctor;
use crate::crash;
use crate::directory::work::{self, Order, Verb};
use crate::drivers::{Answer, Call, Outcome};
use crate::engine::callback;
use crate::engine::{Action, Event, store, verb as engine_verb};
use crate::error::Result;
use crate::events;
use crate::scim;
use crate::web::App;
use serde_json::{Map, Value, json};

/// Does it; says how it ended, with the log.
pub fn perform(app: &App, events: &'static [Event], taken: &Taken) -> (Outcome, String) {
    if taken.step.action == Action::Reseller {
        // What it changes is here, and is written with its end.
        return (Outcome::Done(Answer::default()), String::new());
    }
    if let Some(line) = &taken.line {
        match doctor::before_use(app, line) {
            Ok(None) => {}
            Ok(Some(text)) => return (Outcome::Retry { after: None, text: text.clone() }, text),
            Err(err) => {
                let text = format!("The connector could not be looked at: {err}");
                return (Outcome::Retry { after: None, text: text.clone() }, text);
            }
        }
    }
    if let Some(verb) = taken.step.action.in_directory() {
        return in_directory(app, events, taken, verb).unwrap_or_else(|err| {
            let text = format!("What is to be done could not be put together: {err}");
            (Outcome::Refused { text: text.clone() }, text)
        });
    }
    if let (Some(verb), Some(line)) = (taken.step.action.in_scim(), &taken.line) {
        let order = scim::Order {
            verb,
            what: &engine_verb(&taken.step.params, &taken.job.event),
            params: &taken.step.params,
            customer: taken.job.customer,
            user: taken.job.user,
            customer_service: taken.job.customer_service,
            dry_run: false,
        };
        let (outcome, log) = scim::perform(&app.db, &app.config, line, &order);
        return (outcome, log.text());
    }
    match call(app, events, taken) {
        Ok((call, line)) => {
            crash::at("call");
            let attempt = u32::try_from(taken.attempt).unwrap_or(u32::MAX);
            let base_url = app.settings().map(|it| it.base_url.clone()).unwrap_or_default();
            let key = &app.config.key;
            let later = callback::address(&base_url, key, taken.step.id, taken.attempt);
            let told = (attempt, later.as_deref());
            let (outcome, log) = line.send(&app.config, call, told, app.db.now());
            (outcome, log.text())
        }
        Err(err) => {
            tracing::error!(request = %taken.job.request, "preparing a step: {err}");
            let text = format!("What is to be sent could not be put together: {err}");
            (Outcome::Refused { text: text.clone() }, text)
        }
    }
}

fn in_directory(
    app: &App,
    events: &'static [Event],
    taken: &Taken,
    verb: Verb,
) -> Result<(Outcome, String)> {
    let job = &taken.job;
    let Some(line) = &taken.line else {
        let text = "The customer lives in no location with a directory.".to_owned();
        return Ok((Outcome::Refused { text: text.clone() }, text));
    };
    let event = events::of(events, &job.event)?;
    let document = app.db.read(|db| (event.document)(db, job))?;
    let order = Order {
        verb,
        params: &taken.step.params,
        props: &document.props,
        customer: job.customer,
        user: job.user,
        dry_run: false,
    };
    crash::at("call");
    let (outcome, log) = work::perform(app, line, &order);
    Ok((outcome, log.text()))
}

fn call<'t>(
    app: &App,
    events: &'static [Event],
    taken: &'t Taken,
) -> Result<(Call, &'t crate::connectors::call::Line)> {
    let job = &taken.job;
    let line = taken.line.as_ref().ok_or(crate::error::Error::NotFound)?;
    let event = events::of(events, &job.event)?;
    let (document, outputs) =
        app.db.read(|db| Ok(((event.document)(db, job)?, store::outputs(db, job.request)?)))?;
    let secrets = document.secrets(&app.config.key, &taken.step.params)?;
    let outputs: Map<String, Value> =
        outputs.into_iter().map(|(key, values)| (key, Value::Object(values))).collect();
    let mut props = document.props;
    if let Some(own) = taken.step.params.get("inputs").and_then(Value::as_object) {
        props.extend(own.clone());
    }
    let call = Call {
        key: taken.key.clone(),
        verb: engine_verb(&taken.step.params, &job.event),
        dry_run: false,
        event: job.event.clone(),
        customer: document.customer,
        user: document.user,
        service: document.service,
        props,
        secrets,
        previous: json!({ "before": document.previous, "outputs": outputs }),
        body: taken.step.params.get("body").cloned(),
    };
    Ok((call, line))
}
