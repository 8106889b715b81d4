//! Settings of services: what must have a value, where they are asked for, and how a change reaches
//! who has the service. And what is taken from many at once.

use crate::assignments::{Scene, Scripted, with_star};
use crate::world::{PROVIDER, Person};
use serde_json::{Value, json};

/// A setting of the workplace, in the words of the table.
fn property(scene: &Scene, columns: &str, values: &str) {
    let sql = format!(
        "INSERT INTO properties (service_id, name, label, level, type, validation, {columns})
         VALUES (100, {values})"
    );
    scene.world.sql().execute(&sql, []).unwrap();
}

fn mailbox(scene: &Scene) {
    property(scene, "required", "'mailbox', 'Mailbox size', 'user', 'integer', '{}', 1");
}

const NO_VALUE: &str =
    "properties.mailbox Mailbox size has no value; set it on the plan, the customer or the user.";

#[test]
fn what_is_required_and_has_no_value_is_refused_when_it_is_planned() {
    let scene = Scene::new();
    let (admin, theo, ann) = (scene.admin(), scene.user("theo"), scene.user("ann"));
    mailbox(&scene);
    // The customer may have it all the same: upper levels may leave it open.
    let services = format!("/customers/{}/services", scene.customer);
    admin.api_post(&services, json!({ "service": "workplace" })).expect(202);
    let url = format!("/users/{theo}/services");
    let order = json!({ "service": "workplace", "plan": "standard" });
    assert_eq!(admin.api_post(&url, order.clone()).expect(422).complaints(), [NO_VALUE]);
    let plan = admin.api_post(&format!("{url}?preview=true"), order.clone()).expect(200).json();
    assert_eq!(plan["refusals"][0]["message"], NO_VALUE.split_once(' ').unwrap().1);
    let many = json!({ "service": "workplace", "plan": "standard", "ids": [theo, ann] });
    let all = format!("/customers/{}/users/services", scene.customer);
    assert_eq!(admin.api_post(&all, many).expect(422).complaints(), [NO_VALUE]);
    assert_eq!(scene.world.count("SELECT count(*) FROM user_services"), 0);

    let mut own = order.clone();
    own["properties"] = json!({ "mailbox": "50" });
    let held = admin.api_post(&url, own).expect(202).id();
    let place = format!("{url}/{held}");
    let away = json!({ "properties": { "mailbox": "" } });
    assert_eq!(admin.api_patch(&place, away.clone()).expect(422).complaints(), [NO_VALUE]);
    // A value for the plan will do.
    admin
        .api_patch(
            "/services/workplace/plans/standard",
            json!({ "properties": { "mailbox": "25" } }),
        )
        .expect(200);
    admin.api_patch(&place, away).expect(202);
    admin.api_post(&format!("/users/{ann}/services"), order).expect(202);
    scene.world.sql().execute("DELETE FROM property_values", []).unwrap();
    let again = admin.api_post(&format!("{place}/provision"), Value::Null);
    assert_eq!(again.expect(422).complaints(), [NO_VALUE]);

    // Whoever may not see a setting is not told its name.
    scene
        .world
        .sql()
        .execute("UPDATE properties SET writable_by = 'provider', visible_to = 'provider'", [])
        .unwrap();
    let reseller = scene
        .world
        .count(&format!("SELECT parent_id FROM customers WHERE id = {}", scene.customer));
    let ra = scene.world.person(portico::ids::CustomerId(reseller), "Reseller administrator");
    let hidden = ra.api_post(&format!("{place}/provision"), Value::Null).expect(422);
    assert_eq!(
        hidden.complaints(),
        ["Managed workplace is not set up completely. Ask your provider."]
    );
    assert!(!hidden.says("ailbox"));
}

#[test]
fn the_pages_that_give_ask_for_the_settings_of_what_was_chosen() {
    let scene = Scene::new();
    let (admin, theo) = (scene.admin(), scene.user("theo"));
    let services = format!("/customers/{}/services", scene.customer);
    admin.api_post(&services, json!({ "service": "workplace" })).expect(202);
    let many = format!("/customers/{}/users/services", scene.customer);
    let own = format!("/users/{theo}/services");
    let chosen = ("what", "workplace/standard");
    // Without settings the choice leads to the plan.
    assert!(admin.post(&own, &[chosen]).location().starts_with("/previews/"));
    mailbox(&scene);
    property(
        &scene,
        "writable_by, visible_to",
        "'rack', 'Rack', 'user', 'text', '{}', 'provider', 'provider'",
    );
    property(&scene, "required", "'site', 'Site', 'customer', 'text', '{}', 0");
    assert!(!admin.get(&format!("{own}/new")).expect(200).says("Mailbox size"));
    for (url, more) in [(&own, ("label", "")), (&many, ("all", "1"))] {
        let asked = admin.post(url, &[chosen, more]).expect(200);
        assert!(
            asked.says("Mailbox size") && asked.says("Rack") && !asked.says("Site"),
            "{}",
            asked.body
        );
        assert!(asked.says("name=\"settings\"") && asked.says("value=\"workplace/standard\""));
        let settings = ("settings", "1");
        let wrong = admin.post(url, &[chosen, more, settings, ("properties.mailbox", "much")]);
        let refused = admin.get(wrong.location()).expect(200);
        assert!(refused.says("must be a whole number"), "{}", refused.body);
        let plan = admin.post(url, &[chosen, more, settings, ("properties.mailbox", "50")]);
        let shown = admin.get(plan.location()).expect(200);
        assert!(!shown.says("has no value"), "{}", shown.body);
        assert!(shown.says("Mailbox size, 50") || url == &many, "{}", shown.body);
    }
    // A customer's administrator sets what customers may.
    let ca = scene.world.person(scene.customer, "Customer administrator");
    let asked = ca.post(&own, &[chosen]).expect(200);
    assert!(!asked.says("Rack"), "{}", asked.body);
}

