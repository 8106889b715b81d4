//! What a service needs is given along where that is said, and what was there is given again as it was.

use crate::world::{PROVIDER, Person, World};
use portico::ids::CustomerId;
use serde_json::json;

/// Managed desk, which users hold: it needs Tenant at the customer and Account at the user.
fn catalogue(world: &World) -> Person<'_> {
    let admin = world.person(PROVIDER, "Provider administrator");
    for (code, name, kind, needs) in [
        ("tenant", "Tenant", "customer", vec![]),
        ("account", "Account", "user", vec![]),
        ("desk", "Managed desk", "user", vec!["tenant@customer", "account"]),
    ] {
        let body = json!({ "code": code, "name": name, "kind": kind, "tracking_only": true, "needs": needs });
        admin.api_post("/services", body).expect(201);
        if kind == "user" {
            let plan = json!({ "code": "STD", "name": "Standard", "price": "10.00" });
            admin.api_post(&format!("/services/{code}/plans"), plan).expect(201);
        }
        admin.api_post(&format!("/services/{code}/activate"), json!({})).expect(200);
    }
    admin
}

fn held(world: &World, customer: CustomerId) -> Vec<String> {
    world.texts(&format!(
        "SELECT code || ' ' || level FROM assignments
          WHERE customer_id = {customer} AND live <> 'gone' ORDER BY level, code"
    ))
}

