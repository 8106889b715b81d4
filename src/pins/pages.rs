use super::{Stop, among, pin, pinned, unpin};
use crate::auth::Scope;
use crate::auth::permissions::CustomersRead;
use crate::error::Result;
use crate::html::Nav;
use crate::html::button::button;
use crate::html::float::{Hit, Hits, hits};
use crate::html::parts::{Head, page_head};
use crate::html::table::{acts, column, empty, search as box_for, table};
use crate::ids::CustomerId;
use crate::places::state_pill;
use crate::web::{Cx, Response, recent, response};
use maud::{Markup, html};

/// Where the switcher leads without script, and where one pins.
pub fn index(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<Response> {
    let (pinned, last) = stops(cx, scope)?;
    let tab = recent::tab(&format!("/customers/0/{}", cx.request.query.get("at")));
    let lede = "Those you pinned, and those you looked at last in this browser.";
    let body = html! {
        (page_head("Switch customer", Head { lede, ..Head::default() }))
        form.filters action="/search" role="search" {
            (box_for("Search everything", ""))
            (button("Search").primary())
        }
        @if pinned.is_empty() && last.is_empty() {
            (empty("building", "No customers yet", "Look at one: it is here from then on, and can be pinned.", None))
        }
        @if !pinned.is_empty() { h2 { "Pinned" } (rows(&pinned, tab, true)) }
        @if !last.is_empty() { h2 { "Looked at last" } (rows(&last, tab, false)) }
    };
    Ok(cx.page(Nav::Customers, "Switch customer", &[], body))
}

/// What the switcher shows when it is opened.
pub fn live(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<Response> {
    let (pinned, last) = stops(cx, scope)?;
    let tab = recent::tab(&format!("/customers/0/{}", cx.request.query.get("at")));
    let hit = |stop: &Stop| Hit {
        href: href(stop, tab),
        name: stop.name.clone(),
        note: stop.code.clone(),
    };
    let groups = [
        Hits { caption: "Pinned", icon: "building", hits: pinned.iter().map(hit).collect() },
        Hits { caption: "Looked at last", icon: "history", hits: last.iter().map(hit).collect() },
    ];
    let none = pinned.is_empty() && last.is_empty();
    Ok(response::html(
        200,
        html! {
            @if none { p.hits.muted { "Customers that you look at are here from then on." } }
            (hits(&groups, ""))
        },
    ))
}

/// Pinned ones, and of the last those that are not pinned.
fn stops(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<(Vec<Stop>, Vec<Stop>)> {
    let ids = recent::of(cx.request, cx.actor.user);
    cx.db.read(|db| {
        let pinned = pinned(db, scope, cx.actor.user)?;
        let mut last = among(db, scope, &ids)?;
        last.retain(|stop| !pinned.iter().any(|each| each.id == stop.id));
        Ok((pinned, last))
    })
}

fn href(stop: &Stop, tab: &str) -> String {
    match tab {
        "" => format!("/customers/{}", stop.id),
        tab => format!("/customers/{}/{tab}", stop.id),
    }
}

fn rows(all: &[Stop], tab: &str, pinned: bool) -> Markup {
    let columns = [column("Name"), column("Code"), acts()];
    let (verb, caption) = if pinned { ("pin/remove", "Pinned") } else { ("pin", "Looked at last") };
    let label = if pinned { "Unpin" } else { "Pin" };
    let body = html! {
        @for stop in all {
            tr {
                th scope="row" { a href=(href(stop, tab)) { (stop.name) } " " (state_pill(stop.state)) }
                td.muted { (stop.code) }
                td.acts {
                    (button(label).about(&stop.name).ghost().small().named("to", "switch")
                        .posts(&format!("/customers/{}/{verb}", stop.id)))
                }
            }
        }
    };
    table(caption, &columns, body)
}

pub fn create(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    pin(cx.db, scope, cx.actor.user, id)?;
    Ok(cx.done(back(cx, id)?, "Pinned. It is at hand under “Switch customer”."))
}

pub fn destroy(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    unpin(cx.db, scope, cx.actor.user, id)?;
    Ok(cx.done(back(cx, id)?, "No longer pinned."))
}

/// To the page on which it was asked for.
fn back(cx: &Cx, id: CustomerId) -> Result<String> {
    let switcher = cx.input()?.get("to") == "switch";
    Ok(if switcher { "/switch".to_owned() } else { format!("/customers/{id}") })
}
