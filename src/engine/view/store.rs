use super::{Down, Failed, Filter, Hurdle, Queue, Related, Row, Step, Try};
use crate::auth::Scope;
use crate::auth::permissions::RequestsRead;
use crate::db::Read;
use crate::engine::Status;
use crate::error::Result;
use crate::ids::{CustomerId, RequestId, TaskId, UserId};
use crate::web::Paging;
use rusqlite::named_params;

/// Where a page begins: below this id.
fn below(paging: &Paging) -> i64 {
    if paging.is_first() { i64::MAX } else { paging.id() }
}

pub fn of_user(
    db: &Read,
    scope: &Scope<RequestsRead>,
    user: UserId,
    filter: &Filter,
    paging: &Paging,
) -> Result<Vec<RequestId>> {
    db.all(
        "SELECT requests.id FROM requests
          WHERE user_id = :user AND requests.id < :below
            AND (:status IS NULL OR status = :status) AND (:event = '' OR event = :event)
            AND (:service = '' OR EXISTS (SELECT 1 FROM customer_services JOIN services ON services.id = service_id
                                           WHERE customer_services.id = customer_service_id AND code = :service))
            AND (:hold = '' OR (turn <> 'over' AND (hold = :hold OR (:hold = 'after' AND turn = 'blocked'))))
            AND (:queue = '' OR queue = :queue) AND (:by IS NULL OR by_id = :by)
            AND (:from IS NULL OR created_at >= :from) AND (:until IS NULL OR created_at < :until)
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = requests.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY requests.id DESC LIMIT :limit",
        named_params! {
            ":user": user, ":below": below(paging), ":status": filter.status, ":event": filter.event,
            ":service": filter.service, ":scope": scope, ":limit": paging.fetch(),
            ":hold": filter.hold(), ":queue": filter.queue, ":by": filter.by,
            ":from": filter.from, ":until": filter.until,
        },
        |row| row.get("id"),
    )
}

pub fn of_customer(
    db: &Read,
    scope: &Scope<RequestsRead>,
    customer: CustomerId,
    filter: &Filter,
    paging: &Paging,
) -> Result<Vec<RequestId>> {
    db.all(
        "SELECT requests.id FROM requests
          WHERE customer_id = :customer AND requests.id < :below
            AND (:status IS NULL OR status = :status) AND (:event = '' OR event = :event)
            AND (:service = '' OR EXISTS (SELECT 1 FROM customer_services JOIN services ON services.id = service_id
                                           WHERE customer_services.id = customer_service_id AND code = :service))
            AND (:hold = '' OR (turn <> 'over' AND (hold = :hold OR (:hold = 'after' AND turn = 'blocked'))))
            AND (:queue = '' OR queue = :queue) AND (:by IS NULL OR by_id = :by)
            AND (:from IS NULL OR created_at >= :from) AND (:until IS NULL OR created_at < :until)
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = requests.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY requests.id DESC LIMIT :limit",
        named_params! {
            ":customer": customer, ":below": below(paging), ":status": filter.status, ":event": filter.event,
            ":service": filter.service, ":scope": scope, ":limit": paging.fetch(),
            ":hold": filter.hold(), ":queue": filter.queue, ":by": filter.by,
            ":from": filter.from, ":until": filter.until,
        },
        |row| row.get("id"),
    )
}

/// Of few customers: the newest of each, then the newest of all those.
pub fn of_few(
    db: &Read,
    scope: &Scope<RequestsRead>,
    filter: &Filter,
    paging: &Paging,
) -> Result<Vec<RequestId>> {
    db.all(
        "SELECT DISTINCT requests.id
           FROM (SELECT DISTINCT customer_id FROM reach
                  WHERE scope IN (SELECT value FROM json_each(:scope))) AS own
           JOIN requests INDEXED BY requests_by_customer
             ON requests.customer_id = own.customer_id AND requests.id IN (
                SELECT r.id FROM requests r
                 WHERE r.customer_id = own.customer_id AND r.id < :below
                   AND (:status IS NULL OR r.status = :status) AND (:event = '' OR r.event = :event)
                   AND (:service = '' OR EXISTS (SELECT 1 FROM customer_services JOIN services ON services.id = service_id
                                                  WHERE customer_services.id = r.customer_service_id AND code = :service))
                   AND (:hold = '' OR (r.turn <> 'over' AND (r.hold = :hold OR (:hold = 'after' AND r.turn = 'blocked'))))
                   AND (:queue = '' OR r.queue = :queue) AND (:by IS NULL OR r.by_id = :by)
                   AND (:from IS NULL OR r.created_at >= :from) AND (:until IS NULL OR r.created_at < :until)
                 ORDER BY r.id DESC LIMIT :limit)
          ORDER BY requests.id DESC LIMIT :limit",
        named_params! {
            ":below": below(paging), ":status": filter.status, ":event": filter.event,
            ":service": filter.service, ":scope": scope, ":limit": paging.fetch(),
            ":hold": filter.hold(), ":queue": filter.queue, ":by": filter.by,
            ":from": filter.from, ":until": filter.until,
        },
        |row| row.get("id"),
    )
}

