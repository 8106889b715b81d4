//! Orders of services against a real directory: what a plan shows is what is run, whatever is ordered.

use crate::engine_plans::vpn;
use crate::peers::{Scene, samba};
use crate::world::{PROVIDER, World};
use portico::engine::{self, Handle};
use portico::events;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[track_caller]
pub fn until(world: &World, what: &str, is: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !is() {
        let all = "SELECT id || ' ' || event || ' ' || status || ' ' || turn || ' ' || reason FROM requests";
        assert!(Instant::now() < end, "waited in vain until {what}: {:#?}", world.texts(all));
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub fn start(world: &World) -> Handle {
    engine::start(world.app.clone(), events::EVENTS).unwrap()
}

pub fn idle(world: &World) {
    let open = "SELECT count(*) FROM requests WHERE turn <> 'over'";
    until(world, "all is done", || world.count(open) == 0);
}

fn objects(world: &World, sql: &str) -> Vec<Value> {
    world.texts(sql).iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

#[test]
fn many_orders_at_once_do_to_each_what_was_shown_of_each() {
    let scene = Scene::new(samba());
    let world = &scene.world;
    let admin = scene.admin();
    vpn(&scene, &admin);
    let customer = scene.customer(PROVIDER, "Brightwater");
    let users = ["theo", "ann", "una"].map(|local| scene.user(customer, local, local));
    let running = start(world);
    let given = json!({ "service": "vpn", "user_plans": ["STD", "PLUS"] });
    admin.api_post(&format!("/customers/{customer}/services"), given).expect(202);
    for user in &users[..2] {
        let given = json!({ "service": "vpn", "plan": "STD" });
        admin.api_post(&format!("/users/{user}/services"), given).expect(202);
    }
    idle(world);
    let url = format!("/customers/{customer}/users/bulk");
    for (action, more) in [
        ("service_change", json!({ "plan": "PLUS" })),
        ("service_suspend", json!({})),
        ("service_resume", json!({})),
        ("service_remove", json!({})),
    ] {
        let mut input = json!({ "service": "vpn" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let order = json!({ "action": action, "ids": users, "input": input, "preview": true });
        let plan = admin.api_post(&url, order.clone()).expect(200).json();
        let mut order = order;
        order["preview"] = json!(false);
        if let Some(confirm) = plan["confirm"].as_str() {
            order["confirm"] = json!(confirm);
        }
        let run = admin.api_post(&url, order).expect(202).json()["run_id"].as_i64().unwrap();
        assert_eq!(world.finish(run), "done", "{action}");
        idle(world);
        let mut shown: Vec<(i64, String, Value)> = Vec::new();
        for item in plan["items"].as_array().unwrap() {
            let id = item["user_id"].as_i64().unwrap();
            shown.push((id, text(item, "result").to_owned(), item["changes"].clone()));
        }
        let lines = objects(
            world,
            &format!(
                "SELECT json_array(subject_id, result, json(coalesce((SELECT changed FROM run_changes
                                                                      WHERE run_changes.run_id = run_lines.run_id AND user_id = subject_id), '{{}}')))
                   FROM run_lines WHERE run_id = {run} AND subject_kind = 'user' ORDER BY seq"
            ),
        );
        let came: Vec<(i64, String, Value)> = lines
            .iter()
            .map(|line| {
                (line[0].as_i64().unwrap(), line[1].as_str().unwrap().to_owned(), line[2].clone())
            })
            .collect();
        assert_eq!(shown, came, "{action}");
        assert_eq!(
            world.count("SELECT count(*) FROM requests WHERE status <> 'done'"),
            0,
            "{action}"
        );
    }
    running.stop();
    assert_eq!(world.count("SELECT count(*) FROM user_services WHERE live <> 'gone'"), 0);
}
