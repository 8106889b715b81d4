use super::{Meter, State};
use crate::auth::{Permission, Scope};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, OfferId, PlanId, ServiceId, UserId};
use rusqlite::named_params;

/// A customer of the way up, as the cascade needs it.
pub struct Level {
    pub id: CustomerId,
    pub name: String,
    pub state: String,
    /// 0 is the customer that is asked about.
    pub depth: i64,
}

/// The customer and every reseller above it, the nearest first; the provider is not among them.
pub fn levels(db: &Read, customer: CustomerId) -> Result<Vec<Level>> {
    db.all(
        "SELECT id, name, state, depth
           FROM customer_tree JOIN customers ON customers.id = above
          WHERE below = ?1 AND (depth = 0 OR above <> 1)
          ORDER BY depth",
        [customer],
        |row| {
            Ok(Level {
                id: row.get("id")?,
                name: row.get("name")?,
                state: row.get("state")?,
                depth: row.get("depth")?,
            })
        },
    )
}

/// The offers made to the resellers above `customer`.
pub fn offers_above(
    db: &Read,
    customer: CustomerId,
) -> Result<Vec<(CustomerId, ServiceId, State)>> {
    db.all(
        "SELECT reseller_id, service_id, state
           FROM customer_tree JOIN offers ON reseller_id = above
          WHERE below = ?1 AND depth > 0",
        [customer],
        |row| Ok((row.get("reseller_id")?, row.get("service_id")?, row.get("state")?)),
    )
}

/// The plans among them that are open, whether or not the offer itself is.
pub fn plans_above(db: &Read, customer: CustomerId) -> Result<Vec<(CustomerId, PlanId)>> {
    db.all(
        "SELECT reseller_id, plan_id
           FROM customer_tree
           JOIN offers ON reseller_id = above
           JOIN offer_plans ON offer_id = offers.id AND offer_plans.state = 'active'
          WHERE below = ?1 AND depth > 0",
        [customer],
        |row| Ok((row.get("reseller_id")?, row.get("plan_id")?)),
    )
}

/// Whether the customer has the service, and keeps it.
pub fn customer_holds(db: &Read, customer: CustomerId, service: ServiceId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM customer_services
                         WHERE customer_id = ?1 AND service_id = ?2 AND wanted <> 'gone')",
        (customer, service),
    )
}

/// Whether the customer's users may have the plan.
pub fn customer_enables(db: &Read, customer: CustomerId, plan: PlanId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM customer_service_plans
                          JOIN customer_services ON customer_services.id = customer_service_id
                         WHERE customer_service_plans.plan_id = ?2 AND customer_id = ?1 AND wanted <> 'gone')",
        (customer, plan),
    )
}

pub fn user_holds(db: &Read, user: UserId, service: ServiceId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM user_services
                         WHERE user_id = ?1 AND service_id = ?2 AND wanted <> 'gone')",
        (user, service),
    )
}

/// Name and state of a user.
pub fn user(db: &Read, user: UserId) -> Result<(String, String)> {
    db.one("SELECT display_name, state FROM users WHERE id = ?1", [user], |row| {
        Ok((row.get("display_name")?, row.get("state")?))
    })
}

/// Where somebody belongs; Portico itself belongs to the provider.
pub fn home(db: &Read, user: Option<UserId>) -> Result<CustomerId> {
    db.value("SELECT coalesce((SELECT customer_id FROM users WHERE id = ?1), 1)", [user])
}

pub fn reaches<P: Permission>(db: &Read, scope: &Scope<P>, customer: CustomerId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM reach WHERE customer_id = :customer
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":customer": customer, ":scope": scope },
    )
}

/// A counter: what it is of, and how it stands.
pub struct Counter {
    pub holder: CustomerId,
    pub holder_name: String,
    pub plan: i64,
    pub max: Option<i64>,
    pub used: i64,
}

