//! What a plan shows is what is run, and showing it writes nothing but the plan, here or outside.

use crate::peers::{Scene, dn, samba};
use crate::world::{PROVIDER, Person, World};
use portico::drivers::ldap::filter::Filter;
use portico::drivers::ldap::session::{At, Depth};
use portico::engine;
use portico::events;
use rusqlite::types::Value as Cell;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Everything that is stored, cell by cell, but for plans and the keys of repeated orders.
fn stored(world: &World) -> BTreeMap<String, Vec<String>> {
    let sql = world.sql();
    let mut all = BTreeMap::new();
    for (table, _) in world.everything_but_previews() {
        let mut rows = sql.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = rows.column_count();
        let cells = rows.query_map([], |row| {
            (0..columns).map(|n| row.get::<_, Cell>(n)).collect::<Result<Vec<Cell>, _>>()
        });
        let mut lines: Vec<String> =
            cells.unwrap().map(|row| format!("{:?}", row.unwrap())).collect();
        lines.sort();
        all.insert(table, lines);
    }
    all
}

/// Everything in the part of the directory that is ours, with the number of its last change.
fn outside(scene: &Scene) -> Vec<String> {
    let at = At::Named(dn(&scene.base.to_string()));
    let wanted = ["uSNChanged", "userAccountControl", "member", "objectGUID"];
    let mut session = scene.peer.session();
    let found = session.search(&at, Depth::Everything, &Filter::anything(), &wanted, 500).unwrap();
    let mut all: Vec<String> = found.iter().map(|entry| format!("{entry:?}")).collect();
    all.sort();
    all
}

/// The titles and actions of steps.
fn listed(steps: &Value) -> Vec<(String, String)> {
    let text = |step: &Value, name: &str| step[name].as_str().unwrap_or_default().to_owned();
    let all = steps.as_array().unwrap().iter();
    all.map(|step| (text(step, "title"), text(step, "action"))).collect()
}

/// A service of accounts and a group in a directory, with two plans and a rule for all that is done.
pub fn vpn(scene: &Scene, admin: &Person) {
    let service = json!({ "code": "vpn", "name": "VPN access", "kind": "user" });
    admin.api_post("/services", service).expect(201);
    for (code, name) in [("STD", "Standard"), ("PLUS", "Plus")] {
        let plan = json!({ "code": code, "name": name, "price": "1.00" });
        admin.api_post("/services/vpn/plans", plan).expect(201);
    }
    let group = format!("g{}", scene.base.first().unwrap().value());
    let rule = |event: &str, position: i64, action: &str, params: Value| {
        let rule = json!({
            "service": "vpn", "event": event, "key": format!("s{position}"), "position": position,
            "action": action, "params": params, "title": format!("{action} at {position}"),
        });
        admin.api_post("/rules", rule).expect(201);
    };
    rule("customer_service.provision", 1, "dir.ou_ensure", json!({}));
    rule("customer_service.provision", 2, "dir.group_ensure", json!({ "name": group }));
    rule("customer_service.deprovision", 1, "dir.group_remove", json!({ "group": group }));
    rule("user_service.provision", 1, "dir.user_ensure", json!({}));
    rule("user_service.provision", 2, "dir.member_add", json!({ "group": group }));
    rule("user_service.provision", 3, "dir.enable", json!({}));
    rule(
        "user_service.update",
        1,
        "dir.user_attributes",
        json!({ "attributes": "info = {plan.code}" }),
    );
    rule("user_service.suspend", 1, "dir.disable", json!({}));
    rule("user_service.resume", 1, "dir.enable", json!({}));
    rule("user_service.deprovision", 1, "dir.member_remove", json!({ "group": group }));
    rule("user_service.deprovision", 2, "dir.user_delete", json!({}));
    admin.api_post("/services/vpn/activate", json!({})).expect(200);
}

#[test]
fn p_35_a_plan_writes_its_own_row_only_and_what_it_shows_is_what_is_run() {
    let scene = Scene::new(samba());
    let world = &scene.world;
    let admin = scene.admin();
    vpn(&scene, &admin);
    let customer = scene.customer(PROVIDER, "Brightwater");
    let user = scene.user(customer, "Theo Vane", "theo");
    let running = engine::start(world.app.clone(), events::EVENTS).unwrap();
    let idle = || {
        let until = Instant::now() + Duration::from_secs(60);
        while world.count("SELECT count(*) FROM requests WHERE turn <> 'over'") > 0 {
            let all = "SELECT id || event || status || reason FROM requests";
            assert!(Instant::now() < until, "{:?}", world.texts(all));
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let of_customer = format!("/customers/{customer}/services");
    let of_user = format!("/users/{user}/services");
    let held = |table: &str| world.count(&format!("SELECT coalesce(max(id), 0) FROM {table}"));
    let everybody = format!("/customers/{customer}/users/services");
    let mut ran = 0;
    for (method, whose, verb, body) in [
        ("POST", "customer", "", json!({ "service": "vpn", "user_plans": ["STD", "PLUS"] })),
        ("POST", "user", "", json!({ "service": "vpn", "plan": "STD" })),
        ("PATCH", "user", "one", json!({ "plan": "PLUS" })),
        ("POST", "user", "suspend", Value::Null),
        ("POST", "user", "resume", Value::Null),
        ("POST", "user", "provision", Value::Null),
        ("PATCH", "customer", "one", json!({ "user_plans": ["PLUS"] })),
        ("POST", "customer", "suspend", Value::Null),
        ("POST", "customer", "resume", Value::Null),
        ("POST", "customer", "provision", Value::Null),
        ("DELETE", "user", "one", Value::Null),
        ("POST", "all", "", json!({ "service": "vpn", "plan": "PLUS", "all": true })),
        ("DELETE", "customer", "one", Value::Null),
    ] {
        let (list, table) = match whose {
            "customer" => (&of_customer, "customer_services"),
            "user" => (&of_user, "user_services"),
            _ => (&everybody, "runs"),
        };
        let at = match verb {
            "" => list.clone(),
            "one" => format!("{list}/{}", held(table)),
            verb => format!("{list}/{}/{verb}", held(table)),
        };
        let what = format!("{method} {whose} {verb}");
        let (before, there) = (stored(world), outside(&scene));
        let plans = world.count("SELECT count(*) FROM previews");
        let plan = admin.api_with(method, &format!("{at}?preview=true"), body, &[]).expect(200);
        let plan = plan.json();
        for (table, rows) in stored(world) {
            assert_eq!(rows, before[&table], "{what}: {table}");
        }
        assert_eq!(outside(&scene), there, "{what}");
        assert_eq!(world.count("SELECT count(*) FROM previews"), plans + 1, "{what}: its own row");
        if whose == "all" {
            continue;
        }
        let apply = format!("/previews/{}/apply", plan["id"]);
        let applied = admin.api_post(&apply, Value::Null).expect(202).json();
        idle();
        let request = applied["request_id"].as_i64().unwrap();
        let shown = admin.api_get(&format!("/requests/{request}")).expect(200).json();
        assert_eq!(shown["status"], "done", "{what}: {shown}");
        assert_eq!(listed(&shown["steps"]), listed(&plan["steps"]), "{what}");
        ran += listed(&plan["steps"]).len();
    }
    running.stop();
    assert!(ran >= 14, "{ran} steps are no test");
    assert_eq!(world.count("SELECT count(*) FROM bindings WHERE class IN ('user', 'group')"), 0);
}
