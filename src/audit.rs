//! Who changed what. A change and its record are written in one transaction.

use crate::db::{By, Read, Write};
use crate::error::{Error, Result};
use crate::ids::CustomerId;
use crate::time::{Instant, Zone};
use rusqlite::named_params;
use serde_json::Value;

/// What was changed, by its kind and number: `("user", 7)`.
pub type Subject = (&'static str, i64);

/// Records `action` ("customer.created") on `subject`, seen by whoever reaches `customer`. `detail`
/// holds old and new values, never a secret.
pub fn record(
    tx: &Write,
    action: &str,
    subject: Subject,
    customer: CustomerId,
    detail: &Value,
) -> Result<()> {
    record_by(tx, tx.by, action, subject, customer, detail)
}

/// The same for somebody who was not there yet when the change began.
pub fn record_by(
    tx: &Write,
    by: By,
    action: &str,
    subject: Subject,
    customer: CustomerId,
    detail: &Value,
) -> Result<()> {
    tx.run(
        "INSERT INTO audit_log (at, user_id, acting_for, via, action, subject_kind, subject_id, customer_id, detail)
         VALUES (:at, :user, :acting_for, :via, :action, :kind, :id, :customer, :detail)",
        named_params! {
            ":at": tx.now, ":user": by.user, ":acting_for": by.acting_for, ":via": by.via, ":action": action,
            ":kind": subject.0, ":id": subject.1, ":customer": customer, ":detail": detail.to_string(),
        },
    )?;
    Ok(())
}

/// What to tell somebody whose copy of `subject` is not the newest.
pub fn stale(db: &Read, subject: Subject, zone: &Zone) -> Result<Error> {
    let last = db.maybe(
        "SELECT coalesce(display_name, 'Portico') AS who, at
           FROM audit_log LEFT JOIN users ON users.id = audit_log.user_id
          WHERE subject_kind = :kind AND subject_id = :id
          ORDER BY audit_log.id DESC LIMIT 1",
        named_params! { ":kind": subject.0, ":id": subject.1 },
        |row| Ok((row.get::<_, String>("who")?, row.get::<_, Instant>("at")?)),
    )?;
    let (who, at) = last.unwrap_or_else(|| ("Somebody".to_owned(), db.now));
    let time = at.local(zone).strftime("%-d %b %Y %H:%M");
    Ok(Error::Stale(format!("{who} changed this at {time}.")))
}
