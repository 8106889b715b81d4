//! What a plan was made from: it is not applied once any of that has moved, and it tells nobody more
//! about money than is theirs.

use crate::assignments::Scene;
use crate::world::{PROVIDER, Person};
use portico::ids::CustomerId;
use serde_json::{Value, json};
use std::cell::Cell;

/// The workplace for users and files for customers, each with a setting, a price and a rule for all
/// that can be done, which never does anything.
struct Grounds {
    scene: Scene,
    n: Cell<i64>,
}

const EVENTS: &[&str] = &["provision", "update", "suspend", "resume", "deprovision"];
const VERBS: &[&str] = &["give", "change", "provision", "suspend", "resume", "remove"];

/// How an order is sent: method, path, body, and whom it is about.
struct Sent {
    method: &'static str,
    path: String,
    body: Value,
    holder: String,
}

impl Grounds {
    fn new() -> Grounds {
        let scene = Scene::new();
        scene.priced();
        let admin = scene.admin();
        scene
            .world
            .sql()
            .execute_batch(
                "UPDATE services SET multi = 1 WHERE code = 'files';
                 INSERT INTO properties (service_id, name, label, level, type, validation)
                 VALUES (100, 'size', 'Size', 'user', 'integer', '{}'), (101, 'size', 'Size', 'customer', 'integer', '{}');",
            )
            .unwrap();
        for (service, level) in [("workplace", "user"), ("files", "customer")] {
            for event in EVENTS {
                let rule = json!({
                    "service": service, "event": format!("{level}_service.{event}"), "key": "never",
                    "slot": "before", "condition": "false", "action": "refuse", "params": { "message": "No." },
                });
                admin.api_post("/rules", rule).expect(201);
            }
        }
        let services = format!("/customers/{}/services", scene.customer);
        admin.api_post(&services, json!({ "service": "workplace" })).expect(202);
        Grounds { scene, n: Cell::new(10) }
    }

    fn next(&self) -> i64 {
        self.n.set(self.n.get() + 1);
        self.n.get()
    }

    /// An order of that kind for somebody, or something, that stands ready for it.
    fn order(&self, admin: &Person, of_user: bool, verb: &str) -> Sent {
        let n = self.next();
        let customer = format!("/customers/{}", self.scene.customer);
        let (holder, given) = if of_user {
            let user = self.scene.user(&format!("user{n}"));
            (format!("/users/{user}"), json!({ "service": "workplace", "plan": "standard" }))
        } else {
            (customer, json!({ "service": "files", "label": format!("web{n}") }))
        };
        let list = format!("{holder}/services");
        if verb == "give" {
            return Sent { method: "POST", path: list, body: given, holder };
        }
        let held = admin.api_post(&list, given).expect(202).id();
        let one = format!("{list}/{held}");
        let (method, path, body) = match verb {
            "change" if of_user => ("PATCH", one, json!({ "plan": "plus" })),
            "change" => ("PATCH", one, json!({ "label": format!("new{n}") })),
            "remove" => ("DELETE", one, Value::Null),
            verb => {
                if verb == "resume" {
                    admin.api_post(&format!("{one}/suspend"), Value::Null).expect(202);
                }
                ("POST", format!("{one}/{verb}"), Value::Null)
            }
        };
        Sent { method, path, body, holder }
    }

    fn value(&self, admin: &Person, service: &str) {
        let body = json!({ "properties": { "size": self.next().to_string() } });
        admin.api_patch(&format!("/services/{service}/plans/standard"), body).expect(200);
    }

    fn rule(&self, admin: &Person, service: &str) {
        let all = format!(
            "SELECT CAST(rules.id AS TEXT) FROM rules JOIN services ON services.id = service_id WHERE code = '{service}'"
        );
        for rule in self.scene.world.texts(&all) {
            let body = json!({ "title": format!("Title {}", self.next()) });
            admin.api_patch(&format!("/rules/{rule}"), body).expect(200);
        }
    }

    /// From the second time on it takes the place of the one that has not begun.
    fn price(&self, admin: &Person, service: &str) {
        let kind = if service == "files" { "customer_service" } else { "user_service" };
        let price = json!({
            "kind": kind, "service": service, "plan": "standard", "price": format!("{}.00", self.next()),
        });
        admin.api_post("/price-lists/1/prices", price).expect(201);
    }

    fn person(&self, admin: &Person, place: &str) {
        let body = json!({ "phone": format!("+31 20 {}", self.next()) });
        admin.api_patch(place, body).expect(200);
    }
}

