//! Looking by the clock: what has changed every quarter of an hour, everything at night; and putting
//! right what others changed, where that is wanted.

use super::look::look;
use super::{store, verbs};
use crate::brake::{self, Item, What};
use crate::db::{By, Via};
use crate::error::{Error, Result};
use crate::html::text::count;
use crate::ids::EnvironmentId;
use crate::jobs::{Level, RunCx};
use serde_json::Value;

/// The kinds of run in `schedule.rs`.
pub const KIND: &str = "directory.drift";
pub const WHOLE: &str = "directory.whole";
pub const REPAIR: &str = "directory.repair";

/// What has changed since the last time; of one directory that somebody asked for, everything.
pub fn changes(cx: &RunCx) -> Result<()> {
    match directory(cx) {
        Some(id) => told(cx, 1, id, cx.run.input.get("whole") == Some(&Value::Bool(true))),
        None => all(cx, false),
    }
}

/// Everything in every directory.
pub fn whole(cx: &RunCx) -> Result<()> {
    all(cx, true)
}

fn directory(cx: &RunCx) -> Option<EnvironmentId> {
    cx.run.input.get("directory").and_then(Value::as_i64).map(EnvironmentId)
}

fn all(cx: &RunCx, whole: bool) -> Result<()> {
    for (seq, id) in (1..).zip(cx.db.read(store::grounds)?) {
        if cx.cancelled()? {
            break;
        }
        told(cx, seq, id, whole)?;
    }
    Ok(())
}

/// One directory that is not reached keeps nobody from looking at the others.
fn told(cx: &RunCx, seq: i64, id: EnvironmentId, whole: bool) -> Result<()> {
    let name = cx.db.read(|db| store::ground(db, id))?.name;
    let (level, result, text) = match look(cx.app, id, whole) {
        Ok(told) => {
            let counts = told.counts;
            let how =
                if told.whole { "looked through whole" } else { "looked through for changes" };
            let text = format!(
                "{name}: {how}; {}, {} settled by itself, {} pushed back at once",
                count(counts.new, "thing is new", "things are new"),
                counts.gone,
                counts.pushed
            );
            (if counts.new > 0 { Level::Warn } else { Level::Info }, "looked", text)
        }
        Err(err @ (Error::Invalid(_) | Error::Conflict(_))) => {
            (Level::Error, "failed", format!("{name}: {err}"))
        }
        Err(err) => return Err(err),
    };
    cx.db.write(By::portico(Via::Job), |tx| {
        cx.unit(tx, seq, level, result, &text, Some(("directory", id.0)))
    })
}

/// Brings our fields there again, all that are open at once; what are too many wait for a person.
pub fn repair(cx: &RunCx) -> Result<()> {
    let Some(id) = directory(cx) else { return Ok(()) };
    let all = cx.db.read(|db| {
        let all = store::to_repair(db, id)?;
        all.into_iter().map(|id| store::any(db, id)).collect::<Result<Vec<_>>>()
    })?;
    let items: Vec<Item> = all
        .iter()
        .map(|it| Item {
            what: What::Users,
            customer: it.customer,
            id: it.user.map_or(0, |user| user.0),
            text: format!("{}: {} from “{}” to “{}”", it.name, it.what, it.theirs, it.ours),
        })
        .collect();
    let name = all.first().map_or("", |it| it.directory.as_str());
    if !brake::may_go_on(cx, &format!("Put right what others changed in {name}"), &items)? {
        return Ok(());
    }
    for (seq, it) in (1..).zip(&all) {
        cx.db.write(By::portico(Via::Job), |tx| {
            // Somebody may have said something else meanwhile.
            if !store::to_repair(tx, id)?.contains(&it.id) {
                return Ok(());
            }
            verbs::order(tx, it)?;
            let text = format!("{}: {}", it.name, it.what);
            let subject = it.user.map(|user| ("user", user.0));
            cx.unit(tx, seq, Level::Info, "pushed", &text, subject)
        })?;
    }
    Ok(())
}
