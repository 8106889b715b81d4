use crate::db::{Read, Write};
use crate::engine::{Action, Class, Job, OnError, Status};
use crate::error::Result;
use crate::ids::{
    ConnectorId, CustomerId, CustomerServiceId, RequestId, StepId, UserId, UserServiceId,
};
use crate::time::Instant;
use rusqlite::named_params;
use serde_json::Value;

/// Where work was found: the first lane in order.
#[derive(Debug)]
pub struct Lane {
    pub connector: i64,
    pub class: Class,
    pub customer: CustomerId,
}

/// A request that is about to be taken.
pub struct Candidate {
    pub id: RequestId,
    pub customer: CustomerId,
    pub user: Option<UserId>,
    pub customer_service: Option<CustomerServiceId>,
    pub event: String,
    pub status: Status,
    pub cancel_asked: bool,
    pub reason: String,
    pub deadline_at: Instant,
    /// The one it waits for by order, its title and state.
    pub after: Option<(RequestId, String, Status)>,
    /// A window that holds it now.
    pub frozen_until: Option<Instant>,
}

/// A step with what deciding about it needs.
pub struct Step {
    pub id: StepId,
    pub request: RequestId,
    pub title: String,
    pub action: Action,
    pub connector: Option<ConnectorId>,
    pub params: Value,
    pub on_error: OnError,
    pub attempts: i64,
    pub interruptions: i64,
    /// Attempts that do not count.
    pub spent: i64,
    /// Judged before it begins; empty: it always does.
    pub condition: String,
    pub tries: Option<i64>,
    /// Seconds, where it is not the connector's.
    pub time_limit: Option<i64>,
    /// It waited for a person or the clock.
    pub waited: bool,
}

/// How a connector is doing, while it is being counted.
pub struct Health {
    pub customer: CustomerId,
    pub failures: i64,
    pub down_until: Option<Instant>,
}

pub fn queues(db: &Read) -> Result<Vec<(String, i64)>> {
    db.all("SELECT name, workers FROM queues ORDER BY name", [], |row| {
        Ok((row.get("name")?, row.get("workers")?))
    })
}

/// The first lane of `queue` whose connector can be used now: one after its breaker is tried with
/// one step at a time.
pub fn first_lane(db: &Read, queue: &str) -> Result<Option<Lane>> {
    db.maybe(
        "WITH RECURSIVE present (connector_id) AS (
           SELECT min(connector_id) FROM lanes WHERE queue = :queue
           UNION ALL
           SELECT (SELECT min(connector_id) FROM lanes WHERE queue = :queue AND connector_id > present.connector_id)
             FROM present WHERE present.connector_id IS NOT NULL
         ), open (connector_id) AS (
           SELECT present.connector_id
             FROM present LEFT JOIN connectors ON connectors.id = present.connector_id
            WHERE present.connector_id = 0
               OR state = 'gone'
               OR (state = 'active' AND (down_until IS NULL OR down_until <= :now)
                   AND (rests_until IS NULL OR rests_until <= :now)
                   AND (SELECT count(*) FROM steps WHERE connector_id = connectors.id AND lease IS NOT NULL)
                       < CASE WHEN failures >= 5 THEN 1 ELSE (SELECT per_connector FROM queues WHERE name = :queue) END)
         )
         SELECT lanes.connector_id, class, customer_id
           FROM open JOIN lanes
             ON (lanes.queue, lanes.connector_id, lanes.rank, lanes.customer_id) =
                (SELECT best.queue, best.connector_id, best.rank, best.customer_id
                   FROM lanes best
                  WHERE best.queue = :queue AND best.connector_id = open.connector_id
                    AND best.here < (SELECT per_customer FROM queues WHERE name = :queue)
                  ORDER BY best.rank, best.running, best.served, best.customer_id LIMIT 1)
          WHERE NOT EXISTS (SELECT 1 FROM queues WHERE name = :queue AND paused_at IS NOT NULL)
          ORDER BY rank, running, served, customer_id LIMIT 1",
        named_params! { ":queue": queue, ":now": db.now },
        |row| {
            Ok(Lane {
                connector: row.get("connector_id")?,
                class: row.get("class")?,
                customer: row.get("customer_id")?,
            })
        },
    )
}

