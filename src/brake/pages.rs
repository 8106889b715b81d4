use super::{Hold, Item, State, What, items, last_of_request, last_of_run, list, one};
use crate::auth::Scope;
use crate::auth::permissions::RequestsRelease;
use crate::engine;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{button, primary};
use crate::html::field::{Opts, text_field};
use crate::html::form::{complaints_flash, form_foot, post_form};
use crate::html::parts::{Head, Tone, card, card_flush, facts, flash, page_head, pill, pill_tint};
use crate::html::table::{self, column, table};
use crate::html::text;
use crate::ids::HoldId;
use crate::input::{CONFIRM, Input};
use crate::web::{Cx, Response, response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[("confirm", "Number"), ("reason", "Reason")];

pub fn index(cx: &Cx, scope: &Scope<RequestsRelease>) -> Result<Response> {
    let paging = cx.paging(&[])?;
    let found = list(cx.db, scope, &paging)?;
    let head = Head {
        lede: "Work that would take from many. It has changed nothing yet, and begins when somebody has looked at its list.",
        ..Head::default()
    };
    let start = (!paging.is_first()).then(|| cx.first_href());
    let next = cx.next_href(found.next.as_ref());
    let body = html! {
        (page_head("Held", head))
        @if found.items.is_empty() {
            (table::empty("shield", "Nothing is held", "A sync, an import or a selection that takes from many users is listed here before it begins.", None))
        } @else {
            (rows(cx, &found.items))
            (table::paging("", start.as_deref(), next.as_deref()))
        }
    };
    let trail = [("Requests", "/requests".to_owned())];
    Ok(cx.page(Nav::Requests, "Held", &trail, body))
}

fn rows(cx: &Cx, holds: &[Hold]) -> Markup {
    let (zone, now) = (&cx.actor.zone, cx.db.now());
    let columns = [
        column("What"),
        column("Customer").class("p2"),
        column("Takes").class("num"),
        column("Ordered by").class("p2"),
        column("Since"),
    ];
    let body = html! {
        @for hold in holds {
            tr {
                th scope="row" { a href={ "/held/" (hold.id) } { (hold.title) } }
                td.p2 { (hold.customer_name) @if hold.several { " and others" } }
                td.num { (text::grouped(hold.number)) }
                td.p2 { (hold.made_by_name.as_deref().unwrap_or("Portico")) }
                td { (text::when(hold.made_at, zone, now)) }
            }
        }
    };
    table("Held", &columns, body)
}

pub fn show(cx: &Cx, scope: &Scope<RequestsRelease>) -> Result<Response> {
    page(cx, scope, cx.param("id")?, &Input::default(), &[])
}

/// Where a run leads that is held.
pub fn of_run(cx: &Cx, scope: &Scope<RequestsRelease>) -> Result<Response> {
    let hold = cx.db.read(|db| last_of_run(db, scope, cx.param("id")?))?;
    Ok(response::redirect(format!("/held/{}", hold.id)))
}

/// Where a request leads that is held.
pub fn of_request(cx: &Cx, scope: &Scope<RequestsRelease>) -> Result<Response> {
    let hold = cx.db.read(|db| last_of_request(db, scope, cx.param("id")?))?;
    Ok(response::redirect(format!("/held/{}", hold.id)))
}

pub fn release(cx: &Cx, scope: &Scope<RequestsRelease>) -> Result<Response> {
    let (id, input): (HoldId, Input) = (cx.param("id")?, cx.input()?);
    let key = &cx.app.config.key;
    let done =
        super::release(cx.db, scope, id, &input, |tx, request| engine::released(tx, key, request));
    match done {
        Ok(hold) if hold.id != id => {
            let text = "It has changed since it was planned. Look at the new list.";
            Ok(cx.tell(format!("/held/{}", hold.id), Tone::Wait, text))
        }
        done => decided(cx, scope, id, &input, done.map(|_| ()), "It was let go."),
    }
}

pub fn refuse(cx: &Cx, scope: &Scope<RequestsRelease>) -> Result<Response> {
    let (id, input): (HoldId, Input) = (cx.param("id")?, cx.input()?);
    let done = super::refuse(cx.db, scope, id, &input, engine::turned_down).map(|_| ());
    decided(cx, scope, id, &input, done, "It was refused. Nothing changed.")
}

fn decided(
    cx: &Cx,
    scope: &Scope<RequestsRelease>,
    id: HoldId,
    input: &Input,
    done: Result<()>,
    text: &str,
) -> Result<Response> {
    match done {
        Ok(()) => Ok(cx.done(format!("/held/{id}"), text)),
        Err(Error::Conflict(why)) => Ok(cx.tell(format!("/held/{id}"), Tone::Bad, &why)),
        Err(Error::Invalid(all)) => page(cx, scope, id, input, &all),
        Err(err) => Err(err),
    }
}

fn page(
    cx: &Cx,
    scope: &Scope<RequestsRelease>,
    id: HoldId,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let paging = cx.paging(&[])?;
    let (hold, found) = cx.db.read(|db| {
        let hold = one(db, scope, id)?;
        let found = items(db, &hold, &paging)?;
        Ok((hold, found))
    })?;
    let start = (!paging.is_first()).then(|| cx.first_href());
    let next = cx.next_href(found.next.as_ref());
    let (tone, word) = said(hold.state);
    let head = Head { state: Some(pill_tint(tone, word)), ..Head::default() };
    let body = html! {
        (page_head(&hold.title, head))
        (complaints_flash(complaints, LABELS))
        @if !hold.reason.is_empty() { (flash(tone, html! { (hold.reason) }, None)) }
        div.cols {
            div.stack {
                (card_flush("What it takes", None, html! {
                    (things(&found.items))
                    (table::paging("", start.as_deref(), next.as_deref()))
                }))
            }
            div.stack {
                @if hold.state == State::Held {
                    (card("Decide", None, decide(cx, &hold, input, complaints)))
                }
                (card("Details", None, details(cx, &hold)))
            }
        }
    };
    let trail = [("Requests", "/requests".to_owned()), ("Held", "/held".to_owned())];
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(cx.page_with(status, Nav::Requests, &hold.title, &trail, body))
}

fn said(state: State) -> (Tone, &'static str) {
    match state {
        State::Held => (Tone::Wait, "Held"),
        State::Released => (Tone::Ok, "Let go"),
        State::Refused => (Tone::Bad, "Refused"),
        State::Withdrawn => (Tone::Off, "Taken back"),
    }
}

fn things(list: &[(i64, Item)]) -> Markup {
    let columns = [column("No.").class("num"), column("What"), column("Kind").class("p2")];
    let body = html! {
        @for (seq, item) in list {
            tr {
                td.num { (seq) }
                th scope="row" {
                    @if item.what == What::Users && item.id > 0 {
                        a href={ "/users/" (item.id) } { (item.text) }
                    } @else { (item.text) }
                }
                td.p2 { (pill(Tone::Off, kind(item.what))) }
            }
        }
    };
    table("What it takes", &columns, body)
}

fn kind(what: What) -> &'static str {
    match what {
        What::Users => "User",
        What::Groups => "Group",
        What::Moves => "Moves",
        What::Assignments => "Service",
    }
}

