//! One tenant's hands on another's things: every route, every id in its path and its body.

use crate::routes::ask;
use crate::world::{Person, World, method};
use portico::auth;
use portico::ids::CustomerId;
use portico::routes::{ROUTES, Route};
use portico::web::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One of each kind of thing of a customer, by the table it lies in.
pub type Things = BTreeMap<&'static str, i64>;

/// Parts of the path that name nobody's things: the installation's own.
const COMMON: &[&str] =
    &["jobs", "services", "billing", "scripts", "queues", "settings", "system", "engine", "roles"];

pub fn furnish(world: &World, customer: CustomerId, owner: &Person) -> Things {
    let sql = world.sql();
    let now = world.now().to_string();
    let one = |statement: &str, params: &[&dyn rusqlite::ToSql]| -> i64 {
        sql.query_row(statement, params, |r| r.get(0))
            .unwrap_or_else(|err| panic!("{statement}: {err}"))
    };
    let mut things = Things::from([("customers", customer.0), ("users", owner.id.0)]);
    let id = customer.0;
    let code = format!("svc{id}");
    things.insert("domains", one("SELECT id FROM domains WHERE customer_id = ?1", &[&id]));
    things.insert(
        "departments",
        one(
            "INSERT INTO departments (customer_id, name) VALUES (?1, 'Office') RETURNING id",
            &[&id],
        ),
    );
    things.insert(
        "customer_locations",
        one(
            "INSERT INTO customer_locations (customer_id, name) VALUES (?1, 'Secret place') RETURNING id",
            &[&id],
        ),
    );
    things.insert(
        "customer_contacts",
        one(
            "INSERT INTO customer_contacts (customer_id, name, email, owner) VALUES (?1, 'Secret Contact', 'a@b.example', 1) RETURNING id",
            &[&id],
        ),
    );
    let service = one(
        "INSERT INTO services (code, name, kind, state, tracking_only, created_at, changed_at) VALUES (?1, ?1, 'user', 'active', 1, ?2, ?2) RETURNING id",
        &[&code, &now],
    );
    let plan = one(
        "INSERT INTO plans (service_id, level, code, name) VALUES (?1, 'user', 'standard', 'Standard') RETURNING id",
        &[&service],
    );
    let held = one(
        "INSERT INTO customer_services (customer_id, service_id, live, created_at) VALUES (?1, ?2, 'on', ?3) RETURNING id",
        &[&id, &service, &now],
    );
    things.insert("customer_services", held);
    things.insert(
        "user_services",
        one(
            "INSERT INTO user_services (customer_id, user_id, customer_service_id, service_id, plan_id, live, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, 'on', ?6) RETURNING id",
            &[&id, &owner.id, &held, &service, &plan, &now],
        ),
    );
    things.insert(
        "requests",
        one(
            "INSERT INTO requests (customer_id, event, user_id, title, queue, class, status, turn, source, created_at, deadline_at, next_at)
             VALUES (?1, 'user_service.provision', ?2, 'Secret title', 'interactive', 'interactive', 'failed', 'over', 'api', ?3, ?3, ?3) RETURNING id",
            &[&id, &owner.id, &now],
        ),
    );
    things.insert(
        "runs",
        one("INSERT INTO runs (kind, customer_id, user_id, cause, due_at) VALUES ('users.import', ?1, ?2, 'manual', ?3) RETURNING id", &[&id, &owner.id, &now]),
    );
    things.insert(
        "devices",
        one(
            "INSERT INTO devices (customer_id, user_id, name, created_at) VALUES (?1, ?2, 'Secret device', ?3) RETURNING id",
            &[&id, &owner.id, &now],
        ),
    );
    let leaving = one(
        "INSERT INTO offboardings (customer_id, user_id, ordered_at, begins_at) VALUES (?1, ?2, ?3, '2027-01-01T00:00:00Z') RETURNING id",
        &[&id, &owner.id, &now],
    );
    things.insert("offboardings", leaving);
    things.insert(
        "offboarding_steps",
        one(
            "INSERT INTO offboarding_steps (offboarding_id, act, due_at, state) VALUES (?1, 'leave_groups', ?2, 'by_hand') RETURNING id",
            &[&leaving, &now],
        ),
    );
    things.insert(
        "messages",
        one(
            "INSERT INTO messages (customer_id, event, class, to_address, subject, text, html, message_id, state, next_at, created_at)
             VALUES (?1, 'user.invited', 'owed', 'a@b.example', 'Secret subject', 'x', 'x', 'm' || ?1, 'failed', ?2, ?2) RETURNING id",
            &[&id, &now],
        ),
    );
    things.insert(
        "connectors",
        one(
            "INSERT INTO connectors (customer_id, kind, name, url, time_limit, created_at)
             VALUES (?1, 'webhook', 'Secret connector', 'https://hooks.example/', 15, ?2) RETURNING id",
            &[&id, &now],
        ),
    );
    let list = one(
        "INSERT INTO price_lists (customer_id, code, name, currency) VALUES (?1, 'own', 'Secret list', 'EUR') RETURNING id",
        &[&id],
    );
    things.insert("price_lists", list);
    things.insert(
        "prices",
        one(
            "INSERT INTO prices (list_id, seller_id, currency, kind, service, unit_price, valid_from, created_at)
             VALUES (?1, ?2, 'EUR', 'user_service', ?3, 180000, '2026-01-01', ?4) RETURNING id",
            &[&list, &id, &code, &now],
        ),
    );
    things.insert(
        "invoices",
        one(
            "INSERT INTO invoices (seller_id, buyer_id, period_end, currency, net_minor, tax_minor, gross_minor, created_at)
             VALUES (1, ?1, '2026-02-28', 'EUR', 100, 21, 121, ?2) RETURNING id",
            &[&id, &now],
        ),
    );
    things.insert("tokens", one("SELECT id FROM tokens WHERE user_id = ?1", &[&owner.id]));
    things
        .insert("role_grants", one("SELECT id FROM role_grants WHERE user_id = ?1", &[&owner.id]));
    things.insert(
        "previews",
        one(
            "INSERT INTO previews (customer_id, user_id, action, input, document, basis, made_at, expires_at)
             VALUES (?1, ?2, 'user_service.give', '{}', '{}', '', ?3, ?3) RETURNING id",
            &[&id, &owner.id, &now],
        ),
    );
    things.insert(
        "uploads",
        one("INSERT INTO uploads (customer_id, user_id, name, bytes, at) VALUES (?1, ?2, 'x.csv', x'00', ?3) RETURNING id", &[&id, &owner.id, &now]),
    );
    for list in ["customers", "users"] {
        let view = one(
            "INSERT INTO views (customer_id, user_id, list, name, query, created_at) VALUES (?1, ?2, ?3, 'Secret view', 'q=a', ?4) RETURNING id",
            &[&id, &owner.id, &list, &now],
        );
        things.insert(if list == "users" { "views of users" } else { "views of customers" }, view);
    }
    things
}

