//! Services that are forgotten, and those that get another label.

use crate::assignments::{Scene, Scripted};
use crate::world::{PROVIDER, World};
use portico::ids::CustomerId;
use serde_json::json;

const GONE: &str = "UPDATE connectors SET state = 'gone' WHERE id = 2";
const BACK: &str = "UPDATE connectors SET state = 'active' WHERE id = 2";

#[test]
fn what_cannot_be_removed_any_more_is_forgotten_with_its_name_typed() {
    let scripted = Scripted::new();
    let scene = &scripted.scene;
    let (world, admin, theo) = (&scene.world, scene.admin(), scene.user("theo"));
    let held = scene.workplace(&admin, theo);
    assert_eq!(scripted.settled(&admin, theo, held).0, "active");
    let url = format!("/users/{theo}/services/{held}/forget");
    let body = json!({ "confirm": "Managed workplace", "reason": "The server burned." });
    let forget = || admin.api_post(&url, body.clone());
    let live = "Managed workplace is live: remove it first.";
    assert_eq!(forget().expect(422).complaints(), [live]);
    assert!(admin.get(&url).expect(200).says(live));
    // A removal that failed may be forgotten.
    scripted.break_it(true);
    admin.api_delete(&format!("/users/{theo}/services/{held}")).expect(202);
    assert_eq!(scripted.settled(&admin, theo, held).0, "removing");
    assert_eq!(scene.seats(), 1);
    let question = admin.get(&url).expect(200);
    assert!(
        question.says("What was done outside stays there") && question.says("by make"),
        "{}",
        question.body
    );
    for (bad, said) in [
        (
            json!({ "confirm": "workplace", "reason": "x" }),
            "confirm does not match Managed workplace",
        ),
        (json!({ "confirm": "Managed workplace" }), "reason is required"),
    ] {
        assert_eq!(admin.api_post(&url, bad).expect(422).complaints(), [said]);
    }
    // Below the provider nobody may.
    let ra = world.person(CustomerId(2), "Reseller administrator");
    assert_eq!((ra.get(&url).status, ra.api_post(&url, body.clone()).status), (403, 403));
    assert!(!ra.get(&format!("/users/{theo}/services")).says("Forget"));
    assert!(admin.get(&format!("/users/{theo}/services")).says("Forget…"));
    let before = scripted.told().len();
    forget().expect(204);
    assert_eq!(admin.api_get(&format!("/users/{theo}/services/{held}")).status, 404);
    assert_eq!((scene.seats(), scripted.told().len()), (0, before));
    assert_eq!(scene.ledger(held), ["added standard", "removed standard"]);
    let said = world.text("SELECT detail FROM audit_log WHERE action = 'user_service.forgotten'");
    assert!(said.contains("The server burned.") && said.contains("by make"), "{said}");
    // What lives, where the connector is gone: the page does it too, and the money stops now.
    scripted.break_it(false);
    let held = scene.workplace(&admin, theo);
    assert_eq!(scripted.settled(&admin, theo, held).0, "active");
    world.sql().execute(GONE, []).unwrap();
    let url = format!("/users/{theo}/services/{held}/forget");
    let fields = [("confirm", "Managed workplace"), ("reason", "Gone.")];
    assert!(admin.post(&url, &[("reason", "Gone.")]).expect(422).says("does not match"));
    assert_eq!(admin.post(&url, &fields).location(), format!("/users/{theo}/services"));
    assert_eq!(scene.ledger(held), ["added standard", "removed standard"]);
    assert_eq!(scene.seats(), 0);
    // The customer's goes after those of its users.
    world.sql().execute(BACK, []).unwrap();
    let held = scene.workplace(&admin, theo);
    scripted.settled(&admin, theo, held);
    world.sql().execute(GONE, []).unwrap();
    let below = world.count("SELECT id FROM customer_services WHERE live <> 'gone'");
    let url = format!("/customers/{}/services/{below}/forget", scene.customer);
    let rule = "INSERT INTO rules (service_id, event, position, key, action, connector_id)
                VALUES (100, 'customer_service.update', 1, 'x', 'script.run', 2)";
    world.sql().execute(rule, []).unwrap();
    let first = "1 user has it at Managed workplace: remove or forget theirs first.";
    assert_eq!(admin.api_post(&url, body.clone()).expect(422).complaints(), [first]);
}

