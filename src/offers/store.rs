use super::State;
use crate::auth::{Permission, Scope};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{ConnectorId, CustomerId, OfferId, PlanId, ServiceId, UserId};
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

pub fn name(db: &Read, id: CustomerId) -> Result<String> {
    db.value("SELECT name FROM customers WHERE id = ?1", [id])
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

/// A connector that a service needs and that cannot be used.
pub struct Broken {
    pub id: ConnectorId,
    pub owner: CustomerId,
    pub name: String,
    pub text: String,
}

/// Those that rules for a service name, and the directory of a customer where they work there: found
/// red by the last check, or given up.
pub fn broken_connectors(
    db: &Read,
    service: ServiceId,
    customer: CustomerId,
) -> Result<Vec<Broken>> {
    db.all(
        "SELECT connectors.id, connectors.customer_id, connectors.name,
                CASE WHEN connectors.state = 'gone' THEN 'It was given up.' ELSE light_text END AS text
           FROM connectors
          WHERE (light = 'red' OR connectors.state = 'gone')
            AND connectors.id IN (
                  SELECT connector_id FROM rules
                   WHERE service_id = :service AND enabled = 1 AND connector_id IS NOT NULL
                     AND (rules.customer_id IS NULL
                          OR rules.customer_id IN (SELECT above FROM customer_tree WHERE below = :customer))
                  UNION
                  SELECT environments.connector_id
                    FROM customers
                    JOIN locations ON locations.id = lives_in
                    JOIN environments ON environments.id = environment_id
                   WHERE customers.id = :customer
                     AND EXISTS (SELECT 1 FROM rules
                                  WHERE service_id = :service AND enabled = 1 AND action LIKE 'dir.%'))
          ORDER BY connectors.name",
        named_params! { ":service": service, ":customer": customer },
        |row| {
            Ok(Broken {
                id: row.get("id")?,
                owner: row.get("customer_id")?,
                name: row.get("name")?,
                text: row.get("text")?,
            })
        },
    )
}