/// The counters a gift to `customer` would move, the nearest first.
pub fn counters(
    db: &Read,
    customer: CustomerId,
    service: ServiceId,
    plan: Option<PlanId>,
    meter: Meter,
) -> Result<Vec<Counter>> {
    db.all(
        "SELECT holder_id, customers.name, plan_id, max, used
           FROM customer_tree
           JOIN usage ON holder_id = above AND service_id = :service AND plan_id IN (0, :plan)
                     AND meter = :meter
           JOIN customers ON customers.id = holder_id
          WHERE below = :customer AND above <> 1
          ORDER BY depth, plan_id DESC",
        named_params! {
            ":customer": customer, ":service": service, ":plan": plan.map_or(0, |plan| plan.0),
            ":meter": meter,
        },
        |row| {
            Ok(Counter {
                holder: row.get("holder_id")?,
                holder_name: row.get("name")?,
                plan: row.get("plan_id")?,
                max: row.get("max")?,
                used: row.get("used")?,
            })
        },
    )
}

/// Every holder on the way gets the counters that are missing.
pub fn make_counters(
    tx: &Write,
    customer: CustomerId,
    service: ServiceId,
    plan: Option<PlanId>,
    meter: Meter,
) -> Result<usize> {
    tx.run(
        "INSERT OR IGNORE INTO usage (holder_id, service_id, plan_id, meter)
         SELECT above, :service, value, :meter
           FROM customer_tree, json_each(json_array(0, :plan))
          WHERE below = :customer AND above <> 1",
        named_params! {
            ":customer": customer, ":service": service, ":plan": plan.map_or(0, |plan| plan.0),
            ":meter": meter,
        },
    )
}

/// Moves one counter up if that stays within its limit; says whether it did.
pub fn count_up(
    tx: &Write,
    counter: &Counter,
    service: ServiceId,
    meter: Meter,
    n: i64,
) -> Result<bool> {
    let moved = tx.run(
        "UPDATE usage SET used = used + :n
          WHERE holder_id = :holder AND service_id = :service AND plan_id = :plan AND meter = :meter
            AND (max IS NULL OR used + :n <= max)",
        named_params! {
            ":holder": counter.holder, ":service": service, ":plan": counter.plan,
            ":meter": meter, ":n": n,
        },
    )?;
    Ok(moved == 1)
}

pub fn count_up_anyway(
    tx: &Write,
    customer: CustomerId,
    service: ServiceId,
    plan: Option<PlanId>,
    meter: Meter,
    n: i64,
) -> Result<usize> {
    tx.run(
        "UPDATE usage SET used = used + :n
          WHERE service_id = :service AND plan_id IN (0, :plan) AND meter = :meter
            AND holder_id IN (SELECT above FROM customer_tree WHERE below = :customer AND above <> 1)",
        named_params! {
            ":customer": customer, ":service": service, ":plan": plan.map_or(0, |plan| plan.0),
            ":meter": meter, ":n": n,
        },
    )
}

pub fn count_down(
    tx: &Write,
    customer: CustomerId,
    service: ServiceId,
    plan: Option<PlanId>,
    meter: Meter,
    n: i64,
) -> Result<usize> {
    tx.run(
        "UPDATE usage SET used = max(used - :n, 0)
          WHERE service_id = :service AND plan_id IN (0, :plan) AND meter = :meter
            AND holder_id IN (SELECT above FROM customer_tree WHERE below = :customer AND above <> 1)",
        named_params! {
            ":customer": customer, ":service": service, ":plan": plan.map_or(0, |plan| plan.0),
            ":meter": meter, ":n": n,
        },
    )
}

/// Whether `customer` is `above` or lies below it.
pub fn lies_below(db: &Read, customer: CustomerId, above: CustomerId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM customer_tree WHERE below = ?1 AND above = ?2)",
        (customer, above),
    )
}

/// All that is in the catalogue, drafts too: it is small, and the cascade looks at all of it.
pub fn catalogue(db: &Read) -> Result<Vec<ServiceId>> {
    db.all("SELECT id FROM services ORDER BY name COLLATE NOCASE, id", [], |row| row.get("id"))
}

