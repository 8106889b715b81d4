//! The worked examples of the billing specification, by their numbers.

use crate::ids::{CustomerId, UserId};
use crate::money::{Currency, Money, UnitPrice};
use crate::rating::hops::{Biller, CustomersBiller};
use crate::rating::items::Action;
use crate::rating::lines::Line;
use crate::rating::periods::Mode;
use crate::rating::prices::{Assignment, Source};
use crate::rating::rules::Shipped;
use crate::rating::totals::{Taxed, totals};
use crate::rating::world::{PROVIDER, World, bill_by, bill_customers_by, day};
use crate::rating::{Bill, Counting, CustomerType, Facts};
use crate::time::Zone;

const BEFORE: &str = "2025-06-01";

/// A customer below the provider, and the provider's price of Basic.
fn one(price: &str) -> (World, CustomerId) {
    let mut world = World::new();
    world.price(PROVIDER, "B", price);
    let c1 = world.customer(11, PROVIDER);
    (world, c1)
}

fn actions(bill: &Bill) -> Vec<Action> {
    bill.items.iter().map(|item| item.action).collect()
}

fn amounts(bill: &Bill) -> Vec<i64> {
    bill.items.iter().map(|item| item.amount_minor).collect()
}

#[test]
fn w_01_three_since_before() {
    let (mut world, c1) = one("4.50");
    for id in 1..=3 {
        world.mail(BEFORE, id, c1, "B");
    }
    let bill = world.bill(c1, "2026-04-01");
    assert_eq!(bill.direct(c1), ["Mail, Basic 3 1350"]);
    assert_eq!(actions(&bill), [Action::Carried; 3]);
    assert_eq!(bill.items[0].line_text, "Ada Moor: Mail, Basic");
    assert_eq!((bill.lines[0].items, bill.lines[0].sku.as_str()), (3, "BASIC-B"));
}

#[test]
fn w_02_a_part_of_february() {
    let (mut world, c1) = one("9.80");
    world.mail("2026-02-11 10:00", 1, c1, "B");
    let bill = world.bill(c1, "2026-02-01");
    assert_eq!(bill.direct(c1), ["Mail, Basic 0.642857 630"]);
    let item = &bill.items[0];
    assert_eq!((item.from, item.days), (Some(day("2026-02-11")), 18));
    assert_eq!(item.added.and_then(|mark| mark.by), Some(UserId(900)));
}

#[test]
fn w_03_a_part_of_a_leap_february() {
    let (mut world, c1) = one("9.80");
    world.mail("2028-02-11 10:00", 1, c1, "B");
    assert_eq!(world.bill(c1, "2028-02-01").direct(c1), ["Mail, Basic 0.655172 642"]);
}

#[test]
fn w_05_an_irregular_period_costs_its_part() {
    let (mut world, c1) = one("31.00");
    world.period_setting("2026-03-10", Mode::Day(25));
    world.price(PROVIDER, "P", "7.75").counting = Counting::AtEnd;
    world.mail(BEFORE, 1, c1, "B");
    world.mail("2026-04-16", 2, c1, "B");
    for id in 3..=6 {
        world.mail("2026-04-20", id, c1, "P");
    }
    assert_eq!(world.bill(c1, "2026-03-31").direct(c1), ["Mail, Basic 1 3100"]);
    let april = world.bill(c1, "2026-04-01");
    assert_eq!(april.direct(c1), ["Mail, Basic 1.4 3500", "Mail, Pro 4 2500"]);
    assert_eq!(april.lines[0].part, (25, 31));
}

#[test]
fn w_06_a_change_of_plan_gives_its_day_to_the_new_one() {
    let (mut world, c1) = one("6.00");
    world.price(PROVIDER, "P", "15.00");
    world.mail(BEFORE, 1, c1, "B");
    world.mail("2026-04-16 14:00", 1, c1, "P");
    let bill = world.bill(c1, "2026-04-01");
    assert_eq!(bill.direct(c1), ["Mail, Basic 0.5 300", "Mail, Pro 0.5 750"]);
    let (basic, pro) = (bill.item(1, "B"), bill.item(1, "P"));
    assert_eq!((basic.action, basic.until), (Action::Removed, Some(day("2026-04-15"))));
    assert_eq!((pro.action, pro.from), (Action::Added, Some(day("2026-04-16"))));
    assert_eq!(basic.removed, pro.added);
}

