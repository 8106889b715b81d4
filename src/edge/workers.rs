//! tiny_http on a private socket and the threads that run the handler. The one place that answers
//! through tiny_http: length known, nothing chunked, no control character in a header.

use super::compress;
use super::refusal::Refusal;
use super::{Body, Incoming, Outgoing};
use crate::error::{Error, Result};
use hyper::StatusCode;
use std::fs::OpenOptions;
use std::io::{Cursor, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use tiny_http::{Header, Request, Response, Server};
use tokio::sync::mpsc;

pub const PEER: &str = "x-edge-peer";
pub const SCHEME: &str = "x-edge-scheme";
pub const REQUEST: &str = "x-edge-request";
/// In an answer: the name of the file that the edge is to send instead of the body.
pub const FILE: &str = "x-edge-file";
const WARM: &str = super::backend::WARM;

/// Set by a handler whose page would tell its secrets by its compressed length.
const NO_COMPRESS: &str = "x-no-compress";

/// tiny_http and the edge say these; whatever a handler says of them is dropped.
const NOT_FOR_HANDLERS: [&str; 7] = [
    "connection",
    "content-length",
    "keep-alive",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "server",
];

/// Where answers wait that are too large to be passed on in memory.
pub struct Spool {
    pub dir: PathBuf,
    pub over: usize,
    next: AtomicU64,
}

impl Spool {
    pub fn new(dir: PathBuf, over: usize) -> Spool {
        Spool { dir, over, next: AtomicU64::new(0) }
    }

    fn store(&self, bytes: &[u8]) -> std::io::Result<String> {
        let name = format!("spooled-{}", self.next.fetch_add(1, Ordering::Relaxed));
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create_new(true).mode(0o600).open(self.dir.join(&name))?;
        file.write_all(bytes)?;
        Ok(name)
    }
}

pub struct Workers {
    server: Arc<Server>,
    count: usize,
}

/// Receives nothing but the end: `None` once the last worker is gone.
pub type Gone = mpsc::Receiver<std::convert::Infallible>;

pub fn start<H>(socket: &Path, count: usize, spool: Spool, handler: H) -> Result<(Workers, Gone)>
where
    H: Fn(Incoming) -> Outgoing + Send + Sync + 'static,
{
    let server = Arc::new(Server::http_unix(socket).map_err(Error::internal)?);
    let shared = Arc::new((spool, handler));
    let (alive, gone) = mpsc::channel(1);
    for n in 0..count {
        let (server, shared, alive) = (server.clone(), shared.clone(), alive.clone());
        thread::Builder::new().name(format!("worker-{n}")).spawn(move || {
            let _alive = alive;
            // An error is the call to stop, or the end of tiny_http's accept loop.
            while let Ok(request) = server.recv() {
                let (spool, handler) = shared.as_ref();
                let served = catch_unwind(AssertUnwindSafe(|| serve(request, spool, handler)));
                if served.is_err() {
                    tracing::error!("tiny_http panicked while a request was answered");
                }
            }
        })?;
    }
    Ok((Workers { server, count }, gone))
}

impl Workers {
    /// Each worker ends after the request it is at.
    pub fn stop(&self) {
        for _ in 0..self.count {
            self.server.unblock();
        }
    }
}

/// The first part of a path: what comes after it may be the secret of a link.
fn area(target: &str) -> &str {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let end =
        path.char_indices().filter(|(_, c)| *c == '/').nth(1).map_or(path.len(), |(at, _)| at);
    path.get(..end).unwrap_or_default()
}

fn serve<H>(mut request: Request, spool: &Spool, handler: &H)
where
    H: Fn(Incoming) -> Outgoing,
{
    if request.headers().iter().any(|header| header.field.equiv(WARM)) {
        let _ = request.respond(Response::empty(204));
        return;
    }
    let incoming = match read(&mut request) {
        Ok(incoming) => incoming,
        Err(err) => {
            tracing::error!(error = %err, "a relayed request broke off");
            return; // dropping it answers 500
        }
    };
    let (target, request_id) = (incoming.target.clone(), incoming.request_id.clone());
    let accepted = incoming.header("accept-encoding").unwrap_or_default().to_owned();
    let failure = || {
        let is_api = super::head::is_api(target.as_bytes());
        own(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, is_api, &request_id))
    };
    let outgoing = catch_unwind(AssertUnwindSafe(|| handler(incoming))).unwrap_or_else(|_| {
        tracing::error!(request = request_id, area = area(&target), "the handler panicked");
        failure()
    });
    let response = prepare(outgoing, spool, &accepted).or_else(|err| {
        tracing::error!(request = request_id, area = area(&target), error = %err, "an answer was not sent");
        prepare(failure(), spool, "")
    });
    if let Ok(response) = response {
        let _ = request.respond(response);
    }
}

