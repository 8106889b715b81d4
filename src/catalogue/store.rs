use super::plans::NewPlan;
use super::services::{NewService, Trace, Worker};
use super::{Level, Need, OnError, Plan, PlanState, RESELLER, Rule, Service, State};
use crate::auth::Scope;
use crate::db::{Read, Write, containing};
use crate::error::Result;
use crate::ids::{CustomerId, PlanId, ServiceId};
use crate::rating::{Catalogue, PlanNames, ServiceNames};
use crate::time::Instant;
use crate::web::Paging;
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
        label_pattern: row.get("label_pattern")?,
        state: row.get("state")?,
        tracking_only: row.get("tracking_only")?,
        on_move: row.get("on_move")?,
        builtin: row.get("builtin")?,
        module: row.get("module")?,
        module_version: row.get("module_version")?,
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
        "SELECT id, code, name, category, description, icon, kind, multi, label_pattern, state, tracking_only,
                on_move, builtin, module, module_version, version
           FROM services WHERE id = ?1",
        [id],
        service_row,
    )
}

pub fn service_of(db: &Read, code: &str) -> Result<Service> {
    db.one(
        "SELECT id, code, name, category, description, icon, kind, multi, label_pattern, state, tracking_only,
                on_move, builtin, module, module_version, version
           FROM services WHERE code = ?1",
        [code],
        service_row,
    )
}

