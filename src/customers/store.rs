use super::Customer;
use super::fields::Details;
use crate::auth::Scope;
use crate::auth::permissions::{AuditRead, RequestsRead};
use crate::db::{Read, Write, broken_unique};
use crate::error::{Error, Result};
use crate::ids::CustomerId;
use crate::places::State;
use crate::time::Instant;
use rusqlite::{Row, named_params};

/// What there is of a customer.
macro_rules! whole {
    ($rest:literal) => {
        concat!(
            "SELECT customers.id, parent_id, code, state, reseller, disabled_through, version, created_at,
                    coalesce((SELECT up.name FROM customers up WHERE up.id = customers.parent_id), '') AS parent_name,
                    name, type, starts_on, expires_on, contact_name, contact_email, phone, fax, website, street, city,
                    region, postcode, country, coordinates, links, language, time_zone, user_limit, rank, tags, notes,
                    external_id, currency,
                    billing_id, tax_id, tax_rate_bp, registration_no, invoice_email, invoice_address, po_reference,
                    payment_days, billed_by, customers_billed_by, billing_from, expired_at, deprovisioned_at, deleted_at",
            $rest
        )
    };
}

pub fn one<P>(db: &Read, scope: &Scope<P>, id: CustomerId) -> Result<Customer> {
    db.one(
        whole!(
            " FROM customers
              WHERE customers.id = :id AND state <> 'purged'
                AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                               AND scope IN (SELECT value FROM json_each(:scope)))"
        ),
        named_params! { ":id": id, ":scope": scope },
        customer,
    )
}

/// Some, and whether the scope stands above each.
pub fn several<P>(db: &Read, scope: &Scope<P>, ids: &[i64]) -> Result<Vec<(Customer, bool)>> {
    db.all(
        whole!(
            ", customers.id = 1 OR EXISTS (
                 SELECT 1 FROM customer_tree JOIN json_each(:scope) AS code
                     ON code.value IN (customer_tree.above * 4 + 2, customer_tree.above * 4 + 3)
                  WHERE customer_tree.below = customers.id AND depth > 0) AS is_above
               FROM customers
              WHERE customers.id IN (SELECT value FROM json_each(:ids)) AND state <> 'purged'
                AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                               AND scope IN (SELECT value FROM json_each(:scope)))"
        ),
        named_params! { ":ids": serde_json::to_string(ids)?, ":scope": scope },
        |row| Ok((customer(row)?, row.get("is_above")?)),
    )
}

/// Adds a customer; `NotFound` if its parent is outside the scope.
pub fn insert<P>(
    tx: &Write,
    scope: &Scope<P>,
    parent: CustomerId,
    code: &str,
    details: &Details,
) -> Result<CustomerId> {
    if code_is_used(tx, code)? {
        return Err(Error::invalid("code", "is already taken by another customer"));
    }
    let id: CustomerId = tx.change(
        "INSERT INTO customers (parent_id, code, name, created_at, created_by, changed_at)
         SELECT :parent, :code, :name, :now, :by, :now
          WHERE EXISTS (SELECT 1 FROM reach WHERE customer_id = :parent
                           AND scope IN (SELECT value FROM json_each(:scope)))
         RETURNING id",
        named_params! {
            ":parent": parent, ":code": code, ":name": details.name, ":now": tx.now, ":by": tx.by.user,
            ":scope": scope,
        },
    )?;
    write(tx, id, details, scope)?;
    Ok(id)
}

/// Writes what can be edited.
pub fn update<P>(tx: &Write, scope: &Scope<P>, id: CustomerId, details: &Details) -> Result<()> {
    scope.reaches(tx, id)?;
    write(tx, id, details, scope)
}

