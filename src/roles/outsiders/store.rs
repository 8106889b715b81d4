//! Grants that reach a customer.

use super::Reaching;
use crate::auth::Scope;
use crate::auth::permissions::RolesRead;
use crate::db::Read;
use crate::error::Result;
use crate::ids::{CustomerId, RoleId};
use crate::web::Paging;
use rusqlite::named_params;

pub fn roles(db: &Read) -> Result<Vec<RoleId>> {
    db.all("SELECT id FROM roles ORDER BY id", [], |row| row.get(0))
}

/// Who holds, at `customer`, a role of `own`, or above it one of `below`.
pub fn list(
    db: &Read,
    scope: &Scope<RolesRead>,
    customer: CustomerId,
    own: &[RoleId],
    below: &[RoleId],
    paging: &Paging,
) -> Result<Vec<Reaching>> {
    db.all(
        "SELECT role_grants.id, user_id, display_name, users.customer_id AS home_id, home.name AS home, role_id,
                roles.name AS role, at_id, at.name AS at_name, until_on
           FROM customer_tree
           JOIN role_grants ON at_id = above
           JOIN users ON users.id = user_id
           JOIN customers AS home ON home.id = users.customer_id
           JOIN customers AS at ON at.id = at_id
           JOIN roles ON roles.id = role_id
          WHERE below = :customer
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = :customer
                           AND scope IN (SELECT value FROM json_each(:scope)))
            AND users.state = 'active'
            AND CASE depth WHEN 0 THEN role_id IN (SELECT value FROM json_each(:own))
                           ELSE role_id IN (SELECT value FROM json_each(:below)) END
            AND (display_name, role_grants.id) > (:after, :after_id)
          ORDER BY display_name, role_grants.id
          LIMIT :limit",
        named_params! {
            ":customer": customer, ":scope": scope, ":own": serde_json::to_string(own)?,
            ":below": serde_json::to_string(below)?, ":after": paging.value(), ":after_id": paging.id(),
            ":limit": paging.fetch(),
        },
        |row| {
            Ok(Reaching {
                id: row.get("id")?,
                user_id: row.get("user_id")?,
                user: row.get("display_name")?,
                home_id: row.get("home_id")?,
                home: row.get("home")?,
                role_id: row.get("role_id")?,
                role: row.get("role")?,
                customer_id: row.get("at_id")?,
                customer: row.get("at_name")?,
                until_on: row.get("until_on")?,
                why_not: None,
            })
        },
    )
}
