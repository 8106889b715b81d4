//! Sign-in, sign-out, forgotten passwords, links. They work without JavaScript and without a session.

use super::{forgot, own_path, prove, send, set_by_link, sign_in};
use crate::auth::permissions::{AccountRead, UsersPassword};
use crate::auth::{self, Own, Purpose, Scope};
use crate::error::{Complaint, Error, Result};
use crate::html;
use crate::html::button::{cancel, link, primary};
use crate::html::field::{Opts, text_field};
use crate::html::form::{complaints_flash, hidden, post_form};
use crate::html::parts::{Tone, card, flash};
use crate::html::text;
use crate::ids::UserId;
use crate::input::Input;
use crate::mail::texts;
use crate::places::{self, UserTab};
use crate::secret::Secret;
use crate::web::{App, Cx, Request, Response, again, cookie_name, response, same_site};
use maud::{Markup, html};

const ENDED: &str = "This link is no longer valid. Ask for a new one.";

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
        Ok(token) => {
            let cookie = session_cookie(request, token.reveal(), "");
            Ok(response::redirect(own_path(input.get("to"))).with("Set-Cookie", cookie))
        }
        Err(Error::Invalid(complaints)) => sign_in_page(app, 422, &input, None, &complaints),
        Err(err) => Err(err),
    }
}

pub fn destroy(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    if let Some(session) = &cx.session {
        cx.db.write(own.by, |tx| session.end(tx))?;
    }
    let gone = session_cookie(cx.request, "", "; Max-Age=0");
    Ok(response::redirect("/sign-in?done=out").with("Set-Cookie", gone))
}

pub fn forgotten(app: &App, request: &Request) -> Result<Response> {
    ready(app, request)?;
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

pub fn show_reset(app: &App, request: &Request) -> Result<Response> {
    show_link(app, request, Purpose::Password)
}

pub fn reset(app: &App, request: &Request) -> Result<Response> {
    use_link(app, request, Purpose::Password)
}

pub fn show_welcome(app: &App, request: &Request) -> Result<Response> {
    show_link(app, request, Purpose::Welcome)
}

pub fn welcome(app: &App, request: &Request) -> Result<Response> {
    use_link(app, request, Purpose::Welcome)
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

/// The question before a link is sent or shown.
pub fn link_question(cx: &Cx, scope: &Scope<UsersPassword>) -> Result<Response> {
    question(cx, scope, Purpose::Password, 200, &[])
}

pub fn welcome_question(cx: &Cx, scope: &Scope<UsersPassword>) -> Result<Response> {
    question(cx, scope, Purpose::Welcome, 200, &[])
}

pub fn send_link(cx: &Cx, scope: &Scope<UsersPassword>) -> Result<Response> {
    send_or_show(cx, scope, Purpose::Password)
}

pub fn send_welcome(cx: &Cx, scope: &Scope<UsersPassword>) -> Result<Response> {
    send_or_show(cx, scope, Purpose::Welcome)
}

fn send_or_show(cx: &Cx, scope: &Scope<UsersPassword>, purpose: Purpose) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let person = cx.db.read(|db| places::user(db, scope, id))?;
    let show = cx.input()?.get("show") == "1";
    if show {
        cx.again()?;
    }
    let sent = match send(cx.app, &cx.actor, scope, id, purpose, show) {
        Err(Error::Invalid(complaints)) => return question(cx, scope, purpose, 422, &complaints),
        other => other?,
    };
    let Some(link) = sent.shown else {
        return Ok(
            cx.done(format!("/users/{id}"), &format!("A link is on its way to {}.", sent.to))
        );
    };
    let body = html! {
        (flash(Tone::Wait, html! {
            b { "Shown this once." } " Hand it to " (person.name) " and to nobody else. It works once, for "
            (text::duration(texts::lifetime(purpose))) "."
        }, None))
        pre.log tabindex="0" { (link.reveal()) }
        p { (html::button::link("Done", &format!("/users/{id}"))) }
    };
    Ok(places::user_page(cx, &person, UserTab::Access, 200, html! {}, body))
}

fn question(
    cx: &Cx,
    scope: &Scope<UsersPassword>,
    purpose: Purpose,
    status: u16,
    complaints: &[Complaint],
) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let (person, to) = cx
        .db
        .read(|db| Ok((places::user(db, scope, id)?, texts::link_address(db, id, purpose)?)))?;
    let (title, verb, what) = match purpose {
        Purpose::Welcome => (
            "Welcome",
            "Send welcome",
            "A mail with the sign-in name and a link for choosing a password.",
        ),
        Purpose::Password => (
            "Password link",
            "Send link",
            "A mail with a link for choosing a new password. The present one works until then.",
        ),
    };
    let at = &cx.request.path;
    let body = html! {
        (complaints_flash(complaints, &[]))
        (card(title, None, html! {
            div.stack {
                p { (what) }
                @match &to {
                    Some(to) => {
                        p { "It goes to " b { (to) } "." }
                        (post_form(&cx.csrf, at, html! { (primary(verb)) }))
                    }
                    None => p { (person.name) " has no address a link could go to." },
                }
            }
        }))
        (card("Without a mailbox", None, html! {
            div.stack {
                p { "The link is shown here once, to be handed over in person." }
                (post_form(&cx.csrf, at, html! {
                    (hidden("show", "1")) (html::button::button("Show link once"))
                }))
            }
        }))
        p { (cancel(&format!("/users/{id}"))) }
    };
    Ok(places::user_page(cx, &person, UserTab::Access, status, html! {}, body))
}

