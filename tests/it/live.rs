//! The real program, as a process of its own on a store of its own, spoken to over a socket.

#![allow(dead_code, reason = "a language may have words that nobody says at the moment")]

use crate::world::{Person, World};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

pub struct Live {
    child: Child,
    pub address: SocketAddr,
    /// What it printed until it listened.
    pub printed: Vec<String>,
    /// What it prints from then on.
    later: Mutex<Receiver<String>>,
}

/// What came back.
#[derive(Debug)]
pub struct Heard {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Live {
    /// Starts `portico serve` on the store of `world`, whose own application may go on looking.
    pub fn of(world: &World) -> Live {
        Live::serve(world.folder(), &[])
    }

    pub fn serve(data: &Path, more: &[&str]) -> Live {
        let mut line = vec!["serve", "--listen", "127.0.0.1:0", "--data"];
        let data = data.to_str().unwrap();
        line.push(data);
        line.extend(more);
        Live::start(&line)
    }

    /// Starts any verb that ends up listening.
    pub fn start(line: &[&str]) -> Live {
        Live::start_with(line, &[])
    }

    /// The same with some variables of the environment.
    pub fn start_with(line: &[&str], environment: &[(&str, &str)]) -> Live {
        let mut command = program(line);
        command.envs(environment.iter().copied());
        command.env("PORTICO_LOG", "warn").stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut printed = Vec::new();
        let mut address = None;
        while address.is_none() {
            let Some(Ok(line)) = lines.next() else {
                let ended = child.wait();
                panic!("it ended before it listened ({ended:?}): {printed:?}");
            };
            address = line
                .strip_prefix("Portico listens on ")
                .and_then(|rest| rest.split("://").nth(1)?.trim_end_matches('.').parse().ok());
            printed.push(line);
        }
        let (to, later) = channel();
        // It is read to the end even if nobody listens, so that the program never waits for that.
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| drop(to.send(line)))
        });
        Live { child, address: address.unwrap(), printed, later: Mutex::new(later) }
    }

    pub fn get(&self, target: &str, token: &str) -> Heard {
        self.ask("GET", target, token, None, &[]).expect("no answer")
    }

    pub fn post(&self, target: &str, token: &str, body: &Value) -> Heard {
        self.ask("POST", target, token, Some(body), &[]).expect("no answer")
    }

    /// The next line it prints after it listens.
    pub fn next_line(&self) -> String {
        self.later.lock().unwrap().recv_timeout(Duration::from_secs(20)).unwrap()
    }

    /// A form, as a browser without a session would send it.
    pub fn form(&self, target: &str, fields: &[(&str, &str)]) -> Heard {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(target, "", "application/x-www-form-urlencoded", body.as_bytes())
    }

    /// A page, as the browser of `person` asks for it.
    pub fn page(&self, person: &Person, target: &str) -> Heard {
        self.browse("GET", person, target, "", &[])
    }

    /// A form of a page, sent by the browser of `person`.
    pub fn submit(&self, person: &Person, target: &str, fields: &[(&str, &str)]) -> Heard {
        let csrf = person.form_token();
        let mut form = form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs(fields).append_pair("csrf", &csrf).finish();
        self.browse("POST", person, target, "application/x-www-form-urlencoded", body.as_bytes())
    }

    /// A file, sent by the browser of `person` in the field `file`.
    pub fn upload(&self, person: &Person, target: &str, name: &str, file: &[u8]) -> Heard {
        let head = format!(
            "--X\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{}\r\n--X\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: text/csv\r\n\r\n",
            person.form_token()
        );
        let body = [head.as_bytes(), file, b"\r\n--X--\r\n"].concat();
        self.browse("POST", person, target, "multipart/form-data; boundary=X", &body)
    }

    fn browse(&self, method: &str, who: &Person, target: &str, kind: &str, body: &[u8]) -> Heard {
        let mut head = format!(
            "{method} {target} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n",
            body.len()
        );
        for (name, value) in who.browser(&[]) {
            head += &format!("{name}: {value}\r\n");
        }
        if !kind.is_empty() {
            head += &format!("Content-Type: {kind}\r\n");
        }
        let bytes = [head.as_bytes(), b"\r\n", body].concat();
        self.exchange(&bytes).expect("no answer")
    }

    /// Bytes of some kind.
    pub fn send(&self, target: &str, token: &str, kind: &str, body: &[u8]) -> Heard {
        let mut bytes = format!(
            "POST {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n",
            body.len()
        );
        if !token.is_empty() {
            bytes += &format!("Authorization: Bearer {token}\r\n");
        }
        let bytes = [bytes.as_bytes(), b"\r\n", body].concat();
        self.exchange(&bytes).expect("no answer")
    }

    /// One request on a connection of its own; `None` where the server went away.
    pub fn ask(
        &self,
        method: &str,
        target: &str,
        token: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Option<Heard> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut head = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n",
            body.len()
        );
        if !token.is_empty() {
            head += &format!("Authorization: Bearer {token}\r\n");
        }
        if !body.is_empty() {
            head += "Content-Type: application/json\r\n";
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        self.exchange(format!("{head}\r\n{body}").as_bytes())
    }

    pub fn exchange(&self, bytes: &[u8]) -> Option<Heard> {
        let mut stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(5)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
        stream.write_all(bytes).ok()?;
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).ok()?;
        let text = String::from_utf8_lossy(&heard).into_owned();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length = header(head, "content-length").and_then(|n| n.parse::<usize>().ok());
        if length.is_some_and(|n| n != body.len()) {
            return None;
        }
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Heard { status, head: head.to_owned(), body: body.to_owned() })
    }

    /// Ends it without a word, while others may still be speaking to it.
    pub fn strike(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }

    /// Ends it without a word.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, and how it ended.
    pub fn stop(mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "it does not stop");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Heard {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|_| panic!("{} is not JSON: {}", self.status, self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        header(&self.head, name).unwrap_or("")
    }

    pub fn expect(self, status: u16) -> Heard {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines
        .into_iter()
        .find(|(each, _)| each.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// The program with these words, without settings of whoever runs the tests.
pub fn program(line: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portico"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PORTICO_")) {
        command.env_remove(name);
    }
    command.args(line);
    command
}

/// Runs a verb to its end: exit code, what it said, what it complained.
pub fn verb(line: &[&str], input: &str) -> (i32, String, String) {
    let mut command = program(line);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    let out = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (out.status.code().unwrap_or(-1), text(out.stdout), text(out.stderr))
}

/// A folder for a store, under the system's place for temporary files.
pub fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    (folder, path)
}

