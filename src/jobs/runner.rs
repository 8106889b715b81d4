//! The threads that do the runs, and the one that looks at the clock.

use super::{Kind, Run, RunCx, State, store};
use crate::auth::PROVIDER;
use crate::db::{By, Via};
use crate::error::{Error, Result};
use crate::ids::RunId;
use crate::schedule::{KINDS, RECURRING};
use crate::web::App;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Runs at the same time.
const WORKERS: usize = 2;
/// The clock is looked at this often at least, because it may be moved.
const LOOK: Duration = Duration::from_secs(20);

/// The running threads. Dropping it does not stop them; [`Handle::stop`] does.
pub struct Handle {
    stop: Arc<AtomicBool>,
    app: Arc<App>,
    threads: Vec<JoinHandle<()>>,
}

/// Starts them, after putting right what an earlier process left.
pub fn start(app: &Arc<App>) -> Result<Handle> {
    app.db.write(By::portico(Via::Job), |tx| store::recover(tx, &resuming()))?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut threads = Vec::new();
    for number in 0..=WORKERS {
        let (app, stop) = (app.clone(), stop.clone());
        let named = std::thread::Builder::new().name(format!("runs-{number}"));
        threads.push(
            named.spawn(
                move || if number == 0 { keep_time(&app, &stop) } else { work(&app, &stop) },
            )?,
        );
    }
    Ok(Handle { stop, app: app.clone(), threads })
}

/// The kinds that go on where they were stopped.
pub fn resuming() -> Vec<&'static str> {
    KINDS.iter().filter(|kind| kind.resumes).map(|kind| kind.name).collect()
}

impl Handle {
    /// Lets each finish the batch in hand; what resumes goes on after the next start.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Release);
        self.app.db.bells.runs.ring();
        for thread in self.threads {
            let _ = thread.join();
        }
    }
}

fn keep_time(app: &App, stop: &AtomicBool) {
    let mut seen = 0;
    while !stop.load(Ordering::Acquire) {
        let looked = app.settings().and_then(|settings| {
            if !settings.set_up {
                return Ok(());
            }
            app.db.write(By::portico(Via::Job), |tx| {
                store::ship(tx, RECURRING, &settings.zone)?;
                store::make_due(tx, &settings.zone)
            })
        });
        if let Err(err) = looked {
            tracing::error!("the clock of the jobs: {err}");
        }
        seen = app.db.bells.runs.wait(seen, LOOK);
    }
}

fn work(app: &App, stop: &AtomicBool) {
    let mut seen = 0;
    while !stop.load(Ordering::Acquire) {
        match app.db.write(By::portico(Via::Job), store::take) {
            Ok(Some(run)) => execute(app, run, stop),
            Ok(None) => seen = app.db.bells.runs.wait(seen, Duration::from_secs(2)),
            Err(err) => {
                tracing::error!("taking a run: {err}");
                std::thread::sleep(Duration::from_secs(1));
            }
        }
    }
}

/// Does one run to its end and says how it ended.
fn execute(app: &App, run: Run, stopping: &AtomicBool) {
    let id = run.id;
    let kind: Option<&Kind> = KINDS.iter().find(|kind| kind.name == run.kind);
    let (put_off, held) = (Cell::new(false), Cell::new(false));
    let cx = RunCx { app, db: &app.db, run, stopping, put_off, held };
    let out = match kind {
        Some(kind) => catch_unwind(AssertUnwindSafe(|| (kind.run)(&cx)))
            .unwrap_or_else(|_| Err(Error::internal("the program stumbled over it"))),
        None => Err(Error::refused("This program does not know such a run.")),
    };
    if let Err(Error::Internal(cause)) = &out {
        tracing::error!(run = id.0, "{cause}");
    }
    let ended = app.db.write(By::portico(Via::Job), |tx| {
        let (state, error) = match &out {
            Ok(()) if cx.held.get() => return Ok(()),
            Ok(()) if cx.put_off.get() => return store::put_off(tx, id),
            Ok(()) if store::is_cancelled(tx, id)? => (State::Cancelled, String::new()),
            Ok(()) => (State::Done, String::new()),
            Err(Error::Internal(_)) => {
                (State::Failed, "Something of ours went wrong; the log names it.".to_owned())
            }
            Err(refusal) => (State::Failed, refusal.to_string()),
        };
        store::end(tx, id, state, &error)
    });
    if let Err(err) = ended {
        tracing::error!(run = id.0, "its end could not be kept: {err}");
    }
}

/// Runs the job of that label now, in this thread: for the shell, when no server holds the store.
pub fn run_now(app: &App, label: &str) -> Result<Run> {
    let id = queue_by_label(app, label)?;
    while let Some(run) = app.db.write(By::portico(Via::Shell), store::take)? {
        let this = run.id == id;
        execute(app, run, &AtomicBool::new(false));
        if this {
            break;
        }
    }
    app.db.read(|db| store::one(db, id))
}

/// Queues the job of that label for the server beside us, and waits for its end.
pub fn follow(app: &App, label: &str) -> Result<Run> {
    let id = queue_by_label(app, label)?;
    loop {
        let run = app.db.read(|db| store::one(db, id))?;
        if !matches!(run.state, State::Queued | State::Running) {
            return Ok(run);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Does every run that is due now, in this thread, where no other does runs.
pub fn work_off(app: &App) -> Result<()> {
    while let Some(run) = app.db.write(By::portico(Via::Job), store::take)? {
        execute(app, run, &AtomicBool::new(false));
    }
    Ok(())
}

fn queue_by_label(app: &App, label: &str) -> Result<RunId> {
    let zone = app.settings()?.zone.clone();
    app.db.write(By::portico(Via::Shell), |tx| {
        store::ship(tx, RECURRING, &zone)?;
        let jobs = store::jobs(tx)?;
        let job = jobs.iter().find(|job| job.label.eq_ignore_ascii_case(label));
        let job = job.ok_or_else(|| {
            let labels: Vec<&str> = jobs.iter().map(|job| job.label.as_str()).collect();
            Error::refused(format!("There is no job {label}. There are: {}.", labels.join(", ")))
        })?;
        crate::audit::record(
            tx,
            "job.run",
            ("job", job.id.0),
            PROVIDER,
            &serde_json::json!({ "label": job.label }),
        )?;
        store::insert_of_job(tx, job.id)
    })
}
