//! What a verb would do, found out by doing it in a transaction that is taken back: so what is shown
//! is what is done.

mod store;

use super::life;
use crate::billing;
use crate::db::{By, Db, Read, Write};
use crate::error::{Complaint, Error, Result};
use crate::ids::CustomerId;
use crate::money::Currency;
use serde::Serialize;

/// What would change.
#[derive(Debug, Default, Serialize)]
pub struct Preview {
    /// Why it cannot be done.
    pub refusals: Vec<Complaint>,
    pub steps: Vec<Step>,
    pub ledger: Vec<Change>,
    /// Who would get a mail.
    pub told: Vec<String>,
    /// What a whole month costs, at the viewer's edge; none where nothing is sold there.
    pub monthly: Option<Monthly>,
    /// Users whom something changes for, and what; 200 at most.
    pub people: Vec<Person>,
}

/// Before and after it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Monthly {
    pub currency: Currency,
    pub before_minor: i64,
    pub after_minor: i64,
    pub delta_minor: i64,
}

/// A piece of work, how often, and by how many steps outside.
#[derive(Debug, Serialize)]
pub struct Step {
    pub title: String,
    pub requests: i64,
    pub steps: i64,
}

/// How many rows of a kind the ledger would get.
#[derive(Debug, Serialize)]
pub struct Change {
    pub kind: String,
    pub action: String,
    pub rows: i64,
}

#[derive(Debug, Serialize)]
pub struct Person {
    pub user_id: i64,
    pub name: String,
    pub what: String,
}

/// Does it, looks, and takes it back.
pub fn of<T>(
    db: &Db,
    by: By,
    customer: CustomerId,
    act: impl FnOnce(&Write) -> Result<T>,
) -> Result<Preview> {
    let seen = db.rehearse(by, |tx| {
        let mark = store::mark(tx)?;
        let viewer = life::home(tx, tx.by.user)?;
        let before = cost(tx, viewer, customer)?;
        act(tx)?;
        let after = cost(tx, viewer, customer)?;
        Ok(Preview { monthly: monthly(before, after), ..store::since(tx, customer, &mark)? })
    });
    match seen {
        Err(Error::Invalid(refusals)) => Ok(Preview { refusals, ..Preview::default() }),
        seen => seen,
    }
}

/// Up to so many customers the money of a branch is summed up.
const SUMMED: usize = 20;

/// What a whole month of what the branch has now costs at the viewer's edge.
fn cost(tx: &Read, viewer: CustomerId, customer: CustomerId) -> Result<Option<(Currency, i64)>> {
    let branch = store::branch(tx, customer)?;
    if branch.len() > SUMMED {
        return Ok(None);
    }
    let mut sum: Option<(Currency, i64)> = None;
    for each in branch {
        let Some(quote) = billing::quote(tx, viewer, each, &[])? else { continue };
        let (currency, so_far) = sum.unwrap_or((quote.currency, 0));
        if currency != quote.currency {
            return Ok(None);
        }
        let total = so_far.checked_add(quote.after_minor);
        sum = Some((currency, total.ok_or_else(|| Error::internal("a sum is too large"))?));
    }
    Ok(sum)
}

fn monthly(before: Option<(Currency, i64)>, after: Option<(Currency, i64)>) -> Option<Monthly> {
    let (currency, before_minor) = before?;
    let (then, after_minor) = after?;
    let delta_minor = after_minor.checked_sub(before_minor)?;
    (currency == then).then_some(Monthly { currency, before_minor, after_minor, delta_minor })
}
