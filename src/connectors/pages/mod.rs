//! Connectors as they are seen: the list, one of them, and what a check of it says.

pub mod form;
pub mod scripts;

use super::doctor::{self, Check, Light};
use super::{Connector, Kind, Stage, State, call, frame, give_up, list, one};
use super::{pause as set_pause, rotate as new_secret, store};
use crate::auth::Scope;
use crate::auth::permissions::{ConnectorsRead, ConnectorsWrite};
use crate::drivers::ldap::pipe::Security;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{Item, button, cancel, link, menu_button, primary};
use crate::html::field::typed_field;
use crate::html::form::{form_foot, post_form};
use crate::html::parts::{Head, Tone, card, facts, flash, page_head, pill, pill_tint, tag};
use crate::html::table::{self, column, table};
use crate::html::text;
use crate::ids::ConnectorId;
use crate::web::{Cx, Response};
use maud::{Markup, html};

pub fn index(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let paging = cx.paging(&[])?;
    let found = list(cx.db, scope, &paging)?;
    let actions = html! {
        @if cx.actor.may::<ConnectorsWrite>() {
            (link("New connector", "/connectors/new").primary().icon("plus"))
        }
    };
    let head = Head {
        actions: Some(actions),
        lede: "How outside systems are reached.",
        ..Head::default()
    };
    let columns =
        [column("Name"), column("Kind").class("p2"), column("Owner").class("p3"), column("State")];
    let rows = html! {
        @for each in &found.items {
            tr {
                th scope="row" { a href={ "/connectors/" (each.id) } { (each.name) } @if each.stage == Stage::Sandbox { " " (tag("Sandbox")) } }
                td.p2 { (kind_word(each.kind)) }
                td.p3 { (each.customer_name) }
                td { @let (tone, word) = said(cx, each); (pill(tone, word)) }
            }
        }
    };
    let next = cx.next_href(found.next.as_ref());
    let start = (!paging.is_first()).then(|| cx.first_href());
    let count = i64::try_from(found.items.len()).unwrap_or(0);
    let body = html! {
        (page_head("Connectors", head))
        (frame::tabs(&cx.actor, "/connectors"))
        @if found.items.is_empty() {
            (table::empty("plug", "No connectors yet", "A connector lets rules reach a directory, a webhook or a script.", None))
        } @else {
            (table("Connectors", &columns, rows))
            (table::paging(&text::count(count, "connector", "connectors"), start.as_deref(), next.as_deref()))
        }
    };
    Ok(cx.page(Nav::Connectors, "Connectors", &[], body))
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Script => "Script",
        Kind::Webhook => "Webhook",
        Kind::Ldap => "Directory",
        Kind::Scim => "SCIM service",
    }
}

fn said(cx: &Cx, it: &Connector) -> (Tone, &'static str) {
    match it.state {
        State::Gone => (Tone::Off, "Gone"),
        State::Paused => (Tone::Wait, "Paused"),
        State::Active if it.down_until.is_some_and(|until| until > cx.db.now()) => {
            (Tone::Bad, "Does not answer")
        }
        State::Active if it.light == Some(Light::Red) => (Tone::Bad, "Found wrong"),
        State::Active => (Tone::Ok, "Active"),
    }
}

fn trail() -> Vec<(&'static str, String)> {
    vec![("Connectors", "/connectors".to_owned())]
}

/// The only place where a secret is seen, and only in this answer.
fn show_secret(cx: &Cx, id: ConnectorId, secret: &str) -> Response {
    let body = html! {
        (page_head("Signing secret", Head { lede: "Copy it now: it is not shown again.", ..Head::default() }))
        (flash(Tone::Wait, html! { "Give it to the receiver, so that it can check that calls are ours." }, None))
        pre.log tabindex="0" { (secret) }
        p { (link("Go to the connector", &format!("/connectors/{id}")).primary()) }
    };
    cx.page(Nav::Connectors, "Signing secret", &trail(), body)
}

pub fn show(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let it = one(cx.db, scope, cx.param("id")?)?;
    Ok(page(cx, &it, None))
}

