//! Told in time: API tokens that are about to end.

use super::store;
use crate::db::{By, Via};
use crate::error::Result;
use crate::jobs::{Level, RunCx};
use crate::mail::texts;

/// Days before the end on which the owner is told.
const DAYS: [i64; 2] = [14, 3];

/// Tells the owners of tokens that end in 14 or 3 days; run once a day.
pub fn tokens(cx: &RunCx) -> Result<()> {
    for (seq, days) in (1..).zip(DAYS) {
        let told = cx.db.write(By::portico(Via::Job), |tx| {
            let ending = store::tokens_ending(tx, tx.now.plus_days(days - 1), tx.now.plus_days(days))?;
            for token in &ending {
                let what = format!(
                    "Your API token called “{}” ends in {days} days. Whatever uses it stops working then: \
                     make a new one under My account, API tokens.",
                    token.name
                );
                let (event, subject) = ("token.expires", format!("An API token ends in {days} days"));
                texts::tell_user(tx, token.customer, token.user, event, &subject, &what)?;
            }
            Ok(ending.len())
        })?;
        cx.db.write(By::portico(Via::Job), |tx| {
            let text = format!("{told} owners of tokens that end in {days} days");
            cx.unit(tx, seq, Level::Info, "told", &text, None)
        })?;
    }
    Ok(())
}