/// Which table a part of a path names, by the word before it.
fn table(word: &str, first: &str) -> Option<&'static str> {
    Some(match (word, first) {
        ("customers", _) => "customers",
        ("users", _) => "users",
        ("domains", _) => "domains",
        ("services", "users") => "user_services",
        ("services", _) => "customer_services",
        ("requests", _) => "requests",
        ("runs", _) => "runs",
        ("mail" | "messages", _) => "messages",
        ("connectors", _) => "connectors",
        ("price-lists", _) => "price_lists",
        ("prices", _) => "prices",
        ("invoices", _) => "invoices",
        ("tokens", _) => "tokens",
        ("roles", "users") => "role_grants",
        ("previews", _) => "previews",
        ("imports" | "import", _) => "uploads",
        ("departments", _) => "departments",
        ("locations", _) => "customer_locations",
        ("contacts", _) => "customer_contacts",
        ("devices", _) => "devices",
        ("views", "users") => "views of users",
        ("views", _) => "views of customers",
        ("offboardings", _) => "offboardings",
        ("steps", "users") => "offboarding_steps",
        _ => return None,
    })
}

/// The path with ids of `outer` for its first variable part and of `inner` for those below it;
/// `None` where it names nobody's things.
pub fn filled(route: &Route, outer: &Things, inner: &Things) -> Option<String> {
    // What another system calls a customer is no id of ours.
    if route.path.contains("{external_id}") {
        return None;
    }
    let parts: Vec<&str> = route.path.trim_start_matches("/api/v1").split('/').collect();
    let first = parts.get(1).copied().unwrap_or("");
    if COMMON.contains(&first) || !route.path.contains('{') {
        return None;
    }
    let mut things = outer;
    let mut word = "";
    let mut path = Vec::new();
    for part in &parts {
        if part.starts_with('{') {
            let id = table(word, first).and_then(|table| things.get(table));
            path.push(id.map_or_else(|| "999999".to_owned(), i64::to_string));
            things = inner;
        } else {
            word = part;
            path.push((*part).to_owned());
        }
    }
    let prefix = if route.api.is_some() { "/api/v1" } else { "" };
    Some(format!("{prefix}{}", path.join("/")))
}

