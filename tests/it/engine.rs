//! Requests run by the engine, through real scripts and a real webhook on this machine.

use crate::world::{PROVIDER, World};
use parking_lot::{Condvar, Mutex};
use portico::audit;
use portico::db::{By, Read, Via, Write};
use portico::engine::{
    self, Action, Class, Document, Event, Handle, Job, NewRequest, NewStep, OnError, Overtaken,
    Settled,
};
use portico::error::Result;
use portico::ids::{ConnectorId, CustomerId, CustomerServiceId, RequestId, UserId, UserServiceId};
use portico::ledger::Source;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The subjects as these tests describe them, and a trace of every end.
pub static EVENTS: &[Event] = &[
    Event { name: "user_service.provision", document, settle, undone: false, release: engine::go },
    Event { name: "user_service.update", document, settle, undone: false, release: engine::go },
    Event {
        name: "customer_service.provision",
        document,
        settle,
        undone: false,
        release: engine::go,
    },
    Event { name: "customer_service.update", document, settle, undone: false, release: engine::go },
    Event { name: "customer.disable", document, settle, undone: false, release: engine::go },
];

pub fn document(db: &Read, job: &Job) -> Result<Document> {
    let user = match job.user {
        Some(user) => {
            json!({ "id": user, "upn": db.value::<String>("SELECT upn FROM users WHERE id = ?1", [user])? })
        }
        None => Value::Null,
    };
    let code: String = db.value("SELECT code FROM customers WHERE id = ?1", [job.customer])?;
    Ok(Document {
        customer: json!({ "id": job.customer, "code": code }),
        user,
        ..Document::default()
    })
}

pub fn settle(tx: &Write, settled: &Settled) -> Result<()> {
    let detail =
        json!({ "end": settled.end, "reason": settled.reason, "outputs": settled.outputs });
    audit::record(
        tx,
        "test.settled",
        ("request", settled.job.request.0),
        settled.job.customer,
        &detail,
    )
}

/// A call that came in at the sink.
#[derive(Clone, Debug)]
pub struct Hit {
    pub key: String,
    attempt: String,
    /// Where it may be answered later; empty if nowhere.
    pub callback: String,
    pub body: Value,
    pub began: Instant,
    pub ended: Option<Instant>,
}

pub type Reply = dyn Fn(&Hit, usize) -> (u16, String, String) + Send + Sync;

/// A webhook's other end: what it answers is given; what it sees is kept.
pub struct Sink {
    port: u16,
    hits: Arc<Mutex<Vec<Hit>>>,
    /// Calls that are not answered yet, and the most there were at once.
    pub open: Arc<AtomicUsize>,
    pub most: Arc<AtomicUsize>,
}

/// What calls wait at until it is opened, or until they are let through one by one.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<usize>, Condvar)>);

impl Gate {
    /// Lets so many more through.
    pub fn lets(&self, more: usize) {
        let mut left = self.0.0.lock();
        *left = left.saturating_add(more);
        self.0.1.notify_all();
    }

    pub fn opens(&self) {
        self.lets(usize::MAX / 2);
    }

    pub fn pass(&self) {
        let mut left = self.0.0.lock();
        while *left == 0 {
            self.0.1.wait(&mut left);
        }
        *left -= 1;
    }
}

impl Sink {
    pub fn with(
        reply: impl Fn(&Hit, usize) -> (u16, String, String) + Send + Sync + 'static,
    ) -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let sink = Sink { port, hits: Arc::default(), open: Arc::default(), most: Arc::default() };
        let (hits, open, most, reply): (_, _, _, Arc<Reply>) =
            (sink.hits.clone(), sink.open.clone(), sink.most.clone(), Arc::new(reply));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { break };
                let (hits, open, most, reply) =
                    (hits.clone(), open.clone(), most.clone(), reply.clone());
                std::thread::spawn(move || serve(stream, &hits, (&open, &most), &*reply));
            }
        });
        sink
    }

    pub fn ok() -> Sink {
        Sink::with(|_, _| answer(200, "{}"))
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    pub fn hits(&self) -> Vec<Hit> {
        self.hits.lock().clone()
    }
}

