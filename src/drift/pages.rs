//! What others changed in a directory: the list, and one of them with what can be done about it.

use super::adopt::adopt as take_up;
use super::{Filter, Finding, Kind, State, Verb, begin, list, one, read_filter, store, verbs};
use crate::auth::permissions::{
    ConnectorsRead, ConnectorsWrite, CustomersRead, RequestsRead, UsersRead,
};
use crate::auth::{Actor, Scope};
use crate::directory::{Class, Environment, environments};
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{button, link, primary};
use crate::html::field::{Opts, choice_field, text_field};
use crate::html::form::{complaints_flash, form_foot, post_form};
use crate::html::parts::{Head, Tone, card, facts, flash, page_head, pill};
use crate::html::table::{self, chips, column, table};
use crate::html::text;
use crate::ids::{DriftId, EnvironmentId};
use crate::input::Input;
use crate::web::{Cx, Response, response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[("until", "Until"), ("user_id", "User")];

fn trail(of: EnvironmentId, name: &str) -> Vec<(String, String)> {
    vec![
        ("Connectors".to_owned(), "/connectors".to_owned()),
        ("Directories".to_owned(), "/directories".to_owned()),
        (name.to_owned(), format!("/directories/{of}")),
    ]
}

fn crumbs(all: &[(String, String)]) -> Vec<(&str, String)> {
    all.iter().map(|(name, href)| (name.as_str(), href.clone())).collect()
}

pub fn index(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let id: EnvironmentId = cx.param("id")?;
    let it = environments::one(cx.db, scope, id)?;
    let mut query = cx.request.query.clone();
    query.remove("limit");
    query.remove("after");
    let filter = read_filter(&query)?;
    let paging = cx.paging(super::FILTERS)?;
    let found = list(cx.db, scope, id, &filter, &paging)?;
    let next = cx.next_href(found.next.as_ref());
    let start = (!paging.is_first()).then(|| cx.first_href());
    let body = html! {
        (page_head("Changed by others", Head {
            lede: "What is not in the directory as it is here, because somebody changed it there.",
            actions: Some(look_now(&cx.actor, &it)),
            ..Head::default()
        }))
        (states(&filter, id))
        @if found.items.is_empty() {
            (table::empty("check", "Nothing differs", nothing(filter.state), None))
        } @else {
            (rows(cx, &found.items))
            (table::paging(&text::count(i64::try_from(found.items.len()).unwrap_or(0), "difference", "differences"), start.as_deref(), next.as_deref()))
        }
    };
    let trail = trail(id, &it.name);
    Ok(cx.page(Nav::Connectors, "Changed by others", &crumbs(&trail), body))
}

fn look_now(actor: &Actor, it: &Environment) -> Markup {
    html! {
        @if actor.may::<ConnectorsWrite>() {
            (primary("Look through it now").posts(&format!("/directories/{}/drift/look", it.id)))
        }
    }
}

fn nothing(state: State) -> &'static str {
    match state {
        State::Ignored => "Nothing is ignored.",
        State::Settled => "Nothing was settled yet.",
        State::Open | State::Pushing => {
            "Every quarter of an hour what has changed there is compared, and everything at night."
        }
    }
}

fn states(filter: &Filter, id: EnvironmentId) -> Markup {
    let of = filter.customer.map(|id| format!("&customer_id={id}")).unwrap_or_default();
    let all = [State::Open, State::Ignored, State::Settled];
    let list: Vec<(&str, String, Option<i64>)> = all
        .iter()
        .map(|state| {
            (word(*state), format!("/directories/{id}/drift?state={}{of}", state.word()), None)
        })
        .collect();
    let now = if filter.state == State::Pushing { State::Open } else { filter.state };
    chips("Differences by state", &list, word(now))
}

fn word(state: State) -> &'static str {
    match state {
        State::Open => "To be decided",
        State::Pushing => "On its way",
        State::Ignored => "Ignored",
        State::Settled => "Settled",
    }
}

fn rows(cx: &Cx, items: &[Finding]) -> Markup {
    let columns = [
        column("What"),
        column("Difference"),
        column("Here").class("p2"),
        column("There").class("p2"),
        column("Customer").class("p3"),
        column("Since").class("p3"),
    ];
    table(
        "Changed by others",
        &columns,
        html! {
            @for each in items {
                tr {
                    th scope="row" { a href={ "/drift/" (each.id) } { (each.name) } }
                    td { (said(each)) @if each.state == State::Pushing { " " (pill(Tone::Busy, word(each.state))) } }
                    td.p2 { (side(&each.ours)) }
                    td.p2 { (side(&each.theirs)) }
                    td.p3 { (linked(cx.actor.may::<CustomersRead>(), &format!("/customers/{}", each.customer), &each.customer_name)) }
                    td.p3 { (text::when(each.found_at, &cx.actor.zone, cx.db.now())) }
                }
            }
        },
    )
}

fn side(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}

