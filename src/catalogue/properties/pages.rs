//! The forms of properties, and who has values of their own.

use super::{Property, Standing, Use};
use crate::auth::Scope;
use crate::auth::permissions::{CatalogueRead, CatalogueWrite};
use crate::catalogue::pages::trail_of;
use crate::catalogue::{Level, Service, own};
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{button, cancel, link, primary};
use crate::html::field::{
    Opts, brake_field, check, choice_field, complaint_of, text_field, textarea, tick,
};
use crate::html::form::{complaints_flash, fieldset, form_foot, post_form};
use crate::html::parts::{Head, page_head, tag};
use crate::html::table::{acts, column, empty, paging, table};
use crate::html::text::{count, when};
use crate::input::Input;
use crate::kinds::said;
use crate::web::{Cx, Response};
use maud::{Markup, html};

pub fn new(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    property_page(cx, scope, 200, None, None, &[])
}

pub fn create(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let (code, input) = (cx.param::<String>("code")?, cx.input()?);
    match super::create(cx.db, scope, &code, &input) {
        Ok(_) => Ok(cx.done(format!("/services/{code}"), "Setting added.")),
        Err(Error::Invalid(complaints)) => {
            property_page(cx, scope, 422, None, Some(&input), &complaints)
        }
        Err(err) => Err(err),
    }
}

pub fn edit(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    property_page(cx, scope, 200, Some(&cx.param::<String>("name")?), None, &[])
}

pub fn update(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let (code, name): (String, String) = (cx.param("code")?, cx.param("name")?);
    let input = cx.input()?;
    match super::update(cx.db, scope, &code, &name, &input) {
        Ok(()) => Ok(cx.done(format!("/services/{code}"), "Saved.")),
        Err(Error::Invalid(complaints)) => {
            property_page(cx, scope, 422, Some(&name), Some(&input), &complaints)
        }
        Err(err) => Err(err),
    }
}

pub fn destroy(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let (code, name): (String, String) = (cx.param("code")?, cx.param("name")?);
    let drop = cx.input()?.get("drop_values").parse().ok();
    match super::delete(cx.db, scope, &code, &name, drop) {
        Ok(()) => Ok(cx.done(format!("/services/{code}"), "Setting deleted.")),
        Err(Error::Invalid(complaints)) => {
            property_page(cx, scope, 422, Some(&name), None, &complaints)
        }
        Err(err) => Err(err),
    }
}

fn property_page(
    cx: &Cx,
    scope: &Scope<CatalogueWrite>,
    status: u16,
    name: Option<&str>,
    typed: Option<&Input>,
    complaints: &[Complaint],
) -> Result<Response> {
    let code: String = cx.param("code")?;
    let (service, property) = cx.db.read(|db| {
        let service = own(db, scope, &code)?;
        let all = super::all(db, service.id)?;
        let found = name.map(|name| {
            all.into_iter().find(|property| property.name == name).ok_or(Error::NotFound)
        });
        Ok((service, found.transpose()?))
    })?;
    let held = property.as_ref().map(super::as_input).unwrap_or_default();
    let input = typed.cloned().unwrap_or(held);
    let title = property.as_ref().map_or("New setting".to_owned(), |p| format!("Edit {}", p.label));
    let form = property_form(cx, &service, property.as_ref(), &input, complaints);
    let body = html! { (page_head(&title, Head::default())) (form) };
    Ok(cx.page_with(status, Nav::Services, &title, &trail_of(&service), body))
}

/// Who has a value of their own.
pub fn overrides(cx: &Cx, scope: &Scope<CatalogueRead>) -> Result<Response> {
    let pages = cx.paging(&[])?;
    let (service, property, page) = super::deviating(cx, scope, &pages)?;
    let rows = html! {
        @for row in &page.items {
            tr {
                th scope="row" {
                    @match (&row.user, row.user_id) {
                        (Some(user), Some(id)) => a href={ "/users/" (id) "/services" } { (user) },
                        _ => a href={ "/customers/" (row.customer_id) } { (row.customer) },
                    }
                    @if row.user.is_some() { small { (row.customer) } }
                }
                td { (holder_words(&row.holder)) @if let Some(plan) = &row.plan { " " (tag(plan)) } }
                td { (row.text) @if row.locked { " " (tag("Locked")) } }
                td.p2 { (when(row.at, &cx.actor.zone, cx.db.now())) }
            }
        }
    };
    let columns = [column("Who"), column("Kept"), column("Value"), column("Set").class("p2")];
    let title = format!("Who deviates in {}?", property.label);
    let next = cx.next_href(page.next.as_ref());
    let body = html! {
        (page_head(&title, Head { lede: "Values of their own, also those without effect.", ..Head::default() }))
        @if page.items.is_empty() {
            (empty("settings", "Nobody deviates", "The plans and the default hold everywhere.", None))
        } @else {
            (table("Values of their own", &columns, rows))
            (paging(&count(i64::try_from(page.items.len()).unwrap_or(0), "value", "values"), None, next.as_deref()))
        }
    };
    Ok(cx.page(Nav::Services, &title, &trail_of(&service), body))
}

