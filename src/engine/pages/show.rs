//! One request: its steps, what the other side said, why it waits, and what can be done.

use crate::auth::Scope;
use crate::auth::permissions::{
    ConnectorsRead, CustomersRead, PROVIDER, RequestsRead, RequestsRelease, RequestsRetry,
    ServicesForget, UsersImport, UsersRead,
};
use crate::engine::view::{self, Shown, Step, Try};
use crate::engine::{Action, Status, cancel as cancel_request, retry as retry_request};
use crate::error::{Error, Result};
use crate::html::Nav;
use crate::html::button::{button, link, primary};
use crate::html::field::{Opts, choice_field};
use crate::html::form::{form_foot, post_form};
use crate::html::parts::{Head, Tone, card, facts, flash, page_head, pill_tint, tag};
use crate::html::story::{self, live, log, steps};
use crate::html::text;
use crate::ids::RequestId;
use crate::input::Input;
use crate::places::capital;
use crate::time::Instant;
use crate::web::{Cx, Response, response};
use maud::{Markup, html};

pub fn show(cx: &Cx, scope: &Scope<RequestsRead>) -> Result<Response> {
    let shown = view::one(cx.db, scope, cx.param("id")?)?;
    let row = &shown.row;
    let (tone, word) = view::said(row.status, row.warnings);
    let head = Head {
        state: Some(html! { (pill_tint(tone, word)) (tag(&format!("#{}", row.id))) }),
        actions: Some(actions(cx, &shown)),
        ..Head::default()
    };
    let body = html! {
        (page_head(&row.title, head))
        div.cols {
            div.stack { (verdict(cx, &shown)) (moving(cx, &shown)) (from_before(cx, &shown)) }
            div.stack { (card("Details", None, details(cx, &shown))) }
        }
    };
    let trail = [("Requests", "/requests".to_owned())];
    Ok(cx.page(Nav::Requests, &row.title, &trail, body))
}

/// The part that moves. Once nothing moves any more the page loads itself anew, for its buttons.
pub fn live_part(cx: &Cx, scope: &Scope<RequestsRead>) -> Result<Response> {
    let shown = view::one(cx.db, scope, cx.param("id")?)?;
    let part = moving(cx, &shown);
    Ok(match shown.is_open() {
        true => response::html(200, part),
        false => response::html(286, part).with("HX-Refresh", "true"),
    })
}

pub fn retry(cx: &Cx, scope: &Scope<RequestsRetry>) -> Result<Response> {
    let id: RequestId = cx.param("id")?;
    let done = retry_request(cx.db, scope, id, &cx.input()?);
    told(cx, id, done, |from| match from {
        Some(number) => format!("It goes on from step {number}."),
        None => "It goes on.".to_owned(),
    })
}

pub fn cancel(cx: &Cx, scope: &Scope<RequestsRetry>) -> Result<Response> {
    let id: RequestId = cx.param("id")?;
    told(cx, id, cancel_request(cx.db, scope, id), |ended| {
        let text = if ended { "Cancelled." } else { "It ends when the step in hand has ended." };
        text.to_owned()
    })
}

/// The question before it, for those without script.
pub fn cancel_question(cx: &Cx, scope: &Scope<RequestsRead>) -> Result<Response> {
    let shown = view::one(cx.db, scope, cx.param("id")?)?;
    let row = &shown.row;
    let at = format!("/requests/{}", row.id);
    let title = format!("Cancel “{}”?", row.title);
    let yes = button("Cancel the request").danger().posts(&format!("{at}/cancel"));
    let body = html! {
        (page_head(&title, Head::default()))
        p { "What was done already stays as it is. The steps that are left are not done." }
        div.row { (yes) (link("Keep it", &at)) }
    };
    let trail = [("Requests", "/requests".to_owned()), (row.title.as_str(), at.clone())];
    Ok(cx.page(Nav::Requests, &title, &trail, body))
}

/// Too late is no error of the visitor's: the page says how it is now.
fn told<T>(
    cx: &Cx,
    id: RequestId,
    done: Result<T>,
    text: impl FnOnce(T) -> String,
) -> Result<Response> {
    let at = format!("/requests/{id}");
    match done {
        Ok(value) => Ok(cx.done(at, &text(value))),
        Err(Error::Conflict(why)) => Ok(cx.tell(at, Tone::Bad, &why)),
        Err(err) => Err(err),
    }
}

