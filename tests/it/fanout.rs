//! A value that is changed further up reaches who has the service, each once.

use crate::hook::Hook;
use crate::live::Live;
use crate::world::{PROVIDER, Person, World};
use portico::ids::CustomerId;
use portico::time::Clock;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The workplace with a setting, done by a webhook; two resellers with a customer and users each.
struct Scene {
    world: World,
    hook: Hook,
    near: (CustomerId, CustomerId),
    far: (CustomerId, CustomerId),
}

impl Scene {
    fn new(users: usize) -> Scene {
        let world = World::new();
        world.clock.set(Clock::default().now());
        let admin = world.person(PROVIDER, "Provider administrator");
        let hook = Hook::start();
        let body = json!({ "kind": "webhook", "name": "Desk", "url": hook.url, "networks": ["127.0.0.0/8"] });
        let connector = admin.api_post("/connectors", body).expect(201).id();
        let body = json!({ "code": "workplace", "name": "Managed workplace", "kind": "user" });
        admin.api_post("/services", body).expect(201);
        for (code, price) in [("STD", "18.00"), ("PLUS", "27.50")] {
            let body = json!({ "code": code, "name": code, "price": price });
            admin.api_post("/services/workplace/plans", body).expect(201);
        }
        let body = json!({ "name": "quota", "label": "Quota", "level": "user", "type": "integer",
                           "default": "10", "writable_by": "customer" });
        admin.api_post("/services/workplace/properties", body).expect(201);
        let body = json!({ "connectors": [connector], "on_error": "stop" });
        admin.api("PUT", "/services/workplace/rules", body).expect(200);
        admin.api_post("/services/workplace/activate", json!({})).expect(200);
        let [near, far] = ["Brightwater", "Ferrow"].map(|name| {
            let reseller = world.reseller(name);
            let body = json!({ "service": "workplace", "plans": ["STD", "PLUS"] });
            admin.api_post(&format!("/customers/{reseller}/offers"), body).expect(201);
            let home = world.customer(reseller, &format!("{name} Dental"));
            let body = json!({ "service": "workplace" });
            admin.api_post(&format!("/customers/{home}/services"), body).expect(202);
            for n in 0..users {
                world.user(home, &format!("{name} {n}"), &format!("user{n}"));
            }
            (reseller, home)
        });
        for (n, (_, home)) in [near, far].iter().enumerate() {
            let plan = ["STD", "PLUS"][n];
            let body = json!({ "service": "workplace", "plan": plan, "all": true });
            admin.api_post(&format!("/customers/{home}/users/services"), body).expect(202);
        }
        drop(admin);
        Scene { world, hook, near, far }
    }

