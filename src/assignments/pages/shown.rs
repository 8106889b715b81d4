//! The plan page: all that would happen, what it costs, and the one button that does it.

use crate::assignments::api::{again, plan_anew};
use crate::assignments::bulk::Counts;
use crate::assignments::plan::{Diff, Seat, Step};
use crate::assignments::previews::{self, Agrees, Applied, Loser, Preview, Shown};
use crate::assignments::quote::Monthly;
use crate::auth::permissions::{AccountRead, RequestsRetry, ServicesRead};
use crate::auth::{Own, Scope};
use crate::error::{Error, Result};
use crate::html::Nav;
use crate::html::button::{button, link, primary};
use crate::html::field::{Opts, text_field, typed_field};
use crate::html::form::{hidden, post_form, sentence};
use crate::html::parts::{
    Head, Tone, card, card_flush, facts, flash, icon, page_head, pill_tint, stats, tag,
};
use crate::html::story::{Change, Sign, diff};
use crate::html::table::{column, table};
use crate::html::text::{change, count, grouped, money, when};
use crate::ids::RequestId;
use crate::input::Input;
use crate::kinds::size_text;
use crate::money::Money;
use crate::places::{self, capital};
use crate::web::{Cx, Response, response};
use maud::{Markup, html};

pub fn show(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let preview = cx.db.read(|db| previews::find(db, own, cx.param("id")?))?;
    page(cx, &preview, 200, None)
}

pub fn apply(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let id = cx.param("id")?;
    let mut input = cx.input()?;
    let digest = input.get("digest").to_owned();
    input.remove("digest");
    let looked_at = cx.db.read(|db| previews::find(db, own, id))?;
    again(cx, &looked_at)?;
    let key = &cx.app.config.key;
    match previews::apply(cx.db, key, &cx.actor, own, id, Some(&digest), &input) {
        Ok(Applied::Request(request)) => Ok(response::redirect(format!("/requests/{request}"))),
        Ok(Applied::Run(run)) => Ok(response::redirect(format!("/runs/{run}"))),
        Err(err @ (Error::Invalid(_) | Error::Stale(_))) => {
            let preview = cx.db.read(|db| previews::find(db, own, id))?;
            page(cx, &preview, err.status(), Some(err))
        }
        Err(other) => Err(other),
    }
}

pub fn discard(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let id = cx.param("id")?;
    let preview = cx.db.read(|db| previews::find(db, own, id))?;
    previews::discard(cx.db, own, id)?;
    Ok(cx.done(home(&preview.shown()?), "The plan was discarded. Nothing changed."))
}

/// A new plan, with today's rules, for what a request was to do.
pub fn replan(cx: &Cx, scope: &Scope<RequestsRetry>) -> Result<Response> {
    match plan_anew(cx, scope) {
        Ok(id) => Ok(response::redirect(format!("/previews/{id}"))),
        Err(err @ (Error::Conflict(_) | Error::Invalid(_))) => {
            let id: RequestId = cx.param("id")?;
            Ok(cx.tell(format!("/requests/{id}"), Tone::Bad, &err.to_string()))
        }
        Err(err) => Err(err),
    }
}

/// Where the plan came from.
fn home(shown: &Shown) -> String {
    match (shown.subject.user_id, &shown.users) {
        (Some(user), _) => format!("/users/{user}/services"),
        (None, Some(_)) => format!("/customers/{}/users", shown.subject.customer_id),
        (None, None) => format!("/customers/{}/services", shown.subject.customer_id),
    }
}

