//! Limits under concurrency: no more passes than there is, whoever comes at once, and a kill in the
//! middle leaves no counter wrong.

use crate::live::Live;
use crate::world::{PROVIDER, Person, World};
use portico::ids::{CustomerId, UserId};
use portico::offers::recount;
use portico::time::Clock;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Ten seats at a reseller, two levels above a customer with 64 users who have none.
struct Short {
    world: World,
    north: CustomerId,
    customer: CustomerId,
    users: Vec<UserId>,
}

impl Short {
    fn new() -> Short {
        let world = World::new();
        world.clock.set(Clock::default().now());
        let admin = world.person(PROVIDER, "Provider administrator");
        let body = json!({ "code": "workplace", "name": "Managed workplace", "kind": "user", "tracking_only": true });
        admin.api_post("/services", body).expect(201);
        let body = json!({ "code": "STD", "name": "Standard", "price": "18.00" });
        admin.api_post("/services/workplace/plans", body).expect(201);
        admin.api_post("/services/workplace/activate", json!({})).expect(200);
        let north = world.reseller("Northwind");
        let low = world.customer(north, "Lowmoor");
        world.sql().execute("UPDATE customers SET reseller = 1 WHERE id = ?1", [low]).unwrap();
        let customer = world.customer(low, "Aldermoor");
        for (who, limits) in [(north, json!({ "all": 10 })), (low, json!({}))] {
            let body = json!({ "service": "workplace", "plans": ["STD"], "limits": limits });
            admin.api_post(&format!("/customers/{who}/offers"), body).expect(201);
        }
        let body = json!({ "service": "workplace" });
        admin.api_post(&format!("/customers/{customer}/services"), body).expect(202);
        let users = world.users(customer, "user", 64);
        drop(admin);
        Short { world, north, customer, users }
    }

    fn admin(&self) -> Person<'_> {
        self.world.person(PROVIDER, "Provider administrator")
    }

    fn used(&self) -> i64 {
        self.world.count(&format!(
            "SELECT used FROM usage WHERE holder_id = {} AND plan_id = 0 AND meter = 'seats'",
            self.north
        ))
    }

    fn held(&self) -> i64 {
        self.world.count("SELECT count(*) FROM user_services WHERE live <> 'gone'")
    }

    fn counters_hold(&self) {
        let wrong = recount::check(&self.world.app.db).unwrap();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}

#[test]
fn p_15_of_64_parallel_orders_ten_pass_and_the_same_as_one_bulk() {
    let short = Short::new();
    let admin = short.admin();
    let order = json!({ "service": "workplace", "plan": "STD" });
    let answers: Vec<(u16, String)> = std::thread::scope(|threads| {
        let give = |user: &UserId| {
            let (url, order) = (format!("/users/{user}/services"), order.clone());
            let admin = &admin;
            threads.spawn(move || {
                let answer = admin.api_post(&url, order);
                (answer.status, answer.body)
            })
        };
        let all: Vec<_> = short.users.iter().map(give).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let with = |status: u16| answers.iter().filter(|(got, _)| *got == status).count();
    assert_eq!((with(202), with(422)), (10, 54));
    let text = "Managed workplace at Northwind has no seat left (10 of 10).";
    assert!(
        answers.iter().filter(|(status, _)| *status == 422).all(|(_, body)| body.contains(text))
    );
    assert_eq!((short.used(), short.held()), (10, 10));
    short.counters_hold();

    // One bulk: nobody, or as many as there are.
    short.world.sql().execute("UPDATE usage SET max = 20 WHERE max = 10", []).unwrap();
    let url = format!("/customers/{}/users/services", short.customer);
    let mut many = json!({ "service": "workplace", "plan": "STD", "all": true });
    let refused = admin.api_post(&url, many.clone()).expect(422).complaints();
    assert_eq!(refused, ["on_limit 54 seats are needed, 10 are left."]);
    assert_eq!((short.used(), short.held()), (10, 10));
    many["on_limit"] = json!("fill");
    let run = admin.api_post(&url, many).expect(202).json()["run_id"].as_i64().unwrap();
    assert_eq!(short.used(), 20, "taken when it is accepted");
    short.world.finish(run);
    let lines = |result: &str| {
        short.world.count(&format!(
            "SELECT count(*) FROM run_lines WHERE run_id = {run} AND result = '{result}'"
        ))
    };
    assert_eq!((lines("given"), lines("unchanged"), lines("refused")), (10, 10, 44));
    assert_eq!((short.used(), short.held()), (20, 20));
    short.counters_hold();
}

#[test]
fn p_15_killed_in_the_middle_the_counters_are_what_is_there() {
    let short = Short::new();
    let admin = short.admin();
    short.world.sql().execute("UPDATE usage SET max = 300 WHERE max = 10", []).unwrap();
    short.world.users(short.customer, "more", 400);
    let mut live = Live::of(&short.world);
    let url = format!("/api/v1/customers/{}/users/services", short.customer);
    let many = json!({ "service": "workplace", "plan": "STD", "all": true, "on_limit": "fill" });
    let told = live.post(&url, admin.token(), &many).expect(202).json();
    let run = told["run_id"].as_i64().unwrap();
    let given = || {
        short.world.count(&format!(
            "SELECT coalesce(json_extract(numbers, '$.given'), 0) FROM runs WHERE id = {run}"
        ))
    };
    let wait = |until: &dyn Fn() -> bool| {
        let end = Instant::now() + Duration::from_secs(120);
        while !until() {
            assert!(Instant::now() < end, "waited in vain");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    for least in [50, 150] {
        wait(&|| given() >= least);
        live.kill();
        short.counters_hold();
        live = Live::of(&short.world);
    }
    let state = || short.world.text(&format!("SELECT state FROM runs WHERE id = {run}"));
    wait(&|| state() == "done");
    assert_eq!((short.held(), short.used()), (300, 300));
    short.counters_hold();
    let order: Value = json!({ "service": "workplace", "plan": "STD" });
    let last = short
        .world
        .count("SELECT max(id) FROM users WHERE id NOT IN (SELECT user_id FROM user_services)");
    live.post(&format!("/api/v1/users/{last}/services"), admin.token(), &order).expect(422);
    assert!(live.stop().success());
}
