//! Summary lines: what is printed on one line is counted on one line, priced and rounded once, and
//! shared out over its items to the minor unit.

use crate::error::{Error, Result};
use crate::ids::{CustomerId, PriceId};
use crate::money::{self, UnitPrice};
use crate::rating::hops::Hop;
use crate::rating::items::{self, Item};
use crate::rating::{Charge, Counting, Kind, Quantity, Terms};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    #[serde(flatten)]
    pub hop: Hop,
    /// Whose things they are.
    pub customer_id: CustomerId,
    pub customer_code: String,
    pub kind: Kind,
    pub service: Option<String>,
    /// `None` also when its items have several.
    pub plan: Option<String>,
    pub sku: String,
    pub text: String,
    pub charge: Charge,
    pub counting: Counting,
    pub billable: bool,
    /// Why not.
    pub reason: String,
    pub items: i64,
    pub quantity: Quantity,
    /// `None`: a mark-up, or unpriced.
    pub price_id: Option<PriceId>,
    #[serde(serialize_with = "ten_thousandths")]
    pub unit_price: Option<UnitPrice>,
    /// Days of an irregular period over days of the regular one; equal where it does not count.
    pub part: (i64, i64),
    pub amount_minor: i64,
    /// What the seller pays; `None` when that is not known. Not for the buyer's eyes.
    pub cost_minor: Option<i64>,
}

/// What makes items one line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    hop: Hop,
    kind: Kind,
    service: Option<String>,
    charge: Charge,
    text: String,
    sku: String,
    price_id: Option<PriceId>,
    unit_price: Option<UnitPrice>,
    counting: Counting,
    billable: bool,
}

/// A line of this period beside the one of the last; either may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair<'a, T> {
    pub now: Option<&'a T>,
    pub last: Option<&'a T>,
}

/// Puts two periods side by side, in the order of `key`: a line that only existed last stays listed.
pub fn pair<'a, T, K: Ord>(
    now: &'a [T],
    last: &'a [T],
    key: impl Fn(&'a T) -> K,
) -> Vec<Pair<'a, T>> {
    let mut sides: BTreeMap<K, (Vec<&T>, Vec<&T>)> = BTreeMap::new();
    for line in now {
        sides.entry(key(line)).or_default().0.push(line);
    }
    for line in last {
        sides.entry(key(line)).or_default().1.push(line);
    }
    let mut pairs = Vec::new();
    for (now, last) in sides.into_values() {
        for place in 0..now.len().max(last.len()) {
            pairs.push(Pair { now: now.get(place).copied(), last: last.get(place).copied() });
        }
    }
    pairs
}

/// What lines of one currency come to.
pub fn total<'a>(lines: impl IntoIterator<Item = &'a Line>) -> Result<i64> {
    let mut amounts = lines.into_iter().map(|line| line.amount_minor);
    amounts.try_fold(0_i64, |sum, amount| sum.checked_add(amount)).ok_or_else(too_large)
}

impl Line {
    /// Blocks the invoice.
    pub fn unpriced(&self) -> bool {
        self.unit_price.is_none() && self.billable
    }

    /// Whether an item is counted on it.
    pub fn counts(&self, item: &Item) -> bool {
        let group = Group::of(item);
        group.hop == self.hop
            && item.customer_id == self.customer_id
            && group.kind == self.kind
            && group.service == self.service
            && group.charge == self.charge
            && group.text == self.text
            && group.sku == self.sku
            && group.price_id == self.price_id
            && group.unit_price == self.unit_price
            && group.counting == self.counting
            && group.billable == self.billable
    }

    /// Orders lines as they are printed.
    pub fn order(&self) -> impl Ord + '_ {
        let what = (&self.customer_code, self.kind, &self.service, &self.plan);
        (what, self.charge, &self.text, &self.sku, !self.billable)
    }
}

impl Group {
    fn of(item: &Item) -> Group {
        Group {
            hop: item.hop,
            kind: item.kind,
            service: item.service.clone(),
            charge: item.charge,
            text: item.summary_text.clone(),
            sku: item.sku.clone(),
            price_id: item.price.as_ref().and_then(|price| price.price_id),
            unit_price: item.price.as_ref().map(|price| price.unit_price),
            counting: item.counting,
            billable: item.verdict.billable,
        }
    }
}

/// The lines of one customer's items, and the items with their amounts and costs.
pub(super) fn of(terms: &Terms<'_>, items: Vec<Item>) -> Result<(Vec<Item>, Vec<Line>)> {
    let mut groups: BTreeMap<Group, Vec<Item>> = BTreeMap::new();
    for item in items {
        groups.entry(Group::of(&item)).or_default().push(item);
    }
    let mut counted = Vec::with_capacity(groups.len());
    for (group, mut members) in groups {
        counted.push((line(terms, &group, &mut members)?, members));
    }
    pass_on_costs(&mut counted);
    let mut items = Vec::new();
    let mut lines = Vec::with_capacity(counted.len());
    for (mut line, members) in counted {
        line.cost_minor = sum(members.iter().map(|item| item.cost_minor))?;
        lines.push(line);
        items.extend(members);
    }
    items::sort(&mut items);
    lines.sort_by(|a, b| {
        let rest = |line: &Line| (line.price_id, line.unit_price);
        (a.hop, a.order(), rest(a)).cmp(&(b.hop, b.order(), rest(b)))
    });
    Ok((items, lines))
}

