//! The statements of this module.
use super::{Action, Filter, Kind, Row, Source, Told};
use crate::auth::Scope;
use crate::db::{Read, Via, Write};
use crate::error::Result;
use crate::ids::{CustomerId, LedgerId};
use crate::time::Zone;
use rusqlite::named_params;

pub fn append(tx: &Write, row: &Row) -> Result<LedgerId> {
    let zone: String = tx.value("SELECT time_zone FROM customers WHERE id = 1", [])?;
    let zone = Zone::named(&zone).unwrap_or_else(Zone::utc);
    let source = row.source.unwrap_or(source(tx.by.via));
    tx.change(
        "INSERT INTO ledger (at, effective_at, day, kind, subject_id, action, customer_id, user_id, service, plan,
                             instance, quantity, facts, actor_id, source, request_id)
         VALUES (:now, :now, :day, :kind, :subject, :action, :customer, :user, :service, :plan,
                 :instance, :quantity, :facts, :actor, :source, :request)
         RETURNING id",
        named_params! {
            ":now": tx.now, ":day": tx.now.day(&zone), ":kind": row.kind, ":subject": row.subject,
            ":action": row.action, ":customer": row.customer, ":user": row.user, ":service": row.service,
            ":plan": row.plan, ":instance": row.instance, ":quantity": row.quantity,
            ":facts": row.facts.to_string(), ":actor": row.ordered_by.or(tx.by.user), ":source": source,
            ":request": row.request,
        },
    )
}

pub fn open_span(tx: &Write, row: &Row, id: LedgerId) -> Result<()> {
    tx.run(
        "INSERT INTO ledger_spans (kind, subject_id, customer_id, user_id, service, plan, instance, quantity, facts,
                                   from_id, begins_at)
         VALUES (:kind, :subject, :customer, :user, :service, :plan, :instance, :quantity, :facts, :id, :now)",
        named_params! {
            ":kind": row.kind, ":subject": row.subject, ":customer": row.customer, ":user": row.user,
            ":service": row.service, ":plan": row.plan, ":instance": row.instance, ":quantity": row.quantity,
            ":facts": row.facts.to_string(), ":id": id, ":now": tx.now,
        },
    )?;
    Ok(())
}

/// Ends the living span of the subject, which there must be.
pub fn close_span(tx: &Write, row: &Row, id: LedgerId) -> Result<()> {
    tx.change::<i64>(
        "UPDATE ledger_spans SET to_id = :id, ends_at = :now
          WHERE kind = :kind AND subject_id = :subject AND ends_at = '9999' RETURNING id",
        named_params! { ":id": id, ":now": tx.now, ":kind": row.kind, ":subject": row.subject },
    )?;
    Ok(())
}

/// Ends each open span of a kind and opens it again, alike.
pub fn carry_on(tx: &Write, customer: CustomerId, kind: Kind) -> Result<()> {
    let zone: String = tx.value("SELECT time_zone FROM customers WHERE id = 1", [])?;
    let zone = Zone::named(&zone).unwrap_or_else(Zone::utc);
    let last: i64 = tx.value("SELECT coalesce(max(id), 0) FROM ledger", [])?;
    tx.run(
        "INSERT INTO ledger (at, effective_at, day, kind, subject_id, action, customer_id, user_id, service, plan,
                             instance, quantity, facts, actor_id, source)
         SELECT :now, :now, :day, kind, subject_id, 'changed', customer_id, user_id, service, plan,
                instance, quantity, facts, :actor, :source
           FROM ledger_spans
          WHERE customer_id = :customer AND ends_at = '9999' AND kind = :kind",
        named_params! {
            ":now": tx.now, ":day": tx.now.day(&zone), ":actor": tx.by.user, ":source": source(tx.by.via),
            ":customer": customer, ":kind": kind,
        },
    )?;
    tx.run(
        "UPDATE ledger_spans
            SET ends_at = :now,
                to_id = (SELECT ledger.id FROM ledger
                          WHERE ledger.kind = ledger_spans.kind AND ledger.subject_id = ledger_spans.subject_id
                            AND ledger.id > :last)
          WHERE customer_id = :customer AND ends_at = '9999' AND kind = :kind",
        named_params! { ":now": tx.now, ":last": last, ":customer": customer, ":kind": kind },
    )?;
    tx.run(
        "INSERT INTO ledger_spans (kind, subject_id, customer_id, user_id, service, plan, instance, quantity, facts,
                                   from_id, begins_at)
         SELECT kind, subject_id, customer_id, user_id, service, plan, instance, quantity, facts, id, :now
           FROM ledger WHERE id > :last",
        named_params! { ":now": tx.now, ":last": last },
    )?;
    Ok(())
}

pub fn last(db: &Read) -> Result<LedgerId> {
    db.value("SELECT coalesce(max(id), 0) FROM ledger", [])
}

