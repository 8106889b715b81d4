//! Why an item is not billed: the shipped rules, each with a switch. Billable is the default; of
//! several that match the last decides and all are kept.

use crate::rating::presence::Presence;
use crate::rating::{CustomerType, Facts};
use crate::time::Date;
use serde::{Deserialize, Serialize};

words! {
    /// The rules that every store has.
    Shipped {
        TestUsers = "test_users",
        TestCustomers = "test_customers",
        DemoCustomers = "demo_customers",
        DisabledUsers = "disabled_users",
        DisabledCustomers = "disabled_customers",
        LivedLessThanADay = "lived_less_than_a_day",
    }
}

/// A rule that is switched on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub code: Shipped,
    pub order: i64,
    pub reason: String,
}

/// What the rules say of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub billable: bool,
    /// Empty when billable.
    pub reason: String,
    /// All that matched, in order; the last decided.
    pub rules: Vec<Shipped>,
}

/// What rules look at, as it was at the item's last moment in the period.
pub(super) struct Seen<'a> {
    pub customer: &'a Facts,
    pub user: Option<&'a Facts>,
    pub presence: &'a Presence<'a>,
    pub ends_on: Date,
}

impl Rule {
    /// The rules as a new store has them.
    pub fn shipped() -> Vec<Rule> {
        [
            (Shipped::TestUsers, 10, "Test user"),
            (Shipped::TestCustomers, 20, "Test customer"),
            (Shipped::DemoCustomers, 30, "Demo customer"),
        ]
        .map(|(code, order, reason)| Rule { code, order, reason: reason.to_owned() })
        .into()
    }
}

pub(super) fn verdict(rules: &[Rule], seen: &Seen<'_>) -> Verdict {
    let mut matching: Vec<&Rule> = rules.iter().filter(|rule| rule.code.matches(seen)).collect();
    matching.sort_by_key(|rule| (rule.order, rule.code));
    Verdict {
        billable: matching.is_empty(),
        reason: matching.last().map_or_else(String::new, |rule| rule.reason.clone()),
        rules: matching.iter().map(|rule| rule.code).collect(),
    }
}

impl Shipped {
    fn matches(self, seen: &Seen<'_>) -> bool {
        match self {
            Shipped::TestUsers => seen.user.is_some_and(|user| user.test_user),
            Shipped::TestCustomers => seen.customer.customer_type == CustomerType::Test,
            Shipped::DemoCustomers => seen.customer.customer_type == CustomerType::Demo,
            Shipped::DisabledUsers => seen.user.is_some_and(|user| user.disabled),
            Shipped::DisabledCustomers => seen.customer.disabled,
            Shipped::LivedLessThanADay => seen.presence.died_the_day_it_was_born(seen.ends_on),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::CustomerId;
    use crate::rating::items::Item;
    use crate::rating::world::{PROVIDER, World};

    fn one() -> (World, CustomerId) {
        let mut world = World::new();
        world.price(PROVIDER, "B", "9.00");
        let c1 = world.customer(11, PROVIDER);
        (world, c1)
    }

    #[test]
    fn the_flags_of_the_last_moment_decide_the_whole_bill() {
        let (mut world, c1) = one();
        let user = world.user(1, c1);
        world.mail("2025-06-01", 1, c1, "B");
        world.rule(Shipped::DisabledUsers, 40, "Disabled user");
        world.change_user("2026-04-20", user, |state| state.facts.test_user = true);
        let bill = world.bill(c1, "2026-04-01");
        let item: &Item = &bill.items[0];
        assert_eq!((item.verdict.billable, item.verdict.reason.as_str()), (false, "Test user"));
        assert_eq!((bill.lines[0].amount_minor, bill.lines[0].billable), (0, false));
        world.change_user("2026-04-25", user, |state| state.facts.disabled = true);
        let bill = world.bill(c1, "2026-04-01");
        assert_eq!(bill.items[0].verdict.reason, "Disabled user");
        assert_eq!(bill.items[0].verdict.rules, [Shipped::TestUsers, Shipped::DisabledUsers]);
        assert_eq!(world.bill(c1, "2026-03-01").direct(c1), ["Mail, Basic 1 900"]);
    }
}
