//! The statements of billing.

use super::{Fixed, Sum};
use crate::auth::Scope;
use crate::auth::permissions::BillingRead;
use crate::db::{Read, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, InvoiceId, LedgerId, UserId};
use crate::rating::hops::Hop;
use crate::rating::lines::Line;
use crate::rating::periods::Period;
use crate::rating::{Charge, Counting, Quantity};
use crate::time::{Date, Instant};
use rusqlite::{Row, named_params};
use std::collections::BTreeMap;

pub fn zone(db: &Read) -> Result<String> {
    db.value("SELECT time_zone FROM customers WHERE id = 1", [])
}

/// The first instant anything could have been billed: the oldest ledger row's, else the set-up's.
pub fn beginning(db: &Read) -> Result<Instant> {
    db.value(
        "SELECT min(coalesce((SELECT effective_at FROM ledger ORDER BY id LIMIT 1), created_at), created_at)
           FROM customers WHERE id = 1",
        [],
    )
}

/// What was said of the periods, by their last day: when and by whom each was locked.
pub fn locks(db: &Read) -> Result<BTreeMap<Date, (Instant, Option<UserId>)>> {
    let rows = db.all(
        "SELECT ends_on, locked_at, locked_by FROM periods WHERE locked_at IS NOT NULL",
        [],
        |row| Ok((row.get("ends_on")?, (row.get("locked_at")?, row.get("locked_by")?))),
    )?;
    Ok(rows.into_iter().collect())
}

/// The periods that are known by now, as rows.
pub fn keep_period(tx: &Write, period: &Period) -> Result<()> {
    tx.run(
        "INSERT INTO periods (ends_on, starts_on) VALUES (:end, :start) ON CONFLICT DO NOTHING",
        named_params! { ":end": period.ends_on, ":start": period.starts_on },
    )?;
    Ok(())
}

/// Whether it was open until now.
pub fn lock(tx: &Write, period: &Period) -> Result<bool> {
    keep_period(tx, period)?;
    let locked = tx.run(
        "UPDATE periods SET locked_at = :now, locked_by = :by WHERE ends_on = :end AND locked_at IS NULL",
        named_params! { ":now": tx.now, ":by": tx.by.user, ":end": period.ends_on },
    )?;
    Ok(locked == 1)
}

/// Which hops of a period are fixed.
pub fn fixed(db: &Read, end: Date) -> Result<Fixed> {
    let mut fixed = Fixed {
        locked: db
            .maybe(
                "SELECT 1 FROM periods WHERE ends_on = ?1 AND locked_at IS NOT NULL",
                [end],
                |_| Ok(()),
            )?
            .is_some(),
        ..Fixed::default()
    };
    db.each(
        "SELECT seller_id, buyer_id, lifted_at IS NULL AS holds FROM billing_freezes WHERE period_end = ?1",
        [end],
        |row| {
            let hop = (row.get("seller_id")?, row.get("buyer_id")?);
            if row.get("holds")? { fixed.frozen.insert(hop) } else { fixed.lifted.insert(hop) };
            Ok(())
        },
    )?;
    Ok(fixed)
}

/// How often what a customer's bills are made of has changed.
pub fn mark(db: &Read, customer: CustomerId) -> Result<i64> {
    db.value("SELECT sum(n) FROM bill_marks WHERE customer_id IN (0, ?1)", [customer])
}

