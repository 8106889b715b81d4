//! The other end of a webhook: it answers as told, and keeps every call.

use parking_lot::Mutex;
use portico::drivers::sign;
use portico::secret::Secret;
use portico::time::Clock;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Call {
    headers: BTreeMap<String, String>,
    pub raw: Vec<u8>,
    pub body: Value,
}

impl Call {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn key(&self) -> &str {
        self.header("idempotency-key")
    }

    /// Whether it was signed just now with this secret.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let said = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        let [id, at, signature] = said.map(|name| self.header(name));
        let now = Clock::default().now();
        sign::verify(&[Secret::new(secret)], (id, at, signature), &self.raw, now)
    }
}

pub struct Hook {
    pub url: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Hook {
    /// One that is content with everything.
    pub fn start() -> Hook {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
        let kept = calls.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = kept.clone();
                std::thread::spawn(move || take(stream, &kept));
            }
        });
        Hook { url, calls }
    }

    /// All calls so far that came whole.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().clone()
    }
}

/// Whoever calls may be killed at any point of it.
fn take(mut stream: TcpStream, kept: &Mutex<Vec<Call>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.trim().split_once(": ") {
            headers.insert(name.to_lowercase(), value.to_owned());
        }
    }
    let mut raw = vec![0; headers.get("content-length")?.parse().ok()?];
    reader.read_exact(&mut raw).ok()?;
    let body = serde_json::from_slice(&raw).ok()?;
    kept.lock().push(Call { headers, raw, body });
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").ok()
}