fn page(cx: &Cx, it: &Connector, checks: Option<&[Check]>) -> Response {
    let at = |verb: &str| format!("/connectors/{}/{verb}", it.id);
    let (tone, word) = said(cx, it);
    let mut items = Vec::new();
    if cx.actor.may::<ConnectorsWrite>() && it.state != State::Gone {
        items.push(Item::link("Edit", at("edit")));
        match it.state {
            State::Paused => items.push(Item::post("Resume", at("resume"))),
            _ => items.push(Item::post("Pause", at("pause"))),
        }
        if it.kind == Kind::Webhook {
            items.push(Item::post("New signing secret", at("rotate")));
        }
        items.push(Item::danger("Give up…", at("gone")));
    }
    let actions = html! {
        @if !items.is_empty() { (menu_button("more", "More", &items)) }
        (primary("Check it").posts(&at("doctor")))
    };
    let head =
        Head { state: Some(pill_tint(tone, word)), actions: Some(actions), ..Head::default() };
    let (zone, now) = (&cx.actor.zone, cx.db.now());
    let mut list = vec![
        ("Kind", html! { (kind_word(it.kind)) }),
        (
            "Stage",
            html! { @if it.stage == Stage::Sandbox { (tag("Sandbox")) } @else { "Production" } },
        ),
        ("Owner", html! { (it.customer_name) }),
    ];
    match it.kind {
        Kind::Script => list.push(("Script", html! { span.mono { (it.script) } })),
        Kind::Webhook => list.push(("Address", html! { span.mono { (it.url) } })),
        Kind::Ldap => list.extend(of_directory(it)),
        Kind::Scim => list.extend(of_service(it)),
    }
    list.push(("Time limit", html! { (text::duration(it.time_limit)) }));
    if let Some(calls) = it.calls_per_minute {
        list.push(("At most", html! { (text::count(calls, "step", "steps")) " a minute" }));
    }
    if !it.networks.is_empty() {
        let all: Vec<String> = it.networks.iter().map(ToString::to_string).collect();
        list.push(("Private networks", html! { (all.join(", ")) }));
    }
    if let Some(until) = it.previous_until.filter(|until| *until > now) {
        list.push(("Old secret signs until", text::when(until, zone, now)));
    }
    if let Some(until) = it.down_until.filter(|until| *until > now) {
        list.push(("Tried again", text::when(until, zone, now)));
    }
    if !it.last_error.is_empty() {
        list.push(("Last error", html! { (it.last_error) }));
    }
    list.push((
        "Checked",
        html! {
            @match (it.examined_at, it.light) {
                (Some(at), Some(worst)) => { (text::when(at, zone, now)) " " @let (tone, word) = light(worst); (pill(tone, word)) }
                _ => "Not yet: it is checked before it is used, and every night",
            }
            @if !it.light_text.is_empty() { small { (it.light_text) } }
        },
    ));
    list.push(("Used by", html! { (text::count(it.rules, "rule", "rules")) }));
    list.push(("Made", text::when(it.created_at, zone, now)));
    let body = html! {
        (page_head(&it.name, head))
        @if let Some(checks) = checks { (results(checks)) }
        (card("Details", None, facts(&list)))
    };
    cx.page(Nav::Connectors, &it.name, &trail(), body)
}

fn of_directory(it: &Connector) -> Vec<(&'static str, Markup)> {
    let Some(to) = &it.directory else { return Vec::new() };
    let trust = match to.authority {
        Some(_) => "Its own certificate authority",
        None => "The authorities of this installation",
    };
    let encryption = match to.security {
        Security::Ldaps => "LDAPS",
        Security::StartTls => "StartTLS",
    };
    let credential = it.credential.map(|id| format!("/credentials/{id}"));
    vec![
        ("Machines", html! { @for host in &to.hosts { div.mono { (host) } } }),
        ("Encryption", html! { (encryption) }),
        ("Trusts", html! { (trust) }),
        ("Account", html! { span.mono { (to.sign_in_as) } }),
        (
            "Password",
            html! {
                @if let Some(href) = &credential { a href=(href) { (it.credential_name) } }
            },
        ),
    ]
}

