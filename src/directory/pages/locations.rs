//! Locations: the list, the form, one of them with who lives there.

use crate::auth::Scope;
use crate::auth::permissions::SettingsWrite;
use crate::connectors::frame;
use crate::directory::locations::{
    as_input, choices, create as make, destroy as remove, inhabitants, list, one, update as change,
};
use crate::directory::{Location, LocationKind};
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{Item, cancel, link, menu_button, primary};
use crate::html::field::{Opts, choice_field, complaint_of, radio, text_field};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{Head, card, facts, page_head};
use crate::html::table::{self, column, table};
use crate::html::text;
use crate::ids::PlaceId;
use crate::input::Input;
use crate::web::{Cx, Response};
use maud::html;

const LABELS: &[(&str, &str)] =
    &[("name", "Name"), ("kind", "Kind"), ("directory_id", "Directory"), ("root", "OU")];
/// So many of those who live there are shown.
const SHOWN: i64 = 100;

fn trail() -> Vec<(&'static str, String)> {
    vec![("Connectors", "/connectors".to_owned()), ("Locations", "/locations".to_owned())]
}

pub fn index(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    let paging = cx.paging(&[])?;
    let found = list(cx.db, scope, &paging)?;
    let head = Head {
        actions: Some(html! { (link("New location", "/locations/new").primary().icon("plus")) }),
        lede: "Where customers live: with others in one directory, alone in one, or in none.",
        ..Head::default()
    };
    let columns = [
        column("Name"),
        column("Kind"),
        column("Directory").class("p2"),
        column("OU").class("p3"),
        column("Customers").class("num"),
    ];
    let rows = html! {
        @for each in &found.items {
            tr {
                th scope="row" { a href={ "/locations/" (each.id) } { (each.name) } }
                td { (each.kind.said()) }
                td.p2 { (each.environment_name) }
                td.p3 { span.mono { (each.root) } }
                td.num { (text::grouped(each.inhabitants)) }
            }
        }
    };
    let next = cx.next_href(found.next.as_ref());
    let start = (!paging.is_first()).then(|| cx.first_href());
    let count = i64::try_from(found.items.len()).unwrap_or(0);
    let body = html! {
        (page_head("Locations", head))
        (frame::tabs(&cx.actor, "/locations"))
        @if found.items.is_empty() {
            (table::empty("world", "No locations yet", "A customer gets accounts in a directory once it lives in a location that has one.", None))
        } @else {
            (table("Locations", &columns, rows))
            (table::paging(&text::count(count, "location", "locations"), start.as_deref(), next.as_deref()))
        }
    };
    Ok(cx.page(Nav::Connectors, "Locations", &[("Connectors", "/connectors".to_owned())], body))
}

pub fn new(cx: &Cx, _: &Scope<SettingsWrite>) -> Result<Response> {
    let mut input = Input::default();
    input.set("kind", LocationKind::Shared.word());
    form(cx, None, &input, &[])
}

fn form(cx: &Cx, old: Option<&Location>, input: &Input, wrong: &[Complaint]) -> Result<Response> {
    let title = old.map_or("New location".to_owned(), |old| format!("Edit {}", old.name));
    let at = old.map_or("/locations".to_owned(), |old| format!("/locations/{}", old.id));
    let mut directories = vec![(String::new(), "None".to_owned())];
    let known = choices(cx.db)?.into_iter();
    directories.extend(known.map(|(id, name, base)| (id.to_string(), format!("{name} ({base})"))));
    let root = Opts {
        ltr: true,
        optional: true,
        placeholder: "OU=Customers,DC=example,DC=com",
        hint: "Shared: the OU in which each customer gets one of its own; empty: OU=Customers below the base. Private: the OU in which the users are",
        ..Opts::default()
    };
    let fields = html! {
        @if let Some(old) = old { (hidden("version", old.version)) }
        div.form {
            (fieldset("Location", "", html! {
                (text_field(input, wrong, "name", "Name", Opts { most: Some(60), ..Opts::default() }))
                (radio(input, "kind", "shared", "Shared", "Many customers in one directory, each in an OU of its own"))
                (radio(input, "kind", "private", "Private", "One customer has the directory, or a part of it, to itself"))
                (radio(input, "kind", "none", "No directory", "Customers live here without accounts in a directory"))
                (complaint_of(wrong, "kind", "Kind"))
                (choice_field(input, wrong, "directory_id", "Directory", &directories, Opts { optional: true, ..Opts::default() }))
                (text_field(input, wrong, "root", "OU", root))
            }))
        }
        (form_foot(html! { (primary(if old.is_some() { "Save" } else { "Make the location" })) (cancel(&at)) }))
    };
    let body = html! {
        (page_head(&title, Head::default()))
        (complaints_flash(wrong, LABELS))
        (post_form(&cx.csrf, &at, fields))
    };
    let mut trail = trail();
    if let Some(old) = old {
        trail.push((old.name.as_str(), at.clone()));
    }
    let status = if wrong.is_empty() { 200 } else { 422 };
    Ok(cx.page_with(status, Nav::Connectors, &title, &trail, body))
}

