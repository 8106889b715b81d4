use super::{Level, Plan, RESELLER, Rule, Service};
use crate::auth::Scope;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{PlanId, ServiceId};
use crate::rating::{Catalogue, PlanNames, ServiceNames};
use rusqlite::named_params;
use std::collections::BTreeMap;

pub fn service_row(row: &rusqlite::Row) -> rusqlite::Result<Service> {
    Ok(Service {
        id: row.get("id")?,
        code: row.get("code")?,
        name: row.get("name")?,
        category: row.get("category")?,
        description: row.get("description")?,
        icon: row.get("icon")?,
        kind: row.get("kind")?,
        multi: row.get("multi")?,
        state: row.get("state")?,
        tracking_only: row.get("tracking_only")?,
        builtin: row.get("builtin")?,
        version: row.get("version")?,
    })
}

pub fn plan_row(row: &rusqlite::Row) -> rusqlite::Result<Plan> {
    Ok(Plan {
        id: row.get("id")?,
        service: row.get("service_id")?,
        level: row.get("level")?,
        code: row.get("code")?,
        name: row.get("name")?,
        sku: row.get("sku")?,
        not_sold: row.get("not_sold")?,
        state: row.get("state")?,
        sort: row.get("sort")?,
        version: row.get("version")?,
    })
}

pub fn service(db: &Read, id: ServiceId) -> Result<Service> {
    db.one(
        "SELECT id, code, name, category, description, icon, kind, multi, state, tracking_only, builtin, version
           FROM services WHERE id = ?1",
        [id],
        service_row,
    )
}

pub fn service_of(db: &Read, code: &str) -> Result<Service> {
    db.one(
        "SELECT id, code, name, category, description, icon, kind, multi, state, tracking_only, builtin, version
           FROM services WHERE code = ?1",
        [code],
        service_row,
    )
}

/// Where the right stands decides what is seen: at the provider everything, elsewhere what every
/// reseller up there was offered, and what is held there already.
pub fn visible<P>(db: &Read, scope: &Scope<P>, code: &str) -> Result<Service> {
    db.one(
        "SELECT id, code, name, category, description, icon, kind, multi, state, tracking_only, builtin, version
           FROM services
          WHERE code = :code
            AND EXISTS (
                SELECT 1 FROM json_each(:scope) AS held
                 WHERE held.value / 4 = 1
                    OR (state <> 'draft' AND EXISTS (
                        SELECT 1 FROM customer_services
                         WHERE customer_id = held.value / 4 AND service_id = services.id
                           AND NOT (wanted = 'gone' AND live IN ('never', 'gone'))))
                    OR (state = 'active' AND builtin = 0 AND NOT EXISTS (
                        SELECT 1 FROM customer_tree JOIN customers ON customers.id = above
                         WHERE below = held.value / 4 AND above <> 1 AND (depth > 0 OR reseller = 1)
                           AND NOT EXISTS (
                               SELECT 1 FROM offers
                                WHERE reseller_id = above AND service_id = services.id
                                  AND offers.state = 'active'))))",
        named_params! { ":code": code, ":scope": scope },
        service_row,
    )
}

pub fn plan(db: &Read, id: PlanId) -> Result<Plan> {
    db.one(
        "SELECT id, service_id, level, code, name, sku, not_sold, state, sort, version
           FROM plans WHERE id = ?1",
        [id],
        plan_row,
    )
}

pub fn plan_of(db: &Read, service: ServiceId, code: &str) -> Result<Plan> {
    db.one(
        "SELECT id, service_id, level, code, name, sku, not_sold, state, sort, version
           FROM plans WHERE service_id = ?1 AND code = ?2",
        (service, code),
        plan_row,
    )
}

pub fn plans(db: &Read, service: ServiceId) -> Result<Vec<Plan>> {
    db.all(
        "SELECT id, service_id, level, code, name, sku, not_sold, state, sort, version
           FROM plans WHERE service_id = ?1
          ORDER BY level DESC, sort, id",
        [service],
        plan_row,
    )
}

pub fn needs(db: &Read, service: ServiceId) -> Result<Vec<Service>> {
    db.all(
        "SELECT id, code, name, category, description, icon, kind, multi, state, tracking_only, builtin, version
           FROM service_needs JOIN services ON services.id = needs_id
          WHERE service_id = ?1
          ORDER BY code",
        [service],
        service_row,
    )
}

pub fn needed_by(db: &Read, service: ServiceId) -> Result<Vec<Service>> {
    db.all(
        "SELECT id, code, name, category, description, icon, kind, multi, state, tracking_only, builtin, version
           FROM service_needs JOIN services ON services.id = service_id
          WHERE needs_id = ?1
          ORDER BY code",
        [service],
        service_row,
    )
}

pub fn rules_for(db: &Read, service: ServiceId, event: &str) -> Result<Vec<Rule>> {
    db.all(
        "SELECT key, coalesce(connectors.name, 'Set up the reseller') AS title, action, connector_id,
                on_error, rules.version
           FROM rules LEFT JOIN connectors ON connectors.id = connector_id
          WHERE service_id = ?1 AND event = ?2
          ORDER BY position, key",
        (service, event),
        |row| {
            Ok(Rule {
                key: row.get("key")?,
                title: row.get("title")?,
                action: row.get("action")?,
                connector: row.get("connector_id")?,
                on_error: row.get("on_error")?,
                version: row.get("version")?,
            })
        },
    )
}

pub fn names(db: &Read) -> Result<Catalogue> {
    let mut catalogue = Catalogue::default();
    db.each(
        "SELECT services.code, services.name, services.kind, plans.code AS plan,
                plans.name AS plan_name, sku, not_sold
           FROM services LEFT JOIN plans ON plans.service_id = services.id",
        [],
        |row| {
            let code: String = row.get("code")?;
            let (name, kind): (String, Level) = (row.get("name")?, row.get("kind")?);
            let service = catalogue.services.entry(code).or_insert_with(|| ServiceNames {
                name,
                by_user: kind == Level::User,
                plans: BTreeMap::new(),
            });
            if let Some(plan) = row.get::<_, Option<String>>("plan")? {
                let (name, sku) = (row.get("plan_name")?, row.get("sku")?);
                let names = PlanNames { name, sku, not_sold: row.get("not_sold")? };
                service.plans.insert(plan, names);
            }
            Ok(())
        },
    )?;
    Ok(catalogue)
}

pub fn has(db: &Read, code: &str) -> Result<bool> {
    db.value("SELECT EXISTS (SELECT 1 FROM services WHERE code = ?1)", [code])
}

/// The reseller service: work inside Portico, no connector, on no bill.
pub fn ship_reseller(tx: &Write) -> Result<()> {
    let id: ServiceId = tx.change(
        "INSERT INTO services (code, name, category, description, icon, kind, state, builtin, created_at, changed_at)
         VALUES (:code, 'Reseller', 'Portico', 'Makes a customer a reseller, which may have customers of its own.',
                 'building-store', 'customer', 'active', 1, :now, :now)
         RETURNING id",
        named_params! { ":code": RESELLER, ":now": tx.now },
    )?;
    tx.run(
        "INSERT INTO plans (service_id, level, code, name, not_sold) VALUES (?1, 'customer', 'reseller', 'Reseller', 1)",
        [id],
    )?;
    for event in ["customer_service.provision", "customer_service.deprovision"] {
        tx.run(
            "INSERT INTO rules (service_id, event, position, key, action)
             VALUES (?1, ?2, 1, 'reseller', 'portico.reseller')",
            (id, event),
        )?;
    }
    Ok(())
}
