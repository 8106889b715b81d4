use super::{End, Hold, Job, NewRequest, NewStep, OnError, Overtaken, Status, Turn};
use crate::auth::Scope;
use crate::auth::permissions::RequestsRetry;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, FreezeId, RequestId, StepId, UserId};
use crate::time::Instant;
use rusqlite::named_params;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub fn insert(
    tx: &Write,
    new: &NewRequest,
    queue: &str,
    hold: Option<Hold>,
    (next, deadline): (Instant, Instant),
) -> Result<RequestId> {
    let first = new.steps.first();
    tx.change(
        "INSERT INTO requests (customer_id, event, user_id, customer_service_id, user_service_id, parent_id,
                after_id, preview_id, run_id, title, queue, class, connector_id, by_id, source, created_at,
                deadline_at, next_at, status, turn, hold)
         VALUES (:customer, :event, :user,
                coalesce(:customer_service, (SELECT customer_service_id FROM user_services WHERE id = :user_service)),
                :user_service, :parent, :after, :preview, :run, :title, :queue, :class, :connector, :by, :source,
                :now, :deadline, :next, iif(:hold = '', 'queued', 'waiting_approval'),
                iif(:hold = '', 'ready', 'sleeping'), :hold)
         RETURNING id",
        named_params! {
            ":customer": new.customer, ":event": new.event, ":user": new.user,
            ":customer_service": new.customer_service, ":user_service": new.user_service,
            ":parent": new.parent, ":after": new.after, ":preview": new.preview, ":run": new.run,
            ":title": new.title, ":queue": queue, ":class": new.class,
            ":connector": first.and_then(|step| step.connector), ":by": new.by, ":source": new.source,
            ":now": tx.now, ":deadline": deadline, ":next": next, ":hold": hold.map_or("", Hold::word),
        },
    )
}

/// What was planned for a held request, in place of what it was held with.
pub fn plan_anew(tx: &Write, id: RequestId, new: &NewRequest) -> Result<usize> {
    tx.run("DELETE FROM steps WHERE request_id = ?1", [id])?;
    tx.run(
        "UPDATE requests
            SET preview_id = coalesce(:preview, preview_id), title = :title, connector_id = :connector,
                version = version + 1
          WHERE id = :id",
        named_params! {
            ":id": id, ":preview": new.preview, ":title": new.title,
            ":connector": new.steps.first().and_then(|step| step.connector),
        },
    )
}

/// A held request waits for something else, or for a worker.
pub fn let_go(tx: &Write, id: RequestId, deadline: Instant) -> Result<usize> {
    tx.run(
        "UPDATE requests
            SET status = 'queued', turn = 'ready', hold = '', next_at = :now, deadline_at = :deadline,
                version = version + 1
          WHERE id = :id AND status = 'waiting_approval'",
        named_params! { ":id": id, ":now": tx.now, ":deadline": deadline },
    )?;
    // Those behind it have waited for people, not for the engine.
    tx.run(
        "UPDATE requests SET deadline_at = max(deadline_at, :deadline) WHERE blocked_id = :id",
        named_params! { ":id": id, ":deadline": deadline },
    )
}

pub fn hold(tx: &Write, id: RequestId, hold: Hold, never: Instant) -> Result<usize> {
    tx.run(
        "UPDATE requests
            SET status = 'waiting_approval', turn = 'sleeping', hold = :hold, next_at = :never,
                deadline_at = :never, version = version + 1
          WHERE id = :id AND status = 'waiting_approval'",
        named_params! { ":id": id, ":hold": hold, ":never": never },
    )
}

pub fn insert_step(tx: &Write, request: RequestId, seq: i64, step: &NewStep) -> Result<StepId> {
    tx.change(
        "INSERT INTO steps (request_id, seq, key, title, slot, rule_id, rule_version, action, connector_id, params,
                            condition, on_error, tries, time_limit)
         VALUES (:request, :seq, :key, :title, :slot, :rule, :version, :action, :connector, :params,
                 :condition, :on_error, :tries, :limit)
         RETURNING id",
        named_params! {
            ":request": request, ":seq": seq, ":key": step.key, ":title": step.title,
            ":slot": step.how.slot, ":rule": step.how.rule.map(|(id, _)| id),
            ":version": step.how.rule.map(|(_, version)| version), ":action": step.action,
            ":connector": step.connector, ":params": step.params.to_string(),
            ":condition": step.how.condition, ":on_error": step.on_error, ":tries": step.how.tries,
            ":limit": step.how.time_limit,
        },
    )
}

