//! The import as a background run, with the rights that whoever began it has now.

use super::{Order, Outcome, Report, Wanted, apply, judged};
use crate::audit;
use crate::error::{Error, Result};
use crate::jobs::{Level, Next, RunCx};
use serde_json::json;

pub fn run(cx: &RunCx) -> Result<()> {
    let actor = cx.actor()?;
    let scope = actor.scope()?;
    let customer = cx.run.customer;
    let wanted: Wanted = serde_json::from_value(cx.run.input.clone())?;
    let site = cx.db.read(|db| {
        scope.reaches(db, customer)?;
        super::super::site(db, customer)
    })?;
    let site =
        site.ok_or_else(|| Error::refused("The customer lives in no directory any more."))?;
    let order = Order { app: cx.app, actor: &actor, scope: &scope, site: &site, dry_run: false };
    let mut all = judged(&order, &wanted)?;
    let done = cx.done()?;
    if done > 0 {
        // What was done before a stop is known by now, and was told.
        let told = cx.tally()?;
        let was = |outcome: Outcome| told.iter().any(|(word, n)| word == outcome.word() && *n > 0);
        all.retain(|each| super::waits(&each.verdict, was(Outcome::Skipped)));
    }
    let total = i64::try_from(all.len()).unwrap_or(i64::MAX).saturating_add(done);
    cx.db.write(actor.by, |tx| cx.total(tx, total))?;
    let mut next = Next::Go;
    apply(&order, &all, |tx, number, row| {
        let level = match row.result {
            Outcome::Refused => Level::Error,
            Outcome::Skipped | Outcome::Proposed => Level::Warn,
            _ => Level::Info,
        };
        let text = format!("{}: {}", row.name, row.why);
        let text = text.trim_end_matches([':', ' ']);
        let at = done.saturating_add(i64::try_from(number).unwrap_or(i64::MAX));
        let subject = row.user_id.map(|id| ("user", id.0));
        cx.unit(tx, at, level, row.result.word(), text, subject)?;
        if number.is_multiple_of(super::BATCH) {
            next = cx.next()?;
        }
        Ok(next == Next::Go)
    })?;
    if next == Next::PutOff {
        return Ok(());
    }
    let report = counted(cx)?;
    cx.db.write(actor.by, |tx| {
        let numbers = json!({
            "created": report.created, "linked": report.linked, "unchanged": report.unchanged,
            "proposed": report.proposed, "skipped": report.skipped, "refused": report.refused,
        });
        cx.numbers(tx, &numbers)?;
        if report.created + report.linked + report.proposed == 0 {
            return Ok(());
        }
        let detail = json!({ "directory": site.name, "ous": wanted.ous, "numbers": numbers });
        audit::record(tx, "directory.imported", ("customer", customer.0), customer, &detail)
    })
}

/// With what was done before a stop.
fn counted(cx: &RunCx) -> Result<Report> {
    let mut report = Report::default();
    for (word, n) in cx.tally()? {
        if let Ok(outcome) = word.parse::<Outcome>() {
            *report.of(outcome) = usize::try_from(n).unwrap_or(0);
        }
    }
    Ok(report)
}
