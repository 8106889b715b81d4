//! Orders of services against a real directory: what a plan shows is what is run, whatever is ordered.

use crate::engine_plans::vpn;
use crate::peers::{Scene, dn, samba};
use crate::world::{PROVIDER, Person, World};
use portico::drivers::ldap::filter::Filter;
use portico::drivers::ldap::session::{At, Depth};
use portico::engine::{self, Handle};
use portico::events;
use portico::ids::CustomerId;
use portico::routes::{ROUTES, has_preview};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
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

/// Everything that customers and users have, as far as a plan says what becomes of it.
fn held(world: &World) -> BTreeMap<String, Value> {
    let all = objects(
        world,
        "SELECT json_object('key', 'customer ' || own.id, 'title', services.name, 'plan', coalesce(plans.name, 'given'),
                            'wanted', own.wanted, 'live', own.live, 'values', json_array(),
                            'plans', json((SELECT json_group_array(name) FROM (SELECT name FROM customer_service_plans JOIN plans ON plans.id = plan_id
                                                                           WHERE customer_service_id = own.id ORDER BY name))))
           FROM customer_services own JOIN services ON services.id = own.service_id LEFT JOIN plans ON plans.id = own.plan_id
          UNION ALL
         SELECT json_object('key', 'user ' || own.id, 'title', services.name, 'plan', coalesce(plans.name, 'given'),
                            'wanted', own.wanted, 'live', own.live, 'plans', json_array(),
                            'values', json((SELECT json_group_array(json_array(properties.label, json_extract(value, '$'))) FROM property_values JOIN properties ON properties.id = property_id
                                        WHERE user_service_id = own.id)))
           FROM user_services own JOIN services ON services.id = own.service_id LEFT JOIN plans ON plans.id = own.plan_id",
    );
    all.into_iter()
        .filter(|each| each["live"] != "gone")
        .map(|each| (each["key"].as_str().unwrap().to_owned(), each))
        .collect()
}

type Diff = (String, Option<String>, Option<String>);

fn diff(field: &str, before: Option<&str>, after: Option<&str>) -> Diff {
    (field.to_owned(), before.map(str::to_owned), after.map(str::to_owned))
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

fn pairs(value: &Value) -> BTreeMap<String, String> {
    let said = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
    let all = value["values"].as_array().unwrap().iter();
    all.map(|pair| (said(&pair[0]), said(&pair[1]))).collect()
}

/// What has changed of the things of one kind, in the words of a plan.
fn observed(
    kind: &str,
    before: &BTreeMap<String, Value>,
    after: &BTreeMap<String, Value>,
) -> Vec<Diff> {
    let none = json!({ "values": [], "plans": [] });
    let mut all = Vec::new();
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys.into_iter().filter(|key| key.starts_with(kind)) {
        let (old, new) = (before.get(key), after.get(key));
        let (was, is) = (old.unwrap_or(&none), new.unwrap_or(&none));
        match (old, new) {
            (None, Some(new)) => all.push(diff(text(new, "title"), None, Some(text(new, "plan")))),
            (Some(old), None) => all.push(diff(text(old, "title"), Some(text(old, "plan")), None)),
            _ => {
                if was["plan"] != is["plan"] {
                    all.push(diff("Plan", Some(text(was, "plan")), Some(text(is, "plan"))));
                }
                for (then, now) in [("on", "suspended"), ("suspended", "on")] {
                    if (text(was, "live"), text(is, "live")) == (then, now) {
                        all.push(diff(text(is, "title"), Some(then), Some(now)));
                    }
                }
                let (then, now) =
                    (was["plans"].as_array().unwrap(), is["plans"].as_array().unwrap());
                let gone = then.iter().filter(|plan| !now.contains(plan));
                all.extend(gone.map(|plan| diff("User plan", plan.as_str(), None)));
                let come = now.iter().filter(|plan| !then.contains(plan));
                all.extend(come.map(|plan| diff("User plan", None, plan.as_str())));
            }
        }
        if new.is_some() {
            let (then, now) = (pairs(was), pairs(is));
            for (name, value) in &now {
                let old = then.get(name);
                if old != Some(value) {
                    all.push(diff(name, old.map(String::as_str), Some(value)));
                }
            }
        }
    }
    all
}

/// What a plan shows of changes.
fn shown_diffs(plan: &Value) -> Vec<Diff> {
    let said = |diff: &Value, name: &str| diff[name].as_str().map(str::to_owned);
    let all = plan["diffs"].as_array().unwrap().iter();
    let mut all: Vec<Diff> = all
        .map(|each| (text(each, "field").to_owned(), said(each, "before"), said(each, "after")))
        .collect();
    all.sort();
    all
}

/// The steps that a plan shows, by event, as they are to be run; and how often each event comes.
fn shown_steps(world: &World, plan: i64) -> BTreeMap<String, (i64, Vec<Value>)> {
    let document = world.text(&format!("SELECT document FROM previews WHERE id = {plan}"));
    let document: Value = serde_json::from_str(&document).unwrap();
    let mut all: BTreeMap<String, (i64, Vec<Value>)> = BTreeMap::new();
    for step in document["steps"].as_array().unwrap() {
        let (times, steps) = all.entry(text(step, "event").to_owned()).or_default();
        *times = step["times"].as_i64().unwrap();
        let mut step = step.clone();
        for name in ["seq", "times", "event", "connector"] {
            step.as_object_mut().unwrap().remove(name);
        }
        steps.push(step);
    }
    all
}

/// The steps that were run because of a plan, request by request, each as it was planned.
fn ran(world: &World, plan: i64) -> BTreeMap<String, Vec<Vec<Value>>> {
    let mut all: BTreeMap<String, Vec<Vec<Value>>> = BTreeMap::new();
    let requests =
        format!("SELECT json_array(id, event) FROM requests WHERE preview_id = {plan} ORDER BY id");
    for request in objects(world, &requests) {
        let steps = objects(
            world,
            &format!(
                "SELECT json_object('key', key, 'title', title, 'action', action, 'connector_id', connector_id,
                                    'on_error', on_error, 'params', json(params),
                                    'how', json_object('slot', slot, 'rule', iif(rule_id IS NULL, NULL, json_array(rule_id, rule_version)),
                                                       'condition', condition, 'tries', tries, 'time_limit', time_limit))
                   FROM steps WHERE request_id = {} ORDER BY seq",
                request[0]
            ),
        );
        if !steps.is_empty() {
            all.entry(request[1].as_str().unwrap().to_owned()).or_default().push(steps);
        }
    }
    all
}

