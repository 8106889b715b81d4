//! What the memory knows, what of it would come back, then the act.

use super::{Rehired, rehire as take_up, remembered};
use crate::auth::permissions::{RolesGrant, UsersDeprovision};
use crate::auth::{Permission, Scope};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{cancel, primary};
use crate::html::form::{complaints_flash, form_foot, hidden, post_form};
use crate::html::parts::{card, facts};
use crate::html::text;
use crate::ids::UserId;
use crate::places::{self, UserTab};
use crate::web::{Cx, Response};
use maud::{Markup, html};

pub fn ask(cx: &Cx, scope: &Scope<UsersDeprovision>) -> Result<Response> {
    page(cx, scope, None, &[])
}

pub fn rehire(cx: &Cx, scope: &Scope<UsersDeprovision>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let sure = cx.input()?.get("sure") == "1";
    match take_up(cx.app, &cx.actor, scope, id, !sure, &|| cx.again_for(RolesGrant::NAME)) {
        Ok(seen) if !sure => page(cx, scope, Some(&seen), &[]),
        Ok(done) => {
            let mut said = "Back, and active.".to_owned();
            if !done.left_out.is_empty() {
                said = format!("{said} Left out: {}", done.left_out.join(" "));
            }
            Ok(cx.done(format!("/users/{id}"), &said))
        }
        Err(Error::Invalid(all)) => page(cx, scope, None, &all),
        Err(err) => Err(err),
    }
}

fn page(
    cx: &Cx,
    scope: &Scope<UsersDeprovision>,
    seen: Option<&Rehired>,
    complaints: &[Complaint],
) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let (person, memory) =
        cx.db.read(|db| Ok((places::user(db, scope, id)?, remembered(db, scope, id)?)))?;
    let lines = |all: &[String]| html! { @for each in all { div { (each) } } };
    let mut list: Vec<(&str, Markup)> = Vec::new();
    match (seen, &memory) {
        (Some(seen), _) => {
            list.push((
                "Comes back",
                if seen.back.is_empty() {
                    html! { "The account alone" }
                } else {
                    lines(&seen.back)
                },
            ));
            if !seen.left_out.is_empty() {
                list.push(("Left out", lines(&seen.left_out)));
            }
        }
        (None, Some((at, memory))) => {
            list.push(("Remembered", text::when(*at, &cx.actor.zone, cx.db.now())));
            let services: Vec<String> =
                memory.services.iter().map(|had| had.name.clone()).collect();
            let roles: Vec<String> = memory.roles.iter().map(|had| had.role.clone()).collect();
            if !services.is_empty() {
                list.push(("Services", lines(&services)));
            }
            if !roles.is_empty() {
                list.push(("Roles", lines(&roles)));
            }
        }
        (None, None) => list.push(("Remembered", html! { "Nothing" })),
    }
    let back = format!("/users/{id}");
    let form = html! {
        @if seen.is_some() { (hidden("sure", "1")) }
        (form_foot(html! {
            (primary(if seen.is_some() { "Rehire" } else { "Show what comes back" })) (cancel(&back))
        }))
    };
    let body = html! {
        (complaints_flash(complaints, &[]))
        (card(&format!("Rehire {}?", person.name), None, html! {
            div.stack {
                p { "The account is active again, with names and addresses as they are. Billing begins anew." }
                (facts(&list))
                (post_form(&cx.csrf, &format!("{back}/rehire"), form))
            }
        }))
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::user_page(cx, &person, UserTab::Profile, status, html! {}, body))
}
