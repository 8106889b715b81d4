//! What every route does for every role, for those of another branch, and for no one.

use crate::world::{PROVIDER, World, method};
use portico::auth::permissions::{SHIPPED, rights_of};
use portico::routes::{PUBLIC, ROUTES, Route};
use portico::web::Method;
use std::fmt::Write;

/// A change to who may do what shows as a change to this text, in review.
#[test]
fn permissions_are_as_agreed() {
    let mut table = String::new();
    for route in PUBLIC {
        writeln!(table, "{} {} everybody", method(route.method), route.path).unwrap();
    }
    for route in ROUTES {
        let holds = |column: &str| {
            route.permission == "account.read"
                || rights_of(column).iter().any(|(name, _)| *name == route.permission)
        };
        let roles: Vec<_> =
            SHIPPED.iter().map(|r| if holds(r.column) { r.column } else { ".." }).collect();
        writeln!(
            table,
            "{} {} {} {}",
            method(route.method),
            route.path,
            route.permission,
            roles.join(" ")
        )
        .unwrap();
    }
    if std::env::var_os("RENEW_GOLDEN").is_some() {
        std::fs::write("tests/it/permissions.txt", &table).unwrap();
    }
    let agreed = std::fs::read_to_string("tests/it/permissions.txt").unwrap();
    assert!(
        table == agreed,
        "routes and roles differ from tests/it/permissions.txt; RENEW_GOLDEN=1 writes it anew:\n{table}"
    );
}

#[test]
fn no_route_is_there_twice() {
    let all = ROUTES.iter().map(|r| (method(r.method), r.path));
    let public = PUBLIC.iter().map(|r| (method(r.method), r.path));
    let mut seen = std::collections::BTreeSet::new();
    for route in all.chain(public) {
        assert!(seen.insert(route), "{route:?}");
    }
}

#[test]
fn every_route_turns_away_those_it_should() {
    let world = World::new();
    for shipped in SHIPPED {
        let home = match shipped.held_in {
            "provider" => PROVIDER,
            "reseller" => world.reseller(&format!("Home {}", shipped.column)),
            _ => world.customer(PROVIDER, &format!("Home {}", shipped.column)),
        };
        let person = world.person(home, shipped.name);
        for route in ROUTES {
            let holds = route.permission == "account.read"
                || rights_of(shipped.column).iter().any(|(name, _)| *name == route.permission);
            // Signing out would end the walk.
            if route.path.contains("sign-out") || route.path.contains("sessions") {
                continue;
            }
            let url = filled(route, "999999");
            let status = ask(&person, route, &url).status;
            assert_eq!(
                status == 403,
                !holds,
                "{} {} {url}: {status}",
                shipped.name,
                method(route.method)
            );
        }
    }
}

#[test]
fn to_look_changes_nothing() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let onlooker = world.sql();
    let version =
        || onlooker.pragma_query_value(None, "data_version", |r| r.get::<_, i64>(0)).unwrap();
    admin.api_get("/jobs");
    for route in ROUTES.iter().filter(|route| route.method == Method::Get) {
        let before = version();
        let status = ask(&admin, route, &filled(route, "1")).status;
        assert!(status < 500, "{}: {status}", route.path);
        // What leaves the house is noted in the audit log, and nothing else is written by it.
        if route.path.ends_with("s/export") && status == 200 && version() != before {
            let last = "SELECT action FROM audit_log ORDER BY id DESC LIMIT 1";
            assert!(world.text(last).ends_with("s.exported"), "{} wrote to the store", route.path);
            continue;
        }
        assert_eq!(version(), before, "{} wrote to the store", route.path);
    }
}

#[test]
fn strangers_and_forms_of_other_sites_get_nowhere() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    for route in ROUTES {
        world.app.throttle.clear();
        let url = filled(route, "1");
        let status = ask(&world.stranger(), route, &url).status;
        assert!(status == 303 || status == 401, "{}: {status}", route.path);
        if route.method != Method::Get && route.api.is_none() {
            // Time went by: whoever asked last before so many routes is signed out.
            let admin = world.sign_in(admin.id);
            assert_eq!(admin.post_without_token(&url, &[]).status, 403, "{}", route.path);
        }
    }
}

#[test]
fn the_api_takes_no_cookie_and_pages_no_token() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    for route in ROUTES.iter().filter(|route| route.method == Method::Get) {
        world.app.throttle.clear();
        let url = filled(route, "1");
        if route.api.is_some() {
            assert_eq!(admin.ask("GET", &url, Vec::new(), admin.browser(&[])).status, 401, "{url}");
        } else {
            assert_eq!(admin.with_token_only(&url).status, 303, "{url}");
        }
    }
}

pub fn ask(person: &crate::world::Person, route: &Route, url: &str) -> crate::world::Answer {
    match (route.api.is_some(), route.method) {
        (true, Method::Get | Method::Delete) => {
            person.api(method(route.method), url, serde_json::Value::Null)
        }
        (true, _) => person.api(method(route.method), url, serde_json::json!({})),
        (false, Method::Get) => person.get(url),
        (false, _) => person.post(url, &[]),
    }
}

/// The route's path with `id` for each of its parts that vary.
pub fn filled(route: &Route, id: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { id.to_owned() } else { part.to_owned() };
    route.path.split('/').map(part).collect::<Vec<_>>().join("/")
}