pub fn first_of_lane(db: &Read, queue: &str, lane: &Lane) -> Result<RequestId> {
    db.value(
        "SELECT id FROM requests
          WHERE turn = 'ready' AND queue = :queue AND connector_id IS nullif(:connector, 0)
            AND class = :class AND customer_id = :customer
          ORDER BY id LIMIT 1",
        named_params! {
            ":queue": queue, ":connector": lane.connector, ":class": lane.class, ":customer": lane.customer,
        },
    )
}

pub fn is_ready(db: &Read, id: RequestId) -> Result<bool> {
    db.value("SELECT turn = 'ready' FROM requests WHERE id = ?1", [id])
}

/// Moves a customer to the end of its kind.
pub fn served(tx: &Write, customer: CustomerId, count: i64) -> Result<()> {
    tx.run(
        "UPDATE lanes SET served = :count WHERE customer_id = :customer",
        named_params! { ":count": count, ":customer": customer },
    )?;
    Ok(())
}

pub fn candidate(db: &Read, id: RequestId) -> Result<Candidate> {
    db.one(
        "SELECT r.id, r.customer_id, r.user_id, r.customer_service_id, r.event, r.status,
                r.cancel_asked, r.reason, r.deadline_at, before.id AS after_id,
                coalesce(before.title, '') AS after_title, coalesce(before.status, 'done') AS after_status,
                (SELECT max(until_at) FROM freezes
                  WHERE until_at > :now AND from_at <= :now
                    AND (lets = 'nothing' OR r.class <> 'security') AND (freezes.queue IS NULL OR freezes.queue = r.queue)
                    AND (freezes.service_id IS NULL
                         OR freezes.service_id = (SELECT service_id FROM customer_services
                                                   WHERE customer_services.id = r.customer_service_id))
                    AND EXISTS (SELECT 1 FROM customer_tree WHERE above = freezes.customer_id AND below = r.customer_id)) AS frozen_until
           FROM requests r LEFT JOIN requests before ON before.id = r.after_id
          WHERE r.id = :id",
        named_params! { ":id": id, ":now": db.now },
        |row| {
            let after: Option<RequestId> = row.get("after_id")?;
            let (title, status) = (row.get("after_title")?, row.get("after_status")?);
            Ok(Candidate {
                id: row.get("id")?,
                customer: row.get("customer_id")?,
                user: row.get("user_id")?,
                customer_service: row.get("customer_service_id")?,
                event: row.get("event")?,
                status: row.get("status")?,
                cancel_asked: row.get("cancel_asked")?,
                reason: row.get("reason")?,
                deadline_at: row.get("deadline_at")?,
                after: after.map(|id| (id, title, status)),
                frozen_until: row.get("frozen_until")?,
            })
        },
    )
}

/// The open request that this one may not run beside: an earlier one, or one that runs already. It
/// holds its own subject alone, and what is above that together with others.
pub fn in_the_way(db: &Read, it: &Candidate) -> Result<Option<RequestId>> {
    let found = match (it.user, it.customer_service) {
        (Some(user), _) => other_of_user(db, it, user)?,
        (None, Some(service)) => other_below_service(db, it, service)?,
        (None, None) => return other_of_customer(db, it),
    };
    match found {
        Some(id) => Ok(Some(id)),
        None => above(db, it),
    }
}

fn other_of_user(db: &Read, it: &Candidate, user: UserId) -> Result<Option<RequestId>> {
    db.maybe(
        "SELECT id FROM (
           SELECT * FROM (SELECT id FROM requests
                           WHERE user_id = :user AND turn <> 'over' AND id < :id AND hold NOT IN ('person', 'wait', 'approval', 'brake')
                           ORDER BY id DESC LIMIT 1)
           UNION ALL
           SELECT * FROM (SELECT id FROM requests
                           WHERE user_id = :user AND status = 'running' AND id > :id LIMIT 1))
          LIMIT 1",
        named_params! { ":user": user, ":id": it.id },
        |row| row.get("id"),
    )
}

