//! The form of a connector: first what it reaches, then how.

use super::{show_secret, trail};
use crate::auth::Scope;
use crate::auth::permissions::ConnectorsWrite;
use crate::connectors::credentials;
use crate::connectors::{
    Connector, Kind, Stage, api, as_input, create as make, store, update as change,
};
use crate::drivers::ldap::pipe::Security;
use crate::drivers::script as files;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{cancel, link, primary};
use crate::html::field::{Opts, choice_field, complaint_of, radio, text_field, textarea};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{Head, card, page_head};
use crate::ids::CustomerId;
use crate::input::Input;
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[
    ("name", "Name"),
    ("stage", "Stage"),
    ("script", "Script"),
    ("url", "Address"),
    ("hosts", "Machines"),
    ("security", "Encryption"),
    ("sign_in_as", "Account"),
    ("password", "Password"),
    ("credential_id", "Kept credential"),
    ("authority", "Certificate authority"),
    ("time_limit", "Time limit"),
    ("calls_per_minute", "At most"),
    ("networks", "Private networks"),
    ("secrets", "Secrets"),
];

/// First which kind, and of a script which one; then the form for it.
pub fn new(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let query = &cx.request.query;
    let mut input = Input::default();
    let kind: Result<Kind, ()> = query.get("kind").parse();
    cx.db.read(|db| scope.reaches(db, api::owner(cx, query)?))?;
    let Ok(kind) = kind else { return choose(cx) };
    for name in ["kind", "script", "customer_id"] {
        input.set(name, query.get(name));
    }
    form(cx, kind, None, &input, &[])
}

fn choose(cx: &Cx) -> Result<Response> {
    let mut names = Vec::new();
    if api::reach(cx).scripts {
        names.extend(
            files::list(&cx.app.config.scripts)?.into_iter().filter(|each| each.found.is_ok()),
        );
    }
    let body = html! {
        (page_head("New connector", Head { lede: "What should it reach?", ..Head::default() }))
        (card("A directory", None, html! {
            p { "Active Directory or OpenLDAP: accounts, groups and organisational units of customers." }
            (link("Connect a directory", "/connectors/new?kind=ldap").primary())
        }))
        (card("A SCIM service", None, html! {
            p { "An application that takes its users and groups by SCIM 2.0, as many cloud services do." }
            (link("Connect a SCIM service", "/connectors/new?kind=scim").primary())
        }))
        (card("A webhook", None, html! {
            p { "A signed call to an address of another system." }
            (link("Make a webhook", "/connectors/new?kind=webhook").primary())
        }))
        @if api::reach(cx).scripts {
            (card("A script on this machine", None, html! {
                @if names.is_empty() {
                    p { "There is none. Whoever owns the shell puts scripts into " span.mono { (cx.app.config.scripts.display()) } "." }
                }
                @for each in &names {
                    div.row.keep.between {
                        div { b { (each.name) } @if let Ok(text) = &each.found { small { (text.manifest.description) } } }
                        (link("Use it", &format!("/connectors/new?kind=script&script={}", each.name)).small().about(&each.name))
                    }
                }
            }))
        }
    };
    Ok(cx.page(Nav::Connectors, "New connector", &trail(), body))
}