/// Everything of a customer, as one text: nothing of it may change.
pub fn everything_of(world: &World, customer: CustomerId) -> String {
    let sql = world.sql();
    let mut tables = sql
        .prepare("SELECT t.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c WHERE t.schema = 'main' AND t.type = 'table' AND c.name = 'customer_id' ORDER BY 1")
        .unwrap();
    let names: Vec<String> =
        tables.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
    let mut all = String::new();
    for name in names {
        let mut rows = sql
            .prepare(&format!("SELECT * FROM {name} WHERE customer_id = ?1 ORDER BY 1, 2"))
            .unwrap();
        let columns = rows.column_count();
        let mut found = rows.query([customer]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let cells: Vec<String> =
                (0..columns).map(|n| format!("{:?}", row.get_ref(n).unwrap())).collect();
            all += &format!("{name}: {}\n", cells.join("|"));
        }
    }
    all
}

pub struct Scene {
    pub world: World,
    pub ours: CustomerId,
    pub theirs: CustomerId,
}

pub fn scene() -> Scene {
    let world = World::new();
    let (left, right) = (world.reseller("Left Reseller"), world.reseller("Right Reseller"));
    let ours = world.customer(left, "Left Shop");
    let theirs = world.customer(right, "Right Shop");
    Scene { world, ours, theirs }
}

#[test]
fn a_sibling_reaches_nothing_by_any_id_in_a_path() {
    let Scene { world, ours, theirs } = scene();
    let victim = world.person(theirs, "Customer administrator");
    let owner = world.person(ours, "Customer administrator");
    let (foreign, own) = (furnish(&world, theirs, &victim), furnish(&world, ours, &owner));
    let left = world
        .sql()
        .query_row("SELECT parent_id FROM customers WHERE id = ?1", [ours], |r| r.get(0))
        .unwrap();
    let attackers = [owner, world.person(left, "Reseller administrator")];
    let before = everything_of(&world, theirs);
    let mut walked = 0;
    for attacker in &attackers {
        let holds = rights(&world, attacker);
        for route in ROUTES {
            for (outer, inner) in [(&foreign, &foreign), (&own, &foreign)] {
                let Some(url) = filled(route, outer, inner) else { continue };
                if outer == &own && !two_ids(route) {
                    continue;
                }
                world.app.throttle.clear();
                let answer = ask(attacker, route, &url);
                let mine = holds.contains(&route.permission.to_owned());
                let wanted: &[u16] = if mine { &[404] } else { &[403, 404] };
                assert!(
                    wanted.contains(&answer.status),
                    "{} {url}: {} {}",
                    method(route.method),
                    answer.status,
                    answer.body
                );
                assert!(
                    !answer.says("Secret") && !answer.says("Right Shop"),
                    "{url} tells: {}",
                    answer.body
                );
                walked += 1;
            }
        }
    }
    assert!(walked > 40, "only {walked} requests were tried");
    assert_eq!(everything_of(&world, theirs), before, "something of the other customer changed");
}

