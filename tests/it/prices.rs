//! Price lists: who sees whose, what a price may be, from when it holds.

use crate::world::{PROVIDER, World};
use serde_json::json;

/// A user service with two plans, straight through the API.
fn workplace(world: &World) {
    let admin = world.person(PROVIDER, "Provider administrator");
    let service = json!({ "code": "workplace", "name": "Managed workplace", "kind": "user", "tracking_only": true });
    admin.api_post("/services", service).expect(201);
    let plan = json!({ "level": "user", "code": "STD", "name": "Standard", "sku": "MW-STD", "price": "18.00", "cost": "9.50" });
    admin.api_post("/services/workplace/plans", plan).expect(201);
    admin.api_post("/services/workplace/activate", json!({})).expect(200);
}

#[test]
fn a_plans_price_stands_in_the_providers_list_and_changes_by_a_later_row() {
    let world = World::new();
    workplace(&world);
    let admin = world.person(PROVIDER, "Provider administrator");
    let lists = admin.api_get("/price-lists").json();
    assert_eq!(lists["items"][0]["code"], "standard-eur");
    assert_eq!(lists["items"][0]["default"], true);
    let list = lists["items"][0]["id"].as_i64().unwrap();
    let prices = format!("/price-lists/{list}/prices");
    let first = &admin.api_get(&prices).json()["items"][0];
    // The first price of a plan holds from the open period on.
    assert_eq!(
        (first["price"].as_str(), first["valid_from"].as_str(), first["cost"].as_str()),
        (Some("18.00"), Some("2026-03-01"), Some("9.50"))
    );
    let new = |price: &str, from: &str| json!({ "kind": "user_service", "service": "workplace", "plan": "STD", "price": price, "valid_from": from });
    assert_eq!(
        admin.api_post(&prices, new("19.00", "2026-03-01")).expect(422).complaints(),
        ["valid_from must be after 1 Mar 2026, when the price that holds now began"]
    );
    assert_eq!(
        admin.api_post(&prices, new("19.00", "2026-02-15")).expect(422).complaints(),
        ["valid_from must be 1 Mar 2026 or later, because the periods before that are closed"]
    );
    let later = admin.api_post(&prices, new("19.00", "")).expect(201);
    assert_eq!(later.json()["valid_from"], "2026-04-01");
    let page = admin.get(&format!("/price-lists/{list}"));
    assert!(page.says("Takes effect in April 2026"), "{}", page.body);
    assert!(page.says("a change takes effect in April 2026"));
    // Only what is to come may be withdrawn.
    let held = first["id"].as_i64().unwrap();
    assert_eq!(
        admin.api_delete(&format!("{prices}/{held}")).expect(422).complaints(),
        [
            "This price is in force. Add one with a later day instead; what was billed stays explained."
        ]
    );
    admin.api_delete(&format!("{prices}/{}", later.id())).expect(204);
    assert_eq!(admin.api_get(&prices).json()["items"].as_array().unwrap().len(), 1);
}

#[test]
fn refused_prices_say_everything_at_once() {
    let world = World::new();
    workplace(&world);
    let admin = world.person(PROVIDER, "Provider administrator");
    let list = admin.api_get("/price-lists").json()["items"][0]["id"].as_i64().unwrap();
    let bad = json!({ "kind": "user_service", "service": "workplace", "plan": "GOLD", "price": "-1",
                      "charge": "setup", "counting": "by_day", "colour": "red" });
    assert_eq!(
        admin.api_post(&format!("/price-lists/{list}/prices"), bad).expect(422).complaints(),
        [
            "colour is not a field here",
            "price must be 0 or more",
            "plan is not a plan of this service",
            "counting must be once for a set-up price",
        ]
    );
    let second = json!({ "code": "other", "name": "Other", "currency": "EUR", "default": true });
    assert_eq!(
        admin.api_post("/price-lists", second).expect(422).complaints(),
        ["default There is a default list in EUR already."]
    );
}

