//! The description of the API, OpenAPI 3.1, made from the route table: what is described is what is
//! answered. A summary that begins with "List" promises a list, and a test asks each of them.

pub mod api;
pub mod pages;

use crate::auth::Admits;
use crate::input::{Field, Kind};
use crate::routes::{Api, ROUTES, Route, has_preview};
use crate::web::Method;
use serde_json::{Map, Value, json};

const BASE: &str = "/api/v1";

/// One operation, as both descriptions need it.
pub struct Operation {
    pub method: Method,
    /// Below the base.
    pub path: &'static str,
    pub permission: &'static str,
    pub api: &'static Api,
    admits: Admits,
}

/// Every operation, in the order of the table.
pub fn operations() -> impl Iterator<Item = Operation> {
    ROUTES.iter().filter_map(|route: &'static Route| {
        Some(Operation {
            method: route.method,
            path: route.path.strip_prefix(BASE)?,
            permission: route.permission,
            api: route.api.as_ref()?,
            admits: route.admits,
        })
    })
}

impl Operation {
    pub fn is_list(&self) -> bool {
        self.api.is_list()
    }

    /// The first part of the path: what the operation is about.
    pub fn tag(&self) -> &'static str {
        self.path.split('/').nth(1).unwrap_or_default()
    }

    /// The parts of the path that vary.
    fn parts(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}

/// The whole document.
pub fn document() -> Value {
    let mut paths = Map::new();
    for operation in operations() {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        let method = operation.method.word().to_ascii_lowercase();
        if let Some(path) = path.as_object_mut() {
            path.insert(method, described(&operation));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Portico",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Everything the pages do. Instants are UTC, amounts are whole minor units with their currency. What is out of reach is 404, as if it did not exist. Answers may get more fields; ignore those you do not know.",
        },
        "servers": [{ "url": BASE }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": components(),
    })
}

fn described(operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation_id(operation),
        "summary": operation.api.summary,
        "tags": [operation.tag()],
        "parameters": parameters(operation),
        "responses": responses(operation),
        "x-permission": operation.permission,
        "x-reach": reach(operation.admits),
    });
    if has_body(operation)
        && let Some(described) = described.as_object_mut()
    {
        let required = operation.api.takes.iter().any(|field| field.required);
        let kinds = if operation.path.ends_with("/import") { FILES } else { DOCUMENTS };
        let body = match takes_file(operation) {
            true => kinds
                .iter()
                .map(|kind| {
                    (
                        (*kind).to_owned(),
                        json!({
                            "schema": { "type": "string", "contentMediaType": kind },
                        }),
                    )
                })
                .collect(),
            false => json!({ "application/json": { "schema": object(operation.api.takes, true) } }),
        };
        let required = required || takes_file(operation);
        described.insert("requestBody".into(), json!({ "required": required, "content": body }));
    }
    described
}

fn has_body(operation: &Operation) -> bool {
    matches!(operation.method, Method::Post | Method::Put | Method::Patch)
        || (operation.method == Method::Delete && !operation.api.takes.is_empty())
}

/// The kinds of file an import reads.
const FILES: [&str; 2] =
    ["text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"];

/// The kinds of document that is applied.
const DOCUMENTS: [&str; 2] = ["application/toml", "application/json"];

fn takes_file(operation: &Operation) -> bool {
    operation.path.ends_with("/import") || operation.path == "/apply"
}

/// `get_customers_id_domains`.
fn operation_id(operation: &Operation) -> String {
    let path = operation.path.replace(['{', '}'], "").replace(['/', '-', '.'], "_");
    format!("{}{path}", operation.method.word().to_ascii_lowercase())
}

fn reach(admits: Admits) -> &'static str {
    match admits {
        Admits::OwnAndBelow => "own customer, customers below, or both",
        Admits::Below => "customers below",
        Admits::Provider => "the whole installation, for users of the provider",
        Admits::Oneself => "oneself",
    }
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let mut all: Vec<Value> = operation
        .parts()
        .map(|name| {
            let kind = if name == "id" { "integer" } else { "string" };
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": kind } })
        })
        .collect();
    // Where the body is a file, the rest is in the address.
    if operation.method == Method::Get || takes_file(operation) {
        let own = operation.api.takes.iter().filter(|field| !PAGING.contains(&field.name));
        all.extend(own.map(|field| {
            json!({
                "name": field.name, "in": "query", "required": field.required,
                "description": field.about, "schema": schema(field),
            })
        }));
    }
    if has_preview(operation.method, operation.path) {
        all.push(json!({
            "name": "preview", "in": "query", "required": false, "schema": { "type": "boolean" },
            "description": "true answers 200 with the plan, and changes nothing",
        }));
    }
    if operation.is_list() {
        all.extend(PAGING.map(|name| json!({ "$ref": format!("#/components/parameters/{name}") })));
    }
    if operation.method != Method::Get {
        all.push(json!({ "$ref": "#/components/parameters/idempotency_key" }));
    }
    if matches!(operation.method, Method::Patch | Method::Delete) {
        all.push(json!({ "$ref": "#/components/parameters/if_match" }));
    }
    all
}

const PAGING: [&str; 2] = ["limit", "after"];

