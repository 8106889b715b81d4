//! What "why can't I?" looks up.

use super::{Check, check};
use crate::customers;
use crate::db::Read;
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use crate::time::{Date, Instant, Zone};
use rusqlite::named_params;

/// The person it is about.
pub struct Person {
    pub name: String,
    pub home: CustomerId,
    customer: String,
    state: String,
    customer_state: String,
    sign_in: String,
    last_day: Option<Date>,
    zone: String,
}

pub fn person(db: &Read, user: UserId) -> Result<Person> {
    db.one(
        "SELECT display_name, customer_id, customers.name AS customer, users.state, customers.state AS customer_state,
                sign_in, users.expires_on, customers.time_zone AS zone
           FROM users JOIN customers ON customers.id = users.customer_id
          WHERE users.id = ?1",
        [user],
        |row| {
            Ok(Person {
                name: row.get("display_name")?,
                home: row.get("customer_id")?,
                customer: row.get("customer")?,
                state: row.get("state")?,
                customer_state: row.get("customer_state")?,
                sign_in: row.get("sign_in")?,
                last_day: row.get("expires_on")?,
                zone: row.get("zone")?,
            })
        },
    )
}

/// Whether the person may enter at all.
pub fn door(person: &Person, now: Instant) -> Check {
    let name = &person.name;
    let today = now.day(&Zone::named(&person.zone).unwrap_or_else(Zone::utc));
    let trouble = if person.state != "active" {
        Some(format!("{name} is {}.", person.state))
    } else if person.last_day.is_some_and(|day| day < today) {
        Some(format!("The last day of {name} has passed."))
    } else if person.customer_state != "active" {
        Some(format!("{} is {}.", person.customer, person.customer_state))
    } else if person.sign_in == "nothing" {
        Some(format!("{name} may not sign in."))
    } else {
        None
    };
    match trouble {
        Some(text) => check("May enter", false, text),
        None => check("May enter", true, format!("{name} may enter.")),
    }
}

pub fn customer_name(db: &Read, customer: CustomerId) -> Result<String> {
    db.value("SELECT name FROM customers WHERE id = ?1", [customer])
}

/// Up to three shipped roles that have the permission.
pub fn roles_with(db: &Read, permission: &str) -> Result<Vec<String>> {
    db.all(
        "SELECT name FROM roles JOIN role_rights ON role_id = roles.id
          WHERE permission = ?1 AND customer_id IS NULL AND service_id IS NULL
          ORDER BY roles.id DESC LIMIT 3",
        [permission],
        |row| row.get(0),
    )
}

pub fn reaches(db: &Read, codes: &[i64], customer: CustomerId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM reach
                         WHERE customer_id = :customer AND scope IN (SELECT value FROM json_each(:codes)))",
        named_params! { ":customer": customer, ":codes": serde_json::to_string(codes)? },
    )
}

/// Whether the customer has room for another user.
pub fn user_limit(db: &Read, customer: CustomerId) -> Result<Option<Check>> {
    let (name, limit, exist): (String, Option<i64>, i64) = db.one(
        "SELECT name, user_limit,
                (SELECT count(*) FROM users
                  WHERE users.customer_id = customers.id AND users.state IN ('active', 'disabled')) AS users
           FROM customers WHERE id = ?1",
        [customer],
        |row| Ok((row.get("name")?, row.get("user_limit")?, row.get("users")?)),
    )?;
    Ok(limit.map(|limit| check("Limit", exist < limit, customers::over_limit(&name, limit, exist))))
}

/// The customer the user belongs to, if a permission of the viewer reaches it.
/// The customer with that code; whoever asks has to reach it.
pub fn customer_of_code(db: &Read, code: &str) -> Result<Option<CustomerId>> {
    db.maybe("SELECT id FROM customers WHERE code = ?1", [code], |row| row.get("id"))
}

/// The user with that sign-in name or hosted address; whoever asks has to reach them.
pub fn user_called(db: &Read, name: &str) -> Result<Option<UserId>> {
    db.maybe("SELECT user_id FROM user_names WHERE name = ?1", [name.to_lowercase()], |row| {
        row.get("user_id")
    })
}

pub fn home_within(db: &Read, codes: &str, user: UserId) -> Result<CustomerId> {
    db.one(
        "SELECT customer_id FROM users
          WHERE id = :user
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                           AND scope IN (SELECT value FROM json_each(:codes)))",
        named_params! { ":user": user, ":codes": codes },
        |row| row.get(0),
    )
}
