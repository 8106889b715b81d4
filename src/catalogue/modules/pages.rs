use super::{Module, SHELF, Standing, find, missing};
use crate::auth::Scope;
use crate::auth::permissions::CatalogueWrite;
use crate::catalogue::documents::pages::drawn;
use crate::catalogue::plans::Author;
use crate::engine::rules::events;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{cancel, link, primary};
use crate::html::field::{Opts, text_field};
use crate::html::form::{complaints_flash, fieldset, form_foot, post_form};
use crate::html::parts::{Head, Tone, card, card_flush, flash, page_head, pill, tag};
use crate::html::table::{acts, column, table};
use crate::input::Input;
use crate::web::{Cx, Response};
use maud::{Markup, html};
use serde_json::Value;
use std::collections::BTreeMap;

fn trail() -> Vec<(&'static str, String)> {
    vec![("Services", "/services".to_owned()), ("Modules", "/modules".to_owned())]
}

pub fn index(cx: &Cx, _: &Scope<CatalogueWrite>) -> Result<Response> {
    let rows = cx.db.read(|db| {
        let row = |module: &'static Module| Ok((module, module.name()?, module.standing(db)?));
        SHELF.iter().map(row).collect::<Result<Vec<_>>>()
    })?;
    let columns = [column("Module"), column("State"), acts()];
    let body = html! {
        (page_head("Modules", Head {
            lede: "Services that are ready to use. Install one, set its prices, and put it on sale.",
            ..Head::default()
        }))
        (table("Modules", &columns, html! {
            @for (module, name, standing) in &rows {
                tr {
                    th scope="row" {
                        a href={ "/modules/" (module.code) } { (name) }
                        small { (module.about) }
                    }
                    td { (state(module, standing)) }
                    td.acts { (offer(module, name, standing)) }
                }
            }
            tr {
                th scope="row" {
                    a href="/services/reseller" { "Reseller" }
                    small { "Makes a customer a reseller, who sells on what you offer it." }
                }
                td { (pill(Tone::Ok, "Part of Portico")) }
                td.acts {}
            }
        }))
    };
    Ok(cx.page(Nav::Services, "Modules", &[("Services", "/services".to_owned())], body))
}

fn state(module: &Module, standing: &Standing) -> Markup {
    match standing {
        Standing::Open if module.template => pill(Tone::Off, "Template"),
        Standing::Open => pill(Tone::Off, "Not installed"),
        Standing::Taken(_) => pill(Tone::Off, "Its code is used"),
        Standing::Installed(_) => pill(Tone::Ok, "Installed"),
        Standing::Older(_) => pill(Tone::Wait, "New version"),
    }
}

fn offer(module: &Module, name: &str, standing: &Standing) -> Markup {
    let at = format!("/modules/{}", module.code);
    match standing {
        Standing::Open => {
            let word = if module.template { "Copy" } else { "Install" };
            html! { (link(word, &at).small().about(name)) }
        }
        Standing::Taken(service) | Standing::Installed(service) => {
            html! { (link("Open", &format!("/services/{}", service.code)).small().ghost().about(name)) }
        }
        Standing::Older(_) => {
            html! { (link("See what changes", &format!("{at}/upgrade")).small().about(name)) }
        }
    }
}

fn named(cx: &Cx) -> Result<&'static Module> {
    let code: String = cx.param("code")?;
    find(&code).ok_or(Error::NotFound)
}

pub fn show(cx: &Cx, _: &Scope<CatalogueWrite>) -> Result<Response> {
    show_page(cx, named(cx)?, 200, &Input::default(), &[])
}

fn show_page(
    cx: &Cx,
    module: &'static Module,
    status: u16,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let (standing, missing) = cx.db.read(|db| Ok((module.standing(db)?, missing(db, module)?)))?;
    let (name, service) = (module.name()?, module.service()?);
    let at = format!("/modules/{}", module.code);
    let body = html! {
        (page_head(&name, Head { state: Some(state(module, &standing)), lede: module.about, ..Head::default() }))
        (complaints_flash(complaints, &[("code", "Code"), ("name", "Name")]))
        @match &standing {
            Standing::Open => (install_card(cx, module, &name, &missing, (input, complaints))),
            Standing::Taken(service) => {
                (flash(Tone::Wait, html! {
                    "You have a service of your own with the code " (tag(module.code)) ": "
                    a href={ "/services/" (service.code) } { (service.name) }
                    ". The module cannot be installed beside it."
                }, None))
            }
            Standing::Installed(service) => (flash(Tone::Ok, html! {
                "Installed as " a href={ "/services/" (service.code) } { (service.name) }
                ", version " (service.module_version) "."
            }, None)),
            Standing::Older(service) => (flash(Tone::Wait, html! {
                "Installed as " a href={ "/services/" (service.code) } { (service.name) }
                ", version " (service.module_version) ". Version " (module.version) " is there; nothing changes until you take it."
            }, Some(html! { (link("See what changes", &format!("{at}/upgrade"))) }))),
        }
        (card_flush("What it does", None, work(&service)))
        (card_flush("Plans to start with", None, listed("Plans", service.get("plan"), "code")))
        (card_flush("Settings", None, listed("Settings", service.get("property"), "name")))
    };
    Ok(cx.page_with(status, Nav::Services, &name, &trail(), body))
}

