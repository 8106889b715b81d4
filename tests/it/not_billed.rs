//! Test customers and test users: counted and shown, and not billed from then on; what is fixed stays.

use crate::billing::Scene;
use crate::world::Person;
use serde_json::{Value, json};

const APRIL: &str = "2026-04-30";
const MAY: &str = "2026-05-31";

/// The items of a period as its seller sees them.
fn items(scene: &Scene, who: &Person, end: &str) -> Vec<Value> {
    let url = format!("/billing/periods/{end}/items?seller_id={}&limit=200", scene.reseller);
    who.api_get(&url).expect(200).json()["items"].as_array().unwrap().clone()
}

fn fixed(scene: &Scene, who: &Person) -> (String, String) {
    let url = |what: &str| format!("/billing/periods/{APRIL}/{what}?seller_id={}", scene.reseller);
    (who.api_get(&url("items")).expect(200).body, who.api_get(&url("summary")).expect(200).body)
}

/// April is fixed, and it is the tenth of May.
fn scene() -> Scene {
    let scene = Scene::new().in_may();
    scene.recalculate();
    let provider = scene.provider();
    for end in ["2026-03-31", APRIL] {
        provider.api_post(&format!("/billing/periods/{end}/lock"), Value::Null).expect(200);
    }
    scene
}

/// Whether each item is billed, and why not.
fn verdicts(items: &[Value]) -> Vec<(bool, String)> {
    let mut all: Vec<_> = items
        .iter()
        .map(|item| {
            (
                item["billable"].as_bool().unwrap(),
                item["reason"].as_str().unwrap_or_default().to_owned(),
            )
        })
        .collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn what_a_test_customer_has_is_not_billable_from_then_on() {
    let scene = scene();
    let seller = scene.seller();
    let before = fixed(&scene, &seller);
    assert_eq!(verdicts(&items(&scene, &seller, MAY)), [(true, String::new())]);
    let n = items(&scene, &seller, MAY).len();
    assert!(n > 20, "{n}");
    let one = format!("/customers/{}", scene.customer);
    seller.api_patch(&one, json!({ "type": "test" })).expect(200);
    let now = items(&scene, &seller, MAY);
    assert_eq!(verdicts(&now), [(false, "Test customer".to_owned())]);
    assert_eq!(now.len(), n, "they are counted all the same");
    assert_eq!(fixed(&scene, &seller), before, "what is fixed stays");
    seller.api_patch(&one, json!({ "type": "standard" })).expect(200);
    assert_eq!(verdicts(&items(&scene, &seller, MAY)), [(true, String::new())]);
    assert_eq!(fixed(&scene, &seller), before);
    // Nobody of the customer makes itself one.
    let buyer = scene.buyer();
    buyer.api_patch(&one, json!({ "type": "test" })).expect(422);
    buyer.api_patch(&format!("{one}/limits"), json!({ "type": "test" })).expect(403);
}

#[test]
fn what_a_test_user_has_is_not_billable_from_then_on() {
    let scene = scene();
    let (seller, buyer) = (scene.seller(), scene.buyer());
    let before = fixed(&scene, &seller);
    let user = scene.users[3];
    let one = format!("/users/{user}");
    let mark = json!({ "test_user": true });
    buyer.api_patch(&format!("{one}/test-flag"), mark.clone()).expect(403);
    buyer.api_patch(&one, mark.clone()).expect(422);
    seller.api_patch(&format!("{one}/test-flag"), mark).expect(200);
    let now = items(&scene, &seller, MAY);
    let (free, billed): (Vec<Value>, Vec<Value>) =
        now.into_iter().partition(|item| item["user_id"] == json!(user.0));
    assert_eq!(verdicts(&free), [(false, "Test user".to_owned())]);
    assert_eq!(verdicts(&billed), [(true, String::new())]);
    assert_eq!(fixed(&scene, &seller), before, "what is fixed stays");
}
