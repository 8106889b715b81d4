//! What rating needs to know, gathered from the store: the tree over time, prices, rules, names, and
//! one customer's history at a time.

mod store;

use crate::auth::PROVIDER;
use crate::db::Read;
use crate::error::Result;
use crate::ids::CustomerId;
use crate::prices;
use crate::rating::hops::{Bond, Tree};
use crate::rating::periods::Period;
use crate::rating::prices::Prices;
use crate::rating::rules::Rule;
use crate::rating::{Bill, Catalogue, History, Kind, Terms, rate};
use crate::time::Zone;
use std::collections::{BTreeMap, BTreeSet};

/// All that holds for every customer.
pub struct Book {
    zone: Zone,
    prices: Prices,
    rules: Vec<Rule>,
    catalogue: Catalogue,
    tree: Tree,
}

impl Book {
    pub fn load(db: &Read) -> Result<Book> {
        let zone = super::zone(db)?;
        let customers = store::customers(db)?;
        let mut bonds = store::bonds(db)?;
        let known: BTreeMap<CustomerId, &store::Customer> =
            customers.iter().map(|customer| (customer.id, customer)).collect();
        for (id, bond) in &mut bonds {
            // The oldest rows may not name the parent.
            bond.facts.parent =
                bond.facts.parent.or_else(|| known.get(id).and_then(|customer| customer.parent));
        }
        let told: BTreeSet<CustomerId> = bonds.iter().map(|(id, _)| *id).collect();
        let untold = customers.iter().filter(|customer| !told.contains(&customer.id));
        let since_ever: Vec<(CustomerId, Bond)> =
            untold.map(|customer| (customer.id, customer.bond(&zone))).collect();
        bonds.extend(since_ever);
        let currencies = customers.iter().map(|customer| (customer.id, customer.currency));
        Ok(Book {
            tree: Tree::new(PROVIDER, currencies.collect(), bonds),
            prices: prices::book(db, None)?,
            rules: store::rules(db)?,
            catalogue: store::catalogue(db)?,
            zone,
        })
    }

    pub fn terms<'a>(&'a self, period: &'a Period) -> Terms<'a> {
        Terms {
            period,
            zone: &self.zone,
            prices: &self.prices,
            rules: &self.rules,
            catalogue: &self.catalogue,
        }
    }

    pub fn history(&self, db: &Read, customer: CustomerId, period: &Period) -> Result<History> {
        let from = period.starts_on.start(&self.zone);
        let to = period.ends_on.plus_days(1).start(&self.zone);
        let mut history = store::history(db, customer, from, to, self.prices.are_of(Kind::User))?;
        history.chains = self.tree.chains(customer)?;
        Ok(history)
    }

    /// What a customer's things cost in a period, on every hop.
    pub fn rate(&self, db: &Read, customer: CustomerId, period: &Period) -> Result<Bill> {
        rate(&self.terms(period), &self.history(db, customer, period)?)
    }
}