fn actions(cx: &Cx, shown: &Shown) -> Markup {
    if !cx.actor.may::<RequestsRetry>() {
        return html! {};
    }
    let at = format!("/requests/{}", shown.row.id);
    let held = shown.hurdle.hold == "brake" && shown.is_open() && cx.actor.may::<RequestsRelease>();
    let from = (1..).zip(&shown.steps).find(|(_, step)| step.status == "failed").map(|(n, _)| n);
    let label = match from {
        Some(number) if shown.steps.len() > 1 => format!("Retry from step {number}"),
        _ => "Retry".to_owned(),
    };
    html! {
        @if held { (link("Look at the list", &format!("/held/of-request/{}", shown.row.id)).primary()) }
        @if shown.is_open() {
            (link("Cancel request…", &format!("{at}/cancel")).danger_quiet())
        }
        @if matches!(shown.row.status, Status::Failed | Status::Cancelled) && shown.row.service.is_some() {
            (button("Plan again").posts(&format!("{at}/replan")))
        }
        @if shown.row.status == Status::Failed {
            (primary(&label).icon("refresh").posts(&format!("{at}/retry")))
        }
    }
}

/// Of one that failed: from which of its earlier steps it may be done once more.
fn from_before(cx: &Cx, shown: &Shown) -> Markup {
    let failed = shown.steps.iter().rposition(|step| step.status == "failed").unwrap_or(0);
    if failed == 0 || shown.row.status != Status::Failed || !cx.actor.may::<RequestsRetry>() {
        return html! {};
    }
    let before = (1..).zip(shown.steps.iter().take(failed));
    let choices: Vec<(String, String)> =
        before.map(|(n, step): (i64, _)| (n.to_string(), format!("{n}. {}", step.title))).collect();
    let body = html! {
        p { "If what was done before is not there any more, it can be done once more. What is there stays as it is." }
        (post_form(&cx.csrf, &format!("/requests/{}/retry", shown.row.id), html! {
            div.fields { (choice_field(&Input::default(), &[], "from", "Go on from step", &choices, Opts::default())) }
            (form_foot(html! { (button("Do again from there").icon("refresh")) }))
        }))
    };
    card("From an earlier step", None, body)
}

fn verdict(cx: &Cx, shown: &Shown) -> Markup {
    let row = &shown.row;
    match row.status {
        Status::Failed => flash(Tone::Bad, html! { (row.reason) }, choose(cx, shown)),
        Status::Cancelled if !row.reason.is_empty() => {
            flash(Tone::Off, html! { (row.reason) }, None)
        }
        _ => html! {},
    }
}

/// Where the account's name is taken there, the two ways on.
fn choose(cx: &Cx, shown: &Shown) -> Option<Markup> {
    let is = |step: &Step| step.action == Action::DirUserEnsure.word() && step.status == "failed";
    let user = shown.row.user.filter(|_| shown.steps.iter().any(is))?;
    let taken = shown.row.reason.contains("is in the directory already and is not ours");
    (taken && cx.actor.may::<UsersImport>()).then(|| {
        html! { (link("Adopt it or change the name", &format!("/users/{user}/directory/same")).small()) }
    })
}

fn moving(cx: &Cx, shown: &Shown) -> Markup {
    let row = &shown.row;
    let waits = shown.waits(cx.db.now(), |at| hour(cx, at));
    let (_, word) = view::said(row.status, row.warnings);
    let body = html! {
        p.sr role="status" {
            "Request " (row.id) ": " (word) ", " (row.steps_done) " of " (row.steps) " steps done."
        }
        @if !waits.is_empty() { (flash(Tone::Wait, html! { (waits) }, None)) }
        @if shown.is_open() && row.steps > 0 {
            (story::progress("Steps done", row.steps_done, row.steps))
        }
        @if !shown.parts.is_empty() { (card("Parts", None, parts(cx, shown))) }
        @if shown.parts.is_empty() || !shown.steps.is_empty() {
            (card("Steps", None, all_steps(cx, shown)))
        }
    };
    live("live", &format!("/requests/{}/live", row.id), shown.is_open(), body)
}

/// Each part with its end; of what failed, the ways on.
fn parts(cx: &Cx, shown: &Shown) -> Markup {
    let failed = shown.parts.iter().filter(|part| part.status == Status::Failed).count();
    let forgets = cx.actor.may::<ServicesForget>();
    let list: Vec<story::Step> = shown
        .parts
        .iter()
        .map(|part| {
            let (tone, word) = view::said(part.status, 0);
            let title = html! { a href={ "/requests/" (part.id) } { (part.title) } };
            let body = (!part.reason.is_empty()).then(|| {
                html! {
                    p { (part.reason) }
                    @if let Some(at) = part.forget.as_ref().filter(|_| forgets) {
                        p { a href=(at) { "Forget it…" } }
                    }
                }
            });
            story::Step { tone, title, end: word.to_owned(), body }
        })
        .collect();
    html! {
        @if failed > 0 && shown.row.status == Status::Failed {
            p {
                "What failed can be tried again with “Retry”, each by itself or all with this request."
                @if forgets { " What cannot be removed outside can be forgotten; then “Retry” goes on without it." }
                " Left alone, it stays as it is."
            }
        }
        (steps(&list))
    }
}

