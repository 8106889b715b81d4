//! Sign-in in its steps, sign-out, forgotten passwords. They work without JavaScript; those before
//! there is a session are public.

pub mod answers;
pub mod links;
pub mod others;

use super::cookies::{ended, enter};
use super::{forgot, give_code, own_path, prove, sign_in, store};
use crate::auth::Own;
use crate::auth::permissions::AccountRead;
use crate::error::{Complaint, Error, Result};
use crate::html;
use crate::html::Nav;
use crate::html::button::primary;
use crate::html::field::{Opts, text_field};
use crate::html::form::{complaints_flash, hidden, post_form};
use crate::html::parts::{Tone, flash};
use crate::input::Input;
use crate::secret::Secret;
use crate::web::{App, Cx, Request, Response, again, response, same_site};
use maud::{Markup, html};

pub fn new(app: &App, request: &Request) -> Result<Response> {
    ready(app, request)?;
    let told = match request.query.get("done") {
        "setup" => Some("Portico is set up. Sign in to go on."),
        "password" => Some("Your password is set. Sign in with it."),
        "out" => Some("You are signed out."),
        "reset" => Some("If this account can be reset, a link is on its way."),
        _ => None,
    };
    sign_in_page(app, 200, &request.query, told, &[])
}

pub fn create(app: &App, request: &Request) -> Result<Response> {
    ready(app, request)?;
    same_site(app, request)?;
    let input = request.input()?;
    let password = Secret::new(input.get("password"));
    match sign_in(app, request, input.get("login"), &password) {
        Ok(entered) => Ok(enter(request, &entered, own_path(input.get("to")))),
        Err(Error::Invalid(complaints)) => sign_in_page(app, 422, &input, None, &complaints),
        Err(err) => Err(err),
    }
}

pub fn destroy(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    if let Some(session) = &cx.session {
        cx.db.write(own.by, |tx| session.end(tx))?;
    }
    Ok(response::redirect("/sign-in?done=out").with("Set-Cookie", ended(cx.request)))
}

pub fn forgotten(app: &App, request: &Request) -> Result<Response> {
    ready(app, request)?;
    let by_code = app.db.read(store::somebody_resets_by_code)?;
    let body = html! {
        div.panel.stack {
            h1 { "Set a new password" }
            p.muted { "A link goes to the address that is on file for your account." }
            (post_form("", "/reset", html! {
                div.stack {
                    (text_field(&request.query, &[], "login", "Sign-in name or email", Opts { autocomplete: "username", autofocus: true, ..Opts::default() }))
                    (primary("Send link").wide())
                }
            }))
            @if by_code { p.small { a href="/reset-by-code" { "Without your mailbox: use your codes" } } }
            p.small { a href="/sign-in" { "Back to sign-in" } }
        }
    };
    alone(app, 200, "Set a new password", body)
}

pub fn ask_for_link(app: &App, request: &Request) -> Result<Response> {
    ready(app, request)?;
    same_site(app, request)?;
    forgot(app, request, request.input()?.get("login"))?;
    Ok(response::redirect("/sign-in?done=reset"))
}

/// The second step: the code of whoever has a second factor.
pub fn show_code(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    Ok(code_page(cx, 200, &cx.request.query, &[]))
}

pub fn take_code(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    let input = cx.input()?;
    match give_code(cx, &Secret::new(input.get("code"))) {
        Ok(entered) => Ok(enter(cx.request, &entered, own_path(input.get("to")))),
        Err(Error::Invalid(complaints)) => Ok(code_page(cx, 422, &input, &complaints)),
        Err(err) => Err(err),
    }
}

fn code_page(cx: &Cx, status: u16, input: &Input, complaints: &[Complaint]) -> Response {
    let body = html! {
        h1 { "Your code" }
        p.muted { "Six digits from your authenticator app. Without your device, one of your recovery codes." }
        (post_form(&cx.csrf, "/sign-in/code", html! {
            (hidden("to", own_path(input.get("to"))))
            div.stack {
                (code_field(complaints))
                (primary("Go on").wide())
            }
        }))
    };
    cx.page_with(status, Nav::Elsewhere, "Your code", &[], body)
}

/// Where a code of six digits or a recovery code is typed.
pub fn code_field(complaints: &[Complaint]) -> Markup {
    let opts = Opts {
        autocomplete: "one-time-code",
        autofocus: true,
        ltr: true,
        most: Some(20),
        ..Opts::default()
    };
    text_field(&Input::default(), complaints, "code", "Code", opts)
}

/// Asks for the password once more.
pub fn show_again(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    let mut input = Input::default();
    input.set(again::TO, own_path(cx.request.query.get(again::TO)));
    Ok(cx.again_page(200, &input, &[]))
}

pub fn give_again(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let mut input = cx.input()?;
    let to = own_path(input.get(again::TO)).to_owned();
    let password = Secret::new(input.get(again::PASSWORD));
    if !prove(cx, &password)? {
        let wrong = [Complaint::new(again::PASSWORD, "is not the current password")];
        input.set(again::TO, &to);
        return Ok(cx.again_page(422, &input, &wrong));
    }
    if let Some(session) = &cx.session {
        cx.db.write(own.by, |tx| session.prove(tx))?;
    }
    cx.go_on(&to, &input)
}

fn sign_in_page(
    app: &App,
    status: u16,
    input: &Input,
    told: Option<&str>,
    complaints: &[Complaint],
) -> Result<Response> {
    let body = html! {
        div.panel.stack {
            h1 { "Sign in" }
            @if let Some(told) = told { (flash(Tone::Ok, html! { (told) }, None)) }
            (complaints_flash(complaints, &[]))
            (post_form("", "/sign-in", html! {
                @if !input.get("to").is_empty() { (hidden("to", input.get("to"))) }
                div.stack {
                    (text_field(input, &[], "login", "Sign-in name or email", Opts {
                        autocomplete: "username", autofocus: true, ..Opts::default()
                    }))
                    (text_field(input, &[], "password", "Password", Opts {
                        kind: "password", autocomplete: "current-password", ..Opts::default()
                    }))
                    (primary("Sign in").wide())
                }
            }))
            p.small { a href="/reset" { "Forgot your password?" } }
        }
    };
    alone(app, status, "Sign in", body)
}

/// Nobody can sign in before there is somebody, nor under a name that is not ours.
fn ready(app: &App, request: &Request) -> Result<()> {
    let settings = app.settings()?;
    if !settings.set_up {
        return Err(Error::NotSetUp);
    }
    app.own_host(request, &settings)
}

fn alone(app: &App, status: u16, title: &str, body: Markup) -> Result<Response> {
    let foot = app.settings()?.organisation.clone();
    Ok(response::html(status, html::alone(title, false, foot.as_str(), body)))
}
