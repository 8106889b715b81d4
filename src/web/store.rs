//! The statements of this module.
use super::Response;
use crate::auth::permissions::RequestsRead;
use crate::auth::{Breadth, Scope};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{RequestId, UserId};
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
    body: &str,
) -> Result<()> {
    tx.run(
        "INSERT OR REPLACE INTO idempotency_keys (user_id, key, request, status, location, body, at)
         VALUES (:user, :key, :request, :status, :location, :body, :now)",
        named_params! {
            ":user": user, ":key": key, ":request": request, ":status": answer.status,
            ":location": answer.header("Location"), ":body": body, ":now": tx.now,
        },
    )?;
    Ok(())
}

/// How many requests failed and wait for somebody, `most` at most: of few customers they are counted
/// customer by customer, of many by a walk over all that failed.
pub fn failed(db: &Read, scope: &Scope<RequestsRead>, most: i64) -> Result<i64> {
    let params = named_params! { ":scope": scope, ":most": most };
    if scope.breadth(db)? == Breadth::Narrow {
        return db.value(
            "SELECT count(*) FROM (
               SELECT 1 FROM requests INDEXED BY requests_failed
                WHERE status = 'failed'
                  AND customer_id IN (SELECT customer_id FROM reach
                                       WHERE scope IN (SELECT value FROM json_each(:scope)))
                LIMIT :most)",
            params,
        );
    }
    db.value(
        "SELECT count(*) FROM (
           SELECT 1 FROM requests INDEXED BY requests_failed_lately
            WHERE status = 'failed'
              AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = requests.customer_id
                             AND scope IN (SELECT value FROM json_each(:scope)))
            LIMIT :most)",
        params,
    )
}

/// The one of them that failed last.
pub fn last_failed(db: &Read, scope: &Scope<RequestsRead>) -> Result<Option<RequestId>> {
    let params = named_params! { ":scope": scope };
    if scope.breadth(db)? == Breadth::Narrow {
        return db.value(
            "SELECT max((SELECT max(id) FROM requests INDEXED BY requests_failed
                          WHERE requests.customer_id = reach.customer_id AND status = 'failed'))
               FROM reach
              WHERE scope IN (SELECT value FROM json_each(:scope))",
            params,
        );
    }
    db.maybe(
        "SELECT id FROM requests INDEXED BY requests_failed_lately
          WHERE status = 'failed'
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = requests.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY id DESC LIMIT 1",
        params,
        |row| row.get("id"),
    )
}

/// `NotFound` unless the customer `id`, or the one the user `id` belongs to, is within reach.
pub fn is_within_reach(db: &Read, codes: &str, user: bool, id: i64) -> Result<()> {
    let params = named_params! { ":id": id, ":scope": codes };
    if user {
        return db.one(
            "SELECT 1 FROM users
              WHERE id = :id
                AND EXISTS (SELECT 1 FROM reach
                              JOIN customers ON customers.id = reach.customer_id AND customers.state <> 'purged'
                             WHERE reach.customer_id = users.customer_id
                               AND scope IN (SELECT value FROM json_each(:scope)))",
            params,
            |_| Ok(()),
        );
    }
    db.one(
        "SELECT 1 FROM reach JOIN customers ON customers.id = customer_id AND state <> 'purged'
          WHERE customer_id = :id AND scope IN (SELECT value FROM json_each(:scope)) LIMIT 1",
        params,
        |_| Ok(()),
    )
}

/// `NotFound` unless the customer `id`, or the one the user `id` belongs to, stands above somebody
/// within reach.
pub fn stands_above(db: &Read, codes: &str, user: bool, id: i64) -> Result<()> {
    db.one(
        "SELECT 1
           FROM json_each(:scope) AS code
          CROSS JOIN reach ON reach.scope = code.value
          CROSS JOIN customer_tree ON below = reach.customer_id
                 AND above = iif(:user, (SELECT users.customer_id FROM users WHERE users.id = :id), :id)
          LIMIT 1",
        named_params! { ":id": id, ":scope": codes, ":user": user },
        |_| Ok(()),
    )
}
