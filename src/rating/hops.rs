//! Who bills whom: a customer's chain is its hops from itself up to the provider, and changes when a
//! parent or a `billed_by` on the way changes.

use crate::error::{Error, Result};
use crate::ids::CustomerId;
use crate::money::Currency;
use crate::rating::{Facts, Mark};
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

words! {
    /// From whom a customer's bill comes.
    Biller { Inherit = "inherit", Reseller = "reseller", Provider = "provider" }
}

words! {
    /// From whom the bills of a reseller's customers come, unless they say otherwise.
    CustomersBiller { Reseller = "reseller", Provider = "provider" }
}

/// A seller and its buyer, in the currency of the buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hop {
    pub seller_id: CustomerId,
    pub buyer_id: CustomerId,
    pub currency: Currency,
}

/// The hops of a customer from itself up, while nothing on the way changes. Empty for the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The ledger row that made it so; `None`: since ever.
    pub from: Option<Mark>,
    /// The row that ended it; `None`: still so.
    pub to: Option<Mark>,
    pub hops: Vec<Hop>,
}

/// A customer's place in the tree, from one row of its ledger on.
#[derive(Clone, Debug)]
pub struct Bond {
    pub from: Mark,
    pub facts: Facts,
}

/// All customers' places over time.
pub struct Tree {
    provider: CustomerId,
    bonds: BTreeMap<CustomerId, Vec<Bond>>,
    currencies: BTreeMap<CustomerId, Currency>,
}

impl Tree {
    /// `bonds`: one for each ledger row of a customer, in any order.
    pub fn new(
        provider: CustomerId,
        currencies: BTreeMap<CustomerId, Currency>,
        bonds: impl IntoIterator<Item = (CustomerId, Bond)>,
    ) -> Tree {
        let mut of: BTreeMap<CustomerId, Vec<Bond>> = BTreeMap::new();
        for (customer, bond) in bonds {
            of.entry(customer).or_default().push(bond);
        }
        for each in of.values_mut() {
            each.sort_by_key(|bond| (bond.from.at, bond.from.id));
        }
        Tree { provider, bonds: of, currencies }
    }

    /// The chains of a customer, without gaps from ever to now.
    pub fn chains(&self, customer: CustomerId) -> Result<Vec<Chain>> {
        let cuts = self.cuts(customer);
        let mut chains = vec![Chain { from: None, to: None, hops: Vec::new() }];
        if let (Some(first), Some(chain)) = (cuts.first(), chains.first_mut()) {
            chain.hops = self.hops_at(customer, first.at.plus_seconds(-1))?;
        }
        for cut in cuts {
            let hops = self.hops_at(customer, cut.at)?;
            if let Some(last) = chains.last_mut()
                && last.hops != hops
            {
                last.to = Some(cut);
                chains.push(Chain { from: Some(cut), to: None, hops });
            }
        }
        Ok(chains)
    }

    /// The hops at one instant.
    pub fn hops_at(&self, customer: CustomerId, at: Instant) -> Result<Vec<Hop>> {
        let mut hops: Vec<Hop> = Vec::new();
        let mut buyer = customer;
        while buyer != self.provider {
            if hops.len() > self.bonds.len() {
                return Err(Error::internal("the customers form a ring"));
            }
            let facts = self.facts(buyer, at).ok_or_else(|| unknown(buyer))?;
            let parent = facts.parent.unwrap_or(self.provider);
            let direct = match facts.billed_by {
                Biller::Provider => true,
                Biller::Reseller => false,
                Biller::Inherit => self
                    .facts(parent, at)
                    .is_some_and(|above| above.customers_billed_by == CustomersBiller::Provider),
            };
            let seller_id = if direct { self.provider } else { parent };
            let currency = *self.currencies.get(&buyer).ok_or_else(|| unknown(buyer))?;
            hops.push(Hop { seller_id, buyer_id: buyer, currency });
            buyer = seller_id;
        }
        Ok(hops)
    }

    /// What held at an instant, the first thing known before that.
    fn facts(&self, customer: CustomerId, at: Instant) -> Option<&Facts> {
        let bonds = self.bonds.get(&customer)?;
        let holding = bonds.iter().rfind(|bond| bond.from.at <= at).or(bonds.first())?;
        Some(&holding.facts)
    }

    /// Every change of whoever was ever above the customer, in order; of one instant the last.
    fn cuts(&self, customer: CustomerId) -> Vec<Mark> {
        let mut seen = BTreeSet::from([customer]);
        let mut open = vec![customer];
        let mut cuts: BTreeMap<Instant, Mark> = BTreeMap::new();
        while let Some(each) = open.pop() {
            for bond in self.bonds.get(&each).into_iter().flatten() {
                let mark = cuts.entry(bond.from.at).or_insert(bond.from);
                *mark = (*mark).max(bond.from);
                if let Some(parent) = bond.facts.parent
                    && seen.insert(parent)
                {
                    open.push(parent);
                }
            }
        }
        cuts.into_values().collect()
    }
}

impl Chain {
    /// Holds at an instant.
    pub fn holds(&self, at: Instant) -> bool {
        self.from.is_none_or(|from| from.at <= at) && self.to.is_none_or(|to| at < to.at)
    }
}

fn unknown(customer: CustomerId) -> Error {
    Error::internal(format!("customer {customer} has no place in the tree"))
}
