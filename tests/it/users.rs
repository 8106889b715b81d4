//! Users: their names, their edit, their end at every door.

use crate::world::{Branch as Scene, PROVIDER, World};
use portico::users::store_plans;
use serde_json::{Value, json};
use std::thread;

fn scene() -> Scene {
    Scene::new()
}

fn message<'v>(answer: &'v Value, field: &str) -> &'v str {
    let all = answer["errors"].as_array().unwrap_or_else(|| panic!("no errors: {answer}"));
    let found = all.iter().find(|e| e["field"] == field);
    found.unwrap_or_else(|| panic!("nothing about {field:?}: {answer}"))["message"]
        .as_str()
        .unwrap()
}

#[test]
fn names_are_made_where_nobody_chose_one() {
    let scene = scene();
    let (world, admin, users) = (&scene.world, scene.admin(), scene.users());
    let made = admin.api_post(&users, json!({ "first_name": "Jane", "last_name": "Doe" }));
    assert_eq!(made.status, 201, "{}", made.body);
    let jane = made.json();
    assert_eq!(jane["upn"], "jane.doe@aldermoor.example");
    assert_eq!(jane["mail"], "jane.doe@aldermoor.example");
    assert_eq!(jane["display_name"], "Jane Doe");
    assert_eq!(
        jane["username"],
        format!(
            "jane.doe_{}",
            world.text("SELECT substr(code, 1, 8) FROM customers WHERE name = 'Aldermoor'")
        )
    );
    let second = admin.api_post(&users, json!({ "first_name": "Jane", "last_name": "Doe" })).json();
    assert_eq!(second["upn"], "jane.doe2@aldermoor.example");
    for (body, upn) in [
        (json!({ "display_name": "李小龍" }), "user@aldermoor.example"),
        (json!({ "first_name": "Madonna" }), "madonna@aldermoor.example"),
        (json!({ "last_name": "O'Brien" }), "obrien@aldermoor.example"),
        (
            json!({ "display_name": "🦷 & <Co>", "upn": "Tooth@ALDERMOOR.example" }),
            "tooth@aldermoor.example",
        ),
    ] {
        let made = admin.api_post(&users, body);
        assert_eq!((made.status, made.json()["upn"].as_str()), (201, Some(upn)), "{}", made.body);
        let id = made.json()["id"].clone();
        for page in [format!("/users/{id}"), format!("/users/{id}/edit")] {
            assert_eq!(admin.get(&page).status, 200, "{page}");
        }
    }
    assert!(admin.get(&users).body.contains("🦷 &amp; &lt;Co&gt;"));
    let ledger =
        format!("SELECT count(*) FROM ledger WHERE kind = 'user' AND customer_id = {}", scene.home);
    assert_eq!(world.count(&ledger), 6);
    assert_eq!(world.count("SELECT count(*) FROM audit_log WHERE action = 'user.created'"), 6);
}

#[test]
fn page_and_api_refuse_the_same_in_the_same_words_all_at_once() {
    let scene = scene();
    let (admin, users) = (scene.admin(), scene.users());
    let wrong = [
        ("upn", "someone@elsewhere.example"),
        ("mail", "a b@aldermoor.example"),
        ("username", "a b"),
        ("recovery_email", "me@aldermoor.example"),
        ("phone", "call me"),
        ("country", "XX"),
        ("manager", "nobody@aldermoor.example"),
        ("expires_on", "soon"),
        ("time_zone", "Mars/Base"),
        ("addresses", "x@gmail.example"),
        ("external_emails", "nonsense"),
    ];
    let body: serde_json::Map<String, Value> =
        wrong.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let said = admin.api_post(&users, Value::Object(body)).json();
    let messages = [
        ("upn", "must end in one of aldermoor.example"),
        ("mail", portico::users::names::RULE),
        ("username", "may have letters, digits and . _ - only, at most 20"),
        ("recovery_email", "must be an address elsewhere"),
        ("phone", "may have digits and + ( ) - . / only"),
        ("country", "is not a country code like NL"),
        ("manager", "is not a user of this customer"),
        ("expires_on", "is not a date like 2026-01-31"),
        ("time_zone", "is not a time zone like Europe/Amsterdam"),
        ("addresses", "must end in one of aldermoor.example (x@gmail.example)"),
        ("external_emails", "has something that is not an address: nonsense"),
        ("display_name", "is required: give a first, last or display name"),
    ];
    for (field, text) in messages {
        assert_eq!(message(&said, field), text);
    }
    let page = admin.post(&users, &wrong);
    assert_eq!(page.status, 422);
    for (_, text) in messages {
        let text = maud::html! { (text) }.into_string();
        assert!(page.body.contains(&text), "{text}");
    }
    for field in ["state", "customer_id", "epoch", "password"] {
        let said = admin.api_post(&users, json!({ "first_name": "A", field: "1" })).json();
        assert!(message(&said, field).starts_with("is not a field here"), "{field}");
    }
}

