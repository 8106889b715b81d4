//! What is deleted outside some time after a user has lost a service: until then it can be given
//! back as it was. Which services that is their rules for `user_service.purge` say, and after how
//! many days their setting `removal_days`.

mod store;

use super::act::{self, Cause, Work};
use super::{HeldId, document, held, plan};
use crate::auth::Scope;
use crate::auth::permissions::UserServicesWrite;
use crate::catalogue::Level;
use crate::db::{Via, Write};
use crate::engine::Class;
use crate::error::Result;
use crate::jobs::{Level as Tone, RunCx};
use serde_json::Value;
use store::Lost;

pub const KIND: &str = "services.purge";

/// Where the service does not say.
const DAYS: i64 = 30;
const BATCH: i64 = 200;

pub fn run(cx: &RunCx) -> Result<()> {
    let scope: Scope<UserServicesWrite> = Scope::of_system(Via::Job);
    let mut after = 0;
    let mut done = cx.done()?;
    loop {
        let found = cx.db.read(|db| store::lost(db, &scope, after, BATCH))?;
        let Some(last) = found.last() else { return Ok(()) };
        after = last.id.0;
        for each in &found {
            cx.db.write(scope.by, |tx| {
                if let Some(title) = purge(tx, each)? {
                    done += 1;
                    cx.unit(tx, done, Tone::Info, "ordered", &title, Some(("user", each.user.0)))?;
                }
                Ok(())
            })?;
        }
        if cx.cancelled()? {
            return Ok(());
        }
    }
}

/// Orders it where its time has come and something is to be done.
fn purge(tx: &Write, lost: &Lost) -> Result<Option<String>> {
    let held = held::any(tx, HeldId::User(lost.id))?;
    let props = document::of_held(tx, &held, &[])?.props;
    let days = props.get("removal_days").and_then(Value::as_i64).unwrap_or(DAYS);
    if lost.since.plus_days(days) > tx.now {
        return Ok(None);
    }
    let steps = plan::steps_of(tx, &held, act::event(Level::User, "purge"))?;
    if steps.is_empty() {
        return Ok(None);
    }
    let title = format!("Delete what is left of {} of {}", held.name, lost.name);
    let work =
        Work { held: &held, what: "purge", title: &title, class: Class::Bulk, steps, after: None };
    act::start(tx, work, &Cause::default())?;
    Ok(Some(title))
}
