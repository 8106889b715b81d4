//! What pages can do the API can do, and the other way round: every change to customers, users, roles
//! and access has its twin, and every field of the API a place on a form.

use crate::world::{PROVIDER, World};
use portico::customers::fields as customer_fields;
use portico::routes::ROUTES;
use portico::users::fields as user_fields;
use portico::web::Method;
use std::collections::BTreeSet;

/// Where this is about.
const ABOUT: &[&str] =
    &["/customers", "/users", "/roles", "/access", "/tokens", "/exit-kits", "/restricted-domains"];

/// Operations of the API whose page is elsewhere.
const ON_PAGES: &[(Method, &str, &str)] = &[
    (Method::Get, "/customers/{}/effective-prices", "/customers/{}/prices"),
    (Method::Get, "/customers/{}/exit-kits", "/customers/{}/export"),
    (Method::Get, "/customers/{}/roles", "/roles"),
    (Method::Get, "/users/{}/roles", "/users/{}/access"),
    (Method::Get, "/users/{}/offboardings", "/users/{}/offboard"),
    (Method::Patch, "/customers/{}/billing", "/customers/{}/edit"),
    (Method::Patch, "/customers/{}/limits", "/customers/{}/edit"),
    (Method::Patch, "/users/{}/names", "/users/{}/edit"),
    (Method::Patch, "/users/{}/account", "/users/{}/edit"),
    (Method::Patch, "/users/{}/test-flag", "/users/{}/edit"),
    (Method::Delete, "/tokens/{}", "/users/{}/tokens/{}/revoke"),
    (Method::Get, "/restricted-domains", "/settings/restricted-domains"),
    (Method::Post, "/restricted-domains", "/settings/restricted-domains"),
    (Method::Delete, "/restricted-domains/{}", "/settings/restricted-domains/{}/remove"),
    // For programs: pages name a customer by its number.
    (Method::Put, "/customers/by-external-id/{}", "/customers/{}/edit"),
];

/// Forms whose operation is called otherwise in the API.
const IN_THE_API: &[(&str, Method, &str)] = &[
    ("/customers/{}/domains/{}/main", Method::Patch, "/customers/{}/domains/{}"),
    ("/customers/{}/settings/{}/inherit", Method::Patch, "/customers/{}/settings"),
    ("/customers/{}/users/import/{}", Method::Post, "/customers/{}/users/import"),
    ("/customers/{}/users/import/{}/reading", Method::Post, "/customers/{}/users/import"),
    ("/users/{}/tokens/{}/revoke", Method::Delete, "/tokens/{}"),
    ("/customers/{}/directory-import/check", Method::Post, "/customers/{}/directory-import"),
    ("/customers/{}/directory-sync/check", Method::Post, "/directories/{}/sync"),
    ("/customers/{}/directory-sync/run", Method::Post, "/directories/{}/sync"),
    ("/customers/{}/directory-sync/end", Method::Delete, "/customers/{}/directory-sync"),
    ("/customers/{}/services/import/{}", Method::Post, "/customers/{}/services/import"),
    ("/customers/{}/approvals/new", Method::Post, "/approvals/chains"),
    ("/customers/{}/devices/{}/primary", Method::Patch, "/customers/{}/devices/{}"),
];

/// What a browser alone does: a token is no person.
const BROWSERS_ONLY: &[&str] = &["/users/{}/act-as"];

const ENDS: &[&str] =
    &["delete", "remove", "withdraw", "discard", "revoke", "take", "edit", "update"];

/// The path with every name taken out of it.
fn bare(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "{}".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn is_about(path: &str) -> bool {
    ABOUT.iter().any(|about| path == *about || path.starts_with(&format!("{about}/")))
}

#[test]
fn every_change_is_on_a_page_and_in_the_api() {
    let (mut pages, mut api) = (BTreeSet::new(), BTreeSet::new());
    for route in ROUTES {
        match route.path.strip_prefix("/api/v1") {
            Some(path) => api.insert((route.method.word(), bare(path))),
            None => pages.insert((route.method.word(), bare(route.path))),
        };
    }
    let page = |method: &'static str, path: String| pages.contains(&(method, path));
    let mut alone = Vec::new();
    for route in ROUTES {
        let Some(path) = route.path.strip_prefix("/api/v1").filter(|path| is_about(path)) else {
            continue;
        };
        let path = bare(path);
        let elsewhere =
            ON_PAGES.iter().find(|(method, each, _)| *method == route.method && *each == path);
        let there = match (elsewhere, route.method) {
            (Some((Method::Get, _, at)), _) => page("GET", (*at).to_owned()),
            (Some((_, _, at)), _) => page("POST", (*at).to_owned()),
            (None, Method::Get) => page("GET", path.clone()) || page("GET", format!("{path}/edit")),
            (None, Method::Post) => page("POST", path.clone()),
            (None, _) => {
                page("POST", path.clone())
                    || ENDS.iter().any(|end| page("POST", format!("{path}/{end}")))
            }
        };
        if !there {
            alone.push(format!("{} {path} is on no page", route.method.word()));
        }
    }
    let call = |path: &str| {
        ["POST", "PATCH", "PUT", "DELETE"]
            .iter()
            .any(|method| api.contains(&(*method, path.to_owned())))
    };
    for (_, path) in pages.iter().filter(|(method, path)| *method == "POST" && is_about(path)) {
        let elsewhere = IN_THE_API.iter().find(|(each, ..)| each == path);
        let ended = ENDS.iter().find_map(|end| path.strip_suffix(&format!("/{end}")));
        let there = match elsewhere {
            Some((_, method, at)) => api.contains(&(method.word(), (*at).to_owned())),
            None => call(path) || ended.is_some_and(call) || BROWSERS_ONLY.contains(&path.as_str()),
        };
        if !there {
            alone.push(format!("{path} is not in the API"));
        }
    }
    assert_eq!(alone, [""; 0]);
}

#[test]
fn every_operation_is_described_with_its_fields() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let document = admin.api_get("/openapi.json").expect(200).json();
    for route in ROUTES.iter().filter(|route| route.api.is_some()) {
        let path = route.path.trim_start_matches("/api/v1");
        let full = document["paths"].get(path).or_else(|| document["paths"].get(route.path));
        let full = full.unwrap_or_else(|| panic!("{path} is not described"));
        let operation = &full[route.method.word().to_lowercase()];
        assert!(operation["summary"].is_string(), "{} {path}", route.method.word());
        let body = &operation["requestBody"]["content"]["application/json"]["schema"]["properties"];
        let asked = operation["parameters"].as_array().unwrap();
        for field in route.api.as_ref().unwrap().takes {
            let paging = ["limit", "after"].contains(&field.name);
            let told = body.get(field.name).is_some()
                || asked.iter().any(|each| each["name"] == field.name);
            assert!(
                told || paging,
                "{} {path} does not tell of {}",
                route.method.word(),
                field.name
            );
        }
    }
}

