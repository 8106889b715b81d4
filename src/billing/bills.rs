//! Computing bills: looked at, they are rated in memory where the stored copy no longer holds;
//! recalculated, the copy is written. Both go through the same function, so both say the same.

use super::book::Book;
use super::{Fixed, periods, store};
use crate::auth::permissions::BillingRun;
use crate::auth::{PROVIDER, Scope};
use crate::db::{Db, Read, Via};
use crate::error::Result;
use crate::ids::CustomerId;
use crate::rating::hops::Hop;
use crate::rating::lines::Line;
use crate::rating::periods::Period;
use crate::rating::{Bill, items::Item};
use crate::web::App;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

/// So many customers are rated for a look; where more have changed, the stored copy is shown and
/// says that it is old.
const LIVE: usize = 300;

/// Milliseconds after which a transaction that stores bills makes room for others.
const SLICE_MILLIS: u128 = 30;

/// A look at the bills of one period.
pub struct Desk<'r> {
    pub db: &'r Read<'r>,
    pub period: Period,
    pub fixed: Fixed,
    book: OnceCell<Book>,
    /// Customers whose stored lines do not hold, as JSON too, and their lines as they are now.
    stale: BTreeSet<CustomerId>,
    stale_json: String,
    live: Vec<Line>,
    /// Whether there are more of them than a look computes.
    pub outdated: bool,
}

/// What a recalculation did.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct Done {
    pub customers: usize,
    pub lines: usize,
    pub changed: usize,
}

impl<'r> Desk<'r> {
    /// For items, which are computed one customer after another.
    pub fn open_unread(db: &'r Read<'r>, period: Period) -> Result<Desk<'r>> {
        Ok(Desk {
            db,
            period,
            fixed: store::fixed(db, period.ends_on)?,
            book: OnceCell::new(),
            stale: BTreeSet::new(),
            stale_json: "[]".to_owned(),
            live: Vec::new(),
            outdated: false,
        })
    }

    pub fn open<P>(db: &'r Read<'r>, scope: &Scope<P>, period: Period) -> Result<Desk<'r>> {
        let mut desk = Desk::open_unread(db, period)?;
        if desk.fixed.is_whole() {
            return Ok(desk);
        }
        let most = i64::try_from(LIVE).unwrap_or(i64::MAX) + 1;
        let stale = store::stale(db, scope, &period, PROVIDER, most)?;
        if stale.len() > LIVE {
            desk.outdated = true;
            return Ok(desk);
        }
        for customer in &stale {
            let lines = desk.computed(*customer)?;
            desk.live.extend(lines);
        }
        desk.stale_json = serde_json::to_string(&stale)?;
        desk.stale = stale.into_iter().collect();
        Ok(desk)
    }

    fn book(&self) -> Result<&Book> {
        if self.book.get().is_none() {
            let _ = self.book.set(Book::load(self.db)?);
        }
        self.book.get().ok_or_else(|| crate::error::Error::internal("the book was not kept"))
    }

    /// A customer's bill as it would be now, whatever is fixed.
    pub fn rated(&self, customer: CustomerId) -> Result<Bill> {
        self.book()?.rate(self.db, customer, &self.period)
    }

    /// A customer's lines: as fixed where they are, else as they are now.
    fn computed(&self, customer: CustomerId) -> Result<Vec<Line>> {
        let mut lines = self.rated(customer)?.lines;
        lines.retain(|line| !self.fixed.holds(&line.hop));
        let stored = store::lines_of(self.db, &self.period, customer)?;
        lines.extend(stored.into_iter().filter(|line| self.fixed.holds(&line.hop)));
        Ok(lines)
    }

    /// A customer's lines on all hops.
    pub fn lines(&self, customer: CustomerId) -> Result<Vec<Line>> {
        if self.stale.contains(&customer) {
            return Ok(self.live.iter().filter(|l| l.customer_id == customer).cloned().collect());
        }
        store::lines_of(self.db, &self.period, customer)
    }

    /// The lines of a hop, in the order in which they are printed.
    pub fn lines_of_hop(&self, hop: &Hop) -> Result<Vec<Line>> {
        let mut lines = store::lines_of_hop(self.db, &self.period, hop, &self.stale_json)?;
        lines.extend(self.live.iter().filter(|line| same(&line.hop, hop)).cloned());
        lines.retain(|line| line.hop.currency == hop.currency);
        lines.sort_by(|a, b| (a.order(), a.price_id).cmp(&(b.order(), b.price_id)));
        Ok(lines)
    }

    /// A customer's items on one hop, and its lines there.
    pub fn items(&self, customer: CustomerId, hop: &Hop) -> Result<Vec<Item>> {
        if self.fixed.holds(hop) {
            return super::freeze::items(self.db, &self.period, hop, customer);
        }
        let mut items = self.rated(customer)?.items;
        items.retain(|item| item.hop == *hop);
        Ok(items)
    }

    /// A customer's items on all hops that `sees` lets through.
    pub fn all_items(
        &self,
        customer: CustomerId,
        sees: impl Fn(&Hop) -> bool,
    ) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        if !self.fixed.is_whole() {
            items = self.rated(customer)?.items;
            items.retain(|item| sees(&item.hop) && !self.fixed.holds(&item.hop));
        }
        let lines = store::lines_of(self.db, &self.period, customer)?;
        let hops: BTreeSet<Hop> = lines.iter().map(|line| line.hop).collect();
        for hop in hops.iter().filter(|hop| sees(hop) && self.fixed.holds(hop)) {
            items.extend(super::freeze::items(self.db, &self.period, hop, customer)?);
        }
        Ok(items)
    }

    /// What each hop comes to.
    pub fn sums<P>(&self, scope: &Scope<P>) -> Result<BTreeMap<Hop, Sum>> {
        let stored = store::sums(self.db, scope, self.period.ends_on, &self.stale_json)?;
        let mut sums: BTreeMap<Hop, Sum> = stored.into_iter().collect();
        for line in &self.live {
            sums.entry(line.hop).or_default().count(line)?;
        }
        Ok(sums)
    }
}

