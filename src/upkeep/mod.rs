//! What is kept for a time only goes when its time is over, in batches that hold nobody up.

mod store;

use crate::connectors::doctor::{self, Light};
use crate::connectors::{self, call, notices};
use crate::db::{By, Via};
use crate::engine::{notices as engine_notices, tasks};
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

/// Looks at every connector, so that what is broken is known before somebody needs it.
pub fn examine_connectors(cx: &RunCx) -> Result<()> {
    for (seq, id) in (1..).zip(cx.db.read(connectors::in_use)?) {
        if cx.cancelled()? {
            break;
        }
        let line = cx.db.read(|db| call::line(db, id))?;
        let checks = doctor::examine_and_keep(cx.app, &line)?;
        let light = doctor::worst(&checks);
        let level = match light {
            Light::Green => Level::Info,
            Light::Amber => Level::Warn,
            Light::Red => Level::Error,
        };
        let said = checks.iter().find(|check| check.light == light && light != Light::Green);
        let text = match said {
            Some(check) => format!("{}: {} {}", line.name, check.text, check.fix),
            None => format!("{}: everything is as it should be", line.name),
        };
        cx.db.write(By::portico(Via::Job), |tx| {
            cx.unit(tx, seq, level, light.word(), text.trim(), Some(("connector", id.0)))
        })?;
    }
    Ok(())
}

/// Tells whoever looks after them of credentials that end in 30, 14, 7 days and tomorrow.
pub fn tell_of_credentials(cx: &RunCx) -> Result<()> {
    cx.db.write(By::portico(Via::Job), |tx| {
        for (seq, days) in (1..).zip(notices::DAYS) {
            for name in notices::credentials(tx, days)? {
                let text = format!("{name} ends in {days} days");
                cx.unit(tx, seq, Level::Info, "told", &text, None)?;
            }
        }
        Ok(())
    })
}

/// Mails those who run the engine of work that waits too long and of freezes that are about to begin.
pub fn watch_engine(cx: &RunCx) -> Result<()> {
    cx.db.write(By::portico(Via::Job), |tx| {
        for (seq, text) in (1..).zip(engine_notices::by_the_clock(tx)?) {
            cx.unit(tx, seq, Level::Info, "told", &text, None)?;
        }
        Ok(())
    })
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
