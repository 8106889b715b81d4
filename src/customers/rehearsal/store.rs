//! The statements of this module.
use super::{Change, Person, Preview, Step};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::CustomerId;
use rusqlite::named_params;

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
                count(*) AS requests,
                sum((SELECT count(*) FROM steps WHERE request_id = requests.id)) AS steps
           FROM requests
          WHERE id > :mark AND (customer_id = :customer OR customer_id IN
                                (SELECT below FROM customer_tree WHERE above = :customer))
          GROUP BY what ORDER BY min(id) LIMIT 200",
        named_params! { ":mark": mark.request, ":customer": customer },
        |row| {
            Ok(Step {
                title: row.get("what")?,
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
    Ok(Preview { steps, ledger, told, people, ..Preview::default() })
}

/// The customer and all below it.
pub fn branch(db: &Read, id: CustomerId) -> Result<Vec<CustomerId>> {
    db.all(
        "SELECT below FROM customer_tree WHERE above = ?1 ORDER BY below LIMIT 21",
        [id],
        |row| row.get(0),
    )
}