#[test]
fn what_is_needed_is_given_first_where_it_is_said_and_by_itself_in_a_plan() {
    let world = World::new();
    let admin = catalogue(&world);
    let home = world.customer(PROVIDER, "Aldermoor");
    let theo = world.user(home, "Theo Vane", "theo");
    let at_home = format!("/customers/{home}/services");
    admin.api_post(&at_home, json!({ "service": "account" })).expect(202);
    let refused = admin.api_post(&at_home, json!({ "service": "desk" })).expect(422);
    assert_eq!(refused.complaints(), ["service needs Tenant at the customer"]);
    let order = json!({ "service": "desk", "with": { "tenant": { "plan": "" } } });
    admin.api_post(&at_home, order).expect(202);
    assert_eq!(held(&world, home), ["account customer", "desk customer", "tenant customer"]);

    let own = format!("/users/{theo}/services");
    let plain = json!({ "service": "desk", "plan": "STD" });
    let refused = admin.api_post(&own, plain.clone()).expect(422);
    assert_eq!(refused.complaints(), ["service needs Account at the user"]);
    for (with, why) in [
        (json!({ "tenant": { "plan": "" } }), "with has tenant: Aldermoor has Tenant already."),
        (json!({ "files": { "plan": "STD" } }), "with has files, which Managed desk does not need"),
        (json!({ "account": { "plan": "GOLD" } }), "with.account.plan is not a plan of Account"),
        (json!({ "account": { "plan": "STD", "colour": "red" } }), "colour"),
        (json!({ "account": "STD" }), "with must say of each service what it is to be"),
    ] {
        let order = json!({ "service": "desk", "plan": "STD", "with": with });
        let all = admin.api_post(&own, order).expect(422).complaints().join("; ");
        assert!(all.contains(why), "{all}");
    }
    assert_eq!(world.count("SELECT count(*) FROM user_services"), 0, "all or nothing");

    // A plan adds it, says so, and what is shown is what is done.
    let plan = admin.api_post(&format!("{own}?preview=true"), plain).expect(200).json();
    let fields: Vec<&str> =
        plan["diffs"].as_array().unwrap().iter().map(|d| d["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["Account", "Managed desk"]);
    assert_eq!(plan["monthly"]["delta_minor"], 2_000, "{plan}");
    assert_eq!(plan["refusals"], json!([]));
    let number = plan["id"].as_i64().unwrap();
    admin.api_post(&format!("/previews/{number}/apply"), json!({})).expect(202);
    assert_eq!(
        world.texts("SELECT code FROM assignments WHERE level = 'user' ORDER BY id"),
        ["account", "desk"]
    );
    let after = "SELECT count(*) FROM requests AS this JOIN requests AS first ON first.id = this.after_id
                  WHERE this.title LIKE 'Give Managed desk to Theo%' AND first.title LIKE 'Give Account%'";
    assert_eq!(world.count(after), 1);
    // By a page the same.
    let mia = world.user(home, "Mia Vane", "mia");
    let form = [("what", "desk/STD"), ("settings", "1")];
    let at = admin.post(&format!("/users/{mia}/services"), &form).location().to_owned();
    let page = admin.get(&at).expect(200);
    assert!(page.says("Account") && page.says("Managed desk"), "{}", page.body);
    let digest = admin.api_get(&at).expect(200).json()["digest"].as_str().unwrap().to_owned();
    admin.post(&format!("{at}/apply"), &[("digest", &digest)]).location();
    let of_mia = format!("SELECT count(*) FROM user_services WHERE user_id = {mia}");
    assert_eq!(world.count(&of_mia), 2);
    // With two plans to choose from it has to be said.
    let gold = json!({ "code": "GOLD", "name": "Gold", "price": "20.00" });
    admin.api_post("/services/account/plans", gold).expect(201);
    let bea = world.user(home, "Bea Vane", "bea");
    let own = format!("/users/{bea}/services?preview=true");
    let plan = admin.api_post(&own, json!({ "service": "desk", "plan": "STD" })).expect(200).json();
    let why = plan["refusals"].to_string();
    assert!(
        plan["steps"].as_array().unwrap().is_empty() && why.contains("needs Account"),
        "{plan}"
    );
}

#[test]
fn nobody_gives_along_what_they_may_not_give() {
    let world = World::new();
    let admin = catalogue(&world);
    let [north, south] = ["Northwind", "Southwind"].map(|name| {
        let reseller = world.reseller(name);
        for service in ["tenant", "account", "desk"] {
            let body = json!({ "service": service, "plans": if service == "tenant" { vec![] } else { vec!["STD"] } });
            admin.api_post(&format!("/customers/{reseller}/offers"), body).expect(201);
        }
        world.customer(reseller, &format!("{name} Dental"))
    });
    let rights = [("user_services.write", 1), ("users.read", 1), ("services.read", 1)];
    let near = world.person_with(north, &rights);
    let theo = world.user(north, "Theo Vane", "theo");
    let gives =
        json!({ "service": "desk", "plan": "STD", "with": { "account": { "plan": "STD" } } });
    // The customer has none of it: what is missing there stays missing.
    let answer = near.api_post(&format!("/users/{theo}/services"), gives.clone()).expect(422);
    assert!(answer.says("does not have"), "{}", answer.body);
    let tenant = json!({ "service": "desk", "plan": "STD", "with": { "tenant": { "plan": "" } } });
    let answer = near.api_post(&format!("/users/{theo}/services"), tenant).expect(422);
    assert!(answer.says("customer_services.write"), "{}", answer.body);
    assert_eq!(world.count("SELECT count(*) FROM customer_services"), 0);
    let far = world.user(south, "Ida Far", "ida");
    near.api_post(&format!("/users/{far}/services"), gives).expect(404);
    assert_eq!(world.count("SELECT count(*) FROM user_services"), 0);
}

#[test]
fn what_was_taken_is_given_again_as_it_was() {
    let world = World::new();
    let admin = catalogue(&world);
    let gold = json!({ "code": "GOLD", "name": "Gold", "price": "20.00" });
    admin.api_post("/services/account/plans", gold).expect(201);
    for (name, usage, who) in [
        ("size", "setting", "customer"),
        ("nick", "captured", "customer"),
        ("host", "setting", "provider"),
    ] {
        let body = json!({ "name": name, "label": name, "level": "user", "type": "text", "use": usage,
                           "writable_by": who });
        admin.api_post("/services/account/properties", body).expect(201);
    }
    let reseller = world.reseller("Northwind");
    let offer = json!({ "service": "account", "plans": ["STD", "GOLD"] });
    admin.api_post(&format!("/customers/{reseller}/offers"), offer).expect(201);
    let home = world.customer(reseller, "Aldermoor");
    admin
        .api_post(&format!("/customers/{home}/services"), json!({ "service": "account" }))
        .expect(202);
    let (theo, mia) = (world.user(home, "Theo Vane", "theo"), world.user(home, "Mia Vane", "mia"));
    let values = json!({ "size": "large", "nick": "tv", "host": "h1" });
    let order = json!({ "service": "account", "plan": "GOLD", "properties": values });
    let own = format!("/users/{theo}/services");
    let first = admin.api_post(&own, order).expect(202).json()["id"].as_i64().unwrap();
    admin.api_delete(&format!("{own}/{first}")).expect(202);

    let near = world.person(home, "Customer administrator");
    let like = |n: i64| json!({ "service": "account", "like": n });
    for (who, wrong) in [(mia, first), (theo, 999)] {
        let refused = near.api_post(&format!("/users/{who}/services"), like(wrong)).expect(422);
        assert!(refused.says("like"), "{}", refused.body);
    }
    let mut again = like(first);
    again["properties"] = json!({ "size": "small" });
    let second = near.api_post(&own, again).expect(202).json()["id"].as_i64().unwrap();
    let plan = format!(
        "SELECT code FROM user_services JOIN plans ON plans.id = plan_id WHERE user_services.id = {second}"
    );
    assert_eq!(world.text(&plan), "GOLD");
    let kept = world.texts(&format!(
        "SELECT name || '=' || value FROM property_values JOIN properties ON properties.id = property_id
          WHERE user_service_id = {second} ORDER BY name"
    ));
    // What the customer's own may not set does not come back by their hand.
    assert_eq!(kept, ["nick=\"tv\"", "size=\"small\""]);
}

#[test]
fn a_rule_gives_what_goes_with_it_once_and_not_without_end() {
    let world = World::new();
    world.clock.set(portico::time::Clock::default().now());
    let admin = world.person(PROVIDER, "Provider administrator");
    let home = world.customer(PROVIDER, "Aldermoor");
    let codes = ["a", "b", "c", "d", "e"];
    for code in codes {
        let body = json!({ "code": code, "name": format!("Thing {code}"), "kind": "user", "tracking_only": true });
        admin.api_post("/services", body).expect(201);
        let plan = json!({ "code": "STD", "name": "Standard" });
        admin.api_post(&format!("/services/{code}/plans"), plan).expect(201);
        admin.api_post(&format!("/services/{code}/activate"), json!({})).expect(200);
        admin
            .api_post(&format!("/customers/{home}/services"), json!({ "service": code }))
            .expect(202);
    }
    for pair in codes.windows(2) {
        let rule = json!({ "service": pair[0], "event": "user_service.provision", "key": "next",
                           "action": "service.give", "params": { "service": pair[1], "plan": "STD" } });
        admin.api_post("/rules", rule).expect(201);
    }
    let back = json!({ "service": "b", "event": "user_service.provision", "key": "back",
                       "action": "service.give", "params": { "service": "a", "plan": "STD" } });
    admin.api_post("/rules", back).expect(201);
    let theo = world.user(home, "Theo Vane", "theo");
    let order = json!({ "service": "a", "plan": "STD" });
    admin.api_post(&format!("/users/{theo}/services"), order).expect(202);
    // Whoever may not give something does not by a rule either.
    let body = json!({ "code": "base", "name": "Base", "kind": "customer", "tracking_only": true });
    admin.api_post("/services", body).expect(201);
    admin.api_post("/services/base/activate", json!({})).expect(200);
    let rule = json!({ "service": "e", "event": "user_service.provision", "key": "base",
                       "action": "service.give", "params": { "service": "base" } });
    admin.api_post("/rules", rule).expect(201);
    let other = world.customer(PROVIDER, "Brightwater");
    admin.api_post(&format!("/customers/{other}/services"), json!({ "service": "e" })).expect(202);
    let near = world.person_with(other, &[("user_services.write", 1), ("users.read", 1)]);
    let mia = world.user(other, "Mia Vane", "mia");
    let order = json!({ "service": "e", "plan": "STD" });
    near.api_post(&format!("/users/{mia}/services"), order).expect(202);
    let live = crate::live::Live::of(&world);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let open = "SELECT count(*) FROM requests WHERE status IN ('queued', 'running')";
    while world.count(open) > 0 {
        assert!(std::time::Instant::now() < end, "it does not come to an end");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    drop(live);
    let has = |user: i64| {
        world.texts(&format!("SELECT code FROM assignments WHERE user_id = {user} ORDER BY code"))
    };
    assert_eq!(has(theo.0), ["a", "b", "c", "d"]);
    let why = |user: i64| {
        world.text(&format!(
            "SELECT title || ': ' || reason FROM requests WHERE status = 'failed' AND user_id = {user}"
        ))
    };
    let failed = why(theo.0);
    assert!(failed.contains("Thing d") && failed.contains("because of each other"), "{failed}");
    // The request that it made is known to later steps.
    let known = "SELECT count(*) FROM steps JOIN requests ON requests.id = json_extract(outputs, '$.request')
                  WHERE action = 'service.give' AND requests.title LIKE 'Give Thing b to Theo%'";
    assert_eq!(world.count(known), 1);
    assert!(why(mia.0).contains("customer_services.write"), "{}", why(mia.0));
    assert_eq!(world.count("SELECT count(*) FROM assignments WHERE code = 'base'"), 0);
}
