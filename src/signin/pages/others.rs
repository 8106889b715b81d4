//! How the sign-in of somebody else stands, and what may be done about it.

use crate::auth::permissions::{UsersDisable, UsersMfa, UsersPassword, UsersRead};
use crate::auth::{Permission, Scope};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{button, link, primary};
use crate::html::field::{Opts, radio, text_field};
use crate::html::form::{complaints_flash, form_foot, hidden, post_form};
use crate::html::parts::{Tone, card, datagrid, flash, pill};
use crate::html::text::{count, moment};
use crate::ids::UserId;
use crate::input::Input;
use crate::places::{self, UserTab};
use crate::signin::others::{self, Standing, Verification};
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[("reason", "Reason"), ("address", "Address")];

pub fn show(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    page(cx, scope, 200, &Input::default(), &[])
}

pub fn end_sessions(cx: &Cx, scope: &Scope<UsersDisable>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let done = others::end_sessions(cx.db, &cx.actor, scope, id);
    after(cx, id, done, "All sign-ins and links have ended.")
}

pub fn unlock(cx: &Cx, scope: &Scope<UsersDisable>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    after(cx, id, others::unlock(cx.app, &cx.actor, scope, id), "Not locked any more.")
}

pub fn require_password(cx: &Cx, scope: &Scope<UsersPassword>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let done = others::require_password(cx.db, scope, id);
    after(cx, id, done, "The password has to be replaced before anything else.")
}

pub fn let_password_stay(cx: &Cx, scope: &Scope<UsersPassword>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    after(cx, id, others::let_password_stay(cx.db, scope, id, &cx.input()?), "Saved.")
}

pub fn reset_factor(cx: &Cx, scope: &Scope<UsersMfa>) -> Result<Response> {
    cx.again()?;
    let id: UserId = cx.param("id")?;
    let done = others::reset_factor(cx.db, &cx.actor, scope, id, &cx.input()?);
    after(cx, id, done, "The second factor is gone, and every sign-in and API token with it.")
}

/// Says what was done, or shows the page again with what was refused.
fn after(cx: &Cx, id: UserId, done: Result<()>, told: &str) -> Result<Response> {
    match done {
        Ok(()) => Ok(cx.done(format!("/users/{id}/sign-in"), told)),
        Err(Error::Invalid(complaints)) => match cx.actor.scope::<UsersRead>() {
            Ok(scope) => page(cx, &scope, 422, &cx.input()?, &complaints),
            Err(_) => Err(Error::Invalid(complaints)),
        },
        Err(err) => Err(err),
    }
}

fn page(
    cx: &Cx,
    scope: &Scope<UsersRead>,
    status: u16,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let (person, now) =
        cx.db.read(|db| Ok((places::user(db, scope, id)?, others::standing(db, scope, id)?)))?;
    let may_disable = may::<UsersDisable>(cx);
    let body = html! {
        (complaints_flash(complaints, LABELS))
        (standing(cx, &now))
        (card("Do", None, html! {
            div.row {
                @if may_disable {
                    (button("End all sign-ins").posts(&format!("/users/{id}/end-sessions")))
                    @if now.locked_until.is_some() { (button("Unlock").posts(&format!("/users/{id}/unlock"))) }
                }
                @if may::<UsersPassword>(cx) {
                    (button("Require a new password").posts(&format!("/users/{id}/require-password")))
                    (link("Password link…", &format!("/users/{id}/password-link")))
                    (link("Verify identity…", &format!("/users/{id}/verify")))
                }
            }
        }))
        @if may::<UsersPassword>(cx) { (stays(cx, id, &now)) }
        @if now.has_factor && may::<UsersMfa>(cx) && id != cx.actor.user {
            (reset_form(cx, id, input, complaints))
        }
    };
    Ok(places::user_page(cx, &person, UserTab::Access, status, html! {}, body))
}

fn may<P: Permission>(cx: &Cx) -> bool {
    cx.actor.may::<P>()
}

fn standing(cx: &Cx, now: &Standing) -> Markup {
    let zone = &cx.actor.zone;
    let password = match (now.has_password, now.password_due) {
        (false, _) => pill(Tone::Off, "None set"),
        (true, true) => pill(Tone::Wait, "To be replaced"),
        (true, false) => pill(Tone::Ok, "Set"),
    };
    datagrid(&[
        (
            "Lock",
            html! {
                @match now.locked_until {
                    Some(until) => { (pill(Tone::Bad, "Locked")) " until " (moment(until, zone)) },
                    None => "Not locked",
                }
            },
        ),
        (
            "Password",
            html! { (password) @if let Some(at) = now.password_set_at { " " (moment(at, zone)) } },
        ),
        (
            "Second factor",
            if now.has_factor { pill(Tone::Ok, "Set") } else { pill(Tone::Off, "None set") },
        ),
        (
            "Last sign-in",
            html! { @if let Some(at) = now.last_sign_in_at { (moment(at, zone)) } @else { "Never" } },
        ),
        ("Signed in now", html! { (count(now.sign_ins, "browser", "browsers")) }),
    ])
}

