//! Work that takes longer than a request: by the clock, or over many things that a person chose.
//!
//! A run acts with the rights its starter has while it works, in batches, and resumes after a stop.

pub mod api;
pub mod pages;
pub mod results;
mod clock;
mod runner;
mod store;

pub use runner::{Handle, follow, run_now, start, work_off};

use crate::auth::permissions::AccountRead;
use crate::auth::{self, Actor, Door, Own};
use crate::db::{Db, Read, Via, Work, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, JobId, RunId, UserId};
use crate::time::Instant;
use crate::web::App;
use serde_json::Value;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

words! {
    State {
        Queued = "queued", Running = "running", Done = "done", Failed = "failed", Cancelled = "cancelled",
        Skipped = "skipped",
        // By the brake, until somebody lets it go.
        Held = "held",
    }
}

words! {
    Level { Info = "info", Warn = "warn", Error = "error" }
}

/// A kind of run: what `schedule.rs` lists.
pub struct Kind {
    pub name: &'static str,
    /// In words, for pages.
    pub title: &'static str,
    /// Whether a run that was stopped half-way goes on where it was.
    pub resumes: bool,
    pub run: fn(&RunCx) -> Result<()>,
}

/// A run by the clock: five cron fields in the provider's zone.
pub struct Recurring {
    pub kind: &'static str,
    pub label: &'static str,
    pub schedule: &'static str,
}

/// One execution.
pub struct Run {
    pub id: RunId,
    pub job: Option<JobId>,
    pub kind: String,
    pub customer: CustomerId,
    pub user: Option<UserId>,
    /// In whose name, where that is somebody else's.
    pub acting_for: Option<UserId>,
    pub state: State,
    pub input: Value,
    pub done: i64,
    pub total: Option<i64>,
    /// Named integers.
    pub numbers: Value,
    pub error: String,
    pub due_at: Instant,
    pub started_at: Option<Instant>,
    pub ended_at: Option<Instant>,
}

/// What a run did to one thing.
pub struct Line {
    pub seq: i64,
    pub at: Instant,
    pub level: Level,
    /// `created`, `updated`, `unchanged`, `refused`, `skipped`, `given` …
    pub result: String,
    pub text: String,
    pub subject: Option<(String, i64)>,
}

/// A job as its list shows it.
pub struct Job {
    pub id: JobId,
    pub kind: String,
    pub label: String,
    pub schedule: String,
    pub enabled: bool,
    pub next_run_at: Option<Instant>,
    pub last: Option<(State, Instant)>,
}

/// What a run is given.
pub struct RunCx<'a> {
    pub app: &'a App,
    pub db: &'a Db,
    pub run: Run,
    /// The program is ending.
    stopping: &'a AtomicBool,
    /// The run saw that, and leaves the rest to the next start.
    put_off: Cell<bool>,
    /// The brake has it, and may have let it go by now: how it stands is not said here any more.
    held: Cell<bool>,
}

/// What a run does between two batches.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Go,
    /// Somebody asked it to end.
    Cancelled,
    /// The program ends; the run goes on where it is after the next start.
    PutOff,
}

/// Queues work over `total` things, in the transaction that decides it.
pub fn queue_run(
    tx: &Write,
    kind: &str,
    customer: CustomerId,
    input: &Value,
    total: Option<i64>,
) -> Result<RunId> {
    queue_run_at(tx, kind, customer, input, total, tx.now)
}

/// The same, to begin at `due`.
pub fn queue_run_at(
    tx: &Write,
    kind: &str,
    customer: CustomerId,
    input: &Value,
    total: Option<i64>,
    due: Instant,
) -> Result<RunId> {
    let id = store::insert(tx, kind, customer, input, total, due)?;
    tx.wake(Work::Runs);
    Ok(id)
}

/// A run of one's own.
pub fn own(db: &Read, own: &Own<AccountRead>, id: RunId) -> Result<Run> {
    store::seen(db, own.user, false, id)
}

/// The numbers of the things that a run refused.
pub fn refused(db: &Read, id: RunId) -> Result<Vec<i64>> {
    store::subjects_with(db, id, "refused")
}