fn page(cx: &Cx, preview: &Preview, status: u16, problem: Option<Error>) -> Result<Response> {
    let shown = preview.shown()?;
    let scope = cx.actor.scope::<ServicesRead>()?;
    let place = cx.db.read(|db| places::customer(db, &scope, shown.subject.customer_id))?;
    let mut trail = vec![
        ("Customers", "/customers".to_owned()),
        (place.name.as_str(), format!("/customers/{}", place.id)),
    ];
    trail.push(("Services", home(&shown)));
    let state = preview.state_at(cx.db.now());
    let pill = match state {
        "ready" => pill_tint(Tone::Wait, "Not applied yet"),
        "applied" => pill_tint(Tone::Ok, "Applied"),
        "stale" => pill_tint(Tone::Off, "No longer true"),
        "expired" => pill_tint(Tone::Off, "Older than a day"),
        _ => pill_tint(Tone::Off, "Discarded"),
    };
    let lede = match state {
        "ready" => "Nothing has changed yet. This is the whole of what will happen.",
        _ => "This is what the plan was.",
    };
    let head = Head { state: Some(pill), lede, ..Head::default() };
    let body = html! {
        (page_head(&shown.title, head))
        (figures(&shown))
        @if let Some(problem) = &problem { (flash(Tone::Bad, html! { (problem.to_string()) }, None)) }
        div.cols {
            div.stack {
                @if !shown.diffs.is_empty() { (card_flush("Changes", None, changes(&shown.diffs))) }
                @if let Some(users) = &shown.users { (who(users)) }
                (work(&shown.steps))
                @if !shown.losing.is_empty() { (card_flush("Who loses it", None, losing(&shown.losing))) }
                @if !shown.seats.is_empty() { (card_flush("Seats", None, seats(&shown.seats))) }
            }
            div.stack {
                @if !shown.approvals.is_empty() { (card("Begins when agreed to", None, agreeing(&shown.approvals))) }
                (card("Decide", None, decide(cx, preview, &shown, state, problem.as_ref())))
                @if let Some(form) = on_another_day(cx, preview, &shown, state) {
                    (card("On another day", None, form))
                }
                (card("Where this came from", None, facts(&[
                    ("Made", when(preview.made_at, &cx.actor.zone, cx.db.now())),
                    ("Customer", html! { a href={ "/customers/" (place.id) } { (place.name) } }),
                    ("Queue", html! { (queue(&shown)) }),
                ])))
            }
        }
    };
    Ok(cx.page_with(status, Nav::Customers, &shown.title, &trail, body))
}

/// Where the work waits for its turn.
fn queue(shown: &Shown) -> String {
    if shown.queue.is_empty() {
        "None: nothing is done outside".to_owned()
    } else {
        capital(&shown.queue)
    }
}

fn agreeing(all: &[Agrees]) -> Markup {
    html! {
        ul { @for each in all { li { b { (each.chain) } ": " (each.who.join(", ")) } } }
    }
}

fn figures(shown: &Shown) -> Markup {
    let n = match &shown.users {
        Some(users) => html! { (count(users.gets, "user", "users")) },
        None => html! { (shown.diffs.len()) },
    };
    let steps: i64 = shown.steps.iter().map(|step| step.times).sum();
    let mut all = vec![("Changes", n, None), ("Steps outside", html! { (steps) }, None)];
    if let Some(monthly) = &shown.monthly {
        all.push(("Monthly before", amount(monthly, monthly.before_minor), None));
        all.push(("Monthly after", amount(monthly, monthly.after_minor), None));
        let delta = Money { minor: monthly.delta_minor, currency: monthly.currency };
        all.push(("Difference", change(delta), None));
    }
    stats(&all)
}

fn amount(monthly: &Monthly, minor: i64) -> Markup {
    money(Money { minor, currency: monthly.currency })
}

fn changes(diffs: &[Diff]) -> Markup {
    let lines: Vec<Change> = diffs
        .iter()
        .map(|each| {
            let (sign, text) = match (&each.before, &each.after) {
                (Some(before), Some(after)) => (
                    Sign::Change,
                    html! { (each.field) ": " del { (before) } " → " ins { (after) } },
                ),
                (Some(before), None) => (Sign::Remove, html! { (each.field) ", " (before) }),
                (None, Some(after)) => (Sign::Add, html! { (each.field) ", " (after) }),
                (None, None) => (Sign::Keep, html! { (each.field) }),
            };
            Change { sign, text, end: None, note: None }
        })
        .collect();
    diff(&lines)
}

/// The steps, by where they run.
fn work(steps: &[Step]) -> Markup {
    let mut places: Vec<&str> = Vec::new();
    for step in steps {
        let place = step.connector.as_deref().unwrap_or("Portico");
        if !places.contains(&place) {
            places.push(place);
        }
    }
    html! {
        @if steps.is_empty() {
            (card("Outside", None, html! { p { "Nothing is done outside Portico." } }))
        }
        @for place in places {
            @let here = steps.iter().filter(|step| step.connector.as_deref().unwrap_or("Portico") == place);
            @let lines: Vec<Change> = here.map(|step| Change {
                sign: Sign::Change,
                text: html! { (step.title) },
                end: (step.times > 1).then(|| html! { (step.times) " times" }),
                note: None,
            }).collect();
            (card_flush(place, None, diff(&lines)))
        }
    }
}

