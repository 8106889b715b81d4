use super::define::NewProperty;
use super::origin::{Hop, Origin, Override};
use super::{Place, Property, Under};
use crate::auth::Scope;
use crate::auth::permissions::CatalogueRead;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{
    CustomerId, CustomerServiceId, PlanId, PropertyId, ServiceId, UserId, UserServiceId,
};
use crate::kinds::typed;
use crate::web::Paging;
use rusqlite::named_params;
use serde_json::Value;
use std::collections::BTreeMap;

pub fn all(db: &Read, service: ServiceId) -> Result<Vec<Property>> {
    let mut all = Vec::new();
    db.each(
        "SELECT id, service_id, name, label, help, category, level, use, type, validation, default_value,
                default_locked, required, secret, writable_by, visible_to, at, unique_in,
                meter, sort
           FROM properties
          WHERE service_id = ?1
          ORDER BY category, sort, name",
        [service],
        |row| {
            let default: Option<String> = row.get("default_value")?;
            all.push(Property {
                id: row.get("id")?,
                service: row.get("service_id")?,
                name: row.get("name")?,
                label: row.get("label")?,
                help: row.get("help")?,
                category: row.get("category")?,
                level: row.get("level")?,
                usage: row.get("use")?,
                kind: row.get("type")?,
                validation: serde_json::from_str(&row.get::<_, String>("validation")?)?,
                default: default.map(|text| serde_json::from_str(&text)).transpose()?,
                required: row.get("required")?,
                secret: row.get("secret")?,
                writable_by: row.get("writable_by")?,
                visible_to: row.get("visible_to")?,
                at: serde_json::from_str(&row.get::<_, String>("at")?)?,
                unique: row.get("unique_in")?,
                meter: row.get("meter")?,
                default_locked: row.get("default_locked")?,
                sort: row.get("sort")?,
            });
            Ok(())
        },
    )?;
    Ok(all)
}

pub fn insert(tx: &Write, service: ServiceId, new: &NewProperty) -> Result<PropertyId> {
    tx.change(
        "INSERT INTO properties (service_id, name, label, help, category, level, use, type, validation,
                                 default_value, default_locked, required, secret, writable_by, visible_to,
                                 at, unique_in, meter, sort)
         VALUES (:service, :name, :label, :help, :category, :level, :use, :type, :validation,
                 :default, :default_locked, :required, :secret, :writable_by, :visible_to,
                 :at, :unique, :meter, :sort)
         RETURNING id",
        named_params! {
            ":service": service, ":name": new.name, ":label": new.label, ":help": new.help,
            ":level": new.level, ":use": new.usage, ":type": new.kind,
            ":validation": serde_json::to_string(&new.validation)?,
            ":default": new.default.as_ref().map(Value::to_string), ":required": new.required,
            ":secret": new.secret, ":writable_by": new.writable_by, ":visible_to": new.visible_to,
            ":category": new.category, ":default_locked": new.default_locked,
            ":at": serde_json::to_string(&new.at)?, ":unique": new.unique, ":meter": new.meter,
            ":sort": new.sort,
        },
    )
}

pub fn update(tx: &Write, id: PropertyId, new: &NewProperty) -> Result<PropertyId> {
    tx.change(
        "UPDATE properties
            SET name = :name, label = :label, help = :help, category = :category, level = :level, use = :use,
                type = :type, validation = :validation, default_value = :default,
                default_locked = :default_locked, required = :required, secret = :secret,
                writable_by = :writable_by, visible_to = :visible_to, at = :at, unique_in = :unique,
                meter = :meter, sort = :sort
          WHERE id = :id RETURNING id",
        named_params! {
            ":id": id, ":name": new.name, ":label": new.label, ":help": new.help,
            ":level": new.level, ":use": new.usage, ":type": new.kind,
            ":validation": serde_json::to_string(&new.validation)?,
            ":default": new.default.as_ref().map(Value::to_string), ":required": new.required,
            ":secret": new.secret, ":writable_by": new.writable_by, ":visible_to": new.visible_to,
            ":category": new.category, ":default_locked": new.default_locked,
            ":at": serde_json::to_string(&new.at)?, ":unique": new.unique, ":meter": new.meter,
            ":sort": new.sort,
        },
    )
}