fn install_card(
    cx: &Cx,
    module: &Module,
    name: &str,
    missing: &[String],
    (input, complaints): (&Input, &[Complaint]),
) -> Markup {
    if !missing.is_empty() {
        let needed = missing.join(" and ");
        return flash(
            Tone::Wait,
            html! { (name) " needs " b { (needed) } ". Install that first." },
            Some(html! { (link("All modules", "/modules")) }),
        );
    }
    let opts = Opts { width: 3, ..Opts::default() };
    let code =
        Opts { hint: "Small letters, digits and hyphens; fixed afterwards", ltr: true, ..opts };
    let form = html! {
        div.form {
            @if module.template {
                (fieldset("Your service", "The template is copied; the copy is yours to change", html! {
                    (text_field(input, complaints, "name", "Name", Opts { most: Some(60), ..opts }))
                    (text_field(input, complaints, "code", "Code", Opts { most: Some(30), ..code }))
                }))
            } @else {
                p { "It comes as a draft: nobody sees it before you set its prices and put it on sale. You may rename it, add plans and settings, and add rules before and after its own." }
                @if !module.before.is_empty() { p { b { "It works with: " } (module.before) } }
            }
            (form_foot(html! {
                (primary(if module.template { "Copy the template" } else { "Install" })) (cancel("/modules"))
            }))
        }
    };
    let title = if module.template { "Copy it" } else { "Install it" };
    card(title, None, post_form(&cx.csrf, &format!("/modules/{}/install", module.code), form))
}

/// The steps of each event, as people say them.
fn work(service: &Value) -> Markup {
    let mut by_event: BTreeMap<usize, (String, Vec<String>)> = BTreeMap::new();
    let text = |rule: &'_ Value, name: &str| {
        rule.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let rules = service.get("rule").and_then(Value::as_array);
    for rule in rules.into_iter().flatten() {
        let event = text(rule, "event");
        let place = events().position(|known| known == event);
        let title = match text(rule, "title") {
            title if title.is_empty() => text(rule, "action"),
            title => title,
        };
        by_event.entry(place.unwrap_or(usize::MAX)).or_insert((event, Vec::new())).1.push(title);
    }
    let columns = [column("When"), column("What is done, in order")];
    table(
        "What it does",
        &columns,
        html! {
            @for (event, titles) in by_event.values() {
                tr { th scope="row" { (when(event)) small.mono { (event) } } td { (titles.join(" → ")) } }
            }
        },
    )
}

fn when(event: &str) -> &'static str {
    match event {
        "customer_service.provision" => "A customer gets it",
        "customer_service.update" => "It changes at a customer",
        "customer_service.suspend" => "It is suspended at a customer",
        "customer_service.resume" => "It goes on at a customer",
        "customer_service.deprovision" => "A customer loses it",
        "user_service.provision" => "A user gets it",
        "user_service.update" => "It changes for a user",
        "user_service.suspend" => "It is suspended for a user",
        "user_service.resume" => "It goes on for a user",
        "user_service.deprovision" => "A user loses it",
        "user_service.purge" => "Some time after a user lost it",
        _ => "Otherwise",
    }
}

fn listed(title: &str, all: Option<&Value>, key: &str) -> Markup {
    let all = all.and_then(Value::as_array);
    let columns = [column("Name"), column("Code").class("p2"), column("For")];
    let text = |each: &Value, name: &str| {
        each.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    table(
        title,
        &columns,
        html! {
            @for each in all.into_iter().flatten() {
                @let label = if key == "name" { text(each, "label") } else { text(each, "name") };
                @let level = if key == "name" { text(each, "on") } else { text(each, "level") };
                tr {
                    th scope="row" { (label) @if !text(each, "help").is_empty() { small { (text(each, "help")) } } }
                    td.p2.mono { (text(each, key)) }
                    td { @if level == "customer" { "Customer" } @else { "User" } }
                }
            }
            @if all.is_none_or(Vec::is_empty) { tr { td colspan="3" { "None" } } }
        },
    )
}

pub fn install(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let (module, input) = (named(cx)?, cx.input()?);
    let author = Author::of_files(scope, &cx.app.config.key, true);
    match super::install(cx.db, &author, module, &input, false) {
        Ok((code, _)) => Ok(cx.done(
            format!("/services/{code}"),
            "It is in your catalogue, as a draft. Look at its plans and prices, then put it on sale.",
        )),
        Err(Error::Invalid(complaints)) => show_page(cx, module, 422, &input, &complaints),
        Err(err) => Err(err),
    }
}

pub fn preview(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let module = named(cx)?;
    let author = Author::of_files(scope, &cx.app.config.key, true);
    let outcome = super::upgrade(cx.db, &author, module, true)?;
    let title = format!("Take version {} of {}", module.version, module.name()?);
    let at = format!("/modules/{}", module.code);
    let mut trail = trail();
    let name = module.name()?;
    trail.push((name.as_str(), at.clone()));
    let body = html! {
        (page_head(&title, Head {
            lede: "What you called things, your plans and values, and your rules stay as they are.",
            ..Head::default()
        }))
        @if outcome.changes.is_empty() {
            (flash(Tone::Ok, html! { "Nothing differs but the number of the version." }, None))
        } @else {
            (card_flush("What would change", None, drawn(&outcome.changes)))
        }
        (post_form(&cx.csrf, &format!("{at}/upgrade"), html! {
            (form_foot(html! { (primary("Take this version")) (cancel(&at)) }))
        }))
    };
    Ok(cx.page(Nav::Services, &title, &trail, body))
}

pub fn upgrade(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let module = named(cx)?;
    let author = Author::of_files(scope, &cx.app.config.key, true);
    super::upgrade(cx.db, &author, module, false)?;
    Ok(cx.done(
        format!("/services/{}", module.code),
        "The new version counts from the next plan on.",
    ))
}
