//! The list of jobs, one job's history, and a run while it works.

use super::{Job, Level, Line, Run, State, store};
use crate::audit;
use crate::auth::permissions::{AccountRead, CustomersRead, JobsRead, JobsRun, RequestsRelease};
use crate::auth::{Own, PROVIDER, Scope};
use crate::db::Work;
use crate::error::{Error, Result};
use crate::html::Nav;
use crate::html::button::{Item, button, link, menu};
use crate::html::form::post_form;
use crate::html::parts::{Head, Tone, page_head, pill, pill_tint};
use crate::html::story::{live, progress};
use crate::html::table::{acts, chips, column, empty, paging as pages_of, table};
use crate::html::text::{duration, when};
use crate::ids::{JobId, RunId};
use crate::places::{self, capital};
use crate::schedule;
use crate::web::{Cx, Listing, Response, response};
use maud::{Markup, html};
use serde_json::json;

pub fn index(cx: &Cx, _: &Scope<JobsRead>) -> Result<Response> {
    let jobs = cx.db.read(store::jobs)?;
    let may_run = cx.actor.may::<JobsRun>();
    let columns = [
        column("Job"),
        column("When").class("p2"),
        column("Last run"),
        column("Next run").class("p2"),
        acts(),
    ];
    let rows = html! { @for job in &jobs { (row(cx, job, may_run)) } };
    let body = html! {
        (page_head("Jobs", Head { lede: "What Portico does by the clock, in the provider’s time zone.", ..Head::default() }))
        @if jobs.is_empty() {
            (empty("clock", "No job has been made yet", "They are made within a minute of the first start.", None))
        } @else {
            (table("Jobs", &columns, rows))
        }
    };
    Ok(cx.page(Nav::Jobs, "Jobs", &[], body))
}

/// "Every day at 02:15" where the five fields say no more; otherwise the fields.
fn when_it_runs(schedule: &str) -> Markup {
    let fields: Vec<&str> = schedule.split(' ').collect();
    let number = |text: &str| text.parse::<u8>().ok();
    html! {
        @match fields.as_slice() {
            [minute, hour, "*", "*", "*"] if number(minute).is_some() && number(hour).is_some() => {
                "Every day at " (format!("{hour:0>2}:{minute:0>2}"))
            }
            _ => { span.mono { (schedule) } }
        }
    }
}

fn row(cx: &Cx, job: &Job, may_run: bool) -> Markup {
    let now = cx.db.now();
    let items = [
        Item::post("Run now", format!("/jobs/{}/run", job.id)),
        if job.enabled {
            Item::post("Switch off", format!("/jobs/{}/disable", job.id))
        } else {
            Item::post("Switch on", format!("/jobs/{}/enable", job.id))
        },
    ];
    html! {
        tr {
            th scope="row" { a href={ "/jobs/" (job.id) } { (job.label) } small { (schedule::title(&job.kind)) } }
            td.p2 { (when_it_runs(&job.schedule)) }
            td {
                @match &job.last {
                    Some((state, at)) => { (state_pill(*state)) " " (when(*at, &cx.actor.zone, now)) }
                    None => { span.muted { "Never" } }
                }
            }
            td.p2 {
                @match job.next_run_at {
                    Some(at) if job.enabled => { (when(at, &cx.actor.zone, now)) }
                    _ => { (pill(Tone::Off, "Switched off")) }
                }
            }
            td.acts { @if may_run { (menu(&format!("job{}", job.id), &format!("Actions for {}", job.label), &items)) } }
        }
    }
}