pub fn answer(status: u16, body: &str) -> (u16, String, String) {
    (status, String::new(), body.to_owned())
}

fn serve(
    mut stream: TcpStream,
    hits: &Mutex<Vec<Hit>>,
    counts: (&AtomicUsize, &AtomicUsize),
    reply: &Reply,
) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.trim().split_once(": ") {
            headers.insert(name.to_lowercase(), value.to_owned());
        }
    }
    let Some(length) = headers.get("content-length") else { return };
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    let hit = Hit {
        key: headers["idempotency-key"].clone(),
        attempt: headers["portico-attempt"].clone(),
        callback: headers.get("portico-callback").cloned().unwrap_or_default(),
        body: serde_json::from_slice(&body).unwrap(),
        began: Instant::now(),
        ended: None,
    };
    let place = {
        let mut hits = hits.lock();
        hits.push(hit.clone());
        hits.len() - 1
    };
    counts.1.fetch_max(counts.0.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    let before = hits.lock().iter().take(place).filter(|other| other.key == hit.key).count();
    let (status, headers, text) = reply(&hit, before);
    counts.0.fetch_sub(1, Ordering::SeqCst);
    hits.lock()[place].ended = Some(Instant::now());
    let length = text.len();
    let _gone = stream.write_all(
        format!("HTTP/1.1 {status} So\r\nContent-Length: {length}\r\n{headers}\r\n{text}")
            .as_bytes(),
    );
}

/// A world with a service, and short words for ordering it.
pub struct Stage {
    pub world: World,
    service: i64,
    plan: i64,
}

impl Stage {
    pub fn new() -> Stage {
        let world = World::new();
        let sql = world.sql();
        sql.execute_batch(
            "INSERT INTO services (id, code, name, kind, state, created_at, changed_at) VALUES (900, 'desk', 'Desk', 'user', 'active', '', '');
             INSERT INTO plans (id, service_id, level, code, name) VALUES (900, 900, 'user', 'standard', 'Standard');",
        )
        .unwrap();
        drop(sql);
        Stage { world, service: 900, plan: 900 }
    }

    pub fn start(&self) -> Handle {
        engine::start(self.world.app.clone(), EVENTS).unwrap()
    }

    pub fn customer(&self, name: &str) -> (CustomerId, CustomerServiceId) {
        let customer = self.world.customer(PROVIDER, name);
        let held = self
            .world
            .sql()
            .query_row(
                "INSERT INTO customer_services (customer_id, service_id, created_at) VALUES (?1, ?2, '') RETURNING id",
                (customer, self.service),
                |r| r.get(0),
            )
            .unwrap();
        (customer, held)
    }

    pub fn user(
        &self,
        of: (CustomerId, CustomerServiceId),
        local: &str,
    ) -> (UserId, UserServiceId) {
        let user = self.world.user(of.0, local, local);
        let held = self
            .world
            .sql()
            .query_row(
                "INSERT INTO user_services (customer_id, user_id, customer_service_id, service_id, plan_id, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, '') RETURNING id",
                (of.0, user, of.1, self.service, self.plan),
                |r| r.get(0),
            )
            .unwrap();
        (user, held)
    }

    pub fn webhook(&self, name: &str, url: &str) -> ConnectorId {
        self.world.webhook(name, url)
    }

    pub fn script(&self, name: &str, text: &str, more: &str, secrets: Option<&str>) -> ConnectorId {
        self.world.script(name, text, more, secrets)
    }

    pub fn order(&self, new: NewRequest) -> RequestId {
        self.world.app.db.write(By::portico(Via::Shell), |tx| engine::accept(tx, new)).unwrap()
    }

    /// The steps given, for a user's service.
    pub fn give(
        &self,
        of: (CustomerId, CustomerServiceId),
        user: (UserId, UserServiceId),
        steps: Vec<NewStep>,
    ) -> RequestId {
        self.order(request(of, Some(user), Class::Interactive, steps))
    }