#[test]
fn w_07_there_and_back_within_a_day() {
    let mut world = World::new();
    world.price(PROVIDER, "B", "6.00");
    world.price(PROVIDER, "P", "15.00");
    let c1 = world.customer(11, PROVIDER);
    world.mail(BEFORE, 1, c1, "B");
    world.mail("2026-04-16 10:00", 1, c1, "P");
    world.mail("2026-04-16 15:00", 1, c1, "B");
    let bill = world.bill(c1, "2026-04-01");
    assert_eq!(bill.direct(c1), ["Mail, Basic 1 600"]);
    assert_eq!(bill.item(1, "P").action, Action::Brief);
    for price in &mut world.prices {
        price.counting = Counting::AnyDay;
    }
    let bill = world.bill(c1, "2026-04-01");
    assert_eq!(bill.direct(c1), ["Mail, Basic 1 600", "Mail, Pro 1 1500"]);
}

#[test]
fn w_08_added_and_removed_on_one_day() {
    let (mut world, c1) = one("9.80");
    world.mail("2026-04-10 09:00", 1, c1, "B");
    world.gone("2026-04-10 17:00", 1);
    for counting in [Counting::ByDay, Counting::AtEnd] {
        world.prices[0].counting = counting;
        let bill = world.bill(c1, "2026-04-01");
        assert!(bill.direct(c1).is_empty());
        assert_eq!((bill.items[0].action, bill.items[0].days), (Action::Brief, 0));
        assert_eq!(bill.items[0].from, None);
    }
    world.prices[0].counting = Counting::AnyDay;
    assert_eq!(world.bill(c1, "2026-04-01").direct(c1), ["Mail, Basic 1 980"]);
    world.rule(Shipped::LivedLessThanADay, 60, "Lived less than a day");
    let bill = world.bill(c1, "2026-04-01");
    assert!(bill.direct(c1).is_empty());
    assert_eq!(bill.lines[0].reason, "Lived less than a day");
}

#[test]
fn w_09_rounded_once_and_shared_out() {
    let (mut world, c1) = one("10.00");
    for id in 1..=3 {
        world.mail("2026-04-21", id, c1, "B");
    }
    let bill = world.bill(c1, "2026-04-01");
    assert_eq!(bill.direct(c1), ["Mail, Basic 1 1000"]);
    assert_eq!(amounts(&bill), [334, 333, 333]);
}

/// A customer moves from one reseller to another on 11 June.
fn moved() -> (World, [CustomerId; 3]) {
    let mut world = World::new();
    let r1 = world.customer(2, PROVIDER);
    let r2 = world.customer(3, PROVIDER);
    let c1 = world.customer(11, r1);
    world.list(r1, None);
    world.list(r2, None);
    world.price(PROVIDER, "B", "6.00").unit_cost = UnitPrice::parse("4.00", Currency::EUR);
    world.price(r1, "B", "10.00");
    world.price(r2, "B", "12.00");
    world.mail(BEFORE, 1, c1, "B");
    world.change_customer("2026-06-11", c1, |facts| facts.parent = Some(r2));
    (world, [r1, r2, c1])
}

#[test]
fn w_10_a_move_between_resellers() {
    let (world, [r1, r2, c1]) = moved();
    let bill = world.bill(c1, "2026-06-01");
    assert_eq!(bill.printed(PROVIDER, r1), ["Mail, Basic 0.333333 200"]);
    assert_eq!(bill.printed(r1, c1), ["Mail, Basic 0.333333 333"]);
    assert_eq!(bill.printed(PROVIDER, r2), ["Mail, Basic 0.666667 400"]);
    assert_eq!(bill.printed(r2, c1), ["Mail, Basic 0.666667 800"]);
    let margin = |seller| {
        let of = bill.lines.iter().filter(|line| line.hop.seller_id == seller);
        of.map(|line| line.amount_minor - line.cost_minor.unwrap()).sum::<i64>()
    };
    // 133 and 267 of cost, each rounded once.
    assert_eq!((margin(PROVIDER), margin(r1), margin(r2)), (200, 133, 400));
}

