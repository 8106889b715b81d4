use super::view::{self, Filter, Related, Row, Shown, Step};
use super::{Status, cancel as cancel_request, retry as retry_request};
use crate::auth::Scope;
use crate::auth::permissions::{RequestsRead, RequestsRetry, SystemOperate};
use crate::error::Result;
use crate::ids::{CustomerId, RequestId, UserId};
use crate::input::{Field, Fields};
use crate::secret;
use crate::time::Instant;
use crate::web::{Cx, Response, response};
use serde::Serialize;

/// What a list can be narrowed by.
pub const FILTERS: &[Field] = &[
    Field::text("status", "waiting_approval, queued, running, done, failed or cancelled"),
    Field::text("event", "like user_service.provision"),
    Field::text("service", "a service's code"),
    Field::integer("customer_id", "a customer's id"),
    Field::integer("user_id", "a user's id"),
    Field::text("hold", "what it is held by: approval, brake, freeze, person, date or after"),
    Field::text("queue", "interactive, bulk, sync or scripts"),
    Field::integer("by_id", "who ordered it: a user's id"),
    Field::text("from", "ordered on that day or later"),
    Field::text("to", "ordered on that day or before"),
];

pub const NOTHING: &[Field] = &[];

pub const ROW: &[Field] = &[
    Field::integer("id", ""),
    Field::text("title", ""),
    Field::text("event", "what it is for"),
    Field::text("status", "waiting_approval, queued, running, done, failed or cancelled"),
    Field::text("reason", "why it failed or was cancelled"),
    Field::integer("warnings", "steps that failed without stopping it"),
    Field::integer("customer_id", ""),
    Field::integer("user_id", "or null"),
    Field::text("service", "a code, or null"),
    Field::integer("steps_done", ""),
    Field::integer("steps_total", ""),
    Field::text("hold", "what holds it while it is open, or null: as in the list's filter"),
    Field::text("queue", "where it waits for a worker"),
    Field::integer("by_id", "who ordered it; null: Portico"),
    Field::text("created_at", ""),
    Field::text("started_at", "or null"),
    Field::text("ended_at", "or null"),
];

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::text("title", ""),
    Field::text("event", "what it is for"),
    Field::text("status", "waiting_approval, queued, running, done, failed or cancelled"),
    Field::text("reason", "why it failed or was cancelled"),
    Field::text("waits", "why it waits, in a sentence; empty where it does not"),
    Field::integer("warnings", "steps that failed without stopping it"),
    Field::integer("customer_id", ""),
    Field::integer("user_id", "or null"),
    Field::text("service", "a code, or null"),
    Field::integer("steps_done", ""),
    Field::integer("steps_total", ""),
    Field::text("hold", "what holds it while it is open, or null: as in the list's filter"),
    Field::text("queue", "where it waits for a worker"),
    Field::integer("by_id", "who ordered it; null: Portico"),
    Field::text("created_at", ""),
    Field::text("started_at", "or null"),
    Field::text("ended_at", "or null"),
    Field::integer("part_of", "the request that this one is a part of, or null"),
    Field::list("parts", "requests that are its parts, each with id, title, status and reason"),
    Field::list("steps", "each with title, action, connector, status, attempts, error and log"),
];

/// What was asked for is under way.
pub const DONE: &[Field] = &[Field::integer("request_id", "")];

pub const QUEUE: &[Field] = &[
    Field::text("name", ""),
    Field::integer("workers", ""),
    Field::integer("per_customer", "steps of one customer at once"),
    Field::integer("per_connector", "calls of one connector at once"),
    Field::boolean("paused", ""),
    Field::integer("ready", "requests that wait for a worker"),
    Field::integer("running", "steps at work"),
    Field::integer("sleeping", "requests between two attempts"),
    Field::integer("blocked", "requests behind another"),
    Field::text("oldest_at", "since when the oldest waits for a worker, or null"),
];

#[derive(Serialize)]
struct RequestOut<'a> {
    id: RequestId,
    title: &'a str,
    event: &'a str,
    status: Status,
    reason: &'a str,
    warnings: i64,
    customer_id: CustomerId,
    user_id: Option<UserId>,
    service: Option<&'a str>,
    steps_done: i64,
    steps_total: i64,
    hold: Option<view::Held>,
    queue: &'a str,
    by_id: Option<UserId>,
    created_at: Instant,
    started_at: Option<Instant>,
    ended_at: Option<Instant>,
}

#[derive(Serialize)]
struct WholeOut<'a> {
    #[serde(flatten)]
    request: RequestOut<'a>,
    waits: String,
    part_of: Option<RequestId>,
    parts: Vec<PartOut<'a>>,
    steps: Vec<StepOut<'a>>,
}

#[derive(Serialize)]
struct PartOut<'a> {
    id: RequestId,
    title: &'a str,
    status: Status,
    reason: &'a str,
}

#[derive(Serialize)]
struct StepOut<'a> {
    title: &'a str,
    action: &'a str,
    connector: Option<&'a str>,
    status: &'a str,
    attempts: i64,
    error: &'a str,
    error_class: &'a str,
    next_at: Option<Instant>,
    started_at: Option<Instant>,
    ended_at: Option<Instant>,
    log: String,
}

#[derive(Serialize)]
struct QueueOut {
    name: String,
    workers: i64,
    per_customer: i64,
    per_connector: i64,
    paused: bool,
    ready: i64,
    running: i64,
    sleeping: i64,
    blocked: i64,
    oldest_at: Option<Instant>,
}

