use super::{Asked, Draft, Limits, Route};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, CustomerServiceId, RouteId, ServiceId};
use crate::web::Paging;
use rusqlite::{Row, named_params};

/// The first route that fits, and its queue.
pub fn route(db: &Read, asked: &Asked) -> Result<Option<(RouteId, String)>> {
    db.maybe(
        "SELECT id, queue FROM queue_routes
          WHERE :event GLOB event
            AND (service_id IS NULL OR service_id = :service)
            AND (class IS NULL OR class = :class)
            AND (action IS NULL OR action IN (SELECT value FROM json_each(:actions)))
            AND (customer_id IS NULL
                 OR EXISTS (SELECT 1 FROM customer_tree WHERE above = queue_routes.customer_id AND below = :customer))
          ORDER BY position, id LIMIT 1",
        named_params! {
            ":event": asked.event, ":service": asked.service, ":class": asked.class,
            ":actions": serde_json::to_string(&asked.actions)?, ":customer": asked.customer,
        },
        |row| Ok((row.get("id")?, row.get("queue")?)),
    )
}

pub fn page(db: &Read, paging: &Paging) -> Result<Vec<Route>> {
    db.all(
        "SELECT queue_routes.id, position, event, services.code AS service, queue_routes.customer_id,
                customers.name AS customer_name, class, action, queue
           FROM queue_routes LEFT JOIN services ON services.id = service_id
                LEFT JOIN customers ON customers.id = queue_routes.customer_id
          WHERE queue_routes.id > :after
          ORDER BY queue_routes.id LIMIT :most",
        named_params! { ":after": paging.id(), ":most": paging.fetch() },
        one_row,
    )
}

/// All of them in their order, as many as a page shows.
pub fn in_order(db: &Read) -> Result<Vec<Route>> {
    db.all(
        "SELECT queue_routes.id, position, event, services.code AS service, queue_routes.customer_id,
                customers.name AS customer_name, class, action, queue
           FROM queue_routes LEFT JOIN services ON services.id = service_id
                LEFT JOIN customers ON customers.id = queue_routes.customer_id
          ORDER BY position, queue_routes.id LIMIT 500",
        [],
        one_row,
    )
}

pub fn one(db: &Read, id: RouteId) -> Result<Route> {
    db.one(
        "SELECT queue_routes.id, position, event, services.code AS service, queue_routes.customer_id,
                customers.name AS customer_name, class, action, queue
           FROM queue_routes LEFT JOIN services ON services.id = service_id
                LEFT JOIN customers ON customers.id = queue_routes.customer_id
          WHERE queue_routes.id = ?1",
        [id],
        one_row,
    )
}

fn one_row(row: &Row) -> rusqlite::Result<Route> {
    Ok(Route {
        id: row.get("id")?,
        position: row.get("position")?,
        event: row.get("event")?,
        service: row.get("service")?,
        customer_id: row.get("customer_id")?,
        customer_name: row.get("customer_name")?,
        class: row.get("class")?,
        action: row.get("action")?,
        queue: row.get("queue")?,
    })
}

pub fn insert(tx: &Write, draft: &Draft) -> Result<RouteId> {
    tx.change(
        "INSERT INTO queue_routes (position, event, service_id, customer_id, class, action, queue)
         VALUES (:position, :event, :service, :customer, :class, :action, :queue)
         RETURNING id",
        named_params! {
            ":position": draft.position, ":event": draft.event, ":service": draft.service,
            ":customer": draft.customer, ":class": draft.class, ":action": draft.action,
            ":queue": draft.queue,
        },
    )
}

pub fn delete(tx: &Write, id: RouteId) -> Result<usize> {
    tx.run("DELETE FROM queue_routes WHERE id = ?1", [id])
}

/// None where there is no such queue.
pub fn limits(db: &Read, queue: &str) -> Result<Option<Limits>> {
    db.maybe(
        "SELECT workers, per_customer, per_connector FROM queues WHERE name = ?1",
        [queue],
        |row| {
            Ok(Limits {
                workers: row.get("workers")?,
                per_customer: row.get("per_customer")?,
                per_connector: row.get("per_connector")?,
            })
        },
    )
}

pub fn set_limits(tx: &Write, queue: &str, limits: &Limits) -> Result<usize> {
    tx.run(
        "UPDATE queues SET workers = :workers, per_customer = :customer, per_connector = :connector
          WHERE name = :queue",
        named_params! {
            ":workers": limits.workers, ":customer": limits.per_customer,
            ":connector": limits.per_connector, ":queue": queue,
        },
    )
}

pub fn service_of(db: &Read, id: CustomerServiceId) -> Result<ServiceId> {
    db.value("SELECT service_id FROM customer_services WHERE id = ?1", [id])
}

pub fn service(db: &Read, code: &str) -> Result<Option<ServiceId>> {
    db.maybe("SELECT id FROM services WHERE code = ?1", [code], |row| row.get("id"))
}

pub fn is_customer(db: &Read, id: CustomerId) -> Result<bool> {
    db.value("SELECT EXISTS (SELECT 1 FROM customers WHERE id = ?1)", [id])
}
