use crate::auth::Scope;
use crate::db::Read;
use crate::error::Result;
use crate::ids::{UserId, UserServiceId};
use crate::time::Instant;
use rusqlite::named_params;

/// A service that a user had.
pub struct Lost {
    pub id: UserServiceId,
    pub user: UserId,
    pub name: String,
    pub since: Instant,
}

/// Those that are gone and of which something may be left outside, by number. Whoever has the
/// service again keeps what is there.
pub fn lost<P>(db: &Read, scope: &Scope<P>, after: i64, most: i64) -> Result<Vec<Lost>> {
    db.all(
        "SELECT user_services.id, user_services.user_id, display_name, requests.ended_at
           FROM user_services
           JOIN requests ON requests.id = last_request_id
           JOIN users ON users.id = user_services.user_id
          WHERE user_services.id > :after AND :scope IS NOT NULL AND live = 'gone'
            AND requests.event = 'user_service.deprovision' AND requests.status = 'done'
            AND EXISTS (SELECT 1 FROM rules
                         WHERE rules.service_id = user_services.service_id AND rules.event = 'user_service.purge')
            AND NOT EXISTS (SELECT 1 FROM user_services AS other
                             WHERE other.user_id = user_services.user_id
                               AND other.service_id = user_services.service_id
                               AND (other.live <> 'gone' OR other.id > user_services.id))
          ORDER BY user_services.id LIMIT :most",
        named_params! { ":scope": scope, ":after": after, ":most": most },
        |row| {
            Ok(Lost {
                id: row.get("id")?,
                user: row.get("user_id")?,
                name: row.get("display_name")?,
                since: row.get("ended_at")?,
            })
        },
    )
}