pub fn by_status(
    db: &Read,
    scope: &Scope<RequestsRead>,
    status: Status,
    filter: &Filter,
    paging: &Paging,
) -> Result<Vec<RequestId>> {
    db.all(
        "SELECT requests.id FROM requests
          WHERE status = :status AND requests.id < :below AND (:event = '' OR event = :event)
            AND (:service = '' OR EXISTS (SELECT 1 FROM customer_services JOIN services ON services.id = service_id
                                           WHERE customer_services.id = customer_service_id AND code = :service))
            AND (:hold = '' OR (turn <> 'over' AND (hold = :hold OR (:hold = 'after' AND turn = 'blocked'))))
            AND (:queue = '' OR queue = :queue) AND (:by IS NULL OR by_id = :by)
            AND (:from IS NULL OR created_at >= :from) AND (:until IS NULL OR created_at < :until)
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = requests.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY requests.id DESC LIMIT :limit",
        named_params! {
            ":status": status, ":below": below(paging), ":event": filter.event,
            ":service": filter.service, ":scope": scope, ":limit": paging.fetch(),
            ":hold": filter.hold(), ":queue": filter.queue, ":by": filter.by,
            ":from": filter.from, ":until": filter.until,
        },
        |row| row.get("id"),
    )
}

pub fn newest(
    db: &Read,
    scope: &Scope<RequestsRead>,
    filter: &Filter,
    paging: &Paging,
) -> Result<Vec<RequestId>> {
    db.all(
        "SELECT requests.id FROM requests
          WHERE requests.id < :below AND (:event = '' OR event = :event)
            AND (:service = '' OR EXISTS (SELECT 1 FROM customer_services JOIN services ON services.id = service_id
                                           WHERE customer_services.id = customer_service_id AND code = :service))
            AND (:hold = '' OR (turn <> 'over' AND (hold = :hold OR (:hold = 'after' AND turn = 'blocked'))))
            AND (:queue = '' OR queue = :queue) AND (:by IS NULL OR by_id = :by)
            AND (:from IS NULL OR created_at >= :from) AND (:until IS NULL OR created_at < :until)
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = requests.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY requests.id DESC LIMIT :limit",
        named_params! {
            ":below": below(paging), ":event": filter.event, ":service": filter.service,
            ":scope": scope, ":limit": paging.fetch(),
            ":hold": filter.hold(), ":queue": filter.queue, ":by": filter.by,
            ":from": filter.from, ":until": filter.until,
        },
        |row| row.get("id"),
    )
}

/// The rows of `ids`, the newest first.
pub fn rows(db: &Read, scope: &Scope<RequestsRead>, ids: &[RequestId]) -> Result<Vec<Row>> {
    db.all(
        "SELECT requests.id, requests.title, event, requests.status, requests.reason, warnings,
                requests.customer_id, customers.name AS customer_name, requests.user_id,
                users.display_name AS user_name, services.code AS service, services.name AS service_name,
                requests.by_id, orderer.display_name AS by_name, requests.created_at, requests.started_at, requests.ended_at,
                queue, turn, hold,
                (SELECT count(*) FROM steps WHERE request_id = requests.id) AS steps,
                (SELECT count(*) FROM steps WHERE request_id = requests.id
                    AND steps.status IN ('done', 'skipped')) AS steps_done
           FROM json_each(:ids) AS wanted
           JOIN requests ON requests.id = wanted.value
           JOIN customers ON customers.id = requests.customer_id
           LEFT JOIN users ON users.id = requests.user_id
           LEFT JOIN users AS orderer ON orderer.id = by_id
           LEFT JOIN customer_services ON customer_services.id = customer_service_id
           LEFT JOIN services ON services.id = customer_services.service_id
          WHERE EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = requests.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY requests.id DESC",
        named_params! { ":ids": serde_json::to_string(ids)?, ":scope": scope },
        |row| {
            Ok(Row {
                id: row.get("id")?,
                title: row.get("title")?,
                event: row.get("event")?,
                status: row.get("status")?,
                reason: row.get("reason")?,
                warnings: row.get("warnings")?,
                customer: row.get("customer_id")?,
                customer_name: row.get("customer_name")?,
                user: row.get("user_id")?,
                user_name: row.get("user_name")?,
                service: row.get("service")?,
                service_name: row.get("service_name")?,
                by: row.get("by_id")?,
                by_name: row.get("by_name")?,
                created_at: row.get("created_at")?,
                started_at: row.get("started_at")?,
                ended_at: row.get("ended_at")?,
                steps: row.get("steps")?,
                steps_done: row.get("steps_done")?,
                queue: row.get("queue")?,
                turn: row.get("turn")?,
                hold: row.get("hold")?,
            })
        },
    )
}