/// The newest row of a subject that holds.
pub fn newest(db: &Read, kind: Kind, subject: i64) -> Result<Option<(LedgerId, Action)>> {
    db.maybe(
        "SELECT id, action FROM ledger
          WHERE kind = :kind AND subject_id = :subject AND action <> 'cancelled'
            AND NOT EXISTS (SELECT 1 FROM ledger undone WHERE undone.corrects_id = ledger.id)
          ORDER BY id DESC LIMIT 1",
        named_params! { ":kind": kind, ":subject": subject },
        |row| Ok((row.get("id")?, row.get("action")?)),
    )
}

/// A row that takes each of them back.
pub fn cancel(
    tx: &Write,
    kind: Kind,
    subject: i64,
    after: LedgerId,
    reason: &str,
) -> Result<usize> {
    tx.run(
        "INSERT INTO ledger (at, effective_at, day, kind, subject_id, action, corrects_id, customer_id, user_id,
                             service, plan, instance, quantity, facts, actor_id, source, reason)
         SELECT :now, effective_at, day, kind, subject_id, 'cancelled', id, customer_id, user_id,
                service, plan, instance, quantity, facts, :actor, 'correction', :reason
           FROM ledger
          WHERE kind = :kind AND subject_id = :subject AND id > :after AND action <> 'cancelled'
            AND NOT EXISTS (SELECT 1 FROM ledger undone WHERE undone.corrects_id = ledger.id)",
        named_params! {
            ":now": tx.now, ":kind": kind, ":subject": subject, ":after": after,
            ":actor": tx.by.user, ":reason": reason,
        },
    )
}

/// Spans as they were up to that row.
pub fn reopen(tx: &Write, kind: Kind, subject: i64, after: LedgerId) -> Result<()> {
    tx.run(
        "DELETE FROM ledger_spans WHERE kind = :kind AND subject_id = :subject AND from_id > :after",
        named_params! { ":kind": kind, ":subject": subject, ":after": after },
    )?;
    tx.run(
        "UPDATE ledger_spans SET to_id = NULL, ends_at = '9999'
          WHERE kind = :kind AND subject_id = :subject AND to_id > :after",
        named_params! { ":kind": kind, ":subject": subject, ":after": after },
    )?;
    Ok(())
}

fn source(via: Via) -> Source {
    match via {
        Via::Page | Via::Link => Source::Page,
        Via::Api => Source::Api,
        Via::Engine => Source::Engine,
        Via::Job => Source::Job,
        Via::Shell => Source::Shell,
    }
}

pub fn is_open(db: &Read, kind: Kind, subject: i64) -> Result<bool> {
    let found = db.maybe(
        "SELECT 1 FROM ledger_spans WHERE kind = :kind AND subject_id = :subject AND ends_at = '9999'",
        named_params! { ":kind": kind, ":subject": subject },
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

pub fn told<P>(db: &Read, scope: &Scope<P>, ids: &[LedgerId]) -> Result<Vec<Told>> {
    db.all(
        "SELECT ledger.id, effective_at, day, ledger.kind, subject_id, action, ledger.customer_id, ledger.user_id,
                person.display_name AS user, service, plan, instance, quantity, source, request_id,
                CASE WHEN EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = actor.customer_id
                                     AND scope IN (SELECT value FROM json_each(:scope)))
                     THEN actor.display_name ELSE home.name END AS actor
           FROM ledger
           LEFT JOIN users person ON person.id = ledger.user_id
           LEFT JOIN users actor ON actor.id = actor_id
           LEFT JOIN customers home ON home.id = actor.customer_id
          WHERE ledger.id IN (SELECT value FROM json_each(:ids))
          ORDER BY effective_at, ledger.id",
        named_params! { ":scope": scope, ":ids": serde_json::to_string(ids)? },
        told_row,
    )
}

/// The ledger, the newest row first.
pub fn list<P>(
    db: &Read,
    scope: &Scope<P>,
    filter: &Filter,
    before: i64,
    limit: i64,
) -> Result<Vec<Told>> {
    db.all(
        LIST,
        named_params! {
            ":scope": scope, ":customer": filter.customer, ":kind": filter.kind,
            ":subject": filter.subject, ":from": filter.from, ":until": filter.until,
            ":before": before, ":limit": limit,
        },
        told_row,
    )
}

const LIST: &str = "
    SELECT ledger.id, effective_at, day, ledger.kind, subject_id, action, ledger.customer_id, ledger.user_id,
           person.display_name AS user, service, plan, instance, quantity, source, request_id,
           CASE WHEN EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = actor.customer_id
                                AND scope IN (SELECT value FROM json_each(:scope)))
                THEN actor.display_name ELSE home.name END AS actor
      FROM ledger
      LEFT JOIN users person ON person.id = ledger.user_id
      LEFT JOIN users actor ON actor.id = actor_id
      LEFT JOIN customers home ON home.id = actor.customer_id
     WHERE ledger.id < :before
       AND (:customer IS NULL OR ledger.customer_id = :customer)
       AND (:kind IS NULL OR ledger.kind = :kind)
       AND (:subject IS NULL OR subject_id = :subject)
       AND (:from IS NULL OR day >= :from) AND (:until IS NULL OR day <= :until)
       AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = ledger.customer_id
                      AND scope IN (SELECT value FROM json_each(:scope)))
     ORDER BY ledger.id DESC LIMIT :limit";