fn same(a: &Hop, b: &Hop) -> bool {
    (a.seller_id, a.buyer_id) == (b.seller_id, b.buyer_id)
}

/// What a hop's lines come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    pub amount_minor: i64,
    /// `None` when the cost of a line is not known.
    pub cost_minor: Option<i64>,
    pub unpriced: i64,
    pub lines: i64,
}

impl Default for Sum {
    fn default() -> Sum {
        Sum { amount_minor: 0, cost_minor: Some(0), unpriced: 0, lines: 0 }
    }
}

impl Sum {
    fn count(&mut self, line: &Line) -> Result<()> {
        let too_large = || crate::error::Error::internal("an amount is too large to count");
        self.amount_minor =
            self.amount_minor.checked_add(line.amount_minor).ok_or_else(too_large)?;
        self.cost_minor = match (self.cost_minor, line.cost_minor) {
            (Some(sum), Some(cost)) => Some(sum.checked_add(cost).ok_or_else(too_large)?),
            _ => None,
        };
        self.unpriced += i64::from(line.unpriced());
        self.lines += 1;
        Ok(())
    }
}

/// Stores the bills of a period anew where the copy does not hold.
pub fn recalculate<P>(db: &Db, scope: &Scope<P>, period: &Period) -> Result<Done> {
    let mut done = Done::default();
    let mut after = PROVIDER;
    db.write(scope.by, |tx| {
        let known = periods::all(tx)?;
        known.iter().try_for_each(|each| store::keep_period(tx, &each.period))
    })?;
    // Read before the writer is taken; while its mark holds it is what it would be.
    let mut book = db.read(read_book)?;
    loop {
        let next = db.read(|db| store::stale(db, scope, period, after, 500))?;
        let Some(last) = next.last() else { return Ok(done) };
        after = *last;
        let mut rest = next.as_slice();
        while !rest.is_empty() {
            let stored = store_some(db, scope, period, &mut book, rest, &mut done)?;
            rest = rest.get(stored..).unwrap_or_default();
        }
    }
}

/// A book and the mark it was read at.
fn read_book(db: &Read) -> Result<(Book, (i64, i64))> {
    Ok((Book::load(db)?, store::epoch(db)?))
}

/// One transaction's worth: rates inside it, so that nothing can change in between.
fn store_some<P>(
    db: &Db,
    scope: &Scope<P>,
    period: &Period,
    (book, mark): &mut (Book, (i64, i64)),
    customers: &[CustomerId],
    done: &mut Done,
) -> Result<usize> {
    db.write(scope.by, |tx| {
        let began = std::time::Instant::now();
        if store::epoch(tx)? != *mark {
            (*book, *mark) = read_book(tx)?;
        }
        let fixed = store::fixed(tx, period.ends_on)?;
        let up_to = store::last_ledger_row(tx)?;
        let mut stored = 0;
        for customer in customers {
            let bill = book.rate(tx, *customer, period)?;
            done.changed += usize::from(keep(tx, period, &fixed, *customer, &bill.lines)?);
            store::keep_bill(tx, period.ends_on, *customer, up_to)?;
            done.customers += 1;
            done.lines += bill.lines.len();
            stored += 1;
            if began.elapsed().as_millis() >= SLICE_MILLIS {
                break;
            }
        }
        Ok(stored)
    })
}

/// Replaces the lines that are not fixed; says whether anything differed.
fn keep(
    tx: &crate::db::Write,
    period: &Period,
    fixed: &Fixed,
    customer: CustomerId,
    lines: &[Line],
) -> Result<bool> {
    type Names = (CustomerId, CustomerId);
    let old = store::lines_of(tx, period, customer)?;
    let mut hops: BTreeMap<Names, (Vec<&Line>, Vec<&Line>)> = BTreeMap::new();
    for line in lines.iter().filter(|line| !fixed.holds(&line.hop)) {
        hops.entry((line.hop.seller_id, line.hop.buyer_id)).or_default().0.push(line);
    }
    for line in old.iter().filter(|line| !fixed.holds(&line.hop)) {
        hops.entry((line.hop.seller_id, line.hop.buyer_id)).or_default().1.push(line);
    }
    let mut changed = false;
    for (hop, (new, old)) in hops {
        if new != old {
            store::replace_lines(tx, period, customer, hop, &new)?;
            changed = true;
        }
    }
    Ok(changed)
}

/// Recalculates every period that can still change; run by the schedule.
pub fn recalculate_due(app: &App) -> Result<Done> {
    let scope: Scope<BillingRun> = Scope::of_system(Via::Job);
    let open = app.db.read(periods::all)?;
    let mut done = Done::default();
    for standing in open.iter().filter(|each| each.state != periods::State::Locked) {
        let one = recalculate(&app.db, &scope, &standing.period)?;
        done.customers += one.customers;
        done.lines += one.lines;
        done.changed += one.changed;
    }
    Ok(done)
}
