//! Bill items: one thing on one hop under one charge, with its quantity, its texts and the rules'
//! verdict. Money comes with the lines.

use crate::error::{Error, Result};
use crate::ids::{CustomerId, LedgerId, UserId};
use crate::rating::hops::Hop;
use crate::rating::presence::{self, Key, Presence, Run, Timeline, Window};
use crate::rating::prices::{Found, Wanted};
use crate::rating::rules::{self, Seen, Verdict};
use crate::rating::texts::{self, Named};
use crate::rating::{Charge, Counting, History, Kind, Mark, Quantity, Terms};
use crate::time::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

words! {
    /// What the period saw of an item: there at its first instant, there at its end.
    Action { Carried = "carried", Added = "added", Removed = "removed", Brief = "brief" }
}

/// Kept as JSON when a bill is fixed, and read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    #[serde(flatten)]
    pub hop: Hop,
    pub customer_id: CustomerId,
    pub customer_code: String,
    pub kind: Kind,
    pub subject_id: i64,
    pub user_id: Option<UserId>,
    pub service: Option<String>,
    pub plan: Option<String>,
    pub instance: Option<String>,
    pub sku: String,
    pub charge: Charge,
    pub counting: Counting,
    pub action: Action,
    /// First and last counted day.
    pub from: Option<Date>,
    pub until: Option<Date>,
    pub days: i64,
    /// The counted days, as stretches of one quantity.
    pub runs: Vec<Run>,
    pub quantity: Quantity,
    /// `None`: it has no price, and blocks the invoice if it is billable.
    pub price: Option<Found>,
    #[serde(flatten)]
    pub verdict: Verdict,
    pub line_text: String,
    pub summary_text: String,
    /// The row that began it, unless that was the beginning of billing.
    pub added: Option<Mark>,
    /// The row that ended it in this period.
    pub removed: Option<Mark>,
    pub ledger_ids: Vec<LedgerId>,
    pub amount_minor: i64,
    /// What the seller pays for it; `None` when that is not known. Not for the buyer's eyes.
    pub cost_minor: Option<i64>,
    /// The hop above is another reseller's or the provider's; on the topmost the cost is the price's.
    #[serde(skip)]
    pub(super) topmost: bool,
}

impl Item {
    pub fn unpriced(&self) -> bool {
        self.price.is_none() && self.verdict.billable
    }

    /// Names the item within its period.
    pub fn key(&self) -> String {
        let part = |text: &Option<String>| text.clone().unwrap_or_default();
        format!(
            "{}-{}-{}-{}-{}-{}-{}",
            self.hop.seller_id,
            self.hop.buyer_id,
            self.kind.word(),
            self.subject_id,
            self.charge.word(),
            part(&self.plan),
            part(&self.instance)
        )
    }
}

/// All items of a customer, without money.
pub(super) fn of(terms: &Terms<'_>, history: &History) -> Result<Vec<Item>> {
    let window = Window::of(terms);
    let timeline = Timeline::of(history);
    let mut known: BTreeMap<_, Option<Found>> = BTreeMap::new();
    let mut items = Vec::new();
    for (key, presence) in &presence::of(terms, history, window) {
        let plan = terms.catalogue.plan(key.service, key.plan);
        if plan.is_some_and(|plan| plan.not_sold) {
            continue;
        }
        let mut priced = false;
        for charge in Charge::ALL {
            let wanted = Wanted {
                customer_id: history.customer_id,
                kind: key.kind,
                service: key.service,
                plan: key.plan,
                charge: *charge,
            };
            let found = match known.get(&(presence.hops, wanted)) {
                Some(found) => found.clone(),
                None => {
                    let found = terms.prices.find(presence.hops, &wanted, terms.period)?;
                    known.insert((presence.hops, wanted), found.clone());
                    found
                }
            };
            let Some(found) = found else { continue };
            priced = true;
            let new = New { terms, history, window, timeline: &timeline, key, presence };
            items.extend(new.item(*charge, Some(found))?);
        }
        if !priced && must_be_priced(terms, key) {
            let new = New { terms, history, window, timeline: &timeline, key, presence };
            items.extend(new.item(Charge::Recurring, None)?);
        }
    }
    Ok(items)
}

/// The order of a bill.
pub(super) fn sort(items: &mut [Item]) {
    fn order(item: &Item) -> impl Ord + '_ {
        let what = (item.kind, &item.service, &item.plan, item.charge, &item.summary_text);
        (item.hop, what, (item.subject_id, &item.instance, item.user_id, &item.ledger_ids))
    }
    items.sort_by(|a, b| order(a).cmp(&order(b)));
}

/// Services are never dropped for want of a price; other things are billed only where a list says so.
fn must_be_priced(terms: &Terms<'_>, key: &Key<'_>) -> bool {
    match key.kind {
        Kind::UserService => true,
        Kind::CustomerService => !terms.catalogue.by_user(key.service),
        Kind::Customer | Kind::User | Kind::Domain => false,
    }
}

struct New<'a> {
    terms: &'a Terms<'a>,
    history: &'a History,
    window: Window,
    timeline: &'a Timeline<'a>,
    key: &'a Key<'a>,
    presence: &'a Presence<'a>,
}

