use super::Kit;
use crate::auth::Scope;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, KitId, RunId, UserId};
use crate::time::Instant;
use rusqlite::{Row, named_params};
use serde_json::Value;

fn kit(row: &Row) -> rusqlite::Result<Kit> {
    Ok(Kit {
        id: row.get("id")?,
        customer_id: row.get("customer_id")?,
        name: row.get("name")?,
        code: row.get("code")?,
        bytes: row.get("bytes")?,
        made_at: row.get("made_at")?,
        until: row.get("until")?,
        file: row.get("file")?,
    })
}

pub fn of<P>(db: &Read, scope: &Scope<P>, customer: CustomerId) -> Result<Vec<Kit>> {
    db.all(
        "SELECT exit_kits.id, customer_id, name, code, bytes, made_at, until, file
           FROM exit_kits JOIN customers ON customers.id = customer_id
          WHERE customer_id = :customer AND until > :now
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = exit_kits.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY exit_kits.id DESC",
        named_params! { ":customer": customer, ":now": db.now, ":scope": scope },
        kit,
    )
}

pub fn one<P>(db: &Read, scope: &Scope<P>, id: KitId) -> Result<Kit> {
    db.one(
        "SELECT exit_kits.id, customer_id, name, code, bytes, made_at, until, file
           FROM exit_kits JOIN customers ON customers.id = customer_id
          WHERE exit_kits.id = :id AND until > :now
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = exit_kits.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":id": id, ":now": db.now, ":scope": scope },
        kit,
    )
}

pub struct New<'a> {
    pub customer: CustomerId,
    pub run: RunId,
    pub file: &'a str,
    pub bytes: i64,
    pub digest: [u8; 32],
    pub until: Instant,
}

pub fn insert(tx: &Write, new: &New, by: Option<UserId>) -> Result<KitId> {
    tx.change(
        "INSERT INTO exit_kits (customer_id, run_id, file, bytes, sha256, made_at, made_by, until)
         VALUES (:customer, :run, :file, :bytes, :sha256, :now, :by, :until)
             ON CONFLICT (file) DO UPDATE SET bytes = excluded.bytes, sha256 = excluded.sha256, made_at = excluded.made_at
         RETURNING id",
        named_params! {
            ":customer": new.customer, ":run": new.run, ":file": new.file, ":bytes": new.bytes,
            ":sha256": new.digest, ":now": tx.now, ":by": by, ":until": new.until,
        },
    )
}

pub fn drop(tx: &Write, id: KitId) -> Result<()> {
    tx.run("DELETE FROM exit_kits WHERE id = ?1", [id])?;
    Ok(())
}

/// Kits whose time is over, with their files.
pub fn over(db: &Read) -> Result<Vec<(KitId, String)>> {
    db.all("SELECT id, file FROM exit_kits WHERE until <= ?1", [db.now], |row| {
        Ok((row.get("id")?, row.get("file")?))
    })
}

/// Customers that were deleted before `instant`.
pub fn due(db: &Read, instant: Instant) -> Result<Vec<CustomerId>> {
    db.all(
        "SELECT id FROM customers
          WHERE deleted_at IS NOT NULL AND deleted_at <= ?1 AND state = 'deleted' ORDER BY deleted_at",
        [instant],
        |row| row.get(0),
    )
}

pub fn name(db: &Read, id: CustomerId) -> Result<String> {
    db.value("SELECT name FROM customers WHERE id = ?1", [id])
}

pub struct Requester {
    pub home: CustomerId,
    pub name: String,
    pub mail: String,
}

pub fn requester(db: &Read, user: Option<UserId>) -> Result<Option<Requester>> {
    db.maybe(
        "SELECT customer_id, display_name, mail FROM users WHERE id = ?1 AND state = 'active'",
        [user],
        |row| {
            Ok(Requester {
                home: row.get("customer_id")?,
                name: row.get("display_name")?,
                mail: row.get("mail")?,
            })
        },
    )
}

/// The customer whole, with its domains and lists.
pub fn customer(db: &Read, id: CustomerId) -> Result<Value> {
    let text: String = db.value(
        "SELECT json_object(
                  'id', id, 'code', code, 'name', name, 'state', state, 'type', type, 'parent_id', parent_id,
                  'reseller', json(iif(reseller, 'true', 'false')), 'starts_on', starts_on, 'expires_on', expires_on,
                  'contact_name', contact_name, 'contact_email', contact_email, 'phone', phone, 'fax', fax,
                  'website', website, 'links', json(links), 'street', street, 'city', city, 'region', region,
                  'postcode', postcode, 'country', country, 'coordinates', coordinates, 'language', language,
                  'time_zone', time_zone, 'user_limit', user_limit, 'external_id', external_id,
                  'currency', currency, 'billing_id', billing_id, 'tax_id', tax_id, 'tax_rate_bp', tax_rate_bp,
                  'registration_no', registration_no, 'invoice_email', invoice_email,
                  'invoice_address', invoice_address, 'po_reference', po_reference, 'payment_days', payment_days,
                  'created_at', created_at,
                  'domains', json((SELECT json_group_array(json_object('name', domains.name, 'main', main))
                                FROM customer_domains JOIN domains ON domains.id = domain_id
                               WHERE customer_domains.customer_id = customers.id)),
                  'departments', json((SELECT json_group_array(departments.name) FROM departments
                                   WHERE departments.customer_id = customers.id)),
                  'locations', json((SELECT json_group_array(places.name) FROM customer_locations places
                                 WHERE places.customer_id = customers.id)))
           FROM customers WHERE id = ?1",
        [id],
    )?;
    Ok(serde_json::from_str(&text)?)
}

