//! Drafts: what a bill says as an invoice, drawn up anew as often as it is asked for.

use super::document::{Document, Line, LineKind, Party, Type};
use super::issuer::Issuer;
use super::{Invoice, State, store};
use crate::audit;
use crate::auth::Scope;
use crate::auth::permissions::InvoicesWrite;
use crate::billing::{self, Desk, periods};
use crate::db::{Db, Read, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, InvoiceId};
use crate::input::{Field, Fields, Input};
use crate::rating::Charge;
use crate::rating::hops::Hop;
use crate::rating::periods::Period;
use serde::Serialize;
use serde_json::json;

pub const RUN: &[Field] = &[
    Field::integer("seller_id", "whose invoices; you, if not said"),
    Field::list("buyer_ids", "only these"),
    Field::boolean("dry_run", "only says what would be"),
];

/// What a run did. A dry run names nothing it would make.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    pub created: Vec<InvoiceId>,
    pub rebuilt: Vec<InvoiceId>,
    /// Final already.
    pub unchanged: Vec<InvoiceId>,
    pub would_create: usize,
    pub blocked: Vec<Blocked>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Blocked {
    pub buyer_id: CustomerId,
    pub reasons: Vec<String>,
}

/// A bill as an invoice would say it, and what keeps it from becoming final.
pub(super) struct Composed {
    pub document: Document,
    pub blockers: Vec<String>,
}

/// Draws up the invoices of a period: new drafts are made, old ones follow the bill, final ones stay.
pub fn draw_up(db: &Db, scope: &Scope<InvoicesWrite>, end: &str, input: &Input) -> Result<Outcome> {
    let mut fields = Fields::of(input, RUN);
    let seller = fields.optional::<CustomerId>("seller_id");
    let buyers = fields.list::<CustomerId>("buyer_ids", 1_000);
    let dry_run = fields.flag("dry_run");
    let (seller, buyers, dry_run) = fields.finish(|| Some((seller?, buyers?, dry_run?)))?;
    let stands = scope.stands_at();
    let own = stands.iter().find(|(_, bits)| bits & 2 != 0).map(|(at, _)| *at);
    let seller = seller.or(own).ok_or(Error::NotFound)?;
    let standing = db.read(|db| {
        store::sells(db, scope, seller)?;
        periods::one(db, end)
    })?;
    let running = standing.state == periods::State::Open;
    if !running && !dry_run {
        billing::recalculate(db, scope, &standing.period)?;
    }
    let hops: Vec<Hop> = db.read(|db| {
        let sums = Desk::open(db, scope, standing.period)?.sums(scope)?;
        let wanted = |hop: &Hop| {
            hop.seller_id == seller && (buyers.is_empty() || buyers.contains(&hop.buyer_id))
        };
        Ok(sums.into_keys().filter(wanted).collect())
    })?;
    let mut outcome = Outcome::default();
    for hop in hops {
        if running {
            let reasons = vec!["period_running".to_owned()];
            outcome.blocked.push(Blocked { buyer_id: hop.buyer_id, reasons });
        } else if dry_run {
            db.read(|db| foresee(db, scope, &standing.period, &hop, &mut outcome))?;
        } else {
            db.write(scope.by, |tx| draw(tx, scope, &standing.period, &hop, &mut outcome))?;
        }
    }
    Ok(outcome)
}

fn foresee(
    db: &Read,
    scope: &Scope<InvoicesWrite>,
    period: &Period,
    hop: &Hop,
    outcome: &mut Outcome,
) -> Result<()> {
    match store::current(db, period.ends_on, hop)? {
        Some((id, State::Draft)) => outcome.rebuilt.push(id),
        Some((id, _)) => outcome.unchanged.push(id),
        None => outcome.would_create += 1,
    }
    let composed = composed(db, scope, period, hop)?;
    if !composed.blockers.is_empty() {
        let blocked = Blocked { buyer_id: hop.buyer_id, reasons: composed.blockers };
        outcome.blocked.push(blocked);
    }
    Ok(())
}

fn draw(
    tx: &Write,
    scope: &Scope<InvoicesWrite>,
    period: &Period,
    hop: &Hop,
    outcome: &mut Outcome,
) -> Result<()> {
    let current = store::current(tx, period.ends_on, hop)?;
    if let Some((id, State::Final | State::Void)) = current {
        outcome.unchanged.push(id);
        return Ok(());
    }
    let Composed { document, blockers } = composed(tx, scope, period, hop)?;
    match current {
        Some((id, _)) => {
            if document.lines != store::lines(tx, id)?
                || blockers != store::one(tx, scope, id)?.blockers
            {
                store::rebuild(tx, id, &document, &blockers)?;
            }
            outcome.rebuilt.push(id);
        }
        None if document.lines.is_empty() && blockers.is_empty() => return Ok(()),
        None => {
            let id = store::insert(tx, hop, &document, &blockers)?;
            let detail = json!({
                "period_end": period.ends_on, "buyer_id": hop.buyer_id, "net_minor": document.net_minor,
            });
            audit::record(tx, "invoice.drafted", ("invoice", id.0), hop.seller_id, &detail)?;
            outcome.created.push(id);
        }
    }
    if !blockers.is_empty() {
        outcome.blocked.push(Blocked { buyer_id: hop.buyer_id, reasons: blockers });
    }
    Ok(())
}

