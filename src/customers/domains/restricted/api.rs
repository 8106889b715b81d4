use super::Restriction;
use crate::auth::Scope;
use crate::auth::permissions::{SettingsRead, SettingsWrite};
use crate::error::Result;
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde_json::{Value, json};

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::text("pattern", "a domain, or *.domain for everything below it"),
    Field::text("reason", ""),
    Field::text("added_at", ""),
];

pub fn index(cx: &Cx, scope: &Scope<SettingsRead>) -> Result<Response> {
    let all = cx.db.read(|db| super::all(db, scope))?;
    let items: Vec<Value> = all.iter().map(out).collect();
    response::json(200, &json!({ "items": items, "next": null }))
}

pub fn create(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    let input = cx.input()?;
    let id = super::create(cx.db, scope, &input)?;
    let made = json!({ "id": id, "pattern": input.get("pattern"), "reason": input.get("reason") });
    response::created(format!("/api/v1/restricted-domains/{id}"), &made)
}

pub fn destroy(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    super::remove(cx.db, scope, cx.param("id")?)?;
    Ok(response::no_content())
}

fn out(each: &Restriction) -> Value {
    json!({ "id": each.id, "pattern": each.pattern, "reason": each.reason, "added_at": each.added_at })
}
