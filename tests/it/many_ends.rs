//! Many who leave or move at once, and settings of a service that many have.

use crate::many::{Scene, numbers, scene};
use crate::world::PROVIDER;
use serde_json::{Value, json};

/// Gives the first so many of a scene the workplace, which has two settings; one is a secret.
fn with_workplace(n: usize) -> Scene {
    let mut scene = scene(0);
    let reseller = scene.world.count("SELECT id FROM customers WHERE reseller = 1");
    let home =
        scene.world.customer_with_workplace(portico::ids::CustomerId(reseller), "Birchfield");
    scene.home = home;
    scene.anns =
        (0..n).map(|n| scene.world.user(home, &format!("Ann {n:02}"), &format!("an{n}"))).collect();
    let admin = scene.world.person(PROVIDER, "Provider administrator");
    for body in [
        json!({ "name": "quota", "label": "Mailbox size", "type": "integer" }),
        json!({ "name": "pin", "label": "Door pin", "secret": true }),
    ] {
        admin.api_post("/services/workplace/properties", body).expect(201);
    }
    for id in &scene.anns {
        let given = json!({ "service": "workplace", "plan": "standard" });
        admin.api_post(&format!("/users/{id}/services"), given).expect(202);
    }
    scene
}

fn tried(order: &Value) -> Value {
    let mut order = order.clone();
    order["preview"] = json!(true);
    order
}

#[test]
fn settings_of_a_service_are_set_and_let_go_for_many() {
    let scene = with_workplace(4);
    let admin = scene.world.person(PROVIDER, "Provider administrator");
    let quota = |id| {
        scene.world.texts(&format!(
            "SELECT value FROM property_values JOIN user_services ON user_services.id = user_service_id
              WHERE user_services.user_id = {id}"
        ))
    };
    let set = |input: Value| scene.order("service_change", input);
    let order = set(json!({ "service": "workplace", "properties": { "quota": 20 } }));
    let seen = admin.api_post(&scene.url(), tried(&order)).expect(200).json();
    assert_eq!(seen["items"][0]["changes"], json!({ "quota": ["", "20"] }));
    assert_eq!(quota(scene.anns[0]), [""; 0], "a preview changes nothing");
    assert_eq!(scene.run(&admin, order.clone()).1, numbers(4, 0, 0));
    assert_eq!(quota(scene.anns[3]), ["20"]);
    assert_eq!(scene.run(&admin, order).1, numbers(0, 4, 0), "again changes nothing");
    let inherit = set(json!({ "service": "workplace", "clear": ["quota"] }));
    assert_eq!(scene.run(&admin, inherit).1, numbers(4, 0, 0));
    assert_eq!(quota(scene.anns[3]), [""; 0]);
    for (input, why) in [
        (
            json!({ "service": "workplace", "properties": { "pin": "1234" } }),
            "input.properties.pin is a secret: set it at each user’s service",
        ),
        (
            json!({ "service": "workplace", "clear": ["colour"] }),
            "input.clear is no setting of this service: colour",
        ),
        (json!({ "service": "workplace" }), "input.plan is required, or a setting"),
    ] {
        assert_eq!(admin.api_post(&scene.url(), set(input)).expect(422).complaints(), [why]);
    }
    assert_eq!(scene.world.count("SELECT count(*) FROM runs WHERE input LIKE '%1234%'"), 0);
    // On the page the settings are asked for once the service is chosen, and go along to the preview.
    let id = scene.anns[0].to_string();
    let chosen =
        [("action", "service_change"), ("ids", &id), ("input.service", "workplace"), ("go", "act")];
    let page = admin.post(&scene.url(), &chosen).expect(200);
    assert!(page.says("Mailbox size") && !page.says("Door pin"), "{}", page.body);
    let typed = [
        ("action", "service_change"),
        ("shown", "service_change"),
        ("ids", &id),
        ("input.service", "workplace"),
        ("properties.quota", "30"),
    ];
    let shown = admin.post(&scene.url(), &typed).expect(200);
    assert!(shown.says("quota – → 30"), "{}", shown.body);
    assert!(shown.says("name=\"input.properties.quota\" value=\"30\""), "{}", shown.body);
}

