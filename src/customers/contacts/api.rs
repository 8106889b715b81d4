use super::{Contact, ContactId, For};
use crate::auth::Scope;
use crate::auth::permissions::{CustomersRead, CustomersUpdate};
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde::Serialize;
use serde_json::json;

#[derive(Serialize)]
struct Out<'c> {
    id: ContactId,
    user_id: Option<UserId>,
    name: &'c str,
    email: &'c str,
    told: &'c [For],
}

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("user_id", "none: somebody elsewhere"),
    Field::text("name", ""),
    Field::text("email", ""),
    Field::list("told", "billing, technical, owner, security"),
];

pub fn index(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<Response> {
    let customer = cx.param("id")?;
    let all = cx.db.read(|db| super::all(db, scope, customer))?;
    let items: Vec<Out> = all.iter().map(out).collect();
    response::json(200, &json!({ "items": items, "next": null }))
}

pub fn create(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    let id = super::create(cx.db, scope, customer, &cx.input()?)?;
    let contact = cx.db.read(|db| super::one(db, scope, customer, id))?;
    response::created(format!("/api/v1/customers/{customer}/contacts/{id}"), &out(&contact))
}

pub fn update(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let (customer, id) = (cx.param("id")?, cx.param("contact")?);
    super::update(cx.db, scope, customer, id, &cx.input()?)?;
    let contact = cx.db.read(|db| super::one(db, scope, customer, id))?;
    response::json(200, &out(&contact))
}

pub fn destroy(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    super::remove(cx.db, scope, cx.param("id")?, cx.param("contact")?)?;
    Ok(response::no_content())
}

fn out(contact: &Contact) -> Out<'_> {
    Out {
        id: contact.id,
        user_id: contact.user,
        name: &contact.name,
        email: &contact.email,
        told: &contact.told,
    }
}
