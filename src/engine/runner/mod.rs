//! The workers: each takes a step, does it outside any transaction, and writes what came of it.
//! A watcher beside them wakes what waits for the clock, and replaces workers that do not come back.

mod inside;
mod result;
mod store;
mod take;
mod work;

use super::{Event, figures};
use crate::crash;
use crate::db::{By, Via, Work, Write};
use crate::error::{Error, Result};
use crate::ids::StepId;
use crate::secret;
use crate::settings;
use crate::time::Instant as At;
use crate::web::App;
use parking_lot::{Condvar, Mutex};
use result::Ended;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use take::{Taken, Took};

/// The running engine.
pub struct Handle(Arc<Engine>);

/// What all workers share.
struct Engine {
    app: Arc<App>,
    events: &'static [Event],
    /// Names this process in its leases.
    boot: String,
    /// Names this installation in the keys of its steps.
    installation: String,
    crew: Mutex<Crew>,
    left: Condvar,
    served: AtomicI64,
    names: AtomicU64,
}

#[derive(Default)]
struct Crew {
    stopping: bool,
    /// Who works where, at what.
    workers: BTreeMap<u64, (String, Option<StepId>)>,
}

/// A working step is waited for no longer when the program ends.
const PATIENCE: Duration = Duration::from_secs(30);
/// The clock of the machine may be set; the watcher looks again after so long at the latest.
const LOOK: Duration = Duration::from_secs(30);
const AFTER_ERROR: Duration = Duration::from_secs(5);

/// Starts workers for every queue. What another process had leased is taken up again first.
pub fn start(app: Arc<App>, events: &'static [Event]) -> Result<Handle> {
    let engine = Arc::new(Engine {
        boot: secret::hex(&secret::random::<8>()?),
        installation: installation(&app)?,
        served: AtomicI64::new(app.db.now().unix().saturating_mul(1_000_000)),
        app,
        events,
        crew: Mutex::default(),
        left: Condvar::new(),
        names: AtomicU64::new(0),
    });
    engine.app.db.write(By::portico(Via::Engine), |tx| result::recover(tx, &engine))?;
    for (queue, workers) in engine.app.db.read(store::queues)? {
        for _ in 0..workers {
            engine.hire(&queue)?;
        }
    }
    let watched = engine.clone();
    thread::Builder::new().name("engine-watch".into()).spawn(move || watched.watch())?;
    Ok(Handle(engine))
}

impl Handle {
    /// Looks at the clock and for work now.
    pub fn nudge(&self) {
        self.0.app.db.bells.engine.ring();
    }

    /// Starts no step any more, and waits for those in hand.
    pub fn stop(&self) {
        let engine = &self.0;
        let end = Instant::now() + PATIENCE;
        let mut crew = engine.crew.lock();
        crew.stopping = true;
        engine.app.db.bells.engine.ring();
        while !crew.workers.is_empty() && Instant::now() < end {
            engine.left.wait_until(&mut crew, end);
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.crew.lock().stopping = true;
        self.nudge();
    }
}

/// What settles a request is code of every slice: where that panics, it is an error like any other.
fn guarded<T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(f))
        .unwrap_or_else(|_| Err(Error::internal("the program stumbled over it")))
}

/// The name of this installation, made once.
fn installation(app: &App) -> Result<String> {
    app.db.write(By::portico(Via::Engine), |tx| {
        match settings::store::all(tx)?.remove("installation") {
            Some(name) => Ok(name),
            None => {
                let name = secret::hex(&secret::random::<6>()?);
                settings::store::put(tx, "installation", Some(&name))?;
                Ok(name)
            }
        }
    })
}

impl Engine {
    fn hire(self: &Arc<Engine>, queue: &str) -> Result<()> {
        let name = self.names.fetch_add(1, Ordering::Relaxed);
        self.crew.lock().workers.insert(name, (queue.to_owned(), None));
        let (engine, queue) = (self.clone(), queue.to_owned());
        thread::Builder::new().name(format!("engine-{queue}")).spawn(move || {
            engine.toil(name, &queue);
            engine.crew.lock().workers.remove(&name);
            engine.left.notify_all();
        })?;
        Ok(())
    }

