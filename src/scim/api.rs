use super::links::{adopt as take_over, forget as let_go, list};
use super::store::Open;
use super::{Class, Standing};
use crate::auth::Scope;
use crate::auth::permissions::{ConnectorsRead, ConnectorsWrite};
use crate::error::Result;
use crate::ids::{CustomerId, LinkId, UserId};
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde::Serialize;

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::text("class", "user or group"),
    Field::text("object", "its id there"),
    Field::text("name", "what it is called there"),
    Field::text("standing", "proposed: is it the same? lost: it was deleted there"),
    Field::integer("customer_id", ""),
    Field::integer("user_id", "of a user, or null"),
];

#[derive(Serialize)]
struct LinkOut<'a> {
    id: LinkId,
    class: Class,
    object: &'a str,
    name: &'a str,
    standing: Standing,
    customer_id: CustomerId,
    user_id: Option<UserId>,
}

pub fn index(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let found = list(cx.db, scope, cx.param("id")?, &cx.paging(&[])?)?;
    let items: Vec<LinkOut> = found.open.items.iter().map(out).collect();
    response::json(200, &serde_json::json!({ "items": items, "next": found.open.next }))
}

pub fn adopt(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    take_over(cx.db, scope, cx.param("id")?, cx.param("link")?)?;
    Ok(response::no_content())
}

pub fn forget(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let_go(cx.db, scope, cx.param("id")?, cx.param("link")?)?;
    Ok(response::no_content())
}

fn out(it: &Open) -> LinkOut<'_> {
    LinkOut {
        id: it.id,
        class: it.class,
        object: &it.object,
        name: &it.name,
        standing: it.standing,
        customer_id: it.customer,
        user_id: it.user,
    }
}
