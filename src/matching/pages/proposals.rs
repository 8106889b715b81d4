//! What waits for a decision, with the evidence.

use crate::auth::Scope;
use crate::auth::permissions::{ConnectorsRead, UsersImport};
use crate::connectors::frame;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{button, link, primary};
use crate::html::field::{Opts, text_field};
use crate::html::form::{complaints_flash, form_foot, hidden, post_form};
use crate::html::parts::{Head, Tone, card, card_flush, facts, page_head, pill};
use crate::html::table::{self, chips, column, table};
use crate::html::text;
use crate::ids::ProposalId;
use crate::input::Input;
use crate::matching::evidence::Why;
use crate::matching::proposals::{
    self, FILTERS, Person, Proposal, State, create as make, ignore as set_aside, link as tie, list,
    one, people, read_filter,
};
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[
    ("user_id", "User"),
    ("upn", "Sign-in name"),
    ("display_name", "Shown as"),
    ("mail", "Primary address"),
    ("username", "User name"),
];

fn trail(cx: &Cx) -> Vec<(&'static str, String)> {
    match cx.actor.may::<ConnectorsRead>() {
        true => vec![("Directories", "/directories".to_owned())],
        false => Vec::new(),
    }
}

pub fn index(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let mut query = cx.request.query.clone();
    query.remove("limit");
    query.remove("after");
    let filter = read_filter(&query)?;
    let paging = cx.paging(FILTERS)?;
    let found = list(cx.db, scope, &filter, &paging)?;
    let lede =
        "Accounts of directories that may be somebody's. Nothing is joined until somebody decides.";
    let of = filter.customer.map(|id| format!("&customer_id={id}")).unwrap_or_default();
    let states = [State::Open, State::Linked, State::Created, State::Ignored];
    let chosen: Vec<(&str, String, Option<i64>)> = states
        .iter()
        .map(|state| (word(*state), format!("/proposals?state={}{of}", state.word()), None))
        .collect();
    let columns = [
        column("Account"),
        column("Customer"),
        column("Why"),
        column("Directory").class("p2"),
        column("Since").class("p3"),
    ];
    let rows = html! {
        @for each in &found.items {
            tr {
                th scope="row" {
                    a href={ "/proposals/" (each.id) } { (each.account.name()) }
                    br; span.muted { (each.account.upn) }
                }
                td { a href={ "/customers/" (each.customer) } { (each.customer_name) } }
                td { (each.why.said()) }
                td.p2 { (each.directory) }
                td.p3 { (text::when(each.created_at, &cx.actor.zone, cx.db.now())) }
            }
        }
    };
    let count = i64::try_from(found.items.len()).unwrap_or(0);
    let next = cx.next_href(found.next.as_ref());
    let start = (!paging.is_first()).then(|| cx.first_href());
    let body = html! {
        (page_head("Proposals", Head { lede, ..Head::default() }))
        (frame::tabs(&cx.actor, "/proposals"))
        (chips("Proposals by state", &chosen, word(filter.state)))
        @if found.items.is_empty() {
            (table::empty("user-question", "Nothing to decide", "When an import or a sync finds an account that may be somebody's, it waits here.", None))
        } @else {
            (table("Proposals", &columns, rows))
            (table::paging(&text::count(count, "proposal", "proposals"), start.as_deref(), next.as_deref()))
        }
    };
    Ok(cx.page(Nav::Connectors, "Proposals", &trail(cx), body))
}

fn word(state: State) -> &'static str {
    match state {
        State::Open => "To be decided",
        State::Linked => "Linked",
        State::Created => "Made users",
        State::Ignored => "Set aside",
    }
}

pub fn show(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let it = one(cx.db, scope, cx.param("id")?)?;
    let mut input = Input::default();
    input.set("upn", it.suggested.as_deref().unwrap_or(&it.account.upn));
    page(cx, &it, &input, &[])
}

