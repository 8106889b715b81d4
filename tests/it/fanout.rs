//! A value that is changed further up reaches who has the service, each once.

use crate::hook::Hook;
use crate::live::{Doomed, Live};
use crate::world::{PROVIDER, Person, World};
use portico::assignments::{self, HeldId};
use portico::catalogue;
use portico::catalogue::properties::{self, Asked};
use portico::ids::{CustomerId, CustomerServiceId, UserServiceId};
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
        for (n, (_, home)) in [near, far].iter().enumerate().filter(|_| users > 0) {
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
        let end = Instant::now() + Duration::from_secs(300);
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

/// So many users of a customer who have the plan, as if they had had it for long.
fn held_by(scene: &Scene, home: CustomerId, plan: &str, n: usize) -> Vec<i64> {
    scene.world.users(home, "desk", n);
    scene.world.sql().execute_batch(&format!(
        "INSERT INTO user_services (customer_id, user_id, customer_service_id, service_id, plan_id, live_plan_id,
                                    live, created_at)
         SELECT users.customer_id, users.id, customer_services.id, plans.service_id, plans.id, plans.id, 'on', '2026-01-01T00:00:00Z'
           FROM users
           JOIN customer_services ON customer_services.customer_id = users.customer_id
           JOIN plans ON plans.service_id = customer_services.service_id AND plans.code = '{plan}'
          WHERE users.customer_id = {home} AND users.upn LIKE 'desk%'
          ORDER BY users.id",
    )).unwrap();
    let query = format!(
        "SELECT CAST(id AS TEXT) FROM user_services WHERE customer_id = {home} ORDER BY id"
    );
    scene.world.texts(&query).iter().map(|id| id.parse().unwrap()).collect()
}

#[test]
fn p_10_a_changed_value_of_a_plan_that_was_killed_half_way_reaches_each_of_1200_once() {
    let scene = Scene::new(0);
    let admin = scene.admin();
    held_by(&scene, scene.near.1, "STD", 1_200);
    held_by(&scene, scene.far.1, "PLUS", 3);
    let set = |body: Value| admin.api_patch("/services/workplace/plans/STD", body);
    let quota = json!({ "quota": "11" });
    // More than 500 at once are typed.
    let refused = set(json!({ "properties": quota })).expect(422);
    assert_eq!(refused.complaints(), ["confirm must be 1200: so many have it, of 1 customer"]);
    let form = [("name", "STD"), ("properties.quota", "11")];
    let page = admin.post("/services/workplace/plans/STD", &form).expect(422);
    assert!(page.says("name=\"confirm\""), "{}", page.body);
    set(json!({ "properties": quota, "confirm": "1200" })).expect(200);
    let ordered = "SELECT count(*) FROM requests WHERE event = 'user_service.update'";
    assert_eq!(scene.world.count(ordered), 0, "the save waits for nobody");

    // So many wait, whole, until somebody has looked at who they are.
    let live = Live::of(&scene.world);
    scene.settle();
    live.kill();
    let run = scene.world.count("SELECT max(id) FROM runs");
    assert_eq!(scene.world.text(&format!("SELECT state FROM runs WHERE id = {run}")), "held");
    assert_eq!(scene.hook.calls().len(), 0);
    let held = admin.api_get("/held").expect(200).json()["items"][0].clone();
    assert_eq!(held["title"], "Bring changed settings of Managed workplace to who has it");
    assert_eq!(held["number"], 1_200);
    let items = admin.api_get(&format!("/held/{}/items", held["id"])).expect(200).json();
    let first = items["items"][0]["text"].as_str().unwrap();
    let (begins, ends) = ("Managed workplace of ", ": its settings change");
    assert!(first.starts_with(begins) && first.ends_with(ends), "{first}");
    let go = json!({ "confirm": "1200", "reason": "Agreed with the customer" });
    admin.api_post(&format!("/runs/{run}/release"), go).expect(202);

    let mut doomed = Doomed::start(&scene.world, "fan_out:650");
    let end = Instant::now() + Duration::from_secs(240);
    while !doomed.is_dead() {
        assert!(Instant::now() < end, "it was not killed");
        std::thread::sleep(Duration::from_millis(20));
    }
    let half = scene.world.count(ordered);
    assert!((1..1_200).contains(&half), "{half} were ordered");
    let live = Live::of(&scene.world);
    scene.settle();
    assert_eq!(scene.world.count(ordered), 1_200);
    let done = "SELECT count(DISTINCT user_service_id) FROM requests
                 WHERE event = 'user_service.update' AND status = 'done'";
    assert_eq!(scene.world.count(done), 1_200);
    let calls = scene.hook.calls();
    assert!(calls.iter().all(|call| call.body["props"]["quota"] == 11));
    let told: std::collections::BTreeSet<i64> =
        calls.iter().map(|call| call.body["service"]["id"].as_i64().unwrap()).collect();
    let keys: std::collections::BTreeSet<&str> = calls.iter().map(|call| call.key()).collect();
    assert_eq!((told.len(), keys.len()), (1_200, 1_200));
    assert!(live.stop().success());
}

