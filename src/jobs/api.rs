//! Jobs and runs as JSON.

use super::{Job, Line, Run, store};
use crate::auth::permissions::{AccountRead, JobsRead, JobsRun};
use crate::auth::{Own, Scope};
use crate::error::Result;
use crate::ids::{JobId, RunId};
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde_json::{Value, json};

pub const JOB: &[Field] = &[
    Field::integer("id", "Its number"),
    Field::text("type", "Which kind of run it is"),
    Field::text("label", "What it is called"),
    Field::text("schedule", "Five cron fields"),
    Field::boolean("enabled", "Whether the clock starts it"),
    Field::text("next_run_at", "When it runs next"),
];

pub const RUN: &[Field] = &[
    Field::integer("id", "Its number"),
    Field::text("kind", "Which kind of run it is"),
    Field::text("state", "queued, running, done, failed, cancelled, skipped or held"),
    Field::integer("done", "Things dealt with"),
    Field::integer("total", "Things in all; null while not known"),
    Field::object("numbers", "Named integers"),
    Field::text("error", "Why it failed"),
    Field::text("due_at", "When it was to start"),
    Field::text("started_at", "When it started"),
    Field::text("ended_at", "When it ended"),
];

pub const LINE: &[Field] = &[
    Field::integer("seq", "Its place"),
    Field::text("at", "When"),
    Field::text("level", "info, warn or error"),
    Field::text("result", "created, updated, unchanged, refused …"),
    Field::text("text", "In words"),
    Field::text("subject_kind", "What kind of thing it is about"),
    Field::integer("subject_id", "Which"),
];

pub const LINE_FILTERS: &[Field] = &[
    Field::text("result", "Only lines of this result"),
    Field::integer("limit", "1 to 200"),
    Field::text("after", "Cursor of the page before"),
];

pub const PAGES: &[Field] =
    &[Field::integer("limit", "1 to 200"), Field::text("after", "Cursor of the page before")];

pub fn index(cx: &Cx, _: &Scope<JobsRead>) -> Result<Response> {
    let jobs = cx.db.read(store::jobs)?;
    response::json(200, &json!({ "items": jobs.iter().map(job).collect::<Vec<_>>(), "next": null }))
}

pub fn run(cx: &Cx, scope: &Scope<JobsRun>) -> Result<Response> {
    let id = super::pages::start_by_hand(cx, scope, cx.param("id")?)?;
    Ok(response::json(202, &json!({ "run_id": id }))?
        .with("Location", format!("/api/v1/runs/{id}")))
}

pub fn runs(cx: &Cx, _: &Scope<JobsRead>) -> Result<Response> {
    let paging = cx.paging(&[])?;
    let id: JobId = cx.param("id")?;
    let listing = cx.db.read(|db| store::of_job(db, store::job(db, id)?.id, &paging))?;
    response::json(200, &listing.map(|run| out(&run)))
}

pub fn show(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let id: RunId = cx.param("id")?;
    let run = cx.db.read(|db| store::seen(db, own.user, cx.actor.may::<JobsRead>(), id))?;
    response::json(200, &out(&run))
}

pub fn lines(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let paging = cx.paging(LINE_FILTERS)?;
    let id: RunId = cx.param("id")?;
    let result = cx.request.query.get("result");
    let listing = cx.db.read(|db| {
        store::seen(db, own.user, cx.actor.may::<JobsRead>(), id)?;
        store::lines(db, id, result, &paging)
    })?;
    response::json(200, &listing.map(|each| line(&each)))
}

pub fn cancel(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let id: RunId = cx.param("id")?;
    super::pages::stop(cx, own, id)?;
    response::json(202, &json!({ "run_id": id }))
}

fn job(job: &Job) -> Value {
    json!({
        "id": job.id, "type": job.kind, "label": job.label, "schedule": job.schedule,
        "enabled": job.enabled, "next_run_at": job.next_run_at,
    })
}

fn out(run: &Run) -> Value {
    json!({
        "id": run.id, "kind": run.kind, "state": run.state, "done": run.done, "total": run.total,
        "numbers": run.numbers, "error": run.error, "due_at": run.due_at, "started_at": run.started_at,
        "ended_at": run.ended_at,
    })
}

fn line(line: &Line) -> Value {
    json!({
        "seq": line.seq, "at": line.at, "level": line.level, "result": line.result, "text": line.text,
        "subject_kind": line.subject.as_ref().map(|(kind, _)| kind),
        "subject_id": line.subject.as_ref().map(|(_, id)| id),
    })
}
