use super::forms::{LIST, NEW_LIST, OVERRIDE, PRICE};
use super::{PriceList, Row, forms, store};
use crate::auth::Scope;
use crate::auth::permissions::{CostsRead, PricesRead, PricesWrite};
use crate::error::Result;
use crate::ids::{CustomerId, PriceId, PriceListId};
use crate::input::Field;
use crate::rating::{Charge, Counting, Kind};
use crate::time::Date;
use crate::web::{Cx, Response, response};
use serde::Serialize;

pub const NEW: &[Field] = NEW_LIST;
pub const EDIT: &[Field] = LIST;
pub const NEW_PRICE: &[Field] = PRICE;
pub const NEW_OVERRIDE: &[Field] = OVERRIDE;

pub const LIST_OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::text("code", ""),
    Field::text("name", ""),
    Field::integer("seller_id", ""),
    Field::text("currency", ""),
    Field::boolean("default", ""),
    Field::integer("markup_bp", "hundredths of a per cent, or null"),
    Field::integer("version", ""),
];

pub const PRICE_OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::text("kind", ""),
    Field::text("service", ""),
    Field::text("plan", "null: all plans"),
    Field::text("charge", ""),
    Field::text("counting", ""),
    Field::text("price", "a decimal"),
    Field::text("currency", ""),
    Field::text("cost", "a decimal, for those who may see costs"),
    Field::text("sku", ""),
    Field::text("label", ""),
    Field::text("valid_from", ""),
    Field::text("valid_to", ""),
];

pub const ID_OUT: &[Field] = &[Field::integer("id", "")];

#[derive(Serialize)]
struct ListOut<'l> {
    id: PriceListId,
    code: &'l str,
    name: &'l str,
    seller_id: CustomerId,
    currency: String,
    default: bool,
    markup_bp: Option<i64>,
    version: i64,
}

#[derive(Serialize)]
struct PriceOut<'p> {
    id: PriceId,
    kind: Kind,
    service: Option<&'p str>,
    plan: Option<&'p str>,
    charge: Charge,
    counting: Counting,
    price: String,
    currency: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<String>,
    sku: &'p str,
    label: &'p str,
    valid_from: Date,
    valid_to: Option<Date>,
}

impl<'l> From<&'l PriceList> for ListOut<'l> {
    fn from(list: &'l PriceList) -> ListOut<'l> {
        ListOut {
            id: list.id,
            code: &list.code,
            name: &list.name,
            seller_id: list.seller,
            currency: list.currency.to_string(),
            default: list.main,
            markup_bp: list.markup_bp,
            version: list.version,
        }
    }
}

/// What may be said of a price; costs only to those who may see them.
fn out(row: &Row, costs: bool) -> PriceOut<'_> {
    let cost = row.unit_cost.filter(|_| costs);
    PriceOut {
        id: row.id,
        kind: row.kind,
        service: row.service.as_deref(),
        plan: row.plan.as_deref(),
        charge: row.charge,
        counting: row.counting,
        price: row.unit_price.plain(row.currency),
        currency: row.currency.to_string(),
        cost: cost.map(|cost| cost.plain(row.currency)),
        sku: &row.sku,
        label: &row.label,
        valid_from: row.valid_from,
        valid_to: row.valid_to,
    }
}

pub fn index(cx: &Cx, scope: &Scope<PricesRead>) -> Result<Response> {
    let paging = cx.paging(&[])?;
    let rows = cx.db.read(|db| store::lists(db, scope, paging.id(), paging.fetch()))?;
    let page = paging.listing(rows, |row| (String::new(), row.id.0));
    let items: Vec<ListOut> = page.items.iter().map(ListOut::from).collect();
    response::json(200, &serde_json::json!({ "items": items, "next": page.next }))
}

pub fn create(cx: &Cx, scope: &Scope<PricesWrite>) -> Result<Response> {
    let id = forms::create_list(cx.db, scope, &cx.input()?)?;
    let list = cx.db.read(|db| store::list(db, scope, id))?;
    response::created(format!("/api/v1/price-lists/{id}"), &ListOut::from(&list))
}

pub fn show(cx: &Cx, scope: &Scope<PricesRead>) -> Result<Response> {
    let list = cx.db.read(|db| store::list(db, scope, cx.param("id")?))?;
    response::json(200, &ListOut::from(&list))
}

pub fn update(cx: &Cx, scope: &Scope<PricesWrite>) -> Result<Response> {
    let mut input = cx.input()?;
    let (id, expected) = (cx.param("id")?, cx.expected_version(&mut input));
    forms::update_list(cx.db, scope, id, &input, expected)?;
    let list = cx.db.read(|db| store::list(db, scope, id))?;
    response::json(200, &ListOut::from(&list))
}

pub fn prices(cx: &Cx, scope: &Scope<PricesRead>) -> Result<Response> {
    let paging = cx.paging(&[])?;
    let rows = cx.db.read(|db| {
        let list = store::list(db, scope, cx.param("id")?)?;
        store::of_list(db, list.id, paging.id(), paging.fetch())
    })?;
    let page = paging.listing(rows, |row| (String::new(), row.id.0));
    let costs = cx.actor.may::<CostsRead>();
    let items: Vec<PriceOut> = page.items.iter().map(|row| out(row, costs)).collect();
    response::json(200, &serde_json::json!({ "items": items, "next": page.next }))
}

pub fn add(cx: &Cx, scope: &Scope<PricesWrite>) -> Result<Response> {
    let costs = cx.actor.may::<CostsRead>();
    let list = cx.param("id")?;
    let id = forms::add(cx.db, scope, list, &cx.input()?, costs)?;
    let row = cx.db.read(|db| store::price(db, &store::list(db, scope, list)?.target(), id))?;
    response::created(format!("/api/v1/price-lists/{list}/prices"), &out(&row, costs))
}

pub fn withdraw(cx: &Cx, scope: &Scope<PricesWrite>) -> Result<Response> {
    forms::withdraw(cx.db, scope, cx.param("id")?, cx.param("price_id")?)?;
    Ok(response::no_content())
}

/// What one buyer pays instead of the list.
pub fn overrides(cx: &Cx, scope: &Scope<PricesRead>) -> Result<Response> {
    cx.paging(&[])?;
    let id = cx.param("id")?;
    let rows = cx.db.read(|db| forms::overrides_seen(db, scope, id, cx.actor.home))?;
    let items: Vec<PriceOut> = rows.iter().map(|row| out(row, false)).collect();
    response::json(200, &serde_json::json!({ "items": items, "next": null }))
}

pub fn add_override(cx: &Cx, scope: &Scope<PricesWrite>) -> Result<Response> {
    let buyer = cx.param("id")?;
    let id = forms::add_override(cx.db, scope, buyer, &cx.input()?)?;
    let body = serde_json::json!({ "id": id });
    response::created(format!("/api/v1/customers/{buyer}/prices"), &body)
}

pub fn withdraw_override(cx: &Cx, scope: &Scope<PricesWrite>) -> Result<Response> {
    forms::withdraw_override(cx.db, scope, cx.param("id")?, cx.param("price_id")?)?;
    Ok(response::no_content())
}