/// Reads the filters; one that cannot be is a complaint.
pub fn filter(cx: &Cx) -> Result<Filter> {
    let mut query = cx.request.query.clone();
    query.remove("limit");
    query.remove("after");
    let mut fields = Fields::of(&query, FILTERS);
    let (status, customer, user) =
        (fields.optional("status"), fields.optional("customer_id"), fields.optional("user_id"));
    let (event, service) = (fields.text("event", 0..=60), fields.text("service", 0..=30));
    let (hold, by) = (fields.optional("hold"), fields.optional("by_id"));
    let queue = fields.text("queue", 0..=30);
    let (from, to) = (fields.optional_date("from"), fields.optional_date("to"));
    let zone = &cx.actor.zone;
    fields.finish(|| {
        Some(Filter {
            hold: hold?,
            queue: queue?,
            by: by?,
            from: from?.map(|day| day.start(zone)),
            until: to?.map(|day| day.plus_days(1).start(zone)),
            status: status?,
            event: event?,
            service: service?,
            customer: customer?,
            user: user?,
        })
    })
}

pub fn index(cx: &Cx, scope: &Scope<RequestsRead>) -> Result<Response> {
    let found = view::list(cx.db, scope, &filter(cx)?, &cx.paging(FILTERS)?)?;
    let items: Vec<RequestOut> = found.items.iter().map(out).collect();
    response::json(200, &serde_json::json!({ "items": items, "next": found.next }))
}

/// Whoever asks again and names the answer they have is told when it is still the same.
pub fn show(cx: &Cx, scope: &Scope<RequestsRead>) -> Result<Response> {
    let shown = view::one(cx.db, scope, cx.param("id")?)?;
    let whole = WholeOut {
        request: out(&shown.row),
        waits: waits(cx, &shown),
        part_of: shown.whole.as_ref().map(|whole| whole.id),
        parts: shown.parts.iter().map(part).collect(),
        steps: shown.steps.iter().map(step).collect(),
    };
    tagged(cx, response::json(200, &whole)?)
}

/// An answer for whoever asks again and again.
pub fn tagged(cx: &Cx, answer: Response) -> Result<Response> {
    let tag: String =
        secret::hex(&secret::sha256(answer.text().as_bytes())).chars().take(24).collect();
    let tag = format!("\"{tag}\"");
    if cx.request.header("If-None-Match").split(',').any(|known| known.trim() == tag) {
        return Ok(Response { status: 304, ..response::no_content() }.with("ETag", tag));
    }
    Ok(answer.with("ETag", tag))
}

pub fn retry(cx: &Cx, scope: &Scope<RequestsRetry>) -> Result<Response> {
    let id: RequestId = cx.param("id")?;
    retry_request(cx.db, scope, id, &cx.input()?)?;
    response::json(202, &serde_json::json!({ "request_id": id }))
}

pub fn cancel(cx: &Cx, scope: &Scope<RequestsRetry>) -> Result<Response> {
    let id: RequestId = cx.param("id")?;
    cancel_request(cx.db, scope, id)?;
    response::json(202, &serde_json::json!({ "request_id": id }))
}

pub fn queues(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    let all = cx.db.read(|db| {
        scope.reaches(db, crate::auth::PROVIDER)?;
        view::store::queues(db)
    })?;
    let items: Vec<QueueOut> = all
        .into_iter()
        .map(|queue| QueueOut {
            name: queue.name,
            workers: queue.workers,
            per_customer: queue.per_customer,
            per_connector: queue.per_connector,
            paused: queue.paused_at.is_some(),
            ready: queue.ready,
            running: queue.running,
            sleeping: queue.sleeping,
            blocked: queue.blocked,
            oldest_at: queue.oldest_at,
        })
        .collect();
    response::json(200, &serde_json::json!({ "items": items, "next": null }))
}

pub fn pause(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    super::pause(cx.db, scope, &cx.param::<String>("name")?, true)?;
    Ok(response::no_content())
}

pub fn resume(cx: &Cx, scope: &Scope<SystemOperate>) -> Result<Response> {
    super::pause(cx.db, scope, &cx.param::<String>("name")?, false)?;
    Ok(response::no_content())
}

/// The sentence that says why it waits, with instants as programs read them.
fn waits(cx: &Cx, shown: &Shown) -> String {
    shown.waits(cx.db.now(), |at| at.to_string())
}

fn out(row: &Row) -> RequestOut<'_> {
    RequestOut {
        id: row.id,
        title: &row.title,
        event: &row.event,
        status: row.status,
        reason: &row.reason,
        warnings: row.warnings,
        customer_id: row.customer,
        user_id: row.user,
        service: row.service.as_deref(),
        steps_done: row.steps_done,
        steps_total: row.steps,
        hold: row.held(),
        queue: &row.queue,
        by_id: row.by,
        created_at: row.created_at,
        started_at: row.started_at,
        ended_at: row.ended_at,
    }
}

fn part(part: &Related) -> PartOut<'_> {
    PartOut { id: part.id, title: &part.title, status: part.status, reason: &part.reason }
}

fn step(step: &Step) -> StepOut<'_> {
    let logs = step.tries.iter().map(|attempt| attempt.log.as_str());
    StepOut {
        title: &step.title,
        action: &step.action,
        connector: step.connector.as_deref(),
        status: &step.status,
        attempts: step.attempts,
        error: &step.error,
        error_class: &step.error_class,
        next_at: step.next_at,
        started_at: step.started_at,
        ended_at: step.ended_at,
        log: logs.collect::<Vec<_>>().join("\n"),
    }
}
