//! Customers and their domains.

use crate::world::{PROVIDER, World};
use portico::customers::store_plans;
use serde_json::{Value, json};
use std::thread;

fn new(parent: impl serde::Serialize, name: &str, domain: &str) -> Value {
    json!({
        "name": name, "parent_id": parent, "domain": domain,
        "contact_name": "Maren Tolliver", "contact_email": "maren@aldermoor.example",
    })
}

fn message<'v>(answer: &'v Value, field: &str) -> &'v str {
    let all = answer["errors"].as_array().unwrap_or_else(|| panic!("no errors: {answer}"));
    let found = all.iter().find(|e| e["field"] == field);
    found.unwrap_or_else(|| panic!("nothing about {field:?}: {answer}"))["message"]
        .as_str()
        .unwrap()
}

#[test]
fn name_contact_and_domain_suffice() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let answer = admin.api_post("/customers", new(1, "Jones the Baker Ltd", "Jones.Example."));
    assert_eq!(answer.status, 201, "{}", answer.body);
    let made = answer.json();
    assert_eq!((made["code"].as_str(), made["type"].as_str()), (Some("JBL"), Some("standard")));
    assert_eq!(made["time_zone"], "Europe/Amsterdam", "the parent's");
    let id = made["id"].as_i64().unwrap();
    let domains = admin.api_get(&format!("/customers/{id}/domains")).json();
    assert_eq!(domains["items"][0]["name"], "jones.example");
    assert_eq!(domains["items"][0]["main"], true);
    let ledger =
        format!("SELECT group_concat(kind || ' ' || action) FROM ledger WHERE customer_id = {id}");
    assert_eq!(world.text(&ledger), "customer added,domain added");
    let audit = format!("SELECT group_concat(action) FROM audit_log WHERE customer_id = {id}");
    assert_eq!(world.text(&audit), "customer.created,request.done");
    let again = admin.api_post("/customers", new(1, "Jones the Baker Ltd", "jones2.example"));
    assert_eq!(again.json()["code"], "JBL2");
}

#[test]
fn page_and_api_refuse_the_same_in_the_same_words_all_at_once() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let wrong = [
        ("name", "a<b"),
        ("parent_id", "1"),
        ("code", "A-B"),
        ("domain", "gmail.com"),
        ("contact_name", ""),
        ("contact_email", "nobody"),
        ("phone", "call me"),
        ("website", "ftp://x.example"),
        ("street", "1\n2\n3\n4"),
        ("country", "XX"),
        ("time_zone", "Mars/Base"),
        ("user_limit", "-1"),
        ("currency", "QQQ"),
        ("tax_rate", "101"),
        ("type", "demo"),
        ("expires_on", "2030-01-01"),
    ];
    let body: serde_json::Map<String, Value> =
        wrong.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let answer = admin.api_post("/customers", Value::Object(body));
    assert_eq!(answer.status, 422);
    let said = answer.json();
    let messages = [
        ("name", "may not contain < or >"),
        ("code", "may have letters and digits only, at most 20"),
        ("domain", "is a public mail domain; use one of tarnholm-it.example"),
        ("contact_name", "is required"),
        ("contact_email", "is not an e-mail address"),
        ("phone", "may have digits and + ( ) - . / only"),
        ("website", "must begin with https:// or http://"),
        ("street", "must have at most 3 lines"),
        ("country", "is not a country code like NL"),
        ("time_zone", "is not a time zone like Europe/Amsterdam"),
        ("user_limit", "must be a whole number from 0 to 1000000"),
        ("currency", "is not one of the choices"),
        ("tax_rate", "must be a percentage from 0 to 100, like 21 or 7.5"),
    ];
    for (field, text) in messages {
        assert_eq!(message(&said, field), text);
    }
    let page = admin.post("/customers", &wrong);
    assert_eq!(page.status, 422);
    for (field, text) in messages {
        let text = text.replace('<', "&lt;").replace('>', "&gt;");
        assert!(page.body.contains(&text), "{field} {text}");
    }
    assert!(page.body.contains(r#"value="a&lt;b""#), "what was typed is kept");
    assert_eq!(world.count("SELECT count(*) FROM customers"), 1);
    let unknown = admin.api_post("/customers", json!({ "nmae": "x" }));
    assert_eq!(message(&unknown.json(), "nmae"), "is not a field here; did you mean name?");
}

#[test]
fn odd_names_are_kept_and_escaped() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let long = "n".repeat(100);
    let names = ["Salt & Pepper", "O'Brien \"Bros\"", "🦷 Dental", "شركة الاختبار", &long];
    for (n, name) in names.iter().enumerate() {
        let answer = admin.api_post("/customers", new(1, name, &format!("d{n}.example")));
        assert_eq!((answer.status, answer.json()["name"].as_str()), (201, Some(*name)));
        let id = answer.json()["id"].as_i64().unwrap();
        let shown = name.replace('&', "&amp;").replace('"', "&quot;");
        for url in
            ["/customers".into(), format!("/customers/{id}"), format!("/customers/{id}/edit")]
        {
            let page = admin.get(&url);
            assert_eq!(page.status, 200, "{url}");
            assert!(page.body.contains(&shown), "{name} on {url}");
        }
    }
}