    pub fn status(&self, id: RequestId) -> String {
        self.world.text(&format!("SELECT status FROM requests WHERE id = {id}"))
    }

    pub fn reason(&self, id: RequestId) -> String {
        self.world.text(&format!("SELECT reason FROM requests WHERE id = {id}"))
    }

    #[track_caller]
    pub fn until(&self, what: &str, condition: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !condition() {
            assert!(Instant::now() < end, "waited in vain until {what}: {:?}", self.all());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[track_caller]
    pub fn ends(&self, id: RequestId, status: &str) {
        self.until(&format!("{id} is {status}"), || self.status(id) == status);
    }

    pub fn all(&self) -> Vec<String> {
        let sql = self.world.sql();
        let mut rows = sql
            .prepare(
                "SELECT r.id || ' ' || r.status || ' ' || turn || ' ' || r.reason || ' ' || r.next_at || ' ' ||
                        coalesce((SELECT group_concat(s.status || ':' || s.attempts || ':' || s.error) FROM steps s WHERE s.request_id = r.id), '')
                   FROM requests r ORDER BY r.id LIMIT 30",
            )
            .unwrap();
        rows.query_map([], |r| r.get(0)).unwrap().map(|r| r.unwrap()).collect()
    }
}

pub fn request(
    (customer, service): (CustomerId, CustomerServiceId),
    user: Option<(UserId, UserServiceId)>,
    class: Class,
    steps: Vec<NewStep>,
) -> NewRequest {
    NewRequest {
        customer,
        event: if user.is_some() { "user_service.provision" } else { "customer_service.provision" },
        user: user.map(|user| user.0),
        customer_service: Some(service),
        user_service: user.map(|user| user.1),
        title: "Give Desk".into(),
        class,
        source: Source::Page,
        after: None,
        parent: None,
        preview: None,
        run: None,
        by: None,
        steps,
    }
}

pub fn post(connector: ConnectorId) -> NewStep {
    NewStep {
        key: "post".into(),
        title: "Tell the desk".into(),
        action: Action::WebhookSend,
        connector: Some(connector),
        params: json!({}),
        on_error: OnError::Stop,
        how: engine::How::default(),
    }
}

pub fn run(connector: ConnectorId) -> NewStep {
    NewStep {
        key: "run".into(),
        title: "Run it".into(),
        action: Action::ScriptRun,
        ..post(connector)
    }
}

#[test]
fn a_request_is_tried_again_and_done() {
    let stage = Stage::new();
    let sink = Sink::with(|_, before| {
        if before == 0 {
            answer(503, "{\"title\":\"Not now\"}")
        } else {
            answer(200, "{\"outputs\":{\"number\":7}}")
        }
    });
    let desk = stage.webhook("Desk", &sink.url());
    let of = stage.customer("Aldermoor");
    let ann = stage.user(of, "ann");
    let engine = stage.start();
    let id = stage.give(of, ann, vec![post(desk), NewStep { key: "again".into(), ..post(desk) }]);
    stage.until("it sleeps", || stage.world.text("SELECT turn FROM requests") == "sleeping");
    assert_eq!(stage.status(id), "running");
    assert!(stage.world.text("SELECT error FROM steps").contains("503: Not now"));
    let wait = stage.world.count("SELECT unixepoch(next_at) - unixepoch(created_at) FROM requests");
    assert!((2..=9).contains(&wait), "{wait}");
    stage.world.later(10);
    engine.nudge();
    stage.until("the second step sleeps", || sink.hits().len() == 3);
    stage.until("it sleeps", || stage.world.text("SELECT turn FROM requests") == "sleeping");
    stage.world.later(10);
    engine.nudge();
    stage.ends(id, "done");
    let hits = sink.hits();
    let keys: Vec<_> = hits.iter().map(|hit| hit.key.as_str()).collect();
    assert_eq!(keys[0], keys[1]);
    assert_eq!(keys[2], keys[3]);
    assert_ne!(keys[0], keys[2]);
    assert!(keys[0].starts_with("portico-") && keys[0].ends_with("-1"), "{keys:?}");
    assert_eq!(
        hits.iter().map(|hit| hit.attempt.as_str()).collect::<Vec<_>>(),
        ["1", "2", "1", "2"]
    );
    assert_eq!(hits[3].body["previous"]["outputs"]["post"]["number"], 7);
    assert_eq!(hits[0].body["user"]["upn"], "ann@aldermoor.example");
    assert_eq!(hits[0].body["verb"], "create");
    let settled: Value = serde_json::from_str(
        &stage.world.text("SELECT detail FROM audit_log WHERE action = 'test.settled'"),
    )
    .unwrap();
    assert_eq!(settled["end"], "done");
    assert_eq!(settled["outputs"]["post"]["number"], 7);
    assert_eq!(
        stage.world.count("SELECT count(*) FROM audit_log WHERE action = 'request.done'"),
        1
    );
    assert_eq!(stage.world.count("SELECT count(*) FROM lanes"), 0);
    engine.stop();
}

#[test]
fn what_is_refused_is_not_tried_again_and_a_retry_goes_on_from_there() {
    let stage = Stage::new();
    let sink = Sink::with(|hit, before| {
        if hit.body["verb"] == "change" && before == 0 {
            answer(422, "{\"title\":\"No licence is left\"}")
        } else {
            answer(200, "{}")
        }
    });
    let desk = stage.webhook("Desk", &sink.url());
    let of = stage.customer("Aldermoor");
    let ann = stage.user(of, "ann");
    let engine = stage.start();
    let change = NewStep {
        params: json!({ "verb": "change" }),
        key: "change".into(),
        title: "Change it".into(),
        ..post(desk)
    };
    let id = stage.give(of, ann, vec![post(desk), change]);
    stage.ends(id, "failed");
    assert_eq!(stage.reason(id), "Change it: It answered 422: No licence is left");
    assert_eq!(sink.hits().len(), 2);
    let admin = stage.world.person(PROVIDER, "Provider administrator");
    let url = format!("/requests/{id}");
    assert!(admin.get(&url).expect(200).says("No licence is left"));
    admin.post(&format!("{url}/retry"), &[]).expect(303);
    stage.ends(id, "done");
    let hits = sink.hits();
    assert_eq!(hits.len(), 3, "the first step is not done again");
    assert_eq!(hits[1].key, hits[2].key);
    admin.api_post(&format!("{url}/retry"), Value::Null).expect(409);
    engine.stop();
}

#[test]
fn what_comes_after_something_that_failed_fails_and_says_so() {
    let stage = Stage::new();
    let sink =
        Sink::with(
            |hit, _| if hit.body["user"].is_null() { answer(400, "{}") } else { answer(200, "{}") },
        );
    let desk = stage.webhook("Desk", &sink.url());
    let of = stage.customer("Aldermoor");
    let first = stage.order(request(of, None, Class::Interactive, vec![post(desk)]));
    let second = stage.order(NewRequest {
        after: Some(first),
        ..request(of, Some(stage.user(of, "ann")), Class::Interactive, vec![post(desk)])
    });
    let engine = stage.start();
    stage.ends(first, "failed");
    stage.ends(second, "failed");
    assert_eq!(
        stage.reason(second),
        format!("This needs “Give Desk”, which failed (request {first}).")
    );
    assert_eq!(sink.hits().len(), 1);
    engine.stop();
}

#[test]
fn a_breaker_opens_spends_no_attempts_and_closes_by_itself() {
    let stage = Stage::new();
    let broken = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let state = broken.clone();
    let sink = Sink::with(move |_, _| {
        if state.load(Ordering::SeqCst) { answer(500, "{}") } else { answer(200, "{}") }
    });
    let (desk, fine) = (stage.webhook("Desk", &sink.url()), Sink::ok());
    let other = stage.webhook("Other", &fine.url());
    let of = stage.customer("Aldermoor");
    let mut all = Vec::new();
    for n in 0..12 {
        all.push(stage.give(of, stage.user(of, &format!("user{n}")), vec![post(desk)]));
    }
    let engine = stage.start();
    stage.until("the breaker opens", || {
        stage.world.count("SELECT count(*) FROM connectors WHERE down_until IS NOT NULL") == 1
    });
    stage.until("nobody is at it", || {
        stage.world.count("SELECT count(*) FROM steps WHERE lease IS NOT NULL") == 0
    });
    let tried = sink.hits().len();
    assert!((5..=8).contains(&tried), "{tried} of 12: at most those in hand are tried besides");
    let quick = stage.give(of, stage.user(of, "quick"), vec![post(other)]);
    stage.ends(quick, "done");
    assert_eq!(sink.hits().len(), tried, "nothing is tried while it is open");
    let admin = stage.world.person(PROVIDER, "Provider administrator");
    let last = *all.last().unwrap();
    assert!(admin.get(&format!("/requests/{last}")).expect(200).says("does not answer"));
    assert_eq!(
        stage.world.count("SELECT count(*) FROM audit_log WHERE action = 'connector.down'"),
        1
    );

    stage.world.later(61);
    engine.nudge();
    stage.until("it is tried once", || sink.hits().len() == tried + 1);
    stage.until("it is down for longer", || {
        stage.world.count("SELECT failures FROM connectors WHERE name = 'Desk'") == 6
    });
    assert_eq!(sink.hits().len(), tried + 1, "one step tries whether it is back");
    let wait =
        stage.world.count("SELECT unixepoch(down_until) FROM connectors WHERE name = 'Desk'")
            - stage.world.now().unix();
    assert!((110..=120).contains(&wait), "{wait}");

    broken.store(false, Ordering::SeqCst);
    stage.world.later(121);
    engine.nudge();
    for id in all {
        stage.ends(id, "done");
    }
    let most: i64 = stage.world.count("SELECT max(attempts) FROM steps");
    assert!(most <= 3, "{most} attempts: waiting spends none");
    assert_eq!(
        stage.world.count("SELECT count(*) FROM audit_log WHERE action = 'connector.up'"),
        1
    );
    engine.stop();
}

#[test]
fn a_killed_process_is_taken_up_with_the_same_key_and_its_late_answer_discarded() {
    let stage = Stage::new();
    let gate = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let opened = gate.clone();
    let sink = Sink::with(move |_, before| {
        if before == 0 {
            while !opened.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(5));
            }
            return answer(200, "{\"outputs\":{\"from\":\"the dead\"}}");
        }
        answer(409, "{\"already\":true,\"outputs\":{\"from\":\"the living\"}}")
    });
    let desk = stage.webhook("Desk", &sink.url());
    let of = stage.customer("Aldermoor");
    let dead = stage.start();
    let id = stage.give(of, stage.user(of, "ann"), vec![post(desk)]);
    stage.until("it is at it", || sink.hits().len() == 1);
    drop(dead);
    let living = stage.start();
    stage.ends(id, "done");
    gate.store(true, Ordering::SeqCst);
    stage.until("the dead one answers", || sink.hits()[0].ended.is_some());
    std::thread::sleep(Duration::from_millis(100));
    let hits = sink.hits();
    assert_eq!(hits.len(), 2);
    assert_eq!(hits[0].key, hits[1].key);
    assert_eq!(stage.world.text("SELECT outputs FROM steps"), "{\"from\":\"the living\"}");
    assert_eq!(
        stage.world.text("SELECT group_concat(outcome) FROM step_attempts"),
        "interrupted,already"
    );
    assert_eq!(stage.world.count("SELECT interruptions FROM steps"), 1);
    assert_eq!(
        stage.world.count("SELECT count(*) FROM audit_log WHERE action = 'test.settled'"),
        1
    );
    living.stop();
}

