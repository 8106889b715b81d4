//! A value that changed further up reaches those who have the service: each whose settings are no
//! longer those it was ordered with gets a request of its own, in a run that resumes.

mod store;

use super::act::{self, Cause, Work};
use super::{Held, HeldId, amounts, plan, properties};
use crate::brake::{self, Item, What};
use crate::catalogue::properties::{Under, counts};
use crate::catalogue::{self, Level};
use crate::crash;
use crate::db::{By, Read, Via, Write};
use crate::engine::{Class, NewStep};
use crate::error::{Error, Result};
use crate::ids::RequestId;
use crate::jobs::{Level as Tone, Next, RunCx};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Assignments looked at in one transaction.
const BATCH: i64 = 100;
/// The same where nothing is changed.
const READ: i64 = 1_000;

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

impl Numbers {
    fn come_to(&mut self, id: HeldId) {
        match id {
            HeldId::Customer(id) => self.customer_service = id.0,
            HeldId::User(id) => self.user_service = id.0,
        }
    }
}

/// Customers' own services first, since their users' stand on them.
pub fn run(cx: &RunCx) -> Result<()> {
    let under: Under = serde_json::from_value(cx.run.input.clone())?;
    let mut numbers: Numbers = serde_json::from_value(cx.run.numbers.clone())?;
    let by = By { user: cx.run.user, via: Via::Job, acting_for: cx.run.acting_for };
    if numbers.customer_service == 0 && numbers.user_service == 0 {
        let service = cx.db.read(|db| catalogue::service(db, under.service))?;
        let title = format!("Bring changed settings of {} to who has it", service.name);
        if !brake::may_go_on(cx, &title, &changes(cx, &under)?)? {
            return Ok(());
        }
    }
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
                let outdated = properties::outdated(tx, &batch)?;
                for id in &batch {
                    numbers.come_to(*id);
                    match outdated.contains(id) {
                        true => one(cx, tx, *id, &mut numbers)?,
                        false => numbers.unchanged += 1,
                    }
                    crash::at("fan_out");
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

/// What would be changed, all of it: what the brake looks at. Where there cannot be too many, nothing
/// is looked at.
fn changes(cx: &RunCx, under: &Under) -> Result<Vec<Item>> {
    let mut ids = Vec::new();
    for level in [Level::Customer, Level::User] {
        let mut after = 0;
        loop {
            let batch = cx.db.read(|db| store::live_under(db, under, level, after, READ))?;
            let Some(last) = batch.last() else { break };
            after = last.number();
            ids.extend(batch);
        }
    }
    if ids.len() <= brake::ASSIGNMENTS {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    for batch in ids.chunks(usize::try_from(BATCH).unwrap_or(1)) {
        cx.db.read(|db| {
            for id in properties::outdated(db, batch)? {
                all.extend(change(db, id)?);
            }
            Ok(())
        })?;
    }
    Ok(all)
}

fn change(db: &Read, id: HeldId) -> Result<Option<Item>> {
    let Some((held, ..)) = work(db, id)? else { return Ok(None) };
    let (name, customer) = (super::store::holder_name(db, &held)?, held.customer);
    let text = format!("{} of {name}: its settings change", held.title());
    // Numbers of both levels are counted alike, and only a user's is looked for again by it.
    let id = held.user.map_or(0, |_| id.number());
    Ok(Some(Item { what: What::Assignments, customer, id, text }))
}

fn one(cx: &RunCx, tx: &Write, id: HeldId, numbers: &mut Numbers) -> Result<()> {
    let cause = Cause { run: Some(cx.run.id), ..Cause::default() };
    let (request, name) = match cx.db.write(tx.by, |tx| bring_up(tx, id, &cause)) {
        Ok(Some(ordered)) => ordered,
        Ok(None) => {
            numbers.unchanged += 1;
            return Ok(());
        }
        Err(err @ Error::Invalid(_)) => {
            numbers.changed += 1;
            let held = super::held::any(tx, id)?;
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

/// The work that is to be done where other values hold now.
fn work(db: &Read, id: HeldId) -> Result<Option<(Held, Vec<NewStep>)>> {
    let held = super::held::any(db, id)?;
    let steps = plan::steps_of(db, &held, act::event(id.level(), "update"))?;
    if steps.is_empty() && !counts(db, held.service)? {
        return Ok(None);
    }
    Ok(Some((held, steps)))
}

/// Orders an update, where there is anything to do.
fn bring_up(tx: &Write, id: HeldId, cause: &Cause) -> Result<Option<(RequestId, String)>> {
    let Some((held, steps)) = work(tx, id)? else { return Ok(None) };
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
