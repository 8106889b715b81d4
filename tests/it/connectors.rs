//! Connectors are made, tried and given up, and scripts read and enabled.

use crate::world::{PROVIDER, World};
use serde_json::json;
use std::fs;

fn script(world: &World, text: &str) {
    let dir = &world.app.config.scripts;
    fs::create_dir_all(dir).unwrap();
    fs::write(dir.join("it.sh"), text).unwrap();
    fs::write(
        dir.join("it.toml"),
        "interpreter = [\"sh\"]\nfile = \"it.sh\"\nverbs = [\"create\"]\nsecrets = [\"api_key\"]\n",
    )
    .unwrap();
}

#[test]
fn a_webhook_shows_its_secret_once_and_rotates_with_overlap() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let page = admin.post(
        "/connectors",
        &[("kind", "webhook"), ("name", "Desk"), ("url", "https://hooks.example.com/p?t=1")],
    );
    let page = page.expect(200);
    let secret = page.body.split("whsec_").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let id = world.count("SELECT id FROM connectors");
    let url = format!("/connectors/{id}");
    assert!(!admin.get(&url).expect(200).says(&secret));
    assert!(!world.text("SELECT sealed FROM credentials").contains(&secret));
    let new = admin.api_post(&format!("{url}/rotate"), json!({})).expect(200).json();
    assert!(
        new["secret"].as_str().unwrap().starts_with("whsec_")
            && !new["secret"].as_str().unwrap().contains(&secret)
    );
    assert_eq!(
        world.count("SELECT unixepoch(previous_until) - unixepoch(changed_at) FROM credentials"),
        86_400
    );
    let kept =
        admin.api_with("POST", &format!("{url}/rotate"), json!({}), &[("Idempotency-Key", "a")]);
    assert_eq!(kept.status, 422, "an answer with a secret is not kept");
}

#[test]
fn every_complaint_comes_at_once_and_networks_need_their_own_right() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let wrong = admin.api_post("/connectors", json!({
        "kind": "webhook", "name": "", "url": "ftp://x", "time_limit": 0, "networks": ["0.0.0.0/0"], "odd": 1 }));
    let wrong = wrong.expect(422).complaints().join("; ");
    for part in ["name ", "url begins with https", "time_limit ", "too wide", "odd "] {
        assert!(wrong.contains(part), "{part}: {wrong}");
    }
    let reseller = world.reseller("Northwind");
    let other = world.person(reseller, "Reseller administrator");
    let body = json!({ "kind": "webhook", "name": "Own", "url": "https://hooks.example.com/", "networks": ["10.0.0.0/8"] });
    assert!(other.api_post("/connectors", body).expect(422).says("who may change settings"));
    assert!(
        other
            .api_post("/connectors", json!({ "kind": "script", "name": "Own", "script": "it" }))
            .expect(422)
            .says("provider alone")
    );
    let form = admin
        .post("/connectors", &[("kind", "webhook"), ("name", "Desk"), ("url", "nonsense")])
        .expect(422);
    assert!(form.says("value=\"Desk\""), "what was typed is kept");
}

