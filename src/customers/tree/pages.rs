use super::{Node, api};
use crate::auth::Scope;
use crate::auth::permissions::CustomersRead;
use crate::customers::pages::list::state;
use crate::error::Result;
use crate::html::Nav;
use crate::html::button::link;
use crate::html::parts::{Head, page_head};
use crate::html::table::{self, column, empty, table};
use crate::html::text;
use crate::web::{Cx, Response, response};
use maud::{Markup, html};

const HERE: &str = "/customers/tree";

pub fn index(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<Response> {
    let (at, paging) = (api::at(cx)?, cx.paging(super::FILTERS)?);
    let (place, found) = cx.db.read(|db| super::level(db, scope, at, &paging))?;
    // Whoever sees one tree would only have to open its single root.
    if let ([root], None, true) = (found.items.as_slice(), at, paging.is_first())
        && root.customers > 0
    {
        return Ok(response::redirect(format!("{HERE}?at={}", root.id)));
    }
    let mut trail = vec![("Customers", "/customers".to_owned())];
    if let Some(place) = &place {
        trail.push(("Tree", HERE.to_owned()));
        let up = place.parents.iter();
        trail.extend(up.map(|(id, name)| (name.as_str(), format!("{HERE}?at={id}"))));
    }
    let title = place.as_ref().map_or("Tree", |place| place.name.as_str());
    let open = place.as_ref().map(|place| {
        let button = link("Open customer", &format!("/customers/{}", place.id));
        html! { (button) }
    });
    let shown = i64::try_from(found.items.len()).unwrap_or(0);
    let start = (!paging.is_first()).then(|| cx.first_href());
    let next = cx.next_href(found.next.as_ref());
    let body = html! {
        (page_head(title, Head { actions: open, ..Head::default() }))
        @if found.items.is_empty() {
            (empty("building", "Nobody below", "No customer stands below this one.", None))
        } @else {
            (rows(&found.items))
            (table::paging(&text::count(shown, "customer", "customers"), start.as_deref(), next.as_deref()))
        }
    };
    let title = if place.is_some() { format!("Below {title}") } else { title.to_owned() };
    Ok(cx.page(Nav::Customers, &title, &trail, body))
}

fn rows(all: &[Node]) -> Markup {
    let columns = [
        column("Name"),
        column("Code").class("p2"),
        column("Below it").class("num"),
        column("Users").class("num p2"),
        column("State").class("p3"),
    ];
    let body = html! {
        @for node in all {
            tr {
                th scope="row" { a href={ "/customers/" (node.id) } { (node.name) } }
                td.p2.muted { (node.code) }
                td.num {
                    @if node.customers > 0 {
                        a href={ (HERE) "?at=" (node.id) } {
                            (text::count(node.customers, "customer", "customers"))
                            span.sr { " below " (node.name) }
                        }
                    } @else { "–" }
                }
                td.num.p2 { (text::grouped(node.users)) }
                td.p3 { (state(node.state)) }
            }
        }
    };
    table("Customers of this level", &columns, body)
}
