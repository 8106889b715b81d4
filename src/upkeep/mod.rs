//! What is kept for a time only goes when its time is over, in batches that hold nobody up.

mod store;

use crate::db::{By, Via};
use crate::engine::tasks;
use crate::error::Result;
use crate::jobs::{Level, RunCx};

/// Rows of one transaction.
const BATCH: i64 = 500;

/// Clears every class until nothing of it is due. The ledger, invoices and the audit log are in none.
pub fn clear(cx: &RunCx) -> Result<()> {
    for (seq, class) in (1..).zip(store::CLASSES) {
        let mut gone = 0;
        loop {
            let removed =
                cx.db.write(By::portico(Via::Job), |tx| store::clear(tx, class, BATCH))?;
            gone += removed;
            if removed < BATCH || cx.cancelled()? {
                break;
            }
        }
        cx.db.write(By::portico(Via::Job), |tx| {
            cx.unit(tx, seq, Level::Info, "cleared", &format!("{gone} {}", class.words), None)
        })?;
    }
    Ok(())
}

/// Mails those who have a task that is due, once a day.
pub fn remind_of_tasks(cx: &RunCx) -> Result<()> {
    cx.db.write(By::portico(Via::Job), |tx| {
        for (seq, (id, title)) in (1..).zip(tasks::remind(tx)?) {
            cx.unit(tx, seq, Level::Info, "reminded", &title, Some(("task", id.0)))?;
        }
        Ok(())
    })
}