/// When a customer's lines of a period were stored, and what of the ledger they knew; only while
/// nothing has changed since.
pub fn is_fresh(db: &Read, end: Date, customer: CustomerId) -> Result<bool> {
    let found = db.maybe(
        "SELECT 1 FROM bills
          WHERE period_end = :end AND customer_id = :customer
            AND mark = (SELECT sum(n) FROM bill_marks WHERE customer_id IN (0, :customer))",
        named_params! { ":end": end, ":customer": customer },
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// Customers whose lines are to be computed anew: those the scope reaches, and those that once were
/// where it reaches, for they may be on the same bills.
pub fn stale<P>(
    db: &Read,
    scope: &Scope<P>,
    period: &Period,
    after: CustomerId,
    limit: i64,
) -> Result<Vec<CustomerId>> {
    db.all(
        STALE,
        named_params! {
            ":scope": scope, ":start": period.starts_on, ":end": period.ends_on, ":after": after,
            ":limit": limit,
        },
        |row| row.get("id"),
    )
}

const STALE: &str = "
    SELECT id FROM customers
     WHERE id > :after AND id > 1
       AND NOT EXISTS
         (SELECT 1 FROM bills
           WHERE period_end = :end AND bills.customer_id = customers.id
             AND mark = (SELECT n FROM bill_marks WHERE customer_id = 0)
                      + coalesce((SELECT n FROM bill_marks WHERE customer_id = customers.id), 0))
       AND (id IN (SELECT customer_id FROM reach WHERE scope IN (SELECT value FROM json_each(:scope)))
            OR id IN (SELECT below FROM ledger JOIN customer_tree ON above = subject_id
                       WHERE kind = 'customer' AND action = 'changed' AND day >= :start))
     ORDER BY id LIMIT :limit";

/// The oldest calculation that a period's stored lines come from, and what it knew of the ledger.
pub fn calculated(db: &Read, end: Date) -> Result<(Option<Instant>, Option<LedgerId>)> {
    db.one(
        "SELECT min(calculated_at) AS at, min(ledger_up_to) AS up_to FROM bills WHERE period_end = ?1",
        [end],
        |row| Ok((row.get("at")?, row.get("up_to")?)),
    )
}

/// Changes whenever anything does that a book holds: what all bills are made of, and the tree.
pub fn epoch(db: &Read) -> Result<(i64, i64)> {
    db.one(
        "SELECT (SELECT n FROM bill_marks WHERE customer_id = 0) AS all_bills,
                (SELECT n FROM bill_marks WHERE customer_id = -1) AS tree",
        [],
        |row| Ok((row.get("all_bills")?, row.get("tree")?)),
    )
}

pub fn last_ledger_row(db: &Read) -> Result<LedgerId> {
    db.value("SELECT coalesce(max(id), 0) FROM ledger", [])
}

/// A customer's stored lines of a period, on all hops.
pub fn lines_of(db: &Read, period: &Period, customer: CustomerId) -> Result<Vec<Line>> {
    db.all(
        "SELECT seller_id, buyer_id, customer_id, code, kind, service, plan, sku, text, charge, counting, billable,
                reason, items, quantity_num, quantity_den, price_id, unit_price, amount_minor,
                summary_lines.currency, cost_minor
           FROM summary_lines JOIN customers ON customers.id = customer_id
          WHERE period_end = :end AND customer_id = :customer
          ORDER BY seller_id, buyer_id, position",
        named_params! { ":end": period.ends_on, ":customer": customer },
        |row| line(row, period),
    )
}

/// The stored lines of a hop, but not those of the customers that are computed anew.
pub fn lines_of_hop(db: &Read, period: &Period, hop: &Hop, without: &str) -> Result<Vec<Line>> {
    db.all(
        LINES_OF_HOP,
        named_params! {
            ":end": period.ends_on, ":seller": hop.seller_id, ":buyer": hop.buyer_id, ":without": without,
        },
        |row| line(row, period),
    )
}

const LINES_OF_HOP: &str = "
    SELECT seller_id, buyer_id, customer_id, code, kind, service, plan, sku, text, charge, counting, billable,
           reason, items, quantity_num, quantity_den, price_id, unit_price, amount_minor,
           summary_lines.currency, cost_minor
      FROM summary_lines JOIN customers ON customers.id = customer_id
     WHERE period_end = :end AND seller_id = :seller AND buyer_id = :buyer
       AND customer_id NOT IN (SELECT value FROM json_each(:without))
     ORDER BY customer_id, position";

fn line(row: &Row, period: &Period) -> rusqlite::Result<Line> {
    let counting: Counting = row.get("counting")?;
    let charge: Charge = row.get("charge")?;
    Ok(Line {
        hop: Hop {
            seller_id: row.get("seller_id")?,
            buyer_id: row.get("buyer_id")?,
            currency: row.get("currency")?,
        },
        customer_id: row.get("customer_id")?,
        customer_code: row.get("code")?,
        kind: row.get("kind")?,
        service: row.get("service")?,
        plan: row.get("plan")?,
        sku: row.get("sku")?,
        text: row.get("text")?,
        charge,
        counting,
        billable: row.get("billable")?,
        reason: row.get("reason")?,
        items: row.get("items")?,
        quantity: Quantity {
            num: i128::from(row.get::<_, i64>("quantity_num")?),
            den: i128::from(row.get::<_, i64>("quantity_den")?),
        },
        price_id: row.get("price_id")?,
        unit_price: row.get("unit_price")?,
        part: if counting == Counting::Once { (1, 1) } else { period.part() },
        amount_minor: row.get("amount_minor")?,
        cost_minor: row.get("cost_minor")?,
    })
}

/// Stores a customer's lines of one hop in place of those that were there.
pub fn replace_lines(
    tx: &Write,
    period: &Period,
    customer: CustomerId,
    hop: (CustomerId, CustomerId),
    lines: &[&Line],
) -> Result<()> {
    tx.run(
        "DELETE FROM summary_lines
          WHERE period_end = :end AND customer_id = :customer AND seller_id = :seller AND buyer_id = :buyer",
        named_params! {
            ":end": period.ends_on, ":customer": customer, ":seller": hop.0, ":buyer": hop.1,
        },
    )?;
    for (position, line) in lines.iter().enumerate() {
        let exact = line.quantity.reduced();
        let (Ok(num), Ok(den), Ok(position)) =
            (i64::try_from(exact.num), i64::try_from(exact.den), i64::try_from(position))
        else {
            return Err(Error::internal("a quantity is too large to keep"));
        };
        tx.run(
            "INSERT INTO summary_lines (period_end, seller_id, buyer_id, customer_id, position, kind, service, plan,
                                        sku, text, charge, counting, price_id, billable, reason, items,
                                        quantity_num, quantity_den, unit_price, amount_minor, currency, cost_minor)
             VALUES (:end, :seller, :buyer, :customer, :position, :kind, :service, :plan,
                     :sku, :text, :charge, :counting, :price, :billable, :reason, :items,
                     :num, :den, :unit_price, :amount, :currency, :cost)",
            named_params! {
                ":end": period.ends_on, ":seller": line.hop.seller_id, ":buyer": line.hop.buyer_id,
                ":customer": customer, ":position": position, ":kind": line.kind, ":service": line.service,
                ":plan": line.plan, ":sku": line.sku, ":text": line.text, ":charge": line.charge,
                ":counting": line.counting, ":price": line.price_id, ":billable": line.billable,
                ":reason": line.reason, ":items": line.items, ":num": num, ":den": den,
                ":unit_price": line.unit_price, ":amount": line.amount_minor, ":currency": line.hop.currency,
                ":cost": line.cost_minor,
            },
        )?;
    }
    Ok(())
}

pub fn keep_bill(tx: &Write, end: Date, customer: CustomerId, up_to: LedgerId) -> Result<()> {
    tx.run(
        "INSERT INTO bills (period_end, customer_id, mark, calculated_at, ledger_up_to)
         SELECT :end, :customer, sum(n), :now, :up_to FROM bill_marks WHERE customer_id IN (0, :customer)
             ON CONFLICT DO UPDATE SET mark = excluded.mark, calculated_at = excluded.calculated_at,
                                       ledger_up_to = excluded.ledger_up_to",
        named_params! { ":end": end, ":customer": customer, ":now": tx.now, ":up_to": up_to },
    )?;
    Ok(())
}

/// Has the customers on a hop's bill computed anew: its freeze was lifted.
pub fn forget_bills(tx: &Write, end: Date, seller: CustomerId, buyer: CustomerId) -> Result<()> {
    tx.run(
        "DELETE FROM bills
          WHERE period_end = :end
            AND customer_id IN (SELECT customer_id FROM summary_lines
                                 WHERE period_end = :end AND seller_id = :seller AND buyer_id = :buyer)",
        named_params! { ":end": end, ":seller": seller, ":buyer": buyer },
    )?;
    Ok(())
}

/// What each hop of a period comes to, as stored, without the customers that are computed anew.
pub fn sums<P>(db: &Read, scope: &Scope<P>, end: Date, without: &str) -> Result<Vec<(Hop, Sum)>> {
    db.all(SUMS, named_params! { ":end": end, ":without": without, ":scope": scope }, |row| {
        let hop = Hop {
            seller_id: row.get("seller_id")?,
            buyer_id: row.get("buyer_id")?,
            currency: row.get("currency")?,
        };
        let sum = Sum {
            amount_minor: row.get("amount")?,
            cost_minor: row.get("cost")?,
            unpriced: row.get("unpriced")?,
            lines: row.get("lines")?,
        };
        Ok((hop, sum))
    })
}

const SUMS: &str = "
    SELECT seller_id, buyer_id, currency, sum(amount_minor) AS amount,
           CASE WHEN count(cost_minor) = count(*) THEN sum(cost_minor) END AS cost,
           sum(billable AND unit_price IS NULL) AS unpriced, count(*) AS lines
      FROM summary_lines
     WHERE period_end = :end AND customer_id NOT IN (SELECT value FROM json_each(:without))
       AND EXISTS (SELECT 1 FROM json_each(:scope) WHERE value / 4 IN (1, seller_id, buyer_id))
     GROUP BY seller_id, buyer_id, currency";

/// Stored hops of a period.
pub fn hops(db: &Read, end: Date) -> Result<Vec<Hop>> {
    db.all(
        "SELECT DISTINCT seller_id, buyer_id, currency FROM summary_lines WHERE period_end = ?1
          ORDER BY seller_id, buyer_id",
        [end],
        |row| {
            Ok(Hop {
                seller_id: row.get("seller_id")?,
                buyer_id: row.get("buyer_id")?,
                currency: row.get("currency")?,
            })
        },
    )
}

/// Codes and names of customers, by id.
pub fn names(db: &Read, ids: &[CustomerId]) -> Result<BTreeMap<CustomerId, (String, String)>> {
    let rows = db.all(
        "SELECT id, code, name FROM customers WHERE id IN (SELECT value FROM json_each(?1))",
        [serde_json::to_string(ids)?],
        |row| Ok((row.get("id")?, (row.get("code")?, row.get("name")?))),
    )?;
    Ok(rows.into_iter().collect())
}

/// Customers in order of their codes whose items a scope may see some of.
pub fn customers_after<P>(
    db: &Read,
    scope: &Scope<P>,
    start: Date,
    after: &str,
    limit: i64,
) -> Result<Vec<(String, CustomerId)>> {
    db.all(
        CUSTOMERS_AFTER,
        named_params! { ":scope": scope, ":start": start, ":after": after, ":limit": limit },
        |row| Ok((row.get("code")?, row.get("id")?)),
    )
}

const CUSTOMERS_AFTER: &str = "
    SELECT code, id FROM customers
     WHERE code >= :after AND id > 1
       AND (EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                       AND scope IN (SELECT value FROM json_each(:scope)))
            OR id IN (SELECT below FROM ledger JOIN customer_tree ON above = subject_id
                       WHERE kind = 'customer' AND action = 'changed' AND day >= :start))
     ORDER BY code LIMIT :limit";

