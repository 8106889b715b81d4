//! Finding customers and users: what a text finds, what filters leave, and in which order.

use crate::world::{PROVIDER, Person, World};
use portico::ids::CustomerId;
use serde_json::{Value, json};

/// The names that a list has, page after page.
fn names(who: &Person, url: &str, field: &str) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let sign = if url.contains('?') { '&' } else { '?' };
        let page = who.api_get(&format!("{url}{sign}limit=2&after={after}")).expect(200).json();
        let items = page["items"].as_array().unwrap();
        all.extend(items.iter().map(|item| item[field].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => return all,
        }
    }
}

fn users(who: &Person, query: &str) -> Vec<String> {
    names(who, &format!("/users{query}"), "display_name")
}

fn customers(who: &Person, query: &str) -> Vec<String> {
    names(who, &format!("/customers{query}"), "name")
}

/// A reseller with two customers, and another branch with people and firms of the same names.
fn scene() -> (World, CustomerId, CustomerId, CustomerId) {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let home = world.customer(reseller, "Bäckerei Müller");
    let second = world.customer(reseller, "Aldermoor Dental");
    let other = world.reseller("Dunmore");
    world.customer(other, "Müller Holz");
    (world, reseller, home, second)
}

#[test]
fn a_user_is_found_by_digits_alias_and_number_and_never_out_of_scope() {
    let (world, reseller, _, second) = scene();
    let provider = world.person(PROVIDER, "Provider administrator");
    let ra = world.person(reseller, "Reseller administrator");
    let at = format!("/customers/{second}/users");
    let zoe = json!({
        "first_name": "Zoë", "last_name": "Żółć", "upn": "zoe@aldermoor-dental.example",
        "addresses": ["dental.desk@aldermoor-dental.example"], "employee_id": "E-4711",
        "mobile": "+31 (6) 555-01.77",
    });
    provider.api_post(&at, zoe).expect(201);
    provider.api_post(&at, json!({ "first_name": "Bare", "last_name": "Minimum" })).expect(201);
    let sibling = world.customer(world.reseller("Eastgate"), "Elsewhere");
    let stranger = world.person(sibling, "Customer administrator");
    // Many customers make the provider's lists wide, few those of the reseller.
    for (q, found) in [
        ("0177", "Zoë Żółć"),
        ("5550177", "Zoë Żółć"),
        ("555-0177", "Zoë Żółć"),
        ("4711", "Zoë Żółć"),
        ("E-4711", "Zoë Żółć"),
        ("dental.de", "Zoë Żółć"),
        ("zoe", "Zoë Żółć"),
        ("ZOË", "Zoë Żółć"),
        ("zołc", "Zoë Żółć"),
        ("minim", "Bare Minimum"),
    ] {
        for query in [format!("/users?q={q}"), format!("{at}?q={q}")] {
            for who in [&provider, &ra] {
                assert_eq!(names(who, &query, "display_name"), [found], "{query}");
            }
        }
        let hits = provider.api_get(&format!("/search?q={q}")).json();
        assert_eq!(hits["items"][0]["name"], found, "{q}: {hits}");
        assert_eq!(ra.api_get(&format!("/search?q={q}")).json()["items"][0]["name"], found, "{q}");
        assert_eq!(users(&stranger, &format!("?q={q}")), [""; 0]);
        assert_eq!(stranger.api_get(&format!("/search?q={q}")).json()["items"], json!([]));
    }
    for url in ["/users", at.as_str()] {
        let all = names(&ra, url, "display_name");
        assert!(all.contains(&"Bare Minimum".to_owned()), "{url} leaves nobody out: {all:?}");
    }
    // A changed number is found, the old one is not.
    let id = world.count("SELECT id FROM users WHERE employee_id = 'E-4711'");
    ra.api_patch(&format!("/users/{id}"), json!({ "mobile": "+31 6 555 9000" })).expect(200);
    assert_eq!(users(&provider, "?q=5559000").len(), 1);
    assert_eq!(users(&provider, "?q=5550177"), [""; 0]);
}

