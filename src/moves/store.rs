//! Where somebody may go, and who is told.

use crate::auth::Scope;
use crate::auth::permissions::UsersMove;
use crate::db::{Read, containing};
use crate::error::Result;
use crate::ids::{CustomerId, RequestId, UserId};
use crate::places::State;
use rusqlite::named_params;

/// A customer somebody could go to.
pub struct Destination {
    pub id: CustomerId,
    pub name: String,
    pub code: String,
    pub state: State,
    /// It has as many users as it may have.
    pub full: bool,
}

impl Destination {
    /// Why nobody can go there.
    pub fn why_not(&self) -> Option<String> {
        match (self.state, self.full) {
            (State::Active, false) => None,
            (State::Active, true) => Some("It has as many users as it may have.".to_owned()),
            (state, _) => Some(format!("It is {}.", state.word())),
        }
    }
}

pub fn destinations(
    db: &Read,
    scope: &Scope<UsersMove>,
    from: CustomerId,
    q: &str,
) -> Result<Vec<Destination>> {
    db.all(
        "SELECT customers.id, name, code, state,
                user_limit IS NOT NULL AND user_limit <=
                  (SELECT coalesce(sum(users), 0) FROM customer_users WHERE customer_users.customer_id = customers.id) AS full
           FROM customers
          WHERE state <> 'purged' AND customers.id <> :from
            AND (:q = '' OR name LIKE :inside ESCAPE '\\' OR code LIKE :inside ESCAPE '\\')
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY name COLLATE NOCASE, customers.id LIMIT 50",
        named_params! { ":from": from, ":q": q, ":inside": containing(q), ":scope": scope },
        |row| {
            Ok(Destination {
                id: row.get("id")?,
                name: row.get("name")?,
                code: row.get("code")?,
                state: row.get("state")?,
                full: row.get("full")?,
            })
        },
    )
}

/// Address and name of those who administrate the customer, the user not among them.
pub fn administrators(
    db: &Read,
    customer: CustomerId,
    id: UserId,
) -> Result<Vec<(String, String)>> {
    db.all(
        "SELECT DISTINCT mail, display_name
           FROM role_grants
           JOIN roles ON roles.id = role_id AND roles.customer_id IS NULL
            AND roles.name IN ('Customer administrator', 'Reseller administrator', 'Provider administrator')
           JOIN users ON users.id = user_id AND users.state = 'active' AND users.mail IS NOT NULL
          WHERE at_id = :customer AND user_id <> :id
          ORDER BY mail LIMIT 20",
        named_params! { ":customer": customer, ":id": id },
        |row| Ok((row.get("mail")?, row.get("display_name")?)),
    )
}

/// Where the user is and where it is to go, as far as both are within reach.
pub fn ends(
    db: &Read,
    scope: &Scope<UsersMove>,
    id: UserId,
    to: CustomerId,
) -> Result<Vec<CustomerId>> {
    db.all(
        "SELECT customers.id FROM customers
          WHERE customers.id IN (SELECT customer_id FROM users WHERE users.id = :id UNION SELECT :to)
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY customers.id = :to",
        named_params! { ":id": id, ":to": to, ":scope": scope },
        |row| row.get(0),
    )
}

/// The newest request there is.
pub fn last_request(db: &Read) -> Result<i64> {
    db.value("SELECT coalesce(max(id), 0) FROM requests", [])
}

/// What has been ordered for the user since, the whole of a move not counted.
pub fn requests_since(db: &Read, user: UserId, mark: i64) -> Result<Vec<RequestId>> {
    db.all(
        "SELECT id FROM requests WHERE user_id = ?1 AND id > ?2 AND event <> 'user.move' ORDER BY id",
        (user, mark),
        |row| row.get(0),
    )
}

/// A piece of work, and by how many steps outside.
#[derive(serde::Serialize)]
pub struct Step {
    pub title: String,
    pub steps: i64,
}

pub fn steps(db: &Read, requests: &[RequestId]) -> Result<Vec<Step>> {
    db.all(
        "SELECT title, (SELECT count(*) FROM steps WHERE request_id = requests.id) AS steps
           FROM requests
          WHERE id IN (SELECT value FROM json_each(:ids)) AND event <> 'user.move' ORDER BY id",
        named_params! { ":ids": serde_json::to_string(requests)? },
        |row| Ok(Step { title: row.get("title")?, steps: row.get("steps")? }),
    )
}