fn holder_words(holder: &str) -> &'static str {
    match holder {
        "given" => "Given with the offer",
        "own" => "For its own customers",
        "customer_service" => "At the customer’s service",
        _ => "At the user’s service",
    }
}

pub fn draw_properties(service: &Service, properties: &[Property], may: bool) -> Markup {
    if properties.is_empty() {
        let text = "A setting is a value that a plan, a customer or a user can have of its own.";
        return empty("settings", "No settings", text, None);
    }
    let mut columns = vec![
        column("Setting"),
        column("Type").class("p2"),
        column("Default"),
        column("Changed by").class("p2"),
        column("Seen by").class("p3"),
    ];
    if may {
        columns.push(acts());
    }
    let rows = html! {
        @for property in properties {
            tr {
                th scope="row" {
                    (property.label) small.mono { (property.name) }
                    @if !property.category.is_empty() { small { (property.category) } }
                }
                td.p2 {
                    (property.kind.word())
                    @if property.secret { " " (tag("Secret")) }
                    @if property.required { " " (tag("Required")) }
                }
                td {
                    @match (&property.default, property.usage) {
                        (Some(value), _) => { (said(property.kind, &property.validation, value)) @if property.default_locked { " " (tag("Locked")) } }
                        (None, Use::Captured) => "Typed when given",
                        (None, Use::Output) => "Written by Portico",
                        (None, Use::Setting) => "–",
                    }
                }
                td.p2 { (who(property.writable_by)) }
                td.p3 { (who(property.visible_to)) }
                @if may {
                    td.acts {
                        @if property.usage != Use::Output {
                            (link("Who deviates?", &format!("/services/{}/properties/{}/overrides", service.code, property.name))
                                .small().ghost().about(&property.label))
                        }
                        (link("Edit", &format!("/services/{}/properties/{}", service.code, property.name))
                            .small().ghost().about(&property.label))
                    }
                }
            }
        }
    };
    table("Settings", &columns, rows)
}

fn who(standing: Standing) -> &'static str {
    match standing {
        Standing::Provider => "Provider",
        Standing::Reseller => "Resellers",
        Standing::Customer => "Customers",
        Standing::User => "Users",
    }
}

