//! What must hold for any history: days as a plain walk through the ledger counts them, money that
//! adds up, and no trace of the order of the input.

use crate::ids::CustomerId;
use crate::rating::hops::{Biller, Hop};
use crate::rating::prices::Prices;
use crate::rating::world::{PROVIDER, State, World, day};
use crate::rating::{Counting, Quantity, rate};
use crate::time::{Instant, Zone};
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use std::collections::BTreeMap;

const RESELLERS: [CustomerId; 2] = [CustomerId(2), CustomerId(3)];
const CUSTOMERS: [CustomerId; 2] = [CustomerId(11), CustomerId(12)];

#[derive(Clone, Debug)]
enum Act {
    /// Which mailbox, of whom, its plan and quantity.
    Mail(i64, usize, bool, i64),
    Gone(i64),
    /// Which customer goes to which reseller, or is billed by the provider.
    Move(usize, usize, bool),
}

/// March has the day of 23 hours; some changes fall exactly on a midnight.
fn acts() -> impl Strategy<Value = Vec<(i64, Act)>> {
    let act = prop_oneof![
        4 => (1i64..5, 0usize..2, any::<bool>(), 1i64..4_000)
            .prop_map(|(id, of, pro, quantity)| Act::Mail(id, of, pro, quantity)),
        2 => (1i64..5).prop_map(Act::Gone),
        2 => (0usize..2, 0usize..2, any::<bool>()).prop_map(|(c, r, p)| Act::Move(c, r, p)),
    ];
    let when = prop_oneof![3 => 0i64..60 * 86_400, 1 => (0i64..60).prop_map(|d| d * 86_400)];
    proptest::collection::vec((when, act), 0..24)
}

fn world(mut acts: Vec<(i64, Act)>, counting: Counting) -> World {
    let mut world = World::new();
    for reseller in RESELLERS {
        world.customer(reseller.0, PROVIDER);
        world.list(reseller, Some(1_234));
        world.price(reseller, "P", "17.77");
    }
    for customer in CUSTOMERS {
        world.customer(customer.0, RESELLERS[0]);
    }
    world.price(PROVIDER, "B", "6.35").unit_cost = Some(crate::money::UnitPrice(3_333_333));
    world.price(PROVIDER, "P", "15.01");
    for price in &mut world.prices {
        price.counting = counting;
    }
    world.setup(PROVIDER, "", "25.00");
    acts.sort_by_key(|(at, _)| *at);
    let start = world.at("2026-02-15 00:00");
    for (after, act) in acts {
        let at = start.plus_seconds(after);
        match act {
            Act::Mail(id, of, pro, quantity) => {
                let plan = if pro { "P" } else { "B" };
                let state = State::mail(id, CUSTOMERS[of], plan, quantity);
                world.mail_at(at, id, Some(state));
            }
            Act::Gone(id) => world.mail_at(at, id, None),
            Act::Move(customer, reseller, provider) => {
                world.change_customer_at(at, CUSTOMERS[customer], |facts| {
                    facts.parent = Some(RESELLERS[reseller]);
                    let who = if provider { Biller::Provider } else { Biller::Inherit };
                    facts.billed_by = who;
                });
            }
        }
    }
    world
}

type Counted = BTreeMap<(Hop, CustomerId, i64, String), i64>;

/// Looks at the last second of each day, and asks nothing of the code under test but the tree.
fn replay(world: &World, counting: Counting) -> Counted {
    let (period, tree) = (world.period("2026-03-01"), world.tree());
    let mut counted = Counted::new();
    for after in 0..period.days {
        let date = period.starts_on.plus_days(after);
        let midnight: Instant = date.plus_days(1).start(&world.zone);
        let last_second = midnight.plus_seconds(-1);
        if counting == Counting::AtEnd && date != period.ends_on {
            continue;
        }
        for id in 1..5 {
            let Some(state) = world.mail_state(id, last_second) else { continue };
            for hop in tree.hops_at(state.customer, last_second).unwrap() {
                let key = (hop, state.customer, id, state.plan.unwrap().to_owned());
                *counted.entry(key).or_insert(0) += state.quantity;
            }
        }
    }
    counted
}

