use crate::auth::permissions::{
    AuditRead, BillingRun, CatalogueWrite, ConnectorsRead, CustomersCreate, CustomersDomains,
    InvoicesWrite, JobsRead, MessagesRead, RequestsRead,
};
use crate::auth::{Breadth, Scope};
use crate::db::Read;
use crate::error::Result;
use crate::ids::{ConnectorId, CustomerId, RequestId, RunId};
use crate::time::{Date, Instant};
use rusqlite::{Row, named_params};

pub struct Failed {
    pub title: String,
    pub reason: String,
    pub customer: String,
}

/// What is told of a failed request.
pub fn failed_request(
    db: &Read,
    scope: &Scope<RequestsRead>,
    request: RequestId,
) -> Result<Option<Failed>> {
    db.maybe(
        "SELECT title, reason, customers.name
           FROM requests JOIN customers ON customers.id = customer_id
          WHERE requests.id = :request
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = requests.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":request": request, ":scope": scope },
        |row| {
            Ok(Failed {
                title: row.get("title")?,
                reason: row.get("reason")?,
                customer: row.get("name")?,
            })
        },
    )
}

pub fn down_connector(
    db: &Read,
    scope: &Scope<ConnectorsRead>,
) -> Result<Option<(ConnectorId, String, String)>> {
    db.maybe(
        "SELECT id, name, last_error
           FROM connectors
          WHERE down_since IS NOT NULL AND state = 'active'
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = connectors.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY down_since LIMIT 1",
        named_params! { ":scope": scope },
        |row| Ok((row.get("id")?, row.get("name")?, row.get("last_error")?)),
    )
}

/// A job whose latest run failed.
pub fn failed_job(db: &Read, scope: &Scope<JobsRead>) -> Result<Option<(RunId, String, String)>> {
    db.maybe(
        "SELECT runs.id, label, runs.error
           FROM jobs JOIN runs ON runs.id = (SELECT max(id) FROM runs WHERE job_id = jobs.id)
          WHERE runs.state = 'failed' AND :scope IS NOT NULL
          ORDER BY runs.id DESC LIMIT 1",
        named_params! { ":scope": scope },
        |row| Ok((row.get("id")?, row.get("label")?, row.get("error")?)),
    )
}

/// Mails given up within the last week, 99 at most.
pub fn failed_mails(db: &Read, scope: &Scope<MessagesRead>) -> Result<i64> {
    db.value(
        "SELECT count(*) FROM (
           SELECT 1 FROM messages INDEXED BY messages_failed
            WHERE state = 'failed' AND created_at > :since
              AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = messages.customer_id
                             AND scope IN (SELECT value FROM json_each(:scope)))
            LIMIT 99)",
        named_params! { ":scope": scope, ":since": db.now.plus_days(-7) },
    )
}

pub fn waiting_domains(
    db: &Read,
    scope: &Scope<CustomersDomains>,
) -> Result<Option<(i64, CustomerId, String)>> {
    db.maybe(
        "WITH waiting AS (
           SELECT id, customer_id, name
             FROM domains
            WHERE verified_at IS NULL
              AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = domains.customer_id
                             AND scope IN (SELECT value FROM json_each(:scope)))
            LIMIT 99)
         SELECT (SELECT count(*) FROM waiting) AS n, customer_id, name FROM waiting ORDER BY id LIMIT 1",
        named_params! { ":scope": scope },
        |row| Ok((row.get("n")?, row.get("customer_id")?, row.get("name")?)),
    )
}

/// The oldest period that ended within the last two months, has something to bill and no invoice.
pub fn period_without_invoices(db: &Read, scope: &Scope<BillingRun>) -> Result<Option<Date>> {
    db.maybe(
        "SELECT ends_on
           FROM periods
          WHERE ends_on < substr(:now, 1, 10) AND ends_on > substr(:since, 1, 10) AND :scope IS NOT NULL
            AND EXISTS (SELECT 1 FROM ledger_spans WHERE kind IN ('customer_service', 'user_service')
                           AND substr(begins_at, 1, 10) <= periods.ends_on
                           AND substr(ends_at, 1, 10) > periods.starts_on)
            AND NOT EXISTS (SELECT 1 FROM invoices WHERE period_end = periods.ends_on)
          ORDER BY ends_on LIMIT 1",
        named_params! { ":now": db.now, ":since": db.now.plus_days(-62), ":scope": scope },
        |row| row.get(0),
    )
}

/// Drafts whose buyer the scope reaches, 99 at most.
pub fn drafts(db: &Read, scope: &Scope<InvoicesWrite>) -> Result<i64> {
    db.value(
        "SELECT count(*) FROM (
           SELECT 1 FROM invoices
            WHERE state = 'draft'
              AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = invoices.buyer_id
                             AND scope IN (SELECT value FROM json_each(:scope)))
            LIMIT 99)",
        named_params! { ":scope": scope },
    )
}

pub fn sells_anything(db: &Read, scope: &Scope<CatalogueWrite>) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM services WHERE builtin = 0 AND :scope IS NOT NULL)",
        named_params! { ":scope": scope },
    )
}

pub fn has_customers(db: &Read, scope: &Scope<CustomersCreate>) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM reach
                         WHERE customer_id <> 1 AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":scope": scope },
    )
}

pub struct Done {
    pub at: Instant,
    pub action: String,
    pub customer: String,
    pub person: Option<String>,
    /// What a request was for.
    pub title: Option<String>,
}

/// The last things that were changed within reach: of few customers the last of each, of many by a
/// walk back over what lately happened.
pub fn lately(db: &Read, scope: &Scope<AuditRead>) -> Result<Vec<Done>> {
    let params = named_params! { ":scope": scope };
    if scope.breadth(db)? == Breadth::Narrow {
        return db.all(
            "SELECT audit_log.at, action, customers.name AS customer, users.display_name AS person,
                    (SELECT title FROM requests WHERE subject_kind = 'request' AND requests.id = subject_id) AS title
               FROM (SELECT last.id
                       FROM (SELECT DISTINCT customer_id FROM reach
                              WHERE scope IN (SELECT value FROM json_each(:scope))) AS few
                       JOIN audit_log AS last INDEXED BY audit_log_by_customer
                         ON last.customer_id = few.customer_id AND last.id IN (
                            SELECT own.id FROM audit_log own
                             WHERE own.customer_id = few.customer_id ORDER BY own.id DESC LIMIT 12)
                      ORDER BY last.id DESC LIMIT 12) AS latest
               JOIN audit_log ON audit_log.id = latest.id
               JOIN customers ON customers.id = audit_log.customer_id
               LEFT JOIN users ON users.id = audit_log.user_id
              ORDER BY audit_log.id DESC LIMIT 12",
            params,
            done,
        );
    }
    db.all(
        "SELECT audit_log.at, action, customers.name AS customer, users.display_name AS person,
                (SELECT title FROM requests WHERE subject_kind = 'request' AND requests.id = subject_id) AS title
           FROM audit_log
           JOIN customers ON customers.id = audit_log.customer_id
           LEFT JOIN users ON users.id = audit_log.user_id
          WHERE audit_log.id > (SELECT coalesce(max(id), 0) - 2000 FROM audit_log)
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = audit_log.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY audit_log.id DESC LIMIT 12",
        params,
        done,
    )
}

fn done(row: &Row) -> rusqlite::Result<Done> {
    Ok(Done {
        at: row.get("at")?,
        action: row.get("action")?,
        customer: row.get("customer")?,
        person: row.get("person")?,
        title: row.get("title")?,
    })
}