/// Whom an offer is made to.
pub struct Target {
    pub id: CustomerId,
    pub name: String,
    pub reseller: bool,
}

pub fn reseller(db: &Read, id: CustomerId) -> Result<Target> {
    db.one("SELECT id, name, reseller FROM customers WHERE id = ?1 AND id <> 1", [id], |row| {
        Ok(Target { id: row.get("id")?, name: row.get("name")?, reseller: row.get("reseller")? })
    })
}

pub struct Offer {
    pub id: OfferId,
    pub service: ServiceId,
    pub state: State,
    pub version: i64,
}

fn offer_row(row: &rusqlite::Row) -> rusqlite::Result<Offer> {
    Ok(Offer {
        id: row.get("id")?,
        service: row.get("service_id")?,
        state: row.get("state")?,
        version: row.get("version")?,
    })
}

pub fn offer(db: &Read, reseller: CustomerId, service: ServiceId) -> Result<Option<Offer>> {
    db.maybe(
        "SELECT id, service_id, state, version FROM offers WHERE reseller_id = ?1 AND service_id = ?2",
        (reseller, service),
        offer_row,
    )
}

/// The offers made to a reseller, by the names of their services.
pub fn offers<P>(
    db: &Read,
    scope: &Scope<P>,
    reseller: CustomerId,
    after: (&str, i64),
    limit: i64,
) -> Result<Vec<(String, Offer)>> {
    db.all(
        "SELECT services.name, offers.id, service_id, offers.state, offers.version
           FROM offers JOIN services ON services.id = service_id
          WHERE reseller_id = :reseller AND offers.state <> 'withdrawn'
            AND (services.name, offers.id) > (:after COLLATE NOCASE, :after_id)
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = reseller_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY services.name, offers.id
          LIMIT :limit",
        named_params! {
            ":reseller": reseller, ":scope": scope, ":after": after.0, ":after_id": after.1,
            ":limit": limit,
        },
        |row| Ok((row.get("name")?, offer_row(row)?)),
    )
}

pub fn upsert(tx: &Write, reseller: CustomerId, service: ServiceId) -> Result<OfferId> {
    tx.change(
        "INSERT INTO offers (reseller_id, service_id, given_at, given_by)
         VALUES (:reseller, :service, :now, :by)
         ON CONFLICT (reseller_id, service_id) DO UPDATE SET state = 'active',
           version = version + 1, given_at = excluded.given_at, given_by = excluded.given_by
         RETURNING id",
        named_params! {
            ":reseller": reseller, ":service": service, ":now": tx.now, ":by": tx.by.user,
        },
    )
}

pub fn touch(tx: &Write, offer: OfferId) -> Result<i64> {
    tx.change("UPDATE offers SET version = version + 1 WHERE id = ?1 RETURNING version", [offer])
}

pub fn set_state(tx: &Write, offer: OfferId, state: State) -> Result<i64> {
    tx.change(
        "UPDATE offers SET state = ?2, version = version + 1 WHERE id = ?1 RETURNING version",
        (offer, state),
    )
}

pub fn offer_plans(db: &Read, offer: OfferId) -> Result<Vec<(PlanId, State)>> {
    db.all("SELECT plan_id, state FROM offer_plans WHERE offer_id = ?1", [offer], |row| {
        Ok((row.get("plan_id")?, row.get("state")?))
    })
}

pub fn put_plan(
    tx: &Write,
    offer: OfferId,
    service: ServiceId,
    plan: PlanId,
    state: State,
) -> Result<usize> {
    tx.run(
        "INSERT INTO offer_plans (offer_id, service_id, plan_id, state)
         VALUES (:offer, :service, :plan, :state)
         ON CONFLICT (offer_id, plan_id) DO UPDATE SET state = excluded.state",
        named_params! { ":offer": offer, ":service": service, ":plan": plan, ":state": state },
    )
}

pub fn drop_plan(tx: &Write, offer: OfferId, plan: PlanId) -> Result<usize> {
    tx.run("DELETE FROM offer_plans WHERE offer_id = ?1 AND plan_id = ?2", (offer, plan))
}

