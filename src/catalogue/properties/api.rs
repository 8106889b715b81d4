use super::Property;
use super::origin::Override;
use crate::auth::Scope;
use crate::auth::permissions::{CatalogueRead, CatalogueWrite};
use crate::catalogue::api::shown;
use crate::error::Result;
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde_json::{Value, json};

pub const DROP: &[Field] =
    &[Field::integer("drop_values", "how many stored values are to go with it")];

pub const EXPLAINED: &[Field] = &[
    Field::text("property", "its name"),
    Field::text("label", ""),
    Field::text("value", "what holds; of a secret: set"),
    Field::list(
        "holders",
        "holder, who, plan, value, locked, by, at, fate, overruled_by; nearest first",
    ),
];

pub const OVERRIDE: &[Field] = &[
    Field::text("holder", "given, own, customer_service or user_service"),
    Field::integer("customer_id", ""),
    Field::text("customer", ""),
    Field::integer("user_id", "of a user’s service"),
    Field::text("user", ""),
    Field::text("plan", "null: for all"),
    Field::text("value", "of a secret: set"),
    Field::boolean("locked", ""),
    Field::text("at", "when it was set"),
];

pub fn property_out(property: &Property) -> Value {
    json!({
        "id": property.id, "name": property.name, "label": property.label, "help": property.help,
        "level": property.level, "use": property.usage, "type": property.kind,
        "validation": property.validation, "default": property.default,
        "required": property.required, "secret": property.secret,
        "writable_by": property.writable_by, "visible_to": property.visible_to,
        "category": property.category, "at": property.at, "unique": property.unique,
        "meter": property.meter,
        "default_locked": property.default_locked, "sort": property.sort,
    })
}

pub fn create(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let code: String = cx.param("code")?;
    super::create(cx.db, scope, &code, &cx.input()?)?;
    shown(cx, &code, 201)
}

pub fn update(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let (code, name): (String, String) = (cx.param("code")?, cx.param("name")?);
    super::update(cx.db, scope, &code, &name, &cx.input()?)?;
    shown(cx, &code, 200)
}

pub fn destroy(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let (code, name): (String, String) = (cx.param("code")?, cx.param("name")?);
    let drop = cx.input()?.get("drop_values").parse().ok();
    super::delete(cx.db, scope, &code, &name, drop)?;
    Ok(response::no_content())
}

/// Who has a value of their own.
pub fn overrides(cx: &Cx, scope: &Scope<CatalogueRead>) -> Result<Response> {
    let (_, _, page) = super::deviating(cx, scope, &cx.paging(&[])?)?;
    let items: Vec<&Override> = page.items.iter().collect();
    response::json(200, &json!({ "items": items, "next": page.next }))
}
