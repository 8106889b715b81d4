//! Why a line is there: the days it counts, the ledger rows behind it with who and when, the price,
//! and the arithmetic in words.

use super::summary::{Shown, line_id};
use super::{Desk, Viewer};
use crate::auth::Scope;
use crate::auth::permissions::BillingRead;
use crate::db::Read;
use crate::error::{Error, Result};
use crate::ids::{CustomerId, LedgerId, PriceId, RequestId, UserId};
use crate::ledger;
use crate::rating::Quantity;
use crate::rating::items::Item;
use crate::rating::lines::Line;
use crate::rating::periods::Period;
use crate::rating::story::{self, Day};
use crate::time::{Date, Instant};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct Story {
    pub line: Shown,
    pub days: Vec<DayOut>,
    pub events: Vec<Event>,
    /// Why it is not billed, if it is not.
    pub rules: Vec<String>,
    pub price: Option<PriceOut>,
    pub arithmetic: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct DayOut {
    pub day: Date,
    pub quantity: String,
    #[serde(skip)]
    pub thousandths: i64,
}

/// A row of the ledger, as it is told. Whoever is outside the reader's reach is named by their
/// organisation.
#[derive(Debug, Serialize)]
pub struct Event {
    pub id: LedgerId,
    pub at: Instant,
    pub day: Date,
    pub kind: ledger::Kind,
    pub subject_id: i64,
    pub action: String,
    pub customer_id: CustomerId,
    pub user_id: Option<UserId>,
    pub user: Option<String>,
    pub service: Option<String>,
    pub plan: Option<String>,
    pub instance: Option<String>,
    pub quantity: String,
    /// `None`: Portico itself.
    pub by: Option<String>,
    pub source: String,
    pub request_id: Option<RequestId>,
}

#[derive(Debug, Serialize)]
pub struct PriceOut {
    pub price_id: Option<PriceId>,
    pub unit_price: String,
    pub valid_from: Option<Date>,
    pub sku: String,
}

/// The story of the line `id` of a period; not for those who do not see its bill.
pub fn of(
    db: &Read,
    scope: &Scope<BillingRead>,
    viewer: &Viewer,
    period: Period,
    id: &str,
) -> Result<Story> {
    let customer = id.split('-').next().and_then(|n| n.parse().ok()).ok_or(Error::NotFound)?;
    let desk = Desk::open(db, scope, period)?;
    let lines = match desk.lines(customer) {
        Err(Error::NotFound) => Vec::new(),
        lines => lines?,
    };
    let seen = |line: &&Line| viewer.sees(&line.hop) && line_id(period.ends_on, line) == id;
    let line = lines.iter().find(seen).ok_or(Error::NotFound)?;
    let mut items = desk.items(customer, &line.hop)?;
    if !viewer.sees_cost(&line.hop) {
        items.iter_mut().for_each(hide_origin);
    }
    let told = story::of(&period, line, &items)?;
    let first = items.iter().find(|item| line.counts(item));
    let price = first.and_then(|item| item.price.as_ref()).map(|found| PriceOut {
        price_id: found.price_id,
        unit_price: found.unit_price.plain(line.hop.currency),
        valid_from: found.valid_from,
        sku: line.sku.clone(),
    });
    Ok(Story {
        line: super::summary::one(period.ends_on, line, viewer)?,
        days: told.days.iter().map(day).collect::<Result<_>>()?,
        events: events(db, scope, &told.ledger_ids)?,
        rules: if line.reason.is_empty() { Vec::new() } else { vec![line.reason.clone()] },
        price,
        arithmetic: told.arithmetic,
    })
}

/// A mark-up tells what the seller pays.
pub(super) fn hide_origin(item: &mut Item) {
    if let Some(price) = &mut item.price {
        (price.markup_bp, price.list_id) = (None, None);
    }
}

fn day(day: &Day) -> Result<DayOut> {
    let quantity = Quantity::of_thousandths(day.quantity).show()?;
    Ok(DayOut { day: day.day, quantity, thousandths: day.quantity })
}

fn events(db: &Read, scope: &Scope<BillingRead>, ids: &[LedgerId]) -> Result<Vec<Event>> {
    ledger::told(db, scope, ids)?.into_iter().map(event).collect()
}

pub(super) fn event(row: ledger::Told) -> Result<Event> {
    Ok(Event {
        id: row.id,
        at: row.at,
        day: row.day,
        kind: row.kind,
        subject_id: row.subject_id,
        action: row.action,
        customer_id: row.customer_id,
        user_id: row.user_id,
        user: row.user,
        service: row.service,
        plan: row.plan,
        instance: row.instance,
        quantity: Quantity::of_thousandths(row.quantity).show()?,
        by: row.actor,
        source: row.source,
        request_id: row.request,
    })
}
