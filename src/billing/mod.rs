//! Bills: periods without gaps, what each hop of each period costs, and why. Everything here comes
//! out of [`crate::rating`]; what is stored is a copy that holds while its marks are unchanged, and
//! becomes the truth itself when a hop is fixed.

pub mod api;
pub mod card;
pub mod pages;
pub mod nightly;
pub mod periods;
pub mod summary;
pub mod story;
mod bills;
mod book;
mod freeze;
mod items;
mod store;

pub use bills::{Desk, Done, Sum, recalculate, recalculate_due};
pub use freeze::{Frozen, fix, frozen_before, lift};

use crate::auth::permissions::{BillingRead, CostsRead, PricesRead};
use crate::auth::{Actor, PROVIDER, Scope};
use crate::db::Read;
use crate::error::Result;
use crate::ids::{CustomerId, LedgerId};
use crate::money::Money;
use crate::prices;
use crate::rating::Mark;
use crate::rating::hops::Hop;
use crate::rating::periods::Period;
use crate::rating::quote::{self, Change, Quote};
use crate::time::{Date, Zone};
use book::Book;
use periods::Standing;
use std::collections::{BTreeMap, BTreeSet};
use summary::{Buyer, Filter, Look};

/// Whose bills somebody may see: those on which one of their own is the seller or the buyer. Who is
/// below a reseller and buys from somebody else is not seen through it.
pub struct Viewer {
    /// The customers that the right stands at, and how far it reaches from there.
    stands: Vec<(CustomerId, i64)>,
    /// May see what the provider pays.
    costs: bool,
    /// Those whose own purchases may be seen beside their sales.
    margins: Vec<CustomerId>,
}

const OWN: i64 = 1;
const BELOW: i64 = 2;

impl Viewer {
    pub fn of(actor: &Actor, scope: &Scope<BillingRead>) -> Viewer {
        let costs = actor.scope::<CostsRead>().is_ok();
        let prices = actor.scope::<PricesRead>().map(|scope| scope.stands_at()).unwrap_or_default();
        let margins = prices.into_iter().filter(|(_, bits)| bits & BELOW != 0).map(|(at, _)| at);
        Viewer { stands: scope.stands_at(), costs, margins: margins.collect() }
    }

    /// Portico itself, when it draws up invoices.
    pub fn everything() -> Viewer {
        Viewer { stands: vec![(PROVIDER, OWN | BELOW)], costs: true, margins: Vec::new() }
    }

    /// Whether it sees the bill of a hop.
    pub fn sees(&self, hop: &Hop) -> bool {
        self.stands.iter().any(|(at, bits)| {
            (bits & BELOW != 0 && (*at == PROVIDER || *at == hop.seller_id))
                || (bits & OWN != 0 && *at == hop.buyer_id)
        })
    }

    /// Whether it sees what the seller of a hop pays for what it sells.
    pub fn sees_cost(&self, hop: &Hop) -> bool {
        if hop.seller_id == PROVIDER || self.is_provider() {
            return self.costs && self.is_provider();
        }
        self.margins.contains(&hop.seller_id) && self.sells(hop.seller_id)
    }

    /// Whether it looks with the seller's eyes.
    pub fn sells(&self, seller: CustomerId) -> bool {
        self.stands.iter().any(|(at, bits)| bits & BELOW != 0 && (*at == seller || *at == PROVIDER))
    }

    pub fn is_provider(&self) -> bool {
        self.stands.iter().any(|(at, bits)| *at == PROVIDER && bits & BELOW != 0)
    }

    /// The sellers it looks with the eyes of, the topmost first.
    pub fn sellers(&self) -> impl Iterator<Item = CustomerId> {
        let below = self.stands.iter().filter(|(_, bits)| bits & BELOW != 0);
        below.map(|(at, _)| *at)
    }
}

/// Which hops of a period are fixed.
#[derive(Clone, Debug, Default)]
pub struct Fixed {
    locked: bool,
    frozen: BTreeSet<(CustomerId, CustomerId)>,
    /// Were frozen, and drawn up anew since their invoice was voided.
    lifted: BTreeSet<(CustomerId, CustomerId)>,
}

