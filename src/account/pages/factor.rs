//! One's own second factor.

use super::page;
use crate::account::factor::{self, Factor};
use crate::account::store;
use crate::auth::factor::SharedSecret;
use crate::auth::permissions::AccountRead;
use crate::auth::{Own, Stage};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{button, link, primary};
use crate::html::field::{Opts, text_field};
use crate::html::form::{complaints_flash, hidden, post_form};
use crate::html::parts::{Tone, card, flash};
use crate::html::qr;
use crate::html::text::count;
use crate::input::Input;
use crate::secret::Secret;
use crate::signin::{self, own_path};
use crate::web::{Cx, Response};
use maud::{Markup, html};

pub fn show(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    cx.again()?;
    factor_page(cx, own, 200, &cx.request.query, &[])
}

/// Sets it, and shows the recovery codes this once.
pub fn set(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    cx.again()?;
    let input = cx.input()?;
    let set = factor::offered(cx, input.get("seal"))
        .and_then(|secret| factor::set(cx, &secret, input.get("code")));
    match set {
        Ok((cookie, codes)) => {
            let shown = codes_page(cx, &codes, own_path(input.get("to")));
            Ok(shown.with("Set-Cookie", signin::cookie(cx.request, &cookie)))
        }
        Err(Error::Invalid(complaints)) => factor_page(cx, own, 422, &input, &complaints),
        Err(err) => Err(err),
    }
}

pub fn renew(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    cx.again()?;
    match factor::renew_codes(cx) {
        Ok(codes) => Ok(codes_page(cx, &codes, "/account/factor")),
        Err(Error::Invalid(complaints)) => {
            factor_page(cx, own, 422, &Input::default(), &complaints)
        }
        Err(err) => Err(err),
    }
}

pub fn remove(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    cx.again()?;
    match factor::remove(cx) {
        Ok(()) => Ok(cx.done("/account/factor", "Removed. Other sign-ins have ended.")),
        Err(Error::Invalid(complaints)) => {
            factor_page(cx, own, 422, &Input::default(), &complaints)
        }
        Err(err) => Err(err),
    }
}

fn factor_page(
    cx: &Cx,
    own: &Own<AccountRead>,
    status: u16,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let present = cx.db.read(|db| factor::of(db, cx))?;
    let offered = match factor::offered(cx, input.get("seal")) {
        Ok(secret) => (secret, input.get("seal").to_owned()),
        Err(_) => factor::offer(cx)?,
    };
    let (upn, _) = cx.db.read(|db| store::profile(db, own))?;
    let body = html! {
        @if cx.stage == Stage::Factor { h1 { "Set a second factor" } }
        @if let (Stage::Factor, Some(why)) = (cx.stage, &cx.actor.requires_factor) {
            p { (why) " requires a second factor." }
        }
        (complaints_flash(complaints, &[("code", "Code")]))
        @if present.set { (present_card(cx, &present)) }
        @let title = if present.set { "Another device instead" } else { "Authenticator app" };
        (card(title, None, enrolment(cx, &offered, &upn, own_path(input.get("to")), complaints)))
    };
    Ok(page(cx, status, "Second factor", body))
}

fn present_card(cx: &Cx, present: &Factor) -> Markup {
    let left = count(present.recovery_codes, "recovery code is", "recovery codes are");
    card(
        "Second factor",
        None,
        html! {
            div.stack {
                p { "Signing in asks for a code of your device. " (left) " left." }
                div.row {
                    (button("New recovery codes").posts("/account/factor/codes"))
                    @match &cx.actor.requires_factor {
                        None => (button("Remove").danger_quiet().posts("/account/factor/remove")),
                        Some(why) => span.muted { (why) " requires a second factor." },
                    }
                }
            }
        },
    )
}

fn enrolment(
    cx: &Cx,
    (secret, seal): &(SharedSecret, String),
    upn: &str,
    to: &str,
    complaints: &[Complaint],
) -> Markup {
    let text = secret.text();
    let groups: Vec<&str> =
        (0..text.len()).step_by(4).filter_map(|at| text.get(at..at + 4)).collect();
    let address = secret.address(&cx.settings.organisation, upn);
    let opts = Opts {
        autocomplete: "one-time-code",
        ltr: true,
        most: Some(20),
        width: 3,
        hint: "The six digits that the app shows now.",
        ..Opts::default()
    };
    html! {
        div.stack {
            p { "Read this picture with an authenticator app on your phone, or type the secret into it." }
            (qr::picture(&address, "Secret of the second factor as a picture; it stands below as text"))
            p { span.mono dir="ltr" id="factor-secret" { (groups.join(" ")) } }
            (post_form(&cx.csrf, "/account/factor", html! {
                (hidden("seal", seal)) (hidden("to", to))
                div.stack {
                    (text_field(&Input::default(), complaints, "code", "Code", opts))
                    div.row { (primary("Turn on")) }
                }
            }))
        }
    }
}

fn codes_page(cx: &Cx, codes: &[Secret], to: &str) -> Response {
    let body = html! {
        @if cx.stage == Stage::Factor { h1 { "Recovery codes" } }
        (flash(Tone::Wait, html! {
            b { "Keep these codes somewhere safe." }
            " Each signs you in once without your device. They are shown this once."
        }, None))
        pre.log tabindex="0" dir="ltr" {
            @for code in codes { (halves(code.reveal())) "\n" }
        }
        p { (link("Done", to).primary()) }
    };
    page(cx, 200, "Second factor", body)
}

fn halves(code: &str) -> String {
    code.split_at_checked(5).map_or_else(|| code.to_owned(), |(a, b)| format!("{a}-{b}"))
}
