//! The statements of invoices. A seller sees all of its own, a buyer what became final.

use super::document::{Document, Line, Party, Type};
use super::issuer::Issuer;
use super::{Filter, Invoice, State};
use crate::auth::permissions::InvoicesWrite;
use crate::auth::{PROVIDER, Scope};
use crate::db::{Read, Write, unique};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, InvoiceId};
use crate::rating::hops::Hop;
use crate::time::{Date, Instant};
use rusqlite::{Row, named_params};

pub fn list<P>(
    db: &Read,
    scope: &Scope<P>,
    filter: &Filter,
    before: i64,
    limit: i64,
) -> Result<Vec<Invoice>> {
    db.all(
        LIST,
        named_params! {
            ":scope": scope, ":state": filter.state, ":buyer": filter.buyer, ":seller": filter.seller,
            ":end": filter.period_end, ":before": before, ":limit": limit,
        },
        invoice,
    )
}

const LIST: &str = "
    SELECT invoices.id, invoices.state, invoices.type, number, seller_id, buyer_id, seller.name AS seller,
           buyer.name AS buyer, period_end, invoices.currency, credits_id, net_minor, tax_minor, gross_minor,
           blockers, issued_on, due_on, finalised_at, sent_at, link_until, invoices.version
      FROM invoices
      JOIN customers seller ON seller.id = seller_id
      JOIN customers buyer ON buyer.id = buyer_id
     WHERE invoices.id < :before
       AND (:state IS NULL OR invoices.state = :state)
       AND (:buyer IS NULL OR buyer_id = :buyer) AND (:seller IS NULL OR seller_id = :seller)
       AND (:end IS NULL OR period_end = :end)
       AND EXISTS (SELECT 1 FROM json_each(:scope)
                    WHERE (value / 4 IN (1, seller_id) AND value % 4 >= 2)
                       OR (value / 4 = buyer_id AND value % 2 = 1 AND invoices.state <> 'draft'))
     ORDER BY invoices.id DESC LIMIT :limit";

pub fn one<P>(db: &Read, scope: &Scope<P>, id: InvoiceId) -> Result<Invoice> {
    db.one(
        "SELECT invoices.id, invoices.state, invoices.type, number, seller_id, buyer_id, seller.name AS seller,
                buyer.name AS buyer, period_end, invoices.currency, credits_id, net_minor, tax_minor, gross_minor,
                blockers, issued_on, due_on, finalised_at, sent_at, link_until, invoices.version
           FROM invoices
           JOIN customers seller ON seller.id = seller_id
           JOIN customers buyer ON buyer.id = buyer_id
          WHERE invoices.id = :id
            AND EXISTS (SELECT 1 FROM json_each(:scope)
                         WHERE (value / 4 IN (1, seller_id) AND value % 4 >= 2)
                            OR (value / 4 = buyer_id AND value % 2 = 1 AND invoices.state <> 'draft'))",
        named_params! { ":scope": scope, ":id": id },
        invoice,
    )
}

fn invoice(row: &Row) -> rusqlite::Result<Invoice> {
    let blockers: String = row.get("blockers")?;
    Ok(Invoice {
        id: row.get("id")?,
        state: row.get("state")?,
        kind: row.get("type")?,
        number: row.get("number")?,
        seller_id: row.get("seller_id")?,
        buyer_id: row.get("buyer_id")?,
        seller: row.get("seller")?,
        buyer: row.get("buyer")?,
        period_end: row.get("period_end")?,
        currency: row.get("currency")?,
        credits_id: row.get("credits_id")?,
        net_minor: row.get("net_minor")?,
        tax_minor: row.get("tax_minor")?,
        gross_minor: row.get("gross_minor")?,
        blockers: serde_json::from_str(&blockers).unwrap_or_default(),
        issued_on: row.get("issued_on")?,
        due_on: row.get("due_on")?,
        finalised_at: row.get("finalised_at")?,
        sent_at: row.get("sent_at")?,
        link_until: row.get("link_until")?,
        version: row.get("version")?,
    })
}

/// The invoice of a bill that is not void, if there is one.
pub fn current(db: &Read, end: Date, hop: &Hop) -> Result<Option<(InvoiceId, State)>> {
    db.maybe(
        "SELECT id, state FROM invoices
          WHERE period_end = :end AND seller_id = :seller AND buyer_id = :buyer AND currency = :currency
            AND state <> 'void' AND type = 'invoice'",
        named_params! {
            ":end": end, ":seller": hop.seller_id, ":buyer": hop.buyer_id, ":currency": hop.currency,
        },
        |row| Ok((row.get("id")?, row.get("state")?)),
    )
}