#[test]
fn a_reseller_sees_its_own_lists_and_no_cost_and_a_sibling_sees_nothing() {
    let world = World::new();
    workplace(&world);
    let (north, south) = (world.reseller("Northwind"), world.reseller("Southwind"));
    let buyer = world.customer(north, "Aldermoor");
    for reseller in [north, south] {
        let by = portico::db::By::portico(portico::db::Via::Shell);
        world.app.db.write(by, |tx| portico::prices::start_reselling(tx, reseller, 0)).unwrap();
    }
    let clerk = world.person(north, "Reseller billing");
    let items = clerk.api_get("/price-lists").json()["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 1);
    assert_eq!((&items[0]["seller_id"], &items[0]["markup_bp"]), (&json!(north.0), &json!(0)));
    let own = items[0]["id"].as_i64().unwrap();
    let price =
        json!({ "kind": "user_service", "service": "workplace", "plan": "STD", "price": "21.00" });
    let made = clerk.api_post(&format!("/price-lists/{own}/prices"), price.clone()).expect(201);
    assert!(!made.says("cost"));
    let costly =
        json!({ "kind": "user_service", "service": "workplace", "price": "21.00", "cost": "1.00" });
    assert_eq!(
        clerk.api_post(&format!("/price-lists/{own}/prices"), costly).expect(422).complaints(),
        ["cost is not yours to set"]
    );
    // The provider's list and the sibling's are not there.
    let provider = world.person(PROVIDER, "Provider administrator");
    for list in provider.api_get("/price-lists").json()["items"].as_array().unwrap() {
        let id = list["id"].as_i64().unwrap();
        let seen = clerk.api_get(&format!("/price-lists/{id}/prices")).status;
        assert_eq!(seen, if id == own { 200 } else { 404 });
        if id != own {
            clerk.api_post(&format!("/price-lists/{id}/prices"), price.clone()).expect(404);
            clerk.api_patch(&format!("/price-lists/{id}"), json!({ "name": "Mine" })).expect(404);
            assert_eq!(clerk.get(&format!("/price-lists/{id}")).status, 404);
        }
    }
    // An override is for whom it bills.
    let own_price =
        json!({ "kind": "user_service", "service": "workplace", "plan": "STD", "price": "17.50" });
    clerk.api_post(&format!("/customers/{buyer}/prices"), own_price.clone()).expect(201);
    let rival = world.person(south, "Reseller billing");
    rival.api_post(&format!("/customers/{buyer}/prices"), own_price.clone()).expect(404);
    rival.api_get(&format!("/customers/{buyer}/prices")).expect(404);
    let page = clerk.get(&format!("/customers/{buyer}/prices"));
    assert!(page.says("€17.50"), "{}", page.body);
    // Nobody writes prices for itself.
    clerk.api_post(&format!("/customers/{north}/prices"), own_price).expect(404);
    // Who keeps the books of the customer sees what it pays, and can change nothing.
    let keeper = world.person(buyer, "Billing viewer");
    assert!(keeper.api_get(&format!("/customers/{buyer}/prices")).expect(200).says("17.50"));
    assert_eq!(keeper.api_get("/price-lists").json()["items"], json!([]));
}

#[test]
fn the_provider_sees_costs_and_others_do_not() {
    let world = World::new();
    workplace(&world);
    let admin = world.person(PROVIDER, "Provider administrator");
    let list = admin.api_get("/price-lists").json()["items"][0]["id"].as_i64().unwrap();
    assert!(admin.get(&format!("/price-lists/{list}")).says("€9.50"));
    let developer = world.person(PROVIDER, "Provider developer");
    for url in ["/services/workplace", "/services/workplace/plans/STD"] {
        let page = developer.get(url);
        assert!(page.status == 200 && !page.says("9.50"), "{url} {}: {}", page.status, page.body);
    }
    assert!(!developer.api_get("/services/workplace").expect(200).says("9.50"));
}
