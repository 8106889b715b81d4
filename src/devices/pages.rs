//! Devices of a customer, and of a user as a tab.

use super::{Device, filter_of, of_user};
use crate::auth::Scope;
use crate::auth::permissions::{UsersRead, UsersUpdate};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{Item, button, cancel, link, menu, primary};
use crate::html::field::{Opts, check, text_field, textarea};
use crate::html::form::{complaints_flash, form_foot, hidden, post_form};
use crate::html::parts::{card, tag};
use crate::html::table::{acts, column, empty, filters, paging, search, table};
use crate::html::text::count;
use crate::ids::{CustomerId, DeviceId, UserId};
use crate::input::Input;
use crate::places::{self, Tab, UserTab};
use crate::users::reaches;
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[
    ("name", "Name"),
    ("kind", "Kind"),
    ("serial", "Serial number"),
    ("user", "User"),
    ("primary", "Primary device"),
    ("note", "Note"),
];

pub fn index(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    let (filter, part) = (filter_of(&cx.request.query)?, cx.paging(super::FILTERS)?);
    let (place, found, may) = cx.db.read(|db| {
        let may = reaches::<UsersUpdate>(db, &cx.actor, customer);
        let found = super::list(db, scope, customer, &filter, &part)?;
        Ok((places::customer(db, scope, customer)?, found, may))
    })?;
    let at = format!("/customers/{customer}/devices");
    let actions =
        html! { @if may { (link("New device", &format!("{at}/new")).primary().icon("plus")) } };
    let shown = i64::try_from(found.items.len()).unwrap_or(i64::MAX);
    let first = (!part.is_first()).then(|| cx.first_href());
    let body = html! {
        (filters(&at, search("Name, kind or serial number", &filter.q)))
        @if found.items.is_empty() {
            @if filter.q.is_empty() {
                (empty("devices", "No devices yet", "What people work with, by name and serial number, so that it is known when they call.", None))
            } @else { (empty("search", "Nothing found", "No device is called so.", None)) }
        } @else {
            (rows(&found.items, may, true))
            (paging(&count(shown, "device", "devices"), first.as_deref(), cx.next_href(found.next.as_ref()).as_deref()))
        }
    };
    Ok(places::customer_page(cx, &place, Tab::Devices, 200, actions, body))
}

pub fn index_of(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let user: UserId = cx.param("id")?;
    let (person, all) =
        cx.db.read(|db| Ok((places::user(db, scope, user)?, of_user(db, scope, user)?)))?;
    let customer = person.customer.id;
    let may = cx.db.read(|db| Ok(reaches::<UsersUpdate>(db, &cx.actor, customer)))?;
    let new = format!("/customers/{customer}/devices/new?user={user}");
    let actions = html! { @if may { (link("New device", &new).icon("plus")) } };
    let body = html! {
        @if all.is_empty() {
            (empty("devices", "No devices", "Nobody noted what this user works with.", None))
        } @else { (rows(&all, may, false)) }
    };
    Ok(places::user_page(cx, &person, UserTab::Devices, 200, actions, body))
}

fn rows(all: &[Device], may: bool, with_user: bool) -> Markup {
    let mut columns = vec![column("Name"), column("Kind").class("p2"), column("Serial number")];
    if with_user {
        columns.push(column("User"));
    }
    if may {
        columns.push(acts());
    }
    let body = html! {
        @for device in all {
            @let at = format!("/customers/{}/devices/{}", device.customer_id, device.id);
            tr {
                th scope="row" {
                    (device.name) " " @if device.primary { (tag("Primary")) }
                    @if !device.note.is_empty() { small { (device.note) } }
                }
                td.p2 { (device.kind) }
                td { span.mono { (device.serial) } }
                @if with_user {
                    td {
                        @if let (Some(id), Some(name)) = (device.user_id, &device.user) { a href={ "/users/" (id) "/devices" } { (name) } }
                    }
                }
                @if may {
                    td.acts {
                        (menu(&format!("device-{}", device.id), &format!("Actions for {}", device.name), &items(device, &at)))
                    }
                }
            }
        }
    };
    table("Devices", &columns, body)
}

fn items(device: &Device, at: &str) -> Vec<Item> {
    let mut items = vec![Item::link("Edit", format!("{at}/edit"))];
    if device.user_id.is_some() && !device.primary {
        items.push(Item::post("Make it the primary one", format!("{at}/primary")));
    }
    items.push(Item::danger("Delete…", format!("{at}/delete")));
    items
}