#[test]
fn a_name_is_once_in_the_installation() {
    let scene = scene();
    let (world, admin, users) = (&scene.world, scene.admin(), scene.users());
    let body = json!({ "first_name": "Theo", "upn": "theo@aldermoor.example", "addresses": ["t.vane@aldermoor.example"] });
    assert_eq!(admin.api_post(&users, body).status, 201);
    for (field, name) in [("upn", "THEO@aldermoor.example"), ("mail", "t.vane@aldermoor.example")] {
        let said = admin.api_post(&users, json!({ "first_name": "B", field: name })).json();
        let why = message(&said, field);
        let wanted =
            if field == "upn" { "is taken by Theo" } else { "already belongs to Theo: merge?" };
        assert_eq!(why, wanted);
    }
    // Race: one of eight wins.
    let all: Vec<_> = thread::scope(|threads| {
        let (admin, users) = (&admin, &users);
        let run = |_| {
            threads.spawn(move || {
                admin
                    .api_post(users, json!({ "first_name": "R", "upn": "race@aldermoor.example" }))
                    .status
            })
        };
        let all: Vec<_> = (0..8).map(run).collect();
        all.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(all.iter().filter(|status| **status == 201).count(), 1, "{all:?}");
    assert_eq!(world.count("SELECT count(*) FROM users WHERE display_name = 'R'"), 1);
}

#[test]
fn the_limit_holds_in_a_race_too() {
    let scene = scene();
    let (world, admin, users) = (&scene.world, scene.admin(), scene.users());
    world.sql().execute("UPDATE customers SET user_limit = 1 WHERE id = ?1", [scene.home]).unwrap();
    let all: Vec<_> = thread::scope(|threads| {
        let (admin, users) = (&admin, &users);
        let run = |n: i32| {
            threads.spawn(move || {
                admin.api_post(users, json!({ "first_name": format!("R{n}") })).json()
            })
        };
        let all: Vec<_> = (0..4).map(run).collect();
        all.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let refused: Vec<_> = all.iter().filter(|answer| answer["errors"].is_array()).collect();
    assert_eq!(refused.len(), 3);
    assert_eq!(message(refused[0], ""), "Aldermoor may have 1 user; 1 exists.");
}

#[test]
fn an_edit_names_what_it_changes() {
    let scene = scene();
    let (world, admin, users) = (&scene.world, scene.admin(), scene.users());
    let boss = admin.api_post(&users, json!({ "first_name": "Maren" })).json()["id"].clone();
    let id = admin.api_post(&users, json!({ "first_name": "Theo", "manager": "maren@aldermoor.example", "department": "Clinic" })).json()["id"].clone();
    let url = format!("/users/{id}");
    assert_eq!(admin.api_get(&url).json()["manager_id"], boss);
    let said = admin.api_patch(&format!("/users/{boss}"), json!({ "manager": id })).json();
    assert_eq!(message(&said, "manager"), "would report to itself");
    let answer = admin.api_patch(&url, json!({ "job_title": "Hygienist", "department": "CLINIC" }));
    assert_eq!(
        (answer.status, answer.json()["department"].as_str()),
        (200, Some("Clinic")),
        "{}",
        answer.body
    );
    assert_eq!(world.count("SELECT count(*) FROM departments"), 1);
    let before = world.count("SELECT count(*) FROM audit_log");
    assert_eq!(admin.api_patch(&url, json!({ "job_title": "Hygienist" })).status, 200);
    assert_eq!(
        world.count("SELECT count(*) FROM audit_log"),
        before,
        "nothing changed, nothing written"
    );
    // A new sign-in name keeps the old one as an address, unless that is not wanted.
    let answer = admin.api_patch(&url, json!({ "upn": "t.vane@aldermoor.example" })).json();
    assert_eq!(answer["addresses"], json!([]), "it is the primary address still");
    assert_eq!(answer["mail"], "theo@aldermoor.example");
    let answer = admin
        .api_patch(&url, json!({ "mail": "t.vane@aldermoor.example", "keep_address": false }))
        .json();
    assert_eq!(answer["mail"], "t.vane@aldermoor.example");
    assert_eq!(
        world.count("SELECT count(*) FROM user_names WHERE name = 'theo@aldermoor.example'"),
        0
    );
    assert_eq!(
        world.text("SELECT group_concat(action) FROM audit_log WHERE action = 'user.renamed'"),
        "user.renamed"
    );
    let page = admin.post(
        &format!("{url}/edit"),
        &[("addresses", "theo@aldermoor.example\nvane@aldermoor.example"), ("job_title", "")],
    );
    assert_eq!(page.status, 303, "{}", page.body);
    let now = admin.api_get(&url).json();
    assert_eq!(
        (&now["addresses"], &now["job_title"]),
        (&json!(["theo@aldermoor.example", "vane@aldermoor.example"]), &json!(""))
    );
    let stale = admin.api_with("PATCH", &url, json!({ "job_title": "X" }), &[("If-Match", "1")]);
    assert_eq!(stale.status, 412);
    assert!(stale.body.contains("The Provider administrator changed this at"), "{}", stale.body);
    let test = admin.api_patch(&url, json!({ "test_user": true }));
    assert_eq!(test.status, 200);
    assert_eq!(
        world.count("SELECT count(*) FROM ledger WHERE kind = 'user' AND action = 'changed'"),
        1
    );
}

#[test]
fn fields_need_their_own_permissions() {
    let scene = scene();
    let (world, users) = (&scene.world, scene.users());
    let ca = world.person(scene.home, "Customer administrator");
    let id = ca.api_post(&users, json!({ "first_name": "Theo" })).json()["id"].clone();
    let url = format!("/users/{id}");
    let said = ca.api_patch(&url, json!({ "test_user": true })).json();
    assert_eq!(message(&said, "test_user"), "needs users.test_flag");
    let said = ca.api_post(&users, json!({ "first_name": "T", "test_user": true })).json();
    assert_eq!(message(&said, "test_user"), "needs users.test_flag");
    // A user administrator may edit the administrator, not rename or disable them.
    let ua = world.person(scene.home, "User administrator");
    let admin = format!("/users/{}", ca.id);
    assert_eq!(ua.api_patch(&admin, json!({ "job_title": "Head" })).status, 200);
    let refused = ua.api_patch(&admin, json!({ "upn": "other@aldermoor.example" }));
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("holds rights that you do not have"), "{}", refused.body);
    assert_eq!(ua.api_post(&format!("{admin}/disable"), json!({})).status, 403);
    let helpdesk = world.person(PROVIDER, "Provider helpdesk");
    assert_eq!(helpdesk.api_post(&format!("{admin}/disable"), json!({})).status, 200, "from above");
}

#[test]
fn a_disabled_user_is_out_at_every_door() {
    let scene = scene();
    let (world, admin) = (&scene.world, scene.admin());
    let person = world.person(scene.home, "User administrator");
    let url = format!("/users/{}", person.id);
    assert_eq!((person.api_get(&url).status, person.get(&url).status), (200, 200));
    let answer = admin.api_post(&format!("{url}/disable"), json!({}));
    assert_eq!(
        (answer.status, answer.json()["state"].as_str()),
        (200, Some("disabled")),
        "{}",
        answer.body
    );
    assert_eq!((person.api_get(&url).status, person.get(&url).status), (401, 303));
    let said = admin.api_post(&format!("{url}/disable"), json!({})).json();
    assert_eq!(message(&said, ""), "The User administrator is disabled.");
    assert_eq!(admin.post(&format!("{url}/enable"), &[]).status, 303);
    assert_eq!(
        (person.api_get(&url).status, person.get(&url).status),
        (401, 303),
        "neither revives"
    );
    let said = admin.api_post(&format!("/users/{}/disable", admin.id), json!({})).json();
    assert_eq!(message(&said, ""), "You cannot do this to yourself.");
    world
        .sql()
        .execute(
            "UPDATE users SET expires_on = '2026-03-01', state = 'disabled' WHERE id = ?1",
            [person.id],
        )
        .unwrap();
    let said = admin.api_post(&format!("{url}/enable"), json!({})).json();
    assert_eq!(message(&said, ""), "The User administrator expired on 1 Mar 2026: set a new date.");
    world
        .sql()
        .execute("UPDATE customers SET state = 'disabled' WHERE id = ?1", [scene.home])
        .unwrap();
    let said = admin.api_post(&format!("{url}/enable"), json!({})).json();
    assert_eq!(message(&said, ""), "Aldermoor is disabled.");
    let said = admin.api_post(&scene.users(), json!({ "first_name": "A" })).json();
    assert_eq!(message(&said, ""), "Aldermoor is disabled. Enable it first.");
    let facts = format!(
        "SELECT group_concat(json_extract(facts, '$.disabled')) FROM ledger WHERE kind = 'user' AND subject_id = {}",
        person.id
    );
    assert_eq!(world.text(&facts), "0,1,0");
}

#[test]
fn the_last_administrator_of_the_provider_stays() {
    let scene = scene();
    let (world, one, two) = (&scene.world, scene.admin(), scene.admin());
    world.sql().execute("UPDATE users SET password_hash = 'x' WHERE id = ?1", [two.id]).unwrap();
    let said = one.api_post(&format!("/users/{}/disable", two.id), json!({})).json();
    assert!(
        message(&said, "").contains("is the last administrator of Tarnholm IT who can sign in")
    );
    world.sql().execute("UPDATE users SET password_hash = 'x'", []).unwrap();
    assert_eq!(one.api_post(&format!("/users/{}/disable", two.id), json!({})).status, 200);
}

#[test]
fn those_of_another_branch_find_nothing() {
    let scene = scene();
    let world = &scene.world;
    let other = world.reseller("Ferrow");
    let theirs = world.customer(other, "Vasterby");
    let them = world.user(theirs, "Ylva Strandqvist", "ylva");
    let mine = world.user(scene.home, "Maren Tolliver", "maren");
    let ra = world.person(scene.reseller, "Reseller administrator");
    let list = ra.api_get("/users").json();
    let names: Vec<_> =
        list["items"].as_array().unwrap().iter().map(|u| u["display_name"].clone()).collect();
    assert_eq!(names, ["Maren Tolliver", "The Reseller administrator"]);
    assert_eq!(ra.api_get("/users?q=ylva").json()["items"], json!([]));
    assert_eq!(ra.api_get(&format!("/users?customer={theirs}")).status, 404);
    for url in [format!("/customers/{theirs}/users"), format!("/users/{them}")] {
        assert_eq!((ra.api_get(&url).status, ra.get(&url).status), (404, 404), "{url}");
    }
    for (method, url) in [
        ("POST", format!("/customers/{theirs}/users")),
        ("PATCH", format!("/users/{them}")),
        ("POST", format!("/users/{them}/disable")),
        ("POST", format!("/users/{them}/enable")),
    ] {
        assert_eq!(ra.api(method, &url, json!({})).status, 404, "{method} {url}");
    }
    for url in [
        format!("/users/{them}/edit"),
        format!("/users/{them}/disable"),
        format!("/customers/{theirs}/users/new"),
    ] {
        assert_eq!(ra.get(&url).status, 404, "{url}");
    }
    let taken = ra.api_patch(&format!("/users/{mine}"), json!({ "manager": them }));
    assert_eq!(message(&taken.json(), "manager"), "is not a user of this customer");
    assert_eq!(world.count("SELECT count(*) FROM audit_log"), 0);
}

#[test]
fn lists_are_searched_filtered_and_paged() {
    let scene = scene();
    let (world, admin, users) = (&scene.world, scene.admin(), scene.users());
    for n in 0..12 {
        let department = if n % 2 == 0 { "Clinic" } else { "Front desk" };
        let body = json!({ "first_name": format!("Person{n:02}"), "last_name": "Müller", "department": department,
            "addresses": [format!("alias{n}@aldermoor.example")] });
        assert_eq!(admin.api_post(&users, body).status, 201);
    }
    let names = |url: &str| -> Vec<String> {
        let list = admin.api_get(url).json();
        let items = list["items"].as_array().unwrap_or_else(|| panic!("{url}: {list}"));
        items.iter().map(|u| u["display_name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&format!("{users}?q=rson07")), ["Person07 Müller"]);
    assert_eq!(names("/users?q=rson07"), ["Person07 Müller"], "by trigrams");
    assert_eq!(names("/users?q=alias7"), ["Person07 Müller"], "by an alias");
    assert_eq!(names(&format!("{users}?q=alias7")), ["Person07 Müller"]);
    assert_eq!(names("/users?q=th"), ["The Provider administrator"], "by the beginning");
    assert_eq!(names(&format!("{users}?department=clinic")).len(), 6);
    world
        .sql()
        .execute("UPDATE users SET state = 'disabled' WHERE first_name = 'Person03'", [])
        .unwrap();
    assert_eq!(names("/users?state=disabled"), ["Person03 Müller"]);
    assert_eq!(names(&format!("{users}?state=disabled")), ["Person03 Müller"]);
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page = admin.api_get(&format!("{users}?limit=5{next}")).json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|u| u["id"].as_i64().unwrap()));
        match page["next"].as_str() {
            Some(after) => next = format!("&after={after}"),
            None => break,
        }
    }
    seen.dedup();
    assert_eq!(seen.len(), 12);
    let page = admin.get(&format!("{users}?limit=5"));
    assert!(page.body.contains("Next</button>") && page.body.contains("Front desk"));
    assert!(admin.get("/users").body.contains("Aldermoor"));
}

#[test]
fn lists_walk_an_index() {
    let world = World::new();
    for (name, sql, wanted) in store_plans() {
        let plan = world.plan(sql);
        let wanted = wanted.split(" (").next().unwrap();
        assert!(plan.iter().any(|line| line.contains(wanted)), "{name}: {plan:#?}");
        let scans =
            plan.iter().any(|line| line.starts_with("SCAN users") && !line.contains("INDEX"));
        assert!(!scans, "{name}: {plan:#?}");
        let sorts = plan.iter().any(|line| line.contains("TEMP B-TREE FOR ORDER BY"));
        assert_eq!(sorts, name.contains("narrow"), "{name}: {plan:#?}");
    }
}

#[test]
fn the_form_shows_the_names_while_they_are_typed() {
    let scene = scene();
    let (world, admin, users) = (&scene.world, scene.admin(), scene.users());
    world.user(scene.home, "Jane Doe", "jane.doe");
    let page = admin.get(&format!("{users}/new"));
    assert!(page.body.contains("At Aldermoor.") && page.body.contains("/users/preview"));
    let names = admin.get(&format!("{users}/preview?first_name=Jane&last_name=Doe&upn="));
    assert!(names.body.contains("jane.doe2@aldermoor.example"), "{}", names.body);
    let taken =
        admin.get(&format!("{users}/preview?first_name=J&upn=jane.doe%40aldermoor.example"));
    assert!(taken.body.contains("is taken"), "{}", taken.body);
    let made = admin.post(
        &users,
        &[
            ("first_name", "Jane"),
            ("last_name", "Doe"),
            ("display_name", ""),
            ("upn", ""),
            ("username", ""),
            ("mail", ""),
            ("addresses", ""),
            ("external_emails", "jane@post.example"),
            ("sign_in", "everything"),
            ("main_contact", "0"),
            ("disabled", "0"),
            ("disabled", "1"),
        ],
    );
    assert_eq!(made.status, 303, "{}", made.body);
    assert_eq!(
        world.text("SELECT upn || ' ' || state FROM users ORDER BY id DESC LIMIT 1"),
        "jane.doe2@aldermoor.example disabled"
    );
}

#[test]
fn no_user_is_without_a_name_even_by_sql() {
    let scene = scene();
    let id = scene.world.user(scene.home, "Maren Tolliver", "maren");
    let sql = scene.world.sql();
    assert!(sql.execute("DELETE FROM user_names WHERE user_id = ?1", [id]).is_err());
    assert!(sql.execute("UPDATE users SET upn = NULL WHERE id = ?1", [id]).is_err());
}

#[test]
fn the_number_of_users_that_lists_show_is_what_one_would_count() {
    let scene = scene();
    let (world, admin, users) = (&scene.world, scene.admin(), scene.users());
    for name in ["Jane", "John", "Joan"] {
        assert_eq!(admin.api_post(&users, json!({ "display_name": name })).status, 201);
    }
    let wrong = || {
        world.count(
            "SELECT count(*) FROM customers
              WHERE coalesce((SELECT users FROM customer_users WHERE customer_id = customers.id), 0)
                    <> (SELECT count(*) FROM users
                         WHERE users.customer_id = customers.id AND state IN ('active', 'disabled'))",
        )
    };
    let of_home = || admin.api_get("/customers?q=Aldermoor").json()["items"][0]["users"].clone();
    assert_eq!((wrong(), of_home()), (0, json!(3)));
    let sql = world.sql();
    sql.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    for (change, left) in [
        ("state = 'disabled' WHERE display_name = 'Jane'", 3),
        ("state = 'deprovisioned' WHERE display_name = 'Jane'", 2),
        ("state = 'deleted' WHERE display_name = 'John'", 1),
        ("state = 'active' WHERE display_name = 'Jane'", 2),
        ("customer_id = 1 WHERE display_name = 'Joan'", 1),
        ("customer_id = 1, state = 'deleted' WHERE display_name = 'Jane'", 0),
    ] {
        sql.execute_batch(&format!("UPDATE users SET {change}")).unwrap();
        assert_eq!((wrong(), of_home()), (0, json!(left)), "{change}");
    }
    sql.execute_batch("DELETE FROM users WHERE display_name = 'Joan'").unwrap();
    assert_eq!(wrong(), 0);
}
