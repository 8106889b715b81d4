//! Invoices under `/api/v1`.

use super::document::{Document, sheet};
use super::issuer::{self, Issuer};
use super::{Filter, Invoice, drafts, finish};
use crate::auth::Scope;
use crate::auth::permissions::{BillingRead, BillingRules, InvoicesRead, InvoicesWrite};
use crate::error::{Error, Result};
use crate::html;
use crate::ids::InvoiceId;
use crate::input::{Field, Input};
use crate::web::{Cx, Response, response};
use serde::Serialize;

pub const FILTERS: &[Field] = &[
    Field::text("state", "draft, final, void"),
    Field::integer("seller_id", ""),
    Field::integer("buyer_id", ""),
    Field::text("period_end", "a date"),
];

pub const ITEM: &[Field] = &[
    Field::integer("id", ""),
    Field::text("number", "none: a draft"),
    Field::text("type", "invoice, credit_note"),
    Field::text("state", "draft, final, void"),
    Field::integer("seller_id", ""),
    Field::integer("buyer_id", ""),
    Field::text("seller", ""),
    Field::text("buyer", ""),
    Field::text("period_end", ""),
    Field::text("currency", ""),
    Field::integer("credits_id", "the invoice that a credit note takes back"),
    Field::integer("net_minor", ""),
    Field::integer("tax_minor", ""),
    Field::integer("gross_minor", ""),
    Field::list("blockers", "unpriced, issuer_incomplete, buyer_incomplete"),
    Field::text("issued_on", ""),
    Field::text("due_on", ""),
    Field::text("finalised_at", ""),
    Field::text("sent_at", ""),
    Field::integer("version", ""),
];

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::text("state", "draft, final, void"),
    Field::object("document", "all that is printed: parties, lines, tax, totals"),
    Field::list("blockers", ""),
];

pub const OUTCOME: &[Field] = &[
    Field::list("created", "ids"),
    Field::list("rebuilt", "ids of drafts"),
    Field::list("unchanged", "ids of final ones"),
    Field::integer("would_create", "of a dry run"),
    Field::list("blocked", "buyer_id, reasons"),
];

#[derive(Serialize)]
struct InvoiceOut<'i> {
    #[serde(flatten)]
    invoice: &'i Invoice,
    document: &'i Document,
}

pub fn index(cx: &Cx, scope: &Scope<InvoicesRead>) -> Result<Response> {
    let (filter, paging) = (filter(&cx.request.query)?, cx.paging(FILTERS)?);
    let before = if paging.is_first() { i64::MAX } else { paging.id() };
    let rows = cx.db.read(|db| super::list(db, scope, &filter, before, paging.fetch()))?;
    response::json(200, &paging.listing(rows, |row| (String::new(), row.id.0)))
}

pub fn show(cx: &Cx, scope: &Scope<InvoicesRead>) -> Result<Response> {
    answer(cx, scope, cx.param("id")?)
}

pub fn printed(cx: &Cx, scope: &Scope<InvoicesRead>) -> Result<Response> {
    let id = cx.param("id")?;
    let (_, document) = cx.db.read(|db| super::one(db, scope, id))?;
    let title = document.title();
    Ok(response::html(200, html::alone(&title, true, "", sheet(&document, None))))
}

pub fn draw_up(cx: &Cx, scope: &Scope<InvoicesWrite>) -> Result<Response> {
    let end: String = cx.param("end")?;
    response::json(200, &drafts::draw_up(cx.db, scope, &end, &cx.input()?)?)
}

pub fn finalise(cx: &Cx, scope: &Scope<InvoicesWrite>) -> Result<Response> {
    let id = cx.param("id")?;
    finish::finalise(cx.db, scope, &cx.app.config.key, id)?;
    answer(cx, scope, id)
}

pub fn send(cx: &Cx, scope: &Scope<InvoicesWrite>) -> Result<Response> {
    let id = cx.param("id")?;
    finish::send(cx.db, scope, &cx.app.config.key, id)?;
    answer(cx, scope, id)
}

pub fn revoke_link(cx: &Cx, scope: &Scope<InvoicesWrite>) -> Result<Response> {
    let id = cx.param("id")?;
    finish::revoke(cx.db, scope, id)?;
    answer(cx, scope, id)
}

/// Answers with the credit note.
pub fn void(cx: &Cx, scope: &Scope<InvoicesWrite>) -> Result<Response> {
    let credit = finish::void(cx.db, scope, cx.param("id")?)?;
    answer(cx, scope, credit)
}

pub fn discard(cx: &Cx, scope: &Scope<InvoicesWrite>) -> Result<Response> {
    drafts::discard(cx.db, scope, cx.param("id")?)?;
    Ok(response::no_content())
}

fn answer<P>(cx: &Cx, scope: &Scope<P>, id: InvoiceId) -> Result<Response> {
    let (invoice, document) = cx.db.read(|db| super::one(db, scope, id))?;
    response::json(200, &InvoiceOut { invoice: &invoice, document: &document })
}

/// A profile belongs to the customer at which the right to keep it stands, though that right reaches
/// below alone: the route asks for one that reaches both, and the right itself is asked for here.
pub fn issuer(cx: &Cx, _: &Scope<BillingRead>) -> Result<Response> {
    let (id, scope) = (cx.param("id")?, cx.actor.scope::<BillingRules>()?);
    let issuer: Issuer = cx.db.read(|db| issuer::one(db, &scope, id))?;
    response::json(200, &issuer)
}

pub fn update_issuer(cx: &Cx, reads: &Scope<BillingRead>) -> Result<Response> {
    let (mut input, scope) = (cx.input()?, cx.actor.scope::<BillingRules>()?);
    let version = cx.expected_version(&mut input);
    issuer::update(cx.db, &scope, cx.param("id")?, &input, version)?;
    issuer(cx, reads)
}

pub(super) fn filter(query: &Input) -> Result<Filter> {
    fn parsed<T: std::str::FromStr>(query: &Input, name: &'static str) -> Result<Option<T>> {
        match query.get(name) {
            "" => Ok(None),
            text => match text.parse() {
                Ok(value) => Ok(Some(value)),
                Err(_) => Err(Error::invalid(name, "cannot be read")),
            },
        }
    }
    Ok(Filter {
        state: parsed(query, "state")?,
        seller: parsed(query, "seller_id")?,
        buyer: parsed(query, "buyer_id")?,
        period_end: parsed(query, "period_end")?,
    })
}