fn other_below_service(
    db: &Read,
    it: &Candidate,
    service: CustomerServiceId,
) -> Result<Option<RequestId>> {
    db.maybe(
        "SELECT id FROM (
           SELECT * FROM (SELECT id FROM requests
                           WHERE customer_service_id = :service AND turn <> 'over' AND id < :id
                             AND hold NOT IN ('person', 'wait', 'approval', 'brake')
                           ORDER BY id DESC LIMIT 1)
           UNION ALL
           SELECT * FROM (SELECT id FROM requests
                           WHERE customer_id = :customer AND customer_service_id = :service
                             AND status = 'running' AND id > :id LIMIT 1))
          LIMIT 1",
        named_params! { ":service": service, ":customer": it.customer, ":id": it.id },
        |row| row.get("id"),
    )
}

fn other_of_customer(db: &Read, it: &Candidate) -> Result<Option<RequestId>> {
    db.maybe(
        "SELECT id FROM (
           SELECT * FROM (SELECT id FROM requests
                           WHERE customer_id = :customer AND turn <> 'over' AND id < :id AND hold NOT IN ('person', 'wait', 'approval', 'brake')
                           ORDER BY id DESC LIMIT 1)
           UNION ALL
           SELECT * FROM (SELECT id FROM requests
                           WHERE customer_id = :customer AND status = 'running' AND id > :id LIMIT 1))
          LIMIT 1",
        named_params! { ":customer": it.customer, ":id": it.id },
        |row| row.get("id"),
    )
}

/// One that holds the customer service or the customer for itself.
fn above(db: &Read, it: &Candidate) -> Result<Option<RequestId>> {
    let service = match it.user {
        Some(_) => it.customer_service,
        None => None,
    };
    let of_service = db.maybe(
        "SELECT id FROM requests
          WHERE customer_id = :customer AND customer_service_id = :service AND user_id IS NULL
            AND id IS NOT (SELECT parent_id FROM requests WHERE id = :id)
            AND turn <> 'over' AND id <> :id AND hold NOT IN ('person', 'wait', 'approval', 'brake') AND (id < :id OR status = 'running')
          ORDER BY id DESC LIMIT 1",
        named_params! { ":customer": it.customer, ":service": service, ":id": it.id },
        |row| row.get("id"),
    )?;
    if of_service.is_some() {
        return Ok(of_service);
    }
    db.maybe(
        "SELECT id FROM requests
          WHERE customer_id = :customer AND customer_service_id IS NULL AND user_id IS NULL
            AND turn <> 'over' AND id <> :id AND hold NOT IN ('person', 'wait', 'approval', 'brake') AND (id < :id OR status = 'running')
          ORDER BY id DESC LIMIT 1",
        named_params! { ":customer": it.customer, ":id": it.id },
        |row| row.get("id"),
    )
}

/// Whoever waits for something that waits for a person gives up its place in the order too.
pub fn block(tx: &Write, id: RequestId, by: RequestId) -> Result<()> {
    tx.run(
        "UPDATE requests
            SET turn = 'blocked', blocked_id = :by, version = version + 1,
                hold = coalesce((SELECT before.hold FROM requests AS before
                                  WHERE before.id = :by AND before.hold IN ('person', 'wait')), '')
          WHERE id = :id",
        named_params! { ":id": id, ":by": by },
    )?;
    Ok(())
}

/// Holds a request until a window is over; its time does not run meanwhile.
pub fn freeze(tx: &Write, id: RequestId, until: Instant, deadline: Instant) -> Result<()> {
    tx.run(
        "UPDATE requests
            SET turn = 'sleeping', hold = 'freeze', next_at = :until, deadline_at = max(deadline_at, :deadline),
                version = version + 1
          WHERE id = :id",
        named_params! { ":id": id, ":until": until, ":deadline": deadline },
    )?;
    Ok(())
}

/// The step that comes next.
pub fn next_step(db: &Read, request: RequestId) -> Result<Option<Step>> {
    db.maybe(
        "SELECT id, request_id, title, action, connector_id, params, on_error, attempts, interruptions, spent,
                condition, tries, time_limit, status = 'waiting' AS waited
           FROM steps
          WHERE request_id = :request AND status IN ('pending', 'waiting')
          ORDER BY seq LIMIT 1",
        named_params! { ":request": request },
        step,
    )
}

/// The step that the holder of `lease` has; none once the lease is another's or nobody's.
pub fn leased(db: &Read, id: StepId, lease: &str) -> Result<Option<Step>> {
    db.maybe(
        "SELECT id, request_id, title, action, connector_id, params, on_error, attempts, interruptions, spent,
                condition, tries, time_limit, status = 'waiting' AS waited
           FROM steps
          WHERE id = :id AND lease = :lease",
        named_params! { ":id": id, ":lease": lease },
        step,
    )
}

