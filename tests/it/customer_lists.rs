//! Departments, locations and contacts of a customer, its user limit.

use crate::world::{PROVIDER, World};
use serde_json::{Value, json};
use std::thread;

fn audit(world: &World, action: &str) -> Value {
    let query =
        format!("SELECT detail FROM audit_log WHERE action = '{action}' ORDER BY id DESC LIMIT 1");
    serde_json::from_str(&world.text(&query)).unwrap()
}

#[test]
fn a_department_in_use_asks_for_another_and_its_users_follow() {
    let world = World::new();
    let customer = world.customer(PROVIDER, "Aldermoor");
    let admin = world.person(customer, "Customer administrator");
    let url = format!("/customers/{customer}/departments");
    let sales = admin.api_post(&url, json!({ "name": "Sales" })).expect(201).id();
    let again = admin.api_post(&url, json!({ "name": "SALES" }));
    assert_eq!(again.complaints(), ["name is in the list already"]);
    for name in ["jane", "joe"] {
        let user = json!({ "first_name": name, "last_name": "doe", "department": "sales" });
        admin.api_post(&format!("/customers/{customer}/users"), user).expect(201);
    }
    let listed = admin.api_get(&url).json();
    assert_eq!(listed["items"], json!([{ "id": sales, "name": "Sales", "users": 2 }]));

    let one = format!("{url}/{sales}");
    admin.api_patch(&one, json!({ "name": "Field sales" })).expect(200);
    let user = "SELECT id FROM users WHERE first_name = 'jane'";
    let jane = admin.api_get(&format!("/users/{}", world.count(user))).json();
    assert_eq!(jane["department"], "Field sales", "a rename reaches everybody");

    let refused = admin.api_delete(&one);
    assert_eq!(refused.complaints(), ["replace_by is used by 2 users; choose another"]);
    let page = admin.post(&format!("{one}/delete"), &[("replace_by", "")]).expect(422);
    assert!(page.says("is used by 2 users; choose another"));
    assert!(admin.get(&format!("{one}/delete")).says("2 users are in it."));
    let wrong = admin.api("DELETE", &one, json!({ "replace_by": sales }));
    assert_eq!(wrong.complaints(), ["replace_by is not one of the choices"]);
    let desk = admin.api_post(&url, json!({ "name": "Desk" })).id();
    admin.api("DELETE", &one, json!({ "replace_by": desk })).expect(204);
    assert_eq!(world.count(&format!("SELECT count(*) FROM users WHERE department_id = {desk}")), 2);
    assert_eq!(audit(&world, "list.changed")["replace_by"], json!(desk));

    // Without script: the question, the choice of none, the way back.
    let done = admin.post(&format!("{url}/{desk}/delete"), &[("replace_by", "none")]);
    assert_eq!(done.location(), url);
    assert_eq!(world.count("SELECT count(*) FROM departments"), 0);
    assert!(admin.get(&url).says("No departments yet"));
}

#[test]
fn a_location_has_an_address_and_says_what_is_wrong_with_it() {
    let world = World::new();
    let customer = world.customer(PROVIDER, "Aldermoor");
    let admin = world.person(customer, "Customer administrator");
    let url = format!("/customers/{customer}/locations");
    let wrong = json!({ "name": "", "country": "XX", "colour": "red" });
    let refused = admin.api_post(&url, wrong).expect(422);
    let all = refused.complaints();
    assert!(all.contains(&"name is required".to_owned()), "{all:?}");
    assert!(all.contains(&"country is not a country code like NL".to_owned()), "{all:?}");
    assert!(all.iter().any(|each| each.starts_with("colour is not a field here")), "{all:?}");
    let form = [("name", "Harbour"), ("street", "Kade 1"), ("city", "Utrecht"), ("country", "nl")];
    assert_eq!(admin.post(&url, &form).location(), url);
    let page = admin.get(&url);
    assert!(page.says("Harbour") && page.says("Kade 1, Utrecht, NL"), "{}", page.body);
    let id = world.count("SELECT id FROM customer_locations");
    assert!(admin.get(&format!("{url}/{id}/edit")).says("value=\"Harbour\""));
    admin.api_patch(&format!("{url}/{id}"), json!({ "city": "Delft" })).expect(200);
    let kept = admin.api_get(&url).json();
    assert_eq!(kept["items"][0]["address"]["street"], "Kade 1", "what is not named stays");
    let change = audit(&world, "list.changed");
    assert_eq!(change["changed"], json!({ "city": ["Utrecht", "Delft"] }));
}

