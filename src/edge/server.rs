//! The life of the server: raise the limits, start the workers, accept until told to stop or until
//! nothing can be answered any more, then let what is in flight finish.

use super::admission::Admission;
use super::backend::Backend;
use super::clock::{Clock, Phase};
use super::connection::{self, Shared};
use super::forwarded::{Scheme, is_trusted};
use super::relay::Relay;
use super::tls::Tls;
use super::workers::{self, Spool};
use super::{Incoming, Outgoing, Settings, answers_dir};
use crate::error::{Error, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::{DirBuilder, Permissions};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// As many files as the system lets us have open are enough for this many.
const MOST_DESCRIPTORS: u64 = 65_536;

/// A socket's path must fit into 108 bytes.
const LONGEST_SOCKET_PATH: usize = 107;

struct House {
    shared: Arc<Shared>,
    admission: Arc<Admission>,
    tls: Option<Arc<Tls>>,
    draining: watch::Receiver<()>,
}

pub async fn run<H>(mut settings: Settings, handler: H, stop: impl Future) -> Result<()>
where
    H: Fn(Incoming) -> Outgoing + Send + Sync + 'static,
{
    let descriptors = raise_descriptor_limit();
    settings.limits.connections = settings.limits.connections.min(descriptors);
    let tls = match settings.tls.take() {
        Some((certificate, key)) => Some(Arc::new(Tls::open(certificate, key)?)),
        None => None,
    };
    let socket = make_run_dir(&settings.run_dir)?;
    let limits = Arc::new(settings.limits);
    let files = answers_dir(&settings.run_dir);
    let spool = Spool::new(files.clone(), limits.answer_bytes);
    let (workers, mut gone) = workers::start(&socket, settings.workers, spool, handler)?;
    let backend = Backend::new(socket.clone());
    backend.warm(settings.workers).await.map_err(Error::Internal)?;
    let relay = Relay::new(limits.clone(), backend, files, settings.body_limit, settings.workers);
    let admission = Admission::new(&limits, settings.counters.clone());
    let (drain, draining) = watch::channel(());
    let shared = Shared {
        relay: relay.clone(),
        counters: settings.counters.clone(),
        trusted: settings.trusted,
    };
    if let Some(tls) = &tls {
        let every = limits.certificate_look;
        tokio::spawn(tls.clone().watch(every, settings.counters.clone()));
    }
    let house = House { shared: Arc::new(shared), admission: admission.clone(), tls, draining };
    settings.listen.set_nonblocking(true)?;
    let listener = TcpListener::from_std(settings.listen)?;
    let mut stop = pin!(stop);
    let ended = loop {
        tokio::select! {
            _ = &mut stop => break Ok(()),
            _ = gone.recv() => break Err(Error::internal("the last worker has ended")),
            () = relay.backend().lost() => {
                break Err(Error::internal("the workers cannot be reached"));
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => house.welcome(stream, peer.ip()).await,
                // Most likely there is no descriptor left; others will be given back.
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
    };
    drop((listener, drain));
    if ended.is_ok() && timeout(limits.drain, admission.empty()).await.is_err() {
        tracing::warn!("some requests were not finished in time");
    }
    workers.stop();
    drop((workers, relay, house));
    let _ = timeout(Duration::from_secs(1), gone.recv()).await;
    let _ = std::fs::remove_file(&socket);
    ended
}

impl House {
    async fn welcome(&self, stream: TcpStream, peer: IpAddr) {
        let peer = peer.to_canonical();
        let limits = self.shared.relay.limits.clone();
        let clock = Arc::new(Clock::new(Phase::Idle, limits.idle));
        let counted = (!is_trusted(peer, &self.shared.trusted)).then_some(peer);
        let Some(place) = self.admission.admit(counted, &clock).await else { return };
        // Otherwise the second of two small writes waits for the client to acknowledge the first.
        let _ = stream.set_nodelay(true);
        let (shared, draining) = (self.shared.clone(), self.draining.clone());
        let Some(tls) = self.tls.as_ref().map(|tls| tls.acceptor()) else {
            let plain = Scheme::Http;
            tokio::spawn(connection::serve(shared, stream, peer, plain, clock, draining, place));
            return;
        };
        tokio::spawn(async move {
            clock.set(Phase::Head, limits.head);
            let Ok(Ok(stream)) = timeout(limits.head, tls.accept(stream)).await else { return };
            let secure = Scheme::Https;
            connection::serve(shared, stream, peer, secure, clock, draining, place).await;
        });
    }
}

/// How many connections there is room for, some descriptors kept for the store and the workers.
fn raise_descriptor_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(MOST_DESCRIPTORS).min(MOST_DESCRIPTORS);
    let mut current = limit.current.unwrap_or(MOST_DESCRIPTORS);
    let raised = Rlimit { current: Some(most), maximum: limit.maximum };
    if current < most && setrlimit(Resource::Nofile, raised).is_ok() {
        current = most;
    }
    usize::try_from(current - (current / 2).min(512)).unwrap_or(usize::MAX)
}

/// Makes the private directories, empties what a crash has left, and names the socket.
fn make_run_dir(dir: &Path) -> Result<PathBuf> {
    let socket = dir.join("edge.sock");
    if socket.as_os_str().len() > LONGEST_SOCKET_PATH {
        return Err(Error::refused(format!("{} is too long for a socket.", socket.display())));
    }
    for dir in [dir, &answers_dir(dir)] {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        std::fs::set_permissions(dir, Permissions::from_mode(0o700))?;
    }
    for left in std::fs::read_dir(answers_dir(dir))? {
        std::fs::remove_file(left?.path())?;
    }
    match std::fs::remove_file(&socket) {
        Err(err) if err.kind() != std::io::ErrorKind::NotFound => Err(err.into()),
        _ => Ok(socket),
    }
}
