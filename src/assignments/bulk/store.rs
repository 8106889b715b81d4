use super::{Candidate, Chosen};
use crate::auth::Scope;
use crate::db::{Read, containing};
use crate::error::Result;
use crate::ids::ServiceId;
use rusqlite::named_params;

/// The users of a selection, by name, at most `most`; and whether each has the service already.
pub fn candidates<P>(
    db: &Read,
    scope: &Scope<P>,
    chosen: &Chosen,
    service: ServiceId,
    most: i64,
) -> Result<Vec<Candidate>> {
    db.all(
        "SELECT users.id, display_name, state,
                EXISTS (SELECT 1 FROM user_services
                         WHERE user_id = users.id AND service_id = :service AND label = :label
                           AND live <> 'gone') AS has,
                (SELECT name FROM service_needs JOIN services ON services.id = needs_id
                  WHERE service_needs.service_id = :service AND kind = 'user'
                    AND NOT EXISTS (SELECT 1 FROM user_services
                                     WHERE user_id = users.id AND user_services.service_id = needs_id
                                       AND wanted <> 'gone')
                  LIMIT 1) AS lacks
           FROM users
          WHERE customer_id = :customer AND state IN ('active', 'disabled', 'deprovisioned')
            AND CASE WHEN :ids IS NULL THEN state <> 'deprovisioned'
                     ELSE users.id IN (SELECT value FROM json_each(:ids)) END
            AND (:state = '' OR state = :state)
            AND (:q = '' OR display_name LIKE :like ESCAPE '\\' OR upn LIKE :like ESCAPE '\\'
                 OR mail LIKE :like ESCAPE '\\')
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY display_name COLLATE NOCASE, users.id
          LIMIT :most",
        named_params! {
            ":customer": chosen.customer, ":service": service, ":label": chosen.label,
            ":ids": chosen.ids.as_ref().map(serde_json::to_string).transpose()?,
            ":state": chosen.state, ":q": chosen.q, ":like": containing(&chosen.q), ":scope": scope,
            ":most": most,
        },
        |row| {
            Ok(Candidate {
                user: row.get("id")?,
                name: row.get("display_name")?,
                state: row.get("state")?,
                has: row.get("has")?,
                lacks: row.get("lacks")?,
            })
        },
    )
}
