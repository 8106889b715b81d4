use super::find;
use crate::auth::Own;
use crate::auth::permissions::AccountRead;
use crate::error::{Error, Result};
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde_json::{Value, json};

pub const TAKES: &[Field] = &[Field::text("q", "1–100 characters").required()];

pub const OUT: &[Field] = &[
    Field::text("kind", "customer, user or invoice"),
    Field::integer("id", "Its number"),
    Field::text("name", "What it is called"),
    Field::text("note", "What tells it from others of that name"),
];

pub fn index(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    let text = cx.request.query.get("q");
    if text.is_empty() {
        return Err(Error::invalid("q", "is required"));
    }
    let found = cx.db.read(|db| find(db, &cx.actor, text))?;
    let customers = found
        .customers
        .iter()
        .map(|c| json!({ "kind": "customer", "id": c.id, "name": c.name, "note": c.code }));
    let users = found
        .users
        .iter()
        .map(|u| json!({ "kind": "user", "id": u.id, "name": u.name, "note": u.upn }));
    let invoices = found
        .invoices
        .iter()
        .map(|i| json!({ "kind": "invoice", "id": i.id, "name": i.number, "note": i.buyer }));
    let items: Vec<Value> = customers.chain(users).chain(invoices).collect();
    response::json(200, &json!({ "items": items, "next": null }))
}