fn write<P>(tx: &Write, id: CustomerId, d: &Details, scope: &Scope<P>) -> Result<()> {
    let written = tx.change::<i64>(
        "UPDATE customers
            SET name = :name, type = :type, starts_on = :starts, expires_on = :expires,
                contact_name = :contact_name, contact_email = :contact_email, phone = :phone, fax = :fax,
                website = :website, street = :street, city = :city, region = :region, postcode = :postcode,
                country = :country, coordinates = :coordinates, links = :links, language = :language, time_zone = :time_zone, user_limit = :user_limit,
                rank = :rank, tags = :tags, notes = :notes, external_id = :external_id, currency = :currency, billing_id = :billing_id,
                tax_id = :tax_id, tax_rate_bp = :tax_rate, registration_no = :registration_no,
                invoice_email = :invoice_email, invoice_address = :invoice_address,
                po_reference = :po_reference, payment_days = :payment_days, billed_by = :billed_by,
                customers_billed_by = :customers_billed_by, billing_from = :billing_from,
                version = version + 1, changed_at = :now
          WHERE id = :id RETURNING id",
        named_params! {
            ":id": id, ":now": tx.now, ":name": d.name, ":type": d.kind, ":starts": d.starts_on,
            ":expires": d.expires_on, ":contact_name": d.contact_name, ":contact_email": d.contact_email,
            ":phone": d.phone, ":fax": d.fax, ":website": d.website, ":street": d.street, ":city": d.city,
            ":region": d.region, ":postcode": d.postcode, ":country": d.country, ":coordinates": d.coordinates,
            ":links": serde_json::to_string(&d.links)?, ":rank": d.rank,
            ":tags": serde_json::to_string(&d.tags)?, ":language": d.language,
            ":time_zone": d.time_zone, ":user_limit": d.user_limit, ":notes": d.notes,
            ":external_id": d.external_id, ":currency": d.currency, ":billing_id": d.billing_id,
            ":tax_id": d.tax_id, ":tax_rate": d.tax_rate_bp, ":registration_no": d.registration_no,
            ":invoice_email": d.invoice_email, ":invoice_address": d.invoice_address,
            ":po_reference": d.po_reference, ":payment_days": d.payment_days, ":billed_by": d.billed_by,
            ":customers_billed_by": d.customers_billed_by, ":billing_from": d.billing_from,
        },
    );
    let Err(err) = written else { return Ok(()) };
    let (field, value) = match broken_unique(&err) {
        Some("customers.billing_id") => ("billing_id", d.billing_id.as_deref()),
        Some("customers.external_id") => ("external_id", d.external_id.as_deref()),
        _ => return Err(err),
    };
    let owner = holder(tx, scope, field, value.unwrap_or_default())?;
    Err(Error::invalid(field, format!("is already used by {owner}")))
}

/// Who has a billing or external id already: its name, or no name where it is out of scope.
fn holder<P>(db: &Read, scope: &Scope<P>, field: &str, value: &str) -> Result<String> {
    let found = db.maybe(
        "SELECT name FROM customers
          WHERE (billing_id = CASE :field WHEN 'billing_id' THEN :value END
                 OR external_id = CASE :field WHEN 'external_id' THEN :value END)
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":field": field, ":value": value, ":scope": scope },
        |row| row.get(0),
    )?;
    Ok(found.unwrap_or_else(|| "another customer".to_owned()))
}

pub fn code_is_used(db: &Read, code: &str) -> Result<bool> {
    db.value("SELECT EXISTS (SELECT 1 FROM customer_codes WHERE code = ?1)", [code])
}

/// How deep a customer stands; the provider is on level 1.
pub fn level(db: &Read, id: CustomerId) -> Result<i64> {
    db.value("SELECT count(*) FROM customer_tree WHERE below = ?1", [id])
}

/// Whether the scope will reach what is made below `parent`.
pub fn reaches_below<P>(db: &Read, scope: &Scope<P>, parent: CustomerId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM customer_tree JOIN json_each(:scope) ON value IN (above * 4 + 2, above * 4 + 3)
                         WHERE below = :parent)",
        named_params! { ":scope": scope, ":parent": parent },
    )
}

