//! Test and demonstration customers, and what happens when their term ends.

use crate::customers_life::Scene;
use crate::world::{Person, World};
use portico::ids::CustomerId;
use serde_json::json;

/// Lets the hourly job look once.
fn look(world: &World) {
    let run = portico::jobs::run_now(&world.app, "Terms of customers").unwrap();
    assert_eq!(run.state.word(), "done", "{}", run.error);
    world.later(60);
}

fn days(world: &World, n: i64) {
    world.later(n * 86_400);
}

fn mails(world: &World, event: &str) -> Vec<String> {
    let sql = world.sql();
    let mut rows =
        sql.prepare("SELECT to_address FROM messages WHERE event = ?1 ORDER BY id").unwrap();
    rows.query_map([event], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn demo(scene: &Scene, admin: &Person) -> CustomerId {
    let body = json!({
        "name": "Trial", "parent_id": scene.reseller, "domain": "trial.example", "contact_name": "Tess",
        "contact_email": "tess@trial.example", "type": "demo",
    });
    let made = admin.api_post("/customers", body).expect(201).json();
    assert_eq!(made["expires_on"], "2026-04-09", "30 days from the tenth of March");
    CustomerId(made["id"].as_i64().unwrap())
}

#[test]
fn a_demonstration_is_told_three_times_then_ends_and_lies_in_the_bin() {
    let scene = Scene::new();
    let (admin, world) = (scene.admin(), &scene.world);
    let id = demo(&scene, &admin);
    let user = world.user(id, "Tom", "tom");
    let told = || mails(world, "customer.expiring").len();
    look(world);
    days(world, 15);
    look(world);
    assert_eq!(told(), 0, "sixteen days before");
    days(world, 2);
    look(world);
    look(world);
    assert_eq!(told(), 2, "contact and maker, once");
    days(world, 7);
    look(world);
    look(world);
    assert_eq!(told(), 4);
    days(world, 6);
    look(world);
    assert_eq!(told(), 6);
    assert_eq!(scene.state(id), "active", "to the end of its last day");
    days(world, 1);
    look(world);
    look(world);
    assert_eq!((scene.state(id).as_str(), told()), ("deprovisioned", 6));
    assert_eq!(world.text(&format!("SELECT state FROM users WHERE id = {user}")), "deprovisioned");
    let audit = format!(
        "SELECT group_concat(action) FROM audit_log WHERE subject_kind = 'customer' AND subject_id = {id}"
    );
    assert_eq!(world.text(&audit), "customer.created,customer.expired");
    days(world, 12);
    look(world);
    assert_eq!(scene.state(id), "deprovisioned");
    days(world, 3);
    look(world);
    assert_eq!(scene.state(id), "deleted");
    assert!(world.text(&audit).ends_with("customer.deleted"));
}

#[test]
fn kept_for_good_on_the_thirteenth_day_it_is_back_and_billed_from_then() {
    let scene = Scene::new();
    let (admin, world) = (scene.admin(), &scene.world);
    let id = demo(&scene, &admin);
    let user = world.user(id, "Tom", "tom");
    days(world, 31);
    look(world);
    assert_eq!(scene.state(id), "deprovisioned");
    let at = format!("/customers/{id}");
    let said = admin.api_post(&format!("{at}/reprovision"), json!({})).expect(422).complaints();
    assert_eq!(said, ["Trial expired on 9 Apr 2026: set a new date."]);
    days(world, 12);
    admin.api_patch(&at, json!({ "type": "standard", "expires_on": "" })).expect(200);
    assert_eq!(scene.state(id), "active");
    assert_eq!(world.text(&format!("SELECT state FROM users WHERE id = {user}")), "active");
    let facts = format!(
        "SELECT json_extract(facts, '$.type') || ' ' || (begins_at > '2026-04-20') FROM ledger_spans
          WHERE kind = 'customer' AND subject_id = {id} AND ends_at = '9999'"
    );
    assert_eq!(world.text(&facts), "standard 1");
    days(world, 30);
    look(world);
    assert_eq!(scene.state(id), "active");
}

#[test]
fn a_test_customer_past_its_day_only_raises_a_notice() {
    let scene = Scene::new();
    let (admin, world) = (scene.admin(), &scene.world);
    let at = format!("/customers/{}", scene.customer);
    admin.api_patch(&at, json!({ "type": "test", "expires_on": "2026-03-12" })).expect(200);
    let ra = world.person(scene.reseller, "Reseller administrator");
    days(world, 4);
    look(world);
    look(world);
    assert_eq!(scene.state(scene.customer), "active");
    let told = mails(world, "customer.expired");
    let own = world.text(&format!("SELECT mail FROM users WHERE id = {}", ra.id));
    assert_eq!(told.iter().filter(|to| **to == own).count(), 1, "{told:?}");
}

#[test]
fn the_rules_of_terms_are_kept() {
    let scene = Scene::new();
    let admin = scene.admin();
    let at = format!("/customers/{}", scene.customer);
    let said = |body| admin.api_patch(&at, body).expect(422).complaints();
    assert_eq!(said(json!({ "type": "demo" })), ["expires_on is required for a demo customer"]);
    assert_eq!(said(json!({ "expires_on": "2026-03-09" })), ["expires_on must not be in the past"]);
    assert_eq!(
        said(json!({ "type": "demo", "expires_on": "2027-03-11" })),
        ["expires_on must be within a year for a demo customer"]
    );
}