/// What somebody holds of what reaches customers.
pub fn rights(world: &World, person: &Person) -> Vec<String> {
    let read = |db: &portico::db::Read| {
        let actor = auth::actor(db, person.id, auth::Door::Session, portico::db::Via::Page)?;
        Ok(actor.all_rights().into_iter().map(|right| right.permission).collect())
    };
    world.app.db.read(read).unwrap()
}

fn two_ids(route: &Route) -> bool {
    route.path.matches('{').count() > 1
}

#[test]
fn a_foreign_id_in_a_body_binds_nothing() {
    let Scene { world, ours, theirs } = scene();
    let victim = world.person(theirs, "Customer administrator");
    let owner = world.person(ours, "Customer administrator");
    let (foreign, own) = (furnish(&world, theirs, &victim), furnish(&world, ours, &owner));
    let left = world
        .sql()
        .query_row("SELECT parent_id FROM customers WHERE id = ?1", [ours], |r| r.get(0))
        .unwrap();
    let attackers = [owner, world.person(left, "Reseller administrator")];
    let before = everything_of(&world, theirs);
    for attacker in &attackers {
        for route in ROUTES.iter().filter(|r| r.api.is_some() && r.method != Method::Get) {
            let api = route.api.as_ref().unwrap();
            let Some(url) = filled(route, &own, &own).or_else(|| Some(route.path.to_owned()))
            else {
                continue;
            };
            if url.contains('{') {
                continue;
            }
            for field in api.takes {
                let Some(id) = body_id(field.name, &foreign) else { continue };
                world.app.throttle.clear();
                let body = json!({ (field.name): id });
                let answer = attacker.api(method(route.method), &url, body);
                assert!(
                    answer.status >= 400 && answer.status < 500,
                    "{} {url} {}: {} {}",
                    method(route.method),
                    field.name,
                    answer.status,
                    answer.body
                );
                assert!(
                    !answer.says("Secret") && !answer.says("Right Shop"),
                    "{url} tells: {}",
                    answer.body
                );
            }
        }
    }
    assert_eq!(everything_of(&world, theirs), before, "something of the other customer changed");
}

/// What a field of that name could be made to point at.
fn body_id(field: &str, foreign: &Things) -> Option<Value> {
    let table = match field {
        "parent_id" | "customer_id" | "reseller_id" | "seller_id" | "buyer_id" | "at" => {
            "customers"
        }
        "user_id" | "manager_id" | "manager" => "users",
        "department_id" => "departments",
        "replace_by" => "departments",
        "ids" | "users" => return Some(json!([foreign["users"]])),
        "buyer_ids" => return Some(json!([foreign["customers"]])),
        "connectors" => return Some(json!([foreign["connectors"]])),
        "connector_id" => "connectors",
        _ => return None,
    };
    foreign.get(table).map(|id| json!(id))
}

#[test]
fn lists_and_search_show_nothing_of_a_sibling() {
    let Scene { world, ours, theirs } = scene();
    let victim = world.person_named(theirs, "Customer administrator", "Victim Right", "victim");
    let owner = world.person(ours, "Customer administrator");
    furnish(&world, theirs, &victim);
    furnish(&world, ours, &owner);
    let left = world
        .sql()
        .query_row("SELECT parent_id FROM customers WHERE id = ?1", [ours], |r| r.get(0))
        .unwrap();
    for attacker in [
        owner,
        world.person(left, "Reseller administrator"),
        world.person(left, "Reseller billing"),
    ] {
        for route in ROUTES.iter().filter(|r| r.method == Method::Get && !r.path.contains('{')) {
            world.app.throttle.clear();
            for query in ["", "?q=right", "?customer=3&customer_id=3&reseller=3"] {
                let answer = ask(&attacker, route, &format!("{}{query}", route.path));
                for word in ["Right Shop", "Victim Right", "right-shop.example", "Right Reseller"] {
                    assert!(!answer.says(word), "{}{query} tells {word}", route.path);
                }
            }
        }
    }
}
