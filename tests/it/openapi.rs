//! The description of the API holds to OpenAPI 3.1, and to what is answered.

use crate::routes::filled;
use crate::world::{PROVIDER, World};
use portico::openapi::{document, operations};
use portico::routes::ROUTES;
use portico::web::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn the_description_is_valid() {
    let all = document();
    assert_eq!(all["openapi"], "3.1.0");
    assert!(all["info"]["title"].is_string() && all["info"]["version"].is_string());
    let mut ids = BTreeSet::new();
    for (path, item) in all["paths"].as_object().unwrap() {
        assert!(path.starts_with('/'), "{path}");
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            assert!(
                ["get", "put", "post", "delete", "patch"].contains(&method.as_str()),
                "{place}"
            );
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{place}");
            assert!(method != "get" || operation.get("requestBody").is_none(), "{place}");
            check_parameters(&all, path, operation, &place);
            check_responses(&all, operation, &place);
            if let Some(body) = operation.get("requestBody") {
                for (_, media) in body["content"].as_object().unwrap() {
                    check_schema(&media["schema"], &place);
                }
            }
        }
    }
    every_reference_resolves(&all, &all);
}

fn check_parameters(all: &Value, path: &str, operation: &Value, place: &str) {
    let mut seen = BTreeSet::new();
    let mut in_path = BTreeSet::new();
    for parameter in operation["parameters"].as_array().unwrap() {
        let parameter = resolved(all, parameter);
        let (name, at) = (parameter["name"].as_str().unwrap(), parameter["in"].as_str().unwrap());
        assert!(["path", "query", "header"].contains(&at), "{place}: {at}");
        assert!(seen.insert((name.to_owned(), at.to_owned())), "{place}: {name} is there twice");
        check_schema(&parameter["schema"], place);
        if at == "path" {
            assert_eq!(parameter["required"], true, "{place}: {name}");
            in_path.insert(name.to_owned());
        }
    }
    let varies = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    assert_eq!(in_path, varies.map(str::to_owned).collect(), "{place}");
}

fn check_responses(all: &Value, operation: &Value, place: &str) {
    let responses = operation["responses"].as_object().unwrap();
    assert!(responses.keys().any(|code| code.starts_with('2')), "{place}");
    for (code, response) in responses {
        let known = code == "2XX" || code.parse::<u16>().is_ok_and(|n| (100..600).contains(&n));
        assert!(known, "{place}: {code}");
        let response = resolved(all, response);
        assert!(response["description"].is_string(), "{place}: {code}");
        for (_, media) in response["content"].as_object().into_iter().flatten() {
            check_schema(&media["schema"], place);
        }
    }
}

fn check_schema(schema: &Value, place: &str) {
    if schema.get("$ref").is_some() {
        return;
    }
    let schema = schema.as_object().unwrap_or_else(|| panic!("{place} has no schema"));
    let types = match schema.get("type") {
        Some(Value::Array(types)) => types.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    let known = ["string", "integer", "boolean", "array", "object", "null"].map(Value::from);
    assert!(types.iter().all(|each| known.contains(each)), "{place}: {types:?}");
    let properties = schema.get("properties").and_then(Value::as_object);
    for (_, property) in properties.into_iter().flatten() {
        check_schema(property, place);
    }
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        assert!(properties.unwrap().contains_key(name.as_str().unwrap()), "{place}: {name}");
    }
    if let Some(items) = schema.get("items") {
        check_schema(items, place);
    }
}

fn resolved<'a>(all: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => all.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
        None => value,
    }
}

fn every_reference_resolves(all: &Value, value: &Value) {
    match value {
        Value::Object(object) => {
            if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(all.pointer(pointer).is_some(), "{reference} leads nowhere");
            }
            object.values().for_each(|inner| every_reference_resolves(all, inner));
        }
        Value::Array(values) => {
            values.iter().for_each(|inner| every_reference_resolves(all, inner))
        }
        _ => {}
    }
}