pub fn counts(db: &Read, service: ServiceId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM properties WHERE service_id = ?1 AND meter = 1)",
        [service],
    )
}

/// How many of a service somebody has: what is counted of them is counted from the start.
pub fn held(db: &Read, service: ServiceId) -> Result<i64> {
    db.value(
        "SELECT (SELECT count(*) FROM user_services WHERE service_id = ?1 AND live <> 'gone')
              + (SELECT count(*) FROM customer_services WHERE service_id = ?1 AND live <> 'gone')",
        [service],
    )
}

/// Nothing is limited by a property that is not there, or not counted.
pub fn drop_counters(tx: &Write, service: ServiceId, name: &str) -> Result<usize> {
    tx.run("DELETE FROM usage WHERE service_id = ?1 AND meter = 'sum:' || ?2", (service, name))
}

pub fn delete(tx: &Write, id: PropertyId) -> Result<PropertyId> {
    tx.change("DELETE FROM properties WHERE id = ?1 RETURNING id", [id])
}

/// A stored value and who holds it, for messages.
pub struct Use {
    pub id: i64,
    pub value: Value,
    pub holder: String,
    /// Of an assignment that is not removed: whose it is.
    pub customer: Option<CustomerId>,
}

/// Every stored value of a property.
pub fn uses(db: &Read, property: PropertyId) -> Result<Vec<Use>> {
    let mut all = Vec::new();
    db.each(
        "SELECT property_values.id, value,
                coalesce('plan ' || plans.name, '') ||
                coalesce(resellers.name, held.name, users.display_name, '') AS holder,
                coalesce(CASE WHEN customer_services.live <> 'gone' THEN customer_services.customer_id END,
                         CASE WHEN user_services.live <> 'gone' THEN user_services.customer_id END) AS customer
           FROM property_values
           LEFT JOIN plans ON plans.id = property_values.plan_id AND holder = 'plan'
           LEFT JOIN customers AS resellers ON resellers.id = reseller_id
           LEFT JOIN customer_services ON customer_services.id = property_values.customer_service_id
           LEFT JOIN customers AS held ON held.id = customer_services.customer_id
           LEFT JOIN user_services ON user_services.id = property_values.user_service_id
           LEFT JOIN users ON users.id = user_services.user_id
          WHERE property_id = ?1
          ORDER BY property_values.id",
        [property],
        |row| {
            let value: String = row.get("value")?;
            let (id, holder) = (row.get("id")?, row.get("holder")?);
            let (value, customer) = (serde_json::from_str(&value)?, row.get("customer")?);
            all.push(Use { id, value, holder, customer });
            Ok(())
        },
    )?;
    Ok(all)
}

pub fn drop_use(tx: &Write, id: i64) -> Result<usize> {
    tx.run("DELETE FROM property_values WHERE id = ?1", [id])
}

