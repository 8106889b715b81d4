//! The term of a customer: whoever it concerns is told 14, 7 and 1 days before; a demo then ends, and
//! is deleted 14 days later unless it was prolonged. What is no demo only raises a notice.

mod store;

use super::life::{self, notice};
use super::{Customer, Type};
use crate::auth::Scope;
use crate::auth::permissions::CustomersDeprovision;
use crate::db::{By, Via, Write};
use crate::error::{Error, Result};
use crate::html::text::count;
use crate::ids::CustomerId;
use crate::jobs::{Level, RunCx};
use crate::places::State;
use crate::time::{Date, Zone};

/// Days before the end at which somebody is told.
const TOLD: [i64; 3] = [14, 7, 1];
/// Days after it until the customer goes into the bin.
const KEPT: i64 = 14;

/// Looks at every customer whose term nears or is over.
pub fn run(cx: &RunCx) -> Result<()> {
    let scope = Scope::of_system(Via::Job);
    for (seq, id) in (1..).zip(cx.db.read(store::near_their_end)?) {
        if cx.cancelled()? {
            break;
        }
        let done = cx.db.write(By::portico(Via::Job), |tx| {
            let Some((result, text)) = look_at(tx, &scope, id)? else { return Ok(()) };
            cx.unit(tx, seq, Level::Info, result, &text, Some(("customer", id.0)))
        });
        if let Err(Error::Invalid(why)) = &done {
            let why: Vec<&str> = why.iter().map(|each| each.message.as_str()).collect();
            cx.db.write(By::portico(Via::Job), |tx| {
                let text = why.join(" ");
                cx.unit(tx, seq, Level::Error, "refused", &text, Some(("customer", id.0)))
            })?;
        } else {
            done?;
        }
    }
    Ok(())
}

/// What was done about one customer, if anything.
fn look_at(
    tx: &Write,
    scope: &Scope<CustomersDeprovision>,
    id: CustomerId,
) -> Result<Option<(&'static str, String)>> {
    let customer = life::mortal(tx, scope, id)?;
    let name = &customer.details.name;
    let Some(last) = customer.details.expires_on else { return Ok(None) };
    let zone = Zone::named(&customer.details.time_zone).unwrap_or_else(Zone::utc);
    // It works to the end of its last day.
    let left = last.days_since(tx.now.day(&zone)) + 1;
    let demo = customer.details.kind == Type::Demo;
    match customer.state {
        State::Deprovisioned if demo && customer.expired_at.is_some() && left <= -KEPT => {
            life::delete_in(tx, scope, &customer)?;
            Ok(Some(("deleted", format!("{name} was deleted"))))
        }
        State::Active | State::Disabled if left > 0 && demo => remind(tx, &customer, last, left),
        State::Active | State::Disabled if left <= 0 && demo => {
            life::deprovision_in(tx, scope, &customer, "customer.expired")?;
            store::mark_expired(tx, id)?;
            Ok(Some(("expired", format!("{name} has expired"))))
        }
        State::Active | State::Disabled if left <= 0 => over(tx, &customer, last),
        _ => Ok(None),
    }
}

/// Tells contact and maker once for each step; after a pause of the job, of the nearest alone.
fn remind(
    tx: &Write,
    customer: &Customer,
    last: Date,
    left: i64,
) -> Result<Option<(&'static str, String)>> {
    let mut new = false;
    for days in TOLD.into_iter().filter(|days| left <= *days) {
        new |= store::note(tx, customer.id, last, days)?;
    }
    if !new {
        return Ok(None);
    }
    let name = &customer.details.name;
    let subject = format!("{name} ends on {}", last.long());
    let text = format!(
        "{name} is a demonstration, and ends with {}: in {}. After that nobody of it can sign in, and its \
         services end. Until then, and for {KEPT} days more, it can be prolonged or kept for good.",
        last.long(),
        count(left, "day", "days")
    );
    notice::contact(tx, customer.id, "customer.expiring", &subject, &text)?;
    notice::maker(tx, customer.id, "customer.expiring", &subject, &text)?;
    Ok(Some(("told", subject)))
}

/// Its day is over, and nothing ends by that.
fn over(tx: &Write, customer: &Customer, last: Date) -> Result<Option<(&'static str, String)>> {
    if !store::note(tx, customer.id, last, 0)? {
        return Ok(None);
    }
    let name = &customer.details.name;
    let subject = format!("{name} was to end on {}", last.long());
    let text = format!(
        "{name} was to end with {}. It goes on until somebody deprovisions it or sets another day.",
        last.long()
    );
    notice::above(tx, customer.id, "customer.expired", &subject, &text)?;
    Ok(Some(("told", subject)))
}