/// Whether anybody below a reseller has the plan.
pub fn plan_used_below(db: &Read, reseller: CustomerId, plan: PlanId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM customer_tree JOIN customer_services ON customer_id = below
                         WHERE above = :reseller AND depth > 0 AND plan_id = :plan
                           AND NOT (wanted = 'gone' AND live IN ('never', 'gone')))
             OR EXISTS (SELECT 1 FROM customer_tree
                          JOIN customer_services ON customer_id = below
                          JOIN customer_service_plans ON customer_service_id = customer_services.id
                         WHERE above = :reseller AND depth > 0 AND customer_service_plans.plan_id = :plan
                           AND NOT (wanted = 'gone' AND live IN ('never', 'gone')))",
        named_params! { ":reseller": reseller, ":plan": plan },
    )
}

/// The customers below a reseller that have a service, by name.
pub fn users_below(db: &Read, reseller: CustomerId, service: ServiceId) -> Result<Vec<String>> {
    db.all(
        "SELECT DISTINCT customers.name
           FROM customer_tree
           JOIN customer_services ON customer_id = below AND service_id = :service
           JOIN customers ON customers.id = below
          WHERE above = :reseller AND depth > 0
            AND NOT (wanted = 'gone' AND live IN ('never', 'gone'))
          ORDER BY customers.name",
        named_params! { ":reseller": reseller, ":service": service },
        |row| row.get("name"),
    )
}

/// The resellers below that were offered it in their turn.
pub fn resellers_below(db: &Read, reseller: CustomerId, service: ServiceId) -> Result<Vec<String>> {
    db.all(
        "SELECT customers.name
           FROM customer_tree
           JOIN offers ON reseller_id = below AND service_id = :service
           JOIN customers ON customers.id = below
          WHERE above = :reseller AND depth > 0 AND offers.state <> 'withdrawn'
          ORDER BY customers.name",
        named_params! { ":reseller": reseller, ":service": service },
        |row| row.get("name"),
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
        "INSERT INTO usage (holder_id, service_id, plan_id, meter, max)
         VALUES (:holder, :service, :plan, :meter, :max)
         ON CONFLICT (holder_id, service_id, plan_id, meter) DO UPDATE SET max = excluded.max",
        named_params! {
            ":holder": holder, ":service": service, ":plan": plan.map_or(0, |plan| plan.0),
            ":meter": meter, ":max": max,
        },
    )
}

/// A holder's own counters of a service: plan (0: all), most, used.
pub fn own_counters(
    db: &Read,
    holder: CustomerId,
    service: ServiceId,
    meter: Meter,
) -> Result<Vec<(i64, Option<i64>, i64)>> {
    db.all(
        "SELECT plan_id, max, used FROM usage
          WHERE holder_id = :holder AND service_id = :service AND meter = :meter
          ORDER BY plan_id",
        named_params! { ":holder": holder, ":service": service, ":meter": meter },
        |row| Ok((row.get("plan_id")?, row.get("max")?, row.get("used")?)),
    )
}

pub fn name(db: &Read, id: CustomerId) -> Result<String> {
    db.value("SELECT name FROM customers WHERE id = ?1", [id])
}

/// A service that somebody of a branch has.
pub struct Used {
    pub service: ServiceId,
    pub name: String,
}

/// Those of the branch of `id`; nobody is offered to be a reseller.
pub fn used_services(db: &Read, id: CustomerId) -> Result<Vec<Used>> {
    db.all(
        "SELECT DISTINCT services.id, services.name
           FROM customer_tree
           JOIN customer_services held ON held.customer_id = below AND held.wanted <> 'gone'
           JOIN services ON services.id = held.service_id AND services.builtin = 0
          WHERE above = ?1 ORDER BY services.name",
        [id],
        |row| Ok(Used { service: row.get("id")?, name: row.get("name")? }),
    )
}