    /// Whether this worker is still wanted.
    fn wanted(&self, name: u64) -> bool {
        let crew = self.crew.lock();
        !crew.stopping && crew.workers.contains_key(&name)
    }

    fn toil(self: &Arc<Engine>, name: u64, queue: &str) {
        let mut seen = 0;
        while self.wanted(name) {
            match self.look(queue) {
                Ok(Some(taken)) => self.do_all(name, queue, taken),
                Ok(None) => seen = self.app.db.bells.engine.wait(seen, Duration::from_secs(3600)),
                Err(err) => {
                    tracing::error!(queue, "looking for work: {err}");
                    seen = self.app.db.bells.engine.wait(seen, AFTER_ERROR);
                }
            }
        }
    }

    /// Reads first, so that workers with nothing to do leave the writer alone.
    fn look(&self, queue: &str) -> Result<Option<Taken>> {
        loop {
            if self.app.db.read(|db| store::first_lane(db, queue))?.is_none() {
                return Ok(None);
            }
            crash::at("accepted");
            match self.take(queue)? {
                Took::Step(taken) => return Ok(Some(*taken)),
                Took::Again => {}
                Took::Nothing => return Ok(None),
            }
        }
    }

    /// A request that cannot even be looked at, twice over, ends: it would hold up all behind it.
    fn take(&self, queue: &str) -> Result<Took> {
        let by = By::portico(Via::Engine);
        let mut stumbled = None;
        loop {
            let at = Cell::new(None);
            let took = guarded(|| self.app.db.write(by, |tx| take::take(tx, self, queue, &at)));
            let err = match took {
                Ok(took) => return Ok(took),
                Err(err) => err,
            };
            let Some(id) = at.get() else { return Err(err) };
            tracing::error!(queue, request = %id, "taking a request: {err}");
            if stumbled.replace(id) == Some(id) {
                self.app.db.write(by, |tx| result::give_up_waiting(tx, id))?;
                return Ok(Took::Again);
            }
        }
    }

    /// A step, and what follows at once: of the same request, else of the queue.
    fn do_all(&self, name: u64, queue: &str, first: Taken) {
        let mut next = Some(first);
        while let Some(taken) = next.take() {
            self.note(name, Some(taken.step.id));
            crash::at("taken");
            let began = Instant::now();
            let done =
                catch_unwind(AssertUnwindSafe(|| work::perform(&self.app, self.events, &taken)));
            let (action, took) = (taken.step.action, began.elapsed());
            let ended = match done {
                Ok((outcome, log)) => {
                    figures::attempted(action, &outcome, took);
                    Ended::Answered(outcome, log)
                }
                Err(_) => {
                    figures::count(action, "panicked", took);
                    Ended::Panicked
                }
            };
            self.note(name, None);
            crash::at("answered");
            next = self.keep(queue, &taken, &ended, self.wanted(name));
        }
    }

    /// Writes how it ended, and takes what comes next in the same transaction. When even the end
    /// cannot be written, the lease runs out by itself.
    fn keep(&self, queue: &str, taken: &Taken, ended: &Ended, go_on: bool) -> Option<Taken> {
        let by = By::portico(Via::Engine);
        let db = &self.app.db;
        let write = |tx: &Write| {
            let next = result::write(tx, self, taken, ended, go_on)?;
            crash::at("result");
            match next {
                None if go_on => Ok(self.take_along(queue)),
                next => Ok(next),
            }
        };
        match guarded(|| db.write(by, write)) {
            Ok(next) => {
                crash::at("kept");
                next
            }
            Err(err) => {
                tracing::error!(request = %taken.job.request, "the end of a step: {err}");
                let give_up = |tx: &Write| result::give_up(tx, taken.step.id, &taken.lease);
                if let Err(err) = db.write(by, give_up) {
                    tracing::error!(request = %taken.job.request, "giving up a step: {err}");
                }
                None
            }
        }
    }

