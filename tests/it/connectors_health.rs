//! What is found out about connectors before somebody needs them, and who is told.

use crate::assignments::Scene;
use crate::engine::{Sink, Stage, answer, post};
use crate::world::{PROVIDER, World};
use portico::ids::ConnectorId;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a plan says against an order.
fn refusals(answer: &crate::world::Answer) -> String {
    answer.json()["refusals"].to_string()
}

#[test]
fn red_refuses_new_orders_of_what_depends_on_it_with_that_text() {
    let scene = Scene::new();
    let admin = scene.admin();
    let sink = Sink::ok();
    let body = json!({ "kind": "webhook", "name": "Desk", "url": "http://127.0.0.1:9/hook",
        "networks": ["127.0.0.0/8"] });
    let desk = admin.api_post("/connectors", body).expect(201).id();
    let rule = json!({ "service": "workplace", "event": "user_service.provision", "key": "tell",
        "action": "webhook.send", "connector_id": desk });
    admin.api_post("/rules", rule).expect(201);
    let user = scene.user("ann");
    let services = format!("/customers/{}/services", scene.customer);
    admin.api_post(&services, json!({ "service": "workplace" })).expect(202);
    let give = format!("/users/{user}/services?preview=true");
    let order = json!({ "service": "workplace", "plan": "standard" });
    // Nobody has looked yet: it may be ordered.
    assert_eq!(refusals(&admin.api_post(&give, order.clone()).expect(200)), "[]");
    let at = format!("/connectors/{desk}");
    let found = admin.api_post(&format!("{at}/doctor"), json!({})).expect(200).json();
    assert_eq!(found["light"], "red");
    let shown = admin.api_get(&at).expect(200).json();
    assert_eq!(shown["light"], "red");
    let text = shown["light_text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("Ping: ") && text.contains("See that it runs"), "{text}");
    let refused = refusals(&admin.api_post(&give, order.clone()).expect(200));
    assert!(refused.contains(&format!("Desk cannot be used now. {text}")), "{refused}");
    admin.api_post(&format!("/users/{user}/services"), order.clone()).expect(422);
    let why = format!("/users/{user}/services/workplace/why");
    assert!(admin.get(&why).expect(200).says("Desk cannot be used now"));
    assert!(admin.get(&at).expect(200).says("Found wrong"));
    // Whose connector it is not hears that, and not how it is reached.
    let reseller = scene.world.count("SELECT parent_id FROM customers ORDER BY id DESC LIMIT 1");
    let other = scene.world.person(portico::ids::CustomerId(reseller), "Reseller administrator");
    let refused = refusals(&other.api_post(&give, order.clone()).expect(200));
    assert!(
        refused.contains("A system that Managed workplace needs cannot be used now."),
        "{refused}"
    );
    assert!(!refused.contains("Ping") && !refused.contains("Desk"), "{refused}");
    // What does not depend on it is ordered as ever.
    admin
        .api_post(
            &format!("{services}?preview=true"),
            json!({ "service": "files", "plan": "standard" }),
        )
        .expect(200);
    // Changed, it counts as not looked at; looked at, it is good.
    admin.api_patch(&at, json!({ "url": sink.url() })).expect(200);
    assert_eq!(admin.api_get(&at).json()["light"], Value::Null);
    assert_eq!(scene.world.job("connectors.doctor"), "done");
    assert_eq!(admin.api_get(&at).json()["light"], "amber", "it is reached without encryption");
    assert_eq!(refusals(&admin.api_post(&give, order.clone()).expect(200)), "[]");
    assert_eq!(
        scene.world.count("SELECT count(*) FROM audit_log WHERE action = 'connector.examined'"),
        2
    );
    // Given up, nothing that needs it is ordered.
    admin.api_post(&format!("{at}/gone"), json!({ "confirm": "Desk" })).expect(204);
    let refused = refusals(&admin.api_post(&give, order).expect(200));
    assert!(refused.contains("Desk cannot be used now. It was given up."), "{refused}");
}

fn mails(world: &World, event: &str) -> Vec<String> {
    world.texts(&format!(
        "SELECT to_address || ': ' || subject FROM messages WHERE event = '{event}' ORDER BY id"
    ))
}

#[test]
fn a_credential_that_ends_is_told_of_four_times() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    world.person(PROVIDER, "Auditor");
    let body = json!({ "kind": "scim", "name": "Wiki", "url": "https://wiki.example.com/v2",
        "password": "t" });
    admin.api_post("/connectors", body).expect(201);
    let credential = world.count("SELECT id FROM credentials");
    let at = format!("/credentials/{credential}");
    // One that nothing uses is nobody's concern.
    let day =
        |days: i64| world.now().plus_days(days).to_string().chars().take(10).collect::<String>();
    let unused = json!({ "name": "Unused", "secret": "x", "expires_on": day(7) });
    admin.api_post("/credentials", unused).expect(201);
    for days in [60, 30, 29, 14, 7, 2, 1, 0] {
        admin.api_patch(&at, json!({ "expires_on": day(days) })).expect(200);
        assert_eq!(world.job("credentials.expire"), "done");
    }
    let all = mails(&world, "credential.expires");
    let subjects: Vec<&str> = all.iter().map(|mail| mail.split_once(": ").unwrap().1).collect();
    assert_eq!(
        subjects,
        [
            "The credential Wiki ends in 30 days",
            "The credential Wiki ends in 14 days",
            "The credential Wiki ends in 7 days",
            "The credential Wiki ends tomorrow",
        ],
        "to its owner's administrator alone: {all:?}"
    );
}