/// A place as the columns of its row: holder, plan, reseller, customer service, user service.
type Columns = (&'static str, Option<i64>, Option<i64>, Option<i64>, Option<i64>);

fn columns(place: Place) -> Columns {
    let of = |plan: Option<PlanId>| plan.map(|plan| plan.0);
    match place {
        Place::Plan(plan) => ("plan", Some(plan.0), None, None, None),
        Place::Given(reseller, plan) => ("given", of(plan), Some(reseller.0), None, None),
        Place::Own(reseller, plan) => ("own", of(plan), Some(reseller.0), None, None),
        Place::CustomerService(id, plan) => ("customer_service", of(plan), None, Some(id.0), None),
        Place::UserService(id) => ("user_service", None, None, None, Some(id.0)),
    }
}

pub fn value_and_lock(
    db: &Read,
    property: PropertyId,
    place: Place,
) -> Result<Option<(Value, bool)>> {
    let (holder, plan, reseller, customer_service, user_service) = columns(place);
    let found: Option<(String, bool)> = db.maybe(
        "SELECT value, locked FROM property_values
          WHERE property_id = :property AND holder = :holder AND coalesce(plan_id, 0) = :plan
            AND coalesce(reseller_id, 0) = :reseller
            AND coalesce(customer_service_id, 0) = :customer_service
            AND coalesce(user_service_id, 0) = :user_service",
        named_params! {
            ":property": property, ":holder": holder, ":plan": plan.unwrap_or(0),
            ":reseller": reseller.unwrap_or(0), ":customer_service": customer_service.unwrap_or(0),
            ":user_service": user_service.unwrap_or(0),
        },
        |row| Ok((row.get("value")?, row.get("locked")?)),
    )?;
    found.map(|(text, locked)| Ok((serde_json::from_str(&text)?, locked))).transpose()
}

pub fn value(db: &Read, property: PropertyId, place: Place) -> Result<Option<Value>> {
    Ok(value_and_lock(db, property, place)?.map(|(value, _)| value))
}

/// `alone`: among whom nobody else may have the same value.
pub fn put(
    tx: &Write,
    property: PropertyId,
    place: Place,
    value: &Value,
    alone: Option<&str>,
) -> Result<usize> {
    let (holder, plan, reseller, customer_service, user_service) = columns(place);
    tx.run(
        "INSERT INTO property_values (property_id, holder, plan_id, reseller_id, customer_service_id,
                                      user_service_id, value, alone_in, folded, set_at, set_by)
         VALUES (:property, :holder, :plan, :reseller, :customer_service, :user_service, :value, :alone, :folded,
                 :now, :by)
         ON CONFLICT (property_id, holder, coalesce(plan_id, 0), coalesce(reseller_id, 0),
                      coalesce(customer_service_id, 0), coalesce(user_service_id, 0))
         DO UPDATE SET value = excluded.value, alone_in = excluded.alone_in, folded = excluded.folded,
                       set_at = excluded.set_at, set_by = excluded.set_by",
        named_params! {
            ":property": property, ":holder": holder, ":plan": plan, ":reseller": reseller,
            ":customer_service": customer_service, ":user_service": user_service,
            ":value": value.to_string(), ":alone": alone, ":folded": alone.map(|_| folded(value)),
            ":now": tx.now, ":by": tx.by.user,
        },
    )
}

fn folded(value: &Value) -> String {
    typed(value).to_lowercase()
}

/// Writes of a stored value among whom it must be alone.
pub fn set_alone(tx: &Write, id: i64, value: &Value, alone: Option<&str>) -> Result<usize> {
    tx.run(
        "UPDATE property_values SET alone_in = :alone, folded = :folded WHERE id = :id",
        named_params! { ":id": id, ":alone": alone, ":folded": alone.map(|_| folded(value)) },
    )
}

/// What was unique of an assignment may be used by another.
pub fn let_go(tx: &Write, customer: CustomerServiceId, user: UserServiceId) -> Result<()> {
    tx.run(
        "UPDATE property_values SET alone_in = NULL, folded = NULL
          WHERE (customer_service_id = ?1 OR user_service_id = ?2) AND alone_in IS NOT NULL",
        (customer, user),
    )?;
    Ok(())
}

/// Whose assignment a value is kept at.
pub fn holder(db: &Read, place: Place) -> Result<CustomerId> {
    let (.., customer_service, user_service) = columns(place);
    db.value(
        "SELECT coalesce((SELECT customer_id FROM customer_services WHERE id = ?1),
                         (SELECT customer_id FROM user_services WHERE id = ?2), 1)",
        (customer_service, user_service),
    )
}

pub fn parent(db: &Read, customer: CustomerId) -> Result<CustomerId> {
    db.value("SELECT coalesce((SELECT parent_id FROM customers WHERE id = ?1), 1)", [customer])
}

pub fn has_domain(db: &Read, customer: CustomerId, name: &str) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM customer_domains JOIN domains ON domains.id = domain_id
                         WHERE customer_domains.customer_id = ?1 AND name = ?2)",
        (customer, name),
    )
}