#[test]
fn many_are_offboarded_as_is_usual_or_as_is_said() {
    let scene = scene(3);
    let admin = scene.world.person(PROVIDER, "Provider administrator");
    let ca = scene.world.person(scene.home, "Customer administrator");
    let helper = scene.world.person(scene.home, "Customer helpdesk");
    let input = json!({ "at": "2026-04-01T18:00", "deprovision_after": "7", "delete_after": "never", "disable": true });
    let mut order = scene.order("offboard", input);
    helper.api_post(&scene.url(), order.clone()).expect(403);
    let seen = admin.api_post(&scene.url(), tried(&order)).expect(200).json();
    let text = seen["items"][0]["changes"]["offboarding"][1].as_str().unwrap().to_owned();
    assert!(text.contains("1 Apr 2026") && text.contains("Deprovision the account"), "{text}");
    assert_eq!(scene.world.count("SELECT count(*) FROM offboardings"), 0);
    // Three of four are too many to lose by mistake.
    assert_eq!(
        admin.api_post(&scene.url(), order.clone()).expect(422).complaints(),
        ["confirm does not match 3"]
    );
    order["confirm"] = json!("3");
    assert_eq!(scene.run(&admin, order.clone()).1, numbers(3, 0, 0));
    let acts = scene.world.texts(
        "SELECT act FROM offboarding_steps JOIN offboardings ON offboardings.id = offboarding_id
          WHERE user_id = (SELECT min(user_id) FROM offboardings) ORDER BY offboarding_steps.id",
    );
    assert!(
        acts.contains(&"disable".to_owned()) && acts.contains(&"deprovision".to_owned()),
        "{acts:?}"
    );
    assert!(!acts.contains(&"delete".to_owned()), "never is never: {acts:?}");
    let (run, done) = scene.run(&admin, order.clone());
    assert_eq!(done, numbers(0, 0, 3));
    assert!(admin.api_get(&format!("/runs/{run}/lines")).says("is being offboarded already."));
    // Nobody does it to oneself, and what is said wrongly is said at once.
    let mut own = order.clone();
    own["ids"] = json!([ca.id]);
    own["preview"] = json!(true);
    assert_eq!(
        ca.api_post(&scene.url(), own).expect(200).json()["items"][0]["why"],
        "You cannot do this to yourself."
    );
    let wrong =
        scene.order("offboard", json!({ "deprovision_after": "soon", "disable": "perhaps" }));
    assert_eq!(
        admin.api_post(&scene.url(), wrong).expect(422).complaints(),
        [
            "input.disable must be true or false",
            "input.deprovision_after must be a whole number from 0 to 365"
        ]
    );
    let page =
        admin.get(&format!("{}?id={}&action=offboard", scene.url(), scene.anns[0])).expect(200);
    assert!(page.says("Hand reports and devices to") && page.says("As is usual"));
}

#[test]
fn many_move_with_what_can_come_along() {
    let scene = with_workplace(3);
    let admin = scene.world.person(PROVIDER, "Provider administrator");
    let ra = scene.world.person(
        portico::ids::CustomerId(scene.world.count("SELECT id FROM customers WHERE reseller = 1")),
        "Reseller administrator",
    );
    let to = scene.world.customer(PROVIDER, "Cedarholm");
    let plain = scene.world.user(scene.home, "Bare Bo", "bo");
    let mut order = scene.order("move", json!({ "to": "CEDARHOLM" }));
    order["ids"].as_array_mut().unwrap().push(json!(plain));
    let seen = admin.api_post(&scene.url(), tried(&order)).expect(200).json();
    assert!(
        seen["items"][0]["why"].as_str().unwrap().contains("cannot move: end it or make it anew."),
        "{seen}"
    );
    assert_eq!(seen["items"][3]["changes"]["customer"], json!(["Birchfield", "Cedarholm"]));
    assert_eq!(seen["items"][3]["changes"]["upn"][1], "bare.bo@cedarholm.example");
    order["input"]["end_others"] = json!(true);
    order["confirm"] = json!("4");
    assert_eq!(scene.run(&admin, order.clone()).1, numbers(4, 0, 0));
    let there = format!("SELECT count(*) FROM users WHERE customer_id = {to}");
    assert_eq!(scene.world.count(&there), 4);
    assert_eq!(
        scene.world.count("SELECT count(*) FROM audit_log WHERE action = 'user.moved'"),
        8,
        "on both sides"
    );
    assert_eq!(scene.world.count("SELECT count(*) FROM user_services WHERE wanted <> 'gone'"), 0);
    // Whoever reaches one end alone moves nobody; what is nobody's customer is none.
    let url = "/users/bulk";
    let mut back = json!({ "action": "move", "ids": [scene.anns[0]], "input": { "to": scene.home.to_string() } });
    assert_eq!(ra.api_post(url, back.clone()).status, 404);
    back["input"]["to"] = json!("NOWHERE");
    assert_eq!(
        admin.api_post(url, back.clone()).expect(422).complaints(),
        ["input.to is no customer that you may move users to"]
    );
    back["ids"] = json!([scene.world.user(scene.home, "Cy", "cy")]);
    back["input"]["to"] = json!("CEDARHOLM");
    assert_eq!(
        ra.api_post(url, back).expect(422).complaints(),
        ["input.to is no customer that you may move users to"]
    );
}