/// Plans of it in the branch: those held, and those that users may be given.
pub fn used_plans(db: &Read, id: CustomerId, service: ServiceId) -> Result<Vec<(PlanId, String)>> {
    db.all(
        "SELECT id, name FROM plans
          WHERE id IN (SELECT held.plan_id FROM customer_tree
                         JOIN customer_services held ON held.customer_id = below AND held.wanted <> 'gone'
                        WHERE above = :id AND held.service_id = :service
                       UNION
                       SELECT held.plan_id FROM customer_tree
                         JOIN user_services held ON held.customer_id = below AND held.wanted <> 'gone'
                        WHERE above = :id AND held.service_id = :service)
          ORDER BY sort, id",
        named_params! { ":id": id, ":service": service },
        |row| Ok((row.get("id")?, row.get("name")?)),
    )
}

/// Whether a reseller and all above it were offered the service, and may still sell it.
pub fn offered_all_the_way(db: &Read, reseller: CustomerId, service: ServiceId) -> Result<bool> {
    db.value(
        "SELECT NOT EXISTS (SELECT 1 FROM customer_tree
                             WHERE below = :reseller AND above <> 1
                               AND NOT EXISTS (SELECT 1 FROM offers
                                                WHERE reseller_id = above AND service_id = :service
                                                  AND state = 'active'))",
        named_params! { ":reseller": reseller, ":service": service },
    )
}

pub fn plan_offered_all_the_way(db: &Read, reseller: CustomerId, plan: PlanId) -> Result<bool> {
    db.value(
        "SELECT NOT EXISTS (SELECT 1 FROM customer_tree
                             WHERE below = :reseller AND above <> 1
                               AND NOT EXISTS (SELECT 1 FROM offers
                                                 JOIN offer_plans ON offer_id = offers.id
                                                WHERE reseller_id = above AND plan_id = :plan
                                                  AND offer_plans.state = 'active'))",
        named_params! { ":reseller": reseller, ":plan": plan },
    )
}

/// Code and name of the plans that might be had instead of `plan`.
pub fn open_plans(db: &Read, reseller: CustomerId, plan: PlanId) -> Result<Vec<(String, String)>> {
    db.all(
        "SELECT code, name FROM plans
          WHERE service_id = (SELECT mine.service_id FROM plans mine WHERE mine.id = :plan)
            AND state = 'active' AND id <> :plan
            AND level = (SELECT mine.level FROM plans mine WHERE mine.id = :plan)
            AND NOT EXISTS (SELECT 1 FROM customer_tree
                             WHERE below = :reseller AND above <> 1
                               AND NOT EXISTS (SELECT 1 FROM offers
                                                 JOIN offer_plans ON offer_id = offers.id
                                                WHERE reseller_id = above AND offer_plans.plan_id = plans.id
                                                  AND offer_plans.state = 'active'))
          ORDER BY sort, id",
        named_params! { ":reseller": reseller, ":plan": plan },
        |row| Ok((row.get("code")?, row.get("name")?)),
    )
}

/// A counter on the new way that would be exceeded.
pub struct Tight {
    pub what: String,
    pub holder: String,
    pub left: i64,
    pub needed: i64,
}

pub fn tight_counters(
    db: &Read,
    id: CustomerId,
    target: CustomerId,
    instead: &[(PlanId, PlanId)],
) -> Result<Vec<Tight>> {
    let instead: Vec<(i64, i64)> = instead.iter().map(|(from, to)| (from.0, to.0)).collect();
    db.all(
        "WITH instead AS (SELECT json_extract(value, '$[0]') AS old, json_extract(value, '$[1]') AS new
                            FROM json_each(:instead)),
              needed AS (SELECT service_id, coalesce((SELECT new FROM instead WHERE old = plan_id), plan_id) AS plan,
                                meter, sum(used) AS n
                           FROM usage WHERE holder_id = :id AND used > 0 GROUP BY 1, 2, 3)
         SELECT coalesce(plans.name, services.name) AS what, customers.name AS holder,
                max(there.max - there.used, 0) AS left, n
           FROM customer_tree
           JOIN usage there ON there.holder_id = above AND there.max IS NOT NULL
           JOIN needed ON needed.service_id = there.service_id AND needed.plan = there.plan_id
                      AND needed.meter = there.meter
           JOIN customers ON customers.id = above
           JOIN services ON services.id = there.service_id
           LEFT JOIN plans ON plans.id = there.plan_id
          WHERE below = :target AND above <> 1
            AND above NOT IN (SELECT own.above FROM customer_tree own WHERE own.below = :id)
            AND there.used + n > there.max
          ORDER BY services.name, depth",
        named_params! { ":id": id, ":target": target, ":instead": serde_json::to_string(&instead)? },
        |row| {
            Ok(Tight {
                what: row.get("what")?,
                holder: row.get("holder")?,
                left: row.get("left")?,
                needed: row.get("n")?,
            })
        },
    )
}