fn show_link(app: &App, request: &Request, purpose: Purpose) -> Result<Response> {
    ready(app, request)?;
    match app.db.read(|db| auth::link(db, purpose, token(request, purpose))) {
        Ok(_) => password_page(app, request, purpose, 200, &[]),
        Err(Error::NotFound) => ended(app),
        Err(err) => Err(err),
    }
}

fn use_link(app: &App, request: &Request, purpose: Purpose) -> Result<Response> {
    ready(app, request)?;
    same_site(app, request)?;
    let new = Secret::new(request.input()?.get("password"));
    match set_by_link(app, purpose, token(request, purpose), &new) {
        Ok(()) => Ok(response::redirect("/sign-in?done=password")),
        Err(Error::Invalid(complaints)) => password_page(app, request, purpose, 422, &complaints),
        Err(Error::NotFound) => ended(app),
        Err(err) => Err(err),
    }
}

fn token(request: &Request, purpose: Purpose) -> &str {
    request.path.strip_prefix(purpose.place()).unwrap_or_default()
}

fn password_page(
    app: &App,
    request: &Request,
    purpose: Purpose,
    status: u16,
    complaints: &[Complaint],
) -> Result<Response> {
    let title = match purpose {
        Purpose::Welcome => "Choose a password",
        Purpose::Password => "Set a new password",
    };
    let opts = Opts {
        kind: "password",
        autocomplete: "new-password",
        autofocus: true,
        hint: "At least 12 characters. A sentence is fine.",
        ..Opts::default()
    };
    let body = html! {
        div.panel.stack {
            h1 { (title) }
            (post_form("", &request.path, html! {
                div.stack {
                    (text_field(&Input::default(), complaints, "password", "New password", opts))
                    (primary("Set password").wide())
                }
            }))
        }
    };
    alone(app, status, title, body)
}

fn ended(app: &App) -> Result<Response> {
    let body = html! {
        div.panel.stack {
            h1 { "Link ended" }
            p { (ENDED) }
            p { (link("Ask for a new link", "/reset").wide()) }
        }
    };
    alone(app, 404, "Link ended", body)
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

fn session_cookie(request: &Request, token: &str, more: &str) -> String {
    let secure = if request.secure { "; Secure" } else { "" };
    format!("{}={token}; Path=/; HttpOnly; SameSite=Lax{secure}{more}", cookie_name(request))
}