/// The bill of a hop as an invoice.
pub(super) fn composed<P>(
    db: &Read,
    scope: &Scope<P>,
    period: &Period,
    hop: &Hop,
) -> Result<Composed> {
    let issuer = store::issuer(db, hop.seller_id)?;
    let buyer = store::buyer(db, hop.buyer_id)?;
    let rate = buyer.tax_rate_bp.or(issuer.as_ref().map(|issuer| issuer.tax_rate_bp)).unwrap_or(0);
    let bill = Desk::open(db, scope, *period)?.lines_of_hop(hop)?;
    let mut blockers = Vec::new();
    let mut unpriced: Vec<&str> =
        bill.iter().filter(|line| line.unpriced()).map(|line| line.text.as_str()).collect();
    unpriced.dedup();
    if !unpriced.is_empty() {
        blockers.push(format!("unpriced: {}", unpriced.join("; ")));
    }
    if !issuer.as_ref().is_some_and(Issuer::is_complete) {
        blockers.push("issuer_incomplete".to_owned());
    }
    if [&buyer.party.name, &buyer.party.address, &buyer.party.country].iter().any(|t| t.is_empty())
    {
        blockers.push("buyer_incomplete".to_owned());
    }
    let printed = bill
        .iter()
        .filter(|line| line.billable && (!line.quantity.is_zero() || line.amount_minor != 0));
    let ids: Vec<CustomerId> = bill.iter().map(|line| line.customer_id).collect();
    let names = billing::names(db, &ids)?;
    let mut lines = Vec::new();
    for (position, (line, price)) in
        (1..).zip(printed.filter_map(|line| Some((line, line.unit_price?))))
    {
        lines.push(Line {
            position,
            kind: if line.charge == Charge::Setup { LineKind::Once } else { LineKind::Recurring },
            customer_id: line.customer_id,
            customer: names.get(&line.customer_id).cloned().unwrap_or_default(),
            sku: line.sku.clone(),
            text: line.text.clone(),
            quantity: line.quantity.show()?,
            unit_price: price.0,
            net_minor: line.amount_minor,
            tax_rate_bp: rate,
        });
    }
    let document = whole(period, hop, issuer.unwrap_or_default(), buyer.party, lines)?;
    Ok(Composed { document, blockers })
}

fn whole(
    period: &Period,
    hop: &Hop,
    issuer: Issuer,
    buyer: Party,
    lines: Vec<Line>,
) -> Result<Document> {
    let seller = Party {
        name: issuer.legal_name,
        address: issuer.address,
        country: issuer.country,
        tax_id: issuer.tax_id,
        registration_no: issuer.registration_no,
        bank: issuer.bank,
        iban: issuer.iban,
        bic: issuer.bic,
        ..Party::default()
    };
    Document {
        kind: Type::Invoice,
        number: None,
        credits: None,
        issued_on: None,
        due_on: None,
        period_start: period.starts_on,
        period_end: period.ends_on,
        currency: hop.currency,
        seller,
        buyer,
        lines,
        tax_label: issuer.tax_label,
        tax: Vec::new(),
        net_minor: 0,
        tax_minor: 0,
        gross_minor: 0,
        note: issuer.note,
    }
    .summed()
}

/// A draft as it was last drawn up, with the names of today.
pub(super) fn shown(db: &Read, invoice: &Invoice) -> Result<Document> {
    let issuer = store::issuer(db, invoice.seller_id)?.unwrap_or_default();
    let buyer = store::buyer(db, invoice.buyer_id)?.party;
    let period = Period::month_of(invoice.period_end);
    whole(&period, &hop(invoice), issuer, buyer, store::lines(db, invoice.id)?)
}

pub(super) fn hop(invoice: &Invoice) -> Hop {
    Hop { seller_id: invoice.seller_id, buyer_id: invoice.buyer_id, currency: invoice.currency }
}

/// Throws a draft away: no number was used.
pub fn discard(db: &Db, scope: &Scope<InvoicesWrite>, id: InvoiceId) -> Result<()> {
    db.write(scope.by, |tx| {
        let invoice = store::one(tx, scope, id)?;
        if invoice.state != State::Draft {
            return Err(Error::refused("A final invoice is kept. It can be voided."));
        }
        store::discard(tx, scope, id)?;
        let detail = json!({ "buyer_id": invoice.buyer_id, "net_minor": invoice.net_minor });
        audit::record(tx, "invoice.discarded", ("invoice", id.0), invoice.seller_id, &detail)
    })
}