pub fn adopt(tx: &Write, parent: RequestId, children: &[RequestId]) -> Result<usize> {
    if children.is_empty() {
        return Ok(0);
    }
    tx.run(
        "UPDATE requests SET parent_id = :parent WHERE id IN (SELECT value FROM json_each(:children))",
        named_params! { ":parent": parent, ":children": serde_json::to_string(children)? },
    )
}

/// How the parts are that a request waits for: those which were there before it.
pub struct Children {
    pub all: i64,
    pub not_done: i64,
    /// Ended otherwise than done, with their assignment still there.
    pub failed: i64,
    /// One that has not ended.
    pub open: Option<RequestId>,
}

pub fn children(db: &Read, parent: RequestId) -> Result<Children> {
    db.one(
        "SELECT count(*) AS whole, count(*) FILTER (WHERE status <> 'done') AS not_done,
                min(id) FILTER (WHERE turn <> 'over') AS open,
                count(*) FILTER (WHERE status IN ('failed', 'cancelled')
                                   AND (EXISTS (SELECT 1 FROM user_services
                                                 WHERE user_services.id = user_service_id AND live <> 'gone')
                                        OR (user_service_id IS NULL
                                            AND EXISTS (SELECT 1 FROM customer_services
                                                         WHERE customer_services.id = customer_service_id AND live <> 'gone')))) AS failed
           FROM requests
          WHERE parent_id = :parent AND id < :parent",
        named_params! { ":parent": parent },
        |row| {
            Ok(Children {
                all: row.get("whole")?,
                not_done: row.get("not_done")?,
                failed: row.get("failed")?,
                open: row.get("open")?,
            })
        },
    )
}

/// The parts of a request that ended badly, of things that are still there; each with its parts. Those
/// whose place a later request has taken are left out.
pub fn failed_parts(db: &Read, parent: RequestId) -> Result<Vec<RequestId>> {
    db.all(
        "WITH RECURSIVE part (id) AS (
           SELECT requests.id FROM requests WHERE parent_id = :parent
           UNION ALL
           SELECT requests.id FROM part JOIN requests ON parent_id = part.id
         )
         SELECT r.id FROM part JOIN requests r ON r.id = part.id
          WHERE r.status = 'failed'
            AND (EXISTS (SELECT 1 FROM user_services
                          WHERE user_services.id = r.user_service_id AND live <> 'gone' AND last_request_id = r.id)
                 OR EXISTS (SELECT 1 FROM customer_services
                             WHERE customer_services.id = r.customer_service_id AND live <> 'gone'
                               AND last_request_id = r.id))
          ORDER BY r.id",
        named_params! { ":parent": parent },
        |row| row.get("id"),
    )
}

/// The open requests of an assignment, and whether a worker is at it or has been.
pub fn open_of(db: &Read, what: Overtaken) -> Result<Vec<(RequestId, bool)>> {
    let row = |row: &rusqlite::Row| Ok((row.get("id")?, row.get("busy")?));
    match what {
        Overtaken::CustomerService(id) => db.all(
            "SELECT id, turn = 'busy' AS busy
               FROM requests
              WHERE customer_service_id = :id AND user_service_id IS NULL AND turn <> 'over'",
            named_params! { ":id": id },
            row,
        ),
        Overtaken::UserService(id) => db.all(
            "SELECT id, turn = 'busy' AS busy
               FROM requests
              WHERE user_service_id = :id AND turn <> 'over'",
            named_params! { ":id": id },
            row,
        ),
    }
}

pub fn status(db: &Read, id: RequestId) -> Result<Status> {
    db.value("SELECT status FROM requests WHERE id = ?1", [id])
}

/// A request that a worker is at ends before its next step.
pub fn ask_to_cancel(tx: &Write, id: RequestId, reason: &str) -> Result<()> {
    tx.run(
        "UPDATE requests SET cancel_asked = 1, reason = :reason, version = version + 1 WHERE id = :id",
        named_params! { ":id": id, ":reason": reason },
    )?;
    Ok(())
}

pub fn end(tx: &Write, id: RequestId, end: End, reason: &str) -> Result<()> {
    tx.run(
        "UPDATE requests
            SET status = :end, turn = 'over', blocked_id = NULL, reason = :reason, ended_at = :now,
                started_at = coalesce(started_at, :now), version = version + 1
          WHERE id = :id",
        named_params! { ":id": id, ":end": end, ":reason": reason, ":now": tx.now },
    )?;
    Ok(())
}