/// What a branch uses no longer counts with those it leaves.
pub fn leave_counters(tx: &Write, id: CustomerId, target: CustomerId) -> Result<()> {
    tx.run(
        "UPDATE usage SET used = max(usage.used - own.used, 0)
           FROM (SELECT service_id, plan_id, meter, used FROM usage WHERE holder_id = :id) own
          WHERE usage.service_id = own.service_id AND usage.plan_id = own.plan_id AND usage.meter = own.meter
            AND usage.holder_id IN (SELECT above FROM customer_tree WHERE below = :id AND depth > 0 AND above <> 1)
            AND usage.holder_id NOT IN (SELECT above FROM customer_tree WHERE below = :target)",
        named_params! { ":id": id, ":target": target },
    )?;
    Ok(())
}

/// And counts with those it joins.
pub fn join_counters(tx: &Write, id: CustomerId, target: CustomerId) -> Result<()> {
    tx.run(
        "INSERT INTO usage (holder_id, service_id, plan_id, meter, used)
         SELECT above, service_id, plan_id, meter, used
           FROM customer_tree JOIN usage ON holder_id = :id
          WHERE below = :target AND above <> 1
            AND above NOT IN (SELECT own.above FROM customer_tree own WHERE own.below = :id)
             ON CONFLICT DO UPDATE SET used = used + excluded.used",
        named_params! { ":id": id, ":target": target },
    )?;
    Ok(())
}

/// One who would lose a service with the offer.
pub struct Using {
    pub id: CustomerId,
    pub name: String,
    pub code: String,
    /// It was offered it in its turn; otherwise it has it.
    pub reseller: bool,
}

/// Everybody below a reseller that uses a service, by name.
pub fn using(
    db: &Read,
    reseller: CustomerId,
    service: ServiceId,
    after: (&str, i64),
    limit: i64,
) -> Result<Vec<Using>> {
    db.all(
        "SELECT id, name, code, kind = 2 AS reseller
           FROM (SELECT customers.id, customers.name, customers.code, 1 AS kind
                   FROM customer_tree JOIN customers ON customers.id = below
                  WHERE above = :reseller AND depth > 0
                    AND EXISTS (SELECT 1 FROM customer_services
                                 WHERE customer_id = below AND service_id = :service
                                   AND NOT (wanted = 'gone' AND live IN ('never', 'gone')))
                 UNION ALL
                 SELECT customers.id, customers.name, customers.code, 2
                   FROM customer_tree
                   JOIN offers ON reseller_id = below AND service_id = :service AND offers.state <> 'withdrawn'
                   JOIN customers ON customers.id = below
                  WHERE above = :reseller AND depth > 0)
          WHERE (name, id * 2 + kind) > (:after COLLATE NOCASE, :after_id)
          ORDER BY name COLLATE NOCASE, id * 2 + kind
          LIMIT :limit",
        named_params! {
            ":reseller": reseller, ":service": service, ":after": after.0, ":after_id": after.1,
            ":limit": limit,
        },
        |row| {
            Ok(Using {
                id: row.get("id")?,
                name: row.get("name")?,
                code: row.get("code")?,
                reseller: row.get("reseller")?,
            })
        },
    )
}
