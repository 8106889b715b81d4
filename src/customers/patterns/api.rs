use super::Held;
use crate::auth::Scope;
use crate::auth::permissions::CustomersUpdate;
use crate::error::Result;
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde_json::{Value, json};

pub const OUT: &[Field] = &[
    Field::text("name", "display_name, upn, username, mail"),
    Field::text("pattern", "what holds"),
    Field::text("own", "what is set here; none: inherited"),
    Field::text("inherited", "what would hold without that"),
    Field::integer("from_id", "the customer that decides; none: Portico's default"),
    Field::text("from", "its name"),
];

pub fn index(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let customer = cx.param("id")?;
    let all = cx.db.read(|db| super::all(db, scope, customer))?;
    let items: Vec<Value> = all.iter().map(out).collect();
    response::json(200, &json!({ "items": items, "next": null }))
}

pub fn update(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    super::update(cx.db, scope, cx.param("id")?, &cx.input()?)?;
    index(cx, scope)
}

fn out(held: &Held) -> Value {
    json!({
        "name": held.name.field,
        "pattern": held.now.value,
        "own": held.now.own,
        "inherited": held.now.inherited,
        "from_id": held.now.from.as_ref().map(|(id, _)| *id),
        "from": held.now.from.as_ref().map(|(_, name)| name),
    })
}
