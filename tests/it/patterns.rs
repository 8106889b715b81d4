//! Naming patterns: inherited, checked before they are saved, and what they make of new users.

use crate::world::{PROVIDER, World};
use serde_json::json;

#[test]
fn a_failing_pattern_is_refused_with_its_sample() {
    let world = World::new();
    let customer = world.customer(PROVIDER, "Aldermoor");
    let admin = world.person(customer, "Customer administrator");
    let url = format!("/customers/{customer}/patterns");
    let refused = admin.api_patch(
        &url,
        json!({
            "display_name": "{last} {last} of {customer}", "upn": "{first}@x",
            "username": "abcdefghijklmnopqrst{f}", "mail": "{local}\n{nick}",
        }),
    );
    assert_eq!(
        refused.complaints(),
        [
            "display_name fails for a name of 64 letters: makes 142 characters of 120",
            "upn may not have @ between its tokens",
            "username fails for Jane Doe: makes 22 characters of 20",
            "mail has {nick}, which is no token here"
        ]
    );
    let page = admin.post(&url, &[("display_name", "{first}{first}")]).expect(422);
    assert!(
        page.says("fails for O&#39;Brien-Smith: leaves nothing")
            || page.says("fails for O'Brien-Smith: leaves nothing"),
        "{}",
        page.body
    );
    assert_eq!(world.count("SELECT count(*) FROM customer_settings"), 0);
}

#[test]
fn new_users_get_the_names_that_the_patterns_above_make() {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let customer = world.customer(reseller, "Aldermoor");
    let above = world.person(reseller, "Reseller administrator");
    let admin = world.person(customer, "Customer administrator");
    above
        .api_patch(
            &format!("/customers/{reseller}/patterns"),
            json!({ "display_name": "{last}, {first}", "upn": "{f}{last}{n}", "mail": "{local}\n{first}.{last}" }),
        )
        .expect(200);
    let held = admin.api_get(&format!("/customers/{customer}/patterns")).json();
    assert_eq!(held["items"][1]["pattern"], "{f}{last}{n}");
    assert_eq!(held["items"][1]["from"], "Brightwater");
    let page = admin.get(&format!("/customers/{customer}/patterns")).expect(200);
    assert!(page.says("Empty: {f}{last}{n} (from Brightwater)"), "{}", page.body);

    let users = format!("/customers/{customer}/users");
    let jane = json!({ "first_name": "Jane", "last_name": "Doe" });
    let made = admin.api_post(&users, jane.clone()).expect(201).json();
    assert_eq!(made["display_name"], "Doe, Jane");
    assert_eq!(made["upn"], "jdoe@aldermoor.example");
    assert_eq!(made["mail"], "jdoe@aldermoor.example");
    assert_eq!(made["addresses"], json!(["jane.doe@aldermoor.example"]));
    let second = admin.api_post(&users, jane).expect(201).json();
    assert_eq!(second["upn"], "jdoe2@aldermoor.example");
    assert_eq!(second["addresses"], json!(["jane.doe2@aldermoor.example"]));

    admin
        .api_patch(&format!("/customers/{customer}/patterns"), json!({ "upn": "{first}" }))
        .expect(200);
    let own = admin.api_post(&users, json!({ "first_name": "Ada", "last_name": "Ray" })).json();
    assert_eq!(own["upn"], "ada@aldermoor.example");
    let imported =
        admin.api_send(&format!("{users}/import"), "text/csv", b"First name,Last name\nIda,Ray\n");
    imported.expect(200);
    assert_eq!(world.count("SELECT count(*) FROM users WHERE upn = 'ida@aldermoor.example'"), 1);
    admin.api_patch(&format!("/customers/{customer}/patterns"), json!({ "upn": null })).expect(200);
    let held = admin.api_get(&format!("/customers/{customer}/patterns")).json();
    assert_eq!(held["items"][1]["own"], json!(null));
    let audit = "SELECT count(*) FROM audit_log WHERE action = 'pattern.changed'";
    assert_eq!(world.count(audit), 3);
}

#[test]
fn difficult_names_and_long_codes_get_names_and_the_hundredth_jane_the_message() {
    let world = World::new();
    let customer = world.customer(PROVIDER, "Aldermoor");
    let admin = world.person(customer, "Customer administrator");
    let sql = world.sql();
    sql.execute("UPDATE customers SET code = 'ABCDEFGHIJKLMNOPQRST' WHERE id = ?1", [customer])
        .unwrap();
    let users = format!("/customers/{customer}/users");
    let lee = admin.api_post(&users, json!({ "display_name": "李小龍" })).expect(201).json();
    assert_eq!(lee["upn"], "user@aldermoor.example");
    assert_eq!(lee["username"], "user_ABCDEFGH");
    let jane = json!({ "first_name": "Jane", "last_name": "Doe" });
    for n in 1..=99 {
        let made = admin.api_post(&users, jane.clone()).expect(201).json();
        let wanted = if n == 1 { "jane.doe@".to_owned() } else { format!("jane.doe{n}@") };
        assert!(made["upn"].as_str().unwrap().starts_with(&wanted), "{made}");
        let username = made["username"].as_str().unwrap();
        assert!(username.len() <= 20 && username.ends_with("_ABCDEFGH"), "{username}");
    }
    assert_eq!(admin.api_post(&users, jane).complaints(), ["upn Choose a name yourself."]);
    let long = json!({ "first_name": "a".repeat(64), "last_name": "b".repeat(64) });
    let made = admin.api_post(&users, long).expect(201).json();
    assert_eq!(made["display_name"].as_str().unwrap().chars().count(), 120);
}

#[test]
fn nobody_reads_or_sets_the_patterns_of_another_branch() {
    let world = World::new();
    let customer = world.customer(PROVIDER, "Aldermoor");
    let other = world.person(world.customer(PROVIDER, "Ferrow"), "Customer administrator");
    let url = format!("/customers/{customer}/patterns");
    assert_eq!(other.api_get(&url).status, 404);
    assert_eq!(other.api_patch(&url, json!({ "upn": "{f}" })).status, 404);
    assert_eq!(other.get(&url).status, 404);
    assert_eq!(other.post(&url, &[("upn", "{f}")]).status, 404);
    assert_eq!(world.count("SELECT count(*) FROM customer_settings"), 0);
}
