//! The log of mails: what went to whom, what the server said, and what still waits.

use super::{Filter, Message, State, cancel, layout, resend, store};
use crate::auth::Scope;
use crate::auth::permissions::MessagesRead;
use crate::error::Result;
use crate::html::Nav;
use crate::html::button::button;
use crate::html::parts::{Head, Tone, datagrid, page_head, pill, pill_tint, section};
use crate::html::table::{column, empty, filters, paging, search, select, table};
use crate::html::text::{act, moment, when};
use crate::ids::MessageId;
use crate::web::{Cx, Listing, Response};
use maud::{Markup, html};

pub fn index(cx: &Cx, scope: &Scope<MessagesRead>) -> Result<Response> {
    let filter = filter(cx);
    let part = cx.paging(super::api::FILTERS)?;
    let rows = cx.db.read(|db| store::list(db, scope, &filter, &part))?;
    let list = part.listing(rows, |mail| (String::new(), mail.id.0));
    let body = html! {
        (page_head("Mail", Head {
            lede: "Every mail this installation wrote, and what became of it.", ..Head::default()
        }))
        (list_filters(&filter))
        (rows_or_empty(cx, &list))
    };
    Ok(cx.page(Nav::Mail, "Mail", &[], body))
}

pub fn show(cx: &Cx, scope: &Scope<MessagesRead>) -> Result<Response> {
    let id: MessageId = cx.param("id")?;
    let (mail, text) = cx.db.read(|db| store::one(db, scope, id))?;
    let zone = &cx.actor.zone;
    let to = |verb: &str| format!("/mail/{id}/{verb}");
    let actions = html! {
        @match mail.state {
            State::Queued | State::Held => (button("Cancel mail").posts(&to("cancel"))),
            State::Sending => {},
            _ => (button("Send again").posts(&to("resend"))),
        }
    };
    let head = Head {
        state: Some(pill_tint(tone(mail.state), word(mail.state))),
        actions: Some(actions),
        lede: "",
    };
    let sent = html! { @if let Some(at) = mail.sent_at { (moment(at, zone)) } @else { "–" } };
    let body = html! {
        (page_head(&mail.subject, head))
        (datagrid(&[
            ("To", html! { (mail.to_name) " " span dir="ltr" { (mail.to) } }),
            ("Event", html! { (act(&mail.event)) }),
            ("Written", moment(mail.created_at, zone)),
            ("Sent", sent),
            ("Tries", html! { (mail.attempts) }),
            ("Next try", next_try(&mail, cx)),
            ("Server’s answer", html! { @if mail.answer.is_empty() { "–" } @else { (mail.answer) } }),
        ]))
        (section("Text", None, html! { pre.log tabindex="0" { (text) } }))
        @if text.contains(layout::LINK) {
            p.muted.small { "The address of the link is a secret and is not shown." }
        }
    };
    Ok(cx.page(Nav::Mail, &mail.subject, &[("Mail", "/mail".to_owned())], body))
}

pub fn send_again(cx: &Cx, scope: &Scope<MessagesRead>) -> Result<Response> {
    let new = resend(cx.db, &cx.actor, scope, &cx.app.config.key, cx.param("id")?)?;
    Ok(cx.done(format!("/mail/{new}"), "Written anew. It goes out with the next mails."))
}

pub fn stop(cx: &Cx, scope: &Scope<MessagesRead>) -> Result<Response> {
    let id: MessageId = cx.param("id")?;
    cancel(cx.db, scope, id)?;
    Ok(cx.done(format!("/mail/{id}"), "Cancelled. It will not be sent."))
}

/// The filter that the address names.
pub fn filter(cx: &Cx) -> Filter {
    let query = &cx.request.query;
    Filter {
        q: query.get("q").chars().take(100).collect(),
        state: query.get("state").parse().ok(),
        event: query.get("event").to_owned(),
        customer: query.get("customer_id").parse().ok(),
        user: query.get("user_id").parse().ok(),
    }
}

fn list_filters(filter: &Filter) -> Markup {
    let states: Vec<(&str, &str)> = std::iter::once(("", "Any state"))
        .chain(State::ALL.iter().map(|state| (state.word(), word(*state))))
        .collect();
    let now = filter.state.map_or("", State::word);
    filters(
        "/mail",
        html! { (search("Search address or subject", &filter.q)) (select("state", "State", &states, now)) },
    )
}

fn rows_or_empty(cx: &Cx, list: &Listing<Message>) -> Markup {
    if list.items.is_empty() {
        return empty(
            "mail",
            "No mail here",
            "Mails appear as soon as something is told to somebody: a welcome, a password link, a failure.",
            None,
        );
    }
    let columns = [
        column("Subject"),
        column("Event").class("p2"),
        column("Written").class("p2"),
        column("State"),
    ];
    let rows = html! {
        @for mail in &list.items {
            tr {
                th scope="row" { a href={ "/mail/" (mail.id) } { (mail.subject) } small { (mail.to) } }
                td.p2 { (act(&mail.event)) }
                td.p2 { (when(mail.created_at, &cx.actor.zone, cx.db.now())) }
                td { (pill(tone(mail.state), word(mail.state))) }
            }
        }
    };
    let next = cx.next_href(list.next.as_ref());
    let first = cx.first_href();
    let back = (!cx.request.query.get("after").is_empty()).then_some(first.as_str());
    html! {
        (table("Mails", &columns, rows))
        (paging("Newest first", back, next.as_deref()))
    }
}

fn next_try(mail: &Message, cx: &Cx) -> Markup {
    match mail.state {
        State::Queued | State::Sending => when(mail.next_at, &cx.actor.zone, cx.db.now()),
        State::Held => html! { "When it may go" },
        _ => html! { "–" },
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::Queued => "Waiting",
        State::Sending => "Being sent",
        State::Sent => "Sent",
        State::Held => "Held",
        State::Failed => "Failed",
        State::Suppressed => "Suppressed",
        State::Cancelled => "Cancelled",
    }
}

fn tone(state: State) -> Tone {
    match state {
        State::Sent => Tone::Ok,
        State::Queued | State::Sending => Tone::Busy,
        State::Held => Tone::Wait,
        State::Failed => Tone::Bad,
        State::Suppressed | State::Cancelled => Tone::Off,
    }
}
