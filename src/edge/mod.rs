//! The network layer. hyper owns the public port: it checks, bounds and buffers each request and
//! relays a rebuilt one over private connections to tiny_http, whose workers run the handler.
//! tiny_http never sees a client, because it cannot face one: no limits, no deadlines, and ways to
//! kill it for good. So no worker ever waits for a client, and nothing ambiguous reaches one.

mod admission;
mod answer;
mod backend;
mod clock;
mod compress;
mod connection;
mod forwarded;
mod gate;
mod head;
mod refusal;
mod relay;
mod server;
mod tls;
mod workers;
pub mod counters;

use crate::error::Result;
use counters::Counters;
use ipnet::IpNet;
use socket2::{Domain, Protocol, Socket, Type};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// What a body may hold unless the route asks for more.
pub const BODY_BYTES: usize = 10 << 20;

/// A request as a handler gets it: whole, bounded, and said by us where a client could lie.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// GET also for HEAD.
    pub method: String,
    /// Path and query, as they were sent.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The client, also behind trusted proxies.
    pub peer: IpAddr,
    /// `http` or `https`.
    pub scheme: String,
    /// Under which this request is logged; every answer carries it.
    pub request_id: String,
}

impl Incoming {
    /// The first header of this name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(n, _)| n == name);
        header.map(|(_, value)| value.as_str())
    }
}

/// The answer of a handler. Text is compressed on the way, unless it has a `Content-Encoding` or an
/// `ETag` already, or `X-No-Compress` is among the headers, which a page needs that shows a secret
/// next to what a stranger chose.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Body,
}

#[derive(Clone, Debug)]
pub enum Body {
    Bytes(Vec<u8>),
    /// A file directly in [`answers_dir`], deleted once it is sent.
    File(PathBuf),
}

pub struct Settings {
    /// Made by [`bind`].
    pub listen: TcpListener,
    /// Certificate chain and key, PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Proxies that are believed, and that must refuse a bare LF themselves.
    pub trusted: Vec<IpNet>,
    /// Ours alone, mode 0700; its path must be short, for it holds a socket.
    pub run_dir: PathBuf,
    pub limits: Limits,
    pub workers: usize,
    /// The most bytes a body may have, by method and path.
    pub body_limit: fn(&str, &str) -> usize,
    pub counters: Arc<Counters>,
}

impl Settings {
    /// Plain HTTP, no proxies, everything else as it should be.
    pub fn new(listen: TcpListener, run_dir: PathBuf) -> Settings {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Settings {
            listen,
            tls: None,
            trusted: Vec::new(),
            run_dir,
            limits: Limits::default(),
            workers: (2 * cores).max(4),
            body_limit: |_, _| BODY_BYTES,
            counters: Arc::default(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Limits {
    pub connections: usize,
    /// An IPv6 /64 counts as one address.
    pub per_address: usize,
    pub headers: usize,
    pub head_bytes: usize,
    pub target_bytes: usize,
    /// Larger answers go through a file.
    pub answer_bytes: usize,
    /// All request bodies together; large answers in memory may take as much again.
    pub buffered_bytes: usize,
    /// How many requests may wait for a worker.
    pub line: usize,
    pub idle: Duration,
    pub head: Duration,
    pub body: Duration,
    /// How long a worker may take, and how long a request may wait for one.
    pub backend: Duration,
    /// How fast a client must take an answer.
    pub bytes_a_second: u64,
    /// How long a refused client may still send before it is cut off.
    pub linger: Duration,
    /// How long requests in flight may go on once we were told to stop.
    pub drain: Duration,
    /// How often the certificate files are looked at.
    pub certificate_look: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 4096,
            per_address: 256,
            headers: 64,
            head_bytes: 16 << 10,
            target_bytes: 4 << 10,
            answer_bytes: 1 << 20,
            buffered_bytes: 64 << 20,
            line: 512,
            idle: Duration::from_secs(30),
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            backend: Duration::from_secs(60),
            bytes_a_second: 16 << 10,
            linger: Duration::from_secs(1),
            drain: Duration::from_secs(85),
            certificate_look: Duration::from_secs(60),
        }
    }
}

/// Where a handler puts a file that it answers with.
pub fn answers_dir(run_dir: &Path) -> PathBuf {
    run_dir.join("answers")
}

/// Takes the public port, so that whoever starts us can say where we are before we serve.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    Ok(socket.into())
}

/// Serves until `stop` is ready, then finishes what is in flight. An error of any other kind than
/// a refusal means that we can serve no longer, and that the process should end and be restarted.
pub fn serve<H>(settings: Settings, handler: H, stop: impl Future) -> Result<()>
where
    H: Fn(Incoming) -> Outgoing + Send + Sync + 'static,
{
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().max_blocking_threads(4).build()?;
    let ended = runtime.block_on(server::run(settings, handler, stop));
    runtime.shutdown_background();
    ended
}

/// The `stop` of a program: SIGTERM or SIGINT.
pub async fn terminated() {
    let term = signal(SignalKind::terminate());
    let int = signal(SignalKind::interrupt());
    let (Ok(mut term), Ok(mut int)) = (term, int) else { return std::future::pending().await };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
