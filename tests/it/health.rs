//! What machines and people are told about how Portico is doing.

use crate::world::{PROVIDER, World};
use portico::health::{Verdict, doctor};
use portico::ledger;
use serde_json::{Value, json};

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

#[test]
fn the_ledgers_spans_are_compared_with_its_rows_and_made_anew() {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let home = world.customer(reseller, "Aldermoor");
    let (admin, db) = (world.person(PROVIDER, "Provider administrator"), &world.app.db);
    let made = admin.api_post(
        &format!("/customers/{home}/users"),
        json!({ "first_name": "Jane", "last_name": "Doe" }),
    );
    let user = made.expect(201).id();
    admin.api_post(&format!("/users/{user}/disable"), Value::Null).expect(200);
    admin.api_post(&format!("/users/{user}/enable"), Value::Null).expect(200);
    assert_eq!(ledger::check(db).unwrap(), Vec::<String>::new());
    let spans = "SELECT group_concat(kind || subject_id || ' ' || customer_id || coalesce(user_id, '-') || facts || from_id
                                     || '-' || coalesce(to_id, '') || begins_at || ends_at, '; ' ORDER BY from_id)
                   FROM ledger_spans";
    let before = world.text(spans);

    let open = format!("kind = 'user' AND subject_id = {user} AND to_id IS NULL");
    for (tamper, said) in [
        (format!("UPDATE ledger_spans SET quantity = 2000 WHERE {open}"), "says something else"),
        (format!("UPDATE ledger_spans SET ends_at = '2030' WHERE {open}"), "says something else"),
        (format!("DELETE FROM ledger_spans WHERE {open}"), "has no span"),
        (
            "INSERT INTO ledger_spans (kind, subject_id, customer_id, quantity, facts, from_id, begins_at, ends_at)
             SELECT kind, subject_id, customer_id, quantity, facts, from_id, begins_at, '2030' FROM ledger_spans LIMIT 1"
                .to_owned(),
            "did not open a span",
        ),
    ] {
        world.sql().execute_batch(&tamper).unwrap();
        let found = ledger::check(db).unwrap();
        assert!(found.iter().any(|each| each.contains(said)), "{tamper}: {found:?}");
        let findings = doctor::examine(db, &world.app.config);
        let verdict = findings.into_iter().find(|each| each.check == "ledger").unwrap().verdict;
        assert_eq!(verdict, Verdict::Fail);
        ledger::rebuild(db).unwrap();
        assert_eq!((ledger::check(db).unwrap().len(), world.text(spans)), (0, before.clone()));
    }
    for forbidden in ["UPDATE ledger SET quantity = 0", "DELETE FROM ledger"] {
        let said = world.sql().execute_batch(forbidden).unwrap_err().to_string();
        assert!(said.contains("append-only"), "{said}");
    }
}

#[test]
fn a_secret_of_another_key_is_found() {
    let world = World::new();
    let check = || {
        let findings = doctor::examine(&world.app.db, &world.app.config);
        findings.into_iter().find(|finding| finding.check == "credentials").unwrap()
    };
    let sealed = |what: &str| {
        let text = portico::secret::Secret::new("quiet harbour");
        world.app.config.key.seal(what, &text).unwrap()
    };
    let put = "INSERT INTO credentials (id, customer_id, name, sealed, changed_at) VALUES (?1, 1, ?2, ?3, '')";
    world.sql().execute(put, (41, "Good", sealed("credential 41"))).unwrap();
    assert_eq!(check().verdict, Verdict::Ok);
    world.sql().execute(put, (42, "Strange", sealed("credential 4711"))).unwrap();
    assert_eq!(check().verdict, Verdict::Fail);
    assert!(check().text.ends_with(": Strange"), "{}", check().text);
}