fn step(row: &rusqlite::Row) -> rusqlite::Result<Step> {
    Ok(Step {
        id: row.get("id")?,
        request: row.get("request_id")?,
        title: row.get("title")?,
        action: row.get("action")?,
        connector: row.get("connector_id")?,
        params: serde_json::from_str(&row.get::<_, String>("params")?).unwrap_or_default(),
        on_error: row.get("on_error")?,
        attempts: row.get("attempts")?,
        interruptions: row.get("interruptions")?,
        spent: row.get("spent")?,
        condition: row.get("condition")?,
        tries: row.get("tries")?,
        time_limit: row.get("time_limit")?,
        waited: row.get("waited")?,
    })
}

/// Gives the step to one worker until `until`; says which attempt it is.
pub fn lease(tx: &Write, step: &Step, lease: &str, boot: &str, until: Instant) -> Result<i64> {
    let attempt: i64 = tx.change(
        "UPDATE steps
            SET status = 'running', attempts = attempts + 1, next_at = NULL, lease = :lease,
                lease_until = :until, lease_boot = :boot, started_at = coalesce(started_at, :now)
          WHERE id = :id AND lease IS NULL
         RETURNING attempts",
        named_params! {
            ":id": step.id, ":lease": lease, ":boot": boot, ":until": until, ":now": tx.now,
        },
    )?;
    tx.run(
        "INSERT INTO step_attempts (step_id, number, started_at) VALUES (:step, :number, :now)",
        named_params! { ":step": step.id, ":number": attempt, ":now": tx.now },
    )?;
    tx.run(
        "UPDATE requests
            SET status = 'running', turn = 'busy', connector_id = :connector, next_at = :now,
                started_at = coalesce(started_at, :now), version = version + 1
          WHERE id = :id",
        named_params! { ":id": step.request, ":connector": step.connector, ":now": tx.now },
    )?;
    Ok(attempt)
}

/// Writes how the present attempt ended.
pub fn close_attempt(tx: &Write, step: &Step, outcome: &str, log: &str) -> Result<()> {
    tx.run(
        "UPDATE step_attempts SET ended_at = :now, outcome = :outcome, log = :log
          WHERE step_id = :step AND number = :number",
        named_params! {
            ":step": step.id, ":number": step.attempts, ":now": tx.now, ":outcome": outcome, ":log": log,
        },
    )?;
    Ok(())
}

pub fn step_done(tx: &Write, step: &Step, outputs: &str) -> Result<()> {
    tx.run(
        "UPDATE steps
            SET status = 'done', lease = NULL, lease_until = NULL, lease_boot = NULL, outputs = :outputs,
                params = CASE action WHEN 'dir.password' THEN json_remove(params, '$.value') ELSE params END,
                error = '', error_class = '', ended_at = :now
          WHERE id = :id",
        named_params! { ":id": step.id, ":outputs": outputs, ":now": tx.now },
    )?;
    Ok(())
}

/// How many gifts of rules led to a request, one from the other.
pub fn gifts_before(db: &Read, request: RequestId) -> Result<i64> {
    db.value(
        "WITH RECURSIVE before (request_id, n) AS (
           SELECT ?1, 0
            UNION ALL
           SELECT steps.request_id, n + 1 FROM before JOIN steps ON gave_id = before.request_id WHERE n < 10)
         SELECT max(n) FROM before",
        [request],
    )
}

pub fn gave(tx: &Write, step: &Step, request: RequestId) -> Result<usize> {
    tx.run("UPDATE steps SET gave_id = ?2 WHERE id = ?1", (step.id, request))
}

pub fn step_failed(tx: &Write, step: &Step, class: &str, text: &str) -> Result<()> {
    tx.run(
        "UPDATE steps
            SET status = 'failed', lease = NULL, lease_until = NULL, lease_boot = NULL, next_at = NULL,
                params = CASE action WHEN 'dir.password' THEN json_remove(params, '$.value') ELSE params END,
                error = :text, error_class = :class, ended_at = :now
          WHERE id = :id",
        named_params! { ":id": step.id, ":class": class, ":text": text, ":now": tx.now },
    )?;
    Ok(())
}

