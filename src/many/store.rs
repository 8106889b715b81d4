use crate::auth::Scope;
use crate::db::{Read, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, RunId, UserId};
use rusqlite::named_params;

/// Who administrates users of the customer there, with address and name.
pub fn administrators(db: &Read, customer: CustomerId) -> Result<Vec<(UserId, String, String)>> {
    db.all(
        "SELECT users.id, users.mail, users.display_name
           FROM role_grants
           JOIN roles ON roles.id = role_grants.role_id AND roles.customer_id IS NULL
           JOIN users ON users.id = role_grants.user_id
          WHERE role_grants.at_id = ?1
            AND roles.name IN ('Provider administrator', 'Reseller administrator', 'Customer administrator',
                               'User administrator')
            AND users.state = 'active' AND users.mail IS NOT NULL
          GROUP BY users.id ORDER BY users.id LIMIT 50",
        [customer],
        |row| Ok((row.get("id")?, row.get("mail")?, row.get("display_name")?)),
    )
}

/// Those of the ids that are users of the customer, in their order; NotFound if one is not.
pub fn within<P>(
    db: &Read,
    scope: &Scope<P>,
    customer: CustomerId,
    ids: &[UserId],
) -> Result<Vec<UserId>> {
    let found: Vec<UserId> = db.all(
        "SELECT users.id FROM users
          WHERE users.id IN (SELECT value FROM json_each(:ids)) AND users.customer_id = :customer
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY users.id",
        named_params! { ":ids": serde_json::to_string(ids)?, ":customer": customer, ":scope": scope },
        |row| row.get(0),
    )?;
    let wanted: std::collections::BTreeSet<i64> = ids.iter().map(|id| id.0).collect();
    if found.len() != wanted.len() {
        return Err(Error::NotFound);
    }
    Ok(found)
}

pub fn name(db: &Read, id: UserId) -> Result<String> {
    db.value("SELECT display_name FROM users WHERE id = ?1", [id])
}

/// Keeps what a run changed of a user.
pub fn keep(tx: &Write, run: RunId, id: UserId, changed: &str) -> Result<()> {
    tx.run(
        "INSERT OR REPLACE INTO run_changes (run_id, user_id, changed) VALUES (?1, ?2, ?3)",
        (run, id, changed),
    )?;
    Ok(())
}

pub fn changed(db: &Read, run: RunId, id: UserId) -> Result<String> {
    db.one("SELECT changed FROM run_changes WHERE run_id = ?1 AND user_id = ?2", (run, id), |row| {
        row.get(0)
    })
}

/// Whom a run changed.
pub fn whom(db: &Read, run: RunId) -> Result<Vec<UserId>> {
    db.all("SELECT user_id FROM run_changes WHERE run_id = ?1 ORDER BY user_id", [run], |row| {
        row.get(0)
    })
}

/// Whose user it is.
pub fn home(db: &Read, id: UserId) -> Result<CustomerId> {
    db.value("SELECT customer_id FROM users WHERE id = ?1", [id])
}