#[test]
fn equal_things_are_refused_and_owners_out_of_scope_unnamed() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let (one, two) = (world.reseller("Brightwater"), world.reseller("Ferrow"));
    let mut body = new(one, "First", "first.example");
    body["billing_id"] = json!("B-1");
    assert_eq!(admin.api_post("/customers", body.clone()).status, 201);
    body["name"] = json!("Second");
    let said = admin.api_post("/customers", body.clone()).json();
    assert_eq!(message(&said, "billing_id"), "is already used by First");
    body["billing_id"] = json!("");
    let said = admin.api_post("/customers", body.clone()).json();
    assert_eq!(message(&said, "domain"), "already belongs to First");

    let other = world.person(two, "Reseller administrator");
    body["parent_id"] = json!(two);
    let said = other.api_post("/customers", body.clone()).json();
    assert_eq!(message(&said, "domain"), "already belongs to another customer");
    body["domain"] = json!("second.example");
    body["billing_id"] = json!("B-1");
    let said = other.api_post("/customers", body.clone()).json();
    assert_eq!(message(&said, "billing_id"), "is already used by another customer");
    body["billing_id"] = json!("");
    body["code"] = json!("firs");
    let said = other.api_post("/customers", body).json();
    assert_eq!(message(&said, "code"), "is already taken by another customer");
}

#[test]
fn resellers_make_customers_below_themselves_only() {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let sub = world.reseller("Sub");
    world
        .sql()
        .execute("UPDATE customers SET parent_id = ?1 WHERE id = ?2", (reseller, sub))
        .unwrap();
    let plain = world.customer(reseller, "Aldermoor");
    let sibling = world.reseller("Ferrow");
    let ra = world.person(reseller, "Reseller administrator");
    assert_eq!(ra.api_post("/customers", new(reseller, "A", "a.example")).status, 201);
    assert_eq!(ra.api_post("/customers", new(sub, "B", "b.example")).status, 201);
    assert_eq!(ra.api_post("/customers", new(sibling, "C", "c.example")).status, 404);
    let said = ra.api_post("/customers", new(plain, "D", "d.example"));
    assert_eq!(message(&said.json(), ""), "Aldermoor is not a reseller.");
    let ca = world.person(plain, "Customer administrator");
    assert_eq!(ca.api_post("/customers", new(plain, "E", "e.example")).status, 403);
    world.sql().execute("UPDATE customers SET state = 'disabled' WHERE id = ?1", [sub]).unwrap();
    let said = ra.api_post("/customers", new(sub, "F", "f.example"));
    assert_eq!(message(&said.json(), ""), "Sub is disabled.");
}

#[test]
fn the_hierarchy_is_eight_levels_deep() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let mut parent = 1;
    for level in 2..=9 {
        let answer =
            admin.api_post("/customers", new(parent, "Deep", &format!("l{level}.example")));
        if level == 9 {
            assert_eq!(message(&answer.json(), ""), "The hierarchy may be 8 levels deep.");
            break;
        }
        assert_eq!(answer.status, 201, "{level}: {}", answer.body);
        parent = answer.json()["id"].as_i64().unwrap();
        world.sql().execute("UPDATE customers SET reseller = 1 WHERE id = ?1", [parent]).unwrap();
    }
}

