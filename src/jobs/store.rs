//! The statements of jobs and runs.

use super::{Job, Level, Line, Recurring, Run, State, clock};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, JobId, RunId, UserId};
use crate::time::{Instant, Zone};
use crate::web::{Listing, Paging};
use rusqlite::{Row, named_params};
use serde_json::Value;

/// How long a run may be silent before it counts as stopped.
const LEASE: i64 = 60;

pub fn insert(
    tx: &Write,
    kind: &str,
    customer: CustomerId,
    input: &Value,
    total: Option<i64>,
    due: Instant,
) -> Result<RunId> {
    tx.change(
        "INSERT INTO runs (kind, customer_id, user_id, acting_for, cause, input, total, due_at)
         VALUES (:kind, :customer, :user, :acting_for, 'manual', :input, :total, :now) RETURNING id",
        named_params! {
            ":kind": kind, ":customer": customer, ":user": tx.by.user, ":acting_for": tx.by.acting_for,
            ":input": input.to_string(), ":total": total, ":now": due,
        },
    )
}

/// A run of a job by hand.
pub fn insert_of_job(tx: &Write, job: JobId) -> Result<RunId> {
    tx.change(
        "INSERT INTO runs (job_id, kind, customer_id, user_id, acting_for, cause, due_at)
         SELECT id, type, 1, :user, :acting_for, 'manual', :now FROM jobs WHERE id = :job
         ON CONFLICT (job_id, due_at) DO UPDATE SET job_id = job_id RETURNING id",
        named_params! {
            ":job": job, ":user": tx.by.user, ":acting_for": tx.by.acting_for, ":now": tx.now,
        },
    )
}

/// Takes the oldest queued run; a job never runs beside itself.
pub fn take(tx: &Write) -> Result<Option<Run>> {
    let id: Option<RunId> = tx.maybe(
        "UPDATE runs SET state = 'running', started_at = coalesce(started_at, :now), lease_until = :until
          WHERE id = (SELECT id FROM runs AS waiting
                       WHERE state = 'queued' AND due_at <= :now
                         AND (job_id IS NULL OR NOT EXISTS (SELECT 1 FROM runs AS other
                               WHERE other.job_id = waiting.job_id AND other.state = 'running'))
                       ORDER BY id LIMIT 1)
         RETURNING id",
        named_params! { ":now": tx.now, ":until": tx.now.plus_seconds(LEASE) },
        |row| row.get(0),
    )?;
    id.map(|id| one(tx, id)).transpose()
}

pub fn end(tx: &Write, id: RunId, state: State, error: &str) -> Result<()> {
    tx.run(
        "UPDATE runs SET state = :state, error = :error, ended_at = :now, lease_until = NULL
          WHERE id = :id AND state IN ('queued', 'running')",
        named_params! { ":state": state, ":error": error, ":now": tx.now, ":id": id },
    )?;
    Ok(())
}

/// Leaves a run that was begun to the next start of the program.
pub fn put_off(tx: &Write, id: RunId) -> Result<()> {
    tx.run(
        "UPDATE runs SET state = 'queued', lease_until = NULL WHERE id = ?1 AND state = 'running'",
        [id],
    )?;
    Ok(())
}

/// What another process left running: what can go on is queued again, the rest has failed.
pub fn recover(tx: &Write, resumes: &[&str]) -> Result<()> {
    let resumes = serde_json::to_string(resumes)?;
    tx.run(
        "UPDATE runs SET state = 'queued', lease_until = NULL
          WHERE state = 'running' AND kind IN (SELECT value FROM json_each(?1))",
        [&resumes],
    )?;
    tx.run(
        "UPDATE runs SET state = 'failed', lease_until = NULL, ended_at = ?1,
                         error = 'Portico stopped while this run was working.'
          WHERE state = 'running'",
        [tx.now],
    )?;
    Ok(())
}

/// What has not begun ends here; only kinds that resume look for themselves, since they may have to
/// give back what their order took.
pub fn ask_to_cancel(tx: &Write, id: RunId, resumes: &[&str]) -> Result<bool> {
    let open = tx.run(
        "UPDATE runs
            SET cancel_asked = 1,
                state = CASE WHEN state = 'running' THEN state
                             WHEN kind IN (SELECT value FROM json_each(:resumes)) THEN 'queued'
                             ELSE 'cancelled' END,
                ended_at = iif(state <> 'running' AND kind NOT IN (SELECT value FROM json_each(:resumes)),
                               :now, ended_at)
          WHERE id = :id AND state IN ('queued', 'running', 'held')",
        named_params! { ":id": id, ":now": tx.now, ":resumes": serde_json::to_string(resumes)? },
    )?;
    Ok(open == 1)
}

pub fn is_cancelled(db: &Read, id: RunId) -> Result<bool> {
    db.value("SELECT cancel_asked FROM runs WHERE id = ?1", [id])
}