pub fn create(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    let input = cx.input()?;
    match make(cx.db, scope, &input) {
        Ok(id) => Ok(cx.done(
            format!("/locations/{id}"),
            "The location is made. Let customers live there on their pages.",
        )),
        Err(Error::Invalid(wrong)) => form(cx, None, &input, &wrong),
        Err(err) => Err(err),
    }
}

pub fn show(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    let it = one(cx.db, scope, cx.param("id")?)?;
    page(cx, &it, &[])
}

fn page(cx: &Cx, it: &Location, wrong: &[Complaint]) -> Result<Response> {
    let at = format!("/locations/{}", it.id);
    let items =
        [Item::link("Edit", format!("{at}/edit")), Item::post("Delete", format!("{at}/delete"))];
    let here = inhabitants(cx.db, it.id, SHOWN)?;
    let shown = i64::try_from(here.len()).unwrap_or(0);
    let mut list = vec![("Kind", html! { (it.kind.said()) })];
    if let Some(id) = it.environment {
        list.push((
            "Directory",
            html! { a href={ "/directories/" (id) } { (it.environment_name) } },
        ));
        list.push(("OU", html! { span.mono { (it.root) } }));
    }
    let head =
        Head { actions: Some(html! { (menu_button("more", "More", &items)) }), ..Head::default() };
    let body = html! {
        (page_head(&it.name, head))
        (complaints_flash(wrong, LABELS))
        (card("Details", None, facts(&list)))
        (card("Customers who live here", None, html! {
            @if here.is_empty() { p { "None yet. On a customer's page, Location says where it lives." } }
            @else {
                ul { @for each in &here { li { a href={ "/customers/" (each.id) } { (each.name) } } } }
                @if shown < it.inhabitants { p { "And " (text::grouped(it.inhabitants.saturating_sub(shown))) " more." } }
            }
        }))
    };
    let status = if wrong.is_empty() { 200 } else { 422 };
    Ok(cx.page_with(status, Nav::Connectors, &it.name, &trail(), body))
}

pub fn edit(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    let it = one(cx.db, scope, cx.param("id")?)?;
    form(cx, Some(&it), &as_input(&it), &[])
}

pub fn update(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    let id: PlaceId = cx.param("id")?;
    let it = one(cx.db, scope, id)?;
    let mut input = cx.input()?;
    let version = cx.expected_version(&mut input);
    match change(cx.db, scope, id, version, &input) {
        Ok(()) => Ok(cx.done(format!("/locations/{id}"), "Saved.")),
        Err(Error::Invalid(wrong)) => form(cx, Some(&it), &input, &wrong),
        Err(err) => Err(err),
    }
}

pub fn destroy(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    let it = one(cx.db, scope, cx.param("id")?)?;
    match remove(cx.db, scope, it.id) {
        Ok(()) => Ok(cx.done("/locations", "The location is deleted.")),
        Err(Error::Invalid(wrong)) => page(cx, &it, &wrong),
        Err(err) => Err(err),
    }
}