pub fn insert(
    tx: &Write,
    hop: &Hop,
    document: &Document,
    blockers: &[String],
) -> Result<InvoiceId> {
    let id = tx.change(
        "INSERT INTO invoices (seller_id, buyer_id, period_end, currency, net_minor, tax_minor, gross_minor,
                               blockers, created_at)
         VALUES (:seller, :buyer, :end, :currency, :net, :tax, :gross, :blockers, :now) RETURNING id",
        named_params! {
            ":seller": hop.seller_id, ":buyer": hop.buyer_id, ":end": document.period_end,
            ":currency": document.currency, ":net": document.net_minor, ":tax": document.tax_minor,
            ":gross": document.gross_minor, ":blockers": serde_json::to_string(blockers)?, ":now": tx.now,
        },
    )?;
    keep_lines(tx, id, &document.lines)?;
    Ok(id)
}

pub fn rebuild(tx: &Write, id: InvoiceId, document: &Document, blockers: &[String]) -> Result<()> {
    tx.change::<i64>(
        "UPDATE invoices SET net_minor = :net, tax_minor = :tax, gross_minor = :gross, blockers = :blockers,
                             version = version + 1
          WHERE id = :id AND state = 'draft' RETURNING id",
        named_params! {
            ":id": id, ":net": document.net_minor, ":tax": document.tax_minor,
            ":gross": document.gross_minor, ":blockers": serde_json::to_string(blockers)?,
        },
    )?;
    tx.run("DELETE FROM invoice_lines WHERE invoice_id = ?1", [id])?;
    keep_lines(tx, id, &document.lines)
}

fn keep_lines(tx: &Write, id: InvoiceId, lines: &[Line]) -> Result<()> {
    for line in lines {
        tx.run(
            "INSERT INTO invoice_lines (invoice_id, position, customer_id, kind, sku, text, quantity, unit_price,
                                        net_minor, tax_rate_bp)
             VALUES (:id, :position, :customer, :kind, :sku, :text, :quantity, :price, :net, :rate)",
            named_params! {
                ":id": id, ":position": line.position, ":customer": line.customer_id, ":kind": line.kind,
                ":sku": line.sku, ":text": line.text, ":quantity": line.quantity,
                ":price": line.unit_price, ":net": line.net_minor, ":rate": line.tax_rate_bp,
            },
        )?;
    }
    Ok(())
}

/// A draft's lines as they were last shown.
pub fn lines(db: &Read, id: InvoiceId) -> Result<Vec<Line>> {
    db.all(
        "SELECT position, kind, customer_id, name, sku, text, quantity, unit_price, net_minor, invoice_lines.tax_rate_bp
           FROM invoice_lines JOIN customers ON customers.id = customer_id
          WHERE invoice_id = ?1 ORDER BY position",
        [id],
        |row| {
            Ok(Line {
                position: row.get("position")?,
                kind: row.get("kind")?,
                customer_id: row.get("customer_id")?,
                customer: row.get("name")?,
                sku: row.get("sku")?,
                text: row.get("text")?,
                quantity: row.get("quantity")?,
                unit_price: row.get("unit_price")?,
                net_minor: row.get("net_minor")?,
                tax_rate_bp: row.get("tax_rate_bp")?,
            })
        },
    )
}

pub fn discard(tx: &Write, scope: &Scope<InvoicesWrite>, id: InvoiceId) -> Result<()> {
    tx.change::<i64>(
        "DELETE FROM invoices
          WHERE id = :id AND state = 'draft'
            AND EXISTS (SELECT 1 FROM json_each(:scope) WHERE value / 4 IN (1, seller_id) AND value % 4 >= 2)
         RETURNING id",
        named_params! { ":id": id, ":scope": scope },
    )?;
    Ok(())
}

/// Takes the next number of a series.
pub fn take_number(tx: &Write, issuer: CustomerId, kind: Type, year: &str) -> Result<i64> {
    tx.change(
        "INSERT INTO series (customer_id, type, year, next) VALUES (:issuer, :type, :year, 2)
             ON CONFLICT DO UPDATE SET next = next + 1 RETURNING next - 1",
        named_params! { ":issuer": issuer, ":type": kind, ":year": year },
    )
}

/// The day of the last document of a series.
pub fn last_issued(db: &Read, issuer: CustomerId, kind: Type) -> Result<Option<Date>> {
    db.value(
        "SELECT max(issued_on) FROM invoices WHERE seller_id = :issuer AND type = :type",
        named_params! { ":issuer": issuer, ":type": kind },
    )
}

