use crate::auth::Scope;
use crate::db::{Read, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, RunId, UserId};
use rusqlite::named_params;
use std::collections::{BTreeMap, BTreeSet};

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

/// Those of the ids that are users of the customer, or of any within reach; NotFound if one is not.
pub fn within<P>(
    db: &Read,
    scope: &Scope<P>,
    customer: Option<CustomerId>,
    ids: &[UserId],
) -> Result<Vec<UserId>> {
    let found: Vec<UserId> = db.all(
        "SELECT users.id FROM users
          WHERE users.id IN (SELECT value FROM json_each(:ids))
            AND (:customer IS NULL OR users.customer_id = :customer)
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY users.id",
        named_params! { ":ids": serde_json::to_string(ids)?, ":customer": customer, ":scope": scope },
        |row| row.get(0),
    )?;
    let wanted: BTreeSet<i64> = ids.iter().map(|id| id.0).collect();
    if found.len() != wanted.len() {
        return Err(Error::NotFound);
    }
    Ok(found)
}

/// Who signs in by which of the names, at the customer or within reach.
pub fn named<P>(
    db: &Read,
    scope: &Scope<P>,
    customer: Option<CustomerId>,
    names: &BTreeSet<&str>,
) -> Result<BTreeMap<String, UserId>> {
    let rows = db.all(
        "SELECT users.upn, users.id
           FROM json_each(:names) AS wanted
           JOIN user_names ON user_names.name = wanted.value
           JOIN users ON users.id = user_names.user_id AND users.upn = user_names.name
          WHERE (:customer IS NULL OR users.customer_id = :customer)
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":names": serde_json::to_string(names)?, ":customer": customer, ":scope": scope },
        |row| Ok((row.get("upn")?, row.get("id")?)),
    )?;
    Ok(rows.into_iter().collect())
}

/// What new sign-in names are made of.
pub struct Person {
    pub id: UserId,
    pub customer: CustomerId,
    pub customer_name: String,
    pub code: String,
    pub name: String,
    pub upn: String,
    pub mail: String,
    pub first: String,
    pub last: String,
    pub title: String,
    pub department: String,
    pub employee_id: String,
}

/// Those of the ids who have a sign-in name, in that order.
pub fn people(db: &Read, ids: &[UserId]) -> Result<Vec<Person>> {
    db.all(
        "SELECT users.id, users.customer_id, customers.name AS customer_name, customers.code, display_name,
                coalesce(users.upn, '') AS upn, coalesce(users.mail, '') AS mail, first_name, last_name,
                job_title, employee_id,
                coalesce((SELECT departments.name FROM departments WHERE departments.id = department_id), '') AS department
           FROM json_each(:ids) AS wanted
           JOIN users ON users.id = wanted.value
           JOIN customers ON customers.id = users.customer_id
          ORDER BY wanted.key",
        named_params! { ":ids": serde_json::to_string(ids)? },
        |row| {
            Ok(Person {
                id: row.get("id")?,
                customer: row.get("customer_id")?,
                customer_name: row.get("customer_name")?,
                code: row.get("code")?,
                name: row.get("display_name")?,
                upn: row.get("upn")?,
                mail: row.get("mail")?,
                first: row.get("first_name")?,
                last: row.get("last_name")?,
                title: row.get("job_title")?,
                department: row.get("department")?,
                employee_id: row.get("employee_id")?,
            })
        },
    )
}

/// Whether a name or address is somebody's, and not this user's.
pub fn is_others(db: &Read, name: &str, id: UserId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM user_names WHERE name = ?1 AND user_id <> ?2)",
        (name, id),
    )
}

/// The customers of the users, and how many of each.
pub fn by_customer(db: &Read, ids: &[UserId]) -> Result<Vec<(CustomerId, i64)>> {
    db.all(
        "SELECT customer_id, count(*) AS users FROM users
          WHERE id IN (SELECT value FROM json_each(?1)) GROUP BY customer_id",
        [serde_json::to_string(ids)?],
        |row| Ok((row.get("customer_id")?, row.get("users")?)),
    )
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

/// The customer of that code or id, if the scope reaches it.
pub fn customer_called<P>(db: &Read, scope: &Scope<P>, text: &str) -> Result<Option<CustomerId>> {
    db.maybe(
        "SELECT id FROM customers
          WHERE id = coalesce((SELECT same.id FROM customers AS same WHERE same.code = :text),
                              CASE WHEN :text NOT GLOB '*[^0-9]*' THEN CAST(:text AS INTEGER) END)
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":text": text, ":scope": scope },
        |row| row.get(0),
    )
}

pub fn customer_name(db: &Read, id: CustomerId) -> Result<String> {
    db.value("SELECT name FROM customers WHERE id = ?1", [id])
}