/// What takes one row after the other.
pub type Rows<'a> = &'a mut dyn FnMut(&[String]) -> Result<()>;

pub const DEVICES_HEAD: &[&str] = &["id", "name", "kind", "serial", "note", "user", "primary"];

pub fn devices(db: &Read, id: CustomerId, out: Rows) -> Result<()> {
    db.each(
        "SELECT devices.id, name, kind, serial, note,
                coalesce((SELECT users.upn FROM users WHERE users.id = devices.user_id), '') AS who, main
           FROM devices WHERE devices.customer_id = ?1",
        [id],
        |row| out(&cells(row, DEVICES_HEAD.len())?),
    )
}

/// Number and photo of each user that has one.
pub fn photos(
    db: &Read,
    id: CustomerId,
    out: &mut dyn FnMut(UserId, &[u8]) -> Result<()>,
) -> Result<()> {
    db.each(
        "SELECT users.id, jpeg FROM users CROSS JOIN user_photos ON user_id = users.id WHERE users.customer_id = ?1",
        [id],
        |row| out(row.get(0)?, &row.get::<_, Vec<u8>>(1)?),
    )
}

/// Number and text of each sealed report of somebody who left.
pub fn reports(
    db: &Read,
    id: CustomerId,
    out: &mut dyn FnMut(i64, &str) -> Result<()>,
) -> Result<()> {
    db.each(
        "SELECT sealed_no, json_object('number', sealed_no, 'sealed_at', sealed_at, 'previous', previous,
                                       'seal', hash, 'report', report)
           FROM offboardings WHERE customer_id = ?1 AND sealed_no IS NOT NULL ORDER BY id",
        [id],
        |row| out(row.get(0)?, &row.get::<_, String>(1)?),
    )
}

pub const SERVICES_HEAD: &[&str] =
    &["level", "id", "service", "plan", "label", "user", "wanted", "live", "since"];

pub fn services(db: &Read, id: CustomerId, out: Rows) -> Result<()> {
    db.each(
        "SELECT level, assignments.id, code, plan, label, coalesce(users.upn, '') AS who, wanted, live,
                assignments.created_at
           FROM assignments LEFT JOIN users ON users.id = assignments.user_id
          WHERE assignments.customer_id = ?1",
        [id],
        |row| out(&cells(row, SERVICES_HEAD.len())?),
    )
}

pub const LEDGER_HEAD: &[&str] = &[
    "id", "at", "day", "kind", "subject", "action", "user", "service", "plan", "instance",
    "quantity", "facts",
];

pub fn ledger(db: &Read, id: CustomerId, out: Rows) -> Result<()> {
    db.each(
        "SELECT id, effective_at, day, kind, subject_id, action, user_id, service, plan, instance, quantity, facts
           FROM ledger WHERE customer_id = ?1 ORDER BY day, id",
        [id],
        |row| out(&cells(row, LEDGER_HEAD.len())?),
    )
}

pub const AUDIT_HEAD: &[&str] =
    &["id", "at", "who", "via", "action", "subject", "number", "detail"];

pub fn audit(db: &Read, id: CustomerId, out: Rows) -> Result<()> {
    db.each(
        "SELECT audit_log.id, at, coalesce(display_name, 'Portico'), via, action, subject_kind, subject_id, detail
           FROM audit_log LEFT JOIN users ON users.id = audit_log.user_id
          WHERE audit_log.customer_id = ?1 ORDER BY audit_log.id",
        [id],
        |row| out(&cells(row, AUDIT_HEAD.len())?),
    )
}

fn cells(row: &Row, n: usize) -> rusqlite::Result<Vec<String>> {
    use rusqlite::types::ValueRef;
    (0..n)
        .map(|place| {
            Ok(match row.get_ref(place)? {
                ValueRef::Integer(number) => number.to_string(),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                _ => String::new(),
            })
        })
        .collect()
}

/// Number and snapshot of each invoice that the customer was sent.
pub fn invoices(
    db: &Read,
    id: CustomerId,
    out: &mut dyn FnMut(&str, &str) -> Result<()>,
) -> Result<()> {
    db.each(
        "SELECT coalesce(number, ''), snapshot FROM invoices
          WHERE buyer_id = ?1 AND state <> 'draft' AND snapshot IS NOT NULL ORDER BY id",
        [id],
        |row| out(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?),
    )
}
