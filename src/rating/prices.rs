//! Which price a thing has: an override, else the buyer's list, else the seller's default list, else
//! the seller's own price and its mark-up; in each the most specific row, and of that the one in force.

use crate::error::{Error, Result};
use crate::ids::{CustomerId, PriceId, PriceListId};
use crate::money::{self, Currency, PRICE_SCALE, UnitPrice};
use crate::rating::hops::Hop;
use crate::rating::periods::Period;
use crate::rating::{Charge, Counting, Kind};
use crate::time::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A seller's prices in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    pub id: PriceListId,
    pub seller_id: CustomerId,
    pub currency: Currency,
    /// The seller's default in this currency.
    pub main: bool,
    pub markup_bp: Option<i64>,
}

/// A list other than the default, given to a buyer from a day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub buyer_id: CustomerId,
    pub list_id: PriceListId,
    pub valid_from: Date,
}

/// Where a price stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    List(PriceListId),
    /// For one buyer; if named, only for what one customer at or below it has.
    Override(CustomerId, Option<CustomerId>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    pub id: PriceId,
    pub source: Source,
    pub seller_id: CustomerId,
    pub currency: Currency,
    pub kind: Kind,
    pub service: Option<String>,
    /// `None`: all plans of the service.
    pub plan: Option<String>,
    pub charge: Charge,
    pub counting: Counting,
    pub unit_price: UnitPrice,
    /// What a unit costs the provider; in its own lists only.
    pub unit_cost: Option<UnitPrice>,
    /// Empty: the plan's.
    pub sku: String,
    pub label: String,
    pub valid_from: Date,
    /// The last day, if it ends.
    pub valid_to: Option<Date>,
}

/// All price lists, assignments and prices of the sellers concerned.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    lists: BTreeMap<PriceListId, List>,
    mains: BTreeMap<(CustomerId, Currency), PriceListId>,
    assigned: BTreeMap<CustomerId, Vec<Assignment>>,
    rows: BTreeMap<(CustomerId, Currency, Kind, Option<String>), Vec<Price>>,
}

/// What a price is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted<'a> {
    pub customer_id: CustomerId,
    pub kind: Kind,
    pub service: Option<&'a str>,
    pub plan: Option<&'a str>,
    pub charge: Charge,
}

/// The price that applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// `None`: the seller's own price and its mark-up.
    pub price_id: Option<PriceId>,
    /// The list it is in, or whose mark-up made it; `None`: an override.
    pub list_id: Option<PriceListId>,
    /// From when the row holds; `None` for a mark-up.
    pub valid_from: Option<Date>,
    pub markup_bp: Option<i64>,
    pub counting: Counting,
    #[serde(serialize_with = "ten_thousandths", deserialize_with = "of_ten_thousandths")]
    pub unit_price: UnitPrice,
    /// Not for the buyer's eyes: what it makes is in the item's cost.
    #[serde(skip)]
    pub unit_cost: Option<UnitPrice>,
    pub sku: String,
    pub label: String,
}

impl Prices {
    /// Whether anybody asks anything for things of this kind.
    pub fn are_of(&self, kind: Kind) -> bool {
        self.rows.keys().any(|(_, _, of, _)| *of == kind)
    }

    pub fn new(lists: Vec<List>, assignments: Vec<Assignment>, prices: Vec<Price>) -> Prices {
        let mut all = Prices::default();
        for list in lists {
            if list.main {
                all.mains.insert((list.seller_id, list.currency), list.id);
            }
            all.lists.insert(list.id, list);
        }
        for each in assignments {
            all.assigned.entry(each.buyer_id).or_default().push(each);
        }
        for price in prices {
            let key = (price.seller_id, price.currency, price.kind, price.service.clone());
            all.rows.entry(key).or_default().push(price);
        }
        for rows in all.rows.values_mut() {
            rows.sort_by_key(|price| (Reverse(price.specificity()), price.valid_from, price.id));
        }
        for each in all.assigned.values_mut() {
            each.sort_by_key(|assignment| (assignment.valid_from, assignment.list_id));
        }
        all
    }

