use super::{Found, find};
use crate::auth::Own;
use crate::auth::permissions::{AccountRead, UsersCreate};
use crate::error::Result;
use crate::html::Nav;
use crate::html::button::button;
use crate::html::float::{Hit, Hits, hits};
use crate::html::parts::{Head, page_head};
use crate::html::table::{empty, search as box_for};
use crate::web::{Cx, Response, response};
use maud::{Markup, html};

/// The page that the box leads to without script.
pub fn index(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    let text = cx.request.query.get("q");
    let found = cx.db.read(|db| find(db, &cx.actor, text))?;
    let body = html! {
        (page_head("Search", Head::default()))
        form.filters action="/search" role="search" {
            (box_for("Search everything", text))
            (button("Search").primary())
        }
        @if text.is_empty() {
            (empty("search", "Find customers, users and invoices", "By any part of a name, code or address, or four digits of a phone; invoices by number.", None))
        } @else if found.is_empty() {
            (empty("search", &format!("Nothing matches “{text}”"), "Try fewer letters, or a part of the address.", None))
        } @else {
            section.card { (groups(cx, &found, text)) }
        }
    };
    Ok(cx.page(Nav::Elsewhere, "Search", &[], body))
}

/// What the palette shows while one types.
pub fn live(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    let text = cx.request.query.get("q");
    let found = cx.db.read(|db| find(db, &cx.actor, text))?;
    Ok(response::html(200, groups(cx, &found, text)))
}

fn groups(cx: &Cx, found: &Found, text: &str) -> Markup {
    let hit = |href: String, name: &str, note: String| Hit { href, name: name.to_owned(), note };
    let customers = found
        .customers
        .iter()
        .map(|c| hit(format!("/customers/{}", c.id), &c.name, c.code.clone()));
    let users = found
        .users
        .iter()
        .map(|u| hit(format!("/users/{}", u.id), &u.name, format!("{} · {}", u.upn, u.customer)));
    let invoices = found
        .invoices
        .iter()
        .map(|i| hit(format!("/invoices/{}", i.id), &i.number, i.buyer.clone()));
    let new_user = found.customers.first().filter(|_| cx.actor.may::<UsersCreate>());
    let deeds = new_user.map(|c| {
        hit(
            format!("/customers/{}/users/new", c.id),
            &format!("New user at {}", c.name),
            String::new(),
        )
    });
    let all = [
        Hits { caption: "Customers", icon: "building", hits: customers.collect() },
        Hits { caption: "Users", icon: "user", hits: users.collect() },
        Hits { caption: "Invoices", icon: "file-invoice", hits: invoices.collect() },
        Hits { caption: "Do", icon: "user-plus", hits: deeds.into_iter().collect() },
    ];
    let shown: Vec<Hits> = all.into_iter().filter(|group| !group.hits.is_empty()).collect();
    hits(&shown, text)
}