fn all_steps(cx: &Cx, shown: &Shown) -> Markup {
    if shown.steps.is_empty() {
        return html! { p.muted { "There was nothing to do outside." } };
    }
    let list: Vec<story::Step> = shown.steps.iter().map(|step| line(cx, step)).collect();
    steps(&list)
}

fn line(cx: &Cx, step: &Step) -> story::Step {
    let tone = match step.status.as_str() {
        "done" => Tone::Ok,
        "running" => Tone::Busy,
        "failed" => Tone::Bad,
        "pending" if step.attempts > 0 => Tone::Wait,
        "waiting" => Tone::Wait,
        _ => Tone::Off,
    };
    let opens = cx.actor.home == PROVIDER && cx.actor.may::<ConnectorsRead>();
    let title = html! {
        @if tone == Tone::Bad { b { (step.title) } } @else { (step.title) }
        @if let Some(name) = step.connector.as_ref().filter(|name| **name != step.title) {
            span.muted { " · " @match step.connector_id.filter(|_| opens) {
                Some(id) => a href={ "/connectors/" (id) } { (name) },
                None => (name),
            } }
        }
    };
    let took = step.started_at.zip(step.ended_at).map(|(from, to)| text::duration(to.since(from)));
    let end = match (step.attempts, took) {
        (0, _) => String::new(),
        (1, took) => took.unwrap_or_default(),
        (many, Some(took)) => format!("{many} attempts, {took}"),
        (many, None) => format!("{many} attempts"),
    };
    let body = html! {
        @if !step.error.is_empty() { p { (step.error) } }
        @for attempt in &step.tries { (said(cx, attempt, step.tries.len() > 1)) }
    };
    let spoken = !step.error.is_empty() || !step.tries.is_empty();
    story::Step { tone, title, end, body: spoken.then_some(body) }
}

fn said(cx: &Cx, attempt: &Try, several: bool) -> Markup {
    if attempt.log.is_empty() {
        return html! {};
    }
    let word = match attempt.outcome.as_str() {
        "done" => "done",
        "already" => "it was so already",
        "retry" => "not now",
        "refused" => "refused",
        "interrupted" => "interrupted",
        "" => "running",
        _ => "nobody can tell",
    };
    let summary = match several {
        true => {
            let at = hour(cx, attempt.started_at);
            format!("Attempt {} at {at}: {word}", attempt.number)
        }
        false => "What the other side said".to_owned(),
    };
    log(&summary, &attempt.log)
}

fn details(cx: &Cx, shown: &Shown) -> Markup {
    let row = &shown.row;
    let (zone, now) = (&cx.actor.zone, cx.db.now());
    let mut list = vec![(
        "Customer",
        match cx.actor.may::<CustomersRead>() {
            true => html! { a href={ "/customers/" (row.customer) } { (row.customer_name) } },
            false => html! { (row.customer_name) },
        },
    )];
    if let Some((id, name)) = row.user.zip(row.user_name.as_ref()) {
        let name = match cx.actor.may::<UsersRead>() {
            true => html! { a href={ "/users/" (id) } { (name) } },
            false => html! { (name) },
        };
        list.push(("For", name));
    }
    if let Some(service) = &row.service_name {
        list.push(("Service", html! { (service) }));
    }
    if let Some(whole) = &shown.whole {
        let name = html! { a href={ "/requests/" (whole.id) } { (whole.title) } };
        list.push(("Part of", name));
    }
    list.push(("Event", html! { span.mono { (row.event) } }));
    list.push((
        "Ordered by",
        match row.by.zip(row.by_name.as_ref()) {
            Some((id, name)) => html! { a href={ "/requests?by_id=" (id) } { (name) } },
            None => html! { "Portico" },
        },
    ));
    list.push(("Ordered", text::when(row.created_at, zone, now)));
    if let Some(at) = row.started_at {
        list.push(("Started", text::when(at, zone, now)));
    }
    if let Some(at) = row.ended_at {
        list.push(("Ended", text::when(at, zone, now)));
    }
    list.push(("Queue", html! { (capital(&row.queue)) }));
    facts(&list)
}

fn hour(cx: &Cx, at: Instant) -> String {
    at.local(&cx.actor.zone).strftime("%H:%M").to_string()
}