#[test]
fn the_third_interruption_ends_it() {
    let stage = Stage::new();
    let sink = Sink::with(|_, _| {
        std::thread::sleep(Duration::from_secs(300));
        answer(200, "{}")
    });
    let desk = stage.webhook("Desk", &sink.url());
    let of = stage.customer("Aldermoor");
    let id = stage.give(of, stage.user(of, "ann"), vec![post(desk)]);
    for n in 1..=3 {
        let engine = stage.start();
        stage.until("it is at it", || sink.hits().len() == n);
        drop(engine);
    }
    let engine = stage.start();
    stage.ends(id, "failed");
    assert_eq!(stage.reason(id), "Tell the desk: It was stopped after 3 interruptions.");
    drop(engine);
}

#[test]
fn a_worker_that_does_not_come_back_is_replaced() {
    let stage = Stage::new();
    let gate = Gate::default();
    let held = gate.clone();
    let sink = Sink::with(move |_, before| {
        if before == 0 {
            held.pass();
        }
        answer(200, &format!("{{\"outputs\":{{\"try\":{before}}}}}"))
    });
    let desk = stage.webhook("Desk", &sink.url());
    let of = stage.customer("Aldermoor");
    let engine = stage.start();
    let id = stage.give(of, stage.user(of, "ann"), vec![post(desk)]);
    stage.until("it is at it", || sink.hits().len() == 1);
    stage.world.later(145);
    engine.nudge();
    stage.until("the lease runs out", || {
        stage.world.text("SELECT turn FROM requests") == "sleeping"
    });
    stage.world.later(10);
    engine.nudge();
    stage.ends(id, "done");
    gate.opens();
    stage.until("the late answer is in", || sink.hits()[0].ended.is_some());
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(stage.world.text("SELECT outputs FROM steps"), "{\"try\":1}");
    engine.stop();
}

