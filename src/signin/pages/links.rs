//! Links that set a password: sent or shown by those who look after people, used by their owners.

use super::{alone, code_field, ready};
use crate::auth::factor::has_factor;
use crate::auth::permissions::UsersPassword;
use crate::auth::{self, Purpose, Scope};
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
use crate::signin::{outside, rules, send, set_by_link, store};
use crate::web::{App, Cx, Request, Response, browser_cookie, response, same_site};
use maud::html;

const ENDED: &str = "This link is no longer valid. Ask for a new one.";

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
        _ => (
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
    password_page(app, request, purpose, 200, &[])
}

fn use_link(app: &App, request: &Request, purpose: Purpose) -> Result<Response> {
    ready(app, request)?;
    same_site(app, request)?;
    let input = request.input()?;
    let typed = (&Secret::new(input.get("password")), &Secret::new(input.get("code")));
    match set_by_link(app, request, purpose, token(request, purpose), typed) {
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
    let browser = request.cookie(browser_cookie(request));
    let found = app.db.read(|db| {
        let link = auth::link(db, purpose, token(request, purpose), browser)?;
        let home = store::home(db, link.user)?;
        Ok((has_factor(db, link.user)?, rules(db, home)?, outside::hint(db, home, link.user)?))
    });
    let (enrolled, rules, besides) = match found {
        Err(Error::NotFound) => return ended(app),
        other => other?,
    };
    let title = match purpose {
        Purpose::Welcome => "Choose a password",
        _ => "Set a new password",
    };
    let hint = format!("At least {} characters. A sentence is fine.{besides}", rules.length);
    let opts = Opts {
        kind: "password",
        autocomplete: "new-password",
        autofocus: true,
        hint: &hint,
        ..Opts::default()
    };
    let body = html! {
        div.panel.stack {
            h1 { (title) }
            (post_form("", &request.path, html! {
                div.stack {
                    (text_field(&Input::default(), complaints, "password", "New password", opts))
                    @if enrolled { (code_field(complaints)) }
                    (primary("Set password").wide())
                }
            }))
        }
    };
    alone(app, status, title, body)
}

pub fn ended(app: &App) -> Result<Response> {
    let body = html! {
        div.panel.stack {
            h1 { "Link ended" }
            p { (ENDED) }
            p { (link("Ask for a new link", "/reset").wide()) }
        }
    };
    alone(app, 404, "Link ended", body)
}