/// Whether the scope reaches the customer from above; nobody is above the provider but itself.
pub fn is_above<P>(db: &Read, scope: &Scope<P>, id: CustomerId) -> Result<bool> {
    db.value(
        "SELECT :id = 1 OR EXISTS (SELECT 1 FROM customer_tree JOIN json_each(:scope) ON value IN (above * 4 + 2, above * 4 + 3)
                                    WHERE below = :id AND depth > 0)",
        named_params! { ":scope": scope, ":id": id },
    )
}

pub fn has_invoices(db: &Read, id: CustomerId) -> Result<bool> {
    db.value("SELECT EXISTS (SELECT 1 FROM invoices WHERE buyer_id = ?1)", [id])
}

/// Active and disabled ones.
pub fn users(db: &Read, id: CustomerId) -> Result<i64> {
    db.value(
        "SELECT count(*) FROM users WHERE customer_id = ?1 AND state IN ('active', 'disabled')",
        [id],
    )
}

/// Whether another customer of the same parent has the same name.
pub fn has_namesake(db: &Read, id: CustomerId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM customers JOIN customers twin
                            ON twin.name = customers.name COLLATE NOCASE AND twin.id <> customers.id
                           AND twin.parent_id = customers.parent_id AND twin.state <> 'purged'
                         WHERE customers.id = ?1)",
        [id],
    )
}

pub fn by_external_id<P>(db: &Read, scope: &Scope<P>, value: &str) -> Result<Option<CustomerId>> {
    db.maybe(
        "SELECT id FROM customers
          WHERE external_id = :value AND state <> 'purged'
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":value": value, ":scope": scope },
        |row| row.get(0),
    )
}

/// Name and address of the contact.
pub fn contact(db: &Read, id: CustomerId) -> Result<(String, String)> {
    db.one("SELECT contact_name, contact_email FROM customers WHERE id = ?1", [id], |row| {
        Ok((row.get("contact_name")?, row.get("contact_email")?))
    })
}

pub fn state(db: &Read, id: CustomerId) -> Result<State> {
    db.value("SELECT state FROM customers WHERE id = ?1", [id])
}

pub fn name(db: &Read, id: CustomerId) -> Result<String> {
    db.value("SELECT name FROM customers WHERE id = ?1", [id])
}

/// Resellers in scope by name, for a choice: the provider first.
pub fn resellers<P>(db: &Read, scope: &Scope<P>) -> Result<Vec<(CustomerId, String)>> {
    db.all(
        "SELECT id, name
           FROM (SELECT id, name, 1 AS place FROM customers WHERE id = 1
                 UNION ALL
                 SELECT id, name, 2 FROM customers INDEXED BY customers_resellers
                  WHERE reseller = 1 AND id <> 1 AND state = 'active') AS seller
          WHERE EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = seller.id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY place, name COLLATE NOCASE LIMIT 500",
        named_params! { ":scope": scope },
        |row| Ok((row.get("id")?, row.get("name")?)),
    )
}

/// The figures of one customer.
pub struct Counts {
    pub users: i64,
    pub domains: i64,
    /// Customers below it, however far.
    pub below: i64,
}

pub fn counts<P>(db: &Read, scope: &Scope<P>, id: CustomerId) -> Result<Counts> {
    scope.reaches(db, id)?;
    db.one(
        "SELECT coalesce((SELECT customer_users.users FROM customer_users WHERE customer_id = :id), 0) AS users,
                (SELECT count(*) FROM customer_domains WHERE customer_id = :id) AS domains,
                (SELECT count(*) FROM customer_tree JOIN customers ON customers.id = below
                  WHERE above = :id AND depth > 0 AND state NOT IN ('deleted', 'purged')) AS below",
        named_params! { ":id": id },
        |row| {
            Ok(Counts {
                users: row.get("users")?,
                domains: row.get("domains")?,
                below: row.get("below")?,
            })
        },
    )
}

/// A line of the history of one customer.
pub struct Happened {
    pub at: Instant,
    pub action: String,
    pub who: String,
    /// The name of what was changed, where it has one.
    pub subject: String,
}

