//! Bill items, one by one: computed customer by customer while they are asked for, in the order of
//! a key, so that a page costs no more than what is on it.

use super::bills::Desk;
use super::story::hide_origin;
use super::summary::Filter as Hops;
use super::{Viewer, store};
use crate::auth::Scope;
use crate::auth::permissions::BillingRead;
use crate::error::Result;
use crate::ids::{CustomerId, LedgerId, PriceId, UserId};
use crate::money::Currency;
use crate::rating::items::{Action, Item};
use crate::rating::{Charge, Counting, Kind};
use crate::time::{Date, Instant};
use serde::Serialize;

/// An item as a buyer is told.
#[derive(Clone, Debug, Serialize)]
pub struct ItemOut {
    pub id: String,
    pub period_end: Date,
    pub seller_id: CustomerId,
    pub buyer_id: CustomerId,
    pub customer_id: CustomerId,
    pub customer_code: String,
    pub user_id: Option<UserId>,
    pub kind: Kind,
    pub subject_id: i64,
    pub service: Option<String>,
    pub plan: Option<String>,
    pub instance: Option<String>,
    pub sku: String,
    pub charge: Charge,
    pub counting: Counting,
    pub action: Action,
    pub from: Option<Date>,
    pub until: Option<Date>,
    pub days: i64,
    pub quantity: String,
    pub unpriced: bool,
    pub price_id: Option<PriceId>,
    pub unit_price: Option<String>,
    pub amount_minor: i64,
    pub currency: Currency,
    pub billable: bool,
    pub reason: String,
    pub line_text: String,
    pub summary_text: String,
    pub added_at: Option<Instant>,
    pub removed_at: Option<Instant>,
    pub ledger_ids: Vec<LedgerId>,
}

/// The same as whoever sells it is told.
#[derive(Clone, Debug, Serialize)]
pub struct SoldItemOut {
    #[serde(flatten)]
    pub item: ItemOut,
    pub cost_minor: Option<i64>,
    pub margin_minor: Option<i64>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum ShownItem {
    Bought(ItemOut),
    Sold(SoldItemOut),
}

impl ShownItem {
    pub fn item(&self) -> &ItemOut {
        match self {
            ShownItem::Bought(item) => item,
            ShownItem::Sold(sold) => &sold.item,
        }
    }
}

/// Which items are asked for; filters combine.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub hops: Hops,
    pub plan: String,
    pub kind: Option<Kind>,
    pub action: Option<Action>,
    pub billable: Option<bool>,
    /// In the text.
    pub q: String,
}

impl Filter {
    fn lets(&self, item: &Item) -> bool {
        let said = |wanted: &str, own: &Option<String>| {
            wanted.is_empty() || own.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(wanted))
        };
        self.hops.lets_hop(&item.hop)
            && self.hops.customer.is_none_or(|customer| customer == item.customer_id)
            && said(&self.hops.service, &item.service)
            && said(&self.plan, &item.plan)
            && self.kind.is_none_or(|kind| kind == item.kind)
            && self.action.is_none_or(|action| action == item.action)
            && self.billable.is_none_or(|billable| billable == item.verdict.billable)
            && (self.q.is_empty() || item.line_text.to_lowercase().contains(&self.q.to_lowercase()))
    }
}

/// Hands over the items after `after` until `take` says that it has enough. An item's key orders
/// all of them.
pub fn each(
    desk: &Desk,
    scope: &Scope<BillingRead>,
    viewer: &Viewer,
    filter: &Filter,
    after: &str,
    take: &mut dyn FnMut(String, ShownItem) -> Result<bool>,
) -> Result<()> {
    let mut code = after.split('|').next().unwrap_or("").to_owned();
    loop {
        let some = store::customers_after(desk.db, scope, desk.period.starts_on, &code, 100)?;
        for (code, customer) in &some {
            if filter.hops.customer.is_some_and(|wanted| wanted != *customer) {
                continue;
            }
            let items = desk.all_items(*customer, |hop| viewer.sees(hop))?;
            let mut keyed: Vec<(String, Item)> = items
                .into_iter()
                .filter(|item| filter.lets(item))
                .map(|item| (format!("{}|{}", code.to_uppercase(), key(&item)), item))
                .collect();
            keyed.sort_by(|a, b| a.0.cmp(&b.0));
            for (key, item) in keyed {
                if key.as_str() > after && !take(key, shown(desk.period.ends_on, item, viewer)?)? {
                    return Ok(());
                }
            }
        }
        // The list begins at a code, for that customer may not be finished; here it is.
        let Some((last, _)) = some.last().filter(|_| some.len() == 100) else { return Ok(()) };
        code = format!("{last}0");
    }
}

/// Orders the items of a customer.
fn key(item: &Item) -> String {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    format!(
        "{:012}{:012}{}|{}|{}|{}|{:012}|{}",
        item.hop.seller_id.0,
        item.hop.buyer_id.0,
        item.kind.word(),
        text(&item.service),
        text(&item.plan),
        item.charge.word(),
        item.subject_id,
        text(&item.instance)
    )
}

fn shown(end: Date, mut item: Item, viewer: &Viewer) -> Result<ShownItem> {
    let sees_cost = viewer.sees_cost(&item.hop);
    if !sees_cost {
        hide_origin(&mut item);
    }
    let cost_minor = item.cost_minor;
    let price = item.price.as_ref();
    let out = ItemOut {
        id: item.key(),
        period_end: end,
        seller_id: item.hop.seller_id,
        buyer_id: item.hop.buyer_id,
        customer_id: item.customer_id,
        customer_code: item.customer_code.clone(),
        user_id: item.user_id,
        kind: item.kind,
        subject_id: item.subject_id,
        unpriced: item.unpriced(),
        price_id: price.and_then(|price| price.price_id),
        unit_price: price.map(|price| price.unit_price.plain(item.hop.currency)),
        service: item.service,
        plan: item.plan,
        instance: item.instance,
        sku: item.sku,
        charge: item.charge,
        counting: item.counting,
        action: item.action,
        from: item.from,
        until: item.until,
        days: item.days,
        quantity: item.quantity.show()?,
        amount_minor: item.amount_minor,
        currency: item.hop.currency,
        billable: item.verdict.billable,
        reason: item.verdict.reason,
        line_text: item.line_text,
        summary_text: item.summary_text,
        added_at: item.added.map(|mark| mark.at),
        removed_at: item.removed.map(|mark| mark.at),
        ledger_ids: item.ledger_ids,
    };
    if !sees_cost {
        return Ok(ShownItem::Bought(out));
    }
    let margin_minor = cost_minor.and_then(|cost| out.amount_minor.checked_sub(cost));
    Ok(ShownItem::Sold(SoldItemOut { item: out, cost_minor, margin_minor }))
}
