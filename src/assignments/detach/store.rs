use crate::assignments::HeldId;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{ConnectorId, CustomerId, EnvironmentId};
use rusqlite::named_params;

/// How many services that work in a directory those have who live there, and their users.
pub fn services(db: &Read, id: EnvironmentId) -> Result<i64> {
    db.value(
        "SELECT (SELECT count(*) FROM locations
                   JOIN customers ON customers.lives_in = locations.id
                   JOIN customer_services held ON held.customer_id = customers.id
                  WHERE environment_id = :id AND held.live <> 'gone'
                    AND EXISTS (SELECT 1 FROM rules WHERE rules.service_id = held.service_id AND action LIKE 'dir.%'))
              + (SELECT count(*) FROM locations
                   JOIN customers ON customers.lives_in = locations.id
                   JOIN user_services held ON held.customer_id = customers.id
                  WHERE environment_id = :id AND held.live <> 'gone'
                    AND EXISTS (SELECT 1 FROM rules WHERE rules.service_id = held.service_id AND action LIKE 'dir.%'))",
        named_params! { ":id": id },
    )
}

/// How many accounts, groups and OUs they have there.
pub fn objects(db: &Read, id: EnvironmentId) -> Result<i64> {
    db.value(
        "SELECT count(*) FROM locations
           JOIN environments ON environments.id = environment_id
           JOIN customers ON customers.lives_in = locations.id
           JOIN bindings ON bindings.customer_id = customers.id
          WHERE environment_id = :id AND bindings.connector_id = environments.connector_id",
        named_params! { ":id": id },
    )
}

pub fn inhabitants(db: &Read, id: EnvironmentId) -> Result<Vec<CustomerId>> {
    db.all(
        "SELECT customers.id FROM locations JOIN customers ON customers.lives_in = locations.id
          WHERE environment_id = :id
          ORDER BY customers.id",
        named_params! { ":id": id },
        |row| row.get("id"),
    )
}

/// What a customer has there by services: its users' first, at most `most`.
pub fn held(db: &Read, customer: CustomerId, most: i64) -> Result<Vec<HeldId>> {
    let mut all = db.all(
        "SELECT id FROM user_services
          WHERE customer_id = :customer AND live <> 'gone'
            AND EXISTS (SELECT 1 FROM rules WHERE rules.service_id = user_services.service_id AND action LIKE 'dir.%')
          ORDER BY id LIMIT :most",
        named_params! { ":customer": customer, ":most": most },
        |row| Ok(HeldId::User(row.get("id")?)),
    )?;
    if all.is_empty() {
        all = db.all(
            "SELECT id FROM customer_services
              WHERE customer_id = :customer AND live <> 'gone'
                AND EXISTS (SELECT 1 FROM rules WHERE rules.service_id = customer_services.service_id AND action LIKE 'dir.%')
              ORDER BY id LIMIT :most",
            named_params! { ":customer": customer, ":most": most },
            |row| Ok(HeldId::Customer(row.get("id")?)),
        )?;
    }
    Ok(all)
}

/// The customer's name, while it lives in the directory still; and through which connector.
pub fn lives_there(
    db: &Read,
    customer: CustomerId,
    id: EnvironmentId,
) -> Result<Option<(String, ConnectorId)>> {
    db.maybe(
        "SELECT customers.name, connector_id FROM customers
           JOIN locations ON locations.id = lives_in
           JOIN environments ON environments.id = environment_id
          WHERE customers.id = :customer AND environments.id = :id",
        named_params! { ":customer": customer, ":id": id },
        |row| Ok((row.get("name")?, row.get("connector_id")?)),
    )
}

/// From now on nothing there is the customer's, and it follows nothing there.
pub fn leave(tx: &Write, customer: CustomerId, connector: ConnectorId) -> Result<usize> {
    let left = tx.run(
        "DELETE FROM bindings WHERE customer_id = :customer AND connector_id = :connector",
        named_params! { ":customer": customer, ":connector": connector },
    )?;
    tx.run(
        "DELETE FROM syncs WHERE customer_id = :customer",
        named_params! { ":customer": customer },
    )?;
    tx.run(
        "UPDATE customers SET lives_in = NULL, version = version + 1, changed_at = :now WHERE id = :customer",
        named_params! { ":customer": customer, ":now": tx.now },
    )?;
    Ok(left)
}