    /// A first try at the next step. What goes wrong here is left to the look for work that follows.
    fn take_along(&self, queue: &str) -> Option<Taken> {
        let at = Cell::new(None);
        let by = By::portico(Via::Engine);
        match guarded(|| self.app.db.write(by, |tx| take::take(tx, self, queue, &at))) {
            Ok(Took::Step(taken)) => Some(*taken),
            _ => None,
        }
    }

    fn note(&self, name: u64, step: Option<StepId>) {
        if let Some(worker) = self.crew.lock().workers.get_mut(&name) {
            worker.1 = step;
        }
    }

    /// The next place in the order in which customers are served.
    fn count(&self) -> i64 {
        self.served.fetch_add(1, Ordering::Relaxed)
    }

    fn watch(self: &Arc<Engine>) {
        let (mut seen, mut breaker) = (0, None);
        while !self.crew.lock().stopping {
            let wait = match self.tend(&mut breaker) {
                Ok(wait) => wait,
                Err(err) => {
                    tracing::error!("watching the engine: {err}");
                    AFTER_ERROR
                }
            };
            seen = self.app.db.bells.engine.wait(seen, wait);
        }
    }

    /// Does what the clock asks for, and says when to come back.
    fn tend(self: &Arc<Engine>, breaker: &mut Option<At>) -> Result<Duration> {
        let db = &self.app.db;
        let by = By::portico(Via::Engine);
        let (sleepers, late, overdue) = db.read(|db| {
            Ok((
                store::sleepers_are_due(db)?,
                !store::run_out(db)?.is_empty(),
                !store::overdue(db)?.is_empty(),
            ))
        })?;
        if sleepers {
            db.write(by, |tx| {
                store::wake_sleepers(tx)?;
                tx.wake(Work::Requests);
                Ok(())
            })?;
        }
        if late {
            self.replace(&db.write(by, |tx| result::expire(tx, self))?)?;
        }
        if overdue && db.write(by, |tx| result::give_up_overdue(tx, self))? > 0 {
            return Ok(Duration::ZERO);
        }
        self.staff()?;
        let (now, due, last) =
            db.read(|db| Ok((db.now, store::next_due(db)?, store::last_breaker(db)?)))?;
        if last != *breaker {
            *breaker = last;
            self.app.db.bells.engine.ring();
        }
        let seconds = due.map_or(LOOK.as_secs(), |due| u64::try_from(due.since(now)).unwrap_or(1));
        Ok(Duration::from_secs(seconds.max(1)).min(LOOK))
    }

    /// Hires and lets go until each queue has the workers it is to have; who is at work stays.
    fn staff(self: &Arc<Engine>) -> Result<()> {
        for (queue, wanted) in self.app.db.read(store::queues)? {
            let wanted = usize::try_from(wanted).unwrap_or(1);
            let mut crew = self.crew.lock();
            if crew.stopping {
                return Ok(());
            }
            let own = crew.workers.iter().filter(|(_, (own, _))| *own == queue);
            let all: Vec<(u64, bool)> =
                own.map(|(name, (_, step))| (*name, step.is_none())).collect();
            let spare = all.len().saturating_sub(wanted);
            let idle: Vec<u64> =
                all.iter().filter(|(_, idle)| *idle).map(|(name, _)| *name).take(spare).collect();
            for name in &idle {
                crew.workers.remove(name);
            }
            drop(crew);
            for _ in all.len()..wanted {
                self.hire(&queue)?;
            }
            if !idle.is_empty() {
                self.app.db.bells.engine.ring();
            }
        }
        Ok(())
    }

    /// Workers whose step was given up are left to themselves; others take their places.
    fn replace(self: &Arc<Engine>, given_up: &[StepId]) -> Result<()> {
        let mut queues = Vec::new();
        self.crew.lock().workers.retain(|_, (queue, step)| {
            let stuck = step.is_some_and(|step| given_up.contains(&step));
            if stuck {
                queues.push(queue.clone());
            }
            !stuck
        });
        queues.iter().try_for_each(|queue| self.hire(queue))
    }
}
