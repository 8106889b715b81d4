//! Requests are cancelled at every point of their life, and plans applied from two windows: state,
//! seat and ledger always say the same.

use crate::assignments::Scene;
use crate::engine::{Gate, Sink, answer};
use crate::world::{PROVIDER, Person, World};
use portico::engine::{self, Handle};
use portico::events;
use portico::ids::UserId;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A service for which a webhook is called twice.
struct Desk {
    scene: Scene,
    sink: Sink,
    gate: Gate,
    /// What the other end answers.
    status: Arc<AtomicU32>,
}

/// Somebody who was given it.
struct Order {
    request: i64,
    held: i64,
    user: UserId,
}

impl Desk {
    fn new() -> Desk {
        let (gate, status) = (Gate::default(), Arc::new(AtomicU32::new(200)));
        let (own, said) = (gate.clone(), status.clone());
        let sink = Sink::with(move |_, _| {
            own.pass();
            answer(u16::try_from(said.load(Ordering::SeqCst)).unwrap(), "{}")
        });
        let scene = Scene::new();
        let hook = scene.world.webhook("Desk", &sink.url()).0;
        let admin = scene.admin();
        for (position, key) in [(11, "one"), (12, "two")] {
            let rule = json!({
                "service": "workplace", "event": "user_service.provision", "key": key,
                "position": position, "action": "webhook.send", "connector_id": hook,
            });
            admin.api_post("/rules", rule).expect(201);
        }
        let mail = json!({
            "service": "workplace", "event": "user_service.suspend", "key": "mail",
            "action": "mail.send", "params": { "to": "a@msp.example", "subject": "x", "text": "x" },
        });
        admin.api_post("/rules", mail).expect(201);
        let services = format!("/customers/{}/services", scene.customer);
        admin.api_post(&services, json!({ "service": "workplace" })).expect(202);
        Desk { scene, sink, gate, status }
    }

    fn world(&self) -> &World {
        &self.scene.world
    }

    fn start(&self) -> Handle {
        engine::start(self.world().app.clone(), events::EVENTS).unwrap()
    }

    fn give(&self, admin: &Person, local: &str) -> Order {
        let user = self.scene.user(local);
        let body = json!({ "service": "workplace", "plan": "standard" });
        let given = admin.api_post(&format!("/users/{user}/services"), body).expect(202);
        Order { request: given.json()["request_id"].as_i64().unwrap(), held: given.id(), user }
    }

    fn status(&self, order: &Order) -> String {
        self.world().text(&format!("SELECT status FROM requests WHERE id = {}", order.request))
    }

    fn cancel(&self, admin: &Person, order: &Order) -> u16 {
        admin.api_post(&format!("/requests/{}/cancel", order.request), Value::Null).status
    }