/// Where the right stands decides what is seen: at the provider everything, elsewhere what every
/// reseller up there was offered, and what is held there already.
pub fn visible<P>(db: &Read, scope: &Scope<P>, code: &str) -> Result<Service> {
    db.one(
        "SELECT id, code, name, category, description, icon, kind, multi, label_pattern, state, tracking_only,
                on_move, builtin, module, module_version, version
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

pub fn needs(db: &Read, service: ServiceId) -> Result<Vec<Need>> {
    db.all(
        "SELECT id, code, name, category, description, icon, kind, multi, label_pattern, state, tracking_only,
                on_move, builtin, module, module_version, version, at
           FROM service_needs JOIN services ON services.id = needs_id
          WHERE service_id = ?1
          ORDER BY code",
        [service],
        need_row,
    )
}

pub fn needed_by(db: &Read, service: ServiceId) -> Result<Vec<Need>> {
    db.all(
        "SELECT id, code, name, category, description, icon, kind, multi, label_pattern, state, tracking_only,
                on_move, builtin, module, module_version, version, at
           FROM service_needs JOIN services ON services.id = service_id
          WHERE needs_id = ?1
          ORDER BY code",
        [service],
        need_row,
    )
}

fn need_row(row: &rusqlite::Row) -> rusqlite::Result<Need> {
    Ok(Need { service: service_row(row)?, at: row.get("at")? })
}

pub fn rules_for(db: &Read, service: ServiceId, event: &str) -> Result<Vec<Rule>> {
    db.all(
        "SELECT key, coalesce(connectors.name, 'Set up the reseller') AS title, action, connector_id,
                on_error, rules.version
           FROM rules LEFT JOIN connectors ON connectors.id = connector_id
          WHERE service_id = ?1 AND event = ?2 AND rules.customer_id IS NULL
            AND action IN ('script.run', 'webhook.send', 'portico.reseller')
            AND (key GLOB 'connector-*' OR action = 'portico.reseller')
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

/// The service, for whoever writes the catalogue: a right that stands at the provider.
pub fn own<P>(db: &Read, scope: &Scope<P>, code: &str) -> Result<Service> {
    db.one(
        "SELECT id, code, name, category, description, icon, kind, multi, label_pattern, state, tracking_only,
                on_move, builtin, module, module_version, version
           FROM services
          WHERE code = :code AND EXISTS (SELECT 1 FROM json_each(:scope) WHERE value / 4 = 1)",
        named_params! { ":code": code, ":scope": scope },
        service_row,
    )
}

pub fn insert(tx: &Write, new: &NewService) -> Result<ServiceId> {
    tx.change(
        "INSERT INTO services (code, name, category, description, icon, kind, multi, label_pattern, tracking_only,
                               on_move, created_at, changed_at)
         VALUES (:code, :name, :category, :description, :icon, :kind, :multi, :label_pattern, :tracking,
                 :on_move, :now, :now)
         RETURNING id",
        named_params! {
            ":code": new.code, ":name": new.name, ":category": new.category,
            ":description": new.description, ":icon": new.icon, ":kind": new.kind,
            ":multi": new.multi, ":label_pattern": new.label_pattern, ":tracking": new.tracking_only, ":on_move": new.on_move, ":now": tx.now,
        },
    )
}

pub fn update(tx: &Write, id: ServiceId, new: &NewService) -> Result<i64> {
    tx.change(
        "UPDATE services
            SET name = :name, category = :category, description = :description, icon = :icon,
                kind = :kind, multi = :multi, label_pattern = :label_pattern, tracking_only = :tracking, on_move = :on_move, changed_at = :now,
                version = version + 1
          WHERE id = :id RETURNING version",
        named_params! {
            ":id": id, ":name": new.name, ":category": new.category,
            ":description": new.description, ":icon": new.icon, ":kind": new.kind,
            ":multi": new.multi, ":label_pattern": new.label_pattern, ":tracking": new.tracking_only, ":on_move": new.on_move, ":now": tx.now,
        },
    )
}

/// Counts a change of something that belongs to the service.
pub fn touch(tx: &Write, id: ServiceId) -> Result<i64> {
    tx.change(
        "UPDATE services SET version = version + 1, changed_at = ?2 WHERE id = ?1 RETURNING version",
        (id, tx.now),
    )
}

pub fn set_state(tx: &Write, id: ServiceId, state: State) -> Result<i64> {
    tx.change(
        "UPDATE services SET state = ?2, version = version + 1, changed_at = ?3
          WHERE id = ?1 RETURNING version",
        (id, state, tx.now),
    )
}

/// Deletes it with what hangs on it, and the prices nobody ever paid.
pub fn delete(tx: &Write, service: &Service) -> Result<ServiceId> {
    tx.run("DELETE FROM usage WHERE service_id = ?1", [service.id])?;
    tx.run("DELETE FROM prices WHERE service = ?1", [&service.code])?;
    tx.change("DELETE FROM services WHERE id = ?1 RETURNING id", [service.id])
}

pub fn set_needs(tx: &Write, id: ServiceId, needs: &[(ServiceId, Level)]) -> Result<()> {
    tx.run("DELETE FROM service_needs WHERE service_id = ?1", [id])?;
    for (need, at) in needs {
        tx.run(
            "INSERT INTO service_needs (service_id, needs_id, at) VALUES (?1, ?2, ?3)",
            (id, need, at),
        )?;
    }
    Ok(())
}

/// Keeps the document of a service as it is now.
pub fn keep_version(tx: &Write, id: ServiceId, document: &str) -> Result<usize> {
    tx.run(
        "INSERT INTO service_versions (service_id, version, document, saved_at, saved_by)
         SELECT id, version, :document, :now, :by FROM services WHERE id = :id
             ON CONFLICT DO UPDATE SET document = excluded.document, saved_at = excluded.saved_at,
                                       saved_by = excluded.saved_by",
        named_params! { ":id": id, ":document": document, ":now": tx.now, ":by": tx.by.user },
    )
}

/// A kept state of a service.
pub struct Version {
    pub version: i64,
    pub at: Instant,
    pub by: Option<String>,
}

pub fn versions(db: &Read, id: ServiceId, paging: &Paging) -> Result<Vec<Version>> {
    db.all(
        "SELECT service_versions.version, saved_at, display_name
           FROM service_versions LEFT JOIN users ON users.id = saved_by
          WHERE service_id = :id AND (:after = 0 OR service_versions.version < :after)
          ORDER BY service_versions.version DESC
          LIMIT :limit",
        named_params! { ":id": id, ":after": paging.id(), ":limit": paging.fetch() },
        |row| {
            let (version, at) = (row.get("version")?, row.get("saved_at")?);
            Ok(Version { version, at, by: row.get("display_name")? })
        },
    )
}

pub fn version_document(db: &Read, id: ServiceId, version: i64) -> Result<String> {
    db.one(
        "SELECT document FROM service_versions WHERE service_id = ?1 AND version = ?2",
        (id, version),
        |row| row.get("document"),
    )
}

/// The way from a service back to itself, by codes, if it were to need `needs`.
pub fn circle(db: &Read, id: ServiceId, needs: &[ServiceId]) -> Result<Option<Vec<String>>> {
    let found: Option<String> = db.maybe(
        "WITH RECURSIVE way (service_id, codes) AS (
           SELECT value, (SELECT code FROM services WHERE id = :id) || ',' || code
             FROM json_each(:needs) JOIN services ON services.id = value
           UNION
           SELECT needs_id, codes || ',' || code
             FROM way JOIN service_needs ON service_needs.service_id = way.service_id
                      JOIN services ON services.id = needs_id
            WHERE way.service_id <> :id AND length(codes) < 4000)
         SELECT codes FROM way WHERE service_id = :id ORDER BY length(codes) LIMIT 1",
        named_params! { ":id": id, ":needs": serde_json::to_string(needs)? },
        |row| row.get("codes"),
    )?;
    Ok(found.map(|codes| codes.split(',').map(str::to_owned).collect()))
}

pub fn has_plans(db: &Read, id: ServiceId) -> Result<bool> {
    db.value("SELECT EXISTS (SELECT 1 FROM plans WHERE service_id = ?1)", [id])
}

pub fn has_rules(db: &Read, id: ServiceId) -> Result<bool> {
    db.value("SELECT EXISTS (SELECT 1 FROM rules WHERE service_id = ?1)", [id])
}

/// The customers that hold, or whose users hold, more than one of a service.
pub fn holders_of_several(db: &Read, id: ServiceId) -> Result<Vec<String>> {
    db.all(
        "SELECT name FROM customers
          WHERE id IN (SELECT customer_id FROM customer_services
                        WHERE service_id = :id AND wanted <> 'gone'
                        GROUP BY customer_id HAVING count(*) > 1)
             OR id IN (SELECT customer_id FROM user_services
                        WHERE service_id = :id AND wanted <> 'gone'
                        GROUP BY customer_id, user_id HAVING count(*) > 1)
          ORDER BY name COLLATE NOCASE",
        named_params! { ":id": id },
        |row| row.get("name"),
    )
}

pub fn trace(db: &Read, service: &Service) -> Result<Trace> {
    db.one(
        "SELECT EXISTS (SELECT 1 FROM offers WHERE service_id = :id) AS offered,
                EXISTS (SELECT 1 FROM customer_services WHERE service_id = :id) AS held,
                EXISTS (SELECT 1 FROM ledger WHERE service = :code) AS in_ledger",
        named_params! { ":id": service.id, ":code": service.code },
        trace_row,
    )
}

pub fn plan_trace(db: &Read, service: &Service, plan: &Plan) -> Result<Trace> {
    db.one(
        "SELECT EXISTS (SELECT 1 FROM offer_plans WHERE plan_id = :id) AS offered,
                EXISTS (SELECT 1 FROM customer_services WHERE service_id = :service AND plan_id = :id)
             OR EXISTS (SELECT 1 FROM customer_service_plans WHERE plan_id = :id)
             OR EXISTS (SELECT 1 FROM user_services WHERE service_id = :service AND plan_id = :id) AS held,
                EXISTS (SELECT 1 FROM ledger WHERE service = :service_code AND plan = :code COLLATE NOCASE) AS in_ledger",
        named_params! {
            ":id": plan.id, ":service": service.id, ":service_code": service.code, ":code": plan.code,
        },
        trace_row,
    )
}

fn trace_row(row: &rusqlite::Row) -> rusqlite::Result<Trace> {
    Ok(Trace {
        offered: row.get("offered")?,
        held: row.get("held")?,
        in_ledger: row.get("in_ledger")?,
    })
}

pub fn workers(db: &Read) -> Result<Vec<Worker>> {
    db.all(
        "SELECT id, name, CASE kind WHEN 'script' THEN 'script.run' ELSE 'webhook.send' END AS action
           FROM connectors
          WHERE customer_id = 1 AND state <> 'gone'
          ORDER BY name COLLATE NOCASE",
        [],
        |row| Ok(Worker { id: row.get("id")?, name: row.get("name")?, action: row.get("action")? }),
    )
}

/// A rule to write.
pub struct NewRule<'a> {
    pub service: ServiceId,
    pub event: &'a str,
    pub position: i64,
    /// Among those that were chosen.
    pub place: i64,
    pub worker: &'a Worker,
    pub on_error: OnError,
    pub version: i64,
}

pub fn clear_rules(tx: &Write, service: ServiceId) -> Result<usize> {
    tx.run(
        "DELETE FROM rules WHERE service_id = ?1 AND customer_id IS NULL AND key GLOB 'connector-*'",
        [service],
    )
}

pub fn insert_rule(tx: &Write, rule: &NewRule) -> Result<usize> {
    tx.run(
        "INSERT INTO rules (service_id, event, position, key, action, connector_id, on_error, version)
         VALUES (:service, :event, :position, :key, :action, :connector, :on_error, :version)",
        named_params! {
            ":service": rule.service, ":event": rule.event, ":position": rule.position,
            ":key": format!("connector-{}", rule.place), ":action": rule.worker.action,
            ":connector": rule.worker.id, ":on_error": rule.on_error, ":version": rule.version,
        },
    )
}

pub fn insert_plan(tx: &Write, service: ServiceId, new: &NewPlan) -> Result<PlanId> {
    tx.change(
        "INSERT INTO plans (service_id, level, code, name, sku, not_sold, sort)
         VALUES (:service, :level, :code, :name, :sku, :not_sold, :sort) RETURNING id",
        named_params! {
            ":service": service, ":level": new.level, ":code": new.code, ":name": new.name,
            ":sku": new.sku, ":not_sold": new.not_sold, ":sort": new.sort,
        },
    )
}

pub fn update_plan(tx: &Write, id: PlanId, new: &NewPlan) -> Result<i64> {
    tx.change(
        "UPDATE plans SET name = :name, sku = :sku, not_sold = :not_sold, sort = :sort, version = version + 1
          WHERE id = :id RETURNING version",
        named_params! {
            ":id": id, ":name": new.name, ":sku": new.sku, ":not_sold": new.not_sold, ":sort": new.sort,
        },
    )
}

pub fn set_plan_state(tx: &Write, id: PlanId, state: PlanState) -> Result<i64> {
    tx.change(
        "UPDATE plans SET state = ?2, version = version + 1 WHERE id = ?1 RETURNING version",
        (id, state),
    )
}

pub fn delete_plan(tx: &Write, service: &Service, plan: &Plan) -> Result<PlanId> {
    tx.run("DELETE FROM usage WHERE service_id = ?1 AND plan_id = ?2", (service.id, plan.id))?;
    tx.run(
        "DELETE FROM prices WHERE service = ?1 AND plan = ?2 COLLATE NOCASE",
        (&service.code, &plan.code),
    )?;
    tx.change("DELETE FROM plans WHERE id = ?1 RETURNING id", [plan.id])
}

pub fn sharing_sku(db: &Read, plan: &Plan) -> Result<Vec<String>> {
    db.all(
        "SELECT services.name || ', ' || plans.name AS name
           FROM plans JOIN services ON services.id = service_id
          WHERE sku = ?1 AND plans.id <> ?2
          ORDER BY 1",
        (&plan.sku, plan.id),
        |row| row.get("name"),
    )
}

/// What a list of services may be narrowed to.
pub struct Filter {
    pub q: String,
    pub kind: Option<Level>,
    pub state: Option<State>,
}

/// A service in the list, with how much it is used where the right reaches.
pub struct Listed {
    pub service: Service,
    pub plans: i64,
}

pub fn list<P>(
    db: &Read,
    scope: &Scope<P>,
    filter: &Filter,
    paging: &Paging,
) -> Result<Vec<Listed>> {
    db.all(
        "SELECT id, code, name, category, description, icon, kind, multi, label_pattern, state, tracking_only, on_move, builtin, module, module_version, version,
                (SELECT count(*) FROM plans WHERE service_id = services.id AND state = 'active') AS plans
           FROM services
          WHERE (name, id) > (:after COLLATE NOCASE, :after_id)
            AND (:kind IS NULL OR kind = :kind) AND (:state IS NULL OR state = :state)
            AND (name LIKE :like ESCAPE '\\' OR code LIKE :like ESCAPE '\\')
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
                                  AND offers.state = 'active'))))
          ORDER BY name, id
          LIMIT :limit",
        named_params! {
            ":scope": scope, ":after": paging.value(), ":after_id": paging.id(),
            ":kind": filter.kind, ":state": filter.state, ":like": containing(&filter.q),
            ":limit": paging.fetch(),
        },
        |row| Ok(Listed { service: service_row(row)?, plans: row.get("plans")? }),
    )
}