#[test]
fn those_of_another_branch_find_nothing() {
    let world = World::new();
    let (one, two) = (world.reseller("Brightwater"), world.reseller("Ferrow"));
    let (mine, theirs) = (world.customer(one, "Aldermoor"), world.customer(two, "Vasterby"));
    for role in ["Reseller administrator", "Reseller helpdesk"] {
        let person = world.person(one, role);
        let list = person.api_get("/customers").json();
        let names: Vec<_> =
            list["items"].as_array().unwrap().iter().map(|c| c["name"].clone()).collect();
        assert_eq!(names, ["Aldermoor", "Brightwater"]);
        assert_eq!(person.api_get("/customers?q=vasterby").json()["items"], json!([]));
        person.api_get(&format!("/customers?reseller={two}")).expect(404);
        assert_eq!(person.api_get(&format!("/customers/{mine}")).status, 200);
        for url in ["", "/domains"] {
            assert_eq!(person.api_get(&format!("/customers/{theirs}{url}")).status, 404);
            assert_eq!(person.get(&format!("/customers/{theirs}{url}")).status, 404);
        }
    }
    let ra = world.person(one, "Reseller administrator");
    let domain = world
        .count(&format!("SELECT domain_id FROM customer_domains WHERE customer_id = {theirs}"));
    for (method, url) in [
        ("PATCH", format!("/customers/{theirs}")),
        ("PATCH", format!("/customers/{theirs}/billing")),
        ("PATCH", format!("/customers/{theirs}/limits")),
        ("POST", format!("/customers/{theirs}/disable")),
        ("POST", format!("/customers/{theirs}/enable")),
        ("DELETE", format!("/customers/{theirs}/domains/{domain}")),
        ("DELETE", format!("/customers/{mine}/domains/{domain}")),
        ("PATCH", format!("/customers/{mine}/domains/{domain}")),
    ] {
        assert_eq!(ra.api(method, &url, json!({})).status, 404, "{method} {url}");
    }
    let add = ra.api_post(&format!("/customers/{theirs}/domains"), json!({ "name": "x.example" }));
    assert_eq!(add.status, 404);
    assert_eq!(world.count("SELECT count(*) FROM audit_log"), 0);
}

#[test]
fn an_edit_names_what_it_changes() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let id = admin.api_post("/customers", new(1, "Aldermoor", "a.example")).json()["id"].clone();
    let url = format!("/customers/{id}");
    let answer = admin.api_patch(&url, json!({ "name": "Aldermoor Dental", "tax_rate": "7.5" }));
    assert_eq!((answer.status, answer.json()["tax_rate"].as_str()), (200, Some("7.5")));
    let detail = world.text("SELECT detail FROM audit_log WHERE action = 'customer.changed'");
    let detail: Value = serde_json::from_str(&detail).unwrap();
    assert_eq!(
        detail,
        json!({ "name": ["Aldermoor", "Aldermoor Dental"], "tax_rate": ["", "7.5"] })
    );
    assert_eq!(world.count("SELECT count(*) FROM ledger WHERE action = 'changed'"), 0);
    assert_eq!(admin.api_patch(&url, json!({ "type": "test" })).status, 200);
    assert_eq!(world.count("SELECT count(*) FROM ledger WHERE action = 'changed'"), 1);
    // Saying what is so already writes nothing.
    assert_eq!(admin.api_patch(&url, json!({ "type": "test" })).status, 200);
    assert_eq!(world.count("SELECT count(*) FROM audit_log WHERE action = 'customer.changed'"), 2);
    let said =
        admin.api_patch(&url, json!({ "code": "X", "parent_id": 1, "state": "disabled" })).json();
    assert_eq!(message(&said, "code"), "cannot change");
    assert_eq!(message(&said, "parent_id"), "cannot change");
    assert!(message(&said, "state").starts_with("is not a field here"));
    let billing = format!("{url}/billing");
    let said = admin.api_patch(&billing, json!({ "name": "X" })).json();
    assert_eq!(message(&said, "name"), "is not a field here");
    assert_eq!(admin.api_patch(&billing, json!({ "po_reference": "PO 7" })).status, 200);
}

