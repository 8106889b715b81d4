//! Last days: notices before them, and the end of whoever has passed theirs. A day ends at midnight
//! in the customer's zone.

mod store;

use super::{life, store as users_store};
use crate::auth::permissions::UsersDisable;
use crate::auth::{Scope, not_last_administrator};
use crate::db::{Via, Write};
use crate::error::{Error, Result};
use crate::jobs::{Level, RunCx};
use crate::mail::{self, Class, NewMessage};
use crate::places::State;
use crate::time::Zone;
use store::Candidate;

/// Days before a last day on which its notices go out.
const NOTICES: [i64; 3] = [14, 7, 1];

/// Candidates of one look.
const BATCH: i64 = 200;

/// The hourly job.
pub fn run(cx: &RunCx) -> Result<()> {
    let scope: Scope<UsersDisable> = Scope::of_system(Via::Job);
    let mut after = (String::new(), 0);
    let mut done = cx.done()?;
    loop {
        // No zone is more than a day ahead of any other.
        let last = cx.db.now().day(&Zone::utc()).plus_days(15);
        let found = cx.db.read(|db| store::candidates(db, last, &after, BATCH))?;
        let Some(end) = found.last() else { return Ok(()) };
        after = (end.expires_on.to_string(), end.id.0);
        for each in &found {
            cx.db.write(scope.by, |tx| {
                if let Some((level, result, text)) = deal_with(tx, &scope, each)? {
                    done += 1;
                    cx.unit(tx, done, level, result, &text, Some(("user", each.id.0)))?;
                }
                Ok(())
            })?;
        }
        if cx.cancelled()? {
            return Ok(());
        }
    }
}

type Outcome = (Level, &'static str, String);

fn deal_with(tx: &Write, scope: &Scope<UsersDisable>, each: &Candidate) -> Result<Option<Outcome>> {
    let zone = Zone::named(&each.time_zone).unwrap_or_else(Zone::utc);
    let today = tx.now.day(&zone);
    let name = each.name.as_str();
    if each.expires_on < today {
        return expire(tx, scope, each);
    }
    let left = each.expires_on.days_since(today);
    // Of notices that a stop has made late, the nearest says it all.
    let Some(days) = NOTICES.into_iter().rev().find(|days| left <= *days) else { return Ok(None) };
    if !store::mark(tx, each, days)? {
        return Ok(None);
    }
    let day = each.expires_on.long();
    let text = format!(
        "Hello,\n\n{day} is the last day of {name} ({}). After it the account is disabled.\n\n\
         If it is to go on, set a later day.",
        each.upn
    );
    let told = tell(tx, each, "user.expires", &format!("{name} ends on {day}"), &text)?;
    Ok(Some((Level::Info, "told", format!("{name}: {told} told of {day}"))))
}

/// Disables whoever has passed the last day; the last administrator stays, and that is an alarm.
fn expire(tx: &Write, scope: &Scope<UsersDisable>, each: &Candidate) -> Result<Option<Outcome>> {
    let user = users_store::one(tx, scope, each.id)?;
    if user.state != State::Active {
        return Ok(None);
    }
    let name = each.name.as_str();
    match not_last_administrator(tx, user.customer, user.id) {
        Ok(()) => {}
        Err(Error::Invalid(_)) => {
            if !store::mark(tx, each, 0)? {
                return Ok(None);
            }
            let text = format!(
                "Hello,\n\n{name} ({}) has passed the last day, but is the last administrator who can \
                 sign in, and therefore stays.\n\nMake another administrator, or set a later day.",
                each.upn
            );
            tell(tx, each, "user.expiry_held", &format!("{name} could not end"), &text)?;
            let text = format!("{name} stays: the last administrator who can sign in");
            return Ok(Some((Level::Error, "held", text)));
        }
        Err(other) => return Err(other),
    }
    life::shut(tx, scope, &user, "user.expired")?;
    Ok(Some((Level::Info, "expired", format!("{name} was disabled"))))
}

/// Mails the manager and the administrators of the customer; says how many.
fn tell(tx: &Write, each: &Candidate, event: &str, subject: &str, text: &str) -> Result<usize> {
    let all = store::to_tell(tx, each)?;
    for (to, name) in &all {
        let message = NewMessage {
            customer: each.customer,
            user: Some(each.id),
            event,
            class: Class::Notice,
            to,
            name,
            subject,
            text,
            link: None,
            expires: None,
        };
        mail::queue(tx, &message)?;
    }
    Ok(all.len())
}
