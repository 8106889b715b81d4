use super::{Filter, Rule, Slot, Subject, Version};
use crate::db::{Read, Write};
use crate::engine::{Action, OnError};
use crate::error::Result;
use crate::ids::{ConnectorId, CustomerId, RuleId, ServiceId, UserId};
use rusqlite::{Row, named_params};
use serde_json::Value;

/// A rule to write.
pub struct Draft {
    /// None: written with the service.
    pub customer: Option<CustomerId>,
    pub service: Option<ServiceId>,
    pub event: String,
    pub slot: Slot,
    pub position: i64,
    pub key: String,
    pub title: String,
    pub condition: String,
    pub action: Action,
    pub connector: Option<ConnectorId>,
    pub params: String,
    pub on_error: OnError,
    pub tries: Option<i64>,
    pub time_limit: Option<i64>,
    pub enabled: bool,
}

/// The enabled rules for an event of a customer, whoever decided them.
pub fn holding(
    db: &Read,
    customer: CustomerId,
    service: Option<ServiceId>,
    event: &str,
) -> Result<Vec<Rule>> {
    db.all(
        "SELECT rules.id, rules.customer_id, NULL AS customer_name, service_id, NULL AS service_code,
                NULL AS service_name, event, slot, position, key, title, condition, action, connector_id,
                connectors.name AS connector_name, params, on_error, tries, rules.time_limit, enabled, rules.version,
                1 AS part,
                coalesce((SELECT depth FROM customer_tree WHERE above = 1 AND below = rules.customer_id), -1) AS depth
           FROM rules LEFT JOIN connectors ON connectors.id = connector_id
          WHERE event = :event AND coalesce(service_id, 0) IN (0, :service) AND enabled
            AND (rules.customer_id IS NULL
                 OR EXISTS (SELECT 1 FROM customer_tree WHERE above = rules.customer_id AND below = :customer))",
        named_params! { ":event": event, ":service": service, ":customer": customer },
        rule,
    )
}

pub fn list(db: &Read, filter: &Filter) -> Result<Vec<Rule>> {
    db.all(
        "SELECT rules.id, rules.customer_id, customers.name AS customer_name, service_id, services.code AS service_code,
                services.name AS service_name, event, slot, position, key, title, condition, action, connector_id,
                connectors.name AS connector_name, params, on_error, tries, rules.time_limit, enabled, rules.version,
                rules.customer_id IS NULL AND (services.builtin OR services.module <> '' OR key GLOB 'connector-*') AS part,
                coalesce((SELECT depth FROM customer_tree WHERE above = 1 AND below = rules.customer_id), -1) AS depth
           FROM rules LEFT JOIN connectors ON connectors.id = connector_id
                LEFT JOIN services ON services.id = service_id
                LEFT JOIN customers ON customers.id = rules.customer_id
          WHERE (:event = '' OR event = :event) AND (:code = '' OR services.code = :code)
          ORDER BY event, slot = 'after', slot = 'main', position, depth, key, rules.id
          LIMIT 1000",
        named_params! { ":event": filter.event, ":code": filter.service },
        rule,
    )
}

/// What is written with a service, and what the provider added to it.
pub fn of_service(db: &Read, service: ServiceId) -> Result<Vec<Rule>> {
    db.all(
        "SELECT rules.id, rules.customer_id, NULL AS customer_name, service_id, services.code AS service_code,
                services.name AS service_name, event, slot, position, key, title, condition, action, connector_id,
                connectors.name AS connector_name, params, on_error, tries, rules.time_limit, enabled, rules.version,
                rules.customer_id IS NULL AND (services.builtin OR services.module <> '' OR key GLOB 'connector-*') AS part,
                iif(rules.customer_id IS NULL, -1, 0) AS depth
           FROM rules JOIN services ON services.id = service_id LEFT JOIN connectors ON connectors.id = connector_id
          WHERE service_id = ?1 AND coalesce(rules.customer_id, 1) = 1
          ORDER BY event, slot = 'after', slot = 'main', position, key, depth",
        [service],
        rule,
    )
}

