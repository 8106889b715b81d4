use super::{filter_of, of_user as devices_of};
use crate::auth::Scope;
use crate::auth::permissions::{UsersRead, UsersUpdate};
use crate::error::Result;
use crate::ids::{CustomerId, DeviceId};
use crate::input::{Field, Fields};
use crate::web::{Cx, Response, response};
use serde_json::json;

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("customer_id", ""),
    Field::integer("user_id", "who uses it"),
    Field::text("user", "that user's name"),
    Field::text("name", ""),
    Field::text("kind", ""),
    Field::text("serial", ""),
    Field::text("note", ""),
    Field::boolean("primary", ""),
    Field::integer("version", "for If-Match"),
];

pub fn index(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let (customer, paging) = (cx.param("id")?, cx.paging(super::FILTERS)?);
    let filter = filter_of(&cx.request.query)?;
    let found = cx.db.read(|db| super::list(db, scope, customer, &filter, &paging))?;
    response::json(200, &json!({ "items": found.items, "next": found.next }))
}

pub fn index_of(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let user = cx.param("id")?;
    let all = cx.db.read(|db| devices_of(db, scope, user))?;
    response::json(200, &json!({ "items": all, "next": null }))
}

pub fn create(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    let id = super::create(cx.db, scope, customer, &cx.input()?)?;
    let device = cx.db.read(|db| super::one(db, scope, customer, id))?;
    response::created(format!("/api/v1/customers/{customer}/devices/{id}"), &device)
}

pub fn show(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let (customer, id) = (cx.param("id")?, cx.param("device")?);
    let device = cx.db.read(|db| super::one(db, scope, customer, id))?;
    Ok(response::json(200, &device)?.with("ETag", format!("\"{}\"", device.version)))
}

pub fn update(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let (customer, id): (CustomerId, DeviceId) = (cx.param("id")?, cx.param("device")?);
    let mut input = cx.input()?;
    let version = cx.expected_version(&mut input);
    super::update(cx.db, scope, customer, id, &input, version)?;
    let device = cx.db.read(|db| super::one(db, scope, customer, id))?;
    Ok(response::json(200, &device)?.with("ETag", format!("\"{}\"", device.version)))
}

pub fn destroy(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    Fields::of(&cx.input()?, &[]).finish(|| Some(()))?;
    super::remove(cx.db, scope, cx.param("id")?, cx.param("device")?)?;
    Ok(response::no_content())
}
