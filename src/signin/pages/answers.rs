//! Pages that a mailed link opens and that need one press of a button: programs that guard mailboxes
//! open every link they see.

use super::links::ended;
use super::{alone, code_field, ready};
use crate::auth::{self, Purpose};
use crate::error::{Complaint, Error, Result};
use crate::html::button::primary;
use crate::html::field::{Opts, text_field};
use crate::html::form::{complaints_flash, post_form};
use crate::input::Input;
use crate::secret::Secret;
use crate::signin::{link_by_code, others};
use crate::web::{App, Request, Response, response, same_site};
use maud::{Markup, html};

pub fn show_verify(app: &App, request: &Request) -> Result<Response> {
    ready(app, request)?;
    match app.db.read(|db| others::who_asks(db, token(request, Purpose::Verify))) {
        Ok(name) => {
            let say =
                format!("Press the button only if you are speaking with {name} at this moment.");
            let verb = format!("Yes, I am speaking with {name}");
            question(app, request, "Is it you?", &say, &verb)
        }
        Err(Error::NotFound) => ended(app),
        Err(err) => Err(err),
    }
}

pub fn verify(app: &App, request: &Request) -> Result<Response> {
    ready(app, request)?;
    same_site(app, request)?;
    match others::say_yes(app, token(request, Purpose::Verify)) {
        Ok(name) => {
            thanks(app, &format!("{name} can see now that it is you. You can close this page."))
        }
        Err(Error::NotFound) => ended(app),
        Err(err) => Err(err),
    }
}

pub fn show_recovery(app: &App, request: &Request) -> Result<Response> {
    ready(app, request)?;
    let found = app
        .db
        .read(|db| auth::link(db, Purpose::Recovery, token(request, Purpose::Recovery), None));
    match found {
        Ok(_) => {
            let say = "Links for a forgotten password can then go to this address.";
            question(app, request, "Is this address yours?", say, "Yes, it is mine")
        }
        Err(Error::NotFound) => ended(app),
        Err(err) => Err(err),
    }
}

pub fn recovery(app: &App, request: &Request) -> Result<Response> {
    ready(app, request)?;
    same_site(app, request)?;
    match others::prove_address(app, token(request, Purpose::Recovery)) {
        Ok(()) => thanks(app, "The address counts from now on. You can close this page."),
        Err(Error::NotFound) => ended(app),
        Err(err) => Err(err),
    }
}

/// A new password without a mailbox: by the name, a code of the device and a recovery code.
pub fn show_by_code(app: &App, request: &Request) -> Result<Response> {
    ready(app, request)?;
    by_code_page(app, 200, &Input::default(), &[])
}

pub fn by_code(app: &App, request: &Request) -> Result<Response> {
    ready(app, request)?;
    same_site(app, request)?;
    let input = request.input()?;
    let codes = [&Secret::new(input.get("code")), &Secret::new(input.get("recovery"))];
    match link_by_code(app, request, input.get("login"), codes) {
        Ok(path) => Ok(response::redirect(path.reveal())),
        Err(Error::Invalid(complaints)) => by_code_page(app, 422, &input, &complaints),
        Err(err) => Err(err),
    }
}

fn by_code_page(
    app: &App,
    status: u16,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let name = Opts { autocomplete: "username", ..Opts::default() };
    let spare = Opts { autocomplete: "off", ltr: true, most: Some(20), ..Opts::default() };
    let body = html! {
        div.panel.stack {
            h1 { "Set a new password with codes" }
            p.muted { "A code of your device and one of your recovery codes, where your company allows it." }
            (complaints_flash(complaints, &[]))
            (post_form("", "/reset-by-code", html! {
                div.stack {
                    (text_field(input, &[], "login", "Sign-in name or email", name))
                    (code_field(&[]))
                    (text_field(&Input::default(), &[], "recovery", "Recovery code", spare))
                    (primary("Go on").wide())
                }
            }))
            p.small { a href="/sign-in" { "Back to sign-in" } }
        }
    };
    alone(app, status, "Set a new password with codes", body)
}

fn question(app: &App, request: &Request, title: &str, say: &str, verb: &str) -> Result<Response> {
    let form: Markup = post_form("", &request.path, html! { (primary(verb).wide()) });
    let body = html! { div.panel.stack { h1 { (title) } p { (say) } (form) } };
    alone(app, 200, title, body)
}

fn thanks(app: &App, say: &str) -> Result<Response> {
    alone(app, 200, "Thank you", html! { div.panel.stack { h1 { "Thank you" } p { (say) } } })
}

fn token(request: &Request, purpose: Purpose) -> &str {
    request.path.strip_prefix(purpose.place()).unwrap_or_default()
}
