//! The statements that gather what rating needs.

use crate::db::Read;
use crate::error::Result;
use crate::ids::{CustomerId, LedgerId};
use crate::money::Currency;
use crate::rating::hops::{Biller, Bond, CustomersBiller};
use crate::rating::rules::Rule;
use crate::rating::{
    Catalogue, CustomerType, Facts, History, Mark, Person, PlanNames, ServiceNames, Span,
};
use crate::time::{Date, Instant, Zone};
use rusqlite::{Row, named_params};
use std::collections::BTreeMap;

/// A customer's place as it is now.
pub struct Customer {
    pub id: CustomerId,
    pub parent: Option<CustomerId>,
    pub currency: Currency,
    kind: CustomerType,
    billed_by: Biller,
    customers_billed_by: CustomersBiller,
    created_at: Instant,
}

impl Customer {
    /// Its place, as though it had always been so.
    pub fn bond(&self, zone: &Zone) -> Bond {
        let day = self.created_at.day(zone);
        Bond {
            from: Mark { id: LedgerId(0), at: self.created_at, day, by: None },
            facts: Facts {
                customer_type: self.kind,
                parent: self.parent,
                billed_by: self.billed_by,
                customers_billed_by: self.customers_billed_by,
                ..Facts::default()
            },
        }
    }
}

pub fn customers(db: &Read) -> Result<Vec<Customer>> {
    db.all(
        "SELECT id, parent_id, currency, type, billed_by, customers_billed_by, created_at FROM customers",
        [],
        |row| {
            Ok(Customer {
                id: row.get("id")?,
                parent: row.get("parent_id")?,
                currency: row.get("currency")?,
                kind: row.get("type")?,
                billed_by: row.get("billed_by")?,
                customers_billed_by: row.get("customers_billed_by")?,
                created_at: row.get("created_at")?,
            })
        },
    )
}

/// The places of all customers, from each row of their ledger on.
pub fn bonds(db: &Read) -> Result<Vec<(CustomerId, Bond)>> {
    db.all(
        "SELECT subject_id, id, effective_at, day, actor_id, facts
           FROM ledger
          WHERE kind = 'customer' AND action IN ('added', 'changed')",
        [],
        |row| {
            let from = Mark {
                id: row.get("id")?,
                at: row.get("effective_at")?,
                day: row.get("day")?,
                by: row.get("actor_id")?,
            };
            Ok((row.get("subject_id")?, Bond { from, facts: facts(row)? }))
        },
    )
}

/// What a row says besides its columns. A null says no more than an absent field.
fn facts(row: &Row) -> rusqlite::Result<Facts> {
    let text = row.get_ref("facts")?.as_str()?;
    if text == "{}" {
        return Ok(Facts::default());
    }
    let read = || -> serde_json::Result<Facts> {
        let mut all: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)?;
        all.retain(|_, value| !value.is_null());
        serde_json::from_value(serde_json::Value::Object(all))
    };
    read().map_err(|err| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(err))
    })
}

pub fn rules(db: &Read) -> Result<Vec<Rule>> {
    db.all("SELECT code, sort, reason FROM billing_rules WHERE enabled = 1", [], |row| {
        let word: String = row.get("code")?;
        let code = word.parse().map_err(|()| rusqlite::types::FromSqlError::InvalidType)?;
        Ok(Rule { code, order: row.get("sort")?, reason: row.get("reason")? })
    })
}

pub fn catalogue(db: &Read) -> Result<Catalogue> {
    let mut catalogue = Catalogue::default();
    db.each("SELECT code, name, kind FROM services", [], |row| {
        let by_user = row.get::<_, String>("kind")? == "user";
        let names = ServiceNames { name: row.get("name")?, by_user, plans: BTreeMap::new() };
        catalogue.services.insert(row.get("code")?, names);
        Ok(())
    })?;
    db.each(
        "SELECT services.code AS service, plans.code, plans.name, sku, not_sold
           FROM plans JOIN services ON services.id = service_id",
        [],
        |row| {
            let plan = PlanNames {
                name: row.get("name")?,
                sku: row.get("sku")?,
                not_sold: row.get("not_sold")?,
            };
            if let Some(service) = catalogue.services.get_mut(&row.get::<_, String>("service")?) {
                service.plans.insert(row.get("code")?, plan);
            }
            Ok(())
        },
    )?;
    Ok(catalogue)
}

