//! The engine with a webhook whose other end only says yes.

use crate::goals::{Goals, short};
use crate::machine::{Times, own_cpu};
use crate::net::{Ask, Client};
use crate::store::{Shape, Store, config, sql};
use portico::db::{By, Db, Read, Via, Write};
use portico::drivers::sign;
use portico::engine::{
    self, Action, Class, Document, Event, Job, NewRequest, NewStep, OnError, Settled,
};
use portico::error::Result;
use portico::ids::{ConnectorId, CustomerId, UserId};
use portico::ledger::Source;
use portico::web::App;
use rusqlite::{Connection, named_params};
use serde_json::json;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const MANY: usize = 100_000;
const FEW: usize = 1_000;
/// Steps of which each measurement is made.
const STEPS: usize = 600;
/// Orders in one transaction.
const BATCH: usize = 200;
const BULK: usize = 5_000;

static EVENTS: &[Event] = &[Event {
    name: "user_service.provision",
    document,
    settle,
    undone: false,
    release: engine::go,
}];

fn document(_: &Read, job: &Job) -> Result<Document> {
    Ok(Document { user: json!({ "id": job.user }), ..Document::default() })
}

fn settle(_: &Write, _: &Settled) -> Result<()> {
    Ok(())
}

pub fn run(goals: &mut Goals) {
    let store = Store::of(Shape::of(110_000));
    let folder = store.copy("engine");
    let people = people(&sql(&folder.join("portico.db")));
    drop(store);
    let sink = Sink::open();
    let connector = connect(&folder, sink.address);

    let (mut bulk, mut plain) = (Times::default(), Times::default());
    let db = Db::open(folder.join("portico.db")).unwrap();
    for _ in 0..3 {
        bulk.take(|| accept(&db, connector, &people[..BULK]));
        clear(&folder);
        plain.take(|| insert(&folder, connector, &people[..BULK]));
        clear(&folder);
    }
    let what = format!(
        "accepting {BULK} requests / plain inserts ({} / {} ms)",
        short(bulk.middle()),
        short(plain.middle())
    );
    goals.at_most(&what, 3.0, "", bulk.middle() / plain.middle());

    let (posts, post_work) = sink.alone();
    let (of_few, few_work) = speed(&folder, &db, connector, &people[..FEW], &sink);
    let (of_many, many_work) = speed(&folder, &db, connector, &people[..MANY], &sink);
    let what = format!(
        "steps through a webhook / bare posts ({} / {} a second)",
        short(of_few),
        short(posts)
    );
    goals.at_least(&what, 0.3, "", of_few / posts);
    let what = format!(
        "processor time of a bare post / of a step ({} / {} us)",
        short(post_work),
        short(few_work)
    );
    goals.at_least(&what, 0.3, "", post_work / few_work);
    let what = format!(
        "a step with {MANY} waiting / with {FEW} ({} / {} ms)",
        short(1e3 / of_many),
        short(1e3 / of_few)
    );
    goals.at_most(&what, 3.0, "", of_few / of_many);
    let what =
        format!("the same in processor time ({} / {} us)", short(many_work), short(few_work));
    goals.at_most(&what, 3.0, "", many_work / few_work);
    let _ = std::fs::remove_dir_all(folder);
}

/// Users with their customers.
fn people(sql: &Connection) -> Vec<(i64, i64)> {
    let mut users =
        sql.prepare("SELECT id, customer_id FROM users WHERE customer_id <> 1").unwrap();
    let rows = users.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(std::result::Result::unwrap).collect()
}

fn connect(folder: &Path, to: SocketAddr) -> ConnectorId {
    let (sql, config) = (sql(&folder.join("portico.db")), config(folder));
    let sealed = config.key.seal("credential 1", &sign::new_secret().unwrap()).unwrap();
    sql.execute(
        "INSERT INTO credentials (id, customer_id, name, sealed, changed_at) VALUES (1, 1, 'Sink', ?1, '')",
        [sealed],
    )
    .unwrap();
    sql.query_row(
        "INSERT INTO connectors (customer_id, kind, name, url, credential_id, networks, time_limit, created_at)
         VALUES (1, 'webhook', 'Sink', ?1, 1, '[\"127.0.0.0/8\"]', 10, '') RETURNING id",
        [format!("http://{to}/hook")],
        |row| row.get(0),
    )
    .unwrap()
}

fn order(connector: ConnectorId, (user, customer): (i64, i64)) -> NewRequest {
    NewRequest {
        customer: CustomerId(customer),
        event: "user_service.provision",
        user: Some(UserId(user)),
        customer_service: None,
        user_service: None,
        title: "Give Managed workplace".to_owned(),
        class: Class::Bulk,
        source: Source::Page,
        after: None,
        parent: None,
        preview: None,
        run: None,
        by: None,
        steps: vec![NewStep {
            key: "tell".to_owned(),
            title: "Tell the other side".to_owned(),
            action: Action::WebhookSend,
            connector: Some(connector),
            params: json!({}),
            on_error: OnError::Stop,
            how: engine::How::default(),
        }],
    }
}

