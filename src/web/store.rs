//! The statements of this module.
use super::Response;
use crate::auth::Scope;
use crate::auth::permissions::RequestsRead;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::UserId;
use rusqlite::named_params;

/// The answer kept for a key within the last day, and whether it answered this same request.
pub fn answer(
    db: &Read,
    user: UserId,
    key: &str,
    request: &[u8; 32],
) -> Result<Option<(bool, Response)>> {
    db.maybe(
        "SELECT request, status, location, body FROM idempotency_keys
          WHERE user_id = :user AND key = :key AND at > :since",
        named_params! { ":user": user, ":key": key, ":since": db.now.plus_days(-1) },
        |row| {
            let body: String = row.get("body")?;
            let mut answer = Response::new(row.get("status")?, "application/json", body)
                .with("Idempotency-Replayed", "true");
            if let Some(location) = row.get::<_, Option<String>>("location")? {
                answer = answer.with("Location", location);
            }
            Ok((row.get::<_, [u8; 32]>("request")? == *request, answer))
        },
    )
}

pub fn keep_answer(
    tx: &Write,
    user: UserId,
    key: &str,
    request: &[u8; 32],
    answer: &Response,
) -> Result<()> {
    tx.run(
        "INSERT OR REPLACE INTO idempotency_keys (user_id, key, request, status, location, body, at)
         VALUES (:user, :key, :request, :status, :location, :body, :now)",
        named_params! {
            ":user": user, ":key": key, ":request": request, ":status": answer.status,
            ":location": answer.header("Location"), ":body": answer.text(), ":now": tx.now,
        },
    )?;
    Ok(())
}

/// Requests that failed and wait for somebody, 99 at most.
pub fn failed_requests(db: &Read, scope: &Scope<RequestsRead>) -> Result<i64> {
    db.value(
        "SELECT count(*) FROM (
           SELECT 1 FROM requests
            WHERE status = 'failed' AND id > (SELECT coalesce(max(id), 0) - 5000 FROM requests)
              AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = requests.customer_id
                             AND scope IN (SELECT value FROM json_each(:scope)))
            LIMIT 99)",
        named_params! { ":scope": scope },
    )
}

/// `NotFound` unless the customer `id`, or the one the user `id` belongs to, is within reach.
pub fn is_within_reach(db: &Read, codes: &str, user: bool, id: i64) -> Result<()> {
    let params = named_params! { ":id": id, ":scope": codes };
    if user {
        return db.one(
            "SELECT 1 FROM users
              WHERE id = :id AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                                            AND scope IN (SELECT value FROM json_each(:scope)))",
            params,
            |_| Ok(()),
        );
    }
    db.one(
        "SELECT 1 FROM reach WHERE customer_id = :id AND scope IN (SELECT value FROM json_each(:scope)) LIMIT 1",
        params,
        |_| Ok(()),
    )
}
