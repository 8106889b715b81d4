//! The answer of a webhook that said it would answer later. Its address has a token that is good
//! for one attempt of one step, once, and until the time that was agreed.

use super::{DEADLINE, End, OnError, finish, store};
use crate::audit;
use crate::db::{By, Via, Work};
use crate::drivers::mask::Mask;
use crate::drivers::{Answer, Outcome};
use crate::error::{Error, Result};
use crate::events;
use crate::ids::StepId;
use crate::secret::{self, Key, Secret};
use crate::web::{App, Request, Response, response};
use serde_json::{Map, Value, json};

/// Where the answer of one attempt goes; none where this installation has no address of its own.
pub fn address(base_url: &str, key: &Key, step: StepId, attempt: i64) -> Option<String> {
    let token = token(key, step, attempt);
    (!base_url.is_empty()).then(|| format!("{base_url}/api/v1/callbacks/{step}/{token}"))
}

fn token(key: &Key, step: StepId, attempt: i64) -> String {
    let what = format!("callback of step {step}, attempt {attempt}");
    secret::hex(&key.digest(&what, &Secret::new("callback")))
}

/// Takes the answer: `outputs`, `message` and `warnings` of what is done, or `refused` with why not.
pub fn receive(app: &App, request: &Request) -> Result<Response> {
    let mut parts = request.path.rsplit('/');
    let (Some(sent), Some(step)) = (parts.next(), parts.next()) else {
        return Err(Error::NotFound);
    };
    let step: StepId = step.parse().map_err(|_| Error::NotFound)?;
    let (refused, answer) = read(&request.body)?;
    app.db.write(By::portico(Via::Engine), |tx| {
        let found = store::called(tx, step)?.ok_or(Error::NotFound)?;
        let known = token(&app.config.key, step, found.attempts);
        if !secret::same(sent.as_bytes(), known.as_bytes()) {
            return Err(Error::NotFound);
        }
        if found.leased {
            return Err(Error::Conflict("The call itself has not ended yet: try again.".into()));
        }
        if !found.waits {
            return Err(Error::Conflict(
                "It was answered already, or is not wanted any more.".into(),
            ));
        }
        if found.until <= tx.now {
            return Err(Error::Conflict("It is too late: the time for an answer is over.".into()));
        }
        let detail = json!({ "step": step, "refused": refused });
        let subject = ("request", found.request.0);
        audit::record(tx, "request.called_back", subject, found.customer, &detail)?;
        match &refused {
            None => {
                let outputs = Value::Object(answer.outputs.clone()).to_string();
                store::called_back(tx, step, &outputs)?;
                answer.warnings.iter().try_for_each(|_| store::warn(tx, found.request))?;
                store::go_on(tx, found.request, tx.now.plus_seconds(DEADLINE))?;
                tx.wake(Work::Requests);
                Ok(())
            }
            Some(why) => {
                store::called_off(tx, step, why)?;
                if found.on_error == OnError::Continue {
                    store::warn(tx, found.request)?;
                    store::go_on(tx, found.request, tx.now.plus_seconds(DEADLINE))?;
                    tx.wake(Work::Requests);
                    return Ok(());
                }
                let reason = format!("{}: {why}", found.title);
                finish(tx, events::find(&found.event)?, found.request, End::Failed, &reason)
            }
        }
    })?;
    Ok(response::no_content())
}

/// Bounded like the answer of the call itself.
fn read(body: &[u8]) -> Result<(Option<String>, Answer)> {
    let json: Value = match body.is_empty() {
        true => Value::Object(Map::new()),
        false => serde_json::from_slice(body)
            .map_err(|err| Error::Malformed(format!("The body is not JSON: {err}.")))?,
    };
    let texts = |name: &str| -> Vec<String> {
        let all = json.get(name).and_then(Value::as_array).into_iter().flatten();
        all.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let said = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
    let outputs = json.get("outputs").and_then(Value::as_object).cloned().unwrap_or_default();
    let answer = Answer {
        message: said("message"),
        outputs,
        changes: Vec::new(),
        warnings: texts("warnings"),
    };
    let one_line = |why: String| why.split_whitespace().collect::<Vec<_>>().join(" ");
    let refused = said("refused").map(one_line).map(|why| match why.is_empty() {
        true => "it gave no reason".to_owned(),
        false => why.chars().take(500).collect(),
    });
    match Outcome::Done(answer).masked(&Mask::default()) {
        Outcome::Done(answer) => Ok((refused, answer)),
        _ => Ok((refused, Answer::default())),
    }
}
