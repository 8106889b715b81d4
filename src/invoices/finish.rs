//! From draft to final, and back by a credit note: each one transaction with its number, its freeze
//! and its mail.

use super::document::{Document, Type};
use super::{Invoice, State, drafts, number, sealed, store};
use crate::audit;
use crate::auth::Scope;
use crate::auth::permissions::InvoicesWrite;
use crate::billing;
use crate::customers::contacts;
use crate::db::{Db, Read, Write};
use crate::error::{Error, Result};
use crate::ids::InvoiceId;
use crate::mail::{self, Class, NewMessage};
use crate::money::Money;
use crate::rating::periods::Period;
use crate::secret::{self, Key, Secret};
use crate::time::Date;
use serde_json::json;

/// A mailed link opens its document for so long.
const LINK_DAYS: i64 = 90;

const CHANGED: &str = "The bill has changed since this draft was made. It was drawn up anew: look at it and try again.";

/// Gives a draft its number and fixes it and its bill for ever.
pub fn finalise(db: &Db, scope: &Scope<InvoicesWrite>, key: &Key, id: InvoiceId) -> Result<String> {
    let invoice = db.read(|db| draft(db, scope, id))?;
    let (period, hop) = (Period::month_of(invoice.period_end), drafts::hop(&invoice));
    billing::recalculate(db, scope, &period)?;
    let frozen = db.read(|db| billing::frozen_before(db, scope, &period, &hop))?;
    // Nobody gets an invoice that nobody has seen.
    let same = db.write(scope.by, |tx| {
        let invoice = draft(tx, scope, id)?;
        let now = drafts::composed(tx, scope, &period, &hop)?;
        let same = now.document.lines == store::lines(tx, id)?;
        if !same || now.blockers != invoice.blockers {
            store::rebuild(tx, id, &now.document, &now.blockers)?;
        }
        Ok(same)
    })?;
    if !same {
        return Err(Error::refused(CHANGED));
    }
    db.write(scope.by, |tx| {
        draft(tx, scope, id)?;
        let now = drafts::composed(tx, scope, &period, &hop)?;
        if !now.blockers.is_empty() {
            return Err(Error::refused(format!(
                "Something is missing: {}.",
                now.blockers.join(", ")
            )));
        }
        if now.document.lines != store::lines(tx, id)? {
            return Err(Error::refused(CHANGED));
        }
        let mut document = now.document;
        let issuer = store::issuer(tx, hop.seller_id)?.unwrap_or_default();
        let buyer = store::buyer(tx, hop.buyer_id)?;
        let (day, text) = next_number(tx, &invoice, Type::Invoice, &issuer.number_pattern)?;
        let days = buyer.payment_days.unwrap_or(issuer.payment_days);
        document.number = Some(text.clone());
        (document.issued_on, document.due_on) = (Some(day), Some(day.plus_days(days)));
        let json = serde_json::to_string(&document)?;
        let sha256 = secret::sha256(json.as_bytes());
        store::finalise(tx, id, &store::Sealed { document: &document, json: &json, sha256 })?;
        billing::fix(tx, &period, &frozen, Some(id))?;
        let detail = json!({
            "number": text, "gross_minor": document.gross_minor, "currency": document.currency,
        });
        audit::record(tx, "invoice.finalised", ("invoice", id.0), hop.buyer_id, &detail)?;
        post(tx, key, &invoice, &document, &buyer)?;
        Ok(text)
    })
}

fn draft(db: &Read, scope: &Scope<InvoicesWrite>, id: InvoiceId) -> Result<Invoice> {
    let invoice = store::one(db, scope, id)?;
    match invoice.state {
        State::Draft => Ok(invoice),
        State::Final | State::Void => Err(Error::refused("This invoice is final already.")),
    }
}

fn finished(db: &Read, scope: &Scope<InvoicesWrite>, id: InvoiceId) -> Result<Invoice> {
    let invoice = store::one(db, scope, id)?;
    match invoice.state {
        State::Final => Ok(invoice),
        State::Draft => Err(Error::refused("This is a draft. Finalise it first.")),
        State::Void => Err(Error::refused("This invoice is void.")),
    }
}

/// The next number of the series and the day it is written on, never before the last one's.
fn next_number(tx: &Write, invoice: &Invoice, kind: Type, pattern: &str) -> Result<(Date, String)> {
    let today = billing::today(tx)?;
    let last = store::last_issued(tx, invoice.seller_id, kind)?;
    let day = last.map_or(today, |last| last.max(today));
    let year = number::counted_within(pattern, day);
    let n = store::take_number(tx, invoice.seller_id, kind, &year)?;
    let text = number::written(pattern, day, n)
        .ok_or_else(|| Error::refused("The pattern of the numbers cannot be read."))?;
    Ok((day, text))
}

