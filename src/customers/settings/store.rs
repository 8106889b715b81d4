use super::Said;
use crate::auth::Scope;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::CustomerId;
use rusqlite::named_params;

/// What the customer and those above it say of `key`, the highest first. It goes up the tree on its
/// own: what is inherited holds whoever asks.
pub fn chain(db: &Read, customer: CustomerId, key: &str) -> Result<Vec<Said>> {
    db.all(
        "SELECT customer_settings.customer_id, customers.name, value
           FROM customer_tree
           JOIN customer_settings ON customer_settings.customer_id = above AND key = :key
           JOIN customers ON customers.id = above
          WHERE below = :customer
          ORDER BY depth DESC",
        named_params! { ":customer": customer, ":key": key },
        |row| {
            Ok(Said {
                customer: row.get("customer_id")?,
                name: row.get("name")?,
                value: row.get("value")?,
            })
        },
    )
}

/// Sets it, or drops it where `value` is empty.
pub fn set<P>(
    tx: &Write,
    scope: &Scope<P>,
    customer: CustomerId,
    key: &str,
    value: &str,
) -> Result<()> {
    scope.reaches(tx, customer)?;
    if value.is_empty() {
        tx.run(
            "DELETE FROM customer_settings WHERE customer_id = ?1 AND key = ?2",
            (customer, key),
        )?;
        return Ok(());
    }
    tx.run(
        "INSERT INTO customer_settings (customer_id, key, value, changed_at, changed_by)
         VALUES (:customer, :key, :value, :now, :by)
         ON CONFLICT DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at,
                                   changed_by = excluded.changed_by",
        named_params! {
            ":customer": customer, ":key": key, ":value": value, ":now": tx.now, ":by": tx.by.user,
        },
    )?;
    Ok(())
}
