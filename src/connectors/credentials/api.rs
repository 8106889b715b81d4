use super::{
    Credential, create as make, destroy as remove, list, rotate as renew, store, update as change,
};
use crate::auth::Scope;
use crate::auth::permissions::{ConnectorsRead, ConnectorsWrite};
use crate::connectors::api::owner;
use crate::error::Result;
use crate::ids::{CredentialId, CustomerId};
use crate::input::Field;
use crate::time::{Date, Instant};
use crate::web::{Cx, Response, response};
use serde::Serialize;

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("customer_id", "whose it is"),
    Field::text("name", ""),
    Field::text("expires_on", "the day on which it ends, or null"),
    Field::text("changed_at", "when the secret was changed last"),
    Field::list("used_by", "the names of the connectors that use it"),
];

#[derive(Serialize)]
struct CredentialOut<'a> {
    id: CredentialId,
    customer_id: CustomerId,
    name: &'a str,
    expires_on: Option<Date>,
    changed_at: Instant,
    used_by: &'a [String],
}

pub fn index(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let found = list(cx.db, scope, &cx.paging(&[])?)?;
    let items: Vec<CredentialOut> = found.items.iter().map(out).collect();
    response::json(200, &serde_json::json!({ "items": items, "next": found.next }))
}

pub fn create(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let input = cx.input()?;
    let id = make(cx.db, &cx.app.config, scope, owner(cx, &input)?, &input)?;
    let made = cx.db.read(|db| store::one(db, scope, id))?;
    response::created(format!("/api/v1/credentials/{id}"), &out(&made))
}

pub fn show(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let id = cx.param("id")?;
    response::json(200, &out(&cx.db.read(|db| store::one(db, scope, id))?))
}

pub fn update(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id = cx.param("id")?;
    change(cx.db, scope, id, &cx.input()?)?;
    response::json(200, &out(&cx.db.read(|db| store::one(db, scope, id))?))
}

pub fn rotate(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    renew(cx.db, &cx.app.config, scope, cx.param("id")?, &cx.input()?)?;
    Ok(response::no_content())
}

pub fn destroy(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    remove(cx.db, scope, cx.param("id")?)?;
    Ok(response::no_content())
}

fn out(it: &Credential) -> CredentialOut<'_> {
    CredentialOut {
        id: it.id,
        customer_id: it.customer,
        name: &it.name,
        expires_on: it.expires_on,
        changed_at: it.changed_at,
        used_by: &it.used_by,
    }
}
