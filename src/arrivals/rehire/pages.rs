//! What the memory knows, what of it would come back and how, then the act.

use super::{Choice, Rehired, held, rehire as take_up, remembered};
use crate::auth::permissions::{RolesGrant, UsersDeprovision};
use crate::auth::{Permission, Scope};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{cancel, primary};
use crate::html::field::{Opts, choice_field, text_field};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{card, facts};
use crate::html::text;
use crate::ids::UserId;
use crate::input::Input;
use crate::places::{self, UserTab};
use crate::users::consent;
use crate::users::memory::Memory;
use crate::web::{Cx, Response};
use maud::{Markup, html};

pub fn ask(cx: &Cx, scope: &Scope<UsersDeprovision>) -> Result<Response> {
    page(cx, scope, None, &[])
}

pub fn rehire(cx: &Cx, scope: &Scope<UsersDeprovision>) -> Result<Response> {
    let (id, mut input): (UserId, Input) = (cx.param("id")?, cx.input()?);
    let sure = input.get("sure") == "1";
    input.remove("sure");
    let again = || cx.again_for(RolesGrant::NAME);
    let actor = cx.actor.agreed_to();
    let tried = match sure {
        true => match held(cx, scope, id, &input, &again) {
            Ok(Some(_)) => return Ok(consent::told(cx)),
            Ok(None) => take_up(cx.app, &actor, scope, id, &input, false, &again),
            Err(err) => Err(err),
        },
        false => take_up(cx.app, &actor, scope, id, &input, true, &again),
    };
    match tried {
        Ok(seen) if !sure => page(cx, scope, Some(&seen), &[]),
        Ok(done) => {
            let mut said = "Back, and active.".to_owned();
            if !done.not_possible.is_empty() {
                said = format!("{said} Not possible: {}", done.not_possible.join(" "));
            }
            Ok(cx.done(format!("/users/{id}"), &said))
        }
        Err(Error::Invalid(all)) => {
            // Without what was chosen wrongly, to show the rest with it.
            let none = Input::default();
            let seen = take_up(cx.app, &actor, scope, id, &none, true, &again).ok();
            let seen = seen.map(|seen| with_chosen(seen, &input));
            page(cx, scope, seen.as_ref(), &all)
        }
        Err(err) => Err(err),
    }
}

fn with_chosen(mut seen: Rehired, input: &Input) -> Rehired {
    for choice in &mut seen.choices {
        choice.chosen = input.get(&format!("choices.{}", choice.key)).to_owned();
    }
    seen
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
    let back = format!("/users/{id}");
    let offered = seen.map_or(&[][..], |seen| seen.choices.as_slice());
    let named: Vec<(String, &str)> =
        offered.iter().map(|each| (format!("choices.{}", each.key), each.text.as_str())).collect();
    let labels: Vec<(&str, &str)> =
        named.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let list = match (seen, &memory) {
        (Some(seen), _) => {
            let alone = || vec!["The account alone".to_owned()];
            let mut list = vec![(
                "Back as it was",
                lines(if seen.back.is_empty() { alone() } else { seen.back.clone() }),
            )];
            if !seen.not_possible.is_empty() {
                list.push(("Not possible", lines(seen.not_possible.clone())));
            }
            list
        }
        (None, Some((at, memory))) => known(cx, *at, memory),
        (None, None) => vec![("Remembered", html! { "Nothing" })],
    };
    let form = html! {
        @if let Some(seen) = seen {
            (hidden("sure", "1"))
            @if !seen.choices.is_empty() { div.form { (choices(&seen.choices, complaints)) } }
        }
        (form_foot(html! {
            (primary(if seen.is_some() { "Rehire" } else { "Show what comes back" })) (cancel(&back))
        }))
    };
    let body = html! {
        (complaints_flash(complaints, &labels))
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

fn lines(all: Vec<String>) -> Markup {
    html! { @for each in &all { div { (each) } } }
}

fn known(cx: &Cx, at: crate::time::Instant, memory: &Memory) -> Vec<(&'static str, Markup)> {
    let mut list = vec![("Remembered", text::when(at, &cx.actor.zone, cx.db.now()))];
    let services: Vec<String> = memory.services.iter().map(|had| had.name.clone()).collect();
    let roles: Vec<String> = memory.roles.iter().map(|had| had.role.clone()).collect();
    if !services.is_empty() {
        list.push(("Services", lines(services)));
    }
    if !roles.is_empty() {
        list.push(("Roles", lines(roles)));
    }
    list
}

/// A field for each thing that cannot be as it was.
fn choices(all: &[Choice], complaints: &[Complaint]) -> Markup {
    let body = html! {
        @for choice in all {
            @let name = format!("choices.{}", choice.key);
            @let mut input = Input::default();
            @let () = input.set(&name, &choice.chosen);
            @let opts = Opts { width: 3, hint: &choice.why, ..Opts::default() };
            @if choice.options.is_empty() {
                (text_field(&input, complaints, &name, &choice.text, Opts { ltr: true, optional: true, ..opts }))
            } @else {
                (choice_field(&input, complaints, &name, &choice.text, &choice.options, opts))
            }
        }
    };
    fieldset("Back with a choice", "What cannot be as it was.", body)
}
