//! Told in time: passwords that are about to end.

use super::store;
use crate::customers::settings;
use crate::db::{By, Via};
use crate::error::Result;
use crate::jobs::{Level, RunCx};
use crate::mail::texts;

/// Days before the end on which somebody is told.
const DAYS: [i64; 3] = [14, 7, 1];

/// Tells everybody whose password ends in 14, 7 or 1 days; run once a day.
pub fn passwords(cx: &RunCx) -> Result<()> {
    let customers = cx.db.read(store::with_ages)?;
    for (seq, customer) in (1..).zip(customers) {
        let told = cx.db.write(By::portico(Via::Job), |tx| {
            let Some(age) = settings::number(tx, customer, "password_max_age")? else { return Ok(0) };
            let exempt = settings::flag(tx, customer, "never_expires_allowed")?;
            let mut told = 0;
            for one in store::passwords_of(tx, customer)? {
                let left = age - tx.now.since(one.since).div_euclid(86_400);
                if (exempt && one.stays) || !DAYS.contains(&left) {
                    continue;
                }
                let days = if left == 1 { "tomorrow".to_owned() } else { format!("in {left} days") };
                let what = format!(
                    "The password of your account ends {days}. Choose a new one under My account, Password."
                );
                let (event, subject) = ("user.password_expires", format!("Your password ends {days}"));
                texts::tell_user(tx, one.customer, one.user, event, &subject, &what)?;
                told += 1;
            }
            Ok(told)
        })?;
        cx.db.write(By::portico(Via::Job), |tx| {
            let subject = Some(("customer", customer.0));
            cx.unit(tx, seq, Level::Info, "told", &format!("{told} people"), subject)
        })?;
    }
    Ok(())
}