pub fn one(db: &Read, id: RuleId) -> Result<Rule> {
    db.one(
        "SELECT rules.id, rules.customer_id, customers.name AS customer_name, service_id, services.code AS service_code,
                services.name AS service_name, event, slot, position, key, title, condition, action, connector_id,
                connectors.name AS connector_name, params, on_error, tries, rules.time_limit, enabled, rules.version,
                rules.customer_id IS NULL AND (services.builtin OR services.module <> '' OR key GLOB 'connector-*') AS part,
                coalesce((SELECT depth FROM customer_tree WHERE above = 1 AND below = rules.customer_id), -1) AS depth
           FROM rules LEFT JOIN connectors ON connectors.id = connector_id
                LEFT JOIN services ON services.id = service_id
                LEFT JOIN customers ON customers.id = rules.customer_id
          WHERE rules.id = ?1",
        [id],
        rule,
    )
}

fn rule(row: &Row) -> rusqlite::Result<Rule> {
    Ok(Rule {
        id: row.get("id")?,
        customer: row.get("customer_id")?,
        customer_name: row.get("customer_name")?,
        service: row.get("service_id")?,
        service_code: row.get("service_code")?,
        service_name: row.get("service_name")?,
        event: row.get("event")?,
        slot: row.get("slot")?,
        position: row.get("position")?,
        key: row.get("key")?,
        title: row.get("title")?,
        condition: row.get("condition")?,
        action: row.get("action")?,
        connector: row.get("connector_id")?,
        connector_name: row.get("connector_name")?,
        params: serde_json::from_str(&row.get::<_, String>("params")?).unwrap_or_default(),
        on_error: row.get("on_error")?,
        tries: row.get("tries")?,
        time_limit: row.get("time_limit")?,
        enabled: row.get("enabled")?,
        version: row.get("version")?,
        part: row.get("part")?,
        depth: row.get("depth")?,
    })
}

pub fn insert(tx: &Write, draft: &Draft) -> Result<RuleId> {
    tx.change(
        "INSERT INTO rules (customer_id, service_id, event, slot, position, key, title, condition, action,
                            connector_id, params, on_error, tries, time_limit, enabled)
         VALUES (:customer, :service, :event, :slot, :position, :key, :title, :condition, :action,
                 :connector, :params, :on_error, :tries, :limit, :enabled)
         RETURNING id",
        named_params! {
            ":customer": draft.customer, ":service": draft.service, ":event": draft.event,
            ":slot": draft.slot, ":position": draft.position, ":key": draft.key, ":title": draft.title,
            ":condition": draft.condition, ":action": draft.action, ":connector": draft.connector,
            ":params": draft.params, ":on_error": draft.on_error, ":tries": draft.tries,
            ":limit": draft.time_limit, ":enabled": draft.enabled,
        },
    )
}

pub fn update(tx: &Write, id: RuleId, draft: &Draft) -> Result<usize> {
    tx.run(
        "UPDATE rules
            SET customer_id = :customer, service_id = :service, event = :event, slot = :slot, position = :position,
                key = :key, title = :title, condition = :condition, action = :action, connector_id = :connector,
                params = :params, on_error = :on_error, tries = :tries, time_limit = :limit, enabled = :enabled,
                version = version + 1
          WHERE id = :id",
        named_params! {
            ":id": id, ":customer": draft.customer, ":service": draft.service, ":event": draft.event,
            ":slot": draft.slot, ":position": draft.position, ":key": draft.key, ":title": draft.title,
            ":condition": draft.condition, ":action": draft.action, ":connector": draft.connector,
            ":params": draft.params, ":on_error": draft.on_error, ":tries": draft.tries,
            ":limit": draft.time_limit, ":enabled": draft.enabled,
        },
    )
}

pub fn delete(tx: &Write, id: RuleId) -> Result<usize> {
    tx.run("DELETE FROM rules WHERE id = ?1", [id])
}

