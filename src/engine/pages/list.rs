//! Lists of requests: all in scope, those of a customer, those of a user.

use crate::auth::Scope;
use crate::auth::permissions::{RequestsRead, RequestsRelease, SystemOperate, TokensOwn};
use crate::engine::view::{self, Filter, Held, Row};
use crate::engine::{Status, api};
use crate::error::Result;
use crate::html::Nav;
use crate::html::button::link;
use crate::html::form::hidden;
use crate::html::parts::{Head, page_head, pill};
use crate::html::table::{self, column, table};
use crate::html::text;
use crate::places::{self, Tab, UserTab};
use crate::web::{Cx, Listing, Response};
use maud::{Markup, html};

/// What one may look for, and what it is called.
const EVENTS: [(&str, &str); 12] = [
    ("", "Every event"),
    ("user_service.provision", "Give to a user"),
    ("user_service.update", "Change for a user"),
    ("user_service.suspend", "Suspend for a user"),
    ("user_service.resume", "Resume for a user"),
    ("user_service.deprovision", "Remove from a user"),
    ("user_service.purge", "Delete what a user lost"),
    ("customer_service.provision", "Give to a customer"),
    ("customer_service.update", "Change for a customer"),
    ("customer_service.suspend", "Suspend for a customer"),
    ("customer_service.resume", "Resume for a customer"),
    ("customer_service.deprovision", "Remove from a customer"),
];

/// What may hold one that is open.
const HOLDS: [(&str, &str); 7] = [
    ("", "Held or not"),
    ("approval", "Held for approval"),
    ("brake", "Held because it takes from many"),
    ("freeze", "Held by a freeze"),
    ("person", "Waits for a task"),
    ("date", "Waits for a time or an answer"),
    ("after", "Waits for another request"),
];

const QUEUES: [(&str, &str); 5] = [
    ("", "Every queue"),
    ("interactive", "Interactive"),
    ("bulk", "Bulk"),
    ("sync", "Sync"),
    ("scripts", "Scripts"),
];

pub fn index(cx: &Cx, scope: &Scope<RequestsRead>) -> Result<Response> {
    let filter = api::filter(cx)?;
    let paging = cx.paging(api::FILTERS)?;
    let found = view::list(cx.db, scope, &filter, &paging)?;
    let queues = cx.actor.may::<SystemOperate>();
    let head = Head {
        actions: Some(html! {
            (link("Tasks", "/tasks"))
            @if cx.actor.may::<RequestsRelease>() { (link("Held", "/held")) }
            @if queues { (link("Queues", "/engine")) }
        }),
        lede: "Every change on its way to a directory, a tenant or a server.",
        ..Head::default()
    };
    let body = html! {
        (page_head("Requests", head))
        (filters(cx, "/requests", &filter))
        (listing(cx, &found, paging.is_first(), true))
        @if filter.status == Some(Status::Failed) { (feed(cx)) }
    };
    Ok(cx.page(Nav::Requests, "Requests", &[], body))
}

pub fn of_customer(cx: &Cx, scope: &Scope<RequestsRead>) -> Result<Response> {
    let place = cx.db.read(|db| places::customer(db, scope, cx.param("id")?))?;
    let filter = Filter { customer: Some(place.id), ..api::filter(cx)? };
    let paging = cx.paging(api::FILTERS)?;
    let found = view::list(cx.db, scope, &filter, &paging)?;
    let body = html! {
        (filters(cx, &format!("/customers/{}/requests", place.id), &filter))
        (listing(cx, &found, paging.is_first(), false))
    };
    Ok(places::customer_page(cx, &place, Tab::Requests, 200, html! {}, body))
}

pub fn of_user(cx: &Cx, scope: &Scope<RequestsRead>) -> Result<Response> {
    let person = cx.db.read(|db| places::user(db, scope, cx.param("id")?))?;
    let filter = Filter { user: Some(person.id), ..api::filter(cx)? };
    let paging = cx.paging(api::FILTERS)?;
    let found = view::list(cx.db, scope, &filter, &paging)?;
    let body = html! {
        (filters(cx, &format!("/users/{}/requests", person.id), &filter))
        (listing(cx, &found, paging.is_first(), false))
    };
    Ok(places::user_page(cx, &person, UserTab::Requests, 200, html! {}, body))
}