#[test]
fn whoever_looks_after_it_hears_that_it_is_down_and_up_again() {
    let stage = Stage::new();
    stage.world.person(PROVIDER, "Provider administrator");
    let broken = Arc::new(AtomicBool::new(true));
    let state = broken.clone();
    let sink = Sink::with(move |_, _| match state.load(Ordering::SeqCst) {
        true => answer(500, "{}"),
        false => answer(200, "{}"),
    });
    let desk = stage.webhook("Desk", &sink.url());
    stage.world.sql().execute("UPDATE connectors SET failures = 4", []).unwrap();
    let of = stage.customer("Aldermoor");
    let request = stage.give(of, stage.user(of, "ann"), vec![post(desk)]);
    let engine = stage.start();
    stage.until("it is down", || mails(&stage.world, "connector.down").len() == 1);
    assert!(mails(&stage.world, "connector.down")[0].ends_with(": Desk does not answer"));
    broken.store(false, Ordering::SeqCst);
    stage.world.later(3600);
    engine.nudge();
    stage.ends(request, "done");
    assert!(mails(&stage.world, "connector.up")[0].ends_with(": Desk answers again"));
    assert_eq!(mails(&stage.world, "connector.down").len(), 1);
    engine.stop();
}

#[test]
fn no_more_steps_begin_in_a_minute_than_may() {
    let stage = Stage::new();
    let admin = stage.world.person(PROVIDER, "Provider administrator");
    let sink = Sink::ok();
    let body = json!({ "kind": "webhook", "name": "Desk", "url": sink.url(),
        "networks": ["127.0.0.0/8"] });
    let desk = ConnectorId(admin.api_post("/connectors", body).expect(201).id());
    let at = format!("/connectors/{desk}");
    admin.api_patch(&at, json!({ "calls_per_minute": 0 })).expect(422);
    admin.api_patch(&at, json!({ "calls_per_minute": 3 })).expect(200);
    assert!(admin.get(&at).expect(200).says("3 steps"));
    let of = stage.customer("Aldermoor");
    let all: Vec<_> = (0..7)
        .map(|n| stage.give(of, stage.user(of, &format!("u{n}")), vec![post(desk)]))
        .collect();
    let done = || stage.world.count("SELECT count(*) FROM requests WHERE status = 'done'");
    let engine = stage.start();
    for (minute, expected) in [3, 6, 7].into_iter().enumerate() {
        stage.until("as many as may are done", || done() == expected);
        assert_eq!(i64::try_from(sink.hits().len()).unwrap(), expected, "minute {minute}");
        stage.world.later(61);
        engine.nudge();
    }
    for id in all {
        stage.ends(id, "done");
    }
    engine.stop();
}
