//! What is done to a user or a customer as a whole: one request with its parts, in their order, and
//! what can be done where some of them fail.

use crate::assignments::Scene;
use crate::engine::{Gate, Sink, answer};
use crate::world::{Person, World};
use parking_lot::Mutex;
use portico::engine::{self, Handle};
use portico::events;
use portico::ids::UserId;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[track_caller]
fn until(world: &World, what: &str, is: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is() {
        let all = "SELECT id || ' ' || event || ' ' || status || ' ' || turn || ' ' || hold || ' ' || reason FROM requests";
        assert!(Instant::now() < end, "waited in vain until {what}: {:#?}", world.texts(all));
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn start(world: &World) -> Handle {
    engine::start(world.app.clone(), events::EVENTS).unwrap()
}

fn tell(admin: &Person, hook: i64, event: &str) {
    let rule = json!({
        "event": event, "key": "tell", "action": "webhook.send", "connector_id": hook,
    });
    admin.api_post("/rules", rule).expect(201);
}

fn status(world: &World, id: i64) -> String {
    world.text(&format!("SELECT status FROM requests WHERE id = {id}"))
}

/// The events that were told of, in order, and whose they were.
fn told(sink: &Sink) -> Vec<(String, Value)> {
    let hits = sink.hits().into_iter();
    hits.map(|hit| (hit.body["event"].as_str().unwrap().to_owned(), hit.body["user"]["id"].clone()))
        .collect()
}

#[test]
fn p_27_a_customer_ends_in_order_and_stops_where_some_of_it_fails() {
    let bad: Arc<Mutex<BTreeSet<i64>>> = Arc::default();
    let refused = bad.clone();
    let sink = Sink::with(move |hit, _| {
        let event = hit.body["event"].as_str().unwrap();
        let user = hit.body["user"]["id"].as_i64().unwrap_or(0);
        let service = hit.body["service"]["code"].as_str().unwrap_or("");
        let refuse = event == "user_service.deprovision"
            && service == "workplace"
            && refused.lock().contains(&user);
        if refuse { answer(400, "{\"title\":\"It is in use.\"}") } else { answer(200, "{}") }
    });
    let scene = Scene::new();
    let world = &scene.world;
    world
        .sql()
        .execute_batch(
            "INSERT INTO services (id, code, name, kind, state, tracking_only, created_at, changed_at)
             VALUES (102, 'phone', 'Phone', 'user', 'active', 1, '', '');
             INSERT INTO plans (id, service_id, level, code, name) VALUES (203, 102, 'user', 'standard', 'Standard');
             INSERT INTO offers (id, reseller_id, service_id, given_at) SELECT 302, reseller_id, 102, '' FROM offers WHERE id = 300;
             INSERT INTO offer_plans (offer_id, service_id, plan_id) VALUES (302, 102, 203);",
        )
        .unwrap();
    let admin = scene.admin();
    let services = format!("/customers/{}/services", scene.customer);
    for service in ["workplace", "phone", "files"] {
        admin.api_post(&services, json!({ "service": service })).expect(202);
    }
    let users: Vec<UserId> = (0..40).map(|n| scene.user(&format!("u{n}"))).collect();
    let mut held = Vec::new();
    for (n, user) in users.iter().enumerate() {
        let at = format!("/users/{user}/services");
        let given = json!({ "service": "workplace", "plan": "standard" });
        held.push(admin.api_post(&at, given).expect(202).id());
        if n < 5 {
            let given = json!({ "service": "phone", "plan": "standard" });
            admin.api_post(&at, given).expect(202);
        }
    }
    let hook = world.webhook("Desk", &sink.url()).0;
    for event in
        ["user_service.deprovision", "customer_service.deprovision", "customer.deprovision"]
    {
        tell(&admin, hook, event);
    }
    bad.lock().extend([users[7].0, users[11].0]);
    let engine = start(world);
    let code = world.text(&format!("SELECT code FROM customers WHERE id = {}", scene.customer));
    let end = json!({ "confirm": code });
    admin.api_post(&format!("/customers/{}/deprovision", scene.customer), end).expect(200);
    let whole = world.count("SELECT id FROM requests WHERE event = 'customer.deprovision'");
    until(world, "it stops", || status(world, whole) == "failed");
    assert_eq!(
        world.text(&format!("SELECT reason FROM requests WHERE id = {whole}")),
        "1 of 3 failed."
    );
    let first = told(&sink);
    let count =
        |all: &[(String, Value)], event: &str| all.iter().filter(|(e, _)| e == event).count();
    assert_eq!(count(&first, "user_service.deprovision"), 45, "all users of all services");
    assert_eq!(
        count(&first, "customer_service.deprovision"),
        2,
        "phone and files, not the workplace"
    );
    assert_eq!(count(&first, "customer.deprovision"), 0);
    let part = world.count("SELECT last_request_id FROM customer_services WHERE service_id = 100");
    assert_eq!(
        world.text(&format!("SELECT reason FROM requests WHERE id = {part}")),
        "2 of 40 failed."
    );

    // The page of the part that stopped names the two, with the ways on.
    let page = admin.get(&format!("/requests/{part}")).expect(200);
    assert!(
        page.says("Parts") && page.says("It is in use.") && page.says("Forget it…"),
        "{}",
        page.body
    );
    assert!(page.says("Part of"));
    let shown = admin.api_get(&format!("/requests/{part}")).expect(200).json();
    assert_eq!(shown["part_of"], whole);
    assert_eq!(shown["parts"].as_array().unwrap().len(), 40);
    assert_eq!(shown["parts"][1]["status"], "failed");

    // One is forgotten, one is mended; the whole goes on behind them.
    let forget = json!({ "confirm": "Managed workplace", "reason": "It burned." });
    admin.api_post(&format!("/users/{}/services/{}/forget", users[7], held[7]), forget).expect(204);
    bad.lock().clear();
    admin.api_post(&format!("/requests/{whole}/retry"), Value::Null).expect(202);
    until(world, "all of it is done", || status(world, whole) == "done");
    engine.stop();
    let rest: Vec<(String, Value)> = told(&sink).split_off(first.len());
    let events: Vec<&str> = rest.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(
        events,
        ["user_service.deprovision", "customer_service.deprovision", "customer.deprovision"]
    );
    assert_eq!(rest[0].1, json!(users[11].0), "the forgotten one is left alone");
    let left = "SELECT (SELECT count(*) FROM user_services WHERE live <> 'gone') + (SELECT count(*) FROM customer_services WHERE live <> 'gone')";
    assert_eq!(world.count(left), 0);
    assert_eq!(world.count("SELECT coalesce(max(used), 0) FROM usage WHERE meter = 'seats'"), 0);

    // Somebody of elsewhere sees none of it.
    let far = world.customer(world.reseller("Elsewhere"), "Far away");
    let theirs = world.person(far, "Customer administrator");
    theirs.api_get(&format!("/requests/{part}")).expect(404);
}

/// Two services that a webhook is told of, given to one user.
struct Desk {
    scene: Scene,
    sink: Sink,
    gate: Gate,
    user: UserId,
}

const VERBS: [&str; 5] = ["provision", "disable", "enable", "deprovision", "delete"];

impl Desk {
    fn new(of_account: bool) -> Desk {
        let gate = Gate::default();
        let own = gate.clone();
        let sink = Sink::with(move |_, _| {
            own.pass();
            answer(200, "{}")
        });
        let scene = Scene::new();
        scene.world.sql().execute("UPDATE services SET multi = 1 WHERE id = 100", []).unwrap();
        let admin = scene.admin();
        let services = format!("/customers/{}/services", scene.customer);
        admin.api_post(&services, json!({ "service": "workplace", "label": "Main" })).expect(202);
        let user = scene.user("ann");
        for label in ["First", "Second"] {
            let given = json!({ "service": "workplace", "plan": "standard", "label": label });
            admin.api_post(&format!("/users/{user}/services"), given).expect(202);
        }
        let hook = scene.world.webhook("Desk", &sink.url()).0;
        for verb in ["suspend", "resume", "provision", "deprovision"] {
            tell(&admin, hook, &format!("user_service.{verb}"));
        }
        for verb in VERBS.iter().filter(|_| of_account) {
            tell(&admin, hook, &format!("user.{verb}"));
        }
        drop(admin);
        Desk { scene, sink, gate, user }
    }

    fn all_over(&self) {
        let open = "SELECT count(*) FROM requests WHERE turn <> 'over'";
        until(&self.scene.world, "all have ended", || self.scene.world.count(open) == 0);
    }

    /// What was told since the last time.
    fn heard(&self, seen: &mut usize) -> Vec<String> {
        let all = told(&self.sink);
        let new = all[*seen..].iter().map(|(event, _)| event.clone()).collect();
        *seen = all.len();
        new
    }
}

#[test]
fn an_act_on_a_user_is_one_request_with_the_account_where_it_belongs() {
    let desk = Desk::new(true);
    desk.gate.opens();
    let (scene, mut seen) = (&desk.scene, 0);
    let world = &scene.world;
    let admin = scene.admin();
    let engine = start(world);
    let at = format!("/users/{}", desk.user);
    admin.api_post(&format!("{at}/disable"), json!({})).expect(200);
    desk.all_over();
    assert_eq!(
        desk.heard(&mut seen),
        ["user.disable", "user_service.suspend", "user_service.suspend"],
        "the account first"
    );
    admin.api_post(&format!("{at}/enable"), json!({})).expect(200);
    desk.all_over();
    assert_eq!(
        desk.heard(&mut seen),
        ["user.enable", "user_service.resume", "user_service.resume"]
    );
    admin.api_post(&format!("{at}/provision"), json!({})).expect(202);
    desk.all_over();
    assert_eq!(
        desk.heard(&mut seen),
        ["user.provision", "user_service.provision", "user_service.provision"]
    );
    admin.api_patch(&at, json!({ "job_title": "Baker" })).expect(200);
    desk.all_over();
    assert_eq!(desk.heard(&mut seen), ["user.provision"], "no service has a rule for that");
    admin.api_post(&format!("{at}/deprovision"), json!({})).expect(202);
    desk.all_over();
    assert_eq!(
        desk.heard(&mut seen),
        ["user_service.deprovision", "user_service.deprovision", "user.deprovision"],
        "the account last"
    );
    admin.api_delete(&at).expect(200);
    desk.all_over();
    assert_eq!(desk.heard(&mut seen), ["user.delete"]);
    let new = json!({ "first_name": "Bea", "last_name": "Lund" });
    admin.api_post(&format!("/customers/{}/users", scene.customer), new).expect(201);
    desk.all_over();
    assert_eq!(desk.heard(&mut seen), ["user.provision"]);
    engine.stop();
    // Each act is one tree.
    let trees = world.texts(
        "SELECT event || ' ' || (SELECT count(*) FROM requests part WHERE part.parent_id = whole.id)
           FROM requests whole WHERE parent_id IS NULL AND event GLOB 'user.*' ORDER BY id",
    );
    let wanted = [
        "user.disable 2",
        "user.enable 2",
        "user.provision 2",
        "user.provision 0",
        "user.deprovision 2",
        "user.delete 0",
        "user.provision 0",
    ];
    assert_eq!(trees, wanted);
    assert_eq!(world.count("SELECT count(*) FROM requests WHERE status <> 'done'"), 0);
    let said = world.text("SELECT title FROM requests WHERE event = 'user.disable'");
    assert_eq!(said, "Disable ann");
}

#[test]
fn without_rules_for_the_account_several_services_are_held_together() {
    let desk = Desk::new(false);
    let world = &desk.scene.world;
    let admin = desk.scene.admin();
    admin.api_post(&format!("/users/{}/disable", desk.user), json!({})).expect(200);
    let whole = world.count("SELECT id FROM requests WHERE event = 'user.disable'");
    let engine = start(world);
    desk.gate.lets(1);
    until(world, "one is done", || {
        world.count("SELECT count(*) FROM requests WHERE event = 'user_service.suspend' AND status = 'done'") == 1
    });
    assert_eq!(status(world, whole), "queued", "the whole is not done before all its parts are");
    desk.gate.opens();
    desk.all_over();
    engine.stop();
    assert_eq!(status(world, whole), "done");
    assert_eq!(world.count(&format!("SELECT count(*) FROM requests WHERE parent_id = {whole}")), 2);
}

#[test]
fn who_waits_behind_what_waits_for_a_person_goes_on() {
    let scene = Scene::new();
    let world = &scene.world;
    let admin = scene.admin();
    let task = json!({
        "service": "workplace", "event": "user_service.provision", "key": "sim",
        "action": "task.open", "params": { "title": "Order a SIM", "due_days": "2" },
    });
    admin.api_post("/rules", task).expect(201);
    let mail = json!({
        "service": "workplace", "event": "user_service.suspend", "key": "mail", "action": "mail.send",
        "params": { "to": "desk@msp.example", "subject": "Suspended", "text": "x" },
    });
    admin.api_post("/rules", mail).expect(201);
    let user = scene.user("ann");
    let held = scene.workplace(&admin, user);
    // Ordered while nobody has opened the task yet.
    let at = format!("/users/{user}/services/{held}/suspend");
    let second =
        admin.api_post(&at, Value::Null).expect(202).json()["request_id"].as_i64().unwrap();
    let engine = start(world);
    until(world, "the one behind it is done", || status(world, second) == "done");
    assert_eq!(world.count("SELECT count(*) FROM tasks WHERE state = 'open'"), 1);
    engine.stop();
}
