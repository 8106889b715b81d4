use super::{Freeze, Lets, list};
use crate::auth::permissions::SystemOperate;
use crate::auth::{PROVIDER, Scope};
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{button, primary};
use crate::html::field::{Opts, choice_field, text_field};
use crate::html::form::{complaints_flash, form_foot, post_form};
use crate::html::parts::{Head, Tone, card, page_head, pill};
use crate::html::table::{self, acts, column, table};
use crate::html::text;
use crate::input::Input;
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[
    ("name", "Name"),
    ("customer_id", "Customer"),
    ("service", "Service"),
    ("queue", "Queue"),
    ("from", "From"),
    ("until", "Until"),
    ("lets", "Goes on"),
];

pub fn index(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    let mut input = Input::default();
    input.set("customer_id", PROVIDER);
    page(cx, scope, &input, &[])
}

pub fn create(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    let input = cx.input()?;
    match super::create(cx.db, scope, &cx.actor.zone, &input) {
        Ok(_) => Ok(cx.done("/freezes", "The freeze was set.")),
        Err(Error::Invalid(all)) => page(cx, scope, &input, &all),
        Err(err) => Err(err),
    }
}

pub fn lift(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    super::lift(cx.db, scope, cx.param("id")?)?;
    Ok(cx.done("/freezes", "The freeze was lifted. What it held goes on."))
}

fn page(
    cx: &Cx,
    scope: &Scope<SystemOperate>,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let paging = cx.paging(&[])?;
    let found = list(cx.db, scope, &paging)?;
    let head = Head {
        lede: "Times in which nothing is begun in other systems. What is in hand ends, the rest waits and goes on in its order.",
        ..Head::default()
    };
    let start = (!paging.is_first()).then(|| cx.first_href());
    let next = cx.next_href(found.next.as_ref());
    let body = html! {
        (page_head("Freezes", head))
        (complaints_flash(complaints, LABELS))
        div.stack {
            @if found.items.is_empty() {
                (table::empty("clock", "No freeze is set", "Set one for the days on which nothing may change, like the end of the year.", None))
            } @else {
                (rows(cx, &found.items))
                (table::paging("", start.as_deref(), next.as_deref()))
            }
            (card("Set a freeze", None, form(cx, input, complaints)))
        }
    };
    let trail = [("Requests", "/requests".to_owned()), ("Queues", "/engine".to_owned())];
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(cx.page_with(status, Nav::Requests, "Freezes", &trail, body))
}

fn rows(cx: &Cx, freezes: &[Freeze]) -> Markup {
    let (zone, now) = (&cx.actor.zone, cx.db.now());
    let columns = [
        column("Freeze"),
        column("From"),
        column("Until"),
        column("For").class("p2"),
        column("State").class("p2"),
        acts(),
    ];
    let body = html! {
        @for freeze in freezes {
            tr {
                th scope="row" {
                    (freeze.name)
                    small { @if freeze.lets == Lets::Nothing { "Nothing goes on" } @else { "Disabling and passwords go on" } }
                }
                td { (text::moment(freeze.from_at, zone)) }
                td { (text::moment(freeze.until_at, zone)) }
                td.p2 {
                    @if freeze.customer_id == PROVIDER { "Everybody" } @else { (freeze.customer_name) }
                    small {
                        @if let Some(service) = &freeze.service { (service) " " }
                        @if let Some(queue) = &freeze.queue { "queue " (queue) }
                    }
                }
                td.p2 {
                    @if freeze.from_at <= now { (pill(Tone::Busy, "On")) } @else { (pill(Tone::Wait, "To come")) }
                    @if let Some(by) = &freeze.by { small { "by " (by) } }
                }
                td.acts { (button("Lift").small().about(&freeze.name).posts(&format!("/freezes/{}/lift", freeze.id))) }
            }
        }
    };
    table("Freezes", &columns, body)
}

fn form(cx: &Cx, input: &Input, complaints: &[Complaint]) -> Markup {
    let half = Opts { width: 3, ..Opts::default() };
    let queues = [
        ("", "All"),
        ("interactive", "Interactive"),
        ("bulk", "Bulk"),
        ("sync", "Sync"),
        ("scripts", "Scripts"),
    ];
    let lets = [("security", "Disabling, suspending and passwords"), ("nothing", "Nothing")];
    let local = Opts { kind: "datetime-local", width: 3, ..Opts::default() };
    let inside = html! {
        div.form {
            div.fields {
                (text_field(input, complaints, "name", "Name", Opts { most: Some(60), ..half }))
                (choice_field(input, complaints, "lets", "Goes on", &lets, half))
                (text_field(input, complaints, "from", "From", local))
                (text_field(input, complaints, "until", "Until", local))
                (text_field(input, complaints, "customer_id", "Customer’s number", Opts { kind: "number", optional: true,
                    hint: "For it and all below it. 1 is everybody", ..half }))
                (text_field(input, complaints, "service", "Service", Opts { optional: true, ltr: true, hint: "A code; empty is all", ..half }))
                (choice_field(input, complaints, "queue", "Queue", &queues, half))
            }
            (form_foot(html! { (primary("Set freeze")) }))
        }
    };
    post_form(&cx.csrf, "/freezes", inside)
}