fn seats(seats: &[Seat]) -> Markup {
    let rows = html! {
        @for seat in seats {
            tr {
                @let said = |n: i64| match &seat.of {
                    Some(counted) if counted.size => size_text(n),
                    _ => grouped(n),
                };
                th scope="row" {
                    (tag(&seat.service)) @if let Some(plan) = &seat.plan { " " (tag(plan)) }
                    @if let Some(counted) = &seat.of { " " (counted.label) }
                }
                td.num { (said(seat.before)) }
                td.num { (said(seat.after)) }
                td.num { @match seat.max { Some(max) => (said(max)), None => "no limit" } }
            }
        }
    };
    let columns = [
        column("Plan"),
        column("Before").class("num"),
        column("After").class("num"),
        column("At most").class("num"),
    ];
    table("Seats before and after", &columns, rows)
}

/// How many get it, and who does not.
fn who(users: &Counts) -> Markup {
    let rows = html! {
        @for one in &users.not {
            tr {
                th scope="row" { a href={ "/users/" (one.user_id) } { (one.name) } }
                td { (one.reason) }
            }
        }
    };
    html! {
        (card("Users", None, facts(&[
            ("Get it", html! { (users.gets) }),
            ("Have it already", html! { (users.has) }),
            ("Cannot get it", html! { (users.refused) }),
        ])))
        @if !users.not.is_empty() {
            (card_flush("Who does not get it", None,
                        table("Users who do not get it", &[column("User"), column("Why")], rows)))
        }
    }
}

/// Everyone by name.
fn losing(all: &[Loser]) -> Markup {
    let rows = html! {
        @for one in all { tr { th scope="row" { a href={ "/users/" (one.user_id) } { (one.name) } } } }
    };
    table("Users who lose it", &[column("User")], rows)
}

fn decide(
    cx: &Cx,
    preview: &Preview,
    shown: &Shown,
    state: &str,
    problem: Option<&Error>,
) -> Markup {
    let complaints = match problem {
        Some(Error::Invalid(complaints)) => complaints.as_slice(),
        _ => &[],
    };
    let href = format!("/previews/{}", preview.id);
    html! {
        div.stack {
            @for warning in &shown.warnings {
                p.alert.wait-tone { (icon("alert-triangle")) span { (warning) } }
            }
            @for refusal in &shown.refusals {
                p.alert.bad-tone { (icon("alert-triangle")) span { (sentence(label(&refusal.field), &refusal.message)) } }
            }
            @if let Some(monthly) = &shown.monthly {
                @if monthly.once_minor != 0 { p { "Once: " (amount(monthly, monthly.once_minor)) } }
                p.muted { "This period: " (amount(monthly, monthly.first_period_minor)) }
                @for text in &monthly.unpriced {
                    p.alert.wait-tone { (icon("alert-triangle")) span { (text) " has no price yet." } }
                }
            }
            @if state == "ready" && shown.refusals.is_empty() {
                (post_form(&cx.csrf, &format!("{href}/apply"), html! {
                    (hidden("digest", preview.digest()))
                    @if let Some(text) = &shown.confirm { (typed_field(complaints, text)) }
                    (primary(&shown.button).wide())
                }))
            }
            @if state == "ready" {
                (post_form(&cx.csrf, &format!("{href}/discard"), html! { (button("Discard the plan").ghost()) }))
            }
            @if let Some(request) = preview.request {
                (link("Show the request", &format!("/requests/{request}")))
            }
            @if let Some(run) = preview.run { (link("Show the run", &format!("/runs/{run}"))) }
            @if state != "ready" { (link("Back", &home(shown)).ghost()) }
        }
    }
}

/// Removing later, from a plan to remove now.
fn on_another_day(cx: &Cx, preview: &Preview, shown: &Shown, state: &str) -> Option<Markup> {
    let number = shown.subject.assignment_id?;
    if state != "ready" || shown.due.is_some() || !preview.action.ends_with("_service.remove") {
        return None;
    }
    let opts = Opts {
        kind: "date",
        hint: "Until then it stays as it is, and is billed.",
        ..Opts::default()
    };
    let fields = text_field(&Input::default(), &[], "not_before", "Day", opts);
    let action = format!("{}/{number}/remove", home(shown));
    Some(post_form(
        &cx.csrf,
        &action,
        html! { div.stack { (fields) (button("Plan it for that day").wide()) } },
    ))
}

fn label(field: &str) -> &str {
    match field {
        "service" => "Service",
        "plan" => "Plan",
        "label" => "Label",
        "user_plans" => "Plans for users",
        "on_limit" => "Seats",
        other => other,
    }
}
