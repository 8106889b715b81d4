//! Files that were uploaded, headings that were pointed at fields, and how files name people.

use crate::auth::Scope;
use crate::auth::permissions::UsersImport;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, UploadId, UserId};
use rusqlite::named_params;

pub fn by_external_email(db: &Read, customer: CustomerId, email: &str) -> Result<Option<UserId>> {
    db.maybe(
        "SELECT user_id FROM user_external_emails WHERE customer_id = ?1 AND email = ?2",
        (customer, email),
        |row| row.get(0),
    )
}

/// The one user of the customer who is shown so.
pub fn by_display_name(db: &Read, customer: CustomerId, name: &str) -> Result<Option<UserId>> {
    let found = db.all(
        "SELECT id FROM users
          WHERE customer_id = ?1 AND display_name = ?2 COLLATE NOCASE AND state NOT IN ('deleted', 'purged') LIMIT 2",
        (customer, name),
        |row| row.get(0),
    )?;
    Ok(match found.as_slice() {
        [one] => Some(*one),
        _ => None,
    })
}

pub fn by_external_id(
    db: &Read,
    customer: CustomerId,
    source: &str,
    value: &str,
) -> Result<Option<UserId>> {
    db.maybe(
        "SELECT user_id FROM user_external_ids WHERE customer_id = ?1 AND source = ?2 AND value = ?3",
        (customer, source, value),
        |row| row.get(0),
    )
}

/// Keeps what another system calls the user; says whether that is new.
pub fn set_external_id(
    tx: &Write,
    customer: CustomerId,
    id: UserId,
    source: &str,
    value: &str,
) -> Result<bool> {
    let known = tx.run(
        "INSERT OR IGNORE INTO user_external_ids (customer_id, source, value, user_id) VALUES (?1, ?2, ?3, ?4)",
        (customer, source, value, id),
    )?;
    Ok(known > 0)
}

/// Keeps a file until a run has read it; `NotFound` if the customer is outside the scope.
pub fn keep_upload<P>(
    tx: &Write,
    scope: &Scope<P>,
    customer: CustomerId,
    user: UserId,
    name: &str,
    bytes: &[u8],
) -> Result<UploadId> {
    scope.reaches(tx, customer)?;
    tx.change(
        "INSERT INTO uploads (customer_id, user_id, name, bytes, at) VALUES (:customer, :user, :name, :bytes, :now) RETURNING id",
        named_params! {
            ":customer": customer, ":user": user, ":name": name, ":bytes": bytes, ":now": tx.now,
        },
    )
}

/// The name and the bytes of a file that `user` uploaded for the customer.
pub fn upload<P>(
    db: &Read,
    scope: &Scope<P>,
    customer: CustomerId,
    user: UserId,
    id: UploadId,
) -> Result<(String, Vec<u8>)> {
    db.one(
        "SELECT name, bytes FROM uploads
          WHERE id = :id AND customer_id = :customer AND user_id = :user
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = uploads.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":id": id, ":customer": customer, ":user": user, ":scope": scope },
        |row| Ok((row.get("name")?, row.get("bytes")?)),
    )
}

/// How somebody said the file is to be read, as it was kept beside it.
pub fn options(db: &Read, id: UploadId) -> Result<String> {
    db.value("SELECT options FROM uploads WHERE id = ?1", [id])
}

/// Keeps how an own file is to be read.
pub fn set_options(tx: &Write, user: UserId, id: UploadId, options: &str) -> Result<()> {
    tx.change::<i64>(
        "UPDATE uploads SET options = ?1 WHERE id = ?2 AND user_id = ?3 RETURNING id",
        (options, id, user),
    )?;
    Ok(())
}

/// What was pointed at by hand under these headings, as JSON.
pub fn headings(db: &Read, customer: CustomerId, key: &str) -> Result<Option<String>> {
    db.maybe(
        "SELECT fields FROM import_headings WHERE customer_id = ?1 AND heading_key = ?2",
        (customer, key),
        |row| row.get(0),
    )
}

pub fn remember_headings(tx: &Write, customer: CustomerId, key: &str, fields: &str) -> Result<()> {
    tx.run(
        "INSERT INTO import_headings (customer_id, heading_key, fields) VALUES (?1, ?2, ?3)
         ON CONFLICT (customer_id, heading_key) DO UPDATE SET fields = excluded.fields",
        (customer, key, fields),
    )?;
    Ok(())
}

/// The customer within the scope that has this code, else the only one of this name.
pub fn site(db: &Read, scope: &Scope<UsersImport>, text: &str) -> Result<Option<CustomerId>> {
    let by_code = db.maybe(
        "SELECT id FROM customers
          WHERE code = :text
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":text": text, ":scope": scope },
        |row| row.get(0),
    )?;
    if by_code.is_some() {
        return Ok(by_code);
    }
    let found = db.all(
        "SELECT id FROM customers
          WHERE name = :text COLLATE NOCASE
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          LIMIT 2",
        named_params! { ":text": text, ":scope": scope },
        |row| row.get(0),
    )?;
    Ok(match found.as_slice() {
        [one] => Some(*one),
        _ => None,
    })
}

/// Those of the names that no department of the customer has.
pub fn new_departments(db: &Read, customer: CustomerId, names: &str) -> Result<Vec<String>> {
    db.all(
        "SELECT value FROM json_each(:names)
          WHERE NOT EXISTS (SELECT 1 FROM departments
                             WHERE departments.customer_id = :customer AND departments.name = value)
          ORDER BY value",
        named_params! { ":names": names, ":customer": customer },
        |row| row.get(0),
    )
}

/// Those of the names that no location of the customer has.
pub fn new_locations(db: &Read, customer: CustomerId, names: &str) -> Result<Vec<String>> {
    db.all(
        "SELECT value FROM json_each(:names)
          WHERE NOT EXISTS (SELECT 1 FROM customer_locations
                             WHERE customer_locations.customer_id = :customer AND customer_locations.name = value)
          ORDER BY value",
        named_params! { ":names": names, ":customer": customer },
        |row| row.get(0),
    )
}