pub fn add_line(
    tx: &Write,
    id: RunId,
    seq: i64,
    level: Level,
    result: &str,
    text: &str,
    subject: Option<(&str, i64)>,
) -> Result<()> {
    tx.run(
        "INSERT OR REPLACE INTO run_lines (run_id, seq, at, level, result, text, subject_kind, subject_id)
         VALUES (:run, :seq, :now, :level, :result, :text, :kind, :subject)",
        named_params! {
            ":run": id, ":seq": seq, ":now": tx.now, ":level": level, ":result": result,
            ":text": text.chars().take(2000).collect::<String>(),
            ":kind": subject.map_or("", |(kind, _)| kind), ":subject": subject.map(|(_, id)| id),
        },
    )?;
    Ok(())
}

pub fn progress(tx: &Write, id: RunId, done: i64) -> Result<()> {
    tx.run(
        "UPDATE runs SET done = :done, lease_until = :until WHERE id = :id",
        named_params! { ":done": done, ":until": tx.now.plus_seconds(LEASE), ":id": id },
    )?;
    Ok(())
}

pub fn set_numbers(tx: &Write, id: RunId, numbers: &Value) -> Result<()> {
    tx.run("UPDATE runs SET numbers = ?1 WHERE id = ?2", (numbers.to_string(), id))?;
    Ok(())
}

pub fn set_total(tx: &Write, id: RunId, total: i64) -> Result<()> {
    tx.run("UPDATE runs SET total = ?1 WHERE id = ?2", (total, id))?;
    Ok(())
}

const RUN: &str = "SELECT id, job_id, kind, customer_id, user_id, acting_for, state, input, done, total, numbers, error, due_at,
                          started_at, ended_at
                     FROM runs";

pub fn one(db: &Read, id: RunId) -> Result<Run> {
    db.one(&format!("{RUN} WHERE id = ?1"), [id], run)
}

/// A run as its starter, or whoever may look after jobs, sees it.
pub fn seen(db: &Read, own: UserId, all: bool, id: RunId) -> Result<Run> {
    db.one(
        &format!("{RUN} WHERE id = :id AND (user_id = :own OR acting_for = :own OR :all)"),
        named_params! { ":id": id, ":own": own, ":all": all },
        run,
    )
}

pub fn of_job(db: &Read, job: JobId, paging: &Paging) -> Result<Listing<Run>> {
    let before = if paging.is_first() { i64::MAX } else { paging.id() };
    let rows = db.all(
        &format!("{RUN} WHERE job_id = :job AND id < :before ORDER BY id DESC LIMIT :limit"),
        named_params! { ":job": job, ":before": before, ":limit": paging.fetch() },
        run,
    )?;
    Ok(paging.listing(rows, |run| (String::new(), run.id.0)))
}

pub fn lines(db: &Read, id: RunId, result: &str, paging: &Paging) -> Result<Listing<Line>> {
    let rows = db.all(
        "SELECT seq, at, level, result, text, subject_kind, subject_id
           FROM run_lines
          WHERE run_id = :run AND seq > :after AND (:result = '' OR result = :result)
          ORDER BY seq LIMIT :limit",
        named_params! { ":run": id, ":after": paging.id(), ":result": result, ":limit": paging.fetch() },
        |row| {
            let subject: Option<i64> = row.get("subject_id")?;
            let kind: String = row.get("subject_kind")?;
            Ok(Line {
                seq: row.get("seq")?,
                at: row.get("at")?,
                level: row.get("level")?,
                result: row.get("result")?,
                text: row.get("text")?,
                subject: subject.map(|id| (kind, id)),
            })
        },
    )?;
    Ok(paging.listing(rows, |line| (String::new(), line.seq)))
}

/// Every line, or those of one result, in their order.
pub fn each_line(
    db: &Read,
    id: RunId,
    result: &str,
    act: &mut dyn FnMut([String; 4]) -> Result<()>,
) -> Result<()> {
    db.each(
        "SELECT seq, at, result, text FROM run_lines
          WHERE run_id = ?1 AND (?2 = '' OR result = ?2) ORDER BY seq",
        (id, result),
        |row| {
            let seq: i64 = row.get("seq")?;
            act([seq.to_string(), row.get("at")?, row.get("result")?, row.get("text")?])
        },
    )
}