fn filters(cx: &Cx, at: &str, filter: &Filter) -> Markup {
    let query = &cx.request.query;
    let (own, by) = (cx.actor.user.to_string(), query.get("by_id"));
    let mut orderers = vec![("", "Ordered by anybody"), (own.as_str(), "Ordered by me")];
    if !by.is_empty() && by != own {
        orderers.push((by, "Ordered by the same person"));
    }
    let body = html! {
        (table::select("event", "Event", &EVENTS, &filter.event))
        (table::select("hold", "What holds it", &HOLDS, filter.hold.map_or("", Held::word)))
        @if let Some(status) = filter.status { (hidden("status", status.word())) }
        @for name in ["service", "customer_id", "user_id"] {
            @if !query.get(name).is_empty() { (hidden(name, query.get(name))) }
        }
    };
    let more = html! {
        (table::select("queue", "Queue", &QUEUES, &filter.queue))
        (table::select("by_id", "Ordered by", &orderers, by))
        (day("from", "Ordered from", query.get("from")))
        (day("to", "to", query.get("to")))
    };
    let open = ["queue", "by_id", "from", "to"].iter().any(|name| !query.get(name).is_empty());
    let href = |status: &str| {
        let mut query = query.clone();
        query.remove("after");
        query.set("status", status);
        match query.to_query().as_str() {
            "" => at.to_owned(),
            query => format!("{at}?{query}"),
        }
    };
    let states = [
        ("All", ""),
        ("Waiting", "queued"),
        ("Needs approval", "waiting_approval"),
        ("Running", "running"),
        ("Failed", "failed"),
        ("Done", "done"),
        ("Cancelled", "cancelled"),
    ];
    let now = filter.status.map_or("", Status::word);
    let now = states.iter().find(|(_, word)| *word == now).map_or("", |(text, _)| text);
    let list: Vec<_> = states.iter().map(|(text, word)| (*text, href(word), None)).collect();
    html! {
        (table::filters_and_more(at, body, open, more))
        (table::chips("Requests by state", &list, now))
    }
}

fn day(name: &str, label: &str, value: &str) -> Markup {
    html! {
        label.inline for=(name) { (label)
            input.form-control type="date" name=(name) id=(name) value=(value);
        }
    }
}

/// For those who watch with something else than a browser.
fn feed(cx: &Cx) -> Markup {
    html! {
        p.muted.small {
            "These are also a feed for feed readers: " span.mono { (cx.settings.base_url) "/requests/errors.atom" }
            ". Its password is a token of yours; any user name will do."
            @if cx.actor.own::<TokensOwn>().is_ok() { " " a href="/account/tokens" { "Make a token" } }
        }
    }
}

fn listing(cx: &Cx, found: &Listing<Row>, first: bool, customers: bool) -> Markup {
    if found.items.is_empty() {
        return table::empty(
            "transfer",
            "No requests here",
            "Work starts when a service is given, changed or removed.",
            None,
        );
    }
    let mut columns = vec![column("Request")];
    if customers {
        columns.push(column("Customer").class("p2"));
    }
    columns.extend([
        column("Ordered").class("p2"),
        column("Steps").class("num p3"),
        column("State"),
    ]);
    let rows = html! { @for row in &found.items { (line(cx, row, customers)) } };
    let next = cx.next_href(found.next.as_ref());
    let start = (!first).then(|| cx.first_href());
    html! {
        (table("Requests", &columns, rows))
        (table::paging(
            &text::count(i64::try_from(found.items.len()).unwrap_or(0), "request", "requests"),
            start.as_deref(), next.as_deref()))
    }
}

fn line(cx: &Cx, row: &Row, customers: bool) -> Markup {
    let (tone, word) = view::said(row.status, row.warnings);
    html! {
        tr {
            th scope="row" {
                a href={ "/requests/" (row.id) } { (row.title) }
                small { "#" (row.id) }
            }
            @if customers {
                td.p2 { a href={ "/customers/" (row.customer) } { (row.customer_name) } }
            }
            td.p2.muted { (text::when(row.created_at, &cx.actor.zone, cx.db.now())) }
            td.num.p3 { @if row.steps == 0 { "–" } @else { (row.steps_done) " of " (row.steps) } }
            td { (pill(tone, word)) }
        }
    }
}
