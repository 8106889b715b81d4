use crate::auth::Scope;
use crate::auth::permissions::CustomersRead;
use crate::error::Result;
use crate::input::{Field, Fields};
use crate::web::{Cx, Response, response};
use serde_json::{Value, json};

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::text("name", ""),
    Field::text("code", ""),
    Field::text("state", ""),
    Field::boolean("reseller", ""),
    Field::integer("customers", "directly below it"),
    Field::integer("users", "active and disabled ones"),
];

const QUERY: &[Field] =
    &[Field::integer("at", ""), Field::integer("limit", ""), Field::text("after", "")];

/// The customer that the query asks for; pages read it the same way.
pub fn at(cx: &Cx) -> Result<Option<crate::ids::CustomerId>> {
    let mut fields = Fields::of(&cx.request.query, QUERY);
    let at = fields.optional("at");
    fields.finish(|| at)
}

pub fn index(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<Response> {
    let (at, paging) = (at(cx)?, cx.paging(super::FILTERS)?);
    let (_, found) = cx.db.read(|db| super::level(db, scope, at, &paging))?;
    let items: Vec<Value> = found
        .items
        .iter()
        .map(|node| {
            json!({
                "id": node.id, "name": node.name, "code": node.code, "state": node.state,
                "reseller": node.reseller, "customers": node.customers, "users": node.users,
            })
        })
        .collect();
    response::json(200, &json!({ "items": items, "next": found.next }))
}