fn ask(who: &Person, sent: &Sent) -> Value {
    let path = format!("{}?preview=true", sent.path);
    let plan = who.api_with(sent.method, &path, sent.body.clone(), &[]).expect(200).json();
    assert_eq!(plan["refusals"], json!([]), "{} {}", sent.method, sent.path);
    plan
}

#[test]
fn p_36_what_moved_since_makes_a_plan_stale_and_anything_else_does_not() {
    let grounds = Grounds::new();
    let admin = grounds.scene.admin();
    let far = grounds.scene.world.customer(PROVIDER, "Farfield");
    let other = grounds.scene.user("other");
    for of_user in [true, false] {
        let (own, another) = if of_user { ("workplace", "files") } else { ("files", "workplace") };
        for verb in VERBS {
            for moved in ["value", "rule", "price", "person"] {
                let sent = grounds.order(&admin, of_user, verb);
                let plan = ask(&admin, &sent);
                match moved {
                    "value" => grounds.value(&admin, own),
                    "rule" => grounds.rule(&admin, own),
                    "price" => grounds.price(&admin, own),
                    _ => grounds.person(&admin, &sent.holder),
                }
                let what = format!("{verb} {own}: {moved}");
                let at = format!("/previews/{}", plan["id"]);
                let stale = admin.api_post(&format!("{at}/apply"), Value::Null);
                assert_eq!(stale.status, 412, "{what}: {}", stale.body);
                assert_eq!(admin.api_get(&at).json()["state"], "stale", "{what}");
                let new = format!("/previews/{}", plan["id"].as_i64().unwrap() + 1);
                assert!(stale.says(&new), "{what}: {}", stale.body);
                admin.api_post(&format!("{new}/apply"), Value::Null).expect(202);
            }
            let plan = ask(&admin, &grounds.order(&admin, of_user, verb));
            grounds.value(&admin, another);
            grounds.rule(&admin, another);
            grounds.price(&admin, another);
            grounds.person(&admin, &format!("/users/{other}"));
            grounds.person(&admin, &format!("/customers/{far}"));
            admin.api_post(&format!("/previews/{}/apply", plan["id"]), Value::Null).expect(202);
        }
    }
}

#[test]
fn a_plan_for_many_is_stale_too_once_its_grounds_moved() {
    let grounds = Grounds::new();
    let admin = grounds.scene.admin();
    let all = format!("/customers/{}/users/services", grounds.scene.customer);
    for moved in ["value", "rule", "price"] {
        let users =
            [grounds.scene.user(&format!("{moved}1")), grounds.scene.user(&format!("{moved}2"))];
        let body = json!({ "service": "workplace", "plan": "standard", "ids": users });
        let sent = Sent { method: "POST", path: all.clone(), body, holder: String::new() };
        let plan = ask(&admin, &sent);
        match moved {
            "value" => grounds.value(&admin, "workplace"),
            "rule" => grounds.rule(&admin, "workplace"),
            _ => grounds.price(&admin, "workplace"),
        }
        let apply = |id: i64| admin.api_post(&format!("/previews/{id}/apply"), Value::Null);
        let id = plan["id"].as_i64().unwrap();
        apply(id).expect(412);
        apply(id + 1).expect(202);
    }
}

/// Every name of a member, however deep.
fn names(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(all) => all.iter().for_each(|(name, each)| {
            found.push(name.clone());
            names(each, found);
        }),
        Value::Array(all) => all.iter().for_each(|each| names(each, found)),
        _ => {}
    }
}

fn says_no_cost(answer: &Value, what: &str) {
    let mut found = Vec::new();
    names(answer, &mut found);
    assert!(!found.iter().any(|name| name.contains("cost")), "{what}: {answer}");
}