/// A user of the customer, by number or sign-in name.
pub fn person(db: &Read, customer: CustomerId, text: &str) -> Result<Option<UserId>> {
    db.maybe(
        "SELECT id FROM users
          WHERE customer_id = :customer AND state IN ('active', 'disabled')
            AND id = coalesce((SELECT user_id FROM user_names WHERE name = :text),
                              CASE WHEN :text NOT GLOB '*[^0-9]*' THEN cast(:text AS INTEGER) END)",
        named_params! { ":customer": customer, ":text": text },
        |row| row.get("id"),
    )
}

pub fn remove(tx: &Write, property: PropertyId, place: Place) -> Result<usize> {
    let (holder, plan, reseller, customer_service, user_service) = columns(place);
    tx.run(
        "DELETE FROM property_values
          WHERE property_id = :property AND holder = :holder AND coalesce(plan_id, 0) = :plan
            AND coalesce(reseller_id, 0) = :reseller
            AND coalesce(customer_service_id, 0) = :customer_service
            AND coalesce(user_service_id, 0) = :user_service",
        named_params! {
            ":property": property, ":holder": holder, ":plan": plan.unwrap_or(0),
            ":reseller": reseller.unwrap_or(0), ":customer_service": customer_service.unwrap_or(0),
            ":user_service": user_service.unwrap_or(0),
        },
    )
}

pub fn lock(tx: &Write, property: PropertyId, place: Place, locked: bool) -> Result<usize> {
    let (holder, plan, reseller, customer_service, user_service) = columns(place);
    tx.run(
        "UPDATE property_values SET locked = :locked
          WHERE property_id = :property AND holder = :holder AND coalesce(plan_id, 0) = :plan
            AND coalesce(reseller_id, 0) = :reseller
            AND coalesce(customer_service_id, 0) = :customer_service
            AND coalesce(user_service_id, 0) = :user_service AND locked <> :locked",
        named_params! {
            ":property": property, ":holder": holder, ":plan": plan.unwrap_or(0),
            ":reseller": reseller.unwrap_or(0), ":customer_service": customer_service.unwrap_or(0),
            ":user_service": user_service.unwrap_or(0), ":locked": locked,
        },
    )
}

/// How many have the service live below a place and are told of changes, and how many customers
/// they are of.
pub fn live_under(db: &Read, under: &Under) -> Result<(i64, i64)> {
    db.one(
        "SELECT count(*) AS number, count(DISTINCT customer_id) AS customers
           FROM (SELECT user_services.customer_id
                   FROM user_services
                   JOIN customer_services ON customer_services.id = customer_service_id
                  WHERE user_services.service_id = :service
                    AND user_services.live IN ('on', 'suspended') AND user_services.wanted <> 'gone'
                    AND (:held IS NULL OR customer_service_id = :held)
                    AND (:plan IS NULL OR user_services.plan_id = :plan OR customer_services.plan_id = :plan)
                    AND (:reseller IS NULL
                         OR user_services.customer_id IN
                            (SELECT below FROM customer_tree WHERE above = :reseller AND depth > 0))
                    AND (EXISTS (SELECT 1 FROM rules WHERE rules.service_id = :service
                                    AND event = 'user_service.update')
                         OR EXISTS (SELECT 1 FROM properties WHERE properties.service_id = :service AND meter = 1))
                 UNION ALL
                 SELECT customer_id
                   FROM customer_services
                  WHERE service_id = :service AND :held IS NULL
                    AND live IN ('on', 'suspended') AND wanted <> 'gone'
                    AND (:plan IS NULL OR plan_id = :plan)
                    AND (:reseller IS NULL
                         OR customer_id IN
                            (SELECT below FROM customer_tree WHERE above = :reseller AND depth > 0))
                    AND (EXISTS (SELECT 1 FROM rules WHERE rules.service_id = :service
                                    AND event = 'customer_service.update')
                         OR EXISTS (SELECT 1 FROM properties WHERE properties.service_id = :service AND meter = 1)))",
        named_params! {
            ":service": under.service, ":plan": under.plan, ":reseller": under.reseller,
            ":held": under.customer_service,
        },
        |row| Ok((row.get("number")?, row.get("customers")?)),
    )
}