#[test]
fn w_11_a_move_under_other_countings() {
    let (mut world, [r1, r2, c1]) = moved();
    let sum = |bill: &Bill| {
        let hops = [(PROVIDER, r1), (r1, c1), (PROVIDER, r2), (r2, c1)];
        hops.map(|(seller, buyer)| {
            let of = |line: &&Line| (line.hop.seller_id, line.hop.buyer_id) == (seller, buyer);
            bill.lines.iter().filter(of).map(|line| line.amount_minor).sum::<i64>()
        })
    };
    world.prices.iter_mut().for_each(|price| price.counting = Counting::AtEnd);
    assert_eq!(sum(&world.bill(c1, "2026-06-01")), [0, 0, 600, 1_200]);
    world.prices.iter_mut().for_each(|price| price.counting = Counting::AnyDay);
    assert_eq!(sum(&world.bill(c1, "2026-06-01")), [600, 1_000, 600, 1_200]);
}

#[test]
fn w_12_a_disabled_customer() {
    let (mut world, c1) = one("9.30");
    world.mail(BEFORE, 1, c1, "B");
    world.change_customer("2026-05-08", c1, |facts| facts.disabled = true);
    assert_eq!(world.bill(c1, "2026-05-01").direct(c1), ["Mail, Basic 1 930"]);
    world.rule(Shipped::DisabledCustomers, 50, "Disabled customer");
    let bill = world.bill(c1, "2026-05-01");
    assert!(bill.direct(c1).is_empty());
    assert_eq!((bill.lines[0].reason.as_str(), bill.items[0].days), ("Disabled customer", 31));
    assert_eq!(world.bill(c1, "2026-04-01").direct(c1), ["Mail, Basic 1 930"]);
}

#[test]
fn w_13_the_day_is_the_providers() {
    let (mut world, c1) = one("31.00");
    world.mail("2026-01-31T22:30:00Z", 1, c1, "B");
    world.mail("2026-01-31T23:30:00Z", 2, c1, "B");
    assert_eq!(world.bill(c1, "2026-01-01").direct(c1), ["Mail, Basic 0.032258 100"]);
    assert_eq!(world.bill(c1, "2026-02-01").direct(c1), ["Mail, Basic 2 6200"]);
    world.zone = Zone::utc();
    assert_eq!(world.bill(c1, "2026-01-01").direct(c1), ["Mail, Basic 0.064516 200"]);
}

#[test]
fn w_14_removed_after_midnight_and_at_midnight() {
    let (mut world, c1) = one("9.00");
    world.mail(BEFORE, 1, c1, "B");
    world.gone("2026-04-30T22:15:00Z", 1);
    assert_eq!(world.bill(c1, "2026-04-01").direct(c1), ["Mail, Basic 1 900"]);
    let may = world.bill(c1, "2026-05-01");
    assert!(may.direct(c1).is_empty());
    assert_eq!((may.items[0].action, may.items[0].days), (Action::Removed, 0));
    world.prices[0].counting = Counting::AnyDay;
    assert_eq!(world.bill(c1, "2026-05-01").direct(c1), ["Mail, Basic 1 900"]);

    let (mut world, c1) = one("9.00");
    world.mail(BEFORE, 1, c1, "B");
    world.gone("2026-04-30T22:00:00Z", 1);
    assert_eq!(world.bill(c1, "2026-04-01").direct(c1), ["Mail, Basic 1 900"]);
    assert_eq!(actions(&world.bill(c1, "2026-04-01")), [Action::Carried]);
    assert_eq!(world.bill(c1, "2026-05-01"), Bill::default());
}

fn taxed(world: &World, bill: &Bill, rate_bp: i64) -> (i64, i64, i64) {
    let net = |line: &Line| Money::new(line.amount_minor, world.currency);
    let lines: Vec<Taxed> =
        bill.lines.iter().map(|line| Taxed { net: net(line), rate_bp }).collect();
    let all = totals(world.currency, &lines).unwrap();
    (all.net_minor, all.tax_minor, all.gross_minor)
}

#[test]
fn w_15_yen_have_no_decimals() {
    let mut world = World::in_currency("JPY", "Asia/Tokyo");
    world.price(PROVIDER, "B", "980");
    let c1 = world.customer(11, PROVIDER);
    world.mail("2026-04-14", 1, c1, "B");
    assert_eq!(taxed(&world, &world.bill(c1, "2026-04-01"), 1_000), (555, 56, 611));
}

#[test]
fn w_16_dinars_have_three() {
    let mut world = World::in_currency("BHD", "Asia/Bahrain");
    world.price(PROVIDER, "B", "3.250");
    let c1 = world.customer(11, PROVIDER);
    world.mail("2026-05-21", 1, c1, "B");
    assert_eq!(taxed(&world, &world.bill(c1, "2026-05-01"), 1_000), (1_153, 115, 1_268));
}