/// A customer's spans between two instants, with the names that go with what may cost something.
/// Users come for what their flags do to what they have, all of them only where `users_cost`. Its
/// chains come from the tree.
pub fn history(
    db: &Read,
    customer: CustomerId,
    from: Instant,
    to: Instant,
    users_cost: bool,
) -> Result<History> {
    let mut history = db.one(
        "SELECT id, code, name, billing_from FROM customers WHERE id = :customer",
        named_params! { ":customer": customer },
        |row| {
            Ok(History {
                customer_id: row.get("id")?,
                code: row.get("code")?,
                name: row.get("name")?,
                billing_from: row.get("billing_from")?,
                chains: Vec::new(),
                people: BTreeMap::new(),
                spans: Vec::new(),
            })
        },
    )?;
    let params = named_params! {
        ":customer": customer, ":from": from, ":to": to, ":users_cost": users_cost,
    };
    db.each(SPANS, params, |row| {
        let span = span(row)?;
        if let (Some(id), Some(name)) = (span.user_id, row.get("display_name")?) {
            let upn = row.get::<_, Option<String>>("upn")?.unwrap_or_default();
            history.people.entry(id).or_insert(Person { name, upn });
        }
        history.spans.push(span);
        Ok(())
    })?;
    Ok(history)
}

/// A living span costs a look into one index; only one that begins or ends in mid-life asks for more.
const SPANS: &str = "
    SELECT span.kind, span.subject_id, span.user_id, span.service, span.plan, span.instance, span.quantity,
           span.facts, born.id AS from_id, born.effective_at AS from_at, born.day AS from_day,
           born.actor_id AS from_by, gone.id AS to_id, gone.effective_at AS to_at, gone.day AS to_day,
           gone.actor_id AS to_by, display_name, upn,
           born.action = 'added' AND NOT EXISTS
             (SELECT 1 FROM ledger e
               WHERE e.kind = span.kind AND e.subject_id = span.subject_id AND e.action <> 'cancelled'
                 AND (e.effective_at, e.id) < (born.effective_at, born.id)
                 AND NOT EXISTS (SELECT 1 FROM ledger undone WHERE undone.corrects_id = e.id)) AS first,
           CASE born.action WHEN 'added' THEN born.day ELSE
             (SELECT e.day FROM ledger e
               WHERE e.kind = span.kind AND e.subject_id = span.subject_id AND e.action = 'added'
                 AND (e.effective_at, e.id) < (born.effective_at, born.id)
                 AND NOT EXISTS (SELECT 1 FROM ledger undone WHERE undone.corrects_id = e.id)
               ORDER BY e.effective_at DESC, e.id DESC LIMIT 1) END AS born_on,
           CASE WHEN gone.id IS NULL THEN NULL WHEN gone.action = 'removed' THEN gone.day ELSE
             (SELECT l.day FROM ledger l
               WHERE l.kind = span.kind AND l.subject_id = span.subject_id AND l.action = 'removed'
                 AND (l.effective_at, l.id) > (gone.effective_at, gone.id)
                 AND NOT EXISTS (SELECT 1 FROM ledger undone WHERE undone.corrects_id = l.id)
               ORDER BY l.effective_at, l.id LIMIT 1) END AS died_on
      FROM ledger_spans span INDEXED BY ledger_spans_by_customer
      JOIN ledger born INDEXED BY ledger_by_subject
        ON born.kind = span.kind AND born.subject_id = span.subject_id AND born.id = span.from_id
      LEFT JOIN ledger gone ON gone.id = span.to_id
      LEFT JOIN users ON users.id = span.user_id AND (span.kind <> 'user' OR :users_cost)
     WHERE span.customer_id = :customer AND span.ends_at > :from AND span.begins_at < :to
       AND (span.kind <> 'user' OR :users_cost
            OR span.subject_id IN (SELECT has.user_id FROM ledger_spans has INDEXED BY ledger_spans_by_customer
                                    WHERE has.customer_id = :customer AND has.ends_at > :from AND has.begins_at < :to
                                      AND has.kind <> 'user'))";

fn span(row: &Row) -> rusqlite::Result<Span> {
    let from = Mark {
        id: row.get("from_id")?,
        at: row.get("from_at")?,
        day: row.get("from_day")?,
        by: row.get("from_by")?,
    };
    let to = match row.get("to_id")? {
        Some(id) => {
            Some(Mark { id, at: row.get("to_at")?, day: row.get("to_day")?, by: row.get("to_by")? })
        }
        None => None,
    };
    Ok(Span {
        kind: row.get("kind")?,
        subject_id: row.get("subject_id")?,
        user_id: row.get("user_id")?,
        service: row.get("service")?,
        plan: row.get("plan")?,
        instance: row.get("instance")?,
        quantity: row.get("quantity")?,
        facts: facts(row)?,
        from,
        to,
        first: row.get("first")?,
        born_on: row.get::<_, Option<Date>>("born_on")?.unwrap_or(from.day),
        died_on: row.get("died_on")?,
    })
}
