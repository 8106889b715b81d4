//! The run behind an order over many: each user in a transaction of its own, with the rights its
//! starter has then. It goes on where it was stopped, and nobody is touched twice.

use super::{Order, Verdict, store};
use crate::audit;
use crate::auth::Actor;
use crate::db::{By, Via};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::jobs::{Level, Next, RunCx};
use crate::mail::texts;
use serde_json::json;

/// Users between two looks at who asked, and whether to go on.
const BATCH: usize = 20;

pub fn run(cx: &RunCx) -> Result<()> {
    let order: Order = serde_json::from_value(cx.run.input.clone())?;
    let mut done = usize::try_from(cx.done()?).unwrap_or(usize::MAX);
    while let Some(rest) = order.ids.get(done..).filter(|rest| !rest.is_empty()) {
        match cx.next()? {
            Next::Go => {}
            Next::Cancelled => break,
            Next::PutOff => return Ok(()),
        }
        let actor = match cx.actor() {
            Ok(actor) => Some(actor),
            Err(Error::Forbidden(_)) => None,
            Err(other) => return Err(other),
        };
        let batch = rest.get(..BATCH).unwrap_or(rest);
        for (place, id) in (done + 1..).zip(batch) {
            one(cx, &order, actor.as_ref(), place, *id)?;
        }
        done += batch.len();
    }
    finish(cx, &order)
}

fn one(cx: &RunCx, order: &Order, actor: Option<&Actor>, place: usize, id: UserId) -> Result<()> {
    let place = i64::try_from(place).unwrap_or(i64::MAX);
    let subject = Some(("user", id.0));
    let by = By { user: cx.run.user, via: Via::Job, acting_for: None };
    cx.db.write(actor.map_or(by, |actor| actor.by), |tx| {
        let Some(actor) = actor else {
            let text = format!("{}: not permitted", store::name(tx, id)?);
            return cx.unit(tx, place, Level::Error, Verdict::Refused.word(), &text, subject);
        };
        let (one, changes) = order.one(tx, cx.app, actor, id)?;
        if !changes.is_empty() {
            store::keep(tx, cx.run.id, id, &serde_json::to_string(&changes)?)?;
        }
        let level = match one.result {
            Verdict::Refused => Level::Error,
            _ if !one.why.is_empty() => Level::Warn,
            _ => Level::Info,
        };
        let mut said: Vec<String> =
            one.changes.iter().map(|(field, pair)| changed(field, pair)).collect();
        said.extend(Some(one.why).filter(|why| !why.is_empty()));
        let text = match said.is_empty() {
            true => one.name,
            false => format!("{}: {}", one.name, said.join("; ")),
        };
        cx.unit(tx, place, level, one.result.word(), &text, subject)
    })
}

/// "department: Front desk → Ward"
pub fn changed(field: &str, pair: &serde_json::Value) -> String {
    let text = |at: usize| {
        let text = pair.get(at).and_then(|value| value.as_str()).unwrap_or_default();
        if text.is_empty() { "–" } else { text }.to_owned()
    };
    format!("{} {} → {}", field.replace('_', " "), text(0), text(1))
}

/// Says how it went, once.
fn finish(cx: &RunCx, order: &Order) -> Result<()> {
    let tally = cx.tally()?;
    let of = |verdict: Verdict| {
        tally.iter().find(|(word, _)| word == verdict.word()).map_or(0, |(_, n)| *n)
    };
    let (changed, unchanged, refused) =
        (of(Verdict::Changed), of(Verdict::Unchanged), of(Verdict::Refused));
    let by = By { user: cx.run.user, via: Via::Job, acting_for: None };
    cx.db.write(by, |tx| {
        let numbers = json!({ "changed": changed, "unchanged": unchanged, "refused": refused });
        cx.numbers(tx, &numbers)?;
        let customer = cx.run.customer;
        audit::record(tx, "bulk.finished", ("run", cx.run.id.0), customer, &numbers)?;
        let Some(user) = cx.run.user else { return Ok(()) };
        let home = store::home(tx, user)?;
        let what = format!(
            "Work on many users has ended: {}. {changed} changed, {unchanged} unchanged, {refused} refused.",
            order.act.title()
        );
        texts::tell_user(tx, home, user, "bulk.finished", "Work on many users has ended", &what)
    })
}