fn form(
    cx: &Cx,
    kind: Kind,
    old: Option<&Connector>,
    input: &Input,
    wrong: &[Complaint],
) -> Result<Response> {
    let title = match (old, kind) {
        (Some(old), _) => format!("Edit {}", old.name),
        (None, Kind::Ldap) => "Connect a directory".to_owned(),
        (None, Kind::Scim) => "Connect a SCIM service".to_owned(),
        (None, _) => "New connector".to_owned(),
    };
    let action = old.map_or("/connectors".to_owned(), |old| format!("/connectors/{}", old.id));
    let back = old.map_or("/connectors", |_| action.as_str());
    let save = if old.is_some() { "Save" } else { "Make the connector" };
    let limit = Opts {
        kind: "number",
        unit: "seconds",
        width: 3,
        optional: true,
        hint: "How long one call may take",
        ..Opts::default()
    };
    let at_most = Opts {
        kind: "number",
        unit: "steps a minute",
        width: 3,
        optional: true,
        hint: "Where the other side allows no more; empty: any number",
        ..Opts::default()
    };
    let owner = match old {
        Some(old) => old.customer,
        None => api::owner(cx, input)?,
    };
    let body = html! {
        @match old {
            None => {
                (hidden("kind", kind.word()))
                @if !input.get("customer_id").is_empty() { (hidden("customer_id", input.get("customer_id"))) }
            }
            Some(old) => (hidden("version", old.version)),
        }
        div.form {
            (fieldset("Connector", "", html! {
                (text_field(input, wrong, "name", "Name", Opts { most: Some(60), ..Opts::default() }))
                @match kind {
                    Kind::Script => (text_field(input, wrong, "script", "Script", Opts { ltr: true, ..Opts::default() })),
                    Kind::Webhook => (text_field(input, wrong, "url", "Address", Opts { kind: "url", ltr: true, placeholder: "https://hooks.example.com/portico", ..Opts::default() })),
                    Kind::Scim => (text_field(input, wrong, "url", "Address", Opts { kind: "url", ltr: true, hint: "The one that /Users is below", placeholder: "https://app.example.com/scim/v2", ..Opts::default() })),
                    Kind::Ldap => {}
                }
                (text_field(input, wrong, "time_limit", "Time limit", limit))
                (text_field(input, wrong, "calls_per_minute", "At most", at_most))
                (stage(input, wrong))
            }))
            @if kind == Kind::Ldap { (directory(cx, owner, old.is_some(), input, wrong)?) }
            @if kind == Kind::Scim { (service(cx, owner, old.is_some(), input, wrong)?) }
            @if kind != Kind::Script { (private_networks(cx, kind, input, wrong)) }
            (secrets(cx, old.is_some(), kind, input, wrong))
        }
        (form_foot(html! { (primary(save)) (cancel(back)) }))
    };
    let lede = match kind {
        Kind::Ldap if old.is_none() => {
            "Active Directory or OpenLDAP, over an encrypted connection. It is tried when you check it; nothing is changed there."
        }
        Kind::Scim if old.is_none() => {
            "It is tried when you check it; nothing is changed there. What it is for is said by rules."
        }
        _ => "",
    };
    let body = html! {
        (page_head(&title, Head { lede, ..Head::default() }))
        (complaints_flash(wrong, LABELS))
        (post_form(&cx.csrf, &action, body))
    };
    let mut trail = trail();
    if let Some(old) = old {
        trail.push((old.name.as_str(), action.clone()));
    }
    let status = if wrong.is_empty() { 200 } else { 422 };
    Ok(cx.page_with(status, Nav::Connectors, &title, &trail, body))
}

fn stage(input: &Input, wrong: &[Complaint]) -> Markup {
    let mut now = input.clone();
    if now.get("stage").is_empty() {
        now.set("stage", Stage::Production.word());
    }
    html! {
        (radio(&now, "stage", "production", "Production", "Customers' real accounts are there"))
        (radio(&now, "stage", "sandbox", "Sandbox", "To try things on; marked on every page"))
        (complaint_of(wrong, "stage", "Stage"))
    }
}

/// What a directory needs: where it is, who signs in, whom to trust.
fn directory(
    cx: &Cx,
    owner: CustomerId,
    known: bool,
    input: &Input,
    wrong: &[Complaint],
) -> Result<Markup> {
    let mut now = input.clone();
    let hosts = input.all("hosts").collect::<Vec<_>>().join("\n");
    now.set("hosts", hosts);
    if now.get("security").is_empty() {
        now.set("security", Security::Ldaps.word());
    }
    let machines = Opts {
        hint: "One a line; the first that answers is used. Without a port it is 636, or 389 for StartTLS",
        placeholder: "dc1.example.com",
        ltr: true,
        rows: 3,
        ..Opts::default()
    };
    let account = Opts {
        hint: "A service account: portico@example.com, EXAMPLE\\portico or its whole name. Not an administrator of the domain",
        ltr: true,
        autocomplete: "off",
        ..Opts::default()
    };
    let authority = Opts {
        hint: "Where the directory's certificate is from your own authority: its certificate, beginning with -----BEGIN CERTIFICATE-----. Empty: the public authorities",
        optional: true,
        ltr: true,
        rows: 6,
        ..Opts::default()
    };
    Ok(html! {
        (fieldset("Machines", "The domain controllers or directory servers.", html! {
            (textarea(&now, wrong, "hosts", "Machines", machines))
            (radio(&now, "security", "ldaps", "LDAPS", "Encrypted from the first byte; usually port 636"))
            (radio(&now, "security", "starttls", "StartTLS", "Encryption is asked for first; usually port 389"))
            (complaint_of(wrong, "security", "Encryption"))
            (textarea(&now, wrong, "authority", "Certificate authority", authority))
        }))
        (fieldset("Account", "Portico works there with the rights of this account.", html! {
            (text_field(&now, wrong, "sign_in_as", "Account", account))
            (secret(cx, owner, known, "Password", &now, wrong)?)
        }))
    })
}

/// What a SCIM service needs besides its address: who signs in, and whom to trust.
fn service(
    cx: &Cx,
    owner: CustomerId,
    known: bool,
    input: &Input,
    wrong: &[Complaint],
) -> Result<Markup> {
    let account = Opts {
        hint: "Empty where it is a token, as it mostly is",
        optional: true,
        autocomplete: "off",
        ltr: true,
        ..Opts::default()
    };
    let authority = Opts {
        hint: "Where its certificate is from your own authority: that authority's certificate, beginning with -----BEGIN CERTIFICATE-----. Empty: the public authorities",
        optional: true,
        ltr: true,
        rows: 6,
        ..Opts::default()
    };
    Ok(html! {
        (fieldset("Account", "Portico works there with the rights of this account or token.", html! {
            (text_field(input, wrong, "sign_in_as", "Account", account))
            (secret(cx, owner, known, "Token or password", input, wrong)?)
            (textarea(input, wrong, "authority", "Certificate authority", authority))
        }))
    })
}