pub fn property_form(
    cx: &Cx,
    service: &Service,
    property: Option<&Property>,
    input: &Input,
    complaints: &[Complaint],
) -> Markup {
    let base = format!("/services/{}", service.code);
    let action = match property {
        Some(property) => format!("{base}/properties/{}", property.name),
        None => format!("{base}/properties"),
    };
    let w2 = Opts { width: 2, ..Opts::default() };
    let types = [
        ("text", "Text"),
        ("lines", "Several lines"),
        ("integer", "Whole number"),
        ("size", "Size, like 50 GiB"),
        ("boolean", "Yes or no"),
        ("date", "Date"),
        ("choice", "One of a list"),
        ("choices", "Several of a list"),
        ("email", "E-mail address"),
        ("domain", "Domain"),
        ("host", "Computer"),
        ("url", "Web address"),
        ("user", "A user of the customer"),
    ];
    let uses = [
        ("setting", "Setting, with a default"),
        ("captured", "Typed when given"),
        ("output", "Written by Portico"),
    ];
    let people = [
        ("customer", "Customers"),
        ("provider", "The provider"),
        ("reseller", "Resellers"),
        ("user", "Users"),
    ];
    let alone =
        [("no", "May repeat"), ("customer", "At a customer"), ("installation", "Everywhere")];
    let levels = [("user", "Each user"), ("customer", "The customer")];
    let about = html! {
        (text_field(input, complaints, "label", "Label", Opts { width: 4, most: Some(60), ..Opts::default() }))
        (text_field(input, complaints, "name", "Name", Opts { most: Some(40), ltr: true, hint: "Small letters, like mailbox_size", ..w2 }))
        @if service.kind == Level::User { (choice_field(input, complaints, "level", "Of", &levels, w2)) }
        (choice_field(input, complaints, "use", "Use", &uses, w2))
        (choice_field(input, complaints, "type", "Type", &types, w2))
        (text_field(input, complaints, "category", "Group", Opts { optional: true, most: Some(40), hint: "Groups the fields of a form", ..w2 }))
        (text_field(input, complaints, "help", "Help", Opts { optional: true, most: Some(500), ..Opts::default() }))
    };
    let rule = html! {
        (text_field(input, complaints, "default", "Default", Opts { optional: true, width: 4, ..Opts::default() }))
        (text_field(input, complaints, "sort", "Place", Opts { optional: true, kind: "number", ..w2 }))
        (text_field(input, complaints, "least", "Least", Opts { optional: true, ..w2 }))
        (text_field(input, complaints, "most", "Most", Opts { optional: true, hint: "Of a text, its characters", ..w2 }))
        (text_field(input, complaints, "step", "Step", Opts { optional: true, hint: "Of a number or a size", ..w2 }))
        (text_field(input, complaints, "earliest", "Earliest", Opts { optional: true, placeholder: "today+7", hint: "Of a date", ..w2 }))
        (text_field(input, complaints, "latest", "Latest", Opts { optional: true, placeholder: "2026-12-31", hint: "Of a date", ..w2 }))
        (choice_field(input, complaints, "unique", "Unique", &alone, Opts { width: 2, ..Opts::default() }))
        (text_field(input, complaints, "pattern", "Pattern", Opts { optional: true, ltr: true, ..w2 }))
        (textarea(input, complaints, "choices", "Choices", Opts { optional: true, hint: "A line each, like kiosk = Kiosk", ..Opts::default() }))
        (text_field(input, complaints, "message", "Own complaint", Opts { optional: true, most: Some(200), ..Opts::default() }))
        (check(input, complaints, "required", "Required", "Without a value nothing is set up"))
        (check(input, complaints, "meter", "Counted", "Of a number or a size: what all have of it together can be limited"))
        (check(input, complaints, "default_locked", "Lock the default", "Nobody may overrule it"))
        (check(input, complaints, "own_domain", "Own domains only", "A domain must be one of the customer’s"))
        (check(input, complaints, "http", "Unencrypted web addresses", "http:// may be typed too"))
        (check(input, complaints, "secret", "Secret", "Sealed when saved, never shown again"))
    };
    let rights = html! {
        (choice_field(input, complaints, "writable_by", "Changed by", &people, Opts { width: 3, ..Opts::default() }))
        (choice_field(input, complaints, "visible_to", "Seen by", &people, Opts { width: 3, ..Opts::default() }))
    };
    let places = html! {
        @for (value, label) in
            [("plan", "Plans"), ("reseller", "Resellers"), ("customer", "Customers"), ("user", "Users")]
        {
            (tick(input, "at", value, label, ""))
        }
        (complaint_of(complaints, "at", "Where"))
    };
    let unfit = complaints.iter().any(|complaint| complaint.field == "drop_values");
    let body = html! {
        div.form {
            (fieldset("Setting", "", about))
            (fieldset("Value", "", rule))
            (fieldset("Who", "And everybody above", rights))
            (fieldset("Where a value may be kept", "None ticked: wherever it fits", places))
            @if unfit {
                (fieldset("Stored values", "", text_field(input, complaints, "drop_values", "Values to drop", Opts { kind: "number", ..w2 })))
            }
            (brake_field(complaints))
            (form_foot(html! {
                (primary(if property.is_some() { "Save setting" } else { "Add setting" }))
                (cancel(&base))
                @if property.is_some() { (button("Delete").danger_quiet().to(&format!("{action}/delete"))) }
            }))
        }
    };
    let labels = [
        ("label", "Label"),
        ("name", "Name"),
        ("level", "Of"),
        ("use", "Use"),
        ("type", "Type"),
        ("default", "Default"),
        ("least", "Least"),
        ("most", "Most"),
        ("pattern", "Pattern"),
        ("choices", "Choices"),
        ("message", "Own complaint"),
        ("secret", "Secret"),
        ("drop_values", "Values to drop"),
        ("sort", "Place"),
        ("category", "Group"),
        ("step", "Step"),
        ("earliest", "Earliest"),
        ("latest", "Latest"),
        ("own_domain", "Own domains only"),
        ("http", "Unencrypted web addresses"),
        ("default_locked", "Lock the default"),
        ("meter", "Counted"),
        ("at", "Where"),
        ("unique", "Unique"),
    ];
    html! { (complaints_flash(complaints, &labels)) (post_form(&cx.csrf, &action, body)) }
}
