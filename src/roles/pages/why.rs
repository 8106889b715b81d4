//! "Why can't I?" for oneself and for others.

use super::words;
use crate::auth::permissions::{ALL, AccountRead, RolesRead};
use crate::auth::{Own, Scope};
use crate::error::{Error, Result};
use crate::html::Nav;
use crate::html::button::{link, primary};
use crate::html::field::{Opts, choice_field, text_field};
use crate::html::form::{fieldset, form_foot};
use crate::html::parts::{Head, Tone, page_head, pill, section};
use crate::html::table::{acts, column, table};
use crate::ids::UserId;
use crate::input::Input;
use crate::places;
use crate::roles::why::{self, Check};
use crate::web::{Cx, Response, response};
use maud::{Markup, html};

pub fn own(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    let query = &cx.request.query;
    let checks = match query.get("permission") {
        "" => None,
        _ => Some(cx.db.read(|db| {
            why::explain(db, &cx.actor, &why::question(db, &cx.actor, cx.actor.user, query)?)
        })?),
    };
    let lede = "Every condition in its order: what holds, what does not, and what decided.";
    let body = html! {
        (page_head("Why can’t I?", Head { lede, ..Head::default() }))
        div.stack { (answer(checks.as_deref())) (form("/account/why", query, None)) }
    };
    Ok(cx.page(Nav::Elsewhere, "Why can’t I?", &[("Account", "/account".to_owned())], body))
}

/// The same about somebody within reach.
pub fn others(cx: &Cx, scope: &Scope<RolesRead>) -> Result<Response> {
    let query = &cx.request.query;
    if query.get("user").is_empty() {
        return Ok(response::redirect("/account/why"));
    }
    let user: UserId = query.get("user").parse().map_err(|_| Error::NotFound)?;
    let (person, checks) = cx.db.read(|db| {
        let person = places::user(db, scope, user)?;
        let checks = match query.get("permission") {
            "" => None,
            _ => Some(why::explain(db, &cx.actor, &why::question(db, &cx.actor, user, query)?)?),
        };
        Ok((person, checks))
    })?;
    let title = format!("Why can’t {}?", person.name);
    let lede = "Every condition in its order: what holds, what does not, and what decided.";
    let body = html! {
        (page_head(&title, Head { lede, ..Head::default() }))
        div.stack { (answer(checks.as_deref())) (form("/access/why", query, Some(user))) }
    };
    let trail = [(person.name.as_str(), format!("/users/{user}/access"))];
    Ok(cx.page(Nav::Users, &title, &trail, body))
}

fn answer(checks: Option<&[Check]>) -> Markup {
    let Some(checks) = checks else { return html! {} };
    let columns = [column("Condition"), column("Holds"), column("What decided"), acts()];
    let rows = html! {
        @for check in checks {
            tr {
                th scope="row" { (check.what) }
                td { @if check.ok { (pill(Tone::Ok, "Yes")) } @else { (pill(Tone::Bad, "No")) } }
                td { (check.text) }
                td.acts { @if let Some(href) = &check.href { (link("Change…", href).small().about(check.what)) } }
            }
        }
    };
    let outcome = if checks.iter().all(|check| check.ok) {
        "All of it holds: it can be done."
    } else {
        "What says No stands in the way."
    };
    section(outcome, None, table("Conditions", &columns, rows))
}

fn form(action: &str, query: &Input, user: Option<UserId>) -> Markup {
    let mut choices = vec![("", "Choose what you want to do")];
    let named = |name: &str| {
        let (head, rest) = name.split_once('.').unwrap_or((name, ""));
        format!("{}: {}", words(head), words(rest).to_lowercase())
    };
    let names: Vec<(&str, String)> = ALL.iter().map(|(name, _)| (*name, named(name))).collect();
    choices.extend(names.iter().map(|(name, text)| (*name, text.as_str())));
    let half = Opts { width: 3, ..Opts::default() };
    html! {
        form method="get" action=(action) {
            @if let Some(user) = user { input type="hidden" name="user" value=(user); }
            div.form { (fieldset("Ask", "", html! {
                (choice_field(query, &[], "permission", "Permission", &choices, half))
                (text_field(query, &[], "customer", "Customer", Opts { hint: "Its code, like AD. Empty: your own.", optional: true, ..half }))
                (text_field(query, &[], "service", "Service", Opts { hint: "Its code, as on the services page.", optional: true, ..half }))
                (text_field(query, &[], "to", "Done to the user", Opts { hint: "Their sign-in name.", optional: true, ..half }))
            })) }
            (form_foot(html! { (primary("Explain")) }))
        }
    }
}
