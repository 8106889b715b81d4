//! What a change would cost: two whole periods rated by the billing's own function, without and with
//! it, so that the preview and the bill agree to the minor unit.

use crate::error::{Error, Result};
use crate::ids::{LedgerId, UserId};
use crate::money::{Currency, UnitPrice};
use crate::rating::hops::Hop;
use crate::rating::lines::{self, Line, total};
use crate::rating::{Bill, Charge, Facts, History, Kind, Mark, Quantity, Span, Terms, rate};
use crate::time::Instant;
use serde::Serialize;

/// One thing that would change; a bulk of n users is n of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Give(Gift),
    /// To another plan or quantity.
    Change {
        kind: Kind,
        subject_id: i64,
        plan: Option<String>,
        quantity: i64,
    },
    Remove {
        kind: Kind,
        subject_id: i64,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gift {
    pub kind: Kind,
    pub user_id: Option<UserId>,
    pub service: String,
    pub plan: Option<String>,
    pub instance: Option<String>,
    /// Thousandths.
    pub quantity: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quote {
    pub currency: Currency,
    /// Recurring money of a whole period, without and with the change.
    pub before_minor: i64,
    pub after_minor: i64,
    pub delta_minor: i64,
    /// Set-up fees.
    pub once_minor: i64,
    /// What the running period costs more (or less), set-up fees included.
    pub first_period_minor: i64,
    pub lines: Vec<QuoteLine>,
    /// Texts of what has no price, and would block the invoice.
    pub unpriced: Vec<String>,
    /// What the seller pays more; `None` when not known. Not for the buyer's eyes.
    pub cost_delta_minor: Option<i64>,
}

/// A recurring line that the change touches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuoteLine {
    pub text: String,
    pub sku: String,
    pub unit_price: Option<String>,
    pub quantity_before: String,
    pub quantity_after: String,
    pub before_minor: i64,
    pub after_minor: i64,
}

/// What `changes` at the instant `now` cost on one hop, the viewer's. `terms` are those of the
/// running period, `history` is as for [`rate`].
pub fn quote(
    terms: &Terms<'_>,
    history: &History,
    changes: &[Change],
    now: Mark,
    hop: &Hop,
) -> Result<Quote> {
    let changed = with(history, changes, now);
    let period = terms.period.as_regular();
    let whole = Terms { period: &period, ..*terms };
    let start = Mark { at: period.starts_on.start(terms.zone), day: period.starts_on, ..now };
    let before = rate(&whole, &all_along(history, start, now.at))?;
    let after = rate(&whole, &all_along(&changed, start, now.at))?;
    let (running, then) = (rate(terms, history)?, rate(terms, &changed)?);
    let recurring = |bill| of_hop(bill, hop, Charge::Recurring);
    let (old, new) = (recurring(&before), recurring(&after));
    let (before_minor, after_minor) = (total(old.iter().copied())?, total(new.iter().copied())?);
    let once = |bill| total(of_hop(bill, hop, Charge::Setup));
    let once_minor = less(once(&then)?, once(&running)?)?;
    let running = less(total(recurring(&then))?, total(recurring(&running))?)?;
    Ok(Quote {
        currency: hop.currency,
        before_minor,
        after_minor,
        delta_minor: less(after_minor, before_minor)?,
        once_minor,
        first_period_minor: running.checked_add(once_minor).ok_or_else(too_large)?,
        unpriced: new.iter().filter(|line| line.unpriced()).map(|l| l.text.clone()).collect(),
        cost_delta_minor: match (costs(&new)?, costs(&old)?) {
            (Some(new), Some(old)) => Some(less(new, old)?),
            _ => None,
        },
        lines: touched(&old, &new)?,
    })
}

/// The history as it would be.
fn with(history: &History, changes: &[Change], now: Mark) -> History {
    let mut changed = history.clone();
    for (place, change) in changes.iter().enumerate() {
        // Rows that are not written yet sort after all that are, and subjects too.
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        let mark = Mark { id: LedgerId(i64::MAX), ..now };
        match change {
            Change::Give(gift) => changed.spans.push(gift.span(i64::MIN + place, mark)),
            Change::Change { kind, subject_id, plan, quantity } => {
                if let Some(old) = close(&mut changed, *kind, *subject_id, mark) {
                    let (plan, quantity) = (plan.clone(), *quantity);
                    let first = old.first && old.from.at == now.at;
                    changed.spans.push(Span { plan, quantity, from: mark, to: None, first, ..old });
                }
            }
            Change::Remove { kind, subject_id } => {
                if let Some(old) = close(&mut changed, *kind, *subject_id, mark) {
                    let of = |span: &&mut Span| {
                        (span.kind, span.subject_id, span.born_on)
                            == (old.kind, old.subject_id, old.born_on)
                    };
                    for span in changed.spans.iter_mut().filter(of) {
                        span.died_on = Some(now.day);
                    }
                }
            }
        }
    }
    changed
}

/// Ends what a subject is now; what it was.
fn close(history: &mut History, kind: Kind, subject_id: i64, mark: Mark) -> Option<Span> {
    let open = history
        .spans
        .iter_mut()
        .find(|span| (span.kind, span.subject_id) == (kind, subject_id) && span.to.is_none())?;
    let old = open.clone();
    open.to = Some(mark);
    Some(old)
}

impl Gift {
    fn span(&self, subject_id: i64, from: Mark) -> Span {
        Span {
            kind: self.kind,
            subject_id,
            user_id: self.user_id,
            service: Some(self.service.clone()),
            plan: self.plan.clone(),
            instance: self.instance.clone(),
            quantity: self.quantity,
            facts: Facts::default(),
            from,
            to: None,
            first: true,
            born_on: from.day,
            died_on: None,
        }
    }
}

/// What is there now, as though it had been so for the whole period and stayed.
fn all_along(history: &History, start: Mark, now: Instant) -> History {
    let spans = history.spans.iter().filter(|span| span.to.is_none());
    let mut chains = history.chains.clone();
    chains.retain(|chain| chain.holds(now));
    for chain in &mut chains {
        (chain.from, chain.to) = (None, None);
    }
    History {
        spans: spans
            .map(|span| Span {
                from: Mark { id: span.from.id, ..start },
                first: false,
                ..span.clone()
            })
            .collect(),
        chains,
        billing_from: None,
        code: history.code.clone(),
        name: history.name.clone(),
        people: history.people.clone(),
        customer_id: history.customer_id,
    }
}

fn of_hop<'a>(bill: &'a Bill, hop: &Hop, charge: Charge) -> Vec<&'a Line> {
    bill.lines.iter().filter(|line| line.hop == *hop && line.charge == charge).collect()
}