/// In a few words, with the field.
fn said(it: &Finding) -> String {
    match it.kind {
        Kind::Attribute | Kind::Renamed => {
            format!("{}: {}", it.kind.said(), verbs::attribute(it.flavour, &it.what))
        }
        _ => it.kind.said().to_owned(),
    }
}

pub fn show(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let id: DriftId = cx.param("id")?;
    let it = cx.db.read(|db| one(db, scope, id))?;
    page(cx, &it, &Input::default(), &[])
}

fn page(cx: &Cx, it: &Finding, input: &Input, wrong: &[Complaint]) -> Result<Response> {
    let state = match it.state {
        State::Open => pill(Tone::Wait, word(it.state)),
        State::Pushing => pill(Tone::Busy, word(it.state)),
        State::Ignored => pill(Tone::Off, word(it.state)),
        State::Settled => pill(Tone::Ok, word(it.state)),
    };
    let people = match it.verbs().contains(&Verb::Adopt) && it.class == Class::User {
        true => cx.db.read(|db| store::people(db, it.connector, it.customer))?,
        false => Vec::new(),
    };
    let may = cx.actor.may::<ConnectorsWrite>();
    let body = html! {
        (page_head(&it.name, Head { state: Some(state), lede: about(it), ..Head::default() }))
        (complaints_flash(wrong, LABELS))
        @if !it.note.is_empty() {
            (flash(Tone::Bad, html! { "Ours did not get there: " (it.note) }, None))
        }
        (card("The difference", None, facts(&known(cx, it))))
        @if may { (choices(cx, it, input, wrong, &people)) }
    };
    let status = if wrong.is_empty() { 200 } else { 422 };
    let mut trail = trail(it.environment, &it.directory);
    trail.push(("Changed by others".to_owned(), format!("/directories/{}/drift", it.environment)));
    Ok(cx.page_with(status, Nav::Connectors, &it.name, &crumbs(&trail), body))
}

/// A link for those who may follow it.
fn linked(may: bool, href: &str, text: &str) -> Markup {
    html! { @if may { a href=(href) { (text) } } @else { (text) } }
}

fn known(cx: &Cx, it: &Finding) -> Vec<(&'static str, Markup)> {
    let mut all = vec![
        ("What", html! { (said(it)) }),
        ("Here", html! { (side(&it.ours)) }),
        ("There", html! { (side(&it.theirs)) }),
        ("Where it lies", html! { span.mono { (it.place) } }),
        ("Directory", html! { a href={ "/directories/" (it.environment) } { (it.directory) } }),
        (
            "Customer",
            linked(
                cx.actor.may::<CustomersRead>(),
                &format!("/customers/{}", it.customer),
                &it.customer_name,
            ),
        ),
    ];
    if let Some(user) = it.user.filter(|_| cx.actor.may::<UsersRead>()) {
        all.push(("User", linked(true, &format!("/users/{user}"), "The user")));
    }
    all.push(("Found", html! { (text::when(it.found_at, &cx.actor.zone, cx.db.now())) }));
    if let Some(request) = it.request {
        let may = cx.actor.may::<RequestsRead>();
        let text = format!("Request {request}");
        all.push(("Work", linked(may, &format!("/requests/{request}"), &text)));
    }
    if let Some(at) = it.decided_at {
        let when = text::when(at, &cx.actor.zone, cx.db.now());
        all.push(("Decided", html! { (outcome(it)) ", " (when) @if !it.decided_by.is_empty() { ", by " (it.decided_by) } }));
    }
    all
}

fn about(it: &Finding) -> &'static str {
    match it.kind {
        Kind::Attribute => "Somebody wrote something else there.",
        Kind::Moved => "Somebody moved it to another OU.",
        Kind::Renamed => "Somebody gave it another name there.",
        Kind::Disabled => "The account is disabled there, and the user is active here.",
        Kind::Enabled => "The account is enabled there, and the user is disabled here.",
        Kind::Deleted => "Somebody deleted it there.",
        Kind::Unknown => "It lies among the customer's objects and was not made by Portico.",
        Kind::MemberAdded => "Somebody added a member to the group there.",
        Kind::MemberRemoved => "Somebody took a member out of the group there.",
        Kind::Double => "A second account carries the mark of somebody who has one already.",
    }
}

fn outcome(it: &Finding) -> String {
    match (it.state, it.how.as_str()) {
        (State::Pushing, _) => "Ours is being brought there".to_owned(),
        (State::Ignored, _) => match it.until {
            Some(day) => format!("Ignored until {}", day.long()),
            None => "Ignored until it changes".to_owned(),
        },
        (_, "push") => "Ours was brought there".to_owned(),
        (_, "take") => "Theirs was taken over".to_owned(),
        (_, "adopt") => "It was adopted".to_owned(),
        (_, "forget") => "It was forgotten".to_owned(),
        _ => "It was so no more".to_owned(),
    }
}

