//! What machines and people are told about how Portico is doing.

use crate::world::{PROVIDER, World};
use portico::health::{Verdict, doctor};

#[test]
fn readiness_needs_the_writer_and_counts_who_asks() {
    let world = World::new();
    let ask = |path: &str| world.stranger().get(path);
    assert_eq!(ask("/readyz").expect(200).body, "ok");
    let held = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let by = portico::db::By::portico(portico::db::Via::Shell);
            let _ = world.app.db.write(by, |_| {
                held.wait();
                held.wait();
                Ok(())
            });
        });
        held.wait();
        assert_eq!(ask("/readyz").expect(503).body, "busy");
        held.wait();
    });
    world.later(1);
    for _ in 0..10 {
        ask("/readyz").expect(200);
    }
    ask("/readyz").expect(429);
    world.later(1);
    ask("/readyz").expect(200);
}

#[test]
fn work_that_nobody_takes_up_is_a_bad_sign() {
    let world = World::new();
    world
        .sql()
        .execute(
            "INSERT INTO requests (customer_id, event, title, queue, class, source, created_at, deadline_at, next_at)
             VALUES (1, 'customer.create', 'Old', 'interactive', 'interactive', 'page', ?1, ?2, ?1)",
            (world.now(), world.now().plus_seconds(7200)),
        )
        .unwrap();
    assert_eq!(world.stranger().get("/readyz").expect(200).body, "ok");
    world.later(3700);
    assert_eq!(world.stranger().get("/readyz").expect(200).body, "degraded");
    let requests = || {
        let findings = doctor::examine(&world.app.db, &world.app.config);
        findings.into_iter().find(|finding| finding.check == "requests").unwrap()
    };
    assert_eq!(requests().verdict, Verdict::Warn);
    world.later(7200);
    assert_eq!(requests().verdict, Verdict::Fail);
}

#[test]
fn the_examination_finds_what_was_done_behind_its_back() {
    let world = World::new();
    let check = |name: &str| {
        let findings = doctor::examine(&world.app.db, &world.app.config);
        findings.into_iter().find(|finding| finding.check == name).unwrap().verdict
    };
    assert_eq!(
        (check("store"), check("schema"), check("mail")),
        (Verdict::Ok, Verdict::Ok, Verdict::Warn)
    );
    world.sql().execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    assert_eq!(check("schema"), Verdict::Fail);
    world.sql().execute_batch("DROP TABLE notes; DROP INDEX customers_by_parent").unwrap();
    assert_eq!(check("schema"), Verdict::Fail);
    world
        .sql()
        .execute_batch("PRAGMA foreign_keys = OFF; INSERT INTO departments (customer_id, name) VALUES (4711, 'Nowhere')")
        .unwrap();
    assert_eq!(check("store"), Verdict::Fail);
}

#[test]
fn one_administrator_is_too_few() {
    let world = World::new();
    let check = || {
        let findings = doctor::examine(&world.app.db, &world.app.config);
        findings.into_iter().find(|finding| finding.check == "administrators").unwrap().verdict
    };
    assert_eq!(check(), Verdict::Fail);
    world.person(PROVIDER, "Provider administrator");
    assert_eq!(check(), Verdict::Warn);
    world.person(PROVIDER, "Provider administrator");
    assert_eq!(check(), Verdict::Ok);
}

#[test]
fn only_the_provider_looks_into_the_machine() {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let admin = world.person(PROVIDER, "Provider administrator");
    let other = world.person(reseller, "Reseller administrator");
    assert!(admin.get("/system").expect(200).says("I see you as"));
    assert!(admin.post("/system/doctor", &[]).expect(200).says("Examination"));
    let all = admin.api_post("/system/doctor", serde_json::Value::Null).expect(200).json();
    assert!(all["findings"].as_array().unwrap().len() > 8);
    other.get("/system").expect(403);
    other.api_post("/system/doctor", serde_json::json!({})).expect(403);
    admin.api_post("/system/doctor", serde_json::json!({"deep": true})).expect(422);
}
