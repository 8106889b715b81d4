//! The statements of this module.
use super::{Kind, Row, Source};
use crate::db::{Read, Via, Write};
use crate::error::Result;
use crate::ids::{CustomerId, LedgerId};
use crate::time::Zone;
use rusqlite::named_params;

pub fn append(tx: &Write, row: &Row) -> Result<LedgerId> {
    let zone: String = tx.value("SELECT time_zone FROM customers WHERE id = 1", [])?;
    let zone = Zone::named(&zone).unwrap_or_else(Zone::utc);
    let source = row.source.unwrap_or(match tx.by.via {
        Via::Page | Via::Link => Source::Page,
        Via::Api => Source::Api,
        Via::Engine => Source::Engine,
        Via::Job => Source::Job,
        Via::Shell => Source::Shell,
    });
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

pub fn is_open(db: &Read, kind: Kind, subject: i64) -> Result<bool> {
    let found = db.maybe(
        "SELECT 1 FROM ledger_spans WHERE kind = :kind AND subject_id = :subject AND ends_at = '9999'",
        named_params! { ":kind": kind, ":subject": subject },
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// The bills that this customer's things appear on are computed anew when next looked at: its own
/// and, by roll-up, those of every reseller above.
pub fn mark_dirty(tx: &Write, customer: CustomerId) -> Result<()> {
    tx.run(
        "INSERT OR IGNORE INTO dirty_buyers (period_end, buyer_id)
         SELECT periods.ends_on, above
           FROM customer_tree, periods
          WHERE below = :customer AND above <> 1 AND periods.locked_at IS NULL
            AND periods.ends_on >= substr(:now, 1, 10)",
        named_params! { ":customer": customer, ":now": tx.now },
    )?;
    Ok(())
}