/// A password that was not set is not kept either.
pub fn forget_passwords(tx: &Write, id: RequestId) -> Result<()> {
    tx.run(
        "UPDATE steps SET params = json_remove(params, '$.value')
          WHERE request_id = :id AND action = 'dir.password'",
        named_params! { ":id": id },
    )?;
    Ok(())
}

/// Lets all go on that waited for the end of `id`; says how many.
pub fn unblock(tx: &Write, id: RequestId) -> Result<usize> {
    tx.run(
        "UPDATE requests SET turn = 'ready', blocked_id = NULL, hold = '', version = version + 1
          WHERE blocked_id = :id",
        named_params! { ":id": id },
    )
}

pub fn job(db: &Read, id: RequestId) -> Result<Job> {
    db.one(
        "SELECT id, event, customer_id, user_id, customer_service_id, user_service_id, by_id, source
           FROM requests
          WHERE id = :id",
        named_params! { ":id": id },
        |row| {
            Ok(Job {
                request: row.get("id")?,
                event: row.get("event")?,
                customer: row.get("customer_id")?,
                user: row.get("user_id")?,
                customer_service: row.get("customer_service_id")?,
                user_service: row.get("user_service_id")?,
                by: row.get("by_id")?,
                source: row.get("source")?,
            })
        },
    )
}

/// What the finished steps answered, by their keys.
pub fn outputs(db: &Read, id: RequestId) -> Result<BTreeMap<String, Map<String, Value>>> {
    let mut all = BTreeMap::new();
    db.each(
        "SELECT key, outputs FROM steps WHERE request_id = :id AND status = 'done' ORDER BY seq",
        named_params! { ":id": id },
        |row| {
            all.insert(row.get("key")?, serde_json::from_str(&row.get::<_, String>("outputs")?)?);
            Ok(())
        },
    )?;
    Ok(all)
}

/// Where a request stands, for whoever wants to do something about it.
pub struct Standing {
    pub customer: CustomerId,
    pub event: String,
    pub status: Status,
    pub turn: Turn,
}

pub fn standing(db: &Read, scope: &Scope<RequestsRetry>, id: RequestId) -> Result<Standing> {
    db.one(
        "SELECT customer_id, event, status, turn FROM requests
          WHERE id = :id
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = requests.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":id": id, ":scope": scope },
        |row| {
            Ok(Standing {
                customer: row.get("customer_id")?,
                event: row.get("event")?,
                status: row.get("status")?,
                turn: row.get("turn")?,
            })
        },
    )
}

/// A later request for the same assignment, or, of work on a user as a whole, for that user; unless
/// it was cancelled.
pub fn newer(db: &Read, id: RequestId) -> Result<Option<RequestId>> {
    db.maybe(
        "SELECT later FROM (
           SELECT later.id AS later
             FROM requests r JOIN requests later ON later.user_service_id = r.user_service_id AND later.id > r.id
            WHERE r.id = :id AND later.status <> 'cancelled'
           UNION ALL
           SELECT later.id
             FROM requests r JOIN requests later
               ON later.customer_service_id = r.customer_service_id AND later.id > r.id
            WHERE r.id = :id AND r.user_service_id IS NULL AND later.user_service_id IS NULL
              AND later.status <> 'cancelled'
           UNION ALL
           SELECT later.id
             FROM requests r JOIN requests later ON later.user_id = r.user_id AND later.id > r.id
            WHERE r.id = :id AND r.customer_service_id IS NULL AND later.status <> 'cancelled'
              AND (r.event = 'user.move' OR later.customer_service_id IS NULL))
          ORDER BY later DESC LIMIT 1",
        named_params! { ":id": id },
        |row| row.get("later"),
    )
}

/// The step at which a request has stopped: the one that failed, or else the next.
pub fn stopped_at(db: &Read, id: RequestId) -> Result<Option<i64>> {
    db.value(
        "SELECT coalesce((SELECT max(seq) FROM steps WHERE request_id = :id AND status = 'failed'),
                         (SELECT min(seq) FROM steps WHERE request_id = :id AND status = 'pending'))",
        named_params! { ":id": id },
    )
}