/// Counts, prices and rounds once, and shares out.
fn line(terms: &Terms<'_>, group: &Group, members: &mut [Item]) -> Result<Line> {
    // Ties of the share-out go to the lowest ledger row.
    members.sort_by(|a, b| {
        let order = |item: &Item| (item.ledger_ids.first().copied(), item.subject_id);
        let names = |item: &'_ Item| (item.plan.clone(), item.instance.clone());
        order(a).cmp(&order(b)).then_with(|| names(a).cmp(&names(b)))
    });
    let mut quantity = Quantity::ZERO;
    for (place, item) in members.iter().enumerate() {
        quantity = if place == 0 { item.quantity } else { quantity.plus(item.quantity)? };
    }
    let part = match group.counting {
        Counting::Once => (1, 1),
        _ => terms.period.part(),
    };
    let money = |price: UnitPrice| -> Result<i64> {
        if !group.billable {
            return Ok(0);
        }
        let num = quantity.num.checked_mul(i128::from(part.0)).ok_or_else(too_large)?;
        let den = quantity.den.checked_mul(i128::from(part.1)).ok_or_else(too_large)?;
        price.times(num, den)
    };
    let amount = group.unit_price.map_or(Ok(0), money)?;
    let weights: Vec<i128> = members.iter().map(|item| item.quantity.num).collect();
    let shares = money::share_out(amount, &weights)?;
    let price = members.first().and_then(|item| item.price.clone());
    let cost = price.and_then(|price| price.unit_cost).map(money).transpose()?;
    let costs = cost.map(|cost| money::share_out(cost, &weights)).transpose()?;
    for (place, item) in members.iter_mut().enumerate() {
        item.amount_minor = shares.get(place).copied().unwrap_or(0);
        if item.topmost {
            item.cost_minor = costs.as_ref().and_then(|costs| costs.get(place).copied());
        }
    }
    let first = members.first().ok_or_else(|| Error::internal("a line without items"))?;
    let same_plan = members.iter().all(|item| item.plan == first.plan);
    let mut reasons: Vec<&str> = members.iter().map(|item| item.verdict.reason.as_str()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    Ok(Line {
        hop: group.hop,
        customer_id: first.customer_id,
        customer_code: first.customer_code.clone(),
        kind: group.kind,
        service: group.service.clone(),
        plan: first.plan.clone().filter(|_| same_plan),
        sku: group.sku.clone(),
        text: group.text.clone(),
        charge: group.charge,
        counting: group.counting,
        billable: group.billable,
        reason: reasons.join(", "),
        items: i64::try_from(members.len()).map_err(|_| too_large())?,
        quantity,
        price_id: group.price_id,
        unit_price: group.unit_price,
        part,
        amount_minor: amount,
        cost_minor: None,
    })
}

/// A reseller pays for an item what the same item costs one hop up. What makes no item there costs
/// it nothing; what has no price there, nobody knows.
fn pass_on_costs(counted: &mut [(Line, Vec<Item>)]) {
    let mut above: BTreeMap<_, Option<i64>> = BTreeMap::new();
    let all = || counted.iter().flat_map(|(_, members)| members);
    if all().all(|item| item.topmost) {
        return;
    }
    for item in all() {
        let paid = (item.price.is_some() || !item.verdict.billable).then_some(item.amount_minor);
        let so_far = above.entry(what(item, item.hop.buyer_id)).or_insert(Some(0));
        *so_far = so_far.zip(paid).and_then(|(a, b)| a.checked_add(b));
    }
    let members = counted.iter_mut().flat_map(|(_, members)| members);
    for item in members.filter(|item| !item.topmost) {
        item.cost_minor = above.get(&what(item, item.hop.seller_id)).copied().unwrap_or(Some(0));
    }
}

type What = (CustomerId, Kind, i64, Charge, [Option<String>; 3]);

fn what(item: &Item, buyer: CustomerId) -> What {
    let names = [item.service.clone(), item.plan.clone(), item.instance.clone()];
    (buyer, item.kind, item.subject_id, item.charge, names)
}

/// `None` when one of them is not known.
pub(super) fn sum(costs: impl Iterator<Item = Option<i64>>) -> Result<Option<i64>> {
    let mut total: i64 = 0;
    for cost in costs {
        let Some(cost) = cost else { return Ok(None) };
        total = total.checked_add(cost).ok_or_else(too_large)?;
    }
    Ok(Some(total))
}

fn ten_thousandths<S: Serializer>(price: &Option<UnitPrice>, to: S) -> Result<S::Ok, S::Error> {
    price.map(|price| price.0).serialize(to)
}

fn too_large() -> Error {
    Error::internal("an amount is too large to count")
}