fn page(cx: &Cx, it: &Proposal, input: &Input, wrong: &[Complaint]) -> Result<Response> {
    let people = cx.db.read(|db| people(db, it))?;
    let name = it.account.name();
    let state = match it.state {
        State::Open => html! { (pill(Tone::Wait, word(it.state))) },
        State::Linked | State::Created => html! { (pill(Tone::Ok, word(it.state))) },
        State::Ignored => html! { (pill(Tone::Off, word(it.state))) },
    };
    let at = format!("/proposals/{}", it.id);
    let addresses: Vec<&str> = it.account.addresses.iter().map(String::as_str).collect();
    let mut list = vec![
        ("Sign-in name", html! { (or_dash(&it.account.upn)) }),
        ("User name", html! { (or_dash(&it.account.username)) }),
        ("Addresses", html! { (or_dash(&addresses.join(", "))) }),
        ("Where", html! { span.mono { (it.place) } }),
        ("Directory", html! { (it.directory) }),
        ("Customer", html! { a href={ "/customers/" (it.customer) } { (it.customer_name) } }),
    ];
    if let Some(when) = it.decided_at {
        let when = text::when(when, &cx.actor.zone, cx.db.now());
        list.push((
            "Decided",
            html! { (when) @if !it.decided_by.is_empty() { ", by " (it.decided_by) } },
        ));
    }
    if let Some(user) = it.user {
        list.push(("Now", html! { a href={ "/users/" (user) } { "The user" } }));
    }
    let body = html! {
        (page_head(name, Head { state: Some(state), lede: it.why.said(), ..Head::default() }))
        (complaints_flash(wrong, LABELS))
        (card("The account in the directory", None, facts(&list)))
        @if it.state == State::Open {
            @if !people.is_empty() { (meant(cx, it, &people)) }
            (another(cx, it, input, wrong, &at))
            (card("Nobody to look at", None, html! {
                p { "It is set aside and not proposed again, unless something about it changes." }
                (button("Set it aside").posts(&format!("{at}/ignore")))
            }))
        }
    };
    let status = if wrong.is_empty() { 200 } else { 422 };
    let mut trail = trail(cx);
    trail.push(("Proposals", "/proposals".to_owned()));
    Ok(cx.page_with(status, Nav::Connectors, name, &trail, body))
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}

/// Those who may be meant, each with what speaks for it.
fn meant(cx: &Cx, it: &Proposal, people: &[Person]) -> Markup {
    let columns = [column("User"), column("What speaks for it"), table::acts()];
    let rows = html! {
        @for each in people {
            tr {
                th scope="row" { a href={ "/users/" (each.id) } { (each.name) } br; span.muted { (each.upn) } }
                td { ul { @for evidence in &each.evidence { li { (evidence.said()) } } } }
                td.acts {
                    (post_form(&cx.csrf, &format!("/proposals/{}/link", it.id), html! {
                        (hidden("user_id", each.id.0))
                        (button("Link").small().about(&format!("with {}", each.name)))
                    }))
                }
            }
        }
    };
    card_flush("Who may be meant", None, table("Who may be meant", &columns, rows))
}

fn another(cx: &Cx, it: &Proposal, input: &Input, wrong: &[Complaint], at: &str) -> Markup {
    let hint = match it.why {
        Why::Name => "The one in the directory cannot be used here; this is the nearest that can.",
        Why::Recreated | Why::Double | Why::Similar | Why::New => {
            "Left empty, it is made as for other users."
        }
    };
    let opts = Opts { hint, ltr: true, width: 4, optional: true, ..Opts::default() };
    card(
        "Somebody new",
        None,
        html! {
            p { "The account becomes a new user of " (it.customer_name) "." }
            (post_form(&cx.csrf, &format!("{at}/create"), html! {
                div.fields { (text_field(input, wrong, "upn", "Sign-in name", opts)) }
                (form_foot(html! { (primary("Make a user of it")) }))
            }))
            @if let Some(user) = it.candidates.first().filter(|_| it.why == Why::Double) {
                p { (link("Look at the user first", &format!("/users/{}", user.user_id))) }
            }
        },
    )
}

pub fn link_it(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let id: ProposalId = cx.param("id")?;
    let input = cx.input()?;
    let done = tie((cx.db, &cx.app.config.key), &cx.actor, scope, id, &input);
    after(cx, scope, id, &input, done.map(|_| "The account is linked."))
}

pub fn create(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let id: ProposalId = cx.param("id")?;
    let input = cx.input()?;
    let done = make((cx.db, &cx.app.config.key), &cx.actor, scope, id, &input);
    after(cx, scope, id, &input, done.map(|_| "The user was added and is linked."))
}

pub fn ignore(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let id: ProposalId = cx.param("id")?;
    let input = Input::default();
    let done = set_aside(cx.db, scope, id).map(|()| "It is set aside.");
    after(cx, scope, id, &input, done)
}

fn after(
    cx: &Cx,
    scope: &Scope<UsersImport>,
    id: ProposalId,
    input: &Input,
    done: Result<&str>,
) -> Result<Response> {
    match done {
        Ok(text) => Ok(cx.done("/proposals", text)),
        Err(Error::Invalid(wrong)) => page(cx, &proposals::one(cx.db, scope, id)?, input, &wrong),
        Err(err) => Err(err),
    }
}