/// A failed request waits again, and with it its failed step; all from a step on where that is said.
/// What was done before counts as tried: something of it is there.
pub fn reopen(tx: &Write, id: RequestId, from: Option<i64>, deadline: Instant) -> Result<()> {
    tx.run(
        "UPDATE steps
            SET status = 'pending', attempts = max(attempts, status = 'done'), spent = max(attempts, status = 'done'),
                interruptions = 0, next_at = NULL, ended_at = NULL, outputs = '{}'
          WHERE request_id = :id AND status IN ('done', 'skipped', 'failed')
            AND seq >= coalesce(:from, (SELECT max(seq) FROM steps WHERE request_id = :id AND status = 'failed'))",
        named_params! { ":id": id, ":from": from },
    )?;
    tx.run(
        "UPDATE requests
            SET status = 'queued', turn = 'ready', hold = '', reason = '', cancel_asked = 0, ended_at = NULL,
                next_at = :now, deadline_at = :deadline, version = version + 1,
                warnings = iif(:from IS NULL, warnings, (SELECT count(*) FROM steps
                                                          WHERE request_id = :id AND status = 'failed')),
                connector_id = (SELECT connector_id FROM steps
                                 WHERE request_id = :id AND status = 'pending' ORDER BY seq LIMIT 1)
          WHERE id = :id",
        named_params! { ":id": id, ":now": tx.now, ":from": from, ":deadline": deadline },
    )?;
    Ok(())
}

/// A step of a webhook, for whoever answers it.
pub struct Called {
    pub request: RequestId,
    pub customer: CustomerId,
    pub event: String,
    pub title: String,
    pub attempts: i64,
    pub on_error: OnError,
    pub leased: bool,
    /// It promised to answer, and that is waited for.
    pub waits: bool,
    pub until: Instant,
}

pub fn called(db: &Read, step: StepId) -> Result<Option<Called>> {
    db.maybe(
        "SELECT request_id, customer_id, event, steps.title, attempts, on_error, lease IS NOT NULL AS leased,
                steps.status = 'waiting' AND hold = 'wait' AS waits, requests.next_at
           FROM steps JOIN requests ON requests.id = request_id
          WHERE steps.id = ?1 AND action = 'webhook.send'",
        [step],
        |row| {
            Ok(Called {
                request: row.get("request_id")?,
                customer: row.get("customer_id")?,
                event: row.get("event")?,
                title: row.get("title")?,
                attempts: row.get("attempts")?,
                on_error: row.get("on_error")?,
                leased: row.get("leased")?,
                waits: row.get("waits")?,
                until: row.get("next_at")?,
            })
        },
    )
}

pub fn called_back(tx: &Write, step: StepId, outputs: &str) -> Result<()> {
    tx.run(
        "UPDATE steps SET status = 'done', outputs = :outputs, next_at = NULL, ended_at = :now WHERE id = :id",
        named_params! { ":id": step, ":outputs": outputs, ":now": tx.now },
    )?;
    Ok(())
}

pub fn called_off(tx: &Write, step: StepId, why: &str) -> Result<()> {
    tx.run(
        "UPDATE steps
            SET status = 'failed', error = :why, error_class = 'permanent', next_at = NULL, ended_at = :now
          WHERE id = :id",
        named_params! { ":id": step, ":why": why, ":now": tx.now },
    )?;
    Ok(())
}

pub fn warn(tx: &Write, id: RequestId) -> Result<()> {
    tx.run("UPDATE requests SET warnings = warnings + 1 WHERE id = ?1", [id])?;
    Ok(())
}

/// What waited for an answer waits for a worker again.
pub fn go_on(tx: &Write, id: RequestId, deadline: Instant) -> Result<()> {
    tx.run(
        "UPDATE requests
            SET turn = 'ready', hold = '', next_at = :now, deadline_at = :deadline, version = version + 1,
                connector_id = (SELECT connector_id FROM steps
                                 WHERE request_id = :id AND status = 'pending' ORDER BY seq LIMIT 1)
          WHERE id = :id AND hold = 'wait'",
        named_params! { ":id": id, ":now": tx.now, ":deadline": deadline },
    )?;
    Ok(())
}

pub fn name_of(db: &Read, user: UserId) -> Result<String> {
    db.value("SELECT display_name FROM users WHERE id = ?1", [user])
}