#[test]
fn a_customer_is_found_by_a_second_word_code_domain_and_without_accents() {
    let (world, reseller, home, _) = scene();
    let provider = world.person(PROVIDER, "Provider administrator");
    let ra = world.person(reseller, "Reseller administrator");
    let code = world.text(&format!("SELECT code FROM customers WHERE id = {home}"));
    let domain = world.text(&format!("SELECT name FROM domains WHERE customer_id = {home}"));
    let own = "Bäckerei Müller";
    for q in ["muller", "MÜLL", "backerei", code.as_str(), domain.as_str(), "mü", "ba"] {
        assert!(customers(&ra, &format!("?q={q}")) == [own], "{q}");
        let hits = ra.api_get(&format!("/search?q={q}")).json();
        if q.chars().count() > 2 {
            assert_eq!(hits["items"][0]["name"], own, "{q}: {hits}");
        }
    }
    assert_eq!(customers(&provider, "?q=muller"), [own, "Müller Holz"]);
    // So short a text begins a name where there is too much to look through; accents do not matter.
    for (q, found) in [("mu", "Müller Holz"), ("Mú", "Müller Holz"), ("ba", own), ("BÄ", own)] {
        assert_eq!(customers(&provider, &format!("?q={q}")), [found], "{q}");
        let hits = provider.api_get(&format!("/search?q={q}")).json();
        assert_eq!(hits["items"][0]["name"], found, "{q}: {hits}");
    }
    world.user(home, "Żółć Über", "zolc");
    world.user(home, "Zora Öl", "zora");
    for (q, found) in
        [("zo", vec!["Zora Öl", "Żółć Über"]), ("ŻÓ", vec!["Zora Öl", "Żółć Über"]), ("zr", vec![])]
    {
        assert_eq!(users(&provider, &format!("?q={q}")), found, "{q}");
        assert_eq!(users(&provider, &format!("?q={q}&test=no")), found, "{q}, filtered besides");
        let hits = provider.api_get(&format!("/search?q={q}")).json();
        assert_eq!(hits["items"].as_array().unwrap().len(), found.len(), "{q}: {hits}");
    }
    let theirs = world.text("SELECT code FROM customers WHERE name = 'Müller Holz'");
    assert_eq!(customers(&ra, &format!("?q={theirs}")), [""; 0]);
    assert_eq!(ra.api_get(&format!("/search?q={theirs}")).json()["items"], json!([]));
}

