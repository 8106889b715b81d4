//! A value that changed further up reaches those who have the service: each whose settings are no
//! longer those it was ordered with gets a request of its own, in a run that resumes.

mod store;

use super::act::{self, Cause, Work};
use super::{HeldId, amounts, plan, properties};
use crate::catalogue::Level;
use crate::catalogue::properties::{Under, counts};
use crate::db::{By, Via, Write};
use crate::engine::Class;
use crate::error::{Error, Result};
use crate::ids::RequestId;
use crate::jobs::{Level as Tone, Next, RunCx};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Assignments looked at in one transaction.
const BATCH: i64 = 100;

/// How far it is, beside the run.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Numbers {
    changed: i64,
    unchanged: i64,
    /// The last of each level that was looked at.
    customer_service: i64,
    user_service: i64,
}

/// Customers' own services first, since their users' stand on them.
pub fn run(cx: &RunCx) -> Result<()> {
    let under: Under = serde_json::from_value(cx.run.input.clone())?;
    let mut numbers: Numbers = serde_json::from_value(cx.run.numbers.clone())?;
    let by = By { user: cx.run.user, via: Via::Job, acting_for: cx.run.acting_for };
    for level in [Level::Customer, Level::User] {
        loop {
            if cx.next()? != Next::Go {
                return Ok(());
            }
            let looked_at = cx.db.write(by, |tx| {
                let after = match level {
                    Level::Customer => numbers.customer_service,
                    Level::User => numbers.user_service,
                };
                let batch = store::live_under(tx, &under, level, after, BATCH)?;
                for id in &batch {
                    one(cx, tx, *id, &mut numbers)?;
                }
                cx.numbers(tx, &serde_json::to_value(&numbers)?)?;
                Ok(batch.len())
            })?;
            if looked_at == 0 {
                break;
            }
        }
    }
    Ok(())
}

fn one(cx: &RunCx, tx: &Write, id: HeldId, numbers: &mut Numbers) -> Result<()> {
    match id {
        HeldId::Customer(id) => numbers.customer_service = id.0,
        HeldId::User(id) => numbers.user_service = id.0,
    }
    let cause = Cause { run: Some(cx.run.id), ..Cause::default() };
    let (request, name) = match cx.db.write(tx.by, |tx| bring_up(tx, id, &cause)) {
        Ok(Some(ordered)) => ordered,
        Ok(None) => {
            numbers.unchanged += 1;
            return Ok(());
        }
        Err(err @ Error::Invalid(_)) => {
            numbers.changed += 1;
            let held = super::store::any(tx, id)?;
            let name = super::store::holder_name(tx, &held)?;
            let text = format!("{} of {name}: {err}", held.title());
            return cx.unit(tx, numbers.changed, Tone::Warn, "refused", &text, None);
        }
        Err(err) => return Err(err),
    };
    numbers.changed += 1;
    let text = format!("{name}: request {request}.");
    let subject = Some(("request", request.0));
    cx.unit(tx, numbers.changed, Tone::Info, "ordered", &text, subject)
}

/// Orders an update where other values hold than it was ordered with last.
fn bring_up(tx: &Write, id: HeldId, cause: &Cause) -> Result<Option<(RequestId, String)>> {
    let held = super::store::any(tx, id)?;
    let digest = properties::digest(tx, &held)?;
    if super::store::ordered_with(tx, id)? == digest {
        return Ok(None);
    }
    let event = act::event(id.level(), "update");
    let steps = plan::steps_of(tx, &held, event)?;
    if steps.is_empty() && !counts(tx, held.service)? {
        return Ok(None);
    }
    amounts::take(tx, &held)?;
    let name = super::store::holder_name(tx, &held)?;
    let title = format!("Change {} of {name}", held.title());
    let work =
        Work { held: &held, what: "update", title: &title, class: Class::Bulk, steps, after: None };
    let request = act::start(tx, work, cause)?;
    let detail = json!({ "service": held.code, "request_id": request, "run_id": cause.run });
    let action = format!("{}_service.changed", id.level().word());
    crate::audit::record(tx, &action, act::subject(id), held.customer, &detail)?;
    Ok(Some((request, name)))
}