#[test]
fn every_operation_of_the_api_is_described_with_its_permission() {
    let all = document();
    for route in ROUTES.iter().filter(|route| route.path.starts_with("/api/v1/")) {
        let path = route.path.strip_prefix("/api/v1").unwrap();
        let described = &all["paths"][path][route.method.word().to_lowercase()];
        assert_eq!(described["x-permission"], route.permission, "{path}");
        assert_eq!(described["security"], Value::Null, "{path} takes the token of all");
    }
    let create = &all["paths"]["/customers"]["post"];
    let body = &create["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(body["additionalProperties"], false);
    assert!(body["required"].as_array().unwrap().contains(&json!("name")));
    let asked = create["parameters"].as_array().unwrap();
    let names: Vec<_> = asked.iter().filter_map(|p| p.get("$ref")).collect();
    assert_eq!(names, ["#/components/parameters/idempotency_key"]);
    assert!(asked.iter().any(|p| p["name"] == "preview"));
}

#[test]
fn what_is_called_a_list_is_one_and_nothing_else_is() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    for operation in operations() {
        // A picture is neither, nor is a file.
        let file =
            ["/photo", "/pdf", "/export", ".atom"].iter().any(|end| operation.path.ends_with(end));
        if operation.method != Method::Get || operation.path.contains('{') || file {
            continue;
        }
        world.later(60);
        let answer = admin.api_get(operation.path);
        if answer.status == 422 {
            continue; // It cannot do without a filter.
        }
        let body = answer.expect(200).json();
        let list = body["items"].is_array() && body.get("next").is_some();
        assert_eq!(list, operation.is_list(), "{}: {}", operation.path, operation.api.summary);
    }
}

#[test]
fn a_query_that_means_nothing_is_refused() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    for route in ROUTES.iter().filter(|r| r.api.is_some() && r.method == Method::Get) {
        world.later(60);
        let url = format!("{}?flavour=7", filled(route, "1"));
        let answer = admin.api_get(&url);
        assert_eq!(answer.status, 422, "{url}: {}", answer.body);
        assert_eq!(answer.json()["errors"][0]["field"], "flavour", "{url}");
    }
    let complaints = admin.api_get("/messages?stte=sent").complaints();
    assert_eq!(complaints, ["stte is not a query parameter here; did you mean state?"]);
}

#[test]
fn people_and_programs_can_read_it() {
    let world = World::new();
    let anybody = world.person(world.customer(PROVIDER, "Aldermoor"), "");
    assert!(anybody.get("/api").expect(200).says("/api/v1/customers"));
    assert_eq!(anybody.api_get("/openapi.json").expect(200).json(), document());
    world.stranger().api_get("/openapi.json").expect(401);
}

/// A line for each operation: what it takes, with what must be there, and what it gives.
#[test]
fn the_operations_are_as_agreed() {
    let mut all = String::new();
    for operation in operations() {
        let names = |fields: &[portico::input::Field]| {
            let name = |field: &portico::input::Field| {
                format!("{}{}", field.name, if field.required { "!" } else { "" })
            };
            fields.iter().map(name).collect::<Vec<_>>().join(" ")
        };
        let (method, path) = (operation.method.word(), operation.path);
        let (takes, gives) = (names(operation.api.takes), names(operation.api.gives));
        all += format!("{method} {path} ({takes}) -> {gives}").trim_end();
        all += "\n";
    }
    if std::env::var_os("RENEW_GOLDEN").is_some() {
        std::fs::write("tests/it/operations.txt", &all).unwrap();
    }
    let agreed = std::fs::read_to_string("tests/it/operations.txt").unwrap();
    let differs: Vec<&str> = all
        .lines()
        .filter(|line| !agreed.lines().any(|other| other == *line))
        .chain(agreed.lines().filter(|line| !all.lines().any(|other| other == *line)))
        .collect();
    assert!(
        differs.is_empty(),
        "the API differs from tests/it/operations.txt; RENEW_GOLDEN=1 writes it anew:\n{}",
        differs.join("\n")
    );
}

#[test]
fn plans_checks_and_files_are_described() {
    let all = document();
    let queries = |path: &str, method: &str| -> Vec<String> {
        let parameters = all["paths"][path][method]["parameters"].as_array().unwrap();
        let in_query = parameters.iter().filter(|each| each["in"] == "query");
        in_query.map(|each| each["name"].as_str().unwrap().to_owned()).collect()
    };
    let import = "/customers/{id}/users/import";
    for name in ["dry_run", "lines", "all_or_nothing"] {
        assert!(queries(import, "post").contains(&name.to_owned()), "{name}");
    }
    let body = &all["paths"][import]["post"]["requestBody"];
    let kinds: Vec<&String> = body["content"].as_object().unwrap().keys().collect();
    assert_eq!((body["required"].as_bool(), kinds.len()), (Some(true), 2), "{kinds:?}");
    for (path, method) in [
        ("/users/{id}/services", "post"),
        ("/customers/{id}/services/{aid}", "delete"),
        ("/customers/{id}/users/services", "post"),
        ("/users/{id}/services/{aid}/suspend", "post"),
    ] {
        assert_eq!(queries(path, method), ["preview"], "{method} {path}");
    }
    let remove = &all["paths"]["/customers/{id}/services/{aid}"]["delete"]["requestBody"];
    let fields = &remove["content"]["application/json"]["schema"]["properties"];
    assert!(fields["confirm"].is_object(), "{remove}");
}
