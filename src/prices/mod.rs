//! What things cost: each seller's lists, and what it overrides for one buyer. Rows are appended; a
//! price in force never changes, a future one may be withdrawn. Which price applies to a thing is
//! decided by `rating::prices` alone.

pub mod api;
pub mod pages;
mod forms;
mod store;

pub use forms::{add, add_override, create_list, update_list, withdraw, withdraw_override};

use crate::audit;
use crate::auth::permissions::PricesRead;
use crate::auth::{PROVIDER, Scope};
use crate::db::{Read, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, PriceId, PriceListId};
use crate::money::{Currency, UnitPrice};
use crate::rating::hops::{Biller, CustomersBiller, Hop};
use crate::rating::periods::Period;
use crate::rating::prices::Prices;
use crate::rating::{Charge, Counting, Kind};
use crate::time::Date;
use serde_json::json;

/// A seller's prices in one currency.
pub struct PriceList {
    pub id: PriceListId,
    pub seller: CustomerId,
    pub seller_name: String,
    pub code: String,
    pub name: String,
    pub currency: Currency,
    /// The seller's default in this currency.
    pub main: bool,
    /// What is not listed costs the seller's own price and so much more.
    pub markup_bp: Option<i64>,
    pub version: i64,
}

/// One price as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub id: PriceId,
    pub kind: Kind,
    pub service: Option<String>,
    pub plan: Option<String>,
    pub charge: Charge,
    pub counting: Counting,
    pub unit_price: UnitPrice,
    pub unit_cost: Option<UnitPrice>,
    pub sku: String,
    pub label: String,
    pub valid_from: Date,
    pub valid_to: Option<Date>,
    pub currency: Currency,
}

/// A price to add. Without a day it counts from when it can: the first price of a thing from the
/// earliest open period on, a later one from the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPrice {
    pub kind: Kind,
    pub service: Option<String>,
    pub plan: Option<String>,
    pub charge: Charge,
    pub counting: Counting,
    pub unit_price: UnitPrice,
    pub unit_cost: Option<UnitPrice>,
    pub sku: String,
    pub label: String,
    pub valid_from: Option<Date>,
}

/// Where a price stands.
pub enum Target {
    List { id: PriceListId, seller: CustomerId, currency: Currency },
    Override { seller: CustomerId, buyer: CustomerId, currency: Currency },
}

/// A plan as lists price it.
#[derive(Clone, Copy)]
pub struct PlanKey<'a> {
    pub service: &'a str,
    pub plan: &'a str,
    /// A user plan; otherwise a customer plan.
    pub by_user: bool,
}

/// What a service and its plans are called where prices are chosen.
pub struct Priceable {
    pub service: String,
    pub service_name: String,
    pub plan: Option<String>,
    pub plan_name: Option<String>,
    pub by_user: bool,
}

/// What decides who bills a customer.
struct Customer {
    id: CustomerId,
    parent: Option<CustomerId>,
    currency: Currency,
    billed_by: Biller,
    customers_billed_by: CustomersBiller,
}

impl Target {
    fn columns(&self) -> (Option<PriceListId>, CustomerId, Option<CustomerId>) {
        match self {
            Target::List { id, seller, .. } => (Some(*id), *seller, None),
            Target::Override { seller, buyer, .. } => (None, *seller, Some(*buyer)),
        }
    }

    fn currency(&self) -> Currency {
        match self {
            Target::List { currency, .. } | Target::Override { currency, .. } => *currency,
        }
    }
}

impl PlanKey<'_> {
    pub fn kind(&self) -> Kind {
        if self.by_user { Kind::UserService } else { Kind::CustomerService }
    }
}

/// All lists and prices, or those of some sellers, for rating and quoting. Who buys by mark-up needs
/// the sellers above it in the book as well.
pub fn book(db: &Read, sellers: Option<&[CustomerId]>) -> Result<Prices> {
    let sellers = sellers.map(serde_json::to_string).transpose()?;
    let lists = store::book_lists(db, sellers.as_deref())?;
    Ok(Prices::new(lists, Vec::new(), store::book_prices(db, sellers.as_deref())?))
}

/// The provider's currency, in which plans are priced.
pub fn currency(db: &Read) -> Result<Currency> {
    Ok(store::customer(db, PROVIDER)?.currency)
}

