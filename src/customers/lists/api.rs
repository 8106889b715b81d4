use super::{Entry, EntryId, List, Of};
use crate::auth::Scope;
use crate::auth::permissions::{CustomersRead, CustomersUpdate};
use crate::error::Result;
use crate::ids::CustomerId;
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde::Serialize;
use serde_json::json;

#[derive(Serialize)]
struct Out<'e> {
    id: EntryId,
    name: &'e str,
    users: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Address<'e>>,
}

#[derive(Serialize)]
struct Address<'e> {
    street: &'e str,
    postcode: &'e str,
    city: &'e str,
    region: &'e str,
    country: &'e str,
}

pub const DEPARTMENT: &[Field] = &[
    Field::integer("id", ""),
    Field::text("name", ""),
    Field::integer("users", "how many are in it"),
];
pub const LOCATION: &[Field] = &[
    Field::integer("id", ""),
    Field::text("name", ""),
    Field::integer("users", "how many are in it"),
    Field::object("address", "street, postcode, city, region, country"),
];

pub fn index<L: Of>(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<Response> {
    let customer = cx.param("id")?;
    let all = cx.db.read(|db| super::all(db, scope, L::LIST, customer))?;
    let items: Vec<Out> = all.iter().map(|entry| out(L::LIST, entry)).collect();
    response::json(200, &json!({ "items": items, "next": null }))
}

pub fn create<L: Of>(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    let id = super::create(cx.db, scope, L::LIST, customer, &cx.input()?)?;
    let entry = cx.db.read(|db| super::one(db, scope, L::LIST, customer, id))?;
    let location = format!("/api/v1/customers/{customer}/{}/{id}", L::LIST.word());
    response::created(location, &out(L::LIST, &entry))
}

pub fn update<L: Of>(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let (customer, id) = (cx.param("id")?, cx.param("entry")?);
    super::update(cx.db, scope, L::LIST, customer, id, &cx.input()?)?;
    let entry = cx.db.read(|db| super::one(db, scope, L::LIST, customer, id))?;
    response::json(200, &out(L::LIST, &entry))
}

pub fn destroy<L: Of>(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let (customer, id) = (cx.param("id")?, cx.param("entry")?);
    super::remove(cx.db, scope, L::LIST, customer, id, &cx.input()?)?;
    Ok(response::no_content())
}

fn out(list: List, entry: &Entry) -> Out<'_> {
    let address = (list == List::Locations).then_some(Address {
        street: &entry.street,
        postcode: &entry.postcode,
        city: &entry.city,
        region: &entry.region,
        country: &entry.country,
    });
    Out { id: entry.id, name: &entry.name, users: entry.users, address }
}