fn accept(db: &Db, connector: ConnectorId, people: &[(i64, i64)]) {
    for batch in people.chunks(BATCH) {
        db.write(By::portico(Via::Shell), |tx| {
            batch.iter().try_for_each(|who| engine::accept(tx, order(connector, *who)).map(drop))
        })
        .unwrap();
    }
}

/// The same rows without the engine.
fn insert(folder: &Path, connector: ConnectorId, people: &[(i64, i64)]) {
    let mut sql = sql(&folder.join("portico.db"));
    sql.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON").unwrap();
    for batch in people.chunks(BATCH) {
        let tx = sql.transaction().unwrap();
        for (user, customer) in batch {
            tx.prepare_cached(
                "INSERT INTO requests (customer_id, event, user_id, title, queue, class, connector_id, source, created_at,
                                       deadline_at, next_at)
                 VALUES (:customer, 'user_service.provision', :user, 'Give Managed workplace', 'bulk', 'bulk', :connector,
                         'page', '2026-01-01T09:00:00Z', '2026-01-02T09:00:00Z', '2026-01-01T09:00:00Z')",
            )
            .unwrap()
            .execute(named_params! { ":customer": customer, ":user": user, ":connector": connector })
            .unwrap();
            tx.prepare_cached(
                "INSERT INTO steps (request_id, seq, key, title, action, connector_id, params, on_error)
                 VALUES (?1, 1, 'tell', 'Tell the other side', 'webhook.send', ?2, '{}', 'stop')",
            )
            .unwrap()
            .execute((tx.last_insert_rowid(), connector))
            .unwrap();
        }
        tx.commit().unwrap();
    }
}

fn clear(folder: &Path) {
    sql(&folder.join("portico.db"))
        .execute_batch(
            "PRAGMA foreign_keys = ON; UPDATE user_services SET last_request_id = NULL WHERE last_request_id IS NOT NULL;
             DELETE FROM requests; DELETE FROM lanes",
        )
        .unwrap();
}

/// Steps a second while so many wait, and the processor time of each in microseconds, that of the
/// other end included.
fn speed(
    folder: &Path,
    db: &Db,
    connector: ConnectorId,
    people: &[(i64, i64)],
    sink: &Sink,
) -> (f64, f64) {
    accept(db, connector, people);
    let app = Arc::new(App::start(config(folder)).unwrap());
    let handle = engine::start(app, EVENTS).unwrap();
    sink.wait_for(50);
    let (began, before) = (Instant::now(), own_cpu());
    sink.wait_for(STEPS);
    let rate = STEPS as f64 / began.elapsed().as_secs_f64();
    let work = (own_cpu() - before).as_secs_f64() * 1e6 / STEPS as f64;
    handle.stop();
    clear(folder);
    (rate, work)
}

/// Answers every post with 200 and counts them.
struct Sink {
    address: SocketAddr,
    hits: Arc<AtomicUsize>,
}

impl Sink {
    fn open() -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let sink = Sink { address: listener.local_addr().unwrap(), hits: Arc::default() };
        let hits = sink.hits.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let hits = hits.clone();
                std::thread::spawn(move || answer(stream, &hits));
            }
        });
        sink
    }

    fn wait_for(&self, more: usize) {
        let until = self.hits.load(Ordering::Relaxed) + more;
        let began = Instant::now();
        while self.hits.load(Ordering::Relaxed) < until {
            assert!(began.elapsed() < Duration::from_secs(120), "the engine stands still");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Posts a second from as many clients as the bulk lane has workers, each on a new connection, as
    /// a webhook is sent; and the processor time of each in microseconds, both ends together.
    fn alone(&self) -> (f64, f64) {
        let body = json!({ "user": { "id": 1 }, "customer": null, "props": {} }).to_string();
        let began = Instant::now();
        let time = Duration::from_secs(3);
        let before = self.hits.load(Ordering::Relaxed);
        let idle = own_cpu();
        std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    while began.elapsed() < time {
                        let mut client = Client::new(self.address, Ipv4Addr::LOCALHOST);
                        assert_eq!(client.ask(&Ask::form("/hook", &body)), 200);
                    }
                });
            }
        });
        let posts = (self.hits.load(Ordering::Relaxed) - before) as f64;
        let work = (own_cpu() - idle).as_secs_f64() * 1e6 / posts;
        (posts / began.elapsed().as_secs_f64(), work)
    }
}

fn answer(stream: TcpStream, hits: &AtomicUsize) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    let mut length = 0;
    while reader.read_line(&mut line).is_ok_and(|count| count > 0) {
        if let Some((name, value)) = line.trim_end().split_once(": ")
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.parse().unwrap();
        }
        if line.trim_end().is_empty() {
            let mut body = vec![0; length];
            if reader.read_exact(&mut body).is_err() {
                return;
            }
            hits.fetch_add(1, Ordering::Relaxed);
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
            if reader.get_mut().write_all(head.as_bytes()).is_err() {
                return;
            }
            length = 0;
        }
        line.clear();
    }
}