#[test]
fn the_second_of_two_editors_is_told_who_was_first() {
    let world = World::new();
    let admin =
        world.person_named(PROVIDER, "Provider administrator", "Sunniva Akselrod", "sunniva");
    let id = admin.api_post("/customers", new(1, "Aldermoor", "a.example")).json()["id"].clone();
    let url = format!("/customers/{id}");
    let shown = admin.api_get(&url);
    let version = shown.json()["version"].to_string();
    assert_eq!(shown.header("ETag"), format!("\"{version}\""));
    let edit = |name: &str| {
        admin.api_with("PATCH", &url, json!({ "name": name }), &[("If-Match", &version)])
    };
    assert_eq!(edit("One").status, 200);
    let late = edit("Two");
    assert_eq!(late.status, 412);
    assert!(
        late.body.contains("Sunniva Akselrod changed this at 10 Mar 2026 09:0"),
        "{}",
        late.body
    );
    let page = admin.post(&format!("{url}/edit"), &[("name", "Three"), ("version", &version)]);
    assert_eq!(page.status, 422);
    assert!(page.body.contains("Sunniva Akselrod changed this"), "{}", page.body);
    assert_eq!(world.text(&format!("SELECT name FROM customers WHERE id = {id}")), "One");
}

#[test]
fn the_customer_itself_changes_contact_and_no_more() {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let customer = world.customer(reseller, "Aldermoor");
    let ca = world.person(customer, "Customer administrator");
    let url = format!("/customers/{customer}");
    assert_eq!(ca.api_patch(&url, json!({ "contact_name": "Theo Vane" })).status, 200);
    let all =
        json!({ "user_limit": 5, "type": "test", "billing_id": "1", "notes": "n", "parent_id": 1 });
    let answer = ca.api_patch(&url, all);
    assert_eq!(answer.status, 422);
    let said = answer.json();
    assert_eq!(message(&said, "user_limit"), "needs customers.limits");
    assert_eq!(message(&said, "type"), "needs customers.limits");
    assert_eq!(message(&said, "billing_id"), "needs customers.billing_update");
    assert_eq!(message(&said, "notes"), "is seen and set from above only");
    assert!(ca.api_get(&url).json().get("notes").is_none());
    let page = ca.get(&format!("{url}/edit"));
    assert!(!page.body.contains("name=\"notes\"") && !page.body.contains("name=\"user_limit\""));
    let ra = world.person(reseller, "Reseller administrator");
    assert_eq!(ra.api_patch(&url, json!({ "notes": "n", "user_limit": 5 })).json()["notes"], "n");
    for verb in ["disable", "enable"] {
        assert_eq!(ca.api_post(&format!("{url}/{verb}"), json!({})).status, 403);
    }
}

#[test]
fn a_disabled_customer_is_out_and_comes_back_as_it_was() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let id = admin.api_post("/customers", new(1, "Aldermoor", "a.example")).json()["id"].clone();
    let home = portico::ids::CustomerId(id.as_i64().unwrap());
    let person = world.person(home, "Customer administrator");
    let url = format!("/customers/{id}");
    assert_eq!(person.api_get(&url).status, 200);
    let answer = admin.api_post(&format!("{url}/disable"), json!({ "reason": "unpaid" }));
    assert_eq!((answer.status, answer.json()["state"].as_str()), (200, Some("disabled")));
    assert_eq!((person.api_get(&url).status, person.get(&url).status), (401, 303));
    let again = admin.api_post(&format!("{url}/disable"), json!({}));
    assert_eq!(message(&again.json(), ""), "Aldermoor is disabled.");
    let add = admin.api_post(&format!("{url}/domains"), json!({ "name": "b.example" }));
    assert_eq!(message(&add.json(), ""), "Aldermoor is disabled. Enable it first.");
    assert_eq!(admin.api_patch(&url, json!({ "phone": "1" })).status, 200, "edits go through");
    assert!(admin.get(&url).body.contains("Disabled"));
    assert_eq!(admin.post(&format!("{url}/enable"), &[]).status, 303);
    assert_eq!(person.api_get(&url).status, 200);
    let facts = "SELECT group_concat(json_extract(facts, '$.disabled')) FROM ledger WHERE kind = 'customer'";
    assert_eq!(world.text(facts), "0,1,0");
    let again = admin.api_post(&format!("{url}/enable"), json!({}));
    assert_eq!(message(&again.json(), ""), "Aldermoor is active.");
    assert_eq!(admin.api_post("/customers/1/disable", json!({})).status, 404, "never the provider");
}

