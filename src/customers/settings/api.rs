use super::{Effective, Setting};
use crate::auth::Scope;
use crate::auth::permissions::CustomersUpdate;
use crate::error::Result;
use crate::ids::CustomerId;
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde::Serialize;
use serde_json::json;

#[derive(Serialize)]
struct Out<'s> {
    key: &'static str,
    value: &'s str,
    own: Option<&'s str>,
    inherited: &'s str,
    from_id: Option<CustomerId>,
    from: Option<&'s str>,
}

pub const OUT: &[Field] = &[
    Field::text("key", ""),
    Field::text("value", "what holds"),
    Field::text("own", "what is set here; none: inherited"),
    Field::text("inherited", "what would hold without that"),
    Field::integer("from_id", "the customer that decides; none: Portico's default"),
    Field::text("from", "its name"),
];

pub fn index(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let customer = cx.param("id")?;
    let all = cx.db.read(|db| super::all(db, scope, customer))?;
    let items: Vec<Out> = all.iter().map(out).collect();
    response::json(200, &json!({ "items": items, "next": null }))
}

pub fn update(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    super::update(cx.db, scope, cx.param("id")?, &cx.input()?)?;
    index(cx, scope)
}

fn out<'s>((setting, now): &'s (&'static Setting, Effective)) -> Out<'s> {
    Out {
        key: setting.key,
        value: &now.value,
        own: now.own.as_deref(),
        inherited: &now.inherited,
        from_id: now.from.as_ref().map(|(id, _)| *id),
        from: now.from.as_ref().map(|(_, name)| name.as_str()),
    }
}