#[test]
fn what_is_taken_from_many_is_typed_and_the_password_asked_for_again() {
    let scene = Scene::new();
    let admin = scene.admin();
    let all: Vec<_> = (0..12).map(|n| scene.user(&format!("user{n}"))).collect();
    for user in &all {
        scene.workplace(&admin, *user);
    }
    let held = scene.world.count("SELECT id FROM customer_services");
    let services = format!("/customers/{}/services", scene.customer);
    let remove = format!("{services}/{held}");
    with_star(&scene.world, &admin, || admin.api_delete(&remove)).expect(403);
    for wrong in [Value::Null, json!({ "confirm": "11" })] {
        let answer = admin.api("DELETE", &remove, wrong).expect(422);
        assert_eq!(answer.complaints(), ["confirm does not match 12"]);
    }
    let plan =
        admin.api("DELETE", &format!("{remove}?preview=true"), Value::Null).expect(200).json();
    assert_eq!(
        (plan["confirm"].as_str(), plan["losing"].as_array().unwrap().len()),
        (Some("12"), 12)
    );

    let page = admin.post(&format!("{remove}/remove"), &[]).location().to_owned();
    let shown = admin.get(&page).expect(200);
    assert!(
        shown.says("Who loses it") && shown.says("user11") && shown.says("Type 12 to confirm.")
    );
    let digest =
        shown.body.split("name=\"digest\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let apply = |typed: &str| {
        admin.post(&format!("{page}/apply"), &[("digest", digest), ("confirm", typed)])
    };
    let refused = apply("13").expect(422);
    assert!(refused.says("does not match 12"), "{}", refused.body);
    scene.world.later(660);
    let asked = apply("12").expect(403);
    assert!(asked.says("Your password, once more"), "{}", asked.body);
    assert_eq!(scene.seats(), 12, "nothing was taken yet");
    scene.world.sql().execute("UPDATE sessions SET proven_at = ?1", [scene.world.now()]).unwrap();
    assert!(apply("12").location().starts_with("/requests/"));
    assert_eq!(scene.seats(), 0);

    // One is not many, and a user's own service takes nobody along.
    let one = scene.workplace(&admin, all[0]);
    let other = scene.workplace(&admin, all[1]);
    admin.api_delete(&format!("/users/{}/services/{one}", all[0])).expect(202);
    let held = scene.world.count("SELECT max(id) FROM customer_services");
    let answer = admin.api_delete(&format!("{services}/{held}")).expect(422);
    assert_eq!(answer.complaints(), ["confirm does not match 1"]);
    assert!(other > 0);
}

fn retry(admin: &Person, request: i64) {
    admin.api_post(&format!("/requests/{request}/retry"), Value::Null).expect(202);
}

