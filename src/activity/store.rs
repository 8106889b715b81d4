//! The audit log, newest first. Three statements for three ways to find rows: by what was changed, by
//! the few customers within reach, or along the log itself.

use super::{Entry, Filter};
use crate::auth::permissions::AuditRead;
use crate::auth::{Breadth, Scope};
use crate::db::{Read, beginning};
use crate::error::Result;
use crate::time::Zone;
use crate::web::Paging;
use rusqlite::{Row, named_params};

pub fn list(
    db: &Read,
    scope: &Scope<AuditRead>,
    filter: &Filter,
    zone: &Zone,
    paging: &Paging,
) -> Result<Vec<Entry>> {
    let before = if paging.is_first() { i64::MAX } else { paging.id() };
    let action = beginning(&filter.action);
    let from = filter.from.map(|day| day.start(zone));
    let until = filter.to.map(|day| day.plus_days(1).start(zone));
    if let Some((kind, id)) = &filter.subject {
        return db.all(
            "SELECT audit_log.id, at, user_id, users.display_name AS user,
                    (SELECT other.display_name FROM users AS other WHERE other.id = acting_for) AS acting_for, via, action, subject_kind, subject_id,
                    audit_log.customer_id, customers.name AS customer, detail
               FROM audit_log
               JOIN customers ON customers.id = audit_log.customer_id
               LEFT JOIN users ON users.id = user_id
              WHERE subject_kind = :kind AND subject_id = :subject AND audit_log.id < :before
                AND action LIKE :action ESCAPE '\\' AND (:user IS NULL OR user_id = :user)
                AND (:customer IS NULL OR audit_log.customer_id = :customer)
                AND (:from IS NULL OR at >= :from) AND (:until IS NULL OR at < :until)
                AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = audit_log.customer_id
                               AND scope IN (SELECT value FROM json_each(:scope)))
              ORDER BY audit_log.id DESC LIMIT :limit",
            named_params! {
                ":kind": kind, ":subject": id, ":before": before, ":action": action, ":user": filter.user,
                ":customer": filter.customer, ":from": from, ":until": until, ":scope": scope,
                ":limit": paging.fetch(),
            },
            entry,
        );
    }
    let params = named_params! {
        ":before": before, ":action": action, ":user": filter.user, ":customer": filter.customer,
        ":from": from, ":until": until, ":scope": scope, ":limit": paging.fetch(),
    };
    if filter.customer.is_some() || scope.breadth(db)? == Breadth::Narrow {
        return db.all(
            "SELECT audit_log.id, at, user_id, users.display_name AS user,
                    (SELECT other.display_name FROM users AS other WHERE other.id = acting_for) AS acting_for, via, action, subject_kind, subject_id,
                    audit_log.customer_id, customers.name AS customer, detail
               FROM audit_log
               JOIN customers ON customers.id = audit_log.customer_id
               LEFT JOIN users ON users.id = user_id
              WHERE audit_log.id < :before AND action LIKE :action ESCAPE '\\'
                AND (:user IS NULL OR user_id = :user)
                AND (:from IS NULL OR at >= :from) AND (:until IS NULL OR at < :until)
                AND audit_log.customer_id IN (SELECT customer_id FROM reach
                                               WHERE scope IN (SELECT value FROM json_each(:scope))
                                                 AND (:customer IS NULL OR customer_id = :customer))
              ORDER BY audit_log.id DESC LIMIT :limit",
            params,
            entry,
        );
    }
    db.all(
        "SELECT audit_log.id, at, user_id, users.display_name AS user,
                    (SELECT other.display_name FROM users AS other WHERE other.id = acting_for) AS acting_for, via, action, subject_kind, subject_id,
                audit_log.customer_id, customers.name AS customer, detail
           FROM audit_log
           JOIN customers ON customers.id = audit_log.customer_id
           LEFT JOIN users ON users.id = user_id
          WHERE audit_log.id < :before AND action LIKE :action ESCAPE '\\'
            AND (:user IS NULL OR user_id = :user) AND (:customer IS NULL OR audit_log.customer_id = :customer)
            AND (:from IS NULL OR at >= :from) AND (:until IS NULL OR at < :until)
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = audit_log.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY audit_log.id DESC LIMIT :limit",
        params,
        entry,
    )
}

fn entry(row: &Row) -> rusqlite::Result<Entry> {
    let detail: String = row.get("detail")?;
    Ok(Entry {
        id: row.get("id")?,
        at: row.get("at")?,
        user_id: row.get("user_id")?,
        user: row.get("user")?,
        acting_for: row.get("acting_for")?,
        via: row.get("via")?,
        action: row.get("action")?,
        subject_kind: row.get("subject_kind")?,
        subject_id: row.get("subject_id")?,
        customer_id: row.get("customer_id")?,
        customer: row.get("customer")?,
        detail: serde_json::from_str(&detail).unwrap_or_default(),
    })
}