pub fn keep(tx: &Write, id: RuleId, number: i64, document: &str) -> Result<usize> {
    tx.run(
        "INSERT INTO rule_versions (rule_id, number, document, saved_at, saved_by)
         VALUES (:rule, :number, :document, :now, :by)",
        named_params! {
            ":rule": id, ":number": number, ":document": document, ":now": tx.now, ":by": tx.by.user,
        },
    )
}

pub fn versions(db: &Read, id: RuleId) -> Result<Vec<Version>> {
    db.all(
        "SELECT number, saved_at, saved_by, display_name, document
           FROM rule_versions LEFT JOIN users ON users.id = saved_by
          WHERE rule_id = ?1
          ORDER BY number DESC LIMIT 200",
        [id],
        |row| {
            Ok(Version {
                number: row.get("number")?,
                saved_at: row.get("saved_at")?,
                saved_by: row.get("saved_by")?,
                saver: row.get("display_name")?,
                document: serde_json::from_str(&row.get::<_, String>("document")?)
                    .unwrap_or_default(),
            })
        },
    )
}

pub fn is_module(db: &Read, service: ServiceId) -> Result<bool> {
    db.value("SELECT module <> '' FROM services WHERE id = ?1", [service])
}

pub fn is_customer(db: &Read, id: CustomerId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM customers WHERE id = ?1 AND state NOT IN ('deleted', 'purged'))",
        [id],
    )
}

/// A service's number and whom it is given to, by its code.
pub fn service(db: &Read, code: &str) -> Result<Option<(ServiceId, String)>> {
    db.maybe("SELECT id, kind FROM services WHERE code = ?1", [code], |row| {
        Ok((row.get("id")?, row.get("kind")?))
    })
}

/// Codes and names of all services.
pub fn services(db: &Read) -> Result<Vec<(String, String)>> {
    db.all(
        "SELECT code, name FROM services WHERE builtin = 0 ORDER BY name COLLATE NOCASE",
        [],
        |row| Ok((row.get("code")?, row.get("name")?)),
    )
}

/// The connectors that a rule of `owner` may use for `action`.
pub fn connectors(
    db: &Read,
    owner: CustomerId,
    action: Action,
) -> Result<Vec<(ConnectorId, String)>> {
    let kind = match action {
        Action::ScriptRun => "script",
        Action::WebhookSend => "webhook",
        Action::ScimUser | Action::ScimGroup | Action::ScimMember => "scim",
        _ => return Ok(Vec::new()),
    };
    db.all(
        "SELECT id, name FROM connectors
          WHERE kind = :kind AND state <> 'gone'
            AND customer_id IN (SELECT above FROM customer_tree WHERE below = :owner)
          ORDER BY name COLLATE NOCASE",
        named_params! { ":kind": kind, ":owner": owner },
        |row| Ok((row.get("id")?, row.get("name")?)),
    )
}

/// Names, labels and types of a service's properties, but for secrets.
pub fn properties(db: &Read, service: ServiceId) -> Result<Vec<(String, String, String)>> {
    db.all(
        "SELECT name, label, type FROM properties WHERE service_id = ?1 AND secret = 0 ORDER BY sort, name",
        [service],
        |row| Ok((row.get("name")?, row.get("label")?, row.get("type")?)),
    )
}

/// Names and labels of a service's secrets.
pub fn secrets(db: &Read, service: ServiceId) -> Result<Vec<(String, String)>> {
    db.all(
        "SELECT name, label FROM properties WHERE service_id = ?1 AND secret = 1 ORDER BY sort, name",
        [service],
        |row| Ok((row.get("name")?, row.get("label")?)),
    )
}

/// The properties that customers and users have beside the usual: of whom, key, label, type.
pub fn custom(db: &Read) -> Result<Vec<(String, String, String, String)>> {
    db.all(
        "SELECT subject, key, min(label) AS label, min(type) AS type
           FROM custom_properties
          WHERE archived_at IS NULL
          GROUP BY subject, key
          ORDER BY subject, key",
        [],
        |row| Ok((row.get("subject")?, row.get("key")?, row.get("label")?, row.get("type")?)),
    )
}