/// Asks a run to stop between two units of its work.
pub fn cancel(tx: &Write, id: RunId) -> Result<()> {
    if !store::ask_to_cancel(tx, id, &runner::resuming())? {
        return Err(Error::refused("It has ended already."));
    }
    tx.wake(Work::Runs);
    Ok(())
}

/// Leaves a run to the brake; its function returns without having changed anything.
pub fn hold(tx: &Write, id: RunId) -> Result<()> {
    store::hold(tx, id)
}

/// Lets a held run begin.
pub fn let_go(tx: &Write, id: RunId) -> Result<()> {
    store::let_go(tx, id)?;
    tx.wake(Work::Runs);
    Ok(())
}

impl RunCx<'_> {
    /// Whoever started it, with the rights of this moment, and no more than both where it was started
    /// in another's name; `Forbidden` where they may not any more.
    pub fn actor(&self) -> Result<Actor> {
        let user =
            self.run.user.ok_or_else(|| Error::internal("a run of nobody asks for rights"))?;
        let actor = self.db.read(|db| match self.run.acting_for {
            None => auth::actor(db, user, Door::Job, Via::Job),
            Some(other) => auth::actor_for(db, user, other, Door::Job, Via::Job),
        });
        actor.map_err(|err| match err {
            Error::LoginRequired => {
                Error::Forbidden("Whoever started this may not enter any more.".into())
            }
            other => other,
        })
    }

    /// Whether somebody asked it to stop; looked at between units.
    pub fn cancelled(&self) -> Result<bool> {
        self.db.read(|db| store::is_cancelled(db, self.run.id))
    }

    /// Whether to take the next batch in hand; only for kinds that resume.
    pub fn next(&self) -> Result<Next> {
        if self.stopping.load(Ordering::Acquire) {
            self.put_off.set(true);
            return Ok(Next::PutOff);
        }
        Ok(if self.cancelled()? { Next::Cancelled } else { Next::Go })
    }

    /// Leaves the run to the brake, which has taken it out of the hands of this thread.
    pub fn left_to_the_brake(&self) {
        self.held.set(true);
    }

    /// Says how far it is, and keeps what happened to one thing. Part of the transaction `tx`, so
    /// that a resumed run neither repeats nor leaves out anything.
    pub fn unit(
        &self,
        tx: &Write,
        done: i64,
        level: Level,
        result: &str,
        text: &str,
        subject: Option<(&str, i64)>,
    ) -> Result<()> {
        self.line(tx, done, level, result, text, subject)?;
        self.progress(tx, done)
    }

    /// The line alone, where many of them share a transaction and say how far it is at its end.
    pub fn line(
        &self,
        tx: &Write,
        number: i64,
        level: Level,
        result: &str,
        text: &str,
        subject: Option<(&str, i64)>,
    ) -> Result<()> {
        store::add_line(tx, self.run.id, number, level, result, text, subject)
    }

    /// Says how far it is.
    pub fn progress(&self, tx: &Write, done: i64) -> Result<()> {
        store::progress(tx, self.run.id, done)
    }

    /// The number of things dealt with so far: where to go on.
    pub fn done(&self) -> Result<i64> {
        self.db.read(|db| store::one(db, self.run.id).map(|run| run.done))
    }

    /// What became of how many things so far, also before a stop.
    pub fn tally(&self) -> Result<Vec<(String, i64)>> {
        self.db.read(|db| store::tally(db, self.run.id))
    }

    /// The numbers of the things dealt with that have a subject, and its id.
    pub fn subjects(&self) -> Result<Vec<(i64, i64)>> {
        self.db.read(|db| store::subjects(db, self.run.id))
    }

    /// Keeps named integers beside the run.
    pub fn numbers(&self, tx: &Write, numbers: &Value) -> Result<()> {
        store::set_numbers(tx, self.run.id, numbers)
    }

    pub fn total(&self, tx: &Write, total: i64) -> Result<()> {
        store::set_total(tx, self.run.id, total)
    }
}