/// Those within reach that failed last.
pub fn failed(db: &Read, scope: &Scope<RequestsRead>, most: i64) -> Result<Vec<Failed>> {
    db.all(
        "SELECT requests.id, requests.title, requests.reason, customers.name AS customer_name, requests.created_at,
                ended_at, services.name AS service_name
           FROM requests
           JOIN customers ON customers.id = requests.customer_id
           LEFT JOIN customer_services ON customer_services.id = customer_service_id
           LEFT JOIN services ON services.id = customer_services.service_id
          WHERE requests.id IN (
                SELECT id FROM requests INDEXED BY requests_failed_by_end
                 WHERE status = 'failed'
                   AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = requests.customer_id
                                  AND scope IN (SELECT value FROM json_each(:scope)))
                 ORDER BY ended_at DESC, id DESC LIMIT :most)
          ORDER BY ended_at DESC, requests.id DESC",
        named_params! { ":scope": scope, ":most": most },
        |row| {
            Ok(Failed {
                id: row.get("id")?,
                title: row.get("title")?,
                reason: row.get("reason")?,
                customer_name: row.get("customer_name")?,
                service_name: row.get("service_name")?,
                created_at: row.get("created_at")?,
                ended_at: row.get("ended_at")?,
            })
        },
    )
}

/// The steps of a request that the scope was asked for.
pub fn steps(db: &Read, id: RequestId) -> Result<Vec<Step>> {
    db.all(
        "SELECT steps.id, title, action, connectors.name AS connector, connector_id, status, attempts, error, error_class,
                started_at, ended_at, next_at
           FROM steps LEFT JOIN connectors ON connectors.id = connector_id
          WHERE request_id = :id
          ORDER BY seq",
        named_params! { ":id": id },
        |row| {
            Ok(Step {
                id: row.get("id")?,
                title: row.get("title")?,
                action: row.get("action")?,
                connector: row.get("connector")?,
                connector_id: row.get("connector_id")?,
                status: row.get("status")?,
                attempts: row.get("attempts")?,
                error: row.get("error")?,
                error_class: row.get("error_class")?,
                started_at: row.get("started_at")?,
                ended_at: row.get("ended_at")?,
                next_at: row.get("next_at")?,
                tries: Vec::new(),
            })
        },
    )
}

/// The request that this one is a part of.
pub fn whole(db: &Read, scope: &Scope<RequestsRead>, id: RequestId) -> Result<Option<Related>> {
    db.maybe(
        "SELECT whole.id, whole.title, whole.status, whole.reason, NULL AS forget
           FROM requests part JOIN requests whole ON whole.id = part.parent_id
          WHERE part.id = :id
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = whole.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":id": id, ":scope": scope },
        related,
    )
}

pub fn parts(db: &Read, scope: &Scope<RequestsRead>, id: RequestId) -> Result<Vec<Related>> {
    db.all(
        "SELECT requests.id, requests.title, requests.status, requests.reason,
                CASE WHEN requests.status NOT IN ('failed', 'cancelled') THEN NULL
                     WHEN user_services.wanted = 'gone' AND user_services.live <> 'gone'
                     THEN '/users/' || user_services.user_id || '/services/' || user_services.id || '/forget'
                     WHEN requests.user_service_id IS NULL AND customer_services.wanted = 'gone' AND customer_services.live <> 'gone'
                     THEN '/customers/' || requests.customer_id || '/services/' || customer_services.id || '/forget'
                END AS forget
           FROM requests
           LEFT JOIN user_services ON user_services.id = requests.user_service_id
           LEFT JOIN customer_services ON customer_services.id = requests.customer_service_id
          WHERE parent_id = :id
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = requests.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY requests.status <> 'failed', requests.status = 'done', requests.id LIMIT 200",
        named_params! { ":id": id, ":scope": scope },
        related,
    )
}

fn related(row: &rusqlite::Row) -> rusqlite::Result<Related> {
    Ok(Related {
        id: row.get("id")?,
        title: row.get("title")?,
        status: row.get("status")?,
        reason: row.get("reason")?,
        forget: row.get("forget")?,
    })
}

pub fn tries(db: &Read, step: i64) -> Result<Vec<Try>> {
    db.all(
        "SELECT number, started_at, ended_at, outcome, log FROM step_attempts
          WHERE step_id = :step ORDER BY number",
        named_params! { ":step": step },
        |row| {
            Ok(Try {
                number: row.get("number")?,
                started_at: row.get("started_at")?,
                ended_at: row.get("ended_at")?,
                outcome: row.get("outcome")?,
                log: row.get("log")?,
            })
        },
    )
}

