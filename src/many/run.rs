//! The run behind an order over many: a few users a transaction, each in a savepoint of their own,
//! with the rights its starter has then. It goes on where it was stopped, and nobody is touched twice.

use super::acts::At;
use super::{One, Order, Verdict, store};
use crate::audit;
use crate::auth::Actor;
use crate::db::{By, Via, Write};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::jobs::{Level, Next, RunCx};
use crate::mail::texts;
use crate::users::Changed;
use crate::users::form::LABELS;
use serde_json::json;

/// Users of one transaction: enough to share its cost, few enough to let others in between. Nobody
/// else writes meanwhile, so that the rights read at its start are those of each of them.
const BATCH: usize = 25;

pub fn run(cx: &RunCx) -> Result<()> {
    let order: Order = serde_json::from_value(cx.run.input.clone())?;
    let by = By { user: cx.run.user, via: Via::Job, acting_for: cx.run.acting_for };
    let mut done = usize::try_from(cx.done()?).unwrap_or(usize::MAX);
    while done < order.ids.len() {
        match cx.next()? {
            Next::Go => {}
            Next::Cancelled => break,
            Next::PutOff => return Ok(()),
        }
        done = cx.db.write(by, |tx| {
            let actor = match cx.actor() {
                Ok(actor) => Some(actor),
                Err(Error::Forbidden(_)) => None,
                Err(other) => return Err(other),
            };
            let mut at = done;
            while let Some(unit) = order.unit(at).filter(|_| at < done.saturating_add(BATCH)) {
                for one in outcome(cx, tx, &order, actor.as_ref(), unit)? {
                    at += 1;
                    keep(cx, tx, at, one)?;
                }
            }
            cx.progress(tx, i64::try_from(at).unwrap_or(i64::MAX))?;
            Ok(at)
        })?;
    }
    // The numbers are kept with the last word in the audit log: that is not said twice.
    if cx.run.numbers.get("changed").is_some() {
        return Ok(());
    }
    finish(cx, &order, by)
}

fn outcome(
    cx: &RunCx,
    tx: &Write,
    order: &Order,
    actor: Option<&Actor>,
    unit: &[UserId],
) -> Result<Vec<One>> {
    if let Some(actor) = actor {
        let at = At { app: cx.app, actor, run: Some(cx.run.id) };
        return order.to(tx, &at, unit);
    }
    unit.iter()
        .map(|id| {
            let (name, why) = (store::name(tx, *id)?, "not permitted".to_owned());
            let changes = Changed::new();
            Ok(One { user_id: *id, name, result: Verdict::Refused, changes, why })
        })
        .collect()
}

/// Writes down what became of one.
fn keep(cx: &RunCx, tx: &Write, place: usize, one: One) -> Result<()> {
    if !one.changes.is_empty() {
        store::keep(tx, cx.run.id, one.user_id, &serde_json::to_string(&one.changes)?)?;
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
    let place = i64::try_from(place).unwrap_or(i64::MAX);
    let subject = Some(("user", one.user_id.0));
    cx.line(tx, place, level, one.result.word(), &text, subject)
}

/// "department Front desk → Ward"
pub fn changed(field: &str, pair: &serde_json::Value) -> String {
    let text = |at: usize| {
        let text = pair.get(at).and_then(|value| value.as_str()).unwrap_or_default();
        if text.is_empty() { "–" } else { text }.to_owned()
    };
    format!("{} {} → {}", words(field), text(0), text(1))
}

/// What a field is called on forms, in the middle of a line.
pub fn words(field: &str) -> String {
    let field = field.strip_prefix("properties.").unwrap_or(field);
    let label = LABELS.iter().find(|(name, _)| *name == field).map(|(_, label)| *label);
    match label {
        // "PO box" begins with two capitals and stays.
        Some(label) if !label.chars().nth(1).is_some_and(char::is_uppercase) => {
            let mut letters = label.chars();
            let first = letters.next().map(|first| first.to_lowercase().to_string());
            format!("{}{}", first.unwrap_or_default(), letters.as_str())
        }
        Some(label) => label.to_owned(),
        None => field.replace('_', " "),
    }
}

/// Says how it went, once.
fn finish(cx: &RunCx, order: &Order, by: By) -> Result<()> {
    let tally = cx.tally()?;
    let of = |verdict: Verdict| {
        tally.iter().find(|(word, _)| word == verdict.word()).map_or(0, |(_, n)| *n)
    };
    let (changed, unchanged, refused) =
        (of(Verdict::Changed), of(Verdict::Unchanged), of(Verdict::Refused));
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
