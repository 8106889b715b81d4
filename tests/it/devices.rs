//! What people work with: whose it is, which is asked about first, and where it goes with them.

use crate::world::{Branch as Scene, Person};
use portico::ids::CustomerId;
use serde_json::{Value, json};

fn scene() -> Scene {
    Scene::new()
}

impl Scene {
    fn url(&self) -> String {
        format!("/customers/{}/devices", self.home)
    }

    fn add(&self, who: &Person, body: Value) -> i64 {
        who.api_post(&self.url(), body).expect(201).id()
    }
}

/// "name" of each device of the user, the primary one with a star.
fn of(who: &Person, user: impl std::fmt::Display) -> String {
    let all = who.api_get(&format!("/users/{user}/devices")).expect(200).json();
    let told = |device: &Value| {
        let star = if device["primary"] == true { "*" } else { "" };
        format!("{}{star}", device["name"].as_str().unwrap())
    };
    all["items"].as_array().unwrap().iter().map(told).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_first_is_the_primary_one_until_another_is_made_so() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let theo = world.user(scene.home, "Theo Vane", "theo");
    let ylva = world.user(scene.home, "Ylva Lund", "ylva");
    let laptop = json!({ "name": "AD-0141", "kind": "Laptop", "serial": "PF3X9K", "user": "theo@aldermoor.example" });
    let laptop = scene.add(&admin, laptop);
    let phone = scene.add(&admin, json!({ "name": "AD-P12", "kind": "Phone", "user": theo }));
    scene.add(&admin, json!({ "name": "Scanner at the desk", "note": "By the window" }));
    assert_eq!(of(&admin, theo), "AD-0141*, AD-P12");
    let at = |id: i64| format!("{}/{id}", scene.url());
    admin.api_patch(&at(phone), json!({ "primary": true })).expect(200);
    assert_eq!(of(&admin, theo), "AD-P12*, AD-0141");
    // Whose it is no more is asked about no more: the other one is.
    admin.api_patch(&at(phone), json!({ "user": ylva })).expect(200);
    assert_eq!((of(&admin, theo), of(&admin, ylva)), ("AD-0141*".into(), "AD-P12*".into()));
    admin.api_patch(&at(phone), json!({ "user": "" })).expect(200);
    assert_eq!(of(&admin, ylva), "");
    assert_eq!(admin.api_get(&at(phone)).json()["primary"], false);
    let said = |body: Value| admin.api_patch(&at(phone), body).expect(422).complaints();
    assert_eq!(said(json!({ "primary": true })), ["primary needs a user"]);
    assert_eq!(said(json!({ "name": " " })), ["name is required"]);
    assert_eq!(
        said(json!({ "user": "nobody@aldermoor.example" })),
        ["user is not a user of this customer"]
    );
    assert_eq!(said(json!({ "colour": "grey" })), ["colour is not a field here"]);
    let old = admin.api_with("PATCH", &at(phone), json!({ "name": "x" }), &[("If-Match", "\"1\"")]);
    assert_eq!(old.status, 412, "{}", old.body);

    let page = admin.get(&scene.url()).expect(200);
    assert!(
        page.says("PF3X9K") && page.says("Primary") && page.says("By the window"),
        "{}",
        page.body
    );
    let found = admin.get(&format!("{}?q=pf3x", scene.url()));
    assert!(found.says("AD-0141") && !found.says("AD-P12"));
    assert!(admin.get(&format!("/users/{theo}/devices")).says("AD-0141"));
    let list = admin.api_get(&format!("{}?limit=2", scene.url())).expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    let rest =
        admin.api_get(&format!("{}?limit=2&after={}", scene.url(), list["next"].as_str().unwrap()));
    assert_eq!(rest.json()["items"][0]["name"], "Scanner at the desk");

    let form = [("name", "AD-0199"), ("user", "theo@aldermoor.example"), ("primary", "1")];
    assert_eq!(admin.post(&scene.url(), &form).status, 303);
    assert_eq!(of(&admin, theo), "AD-0199*, AD-0141");
    assert_eq!(admin.post(&format!("{}/primary", at(laptop)), &[]).status, 303);
    assert_eq!(of(&admin, theo), "AD-0141*, AD-0199");
    assert_eq!(admin.post(&format!("{}/edit", at(laptop)), &[("name", "")]).status, 422);
    assert!(admin.get(&format!("{}/delete", at(laptop))).says("Delete AD-0141?"));
    assert_eq!(admin.post(&format!("{}/delete", at(laptop)), &[]).status, 303);
    assert_eq!(of(&admin, theo), "AD-0199*");
    assert_eq!(admin.api_delete(&at(laptop)).status, 404);
}