pub fn hurdle(db: &Read, id: RequestId) -> Result<Hurdle> {
    db.one(
        "SELECT r.cancel_asked, r.next_at, r.hold, before.id AS blocked_id, before.title AS blocked_title,
                paused_at, coalesce(pauser.display_name, 'Portico') AS paused_by,
                (SELECT name FROM freezes WHERE r.hold = 'freeze' AND until_at = r.next_at LIMIT 1) AS freeze,
                (SELECT steps.title FROM steps WHERE request_id = r.id AND steps.status = 'waiting'
                                                 AND action = 'webhook.send' LIMIT 1) AS called,
                connectors.name AS connector, connectors.state, connectors.down_until,
                tasks.id AS task_id, tasks.title AS task_title,
                (SELECT here FROM lanes
                  WHERE r.turn = 'ready' AND lanes.queue = r.queue AND lanes.customer_id = r.customer_id
                    AND here >= per_customer LIMIT 1) AS full,
                (SELECT count(*) FROM steps WHERE connector_id = r.connector_id AND lease IS NOT NULL) >= per_connector AS busy,
                (SELECT coalesce(group_concat(users.display_name, ', '), '')
                   FROM approvals JOIN votes ON approval_id = approvals.id AND vote = ''
                        JOIN users ON users.id = votes.user_id
                  WHERE r.hold = 'approval' AND approvals.request_id = r.id AND approvals.state = 'open') AS asked
           FROM requests r
           LEFT JOIN tasks ON tasks.request_id = r.id AND tasks.state = 'open'
           JOIN queues ON queues.name = r.queue
           LEFT JOIN requests before ON before.id = r.blocked_id
           LEFT JOIN users pauser ON pauser.id = paused_by
           LEFT JOIN connectors ON connectors.id = r.connector_id
          WHERE r.id = :id",
        named_params! { ":id": id },
        |row| {
            let blocked: Option<RequestId> = row.get("blocked_id")?;
            let title: Option<String> = row.get("blocked_title")?;
            let connector: Option<String> = row.get("connector")?;
            let paused: Option<_> = row.get("paused_at")?;
            let task: Option<TaskId> = row.get("task_id")?;
            let task_title: Option<String> = row.get("task_title")?;
            let (who, until) = (row.get("paused_by")?, row.get("down_until")?);
            let state: Option<String> = row.get("state")?;
            Ok(Hurdle {
                blocked: blocked.zip(title),
                next_at: row.get("next_at")?,
                hold: row.get("hold")?,
                called: row.get("called")?,
                freeze: row.get("freeze")?,
                task: task.zip(task_title),
                paused_by: paused.map(|at| (who, at)),
                connector: connector.zip(state).map(|(name, state)| (name, state, until)),
                cancel_asked: row.get("cancel_asked")?,
                full: row.get("full")?,
                busy: row.get("busy")?,
                asked: row.get("asked")?,
            })
        },
    )
}

/// Every queue with what is in it.
pub fn queues(db: &Read) -> Result<Vec<Queue>> {
    db.all(
        "SELECT name, workers, per_customer, per_connector, paused_at, users.display_name AS paused_by,
                (SELECT coalesce(sum(ready), 0) FROM lanes WHERE lanes.queue = name) AS ready,
                (SELECT count(*) FROM requests WHERE turn = 'busy' AND +requests.queue = name) AS running,
                (SELECT count(*) FROM requests WHERE turn = 'sleeping' AND +requests.queue = name) AS sleeping,
                (SELECT count(*) FROM requests WHERE turn = 'blocked' AND requests.queue = name) AS blocked,
                (SELECT min(created_at) FROM requests WHERE turn = 'ready' AND requests.queue = name) AS oldest_at
           FROM queues LEFT JOIN users ON users.id = paused_by
          ORDER BY name",
        [],
        |row| {
            Ok(Queue {
                name: row.get("name")?,
                workers: row.get("workers")?,
                per_customer: row.get("per_customer")?,
                per_connector: row.get("per_connector")?,
                paused_at: row.get("paused_at")?,
                paused_by: row.get("paused_by")?,
                ready: row.get("ready")?,
                running: row.get("running")?,
                sleeping: row.get("sleeping")?,
                blocked: row.get("blocked")?,
                oldest_at: row.get("oldest_at")?,
            })
        },
    )
}

pub fn down(db: &Read) -> Result<Vec<Down>> {
    db.all(
        "SELECT id, name, down_since, down_until, last_error FROM connectors
          WHERE down_until IS NOT NULL AND state = 'active'
          ORDER BY down_since, id LIMIT 200",
        [],
        |row| {
            Ok(Down {
                id: row.get("id")?,
                name: row.get("name")?,
                since: row.get("down_since")?,
                until: row.get("down_until")?,
                error: row.get("last_error")?,
            })
        },
    )
}