impl New<'_> {
    fn item(&self, charge: Charge, price: Option<Found>) -> Result<Option<Item>> {
        let counting = price.as_ref().map_or(Counting::ByDay, |found| found.counting);
        let period = self.terms.period;
        let runs = self.presence.runs(period.starts_on, period.ends_on);
        let Some(quantity) = self.quantity(counting, &runs)? else { return Ok(None) };
        let (key, history) = (self.key, self.history);
        let plan = self.terms.catalogue.plan(key.service, key.plan);
        let sku = price.as_ref().map(|found| found.sku.clone()).filter(|sku| !sku.is_empty());
        let sku = sku.or_else(|| plan.map(|plan| plan.sku.clone())).unwrap_or_default();
        let named = Named {
            catalogue: self.terms.catalogue,
            customer: &history.name,
            person: key.user_id.and_then(|id| history.people.get(&id)),
            key,
            charge,
            label: price.as_ref().map_or("", |found| &found.label),
        };
        let (line_text, summary_text) = (texts::line(&named), texts::summary(&named));
        let at_end = self.presence.at_end(self.window);
        let gone = self.presence.ends().filter(|_| !at_end);
        Ok(Some(Item {
            hop: key.hop,
            customer_id: history.customer_id,
            customer_code: history.code.clone(),
            kind: key.kind,
            subject_id: key.subject_id,
            user_id: key.user_id,
            service: key.service.map(str::to_owned),
            plan: key.plan.map(str::to_owned),
            instance: key.instance.map(str::to_owned),
            sku,
            charge,
            counting,
            action: match (self.presence.at_start(self.window), at_end) {
                (true, true) => Action::Carried,
                (false, true) => Action::Added,
                (true, false) => Action::Removed,
                (false, false) => Action::Brief,
            },
            from: runs.first().map(|run| run.from),
            until: runs.last().map(|run| run.until),
            days: runs.iter().map(|run| run.until.days_since(run.from) + 1).sum(),
            runs,
            quantity,
            price,
            verdict: self.verdict(),
            line_text,
            summary_text,
            added: self.presence.begins().and_then(|edge| edge.mark),
            removed: gone.and_then(|edge| edge.mark),
            ledger_ids: self.presence.rows(self.window),
            amount_minor: 0,
            cost_minor: None,
            topmost: self.presence.hops.len() == 1,
        }))
    }

    /// `None`: the charge is not due for it.
    fn quantity(&self, counting: Counting, runs: &[Run]) -> Result<Option<Quantity>> {
        if counting == Counting::Once {
            return Ok(self.presence.at_birth(self.window).map(Quantity::of_thousandths));
        }
        if !self.presence.lasts(self.window) {
            return Ok(None);
        }
        let period = self.terms.period;
        let thousandths = match counting {
            Counting::ByDay => return by_day(runs, period.days).map(Some),
            Counting::AtEnd => {
                let last = runs.last().filter(|run| run.until == period.ends_on);
                last.map_or(0, |run| run.quantity)
            }
            Counting::AnyDay | Counting::Once => self.presence.most(self.window),
        };
        Ok(Some(Quantity::of_thousandths(thousandths)))
    }

    /// By the facts of the item's last moment: who is flagged on the 20th is off the whole bill.
    fn verdict(&self) -> Verdict {
        let end = self.presence.ends().map_or(self.window.to, |end| end.at.min(self.window.to));
        let customer = self.timeline.before(Kind::Customer, self.history.customer_id.0, end);
        let user = self.key.user_id.map(|id| self.timeline.before(Kind::User, id.0, end));
        let ends_on = self.terms.period.ends_on;
        let seen = Seen { customer, user, presence: self.presence, ends_on };
        rules::verdict(self.terms.rules, &seen)
    }
}

fn by_day(runs: &[Run], days: i64) -> Result<Quantity> {
    let mut num: i128 = 0;
    for run in runs {
        let counted = i128::from(run.until.days_since(run.from) + 1);
        let product = counted.checked_mul(i128::from(run.quantity));
        num = product.and_then(|product| num.checked_add(product)).ok_or_else(too_large)?;
    }
    Ok(Quantity { num, den: i128::from(days) * 1_000 })
}

fn too_large() -> Error {
    Error::internal("a quantity is too large to count")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rating::world::{PROVIDER, World};
    use crate::rating::{Bill, rate};

    fn one() -> (World, CustomerId) {
        let mut world = World::new();
        world.price(PROVIDER, "B", "6.00");
        let c1 = world.customer(11, PROVIDER);
        (world, c1)
    }

    #[test]
    fn users_and_customers_are_billed_where_a_list_says_so() {
        let mut world = World::new();
        let c1 = world.customer(11, PROVIDER);
        world.user(1, c1);
        assert_eq!(world.bill(c1, "2026-04-01"), Bill::default());
        let price = world.price(PROVIDER, "", "2.00");
        (price.kind, price.service) = (Kind::User, None);
        let price = world.price(PROVIDER, "", "15.00");
        (price.kind, price.service) = (Kind::Customer, None);
        assert_eq!(world.bill(c1, "2026-04-01").direct(c1), ["Customers 1 1500", "Users 1 200"]);
    }

    #[test]
    fn a_plan_that_is_not_sold_makes_no_item() {
        let (mut world, c1) = one();
        world.mail("2025-06-01", 1, c1, "P");
        let plans = &mut world.catalogue.services.get_mut("mail").unwrap().plans;
        plans.get_mut("P").unwrap().not_sold = true;
        assert_eq!(world.bill(c1, "2026-04-01"), Bill::default());
    }

    #[test]
    fn too_large_is_an_error() {
        let (mut world, c1) = one();
        world.mail_of("2025-06-01", 1, c1, "B", i64::MAX);
        let (prices, period) = (world.prices(), world.period("2026-04-01"));
        let history = world.history(c1, &period);
        assert!(rate(&world.terms(&prices, &period), &history).is_err());
    }
}