fn told_row(row: &rusqlite::Row) -> rusqlite::Result<Told> {
    Ok(Told {
        id: row.get("id")?,
        at: row.get("effective_at")?,
        day: row.get("day")?,
        kind: row.get("kind")?,
        subject_id: row.get("subject_id")?,
        action: row.get("action")?,
        customer_id: row.get("customer_id")?,
        user_id: row.get("user_id")?,
        user: row.get("user")?,
        service: row.get("service")?,
        plan: row.get("plan")?,
        instance: row.get("instance")?,
        quantity: row.get("quantity")?,
        actor: row.get("actor")?,
        source: row.get("source")?,
        request: row.get("request_id")?,
    })
}

/// The rows that count, each with what came before it and what ends it.
macro_rules! replayed {
    ($rest:literal) => {
        concat!(
            "WITH replayed AS (
               SELECT id, effective_at, kind, subject_id, action, customer_id, user_id, service, plan, instance,
                      quantity, facts, coalesce(lag(action) OVER subject, 'removed') AS before,
                      lead(id) OVER subject AS to_id,
                      coalesce(lead(effective_at) OVER subject, '9999') AS ends_at
                 FROM ledger
                WHERE action IN ('added', 'changed', 'removed')
                  AND NOT EXISTS (SELECT 1 FROM ledger undone WHERE undone.corrects_id = ledger.id)
               WINDOW subject AS (PARTITION BY kind, subject_id ORDER BY effective_at, id)) ",
            $rest
        )
    };
}

/// A row of the ledger, or a span, that does not fit.
pub struct Misfit {
    pub kind: String,
    pub subject: i64,
    pub row: LedgerId,
    pub what: String,
}

/// Rows that do not follow from those before, and whose span is not as they say.
pub fn misfits(db: &Read, most: i64) -> Result<Vec<Misfit>> {
    db.all(
        replayed!(
            "SELECT replayed.kind, replayed.subject_id, replayed.id AS row,
                    CASE WHEN (action = 'added') = (before <> 'removed') THEN 'cannot follow what was before it'
                         WHEN spans.id IS NULL THEN 'has no span'
                         ELSE 'has a span that says something else' END AS what
               FROM replayed LEFT JOIN ledger_spans spans ON spans.from_id = replayed.id
              WHERE (action = 'added') = (before <> 'removed')
                 OR (action <> 'removed'
                     AND (spans.id IS NULL OR spans.kind <> replayed.kind
                          OR spans.subject_id <> replayed.subject_id
                          OR spans.customer_id <> replayed.customer_id
                          OR spans.user_id IS NOT replayed.user_id OR spans.service IS NOT replayed.service
                          OR spans.plan IS NOT replayed.plan OR spans.instance IS NOT replayed.instance
                          OR spans.quantity <> replayed.quantity OR spans.facts <> replayed.facts
                          OR spans.to_id IS NOT replayed.to_id OR spans.begins_at <> replayed.effective_at
                          OR spans.ends_at <> replayed.ends_at))
              LIMIT :most"
        ),
        named_params! { ":most": most },
        misfit,
    )
}

/// Spans that no row of the ledger has opened, or that are there twice.
pub fn strays(db: &Read, most: i64) -> Result<Vec<Misfit>> {
    db.all(
        "SELECT kind, subject_id, from_id AS row, 'did not open a span that is there' AS what
           FROM ledger_spans spans
          WHERE NOT EXISTS (SELECT 1 FROM ledger
                             WHERE ledger.id = spans.from_id AND action IN ('added', 'changed'))
             OR EXISTS (SELECT 1 FROM ledger_spans twin
                         WHERE twin.from_id = spans.from_id AND twin.id < spans.id)
          LIMIT :most",
        named_params! { ":most": most },
        misfit,
    )
}

fn misfit(row: &rusqlite::Row) -> rusqlite::Result<Misfit> {
    Ok(Misfit {
        kind: row.get("kind")?,
        subject: row.get("subject_id")?,
        row: row.get("row")?,
        what: row.get("what")?,
    })
}

/// Throws the spans away and makes them anew.
pub fn rebuild(tx: &Write) -> Result<()> {
    tx.run("DELETE FROM ledger_spans", [])?;
    tx.run(
        replayed!(
            "INSERT INTO ledger_spans (kind, subject_id, customer_id, user_id, service, plan, instance, quantity,
                                       facts, from_id, to_id, begins_at, ends_at)
             SELECT kind, subject_id, customer_id, user_id, service, plan, instance, quantity, facts, id, to_id,
                    effective_at, ends_at
               FROM replayed WHERE action <> 'removed' ORDER BY id"
        ),
        [],
    )?;
    Ok(())
}
