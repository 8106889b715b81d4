use crate::auth::Scope;
use crate::db::Read;
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use rusqlite::named_params;

/// The user of the customer who signs in so.
pub fn user<P>(
    db: &Read,
    scope: &Scope<P>,
    customer: CustomerId,
    name: &str,
) -> Result<Option<UserId>> {
    db.maybe(
        "SELECT users.id
           FROM user_names JOIN users ON users.id = user_id
          WHERE name = :name AND users.customer_id = :customer
            AND state NOT IN ('deleted', 'purged')
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":name": name, ":customer": customer, ":scope": scope },
        |row| row.get("id"),
    )
}
