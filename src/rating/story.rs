//! How a line comes to its money: the days it counts, the ledger rows behind it, and the arithmetic
//! in words.

use crate::error::{Error, Result};
use crate::ids::LedgerId;
use crate::money::{self, Money};
use crate::rating::items::Item;
use crate::rating::lines::Line;
use crate::rating::periods::Period;
use crate::rating::prices::Found;
use crate::rating::{Charge, Counting, Quantity};
use crate::time::Date;
use serde::Serialize;

/// What counts at the end of a day, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Day {
    pub day: Date,
    pub quantity: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Story {
    /// Every day of the period.
    pub days: Vec<Day>,
    /// The rows it comes from, ascending.
    pub ledger_ids: Vec<LedgerId>,
    pub arithmetic: Vec<String>,
}

/// The story of a line, told from the bill's items.
pub fn of(period: &Period, line: &Line, items: &[Item]) -> Result<Story> {
    let items: Vec<&Item> = items.iter().filter(|item| line.counts(item)).collect();
    let mut ledger_ids: Vec<LedgerId> =
        items.iter().flat_map(|item| item.ledger_ids.iter().copied()).collect();
    ledger_ids.sort();
    ledger_ids.dedup();
    let days = days(period, &items)?;
    let price = items.first().and_then(|item| item.price.as_ref());
    let arithmetic = arithmetic(period, line, &days, price)?;
    Ok(Story { days, ledger_ids, arithmetic })
}

/// What some items count together, day by day.
pub fn days(period: &Period, items: &[&Item]) -> Result<Vec<Day>> {
    let all = (0..period.days).map(|after| period.starts_on.plus_days(after));
    all.map(|day| {
        let runs = items.iter().flat_map(|item| &item.runs);
        let quantity = runs
            .filter(|run| run.from <= day && day <= run.until)
            .try_fold(0_i64, |sum, run| sum.checked_add(run.quantity));
        Ok(Day { day, quantity: quantity.ok_or_else(too_large)? })
    })
    .collect()
}

/// How the quantity arises, what it is multiplied with, and what comes of it.
fn arithmetic(
    period: &Period,
    line: &Line,
    days: &[Day],
    price: Option<&Found>,
) -> Result<Vec<String>> {
    let currency = line.hop.currency;
    let mut words = vec![counted(period, line, days)?];
    if let Some(bp) = price.and_then(|price| price.markup_bp) {
        words.push(format!("The price is the seller’s own plus {} %.", percent(bp)?));
    }
    let Some(unit_price) = line.unit_price else {
        words.push("There is no price for it, so it is not billed.".to_owned());
        return Ok(words);
    };
    if !line.billable {
        words.push(format!("Not billed: {}.", line.reason));
        return Ok(words);
    }
    let quantity = line.quantity.show()?;
    let times = match line.part {
        (part, whole) if part != whole => format!(" × {part}/{whole}"),
        _ => String::new(),
    };
    let each = unit_price.show(currency);
    let amount = Money::new(line.amount_minor, currency);
    if !times.is_empty() {
        words.push(format!(
            "The period has {} of the {} days of a regular one.",
            line.part.0, line.part.1
        ));
    }
    words.push(format!("{quantity} × {each}{times} = {amount}"));
    if line.items > 1 {
        words.push(format!("Rounded once and shared out over {} items.", line.items));
    }
    Ok(words)
}

fn counted(period: &Period, line: &Line, days: &[Day]) -> Result<String> {
    let quantity = line.quantity.show()?;
    Ok(match line.counting {
        Counting::ByDay => {
            let sum = days.iter().try_fold(0_i64, |sum, day| sum.checked_add(day.quantity));
            let sum = Quantity::of_thousandths(sum.ok_or_else(too_large)?).show()?;
            format!("{sum} unit-days ÷ {} days = {quantity}", period.days)
        }
        Counting::AtEnd => format!("At the end of {}: {quantity}", period.ends_on.long()),
        Counting::AnyDay => format!("The most of each at any moment of the period: {quantity}"),
        Counting::Once if line.charge == Charge::Setup => {
            format!("Added for the first time in the period: {quantity}")
        }
        Counting::Once => format!("Once, when added for the first time: {quantity}"),
    })
}

fn percent(bp: i64) -> Result<String> {
    money::quantity(i128::from(bp), 100)
}

fn too_large() -> Error {
    Error::internal("a quantity is too large to count")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::CustomerId;
    use crate::rating::Bill;
    use crate::rating::periods::Mode;
    use crate::rating::world::{PROVIDER, World};

    fn world() -> (World, CustomerId) {
        let mut world = World::new();
        world.price(PROVIDER, "B", "31.00");
        let c1 = world.customer(11, PROVIDER);
        world.mail("2025-06-01", 1, c1, "B");
        world.mail("2026-04-16", 2, c1, "B");
        (world, c1)
    }

    fn told(world: &World, bill: &Bill) -> Story {
        of(&world.period("2026-04-01"), &bill.lines[0], &bill.items).unwrap()
    }

    #[test]
    fn a_line_says_how_it_came_to_its_money() {
        let (world, c1) = world();
        let story = told(&world, &world.bill(c1, "2026-04-01"));
        assert_eq!(story.days.len(), 30);
        assert_eq!((story.days[14].quantity, story.days[15].quantity), (1_000, 2_000));
        assert_eq!(story.ledger_ids, [LedgerId(2), LedgerId(3)]);
        assert_eq!(
            story.arithmetic,
            [
                "45 unit-days ÷ 30 days = 1.5",
                "1.5 × €31.00 = €46.50",
                "Rounded once and shared out over 2 items."
            ]
        );
    }

    #[test]
    fn an_irregular_period_is_explained() {
        let (mut world, c1) = world();
        world.period_setting("2026-03-10", Mode::Day(25));
        let story = told(&world, &world.bill(c1, "2026-04-01"));
        assert_eq!(story.arithmetic[1], "The period has 25 of the 31 days of a regular one.");
        assert_eq!(story.arithmetic[2], "1.4 × €31.00 × 25/31 = €35.00");
    }

    #[test]
    fn what_costs_nothing_says_why() {
        let (mut world, c1) = world();
        world.change_customer("2026-04-02", c1, |facts| {
            facts.customer_type = crate::rating::CustomerType::Demo;
        });
        let story = told(&world, &world.bill(c1, "2026-04-01"));
        assert_eq!(story.arithmetic.last().unwrap(), "Not billed: Demo customer.");
        world.prices.clear();
        let story = told(&world, &world.bill(c1, "2026-04-01"));
        assert!(story.arithmetic.last().unwrap().starts_with("There is no price"));
    }
}