fn of_service(it: &Connector) -> Vec<(&'static str, Markup)> {
    let Some(account) = &it.account else { return Vec::new() };
    let credential = it.credential.map(|id| format!("/credentials/{id}"));
    let mut list = vec![("Address", html! { span.mono { (it.url) } })];
    match &account.sign_in_as {
        Some(name) => list.push(("Account", html! { span.mono { (name) } })),
        None => list.push(("Signs in with", html! { "A token" })),
    }
    list.push((
        "Credential",
        html! { @if let Some(href) = &credential { a href=(href) { (it.credential_name) } } },
    ));
    let links = format!("/connectors/{}/links", it.id);
    list.push(("Accounts and groups", html! { a href=(links) { "Who is who there" } }));
    list
}

fn results(checks: &[Check]) -> Markup {
    let columns =
        [column("Check"), column("Result"), column("What was found"), column("What to do")];
    let rows = html! {
        @for check in checks {
            tr {
                th scope="row" { (check.what) }
                td { @let (tone, word) = light(check.light); (pill(tone, word)) }
                td { (check.text) }
                td { (check.fix) }
            }
        }
    };
    let (tone, text) = match doctor::worst(checks) {
        Light::Green => (Tone::Ok, "Everything that was tried is as it should be."),
        Light::Amber => (Tone::Wait, "It works. Look at what is marked."),
        Light::Red => {
            (Tone::Bad, "It does not work as it should. What to do stands beside each check.")
        }
    };
    html! { (flash(tone, html! { (text) }, None)) (table("Checks", &columns, rows)) }
}

fn light(light: Light) -> (Tone, &'static str) {
    match light {
        Light::Green => (Tone::Ok, "Good"),
        Light::Amber => (Tone::Wait, "Look at it"),
        Light::Red => (Tone::Bad, "Wrong"),
    }
}

pub fn examine(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let it = one(cx.db, scope, cx.param("id")?)?;
    let line = cx.db.read(|db| call::line(db, it.id))?;
    let checks = doctor::examine_and_keep(cx.app, &line)?;
    let it = one(cx.db, scope, it.id)?;
    Ok(page(cx, &it, Some(&checks)))
}

pub fn pause(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id: ConnectorId = cx.param("id")?;
    set_pause(cx.db, scope, id, true)?;
    Ok(cx.done(format!("/connectors/{id}"), "Paused. Its steps wait."))
}

pub fn resume(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id: ConnectorId = cx.param("id")?;
    set_pause(cx.db, scope, id, false)?;
    Ok(cx.done(format!("/connectors/{id}"), "It goes on."))
}

pub fn rotate(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id: ConnectorId = cx.param("id")?;
    let secret = new_secret(cx.db, &cx.app.config.key, scope, id)?;
    Ok(show_secret(cx, id, secret.reveal()))
}

pub fn gone_question(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let it = cx.db.read(|db| store::one(db, scope, cx.param("id")?))?;
    Ok(ask(cx, &it, &[]))
}

pub fn gone(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let it = cx.db.read(|db| store::one(db, scope, cx.param("id")?))?;
    match give_up(cx.db, scope, it.id, &cx.input()?) {
        Ok(()) => {
            Ok(cx.done(format!("/connectors/{}", it.id), "It is gone. Steps that need it fail."))
        }
        Err(Error::Invalid(wrong)) => Ok(ask(cx, &it, &wrong)),
        Err(err) => Err(err),
    }
}

fn ask(cx: &Cx, it: &Connector, wrong: &[Complaint]) -> Response {
    let title = format!("Give up {}?", it.name);
    let at = format!("/connectors/{}", it.id);
    let fields = html! {
        p { "Steps that need it fail at once, and it cannot be brought back. " (text::count(it.rules, "rule names", "rules name")) " it." }
        div.fields { (typed_field(wrong, &it.name)) }
        (form_foot(html! { (button("Give it up").danger()) (cancel(&at)) }))
    };
    let body = html! { (page_head(&title, Head::default())) (post_form(&cx.csrf, &format!("{at}/gone"), fields)) };
    let mut trail = trail();
    trail.push((it.name.as_str(), at.clone()));
    cx.page_with(if wrong.is_empty() { 200 } else { 422 }, Nav::Connectors, &title, &trail, body)
}
