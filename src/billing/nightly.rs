//! What the clock does to bills: compute what has changed, and lock what is over.

use super::{periods, recalculate_due};
use crate::db::{By, Via};
use crate::error::Result;
use crate::html::text::count;
use crate::jobs::{Level, RunCx};

pub fn recalculate(cx: &RunCx) -> Result<()> {
    let done = recalculate_due(cx.app)?;
    let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let text = format!(
        "{} computed anew, {} with another bill than before",
        count(number(done.customers), "customer", "customers"),
        number(done.changed)
    );
    said(cx, "calculated", &text)
}

pub fn lock(cx: &RunCx) -> Result<()> {
    let locked = i64::try_from(periods::lock_due(cx.app)?).unwrap_or(i64::MAX);
    said(cx, "locked", &format!("{} locked", count(locked, "period", "periods")))
}

fn said(cx: &RunCx, result: &str, text: &str) -> Result<()> {
    cx.db.write(By::portico(Via::Job), |tx| cx.unit(tx, 1, Level::Info, result, text, None))
}