/// The orders of services that can be looked at before, as the table of routes names them.
fn orders() -> BTreeSet<(String, String)> {
    let all = ROUTES.iter().filter(|route| route.api.is_some());
    all.map(|route| (route.method, route.path.trim_start_matches("/api/v1")))
        .filter(|(method, path)| has_preview(*method, path) && path.contains("/services"))
        .map(|(method, path)| (method.word().to_owned(), path.to_owned()))
        .collect()
}

struct Stage<'s> {
    scene: &'s Scene,
    admin: Person<'s>,
    customer: CustomerId,
    /// Theo and Ann.
    users: [portico::ids::UserId; 2],
    done: BTreeSet<(String, String)>,
    steps: usize,
}

impl Stage<'_> {
    fn place(&self, template: &str) -> String {
        let (holder, table, owner) = match template.starts_with("/users/") {
            true => (self.users[0].0, "user_services", "user_id"),
            false => (self.customer.0, "customer_services", "customer_id"),
        };
        let own = format!("SELECT coalesce(max(id), 0) FROM {table} WHERE {owner} = {holder}");
        let own = self.scene.world.count(&own).to_string();
        template.replace("{id}", &holder.to_string()).replace("{aid}", &own)
    }

    /// Looks, applies, waits, and compares all that was shown with all that came of it.
    fn order(&mut self, method: &str, template: &str, body: Value, said: &[Diff]) {
        let what = format!("{method} {template} {body}");
        let world = &self.scene.world;
        let at = format!("{}?preview=true", self.place(template));
        let before = held(world);
        let plan = self.admin.api_with(method, &at, body, &[]).expect(200).json();
        assert_eq!(plan["refusals"], json!([]), "{what}");
        let id = plan["id"].as_i64().unwrap();
        let steps = shown_steps(world, id);
        let typed = match plan["confirm"].as_str() {
            Some(confirm) => json!({ "confirm": confirm }),
            None => Value::Null,
        };
        let applied =
            self.admin.api_post(&format!("/previews/{id}/apply"), typed).expect(202).json();
        if let Some(run) = applied["run_id"].as_i64() {
            assert_eq!(world.finish(run), "done", "{what}");
        }
        idle(world);
        let bad = format!(
            "SELECT requests.title || ': ' || reason || ' ' || coalesce(steps.error, '') FROM requests LEFT JOIN steps ON request_id = requests.id
              WHERE preview_id = {id} AND (requests.status <> 'done' OR steps.status NOT IN ('done', 'skipped'))"
        );
        assert_eq!(world.texts(&bad), Vec::<String>::new(), "{what}");
        // Each step is the one that was shown, as often as was said, and there is no other.
        let ran = ran(world, id);
        assert_eq!(ran.keys().collect::<Vec<_>>(), steps.keys().collect::<Vec<_>>(), "{what}");
        for (event, (times, steps)) in &steps {
            let requests = &ran[event];
            assert_eq!(requests.len(), usize::try_from(*times).unwrap(), "{what}: {event}");
            requests.iter().for_each(|each| assert_eq!(each, steps, "{what}: {event}"));
            self.steps += steps.len();
        }
        // And each change.
        let kind = if template.starts_with("/users/") { "user" } else { "customer" };
        let mut came = said.to_vec();
        if !template.contains("/users/services") {
            came.extend(observed(kind, &before, &held(world)));
        }
        came.sort();
        assert_eq!(shown_diffs(&plan), came, "{what}");
        self.done.insert((method.to_owned(), template.to_owned()));
    }

    /// What the account of a user says of itself; nothing where there is none.
    fn flags(&self, user: usize) -> Option<String> {
        let name = format!("SELECT username FROM users WHERE id = {}", self.users[user]);
        let filter = Filter::is("sAMAccountName", &self.scene.world.text(&name));
        let at = At::Named(dn(&self.scene.base.to_string()));
        let wanted = ["userAccountControl", "memberOf", "info"];
        let mut session = self.scene.peer.session();
        let found = session.search(&at, Depth::Everything, &filter, &wanted, 2).unwrap();
        let entry = found.first()?;
        let groups = entry.texts("memberOf").len();
        Some(
            format!("{} {groups} {}", entry.text("userAccountControl"), entry.text("info"))
                .trim()
                .to_owned(),
        )
    }
}