#[test]
fn disabling_a_reseller_takes_its_customers_along_only_when_asked() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let reseller = world.reseller("Brightwater");
    let (one, two) = (world.customer(reseller, "Aldermoor"), world.customer(reseller, "Hollin"));
    let states = || {
        world.text(&format!(
            "SELECT group_concat(substr(state, 1, 1), '') FROM customers WHERE id IN ({reseller}, {one}, {two})"
        ))
    };
    let act =
        |id, verb: &str, body| admin.api_post(&format!("/customers/{id}/{verb}"), body).status;
    assert_eq!((act(reseller, "disable", json!({})), states().as_str()), (200, "daa"));
    assert_eq!((act(reseller, "enable", json!({})), states().as_str()), (200, "aaa"));
    assert_eq!((act(two, "disable", json!({})), states().as_str()), (200, "aad"));
    let all = json!({ "everything_below": true });
    assert_eq!((act(reseller, "disable", all), states().as_str()), (200, "ddd"));
    let said = admin.api_post(&format!("/customers/{one}/enable"), json!({}));
    assert_eq!(message(&said.json(), ""), "Brightwater is disabled.");
    assert_eq!(
        (act(reseller, "enable", json!({})), states().as_str()),
        (200, "aad"),
        "two was so before"
    );
    let page = admin.get(&format!("/customers/{reseller}/disable"));
    assert!(page.body.contains("Also disable everything below: 2 customers"), "{}", page.body);
}

#[test]
fn domains_are_added_confirmed_and_removed() {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let admin = world.person(reseller, "Reseller administrator");
    let id =
        admin.api_post("/customers", new(reseller, "Aldermoor", "a.example")).json()["id"].clone();
    let home = portico::ids::CustomerId(id.as_i64().unwrap());
    let ca = world.person(home, "Customer administrator");
    let url = format!("/customers/{id}/domains");
    let add = |who: &crate::world::Person, name: &str| who.api_post(&url, json!({ "name": name }));
    assert_eq!(message(&add(&ca, "co.uk").json(), "name"), "is reserved: names are sold below it");
    assert_eq!(message(&add(&ca, "nodots").json(), "name"), "is not a domain like company.example");
    let waits = add(&ca, "BÜCHER.example").json();
    assert_eq!(
        (&waits["name"], &waits["verified_at"]),
        (&json!("xn--bcher-kva.example"), &Value::Null)
    );
    let twin = add(&admin, "xn--bcher-kva.example").json();
    assert_eq!(message(&twin, "name"), "already belongs to Aldermoor");
    let one = format!("{url}/{}", waits["id"]);
    assert_eq!(
        message(&ca.api_patch(&one, json!({ "main": true })).json(), "main"),
        "is waiting for verification"
    );
    let verify = format!("{one}/verify");
    assert_eq!(ca.api_post(&verify, json!({ "reason": "it is ours" })).status, 403);
    let short = admin.api_post(&verify, json!({ "reason": "" }));
    assert_eq!(message(&short.json(), "reason"), "is required");
    admin.api_post(&verify, json!({ "reason": "called them" })).expect(200);
    let answer = admin.api_patch(&one, json!({ "main": true }));
    assert_eq!((answer.status, &answer.json()["main"]), (200, &json!(true)), "{}", answer.body);
    assert!(admin.get(&url).body.contains("bücher.example"));
    assert_eq!(
        message(&admin.api_delete(&one).json(), ""),
        "bücher.example is the primary domain."
    );
    // Its administrator's sign-in name is on the first one.
    let first = world.count("SELECT id FROM domains WHERE name = 'a.example'");
    let said = admin.api_delete(&format!("{url}/{first}")).json();
    assert_eq!(message(&said, ""), "a.example is still used by 1 sign-in name, 0 addresses.");
    let third = add(&admin, "third.example").json();
    assert!(third["verified_at"].is_string(), "from above it is usable at once");
    assert_eq!(admin.post(&format!("{url}/{}/remove", third["id"]), &[]).status, 303);
    assert_eq!(
        world.count("SELECT count(*) FROM ledger WHERE kind = 'domain' AND action = 'removed'"),
        1
    );
    let audit =
        world.text("SELECT group_concat(action) FROM audit_log WHERE subject_kind = 'domain'");
    assert_eq!(audit, "domain.added,domain.verified,domain.changed,domain.added,domain.removed");
}

