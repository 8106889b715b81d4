//! The program as it is started: verbs, exit codes, signals, and a directory that only one serves.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_portico");

const INIT: &[&str] = &[
    "init",
    "--organisation",
    "Tarnholm IT",
    "--admin-email",
    "sunniva@tarnholm.example",
    "--password-stdin",
];

pub struct House {
    folder: TempDir,
}

/// A server at work; killed with the test.
pub struct Server {
    process: Child,
    said: BufReader<ChildStdout>,
    /// Where it listens: `http://127.0.0.1:4711`.
    pub at: String,
}

impl House {
    pub fn new() -> House {
        House { folder: tempfile::tempdir().unwrap() }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        let ours =
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PORTICO_"));
        ours.for_each(|(name, _)| {
            command.env_remove(name);
        });
        command.arg("--data").arg(self.data()).args(arguments).stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs what must succeed; what it said.
    pub fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs what must be refused; with which words.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Runs something that reads its input.
    pub fn told(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It may refuse before it reads.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// A house that is set up.
    pub fn set_up() -> House {
        let house = House::new();
        let output = house.told(INIT, "quiet harbour lantern 7\n");
        assert!(output.status.success(), "{output:?}");
        house
    }

    pub fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    pub fn serve_with(&self, arguments: &[&str]) -> Server {
        let all = [&["serve", "--listen", "127.0.0.1:0"], arguments].concat();
        let mut process =
            self.command(&all).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let at = line
            .trim()
            .strip_prefix("Portico listens on ")
            .unwrap_or_else(|| panic!("said {line:?}"));
        Server { at: at.to_owned(), process, said }
    }
}

impl Server {
    /// The set-up link, which it prints while nobody has set it up.
    pub fn link(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.trim()
            .strip_prefix("Set it up at ")
            .unwrap_or_else(|| panic!("said {line:?}"))
            .to_owned()
    }

    pub fn address(&self) -> &str {
        self.at.split_once("://").unwrap().1
    }

    pub fn get(&self, path: &str) -> (u16, String) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .into();
        let mut answer = agent.get(format!("{}{path}", self.at)).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Waits for its end, which must come.
    pub fn end(mut self) -> ExitStatus {
        let late = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < late, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn terminate(self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.end()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_fresh_directory_is_served_by_one_and_left_in_order() {
    let house = House::new();
    let mut server = house.serve();
    assert!(server.link().starts_with(&format!("{}/setup?code=", server.at)));
    assert_eq!(server.get("/livez"), (200, "ok".into()));
    assert_eq!(server.get("/readyz"), (200, "ok".into()));
    let process = server.process.id();
    assert_eq!(
        house.refused(&["serve", "--listen", "127.0.0.1:0"]),
        format!("portico: Portico already runs here (process {process}).\n")
    );
    assert_eq!(house.done(&["healthcheck", "--listen", server.address()]), "ok\n");
    assert_eq!(server.terminate().code(), Some(0));
    let left = house.refused(&["healthcheck", "--listen", "127.0.0.1:9"]);
    assert!(left.contains("does not answer"), "{left}");
    house.serve().terminate();
}

#[test]
fn a_killed_server_starts_again() {
    let house = House::new();
    let server = house.serve();
    server.signal(Signal::KILL);
    assert!(!server.end().success());
    let again = house.serve();
    assert_eq!(again.get("/readyz").0, 200);
    assert_eq!(again.terminate().code(), Some(0));
}

#[test]
fn a_wrong_setting_stops_the_start() {
    let house = House::new();
    let run = |name: &str, value: &str| {
        let output = house.command(&["serve"]).env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(
        run("PORTICO_LISTN", "x"),
        "portico: PORTICO_LISTN is not a setting; did you mean PORTICO_LISTEN?\n"
    );
    assert!(run("PORTICO_LISTEN", "nowhere").contains("is not an address and port"));
    assert!(!house.data().exists(), "nothing is made before the settings are right");
}

#[test]
fn config_shows_what_holds_and_touches_nothing() {
    let house = House::new();
    let shown = house.done(&["config", "--listen", "127.0.0.1:81"]);
    assert!(
        shown
            .lines()
            .any(|line| line.starts_with("PORTICO_LISTEN ")
                && line.ends_with("127.0.0.1:81  [flag]")),
        "{shown}"
    );
    assert!(shown.contains("PORTICO_LOG ") && shown.contains("info  [default]"), "{shown}");
    let mut command = house.command(&["config", "--json"]);
    let output =
        command.env("PORTICO_KEY", "ab".repeat(32)).env("PORTICO_LOGG", "x").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let all: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(all["complaints"][0], "PORTICO_LOGG is not a setting; did you mean PORTICO_LOG?");
    let key = all["settings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|line| line["key"] == "PORTICO_KEY")
        .unwrap();
    assert_eq!((&key["value"], &key["source"]), (&"set".into(), &"env".into()));
    assert!(!String::from_utf8(output.stdout).unwrap().contains("abab"));
    assert!(!house.data().exists());
}

#[test]
fn a_backup_is_taken_beside_the_server_and_put_back_without_it() {
    let house = House::new();
    let server = house.serve();
    let file = text(&house.path("backup.portico"));
    assert!(house.done(&["backup", &file]).contains("read back and whole"));
    assert!(house.refused(&["backup", &file]).contains("exists already"));
    assert!(house.done(&["restore", &file, "--check"]).contains("is whole"));
    let process = server.process.id();
    assert_eq!(
        house.refused(&["restore", &file, "--yes"]),
        format!("portico: Stop the server first (process {process}).\n")
    );
    server.terminate();
    assert!(house.refused(&["restore", &file]).contains("Say --yes"));
    assert!(house.done(&["restore", &file, "--yes"]).contains("Restored"));
    assert_eq!(std::fs::read_dir(house.data().join("replaced")).unwrap().count(), 1);
    assert_eq!(house.serve().get("/readyz").0, 200);
    assert!(house.refused(&["restore", "/nowhere/backup"]).contains("cannot be read"));
}

#[test]
fn another_key_is_refused_and_the_right_one_may_be_given() {
    let house = House::new();
    house.serve().terminate();
    let file = text(&house.path("backup.portico"));
    house.done(&["backup", &file]);
    let elsewhere = House::new();
    let refusal = elsewhere.refused(&["restore", &file, "--yes"]);
    assert!(
        refusal.contains("Give that key with PORTICO_KEY_FILE, or use --without-secrets."),
        "{refusal}"
    );
    assert_eq!(elsewhere.serve().get("/readyz").0, 200);
    let with_key = elsewhere
        .command(&["restore", &file, "--yes"])
        .env("PORTICO_KEY_FILE", house.data().join("key"))
        .output()
        .unwrap();
    assert!(with_key.status.success(), "{with_key:?}");
    elsewhere.done(&["restore", &file, "--yes", "--without-secrets"]);
}

#[test]
fn doctor_says_what_to_do_and_how_bad_it_is() {
    let house = House::new();
    assert!(house.refused(&["doctor"]).contains("There is no store in"));
    house.serve().terminate();
    let output = house.run(&["doctor", "--json"]);
    assert_eq!(output.status.code(), Some(1), "nobody has set it up");
    let all: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |check: &str| {
        let found = all["findings"].as_array().unwrap().iter().find(|f| f["check"] == check);
        found.unwrap_or_else(|| panic!("{check} was not looked at"))["verdict"].clone()
    };
    assert_eq!(
        (of("store"), of("schema"), of("set-up")),
        ("ok".into(), "ok".into(), "warn".into())
    );
    open_up(&house.data().join("key"));
    let output = house.run(&["doctor"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stdout).unwrap().contains("chmod 600"));
}

fn open_up(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
}

#[test]
fn a_store_of_another_program_is_left_alone() {
    let house = House::new();
    house.serve().terminate();
    let sql = |statement: &str| {
        #[expect(clippy::disallowed_methods, reason = "tests look behind the program's back")]
        let store = rusqlite::Connection::open(house.data().join("portico.db")).unwrap();
        store.execute_batch(statement).unwrap();
    };
    sql("PRAGMA user_version = 99");
    assert_eq!(
        house.refused(&["serve", "--listen", "127.0.0.1:0"]),
        "portico: The store is of schema 99, this program knows up to 1. Start the newer program.\n"
    );
    assert_eq!(house.run(&["doctor"]).status.code(), Some(2));
    sql("PRAGMA user_version = 0");
    assert!(
        house.refused(&["serve", "--listen", "127.0.0.1:0"]).contains("is not a store of Portico")
    );
    std::fs::write(house.data().join("portico.db"), "Dear diary").unwrap();
    let output = house.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(!output.status.success());
    assert_eq!(std::fs::read(house.data().join("portico.db")).unwrap(), b"Dear diary");
}

#[test]
fn others_may_not_write_into_the_directory() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::new();
    std::fs::create_dir(house.data()).unwrap();
    std::fs::set_permissions(house.data(), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(house.refused(&["serve", "--listen", "127.0.0.1:0"]).contains("Others can write to"));
}

#[test]
fn what_was_begun_is_finished_before_the_end() {
    let house = House::new();
    let server = house.serve();
    let mut slow = std::net::TcpStream::connect(server.address()).unwrap();
    let head = "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\
                Expect: 100-continue\r\n\r\n";
    slow.write_all(head.as_bytes()).unwrap();
    // Asked for the rest, the request has begun.
    let mut go_on = [0; 25];
    slow.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    server.signal(Signal::TERM);
    slow.write_all(b"name=bea").unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("Not set up yet"), "{answer}");
    assert_eq!(server.end().code(), Some(0));
}

#[test]
fn init_sets_up_once_and_says_what_is_wrong() {
    let house = House::new();
    let weak = house.told(INIT, "secret\n");
    assert_eq!(weak.status.code(), Some(1));
    assert!(String::from_utf8(weak.stderr).unwrap().starts_with("portico: password "));
    let lame = [INIT, &["--time-zone", "Nowhere"]].concat();
    let lame = house.told(&lame, "quiet harbour lantern 7\n");
    assert!(String::from_utf8(lame.stderr).unwrap().starts_with("portico: --time-zone "));
    let server = house.serve();
    let beside = house.told(INIT, "quiet harbour lantern 7\n");
    assert!(beside.status.success(), "also beside the server: {beside:?}");
    let (status, _) = server.get("/sign-in");
    assert_eq!(status, 200);
    let again = house.told(INIT, "quiet harbour lantern 7\n");
    assert_eq!(
        String::from_utf8(again.stderr).unwrap(),
        "portico: This store is set up already.\n"
    );
    assert_eq!(server.terminate().code(), Some(0));
}

#[test]
fn the_link_that_serve_prints_opens_the_set_up() {
    let house = House::new();
    let mut server = house.serve();
    let link = server.link();
    let path = link.strip_prefix(&server.at).unwrap();
    assert_eq!(server.get(path).0, 200);
    assert_eq!(server.get("/setup?code=wrong").0, 404);
}

#[test]
fn a_token_is_printed_once_and_opens_the_api() {
    let house = House::set_up();
    let user = ["--user", "sunniva@tarnholm.example", "--name", "scripts"];
    let make = |more: &[&str]| house.done(&[&["token", "create"], &user[..], more].concat());
    let (all, few) = (make(&[]), make(&["--permissions", "customers.read", "--days", "7"]));
    let server = house.serve();
    let ask = |token: &str, path: &str| {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = agent.get(format!("{}/api/v1{path}", server.at));
        request
            .header("Authorization", format!("Bearer {}", token.trim()))
            .call()
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!((ask(&all, "/customers"), ask(&all, "/messages")), (200, 200));
    assert_eq!((ask(&few, "/customers"), ask(&few, "/messages")), (200, 403));
    let refusal =
        house.refused(&["token", "create", "--user", "nobody@tarnholm.example", "--name", "x"]);
    assert_eq!(refusal, "portico: Nobody signs in as nobody@tarnholm.example.\n");
    let wrong =
        house.refused(&[&["token", "create"], &user[..], &["--permissions", "no.such"]].concat());
    assert!(wrong.contains("has no.such, which you do not hold"), "{wrong}");
}

#[test]
fn users_are_imported_from_the_shell_beside_the_server() {
    let house = House::set_up();
    #[expect(clippy::disallowed_methods, reason = "tests look behind the program's back")]
    let store = rusqlite::Connection::open(house.data().join("portico.db")).unwrap();
    let text_of = |sql: &str| store.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    let code = text_of("SELECT code FROM customers WHERE id = 1");
    let file = text(&house.path("people.csv"));
    let rows = "UPN,First Name,Last Name\nelin@tarnholm.example,Elin,Moor\nodd@elsewhere.example,Odd,One\n";
    std::fs::write(&file, rows).unwrap();
    let order = ["import", "users", "--customer", &code, &file];
    let _server = house.serve();
    let said = |more: &[&str]| {
        let output = house.run(&[&order[..], more].concat());
        assert_eq!(output.status.code(), Some(1), "a row is refused: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let users = || text_of("SELECT count(*) || '' FROM users");
    let checked = said(&["--dry-run"]);
    assert!(checked.contains("Nothing is written. 1 created, 0 updated, 0 unchanged, 1 refused"));
    assert_eq!(users(), "1");
    let done = said(&[]);
    assert!(done.contains("Line 2: created Elin Moor (elin@tarnholm.example)\n"), "{done}");
    assert!(done.contains("Line 3: refused Odd") && done.contains("must end in one of"), "{done}");
    let again = said(&[]);
    assert!(!again.contains("Elin") && again.contains("0 created, 0 updated, 1 unchanged"));
    let audit = "SELECT group_concat(action || ' ' || via) FROM audit_log
                  WHERE user_id IS NULL AND action IN ('user.created', 'users.imported')";
    assert_eq!(text_of(audit), "user.created shell,users.imported shell");
    let source = "SELECT source FROM ledger WHERE kind = 'user' ORDER BY id DESC LIMIT 1";
    assert_eq!(text_of(source), "shell");
    let wrong = house.refused(&["import", "users", "--customer", "NOSUCH", &file]);
    assert_eq!(wrong, "portico: No customer has the code NOSUCH.\n");
}

#[test]
fn administrators_are_rescued_from_the_shell() {
    let house = House::set_up();
    let listed = house.done(&["admin", "list"]);
    assert!(
        listed.starts_with(
            "sunniva@tarnholm.example  Administrator, Provider administrator of Tarnholm IT, active"
        ),
        "{listed}"
    );
    let user = ["--user", "Sunniva@tarnholm.example"];
    let reset = [&["admin", "reset-password"], &user[..], &["--password-stdin"]].concat();
    assert!(!house.told(&reset, "short\n").status.success());
    assert!(house.told(&reset, "another harbour lantern 8\n").status.success());
    house.done(&[&["admin", "end-sessions"], &user[..]].concat());
    #[expect(clippy::disallowed_methods, reason = "tests look behind the program's back")]
    let store = rusqlite::Connection::open(house.data().join("portico.db")).unwrap();
    let said: i64 = store
        .query_row(
            "SELECT count(*) FROM audit_log WHERE via = 'shell' AND user_id IS NULL
                      AND action IN ('user.password_changed', 'user.sign_ins_ended')",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(said, 2);
}

#[test]
fn the_description_of_the_api_is_printed_without_a_store() {
    let house = House::new();
    let printed: serde_json::Value = serde_json::from_str(&house.done(&["openapi"])).unwrap();
    assert_eq!(printed, portico::openapi::document());
    assert!(!house.data().exists());
}

#[test]
fn the_listener_may_speak_tls_and_is_asked_so() {
    let house = House::new();
    let made = rcgen::generate_simple_self_signed(vec!["portico.example".to_owned()]).unwrap();
    let (cert, key) = (text(&house.path("cert.pem")), text(&house.path("key.pem")));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = ["--tls-cert", &cert, "--tls-key", &key];
    let server = house.serve_with(&tls);
    assert!(server.at.starts_with("https://"), "{}", server.at);
    let ask = ["healthcheck", "--listen", server.address()];
    assert_eq!(house.done(&[&ask[..], &tls].concat()), "ok\n");
    assert!(!house.run(&ask).status.success(), "plain HTTP is not spoken there");
    let half = house.refused(&[&ask[..], &tls[..2]].concat());
    assert!(
        half.contains("PORTICO_TLS_CERT and PORTICO_TLS_KEY are set both or neither"),
        "{half}"
    );
}

#[test]
fn config_shows_what_the_settings_page_says_and_no_secret() {
    let house = House::set_up();
    #[expect(clippy::disallowed_methods, reason = "tests look behind the program's back")]
    let store = rusqlite::Connection::open(house.data().join("portico.db")).unwrap();
    store
        .execute_batch(
            "INSERT INTO settings (key, value, changed_at) VALUES
               ('mail_host', 'smtp.tarnholm.example', ''), ('mail_password', 'sealed-thing', ''),
               ('base_url', 'https://portico.tarnholm.example', '')",
        )
        .unwrap();
    let says = |shown: &str, key: &str, end: &str| {
        let found = shown.lines().find(|line| line.split(' ').next() == Some(key));
        assert!(found.is_some_and(|line| line.ends_with(end)), "{key} {end}: {shown}");
    };
    let shown = house.done(&["config"]);
    says(&shown, "mail_host", "  smtp.tarnholm.example  [settings page]");
    says(&shown, "mail_port", "  587  [default]");
    says(&shown, "mail_password", "  set  [settings page]");
    says(&shown, "base_url", "  https://portico.tarnholm.example  [settings page]");
    assert!(!shown.contains("sealed-thing"), "{shown}");
    let mut command = house.command(&["config"]);
    let output = command.env("PORTICO_BASE_URL", "https://other.example").output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    says(&shown, "PORTICO_BASE_URL", "[env]");
    assert!(!shown.contains("portico.tarnholm.example"), "what holds is shown: {shown}");
}