fn read(request: &mut Request) -> std::io::Result<Incoming> {
    let mut body = Vec::with_capacity(request.body_length().unwrap_or(0));
    request.as_reader().read_to_end(&mut body)?;
    let mut incoming = Incoming {
        // A HEAD is a GET whose answer tiny_http sends without its body.
        method: request.method().to_string().replace("HEAD", "GET"),
        target: request.url().to_owned(),
        headers: Vec::with_capacity(request.headers().len()),
        body,
        peer: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        scheme: String::new(),
        request_id: String::new(),
    };
    for header in request.headers() {
        let name = header.field.as_str().as_str().to_ascii_lowercase();
        let value = header.value.as_str().to_owned();
        match name.as_str() {
            PEER => incoming.peer = value.parse().map_err(std::io::Error::other)?,
            SCHEME => incoming.scheme = value,
            REQUEST => incoming.request_id = value,
            _ => incoming.headers.push((name, value)),
        }
    }
    Ok(incoming)
}

fn own(refusal: Refusal) -> Outgoing {
    let headers = refusal.headers.into_iter().map(|(name, value)| (name.to_owned(), value));
    Outgoing {
        status: refusal.status.as_u16(),
        headers: headers.collect(),
        body: Body::Bytes(refusal.body.into_bytes()),
    }
}

/// The answer as tiny_http is to send it, or why it cannot be sent at all.
fn prepare(outgoing: Outgoing, spool: &Spool, accepted: &str) -> Result<Response<Cursor<Vec<u8>>>> {
    if !(200..600).contains(&outgoing.status) {
        return Err(Error::internal(format!("{} is not a final status", outgoing.status)));
    }
    let mut headers = outgoing.headers;
    let may_compress = !has(&headers, NO_COMPRESS);
    headers.retain(|(name, _)| {
        let name = name.to_ascii_lowercase();
        !NOT_FOR_HANDLERS.contains(&name.as_str())
            && !name.starts_with("x-edge-")
            && name != NO_COMPRESS
    });
    let bytes = match outgoing.body {
        Body::Bytes(bytes) if may_compress => shrink(bytes, &mut headers, accepted)?,
        Body::Bytes(bytes) => bytes,
        Body::File(path) => {
            headers.push((FILE.to_owned(), name_in(&spool.dir, &path)?));
            Vec::new()
        }
    };
    let bytes = match bytes.len() > spool.over {
        true => {
            headers.push((FILE.to_owned(), spool.store(&bytes)?));
            Vec::new()
        }
        false => bytes,
    };
    let headers = headers.iter().map(|(name, value)| header(name, value));
    let headers = headers.collect::<Result<Vec<Header>>>()?;
    let length = Some(bytes.len());
    let response = Response::new(outgoing.status.into(), headers, Cursor::new(bytes), length, None);
    Ok(response.with_chunked_threshold(usize::MAX))
}

fn has(headers: &[(String, String)], wanted: &str) -> bool {
    headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted))
}

/// An ETag names the bytes as they are, so an answer with one is left alone.
fn shrink(bytes: Vec<u8>, headers: &mut Vec<(String, String)>, accepted: &str) -> Result<Vec<u8>> {
    let content_type = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let is_worth_it =
        content_type.is_some_and(|(_, value)| compress::is_worth_it(value, bytes.len()));
    if !is_worth_it || has(headers, "content-encoding") || has(headers, "etag") {
        return Ok(bytes);
    }
    headers.push(("vary".to_owned(), "Accept-Encoding".to_owned()));
    if !compress::is_accepted(accepted) {
        return Ok(bytes);
    }
    headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
    Ok(compress::gzip(&bytes)?)
}

/// Only files directly in the directory made for it are ever sent, since they are then deleted.
fn name_in(dir: &Path, path: &Path) -> Result<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    match (path.parent() == Some(dir), name) {
        (true, Some(name)) => Ok(name.to_owned()),
        _ => Err(Error::internal(format!("{} is not among the files to send", path.display()))),
    }
}

fn header(name: &str, value: &str) -> Result<Header> {
    let is_printable = value.bytes().all(|b| b == b'\t' || (0x20..0x7f).contains(&b));
    let header = Header::from_bytes(name, value).ok().filter(|_| is_printable);
    header.ok_or_else(|| Error::internal(format!("the header {name} cannot hold {value:?}")))
}

#[cfg(test)]
mod tests {
    use super::{Spool, area, start};

    #[test]
    fn a_log_line_names_no_link() {
        for (target, shown) in [
            ("/documents/s3cret?x=1", "/documents"),
            ("/setup?code=s3cret", "/setup"),
            ("/", "/"),
            ("", ""),
            ("/é/s3cret", "/é"),
        ] {
            assert_eq!(area(target), shown);
        }
    }
    use crate::edge::{Body, Incoming, Outgoing};

    #[test]
    fn the_end_of_the_last_worker_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::new(dir.path().to_owned(), 1);
        let handler = |_: Incoming| Outgoing {
            status: 200,
            headers: Vec::new(),
            body: Body::Bytes(Vec::new()),
        };
        let (workers, mut gone) = start(&dir.path().join("s"), 3, spool, handler).unwrap();
        assert!(
            gone.try_recv().is_err_and(|err| err == tokio::sync::mpsc::error::TryRecvError::Empty)
        );
        workers.stop();
        assert!(gone.blocking_recv().is_none());
    }
}