/// The snapshot, and its digest.
pub struct Sealed<'a> {
    pub document: &'a Document,
    pub json: &'a str,
    pub sha256: [u8; 32],
}

pub fn finalise(tx: &Write, id: InvoiceId, sealed: &Sealed) -> Result<()> {
    let changed = tx.change::<i64>(
        "UPDATE invoices
            SET state = 'final', number = :number, issued_on = :issued, due_on = :due, snapshot = :snapshot,
                snapshot_sha256 = :sha256, finalised_at = :now, finalised_by = :by, version = version + 1
          WHERE id = :id AND state = 'draft' RETURNING id",
        named_params! {
            ":id": id, ":number": sealed.document.number, ":issued": sealed.document.issued_on,
            ":due": sealed.document.due_on, ":snapshot": sealed.json, ":sha256": sealed.sha256,
            ":now": tx.now, ":by": tx.by.user,
        },
    );
    taken(changed).map(|_| ())
}

pub fn insert_credit(tx: &Write, of: &Invoice, sealed: &Sealed) -> Result<InvoiceId> {
    let document = sealed.document;
    let id = tx.change(
        "INSERT INTO invoices (state, type, number, seller_id, buyer_id, period_end, currency, credits_id, net_minor,
                               tax_minor, gross_minor, issued_on, snapshot, snapshot_sha256, created_at,
                               finalised_at, finalised_by)
         VALUES ('final', 'credit_note', :number, :seller, :buyer, :end, :currency, :credits, :net,
                 :tax, :gross, :issued, :snapshot, :sha256, :now, :now, :by) RETURNING id",
        named_params! {
            ":number": document.number, ":seller": of.seller_id, ":buyer": of.buyer_id,
            ":end": of.period_end, ":currency": of.currency, ":credits": of.id, ":net": document.net_minor,
            ":tax": document.tax_minor, ":gross": document.gross_minor, ":issued": document.issued_on,
            ":snapshot": sealed.json, ":sha256": sealed.sha256, ":now": tx.now, ":by": tx.by.user,
        },
    );
    let id = taken(id)?;
    keep_lines(tx, id, &document.lines)?;
    Ok(id)
}

fn taken<T>(result: Result<T>) -> Result<T> {
    unique(result, "", "This number was given before. Change the pattern of the series.")
}

pub fn void(tx: &Write, id: InvoiceId) -> Result<()> {
    tx.change::<i64>(
        "UPDATE invoices SET state = 'void', link_hash = NULL, link_until = NULL, version = version + 1
          WHERE id = :id AND state = 'final' RETURNING id",
        named_params! { ":id": id },
    )?;
    Ok(())
}

/// A new link takes the place of the last one.
pub fn link(tx: &Write, id: InvoiceId, hash: &[u8], until: Instant) -> Result<()> {
    tx.change::<i64>(
        "UPDATE invoices SET link_hash = :hash, link_until = :until, sent_at = :now WHERE id = :id RETURNING id",
        named_params! { ":id": id, ":hash": hash, ":until": until, ":now": tx.now },
    )?;
    Ok(())
}

/// Ends the link that is out; says whether one was.
pub fn unlink(tx: &Write, id: InvoiceId) -> Result<bool> {
    let ended = tx.run(
        "UPDATE invoices SET link_hash = NULL, link_until = NULL, version = version + 1
          WHERE id = :id AND link_until > :now",
        named_params! { ":id": id, ":now": tx.now },
    )?;
    Ok(ended == 1)
}

/// What a mailed link opens, while it holds.
pub fn linked(db: &Read, hash: &[u8]) -> Result<String> {
    db.one(
        "SELECT snapshot FROM invoices
          WHERE link_hash = :hash AND link_until > :now AND snapshot IS NOT NULL",
        named_params! { ":hash": hash, ":now": db.now },
        |row| row.get("snapshot"),
    )
}

pub fn snapshot(db: &Read, id: InvoiceId) -> Result<(String, Vec<u8>)> {
    db.one(
        "SELECT snapshot, snapshot_sha256 FROM invoices WHERE id = ?1 AND snapshot IS NOT NULL",
        [id],
        |row| Ok((row.get("snapshot")?, row.get("snapshot_sha256")?)),
    )
}

/// What a buyer's invoice needs of it.
pub struct Buyer {
    pub party: Party,
    pub tax_rate_bp: Option<i64>,
    pub payment_days: Option<i64>,
    /// Its address for invoices, or its contact's.
    pub email: String,
    pub is_for_invoices: bool,
    pub contact: String,
}