#[test]
fn scripts_run_with_their_secrets_and_show_none() {
    let stage = Stage::new();
    let text = "call=$(cat)\nsecret=$(printf '%s' \"$call\" | sed 's/.*\"api_key\":\"\\([^\"]*\\)\".*/\\1/')\n\
                echo \"using $secret\" >&2\necho '{\"message\":\"Done\",\"outputs\":{\"mailbox\":\"m1\"}}'\n";
    let it = stage.script(
        "it",
        text,
        "outputs = [\"mailbox\"]\nsecrets = [\"api_key\"]\n",
        Some("{\"api_key\":\"Tr0ub4dor-and-3\"}"),
    );
    let of = stage.customer("Aldermoor");
    let engine = stage.start();
    let id = stage.give(of, stage.user(of, "ann"), vec![run(it)]);
    stage.ends(id, "done");
    assert_eq!(stage.world.text("SELECT queue FROM requests"), "scripts");
    assert_eq!(stage.world.text("SELECT outputs FROM steps"), "{\"mailbox\":\"m1\"}");
    assert_eq!(stage.world.text("SELECT log FROM step_attempts"), "using ***");
    let admin = stage.world.person(PROVIDER, "Provider administrator");
    let page = admin.get(&format!("/requests/{id}")).expect(200);
    assert!(page.says("using ***") && !page.says("Tr0ub4dor"));

    fs::write(stage.world.app.config.scripts.join("it.sh"), "echo '{}'").unwrap();
    let id = stage.give(of, stage.user(of, "bea"), vec![run(it)]);
    stage.ends(id, "failed");
    assert_eq!(stage.reason(id), "Run it: The script it has changed since it was enabled.");
    engine.stop();
}

