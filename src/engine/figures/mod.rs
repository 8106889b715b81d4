//! The engine in numbers, for whoever watches the installation: how much waits and runs, how steps end
//! and how long they take. No customer, user or name of anything is in them.

mod store;

use super::{Action, Status};
use crate::db::Db;
use crate::drivers::Outcome;
use crate::error::Result;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// How many there were, by what they did and how that ended, and how long all of them took.
type Steps = BTreeMap<(Action, &'static str), (u64, Duration)>;

/// Those since the process began.
static STEPS: Mutex<Steps> = Mutex::new(BTreeMap::new());

/// Counts an attempt at a step.
pub fn attempted(action: Action, outcome: &Outcome, took: Duration) {
    let word = match outcome {
        Outcome::Done(_) => "done",
        Outcome::Already(_) => "already",
        Outcome::Retry { .. } => "retry",
        Outcome::Waits { .. } => "waits",
        Outcome::Unknown { .. } => "unknown",
        Outcome::Refused { .. } => "refused",
    };
    count(action, word, took);
}

/// Counts one that ended by itself, or by an error of ours.
pub fn count(action: Action, word: &'static str, took: Duration) {
    let mut steps = STEPS.lock();
    let (number, whole) = steps.entry((action, word)).or_default();
    *number = number.saturating_add(1);
    *whole = whole.saturating_add(took);
}

/// All of it, as Prometheus reads it.
pub fn text(db: &Db) -> Result<String> {
    let (requests, queues, connectors, holds, now) = db.read(|db| {
        let (queues, connectors) = (store::queues(db)?, store::connectors(db)?);
        Ok((store::requests(db)?, queues, connectors, store::holds(db)?, db.now))
    })?;
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, about: &str, lines: Vec<(String, String)>| {
        let _ = writeln!(text, "# HELP portico_{name} {about}\n# TYPE portico_{name} {kind}");
        for (labels, value) in lines {
            let _ = writeln!(text, "portico_{labels} {value}");
        }
    };
    let number = |status: &Status| {
        requests.iter().find(|(known, _)| known == status).map_or(0, |(_, number)| *number)
    };
    let line = |status: &Status| {
        (format!("requests{{status=\"{}\"}}", status.word()), number(status).to_string())
    };
    family(
        "requests",
        "gauge",
        "Requests by how far they are.",
        Status::ALL.iter().map(line).collect(),
    );
    let steps = STEPS.lock().clone();
    let each = |name: &str, value: &dyn Fn(&(u64, Duration)) -> String| -> Vec<(String, String)> {
        let all = steps.iter().map(|((action, outcome), kept)| {
            let action = action.word();
            (format!("{name}{{action=\"{action}\",outcome=\"{outcome}\"}}"), value(kept))
        });
        all.collect()
    };
    let total = each("steps_total", &|(number, _)| number.to_string());
    family("steps_total", "counter", "Attempts at steps since the start.", total);
    let mut seconds = each("step_seconds_sum", &|(_, whole)| {
        format!("{}.{:06}", whole.as_secs(), whole.subsec_micros())
    });
    seconds.extend(each("step_seconds_count", &|(number, _)| number.to_string()));
    family("step_seconds", "summary", "How long they took.", seconds);
    let waiting = queues.iter().map(|(queue, ready, _)| {
        (format!("queue_waiting{{queue=\"{queue}\"}}"), ready.to_string())
    });
    family("queue_waiting", "gauge", "Requests that wait for a worker.", waiting.collect());
    let oldest = queues.iter().map(|(queue, _, since)| {
        let seconds = since.map_or(0, |since| now.since(since).max(0));
        (format!("queue_oldest_seconds{{queue=\"{queue}\"}}"), seconds.to_string())
    });
    family("queue_oldest_seconds", "gauge", "How long the first of them waits.", oldest.collect());
    let up = connectors.iter().map(|(id, kind, up)| {
        let value = if *up { "1" } else { "0" };
        (format!("connector_up{{connector=\"{id}\",kind=\"{kind}\"}}"), value.to_owned())
    });
    family("connector_up", "gauge", "Whether a connector answers, by its number.", up.collect());
    let held = vec![("brake_holds".to_owned(), holds.to_string())];
    family("brake_holds", "gauge", "What waits until somebody lets it go.", held);
    Ok(text)
}