/// The codes that this operation may answer with, besides that it worked.
fn problems(operation: &Operation) -> Vec<&'static str> {
    let mut codes = vec!["401", "403", "429", "500"];
    if operation.path.contains('{') {
        codes.push("404");
    }
    if operation.is_list() || has_body(operation) || !operation.api.takes.is_empty() {
        codes.push("422");
    }
    if operation.method != Method::Get {
        codes.extend(["400", "409", "412"]);
    }
    codes
}

fn responses(operation: &Operation) -> Value {
    let schema = match operation.is_list() {
        true => json!({
            "type": "object",
            "properties": {
                "items": { "type": "array", "items": object(operation.api.gives, false) },
                "next": { "type": ["string", "null"], "description": "what to pass as after; null at the end" },
            },
            "required": ["items", "next"],
        }),
        false => object(operation.api.gives, false),
    };
    let (status, description) = match operation.method {
        Method::Get => ("200", "What was asked for"),
        _ => (
            "2XX",
            "Done: 200; 201 with the address of what was made; 202 when work goes on; 204 without a body",
        ),
    };
    let mut done = json!({ "description": description });
    if !operation.api.gives.is_empty()
        && let Some(done) = done.as_object_mut()
    {
        done.insert("content".into(), json!({ "application/json": { "schema": schema } }));
    }
    if operation.path.ends_with(".atom")
        && let Some(done) = done.as_object_mut()
    {
        let schema = json!({ "schema": { "type": "string" } });
        done.insert("content".into(), json!({ "application/atom+xml": schema }));
    }
    let mut all = Map::new();
    all.insert(status.into(), done);
    for code in problems(operation) {
        all.insert(
            code.into(),
            json!({ "$ref": format!("#/components/responses/problem_{code}") }),
        );
    }
    Value::Object(all)
}

/// An object of these fields. A body has no others; an answer may get more.
fn object(fields: &[Field], closed: bool) -> Value {
    let properties: Map<String, Value> = fields
        .iter()
        .map(|field| {
            let mut schema = schema(field);
            if let (Some(schema), false) = (schema.as_object_mut(), field.about.is_empty()) {
                schema.insert("description".into(), field.about.into());
            }
            (field.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<&str> =
        fields.iter().filter(|field| closed && field.required).map(|field| field.name).collect();
    let mut object = json!({ "type": "object", "properties": properties });
    if let Some(object) = object.as_object_mut() {
        if !required.is_empty() {
            object.insert("required".into(), required.into());
        }
        if closed {
            object.insert("additionalProperties".into(), false.into());
        }
    }
    object
}

fn schema(field: &Field) -> Value {
    let kind = match field.kind {
        Kind::Text => "string",
        Kind::Integer => "integer",
        Kind::Boolean => "boolean",
        Kind::List => return json!({ "type": ["array", "null"], "items": {} }),
        Kind::Object => "object",
    };
    if field.required { json!({ "type": kind }) } else { json!({ "type": [kind, "null"] }) }
}

fn components() -> Value {
    let titles = [
        ("400", "It cannot be read at all"),
        ("401", "No or no valid token"),
        ("403", "The token's user lacks the permission"),
        ("404", "There is no such thing, or not within reach"),
        ("409", "The same thing is being done at this moment"),
        ("412", "It changed since it was read"),
        ("422", "It cannot be accepted; errors says why, field by field"),
        ("429", "Too many requests; Retry-After says when to come back"),
        ("500", "A mistake of ours; nothing was changed"),
    ];
    let responses: Map<String, Value> = titles
        .into_iter()
        .map(|(code, title)| {
            let content = json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/problem" } } });
            (format!("problem_{code}"), json!({ "description": title, "content": content }))
        })
        .collect();
    json!({
        "securitySchemes": { "token": { "type": "http", "scheme": "bearer", "description": "An API token, ptc_…" } },
        "parameters": {
            "limit": { "name": "limit", "in": "query", "description": "How many at most", "schema": { "type": "integer", "minimum": 1, "maximum": 200, "default": 50 } },
            "after": { "name": "after", "in": "query", "description": "next of the page before", "schema": { "type": "string" } },
            "idempotency_key": { "name": "Idempotency-Key", "in": "header", "description": "Repeating the request with the same key within a day does nothing twice", "schema": { "type": "string", "minLength": 1, "maxLength": 128 } },
            "if_match": { "name": "If-Match", "in": "header", "description": "The version that was read, in quotes; another one is 412", "schema": { "type": "string" } },
        },
        "responses": responses,
        "schemas": { "problem": problem() },
    })
}

fn problem() -> Value {
    let error = json!({
        "type": "object",
        "properties": { "field": { "type": "string", "description": "empty: the whole" }, "message": { "type": "string" } },
        "required": ["field", "message"],
    });
    json!({
        "type": "object",
        "properties": {
            "type": { "type": "string" }, "title": { "type": "string" }, "status": { "type": "integer" },
            "code": { "type": "string", "description": "a stable word" }, "detail": { "type": "string" },
            "errors": { "type": "array", "items": error }, "request_id": { "type": "string" },
        },
        "required": ["type", "title", "status", "code", "detail", "errors", "request_id"],
    })
}