#[test]
fn w_22_a_set_up_fee_is_due_once() {
    let (mut world, c1) = one("6.00");
    world.price(PROVIDER, "P", "15.00");
    world.setup(PROVIDER, "", "25.00");
    world.mail("2026-04-10 09:00", 1, c1, "B");
    world.gone("2026-04-10 17:00", 1);
    world.mail("2026-04-16", 2, c1, "B");
    world.mail("2026-04-21", 2, c1, "P");
    world.mail(BEFORE, 3, c1, "B");
    world.mail("2026-04-21", 3, c1, "P");
    let bill = world.bill(c1, "2026-04-01");
    assert_eq!(
        bill.direct(c1),
        ["Mail, Basic 0.833333 500", "Mail, Basic – Set-up 2 5000", "Mail, Pro 0.666667 1000"]
    );
    // A second life of the same assignment pays by the day, but no second fee.
    world.mail("2026-05-03", 1, c1, "B");
    let may = world.bill(c1, "2026-05-01").direct(c1);
    assert_eq!(may, ["Mail, Basic 0.935484 561", "Mail, Pro 2 3000"]);
}

#[test]
fn w_24_seats() {
    let (mut world, c1) = one("12.00");
    world.mail_of(BEFORE, 1, c1, "B", 25_000);
    world.mail_of("2026-06-16", 1, c1, "B", 30_000);
    assert_eq!(world.bill(c1, "2026-06-01").direct(c1), ["Mail, Basic 27.5 33000"]);
    for counting in [Counting::AtEnd, Counting::AnyDay] {
        world.prices[0].counting = counting;
        assert_eq!(world.bill(c1, "2026-06-01").direct(c1), ["Mail, Basic 30 36000"]);
    }
}

#[test]
fn w_29_twice_the_same_bytes() {
    let (world, [_, _, c1]) = moved();
    let bytes = || serde_json::to_vec(&world.bill(c1, "2026-06-01")).unwrap();
    assert_eq!(bytes(), bytes());
}

#[test]
fn w_33_mixed_billing() {
    let mut world = World::new();
    let r1 = world.customer(2, PROVIDER);
    let c1 = world.customer(11, r1);
    let c2 = world.customer(12, r1);
    world.change_customer("2025-02-01", c2, |facts| bill_by(facts, Biller::Provider));
    let wholesale = world.list(PROVIDER, None);
    world.lists.iter_mut().find(|list| list.id == wholesale).unwrap().main = false;
    world.assignments.push(Assignment {
        buyer_id: r1,
        list_id: wholesale,
        valid_from: day("2025-01-01"),
    });
    world.price(PROVIDER, "B", "9.00");
    world.price_in(Source::List(wholesale), PROVIDER, "B", "6.00");
    world.list(r1, None);
    world.price(r1, "B", "11.00");
    for (id, customer) in [(1, c1), (2, c1), (3, c2), (4, r1)] {
        world.mail(BEFORE, id, customer, "B");
    }
    let of = |customer| world.bill(customer, "2026-04-01");
    assert_eq!(of(c2).printed(PROVIDER, c2), ["Mail, Basic 1 900"]);
    assert_eq!(of(c2).lines.len(), 1);
    assert_eq!(of(c1).printed(PROVIDER, r1), ["Mail, Basic 2 1200"]);
    assert_eq!(of(r1).printed(PROVIDER, r1), ["Mail, Basic 1 600"]);
    assert_eq!(of(c1).printed(r1, c1), ["Mail, Basic 2 2200"]);
    // The same by what the reseller says of its customers.
    world.change_customer("2025-03-01", c2, |facts| bill_by(facts, Biller::Inherit));
    world.change_customer("2025-03-01", r1, |facts| {
        bill_customers_by(facts, CustomersBiller::Provider);
    });
    assert_eq!(world.bill(c1, "2026-04-01").direct(c1), ["Mail, Basic 2 1800"]);
}

#[test]
fn w_34_one_price_a_period() {
    let mut world = World::new();
    for (plan, price, from) in [
        ("B", "10.00", "2025-01-01"),
        ("B", "11.00", "2026-04-15"),
        ("P", "20.00", "2026-04-10"),
        ("P", "21.00", "2026-04-20"),
    ] {
        world.price(PROVIDER, plan, price).valid_from = day(from);
    }
    let c1 = world.customer(11, PROVIDER);
    world.mail(BEFORE, 1, c1, "B");
    world.mail("2026-04-16", 2, c1, "P");
    let april = world.bill(c1, "2026-04-01").direct(c1);
    assert_eq!(april, ["Mail, Basic 1 1000", "Mail, Pro 0.5 1000"]);
    let may = world.bill(c1, "2026-05-01").direct(c1);
    assert_eq!(may, ["Mail, Basic 1 1100", "Mail, Pro 1 2100"]);
}

