//! What a period costs: from the spans of one customer to its bill items and lines on every hop of
//! its chain. Pure: pages, invoices, previews and tests call [`rate`] and nothing else, so a preview
//! cannot differ from the bill. The same input in any order gives the same bytes.

pub mod hops;
pub mod items;
pub mod lines;
pub mod periods;
pub mod prices;
pub mod quote;
pub mod rules;
pub mod story;
pub mod totals;
mod presence;
mod texts;

#[cfg(test)]
mod examples;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod world;

use crate::error::{Error, Result};
use crate::ids::{CustomerId, LedgerId, UserId};
use crate::money;
use crate::time::{Date, Instant, Zone};
use hops::{Biller, Chain, CustomersBiller};
use items::Item;
use lines::Line;
use periods::Period;
use prices::Prices;
use rules::Rule;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

words! {
    /// What kind of thing is counted, in the order of a bill.
    Kind {
        Customer = "customer",
        User = "user",
        Domain = "domain",
        CustomerService = "customer_service",
        UserService = "user_service",
    }
}

words! {
    /// A reason to pay within a price.
    Charge { Recurring = "recurring", Setup = "setup" }
}

words! {
    /// How a quantity arises.
    Counting { ByDay = "by_day", AtEnd = "at_end", AnyDay = "any_day", Once = "once" }
}

words! {
    CustomerType { Standard = "standard", Test = "test", Demo = "demo" }
}

/// A row of the ledger, as far as a bill names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mark {
    pub id: LedgerId,
    /// From when it counts.
    pub at: Instant,
    /// The day of that, as the ledger keeps it: a later change of zone does not move the past.
    pub day: Date,
    pub by: Option<UserId>,
}

/// What a ledger row says besides its columns. Rows of customers and users have some of these, the
/// others none; fields that rating does not read are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    #[serde(rename = "type")]
    pub customer_type: CustomerType,
    pub disabled: bool,
    pub test_user: bool,
    pub parent: Option<CustomerId>,
    pub billed_by: Biller,
    pub customers_billed_by: CustomersBiller,
}

/// A subject in one state, from one ledger row to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub kind: Kind,
    pub subject_id: i64,
    pub user_id: Option<UserId>,
    pub service: Option<String>,
    pub plan: Option<String>,
    /// A label among several of one service; the name of a domain.
    pub instance: Option<String>,
    /// Thousandths.
    pub quantity: i64,
    pub facts: Facts,
    pub from: Mark,
    /// `None`: still so.
    pub to: Option<Mark>,
    /// The subject never was before this span, at any customer. Only then is a set-up fee due.
    pub first: bool,
    /// When the life that this span belongs to began (its `added`) …
    pub born_on: Date,
    /// … and when it ended (its `removed`, not a move), if it did.
    pub died_on: Option<Date>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    pub upn: String,
}

/// All that rating needs to know about one customer, in any order. `spans` holds every span of the
/// customer that overlaps the period, those of the customer itself and of its users included: they
/// carry the facts that rules look at.
#[derive(Clone, Debug)]
pub struct History {
    pub customer_id: CustomerId,
    pub code: String,
    pub name: String,
    /// Nothing counts before it.
    pub billing_from: Option<Date>,
    /// Who bills whom from the customer up, interval by interval ([`hops::Tree::chains`]).
    pub chains: Vec<Chain>,
    pub people: BTreeMap<UserId, Person>,
    pub spans: Vec<Span>,
}

/// The names of what is sold, by code.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    pub services: BTreeMap<String, ServiceNames>,
}

#[derive(Clone, Debug)]
pub struct ServiceNames {
    pub name: String,
    /// A user service: having it enabled costs nothing unless a list says so.
    pub by_user: bool,
    pub plans: BTreeMap<String, PlanNames>,
}

#[derive(Clone, Debug)]
pub struct PlanNames {
    pub name: String,
    pub sku: String,
    /// Makes no bill item.
    pub not_sold: bool,
}

/// What holds for a whole period, whoever is billed.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    pub period: &'a Period,
    pub zone: &'a Zone,
    pub prices: &'a Prices,
    /// The rules that are switched on.
    pub rules: &'a [Rule],
    pub catalogue: &'a Catalogue,
}

/// An exact quantity; shown as a decimal, never multiplied as one.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Quantity {
    pub num: i128,
    pub den: i128,
}

/// One customer's part of the bills of all hops of its chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bill {
    pub items: Vec<Item>,
    pub lines: Vec<Line>,
}

/// Rates one customer for one period.
pub fn rate(terms: &Terms<'_>, history: &History) -> Result<Bill> {
    let (items, lines) = lines::of(terms, items::of(terms, history)?)?;
    Ok(Bill { items, lines })
}

impl Default for Facts {
    fn default() -> Facts {
        Facts {
            customer_type: CustomerType::Standard,
            disabled: false,
            test_user: false,
            parent: None,
            billed_by: Biller::Inherit,
            customers_billed_by: CustomersBiller::Reseller,
        }
    }
}

impl Catalogue {
    pub fn plan(&self, service: Option<&str>, plan: Option<&str>) -> Option<&PlanNames> {
        self.services.get(service?)?.plans.get(plan?)
    }

    fn by_user(&self, service: Option<&str>) -> bool {
        service.and_then(|code| self.services.get(code)).is_some_and(|service| service.by_user)
    }
}

impl Quantity {
    pub const ZERO: Quantity = Quantity { num: 0, den: 1 };

    pub fn of_thousandths(thousandths: i64) -> Quantity {
        Quantity { num: i128::from(thousandths), den: 1_000 }
    }

    pub fn is_zero(self) -> bool {
        self.num == 0
    }

    pub fn plus(self, other: Quantity) -> Result<Quantity> {
        if self.den == other.den {
            let num = self.num.checked_add(other.num).ok_or_else(too_large)?;
            return Ok(Quantity { num, den: self.den });
        }
        let left = self.num.checked_mul(other.den).ok_or_else(too_large)?;
        let right = other.num.checked_mul(self.den).ok_or_else(too_large)?;
        let num = left.checked_add(right).ok_or_else(too_large)?;
        Ok(Quantity { num, den: self.den.checked_mul(other.den).ok_or_else(too_large)? }.reduced())
    }

    pub fn minus(self, other: Quantity) -> Result<Quantity> {
        let num = other.num.checked_neg().ok_or_else(too_large)?;
        self.plus(Quantity { num, den: other.den })
    }

    /// At most six decimals, for display.
    pub fn show(self) -> Result<String> {
        money::quantity(self.num, self.den)
    }

    /// In lowest terms.
    pub fn reduced(self) -> Quantity {
        let (mut a, mut b) = (self.num.unsigned_abs(), self.den.unsigned_abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        match i128::try_from(a) {
            Ok(common) if common > 1 => Quantity { num: self.num / common, den: self.den / common },
            _ => self,
        }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Quantity) -> bool {
        let (a, b) = (self.reduced(), other.reduced());
        (a.num, a.den) == (b.num, b.den)
    }
}

impl Eq for Quantity {}

fn too_large() -> Error {
    Error::internal("a quantity is too large to count")
}
