//! The program is killed at random moments under load. `CRASH_ROUNDS` and `CRASH_SEED` ask for more
//! than the ordinary 50 rounds and for others.

use crate::hook::{Call, Hook};
use crate::live::{Live, folder, verb};
use parking_lot::Mutex;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

/// A write as it was sent, and the number it was answered with; none if no answer came.
struct Sent {
    target: String,
    body: Value,
    key: String,
    id: Option<i64>,
}

/// The order of numbers that a seed gives.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Sends a write once; whether the server is still there.
fn send(
    live: &Live,
    token: &str,
    sent: &Mutex<Vec<Sent>>,
    write: (String, Value, String),
) -> Option<i64> {
    let (target, body, key) = write;
    let heard = live.ask("POST", &target, token, Some(&body), &[("Idempotency-Key", &key)]);
    let id = heard.map(|heard| {
        assert!((200..300).contains(&heard.status), "{target}: {} {}", heard.status, heard.body);
        heard.json()["id"].as_i64().unwrap()
    });
    sent.lock().push(Sent { target, body, key, id });
    id
}

fn customer(name: &str) -> Value {
    json!({
        "parent_id": 1, "name": name, "domain": format!("{name}.example"),
        "contact_name": "Ada", "contact_email": format!("ada@{name}.example"),
    })
}

/// Customers, or users and what they are given, until the server is gone.
fn load(live: &Live, token: &str, sent: &Mutex<Vec<Sent>>, home: i64, round: u64, thread: u64) {
    for n in 0.. {
        let name = format!("n{round}x{thread}x{n}");
        if thread == 0 {
            let write = ("/api/v1/customers".to_owned(), customer(&name), name);
            if send(live, token, sent, write).is_none() {
                return;
            }
            continue;
        }
        let body = json!({ "first_name": name, "last_name": "Tolliver" });
        let write = (format!("/api/v1/customers/{home}/users"), body, name.clone());
        let Some(user) = send(live, token, sent, write) else { return };
        let body = json!({ "service": "workplace", "plan": "STD" });
        let write = (format!("/api/v1/users/{user}/services"), body, format!("{name}-give"));
        if send(live, token, sent, write).is_none() {
            return;
        }
    }
}

/// A store with a customer whose users may have a service that a webhook provides.
fn prepare(data: &Path, hook: &Hook) -> (String, i64) {
    let data = data.to_str().unwrap();
    let init = [
        "init",
        "--data",
        data,
        "--organisation",
        "Tarnholm IT",
        "--admin-email",
        "sunniva@tarnholm.example",
        "--password-stdin",
    ];
    assert_eq!(verb(&init, "quiet harbour lantern 7\n").0, 0);
    let line =
        ["token", "create", "--data", data, "--user", "sunniva@tarnholm.example", "--name", "load"];
    let token = verb(&line, "").1.trim().to_owned();
    let live = Live::serve(Path::new(data), &[]);
    let ask = |method: &str, path: &str, body: Value| {
        let heard = live.ask(method, &format!("/api/v1{path}"), &token, Some(&body), &[]).unwrap();
        assert!((200..300).contains(&heard.status), "{path}: {}", heard.body);
        if heard.body.is_empty() { 0 } else { heard.json()["id"].as_i64().unwrap_or(0) }
    };
    let hook = ask(
        "POST",
        "/connectors",
        json!({ "kind": "webhook", "name": "Desk", "url": hook.url, "networks": ["127.0.0.0/8"] }),
    );
    ask(
        "POST",
        "/services",
        json!({ "code": "workplace", "name": "Managed workplace", "kind": "user" }),
    );
    ask(
        "POST",
        "/services/workplace/plans",
        json!({ "code": "STD", "name": "Standard", "price": "18.00" }),
    );
    ask("PUT", "/services/workplace/rules", json!({ "connectors": [hook], "on_error": "stop" }));
    ask("POST", "/services/workplace/activate", json!({}));
    let home = ask("POST", "/customers", customer("aldermoor"));
    ask("POST", &format!("/customers/{home}/services"), json!({ "service": "workplace" }));
    assert!(live.stop().success());
    (token, home)
}

/// One number from the store, which may be served meanwhile.
fn count(data: &Path, query: &str) -> i64 {
    #[expect(clippy::disallowed_methods, reason = "tests look behind the program's back")]
    let sql = Connection::open(data.join("portico.db")).unwrap();
    sql.busy_timeout(Duration::from_secs(5)).unwrap();
    sql.query_row(query, [], |row| row.get(0)).unwrap()
}

const OPEN: &str =
    "SELECT count(*) FROM requests WHERE status NOT IN ('done', 'failed', 'cancelled')";

