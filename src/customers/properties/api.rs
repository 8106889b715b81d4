use super::{Property, Reach, SeenBy, Subject, define};
use crate::auth::Scope;
use crate::auth::permissions::PropertiesDefine;
use crate::error::Result;
use crate::ids::CustomerId;
use crate::input::Field;
use crate::kinds::{Choice, Type};
use crate::time::Instant;
use crate::web::{Cx, Response, response};
use serde::Serialize;
use serde_json::json;

#[derive(Serialize)]
struct Out<'p> {
    key: &'p str,
    /// Who defined it.
    customer_id: CustomerId,
    label: &'p str,
    subject: Subject,
    #[serde(rename = "type")]
    kind: Type,
    help: &'p str,
    category: &'p str,
    order: i64,
    reach: Reach,
    seen_by: SeenBy,
    required: bool,
    least: Option<i64>,
    most: Option<i64>,
    pattern: Option<&'p str>,
    message: &'p str,
    choices: &'p [Choice],
    archived_at: Option<Instant>,
}

pub const OUT: &[Field] = &[
    Field::text("key", ""),
    Field::integer("customer_id", "who defined it"),
    Field::text("label", ""),
    Field::text("subject", "customer or user"),
    Field::text("type", ""),
    Field::text("help", ""),
    Field::text("category", ""),
    Field::integer("order", ""),
    Field::text("reach", "self, below or both"),
    Field::text("seen_by", "above, administrators, user or edited"),
    Field::boolean("required", ""),
    Field::integer("least", ""),
    Field::integer("most", ""),
    Field::text("pattern", ""),
    Field::text("message", ""),
    Field::list("choices", "each of value and label"),
    Field::text("archived_at", "none: in use"),
];

impl<'p> From<&'p Property> for Out<'p> {
    fn from(p: &'p Property) -> Self {
        Out {
            key: &p.key,
            customer_id: p.customer,
            label: &p.label,
            subject: p.subject,
            kind: p.kind,
            help: &p.help,
            category: &p.category,
            order: p.sort,
            reach: p.reach,
            seen_by: p.seen_by,
            required: p.required,
            least: p.validation.least,
            most: p.validation.most,
            pattern: p.validation.pattern.as_deref(),
            message: &p.validation.message,
            choices: &p.validation.choices,
            archived_at: p.archived_at,
        }
    }
}

/// Its own and those that reach it from above.
pub fn index(cx: &Cx, scope: &Scope<PropertiesDefine>) -> Result<Response> {
    let (own, above) = cx.db.read(|db| super::defined(db, scope, cx.param("id")?))?;
    let items: Vec<Out> = own.iter().chain(&above).map(Out::from).collect();
    response::json(200, &json!({ "items": items, "next": null }))
}

pub fn create(cx: &Cx, scope: &Scope<PropertiesDefine>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let key = define::create(cx.db, scope, id, &cx.input()?)?;
    let made = cx.db.read(|db| super::one(db, scope, id, &key))?;
    response::created(format!("/api/v1/customers/{id}/properties/{key}"), &Out::from(&made))
}

pub fn update(cx: &Cx, scope: &Scope<PropertiesDefine>) -> Result<Response> {
    let (id, key): (CustomerId, String) = (cx.param("id")?, cx.param("key")?);
    define::update(cx.db, scope, id, &key, &cx.input()?)?;
    let now = cx.db.read(|db| super::one(db, scope, id, &key))?;
    response::json(200, &Out::from(&now))
}

pub fn destroy(cx: &Cx, scope: &Scope<PropertiesDefine>) -> Result<Response> {
    let key: String = cx.param("key")?;
    define::delete(cx.db, scope, cx.param("id")?, &key)?;
    Ok(response::no_content())
}

pub fn erase(cx: &Cx, scope: &Scope<PropertiesDefine>) -> Result<Response> {
    let key: String = cx.param("key")?;
    define::erase(cx.db, scope, cx.param("id")?, &key, &cx.input()?)?;
    Ok(response::no_content())
}