/// How many lines there are of each result.
pub fn tally(db: &Read, id: RunId) -> Result<Vec<(String, i64)>> {
    db.all(
        "SELECT result, count(*) FROM run_lines WHERE run_id = ?1 GROUP BY result ORDER BY result",
        [id],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

pub fn subjects(db: &Read, id: RunId) -> Result<Vec<(i64, i64)>> {
    db.all(
        "SELECT seq, subject_id FROM run_lines WHERE run_id = ?1 AND subject_id IS NOT NULL ORDER BY seq",
        [id],
        |row| Ok((row.get("seq")?, row.get("subject_id")?)),
    )
}

pub fn subjects_with(db: &Read, id: RunId, result: &str) -> Result<Vec<i64>> {
    db.all(
        "SELECT subject_id FROM run_lines
          WHERE run_id = ?1 AND result = ?2 AND subject_id IS NOT NULL ORDER BY seq",
        (id, result),
        |row| row.get("subject_id"),
    )
}

pub fn jobs(db: &Read) -> Result<Vec<Job>> {
    db.all(
        "SELECT jobs.id, type, label, schedule, enabled, next_run_at,
                last.state AS last_state, coalesce(last.ended_at, last.started_at, last.due_at) AS last_at
           FROM jobs
           LEFT JOIN runs AS last ON last.id = (SELECT max(id) FROM runs WHERE job_id = jobs.id)
          ORDER BY label",
        [],
        |row| {
            let state: Option<State> = row.get("last_state")?;
            let at: Option<Instant> = row.get("last_at")?;
            Ok(Job {
                id: row.get("id")?,
                kind: row.get("type")?,
                label: row.get("label")?,
                schedule: row.get("schedule")?,
                enabled: row.get("enabled")?,
                next_run_at: row.get("next_run_at")?,
                last: state.zip(at),
            })
        },
    )
}

pub fn job(db: &Read, id: JobId) -> Result<Job> {
    jobs(db)?.into_iter().find(|job| job.id == id).ok_or(crate::error::Error::NotFound)
}

pub fn switch(tx: &Write, id: JobId, enabled: bool) -> Result<()> {
    tx.change::<i64>(
        "UPDATE jobs SET enabled = :enabled, version = version + 1 WHERE id = :id RETURNING id",
        named_params! { ":enabled": enabled, ":id": id },
    )?;
    Ok(())
}

/// Writes the recurring jobs that this program has and the store does not.
pub fn ship(tx: &Write, recurring: &[Recurring], zone: &Zone) -> Result<()> {
    for job in recurring {
        tx.run(
            "INSERT INTO jobs (type, label, schedule, time_zone, next_run_at)
             VALUES (:type, :label, :schedule, :zone, :next)
             ON CONFLICT (label) DO NOTHING",
            named_params! {
                ":type": job.kind, ":label": job.label, ":schedule": job.schedule, ":zone": zone.name(),
                ":next": clock::next(job.schedule, zone, tx.now)?,
            },
        )?;
    }
    Ok(())
}

/// Makes a run of each job that is due, once for all instants that were missed.
pub fn make_due(tx: &Write, zone: &Zone) -> Result<()> {
    let due = tx.all(
        "SELECT id, type, schedule, enabled, next_run_at FROM jobs WHERE next_run_at <= ?1",
        [tx.now],
        |row| {
            Ok((
                row.get::<_, JobId>("id")?,
                row.get::<_, String>("type")?,
                row.get::<_, String>("schedule")?,
                row.get::<_, bool>("enabled")?,
                row.get::<_, Instant>("next_run_at")?,
            ))
        },
    )?;
    for (id, kind, schedule, enabled, due_at) in due {
        if enabled {
            let late = tx.now.since(due_at) > 120;
            tx.run(
                "INSERT OR IGNORE INTO runs (job_id, kind, customer_id, cause, due_at)
                 VALUES (:job, :kind, 1, :cause, :due)",
                named_params! {
                    ":job": id, ":kind": kind, ":cause": if late { "missed" } else { "schedule" }, ":due": due_at,
                },
            )?;
        }
        tx.run(
            "UPDATE jobs SET next_run_at = ?1 WHERE id = ?2",
            (clock::next(&schedule, zone, tx.now)?, id),
        )?;
    }
    Ok(())
}

fn run(row: &Row) -> rusqlite::Result<Run> {
    let json = |name: &str| -> rusqlite::Result<Value> {
        Ok(serde_json::from_str(&row.get::<_, String>(name)?).unwrap_or(Value::Null))
    };
    Ok(Run {
        id: row.get("id")?,
        job: row.get("job_id")?,
        kind: row.get("kind")?,
        customer: row.get("customer_id")?,
        user: row.get("user_id")?,
        acting_for: row.get("acting_for")?,
        state: row.get("state")?,
        input: json("input")?,
        done: row.get("done")?,
        total: row.get("total")?,
        numbers: json("numbers")?,
        error: row.get("error")?,
        due_at: row.get("due_at")?,
        started_at: row.get("started_at")?,
        ended_at: row.get("ended_at")?,
    })
}

/// Leaves a run that has changed nothing yet to the brake.
pub fn hold(tx: &Write, id: RunId) -> Result<()> {
    tx.run(
        "UPDATE runs SET state = 'held', lease_until = NULL WHERE id = ?1 AND state IN ('queued', 'running')",
        [id],
    )?;
    Ok(())
}

/// It begins, as if it had been queued now.
pub fn let_go(tx: &Write, id: RunId) -> Result<()> {
    tx.run("UPDATE runs SET state = 'queued' WHERE id = ?1 AND state = 'held'", [id])?;
    Ok(())
}