/// What outside systems are told of a customer.
pub fn told_customer(db: &Read, id: CustomerId) -> Result<Value> {
    let text: String = db.value(
        "SELECT json_object('id', id, 'code', code, 'name', name, 'external_id', external_id, 'language', language,
                            'country', country, 'state', state, 'type', type, 'city', city, 'time_zone', time_zone,
                            'reseller', json(iif(reseller, 'true', 'false')), 'tags', json(tags),
                            'parent', (SELECT json_object('code', above.code, 'name', above.name)
                                         FROM customers AS above WHERE above.id = customers.parent_id),
                            'custom', (SELECT json_group_object(key, json(value))
                                         FROM custom_values JOIN custom_properties ON custom_properties.id = property_id
                                        WHERE custom_values.customer_id = customers.id AND user_id IS NULL
                                          AND archived_at IS NULL))
           FROM customers WHERE id = ?1",
        [id],
    )?;
    Ok(serde_json::from_str(&text)?)
}

/// What outside systems are told of a user.
pub fn told_user(db: &Read, id: UserId) -> Result<Value> {
    let text: String = db.value(
        "SELECT json_object('id', users.id, 'upn', users.upn, 'mail', users.mail, 'username', users.username,
                            'first_name', users.first_name, 'last_name', users.last_name,
                            'display_name', users.display_name, 'department', departments.name,
                            'location', customer_locations.name, 'office', users.office, 'job_title', users.job_title,
                            'company', users.company, 'employee_id', users.employee_id,
                            'employee_type', users.employee_type, 'cost_centre', users.cost_centre,
                            'phone', users.phone, 'mobile', users.mobile, 'city', users.city, 'country', users.country,
                            'usage_location', users.usage_location, 'language', users.language, 'state', users.state,
                            'expires_on', users.expires_on,
                            'test_user', json(iif(users.test_user, 'true', 'false')),
                            'main_contact', json(iif(users.main_contact, 'true', 'false')),
                            'manager', iif(boss.id IS NULL, json('null'),
                                           json_object('upn', boss.upn, 'display_name', boss.display_name, 'mail', boss.mail)),
                            'custom', (SELECT json_group_object(key, json(value))
                                         FROM custom_values JOIN custom_properties ON custom_properties.id = property_id
                                        WHERE custom_values.user_id = users.id AND archived_at IS NULL))
           FROM users LEFT JOIN departments ON departments.id = users.department_id
                LEFT JOIN customer_locations ON customer_locations.id = users.location_id
                LEFT JOIN users AS boss ON boss.id = users.manager_id
          WHERE users.id = ?1",
        [id],
    )?;
    Ok(serde_json::from_str(&text)?)
}

/// Some of them, by number.
pub fn page(db: &Read, filter: &Filter, after: i64, most: i64) -> Result<Vec<Rule>> {
    db.all(
        "SELECT rules.id, rules.customer_id, customers.name AS customer_name, service_id, services.code AS service_code,
                services.name AS service_name, event, slot, position, key, title, condition, action, connector_id,
                connectors.name AS connector_name, params, on_error, tries, rules.time_limit, enabled, rules.version,
                rules.customer_id IS NULL AND (services.builtin OR services.module <> '' OR key GLOB 'connector-*') AS part,
                coalesce((SELECT depth FROM customer_tree WHERE above = 1 AND below = rules.customer_id), -1) AS depth
           FROM rules LEFT JOIN connectors ON connectors.id = connector_id
                LEFT JOIN services ON services.id = service_id
                LEFT JOIN customers ON customers.id = rules.customer_id
          WHERE rules.id > :after AND (:event = '' OR event = :event) AND (:code = '' OR services.code = :code)
          ORDER BY rules.id LIMIT :most",
        named_params! {
            ":after": after, ":event": filter.event, ":code": filter.service, ":most": most,
        },
        rule,
    )
}

