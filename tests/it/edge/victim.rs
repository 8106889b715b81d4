//! A server to attack, in this process, with the pages that the attacks ask for.

use portico::edge::counters::Counters;
use portico::edge::{self, Body, Incoming, Outgoing, Settings};
use portico::error::Result;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::oneshot;

pub const WORKERS: usize = 4;

pub struct Victim {
    pub address: SocketAddr,
    pub counters: Arc<Counters>,
    pub run_dir: PathBuf,
    /// Method and target of each request that a handler saw.
    seen: Arc<Mutex<Vec<String>>>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<Result<()>>>,
    _dir: TempDir,
}

impl Victim {
    pub fn new() -> Victim {
        Victim::with(|_| {})
    }

    /// All attacks come from one address, so that is allowed a lot unless `change` says otherwise.
    pub fn with(change: impl FnOnce(&mut Settings)) -> Victim {
        let dir = tempfile::tempdir().unwrap();
        let run_dir = dir.path().join("run");
        let listen = edge::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listen.local_addr().unwrap();
        let mut settings = Settings::new(listen, run_dir.clone());
        settings.workers = WORKERS;
        settings.limits.per_address = 8192;
        change(&mut settings);
        let counters = settings.counters.clone();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let handler = {
            let (seen, run_dir) = (seen.clone(), run_dir.clone());
            move |incoming: Incoming| {
                seen.lock().unwrap().push(format!("{} {}", incoming.method, incoming.target));
                page(&incoming, &edge::answers_dir(&run_dir))
            }
        };
        let is_plain = settings.tls.is_none();
        let (stop, stopped) = oneshot::channel();
        let server = std::thread::spawn(move || edge::serve(settings, handler, stopped));
        let (stop, server) = (Some(stop), Some(server));
        let victim = Victim { address, counters, run_dir, seen, stop, server, _dir: dir };
        assert!(!is_plain || victim.status("/") == 200);
        victim.seen.lock().unwrap().clear();
        victim
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    /// What comes back until the server closes or falls silent, and whether it closed.
    pub fn exchange(&self, bytes: &[u8]) -> (String, bool) {
        let mut stream = self.connect();
        let _ = stream.write_all(bytes);
        let mut first = [0; 1];
        match stream.read(&mut first) {
            Ok(1) => {}
            other => return (String::new(), !other.is_err_and(|err| is_timeout(&err))),
        }
        let (rest, closed) = listen(&mut stream, Duration::from_millis(600));
        (String::from_utf8_lossy(&first).into_owned() + &rest, closed)
    }

    /// An ordinary visitor's request: the status, 0 if none comes.
    pub fn status(&self, target: &str) -> u16 {
        visit(self.address, target).and_then(|answer| status(&answer)).unwrap_or(0)
    }

    pub fn get(&self, target: &str) -> String {
        visit(self.address, target).expect("no answer")
    }

    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    pub fn ask_to_stop(&mut self) {
        drop(self.stop.take());
    }

    pub fn join(&mut self) -> Result<()> {
        self.server.take().unwrap().join().unwrap()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.ask_to_stop();
        if let Some(server) = self.server.take() {
            server.join().unwrap().unwrap();
        }
    }
}

/// Reads until the end of the stream, or until nothing has come for `patience`.
pub fn listen(stream: &mut TcpStream, patience: Duration) -> (String, bool) {
    stream.set_read_timeout(Some(patience)).unwrap();
    let (mut all, mut piece) = (Vec::new(), [0; 65_536]);
    let closed = loop {
        match stream.read(&mut piece) {
            Ok(0) => break true,
            Ok(n) => all.extend_from_slice(&piece[..n]),
            Err(err) => break !is_timeout(&err),
        }
    };
    (String::from_utf8_lossy(&all).into_owned(), closed)
}

/// Reads one whole answer, as long as its length says, and no further than what came with it.
pub fn hear(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let (mut all, mut piece) = (Vec::new(), [0; 65_536]);
    while !is_whole(&String::from_utf8_lossy(&all)) {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => break,
            Ok(n) => all.extend_from_slice(&piece[..n]),
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

fn is_whole(answer: &str) -> bool {
    let length = header(answer, "content-length").and_then(|length| length.parse().ok());
    answer.contains("\r\n\r\n") && length.is_none_or(|length: usize| body(answer).len() >= length)
}

fn is_timeout(err: &std::io::Error) -> bool {
    matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// An ordinary visitor's request.
pub fn visit(address: SocketAddr, target: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(20)).ok()?;
    let head = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    let (answer, _) = listen(&mut stream, Duration::from_secs(20));
    Some(answer)
}

/// The status of the first answer in `text`.
pub fn status(text: &str) -> Option<u16> {
    text.strip_prefix("HTTP/1.1 ").or(text.strip_prefix("HTTP/1.0 "))?.get(..3)?.parse().ok()
}

/// The statuses of all answers in `text`, one after the other.
pub fn statuses(text: &str) -> Vec<u16> {
    text.match_indices("HTTP/1.").filter_map(|(at, _)| status(&text[at..])).collect()
}

pub fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next()?;
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

pub fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// Waits until `done`, at most for `most`.
pub fn within(most: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < most {
        if done() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    done()
}

fn page(incoming: &Incoming, answers: &std::path::Path) -> Outgoing {
    let (path, query) = incoming.target.split_once('?').unwrap_or((&incoming.target, "0"));
    let number = query.parse().unwrap_or(0);
    let mut headers = vec![("Content-Type".to_owned(), "application/octet-stream".to_owned())];
    let bytes = match path {
        "/echo" => {
            let sum: u64 = incoming.body.iter().map(|b| u64::from(*b)).sum();
            format!("got {} bytes, sum {sum}", incoming.body.len()).into_bytes()
        }
        "/panic" => panic!("a handler panics"),
        "/big" => vec![b'x'; usize::try_from(number).unwrap()],
        "/text" => {
            headers = vec![("Content-Type".to_owned(), "text/html".to_owned())];
            headers.extend(incoming.header("x-say").and_then(|say| {
                let (name, value) = say.split_once('=')?;
                Some((name.to_owned(), value.to_owned()))
            }));
            "all work and no play ".repeat(usize::try_from(number).unwrap()).into_bytes()
        }
        "/sleep" => {
            std::thread::sleep(Duration::from_millis(number));
            b"slept".to_vec()
        }
        "/reflect" => {
            let value = incoming.header("x-r").unwrap_or_default().to_owned();
            headers.push(("X-R".to_owned(), value));
            b"reflected".to_vec()
        }
        "/split" => {
            headers.push(("X-R".to_owned(), "a\r\nSet-Cookie: pwn=1".to_owned()));
            b"never sent".to_vec()
        }
        "/status" => {
            let body = Body::Bytes(Vec::new());
            return Outgoing { status: u16::try_from(number).unwrap(), headers, body };
        }
        "/file" => {
            let path = answers.join(format!("export-{}", incoming.request_id));
            std::fs::write(&path, vec![b'f'; usize::try_from(number).unwrap()]).unwrap();
            return Outgoing { status: 200, headers, body: Body::File(path) };
        }
        "/foreign-file" => {
            let body = Body::File(PathBuf::from("/etc/passwd"));
            return Outgoing { status: 200, headers, body };
        }
        "/who" => {
            let Incoming { peer, scheme, request_id, .. } = incoming;
            let headers: Vec<String> =
                incoming.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            format!("{peer} {scheme} {request_id}\n{}", headers.join("\n")).into_bytes()
        }
        _ => format!("ok {} {}", incoming.method, incoming.target).into_bytes(),
    };
    Outgoing { status: 200, headers, body: Body::Bytes(bytes) }
}
