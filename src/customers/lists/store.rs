use super::{Entry, EntryId, List};
use crate::auth::Scope;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use rusqlite::{Row, named_params};

const DEPARTMENTS: &str =
    "SELECT id, name, '' AS street, '' AS postcode, '' AS city, '' AS region, '' AS country,
            (SELECT count(*) FROM users WHERE department_id = departments.id) AS users
       FROM departments
      WHERE customer_id = :customer
        AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = :customer
                       AND scope IN (SELECT value FROM json_each(:scope)))
      ORDER BY name";

const LOCATIONS: &str = "SELECT id, name, street, postcode, city, region, country,
            (SELECT count(*) FROM users WHERE location_id = customer_locations.id) AS users
       FROM customer_locations
      WHERE customer_id = :customer
        AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = :customer
                       AND scope IN (SELECT value FROM json_each(:scope)))
      ORDER BY name";

pub fn all<P>(db: &Read, scope: &Scope<P>, list: List, customer: CustomerId) -> Result<Vec<Entry>> {
    scope.reaches(db, customer)?;
    let sql = match list {
        List::Departments => DEPARTMENTS,
        List::Locations => LOCATIONS,
    };
    db.all(sql, named_params! { ":customer": customer, ":scope": scope }, entry)
}

fn entry(row: &Row) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: row.get("id")?,
        name: row.get("name")?,
        street: row.get("street")?,
        postcode: row.get("postcode")?,
        city: row.get("city")?,
        region: row.get("region")?,
        country: row.get("country")?,
        users: row.get("users")?,
    })
}

pub fn insert<P>(
    tx: &Write,
    scope: &Scope<P>,
    list: List,
    customer: CustomerId,
    entry: &Entry,
) -> Result<EntryId> {
    scope.reaches(tx, customer)?;
    match list {
        List::Departments => tx.change(
            "INSERT INTO departments (customer_id, name) VALUES (?1, ?2) RETURNING id",
            (customer, &entry.name),
        ),
        List::Locations => tx.change(
            "INSERT INTO customer_locations (customer_id, name, street, postcode, city, region, country)
             VALUES (:customer, :name, :street, :postcode, :city, :region, :country) RETURNING id",
            named_params! {
                ":customer": customer, ":name": entry.name, ":street": entry.street,
                ":postcode": entry.postcode, ":city": entry.city, ":region": entry.region,
                ":country": entry.country,
            },
        ),
    }
}

pub fn update<P>(
    tx: &Write,
    scope: &Scope<P>,
    list: List,
    customer: CustomerId,
    id: EntryId,
    entry: &Entry,
) -> Result<EntryId> {
    scope.reaches(tx, customer)?;
    match list {
        List::Departments => tx.change(
            "UPDATE departments SET name = ?3 WHERE customer_id = ?1 AND id = ?2 RETURNING id",
            (customer, id, &entry.name),
        ),
        List::Locations => tx.change(
            "UPDATE customer_locations
                SET name = :name, street = :street, postcode = :postcode, city = :city, region = :region,
                    country = :country
              WHERE customer_id = :customer AND id = :id RETURNING id",
            named_params! {
                ":customer": customer, ":id": id, ":name": entry.name, ":street": entry.street,
                ":postcode": entry.postcode, ":city": entry.city, ":region": entry.region,
                ":country": entry.country,
            },
        ),
    }
}

/// Whoever is in it, besides those who are gone.
pub fn users_of(db: &Read, list: List, customer: CustomerId, id: EntryId) -> Result<Vec<UserId>> {
    let sql = match list {
        List::Departments => {
            "SELECT id FROM users
              WHERE department_id = ?1 AND customer_id = ?2 AND state IN ('active', 'disabled')"
        }
        List::Locations => {
            "SELECT id FROM users
              WHERE location_id = ?1 AND customer_id = ?2 AND state IN ('active', 'disabled')"
        }
    };
    db.all(sql, (id, customer), |row| row.get(0))
}

/// Gives its users to another, or to none.
pub fn replace<P>(
    tx: &Write,
    scope: &Scope<P>,
    list: List,
    customer: CustomerId,
    id: EntryId,
    by: Option<EntryId>,
) -> Result<()> {
    scope.reaches(tx, customer)?;
    let sql = match list {
        List::Departments => {
            "UPDATE users SET department_id = :by, version = version + 1, changed_at = :now
              WHERE department_id = :id AND customer_id = :customer"
        }
        List::Locations => {
            "UPDATE users SET location_id = :by, version = version + 1, changed_at = :now
              WHERE location_id = :id AND customer_id = :customer"
        }
    };
    let params = named_params! { ":by": by, ":now": tx.now, ":id": id, ":customer": customer };
    tx.run(sql, params)?;
    Ok(())
}

pub fn delete<P>(
    tx: &Write,
    scope: &Scope<P>,
    list: List,
    customer: CustomerId,
    id: EntryId,
) -> Result<()> {
    scope.reaches(tx, customer)?;
    let sql = match list {
        List::Departments => "DELETE FROM departments WHERE customer_id = ?1 AND id = ?2",
        List::Locations => "DELETE FROM customer_locations WHERE customer_id = ?1 AND id = ?2",
    };
    tx.run(sql, (customer, id))?;
    Ok(())
}