pub fn show(cx: &Cx, _: &Scope<JobsRead>) -> Result<Response> {
    let id: JobId = cx.param("id")?;
    let paging = cx.paging(&[])?;
    let (job, runs) = cx.db.read(|db| {
        let job = store::job(db, id)?;
        let runs = store::of_job(db, job.id, &paging)?;
        Ok((job, runs))
    })?;
    let run_button = cx.actor.may::<JobsRun>().then(|| {
        post_form(&cx.csrf, &format!("/jobs/{id}/run"), html! { (button("Run now").primary()) })
    });
    let body = html! {
        (page_head(&job.label, Head { actions: run_button, lede: schedule::title(&job.kind), ..Head::default() }))
        @if runs.items.is_empty() {
            (empty("clock", "It has not run yet", "Run it now, or wait for its time.", None))
        } @else {
            (run_table(cx, &runs))
        }
    };
    Ok(cx.page(Nav::Jobs, &job.label, &[("Jobs", "/jobs".into())], body))
}

fn run_table(cx: &Cx, runs: &Listing<Run>) -> Markup {
    let columns = [
        column("Run"),
        column("State"),
        column("Took").class("num p2"),
        column("Problem").class("p3"),
    ];
    let rows = html! {
        @for run in &runs.items {
            tr {
                th scope="row" { a href={ "/runs/" (run.id) } { (when(run.due_at, &cx.actor.zone, cx.db.now())) } }
                td { (state_pill(run.state)) }
                td.num.p2 { (took(run)) }
                td.p3 { (run.error) }
            }
        }
    };
    let next = cx.next_href(runs.next.as_ref());
    html! {
        (table("Runs", &columns, rows))
        (pages_of("Newest first", None, next.as_deref()))
    }
}

pub fn run(cx: &Cx, scope: &Scope<JobsRun>) -> Result<Response> {
    let id = start_by_hand(cx, scope, cx.param("id")?)?;
    Ok(cx.done(format!("/runs/{id}"), "The run is queued."))
}

/// Queues a run of the job; also while it is switched off.
pub fn start_by_hand(cx: &Cx, scope: &Scope<JobsRun>, id: JobId) -> Result<RunId> {
    cx.db.write(scope.by, |tx| {
        let job = store::job(tx, id)?;
        audit::record(tx, "job.run", ("job", id.0), PROVIDER, &json!({ "label": job.label }))?;
        tx.wake(Work::Runs);
        store::insert_of_job(tx, id)
    })
}

pub fn enable(cx: &Cx, scope: &Scope<JobsRun>) -> Result<Response> {
    switch(cx, scope, true)
}

pub fn disable(cx: &Cx, scope: &Scope<JobsRun>) -> Result<Response> {
    switch(cx, scope, false)
}

fn switch(cx: &Cx, scope: &Scope<JobsRun>, enabled: bool) -> Result<Response> {
    let id: JobId = cx.param("id")?;
    let label = cx.db.write(scope.by, |tx| {
        let job = store::job(tx, id)?;
        store::switch(tx, id, enabled)?;
        let detail = json!({ "label": job.label, "enabled": enabled });
        audit::record(tx, "job.switched", ("job", id.0), PROVIDER, &detail)?;
        Ok(job.label)
    })?;
    let word = if enabled { "on" } else { "off" };
    Ok(cx.done("/jobs", &format!("{label} is switched {word}.")))
}