#[test]
fn every_field_of_the_api_has_a_place_on_a_form() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let customer = world.customer(PROVIDER, "Alder");
    let (own, theirs) = (world.user(PROVIDER, "Ada", "ada"), world.user(customer, "Bo", "bo"));
    let form = |url: String| admin.get(&url).expect(200).body;
    let lacks = |form: &str, fields: &[portico::input::Field], but: &[&str]| -> Vec<&'static str> {
        let named = |name: &str| form.contains(&format!("name=\"{name}\""));
        // What a customer defines itself has names of its own, where it defines any.
        let fixed = fields.iter().filter(|field| field.kind != portico::input::Kind::Object);
        let missing = fixed.map(|field| field.name).filter(|name| !named(name));
        missing.filter(|name| !but.contains(name)).collect()
    };
    // Nobody of the provider is a test, and nobody else is for emergencies.
    for (user, but) in [(own, "test_user"), (theirs, "break_glass")] {
        let edit = form(format!("/users/{user}/edit"));
        // The tick is asked for where somebody is the last administrator.
        let but = [but, portico::auth::WITHOUT];
        assert_eq!(lacks(&edit, user_fields::EDIT, &but), [""; 0]);
    }
    // What goes along with a new one is there where there is something to choose.
    let arrival =
        ["template", "services", "must_change", "never_expires", "break_glass", "test_user"];
    assert_eq!(
        lacks(&form(format!("/customers/{customer}/users/new")), user_fields::ARRIVAL, &arrival),
        [""; 0]
    );
    assert_eq!(
        lacks(&form(format!("/customers/{customer}/edit")), customer_fields::EDIT, &[]),
        [""; 0]
    );
    assert_eq!(lacks(&form("/customers/new".into()), customer_fields::NEW, &[]), [""; 0]);
}

/// Whoever asks what an operation would do, of one that has no preview, is told so; nothing happens.
#[test]
fn a_preview_is_shown_or_refused_and_never_carried_out() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let customer = world.customer(PROVIDER, "Alder");
    let user = world.user(customer, "Ada", "ada");
    let everything = || {
        [
            "audit_log",
            "users",
            "customers",
            "requests",
            "messages",
            "runs",
            "role_grants",
            "tokens",
            "links",
        ]
        .map(|table| world.count(&format!("SELECT count(*) FROM {table}")))
    };
    let before = everything();
    let (mut shown, mut refused) = (0, 0);
    for route in ROUTES.iter().filter(|route| route.api.is_some() && route.method != Method::Get) {
        let path = route.path.replacen("/customers/{id}", &format!("/customers/{customer}"), 1);
        let path = path.replacen("/users/{id}", &format!("/users/{user}"), 1);
        if !is_about(path.trim_start_matches("/api/v1")) || path.contains("by-external-id") {
            continue;
        }
        world.app.throttle.clear();
        let url = format!("{}?preview=true", path.replace(['{', '}'], ""));
        let answer = admin.api(route.method.word(), &url, serde_json::json!({}));
        if portico::routes::has_preview(route.method, route.path.trim_start_matches("/api/v1")) {
            shown += 1;
        } else {
            assert_eq!(answer.status, 422, "{} {url}: {}", route.method.word(), answer.body);
            assert!(answer.says("preview is not a "), "{url}: {}", answer.body);
            refused += 1;
        }
        assert_eq!(everything(), before, "{} {url}: {}", route.method.word(), answer.body);
    }
    assert!(shown > 20 && refused > 50, "{shown} {refused}");
}
