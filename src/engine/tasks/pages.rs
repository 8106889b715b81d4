use super::{State, Task, api, list, may_end, one};
use crate::auth::Scope;
use crate::auth::permissions::RequestsRead;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{button, primary};
use crate::html::field::{Opts, choice_field, complaint_of, text_field, tick};
use crate::html::form::{complaints_flash, form_foot, post_form};
use crate::html::parts::{Head, Tone, card, facts, flash, page_head, pill, pill_tint, tabs};
use crate::html::table::{self, column, table};
use crate::html::text;
use crate::ids::TaskId;
use crate::input::Input;
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[
    ("ticked", "Checklist"),
    ("fields", "Asked for"),
    ("reason", "Reason"),
    ("user", "Given to"),
    ("role", "Role"),
];

pub fn index(cx: &Cx, scope: &Scope<RequestsRead>) -> Result<Response> {
    let filter = api::filter(cx)?;
    let paging = cx.paging(api::FILTERS)?;
    let found = list(cx.db, scope, filter, &paging)?;
    let now = match (filter.mine, filter.all) {
        (true, _) => "Mine",
        (false, true) => "All",
        (false, false) => "Open",
    };
    let head = Head { lede: "What people have to do so that requests go on.", ..Head::default() };
    let list =
        [("Open", "/tasks", None), ("Mine", "/tasks?mine=1", None), ("All", "/tasks?all=1", None)];
    let start = (!paging.is_first()).then(|| cx.first_href());
    let next = cx.next_href(found.next.as_ref());
    let body = html! {
        (page_head("Tasks", head))
        (tabs("Which tasks", &list, now))
        @if found.items.is_empty() {
            (table::empty("list-check", "Nothing to do", "A rule that asks somebody to do something makes a task, listed here until it is done.", None))
        } @else {
            (rows(cx, &found.items))
            (table::paging("", start.as_deref(), next.as_deref()))
        }
    };
    let trail = [("Requests", "/requests".to_owned())];
    Ok(cx.page(Nav::Requests, "Tasks", &trail, body))
}

fn rows(cx: &Cx, tasks: &[Task]) -> Markup {
    let (zone, now) = (&cx.actor.zone, cx.db.now());
    let columns = [
        column("Task"),
        column("Customer").class("p2"),
        column("Given to").class("p2"),
        column("Due"),
        column("State"),
    ];
    let body = html! {
        @for task in tasks {
            tr {
                th scope="row" { a href={ "/tasks/" (task.id) } { (task.title) } }
                td.p2 { (task.customer_name) }
                td.p2 { (whose(task)) }
                td { (text::when(task.due_at, zone, now)) }
                td { @let (tone, word) = said(cx, task); (pill(tone, word)) }
            }
        }
    };
    table("Tasks", &columns, body)
}

/// Whom it is given to.
fn whose(task: &Task) -> String {
    match (&task.assignee, &task.role) {
        (Some(name), _) => name.clone(),
        (None, Some(role)) => format!("Everybody with the role {role}"),
        (None, None) => "Nobody".to_owned(),
    }
}

fn said(cx: &Cx, task: &Task) -> (Tone, &'static str) {
    match task.state {
        State::Open if task.due_at <= cx.db.now() => (Tone::Bad, "Overdue"),
        State::Open => (Tone::Wait, "Open"),
        State::Done => (Tone::Ok, "Done"),
        State::Refused => (Tone::Bad, "Refused"),
        State::Cancelled => (Tone::Off, "Cancelled"),
    }
}

pub fn show(cx: &Cx, scope: &Scope<RequestsRead>) -> Result<Response> {
    page(cx, scope, cx.param("id")?, &Input::default(), &[])
}

pub fn complete(cx: &Cx, scope: &Scope<RequestsRead>) -> Result<Response> {
    let (id, input): (TaskId, Input) = (cx.param("id")?, cx.input()?);
    let done = super::complete(cx.db, &cx.actor, scope, id, &input);
    ended(cx, scope, id, &input, done, "Done. The request goes on.")
}

pub fn refuse(cx: &Cx, scope: &Scope<RequestsRead>) -> Result<Response> {
    let (id, input): (TaskId, Input) = (cx.param("id")?, cx.input()?);
    let done = super::refuse(cx.db, &cx.actor, scope, id, &input);
    ended(cx, scope, id, &input, done, "The task was refused.")
}

pub fn assign(cx: &Cx, scope: &Scope<RequestsRead>) -> Result<Response> {
    let (id, input): (TaskId, Input) = (cx.param("id")?, cx.input()?);
    let done = super::assign(cx.db, &cx.actor, scope, id, &input);
    ended(cx, scope, id, &input, done, "Saved.")
}

/// Too late is no error of the visitor's: the page says how it is now.
fn ended(
    cx: &Cx,
    scope: &Scope<RequestsRead>,
    id: TaskId,
    input: &Input,
    done: Result<()>,
    text: &str,
) -> Result<Response> {
    let at = format!("/tasks/{id}");
    match done {
        Ok(()) => Ok(cx.done(at, text)),
        Err(Error::Conflict(why)) => Ok(cx.tell(at, Tone::Bad, &why)),
        Err(Error::Invalid(all)) => page(cx, scope, id, input, &all),
        Err(err) => Err(err),
    }
}