/// How many customers and users hold a service at or below where the right stands, from the counters:
/// counting assignments would cost more the more there are.
pub fn used_by<P>(db: &Read, scope: &Scope<P>, id: ServiceId) -> Result<(i64, i64)> {
    db.one(
        "WITH tops (id) AS (
           SELECT value / 4 FROM json_each(:scope) WHERE value / 4 <> 1
            UNION
           SELECT id FROM customers
            WHERE parent_id = 1 AND EXISTS (SELECT 1 FROM json_each(:scope) WHERE value / 4 = 1)
            UNION SELECT 1)
         SELECT coalesce(sum(used) FILTER (WHERE meter = 'instances'), 0) AS customers,
                coalesce(sum(used) FILTER (WHERE meter = 'seats'), 0) AS users
           FROM tops JOIN usage ON holder_id = tops.id AND service_id = :id AND plan_id = 0",
        named_params! { ":scope": scope, ":id": id },
        |row| Ok((row.get("customers")?, row.get("users")?)),
    )
}

/// The plans somebody below the provider sees: those on offer there, and those held.
pub fn visible_plans<P>(db: &Read, scope: &Scope<P>, service: ServiceId) -> Result<Vec<Plan>> {
    db.all(
        "SELECT id, service_id, level, code, name, sku, not_sold, state, sort, version
           FROM plans
          WHERE service_id = :service
            AND EXISTS (
                SELECT 1 FROM json_each(:scope) AS held
                 WHERE held.value / 4 = 1
                    OR EXISTS (SELECT 1 FROM customer_services
                                WHERE customer_id = held.value / 4 AND service_id = :service
                                  AND plan_id = plans.id AND wanted <> 'gone')
                    OR EXISTS (SELECT 1 FROM customer_services
                                 JOIN customer_service_plans ON customer_service_id = customer_services.id
                                WHERE customer_id = held.value / 4 AND service_id = :service
                                  AND customer_service_plans.plan_id = plans.id AND wanted <> 'gone')
                    OR (state = 'active' AND NOT EXISTS (
                        SELECT 1 FROM customer_tree JOIN customers ON customers.id = above
                         WHERE below = held.value / 4 AND above <> 1 AND (depth > 0 OR reseller = 1)
                           AND NOT EXISTS (
                               SELECT 1 FROM offers JOIN offer_plans ON offer_id = offers.id
                                WHERE reseller_id = above AND offers.service_id = :service
                                  AND offers.state = 'active' AND offer_plans.plan_id = plans.id
                                  AND offer_plans.state = 'active'))))
          ORDER BY level DESC, sort, id",
        named_params! { ":scope": scope, ":service": service },
        plan_row,
    )
}

pub fn is_reseller(db: &Read, customer: CustomerId) -> Result<bool> {
    db.value("SELECT reseller FROM customers WHERE id = ?1", [customer])
}

/// Code and name of every service but Portico's own, by name.
pub fn names_of_all(db: &Read) -> Result<Vec<(String, String)>> {
    db.all(
        "SELECT code, name FROM services WHERE builtin = 0 ORDER BY name COLLATE NOCASE",
        [],
        |row| Ok((row.get("code")?, row.get("name")?)),
    )
}

/// The codes of the services that users hold.
pub fn codes_by_user(db: &Read) -> Result<Vec<String>> {
    db.all("SELECT code FROM services WHERE kind = 'user' ORDER BY code", [], |row| row.get("code"))
}
