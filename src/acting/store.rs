//! Who acted as whom.

use super::Acted;
use crate::auth::Own;
use crate::auth::permissions::AccountRead;
use crate::db::Read;
use crate::error::Result;
use rusqlite::named_params;

pub fn history(db: &Read, own: &Own<AccountRead>) -> Result<Vec<Acted>> {
    db.all(
        "SELECT at, coalesce(display_name, 'Portico') AS who, json_extract(detail, '$.reason') AS reason
           FROM audit_log LEFT JOIN users ON users.id = audit_log.user_id
          WHERE subject_kind = 'user' AND subject_id = :own AND action = 'user.acted_as'
          ORDER BY audit_log.id DESC LIMIT 20",
        named_params! { ":own": own },
        |row| Ok(Acted { at: row.get("at")?, by: row.get("who")?, reason: row.get("reason")? }),
    )
}
