//! The summary: this period beside the last, line by line, and buyer by buyer. Buyers and sellers
//! are told different things, in different types, so that a cost cannot slip out.

use super::bills::{Desk, Sum};
use super::{Viewer, store};
use crate::auth::Scope;
use crate::auth::permissions::BillingRead;
use crate::db::Read;
use crate::error::{Error, Result};
use crate::ids::{CustomerId, PriceId};
use crate::money::Currency;
use crate::rating::hops::Hop;
use crate::rating::lines::{Line, pair};
use crate::rating::{Charge, Counting, Kind, Quantity};
use crate::secret;
use crate::time::Date;
use serde::Serialize;
use std::collections::BTreeMap;

/// A line of this period and of the last, as a buyer is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineOut {
    pub id: String,
    pub seller_id: CustomerId,
    pub buyer_id: CustomerId,
    pub customer_id: CustomerId,
    pub customer_code: String,
    pub kind: Kind,
    pub service: Option<String>,
    pub plan: Option<String>,
    pub sku: String,
    pub text: String,
    pub charge: Charge,
    pub counting: Counting,
    pub billable: bool,
    pub reason: String,
    pub items: i64,
    pub quantity: String,
    pub last_quantity: String,
    pub difference: String,
    /// In major units; `None`: unpriced.
    pub unit_price: Option<String>,
    pub unpriced: bool,
    pub price_id: Option<PriceId>,
    pub amount_minor: i64,
    pub last_amount_minor: i64,
    pub currency: Currency,
}

/// The same as whoever sells it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SoldOut {
    #[serde(flatten)]
    pub line: LineOut,
    /// `None`: not known.
    pub cost_minor: Option<i64>,
    pub margin_minor: Option<i64>,
}

/// What somebody is told of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Shown {
    Bought(LineOut),
    Sold(SoldOut),
}

impl Shown {
    pub fn line(&self) -> &LineOut {
        match self {
            Shown::Bought(line) => line,
            Shown::Sold(sold) => &sold.line,
        }
    }
}

/// One buyer of a seller: what its bill came to.
#[derive(Clone, Debug)]
pub struct Buyer {
    pub hop: Hop,
    pub code: String,
    pub name: String,
    pub seller: String,
    pub now: Sum,
    pub last: Sum,
    /// Only for who may see it: what the seller pays.
    pub sees_cost: bool,
}

/// Which part of a summary is asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub seller: Option<CustomerId>,
    pub buyer: Option<CustomerId>,
    pub customer: Option<CustomerId>,
    pub service: String,
}

impl Filter {
    pub fn lets_hop(&self, hop: &Hop) -> bool {
        self.seller.is_none_or(|seller| seller == hop.seller_id)
            && self.buyer.is_none_or(|buyer| buyer == hop.buyer_id)
    }

    fn lets(&self, line: &Line) -> bool {
        self.customer.is_none_or(|customer| customer == line.customer_id)
            && (self.service.is_empty() || line.service.as_deref() == Some(&self.service))
    }
}

/// This period and the one before it, looked at by somebody.
pub struct Look<'r> {
    pub now: Desk<'r>,
    pub last: Desk<'r>,
    pub viewer: &'r Viewer,
}

