//! The page that sets an empty installation up, for whoever reads the console. Without the code, and
//! from then on, there is no such page.

use crate::db::Via;
use crate::error::{Complaint, Error, Result};
use crate::html;
use crate::html::button::primary;
use crate::html::field::{Opts, text_field};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{Head, page_head};
use crate::input::Input;
use crate::secret;
use crate::web::throttle::Limit;
use crate::web::{App, Request, Response, network, response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[
    ("organisation", "Company name"),
    ("code", "Code"),
    ("domain", "Domain"),
    ("currency", "Currency"),
    ("time_zone", "Time zone"),
    ("base_url", "Address of this installation"),
    ("name", "Full name"),
    ("upn", "Sign-in name"),
    ("password", "Password"),
];

const TRIES: Limit = Limit { tries: 20, seconds: 600 };

pub fn show(app: &App, request: &Request) -> Result<Response> {
    let code = request.query.get("code");
    admit(app, request, code)?;
    let mut input = Input::default();
    input.set("currency", "EUR");
    input.set("time_zone", "Europe/Amsterdam");
    Ok(page(200, code, &input, &[]))
}

pub fn create(app: &App, request: &Request) -> Result<Response> {
    crate::web::same_site(app, request)?;
    let mut input = request.input()?;
    let code = input.get("setup_code").to_owned();
    admit(app, request, &code)?;
    input.remove("setup_code");
    match super::run(&app.db, &app.hasher, Via::Page, &input) {
        Ok(_) => Ok(response::redirect("/sign-in?done=setup")),
        Err(Error::Invalid(complaints)) => Ok(page(422, &code, &input, &complaints)),
        Err(err) => Err(err),
    }
}

/// Lets in whoever knows the code of this start, while there is something to set up.
fn admit(app: &App, request: &Request, code: &str) -> Result<()> {
    app.count(&format!("setup {}", network(request)), TRIES)?;
    let known = secret::same(code.as_bytes(), app.setup_code.reveal().as_bytes());
    if known && !app.settings()?.set_up { Ok(()) } else { Err(Error::NotFound) }
}

fn page(status: u16, code: &str, input: &Input, complaints: &[Complaint]) -> Response {
    let body = html! {
        div.stack {
            (page_head("Set up Portico", Head {
                lede: "This page works once, from the address printed on the console. It closes when the first administrator exists.",
                ..Head::default()
            }))
            (complaints_flash(complaints, LABELS))
            div.panel {
                (post_form("", "/setup", html! {
                    (hidden("setup_code", code))
                    div.form { (company(input, complaints)) (administrator(input, complaints)) }
                    (form_foot(html! { (primary("Set up")) }))
                }))
            }
        }
    };
    response::html(status, html::alone("Set up Portico", true, "Portico", body))
}

fn company(input: &Input, complaints: &[Complaint]) -> Markup {
    let field = |name, label, opts| text_field(input, complaints, name, label, opts);
    fieldset(
        "Your company",
        "Shown to customers on invoices and in mails.",
        html! {
            (field("organisation", "Company name", Opts { autocomplete: "organization", autofocus: true, most: Some(100), ..Opts::default() }))
            (field("code", "Code", Opts { width: 3, optional: true, ltr: true, hint: "A few letters. Made from the name when empty.", ..Opts::default() }))
            (field("domain", "Domain", Opts { width: 3, optional: true, ltr: true, hint: "The one of the sign-in name when empty.", ..Opts::default() }))
            (field("currency", "Currency", Opts { width: 3, ltr: true, hint: "Cannot be changed after the first invoice.", ..Opts::default() }))
            (field("time_zone", "Time zone", Opts { width: 3, ltr: true, hint: "Like Europe/Amsterdam.", ..Opts::default() }))
            (field("base_url", "Address of this installation", Opts { optional: true, ltr: true, kind: "url", hint: "What links in mails begin with, like https://portico.example.", ..Opts::default() }))
        },
    )
}

fn administrator(input: &Input, complaints: &[Complaint]) -> Markup {
    let field = |name, label, opts| text_field(input, complaints, name, label, opts);
    fieldset(
        "Administrator",
        "This person can do everything. Add a second one soon.",
        html! {
            (field("name", "Full name", Opts { autocomplete: "name", ..Opts::default() }))
            (field("upn", "Sign-in name", Opts { kind: "email", autocomplete: "username", hint: "A whole address, like name@company.example.", ..Opts::default() }))
            (field("password", "Password", Opts { kind: "password", autocomplete: "new-password", hint: "At least 12 characters. A sentence is fine.", ..Opts::default() }))
        },
    )
}