/// Its condition does not hold; `text` has the values that decided.
pub fn step_skipped(tx: &Write, step: &Step, text: &str) -> Result<()> {
    tx.run(
        "UPDATE steps SET status = 'skipped', error = :text, started_at = :now, ended_at = :now WHERE id = :id",
        named_params! { ":id": step.id, ":text": text, ":now": tx.now },
    )?;
    Ok(())
}

/// Puts a step off until `at` without holding up anybody; the request's time does not run meanwhile.
pub fn park(tx: &Write, step: &Step, hold: &str, at: Instant, deadline: Instant) -> Result<()> {
    tx.run(
        "UPDATE steps SET status = 'waiting', next_at = :at, started_at = coalesce(started_at, :now)
          WHERE id = :id",
        named_params! { ":id": step.id, ":at": at, ":now": tx.now },
    )?;
    tx.run(
        "UPDATE requests
            SET status = 'queued', turn = 'sleeping', hold = :hold, next_at = :at, deadline_at = :deadline,
                connector_id = NULL, started_at = coalesce(started_at, :now), version = version + 1
          WHERE id = :id",
        named_params! {
            ":id": step.request, ":hold": hold, ":at": at, ":deadline": deadline, ":now": tx.now,
        },
    )?;
    Ok(())
}

/// Gives a step back that is answered later, by `at` at the latest; it holds up nobody meanwhile.
pub fn await_callback(tx: &Write, step: &Step, at: Instant, deadline: Instant) -> Result<()> {
    tx.run(
        "UPDATE steps SET lease = NULL, lease_until = NULL, lease_boot = NULL WHERE id = ?1",
        [step.id],
    )?;
    park(tx, step, "wait", at, deadline)
}

/// Back to be tried again from `at` on.
pub fn step_again(
    tx: &Write,
    step: &Step,
    (class, text): (&str, &str),
    at: Instant,
    interrupted: bool,
) -> Result<()> {
    tx.run(
        "UPDATE steps
            SET status = 'pending', lease = NULL, lease_until = NULL, lease_boot = NULL, next_at = :at,
                error = :text, error_class = :class, interruptions = interruptions + :interrupted,
                spent = spent + :interrupted
          WHERE id = :id",
        named_params! {
            ":id": step.id, ":at": at, ":class": class, ":text": text, ":interrupted": interrupted,
        },
    )?;
    Ok(())
}

/// The request goes on from `at`, through the connector of the step that comes next.
pub fn continue_at(tx: &Write, id: RequestId, at: Instant) -> Result<()> {
    tx.run(
        "UPDATE requests
            SET turn = CASE WHEN :at > :now THEN 'sleeping' ELSE 'ready' END, next_at = :at,
                connector_id = (SELECT connector_id FROM steps
                                 WHERE request_id = requests.id AND status = 'pending' ORDER BY seq LIMIT 1),
                version = version + 1
          WHERE id = :id",
        named_params! { ":id": id, ":at": at, ":now": tx.now },
    )?;
    Ok(())
}

pub fn warn(tx: &Write, id: RequestId) -> Result<()> {
    tx.run("UPDATE requests SET warnings = warnings + 1 WHERE id = ?1", [id])?;
    Ok(())
}

pub fn health(db: &Read, id: ConnectorId) -> Result<Health> {
    db.one(
        "SELECT customer_id, failures, down_until FROM connectors WHERE id = :id",
        named_params! { ":id": id },
        |row| {
            Ok(Health {
                customer: row.get("customer_id")?,
                failures: row.get("failures")?,
                down_until: row.get("down_until")?,
            })
        },
    )
}

pub fn set_health(
    tx: &Write,
    id: ConnectorId,
    failures: i64,
    until: Option<Instant>,
    error: &str,
) -> Result<()> {
    tx.run(
        "UPDATE connectors
            SET failures = :failures, down_until = :until, last_error = :error,
                down_since = CASE WHEN :until IS NULL THEN NULL ELSE coalesce(down_since, :now) END
          WHERE id = :id",
        named_params! {
            ":id": id, ":failures": failures, ":until": until, ":error": error, ":now": tx.now,
        },
    )?;
    Ok(())
}