/// A new secret, or one that is kept already.
fn secret(
    cx: &Cx,
    owner: CustomerId,
    known: bool,
    label: &str,
    input: &Input,
    wrong: &[Complaint],
) -> Result<Markup> {
    let kept = cx.db.read(|db| credentials::choices(db, owner))?;
    let password = Opts {
        kind: "password",
        autocomplete: "off",
        hint: "Kept sealed, never shown again",
        optional: !kept.is_empty(),
        ..Opts::default()
    };
    let pick = Opts {
        optional: !known,
        hint: if known { "Its password is changed under Credentials" } else { "" },
        ..Opts::default()
    };
    let mut choices = vec![(String::new(), format!("None: type the {}", label.to_lowercase()))];
    if known {
        choices.clear();
    }
    choices.extend(kept.into_iter().map(|each| (each.id.to_string(), each.name)));
    Ok(html! {
        @if !known { (text_field(&Input::default(), wrong, "password", label, password)) }
        @if !choices.is_empty() && (known || choices.len() > 1) {
            (choice_field(input, wrong, "credential_id", "Kept credential", &choices, pick))
        }
    })
}

fn private_networks(cx: &Cx, kind: Kind, input: &Input, wrong: &[Complaint]) -> Markup {
    let about = match kind {
        Kind::Ldap => {
            "Public addresses are always reached. A machine in a private network is reached if its network is listed."
        }
        _ => "Public addresses are always reached.",
    };
    html! {
        @if api::reach(cx).networks {
            (fieldset("Private networks", about, networks(input, wrong)))
        } @else if kind == Kind::Ldap {
            (fieldset("Private networks", about, html! {
                p { "Ask somebody who may change the settings to list the network of these machines." }
            }))
        }
    }
}

fn secrets(cx: &Cx, known: bool, kind: Kind, input: &Input, wrong: &[Complaint]) -> Markup {
    let script = input.get("script");
    let secrets = match kind {
        Kind::Script => files::text(&cx.app.config.scripts, script)
            .map_or(Vec::new(), |text| text.manifest.secrets),
        Kind::Webhook | Kind::Ldap | Kind::Scim => Vec::new(),
    };
    html! {
        @if !secrets.is_empty() {
            (fieldset("Secrets", "Kept sealed, never shown again.", html! {
                (complaint_of(wrong, "secrets", "Secrets"))
                @for name in &secrets {
                    (text_field(&Input::default(), &[], &format!("secrets.{name}"), name, Opts {
                        kind: "password", autocomplete: "off", optional: known,
                        hint: if known { "Empty: it stays as it is" } else { "" }, ..Opts::default()
                    }))
                }
            }))
        }
    }
}

fn networks(input: &Input, wrong: &[Complaint]) -> Markup {
    let mut lines = Input::default();
    lines.set("networks", input.all("networks").collect::<Vec<_>>().join("\n"));
    let opts = Opts {
        hint: "One a line, like 192.168.10.0/24",
        optional: true,
        ltr: true,
        ..Opts::default()
    };
    textarea(&lines, wrong, "networks", "Networks", opts)
}

pub fn create(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let input = cx.input()?;
    let owner = api::owner(cx, &input)?;
    cx.db.read(|db| scope.reaches(db, owner))?;
    let config = (&cx.app.config.key, cx.app.config.scripts.as_path());
    match make(cx.db, config, scope, owner, api::reach(cx), &input) {
        Ok((id, Some(secret))) => Ok(show_secret(cx, id, secret.reveal())),
        Ok((id, None)) => {
            Ok(cx.done(format!("/connectors/{id}"), "The connector is made. Check it next."))
        }
        Err(Error::Invalid(wrong)) => {
            let kind = input.get("kind").parse().unwrap_or(Kind::Webhook);
            form(cx, kind, None, &input, &wrong)
        }
        Err(err) => Err(err),
    }
}

pub fn edit(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let it = cx.db.read(|db| store::one(db, scope, cx.param("id")?))?;
    form(cx, it.kind, Some(&it), &as_input(&it), &[])
}

pub fn update(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let it = cx.db.read(|db| store::one(db, scope, cx.param("id")?))?;
    let mut input = cx.input()?;
    let version = cx.expected_version(&mut input);
    let config = (&cx.app.config.key, cx.app.config.scripts.as_path());
    match change(cx.db, config, scope, it.id, (api::reach(cx), version), &input) {
        Ok(()) => Ok(cx.done(format!("/connectors/{}", it.id), "Saved.")),
        Err(Error::Invalid(wrong)) => form(cx, it.kind, Some(&it), &input, &wrong),
        Err(err) => Err(err),
    }
}