    #[track_caller]
    fn until(&self, what: &str, is: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !is() {
            let all = "SELECT id || ' ' || status || ' ' || turn || ' ' || reason FROM requests";
            assert!(
                Instant::now() < end,
                "waited in vain until {what}: {:?}",
                self.world().texts(all)
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    fn ends(&self, order: &Order, status: &str) {
        self.until(&format!("it is {status}"), || self.status(order) == status);
    }

    /// Of one: wanted, live, rows of the ledger; and that all seats are those of what is there.
    #[track_caller]
    fn stands(&self, order: &Order, wanted: &str, live: &str, rows: i64) {
        let id = order.held;
        let world = self.world();
        assert_eq!(
            world.text(&format!("SELECT wanted || ' ' || live FROM user_services WHERE id = {id}")),
            format!("{wanted} {live}")
        );
        let ledger = "SELECT count(*) FROM ledger WHERE kind = 'user_service' AND subject_id =";
        assert_eq!(world.count(&format!("{ledger} {id}")), rows);
        let seats = "SELECT coalesce(max(used), 0) FROM usage WHERE meter = 'seats'";
        let there = "SELECT count(*) FROM user_services WHERE live <> 'gone'";
        assert_eq!(world.count(seats), world.count(there), "seats");
    }
}

#[test]
fn p_60_a_request_is_cancelled_at_every_point_of_its_life() {
    let desk = Desk::new();
    let admin = desk.scene.admin();

    // Before anybody looked at it, and behind another of the same user.
    let first = desk.give(&admin, "first");
    assert_eq!(desk.cancel(&admin, &first), 202);
    assert_eq!(desk.status(&first), "cancelled");
    desk.stands(&first, "gone", "gone", 0);
    assert_eq!(desk.cancel(&admin, &first), 409, "it has ended");

    // Between two attempts.
    let engine = desk.start();
    desk.status.store(500, Ordering::SeqCst);
    desk.gate.lets(1);
    let sleeping = desk.give(&admin, "sleeping");
    let turn = |order: &Order| {
        desk.world().text(&format!("SELECT turn FROM requests WHERE id = {}", order.request))
    };
    desk.until("it sleeps", || turn(&sleeping) == "sleeping");
    assert_eq!(desk.cancel(&admin, &sleeping), 202);
    assert_eq!(desk.status(&sleeping), "cancelled");
    // Nobody can tell what the attempt has made, so it is there to be taken away.
    desk.stands(&sleeping, "on", "never", 0);
    desk.status.store(200, Ordering::SeqCst);

    // While its first step is in hand: that one ends, the next is not run, and what was made stays
    // until it is taken away.
    let calls = desk.sink.hits().len();
    let running = desk.give(&admin, "running");
    desk.until("it is at it", || desk.sink.hits().len() == calls + 1);
    let removal = admin.api_post(
        &format!("/users/{}/services/{}/suspend", running.user, running.held),
        Value::Null,
    );
    let behind = removal.expect(202).json()["request_id"].as_i64().unwrap();
    let behind = Order { request: behind, held: running.held, user: running.user };
    desk.until("it waits behind", || turn(&behind) == "blocked");
    assert_eq!(desk.cancel(&admin, &behind), 202);
    assert_eq!(desk.status(&behind), "cancelled");
    assert_eq!(desk.cancel(&admin, &running), 202);
    assert_eq!(desk.status(&running), "running", "the step in hand ends first");
    desk.gate.lets(1);
    desk.ends(&running, "cancelled");
    assert_eq!(desk.sink.hits().len(), calls + 1, "the rest is not run");
    let live =
        desk.world().text(&format!("SELECT live FROM user_services WHERE id = {}", running.held));
    assert_eq!(live, "never");
    let shown = desk.scene.state(&admin, running.user, running.held);
    assert_eq!(shown["state"], "failed");
    assert!(shown["problem"]["message"].as_str().unwrap().contains("ancelled"), "{shown}");
    let one = format!("/users/{}/services/{}", running.user, running.held);
    admin.api_delete(&one).expect(202);
    desk.stands(&running, "gone", "gone", 0);

    // Done and failed ones have ended.
    desk.gate.opens();
    let done = desk.give(&admin, "done");
    desk.ends(&done, "done");
    assert_eq!(desk.cancel(&admin, &done), 409);
    desk.stands(&done, "on", "on", 1);
    desk.status.store(400, Ordering::SeqCst);
    let failed = desk.give(&admin, "failed");
    desk.ends(&failed, "failed");
    assert_eq!(desk.cancel(&admin, &failed), 409);
    desk.stands(&failed, "on", "never", 0);
    engine.stop();

    // Another's request is not there.
    let far = desk.world().customer(desk.world().reseller("Elsewhere"), "Far away");
    let theirs = desk.world().person(far, "Customer administrator");
    assert_eq!(desk.cancel(&theirs, &done), 404);
}

#[test]
fn p_60_what_waits_for_people_a_task_or_the_clock_is_cancelled_by_page_and_api() {
    let desk = Desk::new();
    let (admin, world) = (desk.scene.admin(), desk.world());
    // On plus a task comes first, and on standard a rule waits for an hour.
    for (key, action, params, plan) in [
        ("task", "task.open", json!({ "title": "Lay the cable" }), "plus"),
        ("hour", "wait", json!({ "minutes": "60" }), "standard"),
    ] {
        let rule = json!({
            "service": "workplace", "event": "user_service.provision", "key": key, "position": 1,
            "action": action, "params": params, "condition": format!("plan.code == '{plan}'"),
        });
        admin.api_post("/rules", rule).expect(201);
    }
    let give = |plan: &str, local: &str| {
        let user = desk.scene.user(local);
        let body = json!({ "service": "workplace", "plan": plan });
        let given = admin.api_post(&format!("/users/{user}/services"), body).expect(202);
        Order { request: given.json()["request_id"].as_i64().unwrap(), held: given.id(), user }
    };
    let by_page = |order: &Order| {
        let at = format!("/requests/{}/cancel", order.request);
        assert!(admin.get(&at).expect(200).says("Cancel the request"));
        admin.post(&at, &[]).location();
    };
    let hold = |order: &Order| {
        world
            .text(&format!("SELECT turn || ' ' || hold FROM requests WHERE id = {}", order.request))
    };
    let engine = desk.start();
    for (plan, waits) in [("plus", "sleeping person"), ("standard", "sleeping wait")] {
        let (api, page) = (give(plan, &format!("{plan}1")), give(plan, &format!("{plan}2")));
        for order in [&api, &page] {
            desk.until("it waits", || hold(order) == waits);
            desk.stands(order, "on", "never", 0);
        }
        assert_eq!(desk.cancel(&admin, &api), 202);
        by_page(&page);
        for order in [&api, &page] {
            assert_eq!(desk.status(order), "cancelled", "{waits}");
            // Nothing was made yet.
            desk.stands(order, "gone", "gone", 0);
        }
    }
    assert_eq!(world.count("SELECT count(*) FROM tasks WHERE state = 'open'"), 0);
    engine.stop();
    assert!(desk.sink.hits().is_empty(), "nothing was called");

    // Before anybody has agreed: nobody is asked any more.
    admin.api_patch("/settings", json!({ "approvals": "on" })).expect(200);
    let here = format!("/customers/{}/approvals", desk.scene.customer);
    admin.api_post(&here, json!({ "on": true })).expect(200);
    let bea = world.person_with(PROVIDER, &[("approvals.decide", 3), ("customers.read", 3)]);
    let chain = json!({
        "customer_id": PROVIDER, "name": "Desk", "kind": "group", "whose": "everyone",
        "members": [bea.id], "verbs": ["give"],
    });
    admin.api_post("/approvals/chains", chain).expect(201);
    let (api, page) = (give("plus", "asked1"), give("plus", "asked2"));
    for order in [&api, &page] {
        assert_eq!(desk.status(order), "waiting_approval");
        desk.stands(order, "on", "never", 0);
    }
    assert_eq!(desk.cancel(&admin, &api), 202);
    by_page(&page);
    for order in [&api, &page] {
        assert_eq!(desk.status(order), "cancelled");
        desk.stands(order, "gone", "gone", 0);
    }
    assert_eq!(bea.api_get("/approvals").expect(200).json()["items"], json!([]));
    // Once more is too late, and another branch cannot see any of it.
    assert_eq!(desk.cancel(&admin, &api), 409);
    let far = world.customer(world.reseller("Elsewhere"), "Far away");
    let theirs = world.person(far, "Customer administrator");
    assert_eq!(desk.cancel(&theirs, &page), 404);
    theirs.post(&format!("/requests/{}/cancel", page.request), &[]).expect(404);
}

#[test]
fn p_60_cancelling_in_a_race_with_the_last_step_ends_one_way_or_the_other() {
    let desk = Desk::new();
    desk.gate.opens();
    let admin = desk.scene.admin();
    let engine = desk.start();
    let mut all = Vec::new();
    for n in 0..40 {
        let order = desk.give(&admin, &format!("u{n}"));
        // Each a little later on its way.
        let calls = format!(
            "SELECT count(*) FROM steps WHERE request_id = {} AND status = 'done'",
            order.request
        );
        if n % 4 > 0 {
            desk.until("it is on its way", || {
                desk.world().count(&calls) >= i64::from(n % 4 == 3) || desk.status(&order) == "done"
            });
        }
        let said = desk.cancel(&admin, &order);
        assert!([202, 409].contains(&said), "{said}");
        all.push((order, said));
    }
    let over = "SELECT count(*) FROM requests WHERE turn <> 'over'";
    desk.until("all have ended", || desk.world().count(over) == 0);
    engine.stop();
    for (order, said) in &all {
        let made = format!(
            "SELECT count(*) FROM steps WHERE request_id = {} AND status = 'done'",
            order.request
        );
        match (desk.status(order).as_str(), desk.world().count(&made)) {
            ("done", _) => desk.stands(order, "on", "on", 1),
            ("cancelled", 0) => {
                assert_eq!(*said, 202);
                desk.stands(order, "gone", "gone", 0);
            }
            ("cancelled", _) => {
                assert_eq!(*said, 202);
                desk.stands(order, "on", "never", 0);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn p_40_a_plan_applied_from_two_windows_at_once_is_one_request() {
    let scene = Scene::new();
    let (admin, theo) = (scene.admin(), scene.user("theo"));
    let services = format!("/customers/{}/services", scene.customer);
    admin.api_post(&services, json!({ "service": "workplace" })).expect(202);
    let windows: Vec<Person> = (0..4).map(|_| scene.world.sign_in(admin.id)).collect();
    let body = json!({ "service": "workplace", "plan": "standard" });
    let plan = admin.api_post(&format!("/users/{theo}/services?preview=true"), body.clone());
    let plan = plan.expect(200).id();
    let apply = format!("/previews/{plan}/apply");
    let said: Vec<Value> = std::thread::scope(|threads| {
        let all: Vec<_> = windows
            .iter()
            .map(|window| threads.spawn(|| window.api_post(&apply, Value::Null).expect(202).json()))
            .collect();
        all.into_iter().map(|each| each.join().unwrap()).collect()
    });
    assert!(said.iter().all(|each| each == &said[0] && each["request_id"].is_i64()), "{said:?}");
    let made = "SELECT count(*) FROM requests WHERE event = 'user_service.provision'";
    assert_eq!(scene.world.count(made), 1);
    assert_eq!(scene.world.count("SELECT count(*) FROM user_services"), 1);

    // By page it is the same: the second window is led to the request.
    let ann = scene.user("ann");
    let plan = admin.api_post(&format!("/users/{ann}/services?preview=true"), body.clone());
    let plan = plan.expect(200);
    let (at, digest) = (format!("/previews/{}/apply", plan.id()), plan.json()["digest"].clone());
    let fields = [("digest", digest.as_str().unwrap())];
    let leads: Vec<String> =
        windows[..2].iter().map(|window| window.post(&at, &fields).location().to_owned()).collect();
    assert_eq!(leads[0], leads[1]);

    // Somebody else's is not there; one of yesterday is not run.
    let bea = scene.user("bea");
    let plan = admin.api_post(&format!("/users/{bea}/services?preview=true"), body);
    let plan = plan.expect(200).id();
    let other = scene.world.person(PROVIDER, "Provider administrator");
    other.api_get(&format!("/previews/{plan}")).expect(404);
    other.api_post(&format!("/previews/{plan}/apply"), Value::Null).expect(404);
    other.api_delete(&format!("/previews/{plan}")).expect(404);
    scene.world.later(24 * 3600 + 1);
    let again = scene.world.sign_in(admin.id);
    let late = again.api_post(&format!("/previews/{plan}/apply"), Value::Null).expect(422);
    assert_eq!(late.complaints(), ["The plan is older than a day. Make a new one."]);
}
