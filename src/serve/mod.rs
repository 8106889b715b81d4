//! The running program: the edge in front, the application behind it, the workers beside it, and
//! their orderly end.

pub mod metrics;

use crate::auth::password::LINE;
use crate::edge::{self, Incoming, Outgoing};
use crate::error::{Error, Result};
use crate::web::{App, Body, Request, Response};
use crate::{engine, events, jobs, mail};
use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// A spreadsheet of users may be larger than a form.
const UPLOAD_BYTES: usize = 25 << 20;

/// Holds the data directory for one server; given back when the process ends.
pub struct Hold {
    _lock: File,
}

impl Hold {
    pub fn take(data: &std::path::Path) -> Result<Hold> {
        use std::io::{Read, Seek, Write};
        let path = data.join("lock");
        let mut lock =
            File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        if rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut holder = String::new();
            lock.read_to_string(&mut holder)?;
            return Err(Error::refused(format!(
                "Portico already runs here (process {}).",
                holder.trim()
            )));
        }
        lock.set_len(0)?;
        lock.rewind()?;
        write!(lock, "{}", std::process::id())?;
        Ok(Hold { _lock: lock })
    }
}

/// Serves until SIGTERM or SIGINT, then finishes what is in flight. `ready` is told where.
pub fn run(app: &Arc<App>, ready: impl FnOnce(SocketAddr)) -> Result<()> {
    let config = &app.config;
    let listen = edge::bind(config.listen)
        .map_err(|err| Error::refused(format!("Cannot listen on {}: {err}.", config.listen)))?;
    let address = listen.local_addr()?;
    let run_dir = config.data.join("run");
    let mut settings = edge::Settings::new(listen, run_dir.clone());
    settings.trusted = config.trusted_proxies.clone();
    settings.tls = config.tls_cert.clone().zip(config.tls_key.clone());
    settings.body_limit =
        |_, path| if path.ends_with("/users/import") { UPLOAD_BYTES } else { edge::BODY_BYTES };
    // Those who wait for the hasher hold a worker each: the line must not take the others'.
    settings.workers += LINE;
    let numbers = metrics::start(app)?;
    let workers = Workers::start(app)?;
    ready(address);
    let answering = app.clone();
    let answers = edge::answers_dir(&run_dir);
    let served = edge::serve(
        settings,
        move |incoming| answer(&answering, &answers, incoming),
        edge::terminated(),
    );
    workers.stop();
    if let Some(numbers) = numbers {
        numbers.stop();
    }
    served
}

/// The threads that work without being asked.
struct Workers {
    engine: engine::Handle,
    jobs: jobs::Handle,
    mail: mail::Handle,
}

impl Workers {
    fn start(app: &Arc<App>) -> Result<Workers> {
        Ok(Workers {
            engine: engine::start(app.clone(), events::EVENTS)?,
            jobs: jobs::start(app)?,
            mail: mail::start(app.clone()),
        })
    }

    fn stop(self) {
        self.jobs.stop();
        self.engine.stop();
        self.mail.stop();
    }
}

fn answer(app: &App, answers: &std::path::Path, incoming: Incoming) -> Outgoing {
    let request = Request::new(
        &incoming.method,
        &incoming.target,
        incoming.headers,
        incoming.body,
        incoming.peer,
    );
    let Some(mut request) = request else {
        return Outgoing { status: 501, headers: Vec::new(), body: edge::Body::Bytes(Vec::new()) };
    };
    request.secure = incoming.scheme == "https";
    request.id = incoming.request_id;
    outgoing(app.handle(&request), answers)
}

fn outgoing(response: Response, answers: &std::path::Path) -> Outgoing {
    let headers =
        response.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let body = match response.body {
        Body::Bytes(bytes) => edge::Body::Bytes(bytes),
        Body::File(path) => edge::Body::File(moved(path, answers)),
    };
    Outgoing { status: response.status, headers, body }
}

/// The edge sends files of its own directory only.
fn moved(path: PathBuf, answers: &std::path::Path) -> PathBuf {
    let name = path.file_name().map_or_else(|| "answer".into(), std::ffi::OsStr::to_owned);
    let to = answers.join(name);
    // The directory for temporary files may be another file system, to which nothing can be renamed.
    let copied = || std::fs::copy(&path, &to).and_then(|_| std::fs::remove_file(&path));
    if path != to && std::fs::rename(&path, &to).is_err() && copied().is_err() {
        tracing::error!(path = %path.display(), "cannot hand a file to the edge");
    }
    to
}