/// A run, with what it did to each thing. Reload it, or let the page refresh its upper part.
pub fn show_run(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let id: RunId = cx.param("id")?;
    let paging = cx.paging(&[])?;
    let result = cx.request.query.get("result").to_owned();
    let (run, tally, lines) = cx.db.read(|db| {
        let run = store::seen(db, own.user, cx.actor.may::<JobsRead>(), id)?;
        Ok((run, store::tally(db, id)?, store::lines(db, id, &result, &paging)?))
    })?;
    let title = schedule::title(&run.kind).to_owned();
    let open = matches!(run.state, State::Queued | State::Running);
    let held = run.state == State::Held;
    let cancel = (open || held).then(|| {
        post_form(
            &cx.csrf,
            &format!("/runs/{id}/cancel"),
            html! { (button("Stop it").danger_quiet()) },
        )
    });
    let more = (!open && !held && run.kind == "users.many" && run.user == Some(own.user))
        .then(|| after_many(&run, &tally));
    let actions = html! {
        @if held && cx.actor.may::<RequestsRelease>() {
            (link("Look at it", &format!("/held/of-run/{id}")).primary())
        }
        @if !open && !tally.is_empty() {
            (link("Results", &format!("/runs/{id}/results")).download().icon("download"))
        }
        @if let Some(more) = more { (more) }
        @if let Some(cancel) = cancel { (cancel) }
    };
    let body = html! {
        (page_head(&title, Head { state: Some(run_pill(run.state)), actions: Some(actions), ..Head::default() }))
        (progress_part(&run))
        @if !tally.is_empty() { (result_chips(id, &tally, &result)) }
        @if lines.items.is_empty() {
            (empty("list-check", "Nothing to show yet", "What happens to each thing appears here.", None))
        } @else {
            (line_table(cx, &lines))
        }
    };
    let (nav, trail) = home(cx, &run)?;
    let trail: Vec<(&str, String)> =
        trail.iter().map(|(name, href)| (name.as_str(), href.clone())).collect();
    Ok(cx.page(nav, &title, &trail, body))
}

/// What can be done once work over many has ended; each is shown before it is done.
fn after_many(run: &Run, tally: &[(String, i64)]) -> Markup {
    let undoes = run.input.get("undo").and_then(|undo| undo.as_bool()) == Some(true);
    let some = |word: &str| tally.iter().any(|(result, n)| result == word && *n > 0);
    html! {
        @if some("refused") { (link("Retry failed", &format!("/runs/{}/retry", run.id))) }
        @if undoes && some("changed") { (link("Undo", &format!("/runs/{}/undo", run.id))) }
    }
}

/// What the run belongs to: the jobs, or the customer whose users it works on.
fn home(cx: &Cx, run: &Run) -> Result<(Nav, Vec<(String, String)>)> {
    let customers = match cx.actor.scope::<CustomersRead>() {
        Ok(scope) if run.job.is_none() => Some(scope),
        _ => None,
    };
    let place = match customers {
        Some(scope) => match cx.db.read(|db| places::customer(db, &scope, run.customer)) {
            Ok(place) => Some(place),
            Err(Error::NotFound) => None,
            Err(err) => return Err(err),
        },
        None => None,
    };
    Ok(match place {
        Some(place) => {
            let at = format!("/customers/{}", place.id);
            let trail = vec![
                ("Customers".to_owned(), "/customers".to_owned()),
                (place.name, at.clone()),
                ("Users".to_owned(), format!("{at}/users")),
            ];
            (Nav::Customers, trail)
        }
        None if run.job.is_some() => (Nav::Jobs, vec![("Jobs".to_owned(), "/jobs".to_owned())]),
        None => (Nav::Elsewhere, Vec::new()),
    })
}

/// The upper part of a run's page, asked for while it works. Once the run has ended the page loads
/// itself anew, for its lines and buttons.
pub fn live_run(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let id: RunId = cx.param("id")?;
    let run = cx.db.read(|db| store::seen(db, own.user, cx.actor.may::<JobsRead>(), id))?;
    let open = matches!(run.state, State::Queued | State::Running);
    let part = progress_part(&run);
    Ok(match open {
        true => response::html(200, part),
        false => response::html(286, part).with("HX-Refresh", "true"),
    })
}

fn progress_part(run: &Run) -> Markup {
    let open = matches!(run.state, State::Queued | State::Running);
    let said = match run.state {
        State::Queued => "It waits for its turn.".to_owned(),
        State::Running | State::Done | State::Cancelled => match run.total {
            Some(total) => format!("{} of {total} done.", run.done),
            None => format!("{} done.", run.done),
        },
        State::Failed => run.error.clone(),
        State::Skipped => "It was left out.".to_owned(),
        State::Held => "It would take from many, so it waits, whole, until somebody has looked at the list and lets it go.".to_owned(),
    };
    let body = html! {
        p role="status" { (said) }
        @if let (Some(total), true) = (run.total, open) { (progress("Done", run.done, total)) }
    };
    live("run", &format!("/runs/{}/live", run.id), open, body)
}

