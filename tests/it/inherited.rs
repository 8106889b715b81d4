//! Settings that customers inherit from those above them, or set themselves.

use crate::world::{PROVIDER, World};
use portico::customers::settings;
use serde_json::{Value, json};

fn item(answer: &Value, key: &str) -> Value {
    let all = answer["items"].as_array().unwrap();
    all.iter().find(|item| item["key"] == key).unwrap().clone()
}

#[test]
fn a_setting_says_from_whom_it_comes_and_goes_back_to_it() {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let customer = world.customer(reseller, "Aldermoor");
    let admin = world.person(PROVIDER, "Provider administrator");
    let own = world.person(customer, "Customer administrator");
    let url = format!("/customers/{customer}/settings");

    let said = own.api_get(&url).expect(200).json();
    let length = item(&said, "password_length");
    assert_eq!((&length["value"], &length["from"]), (&json!("12"), &Value::Null));
    admin
        .api_patch(
            &format!("/customers/{reseller}/settings"),
            json!({ "password_length": 16, "act_as": "no" }),
        )
        .expect(200);
    let length = item(&own.api_get(&url).json(), "password_length");
    assert_eq!((&length["value"], &length["from"]), (&json!("16"), &json!("Brightwater")));
    assert!(own.get(&url).expect(200).says("Empty: 16 (from Brightwater)"));

    let refused = own.api_patch(&url, json!({ "password_length": 14, "self_reset": "perhaps" }));
    assert_eq!(refused.status, 422);
    assert_eq!(
        refused.complaints(),
        ["password_length must be 16 or more (set by Brightwater)", "self_reset must be yes or no"]
    );
    let page = own.post(&url, &[("password_length", "14")]).expect(422);
    assert!(page.says("must be 16 or more (set by Brightwater)"));

    own.api_patch(&url, json!({ "password_length": 20, "act_as": "yes" })).expect(200);
    let said = own.api_get(&url).json();
    assert_eq!(item(&said, "password_length")["own"], "20");
    assert_eq!(item(&said, "act_as")["value"], "yes", "what is not a matter of strictness is free");
    let audit =
        "SELECT detail FROM audit_log WHERE action = 'settings.changed' ORDER BY id DESC LIMIT 1";
    let detail: Value = serde_json::from_str(&world.text(audit)).unwrap();
    assert_eq!(detail, json!({ "password_length": [null, "20"], "act_as": [null, "yes"] }));
    assert!(own.get(&url).says("Use inherited"));
    own.post(&format!("{url}/password_length/inherit"), &[]).location();
    own.api_patch(&url, json!({ "act_as": null })).expect(200);
    let said = own.api_get(&url).json();
    assert_eq!(item(&said, "password_length")["value"], "16");
    assert_eq!(item(&said, "act_as")["value"], "no");
    assert_eq!(own.post(&format!("{url}/nothing/inherit"), &[]).status, 404);
}

#[test]
fn what_is_tightened_above_later_binds_what_was_looser_below() {
    let world = World::new();
    let customer = world.customer(PROVIDER, "Aldermoor");
    let admin = world.person(PROVIDER, "Provider administrator");
    let set = |id: portico::ids::CustomerId, body: Value| {
        admin.api_patch(&format!("/customers/{id}/settings"), body).expect(200);
    };
    set(customer, json!({ "password_length": 12, "password_max_age": 365 }));
    set(PROVIDER, json!({ "password_length": 15, "password_max_age": 90 }));
    let number = |key| world.app.db.read(|db| settings::number(db, customer, key)).unwrap();
    assert_eq!((number("password_length"), number("password_max_age")), (Some(15), Some(90)));
    let page = admin.get(&format!("/customers/{customer}/settings"));
    assert!(page.says("held at 15, from Tarnholm IT"));
}

#[test]
fn nobody_sees_or_sets_those_of_another_branch() {
    let world = World::new();
    let customer = world.customer(PROVIDER, "Aldermoor");
    let sibling = world.customer(PROVIDER, "Ferrow");
    let other = world.person(sibling, "Customer administrator");
    let url = format!("/customers/{customer}/settings");
    assert_eq!(other.api_get(&url).status, 404);
    assert_eq!(other.api_patch(&url, json!({ "act_as": "no" })).status, 404);
    assert_eq!(other.get(&url).status, 404);
    assert_eq!(other.post(&url, &[("act_as", "no")]).status, 404);
    assert_eq!(other.post(&format!("{url}/act_as/inherit"), &[]).status, 404);
    let helpdesk = world.person(customer, "Customer helpdesk");
    assert_eq!(helpdesk.api_get(&url).status, 403);
    assert_eq!(world.count("SELECT count(*) FROM customer_settings"), 0);
}