fn decide(cx: &Cx, hold: &Hold, input: &Input, complaints: &[Complaint]) -> Markup {
    let hint = format!("Type {} to confirm.", hold.number);
    let number = Opts { hint: &hint, autocomplete: "off", ..Opts::default() };
    let inside = html! {
        p { "Let go, all of the list is done at once. Refused, nothing of it is." }
        div.form { div.fields {
            (text_field(&Input::default(), complaints, CONFIRM.name, "Number", number))
            (text_field(input, complaints, "reason", "Reason", Opts { most: Some(200), ..Opts::default() }))
        } }
        (form_foot(html! {
            (primary("Let it go"))
            (button("Refuse").danger().to(&format!("/held/{}/refuse", hold.id)))
        }))
    };
    post_form(&cx.csrf, &format!("/held/{}/release", hold.id), inside)
}

fn details(cx: &Cx, hold: &Hold) -> Markup {
    let (zone, now) = (&cx.actor.zone, cx.db.now());
    let mut list = vec![
        ("Customer", html! { (hold.customer_name) @if hold.several { " and others" } }),
        ("Takes", html! { (text::grouped(hold.number)) }),
        ("Ordered by", html! { (hold.made_by_name.as_deref().unwrap_or("Portico")) }),
        ("Held", text::when(hold.made_at, zone, now)),
    ];
    if let Some(request) = hold.request_id {
        list.push(("Request", html! { a href={ "/requests/" (request) } { "#" (request) } }));
    }
    if let Some(at) = hold.decided_at {
        list.push(("Decided", text::when(at, zone, now)));
        list.push(("By", html! { (hold.decided_by_name.as_deref().unwrap_or("Portico")) }));
    }
    facts(&list)
}
