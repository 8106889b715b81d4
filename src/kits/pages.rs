use crate::auth::Scope;
use crate::auth::permissions::CustomersExport;
use crate::error::Result;
use crate::html::button::{cancel, link, primary};
use crate::html::form::{form_foot, post_form};
use crate::html::parts::{card, card_flush};
use crate::html::table::{acts, column, table};
use crate::html::text;
use crate::ids::CustomerId;
use crate::places::{self, Tab};
use crate::web::{Cx, Response};
use maud::html;

/// The kits that are kept, and a way to another.
pub fn new(cx: &Cx, scope: &Scope<CustomersExport>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let (place, kits) =
        cx.db.read(|db| Ok((places::customer(db, scope, id)?, super::of(db, scope, id)?)))?;
    let columns = [column("Made"), column("Size").class("num"), column("Kept until"), acts()];
    let rows = html! {
        @for kit in &kits {
            tr {
                th scope="row" { (text::when(kit.made_at, &cx.actor.zone, cx.db.now())) }
                td.num { (text::grouped(kit.bytes / 1024 + 1)) " KiB" }
                td { (text::date(kit.until.day(&cx.actor.zone))) }
                td.acts { (link("Download", &format!("/exit-kits/{}", kit.id)).small().download()) }
            }
        }
    };
    let at = format!("/customers/{id}");
    let body = html! {
        (card("Exit kit", None, html! {
            p {
                "Everything there is of " (place.name) " in one file: the customer, its users, services, ledger, "
                "changes and invoices. No passwords or other secrets. It is kept for 90 days."
            }
            (post_form(&cx.csrf, &format!("{at}/export"), form_foot(html! {
                (primary("Make the file")) (cancel(&at))
            })))
        }))
        @if !kits.is_empty() { (card_flush("Files", None, table("Files", &columns, rows))) }
    };
    Ok(places::customer_page(cx, &place, Tab::Overview, 200, html! {}, body))
}

pub fn create(cx: &Cx, scope: &Scope<CustomersExport>) -> Result<Response> {
    let run = super::order(cx.db, scope, cx.param("id")?)?;
    Ok(cx.done(format!("/runs/{run}"), "The file is being made. A mail says when it is ready."))
}