#[test]
fn contacts_are_users_or_people_elsewhere_and_leave_with_the_user() {
    let world = World::new();
    let customer = world.customer(PROVIDER, "Aldermoor");
    let sibling = world.customer(PROVIDER, "Ferrow");
    let admin = world.person(customer, "Customer administrator");
    let user = world.user(customer, "Jane Doe", "jane");
    let foreign = world.user(sibling, "Joe", "joe");
    let url = format!("/customers/{customer}/contacts");
    let none = admin.api_post(&url, json!({ "user": "jane@aldermoor.example" }));
    assert_eq!(none.complaints(), ["told needs at least one"]);
    let other = admin.api_post(&url, json!({ "user": foreign, "told": ["owner"] }));
    assert_eq!(other.complaints(), ["user is not a user of this customer"]);
    let empty = admin.api_post(&url, json!({ "told": ["owner", "nobody"] }));
    assert_eq!(
        empty.complaints(),
        [
            "name is required",
            "email is required",
            "told has something that is not one of the choices"
        ]
    );
    let jane = admin
        .api_post(&url, json!({ "user": "jane@aldermoor.example", "told": ["security", "owner"] }))
        .expect(201);
    assert_eq!(jane.json()["told"], json!(["owner", "security"]));
    let twice = admin.api_post(&url, json!({ "user": user, "told": ["billing"] }));
    assert_eq!(twice.complaints(), ["user is a contact already"]);
    let form = [("name", "Ledger & Co"), ("email", "pay@ledger.example"), ("told", "billing")];
    admin.post(&url, &form).location();
    assert!(admin.get(&url).says("Ledger &amp; Co"));
    let id = world.count("SELECT id FROM customer_contacts WHERE user_id IS NULL");
    admin.api_patch(&format!("{url}/{id}"), json!({ "told": ["technical"] })).expect(200);
    assert_eq!(
        audit(&world, "contact.changed")["contact"][1],
        "Ledger & Co <pay@ledger.example>: technical"
    );
    let bare = admin.post(&format!("{url}/{id}/edit"), &[("name", "L"), ("email", "l@l.example")]);
    assert!(bare.expect(422).says("needs at least one"));
    for n in 0..18 {
        let one = json!({ "name": format!("N{n}"), "email": "n@n.example", "told": ["owner"] });
        admin.api_post(&url, one).expect(201);
    }
    let many = json!({ "name": "N", "email": "n@n.example", "told": ["owner"] });
    assert_eq!(admin.api_post(&url, many).complaints(), ["A customer may have 20 contacts."]);
    assert_eq!(admin.post(&format!("{url}/{id}/delete"), &[]).location(), url);
    world.sql().execute("UPDATE users SET state = 'deleted' WHERE id = ?1", [user]).unwrap();
    assert_eq!(world.count("SELECT count(*) FROM customer_contacts WHERE user_id IS NOT NULL"), 0);
}

#[test]
fn contacts_hear_of_what_they_were_named_for() {
    let world = World::new();
    let customer = world.customer(PROVIDER, "Aldermoor");
    let (pa, ca) = (
        world.person(PROVIDER, "Provider administrator"),
        world.person(customer, "Customer administrator"),
    );
    let url = |what: &str| format!("/customers/{customer}/{what}");
    for told in ["owner", "technical", "security", "billing"] {
        let one = json!({ "name": told, "email": format!("{told}@else.example"), "told": [told] });
        ca.api_post(&url("contacts"), one).expect(201);
    }
    let gone = world.user(customer, "Gone", "gone");
    let one = json!({ "user": gone, "told": ["owner", "technical"] });
    ca.api_post(&url("contacts"), one).expect(201);
    world.sql().execute("UPDATE users SET state = 'disabled' WHERE id = ?1", [gone]).unwrap();
    let told = |event: &str| {
        world.text(&format!(
            "SELECT group_concat(to_address, ' ') FROM (SELECT to_address FROM messages
              WHERE event = '{event}' AND user_id IS NULL ORDER BY to_address)"
        ))
    };
    let domain = json!({ "name": "aldermoor-own.example" });
    let domain = ca.api_post(&url("domains"), domain).expect(201).id();
    let verify = url(&format!("domains/{domain}/verify"));
    pa.api_post(&verify, json!({ "reason": "asked on the telephone" })).expect(200);
    assert_eq!(told("domain.verified"), "technical@else.example");
    for n in 0..4 {
        world.user(customer, &format!("Ann {n}"), &format!("ann{n}"));
    }
    let rows: String = (0..4).map(|n| format!("ann{n}@aldermoor.example,no\n")).collect();
    let file = format!("UPN,Enabled\n{rows}");
    ca.api_send(&url("users/import?state=true"), "text/csv", file.as_bytes()).expect(202);
    assert_eq!(told("bulk.held"), "security@else.example");
    pa.api_post(&url("deprovision"), json!({ "confirm": "ALDERMOOR" })).expect(200);
    assert_eq!(told("customer.deprovisioned"), "contact@aldermoor.example owner@else.example");
}