pub fn buyer(db: &Read, id: CustomerId) -> Result<Buyer> {
    db.one(
        "SELECT name, invoice_address, street, postcode, city, region, country, tax_id, registration_no, po_reference,
                billing_id, tax_rate_bp, payment_days, invoice_email, contact_email, contact_name
           FROM customers WHERE id = ?1",
        [id],
        |row| {
            let text = |name: &str| row.get::<_, String>(name);
            let town = format!("{} {}", text("postcode")?, text("city")?);
            let own = [text("street")?, town.trim().to_owned(), text("region")?];
            let own: Vec<String> = own.into_iter().filter(|line| !line.is_empty()).collect();
            let (given, email) = (text("invoice_address")?, text("invoice_email")?);
            Ok(Buyer {
                party: Party {
                    name: text("name")?,
                    address: if given.is_empty() { own.join("\n") } else { given },
                    country: text("country")?,
                    tax_id: text("tax_id")?,
                    registration_no: text("registration_no")?,
                    reference: text("po_reference")?,
                    billing_id: row.get::<_, Option<String>>("billing_id")?.unwrap_or_default(),
                    ..Party::default()
                },
                tax_rate_bp: row.get("tax_rate_bp")?,
                payment_days: row.get("payment_days")?,
                is_for_invoices: !email.is_empty(),
                email: if email.is_empty() { text("contact_email")? } else { email },
                contact: text("contact_name")?,
            })
        },
    )
}

pub fn issuer(db: &Read, id: CustomerId) -> Result<Option<Issuer>> {
    db.maybe(
        "SELECT legal_name, address, country, tax_id, registration_no, bank, iban, bic, payment_days, tax_rate_bp,
                tax_label, number_pattern, credit_pattern, note, version
           FROM issuers WHERE customer_id = ?1",
        [id],
        |row| {
            Ok(Issuer {
                legal_name: row.get("legal_name")?,
                address: row.get("address")?,
                country: row.get("country")?,
                tax_id: row.get("tax_id")?,
                registration_no: row.get("registration_no")?,
                bank: row.get("bank")?,
                iban: row.get("iban")?,
                bic: row.get("bic")?,
                payment_days: row.get("payment_days")?,
                tax_rate_bp: row.get("tax_rate_bp")?,
                tax_label: row.get("tax_label")?,
                number_pattern: row.get("number_pattern")?,
                credit_pattern: row.get("credit_pattern")?,
                note: row.get("note")?,
                version: row.get("version")?,
            })
        },
    )
}

pub fn keep_issuer(tx: &Write, id: CustomerId, new: &Issuer) -> Result<()> {
    tx.run(
        "INSERT INTO issuers (customer_id, legal_name, address, country, tax_id, registration_no, bank, iban, bic,
                              payment_days, tax_rate_bp, tax_label, number_pattern, credit_pattern, note)
         VALUES (:id, :name, :address, :country, :tax_id, :registration, :bank, :iban, :bic,
                 :days, :rate, :label, :number, :credit, :note)
             ON CONFLICT DO UPDATE SET legal_name = excluded.legal_name, address = excluded.address,
                country = excluded.country, tax_id = excluded.tax_id,
                registration_no = excluded.registration_no, bank = excluded.bank, iban = excluded.iban,
                bic = excluded.bic, payment_days = excluded.payment_days,
                tax_rate_bp = excluded.tax_rate_bp, tax_label = excluded.tax_label,
                number_pattern = excluded.number_pattern, credit_pattern = excluded.credit_pattern,
                note = excluded.note, version = version + 1",
        named_params! {
            ":id": id, ":name": new.legal_name, ":address": new.address, ":country": new.country,
            ":tax_id": new.tax_id, ":registration": new.registration_no, ":bank": new.bank,
            ":iban": new.iban, ":bic": new.bic, ":days": new.payment_days, ":rate": new.tax_rate_bp,
            ":label": new.tax_label, ":number": new.number_pattern, ":credit": new.credit_pattern,
            ":note": new.note,
        },
    )?;
    Ok(())
}

/// Whether a right stands at a seller, or at the provider.
pub fn sells<P>(db: &Read, scope: &Scope<P>, seller: CustomerId) -> Result<()> {
    let stands = scope.stands_at();
    if !stands.iter().any(|(at, bits)| bits & 2 != 0 && (*at == PROVIDER || *at == seller)) {
        return Err(Error::NotFound);
    }
    db.one("SELECT 1 FROM customers WHERE id = ?1", [seller], |_| Ok(()))
}