#[test]
fn a_customers_service_goes_after_those_of_all_its_users() {
    let stage = Scripted::new();
    let (scene, admin) = (&stage.scene, stage.scene.admin());
    scene
        .world
        .sql()
        .execute_batch(
            "INSERT INTO rules (service_id, event, position, key, action, connector_id)
             VALUES (100, 'customer_service.deprovision', 1, 'tell', 'script.run', 1)",
        )
        .unwrap();
    let users = ["ann", "ben", "cas"].map(|local| scene.user(local));
    let all = users.map(|user| (user, scene.workplace(&admin, user)));
    all.iter().for_each(|(user, held)| assert_eq!(stage.settled(&admin, *user, *held).0, "active"));
    let told = stage.told().len();
    stage.break_it(true);
    let held = scene.world.count("SELECT id FROM customer_services");
    let place = format!("/customers/{}/services/{held}", scene.customer);
    let request = admin.api("DELETE", &place, json!({ "confirm": "3" })).expect(202).json();
    let parent = request["request_id"].as_i64().unwrap();
    stage.settled(&admin, users[0], all[0].1);
    let reason = || scene.world.text(&format!("SELECT reason FROM requests WHERE id = {parent}"));
    assert_eq!(reason(), "3 of 3 failed.");
    let child = |n: usize| {
        let (_, held) = all[n];
        scene.world.count(&format!("SELECT last_request_id FROM user_services WHERE id = {held}"))
    };
    stage.break_it(false);
    retry(&admin, child(0));
    retry(&admin, child(1));
    stage.settled(&admin, users[0], all[0].1);
    // The whole tries again what still failed, and goes on behind it.
    retry(&admin, parent);
    stage.settled(&admin, users[2], all[2].1);
    assert_eq!(
        scene.world.text(&format!("SELECT live FROM customer_services WHERE id = {held}")),
        "gone"
    );
    let text = std::fs::read_to_string(scene.world.folder().join("told")).unwrap();
    let events: Vec<&str> = text.lines().filter(|line| !line.is_empty()).skip(told).collect();
    assert_eq!(events.len(), 4, "each once, then the customer's");
    let of_user = |line: &&str| line.contains("\"event\":\"user_service.deprovision\"");
    assert!(events[..3].iter().all(of_user) && !of_user(&events[3]), "{events:?}");
    stage.engine.stop();
    assert_eq!(admin.api_get("/customers/1").status, 200, "{PROVIDER}");
}

/// What April's bill comes to where `change` was ordered in March, and the difference that its plan
/// said, to the provider and to the reseller.
fn april(change: Option<(&str, &str, Value)>) -> [(i64, i64); 2] {
    let scene = Scene::new();
    scene.priced();
    let plus = "INSERT INTO prices (list_id, seller_id, currency, kind, service, plan, unit_price, unit_cost, valid_from, created_at)
                VALUES (1, 1, 'EUR', 'user_service', 'workplace', 'plus', 27330000, 12000000, '2026-01-01', '')";
    scene.world.sql().execute(plus, []).unwrap();
    let admin = scene.admin();
    let users = ["theo", "ann", "ben"].map(|local| scene.user(local));
    let held = scene.workplace(&admin, users[0]);
    scene.workplace(&admin, users[1]);
    let parent = format!("SELECT parent_id FROM customers WHERE id = {}", scene.customer);
    let reseller = scene.world.count(&parent);
    let seller = scene.world.person(portico::ids::CustomerId(reseller), "Reseller administrator");
    let mut said = [0, 0];
    if let Some((method, path, body)) = change {
        let path = path
            .replace("{customer}", &scene.customer.to_string())
            .replace("{theo}", &users[0].to_string())
            .replace("{ben}", &users[2].to_string())
            .replace("{held}", &held.to_string());
        let plan = |who: &Person| {
            who.api(method, &format!("{path}?preview=true"), body.clone()).expect(200).json()
        };
        let delta = |plan: &Value| plan["monthly"]["delta_minor"].as_i64().unwrap();
        let own = plan(&admin);
        said = [delta(&own), delta(&plan(&seller))];
        admin.api_post(&format!("/previews/{}/apply", own["id"]), Value::Null).expect(202);
        let runs = scene.world.count("SELECT coalesce(max(id), 0) FROM runs");
        if runs > 0 {
            scene.run(runs);
        }
    }
    scene.world.clock.set("2026-05-10T08:00:00Z".parse().unwrap());
    let bill = |query: String| {
        let url = format!("/billing/periods/2026-04-30/summary{query}");
        let all = admin.api_get(&url).expect(200).json();
        let items = all["items"].as_array().unwrap();
        items.iter().map(|line| line["amount_minor"].as_i64().unwrap()).sum::<i64>()
    };
    let upper = bill(format!("?buyer_id={reseller}"));
    let lower = bill(format!("?seller_id={reseller}"));
    [(said[0], upper), (said[1], lower)]
}

#[test]
fn p_37_the_difference_a_plan_says_is_that_of_two_bills_of_a_month() {
    let before = april(None);
    assert!(before.iter().all(|(_, bill)| *bill > 0), "{before:?}");
    let ordered = json!({ "service": "workplace", "plan": "standard" });
    let many = json!({ "service": "workplace", "plan": "plus", "all": true });
    for (method, path, body) in [
        ("POST", "/users/{ben}/services", ordered),
        ("PATCH", "/users/{theo}/services/{held}", json!({ "plan": "plus" })),
        ("DELETE", "/users/{theo}/services/{held}", Value::Null),
        ("POST", "/customers/{customer}/users/services", many),
    ] {
        let after = april(Some((method, path, body)));
        for ((_, before), (said, after)) in before.iter().zip(after) {
            assert!(said != 0, "{path}");
            assert_eq!(after - before, said, "{method} {path}");
        }
    }
}
