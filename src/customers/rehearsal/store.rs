//! The statements of this module.
use super::{Change, Diff, Person, Preview, Step};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::CustomerId;
use rusqlite::named_params;
use serde_json::Value;

/// Where the tables ended before.
pub struct Mark {
    request: i64,
    ledger: i64,
    message: i64,
    audit: i64,
}

pub fn mark(db: &Read) -> Result<Mark> {
    Ok(Mark {
        request: db.value("SELECT coalesce(max(id), 0) FROM requests", [])?,
        ledger: db.value("SELECT coalesce(max(id), 0) FROM ledger", [])?,
        message: db.value("SELECT coalesce(max(id), 0) FROM messages", [])?,
        audit: db.value("SELECT coalesce(max(id), 0) FROM audit_log", [])?,
    })
}

/// What was written since.
pub fn since(tx: &Write, customer: CustomerId, mark: &Mark) -> Result<Preview> {
    let steps = tx.all(
        "SELECT CASE WHEN user_service_id IS NOT NULL THEN
                     substr(title, 1, instr(title, ' ')) ||
                       (SELECT services.name FROM user_services JOIN services ON services.id = service_id
                         WHERE user_services.id = user_service_id) || ' of users'
                     ELSE title END AS what,
                iif(count(*) = 1, min(title), NULL) AS only,
                count(*) AS requests,
                sum((SELECT count(*) FROM steps WHERE request_id = requests.id)) AS steps
           FROM requests
          WHERE id > :mark AND (customer_id = :customer OR customer_id IN
                                (SELECT below FROM customer_tree WHERE above = :customer))
          GROUP BY what ORDER BY min(id) LIMIT 200",
        named_params! { ":mark": mark.request, ":customer": customer },
        |row| {
            Ok(Step {
                title: row.get::<_, Option<String>>("only")?.map_or_else(|| row.get("what"), Ok)?,
                requests: row.get("requests")?,
                steps: row.get("steps")?,
            })
        },
    )?;
    let ledger = tx.all(
        "SELECT kind, action, count(*) AS n FROM ledger WHERE id > :mark
          GROUP BY +kind, +action ORDER BY min(id)",
        named_params! { ":mark": mark.ledger },
        |row| {
            Ok(Change { kind: row.get("kind")?, action: row.get("action")?, rows: row.get("n")? })
        },
    )?;
    let told = tx.all(
        "SELECT DISTINCT to_address FROM messages WHERE id > :mark ORDER BY to_address LIMIT 60",
        named_params! { ":mark": mark.message },
        |row| row.get(0),
    )?;
    let people = tx.all(
        "SELECT users.id, display_name, group_concat(what, ', ') AS what
           FROM (SELECT DISTINCT user_id,
                        coalesce((SELECT services.name FROM user_services JOIN services ON services.id = service_id
                                   WHERE user_services.id = user_service_id), 'account') AS what
                   FROM requests WHERE id > :request AND user_id IS NOT NULL
                 UNION
                 SELECT subject_id, 'role ' || coalesce(json_extract(detail, '$.role'), '')
                   FROM audit_log WHERE id > :audit AND action = 'role.taken') changed
           CROSS JOIN users ON users.id = changed.user_id
          GROUP BY changed.user_id ORDER BY display_name COLLATE NOCASE LIMIT 200",
        named_params! { ":request": mark.request, ":audit": mark.audit },
        |row| {
            Ok(Person {
                user_id: row.get("id")?,
                name: row.get("display_name")?,
                what: row.get("what")?,
            })
        },
    )?;
    let changed = tx.all(
        "SELECT detail FROM audit_log
          WHERE id > :mark AND action IN ('customer.changed', 'user.changed', 'user.renamed')
          ORDER BY id LIMIT 20",
        named_params! { ":mark": mark.audit },
        |row| row.get::<_, String>("detail"),
    )?;
    let mut diffs = Vec::new();
    for detail in changed {
        diffs.extend(differences(&serde_json::from_str(&detail)?));
    }
    Ok(Preview { steps, ledger, told, people, diffs, ..Preview::default() })
}

/// What was noted of a change: each field with its value before and after.
fn differences(detail: &Value) -> Vec<Diff> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let of = |(field, pair): (&String, &Value)| match pair.as_array()?.as_slice() {
        [before, after] => {
            Some(Diff { field: field.clone(), before: text(before), after: text(after) })
        }
        _ => None,
    };
    detail.as_object().into_iter().flatten().filter_map(of).collect()
}

/// The code and the main domain of a customer that was just made.
pub fn made(db: &Read, id: CustomerId) -> Result<(String, String)> {
    db.one(
        "SELECT code, coalesce((SELECT domains.name FROM customer_domains JOIN domains ON domains.id = domain_id
                                 WHERE customer_domains.customer_id = customers.id AND main = 1), '') AS domain
           FROM customers WHERE id = ?1",
        [id],
        |row| Ok((row.get("code")?, row.get("domain")?)),
    )
}

/// The customer and all below it.
pub fn branch(db: &Read, id: CustomerId) -> Result<Vec<CustomerId>> {
    db.all(
        "SELECT below FROM customer_tree WHERE above = ?1 ORDER BY below LIMIT 21",
        [id],
        |row| row.get(0),
    )
}