#[test]
fn w_35_mark_up_and_override() {
    let mut world = World::new();
    let r1 = world.customer(2, PROVIDER);
    let (c1, c2) = (world.customer(11, r1), world.customer(12, r1));
    world.price(PROVIDER, "B", "6.35");
    world.list(r1, Some(2_250));
    world.price_in(Source::Override(c2, None), r1, "B", "7.25");
    world.mail(BEFORE, 1, c1, "B");
    world.mail(BEFORE, 2, c2, "B");
    let (first, second) = (world.bill(c1, "2026-04-01"), world.bill(c2, "2026-04-01"));
    assert_eq!(first.printed(PROVIDER, r1), ["Mail, Basic 1 635"]);
    assert_eq!(second.printed(PROVIDER, r1), ["Mail, Basic 1 635"]);
    assert_eq!(first.printed(r1, c1), ["Mail, Basic 1 778"]);
    assert_eq!(second.printed(r1, c2), ["Mail, Basic 1 725"]);
    let sale = |bill: &Bill| bill.lines.iter().find(|l| l.hop.seller_id == r1).unwrap().clone();
    assert_eq!((sale(&first).price_id, sale(&first).cost_minor), (None, Some(635)));
}

#[test]
fn w_40_a_demo_customer() {
    let (mut world, c1) = one("9.00");
    world.mail(BEFORE, 1, c1, "B");
    world.change_customer("2025-02-01", c1, |facts| facts.customer_type = CustomerType::Demo);
    let bill = world.bill(c1, "2026-04-01");
    assert!(bill.direct(c1).is_empty());
    assert_eq!(bill.lines[0].reason, "Demo customer");
    let to_standard = |facts: &mut Facts| {
        facts.customer_type = CustomerType::Standard;
    };
    world.change_customer("2026-04-21", c1, to_standard);
    world.billing_from.insert(c1, day("2026-04-21"));
    let bill = world.bill(c1, "2026-04-01");
    assert_eq!(bill.direct(c1), ["Mail, Basic 0.333333 300"]);
    assert_eq!(actions(&bill), [Action::Added]);
}

#[test]
fn w_41_a_user_moves_with_its_mailbox() {
    let (mut world, c1) = one("9.00");
    let c2 = world.customer(12, PROVIDER);
    let user = world.user(1, c1);
    // A move makes no second set-up fee.
    world.setup(PROVIDER, "", "25.00");
    world.mail(BEFORE, 1, c1, "B");
    world.mail("2026-04-11", 1, c2, "B");
    world.change_user("2026-04-11", user, |state| state.customer = c2);
    assert_eq!(world.bill(c1, "2026-04-01").direct(c1), ["Mail, Basic 0.333333 300"]);
    assert_eq!(world.bill(c2, "2026-04-01").direct(c2), ["Mail, Basic 0.666667 600"]);
}

#[test]
fn w_44_what_has_no_price_is_shown() {
    let (mut world, c1) = one("6.00");
    world.mail(BEFORE, 1, c1, "B");
    world.mail(BEFORE, 2, c1, "P");
    let bill = world.bill(c1, "2026-04-01");
    assert_eq!(bill.direct(c1), ["Mail, Basic 1 600", "Mail, Pro 1 0"]);
    let unpriced: Vec<_> = bill.lines.iter().filter(|line| line.unpriced()).collect();
    assert_eq!(unpriced.len(), 1);
    assert_eq!((unpriced[0].text.as_str(), unpriced[0].cost_minor), ("Mail, Pro", None));
    // The provider's own mailbox is no item, nor is the enabling of a user service.
    world.mail(BEFORE, 3, PROVIDER, "P");
    assert_eq!(world.bill(PROVIDER, "2026-04-01"), Bill::default());
    world.service(BEFORE, 50, c1, ("mail", "S"));
    assert_eq!(world.bill(c1, "2026-04-01").items.len(), 2);
    world.service(BEFORE, 51, c1, ("files", "S"));
    assert_eq!(world.bill(c1, "2026-04-01").items.len(), 3);
}