#[test]
fn p_13_the_values_of_5000_take_as_many_statements_as_those_of_50() {
    let scene = Scene::new(0);
    let admin = scene.admin();
    let near = held_by(&scene, scene.near.1, "STD", 2_500);
    let far = held_by(&scene, scene.far.1, "PLUS", 2_500);
    let set = |quota: &str| json!({ "properties": { "quota": quota }, "confirm": "2500" });
    admin.api_patch("/services/workplace/plans/STD", set("20")).expect(200);
    let given = format!("/customers/{}/offers/workplace", scene.far.0);
    admin
        .api_patch(&given, json!({ "properties": { "quota": "30" }, "confirm": "2500" }))
        .expect(200);
    scene
        .world
        .sql()
        .execute_batch(
            "INSERT INTO property_values (property_id, holder, user_service_id, value, set_at)
         SELECT properties.id, 'user_service', user_services.id, 10000 + user_services.id, ''
           FROM properties JOIN user_services ON user_services.service_id = properties.service_id
          WHERE properties.name = 'quota' AND user_services.id % 10 = 0",
        )
        .unwrap();
    let db = &scene.world.app.db;
    let service = db.read(|db| catalogue::service_of(db, "workplace")).unwrap().id;
    let plan = |code: &str| db.read(|db| catalogue::plan_of(db, service, code)).unwrap().id;
    let below = |home: CustomerId| {
        CustomerServiceId(
            scene
                .world
                .count(&format!("SELECT id FROM customer_services WHERE customer_id = {home}")),
        )
    };
    let mut asked = Vec::new();
    for (ids, home, code) in [(&near, scene.near.1, "STD"), (&far, scene.far.1, "PLUS")] {
        let (plan, below) = (plan(code), below(home));
        asked.extend(ids.iter().map(|id| Asked {
            service,
            customer: home,
            customer_service: Some(below),
            customer_plan: None,
            user_service: Some(UserServiceId(*id)),
            user_plan: Some(plan),
            branch: false,
        }));
    }
    let some: Vec<Asked> = asked[2_475..2_525].to_vec();
    let of_all = |asked: &[Asked]| {
        let before = portico::db::statements();
        let all = db.read(|db| properties::stored_of_all(db, service, asked)).unwrap();
        (portico::db::statements() - before, all)
    };
    let (few, values) = of_all(&some);
    let (many, all) = of_all(&asked);
    assert_eq!((values.len(), all.len()), (50, 5_000));
    assert_eq!(few, many);
    for (asked, stored) in asked.iter().zip(&all) {
        let id = asked.user_service.unwrap().0;
        let expected = match (id % 10, asked.customer == scene.near.1) {
            (0, _) => 10_000 + id,
            (_, true) => 20,
            (_, false) => 30,
        };
        assert_eq!(stored[0].effective(), Some(&json!(expected)), "{id}");
    }
    // Each alone is the same.
    for (asked, stored) in asked.iter().zip(&all).step_by(617) {
        let alone = db.read(|db| properties::stored(db, asked)).unwrap();
        assert_eq!(alone[0].effective(), stored[0].effective());
    }
    // Who was ordered with other values is found the same way.
    let ids: Vec<HeldId> =
        near.iter().chain(&far).map(|id| HeldId::User(UserServiceId(*id))).collect();
    let outdated = |ids: &[HeldId]| {
        let before = portico::db::statements();
        let n = db.read(|db| assignments::outdated(db, ids)).unwrap().len();
        (portico::db::statements() - before, n)
    };
    let (few, found) = outdated(&ids[..50]);
    assert_eq!((found, outdated(&ids)), (50, (few, 5_000)));
}