#[test]
fn a_step_that_may_fail_leaves_a_warning() {
    let stage = Stage::new();
    let sink = Sink::with(|hit, _| {
        if hit.body["verb"] == "change" { answer(400, "{}") } else { answer(200, "{}") }
    });
    let desk = stage.webhook("Desk", &sink.url());
    let of = stage.customer("Aldermoor");
    let engine = stage.start();
    let change =
        NewStep { params: json!({ "verb": "change" }), on_error: OnError::Continue, ..post(desk) };
    let id = stage.give(
        of,
        stage.user(of, "ann"),
        vec![change, NewStep { key: "two".into(), ..post(desk) }],
    );
    stage.ends(id, "done");
    assert_eq!(stage.world.count("SELECT warnings FROM requests"), 1);
    assert_eq!(stage.world.text("SELECT group_concat(status) FROM steps"), "failed,done");
    engine.stop();
}

#[test]
fn nothing_waits_for_ever() {
    let stage = Stage::new();
    let sink = Sink::with(|_, _| answer(500, "{}"));
    let desk = stage.webhook("Desk", &sink.url());
    let of = stage.customer("Aldermoor");
    let engine = stage.start();
    let id = stage.give(of, stage.user(of, "ann"), vec![post(desk)]);
    stage.until("it sleeps", || stage.world.text("SELECT turn FROM requests") == "sleeping");
    for _ in 0..200 {
        if stage.status(id) == "failed" {
            break;
        }
        stage.world.later(1000);
        engine.nudge();
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(stage.reason(id), "Tell the desk: It answered 500");
    assert_eq!(stage.world.count("SELECT attempts FROM steps"), 8);

    let slow = stage.give(of, stage.user(of, "bea"), vec![post(desk)]);
    stage.until("it sleeps", || {
        stage.world.count("SELECT count(*) FROM requests WHERE turn = 'sleeping'") == 1
            || stage.status(slow) == "queued"
    });
    stage.world.later(25 * 3600);
    engine.nudge();
    stage.ends(slow, "failed");
    assert_eq!(stage.reason(slow), "It was not done within 24 hours.");
    engine.stop();
}

#[test]
fn what_a_removal_overtakes_is_taken_back() {
    let stage = Stage::new();
    let gate = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let opened = gate.clone();
    let sink = Sink::with(move |_, _| {
        while !opened.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        answer(200, "{}")
    });
    let desk = stage.webhook("Desk", &sink.url());
    let of = stage.customer("Aldermoor");
    let ann = stage.user(of, "ann");
    let engine = stage.start();
    let running =
        stage.give(of, ann, vec![post(desk), NewStep { key: "two".into(), ..post(desk) }]);
    stage.until("it is at it", || sink.hits().len() == 1);
    let waiting = stage.give(of, ann, vec![post(desk)]);
    stage
        .world
        .app
        .db
        .write(By::portico(Via::Shell), |tx| {
            engine::cancel_open(tx, Overtaken::UserService(ann.1), "Superseded by the removal.")
        })
        .unwrap();
    assert_eq!(stage.status(waiting), "cancelled");
    assert_eq!(stage.status(running), "running");
    gate.store(true, Ordering::SeqCst);
    stage.ends(running, "cancelled");
    assert_eq!(stage.reason(running), "Superseded by the removal.");
    assert_eq!(sink.hits().len(), 1, "the second step is not run");
    engine.stop();
}

#[test]
fn a_paused_queue_starts_nothing_and_says_so() {
    let stage = Stage::new();
    let sink = Sink::ok();
    let desk = stage.webhook("Desk", &sink.url());
    let of = stage.customer("Aldermoor");
    let admin = stage.world.person_named(PROVIDER, "Provider administrator", "Bea Lund", "bea");
    admin.post("/engine/interactive/pause", &[]).expect(303);
    let engine = stage.start();
    let id = stage.give(of, stage.user(of, "ann"), vec![post(desk)]);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(stage.status(id), "queued");
    assert!(admin.get(&format!("/requests/{id}")).says("Queue interactive is paused by Bea Lund"));
    assert!(admin.get("/engine").expect(200).says("Paused"));
    stage.world.later(30 * 3600);
    engine.nudge();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(stage.status(id), "queued", "a pause does not use up its time");
    // The session of the person is over by now.
    let admin = stage.world.sign_in(admin.id);
    admin.post("/engine/interactive/resume", &[]).expect(303);
    stage.ends(id, "done");
    engine.stop();
}

#[test]
fn a_reseller_makes_a_customer_one() {
    let stage = Stage::new();
    let of = stage.customer("Aldermoor");
    let engine = stage.start();
    let flag = NewStep {
        action: Action::Reseller,
        connector: None,
        params: json!({ "on": true }),
        ..post(ConnectorId(0))
    };
    let id = stage.order(request(of, None, Class::Interactive, vec![flag]));
    stage.ends(id, "done");
    assert_eq!(
        stage.world.count(&format!("SELECT reseller FROM customers WHERE id = {}", of.0)),
        1
    );
    engine.stop();
}