/// Whether work of another queue waits for this connector.
pub fn wanted_elsewhere(db: &Read, id: ConnectorId, request: RequestId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM queues CROSS JOIN lanes ON lanes.queue = queues.name
                         WHERE connector_id = :id AND queue <> (SELECT queue FROM requests WHERE id = :request))",
        named_params! { ":id": id, ":request": request },
    )
}

/// When the clock next has something to do: a retry, the end of a lease, of a breaker, of a deadline.
pub fn next_due(db: &Read) -> Result<Option<Instant>> {
    db.value(
        "SELECT min(at) FROM (
           SELECT min(next_at) AS at FROM requests WHERE turn = 'sleeping' AND next_at > :now
           UNION ALL SELECT min(lease_until) FROM steps WHERE lease IS NOT NULL AND lease_until > :now
           UNION ALL SELECT min(down_until) FROM connectors WHERE down_until > :now
           UNION ALL SELECT min(rests_until) FROM connectors WHERE rests_until > :now
           UNION ALL SELECT min(deadline_at) FROM requests WHERE turn <> 'over' AND deadline_at > :now)",
        named_params! { ":now": db.now },
    )
}

/// Wakes all whose time has come; says how many.
pub fn wake_sleepers(tx: &Write) -> Result<usize> {
    tx.run(
        "UPDATE requests SET turn = 'ready', hold = '', version = version + 1
          WHERE turn = 'sleeping' AND next_at <= :now",
        named_params! { ":now": tx.now },
    )
}

pub fn sleepers_are_due(db: &Read) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM requests WHERE turn = 'sleeping' AND next_at <= :now)",
        named_params! { ":now": db.now },
    )
}

/// Steps whose lease has run out, with the lease.
pub fn run_out(db: &Read) -> Result<Vec<(StepId, String)>> {
    db.all(
        "SELECT id, lease FROM steps WHERE lease IS NOT NULL AND lease_until < :now",
        named_params! { ":now": db.now },
        |row| Ok((row.get("id")?, row.get("lease")?)),
    )
}

/// Steps that a process had which is no more, with the lease.
pub fn of_other_boots(db: &Read, boot: &str) -> Result<Vec<(StepId, String)>> {
    db.all(
        "SELECT id, lease FROM steps WHERE lease IS NOT NULL AND lease_boot <> :boot",
        named_params! { ":boot": boot },
        |row| Ok((row.get("id")?, row.get("lease")?)),
    )
}

/// Open requests whose time is over and that no worker has, some of them. What a person holds up
/// by a pause is not counted.
pub fn overdue(db: &Read) -> Result<Vec<RequestId>> {
    db.all(
        "SELECT id FROM requests
          WHERE turn <> 'over' AND deadline_at <= :now AND turn <> 'busy'
            AND queue NOT IN (SELECT name FROM queues WHERE paused_at IS NOT NULL)
            AND NOT EXISTS (SELECT 1 FROM connectors WHERE connectors.id = connector_id AND state = 'paused')
            AND NOT EXISTS (SELECT 1 FROM requests AS before
                             WHERE before.id = requests.blocked_id AND before.status = 'waiting_approval')
          LIMIT 100",
        named_params! { ":now": db.now },
        |row| row.get("id"),
    )
}

pub fn time_zone(db: &Read, customer: CustomerId) -> Result<String> {
    db.value("SELECT time_zone FROM customers WHERE id = ?1", [customer])
}

/// A setting of the subject that Portico alone writes.
pub struct Output {
    property: i64,
    pub kind: String,
    customer_service: Option<CustomerServiceId>,
    user_service: Option<UserServiceId>,
}

pub fn output(db: &Read, job: &Job, name: &str) -> Result<Option<Output>> {
    db.maybe(
        "SELECT properties.id, properties.type, level
           FROM customer_services
           JOIN properties ON properties.service_id = customer_services.service_id
          WHERE customer_services.id = :customer_service AND properties.name = :name AND use = 'output'
            AND (level = 'customer' OR :user_service IS NOT NULL)",
        named_params! {
            ":customer_service": job.customer_service, ":user_service": job.user_service, ":name": name,
        },
        |row| {
            let of_user = row.get::<_, String>("level")? == "user";
            Ok(Output {
                property: row.get("id")?,
                kind: row.get("type")?,
                customer_service: job.customer_service.filter(|_| !of_user),
                user_service: job.user_service.filter(|_| of_user),
            })
        },
    )
}

