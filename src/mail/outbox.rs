//! The thread that sends what waits. A mail is leased before it is tried: a crash leaves it to be
//! tried again under the same Message-ID.

use super::compose::{Outgoing, compose};
use super::smtp::{self, Server, Trouble};
use super::store::{self, Due};
use super::{layout, secret_name};
use crate::db::{By, Via};
use crate::error::{Error, Result};
use crate::settings::Settings;
use crate::time::Instant;
use crate::web::App;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a try may take before another may begin.
const LEASE: i64 = 300;
/// Seconds to wait after each failed try; after the last one the mail has failed.
const RETRIES: [i64; 7] = [60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600];
/// How often the outbox looks by itself: for retries that came due.
const LOOK: Duration = Duration::from_secs(5);

/// The outbox at work.
pub struct Handle {
    app: Arc<App>,
    stopping: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl Handle {
    /// Finishes the mail that is under way and ends.
    pub fn stop(self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.app.db.bells.mail.ring();
        self.thread.join().ok();
    }
}

pub fn start(app: Arc<App>) -> Handle {
    let stopping = Arc::new(AtomicBool::new(false));
    let (own, stop) = (app.clone(), stopping.clone());
    let thread = std::thread::spawn(move || {
        let mut seen = 0;
        while !stop.load(Ordering::Relaxed) {
            // What panics in one mail holds up no other: its lease runs out, and it is tried again.
            let tried = catch_unwind(AssertUnwindSafe(|| send_next(&own)));
            match tried.unwrap_or_else(|_| Err(Error::internal("the program stumbled over it"))) {
                Ok(Some(pause)) => rest(pause, &stop),
                Ok(None) => seen = own.db.bells.mail.wait(seen, LOOK),
                Err(err) => {
                    tracing::error!("the outbox: {err}");
                    seen = own.db.bells.mail.wait(seen, LOOK);
                }
            }
        }
    });
    Handle { app, stopping, thread }
}

/// Sends everything that is due now; says how many mails were tried.
pub fn send_due(app: &App) -> Result<usize> {
    let mut tried = 0;
    while send_next(app)?.is_some() {
        tried += 1;
    }
    Ok(tried)
}

fn rest(pause: Duration, stop: &AtomicBool) {
    let end = std::time::Instant::now() + pause;
    while std::time::Instant::now() < end && !stop.load(Ordering::Relaxed) {
        std::thread::sleep(pause.min(Duration::from_millis(50)));
    }
}

/// Tries the mail that is next; returns how long to rest after it, none when nothing is due.
fn send_next(app: &App) -> Result<Option<Duration>> {
    if !app.db.read(store::anything_waits)? {
        return Ok(None);
    }
    let settings = app.settings()?;
    let server = Server::of(&settings, &app.config)?;
    let Some(server) = server else {
        hold(app, true, "No mail server is set.")?;
        return Ok(None);
    };
    let no_address = settings.base_url.is_empty();
    if no_address {
        hold(app, false, "The address of this installation is not set, and the mail has a link.")?;
    }
    let by = By::portico(Via::Job);
    let leased = app.db.write(by, |tx| {
        store::release(tx, no_address)?;
        store::expire(tx)?;
        store::lease(tx, tx.now.plus_seconds(LEASE))
    })?;
    let Some(due) = leased else { return Ok(None) };
    let outcome = try_it(app, &settings, &server, &due);
    app.db.write(by, |tx| match &outcome {
        Ok(answer) => store::sent(tx, due.id, answer),
        Err(Trouble::Never(why)) => store::failed(tx, due.id, why),
        Err(Trouble::Later(why)) => match next_try(&due, tx.now) {
            Some(at) => store::later(tx, due.id, at, why),
            None => store::failed(tx, due.id, why),
        },
    })?;
    let pace = u64::try_from(settings.number("mail_per_minute")).unwrap_or(60).max(1);
    Ok(Some(Duration::from_millis(60_000 / pace)))
}

/// When to try again after try number `attempts`; never when it would be useless by then.
fn next_try(due: &Due, now: Instant) -> Option<Instant> {
    let wait = usize::try_from(due.attempts - 1).ok().and_then(|n| RETRIES.get(n))?;
    let at = now.plus_seconds(*wait);
    due.expires_at.is_none_or(|end| at < end).then_some(at)
}

fn try_it(app: &App, settings: &Settings, server: &Server, due: &Due) -> Result<String, Trouble> {
    let ours = |err: Error| match err {
        Error::Internal(cause) => Trouble::Later(format!("{cause}")),
        other => Trouble::Never(other.to_string()),
    };
    let address = match &due.secret {
        Some(sealed) => {
            let path = app.config.key.open(&secret_name(&due.message_id), sealed).map_err(ours)?;
            Some(format!("{}{}", settings.base_url, path.reveal()))
        }
        None => None,
    };
    let mail = Outgoing {
        to: &due.to,
        name: &due.name,
        subject: &due.subject,
        text: &layout::with_link(&due.text, address.as_deref()),
        html: &layout::with_link(&due.html, address.as_deref()),
        message_id: &due.message_id,
        class: due.class,
        installation: &app.config.key.fingerprint(),
    };
    let (envelope, bytes) = compose(server, &mail).map_err(ours)?;
    smtp::deliver(server, &envelope, &bytes, &mut Vec::new())
}

fn hold(app: &App, all: bool, why: &str) -> Result<()> {
    if app.db.read(|db| store::anything_to_hold(db, all))? {
        app.db.write(By::portico(Via::Job), |tx| store::hold(tx, all, why))?;
    }
    Ok(())
}