    /// The price of a thing on the first of `hops`; the hops after it go up to the provider.
    pub fn find(
        &self,
        hops: &[Hop],
        wanted: &Wanted<'_>,
        period: &Period,
    ) -> Result<Option<Found>> {
        let Some((hop, above)) = hops.split_first() else { return Ok(None) };
        let lists = self.lists_of(hop, period);
        let overrides = [
            Source::Override(hop.buyer_id, Some(wanted.customer_id)),
            Source::Override(hop.buyer_id, None),
        ];
        let sources = [overrides.to_vec()]
            .into_iter()
            .chain(lists.iter().map(|list| vec![Source::List(list.id)]));
        for source in sources {
            if let Some(price) = self.in_source(&source, hop, wanted, period) {
                return Ok(Some(price.found()));
            }
        }
        let marked = lists.iter().find_map(|list| Some((list.id, list.markup_bp?)));
        let Some((list_id, bp)) = marked else { return Ok(None) };
        match self.find(above, wanted, period)? {
            Some(own) if above.first().is_some_and(|up| up.currency == hop.currency) => {
                own.marked_up(list_id, bp).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The lists a buyer buys from, the nearest first.
    fn lists_of(&self, hop: &Hop, period: &Period) -> Vec<&List> {
        let given = self.assigned.get(&hop.buyer_id).into_iter().flatten().filter(|each| {
            self.lists
                .get(&each.list_id)
                .is_some_and(|l| l.seller_id == hop.seller_id && l.currency == hop.currency)
        });
        let given = in_force(given, period, |each| (each.valid_from, None));
        let main = self.mains.get(&(hop.seller_id, hop.currency)).copied();
        let mut ids: Vec<PriceListId> = given.map(|each| each.list_id).into_iter().collect();
        ids.extend(main.filter(|id| !ids.contains(id)));
        ids.iter().filter_map(|id| self.lists.get(id)).collect()
    }

    /// The most specific of a source that has a row in force.
    fn in_source(
        &self,
        sources: &[Source],
        hop: &Hop,
        wanted: &Wanted<'_>,
        period: &Period,
    ) -> Option<&Price> {
        let key = |service: Option<&str>| {
            (hop.seller_id, hop.currency, wanted.kind, service.map(str::to_owned))
        };
        let mut services = vec![wanted.service];
        if wanted.service.is_some() {
            services.push(None);
        }
        let rows = services.into_iter().filter_map(|service| self.rows.get(&key(service)));
        let fitting: Vec<&Price> = rows
            .flatten()
            .filter(|price| sources.contains(&price.source) && price.fits(wanted))
            .collect();
        let mut levels: Vec<_> = fitting.iter().map(|price| price.specificity()).collect();
        levels.sort_by(|a, b| b.cmp(a));
        levels.dedup();
        levels.into_iter().find_map(|level| {
            let rows = fitting.iter().copied().filter(|price| price.specificity() == level);
            in_force(rows, period, |price| (price.valid_from, price.valid_to))
        })
    }
}

/// The latest that held on the period's first day, else the earliest that begins within: a line has
/// one price, so that a customer can check it. The rows come in order of their first day.
fn in_force<'a, T>(
    rows: impl Iterator<Item = &'a T>,
    period: &Period,
    dates: impl Fn(&T) -> (Date, Option<Date>),
) -> Option<&'a T> {
    let mut latest = None;
    let mut earliest = None;
    for row in rows {
        let (from, to) = dates(row);
        if from <= period.starts_on {
            if to.is_none_or(|to| period.starts_on <= to) {
                latest = Some(row);
            }
        } else if from <= period.ends_on && to.is_none_or(|to| from <= to) && earliest.is_none() {
            earliest = Some(row);
        }
    }
    latest.or(earliest)
}

impl Price {
    fn fits(&self, wanted: &Wanted<'_>) -> bool {
        let says = |own: &Option<String>, asked: Option<&str>| match own {
            Some(own) => asked.is_some_and(|asked| own.eq_ignore_ascii_case(asked)),
            None => true,
        };
        self.charge == wanted.charge
            && says(&self.service, wanted.service)
            && says(&self.plan, wanted.plan)
    }

    /// More fields say more; a plan says more than the customer it is for.
    fn specificity(&self) -> (usize, bool, bool) {
        let customer = matches!(self.source, Source::Override(_, Some(_)));
        let set = [self.plan.is_some(), self.service.is_some(), customer];
        (set.into_iter().filter(|each| *each).count(), self.plan.is_some(), self.service.is_some())
    }

    fn found(&self) -> Found {
        Found {
            price_id: Some(self.id),
            list_id: match self.source {
                Source::List(id) => Some(id),
                Source::Override(..) => None,
            },
            valid_from: Some(self.valid_from),
            markup_bp: None,
            counting: self.counting,
            unit_price: self.unit_price,
            unit_cost: self.unit_cost,
            sku: self.sku.clone(),
            label: self.label.clone(),
        }
    }
}

impl Found {
    /// The seller's own price and so much more, to the minor unit. Nothing else of the hop above
    /// goes down: its SKU, label and cost are its own.
    fn marked_up(&self, list_id: PriceListId, bp: i64) -> Result<Found> {
        let whole = bp.checked_add(10_000).ok_or_else(too_large)?;
        let exact = i128::from(self.unit_price.0) * i128::from(whole);
        let minor = money::divide(exact, 10_000 * i128::from(PRICE_SCALE))?;
        let unit_price = UnitPrice(minor.checked_mul(PRICE_SCALE).ok_or_else(too_large)?);
        Ok(Found {
            price_id: None,
            list_id: Some(list_id),
            valid_from: None,
            markup_bp: Some(bp),
            counting: self.counting,
            unit_price,
            unit_cost: None,
            sku: String::new(),
            label: String::new(),
        })
    }
}

fn ten_thousandths<S: Serializer>(price: &UnitPrice, to: S) -> Result<S::Ok, S::Error> {
    price.0.serialize(to)
}

fn of_ten_thousandths<'de, D: Deserializer<'de>>(from: D) -> Result<UnitPrice, D::Error> {
    i64::deserialize(from).map(UnitPrice)
}

fn too_large() -> Error {
    Error::internal("a price is too large to count")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rating::world::{PROVIDER, World, day};

    #[test]
    fn the_more_specific_price_wins() {
        let mut world = World::new();
        let c1 = world.customer(11, PROVIDER);
        world.price(PROVIDER, "B", "6.00");
        world.price(PROVIDER, "", "5.00");
        world.mail("2025-06-01", 1, c1, "B");
        world.mail("2025-06-01", 2, c1, "P");
        let bill = || world.bill(c1, "2026-04-01").direct(c1);
        assert_eq!(bill(), ["Mail, Basic 1 600", "Mail, Pro 1 500"]);
        world.price_in(Source::Override(c1, None), PROVIDER, "", "4.00");
        world.price_in(Source::Override(c1, Some(c1)), PROVIDER, "", "3.00").valid_to =
            Some(day("2026-04-30"));
        assert_eq!(
            world.bill(c1, "2026-04-01").direct(c1),
            ["Mail, Basic 1 300", "Mail, Pro 1 300"]
        );
        assert_eq!(
            world.bill(c1, "2026-05-01").direct(c1),
            ["Mail, Basic 1 400", "Mail, Pro 1 400"]
        );
    }
}
