//! Who changed what. A change and its record are written in one transaction.

use crate::db::Write;
use crate::error::Result;
use crate::ids::CustomerId;
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
    tx.run(
        "INSERT INTO audit_log (at, user_id, via, action, subject_kind, subject_id, customer_id, detail)
         VALUES (:at, :user, :via, :action, :kind, :id, :customer, :detail)",
        named_params! {
            ":at": tx.now, ":user": tx.by.user, ":via": tx.by.via, ":action": action,
            ":kind": subject.0, ":id": subject.1, ":customer": customer, ":detail": detail.to_string(),
        },
    )?;
    Ok(())
}