#[test]
fn p_34_whatever_is_ordered_of_services_is_run_as_it_was_shown() {
    let scene = Scene::new(samba());
    let world = &scene.world;
    let admin = scene.admin();
    vpn(&scene, &admin);
    let note = json!({ "name": "note", "label": "Note", "level": "user", "type": "text" });
    admin.api_post("/services/vpn/properties", note).expect(201);
    let customer = scene.customer(PROVIDER, "Brightwater");
    let users = [scene.user(customer, "Theo Vane", "theo"), scene.user(customer, "Ann Lee", "ann")];
    let running = start(world);
    let mut stage =
        Stage { scene: &scene, admin, customer, users, done: BTreeSet::new(), steps: 0 };
    let (house, own) = ("/customers/{id}/services", "/users/{id}/services");
    let again = diff("VPN access", None, Some("as it is wanted, once more"));

    let given = json!({ "service": "vpn", "user_plans": ["STD", "PLUS"] });
    stage.order("POST", house, given, &[]);
    let given = json!({ "service": "vpn", "plan": "STD", "properties": { "note": "first" } });
    stage.order("POST", own, given, &[]);
    assert_eq!(stage.flags(0).as_deref(), Some("512 1"));
    let one = format!("{own}/{{aid}}");
    let body = json!({ "plan": "PLUS", "properties": { "note": "second" } });
    stage.order("PATCH", &one, body, &[]);
    assert_eq!(stage.flags(0).as_deref(), Some("512 1 PLUS"));
    stage.order("POST", &format!("{one}/suspend"), Value::Null, &[]);
    assert_eq!(stage.flags(0).as_deref(), Some("514 1 PLUS"));
    stage.order("POST", &format!("{one}/resume"), Value::Null, &[]);
    assert_eq!(stage.flags(0).as_deref(), Some("512 1 PLUS"));
    stage.order("POST", &format!("{one}/provision"), Value::Null, std::slice::from_ref(&again));
    let whole = format!("{house}/{{aid}}");
    stage.order("PATCH", &whole, json!({ "user_plans": ["PLUS"] }), &[]);
    stage.order("PATCH", &whole, json!({ "user_plans": ["STD", "PLUS"] }), &[]);
    stage.order("POST", &format!("{whole}/suspend"), Value::Null, &[]);
    stage.order("POST", &format!("{whole}/resume"), Value::Null, &[]);
    stage.order("POST", &format!("{whole}/provision"), Value::Null, &[again]);
    stage.order("DELETE", &one, Value::Null, &[]);
    assert_eq!(stage.flags(0), None);
    let many = json!({ "service": "vpn", "plan": "STD", "all": true });
    stage.order("POST", "/customers/{id}/users/services", many, &[]);
    assert_eq!(
        [0, 1].map(|user| stage.flags(user)),
        [Some("512 1".to_owned()), Some("512 1".to_owned())]
    );
    stage.order(
        "DELETE",
        &whole,
        Value::Null,
        &[diff("VPN access of its users", Some("2 users"), None)],
    );
    assert_eq!([0, 1].map(|user| stage.flags(user)), [None, None]);
    running.stop();
    assert_eq!(stage.done, orders(), "an order that can be looked at and is not tried here");
    assert!(stage.steps >= 20, "{} steps are no test", stage.steps);
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
