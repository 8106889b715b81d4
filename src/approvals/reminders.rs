//! What the clock does for approvals: reminds of those that wait, and ends those that waited too long.

use super::{State, store, tell_orderer, tell_voters};
use crate::audit;
use crate::db::{By, Via};
use crate::engine;
use crate::error::Result;
use crate::html::text::count;
use crate::jobs::{Level, RunCx};
use serde_json::json;

/// The kind of run in `schedule.rs`.
pub const KIND: &str = "approvals.remind";

pub fn run(cx: &RunCx) -> Result<()> {
    let by = By::portico(Via::Job);
    cx.db.write(by, |tx| {
        let mut seq = 0;
        for id in store::due(tx, true)? {
            let it = store::any(tx, id)?;
            store::end(tx, id, State::Expired)?;
            let days = it.asked_at.map_or(0, |asked| tx.now.since(asked) / 86_400);
            let reason = format!("nobody decided within {}", count(days.max(1), "day", "days"));
            engine::turned_down(tx, it.request_id, &reason)?;
            let text = format!("“{}” was cancelled: {reason}.", it.title);
            tell_orderer(tx, &it, "approval.expired", &text)?;
            let detail = json!({ "title": it.title, "request_id": it.request_id });
            audit::record(tx, "approval.expired", ("approval", id.0), it.customer_id, &detail)?;
            seq += 1;
            cx.unit(
                tx,
                seq,
                Level::Warn,
                "expired",
                &it.title,
                Some(("request", it.request_id.0)),
            )?;
        }
        for id in store::due(tx, false)? {
            let it = store::any(tx, id)?;
            tell_voters(tx, &it, "approval.reminder", "Your approval is still asked for")?;
            store::reminded(tx, id)?;
            seq += 1;
            cx.unit(
                tx,
                seq,
                Level::Info,
                "reminded",
                &it.title,
                Some(("request", it.request_id.0)),
            )?;
        }
        Ok(())
    })
}
