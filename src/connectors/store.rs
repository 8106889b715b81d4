use super::Choice;
use crate::db::Read;
use crate::error::Result;
use crate::ids::CustomerId;
use rusqlite::named_params;

pub fn choices(db: &Read, owner: CustomerId) -> Result<Vec<Choice>> {
    db.all(
        "SELECT id, name, kind, state FROM connectors
          WHERE customer_id = :owner AND state <> 'gone'
          ORDER BY name",
        named_params! { ":owner": owner },
        |row| {
            Ok(Choice {
                id: row.get("id")?,
                name: row.get("name")?,
                kind: row.get("kind")?,
                state: row.get("state")?,
            })
        },
    )
}
