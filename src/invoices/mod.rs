//! Invoices: drafts follow the bills, a final one is its snapshot for ever. Its number, its dates,
//! the freeze of the bill and its mail are written in one transaction.

pub mod api;
pub mod document;
pub mod issuer;
pub mod pages;
mod drafts;
mod finish;
mod number;
mod store;

pub use drafts::{Outcome, RUN, discard, draw_up};
pub use finish::{finalise, of_link, send, void};

use crate::auth::Scope;
use crate::db::Read;
use crate::error::{Error, Result};
use crate::ids::{CustomerId, InvoiceId};
use crate::money::Currency;
use crate::secret;
use crate::time::{Date, Instant};
use document::{Document, Type};
use serde::Serialize;

words! {
    State { Draft = "draft", Final = "final", Void = "void" }
}

/// An invoice as it is listed.
#[derive(Clone, Debug, Serialize)]
pub struct Invoice {
    pub id: InvoiceId,
    pub number: Option<String>,
    #[serde(rename = "type")]
    pub kind: Type,
    pub state: State,
    pub seller_id: CustomerId,
    pub buyer_id: CustomerId,
    pub seller: String,
    pub buyer: String,
    pub period_end: Date,
    pub currency: Currency,
    /// The invoice that a credit note takes back.
    pub credits_id: Option<InvoiceId>,
    pub net_minor: i64,
    pub tax_minor: i64,
    pub gross_minor: i64,
    pub blockers: Vec<String>,
    pub issued_on: Option<Date>,
    pub due_on: Option<Date>,
    pub finalised_at: Option<Instant>,
    pub sent_at: Option<Instant>,
    #[serde(skip)]
    pub link_until: Option<Instant>,
    pub version: i64,
}

/// Which invoices a list shows.
#[derive(Default)]
pub struct Filter {
    pub state: Option<State>,
    pub seller: Option<CustomerId>,
    pub buyer: Option<CustomerId>,
    pub period_end: Option<Date>,
}

pub fn list<P>(
    db: &Read,
    scope: &Scope<P>,
    filter: &Filter,
    before: i64,
    limit: i64,
) -> Result<Vec<Invoice>> {
    store::list(db, scope, filter, before, limit)
}

/// An invoice and what it says.
pub fn one<P>(db: &Read, scope: &Scope<P>, id: InvoiceId) -> Result<(Invoice, Document)> {
    let invoice = store::one(db, scope, id)?;
    let document = match invoice.state {
        State::Draft => drafts::shown(db, &invoice)?,
        State::Final | State::Void => sealed(db, id)?,
    };
    Ok((invoice, document))
}

/// The snapshot of a final document, checked against its digest.
fn sealed(db: &Read, id: InvoiceId) -> Result<Document> {
    let (json, sha256) = store::snapshot(db, id)?;
    if secret::sha256(json.as_bytes()).as_slice() != sha256 {
        return Err(Error::internal(format!("invoice {id} is not what was sealed")));
    }
    Ok(serde_json::from_str(&json)?)
}
