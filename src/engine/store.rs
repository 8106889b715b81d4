use super::{End, Job, NewRequest, NewStep, Overtaken};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{RequestId, StepId};
use crate::time::Instant;
use rusqlite::named_params;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub fn insert(tx: &Write, new: &NewRequest, queue: &str, deadline: Instant) -> Result<RequestId> {
    let first = new.steps.first();
    tx.change(
        "INSERT INTO requests (customer_id, event, user_id, customer_service_id, user_service_id, parent_id,
                after_id, preview_id, run_id, title, queue, class, connector_id, by_id, source, created_at,
                deadline_at, next_at)
         VALUES (:customer, :event, :user,
                coalesce(:customer_service, (SELECT customer_service_id FROM user_services WHERE id = :user_service)),
                :user_service, :parent, :after, :preview, :run, :title, :queue, :class, :connector, :by, :source,
                :now, :deadline, :now)
         RETURNING id",
        named_params! {
            ":customer": new.customer, ":event": new.event, ":user": new.user,
            ":customer_service": new.customer_service, ":user_service": new.user_service,
            ":parent": new.parent, ":after": new.after, ":preview": new.preview, ":run": new.run,
            ":title": new.title, ":queue": queue, ":class": new.class,
            ":connector": first.and_then(|step| step.connector), ":by": new.by, ":source": new.source,
            ":now": tx.now, ":deadline": deadline,
        },
    )
}

pub fn insert_step(tx: &Write, request: RequestId, seq: i64, step: &NewStep) -> Result<StepId> {
    tx.change(
        "INSERT INTO steps (request_id, seq, key, title, action, connector_id, params, on_error)
         VALUES (:request, :seq, :key, :title, :action, :connector, :params, :on_error)
         RETURNING id",
        named_params! {
            ":request": request, ":seq": seq, ":key": step.key, ":title": step.title,
            ":action": step.action, ":connector": step.connector,
            ":params": step.params.to_string(), ":on_error": step.on_error,
        },
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

/// Lets all go on that waited for the end of `id`; says how many.
pub fn unblock(tx: &Write, id: RequestId) -> Result<usize> {
    tx.run(
        "UPDATE requests SET turn = 'ready', blocked_id = NULL, version = version + 1
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