/// Keeps a hop's bill for good; refused while it is kept already.
pub fn freeze(
    tx: &Write,
    end: Date,
    hop: (CustomerId, CustomerId),
    invoice: Option<InvoiceId>,
) -> Result<i64> {
    tx.change(
        "INSERT INTO billing_freezes (period_end, seller_id, buyer_id, invoice_id, at)
         VALUES (:end, :seller, :buyer, :invoice, :now) RETURNING id",
        named_params! {
            ":end": end, ":seller": hop.0, ":buyer": hop.1, ":invoice": invoice, ":now": tx.now,
        },
    )
}

pub fn freeze_items(
    tx: &Write,
    freeze: i64,
    customer: CustomerId,
    items: &[u8],
    sha256: &[u8],
) -> Result<()> {
    tx.run(
        "INSERT INTO frozen_items (freeze_id, customer_id, items, sha256)
         VALUES (:freeze, :customer, :items, :sha256)",
        named_params! {
            ":freeze": freeze, ":customer": customer, ":items": items, ":sha256": sha256,
        },
    )?;
    Ok(())
}

pub fn lift(tx: &Write, end: Date, hop: (CustomerId, CustomerId)) -> Result<()> {
    tx.run(
        "UPDATE billing_freezes SET lifted_at = :now
          WHERE period_end = :end AND seller_id = :seller AND buyer_id = :buyer AND lifted_at IS NULL",
        named_params! { ":now": tx.now, ":end": end, ":seller": hop.0, ":buyer": hop.1 },
    )?;
    Ok(())
}

/// What was kept of a customer's items on a hop, and its digest.
pub fn frozen_items(
    db: &Read,
    end: Date,
    hop: &Hop,
    customer: CustomerId,
) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
    db.maybe(
        "SELECT items, sha256
           FROM billing_freezes JOIN frozen_items ON freeze_id = billing_freezes.id
          WHERE period_end = :end AND seller_id = :seller AND buyer_id = :buyer AND lifted_at IS NULL
            AND customer_id = :customer",
        named_params! {
            ":end": end, ":seller": hop.seller_id, ":buyer": hop.buyer_id, ":customer": customer,
        },
        |row| Ok((row.get("items")?, row.get("sha256")?)),
    )
}

/// The period and the seller of every draft that cannot become final as it is.
pub fn blocked_drafts(db: &Read, scope: &Scope<BillingRead>) -> Result<Vec<(Date, CustomerId)>> {
    db.all(
        "SELECT period_end, seller_id FROM invoices
          WHERE state = 'draft' AND blockers <> '[]'
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = invoices.buyer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":scope": scope },
        |row| Ok((row.get("period_end")?, row.get("seller_id")?)),
    )
}
