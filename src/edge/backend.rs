//! The private connections to the workers: as many as there are workers, opened one by one and each
//! proved by an answer, because tiny_http loses connections that come in a burst.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::body::Incoming as Received;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::Notify;
use tokio::time::timeout;

/// A request that only asks whether somebody is there; clients cannot send this header.
pub const WARM: &str = "x-edge-warm";

/// After so many connections in a row that could not be made the workers count as lost.
const LOST_AFTER: u32 = 3;

pub type Sender = SendRequest<Full<Bytes>>;
type AnyError = Box<dyn std::error::Error + Send + Sync>;

pub struct Backend {
    socket: PathBuf,
    idle: Mutex<Vec<Sender>>,
    connecting: tokio::sync::Mutex<()>,
    failed: AtomicU32,
    lost: Notify,
}

impl Backend {
    pub fn new(socket: PathBuf) -> Backend {
        Backend {
            socket,
            idle: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
            failed: AtomicU32::new(0),
            lost: Notify::new(),
        }
    }

    /// Opens them all, so that nothing is lacking when descriptors run short.
    pub async fn warm(&self, count: usize) -> Result<(), AnyError> {
        for _ in 0..count {
            let sender = self.connect().await?;
            self.keep(sender);
        }
        Ok(())
    }

    /// Sends on a connection that works, and anew if one broke before anything was sent on it.
    pub async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<(Sender, Response<Received>), AnyError> {
        loop {
            let (mut sender, is_new) = match self.ready().await {
                Some(sender) => (sender, false),
                None => (self.connect().await?, true),
            };
            match sender.try_send_request(request).await {
                Ok(response) => return Ok((sender, response)),
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) if !is_new => request = unsent,
                    _ => return Err(failed.into_error().into()),
                },
            }
        }
    }

    pub fn keep(&self, sender: Sender) {
        self.idle().push(sender);
    }

    /// Ready when the workers cannot be reached any more.
    pub async fn lost(&self) {
        self.lost.notified().await;
    }

    async fn ready(&self) -> Option<Sender> {
        loop {
            let pooled = self.idle().pop();
            let mut sender = pooled?;
            if sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    async fn connect(&self) -> Result<Sender, AnyError> {
        let _one_by_one = self.connecting.lock().await;
        let warm = timeout(Duration::from_secs(5), self.handshake()).await;
        match warm.map_err(AnyError::from).flatten() {
            Ok(sender) => {
                self.failed.store(0, Ordering::Relaxed);
                Ok(sender)
            }
            Err(err) => {
                if self.failed.fetch_add(1, Ordering::Relaxed) + 1 >= LOST_AFTER {
                    self.lost.notify_one();
                }
                Err(err)
            }
        }
    }

    async fn handshake(&self) -> Result<Sender, AnyError> {
        let stream = UnixStream::connect(&self.socket).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut hello = Request::new(Full::default());
        hello.headers_mut().insert(HOST, HeaderValue::from_static("edge"));
        hello.headers_mut().insert(WARM, HeaderValue::from_static("1"));
        sender.send_request(hello).await?.into_body().collect().await?;
        sender.ready().await?;
        Ok(sender)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Sender>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Backend, LOST_AFTER};
    use http_body_util::Full;
    use hyper::Request;
    use hyper::body::Bytes;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;
    use std::path::Path;
    use std::time::Duration;

    /// Answers `each` requests on a connection, then breaks it.
    fn start_worker(socket: &Path, each: usize) {
        let listener = UnixListener::bind(socket).unwrap();
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                for _ in 0..each {
                    if stream.read(&mut [0; 4096]).unwrap_or(0) > 0 {
                        let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
                    }
                }
            }
        });
    }

    fn block_on<T>(task: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(task)
    }

    fn hello() -> Request<Full<Bytes>> {
        let hello = Request::builder().header("host", "x");
        hello.body(Full::new(Bytes::from_static(b"x"))).unwrap()
    }

    #[test]
    fn a_connection_that_broke_while_it_was_idle_is_opened_anew() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("s");
        start_worker(&socket, 2);
        block_on(async {
            let backend = Backend::new(socket);
            backend.warm(1).await.unwrap();
            for _ in 0..3 {
                let (sender, answer) = backend.send(hello()).await.unwrap();
                assert_eq!(answer.status(), 204);
                backend.keep(sender);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
    }

    #[test]
    fn workers_that_cannot_be_reached_again_and_again_count_as_lost() {
        block_on(async {
            let backend = Backend::new("/nowhere/at/all".into());
            for n in 1..=LOST_AFTER {
                assert!(backend.send(hello()).await.is_err());
                let lost = tokio::time::timeout(Duration::ZERO, backend.lost()).await;
                assert_eq!(lost.is_ok(), n == LOST_AFTER);
            }
        });
    }
}