#[test]
fn lists_are_searched_filtered_and_paged() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let reseller = world.reseller("Brightwater");
    for n in 0..25 {
        world.customer(if n % 2 == 0 { reseller } else { PROVIDER }, &format!("Customer {n:02}"));
    }
    let names = |url: &str| -> Vec<String> {
        let list = admin.api_get(url).json();
        list["items"]
            .as_array()
            .unwrap_or_else(|| panic!("{list}"))
            .iter()
            .map(|c| c["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let mut seen = Vec::new();
    let mut next = String::new();
    loop {
        let page = admin.api_get(&format!("/customers?limit=10{next}")).json();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|c| c["name"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(after) => next = format!("&after={after}"),
            None => break,
        }
    }
    let mut sorted = seen.clone();
    sorted.sort();
    assert_eq!((seen.len(), &seen), (27, &sorted));
    assert_eq!(names("/customers?q=tomer%2007"), ["Customer 07"], "inside a name");
    assert_eq!(names("/customers?q=br"), ["Brightwater"], "a beginning");
    assert_eq!(names("/customers?q=brightwater.ex"), ["Brightwater"], "a domain");
    assert_eq!(names(&format!("/customers?reseller={reseller}")).len(), 13);
    assert_eq!(names("/customers?type=demo"), [""; 0]);
    world
        .sql()
        .execute("UPDATE customers SET state = 'disabled' WHERE name = 'Customer 03'", [])
        .unwrap();
    assert_eq!(names("/customers?state=disabled"), ["Customer 03"]);
    assert_eq!(admin.api_get("/customers?sate=disabled").status, 422);
    assert_eq!(admin.api_get("/customers?state=odd").status, 422);
    let ra = world.person(reseller, "Reseller administrator");
    let few = ra.api_get("/customers?q=customer%200").json();
    assert_eq!(few["items"].as_array().unwrap().len(), 5, "among few in scope");
    let page = admin.get("/customers?q=nothing+like+it");
    assert!(page.body.contains("No customer matches"));
    let page = admin.get("/customers?limit=5");
    let all = admin.api_get("/customers?limit=200").json()["items"].as_array().unwrap().len();
    let first = format!("5 of {all} customers");
    assert!(page.body.contains("rel=\"next\"") && page.body.contains(&first), "{first}");
}

#[test]
fn two_at_one_instant_get_codes_and_ids_of_their_own() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let answers: Vec<_> = thread::scope(|threads| {
        let admin = &admin;
        let all: Vec<_> = (0..8)
            .map(|n| {
                threads.spawn(move || {
                    let mut body = new(1, "Jones Ltd", &format!("j{n}.example"));
                    body["external_id"] = json!(if n < 2 { "E1".into() } else { format!("E{n}") });
                    admin.api_post("/customers", body).json()
                })
            })
            .collect();
        all.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let made: Vec<_> =
        answers.iter().filter(|a| a["id"].is_i64()).map(|a| a["code"].as_str().unwrap()).collect();
    let mut unique = made.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!((made.len(), unique.len()), (7, 7), "{answers:?}");
    let refused = answers.iter().find(|a| a["id"].is_null()).unwrap();
    assert_eq!(message(refused, "external_id"), "is already used by Jones Ltd");
}

#[test]
fn lists_walk_an_index() {
    let world = World::new();
    for (name, sql, wanted) in store_plans() {
        let plan = world.plan(sql);
        assert!(plan.iter().any(|line| line.contains(wanted)), "{name}: {plan:#?}");
        assert!(
            !plan.iter().any(|line| line.starts_with("SCAN customers") && !line.contains("INDEX")),
            "{name}: {plan:#?}"
        );
        // What was found by trigrams is few enough to sort.
        let sorts = plan.iter().any(|line| line.contains("TEMP B-TREE FOR ORDER BY"));
        assert_eq!(sorts, name.contains("narrow") || name.contains("search"), "{name}: {plan:#?}");
    }
}

#[test]
fn the_form_shows_the_code_while_the_name_is_typed() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let page = admin.get("/customers/new");
    assert!(page.body.contains("hx-get=\"/customers/new/code\""), "{}", page.body);
    let code =
        admin.get("/customers/new/code?name=B%C3%A4ckerei+M%C3%BCller+%26+S%C3%B6hne+GmbH&code=");
    assert!(code.body.contains("BMSG"), "{}", code.body);
    let made = admin.post(
        "/customers",
        &[
            ("name", "Bäckerei"),
            ("parent_id", "1"),
            ("domain", "baeckerei.example"),
            ("code", ""),
            ("contact_name", "Ann"),
            ("contact_email", "ann@baeckerei.example"),
            ("country", ""),
            ("type", "standard"),
        ],
    );
    assert_eq!(made.status, 303, "{}", made.body);
}
