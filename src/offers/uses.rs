//! Who uses an offered service below: what stands against withdrawing it.

use super::give;
use super::store::{self, Using};
use crate::auth::Scope;
use crate::auth::permissions::ServicesRead;
use crate::error::{Error, Result};
use crate::html::button::link;
use crate::html::parts::section;
use crate::html::table::{column, empty, paging, table};
use crate::html::text::count;
use crate::ids::CustomerId;
use crate::input::Field;
use crate::places::{self, Tab};
use crate::sheet;
use crate::web::{Cx, Listing, Response, response};
use maud::html;
use serde_json::{Value, json};

pub const FORMAT: &[Field] = &[Field::text("format", "csv; a page or JSON if left out")];

pub const OUT: &[Field] = &[
    Field::integer("customer_id", ""),
    Field::text("name", ""),
    Field::text("code", ""),
    Field::text("as", "customer: it has the service; reseller: it may sell it"),
];

fn word(using: &Using) -> &'static str {
    if using.reseller { "reseller" } else { "customer" }
}

fn page_of(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<(String, Listing<Using>)> {
    let (reseller, code): (CustomerId, String) = (cx.param("id")?, cx.param("code")?);
    let paging = cx.paging(FORMAT)?;
    cx.db.read(|db| {
        let (service, _) = give::find(db, scope, reseller, &code)?;
        let after = (paging.value(), paging.id());
        let rows = store::using(db, reseller, service.id, after, paging.fetch())?;
        let number = |row: &Using| row.id.0 * 2 + if row.reseller { 2 } else { 1 };
        Ok((service.name, paging.listing(rows, |row| (row.name.clone(), number(row)))))
    })
}

/// All of them as a file.
fn file(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    let (reseller, code): (CustomerId, String) = (cx.param("id")?, cx.param("code")?);
    let rows = cx.db.read(|db| {
        let (service, _) = give::find(db, scope, reseller, &code)?;
        store::using(db, reseller, service.id, ("", 0), i64::MAX)
    })?;
    let cells = rows.iter().map(|row| vec![row.code.as_str(), row.name.as_str(), word(row)]);
    let file = sheet::write_csv(&["Code", "Name", "Uses it as"], cells);
    Ok(response::download(&format!("{code}-uses.csv"), "text/csv; charset=utf-8", file))
}

fn wants_file(cx: &Cx) -> Result<bool> {
    match cx.request.query.get("format") {
        "csv" => Ok(true),
        "" => Ok(false),
        _ => Err(Error::invalid("format", "must be csv")),
    }
}

pub fn show(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    if wants_file(cx)? {
        return file(cx, scope);
    }
    let reseller: CustomerId = cx.param("id")?;
    let place = cx.db.read(|db| places::customer(db, scope, reseller))?;
    let (name, page) = page_of(cx, scope)?;
    let rows = html! {
        @for row in &page.items {
            tr {
                th scope="row" { a href={ "/customers/" (row.id) } { (row.name) } small.mono { (row.code) } }
                td { @if row.reseller { "May sell it" } @else { "Has it" } }
            }
        }
    };
    let next = cx.next_href(page.next.as_ref());
    let n = i64::try_from(page.items.len()).unwrap_or(0);
    let csv = format!("{}?format=csv", cx.request.path);
    let body = html! {
        @if page.items.is_empty() {
            (empty("check", "Nobody uses it", "The offer can be withdrawn.", None))
        } @else {
            (table("Who uses it", &[column("Customer"), column("How")], rows))
            (paging(&count(n, "use", "uses"), None, next.as_deref()))
            p { (link("All as CSV", &csv).small()) }
        }
    };
    let body = section(&format!("Who uses {name}"), None, body);
    Ok(places::customer_page(cx, &place, Tab::Offers, 200, html! {}, body))
}

pub fn index(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    if wants_file(cx)? {
        return file(cx, scope);
    }
    let (_, page) = page_of(cx, scope)?;
    let out = |row: &Using| json!({ "customer_id": row.id, "name": row.name, "code": row.code, "as": word(row) });
    let items: Vec<Value> = page.items.iter().map(out).collect();
    response::json(200, &json!({ "items": items, "next": page.next }))
}