fn page(
    cx: &Cx,
    scope: &Scope<RequestsRead>,
    id: TaskId,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let (task, may, roles) = cx.db.read(|db| {
        let task = one(db, scope, id)?;
        let may = task.state == State::Open && may_end(db, &cx.actor, &task)?;
        let roles = if may { super::roles(db, &task)? } else { Vec::new() };
        Ok((task, may, roles))
    })?;
    let (tone, word) = said(cx, &task);
    let head = Head { state: Some(pill_tint(tone, word)), ..Head::default() };
    let body = html! {
        (page_head(&task.title, head))
        (complaints_flash(complaints, LABELS))
        div.cols {
            div.stack {
                @if task.state == State::Refused { (flash(Tone::Bad, html! { (task.reason) }, None)) }
                (card("What to do", None, what(&task)))
                @if may { (card("When it is done", None, finish(cx, &task, input, complaints))) }
            }
            div.stack {
                (card("Details", None, details(cx, &task)))
                @if may {
                    (card("Give it to somebody else", None, hand_over(cx, &task, &roles, input, complaints)))
                    (card("It cannot be done", None, decline(cx, &task, input, complaints)))
                }
            }
        }
    };
    let trail = [("Requests", "/requests".to_owned()), ("Tasks", "/tasks".to_owned())];
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(cx.page_with(status, Nav::Requests, &task.title, &trail, body))
}

fn what(task: &Task) -> Markup {
    html! {
        @for paragraph in task.text.split("\n\n").filter(|text| !text.trim().is_empty()) { p { (paragraph) } }
        @if task.text.trim().is_empty() && task.checklist.is_empty() { p { (task.title) } }
        @if !task.checklist.is_empty() { ul { @for point in &task.checklist { li { (point.text) } } } }
    }
}

fn finish(cx: &Cx, task: &Task, input: &Input, complaints: &[Complaint]) -> Markup {
    let inside = html! {
        div.form {
            @if !task.checklist.is_empty() {
                fieldset {
                    legend { "Checklist" }
                    div {
                        @for (number, point) in (1..).zip(&task.checklist) {
                            (tick(input, "ticked", &number.to_string(), &point.text, ""))
                        }
                        (complaint_of(complaints, "ticked", "Checklist"))
                    }
                }
            }
            @if !task.fields.is_empty() {
                div.fields {
                    @for name in &task.fields {
                        (text_field(input, complaints, &format!("fields.{name}"), name, Opts { most: Some(500), ..Opts::default() }))
                    }
                }
            }
            (form_foot(html! { (primary("It is done")) }))
        }
    };
    post_form(&cx.csrf, &format!("/tasks/{}/complete", task.id), inside)
}

fn hand_over(
    cx: &Cx,
    task: &Task,
    roles: &[String],
    input: &Input,
    complaints: &[Complaint],
) -> Markup {
    let opts = Opts { optional: true, ltr: true, hint: "Empty is nobody", ..Opts::default() };
    let mut choices = vec![("", "No role")];
    choices.extend(roles.iter().map(|name| (name.as_str(), name.as_str())));
    let mut shown = input.clone();
    if !shown.has("role") {
        shown.set("role", task.role.as_deref().unwrap_or_default());
    }
    let of_role = Opts { hint: "Everybody who holds it may do it", ..Opts::default() };
    let inside = html! {
        (text_field(input, complaints, "user", "Sign-in name", opts))
        (choice_field(&shown, complaints, "role", "Or everybody with the role", &choices, of_role))
        (form_foot(html! { (button("Give")) }))
    };
    post_form(&cx.csrf, &format!("/tasks/{}/assign", task.id), inside)
}

fn decline(cx: &Cx, task: &Task, input: &Input, complaints: &[Complaint]) -> Markup {
    let opts = Opts { most: Some(200), ..Opts::default() };
    let inside = html! {
        p { "The request fails with what you say here." }
        (text_field(input, complaints, "reason", "Reason", opts))
        (form_foot(html! { (button("Refuse").danger()) }))
    };
    post_form(&cx.csrf, &format!("/tasks/{}/refuse", task.id), inside)
}

fn details(cx: &Cx, task: &Task) -> Markup {
    let (zone, now) = (&cx.actor.zone, cx.db.now());
    let mut list = vec![
        ("Customer", html! { (task.customer_name) }),
        ("Request", html! { a href={ "/requests/" (task.request_id) } { "#" (task.request_id) } }),
        ("Given to", html! { (whose(task)) }),
        ("Due", text::when(task.due_at, zone, now)),
        ("Since", text::when(task.opened_at, zone, now)),
    ];
    if let Some(at) = task.ended_at {
        list.push(("Ended", text::when(at, zone, now)));
        list.push(("By", html! { (task.ended_by.as_deref().unwrap_or("Portico")) }));
    }
    facts(&list)
}