fn costs(lines: &[&Line]) -> Result<Option<i64>> {
    lines::sum(lines.iter().map(|line| line.cost_minor))
}

fn less(after: i64, before: i64) -> Result<i64> {
    after.checked_sub(before).ok_or_else(too_large)
}

fn too_large() -> Error {
    Error::internal("an amount is too large to count")
}

fn touched(old: &[&Line], new: &[&Line]) -> Result<Vec<QuoteLine>> {
    let key = |line: &&Line| (line.kind, line.text.clone(), line.sku.clone(), line.billable);
    let mut touched = Vec::new();
    for pair in lines::pair(new, old, key) {
        let (now, last) = (pair.now.copied(), pair.last.copied());
        let Some(line) = now.or(last) else { continue };
        let side = |line: Option<&Line>| {
            line.map_or((Quantity::ZERO, 0), |line| (line.quantity, line.amount_minor))
        };
        let ((after, after_minor), (before, before_minor)) = (side(now), side(last));
        if before == after && before_minor == after_minor {
            continue;
        }
        let show = |price: UnitPrice| price.show(line.hop.currency);
        touched.push(QuoteLine {
            text: line.text.clone(),
            sku: line.sku.clone(),
            unit_price: line.unit_price.map(show),
            quantity_before: before.show()?,
            quantity_after: after.show()?,
            before_minor,
            after_minor,
        });
    }
    Ok(touched)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::CustomerId;
    use crate::rating::Counting;
    use crate::rating::world::{PROVIDER, State, World, day};
    use proptest::prelude::*;

    /// The provider sells wholesale, the reseller with a mark-up. The customer was another's once.
    fn world() -> (World, CustomerId, CustomerId) {
        let mut world = World::new();
        let r1 = world.customer(2, PROVIDER);
        let r2 = world.customer(3, PROVIDER);
        let c1 = world.customer(11, r2);
        world.change_customer("2026-02-05", c1, |facts| facts.parent = Some(r1));
        world.price(PROVIDER, "B", "6.3333").unit_cost = UnitPrice::parse("4.00", world.currency);
        world.price(PROVIDER, "P", "15.00").counting = Counting::AtEnd;
        world.setup(PROVIDER, "", "25.00");
        world.list(r1, Some(2_250));
        (world, r1, c1)
    }

    fn ask(world: &World, customer: CustomerId, seller: CustomerId, changes: &[Change]) -> Quote {
        let (prices, period) = (world.prices(), world.period("2026-04-16"));
        let at = world.at("2026-04-16 12:00");
        let now = Mark { id: LedgerId(0), at, day: day("2026-04-16"), by: None };
        let history = world.history(customer, &period);
        let buyer = if seller == PROVIDER { CustomerId(2) } else { customer };
        let hop = world.hop(seller, buyer);
        quote(&world.terms(&prices, &period), &history, changes, now, &hop).unwrap()
    }

    fn give(user: i64, plan: &str) -> Change {
        Change::Give(Gift {
            kind: Kind::UserService,
            user_id: Some(UserId(user)),
            service: "mail".to_owned(),
            plan: Some(plan.to_owned()),
            instance: None,
            quantity: 1_000,
        })
    }

    #[test]
    fn a_gift_says_what_it_costs_now_and_each_month() {
        let (mut world, r1, c1) = world();
        world.mail("2025-06-01", 1, c1, "B");
        let changes: Vec<Change> = (2..=11).map(|user| give(user, "B")).collect();
        let sale = ask(&world, c1, r1, &changes);
        assert_eq!((sale.before_minor, sale.after_minor, sale.delta_minor), (776, 8_536, 7_760));
        // Fifteen of thirty days are left, and each costs a set-up of 25.00 and its mark-up.
        assert_eq!(sale.once_minor, 10 * 3_063);
        assert_eq!(sale.first_period_minor, 3_880 + 30_630);
        assert_eq!(sale.lines.len(), 1);
        assert_eq!(sale.lines[0].unit_price.as_deref(), Some("€7.76"));
        assert_eq!(
            (sale.lines[0].quantity_before.as_str(), sale.lines[0].quantity_after.as_str()),
            ("1", "11")
        );
        let wholesale = ask(&world, c1, PROVIDER, &changes);
        assert_eq!((wholesale.delta_minor, wholesale.cost_delta_minor), (6_334, Some(4_000)));
        assert_eq!(sale.cost_delta_minor, Some(wholesale.delta_minor));
    }

    #[test]
    fn what_has_no_price_is_named() {
        let (mut world, r1, c1) = world();
        world.prices.clear();
        let quote = ask(&world, c1, r1, &[give(1, "B")]);
        assert_eq!((quote.delta_minor, quote.unpriced), (0, vec!["Mail, Basic".to_owned()]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]
        #[test]
        fn p_37_the_delta_is_the_difference_of_two_whole_periods(
            held in proptest::collection::vec((any::<bool>(), 1i64..4_000), 0..8),
            acts in proptest::collection::vec((0usize..4, any::<bool>(), 1i64..4_000), 8),
            given in 0i64..4,
        ) {
            let (mut world, r1, c1) = world();
            let plan = |pro: bool| if pro { "P" } else { "B" };
            for (place, (pro, quantity)) in held.iter().enumerate() {
                world.mail_of("2026-04-03", place as i64 + 1, c1, plan(*pro), *quantity);
            }
            let may = world.period("2026-05-01");
            let without = world.rate(c1, &may);
            let mut changes = Vec::new();
            let mut then = self::world().0;
            for (place, (pro, quantity)) in held.iter().enumerate() {
                let id = place as i64 + 1;
                then.mail_of("2026-04-03", id, c1, plan(*pro), *quantity);
                let (act, pro, quantity) = acts[place];
                let (kind, subject_id) = (Kind::UserService, id);
                match act {
                    0 => {
                        changes.push(Change::Remove { kind, subject_id });
                        then.gone("2026-04-16 12:00", id);
                    }
                    1 => {
                        let plan = plan(pro);
                        then.mail_of("2026-04-16 12:00", id, c1, plan, quantity);
                        let plan = Some(plan.to_owned());
                        changes.push(Change::Change { kind, subject_id, plan, quantity });
                    }
                    _ => {}
                }
            }
            for user in 0..given {
                changes.push(give(100 + user, "B"));
                let at = then.at("2026-04-16 12:00");
                then.mail_at(at, 100 + user, Some(State::mail(100 + user, c1, "B", 1_000)));
            }
            let with = then.rate(c1, &may);
            let april = [&world, &then].map(|world| world.bill(c1, "2026-04-01"));
            for (seller, buyer) in [(r1, c1), (PROVIDER, r1)] {
                let quote = ask(&world, c1, seller, &changes);
                let hop = world.hop(seller, buyer);
                let of = |bill: &Bill| {
                    total(bill.lines.iter().filter(|line| line.hop == hop)).unwrap()
                };
                prop_assert_eq!(quote.delta_minor, of(&with) - of(&without));
                prop_assert_eq!(quote.first_period_minor, of(&april[1]) - of(&april[0]));
            }
        }
    }
}