/// What was changed last.
pub fn happened(db: &Read, scope: &Scope<AuditRead>, id: CustomerId) -> Result<Vec<Happened>> {
    db.all(
        "SELECT at, action, coalesce(actor.display_name, 'Portico') AS who,
                CASE subject_kind
                  WHEN 'user' THEN coalesce((SELECT display_name FROM users WHERE users.id = subject_id), '')
                  WHEN 'request' THEN coalesce((SELECT title FROM requests WHERE requests.id = subject_id), '')
                  WHEN 'domain' THEN coalesce(json_extract(detail, '$.domain'), '')
                  ELSE '' END AS subject
           FROM audit_log LEFT JOIN users actor ON actor.id = audit_log.user_id
          WHERE audit_log.customer_id = :id
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = :id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY audit_log.id DESC LIMIT 10",
        named_params! { ":id": id, ":scope": scope },
        |row| {
            Ok(Happened {
                at: row.get("at")?,
                action: row.get("action")?,
                who: row.get("who")?,
                subject: row.get("subject")?,
            })
        },
    )
}

/// Requests of the customer that failed and wait for somebody, 99 at most.
pub fn failed_requests(db: &Read, scope: &Scope<RequestsRead>, id: CustomerId) -> Result<i64> {
    db.value(
        "SELECT count(*) FROM (
           SELECT 1 FROM requests
            WHERE customer_id = :id AND status = 'failed'
              AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = :id
                             AND scope IN (SELECT value FROM json_each(:scope)))
            LIMIT 99)",
        named_params! { ":id": id, ":scope": scope },
    )
}

fn customer(row: &Row) -> rusqlite::Result<Customer> {
    Ok(Customer {
        id: row.get("id")?,
        parent: row.get("parent_id")?,
        parent_name: row.get("parent_name")?,
        code: row.get("code")?,
        state: row.get("state")?,
        reseller: row.get("reseller")?,
        disabled_through: row.get("disabled_through")?,
        version: row.get("version")?,
        created_at: row.get("created_at")?,
        expired_at: row.get("expired_at")?,
        deprovisioned_at: row.get("deprovisioned_at")?,
        deleted_at: row.get("deleted_at")?,
        details: Details {
            name: row.get("name")?,
            kind: row.get("type")?,
            starts_on: row.get("starts_on")?,
            expires_on: row.get("expires_on")?,
            contact_name: row.get("contact_name")?,
            contact_email: row.get("contact_email")?,
            phone: row.get("phone")?,
            fax: row.get("fax")?,
            website: row.get("website")?,
            street: row.get("street")?,
            city: row.get("city")?,
            region: row.get("region")?,
            postcode: row.get("postcode")?,
            country: row.get("country")?,
            coordinates: row.get("coordinates")?,
            links: json(row, "links")?,
            language: row.get("language")?,
            time_zone: row.get("time_zone")?,
            user_limit: row.get("user_limit")?,
            rank: row.get("rank")?,
            tags: json(row, "tags")?,
            notes: row.get("notes")?,
            external_id: row.get("external_id")?,
            currency: row.get("currency")?,
            billing_id: row.get("billing_id")?,
            tax_id: row.get("tax_id")?,
            tax_rate_bp: row.get("tax_rate_bp")?,
            registration_no: row.get("registration_no")?,
            invoice_email: row.get("invoice_email")?,
            invoice_address: row.get("invoice_address")?,
            po_reference: row.get("po_reference")?,
            payment_days: row.get("payment_days")?,
            billed_by: row.get("billed_by")?,
            customers_billed_by: row.get("customers_billed_by")?,
            billing_from: row.get("billing_from")?,
        },
    })
}

/// A list that is kept as JSON.
fn json<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> rusqlite::Result<Vec<T>> {
    let text: String = row.get(column)?;
    Ok(serde_json::from_str(&text).unwrap_or_default())
}
