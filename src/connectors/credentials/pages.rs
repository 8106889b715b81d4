use super::update as change;
use super::{
    Credential, as_input, create as make, destroy as remove, list, rotate as renew, store,
};
use crate::auth::Scope;
use crate::auth::permissions::{ConnectorsRead, ConnectorsWrite};
use crate::connectors::api::owner;
use crate::connectors::frame;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{Item, cancel, link, menu_button, primary};
use crate::html::field::{Opts, text_field};
use crate::html::form::{complaints_flash, form_foot, hidden, post_form};
use crate::html::parts::{Head, Tone, card, facts, flash, page_head, pill};
use crate::html::table::{self, column, table};
use crate::html::text;
use crate::ids::CredentialId;
use crate::input::Input;
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] =
    &[("name", "Name"), ("secret", "Password"), ("expires_on", "Ends on")];

fn trail() -> Vec<(&'static str, String)> {
    vec![("Connectors", "/connectors".to_owned()), ("Credentials", "/credentials".to_owned())]
}

pub fn index(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let paging = cx.paging(&[])?;
    let found = list(cx.db, scope, &paging)?;
    let actions = html! {
        @if cx.actor.may::<ConnectorsWrite>() {
            (link("New credential", "/credentials/new").primary().icon("plus"))
        }
    };
    let head = Head {
        actions: Some(actions),
        lede: "Passwords that connectors sign in with. Each is kept sealed and changed in one place.",
        ..Head::default()
    };
    let columns = [
        column("Name"),
        column("Used by"),
        column("Owner").class("p3"),
        column("Ends").class("p2"),
    ];
    let rows = html! {
        @for each in &found.items {
            tr {
                th scope="row" { a href={ "/credentials/" (each.id) } { (each.name) } }
                td { (users(each)) }
                td.p3 { (each.customer_name) }
                td.p2 { (ends(cx, each)) }
            }
        }
    };
    let next = cx.next_href(found.next.as_ref());
    let start = (!paging.is_first()).then(|| cx.first_href());
    let count = i64::try_from(found.items.len()).unwrap_or(0);
    let body = html! {
        (page_head("Credentials", head))
        (frame::tabs(&cx.actor, "/credentials"))
        @if found.items.is_empty() {
            (table::empty("key", "No credentials yet", "One is made with each connector that needs a secret.", None))
        } @else {
            (table("Credentials", &columns, rows))
            (table::paging(&text::count(count, "credential", "credentials"), start.as_deref(), next.as_deref()))
        }
    };
    let trail = [("Connectors", "/connectors".to_owned())];
    Ok(cx.page(Nav::Connectors, "Credentials", &trail, body))
}

fn users(it: &Credential) -> String {
    if it.used_by.is_empty() { "Nothing".to_owned() } else { it.used_by.join(", ") }
}

fn ends(cx: &Cx, it: &Credential) -> Markup {
    let today = cx.db.now().day(&cx.actor.zone);
    html! {
        @match (it.expires_on, it.days_left(today)) {
            (Some(day), Some(left)) => {
                (text::date(day))
                @if left < 0 { " " (pill(Tone::Bad, "Ended")) } @else if left <= 30 { " " (pill(Tone::Wait, "Ends soon")) }
            }
            _ => "Never",
        }
    }
}

pub fn new(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    cx.db.read(|db| scope.reaches(db, owner(cx, &cx.request.query)?))?;
    let mut input = Input::default();
    input.set("customer_id", cx.request.query.get("customer_id"));
    Ok(form(cx, None, &input, &[]))
}