fn choices(
    cx: &Cx,
    it: &Finding,
    input: &Input,
    wrong: &[Complaint],
    people: &[(crate::ids::UserId, String)],
) -> Markup {
    let at = format!("/drift/{}", it.id);
    let has = |verb: Verb| it.verbs().contains(&verb);
    html! {
        @if has(Verb::Push) {
            (card("Ours holds", None, html! {
                p { (pushes(it)) }
                (primary("Bring ours there").posts(&format!("{at}/push")))
            }))
        }
        @if has(Verb::Take) {
            (card("Theirs holds", None, html! {
                p { (takes(it)) }
                (button("Take theirs").posts(&format!("{at}/take")))
            }))
        }
        @if has(Verb::Adopt) {
            (card("Adopt it", None, html! {
                @if it.class == Class::User {
                    p { "The account becomes that of somebody here. Nothing changes in the directory by it." }
                } @else {
                    p { "It belongs to " (it.customer_name) " from now on, as it is. Nothing changes in the directory by it." }
                }
                (post_form(&cx.csrf, &format!("{at}/adopt"), html! {
                    @if it.class == Class::User {
                        div.fields { (choice_field(input, wrong, "user_id", "User", &whom(people), Opts::default())) }
                    }
                    (form_foot(html! { (primary("Adopt it")) }))
                }))
            }))
        }
        @if has(Verb::Ignore) {
            (card("Let it be", None, html! {
                p { "It stays as it is on both sides. Nobody is told of it again until that day, or until it changes." }
                (post_form(&cx.csrf, &format!("{at}/ignore"), html! {
                    div.fields {
                        (text_field(input, wrong, "until", "Until", Opts { kind: "date", optional: true, width: 3, ..Opts::default() }))
                    }
                    (form_foot(html! { (button("Ignore it")) }))
                }))
            }))
        }
        @if has(Verb::Forget) {
            (card("Forget it", None, html! {
                p { "It belongs to nobody here any more. It stays in the directory as it is, and Portico leaves it alone." }
                (button("Forget it").danger_quiet().posts(&format!("{at}/forget")))
            }))
        }
        p { (link("All differences", &format!("/directories/{}/drift", it.environment))) }
    }
}

fn whom(people: &[(crate::ids::UserId, String)]) -> Vec<(String, String)> {
    let new = (String::new(), "Somebody new".to_owned());
    let known = people.iter().map(|(id, name)| (id.to_string(), name.clone()));
    std::iter::once(new).chain(known).collect()
}

fn pushes(it: &Finding) -> &'static str {
    match it.kind {
        Kind::Deleted => "It is made again there: a new one, with what is known here.",
        Kind::Moved => "It is moved back.",
        Kind::Renamed => "It gets its name back.",
        Kind::Disabled => "The account is enabled again.",
        Kind::Enabled => "The account is disabled again.",
        Kind::MemberAdded => "The member is taken out of the group again.",
        Kind::MemberRemoved => "The member is added to the group again.",
        Kind::Attribute | Kind::Unknown | Kind::Double => "What is here is written there again.",
    }
}

fn takes(it: &Finding) -> &'static str {
    match it.kind {
        Kind::Deleted if it.class == Class::User => {
            "The user is disabled here, and the account that is gone is forgotten."
        }
        Kind::Deleted => "It is forgotten here too.",
        Kind::Moved => "It may lie where it is from now on.",
        Kind::Renamed | Kind::Attribute => "What is there is written here.",
        Kind::Disabled => "The user is disabled here too.",
        _ => "It is as it should be from now on.",
    }
}

pub fn look(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let run = begin(cx.db, scope, cx.param("id")?)?;
    Ok(response::redirect(format!("/runs/{run}")))
}

pub fn push(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let done = verbs::push(cx.db, scope, cx.param("id")?);
    after(cx, scope, &Input::default(), done.map(|_| "Ours is on its way there."))
}

pub fn take(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let done = verbs::take(cx.db, &cx.actor, scope, cx.param("id")?);
    after(cx, scope, &Input::default(), done.map(|()| "Theirs holds from now on."))
}

pub fn ignore(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let input = cx.input()?;
    let done = verbs::ignore(cx.db, scope, cx.param("id")?, &input);
    after(cx, scope, &input, done.map(|()| "It is let be."))
}

pub fn adopt(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let input = cx.input()?;
    let done = take_up(cx.app, &cx.actor, scope, cx.param("id")?, &input);
    after(cx, scope, &input, done.map(|_| "It is adopted."))
}

pub fn forget(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let done = verbs::forget(cx.db, scope, cx.param("id")?);
    after(cx, scope, &Input::default(), done.map(|()| "It is forgotten. It stays as it is there."))
}

fn after(
    cx: &Cx,
    scope: &Scope<ConnectorsWrite>,
    input: &Input,
    done: Result<&str>,
) -> Result<Response> {
    let id: DriftId = cx.param("id")?;
    match done {
        Ok(text) => Ok(cx.done(format!("/drift/{id}"), text)),
        Err(Error::Invalid(wrong)) => {
            let it = cx.db.read(|db| one(db, scope, id))?;
            page(cx, &it, input, &wrong)
        }
        Err(err) => Err(err),
    }
}