impl<'r> Look<'r> {
    pub fn at(
        db: &'r Read<'r>,
        scope: &Scope<BillingRead>,
        viewer: &'r Viewer,
        period: crate::rating::periods::Period,
    ) -> Result<Look<'r>> {
        let last = super::periods::before(&period);
        Ok(Look { now: Desk::open(db, scope, period)?, last: Desk::open(db, scope, last)?, viewer })
    }

    /// Each bill that is seen, in order of the buyers' codes.
    pub fn buyers(&self, scope: &Scope<BillingRead>, filter: &Filter) -> Result<Vec<Buyer>> {
        let mut sums: BTreeMap<Hop, (Sum, Sum)> = BTreeMap::new();
        let seen = |hop: &Hop| self.viewer.sees(hop) && filter.lets_hop(hop);
        for (hop, sum) in self.now.sums(scope)?.into_iter().filter(|(hop, _)| seen(hop)) {
            sums.entry(hop).or_default().0 = sum;
        }
        for (hop, sum) in self.last.sums(scope)?.into_iter().filter(|(hop, _)| seen(hop)) {
            sums.entry(hop).or_default().1 = sum;
        }
        let ids: Vec<CustomerId> =
            sums.keys().flat_map(|hop| [hop.seller_id, hop.buyer_id]).collect();
        let names = store::names(self.now.db, &ids)?;
        let name = |id: CustomerId| names.get(&id).cloned().unwrap_or_default();
        let mut buyers: Vec<Buyer> = sums
            .into_iter()
            .map(|(hop, (now, last))| {
                let (code, buyer) = name(hop.buyer_id);
                let sees_cost = self.viewer.sees_cost(&hop);
                let seller = name(hop.seller_id).1;
                Buyer { hop, code, name: buyer, seller, now, last, sees_cost }
            })
            .collect();
        buyers.sort_by_key(|buyer| (buyer.code.to_ascii_uppercase(), buyer.hop));
        Ok(buyers)
    }

    /// The lines of one bill beside the last period's; one that only was then is shown with nothing.
    pub fn lines(&self, hop: &Hop, filter: &Filter) -> Result<Vec<Shown>> {
        if !self.viewer.sees(hop) {
            return Ok(Vec::new());
        }
        let lines = |desk: &Desk| -> Result<Vec<Line>> {
            let mut lines = desk.lines_of_hop(hop)?;
            lines.retain(|line| filter.lets(line));
            Ok(lines)
        };
        let (now, last) = (lines(&self.now)?, lines(&self.last)?);
        let key = |line: &Line| {
            let what = (line.customer_code.clone(), line.kind, line.service.clone());
            (
                what,
                line.plan.clone(),
                line.charge,
                line.text.clone(),
                line.sku.clone(),
                !line.billable,
            )
        };
        let end = self.now.period.ends_on;
        let pairs = pair(&now, &last, key);
        pairs
            .iter()
            .map(|pair| shown(end, pair.now, pair.last, self.viewer))
            .collect::<Result<Vec<_>>>()
            .map(|all| all.into_iter().flatten().collect())
    }
}

/// A line by itself.
pub(super) fn one(end: Date, line: &Line, viewer: &Viewer) -> Result<Shown> {
    shown(end, Some(line), None, viewer)?.ok_or_else(|| Error::internal("a line without lines"))
}

fn shown(
    end: Date,
    now: Option<&Line>,
    last: Option<&Line>,
    viewer: &Viewer,
) -> Result<Option<Shown>> {
    let Some(line) = now.or(last) else { return Ok(None) };
    let quantity = now.map_or(Quantity::ZERO, |line| line.quantity);
    let last_quantity = last.map_or(Quantity::ZERO, |line| line.quantity);
    let out = LineOut {
        id: line_id(end, line),
        seller_id: line.hop.seller_id,
        buyer_id: line.hop.buyer_id,
        customer_id: line.customer_id,
        customer_code: line.customer_code.clone(),
        kind: line.kind,
        service: line.service.clone(),
        plan: line.plan.clone(),
        sku: line.sku.clone(),
        text: line.text.clone(),
        charge: line.charge,
        counting: line.counting,
        billable: line.billable,
        reason: line.reason.clone(),
        items: now.map_or(0, |line| line.items),
        quantity: quantity.show()?,
        last_quantity: last_quantity.show()?,
        difference: quantity.minus(last_quantity)?.show()?,
        unit_price: line.unit_price.map(|price| price.plain(line.hop.currency)),
        unpriced: now.is_some_and(Line::unpriced),
        price_id: line.price_id,
        amount_minor: now.map_or(0, |line| line.amount_minor),
        last_amount_minor: last.map_or(0, |line| line.amount_minor),
        currency: line.hop.currency,
    };
    if !viewer.sees_cost(&line.hop) {
        return Ok(Some(Shown::Bought(out)));
    }
    let cost_minor = now.map_or(Some(0), |line| line.cost_minor);
    let margin_minor = cost_minor.and_then(|cost| out.amount_minor.checked_sub(cost));
    Ok(Some(Shown::Sold(SoldOut { line: out, cost_minor, margin_minor })))
}

/// Names a line within everything, whether it is stored or not: the customer, and a digest of what
/// makes it this line.
pub fn line_id(end: Date, line: &Line) -> String {
    let what = format!(
        "{end} {} {} {} {:?} {:?} {} {} {:?} {:?} {} {} {} {}",
        line.hop.seller_id,
        line.hop.buyer_id,
        line.kind.word(),
        line.service,
        line.plan,
        line.charge.word(),
        line.counting.word(),
        line.price_id,
        line.unit_price,
        line.billable,
        line.hop.currency,
        line.sku,
        line.text
    );
    let digest = secret::hex(&secret::sha256(what.as_bytes()));
    format!("{}-{}", line.customer_id, digest.get(..12).unwrap_or(&digest))
}
