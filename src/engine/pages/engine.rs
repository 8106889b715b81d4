//! The engine itself: its queues, what waits in them, and what is down.

use crate::auth::permissions::SystemOperate;
use crate::auth::{PROVIDER, Scope};
use crate::engine::pause as pause_queue;
use crate::engine::view::{self, Down, Queue};
use crate::error::Result;
use crate::html::Nav;
use crate::html::button::{button, link};
use crate::html::form::{Attrs, post_form_with};
use crate::html::parts::{Head, Tone, page_head, pill, section};
use crate::html::table::{self, acts, column, table};
use crate::html::text;
use crate::places::capital;
use crate::web::{Cx, Response};
use maud::{Markup, html};

pub fn index(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    let (queues, down) = cx.db.read(|db| {
        scope.reaches(db, PROVIDER)?;
        Ok((view::store::queues(db)?, view::store::down(db)?))
    })?;
    let actions = html! { (link("Routes", "/engine/routes")) (link("Freezes", "/freezes")) };
    let head = Head {
        lede: "What requests wait in until a worker is free.",
        actions: Some(actions),
        ..Head::default()
    };
    let body = html! {
        (page_head("Queues", head))
        (lanes(cx, &queues))
        (section("Connectors that do not answer", None, broken(cx, &down)))
    };
    let trail = [("Requests", "/requests".to_owned())];
    Ok(cx.page(Nav::Requests, "Queues", &trail, body))
}

pub fn pause(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    let queue: String = cx.param("name")?;
    pause_queue(cx.db, scope, &queue, true)?;
    Ok(cx.done("/engine", &format!("Queue {queue} starts no step until it is resumed.")))
}

pub fn resume(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    let queue: String = cx.param("name")?;
    pause_queue(cx.db, scope, &queue, false)?;
    Ok(cx.done("/engine", &format!("Queue {queue} goes on.")))
}

fn lanes(cx: &Cx, queues: &[Queue]) -> Markup {
    let columns = [
        column("Queue"),
        column("Workers").class("num p2"),
        column("For one customer").class("num p3"),
        column("For one connector").class("num p3"),
        column("At work").class("num"),
        column("Waiting").class("num"),
        column("Between attempts").class("num p3"),
        column("Behind another").class("num p3"),
        column("Oldest").class("p2"),
        column("State"),
        acts(),
    ];
    let rows = html! { @for queue in queues { (lane(cx, queue)) } };
    table("Queues", &columns, rows)
}

fn lane(cx: &Cx, queue: &Queue) -> Markup {
    let (zone, now) = (&cx.actor.zone, cx.db.now());
    let at = |verb: &str| format!("/engine/{}/{verb}", queue.name);
    html! {
        tr {
            th scope="row" { (capital(&queue.name)) }
            td.num.p2 { (limits(cx, queue)) }
            td.num.p3 { (number(queue, "per_customer", queue.per_customer, "Steps of one customer at once in")) }
            td.num.p3 { (number(queue, "per_connector", queue.per_connector, "Calls of one connector at once in")) }
            td.num { (text::grouped(queue.running)) }
            td.num { (text::grouped(queue.ready)) }
            td.num.p3 { (text::grouped(queue.sleeping)) }
            td.num.p3 { (text::grouped(queue.blocked)) }
            td.p2.muted {
                @match queue.oldest_at { Some(at) => (text::when(at, zone, now)), None => "–" }
            }
            td {
                @match queue.paused_at {
                    Some(at) => {
                        (pill(Tone::Wait, "Paused"))
                        small.muted {
                            " by " (queue.paused_by.as_deref().unwrap_or("Portico")) ", "
                            (text::when_in_words(at, zone, now))
                        }
                    }
                    None => (pill(Tone::Ok, "Open")),
                }
            }
            td.acts {
                @if queue.paused_at.is_some() {
                    (button("Resume").small().about(&queue.name).posts(&at("resume")))
                } @else {
                    (button("Pause").small().about(&queue.name).posts(&at("pause")))
                }
            }
        }
    }
}

/// The form of the row; its other fields are in cells of their own.
fn limits(cx: &Cx, queue: &Queue) -> Markup {
    let inside = html! {
        div.row {
            (number(queue, "workers", queue.workers, "Workers of"))
            button.btn.btn-sm { "Set" span.sr { " the numbers of " (queue.name) } }
        }
    };
    let action = format!("/engine/{}/workers", queue.name);
    let id = format!("numbers-{}", queue.name);
    post_form_with(&cx.csrf, &action, Attrs { id: Some(&id), class: None }, inside)
}

fn number(queue: &Queue, name: &str, value: i64, label: &str) -> Markup {
    html! {
        input.form-control type="number" name=(name) min="1" max="64" value=(value)
            form={ "numbers-" (queue.name) } aria-label={ (label) " " (queue.name) };
    }
}

fn broken(cx: &Cx, down: &[Down]) -> Markup {
    if down.is_empty() {
        return table::empty(
            "plug",
            "All connectors answer",
            "One that fails five times in a row is left alone for a while, and listed here.",
            None,
        );
    }
    let (zone, now) = (&cx.actor.zone, cx.db.now());
    let columns = [
        column("Connector"),
        column("Since").class("p2"),
        column("Next try"),
        column("Last error"),
    ];
    let rows = html! {
        @for each in down {
            tr {
                th scope="row" { a href={ "/connectors/" (each.id) } { (each.name) } }
                td.p2 { @if let Some(since) = each.since { (text::when(since, zone, now)) } }
                td { (text::when(each.until, zone, now)) }
                td { (each.error) }
            }
        }
    };
    table("Connectors that do not answer", &columns, rows)
}