#[test]
fn p_39_each_sees_a_plan_at_the_own_price_and_only_the_provider_its_cost() {
    let grounds = Grounds::new();
    let world = &grounds.scene.world;
    let admin = grounds.scene.admin();
    let parent = world
        .count(&format!("SELECT parent_id FROM customers WHERE id = {}", grounds.scene.customer));
    let reseller = world.person(CustomerId(parent), "Reseller administrator");
    let customer = world.person(grounds.scene.customer, "Customer administrator");
    let clerk = world.person(PROVIDER, "Provider helpdesk");
    for verb in VERBS {
        let sent = grounds.order(&admin, true, verb);
        let own = ask(&admin, &sent);
        let seen = ask(&reseller, &sent);
        says_no_cost(&seen, verb);
        says_no_cost(&reseller.api_get(&format!("/previews/{}", seen["id"])).json(), verb);
        let below = ask(&customer, &sent);
        says_no_cost(&below, verb);
        // 18.00 to the reseller; a quarter more to the customer. The clerk may see neither.
        assert_eq!(ask(&clerk, &sent)["monthly"], Value::Null, "{verb}");
        let delta = |plan: &Value| plan["monthly"]["delta_minor"].as_i64().unwrap();
        match *verb {
            "give" => {
                assert_eq!((delta(&own), delta(&seen), delta(&below)), (1800, 2250, 2250));
                assert_eq!(own["monthly"]["cost_delta_minor"], 1200);
                assert_ne!(own["monthly"]["before_minor"], Value::Null);
            }
            "remove" => {
                assert_eq!((delta(&own), delta(&seen), delta(&below)), (-1800, -2250, -2250));
                assert_eq!(own["monthly"]["cost_delta_minor"], -1200);
            }
            _ => {}
        }
    }
    // The same for many, and for a user who is to be added with it.
    let both = [grounds.scene.user("many1"), grounds.scene.user("many2")];
    let body = json!({ "service": "workplace", "plan": "standard", "ids": both });
    let path = format!("/customers/{}/users/services", grounds.scene.customer);
    let many = Sent { method: "POST", path, body, holder: String::new() };
    let (own, seen) = (ask(&admin, &many), ask(&reseller, &many));
    assert_eq!(own["monthly"]["delta_minor"], 3600);
    assert_eq!(own["monthly"]["cost_delta_minor"], 2400);
    assert_eq!(seen["monthly"]["delta_minor"], 4500);
    says_no_cost(&seen, "many");
    let body = json!({ "first_name": "Theo", "services": ["workplace/standard"] });
    let path = format!("/customers/{}/users", grounds.scene.customer);
    let new = Sent { method: "POST", path, body, holder: String::new() };
    let seen = ask(&reseller, &new);
    assert_eq!(seen["monthly"]["delta_minor"], 2250);
    says_no_cost(&seen, "a new user");
}

#[test]
fn who_decides_reads_of_a_plan_what_is_theirs() {
    let grounds = Grounds::new();
    let (scene, admin) = (&grounds.scene, grounds.scene.admin());
    let here = format!("/customers/{}/approvals", scene.customer);
    admin.api_patch("/settings", json!({ "approvals": "on" })).expect(200);
    admin.api_post(&here, json!({ "on": true })).expect(200);
    let parent = scene
        .world
        .count(&format!("SELECT parent_id FROM customers WHERE id = {}", scene.customer));
    let reseller = CustomerId(parent);
    let bea = scene.world.person_named(scene.customer, "Approver", "Bea", "bea");
    let rita = scene.world.person_named(reseller, "Reseller administrator", "Rita", "rita");
    let pam = scene.world.person_named(PROVIDER, "Provider administrator", "Pam", "pam");
    for (at, who) in [(scene.customer, &bea), (reseller, &rita), (PROVIDER, &pam)] {
        let chain = json!({
            "customer_id": at, "name": "Desk", "kind": "group", "verbs": ["give"],
            "whose": "everyone", "members": [who.id],
        });
        admin.api_post("/approvals/chains", chain).expect(201);
    }
    let own = scene.world.person(scene.customer, "Customer administrator");
    let user = scene.user("theo");
    let given =
        json!({ "service": "workplace", "plan": "standard", "properties": { "size": "41" } });
    own.api_post(&format!("/users/{user}/services"), given).expect(202);
    // Who sells it sees the same price as who buys it; the provider, who sells to the reseller, none.
    for (who, price) in [(&bea, Some(2250)), (&rita, Some(2250)), (&pam, None)] {
        let waits = who.api_get("/approvals").expect(200).json();
        let id = waits["items"][0]["id"].as_i64().unwrap();
        let plan = who.api_get(&format!("/approvals/{id}")).expect(200).json()["plan"].clone();
        says_no_cost(&plan, "what waits");
        assert_eq!(plan["monthly"]["delta_minor"].as_i64(), price, "{plan}");
        assert!(plan["diffs"].to_string().contains("\"Size\""), "{plan}");
        assert!(plan["title"].as_str().unwrap().starts_with("Give Managed workplace"));
        who.api_post(&format!("/approvals/{id}/approve"), json!({})).expect(200);
    }
    assert_eq!(scene.world.count("SELECT count(*) FROM user_services WHERE live = 'on'"), 1);
}