/// How far `viewer` stands above `customer`, if it does.
pub fn distance(db: &Read, viewer: CustomerId, customer: CustomerId) -> Result<Option<i64>> {
    db.maybe(
        "SELECT depth FROM customer_tree WHERE below = ?1 AND above = ?2",
        (customer, viewer),
        |row| row.get("depth"),
    )
}

pub fn name(db: &Read, customer: CustomerId) -> Result<String> {
    db.value("SELECT name FROM customers WHERE id = ?1", [customer])
}

/// The resellers above a customer, the nearest first; of a branch the reseller itself too.
pub fn hops(db: &Read, customer: CustomerId, branch: bool) -> Result<Vec<Hop>> {
    db.all(
        "SELECT name, depth FROM customer_tree JOIN customers ON customers.id = above
          WHERE below = ?1 AND above <> 1 AND (depth > 0 OR ?2)
          ORDER BY depth",
        (customer, branch),
        |row| Ok(Hop { name: row.get("name")?, distance: row.get("depth")? }),
    )
}

/// What is told of each stored value of a property, by its number.
pub fn origins(
    db: &Read,
    property: PropertyId,
    viewer: CustomerId,
) -> Result<BTreeMap<i64, Origin>> {
    let all: Vec<(i64, Origin)> = db.all(
        "SELECT property_values.id, plans.name AS plan, set_at, users.display_name AS setter,
                EXISTS (SELECT 1 FROM customer_tree
                         WHERE below = users.customer_id AND above = :viewer) AS near
           FROM property_values
           LEFT JOIN plans ON plans.id = property_values.plan_id
           LEFT JOIN users ON users.id = set_by
          WHERE property_id = :property",
        named_params! { ":property": property, ":viewer": viewer },
        |row| {
            let (plan, at, by) = (row.get("plan")?, row.get("set_at")?, row.get("setter")?);
            Ok((row.get("id")?, Origin { plan, at, by, near: row.get("near")? }))
        },
    )?;
    Ok(all.into_iter().collect())
}

/// The values that others than the definition hold, within reach.
pub fn overrides(
    db: &Read,
    scope: &Scope<CatalogueRead>,
    property: PropertyId,
    paging: &Paging,
) -> Result<Vec<Override>> {
    let mut all = Vec::new();
    db.each(
        "SELECT property_values.id, holder, customers.id AS customer_id, customers.name AS customer,
                users.id AS user_id, users.display_name AS user, plans.name AS plan, value, locked, set_at
           FROM property_values
           LEFT JOIN customer_services ON customer_services.id = property_values.customer_service_id
           LEFT JOIN user_services ON user_services.id = property_values.user_service_id
           LEFT JOIN users ON users.id = user_services.user_id
           LEFT JOIN plans ON plans.id = property_values.plan_id
           JOIN customers ON customers.id =
                coalesce(reseller_id, customer_services.customer_id, user_services.customer_id)
          WHERE property_id = :property AND property_values.id > :after
            AND coalesce(customer_services.live, user_services.live, '') <> 'gone'
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY property_values.id
          LIMIT :limit",
        named_params! {
            ":property": property, ":scope": scope, ":after": paging.id(), ":limit": paging.fetch(),
        },
        |row| {
            all.push(Override {
                id: row.get("id")?,
                holder: row.get("holder")?,
                customer_id: row.get("customer_id")?,
                customer: row.get("customer")?,
                user_id: row.get("user_id")?,
                user: row.get("user")?,
                plan: row.get("plan")?,
                value: serde_json::from_str(&row.get::<_, String>("value")?)?,
                text: String::new(),
                locked: row.get("locked")?,
                at: row.get("set_at")?,
            });
            Ok(())
        },
    )?;
    Ok(all)
}