#[test]
fn every_filter_of_users_leaves_those_it_says() {
    let (world, reseller, _, home) = scene();
    let provider = world.person(PROVIDER, "Provider administrator");
    let helpdesk = world.person_named(home, "Customer helpdesk", "Hedda", "hedda");
    let at = format!("/customers/{home}/users");
    let add = |body: Value| provider.api_post(&at, body).expect(201).id();
    let boss = add(json!({ "first_name": "Boss", "department": "Board", "location": "Harbour" }));
    add(
        json!({ "first_name": "Rae", "manager": boss.to_string(), "test_user": true, "expires_on": "2026-03-20" }),
    );
    add(json!({ "first_name": "Mia", "main_contact": true }));
    let sql = world.sql();
    let set = |change: &str| assert!(sql.execute(change, []).unwrap() > 0, "{change}");
    set("UPDATE users SET locked_until = '2026-03-11T00:00:00Z' WHERE display_name = 'Mia'");
    set(
        "UPDATE users SET last_sign_in_at = '2026-03-09T00:00:00Z', password_hash = 'x' WHERE display_name = 'Boss'",
    );
    set(
        "INSERT INTO factors (user_id, secret, step, set_at) SELECT id, 'x', 0, '' FROM users WHERE display_name = 'Boss'",
    );
    set("INSERT INTO requests (customer_id, user_id, event, title, queue, class, status, turn, source, created_at, deadline_at, next_at)
         SELECT customer_id, id, 'user.provision', 'x', 'interactive', 'interactive', 'failed', 'over', 'api', '', '', ''
           FROM users WHERE display_name = 'Rae'");
    let required = json!({ "key": "badge", "label": "Badge", "required": true, "reach": "self" });
    provider.api_post(&format!("/customers/{home}/properties"), required).expect(201);
    provider
        .api_patch(&format!("/users/{boss}"), json!({ "properties": { "badge": "1" } }))
        .expect(200);
    let ra = world.person(reseller, "Reseller administrator");
    for (query, found) in [
        ("badge=locked", vec!["Mia"]),
        ("badge=request_failed", vec!["Rae"]),
        ("badge=incomplete", vec!["Hedda", "Mia", "Rae"]),
        ("badge=not_invited", vec!["Hedda", "Mia", "Rae"]),
        ("role=Customer+helpdesk", vec!["Hedda"]),
        ("role=Nobody", vec![]),
        ("location=Harbour", vec!["Boss"]),
        ("department=Board", vec!["Boss"]),
        ("manager=MANAGER", vec!["Rae"]),
        ("manager=nobody", vec![]),
        ("last_sign_in_before=2026-03-10", vec!["Boss", "Hedda", "Mia", "Rae"]),
        ("last_sign_in_before=2026-03-09", vec!["Hedda", "Mia", "Rae"]),
        ("no_factor=true", vec!["Hedda", "Mia", "Rae"]),
        ("expires_within=30", vec!["Rae"]),
        ("expires_within=3", vec![]),
        ("test=true", vec!["Rae"]),
        ("test=false&main_contact=true", vec!["Mia"]),
        ("main_contact=false&letter=h", vec!["Hedda"]),
        ("q=ae&test=true", vec![]),
        ("q=ra&test=true", vec!["Rae"]),
        ("q=rae&test=true", vec!["Rae"]),
    ] {
        let query = query.replace("MANAGER", &boss.to_string());
        for who in [&provider, &ra] {
            assert_eq!(names(who, &format!("{at}?{query}"), "display_name"), found, "{query}");
            let mut all = names(who, &format!("/users?customer={home}&{query}"), "display_name");
            all.sort();
            assert_eq!(all, found, "everywhere: {query}");
        }
    }
    world.later(11 * 86_400);
    assert_eq!(names(&ra, &format!("{at}?badge=expired"), "display_name"), ["Rae"]);
    let ra = world.person(reseller, "Reseller administrator");
    let page = ra.get(&format!("{at}?test=yes")).expect(200);
    assert!(page.says("Request failed") && page.says("Expired") && !page.says("Hedda"));
    assert!(page.says("More filters"), "{}", page.body);
    for (wrong, said) in [
        ("letter=1", "letter must be one of A to Z"),
        ("badge=odd", "badge is not one of the choices"),
        ("last_sign_in_before=soon", "last_sign_in_before is not a date like 2026-01-31"),
        ("colour=red", "colour is not a query parameter here"),
    ] {
        let refused = ra.api_get(&format!("{at}?{wrong}")).expect(422);
        assert!(refused.complaints()[0].starts_with(said), "{:?}", refused.complaints());
    }
    let refused = helpdesk.api_get(&format!("{at}?role=Auditor")).expect(422);
    assert_eq!(refused.complaints(), ["role needs roles.read"]);
    // What is done to all that match, and a file of them, is of those alone.
    let order = json!({ "action": "edit", "all": true, "filter": "test=true", "preview": true,
                        "input": { "set": { "office": "A" } } });
    let seen = ra.api_post(&format!("{at}/bulk"), order).expect(200).json();
    assert_eq!(seen["items"].as_array().unwrap().len(), 1, "{seen}");
    let page = ra.get(&format!("{at}/bulk?all=1&test=yes")).expect(200);
    assert!(page.says("What is done to 1 user") && page.says("test=yes"), "{}", page.body);
    let file = ra.api_get(&format!("{at}/export?test=true")).expect(200).body;
    assert!(file.contains("Rae") && !file.contains("Mia"), "{file}");
}

#[test]
fn every_filter_and_order_of_customers_does_what_it_says() {
    let (world, reseller, home, second) = scene();
    let provider = world.person(PROVIDER, "Provider administrator");
    let ra = world.person(reseller, "Reseller administrator");
    let sub = world.customer(second, "Deep Below");
    let tags = json!({ "tags": ["vip"], "notes": "x" });
    provider.api_patch(&format!("/customers/{home}"), tags).expect(200);
    let sql = world.sql();
    let set = |change: String| assert!(sql.execute(&change, []).unwrap() > 0, "{change}");
    set(format!(
        "UPDATE customers SET rank = 'Gold', created_at = '2026-03-11T00:00:00Z' WHERE id = {home}"
    ));
    set(format!(
        "UPDATE customers SET user_limit = 1, expires_on = '2026-03-15' WHERE id = {second}"
    ));
    set(format!("UPDATE domains SET verified_at = NULL WHERE customer_id = {sub}"));
    for n in 0..2 {
        world.user(second, &format!("User {n}"), &format!("u{n}"));
    }
    set(format!("INSERT INTO requests (customer_id, event, title, queue, class, status, turn, source, created_at, deadline_at, next_at)
         VALUES ({home}, 'customer.provision', 'x', 'interactive', 'interactive', 'failed', 'over', 'api', '', '', '')"));
    let (ours, dental, deep) = ("Bäckerei Müller", "Aldermoor Dental", "Deep Below");
    for (query, found) in [
        (format!("reseller={reseller}&direct=true"), vec![dental, ours]),
        (format!("reseller={reseller}"), vec![dental, ours, deep]),
        ("tag=VIP".to_owned(), vec![ours]),
        ("rank=Gold".to_owned(), vec![ours]),
        ("unverified=true".to_owned(), vec![deep]),
        ("failed=true".to_owned(), vec![ours]),
        ("over_limit=true".to_owned(), vec![dental]),
        ("expires_within=7".to_owned(), vec![dental]),
        ("expires_within=2".to_owned(), vec![]),
        ("over_limit=true&q=dent".to_owned(), vec![dental]),
        ("over_limit=true&q=muller".to_owned(), vec![]),
    ] {
        for who in [&provider, &ra] {
            assert_eq!(customers(who, &format!("?{query}")), found, "{query}");
        }
    }
    for who in [&provider, &ra] {
        assert_eq!(customers(who, "?sort=users")[0], dental, "the largest first");
        assert_eq!(customers(who, "?sort=created")[0], ours, "the newest first");
        let mut codes = names(who, "/customers?sort=code", "code");
        let listed = codes.clone();
        codes.sort();
        assert_eq!(listed, codes);
        assert_eq!(listed.len(), customers(who, "").len(), "nobody is lost between the pages");
        let mut by_users = customers(who, "?sort=users");
        by_users.sort();
        by_users.dedup();
        assert_eq!(by_users.len(), listed.len());
    }
    // The customer's own people do not learn what is said of it above.
    let ca = world.person(home, "Customer administrator");
    assert_eq!(customers(&ca, "?tag=vip"), [""; 0]);
    assert_eq!(customers(&ca, "?rank=Gold"), [""; 0]);
    let page = ra.get("/customers?over_limit=yes").expect(200);
    assert!(page.says(dental) && !page.says("Müller"), "{}", page.body);
    assert!(ra.get("/customers?tag=none").says("No customer matches"));
}

/// As from so many customers on, for lists that walk the index of the order.
#[test]
fn wide_lists_are_walked_with_a_bound_and_lose_nobody() {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let home = world.customer(reseller, "Aldermoor");
    let admin = world.person(PROVIDER, "Provider administrator");
    let one = world.user(home, "Seed", "seed");
    let sql = world.sql();
    sql.execute_batch(&format!(
        "PRAGMA foreign_keys = OFF;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 7000)
         INSERT INTO users (customer_id, upn, mail, display_name, username, sign_in, created_at, changed_at)
         SELECT {home}, 'w' || i || '@x.example', 'w' || i || '@x.example', printf('Walker %05d', i), 'w' || i,
                iif(i % 3500 = 0, 'nothing', 'everything'), created_at, changed_at FROM n, users WHERE users.id = {one};
         UPDATE users SET last_sign_in_at = '2026-03-10T00:00:00Z';
         UPDATE users SET last_sign_in_at = NULL WHERE display_name IN ('Walker 00002', 'Walker 06999', 'Seed');"
    ))
    .unwrap();
    let first = admin.api_get("/users?last_sign_in_before=2026-01-01").expect(200).json();
    assert_eq!(first["items"].as_array().unwrap().len(), 2, "Seed and the second");
    assert!(first["next"].is_string(), "the rest is looked at when it is asked for");
    assert_eq!(
        users(&admin, "?last_sign_in_before=2026-01-01"),
        ["Seed", "Walker 00002", "Walker 06999"]
    );
    let html = admin.get("/users?last_sign_in_before=2026-01-01&letter=B").expect(200);
    assert!(html.says("No user matches"), "{}", html.body);
}

/// What the statements of a first page take in a store of so many customers, half of them below a
/// reseller with all that is needed to see fifty: steps of SQLite, which no other work on the machine
/// disturbs.
fn steps(customers: i64) -> Vec<(&'static str, i32)> {
    let world = World::new();
    let reseller = world.reseller("Brightwater");
    let sql = world.sql();
    sql.execute_batch(&format!(
        "BEGIN;
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {customers})
         INSERT INTO customers (parent_id, code, name, contact_name, contact_email, created_at, changed_at)
         SELECT iif(n % 2, 1, {reseller}), 'K' || n, 'Shop ' || (n * 7919 % 100003), 'C', 'c@c.example', '', '' FROM n;
         COMMIT; ANALYZE;"
    ))
    .unwrap();
    let mut all = Vec::new();
    for (who, scope, whole) in [("provider", 7, true), ("reseller", reseller.0 * 4 + 3, false)] {
        for (what, text, _) in portico::customers::store_plans() {
            if !["wide list", "wide list of a state"].contains(&what) {
                continue;
            }
            let mut page = sql.prepare(text).unwrap();
            for (name, value) in [
                (":scope", rusqlite::types::Value::Text(format!("[{scope}]"))),
                (":all", i64::from(whole).into()),
                (":state", rusqlite::types::Value::Text("active".into())),
                (":after", rusqlite::types::Value::Text(String::new())),
                (":after_id", 0.into()),
                (":fetch", 51.into()),
            ] {
                if let Some(at) = page.parameter_index(name).unwrap() {
                    page.raw_bind_parameter(at, value).unwrap();
                }
            }
            let mut rows = page.raw_query();
            let mut found = 0;
            while rows.next().unwrap().is_some() {
                found += 1;
            }
            drop(rows);
            assert_eq!(found, 51, "{what} of the {who}");
            let taken = page.get_status(rusqlite::StatementStatus::VmStep);
            all.push((if whole { "provider" } else { "reseller" }, taken));
        }
    }
    all
}

#[test]
fn a_first_page_of_twenty_thousand_customers_takes_what_one_of_a_few_does() {
    let (few, many) = (steps(150), steps(20_000));
    for ((who, a), (_, b)) in few.iter().zip(&many) {
        assert!(*a > 0 && f64::from(*b) <= 1.5 * f64::from(*a), "{who}: {b} steps instead of {a}");
    }
}