/// Until all work has ended, where what was stopped too often is taken up again once.
fn settle(live: &Live, token: &str, data: &Path) {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let failed = live.get("/api/v1/requests?status=failed", token).expect(200).json();
        let failed = failed["items"].as_array().unwrap();
        for request in failed {
            assert_eq!(
                request["reason"].as_str().map(|text| text.contains("interruptions")),
                Some(true),
                "{request}"
            );
            let retry = format!("/api/v1/requests/{}/retry", request["id"]);
            live.post(&retry, token, &json!({})).expect(202);
        }
        if failed.is_empty() && count(data, OPEN) == 0 {
            return;
        }
        assert!(Instant::now() < end, "{} requests are still open", count(data, OPEN));
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// One effect for each key, and one key for each effect.
fn check_calls(calls: &[Call]) {
    let mut by_key: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut by_effect: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for call in calls {
        let effect = format!(
            "{} {} {}",
            call.header("portico-event"),
            call.body["user"]["id"],
            call.body["service"]["id"]
        );
        by_key.entry(call.key()).or_default().insert(effect.clone());
        by_effect.entry(effect).or_default().insert(call.key());
    }
    assert!(!by_key.is_empty());
    for (key, effects) in by_key {
        assert_eq!(effects.len(), 1, "{key}: {effects:?}");
    }
    for (effect, keys) in by_effect {
        assert_eq!(keys.len(), 1, "{effect}: {keys:?}");
    }
}

#[test]
fn killed_at_any_moment_it_keeps_what_it_said_and_does_nothing_twice() {
    let (_folder, data) = folder();
    let hook = Hook::start();
    let (token, home) = prepare(&data, &hook);
    let (rounds, seed) = (number("CRASH_ROUNDS", 50), number("CRASH_SEED", 20_260_310));
    let mut dice = Dice(seed.max(1));
    let sent = Mutex::new(Vec::new());
    for round in 0..rounds {
        let live = Live::serve(&data, &[]);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (live, token, sent) = (&live, &token, &sent);
                scope.spawn(move || load(live, token, sent, home, round, thread));
            }
            std::thread::sleep(Duration::from_millis(50 + dice.below(201)));
            live.strike();
        });
    }

    let mut live = Live::serve(&data, &[]);
    let sent = sent.into_inner();
    let acknowledged = sent.iter().filter(|write| write.id.is_some()).count();
    assert!(acknowledged > 100, "{acknowledged} writes are no load");
    let mut kept = BTreeMap::new();
    for (n, write) in sent.iter().enumerate() {
        // So that it forgets how much this token has asked for.
        if n % 250 == 249 {
            live.kill();
            live = Live::serve(&data, &[]);
        }
        let headers = [("Idempotency-Key", write.key.as_str())];
        let heard = live.ask("POST", &write.target, &token, Some(&write.body), &headers).unwrap();
        assert!((200..300).contains(&heard.status), "seed {seed}: {} {}", write.key, heard.body);
        let id = heard.json()["id"].as_i64().unwrap();
        if let Some(said) = write.id {
            assert_eq!(
                (id, heard.header("idempotency-replayed")),
                (said, "true"),
                "seed {seed}: {}",
                write.key
            );
        }
        kept.insert(write.key.clone(), (write.target.clone(), id));
    }
    settle(&live, &token, &data);
    for (key, (target, id)) in &kept {
        let found = if target == "/api/v1/customers" {
            format!("SELECT count(*) FROM customers WHERE id = {id} AND name = '{key}'")
        } else if target.ends_with("/users") {
            format!("SELECT count(*) FROM users WHERE id = {id} AND first_name = '{key}'")
        } else {
            let user =
                target.trim_matches(|c: char| !c.is_ascii_digit()).rsplit('/').next().unwrap();
            format!(
                "SELECT count(*) FROM user_services WHERE id = {id} AND user_id = {user} AND live = 'on'"
            )
        };
        assert_eq!(count(&data, &found), 1, "seed {seed}: {key} of {target} is {id}");
    }
    let of = |end: &str| {
        i64::try_from(kept.values().filter(|(target, _)| target.ends_with(end)).count()).unwrap()
    };
    let all = |table: &str| count(&data, &format!("SELECT count(*) FROM {table}"));
    assert_eq!(
        all("customers"),
        of("/customers") + 2,
        "the provider and its first customer besides"
    );
    assert_eq!(all("users"), of("/users") + 1, "the administrator besides");
    assert_eq!(all("user_services"), of("/services"));
    assert_eq!(
        all(
            "usage WHERE used > 0 AND meter = 'seats' AND holder_id = 2 AND used <> (SELECT count(*) FROM user_services)"
        ),
        0
    );
    check_calls(&hook.calls());
    for (kind, table) in [("user_service", "user_services"), ("user", "users")] {
        // The administrator was there before there was anything to bill.
        let wrong = format!(
            "{table} AS it WHERE NOT ('{kind}' = 'user' AND id = 1) AND 1 <> (SELECT count(*) FROM ledger_spans
               WHERE kind = '{kind}' AND subject_id = it.id AND ends_at = '9999')"
        );
        assert_eq!(all(&wrong), 0, "{kind}");
        let open = format!(
            "ledger_spans WHERE kind = '{kind}' AND ends_at = '9999' AND subject_id NOT IN (SELECT id FROM {table})"
        );
        assert_eq!(all(&open), 0, "{kind}");
    }
    assert!(live.stop().success());
    let (exit, said, _) = verb(&["doctor", "--data", data.to_str().unwrap()], "");
    assert!(exit <= 1 && !said.lines().any(|line| line.starts_with("fail")), "{said}");
}