/// Mails the document's link to those who are told of invoices, and says to whom. The one before it
/// ends.
fn post(
    tx: &Write,
    key: &Key,
    invoice: &Invoice,
    document: &Document,
    buyer: &store::Buyer,
) -> Result<Vec<String>> {
    let mut readers = contacts::told(tx, invoice.buyer_id, contacts::For::Billing)?;
    let named = if buyer.contact.is_empty() { &buyer.party.name } else { &buyer.contact };
    let known = readers.iter().any(|(_, to)| to.eq_ignore_ascii_case(&buyer.email));
    if !buyer.email.is_empty() && !known && (readers.is_empty() || buyer.is_for_invoices) {
        readers.push((named.clone(), buyer.email.clone()));
    }
    if readers.is_empty() {
        return Ok(Vec::new());
    }
    let token = secret::token()?;
    let until = tx.now.plus_days(LINK_DAYS);
    store::link(tx, invoice.id, &secret::sha256(token.reveal().as_bytes()), until)?;
    let path = Secret::new(format!("/documents/{}", token.reveal()));
    let title = document.title();
    let gross = Money::new(document.gross_minor, document.currency);
    let due = match document.due_on {
        Some(due) => format!(" It is to be paid by {}.", due.long()),
        None => String::new(),
    };
    let subject = format!("{title} from {}", document.seller.name);
    for (name, to) in &readers {
        let text = format!(
            "Hello {name},\n\nhere is {} for {}: {gross}.{due}\n\n[link]\n\nThe link works for {LINK_DAYS} days.\n\n{}",
            lower(&title),
            document.period_end.month_name(),
            document.seller.name
        );
        mail::queue(
            tx,
            &NewMessage {
                customer: invoice.buyer_id,
                user: None,
                event: "invoice.sent",
                class: Class::Owed,
                to,
                name,
                subject: &subject,
                text: &text,
                link: Some((key, &path)),
                expires: Some(until),
            },
        )?;
    }
    Ok(readers.into_iter().map(|(_, to)| to).collect())
}

fn lower(title: &str) -> String {
    let mut chars = title.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// Mails a final document once more, with a new link.
pub fn send(db: &Db, scope: &Scope<InvoicesWrite>, key: &Key, id: InvoiceId) -> Result<()> {
    db.write(scope.by, |tx| {
        let invoice = finished(tx, scope, id)?;
        let (document, buyer) = (sealed(tx, id)?, store::buyer(tx, invoice.buyer_id)?);
        let to = post(tx, key, &invoice, &document, &buyer)?;
        if to.is_empty() {
            return Err(Error::refused(
                "The customer has no address for invoices. Give it one first.",
            ));
        }
        let detail = json!({ "to": to.join(", ") });
        audit::record(tx, "invoice.sent", ("invoice", id.0), invoice.buyer_id, &detail)
    })
}

/// Ends the link that was mailed; the document stays as it is.
pub fn revoke(db: &Db, scope: &Scope<InvoicesWrite>, id: InvoiceId) -> Result<()> {
    db.write(scope.by, |tx| {
        let invoice = finished(tx, scope, id)?;
        if !store::unlink(tx, id)? {
            return Err(Error::refused("No link is out. It was never mailed, or has ended."));
        }
        let subject = ("invoice", id.0);
        audit::record(tx, "invoice.link_revoked", subject, invoice.buyer_id, &json!({}))
    })
}

/// Takes an invoice back whole by a credit note; its bill follows the ledger again.
pub fn void(db: &Db, scope: &Scope<InvoicesWrite>, id: InvoiceId) -> Result<InvoiceId> {
    db.write(scope.by, |tx| {
        let invoice = finished(tx, scope, id)?;
        if invoice.kind == Type::CreditNote {
            return Err(Error::refused("A credit note cannot be voided."));
        }
        let issuer = store::issuer(tx, invoice.seller_id)?.unwrap_or_default();
        let (day, text) = next_number(tx, &invoice, Type::CreditNote, &issuer.credit_pattern)?;
        let document = sealed(tx, id)?.reversed(text.clone(), day);
        let json = serde_json::to_string(&document)?;
        let sha256 = secret::sha256(json.as_bytes());
        let note = store::Sealed { document: &document, json: &json, sha256 };
        let credit = store::insert_credit(tx, &invoice, &note)?;
        store::void(tx, id)?;
        let period = Period::month_of(invoice.period_end);
        billing::lift(tx, &period, invoice.seller_id, invoice.buyer_id)?;
        let detail = json!({ "number": invoice.number, "credit_note": text });
        audit::record(tx, "invoice.voided", ("invoice", id.0), invoice.buyer_id, &detail)?;
        Ok(credit)
    })
}

/// The document that a mailed link opens, while it holds.
pub fn of_link(db: &Read, token: &str) -> Result<Document> {
    let json = store::linked(db, &secret::sha256(token.as_bytes()))?;
    Ok(serde_json::from_str(&json)?)
}