/// Who bills `customer` now, from itself up to the provider.
pub fn chain(db: &Read, customer: CustomerId) -> Result<Vec<Hop>> {
    let mut hops = Vec::new();
    let mut buyer = store::customer(db, customer)?;
    while let Some(parent) = buyer.parent {
        let parent = store::customer(db, parent)?;
        let direct = match buyer.billed_by {
            Biller::Provider => true,
            Biller::Reseller => false,
            Biller::Inherit => parent.customers_billed_by == CustomersBiller::Provider,
        };
        let seller = if direct { store::customer(db, PROVIDER)? } else { parent };
        hops.push(Hop { seller_id: seller.id, buyer_id: buyer.id, currency: buyer.currency });
        buyer = seller;
    }
    Ok(hops)
}

/// The hop on which `viewer` sells what `customer` has, or buys it for itself; none for who does neither.
pub fn edge(db: &Read, viewer: CustomerId, customer: CustomerId) -> Result<Option<Hop>> {
    let chain = chain(db, customer)?;
    let sells = chain.iter().find(|hop| hop.seller_id == viewer);
    Ok(sells.or(chain.first().filter(|hop| hop.buyer_id == viewer)).copied())
}

/// The list that prices whatever no other list does; made when first needed.
pub fn main_list(tx: &Write, seller: CustomerId, currency: Currency) -> Result<PriceListId> {
    if let Some(id) = store::main_list(tx, seller, currency)? {
        return Ok(id);
    }
    make_main_list(tx, seller, currency, None)
}

/// Gives a new reseller a list of its own, so that everything it sells has a price from the start:
/// what it pays itself and `markup_bp` more.
pub fn start_reselling(tx: &Write, reseller: CustomerId, markup_bp: i64) -> Result<PriceListId> {
    let currency = store::customer(tx, reseller)?.currency;
    match store::main_list(tx, reseller, currency)? {
        Some(id) => Ok(id),
        None => make_main_list(tx, reseller, currency, Some(markup_bp)),
    }
}

fn make_main_list(
    tx: &Write,
    seller: CustomerId,
    currency: Currency,
    markup_bp: Option<i64>,
) -> Result<PriceListId> {
    let code = format!("standard-{}", currency.code().to_lowercase());
    let name = format!("Standard prices in {currency}");
    let new = store::NewList { seller, code: &code, name: &name, currency, main: true, markup_bp };
    let id = store::insert_list(tx, &new)?;
    let detail = json!({ "code": code, "currency": currency, "markup_bp": markup_bp });
    audit::record(tx, "price_list.created", ("price_list", id.0), seller, &detail)?;
    Ok(id)
}

/// What a plan costs in the provider's default list: one truth that the plan's page and the list's
/// page both show. Saving what holds already adds nothing.
pub fn set_plan_price(
    tx: &Write,
    key: &PlanKey,
    charge: Charge,
    counting: Counting,
    unit_price: UnitPrice,
    unit_cost: Option<UnitPrice>,
    valid_from: Option<Date>,
) -> Result<Option<PriceId>> {
    let currency = currency(tx)?;
    let id = main_list(tx, PROVIDER, currency)?;
    let target = Target::List { id, seller: PROVIDER, currency };
    let new = NewPrice {
        kind: key.kind(),
        service: Some(key.service.to_owned()),
        plan: Some(key.plan.to_owned()),
        charge,
        counting,
        unit_price,
        unit_cost,
        sku: String::new(),
        label: String::new(),
        valid_from,
    };
    let held = store::of_thing(tx, &target, &new.thing())?;
    if held.last().is_some_and(|last| last.says(&new)) {
        return Ok(None);
    }
    append(tx, &target, &new).map(Some)
}

/// The prices of a plan in the provider's default list: the one in force, and the one to come.
pub fn plan_price(
    db: &Read,
    service: &str,
    plan: &str,
    charge: Charge,
) -> Result<(Option<Row>, Option<Row>)> {
    let currency = currency(db)?;
    let Some(list) = store::main_list(db, PROVIDER, currency)? else { return Ok((None, None)) };
    let rows = store::of_plan(db, list, service, plan, charge)?;
    let today = today(db)?;
    let split = rows.iter().take_while(|row| effect(&rows, row).starts_on <= today).count();
    let now = split.checked_sub(1).and_then(|at| rows.get(at)).cloned();
    Ok((now, rows.get(split).cloned()))
}

