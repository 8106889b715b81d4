use super::notices::Stage;
use super::{Meter, Tally};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, PlanId, ServiceId, UserId};
use rusqlite::named_params;
use std::collections::BTreeMap;

/// A counter: what it is of, and how it stands.
pub struct Counter {
    pub holder: CustomerId,
    pub holder_name: String,
    pub plan: i64,
    pub max: Option<i64>,
    pub used: i64,
    /// Who said the most.
    pub set_by: Option<UserId>,
    /// How much use somebody was told of.
    pub told: String,
}

/// The counters a gift to `customer` would move, the nearest first.
pub fn counters(db: &Read, of: &Tally) -> Result<Vec<Counter>> {
    db.all(
        "SELECT holder_id, customers.name, plan_id, max, used, set_by, told
           FROM customer_tree
           JOIN usage ON holder_id = above AND service_id = :service AND plan_id IN (0, :plan)
                     AND meter = :meter
           JOIN customers ON customers.id = holder_id
          WHERE below = :customer AND above <> 1
          ORDER BY depth, plan_id DESC",
        named_params! {
            ":customer": of.customer, ":service": of.service, ":plan": of.plan.map_or(0, |plan| plan.0),
            ":meter": of.meter.word(),
        },
        |row| {
            Ok(Counter {
                holder: row.get("holder_id")?,
                holder_name: row.get("name")?,
                plan: row.get("plan_id")?,
                max: row.get("max")?,
                used: row.get("used")?,
                set_by: row.get("set_by")?,
                told: row.get("told")?,
            })
        },
    )
}

/// Of how much use somebody was told.
pub fn told(
    tx: &Write,
    counter: &Counter,
    service: ServiceId,
    meter: Meter,
    stage: Stage,
) -> Result<usize> {
    tx.run(
        "UPDATE usage SET told = :stage
          WHERE holder_id = :holder AND service_id = :service AND plan_id = :plan AND meter = :meter",
        named_params! {
            ":holder": counter.holder, ":service": service, ":plan": counter.plan,
            ":meter": meter.word(), ":stage": stage.word(),
        },
    )
}

/// Whether mails of limits are wanted for a customer; they are where nobody says otherwise.
pub fn wants_mails(db: &Read, holder: CustomerId) -> Result<bool> {
    db.value(
        "SELECT coalesce((SELECT value FROM customer_tree
                            JOIN customer_settings ON customer_id = above AND key = 'limit_mails'
                           WHERE below = ?1 ORDER BY depth LIMIT 1), 'yes') = 'yes'",
        [holder],
    )
}

/// Every holder on the way gets the counters that are missing.
pub fn make_counters(tx: &Write, of: &Tally) -> Result<usize> {
    tx.run(
        "INSERT OR IGNORE INTO usage (holder_id, service_id, plan_id, meter)
         SELECT above, :service, value, :meter
           FROM customer_tree, json_each(json_array(0, :plan))
          WHERE below = :customer AND above <> 1",
        named_params! {
            ":customer": of.customer, ":service": of.service, ":plan": of.plan.map_or(0, |plan| plan.0),
            ":meter": of.meter.word(),
        },
    )
}

/// Moves one counter up if that stays within its limit; says whether it did.
pub fn count_up(tx: &Write, of: &Tally, counter: &Counter, n: i64) -> Result<bool> {
    let moved = tx.run(
        "UPDATE usage SET used = used + :n
          WHERE holder_id = :holder AND service_id = :service AND plan_id = :plan AND meter = :meter
            AND (max IS NULL OR used + :n <= max)",
        named_params! {
            ":holder": counter.holder, ":service": of.service, ":plan": counter.plan,
            ":meter": of.meter.word(), ":n": n,
        },
    )?;
    Ok(moved == 1)
}

pub fn count_up_anyway(tx: &Write, of: &Tally, n: i64) -> Result<usize> {
    tx.run(
        "UPDATE usage SET used = used + :n
          WHERE service_id = :service AND plan_id IN (0, :plan) AND meter = :meter
            AND holder_id IN (SELECT above FROM customer_tree WHERE below = :customer AND above <> 1)",
        named_params! {
            ":customer": of.customer, ":service": of.service, ":plan": of.plan.map_or(0, |plan| plan.0),
            ":meter": of.meter.word(), ":n": n,
        },
    )
}

pub fn count_down(tx: &Write, of: &Tally, n: i64) -> Result<usize> {
    tx.run(
        "UPDATE usage SET used = max(used - :n, 0), told = iif(used - :n > max - max / 5, told, '')
          WHERE service_id = :service AND plan_id IN (0, :plan) AND meter = :meter
            AND holder_id IN (SELECT above FROM customer_tree WHERE below = :customer AND above <> 1)",
        named_params! {
            ":customer": of.customer, ":service": of.service, ":plan": of.plan.map_or(0, |plan| plan.0),
            ":meter": of.meter.word(), ":n": n,
        },
    )
}

pub fn set_limit(
    tx: &Write,
    holder: CustomerId,
    service: ServiceId,
    plan: Option<PlanId>,
    meter: Meter,
    max: Option<i64>,
) -> Result<usize> {
    tx.run(
        "INSERT INTO usage (holder_id, service_id, plan_id, meter, max, set_by)
         VALUES (:holder, :service, :plan, :meter, :max, :by)
         ON CONFLICT (holder_id, service_id, plan_id, meter)
         DO UPDATE SET max = excluded.max, set_by = excluded.set_by, told = iif(max IS excluded.max, told, '')",
        named_params! {
            ":holder": holder, ":service": service, ":plan": plan.map_or(0, |plan| plan.0),
            ":meter": meter.word(), ":max": max, ":by": tx.by.user,
        },
    )
}

/// One of a holder's own counters of a service; plan 0 is all of them together.
pub struct Own {
    pub plan: i64,
    pub meter: String,
    pub max: Option<i64>,
    pub used: i64,
}

pub fn own_counters(db: &Read, holder: CustomerId, service: ServiceId) -> Result<Vec<Own>> {
    db.all(
        "SELECT plan_id, meter, max, used FROM usage
          WHERE holder_id = :holder AND service_id = :service
          ORDER BY plan_id, meter",
        named_params! { ":holder": holder, ":service": service },
        |row| {
            Ok(Own {
                plan: row.get("plan_id")?,
                meter: row.get("meter")?,
                max: row.get("max")?,
                used: row.get("used")?,
            })
        },
    )
}

/// Seats by service, and by plan where it is of one.
pub type Left = BTreeMap<(ServiceId, Option<PlanId>), i64>;

/// Of each service and each of its plans, the seats left where they are least.
pub fn seats_left(db: &Read, customer: CustomerId) -> Result<Left> {
    let all: Vec<_> = db.all(
        "SELECT service_id, nullif(plan_id, 0) AS plan, max(min(max - used), 0) AS left
           FROM customer_tree JOIN usage ON holder_id = above
          WHERE below = ?1 AND above <> 1 AND meter = 'seats' AND max IS NOT NULL
          GROUP BY service_id, plan_id",
        [customer],
        |row| Ok(((row.get("service_id")?, row.get("plan")?), row.get("left")?)),
    )?;
    Ok(all.into_iter().collect())
}