#[test]
fn another_branch_sees_and_changes_none_of_the_lists() {
    let world = World::new();
    let ours = world.customer(PROVIDER, "Aldermoor");
    let theirs = world.customer(PROVIDER, "Ferrow");
    let (admin, other) = (
        world.person(ours, "Customer administrator"),
        world.person(theirs, "Customer administrator"),
    );
    for (list, body) in [
        ("departments", json!({ "name": "Hidden" })),
        ("locations", json!({ "name": "Hidden" })),
        ("contacts", json!({ "name": "Hidden", "email": "h@h.example", "told": ["owner"] })),
    ] {
        let id =
            admin.api_post(&format!("/customers/{ours}/{list}"), body.clone()).expect(201).id();
        for customer in [ours, theirs] {
            let url = format!("/customers/{customer}/{list}/{id}");
            assert_eq!(other.api_patch(&url, body.clone()).status, 404, "{url}");
            assert_eq!(other.api_delete(&url).status, 404, "{url}");
            assert_eq!(other.get(&format!("{url}/edit")).status, 404, "{url}");
            assert_eq!(other.post(&format!("{url}/edit"), &[("name", "x")]).status, 404, "{url}");
            assert_eq!(other.get(&format!("{url}/delete")).status, 404, "{url}");
            assert_eq!(other.post(&format!("{url}/delete"), &[]).status, 404, "{url}");
        }
        let url = format!("/customers/{ours}/{list}");
        assert_eq!(other.api_get(&url).status, 404);
        assert_eq!(other.get(&url).status, 404);
        assert_eq!(other.api_post(&url, body).status, 404);
        assert_eq!(other.post(&url, &[("name", "x")]).status, 404);
        assert!(!other.get(&format!("/customers/{theirs}/{list}")).says("Hidden"));
    }
    let helpdesk = world.person(ours, "Customer helpdesk");
    assert_eq!(
        helpdesk.api_post(&format!("/customers/{ours}/departments"), json!({ "name": "x" })).status,
        403
    );
}

#[test]
fn the_sixth_user_of_five_is_refused_on_every_door() {
    let world = World::new();
    let customer = world.customer(PROVIDER, "Aldermoor");
    let admin = world.person(customer, "Customer administrator");
    world.sql().execute("UPDATE customers SET user_limit = 5 WHERE id = ?1", [customer]).unwrap();
    for n in 0..3 {
        world.user(customer, "Somebody", &format!("s{n}"));
    }
    let gone = world.user(customer, "Gone", "gone");
    world.sql().execute("UPDATE users SET state = 'deprovisioned' WHERE id = ?1", [gone]).unwrap();
    let users = format!("/customers/{customer}/users");
    // Four count; of two that come at once one finds room.
    let at_once: Vec<u16> = thread::scope(|threads| {
        let one = |name: &'static str| {
            let (admin, users) = (&admin, &users);
            threads.spawn(move || admin.api_post(users, json!({ "first_name": name })).status)
        };
        [one("one"), one("two")]
            .into_iter()
            .collect::<Vec<_>>()
            .into_iter()
            .map(|t| t.join().unwrap())
            .collect()
    });
    let mut sorted = at_once.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [201, 422]);
    let says = "Aldermoor may have 5 users; 5 exist.";
    assert_eq!(admin.api_post(&users, json!({ "first_name": "Six" })).complaints(), [says]);
    assert!(admin.post(&users, &[("first_name", "Six")]).expect(422).says(says));
    let file = b"First name,Last name\nSix,Doe\nSeven,Doe\n";
    let checked =
        admin.api_send(&format!("{users}/import?dry_run=true"), "text/csv", file).expect(200);
    assert_eq!(checked.json()["refused"], 2, "{}", checked.body);
    assert!(checked.says(says));
    admin.api_send(&format!("{users}/import"), "text/csv", file).expect(200);
    let count =
        format!("SELECT count(*) FROM users WHERE customer_id = {customer} AND state = 'active'");
    assert_eq!(world.count(&count), 5);
}
