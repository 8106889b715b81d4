//! Templates in the API.

use super::{Template, create as make, delete, list, one, update as change};
use crate::auth::Scope;
use crate::auth::permissions::UsersTemplates;
use crate::error::Result;
use crate::ids::{CustomerId, TemplateId};
use crate::web::{Cx, Response, response};

pub fn index(cx: &Cx, scope: &Scope<UsersTemplates>) -> Result<Response> {
    let items = cx.db.read(|db| list(db, scope, cx.param("id")?))?;
    response::json(200, &serde_json::json!({ "items": items, "next": null }))
}

pub fn show(cx: &Cx, scope: &Scope<UsersTemplates>) -> Result<Response> {
    answer(&cx.db.read(|db| one(db, scope, cx.param("id")?, cx.param("tid")?))?)
}

fn answer(template: &Template) -> Result<Response> {
    let version = template.version;
    Ok(response::json(200, template)?.with("ETag", format!("\"{version}\"")))
}

pub fn create(cx: &Cx, scope: &Scope<UsersTemplates>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    let id = make(cx.db, &cx.actor, scope, customer, &cx.input()?)?;
    let made = cx.db.read(|db| one(db, scope, customer, id))?;
    response::created(format!("/api/v1/customers/{customer}/templates/{id}"), &made)
}

pub fn update(cx: &Cx, scope: &Scope<UsersTemplates>) -> Result<Response> {
    let (customer, id): (CustomerId, TemplateId) = (cx.param("id")?, cx.param("tid")?);
    let mut input = cx.input()?;
    let version = cx.expected_version(&mut input);
    change(cx.db, &cx.actor, scope, customer, id, &input, version)?;
    answer(&cx.db.read(|db| one(db, scope, customer, id))?)
}

pub fn destroy(cx: &Cx, scope: &Scope<UsersTemplates>) -> Result<Response> {
    delete(cx.db, scope, cx.param("id")?, cx.param("tid")?)?;
    Ok(response::no_content())
}