fn result_chips(id: RunId, tally: &[(String, i64)], now: &str) -> Markup {
    let all: i64 = tally.iter().map(|(_, n)| n).sum();
    let named: Vec<(String, String, i64)> = tally
        .iter()
        .map(|(word, n)| (capital(word), format!("/runs/{id}?result={word}"), *n))
        .collect();
    let mut list = vec![("All", format!("/runs/{id}"), Some(all))];
    list.extend(named.iter().map(|(word, href, n)| (word.as_str(), href.clone(), Some(*n))));
    let now = if now.is_empty() { "All".to_owned() } else { capital(now) };
    chips("Lines by result", &list, &now)
}

fn line_table(cx: &Cx, lines: &Listing<Line>) -> Markup {
    let columns = [column("No.").class("num"), column("What"), column("Result")];
    let rows = html! {
        @for line in &lines.items {
            tr {
                td.num { (line.seq) }
                th scope="row" {
                    @match line.subject.as_ref().and_then(|(kind, id)| address(kind, *id)) {
                        Some(href) => { a href=(href) { (line.text) } }
                        None => { (line.text) }
                    }
                }
                td { (line_pill(line)) }
            }
        }
    };
    let next = cx.next_href(lines.next.as_ref());
    html! { (table("Lines", &columns, rows)) (pages_of("", None, next.as_deref())) }
}

fn address(kind: &str, id: i64) -> Option<String> {
    match kind {
        "user" => Some(format!("/users/{id}")),
        "customer" => Some(format!("/customers/{id}")),
        "request" => Some(format!("/requests/{id}")),
        "invoice" => Some(format!("/invoices/{id}")),
        _ => None,
    }
}

pub fn cancel_run(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let id: RunId = cx.param("id")?;
    stop(cx, own, id)?;
    Ok(cx.done(format!("/runs/{id}"), "It stops after the thing in hand."))
}

/// Asks a run that one started, or may look after, to stop.
pub fn stop(cx: &Cx, own: &Own<AccountRead>, id: RunId) -> Result<()> {
    let all = cx.actor.may::<JobsRun>();
    cx.db.write(own.by, |tx| {
        let run = store::seen(tx, own.user, all, id)?;
        if run.job.is_some() && !all {
            return Err(Error::NotFound);
        }
        super::cancel(tx, id)?;
        audit::record(
            tx,
            "run.cancelled",
            ("run", id.0),
            run.customer,
            &json!({ "kind": run.kind }),
        )
    })
}

fn took(run: &Run) -> String {
    match (run.started_at, run.ended_at) {
        (Some(start), Some(end)) => duration(end.since(start)),
        _ => "–".to_owned(),
    }
}

fn line_pill(line: &Line) -> Markup {
    let tone = match line.level {
        Level::Info => Tone::Ok,
        Level::Warn => Tone::Wait,
        Level::Error => Tone::Bad,
    };
    pill(tone, &capital(&line.result))
}

fn state_pill(state: State) -> Markup {
    let (tone, word) = tone_of(state);
    pill(tone, word)
}

fn run_pill(state: State) -> Markup {
    let (tone, word) = tone_of(state);
    pill_tint(tone, word)
}

fn tone_of(state: State) -> (Tone, &'static str) {
    match state {
        State::Queued => (Tone::Wait, "Queued"),
        State::Running => (Tone::Busy, "Running"),
        State::Done => (Tone::Ok, "Done"),
        State::Failed => (Tone::Bad, "Failed"),
        State::Cancelled => (Tone::Off, "Stopped"),
        State::Skipped => (Tone::Off, "Left out"),
        State::Held => (Tone::Wait, "Held"),
    }
}

/// A link to a run, for flashes and other pages.
pub fn run_link(id: RunId) -> Markup {
    html! { (link("Open the run", &format!("/runs/{id}")).small()) }
}
