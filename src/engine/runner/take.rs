//! Taking a step: who is next, whether it may run now, and the lease. All of it is one transaction.

use super::Engine;
use super::inside::{self, Begun};
use super::result::{self, fail_step};
use super::store::{self, Candidate, Step};
use crate::connectors::State;
use crate::connectors::call::{self, Line};
use crate::db::Write;
use crate::engine::{DEADLINE, End, Job, Status, finish, store as requests};
use crate::error::Result;
use crate::events;
use crate::ids::RequestId;
use crate::secret;
use std::cell::Cell;

/// A step that one worker has.
pub struct Taken {
    pub step: Step,
    pub job: Job,
    pub lease: String,
    /// The step's, the same in all attempts.
    pub key: String,
    pub attempt: i64,
    pub line: Option<Line>,
}

/// What a look for work led to.
pub enum Took {
    Step(Box<Taken>),
    /// Something was written, and there may be more.
    Again,
    Nothing,
}

/// Of what cannot run, one transaction puts aside so many at most.
const ASIDE: usize = 100;
/// A lease ends so many seconds after the call's own limit.
const GRACE: i64 = 30;
/// Work without a call takes no longer.
const INSIDE: i64 = 30;

/// `at` is told which request is looked at, for when that goes wrong.
pub fn take(
    tx: &Write,
    engine: &Engine,
    queue: &str,
    at: &Cell<Option<RequestId>>,
) -> Result<Took> {
    store::wake_sleepers(tx)?;
    for _ in 0..ASIDE {
        let Some(lane) = store::first_lane(tx, queue)? else { return Ok(Took::Nothing) };
        let id = store::first_of_lane(tx, queue, &lane)?;
        at.set(Some(id));
        let it = store::candidate(tx, id)?;
        if let Some(taken) = consider(tx, engine, &it)? {
            store::served(tx, it.customer, engine.count())?;
            return Ok(Took::Step(Box::new(taken)));
        }
    }
    Ok(Took::Again)
}

/// Leases the next step of a request, or puts the request where it belongs.
fn consider(tx: &Write, engine: &Engine, it: &Candidate) -> Result<Option<Taken>> {
    let event = events::of(engine.events, &it.event)?;
    if it.cancel_asked {
        finish(tx, event, it.id, End::Cancelled, &it.reason)?;
        return Ok(None);
    }
    if let Some(until) = it.frozen_until {
        store::freeze(tx, it.id, until, until.plus_seconds(DEADLINE))?;
        return Ok(None);
    }
    if it.deadline_at <= tx.now {
        finish(tx, event, it.id, End::Failed, result::TOO_LATE)?;
        return Ok(None);
    }
    if it.status == Status::Queued {
        match waits_for(it) {
            Some(Wait::Open(id)) => return block(tx, it, id),
            Some(Wait::Never(reason)) => {
                finish(tx, event, it.id, End::Failed, &reason)?;
                return Ok(None);
            }
            None => {}
        }
        if let Some(other) = store::in_the_way(tx, it)? {
            return block(tx, it, other);
        }
        let below = requests::children(tx, it.id)?;
        if let Some(part) = below.open {
            return block(tx, it, part);
        }
        if below.failed > 0 {
            let (failed, all) = (below.failed, below.all);
            let text = match event.undone {
                true => format!("{failed} of {all} failed: everything is put back as it was."),
                false => format!("{failed} of {all} failed."),
            };
            finish(tx, event, it.id, End::Failed, &text)?;
            return Ok(None);
        }
    }
    lease(tx, engine, it.id)
}

enum Wait {
    Open(RequestId),
    Never(String),
}

fn waits_for(it: &Candidate) -> Option<Wait> {
    let (id, title, status) = it.after.as_ref()?;
    match status {
        Status::Done => None,
        Status::Failed => {
            Some(Wait::Never(format!("This needs “{title}”, which failed (request {id}).")))
        }
        Status::Cancelled => {
            Some(Wait::Never(format!("This needs “{title}”, which was cancelled (request {id}).")))
        }
        Status::Queued | Status::Running | Status::WaitingApproval => Some(Wait::Open(*id)),
    }
}

fn block(tx: &Write, it: &Candidate, by: RequestId) -> Result<Option<Taken>> {
    store::block(tx, it.id, by)?;
    Ok(None)
}

/// Leases the step that comes next; ends the request where none does.
pub fn lease(tx: &Write, engine: &Engine, request: RequestId) -> Result<Option<Taken>> {
    loop {
        let job = requests::job(tx, request)?;
        let Some(mut step) = store::next_step(tx, request)? else {
            finish(tx, events::of(engine.events, &job.event)?, request, End::Done, "")?;
            return Ok(None);
        };
        match inside::begin(tx, engine, &mut step, &job)? {
            Begun::Outside => {}
            Begun::Over => continue,
            Begun::Parked => return Ok(None),
            Begun::Failed(text) => {
                if fail_step(tx, engine, &step, &job, "permanent", &text)? {
                    continue;
                }
                return Ok(None);
            }
        }
        let mut line = step.connector.map(|id| call::line(tx, id)).transpose()?;
        if let (Some(line), Some(limit)) = (&mut line, step.time_limit) {
            line.time_limit = limit;
        }
        if let (Some(line), Some(path)) = (&mut line, step.params.get("path")) {
            line.go_to(path.as_str().unwrap_or_default())?;
        }
        let missing = match (&line, step.action) {
            (Some(line), _) if line.state == State::Gone => {
                Some(format!("The connector {} is gone.", line.name))
            }
            (None, action) if action.is_outside() => Some("The step has no connector.".to_owned()),
            _ => None,
        };
        if let Some(text) = missing {
            if fail_step(tx, engine, &step, &job, "permanent", &text)? {
                continue;
            }
            return Ok(None);
        }
        let seconds = line.as_ref().map_or(INSIDE, Line::whole);
        let until = tx.now.plus_seconds(seconds.saturating_add(GRACE));
        if let Some(line) = line.as_ref().filter(|line| line.calls_per_minute.is_some()) {
            store::count_call(tx, line.id)?;
        }
        let token = secret::hex(&secret::random::<16>()?);
        let attempt = store::lease(tx, &step, &token, &engine.boot, until)?;
        step.attempts = attempt;
        let key = format!("portico-{}-{}", engine.installation, step.id);
        return Ok(Some(Taken { step, job, lease: token, key, attempt, line }));
    }
}
