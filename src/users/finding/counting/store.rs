//! Numbers of users, counted by indexes alone and no further than they are told.

use crate::auth::Scope;
use crate::auth::permissions::UsersRead;
use crate::db::Read;
use crate::error::Result;
use crate::html::text::COUNTED;
use crate::ids::CustomerId;
use crate::places::State;
use rusqlite::named_params;

pub const COUNT_OF: &str = "SELECT count(*) FROM (
      SELECT 1 FROM users INDEXED BY users_by_customer_state
       WHERE users.customer_id = :customer AND users.state IN (SELECT value FROM json_each(:states))
         AND (SELECT count(*) FROM reach WHERE reach.customer_id = :customer
                 AND scope IN (SELECT value FROM json_each(:scope))) > 0
       LIMIT :most)";

/// How many users of the customer are in one of the states, one more than are counted at most.
pub fn count_of(
    db: &Read,
    scope: &Scope<UsersRead>,
    customer: CustomerId,
    states: &[State],
) -> Result<i64> {
    db.one(
        COUNT_OF,
        named_params! {
            ":customer": customer, ":scope": scope, ":states": serde_json::to_string(states)?,
            ":most": COUNTED + 1,
        },
        |row| row.get(0),
    )
}

pub const COUNT: &str = "SELECT count(*) FROM (
      SELECT 1 FROM users INDEXED BY users_by_customer_state
       WHERE users.customer_id IN (SELECT customer_id FROM reach WHERE scope IN (SELECT value FROM json_each(:scope)))
         AND users.state IN (SELECT value FROM json_each(:states))
       LIMIT :most)";

/// The same of all customers in scope.
pub fn count(db: &Read, scope: &Scope<UsersRead>, states: &[State]) -> Result<i64> {
    db.one(
        COUNT,
        named_params! {
            ":scope": scope, ":states": serde_json::to_string(states)?, ":most": COUNTED + 1,
        },
        |row| row.get(0),
    )
}

/// How many users the first of so many customers in scope have together, which is quick to say.
pub fn at_least(db: &Read, scope: &Scope<UsersRead>) -> Result<i64> {
    db.one(
        "SELECT coalesce(sum(users), 0) FROM (
           SELECT users
             FROM json_each(:scope) AS code
            CROSS JOIN reach ON reach.scope = code.value
            CROSS JOIN customer_users ON customer_users.customer_id = reach.customer_id
            LIMIT 200)",
        named_params! { ":scope": scope },
        |row| row.get(0),
    )
}

pub const COUNT_ALL: &str = "SELECT count(*) FROM (
      SELECT 1 FROM users INDEXED BY users_by_state
       WHERE users.state IN (SELECT value FROM json_each(:states)) AND :scope IS NOT NULL
       LIMIT :most)";

/// The same of all customers there are.
pub fn count_all(db: &Read, scope: &Scope<UsersRead>, states: &[State]) -> Result<i64> {
    db.one(
        COUNT_ALL,
        named_params! {
            ":scope": scope, ":states": serde_json::to_string(states)?, ":most": COUNTED + 1,
        },
        |row| row.get(0),
    )
}