pub fn clear_output(tx: &Write, output: &Output) -> Result<()> {
    tx.run(
        "DELETE FROM property_values
          WHERE property_id = :property AND plan_id IS NULL AND customer_service_id IS :customer_service
            AND user_service_id IS :user_service AND holder IN ('customer_service', 'user_service')",
        named_params! {
            ":property": output.property, ":customer_service": output.customer_service,
            ":user_service": output.user_service,
        },
    )?;
    Ok(())
}

pub fn set_output(tx: &Write, output: &Output, value: &str) -> Result<()> {
    clear_output(tx, output)?;
    tx.run(
        "INSERT INTO property_values (property_id, holder, customer_service_id, user_service_id, value, set_at)
         VALUES (:property, iif(:user_service IS NULL, 'customer_service', 'user_service'), :customer_service,
                 :user_service, :value, :now)",
        named_params! {
            ":property": output.property, ":customer_service": output.customer_service,
            ":user_service": output.user_service, ":value": value, ":now": tx.now,
        },
    )?;
    Ok(())
}

/// From when a user needs a second factor; whether that is new.
pub fn ask_for_factor(tx: &Write, user: UserId, from: Option<Instant>) -> Result<bool> {
    let changed = tx.run(
        "UPDATE users SET factor_from = :from
          WHERE id = :id AND (factor_from IS NULL) <> (:from IS NULL)",
        named_params! { ":id": user, ":from": from },
    )?;
    Ok(changed > 0)
}

/// Makes `customer` a reseller, or no longer one.
pub fn set_reseller(tx: &Write, customer: CustomerId, on: bool) -> Result<bool> {
    let changed = tx.run(
        "UPDATE customers SET reseller = :on, version = version + 1, changed_at = :now
          WHERE id = :id AND reseller <> :on",
        named_params! { ":id": customer, ":on": on, ":now": tx.now },
    )?;
    Ok(changed > 0)
}

/// Whether the next step of a running request may begin at once: its queue goes on, and its
/// connector can be used.
pub fn may_start(db: &Read, request: RequestId, connector: Option<ConnectorId>) -> Result<bool> {
    db.value(
        "SELECT NOT EXISTS (SELECT 1 FROM requests JOIN queues ON queues.name = queue
                             WHERE requests.id = :request AND (paused_at IS NOT NULL OR deadline_at <= :now))
            AND NOT EXISTS (SELECT 1 FROM freezes WHERE until_at > :now AND from_at <= :now)
            AND (:connector IS NULL
                 OR EXISTS (SELECT 1 FROM connectors
                             WHERE id = :connector AND state <> 'paused'
                               AND (down_until IS NULL OR down_until <= :now)
                               AND (rests_until IS NULL OR rests_until <= :now)
                               AND (SELECT count(*) FROM steps WHERE connector_id = :connector AND lease IS NOT NULL)
                                   < CASE WHEN failures >= 5 THEN 1
                                          ELSE (SELECT per_connector FROM requests JOIN queues ON queues.name = queue
                                                 WHERE requests.id = :request) END))",
        named_params! { ":request": request, ":connector": connector, ":now": db.now },
    )
}

/// Counts a step that begins; as many as may be in a minute are followed by a rest until it is over.
pub fn count_call(tx: &Write, id: ConnectorId) -> Result<()> {
    tx.run(
        "UPDATE connectors
            SET minute_calls = CASE WHEN minute_began > :before THEN minute_calls + 1 ELSE 1 END,
                minute_began = CASE WHEN minute_began > :before THEN minute_began ELSE :now END
          WHERE id = :id",
        named_params! { ":id": id, ":before": tx.now.plus_seconds(-60), ":now": tx.now },
    )?;
    tx.run(
        "UPDATE connectors SET rests_until = strftime('%Y-%m-%dT%H:%M:%SZ', minute_began, '+60 seconds')
          WHERE id = :id AND minute_calls >= calls_per_minute",
        named_params! { ":id": id },
    )?;
    Ok(())
}

/// The end of the breaker or the rest that ended last.
pub fn last_breaker(db: &Read) -> Result<Option<Instant>> {
    db.value(
        "SELECT max(max(coalesce(down_until, '')), max(coalesce(rests_until, ''))) FROM connectors
          WHERE down_until <= :now OR rests_until <= :now",
        named_params! { ":now": db.now },
    )
}
