//! The id of a sibling, in a body or a query, is answered like one that there never was.

use crate::foreign::{Scene, everything_of, filled, furnish, rights, scene};
use crate::world::{PROVIDER, Person};
use portico::ids::CustomerId;
use portico::routes::ROUTES;
use portico::web::Method;
use serde_json::{Value, json};

/// A request with `ID` where an id goes, an id of one's own that makes it good, and a sibling's.
struct Asked<'a> {
    who: &'a Person<'a>,
    method: &'static str,
    url: String,
    body: Value,
    own: i64,
    sibling: i64,
}

fn with(body: &Value, id: i64) -> Value {
    match body {
        Value::String(text) if text == "ID" => json!(id),
        Value::Array(all) => all.iter().map(|each| with(each, id)).collect(),
        Value::Object(all) => {
            all.iter().map(|(name, each)| (name.clone(), with(each, id))).collect()
        }
        other => other.clone(),
    }
}

#[test]
fn a_foreign_id_in_a_good_body_is_answered_like_none_and_changes_nothing() {
    let Scene { world, ours, theirs } = scene();
    let sql = world.sql();
    let parent =
        |id: CustomerId| world.count(&format!("SELECT parent_id FROM customers WHERE id = {id}"));
    let (left, right) = (parent(ours), parent(theirs));
    let boss = world.person(CustomerId(left), "Reseller administrator");
    let owner = world.person(ours, "Customer administrator");
    let victim = world.person(theirs, "Customer administrator");
    let (foreign, own) = (furnish(&world, theirs, &victim), furnish(&world, ours, &owner));
    let second = world.reseller("Second Left").0;
    sql.execute("UPDATE customers SET parent_id = ?1 WHERE id = ?2", [left, second]).unwrap();
    let plain = world.user(ours, "Plain", "plain").0;
    let both = |statement: &str| -> [i64; 2] {
        [ours, theirs].map(|at| sql.query_row(statement, [at], |r| r.get(0)).unwrap())
    };
    let roles = both("INSERT INTO roles (customer_id, name) VALUES (?1, 'Desk') RETURNING id");
    let [spare, _] =
        both("INSERT INTO roles (customer_id, name) VALUES (?1, 'Spare') RETURNING id");
    let templates = both(
        "INSERT INTO user_templates (customer_id, label, reach) VALUES (?1, 'Clerk', 'self') RETURNING id",
    );
    let wards =
        both("INSERT INTO departments (customer_id, name) VALUES (?1, 'Ward') RETURNING id");
    let annexes = both(
        "INSERT INTO customer_locations (customer_id, name) VALUES (?1, 'Annex') RETURNING id",
    );
    let domain = world.count(&format!("SELECT id FROM domains WHERE customer_id = {left}"));
    let (customers, resellers) = ([ours.0, theirs.0], [second, right]);
    let people = [plain, foreign["users"]];
    let twins = [world.user(ours, "Twin", "twin").0, foreign["users"]];
    let new = json!({ "name": "New", "parent_id": "ID", "domain": "new.example", "contact_name": "C",
                      "contact_email": "c@new.example" });
    let other = json!({ "name": "Other", "parent_id": "ID", "domain": "other.example", "contact_name": "C",
                        "contact_email": "c@other.example" });
    let users = format!("/customers/{ours}/users");
    let asked = |who, method, url: String, body, [own, sibling]: [i64; 2]| Asked {
        who,
        method,
        url,
        body,
        own,
        sibling,
    };
    let all = [
        asked(&boss, "POST", "/customers".into(), new, [left, right]),
        asked(&boss, "PUT", "/customers/by-external-id/x1".into(), other, [left, right]),
        asked(
            &boss,
            "POST",
            format!("/customers/{ours}/move?preview=true"),
            json!({ "parent_id": "ID" }),
            resellers,
        ),
        asked(
            &boss,
            "POST",
            format!("/customers/{left}/domains/{domain}/share"),
            json!({ "customer_id": "ID" }),
            customers,
        ),
        asked(
            &boss,
            "POST",
            "/price-lists".into(),
            json!({ "code": "more", "name": "More", "currency": "EUR", "seller_id": "ID" }),
            resellers,
        ),
        asked(
            &boss,
            "POST",
            format!("/users/{}/tokens", boss.id),
            json!({ "name": "T", "customer_id": "ID" }),
            customers,
        ),
        asked(
            &boss,
            "POST",
            format!("/customers/{ours}/roles"),
            json!({ "name": "Made", "includes": ["ID"] }),
            roles,
        ),
        asked(&boss, "PATCH", format!("/roles/{spare}"), json!({ "includes": ["ID"] }), roles),
        asked(
            &boss,
            "POST",
            format!("/roles/{}/copy", roles[0]),
            json!({ "name": "Copy", "customer_id": "ID" }),
            [left, right],
        ),
        asked(&owner, "POST", format!("/users/{plain}/roles"), json!({ "role": "ID" }), roles),
        asked(
            &owner,
            "POST",
            format!("/users/{plain}/roles"),
            json!({ "role": "Approver", "customer_id": "ID" }),
            customers,
        ),
        asked(
            &boss,
            "DELETE",
            format!("/roles/{}", roles[0]),
            json!({ "replace_by": "ID" }),
            [spare, roles[1]],
        ),
        asked(
            &owner,
            "DELETE",
            format!("/customers/{ours}/departments/{}", own["departments"]),
            json!({ "replace_by": "ID" }),
            wards,
        ),
        asked(
            &owner,
            "DELETE",
            format!("/customers/{ours}/locations/{}", own["customer_locations"]),
            json!({ "replace_by": "ID" }),
            annexes,
        ),
        asked(
            &owner,
            "POST",
            format!("/customers/{ours}/contacts"),
            json!({ "told": ["owner"], "user": "ID" }),
            people,
        ),
        asked(
            &owner,
            "POST",
            users.clone(),
            json!({ "first_name": "Ada", "manager": "ID" }),
            people,
        ),
        asked(
            &owner,
            "POST",
            users.clone(),
            json!({ "first_name": "Bea", "template": "ID" }),
            templates,
        ),
        asked(&owner, "PATCH", format!("/users/{}", owner.id), json!({ "manager": "ID" }), people),
        asked(
            &owner,
            "POST",
            format!("/users/{}/copy", owner.id),
            json!({ "first_name": "Cy", "manager": "ID" }),
            people,
        ),
        asked(
            &owner,
            "POST",
            format!("{users}/bulk"),
            json!({ "action": "enable", "preview": true, "ids": ["ID"] }),
            people,
        ),
        asked(
            &owner,
            "POST",
            format!("/users/{}/merge?preview=true", owner.id),
            json!({ "user": "ID" }),
            twins,
        ),
    ];
    let before = everything_of(&world, theirs);
    for each in all {
        let ask = |id: i64| {
            world.app.throttle.clear();
            let answer = each.who.api(each.method, &each.url, with(&each.body, id));
            (answer.status, answer.body.replace(&format!("has {id},"), "has ID,"))
        };
        let what = format!("{} {} {}", each.method, each.url, each.body);
        let (none, other) = (ask(999_999), ask(each.sibling));
        assert!((400..500).contains(&none.0), "{what} with none: {none:?}");
        assert_eq!(other, none, "{what} tells that {} exists", each.sibling);
        assert!(!other.1.contains("Secret") && !other.1.contains("Right"), "{what}: {}", other.1);
        let good = ask(each.own);
        assert!((200..300).contains(&good.0), "{what} with one's own: {good:?}");
    }
    assert_eq!(everything_of(&world, theirs), before, "something of the other customer changed");
}

