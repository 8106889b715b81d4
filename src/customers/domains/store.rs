//! The rows of domains and of who uses them.

use super::{Domain, Draft, MailMode};
use crate::auth::Scope;
use crate::db::{Read, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, DomainId};
use rusqlite::{Row, named_params};

pub fn list<P>(db: &Read, scope: &Scope<P>, customer: CustomerId) -> Result<Vec<Domain>> {
    let mut all = db.all(
        "SELECT domains.id, domains.name, domains.customer_id AS owner, main, verified_at, receives_mail, mail_mode,
                proof, looked_at, seen,
                CASE WHEN EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = domains.customer_id
                                     AND scope IN (SELECT value FROM json_each(:scope)))
                     THEN (SELECT customers.name FROM customers WHERE customers.id = domains.customer_id)
                     ELSE 'a customer above' END AS owner_name,
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
    )?;
    for each in &mut all {
        each.services = services(db, customer, &each.name)?;
        if each.owner == customer {
            each.shared_with = shared_with(db, each.id)?;
        }
    }
    Ok(all)
}

/// Services of the customer and its users that have the domain among their properties, by name.
fn services(db: &Read, customer: CustomerId, name: &str) -> Result<Vec<String>> {
    db.all(
        "SELECT DISTINCT services.name
           FROM property_values
           JOIN customer_services ON customer_services.id = property_values.customer_service_id
           JOIN services ON services.id = customer_services.service_id
          WHERE customer_services.customer_id = ?1 AND property_values.value = json_quote(?2)
          ORDER BY services.name",
        (customer, name),
        |row| row.get(0),
    )
}

fn shared_with(db: &Read, id: DomainId) -> Result<Vec<(CustomerId, String)>> {
    db.all(
        "SELECT customers.id, customers.name
           FROM customer_domains JOIN customers ON customers.id = customer_domains.customer_id
           JOIN domains ON domains.id = domain_id AND domains.customer_id <> customer_domains.customer_id
          WHERE domain_id = ?1 ORDER BY customers.name COLLATE NOCASE LIMIT 200",
        [id],
        |row| Ok((row.get("id")?, row.get("name")?)),
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

/// Unknown domains take no mail of ours.
pub fn receives_mail(db: &Read, name: &str) -> Result<bool> {
    db.value("SELECT EXISTS (SELECT 1 FROM domains WHERE name = ?1 AND receives_mail = 1)", [name])
}

/// Confirmed domains of the customers from `below` upwards that the scope reaches, for a choice.
pub fn shared<P>(db: &Read, scope: &Scope<P>, below: CustomerId) -> Result<Vec<String>> {
    db.all(
        "SELECT domains.name
           FROM customer_tree JOIN domains ON domains.customer_id = above
          WHERE below = :below AND verified_at IS NOT NULL
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = above
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY depth, domains.name LIMIT 3",
        named_params! { ":below": below, ":scope": scope },
        |row| row.get(0),
    )
}

/// Who owns a domain.
pub struct Owner {
    pub domain: DomainId,
    pub customer: CustomerId,
    /// Its name, or no name where it is out of scope.
    pub name: String,
    pub reached: bool,
    pub verified: bool,
}

pub fn owner<P>(db: &Read, scope: &Scope<P>, name: &str) -> Result<Option<Owner>> {
    db.maybe(
        "SELECT domains.id, customers.id AS customer, customers.name, verified_at IS NOT NULL AS verified,
                EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                           AND scope IN (SELECT value FROM json_each(:scope))) AS reached
           FROM domains JOIN customers ON customers.id = customer_id
          WHERE domains.name = :name",
        named_params! { ":name": name, ":scope": scope },
        |row| {
            let reached: bool = row.get("reached")?;
            let name: String = row.get("name")?;
            Ok(Owner {
                domain: row.get("id")?,
                customer: row.get("customer")?,
                name: if reached { name } else { "another customer".to_owned() },
                reached,
                verified: row.get("verified")?,
            })
        },
    )
}

/// Whether `customer` stands below `above`, or is it.
pub fn is_below(db: &Read, above: CustomerId, customer: CustomerId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM customer_tree WHERE above = ?1 AND below = ?2)",
        (above, customer),
    )
}

/// Lets the customer use a domain of another; false where it does already.
pub fn use_it<P>(tx: &Write, scope: &Scope<P>, customer: CustomerId, id: DomainId) -> Result<bool> {
    scope.reaches(tx, customer)?;
    let added = tx.run(
        "INSERT OR IGNORE INTO customer_domains (customer_id, domain_id, main)
         VALUES (:customer, :id, NOT EXISTS (SELECT 1 FROM customer_domains WHERE customer_id = :customer AND main = 1))",
        named_params! { ":customer": customer, ":id": id },
    )?;
    Ok(added > 0)
}

