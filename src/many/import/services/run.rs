//! The import as a background run: each row with the rights that whoever sent the file has now.

use super::taken::taken;
use super::{BATCH, Order, Outcome, columns, one};
use crate::brake;
use crate::db::Write;
use crate::error::Result;
use crate::ids::{CustomerId, RunId, UploadId};
use crate::jobs::{self, Level, Next, RunCx};
use crate::many::import::store;
use crate::many::tell;
use crate::places;
use serde_json::json;

/// The kind of run in `schedule.rs`.
pub const KIND: &str = "services.import";

pub fn queue(tx: &Write, customer: CustomerId, upload: UploadId, rows: usize) -> Result<RunId> {
    let total = i64::try_from(rows).ok();
    jobs::queue_run(tx, KIND, customer, &json!({ "upload": upload }), total)
}

pub fn run(cx: &RunCx) -> Result<()> {
    let actor = cx.actor()?;
    let read = actor.scope()?;
    let customer = cx.run.customer;
    let upload: UploadId =
        serde_json::from_value(cx.run.input.get("upload").cloned().unwrap_or_default())?;
    let (_, bytes) = cx.db.read(|db| store::upload(db, &read, customer, actor.user, upload))?;
    let rows = columns::read(&bytes)?;
    let order = Order { app: cx.app, actor: &actor, read: &read, customer, run: Some(cx.run.id) };
    let mut done = usize::try_from(cx.done()?).unwrap_or(usize::MAX);
    if done == 0 {
        let place = cx.db.read(|db| places::customer(db, &read, customer))?;
        let title = format!("Import of services of {}", place.name);
        let items = taken(&order, &rows)?;
        if !brake::may_go_on_or(cx, &title, &items, |tx| tell::of_hold(tx, &title, &items))? {
            return Ok(());
        }
    }
    while let Some(rest) = rows.get(done..).filter(|rest| !rest.is_empty()) {
        if cx.next()? != Next::Go {
            return Ok(());
        }
        let batch = rest.get(..BATCH).unwrap_or(rest);
        cx.db.write(actor.by, |tx| {
            for (place, row) in (done + 1..).zip(batch) {
                let out = one(&order, row)?;
                let why: Vec<String> = out
                    .errors
                    .iter()
                    .map(|each| format!("{} {}", each.field, each.message))
                    .collect();
                let about = [out.user.as_str(), out.service.as_str(), out.label.as_str()];
                let about: Vec<&str> = about.into_iter().filter(|text| !text.is_empty()).collect();
                let text = format!("Row {}: {} {}", out.line, about.join(", "), why.join("; "));
                let level = if out.result == Outcome::Refused { Level::Error } else { Level::Info };
                let subject = out.request_id.map(|request| ("request", request.0));
                let place = i64::try_from(place).unwrap_or(i64::MAX);
                cx.unit(tx, place, level, out.result.word(), text.trim(), subject)?;
            }
            Ok(())
        })?;
        done += batch.len();
    }
    Ok(())
}