/// A service of which there may be several, at a customer of the provider.
fn several() -> (World, CustomerId) {
    let world = World::new();
    let customer = world.customer(PROVIDER, "Aldermoor");
    world
        .sql()
        .execute_batch(
            "INSERT INTO services (id, code, name, kind, state, tracking_only, multi, created_at, changed_at)
             VALUES (100, 'web', 'Web site', 'customer', 'active', 1, 1, '', ''),
                    (101, 'one', 'Only one', 'customer', 'active', 1, 0, '', '');",
        )
        .unwrap();
    (world, customer)
}

#[test]
fn p_26_labels_are_alone_without_case_free_after_removal_and_can_change() {
    let (world, customer) = several();
    let admin = world.person(PROVIDER, "Provider administrator");
    let url = format!("/customers/{customer}/services");
    let give = |label: &str| admin.api_post(&url, json!({ "service": "web", "label": label }));
    let first = give("web1").expect(202).id();
    assert_eq!(
        give("WEB1").expect(422).complaints(),
        ["label Aldermoor has Web site WEB1 already."]
    );
    let two = [("service", "web"), ("label", "WEB1")];
    let page = admin.post(&url, &two);
    let shown = admin.get(page.location());
    assert!(shown.says("has Web site WEB1 already."), "{}", shown.body);
    let second = give("web2").expect(202).id();
    // Another label: not one that is there, but the same in another case.
    let relabel =
        |id: i64, label: &str| admin.api_patch(&format!("{url}/{id}"), json!({ "label": label }));
    assert_eq!(
        relabel(second, "Web1").expect(422).complaints(),
        ["label Aldermoor has Web site Web1 already."]
    );
    relabel(second, "WEB2").expect(202);
    relabel(first, "Main site").expect(202);
    assert_eq!(
        relabel(first, "a/b").expect(422).complaints(),
        ["label may hold letters, digits, blanks and . _ @ - only"]
    );
    assert_eq!(
        relabel(first, "").expect(422).complaints(),
        ["label is required, because there may be several"]
    );
    let labels = "SELECT group_concat(label, '; ') FROM customer_services WHERE live <> 'gone'";
    assert_eq!(world.text(labels), "Main site; WEB2");
    give("web1").expect(202);
    assert!(admin.get(&format!("{url}/{first}/edit")).expect(200).says("value=\"Main site\""));
    // Gone, its label is free.
    admin.api_delete(&format!("{url}/{second}")).expect(202);
    give("web2").expect(202);
    // Of what there is only one, there is none.
    let one = admin.api_post(&url, json!({ "service": "one" })).expect(202).id();
    assert_eq!(
        relabel(one, "x").expect(422).complaints(),
        ["label is not used: there is only one Only one"]
    );
}

#[test]
fn p_31_a_user_service_across_customers_is_refused_by_sqlite_too() {
    let scene = Scene::new();
    let (world, admin, theo) = (&scene.world, scene.admin(), scene.user("theo"));
    let held = scene.workplace(&admin, theo);
    let other = world.customer(CustomerId(2), "Cedar Hall");
    let sly = world.user(other, "Sly", "sly");
    let given = json!({ "service": "workplace", "plan": "standard" });
    let said = admin.api_post(&format!("/users/{sly}/services"), given).expect(422).complaints();
    assert_eq!(said[0], "service Cedar Hall does not have Managed workplace.");
    assert_eq!(admin.api_get(&format!("/users/{sly}/services/{held}")).status, 404);
    assert_eq!(
        admin.api_patch(&format!("/users/{sly}/services/{held}"), json!({ "plan": "plus" })).status,
        404
    );
    assert_eq!(admin.api_delete(&format!("/users/{sly}/services/{held}")).status, 404);
    for change in [
        format!("UPDATE user_services SET user_id = {sly} WHERE id = {held}"),
        format!("UPDATE user_services SET customer_id = {other} WHERE id = {held}"),
        format!(
            "INSERT INTO user_services (customer_id, user_id, customer_service_id, service_id, plan_id, created_at)
             SELECT {other}, {sly}, customer_service_id, service_id, plan_id, '' FROM user_services"
        ),
        format!(
            "INSERT INTO user_services (customer_id, user_id, customer_service_id, service_id, plan_id, label, created_at)
             SELECT customer_id, user_id, customer_service_id, 101, plan_id, 'x', '' FROM user_services WHERE id = {held}"
        ),
    ] {
        assert!(world.sql().execute(&change, []).is_err(), "{change}");
    }
    let _ = Scene::state(&scene, &admin, theo, held);
}