pub fn new(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let mut input = Input::default();
    input.set("user", cx.request.query.get("user"));
    form(cx, scope, None, &input, &[])
}

pub fn create(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let (customer, input): (CustomerId, Input) = (cx.param("id")?, cx.input()?);
    match super::create(cx.db, scope, customer, &input) {
        Ok(_) => Ok(cx.done(format!("/customers/{customer}/devices"), "The device is added.")),
        Err(Error::Invalid(all)) => form(cx, scope, None, &input, &all),
        Err(err) => Err(err),
    }
}

pub fn edit(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let (customer, id): (CustomerId, DeviceId) = (cx.param("id")?, cx.param("device")?);
    let device = cx.db.read(|db| super::one(db, scope, customer, id))?;
    form(cx, scope, Some(&device), &device.input(), &[])
}

pub fn update(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let (customer, id): (CustomerId, DeviceId) = (cx.param("id")?, cx.param("device")?);
    let mut input = cx.input()?;
    let version = cx.expected_version(&mut input);
    match super::update(cx.db, scope, customer, id, &input, version) {
        Ok(()) => Ok(cx.done(format!("/customers/{customer}/devices"), "Saved.")),
        Err(Error::Invalid(all)) => {
            let device = cx.db.read(|db| super::one(db, scope, customer, id))?;
            form(cx, scope, Some(&device), &input, &all)
        }
        Err(err) => Err(err),
    }
}

/// Makes it its user's primary one.
pub fn make_primary(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let (customer, id): (CustomerId, DeviceId) = (cx.param("id")?, cx.param("device")?);
    let mut input = Input::default();
    input.set("primary", "1");
    super::update(cx.db, scope, customer, id, &input, None)?;
    let device = cx.db.read(|db| super::one(db, scope, customer, id))?;
    let back = device.user_id.map_or_else(
        || format!("/customers/{customer}/devices"),
        |user| format!("/users/{user}/devices"),
    );
    Ok(cx.done(back, &format!("{} is the primary device.", device.name)))
}

pub fn ask_delete(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let (customer, id): (CustomerId, DeviceId) = (cx.param("id")?, cx.param("device")?);
    let (place, device) = cx.db.read(|db| {
        Ok((places::customer(db, scope, customer)?, super::one(db, scope, customer, id)?))
    })?;
    let at = format!("/customers/{customer}/devices");
    let body = card(
        &format!("Delete {}?", device.name),
        None,
        html! {
            p { "It goes from the list for good." }
            (post_form(&cx.csrf, &format!("{at}/{id}/delete"), form_foot(html! {
                (button("Delete").danger()) (cancel(&at))
            })))
        },
    );
    Ok(places::customer_page(cx, &place, Tab::Devices, 200, html! {}, body))
}

pub fn destroy(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    super::remove(cx.db, scope, customer, cx.param("device")?)?;
    Ok(cx.done(format!("/customers/{customer}/devices"), "The device is deleted."))
}

fn form(
    cx: &Cx,
    scope: &Scope<UsersUpdate>,
    device: Option<&Device>,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    let place = cx.db.read(|db| places::customer(db, scope, customer))?;
    let at = format!("/customers/{customer}/devices");
    let (title, to) = match device {
        Some(device) => (format!("Edit {}", device.name), format!("{at}/{}/edit", device.id)),
        None => (format!("New device of {}", place.name), at.clone()),
    };
    let half = Opts { width: 3, optional: true, ..Opts::default() };
    let user = Opts { ltr: true, hint: "Sign-in name, or the number of a user.", ..half };
    let fields = html! {
        @if let Some(device) = device { (hidden("version", device.version)) }
        div.form { div.fields {
            (text_field(input, complaints, "name", "Name", Opts { most: Some(100), optional: false, ..half }))
            (text_field(input, complaints, "kind", "Kind", Opts { most: Some(40), placeholder: "Laptop", ..half }))
            (text_field(input, complaints, "serial", "Serial number", Opts { most: Some(64), ltr: true, ..half }))
            (text_field(input, complaints, "user", "User", user))
            (check(input, complaints, "primary", "Primary device", "Asked about first. The first one is anyhow."))
            (textarea(input, complaints, "note", "Note", Opts { optional: true, rows: 2, ..Opts::default() }))
        } }
        (form_foot(html! { (primary("Save device")) (cancel(&at)) }))
    };
    let body = html! {
        (complaints_flash(complaints, LABELS))
        (card(&title, None, post_form(&cx.csrf, &to, fields)))
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::customer_page(cx, &place, Tab::Devices, status, html! {}, body))
}