fn stays(cx: &Cx, id: UserId, now: &Standing) -> Markup {
    let (verb, value) = match now.password_stays {
        true => ("Let the password end again", "0"),
        false => ("Let the password never end", "1"),
    };
    post_form(
        &cx.csrf,
        &format!("/users/{id}/password-stays"),
        html! { (hidden("password_stays", value)) (button(verb).ghost()) },
    )
}

fn reset_form(cx: &Cx, id: UserId, input: &Input, complaints: &[Complaint]) -> Markup {
    let hint = "5 to 200 characters; the person is told.";
    card(
        "Reset the second factor",
        None,
        post_form(
            &cx.csrf,
            &format!("/users/{id}/reset-factor"),
            html! {
                div.stack {
                    p { "For somebody who lost the device. Recovery codes, API tokens and sign-ins end with it." }
                    (text_field(input, complaints, "reason", "Reason", Opts { hint, most: Some(200), ..Opts::default() }))
                    div.row { (button("Reset the second factor").danger()) }
                }
            },
        ),
    )
}

/// Asks by mail whether it is they who are on the telephone.
pub fn verify(cx: &Cx, scope: &Scope<UsersPassword>) -> Result<Response> {
    verify_page(cx, scope, 200, &[])
}

pub fn ask_who(cx: &Cx, scope: &Scope<UsersPassword>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    match others::ask_who(cx.app, scope, id, &cx.input()?) {
        Ok(()) => Ok(cx.done(format!("/users/{id}/verify"), "The mail is on its way.")),
        Err(Error::Invalid(complaints)) => verify_page(cx, scope, 422, &complaints),
        Err(err) => Err(err),
    }
}

/// The part that turns green when the person has pressed the button.
pub fn verify_live(cx: &Cx, scope: &Scope<UsersPassword>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let asked = cx.db.read(|db| others::asked(db, scope, id))?;
    Ok(crate::web::response::html(200, answer(cx, id, asked.as_ref())))
}

fn verify_page(
    cx: &Cx,
    scope: &Scope<UsersPassword>,
    status: u16,
    complaints: &[Complaint],
) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let (person, addresses, asked) = cx.db.read(|db| {
        let addresses = others::masked_addresses(db, scope, id)?;
        Ok((places::user(db, scope, id)?, addresses, others::asked(db, scope, id)?))
    })?;
    let mut first = Input::default();
    first.set("address", 0);
    let body = html! {
        (complaints_flash(complaints, LABELS))
        (answer(cx, id, asked.as_ref()))
        (card("Is it really them?", None, html! {
            @if addresses.is_empty() {
                p { (person.name) " has no address a link could go to." }
            } @else {
                (post_form(&cx.csrf, &format!("/users/{id}/verify"), html! {
                    p { "A mail with one button goes to an address on file. No secret is spoken." }
                    div.stack {
                        @for (place, address) in addresses.iter().enumerate() {
                            (radio(&first, "address", &place.to_string(), address, ""))
                        }
                    }
                    (form_foot(html! { (primary("Send")) (crate::html::button::cancel(&format!("/users/{id}/sign-in"))) }))
                }))
            }
        }))
    };
    Ok(places::user_page(cx, &person, UserTab::Access, status, html! {}, body))
}

fn answer(cx: &Cx, id: UserId, asked: Option<&Verification>) -> Markup {
    let live = format!("/users/{id}/verify/live");
    html! {
        @match asked {
            Some(Verification { verified_at: Some(at), address, .. }) => div id="verified" {
                (flash(Tone::Ok, html! { b { "Verified." } " " (address) " answered at " (moment(*at, &cx.actor.zone)) "." }, None))
            },
            Some(Verification { address, .. }) => div id="verified" hx-get=(live) hx-trigger="every 3s" hx-swap="outerHTML" {
                (flash(Tone::Wait, html! { "Waiting for an answer from " (address) ". Load the page again to see it." }, None))
            },
            None => div id="verified" {},
        }
    }
}
