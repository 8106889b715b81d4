//! The engine with a real Active Directory: answers that come too late, and removals that overtake.

use crate::engine::{Gate, Sink, answer};
use crate::peers::{Scene, samba};
use crate::world::PROVIDER;
use parking_lot::Mutex;
use portico::db::{By, Via};
use portico::drivers::ldap::filter::Filter;
use portico::drivers::ldap::session::{At, Depth, Entry};
use portico::engine::{self, Class, How, NewRequest, NewStep, OnError};
use portico::events;
use portico::ledger::Source;
use serde_json::json;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

#[track_caller]
fn until(what: &str, is: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// All of the domain with that user name.
fn called(scene: &Scene, name: &str) -> Vec<Entry> {
    let at = At::Named(crate::peers::dn(scene.peer.base));
    let filter = Filter::is("sAMAccountName", name);
    let mut session = scene.peer.session();
    session.search(&at, Depth::Everything, &filter, &["cn", "objectGUID"], 5).unwrap()
}

/// Stands between Portico and the directory, and looks at each answer before it is passed on.
struct Between {
    at: String,
    open: Arc<AtomicUsize>,
}

impl Between {
    fn new(to: &'static str, look: impl Fn() + Send + Sync + 'static) -> Between {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let (open, look) = (Arc::new(AtomicUsize::new(0)), Arc::new(look));
        let count = open.clone();
        std::thread::spawn(move || {
            for near in listener.incoming() {
                let (Ok(near), Ok(far)) = (near, TcpStream::connect(to)) else { continue };
                count.fetch_add(1, Ordering::SeqCst);
                let (up, down) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                std::thread::spawn(move || carry(up, far, || {}));
                let (look, count) = (look.clone(), count.clone());
                std::thread::spawn(move || {
                    carry(down, near, || look());
                    count.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Between { at, open }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, look: impl Fn()) {
    let mut bytes = [0; 16_384];
    while let Ok(n @ 1..) = from.read(&mut bytes) {
        look();
        if to.write_all(&bytes[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
    let _ = from.shutdown(std::net::Shutdown::Both);
}

#[test]
fn p_42_a_late_answer_is_discarded_and_the_next_attempt_finds_the_account_by_its_mark() {
    let (gate, held) = (Gate::default(), Arc::new(AtomicBool::new(false)));
    // The first answer after the account is there is kept back; whose it is, is known later.
    let name: Arc<Mutex<String>> = Arc::default();
    let session = Mutex::new(samba().session());
    let (wanted, stop, caught) = (name.clone(), gate.clone(), held.clone());
    let between = Between::new(samba().host, move || {
        let name = wanted.lock().clone();
        if name.is_empty() || caught.load(Ordering::SeqCst) {
            return;
        }
        let (at, filter) = (crate::peers::dn(samba().base), Filter::is("sAMAccountName", &name));
        let found =
            session.lock().search(&At::Named(at), Depth::Everything, &filter, &["cn"], 1).unwrap();
        if !found.is_empty() && !caught.swap(true, Ordering::SeqCst) {
            stop.pass();
        }
    });
    let host = between.at.clone();
    let scene = Scene::told(samba(), &move |body| body["hosts"] = json!([host]));
    let world = &scene.world;
    let customer = scene.customer(PROVIDER, "Brightwater");
    let user = scene.user(customer, "Theo Vane", "theo");
    let account = world.text(&format!("SELECT username FROM users WHERE id = {user}"));
    *name.lock() = account.clone();
    let step = NewStep {
        key: "account".into(),
        title: "Make the account".into(),
        action: engine::Action::DirUserEnsure,
        connector: None,
        params: json!({}),
        on_error: OnError::Stop,
        how: How::default(),
    };
    let new = NewRequest {
        customer,
        event: "customer.provision",
        user: Some(user),
        customer_service: None,
        user_service: None,
        title: "Work".into(),
        class: Class::Interactive,
        source: Source::Page,
        after: None,
        parent: None,
        preview: None,
        run: None,
        by: None,
        steps: vec![step],
    };
    let running = engine::start(world.app.clone(), events::EVENTS).unwrap();
    let id = world.app.db.write(By::portico(Via::Shell), |tx| engine::accept(tx, new)).unwrap();
    until("the account is made and its answer kept back", || held.load(Ordering::SeqCst));
    assert_eq!(world.count("SELECT count(*) FROM bindings WHERE class = 'user'"), 0);
    world.later(600);
    running.nudge();
    until("the lease has run out", || {
        world.count("SELECT count(*) FROM step_attempts WHERE ended_at IS NOT NULL") == 1
    });
    world.later(60);
    running.nudge();
    let status = || world.text(&format!("SELECT status FROM requests WHERE id = {id}"));
    until("the second attempt is done", || status() == "done");
    let outputs = || {
        world.texts(
            "SELECT attempts || ' ' || status || ' ' || outputs || ' ' || (SELECT group_concat(outcome) FROM step_attempts) FROM steps",
        )
    };
    let (before, bound) =
        (outputs(), world.texts("SELECT object || dn || subject FROM bindings ORDER BY id"));
    gate.opens();
    until("the first one has hung up", || between.open.load(Ordering::SeqCst) == 0);
    running.stop();
    assert_eq!(outputs(), before, "the late answer changes nothing");
    assert!(before[0].starts_with("2 done") && before[0].contains("retry,"), "{before:?}");
    assert_eq!(world.texts("SELECT object || dn || subject FROM bindings ORDER BY id"), bound);
    let found = called(&scene, &account);
    assert_eq!(found.len(), 1);
    let guid = portico::drivers::ldap::ad::guid(&found[0].bytes("objectGUID")[0]).unwrap();
    assert!(before[0].contains(&guid), "{before:?}");
    let ended = "SELECT count(*) FROM audit_log WHERE action = 'request.done'";
    assert_eq!(world.count(&format!("{ended} AND subject_id = {id}")), 1);
}

#[test]
fn p_28_a_removal_ordered_while_it_is_being_made_leaves_nothing() {
    let gate = Gate::default();
    let own = gate.clone();
    let sink = Sink::with(move |_, _| {
        own.pass();
        answer(200, "{}")
    });
    let scene = Scene::new(samba());
    let world = &scene.world;
    let hook = world.webhook("Desk", &sink.url()).0;
    let admin = scene.admin();
    let service = json!({ "code": "vpn", "name": "VPN access", "kind": "user" });
    admin.api_post("/services", service).expect(201);
    let plan = json!({ "code": "STD", "name": "Standard", "price": "1.00" });
    admin.api_post("/services/vpn/plans", plan).expect(201);
    let group = format!("g{}", scene.base.first().unwrap().value());
    let rule = |event: &str, position: i64, action: &str, params: serde_json::Value| {
        let mut rule = json!({
            "service": "vpn", "event": format!("user_service.{event}"), "key": format!("s{position}"),
            "position": position, "action": action, "params": params,
        });
        if action == "webhook.send" {
            rule["connector_id"] = json!(hook);
        }
        admin.api_post("/rules", rule).expect(201);
    };
    rule("provision", 1, "dir.user_ensure", json!({}));
    rule("provision", 2, "webhook.send", json!({}));
    rule("provision", 3, "dir.group_ensure", json!({ "name": group }));
    rule("provision", 4, "dir.member_add", json!({ "group": group }));
    rule("deprovision", 1, "dir.member_remove", json!({ "group": group }));
    rule("deprovision", 2, "dir.group_remove", json!({ "group": group }));
    rule("deprovision", 3, "dir.user_delete", json!({}));
    admin.api_post("/services/vpn/activate", json!({})).expect(200);
    let customer = scene.customer(PROVIDER, "Brightwater");
    let user = scene.user(customer, "Theo Vane", "theo");
    let account = world.text(&format!("SELECT username FROM users WHERE id = {user}"));
    let services = format!("/customers/{customer}/services");
    admin.api_post(&services, json!({ "service": "vpn" })).expect(202);
    let running = engine::start(world.app.clone(), events::EVENTS).unwrap();
    let given = json!({ "service": "vpn", "plan": "STD" });
    let given = admin.api_post(&format!("/users/{user}/services"), given).expect(202);
    let first = given.json()["request_id"].as_i64().unwrap();
    until("the account is there and the next step in hand", || sink.hits().len() == 1);
    assert_eq!(called(&scene, &account).len(), 1);
    let removed = admin.api_delete(&format!("/users/{user}/services/{}", given.id())).expect(202);
    let second = removed.json()["request_id"].as_i64().unwrap();
    let status = |id: i64| world.text(&format!("SELECT status FROM requests WHERE id = {id}"));
    assert_eq!((status(first).as_str(), status(second).as_str()), ("running", "queued"));
    gate.opens();
    until("both have ended", || status(first) == "cancelled" && status(second) == "done");
    running.stop();
    assert_eq!(called(&scene, &account).len(), 0, "what was made is gone");
    assert_eq!(called(&scene, &group).len(), 0, "nothing was made afterwards");
    assert_eq!(world.count("SELECT count(*) FROM bindings WHERE class IN ('user', 'group')"), 0);
    let steps = format!("SELECT group_concat(status) FROM steps WHERE request_id = {first}");
    assert_eq!(world.text(&steps), "done,done,pending,pending");
    assert_eq!(world.text("SELECT wanted || live FROM user_services"), "gonegone");
    assert_eq!(world.count("SELECT count(*) FROM ledger WHERE kind = 'user_service'"), 0);
    assert_eq!(world.count("SELECT coalesce(max(used), 0) FROM usage WHERE meter = 'seats'"), 0);
}