/// Whom an event could be about, if the numbers belong together.
pub fn subject(
    db: &Read,
    event: &str,
    customer: CustomerId,
    user: Option<UserId>,
    assignment: Option<i64>,
) -> Result<Option<Subject>> {
    match event.split_once('.').map_or(event, |(kind, _)| kind) {
        "user_service" => db.maybe(
            "SELECT user_services.customer_id, user_id, customer_service_id, user_services.id AS user_service_id,
                    display_name || ' of ' || customers.name AS name
               FROM user_services JOIN users ON users.id = user_id
                    JOIN customers ON customers.id = user_services.customer_id
              WHERE user_services.id = :id AND user_services.customer_id = :customer
                AND (:user IS NULL OR user_id = :user) AND live <> 'gone'",
            named_params! { ":id": assignment, ":customer": customer, ":user": user },
            subject_row,
        ),
        "customer_service" => db.maybe(
            "SELECT customer_id, NULL AS user_id, customer_services.id AS customer_service_id,
                    NULL AS user_service_id, customers.name AS name
               FROM customer_services JOIN customers ON customers.id = customer_id
              WHERE customer_services.id = :id AND customer_id = :customer AND live <> 'gone'",
            named_params! { ":id": assignment, ":customer": customer },
            subject_row,
        ),
        "user" => db.maybe(
            "SELECT customer_id, users.id AS user_id, NULL AS customer_service_id, NULL AS user_service_id,
                    display_name || ' of ' || customers.name AS name
               FROM users JOIN customers ON customers.id = customer_id
              WHERE users.id = :user AND customer_id = :customer AND users.state NOT IN ('deleted', 'purged')",
            named_params! { ":user": user, ":customer": customer },
            subject_row,
        ),
        _ => db.maybe(
            "SELECT id AS customer_id, NULL AS user_id, NULL AS customer_service_id, NULL AS user_service_id, name
               FROM customers WHERE id = ?1 AND state NOT IN ('deleted', 'purged')",
            [customer],
            subject_row,
        ),
    }
}

/// The newest that an event could be about.
pub fn sample(db: &Read, event: &str, service: &str) -> Result<Option<Subject>> {
    match event.split_once('.').map_or(event, |(kind, _)| kind) {
        "user_service" => db.maybe(
            "SELECT user_services.customer_id, user_id, customer_service_id, user_services.id AS user_service_id,
                    display_name || ' of ' || customers.name AS name
               FROM user_services JOIN users ON users.id = user_id
                    JOIN customers ON customers.id = user_services.customer_id
              WHERE user_services.id = (SELECT max(id) FROM user_services
                                         WHERE live <> 'gone'
                                           AND (:service = '' OR service_id = (SELECT id FROM services WHERE code = :service)))",
            named_params! { ":service": service },
            subject_row,
        ),
        "customer_service" => db.maybe(
            "SELECT customer_id, NULL AS user_id, customer_services.id AS customer_service_id,
                    NULL AS user_service_id, customers.name AS name
               FROM customer_services JOIN customers ON customers.id = customer_id
              WHERE customer_services.id = (SELECT max(id) FROM customer_services
                                             WHERE live <> 'gone'
                                               AND (:service = '' OR service_id = (SELECT id FROM services WHERE code = :service)))",
            named_params! { ":service": service },
            subject_row,
        ),
        "user" => db.maybe(
            "SELECT customer_id, users.id AS user_id, NULL AS customer_service_id, NULL AS user_service_id,
                    display_name || ' of ' || customers.name AS name
               FROM users JOIN customers ON customers.id = customer_id
              WHERE users.id = (SELECT max(id) FROM users WHERE state = 'active')",
            [],
            subject_row,
        ),
        _ => db.maybe(
            "SELECT id AS customer_id, NULL AS user_id, NULL AS customer_service_id, NULL AS user_service_id, name
               FROM customers WHERE id = (SELECT max(id) FROM customers WHERE state = 'active')",
            [],
            subject_row,
        ),
    }
}

fn subject_row(row: &Row) -> rusqlite::Result<Subject> {
    Ok(Subject {
        customer: row.get("customer_id")?,
        user: row.get("user_id")?,
        customer_service: row.get("customer_service_id")?,
        user_service: row.get("user_service_id")?,
        name: row.get("name")?,
    })
}