#[test]
fn the_program_serves_stops_and_holds_its_directory() {
    let world = World::new();
    let live = Live::of(&world);
    assert_eq!(live.get("/readyz", "").body, "ok");
    assert_eq!(live.get("/api/v1/jobs", "").expect(401).header("www-authenticate"), "Bearer");
    let (code, _, complaint) =
        verb(&["serve", "--listen", "127.0.0.1:0", "--data", world.folder().to_str().unwrap()], "");
    assert!(
        code != 0
            && complaint.contains(&format!("Portico already runs here (process {})", live.pid())),
        "{complaint}"
    );
    assert!(live.stop().success());
}

/// The real program on the store of a world, ended with the test.
pub struct Doomed(Child);

impl Doomed {
    /// It is killed where `at` says: `place:time`.
    pub fn start(world: &World, at: &str) -> Doomed {
        let mut command = serving(world);
        command.env("CRASH_AT", at).env("PORTICO_LOG", "error").stdout(Stdio::null());
        Doomed(command.spawn().unwrap())
    }

    /// It lives on, and says all it does in a file.
    pub fn logged(world: &World, log: &Path) -> Doomed {
        let log = std::fs::File::create(log).unwrap();
        let mut command = serving(world);
        command.env("PORTICO_LOG", "debug").stdout(log.try_clone().unwrap()).stderr(log);
        Doomed(command.spawn().unwrap())
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    pub fn is_dead(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

fn serving(world: &World) -> Command {
    let data = world.folder().to_str().unwrap();
    program(&["serve", "--listen", "127.0.0.1:0", "--data", data])
}

impl Drop for Doomed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
