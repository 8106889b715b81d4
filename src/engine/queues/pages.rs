use super::{Route, find, limit, store};
use crate::auth::permissions::SystemOperate;
use crate::auth::{PROVIDER, Scope};
use crate::engine::rules::events;
use crate::engine::{Action, Class};
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{button, primary};
use crate::html::field::{Opts, choice_field, options, text_field};
use crate::html::form::{complaints_flash, form_foot, post_form};
use crate::html::parts::{Head, Tone, card, card_flush, flash, page_head};
use crate::html::table::{acts, column, table};
use crate::input::Input;
use crate::places::capital;
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[
    ("position", "Place"),
    ("event", "Event"),
    ("service", "Service"),
    ("customer_id", "Customer"),
    ("class", "Class"),
    ("action", "Action"),
    ("queue", "Queue"),
];

const QUEUES: [(&str, &str); 4] =
    [("interactive", "Interactive"), ("bulk", "Bulk"), ("sync", "Sync"), ("scripts", "Scripts")];

/// The routes, and where a request would go.
pub fn index(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    page(cx, scope, &Input::default(), &[])
}

pub fn create(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    let input = cx.input()?;
    match super::create(cx.db, scope, &input) {
        Ok(_) => Ok(cx.done("/engine/routes", "The route was added. It counts for new requests.")),
        Err(Error::Invalid(all)) => page(cx, scope, &input, &all),
        Err(err) => Err(err),
    }
}

pub fn delete(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    super::delete(cx.db, scope, cx.param("id")?)?;
    Ok(cx.done("/engine/routes", "The route was taken away."))
}

/// How much of a queue runs at once.
pub fn update(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    let queue: String = cx.param("name")?;
    match limit(cx.db, scope, &queue, &cx.input()?) {
        Ok(()) => Ok(cx.done("/engine", "Saved.")),
        Err(Error::Invalid(_)) => Ok(cx.tell("/engine", Tone::Bad, "Each number is from 1 to 64.")),
        Err(err) => Err(err),
    }
}

fn page(
    cx: &Cx,
    scope: &Scope<SystemOperate>,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let query = &cx.request.query;
    let routes = cx.db.read(|db| {
        scope.reaches(db, PROVIDER)?;
        store::in_order(db)
    })?;
    let mut wrong = complaints.to_vec();
    let mut answer = None;
    if !query.get("event").is_empty() {
        match find(cx.db, scope, query) {
            Ok(found) => answer = Some(found),
            Err(Error::Invalid(all)) => wrong.extend(all),
            Err(err) => return Err(err),
        }
    }
    let head = Head {
        lede: "A request waits in the queue of the first route that fits it; where none does, in interactive.",
        ..Head::default()
    };
    let body = html! {
        (page_head("Routes to queues", head))
        (complaints_flash(&wrong, LABELS))
        div.cols {
            div.stack {
                (card_flush("Routes", None, rows(&routes)))
                (card("Add a route", None, form(cx, input, complaints)))
            }
            div.stack {
                (card("Where would this go?", None, tester(query)))
                @if let Some((route, queue)) = answer { (flash(Tone::Ok, said(route.as_ref(), &queue), None)) }
            }
        }
    };
    let trail = [("Requests", "/requests".to_owned()), ("Queues", "/engine".to_owned())];
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(cx.page_with(status, Nav::Requests, "Routes to queues", &trail, body))
}

fn said(route: Option<&Route>, queue: &str) -> Markup {
    html! {
        "It would wait in " b { (capital(queue)) } ", "
        @match route {
            Some(route) => { "by the route at place " (route.position) "." },
            None => { "because no route fits." },
        }
    }
}

fn rows(routes: &[Route]) -> Markup {
    let columns = [column("Place").class("num"), column("Fits"), column("Queue"), acts()];
    let body = html! {
        @for route in routes {
            tr {
                th.num scope="row" { (route.position) }
                td { (words(route)) }
                td { (capital(&route.queue)) }
                td.acts {
                    (button("Take away").small().about(&format!("the route at place {}", route.position))
                        .posts(&format!("/engine/routes/{}/delete", route.id)))
                }
            }
        }
    };
    table("Routes", &columns, body)
}

fn words(route: &Route) -> String {
    let mut all = Vec::new();
    if route.event != "*" {
        all.push(route.event.clone());
    }
    if let Some(service) = &route.service {
        all.push(format!("service {service}"));
    }
    if let Some(customer) = &route.customer_name {
        all.push(format!("{customer} and below"));
    }
    if let Some(class) = route.class {
        all.push(format!("class {}", class.word()));
    }
    if let Some(action) = route.action {
        all.push(format!("with {}", action.word()));
    }
    if all.is_empty() { "Everything".to_owned() } else { all.join(", ") }
}

fn classes() -> Vec<(&'static str, String)> {
    let mut all = vec![("", "Every class".to_owned())];
    all.extend(Class::ALL.iter().map(|class| (class.word(), capital(class.word()))));
    all
}

fn actions() -> Vec<(&'static str, &'static str)> {
    let mut all = vec![("", "Any")];
    all.extend(Action::ALL.iter().map(|action| (action.word(), action.label())));
    all
}

fn form(cx: &Cx, input: &Input, complaints: &[Complaint]) -> Markup {
    let w = |width, hint| Opts { width, hint, ..Opts::default() };
    let number = |width, hint| Opts { kind: "number", ..w(width, hint) };
    let inside = html! {
        div.form {
            div.fields {
                (text_field(input, complaints, "position", "Place", number(2, "Small numbers first")))
                (text_field(input, complaints, "event", "Event", Opts { optional: true, ltr: true, ..w(4, "Like user_service.*") }))
                (text_field(input, complaints, "service", "Service", Opts { optional: true, ltr: true, ..w(3, "A code; empty is all") }))
                (text_field(input, complaints, "customer_id", "Customer’s number", Opts { optional: true, ..number(3, "It and all below; empty is everybody") }))
                (choice_field(input, complaints, "class", "Class", &classes(), w(2, "")))
                (choice_field(input, complaints, "action", "With a step that does", &actions(), w(2, "")))
                (choice_field(input, complaints, "queue", "Queue", &QUEUES, w(2, "")))
            }
            (form_foot(html! { (primary("Add route")) }))
        }
    };
    post_form(&cx.csrf, "/engine/routes", inside)
}

fn tester(query: &Input) -> Markup {
    let named: Vec<(&str, &str)> = events().map(|event| (event, event)).collect();
    // The form beside it has fields of the same names.
    let pick = |name: &str, label: &str, options: Markup| {
        let id = format!("where-{name}");
        html! {
            div.field {
                label.form-label for=(id) { (label) }
                select.form-select id=(id) name=(name) { (options) }
            }
        }
    };
    let write = |name: &str, label: &str| {
        let id = format!("where-{name}");
        html! {
            div.field {
                label.form-label for=(id) { (label) }
                input.form-control id=(id) name=(name) value=(query.get(name)) dir="ltr";
            }
        }
    };
    html! {
        form action="/engine/routes" {
            div.fields {
                (pick("event", "Event", options(&named, query.get("event"))))
                (pick("class", "Class", options(&classes(), query.get("class"))))
                (pick("action", "With a step that does", options(&actions(), query.get("action"))))
                (write("service", "Service’s code"))
                (write("customer_id", "Customer’s number"))
            }
            (form_foot(html! { button.btn { "Look" } }))
        }
    }
}