#[test]
fn a_foreign_id_in_a_query_is_not_found() {
    let Scene { world, ours, theirs } = scene();
    let victim = world.person(theirs, "Customer administrator");
    let owner = world.person(ours, "Customer administrator");
    let (foreign, own) = (furnish(&world, theirs, &victim), furnish(&world, ours, &owner));
    let left = world.count(&format!("SELECT parent_id FROM customers WHERE id = {ours}"));
    let boss = world.person(CustomerId(left), "Reseller administrator");
    let mut wrong = Vec::new();
    let mut walked = 0;
    for who in [&owner, &boss] {
        let holds = rights(&world, who);
        for route in ROUTES.iter().filter(|r| r.method == Method::Get && r.api.is_some()) {
            if !holds.contains(&route.permission.to_owned()) {
                continue;
            }
            let url = match route.path.contains('{') {
                true => filled(route, &own, &own).filter(|url| !url.contains("999999")),
                false => Some(route.path.to_owned()),
            };
            let Some(url) = url else { continue };
            for field in route.api.as_ref().unwrap().takes {
                let table = match field.name {
                    "customer" | "customer_id" | "seller_id" | "buyer_id" | "reseller" => {
                        "customers"
                    }
                    "at" if url.ends_with("/tree") => "customers",
                    "user" | "user_id" => "users",
                    "to" if url.ends_with("/why") => "users",
                    _ => continue,
                };
                let more = if url.ends_with("/why") { "&permission=users.update" } else { "" };
                let ask = |id: i64| {
                    world.app.throttle.clear();
                    let answer = who.api_get(&format!("{url}?{}={id}{more}", field.name));
                    (answer.status, answer.body)
                };
                let (none, other, good) = (ask(999_999), ask(foreign[table]), ask(own[table]));
                if other != none || other.0 != 404 || good.0 != 200 {
                    wrong.push(format!("{url}?{}: {none:?} {other:?} {good:?}", field.name));
                }
                walked += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Who sells and who acts may stand above those who look.
    let above = world.person(PROVIDER, "Provider administrator");
    for url in ["/invoices?seller_id=1".to_owned(), format!("/audit?user_id={}", above.id)] {
        owner.api_get(&url).expect(200);
    }
    assert!(walked > 15, "only {walked} filters were tried");
}