fn form(cx: &Cx, old: Option<&Credential>, input: &Input, wrong: &[Complaint]) -> Response {
    let title = old.map_or("New credential".to_owned(), |old| format!("Edit {}", old.name));
    let at = old.map_or("/credentials".to_owned(), |old| format!("/credentials/{}", old.id));
    let secret = Opts {
        kind: "password",
        autocomplete: "off",
        hint: "Kept sealed, never shown again",
        ..Opts::default()
    };
    let fields = html! {
        @if old.is_none() && !input.get("customer_id").is_empty() { (hidden("customer_id", input.get("customer_id"))) }
        div.fields {
            (text_field(input, wrong, "name", "Name", Opts { most: Some(60), ..Opts::default() }))
            @if old.is_none() { (text_field(&Input::default(), wrong, "secret", "Password", secret)) }
            (day_field(input, wrong))
        }
        (form_foot(html! { (primary(if old.is_some() { "Save" } else { "Keep it" })) (cancel(&at)) }))
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
    cx.page_with(status, Nav::Connectors, &title, &trail, body)
}

fn day_field(input: &Input, wrong: &[Complaint]) -> Markup {
    let opts = Opts {
        kind: "date",
        optional: true,
        width: 3,
        hint: "Where the directory lets passwords end",
        ..Opts::default()
    };
    text_field(input, wrong, "expires_on", "Ends on", opts)
}

pub fn create(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let input = cx.input()?;
    let owner = owner(cx, &input)?;
    cx.db.read(|db| scope.reaches(db, owner))?;
    match make(cx.db, &cx.app.config, scope, owner, &input) {
        Ok(id) => Ok(cx.done(format!("/credentials/{id}"), "The credential is kept.")),
        Err(Error::Invalid(wrong)) => Ok(form(cx, None, &input, &wrong)),
        Err(err) => Err(err),
    }
}

pub fn show(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let id = cx.param("id")?;
    let it = cx.db.read(|db| store::one(db, scope, id))?;
    Ok(page(cx, &it, &[]))
}

fn page(cx: &Cx, it: &Credential, wrong: &[Complaint]) -> Response {
    let at = format!("/credentials/{}", it.id);
    let write = cx.actor.may::<ConnectorsWrite>();
    let mut items = vec![Item::link("Edit", format!("{at}/edit"))];
    if it.used_by.is_empty() {
        items.push(Item::post("Delete", format!("{at}/delete")));
    }
    let actions = html! {
        @if write { (menu_button("more", "More", &items)) }
    };
    let (zone, now) = (&cx.actor.zone, cx.db.now());
    let list = [
        ("Owner", html! { (it.customer_name) }),
        ("Used by", html! { (users(it)) }),
        ("Ends", ends(cx, it)),
        ("Changed", text::when(it.changed_at, zone, now)),
    ];
    let about = "Every directory that uses it is tried with the new password first. If one does not let it in, the old one stays.";
    let secret = Opts { kind: "password", autocomplete: "off", width: 3, ..Opts::default() };
    let body = html! {
        (page_head(&it.name, Head { actions: Some(actions), ..Head::default() }))
        (complaints_flash(wrong, LABELS))
        (card("Details", None, facts(&list)))
        @if write && !it.own {
            (card("Change the password", None, post_form(&cx.csrf, &format!("{at}/rotate"), html! {
                p { (about) }
                div.fields {
                    (text_field(&Input::default(), wrong, "secret", "New password", secret))
                    (day_field(&as_input(it), wrong))
                }
                (form_foot(html! { (primary("Try it and keep it")) }))
            })))
        } @else if it.own {
            (flash(Tone::Wait, html! { "It belongs to a script or a webhook and is changed there." }, None))
        }
    };
    let status = if wrong.is_empty() { 200 } else { 422 };
    cx.page_with(status, Nav::Connectors, &it.name, &trail(), body)
}

pub fn edit(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id = cx.param("id")?;
    let it = cx.db.read(|db| store::one(db, scope, id))?;
    Ok(form(cx, Some(&it), &as_input(&it), &[]))
}

pub fn update(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id: CredentialId = cx.param("id")?;
    let it = cx.db.read(|db| store::one(db, scope, id))?;
    let input = cx.input()?;
    match change(cx.db, scope, id, &input) {
        Ok(()) => Ok(cx.done(format!("/credentials/{id}"), "Saved.")),
        Err(Error::Invalid(wrong)) => Ok(form(cx, Some(&it), &input, &wrong)),
        Err(err) => Err(err),
    }
}

pub fn rotate(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id: CredentialId = cx.param("id")?;
    let it = cx.db.read(|db| store::one(db, scope, id))?;
    match renew(cx.db, &cx.app.config, scope, id, &cx.input()?) {
        Ok(()) => {
            let text = match it.used_by.is_empty() {
                true => "The new password is kept.",
                false => "The new password was let in and is kept.",
            };
            Ok(cx.done(format!("/credentials/{id}"), text))
        }
        Err(Error::Invalid(wrong)) => Ok(page(cx, &it, &wrong)),
        Err(err) => Err(err),
    }
}

pub fn destroy(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id: CredentialId = cx.param("id")?;
    let it = cx.db.read(|db| store::one(db, scope, id))?;
    match remove(cx.db, scope, id) {
        Ok(()) => Ok(cx.done("/credentials", &format!("{} is deleted.", it.name))),
        Err(Error::Invalid(wrong)) => Ok(page(cx, &it, &wrong)),
        Err(err) => Err(err),
    }
}