impl Fixed {
    /// Nothing about this hop changes any more.
    pub fn holds(&self, hop: &Hop) -> bool {
        let names = (hop.seller_id, hop.buyer_id);
        self.frozen.contains(&names) || (self.locked && !self.lifted.contains(&names))
    }

    /// Not one hop can change.
    fn is_whole(&self) -> bool {
        self.locked && self.lifted.is_subset(&self.frozen)
    }
}

/// The provider's, for every customer.
pub fn zone(db: &Read) -> Result<Zone> {
    Ok(Zone::named(&store::zone(db)?).unwrap_or_else(Zone::utc))
}

pub fn today(db: &Read) -> Result<Date> {
    Ok(db.now.day(&zone(db)?))
}

/// What `changes` would cost, in money of the hop on which `viewer` sells, or buys for itself;
/// nothing for who does neither.
pub fn quote(
    db: &Read,
    viewer: CustomerId,
    customer: CustomerId,
    changes: &[Change],
) -> Result<Option<Quote>> {
    let Some(hop) = prices::edge(db, viewer, customer)? else { return Ok(None) };
    let book = Book::load(db)?;
    let (today, period) = (today(db)?, Period::month_of(today(db)?));
    let history = book.history(db, customer, &period)?;
    let now = Mark { id: LedgerId(0), at: db.now, day: today, by: None };
    quote::quote(&book.terms(&period), &history, changes, now, &hop).map(Some)
}

/// A period and what whoever looks billed in it, or was billed, per currency.
pub struct PeriodTotal {
    pub standing: Standing,
    pub totals: Vec<Money>,
    pub unpriced: i64,
    /// Drafts that something keeps from becoming final.
    pub blocked: usize,
}

/// The last twelve periods, the oldest first.
pub fn overview(
    db: &Read,
    scope: &Scope<BillingRead>,
    viewer: &Viewer,
) -> Result<Vec<PeriodTotal>> {
    let all = periods::all(db)?;
    let own = viewer.sellers().next();
    let blocked = store::blocked_drafts(db, scope)?;
    let mut rows = Vec::new();
    for standing in all.iter().skip(all.len().saturating_sub(12)) {
        let end = standing.period.ends_on;
        let here = blocked.iter().filter(|(day, seller)| {
            *day == end && viewer.sells(*seller) && own.is_none_or(|own| own == *seller)
        });
        let mut row = PeriodTotal {
            standing: standing.clone(),
            totals: Vec::new(),
            unpriced: 0,
            blocked: here.count(),
        };
        let mut sums: BTreeMap<_, Money> = BTreeMap::new();
        for (hop, sum) in Desk::open(db, scope, standing.period)?.sums(scope)? {
            if viewer.sees(&hop) && own.is_none_or(|own| own == hop.seller_id) {
                let so_far = sums.entry(hop.currency).or_insert(Money::zero(hop.currency));
                *so_far = so_far.plus(Money::new(sum.amount_minor, hop.currency))?;
                row.unpriced += sum.unpriced;
            }
        }
        row.totals = sums.into_values().collect();
        rows.push(row);
    }
    Ok(rows)
}

/// A customer's bill of the running period, where it may be seen, and who makes it.
pub struct CustomerNow {
    pub end: Date,
    pub seller: String,
    pub bill: Option<Buyer>,
}

pub fn customer_now(
    db: &Read,
    scope: &Scope<BillingRead>,
    actor: &Actor,
    id: CustomerId,
) -> Result<CustomerNow> {
    scope.reaches(db, id)?;
    let viewer = Viewer::of(actor, scope);
    let standing = periods::one(db, "current")?;
    let hop = prices::chain(db, id)?.into_iter().next();
    let seller = hop.map_or(id, |hop| hop.seller_id);
    let look = Look::at(db, scope, &viewer, standing.period)?;
    let filter = Filter { buyer: Some(id), seller: Some(seller), ..Filter::default() };
    Ok(CustomerNow {
        end: standing.period.ends_on,
        seller: names(db, &[seller])?.remove(&seller).unwrap_or_default(),
        bill: look.buyers(scope, &filter)?.into_iter().next(),
    })
}

/// The names of customers, by id.
pub fn names(db: &Read, ids: &[CustomerId]) -> Result<BTreeMap<CustomerId, String>> {
    let all = store::names(db, ids)?;
    Ok(all.into_iter().map(|(id, (_, name))| (id, name)).collect())
}