/// Active customers below the owner that do not use it yet.
pub fn could_use<P>(
    db: &Read,
    scope: &Scope<P>,
    owner: CustomerId,
    id: DomainId,
) -> Result<Vec<(CustomerId, String)>> {
    db.all(
        "SELECT customers.id, customers.name
           FROM customer_tree JOIN customers ON customers.id = below
          WHERE above = :owner AND depth > 0 AND state = 'active'
            AND NOT EXISTS (SELECT 1 FROM customer_domains WHERE customer_id = below AND domain_id = :id)
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = below
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY customers.name COLLATE NOCASE LIMIT 500",
        named_params! { ":owner": owner, ":id": id, ":scope": scope },
        |row| Ok((row.get("id")?, row.get("name")?)),
    )
}

/// The first domain of a customer is its main one.
pub fn insert<P>(
    tx: &Write,
    scope: &Scope<P>,
    customer: CustomerId,
    draft: &Draft,
    verified: bool,
) -> Result<DomainId> {
    scope.reaches(tx, customer)?;
    let id: DomainId = tx.change(
        "INSERT INTO domains (customer_id, name, verified_at, receives_mail, mail_mode, created_at)
         VALUES (:customer, :name, CASE WHEN :verified THEN :now END, :mail, :mode, :now) RETURNING id",
        named_params! {
            ":customer": customer, ":name": draft.name, ":verified": verified, ":mail": draft.mail,
            ":mode": draft.mode, ":now": tx.now,
        },
    )?;
    tx.run(
        "INSERT INTO customer_domains (customer_id, domain_id, main)
         VALUES (:customer, :id, :verified AND NOT EXISTS (SELECT 1 FROM customer_domains WHERE customer_id = :customer AND main = 1))",
        named_params! { ":customer": customer, ":id": id, ":verified": verified },
    )?;
    Ok(id)
}

/// Confirms it, once; its owner's main one if there is none yet. Whoever calls has looked at the
/// scope, or is the clock.
pub fn verify(tx: &Write, id: DomainId) -> Result<bool> {
    let done = tx.run(
        "UPDATE domains SET verified_at = ?2, version = version + 1 WHERE id = ?1 AND verified_at IS NULL",
        (id, tx.now),
    )?;
    tx.run(
        "UPDATE customer_domains SET main = 1
          WHERE domain_id = :id AND customer_id = (SELECT customer_id FROM domains WHERE id = :id)
            AND NOT EXISTS (SELECT 1 FROM customer_domains other
                             WHERE other.customer_id = customer_domains.customer_id AND other.main = 1)",
        named_params! { ":id": id },
    )?;
    Ok(done > 0)
}

/// Keeps what the DNS said.
pub fn note(tx: &Write, id: DomainId, seen: &str) -> Result<()> {
    tx.run("UPDATE domains SET looked_at = ?2, seen = ?3 WHERE id = ?1", (id, tx.now, seen))?;
    Ok(())
}

/// Domains that wait for their text record.
pub fn waiting(db: &Read, most: i64) -> Result<Vec<Domain>> {
    db.all(
        "SELECT domains.id, domains.name, domains.customer_id AS owner, 0 AS main, verified_at, receives_mail,
                mail_mode, proof, looked_at, seen, '' AS owner_name, 0 AS upns, 0 AS names
           FROM domains JOIN customers ON customers.id = domains.customer_id
          WHERE verified_at IS NULL AND customers.state = 'active'
          ORDER BY looked_at, domains.id LIMIT ?1",
        [most],
        domain,
    )
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

pub fn set_mail<P>(
    tx: &Write,
    scope: &Scope<P>,
    customer: CustomerId,
    id: DomainId,
    mail: bool,
    mode: MailMode,
) -> Result<()> {
    tx.change::<i64>(
        "UPDATE domains SET receives_mail = :mail, mail_mode = :mode, version = version + 1
          WHERE id = :id AND customer_id = :customer
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = domains.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
         RETURNING id",
        named_params! { ":mail": mail, ":mode": mode, ":id": id, ":customer": customer, ":scope": scope },
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
        owner_name: row.get("owner_name")?,
        main: row.get("main")?,
        verified_at: row.get("verified_at")?,
        receives_mail: row.get("receives_mail")?,
        mail_mode: row.get("mail_mode")?,
        proof: row.get("proof")?,
        looked_at: row.get("looked_at")?,
        seen: row.get("seen")?,
        sign_in_names: upns,
        addresses: names - upns,
        services: Vec::new(),
        shared_with: Vec::new(),
    })
}