#[test]
fn two_tenants_see_only_their_own() {
    let world = World::new();
    let (a, b) = (world.reseller("Northwind"), world.reseller("Southgate"));
    let (ann, bea) =
        (world.person(a, "Reseller administrator"), world.person(b, "Reseller administrator"));
    let body = json!({ "kind": "webhook", "name": "Own", "url": "https://hooks.example.com/" });
    let id = ann.api_post("/connectors", body.clone()).expect(201).id();
    assert_eq!(ann.api_get("/connectors").json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(bea.api_get("/connectors").json()["items"].as_array().unwrap().len(), 0);
    bea.api_get(&format!("/connectors/{id}")).expect(404);
    bea.api_patch(&format!("/connectors/{id}"), json!({ "name": "Mine" })).expect(404);
    for verb in ["doctor", "pause", "resume", "rotate"] {
        bea.api_post(&format!("/connectors/{id}/{verb}"), json!({})).expect(404);
    }
    bea.api_post(&format!("/connectors/{id}/gone"), json!({ "confirm": "Own" })).expect(404);
    let mut foreign = body;
    foreign["customer_id"] = json!(a.0);
    bea.api_post("/connectors", foreign).expect(404);
}

#[test]
fn a_script_is_enabled_as_it_was_read_and_the_doctor_says_what_changed() {
    let world = World::new();
    script(&world, "echo '{}'\n");
    let admin = world.person(PROVIDER, "Provider administrator");
    let list = admin.api_get("/scripts").expect(200).json();
    assert_eq!(list["items"][0]["standing"], "new");
    let digest = list["items"][0]["sha256"].as_str().unwrap().to_owned();
    admin
        .api_post("/connectors", json!({ "kind": "script", "name": "It", "script": "it" }))
        .expect(422);
    let body = json!({ "kind": "script", "name": "It", "script": "it", "secrets": { "api_key": "Tr0ub4dor" } });
    let id = admin.api_post("/connectors", body).expect(201).id();
    let doctor =
        || admin.api_post(&format!("/connectors/{id}/doctor"), json!({})).expect(200).json();
    assert_eq!(doctor()["light"], "red", "nobody enabled it");
    assert!(admin.get("/scripts/it").expect(200).says("echo"));
    admin.post("/scripts/it/enable", &[("sha256", &digest)]).expect(303);
    assert_eq!(doctor()["light"], "green", "{}", doctor());
    script(&world, "echo '{ }'\n");
    assert_eq!(doctor()["light"], "red");
    admin.api_post("/scripts/it/enable", json!({ "sha256": digest })).expect(412);
    assert_eq!(admin.api_get("/scripts").json()["items"][0]["standing"], "changed");
    admin
        .api_patch(&format!("/connectors/{id}"), json!({ "secrets": { "other": "x" } }))
        .expect(422);
    admin.api_patch(&format!("/connectors/{id}"), json!({ "name": "Renamed" })).expect(200);
    assert_eq!(world.text("SELECT name FROM credentials"), "Renamed");
    assert!(!world.text("SELECT group_concat(detail) FROM audit_log").contains("Tr0ub4dor"));
    world.person(PROVIDER, "Auditor").api_get("/scripts").expect(403);
}

#[test]
fn a_webhook_that_answers_is_green_and_was_asked_with_its_signature() {
    let world = World::new();
    world.clock.set(portico::time::Clock::default().now());
    let admin = world.person(PROVIDER, "Provider administrator");
    let hook = crate::hook::Hook::start();
    let body =
        json!({ "kind": "webhook", "name": "Desk", "url": hook.url, "networks": ["127.0.0.0/8"] });
    let id = admin.api_post("/connectors", body).expect(201).id();
    let secret = admin.api_post(&format!("/connectors/{id}/rotate"), json!({})).expect(200).json();
    let examine = || -> Vec<String> {
        let found = admin.api_post(&format!("/connectors/{id}/doctor"), json!({})).expect(200);
        let all = found.json()["checks"].as_array().unwrap().clone();
        let said = |one: &serde_json::Value| {
            format!("{} {}", one["what"].as_str().unwrap(), one["light"].as_str().unwrap())
        };
        all.iter().map(said).collect()
    };
    // The test has no certificate to offer; everything else is as it should be.
    assert_eq!(examine(), ["Address amber", "Name green", "Ping green"]);
    let calls = hook.calls();
    assert_eq!(calls.len(), 1, "one ping");
    assert_eq!(calls[0].header("portico-event"), "ping");
    assert!(calls[0].is_signed_with(secret["secret"].as_str().unwrap()));
    assert!(admin.post(&format!("/connectors/{id}/doctor"), &[]).expect(200).says("Desk"));
    world.sql().execute("UPDATE connectors SET url = 'http://127.0.0.1:9/hook'", []).unwrap();
    assert_eq!(examine().last().unwrap(), "Ping red");
}

#[test]
fn a_webhook_that_is_not_reached_is_red_and_giving_up_is_typed() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let body = json!({ "kind": "webhook", "name": "Desk", "url": "http://127.0.0.1:9/" });
    let id = admin.api_post("/connectors", body).expect(201).id();
    let url = format!("/connectors/{id}");
    let page = admin.post(&format!("{url}/doctor"), &[]).expect(200);
    assert!(page.says("is not a public address"), "{}", page.body);
    admin.post(&format!("{url}/pause"), &[]).expect(303);
    assert!(admin.get(&url).says("Paused"));
    admin.post(&format!("{url}/resume"), &[]).expect(303);
    admin.get(&format!("{url}/gone")).expect(200);
    admin.post(&format!("{url}/gone"), &[("confirm", "desk")]).expect(422);
    admin.post(&format!("{url}/gone"), &[("confirm", "Desk")]).expect(303);
    admin.api_post(&format!("{url}/resume"), json!({})).expect(409);
    for page in ["/connectors", "/connectors/new", "/connectors/new?kind=webhook"] {
        admin.get(page).expect(200);
    }
}