    fn admin(&self) -> Person<'_> {
        self.world.person(PROVIDER, "Provider administrator")
    }

    fn settle(&self) {
        let open = "SELECT (SELECT count(*) FROM runs WHERE state IN ('queued', 'running'))
                         + (SELECT count(*) FROM requests WHERE status IN ('queued', 'running'))";
        let end = Instant::now() + Duration::from_secs(120);
        while self.world.count(open) > 0 {
            assert!(Instant::now() < end, "it does not come to an end");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What the outside was told since the last look: the quota, by the customer's id.
    fn told(&self, from: &mut usize) -> Vec<(i64, i64)> {
        let calls = self.hook.calls();
        let mut all: Vec<(i64, i64)> = calls[*from..]
            .iter()
            .map(|call| {
                (
                    call.body["customer"]["id"].as_i64().unwrap(),
                    call.body["props"]["quota"].as_i64().unwrap(),
                )
            })
            .collect();
        *from = calls.len();
        all.sort_unstable();
        all
    }
}

#[test]
fn a_changed_value_reaches_those_it_holds_for_and_nobody_else() {
    let scene = Scene::new(2);
    let admin = scene.admin();
    let live = Live::of(&scene.world);
    scene.settle();
    let mut seen = 0;
    let (near, far) = (scene.near.1.0, scene.far.1.0);
    assert_eq!(scene.told(&mut seen), [(near, 10), (near, 10), (far, 10), (far, 10)]);

    // Of a plan: who has it.
    let set = |quota: &str| json!({ "properties": { "quota": quota } });
    admin.api_patch("/services/workplace/plans/STD", set("20")).expect(200);
    scene.settle();
    assert_eq!(scene.told(&mut seen), [(near, 20), (near, 20)]);
    let bulk = "SELECT count(*) FROM requests WHERE event = 'user_service.update' AND class = 'bulk' AND queue = 'bulk'";
    assert_eq!(scene.world.count(bulk), 2);

    // Given with an offer: below that reseller, where nothing nearer holds.
    admin.api_patch(&format!("/customers/{}/offers/workplace", scene.far.0), set("30")).expect(200);
    scene.settle();
    assert_eq!(scene.told(&mut seen), [(far, 30), (far, 30)]);

    // By the reseller itself, which beats what was given.
    let ra = scene.world.person(scene.far.0, "Reseller administrator");
    let own = format!("/customers/{}/offers/workplace/values", scene.far.0);
    let other = format!("/customers/{}/offers/workplace/values", scene.near.0);
    ra.api_patch(&other, set("1")).expect(404);
    ra.api_patch(&own, json!({ "properties": { "colour": "red" } })).expect(422);
    let shown = ra.api_patch(&own, set("40")).expect(200).json();
    assert_eq!(shown["properties"]["quota"]["value"], 40);
    scene.settle();
    assert_eq!(scene.told(&mut seen), [(far, 40), (far, 40)]);
    let ca = scene.world.person(scene.far.1, "Customer administrator");
    assert!([403, 404].contains(&ca.api_patch(&own, set("1")).status));

    // At the customer's service: its users.
    let held =
        scene.world.count(&format!("SELECT id FROM customer_services WHERE customer_id = {far}"));
    scene.world.sql().execute(
        "INSERT INTO properties (service_id, name, label, level, type, validation, default_value)
         SELECT id, 'server', 'Server', 'customer', 'text', '{}', '\"one\"' FROM services WHERE code = 'workplace'", []).unwrap();
    let body = json!({ "properties": { "server": "two" } });
    admin.api_patch(&format!("/customers/{far}/services/{held}"), body).expect(202);
    scene.settle();
    let calls = scene.hook.calls();
    let servers: Vec<&Value> =
        calls[seen..].iter().map(|call| &call.body["props"]["server"]).collect();
    assert_eq!(
        servers,
        [&json!("two"), &json!("two")],
        "its users, and no rule for the customer's own"
    );
    scene.told(&mut seen);

    // The default: who is left to it. The same value again, or one that is overruled: nobody.
    for quota in ["20", "15"] {
        let body = json!({ "default": quota });
        admin.api_patch("/services/workplace/properties/quota", body).expect(200);
    }
    admin.api_patch("/services/workplace/plans/PLUS", set("50")).expect(200);
    admin.api_patch("/services/workplace/plans/STD", set("20")).expect(200);
    scene.settle();
    let after = scene.told(&mut seen);
    // Those near were never told of the server that came meanwhile.
    assert!(after.iter().all(|(_, quota)| [20, 40].contains(quota)), "{after:?}");
    admin.api_patch("/services/workplace/plans/STD", set("")).expect(200);
    scene.settle();
    assert_eq!(scene.told(&mut seen), [(near, 15), (near, 15)]);
    assert!(live.stop().success());
}

#[test]
fn p_10_a_change_for_many_that_was_killed_reaches_each_once() {
    let scene = Scene::new(300);
    let admin = scene.admin();
    let mut live = Live::of(&scene.world);
    scene.settle();
    let before = scene.hook.calls().len();
    let patch = |body: Value| admin.api_patch("/services/workplace/properties/quota", body);
    // More than 500 at once are typed.
    let refused = patch(json!({ "default": "11" })).expect(422);
    assert_eq!(refused.complaints(), ["confirm must be 600: so many have it, of 2 customers"]);
    let form = [
        ("name", "quota"),
        ("label", "Quota"),
        ("level", "user"),
        ("type", "integer"),
        ("default", "11"),
    ];
    let page = admin.post("/services/workplace/properties/quota", &form).expect(422);
    assert!(page.says("name=\"confirm\""), "{}", page.body);
    patch(json!({ "default": "11", "confirm": "600" })).expect(200);
    let run = scene.world.count("SELECT max(id) FROM runs");
    // So many wait, whole, until somebody has looked at who they are.
    scene.settle();
    assert_eq!(scene.world.text(&format!("SELECT state FROM runs WHERE id = {run}")), "held");
    assert_eq!(scene.hook.calls().len(), before);
    let held = admin.api_get("/held").expect(200).json()["items"][0].clone();
    assert_eq!(held["title"], "Bring changed settings of Managed workplace to who has it");
    assert_eq!(held["number"], 600);
    let items = admin.api_get(&format!("/held/{}/items", held["id"])).expect(200).json();
    let first = items["items"][0]["text"].as_str().unwrap();
    let (begins, ends) = ("Managed workplace of ", ": its settings change");
    assert!(first.starts_with(begins) && first.ends_with(ends), "{first}");
    let go = json!({ "confirm": "600", "reason": "Agreed with both resellers" });
    admin.api_post(&format!("/runs/{run}/release"), go).expect(202);
    let changed = || {
        scene.world.count(&format!(
            "SELECT coalesce(json_extract(numbers, '$.changed'), 0) FROM runs WHERE id = {run}"
        ))
    };
    assert!(changed() < 600, "the save waits for nobody");
    for least in [100, 300] {
        let end = Instant::now() + Duration::from_secs(60);
        while changed() < least {
            assert!(Instant::now() < end, "waited in vain for {least}");
            std::thread::sleep(Duration::from_millis(2));
        }
        live.kill();
        live = Live::of(&scene.world);
    }
    scene.settle();
    assert_eq!(changed(), 600);
    let each =
        "SELECT count(*) FROM requests WHERE event = 'user_service.update' AND status = 'done'";
    assert_eq!(scene.world.count(each), 600);
    let distinct =
        "SELECT count(DISTINCT user_service_id) FROM requests WHERE event = 'user_service.update'";
    assert_eq!(scene.world.count(distinct), 600);
    let calls = scene.hook.calls();
    assert!(calls[before..].iter().all(|call| call.body["props"]["quota"] == 11));
    let keys: std::collections::BTreeSet<&str> =
        calls[before..].iter().map(|call| call.key()).collect();
    assert_eq!(keys.len(), 600);

    assert!(live.stop().success());
}