#[test]
fn devices_go_with_a_merge_a_leaving_and_where_it_is_ticked_a_move() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let there = world.customer(scene.reseller, "Fernhollow");
    let person = |name: &str| world.user(scene.home, name, &name.to_lowercase());
    let (theo, twin, maren) = (person("Theo"), person("Teo"), person("Maren"));
    scene.add(&admin, json!({ "name": "One", "user": twin }));
    scene.add(&admin, json!({ "name": "Two", "user": twin }));
    admin.api_post(&format!("/users/{theo}/merge"), json!({ "user": twin })).expect(200);
    assert_eq!(of(&admin, theo), "One*, Two");
    scene.add(&admin, json!({ "name": "Own", "user": maren }));
    let body = json!({ "hand_to": maren, "deprovision_after": "" });
    admin.api_post(&format!("/users/{theo}/offboard"), body).expect(202);
    world.let_runs_end();
    assert_eq!((of(&admin, theo), of(&admin, maren)), (String::new(), "Own*, One, Two".into()));

    let to = |devices: bool| {
        let places = if devices { json!(["devices"]) } else { json!([""]) };
        json!({ "customer_id": there, "places": places })
    };
    let seen = admin.api_post(&format!("/users/{maren}/move?preview=true"), to(false)).expect(200);
    assert!(seen.says("3 devices"), "{}", seen.body);
    let ask = [("customer_id", &*there.to_string()), ("step", "belongings")];
    assert!(admin.post(&format!("/users/{maren}/move"), &ask).status < 500);
    assert_eq!(of(&admin, maren), "Own*, One, Two", "only looked at");
    admin.api_post(&format!("/users/{maren}/move"), to(false)).expect(202);
    assert_eq!(of(&admin, maren), "");
    let stay = format!(
        "SELECT count(*) FROM devices WHERE customer_id = {} AND user_id IS NULL AND main = 0",
        scene.home
    );
    assert_eq!(world.count(&stay), 3);
    let bo = world.user(scene.home, "Bo", "bo");
    scene.add(&admin, json!({ "name": "Bag", "user": bo }));
    admin.api_post(&format!("/users/{bo}/move"), to(true)).expect(202);
    assert_eq!(of(&admin, bo), "Bag*");
    assert_eq!(
        world.count(&format!("SELECT count(*) FROM devices WHERE customer_id = {there}")),
        1
    );
}

#[test]
fn another_tenants_devices_are_not_there() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let theo = world.user(scene.home, "Theo Vane", "theo");
    let id = scene.add(&admin, json!({ "name": "AD-0141", "user": theo }));
    let other = world.person(world.reseller("Ferrow"), "Reseller administrator");
    let mine =
        world.customer(CustomerId(world.count("SELECT max(id) FROM customers")), "Fernhollow");
    for url in [
        scene.url(),
        format!("{}/{id}", scene.url()),
        format!("/users/{theo}/devices"),
        // Their number below a customer of one's own.
        format!("/customers/{mine}/devices/{id}"),
    ] {
        assert_eq!(other.api_get(&url).status, 404, "{url}");
    }
    assert_eq!(
        other.api_patch(&format!("/customers/{mine}/devices/{id}"), json!({ "name": "x" })).status,
        404
    );
    assert_eq!(other.api_delete(&format!("/customers/{mine}/devices/{id}")).status, 404);
    assert_eq!(other.post(&format!("/customers/{mine}/devices/{id}/primary"), &[]).status, 404);
    let body = json!({ "name": "Mine", "user": theo });
    let refused = other.api_post(&format!("/customers/{mine}/devices"), body).expect(422);
    assert_eq!(refused.complaints(), ["user is not a user of this customer"]);
    // Looking needs less than changing.
    let helpdesk = world.person(scene.home, "Customer helpdesk");
    assert!(helpdesk.get(&scene.url()).says("AD-0141"));
    assert_eq!(helpdesk.api_post(&scene.url(), json!({ "name": "x" })).status, 403);
    assert_eq!(admin.get(&scene.url()).status, 200);
}
