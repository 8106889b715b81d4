use super::{Filter, Rule, edit, names, one, store, versions};
use crate::auth::permissions::RulesWrite;
use crate::auth::{PROVIDER, Scope};
use crate::error::Result;
use crate::ids::{CustomerId, RuleId};
use crate::input::{Field, Fields, Input};
use crate::web::{Cx, Response, response};
use serde::Serialize;
use serde_json::json;

pub const NOTHING: &[Field] = &[];

pub const FILTERS: &[Field] =
    &[Field::text("event", "like user_service.provision"), Field::text("service", "a code")];

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("customer_id", "in whose branch it holds; null where it is part of its service"),
    Field::text("service", "a code; null for whatever the event is about"),
    Field::text("event", ""),
    Field::text("slot", "before, main or after"),
    Field::integer("position", ""),
    Field::text("key", ""),
    Field::text("title", ""),
    Field::text("condition", ""),
    Field::text("action", ""),
    Field::integer("connector_id", "or null"),
    Field::object("params", "as typed"),
    Field::text("on_error", "stop or continue"),
    Field::integer("tries", "or null"),
    Field::integer("time_limit", "seconds, or null"),
    Field::boolean("enabled", ""),
    Field::integer("version", ""),
];

pub const VERSIONS: &[Field] =
    &[Field::list("versions", "each with number, saved_at, saved_by and the rule as it was saved")];

pub const REVERT: &[Field] = &[Field::integer("version", "the one to take up again").required()];

pub const RUN: &[Field] = &[
    Field::text("subject", "whom it was tried on"),
    Field::boolean("holds", "null where it depends on what an earlier step answers"),
    Field::list("condition", "each part as text and value, the whole last"),
    Field::object("params", "filled in"),
    Field::text("refusal", "why the event would be refused, or null"),
    Field::text("connector", "what the other side says"),
    Field::list("changes", "what it would change"),
];

pub const NAMES: &[Field] = &[Field::list(
    "names",
    "each with name, type (text, integer, boolean, date or list) and what it is",
)];

#[derive(Serialize)]
struct RuleOut<'a> {
    id: RuleId,
    customer_id: Option<CustomerId>,
    service: Option<&'a str>,
    event: &'a str,
    slot: super::Slot,
    position: i64,
    key: &'a str,
    title: String,
    condition: &'a str,
    action: crate::engine::Action,
    connector_id: Option<crate::ids::ConnectorId>,
    params: &'a super::actions::Typed,
    on_error: crate::engine::OnError,
    tries: Option<i64>,
    time_limit: Option<i64>,
    enabled: bool,
    version: i64,
}

fn out(rule: &Rule) -> RuleOut<'_> {
    RuleOut {
        id: rule.id,
        customer_id: rule.customer,
        service: rule.service_code.as_deref(),
        event: &rule.event,
        slot: rule.slot,
        position: rule.position,
        key: &rule.key,
        title: rule.title(),
        condition: &rule.condition,
        action: rule.action,
        connector_id: rule.connector,
        params: &rule.params,
        on_error: rule.on_error,
        tries: rule.tries,
        time_limit: rule.time_limit,
        enabled: rule.enabled,
        version: rule.version,
    }
}

fn filter(cx: &Cx) -> Result<Filter> {
    let mut query = cx.request.query.clone();
    query.remove("limit");
    query.remove("after");
    let mut fields = Fields::of(&query, FILTERS);
    let (event, service) = (fields.text("event", 0..=60), fields.text("service", 0..=30));
    fields.finish(|| Some(Filter { event: event?, service: service? }))
}

pub fn index(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let (filter, paging) = (filter(cx)?, cx.paging(FILTERS)?);
    let rows = cx.db.read(|db| {
        scope.reaches(db, PROVIDER)?;
        store::page(db, &filter, paging.id(), paging.fetch())
    })?;
    let found = paging.listing(rows, |rule| (String::new(), rule.id.0));
    let items: Vec<RuleOut> = found.items.iter().map(out).collect();
    response::json(200, &json!({ "items": items, "next": found.next }))
}

fn answer(cx: &Cx, scope: &Scope<RulesWrite>, id: RuleId, status: u16) -> Result<Response> {
    let rule = cx.db.read(|db| one(db, scope, id))?;
    let answer = match status {
        201 => response::created(format!("/api/v1/rules/{id}"), &out(&rule))?,
        _ => response::json(status, &out(&rule))?,
    };
    Ok(answer.with("ETag", format!("\"{}\"", rule.version)))
}

pub fn show(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    answer(cx, scope, cx.param("id")?, 200)
}

pub fn create(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let id = edit::create(cx.db, scope, &cx.input()?)?;
    answer(cx, scope, id, 201)
}

pub fn update(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let (id, mut input): (RuleId, Input) = (cx.param("id")?, cx.input()?);
    let version = cx.expected_version(&mut input);
    edit::update(cx.db, scope, id, version, &input)?;
    answer(cx, scope, id, 200)
}

pub fn destroy(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    edit::delete(cx.db, scope, cx.param("id")?)?;
    Ok(response::no_content())
}

pub fn enable(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let id = cx.param("id")?;
    edit::enable(cx.db, scope, id, true)?;
    answer(cx, scope, id, 200)
}

pub fn disable(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let id = cx.param("id")?;
    edit::enable(cx.db, scope, id, false)?;
    answer(cx, scope, id, 200)
}

pub fn revert(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let (id, input): (RuleId, Input) = (cx.param("id")?, cx.input()?);
    let mut fields = Fields::of(&input, REVERT);
    let number = fields.integer("version", 1..=i64::MAX);
    edit::revert(cx.db, scope, id, fields.finish(|| number)?)?;
    answer(cx, scope, id, 200)
}

pub fn history(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let all = cx.db.read(|db| {
        let rule = one(db, scope, cx.param("id")?)?;
        versions(db, scope, rule.id)
    })?;
    let items: Vec<serde_json::Value> = all
        .into_iter()
        .map(|each| {
            json!({
                "number": each.number, "saved_at": each.saved_at, "saved_by": each.saved_by,
                "rule": as_typed(&each.document),
            })
        })
        .collect();
    response::json(200, &json!({ "versions": items }))
}

/// Each field once, as it was typed.
fn as_typed(kept: &serde_json::Value) -> serde_json::Value {
    let fields = kept.as_object().into_iter().flatten();
    let each = fields.map(|(name, all)| (name.clone(), all.get(0).cloned().unwrap_or_default()));
    serde_json::Value::Object(each.collect())
}

pub fn dry_run(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let run = super::dry_run(cx.app, scope, cx.param("id")?, &cx.input()?)?;
    response::json(200, &run)
}

/// What a rule for an event may name.
pub fn named(cx: &Cx, scope: &Scope<RulesWrite>) -> Result<Response> {
    let filter = filter(cx)?;
    let items = cx.db.read(|db| {
        scope.reaches(db, PROVIDER)?;
        let service = store::service(db, &filter.service)?.map(|(id, _)| id);
        names::listed(db, &filter.event, service)
    })?;
    response::json(200, &json!({ "names": items }))
}
