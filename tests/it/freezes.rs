//! Freeze windows, queues and the way to them.

use crate::assignments::Scene;
use crate::engine::{Gate, Sink, answer};
use crate::world::{PROVIDER, Person};
use portico::engine::{self, Handle};
use portico::events;
use portico::ids::UserId;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A scene whose workplace is told to a webhook when it is given and when it is suspended.
fn told(sink: &Sink) -> Scene {
    let scene = Scene::new();
    let hook = scene.world.webhook("Desk", &sink.url()).0;
    let admin = scene.admin();
    for (event, key) in [
        ("user_service.provision", "one"),
        ("user_service.provision", "two"),
        ("user_service.suspend", "off"),
    ] {
        let rule = json!({
            "service": "workplace", "event": event, "key": key, "action": "webhook.send",
            "connector_id": hook, "params": { "body": format!("[\"{key} {{user.upn}}\"]") },
        });
        admin.api_post("/rules", rule).expect(201);
    }
    let services = format!("/customers/{}/services", scene.customer);
    admin.api_post(&services, json!({ "service": "workplace" })).expect(202);
    scene
}

fn start(scene: &Scene) -> Handle {
    engine::start(scene.world.app.clone(), events::EVENTS).unwrap()
}

fn give(admin: &Person, user: UserId) -> i64 {
    let given = json!({ "service": "workplace", "plan": "standard" });
    let answer = admin.api_post(&format!("/users/{user}/services"), given).expect(202);
    answer.json()["request_id"].as_i64().unwrap()
}

