//! The import as a background run: the rows that were chosen, with the rights their chooser has now.

use super::{BATCH, Order, Outcome, Report, Said, apply, held, record, store};
use crate::brake;
use crate::db::Write;
use crate::error::{Error, Result};
use crate::html::text;
use crate::ids::{CustomerId, RunId, UploadId, UserId};
use crate::jobs::{self, Level, Next, RunCx};
use crate::many::tell;
use crate::secret;
use serde_json::json;
use std::collections::BTreeSet;

/// The kind of run in `schedule.rs`.
pub const KIND: &str = "users.import";

/// Queues the import of a file; of its good rows, or of these lines alone.
pub fn queue(
    tx: &Write,
    customer: CustomerId,
    upload: UploadId,
    lines: Option<Vec<u32>>,
) -> Result<RunId> {
    let input = json!({ "upload": upload, "lines": lines });
    jobs::queue_run(tx, KIND, customer, &input, None)
}

pub fn run(cx: &RunCx) -> Result<()> {
    let actor = cx.actor()?;
    let scope = actor.scope()?;
    let customer = cx.run.customer;
    let input = &cx.run.input;
    let lines: Option<BTreeSet<u32>> = serde_json::from_value(input["lines"].clone())?;
    let upload: UploadId = serde_json::from_value(input["upload"].clone())?;
    let (bytes, said, file) = cx.db.read(|db| {
        let (_, bytes) = store::upload(db, &scope, customer, actor.user, upload)?;
        let said = Said::kept(&store::options(db, upload)?)?;
        let file = said.sheet(db, customer, &bytes)?;
        Ok((bytes, said, file))
    })?;
    let chosen = match &lines {
        Some(lines) => lines.len(),
        None => file.rows.len(),
    };
    let total = i64::try_from(chosen).unwrap_or(i64::MAX);
    cx.db.write(actor.by, |tx| cx.total(tx, total))?;
    let from = usize::try_from(cx.done()?).unwrap_or(0);
    let earlier: Vec<(usize, UserId)> = cx
        .subjects()?
        .into_iter()
        .filter_map(|(number, id)| Some((usize::try_from(number).ok()?, UserId(id))))
        .collect();
    let mut next = Next::Go;
    let order = |dry_run| Order {
        db: cx.db,
        app: Some(cx.app),
        said: &said,
        actor: &actor,
        scope: &scope,
        customer,
        lines: lines.as_ref(),
        dry_run,
        from,
        earlier: &earlier,
    };
    if said.all_or_nothing && from == 0 {
        let checked = apply(&order(true), &file, |_, _, _| Ok(true))?;
        if checked.refused > 0 {
            let n = i64::try_from(checked.refused).unwrap_or(i64::MAX);
            let rows = text::count(n, "row is", "rows are");
            return Err(Error::refused(format!("{rows} refused, so nothing was written.")));
        }
    }
    if from == 0 {
        let items = held::leavers(&order(false), &file)?;
        let title = cx.db.read(|db| held::title(db, &order(false)))?;
        if !brake::may_go_on_or(cx, &title, &items, |tx| tell::of_hold(tx, &title, &items))? {
            return Ok(());
        }
    }
    let mut report = apply(&order(false), &file, |tx, number, row| {
        let level = match row.result {
            Outcome::Refused => Level::Error,
            Outcome::Skipped => Level::Warn,
            _ => Level::Info,
        };
        let why: Vec<&str> = row.errors.iter().map(|each| each.message.as_str()).collect();
        let said = match why.is_empty() {
            true => format!("Row {}: {}", row.line, row.name),
            false => format!("Row {}: {} {}", row.line, row.name, why.join("; ")),
        };
        let done = i64::try_from(number).unwrap_or(i64::MAX);
        let subject = row.user_id.map(|id| ("user", id.0));
        cx.unit(tx, done, level, row.result.word(), said.trim(), subject)?;
        // Stopping is looked at now and then: the answer counts at the end of a batch.
        if number.is_multiple_of(BATCH) {
            next = cx.next()?;
        }
        Ok(next == Next::Go)
    })?;
    if next == Next::PutOff || has_ended(cx) {
        return Ok(());
    }
    count_all(cx, &mut report)?;
    cx.db.write(actor.by, |tx| {
        cx.numbers(
            tx,
            &json!({
                "created": report.created, "updated": report.updated, "unchanged": report.unchanged,
                "refused": report.refused, "skipped": report.skipped,
            }),
        )?;
        record(tx, customer, &report, &secret::hex(&secret::sha256(&bytes)))
    })
}

/// The numbers are kept with the last word in the audit log: that is not said twice.
fn has_ended(cx: &RunCx) -> bool {
    cx.run.numbers.get("created").is_some()
}

/// What was done before a stop counts as well.
fn count_all(cx: &RunCx, report: &mut Report) -> Result<()> {
    let tally = cx.tally()?;
    let of = |outcome: Outcome| {
        let found = tally.iter().find(|(result, _)| result == outcome.word());
        found.map_or(0, |(_, n)| usize::try_from(*n).unwrap_or(0))
    };
    report.created = of(Outcome::Created);
    report.updated = of(Outcome::Updated);
    report.unchanged = of(Outcome::Unchanged);
    report.refused = of(Outcome::Refused);
    report.skipped = of(Outcome::Skipped);
    Ok(())
}