/// What is priced.
struct Thing<'a> {
    kind: Kind,
    service: Option<&'a str>,
    plan: Option<&'a str>,
    charge: Charge,
}

impl NewPrice {
    fn thing(&self) -> Thing<'_> {
        let (service, plan) = (self.service.as_deref(), self.plan.as_deref());
        Thing { kind: self.kind, service, plan, charge: self.charge }
    }
}

impl Row {
    fn thing(&self) -> Thing<'_> {
        let (service, plan) = (self.service.as_deref(), self.plan.as_deref());
        Thing { kind: self.kind, service, plan, charge: self.charge }
    }

    fn same_thing(&self, other: &Row) -> bool {
        (self.kind, self.charge) == (other.kind, other.charge)
            && (&self.service, &self.plan) == (&other.service, &other.plan)
    }

    /// Whether it is what `new` would be, whatever the day.
    fn says(&self, new: &NewPrice) -> bool {
        new.valid_from.is_none()
            && self.unit_price == new.unit_price
            && self.unit_cost == new.unit_cost
            && self.counting == new.counting
            && self.sku == new.sku
            && self.label == new.label
    }
}

/// Today, where the provider is.
pub fn today(db: &Read) -> Result<Date> {
    Ok(db.now.day(&store::zone(db)?))
}

/// The first day of the earliest period that can still change.
pub fn first_open_day(db: &Read) -> Result<Date> {
    match store::first_open_day(db)? {
        Some(day) => Ok(day),
        None => Ok(today(db)?.first_of_month()),
    }
}

/// The period from which a day takes effect: a line has one price, so a change waits for a period
/// to begin; the first price of a thing does not.
pub fn takes_effect(first: bool, day: Date) -> Period {
    let period = Period::month_of(day);
    if first || period.starts_on == day {
        period
    } else {
        Period::month_of(day.first_of_month().plus_months(1))
    }
}

/// The same for one of the `rows` of a thing.
fn effect(rows: &[Row], row: &Row) -> Period {
    let first = rows.iter().all(|other| other.id == row.id || other.valid_from > row.valid_from);
    takes_effect(first, row.valid_from)
}

/// Adds a price after those that hold already.
fn append(tx: &Write, target: &Target, new: &NewPrice) -> Result<PriceId> {
    let rows = store::of_thing(tx, target, &new.thing())?;
    let (today, open) = (today(tx)?, first_open_day(tx)?);
    let valid_from = match new.valid_from {
        Some(day) => day,
        None if rows.is_empty() => open,
        None => today.first_of_month().plus_months(1),
    };
    let complain = |text: String| Err(Error::invalid("valid_from", text));
    if valid_from < open {
        return complain(format!(
            "must be {} or later, because the periods before that are closed",
            open.long()
        ));
    }
    for row in &rows {
        let waits = effect(&rows, row).starts_on > today;
        if row.valid_from == valid_from && waits {
            store::delete(tx, row.id)?;
        } else if row.valid_from >= valid_from && !waits {
            return complain(format!(
                "must be after {}, when the price that holds now began",
                row.valid_from.long()
            ));
        }
    }
    let id = store::insert(tx, target, new, valid_from)?;
    let (list, seller, buyer) = target.columns();
    let currency = target.currency();
    let detail = json!({
        "list_id": list, "buyer_id": buyer, "kind": new.kind, "service": new.service,
        "plan": new.plan, "charge": new.charge, "counting": new.counting, "currency": currency,
        "unit_price": new.unit_price.plain(currency), "valid_from": valid_from,
        "old": rows.last().map(|old| old.unit_price.plain(currency)),
    });
    audit::record(tx, "price.added", ("price", id.0), buyer.unwrap_or(seller), &detail)?;
    Ok(id)
}

/// A price list that the right stands at or reaches.
pub fn list(db: &Read, scope: &Scope<PricesRead>, id: PriceListId) -> Result<PriceList> {
    store::list(db, scope, id)
}