fn wait_until(what: &str, is: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn instant(scene: &Scene, seconds: i64) -> String {
    scene.world.now().plus_seconds(seconds).to_string()
}

fn said(sink: &Sink, key: &str) -> Vec<String> {
    let of = |hit: &crate::engine::Hit| hit.body["body"][0].as_str().unwrap_or("").to_owned();
    sink.hits().iter().map(of).filter(|text| text.starts_with(key)).collect()
}

#[test]
fn p_53_a_freeze_stops_between_steps_lets_a_disable_pass_and_releases_in_order() {
    let gate = Gate::default();
    let held = gate.clone();
    let sink = Sink::with(move |hit, _| {
        let said = hit.body["body"][0].as_str().unwrap_or("");
        if said.starts_with("one ") && !said.starts_with("one late") {
            held.pass();
        }
        answer(200, "{}")
    });
    let scene = told(&sink);
    let admin = scene.admin();
    let users = scene.world.users(scene.customer, "u", 6);
    let last = scene.user("late");
    let status =
        |id: i64| scene.world.text(&format!("SELECT status FROM requests WHERE id = {id}"));
    let done = give(&admin, last);
    let engine = start(&scene);
    wait_until("the last is done", || status(done) == "done");

    // In the middle of the first steps the window begins.
    let ids: Vec<i64> = users.iter().map(|user| give(&admin, *user)).collect();
    wait_until("some first steps are in hand", || said(&sink, "one").len() >= 3);
    let (from, until) = (instant(&scene, -1), instant(&scene, 3600));
    let freeze = json!({ "name": "Quiet", "from": from, "until": until });
    let freeze = admin.api_post("/freezes", freeze).expect(201).id();
    gate.opens();
    let open = || {
        scene
            .world
            .count("SELECT count(*) FROM requests WHERE hold = 'freeze' AND turn = 'sleeping'")
    };
    wait_until("all are held", || open() == 6);
    assert_eq!(said(&sink, "two").len(), 1, "the second step is begun by none inside");
    let page = admin.get(&format!("/requests/{}", ids[5])).expect(200);
    assert!(page.says("because of “Quiet”"), "{}", page.body);

    // Disabling somebody goes on.
    admin.api_post(&format!("/users/{last}/disable"), Value::Null);
    wait_until("the disable is told", || said(&sink, "off").len() == 1);
    assert_eq!(open(), 6);

    // The clock is set back an hour: nothing is lost, nothing done twice.
    scene.world.later(-3600);
    engine.nudge();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(open(), 6);
    scene.world.later(3600 + 3601);
    engine.nudge();
    wait_until("all are done", || ids.iter().all(|id| status(*id) == "done"));
    engine.stop();
    let (mut ones, mut twos) = (said(&sink, "one"), said(&sink, "two"));
    assert_eq!((ones.len(), twos.len()), (7, 7));
    ones.sort();
    twos.sort();
    ones.dedup();
    twos.dedup();
    assert_eq!((ones.len(), twos.len()), (7, 7), "each once");
    admin.api_delete(&format!("/freezes/{freeze}")).expect(204);
}

#[test]
fn a_freeze_is_set_seen_and_lifted_and_holds_where_it_says() {
    let sink = Sink::ok();
    let scene = told(&sink);
    let admin = scene.admin();
    let (ann, bob) = (scene.user("ann"), scene.user("bob"));
    let reseller = scene.world.person(scene.customer, "Customer administrator");
    reseller.get("/freezes").expect(403);
    let wrong = [("name", ""), ("from", "tomorrow"), ("until", "2020-01-01 10:00")];
    let again = admin.post("/freezes", &wrong).expect(422);
    assert!(again.says("is required") && again.says("is not a time like 2026-12-24 18:00"));
    let elsewhere = scene.world.customer(PROVIDER, "Bergholt Brewing");
    let (from, until) = (instant(&scene, -60), instant(&scene, 7200));
    let window = |customer: i64| json!({ "name": "Audit", "from": from, "until": until, "customer_id": customer, "lets": "nothing" });
    admin.api_post("/freezes", window(elsewhere.0)).expect(201);
    let engine = start(&scene);
    let status =
        |id: i64| scene.world.text(&format!("SELECT status FROM requests WHERE id = {id}"));
    let first = give(&admin, ann);
    wait_until("another's freeze holds nobody here", || status(first) == "done");
    let own = admin.api_post("/freezes", window(scene.customer.0)).expect(201).id();
    let second = give(&admin, bob);
    let held = || scene.world.text(&format!("SELECT hold FROM requests WHERE id = {second}"));
    wait_until("it is held", || held() == "freeze");
    assert!(admin.get("/freezes").expect(200).says("Audit"));
    admin.post(&format!("/freezes/{own}/lift"), &[]).location();
    wait_until("it goes on", || status(second) == "done");
    engine.stop();
}

#[test]
fn requests_go_the_way_that_fits_first_and_the_tester_knows_it() {
    let sink = Sink::ok();
    let scene = told(&sink);
    let admin = scene.admin();
    let queue = |asked: &str| {
        let found = admin.api_get(&format!("/queues/where?{asked}")).expect(200).json();
        found["queue"].as_str().unwrap().to_owned()
    };
    assert_eq!(queue("event=user_service.provision"), "interactive");
    assert_eq!(queue("event=user_service.provision&class=bulk&action=script.run"), "bulk");
    assert_eq!(queue("event=user_service.provision&action=script.run"), "scripts");
    assert_eq!(queue("event=user_service.provision&class=sync"), "sync");
    let route = json!({ "position": 1, "event": "user_service.*", "service": "workplace",
                        "customer_id": scene.customer, "queue": "sync" });
    let id = admin.api_post("/queues/routes", route).expect(201).id();
    let here =
        format!("event=user_service.update&service=workplace&customer_id={}", scene.customer);
    assert_eq!(queue(&here), "sync");
    assert_eq!(queue("event=user_service.update&service=workplace"), "interactive");
    let request = give(&admin, scene.user("ann"));
    assert_eq!(
        scene.world.text(&format!("SELECT queue FROM requests WHERE id = {request}")),
        "sync"
    );
    let page = admin.get(&format!("/engine/routes?{here}")).expect(200);
    assert!(page.says("It would wait in") && page.says("by the route at place 1"));
    admin.post(&format!("/engine/routes/{id}/delete"), &[]).location();
    assert_eq!(queue(&here), "interactive");
    let wrong =
        admin.post("/engine/routes", &[("position", "0"), ("queue", "nowhere")]).expect(422);
    assert!(wrong.says("is not a queue"));
    admin.api_get("/queues/where?event=x&class=odd").expect(422);
}

#[test]
fn a_queue_gets_more_workers_while_it_runs_and_fewer_again() {
    let sink = Sink::with(|_, _| {
        std::thread::sleep(Duration::from_millis(100));
        answer(200, "{}")
    });
    let scene = told(&sink);
    let admin = scene.admin();
    admin.post("/engine/interactive/workers", &[("workers", "1")]).location();
    let users = scene.world.users(scene.customer, "u", 4);
    let engine = start(&scene);
    let ids: Vec<i64> = users.iter().take(3).map(|user| give(&admin, *user)).collect();
    admin.post("/engine/interactive/workers", &[("workers", "3")]).location();
    let status =
        |id: i64| scene.world.text(&format!("SELECT status FROM requests WHERE id = {id}"));
    wait_until("all are done", || ids.iter().all(|id| status(*id) == "done"));
    assert_eq!(sink.hits().len(), 6);
    admin.post("/engine/interactive/workers", &[("workers", "1")]).location();
    let more = give(&admin, users[3]);
    wait_until("one worker goes on", || status(more) == "done");
    engine.stop();
    let refused = admin.post("/engine/interactive/workers", &[("workers", "65")]);
    assert_eq!(refused.location(), "/engine");
    admin.api_patch("/queues/interactive", json!({ "workers": 65 })).expect(422);
    admin.api_patch("/queues/nowhere", json!({ "workers": 5 })).expect(404);
}
