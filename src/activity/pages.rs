//! The audit log as a page, and as a tab of a customer and of a user.

use super::{Entry, FILTERS, Filter, store};
use crate::auth::Scope;
use crate::auth::permissions::{
    AuditRead, CustomersRead, InvoicesRead, JobsRead, MessagesRead, RequestsRead, UsersRead,
};
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::form::complaints_flash;
use crate::html::parts::{Head, page_head};
use crate::html::table::{column, empty, filters, paging, select, table};
use crate::html::text::{act, moment};
use crate::ids::{CustomerId, UserId};
use crate::places::{self, Tab, UserTab};
use crate::web::{Cx, Response};
use maud::{Markup, html};
use serde_json::Value;

/// What the list can be narrowed to: how the actions begin.
const KINDS: &[(&str, &str)] = &[
    ("", "Every change"),
    ("connector.", "Connectors"),
    ("customer", "Customers and their services"),
    ("domain.", "Domains"),
    ("invoice.", "Invoices"),
    ("offer.", "Offers"),
    ("plan.", "Plans"),
    ("price", "Prices"),
    ("property", "Properties"),
    ("request.", "Requests"),
    ("role.", "Roles"),
    ("service", "Services"),
    ("session.", "Sign-ins"),
    ("settings.", "Settings"),
    ("token.", "Tokens"),
    ("user", "Users and their services"),
];

pub fn index(cx: &Cx, scope: &Scope<AuditRead>) -> Result<Response> {
    let lede = "Who changed what, and when. Nothing in it can be changed or taken out.";
    let (status, complaints, list) = match Filter::read(&cx.request.query) {
        Ok(filter) => (200, Vec::new(), entries(cx, scope, &filter, true)?),
        Err(Error::Invalid(complaints)) => (422, complaints, html! {}),
        Err(err) => return Err(err),
    };
    let body = html! {
        (page_head("Audit", Head { lede, ..Head::default() }))
        (search_form(cx, &complaints))
        (list)
    };
    Ok(cx.page_with(status, Nav::Audit, "Audit", &[], body))
}

pub fn of_customer(cx: &Cx, scope: &Scope<AuditRead>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let place = cx.db.read(|db| places::customer(db, scope, id))?;
    let filter = Filter { customer: Some(id), ..Filter::default() };
    let body = entries(cx, scope, &filter, false)?;
    Ok(places::customer_page(cx, &place, Tab::Audit, 200, html! {}, body))
}

pub fn of_user(cx: &Cx, scope: &Scope<AuditRead>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let person = cx.db.read(|db| places::user(db, scope, id))?;
    let filter = Filter { subject: Some(("user".to_owned(), id.0)), ..Filter::default() };
    let body = entries(cx, scope, &filter, false)?;
    Ok(places::user_page(cx, &person, UserTab::Audit, 200, html! {}, body))
}

fn search_form(cx: &Cx, complaints: &[Complaint]) -> Markup {
    let query = &cx.request.query;
    let labels = [("from", "First day"), ("to", "Last day")];
    html! {
        (complaints_flash(complaints, &labels))
        (filters("/audit", html! {
            (select("action", "What was changed", KINDS, query.get("action")))
            label.inline for="from" { "From"
                input.form-control type="date" name="from" id="from" value=(query.get("from"));
            }
            label.inline for="to" { "to"
                input.form-control type="date" name="to" id="to" value=(query.get("to"));
            }
        }))
    }
}

fn entries(cx: &Cx, scope: &Scope<AuditRead>, filter: &Filter, all: bool) -> Result<Markup> {
    let part = cx.paging(FILTERS)?;
    let zone = &cx.actor.zone;
    let rows = cx.db.read(|db| store::list(db, scope, filter, zone, &part))?;
    let list = part.listing(rows, |entry| (String::new(), entry.id));
    if list.items.is_empty() {
        return Ok(empty(
            "history",
            "Nothing here",
            "Every change is recorded here with who made it.",
            None,
        ));
    }
    let mut columns = vec![column("When"), column("Who"), column("What")];
    if all {
        columns.push(column("Customer").class("p2"));
    }
    columns.push(column("Details").class("p3"));
    let rows = html! {
        @for entry in &list.items {
            tr {
                th scope="row" { (moment(entry.at, zone)) }
                td { (entry.user.as_deref().unwrap_or("Portico")) small {
                    @if let Some(other) = &entry.acting_for { "as " (other) ", " }
                    (via(&entry.via))
                } }
                td { (act(&entry.action)) small { (subject(cx, entry)) } }
                @if all { td.p2 { a href={ "/customers/" (entry.customer_id) } { (entry.customer) } } }
                td.p3 { (detail(&entry.detail)) }
            }
        }
    };
    let next = cx.next_href(list.next.as_ref());
    let first = cx.first_href();
    let back = (!part.is_first()).then_some(first.as_str());
    Ok(html! {
        (table("Changes", &columns, rows))
        (paging("Newest first", back, next.as_deref()))
    })
}

/// What it was done to, as a link for those who may look at such things.
fn subject(cx: &Cx, entry: &Entry) -> Markup {
    let words = format!("{} {}", entry.subject_kind.replace('_', " "), entry.subject_id);
    let actor = &cx.actor;
    let (place, may) = match entry.subject_kind.as_str() {
        "user" => ("/users/", actor.may::<UsersRead>()),
        "customer" => ("/customers/", actor.may::<CustomersRead>()),
        "message" => ("/mail/", actor.may::<MessagesRead>()),
        "request" => ("/requests/", actor.may::<RequestsRead>()),
        "invoice" => ("/invoices/", actor.may::<InvoicesRead>()),
        "run" => ("/runs/", actor.may::<JobsRead>()),
        _ => ("", false),
    };
    if !may {
        return html! { (words) };
    }
    html! { a href={ (place) (entry.subject_id) } { (words) } }
}

fn via(word: &str) -> &'static str {
    match word {
        "page" => "on a page",
        "api" => "by the API",
        "engine" => "by the engine",
        "job" => "by a job",
        "shell" => "from the shell",
        _ => "by a link",
    }
}

/// Old and new values side by side, and whatever else was noted; what is empty says nothing.
fn detail(value: &Value) -> Markup {
    html! {
        @for (name, value) in value.as_object().into_iter().flatten() {
            @if let Some(list) = value.as_array() {
                @for each in list { (noted(&name.replace('_', " "), each)) }
            } @else {
                (noted(&name.replace('_', " "), value))
            }
        }
    }
}

/// One value, or a change that names its own field.
fn noted(name: &str, value: &Value) -> Markup {
    let either = |a: &str, b: &str| value.get(a).or_else(|| value.get(b));
    let name = value.get("field").and_then(Value::as_str).unwrap_or(name);
    html! {
        @if let (Some(old), Some(new)) = (either("old", "before"), either("new", "after")) {
            div.small { (name) ": " del { (plain(old)) } " → " ins { (plain(new)) } }
        } @else if !value.is_null() && value.as_str() != Some("") {
            div.small { (name) ": " (plain(value)) }
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    }
}