fn rated(world: &World) -> Counted {
    let period = world.period("2026-03-01");
    let mut counted = Counted::new();
    for customer in CUSTOMERS {
        for item in world.rate(customer, &period).items {
            if item.counting == Counting::Once || item.quantity.is_zero() {
                continue;
            }
            let key = (item.hop, item.customer_id, item.subject_id, item.plan.clone().unwrap());
            let days = if item.counting == Counting::ByDay { period.days } else { 1 };
            assert_eq!(item.quantity.den, i128::from(days) * 1_000);
            assert!(counted.insert(key, i64::try_from(item.quantity.num).unwrap()).is_none());
        }
    }
    counted
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn b_09_days_equal_a_replay_of_the_ledger(acts in acts(), at_end in any::<bool>()) {
        let counting = if at_end { Counting::AtEnd } else { Counting::ByDay };
        let world = world(acts, counting);
        prop_assert_eq!(rated(&world), replay(&world, counting));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn b_10_items_add_up_to_their_line_and_costs_to_the_hop_above(acts in acts(), kind in 0usize..3) {
        let world = world(acts, [Counting::ByDay, Counting::AtEnd, Counting::AnyDay][kind]);
        for customer in CUSTOMERS {
            let bill = world.rate(customer, &world.period("2026-03-01"));
            for line in &bill.lines {
                let items = bill.items.iter().filter(|item| line.counts(item));
                let (mut count, mut amount, mut cost) = (0, 0, 0);
                let mut quantity = Quantity::ZERO;
                for item in items {
                    count += 1;
                    amount += item.amount_minor;
                    cost += item.cost_minor.unwrap_or(0);
                    quantity = quantity.plus(item.quantity).unwrap();
                }
                prop_assert_eq!((count, amount), (line.items, line.amount_minor));
                prop_assert_eq!(quantity, line.quantity);
                if let Some(known) = line.cost_minor {
                    prop_assert_eq!(known, cost);
                }
            }
            for reseller in RESELLERS {
                let of = |sold: bool| bill.lines.iter().filter(move |line| {
                    (if sold { line.hop.seller_id } else { line.hop.buyer_id }) == reseller
                });
                let cost = of(true).map(|line| line.cost_minor.unwrap()).sum::<i64>();
                let bought = of(false).map(|line| line.amount_minor).sum::<i64>();
                prop_assert_eq!(cost, bought);
            }
        }
    }

    #[test]
    fn b_02_the_order_of_the_input_leaves_no_trace(acts in acts(), seed in any::<usize>()) {
        let mut world = world(acts, Counting::ByDay);
        let period = world.period("2026-03-01");
        for customer in CUSTOMERS {
            let plain = serde_json::to_vec(&world.rate(customer, &period)).unwrap();
            let mut history = world.history(customer, &period);
            turn(&mut history.spans, seed);
            turn(&mut history.chains, seed / 3);
            let mut prices = world.prices.clone();
            turn(&mut prices, seed / 7);
            turn(&mut world.rules, seed / 11);
            let prices = Prices::new(world.lists.clone(), world.assignments.clone(), prices);
            let turned = rate(&world.terms(&prices, &period), &history).unwrap();
            prop_assert_eq!(serde_json::to_vec(&turned).unwrap(), plain);
        }
    }
}

/// Another order of the same things.
fn turn<T>(things: &mut [T], by: usize) {
    if things.is_empty() {
        return;
    }
    things.reverse();
    let places = things.len();
    things.rotate_left(by % places);
    things.swap(0, by / 5 % places);
}

#[test]
fn b_08_a_month_has_its_days_in_every_zone() {
    let zones = ["Europe/Amsterdam", "America/New_York", "America/Santiago", "Australia/Lord_Howe"];
    for name in zones {
        let mut world = World::new();
        world.zone = Zone::named(name).unwrap();
        world.price(PROVIDER, "B", "30.00");
        let c1 = world.customer(11, PROVIDER);
        world.mail("2025-06-01", 1, c1, "B");
        let mut first = day("2026-01-01");
        while first.year() == 2026 {
            world.mail_at(first.start(&world.zone), 2, Some(State::mail(2, c1, "B", 1_000)));
            let midnight = first.plus_months(1).start(&world.zone);
            world.mail_at(midnight, 2, None);
            let bill = world.bill(c1, &first.to_string());
            let days = i64::from(first.last_of_month().day());
            assert_eq!(bill.direct(c1), ["Mail, Basic 2 6000"], "{name} {first}");
            assert!(bill.items.iter().all(|item| item.days == days), "{name} {first}");
            first = first.plus_months(1);
        }
    }
}