/// Says whether that changed anything.
pub fn pause(tx: &Write, queue: &str, on: bool) -> Result<bool> {
    let changed = tx.run(
        "UPDATE queues
            SET paused_at = CASE WHEN :on THEN :now END, paused_by = CASE WHEN :on THEN :by END
          WHERE name = :queue AND (paused_at IS NOT NULL) <> :on",
        named_params! { ":queue": queue, ":on": on, ":now": tx.now, ":by": tx.by.user },
    )?;
    if changed == 0 {
        tx.one("SELECT 1 FROM queues WHERE name = ?1", [queue], |_| Ok(()))?;
    }
    Ok(changed > 0)
}

/// What a pause held up has until `deadline` at least.
pub fn extend_queue(tx: &Write, queue: &str, deadline: Instant) -> Result<()> {
    tx.run(
        "UPDATE requests SET deadline_at = :deadline
          WHERE queue = :queue AND turn <> 'over' AND deadline_at < :deadline",
        named_params! { ":queue": queue, ":deadline": deadline },
    )?;
    Ok(())
}

/// Whether it has no step to do and waits for no other by order.
pub fn is_free(db: &Read, id: RequestId) -> Result<bool> {
    db.value(
        "SELECT after_id IS NULL AND NOT EXISTS (SELECT 1 FROM steps WHERE request_id = requests.id)
           FROM requests WHERE id = ?1",
        [id],
    )
}

pub fn hold_of(db: &Read, id: RequestId) -> Result<String> {
    db.value("SELECT hold FROM requests WHERE id = ?1", [id])
}

/// A request to tell of.
pub struct ToTell {
    pub title: String,
    pub customer: CustomerId,
    pub customer_name: String,
}

/// Unless it was told of, is a part of another, or one of a run over many.
pub fn to_tell(db: &Read, id: RequestId, failed: bool) -> Result<Option<ToTell>> {
    db.maybe(
        "SELECT title, customer_id, customers.name AS customer_name
           FROM requests JOIN customers ON customers.id = customer_id
          WHERE requests.id = :id AND NOT told AND requests.parent_id IS NULL AND run_id IS NULL AND class <> 'bulk'
            AND (:failed OR warnings > 0)",
        named_params! { ":id": id, ":failed": failed },
        |row| {
            Ok(ToTell {
                title: row.get("title")?,
                customer: row.get("customer_id")?,
                customer_name: row.get("customer_name")?,
            })
        },
    )
}

pub fn told(tx: &Write, id: RequestId) -> Result<usize> {
    tx.run("UPDATE requests SET told = 1 WHERE id = ?1", [id])
}

/// Queues that go on, with work that has waited since before `since`, and of which nobody was told
/// after `told`.
pub fn slow(db: &Read, since: Instant, told: Instant) -> Result<Vec<(String, Instant)>> {
    db.all(
        "SELECT name, oldest FROM (
           SELECT name, (SELECT min(next_at) FROM requests WHERE turn = 'ready' AND requests.queue = name) AS oldest
             FROM queues WHERE paused_at IS NULL AND (slow_told_at IS NULL OR slow_told_at <= :told))
          WHERE oldest <= :since ORDER BY name",
        named_params! { ":since": since, ":told": told },
        |row| Ok((row.get("name")?, row.get("oldest")?)),
    )
}

pub fn slow_told(tx: &Write, queue: &str) -> Result<usize> {
    tx.run("UPDATE queues SET slow_told_at = ?2 WHERE name = ?1", (queue, tx.now))
}

/// A freeze to tell of.
pub struct ToCome {
    pub id: FreezeId,
    pub name: String,
    pub customer: CustomerId,
    pub customer_name: String,
    pub from_at: Instant,
    pub until_at: Instant,
}

pub fn freezes_to_come(db: &Read, before: Instant) -> Result<Vec<ToCome>> {
    db.all(
        "SELECT freezes.id, freezes.name, customer_id, customers.name AS customer_name, from_at, until_at
           FROM freezes JOIN customers ON customers.id = customer_id
          WHERE until_at > :now AND from_at > :now AND from_at <= :before AND told_at IS NULL
          ORDER BY freezes.id LIMIT 100",
        named_params! { ":now": db.now, ":before": before },
        |row| {
            Ok(ToCome {
                id: row.get("id")?,
                name: row.get("name")?,
                customer: row.get("customer_id")?,
                customer_name: row.get("customer_name")?,
                from_at: row.get("from_at")?,
                until_at: row.get("until_at")?,
            })
        },
    )
}

pub fn freeze_told(tx: &Write, id: FreezeId) -> Result<usize> {
    tx.run("UPDATE freezes SET told_at = ?2 WHERE id = ?1", (id, tx.now))
}
