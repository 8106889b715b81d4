//! The rows of domains and of who uses them.

use super::Domain;
use crate::auth::Scope;
use crate::db::{Read, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, DomainId};
use rusqlite::{Row, named_params};

pub fn list<P>(db: &Read, scope: &Scope<P>, customer: CustomerId) -> Result<Vec<Domain>> {
    db.all(
        "SELECT domains.id, domains.name, domains.customer_id AS owner, main, verified_at, receives_mail,
                (SELECT count(*) FROM user_names JOIN users ON users.id = user_id AND users.upn = user_names.name
                  WHERE domain_id = domains.id AND user_names.customer_id = customer_domains.customer_id) AS upns,
                (SELECT count(*) FROM user_names
                  WHERE domain_id = domains.id AND customer_id = customer_domains.customer_id) AS names
           FROM customer_domains JOIN domains ON domains.id = domain_id
          WHERE customer_domains.customer_id = :customer
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customer_domains.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY main DESC, domains.name",
        named_params! { ":customer": customer, ":scope": scope },
        domain,
    )
}

/// Those that names can be on, the main one first.
pub fn usable<P>(
    db: &Read,
    scope: &Scope<P>,
    customer: CustomerId,
) -> Result<Vec<(DomainId, String)>> {
    db.all(
        "SELECT domains.id, domains.name
           FROM customer_domains JOIN domains ON domains.id = domain_id
          WHERE customer_domains.customer_id = :customer AND verified_at IS NOT NULL
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customer_domains.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY main DESC, domains.name",
        named_params! { ":customer": customer, ":scope": scope },
        |row| Ok((row.get("id")?, row.get("name")?)),
    )
}

pub fn one<P>(db: &Read, scope: &Scope<P>, customer: CustomerId, id: DomainId) -> Result<Domain> {
    let all = list(db, scope, customer)?;
    all.into_iter().find(|domain| domain.id == id).ok_or(Error::NotFound)
}

/// Whose the domain is: the name, or no name where that customer is out of scope.
pub fn owner<P>(db: &Read, scope: &Scope<P>, name: &str) -> Result<Option<String>> {
    db.maybe(
        "SELECT CASE WHEN EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                                     AND scope IN (SELECT value FROM json_each(:scope)))
                THEN customers.name ELSE 'another customer' END
           FROM domains JOIN customers ON customers.id = customer_id
          WHERE domains.name = :name",
        named_params! { ":name": name, ":scope": scope },
        |row| row.get(0),
    )
}

/// The first domain of a customer is its main one.
pub fn insert<P>(
    tx: &Write,
    scope: &Scope<P>,
    customer: CustomerId,
    name: &str,
    verified: bool,
    mail: bool,
) -> Result<DomainId> {
    scope.reaches(tx, customer)?;
    let id: DomainId = tx.change(
        "INSERT INTO domains (customer_id, name, verified_at, receives_mail, created_at)
         VALUES (:customer, :name, CASE WHEN :verified THEN :now END, :mail, :now) RETURNING id",
        named_params! {
            ":customer": customer, ":name": name, ":verified": verified, ":mail": mail, ":now": tx.now,
        },
    )?;
    tx.run(
        "INSERT INTO customer_domains (customer_id, domain_id, main)
         VALUES (:customer, :id, :verified AND NOT EXISTS (SELECT 1 FROM customer_domains WHERE customer_id = :customer))",
        named_params! { ":customer": customer, ":id": id, ":verified": verified },
    )?;
    Ok(id)
}

pub fn verify<P>(tx: &Write, scope: &Scope<P>, customer: CustomerId, id: DomainId) -> Result<()> {
    tx.change::<i64>(
        "UPDATE domains SET verified_at = :now, version = version + 1
          WHERE id = :id AND customer_id = :customer
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = domains.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
         RETURNING id",
        named_params! { ":now": tx.now, ":id": id, ":customer": customer, ":scope": scope },
    )?;
    tx.run(
        "UPDATE customer_domains SET main = 1
          WHERE customer_id = :customer AND domain_id = :id
            AND NOT EXISTS (SELECT 1 FROM customer_domains WHERE customer_id = :customer AND main = 1)",
        named_params! { ":customer": customer, ":id": id },
    )?;
    Ok(())
}

pub fn make_main<P>(
    tx: &Write,
    scope: &Scope<P>,
    customer: CustomerId,
    id: DomainId,
) -> Result<()> {
    scope.reaches(tx, customer)?;
    tx.run(
        "UPDATE customer_domains SET main = 0 WHERE customer_id = :customer AND main = 1",
        named_params! { ":customer": customer },
    )?;
    tx.change::<i64>(
        "UPDATE customer_domains SET main = 1
          WHERE customer_id = :customer AND domain_id = :id RETURNING domain_id",
        named_params! { ":customer": customer, ":id": id },
    )?;
    Ok(())
}

pub fn set_receives_mail<P>(
    tx: &Write,
    scope: &Scope<P>,
    customer: CustomerId,
    id: DomainId,
    mail: bool,
) -> Result<()> {
    tx.change::<i64>(
        "UPDATE domains SET receives_mail = :mail, version = version + 1
          WHERE id = :id AND customer_id = :customer
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = domains.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
         RETURNING id",
        named_params! { ":mail": mail, ":id": id, ":customer": customer, ":scope": scope },
    )?;
    Ok(())
}

pub fn delete<P>(tx: &Write, scope: &Scope<P>, customer: CustomerId, id: DomainId) -> Result<()> {
    scope.reaches(tx, customer)?;
    tx.change::<i64>(
        "DELETE FROM customer_domains WHERE customer_id = :customer AND domain_id = :id RETURNING domain_id",
        named_params! { ":customer": customer, ":id": id },
    )?;
    tx.run("DELETE FROM domains WHERE id = ?1 AND customer_id = ?2", (id, customer))?;
    Ok(())
}

fn domain(row: &Row) -> rusqlite::Result<Domain> {
    let (names, upns): (i64, i64) = (row.get("names")?, row.get("upns")?);
    Ok(Domain {
        id: row.get("id")?,
        name: row.get("name")?,
        owner: row.get("owner")?,
        main: row.get("main")?,
        verified_at: row.get("verified_at")?,
        receives_mail: row.get("receives_mail")?,
        sign_in_names: upns,
        addresses: names - upns,
    })
}
