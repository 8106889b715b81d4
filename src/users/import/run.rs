//! The import as a background run: the rows that were chosen, with the rights their chooser has now.

use super::{Order, Outcome, apply, record};
use crate::error::{Error, Result};
use crate::ids::UploadId;
use crate::jobs::{Level, RunCx};
use crate::secret;
use crate::sheet::{self, Options};
use crate::users::store;
use serde_json::json;
use std::collections::BTreeSet;

pub fn run(cx: &RunCx) -> Result<()> {
    let actor = cx.actor()?;
    let scope = actor.scope()?;
    let customer = cx.run.customer;
    let input = &cx.run.input;
    let lines: Option<BTreeSet<u32>> = serde_json::from_value(input["lines"].clone())?;
    let upload: UploadId = serde_json::from_value(input["upload"].clone())?;
    let (_, bytes) = cx.db.read(|db| store::upload(db, &scope, customer, actor.user, upload))?;
    let file = sheet::read(&bytes, &Options::default())
        .map_err(|refusal| Error::refused(format!("The file {refusal}.")))?;
    let chosen = match &lines {
        Some(lines) => lines.len(),
        None => file.rows.len(),
    };
    let total = i64::try_from(chosen).unwrap_or(i64::MAX);
    cx.db.write(actor.by, |tx| cx.total(tx, total))?;
    let from = usize::try_from(cx.done()?).unwrap_or(0);
    let order = Order {
        db: cx.db,
        actor: &actor,
        scope: &scope,
        customer,
        lines: lines.as_ref(),
        dry_run: false,
        from,
    };
    let report = apply(&order, &file, |tx, number, row| {
        let level = match row.result {
            Outcome::Refused => Level::Error,
            Outcome::Skipped => Level::Warn,
            _ => Level::Info,
        };
        let why: Vec<&str> = row.errors.iter().map(|each| each.message.as_str()).collect();
        let text = match why.is_empty() {
            true => format!("Row {}: {}", row.line, row.name),
            false => format!("Row {}: {} {}", row.line, row.name, why.join("; ")),
        };
        let done = i64::try_from(number).unwrap_or(i64::MAX);
        let subject = row.user_id.map(|id| ("user", id.0));
        cx.unit(tx, done, level, row.result.word(), text.trim(), subject)?;
        // Stopping is looked at now and then: the answer counts at the end of a batch.
        if number.is_multiple_of(200) { cx.cancelled().map(|stop| !stop) } else { Ok(true) }
    })?;
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
