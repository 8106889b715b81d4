use crate::assignments::HeldId;
use crate::assignments::store::columns;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::PropertyId;
use rusqlite::named_params;

/// What an assignment occupies of a property that is counted.
pub fn amount(db: &Read, id: HeldId, property: PropertyId) -> Result<i64> {
    let (customer, user) = columns(id);
    db.value(
        "SELECT coalesce(sum(amount), 0) FROM amounts
          WHERE property_id = :property AND (customer_service_id = :customer OR user_service_id = :user)",
        named_params! { ":property": property, ":customer": customer, ":user": user },
    )
}

/// Each property of which it occupies something, with how much.
pub fn amounts(db: &Read, id: HeldId) -> Result<Vec<(PropertyId, i64)>> {
    let (customer, user) = columns(id);
    db.all(
        "SELECT property_id, amount FROM amounts
          WHERE amount > 0 AND (customer_service_id = :customer OR user_service_id = :user)
          ORDER BY property_id",
        named_params! { ":customer": customer, ":user": user },
        |row| Ok((row.get("property_id")?, row.get("amount")?)),
    )
}

pub fn set_amount(tx: &Write, id: HeldId, property: PropertyId, n: i64) -> Result<()> {
    let (customer, user) = columns(id);
    tx.run(
        "DELETE FROM amounts
          WHERE property_id = :property AND (customer_service_id = :customer OR user_service_id = :user)",
        named_params! { ":property": property, ":customer": customer, ":user": user },
    )?;
    if n > 0 {
        tx.run(
            "INSERT INTO amounts (property_id, customer_service_id, user_service_id, amount)
             VALUES (:property, :customer, :user, :n)",
            named_params! { ":property": property, ":customer": customer, ":user": user, ":n": n },
        )?;
    }
    Ok(())
}
