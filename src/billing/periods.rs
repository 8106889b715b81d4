//! The periods: calendar months without gaps, from the one in which anything could first be billed
//! to the one that holds today. Nothing has to make them.

use super::{freeze, store, today, zone};
use crate::audit;
use crate::auth::permissions::BillingRun;
use crate::auth::{PROVIDER, Scope};
use crate::db::{Db, Read, Via};
use crate::error::{Error, Result};
use crate::ids::LedgerId;
use crate::rating::periods::{Calendar, Period};
use crate::time::{Date, Instant};
use crate::web::App;
use serde_json::json;

words! {
    /// It runs; it has ended and is still recalculated; nothing about it changes any more.
    State { Open = "open", Ended = "ended", Locked = "locked" }
}

/// A period and what has become of it.
#[derive(Clone, Debug)]
pub struct Standing {
    pub period: Period,
    pub state: State,
    pub locked_at: Option<Instant>,
}

/// A period is locked by itself so many days after its end.
const LOCK_AFTER_DAYS: i64 = 10;

/// All of them, the oldest first.
pub fn all(db: &Read) -> Result<Vec<Standing>> {
    let zone = zone(db)?;
    let today = db.now.day(&zone);
    let calendar = Calendar::months(store::beginning(db)?.day(&zone).first_of_month());
    let locks = store::locks(db)?;
    let mut standings = Vec::new();
    let mut period = calendar.first();
    while period.starts_on <= today {
        let locked_at = locks.get(&period.ends_on).map(|(at, _)| *at);
        let state = match locked_at {
            Some(_) => State::Locked,
            None if period.ends_on < today => State::Ended,
            None => State::Open,
        };
        standings.push(Standing { period, state, locked_at });
        period = calendar.next(&period);
    }
    Ok(standings)
}

/// The period that ends on a day; `current` is the one that runs.
pub fn one(db: &Read, end: &str) -> Result<Standing> {
    let all = all(db)?;
    let found = match end.parse::<Date>() {
        _ if end == "current" => all.into_iter().last(),
        Ok(end) => all.into_iter().find(|standing| standing.period.ends_on == end),
        Err(_) => None,
    };
    found.ok_or(Error::NotFound)
}

/// The one before.
pub fn before(period: &Period) -> Period {
    Period::month_of(period.starts_on.plus_days(-1))
}

/// When the stored lines of a period were computed, and what of the ledger they knew.
pub fn calculated(db: &Read, period: &Period) -> Result<(Option<Instant>, Option<LedgerId>)> {
    store::calculated(db, period.ends_on)
}

/// Fixes every bill of an ended period for good.
pub fn lock(db: &Db, scope: &Scope<BillingRun>, end: &str) -> Result<()> {
    let standing = db.read(|db| one(db, end))?;
    match standing.state {
        State::Open => Err(Error::refused("This period still runs. Lock it after its end.")),
        State::Locked => Err(Error::refused("This period is locked already.")),
        State::Ended => lock_one(db, scope, &standing.period),
    }
}

/// Each bill is fixed in a transaction of its own; the lock itself is last, and refuses what came
/// in between.
fn lock_one(db: &Db, scope: &Scope<BillingRun>, period: &Period) -> Result<()> {
    super::recalculate(db, scope, period)?;
    freeze::fix_all(db, scope, period)?;
    db.write(scope.by, |tx| {
        if !store::stale(tx, scope, period, PROVIDER, 1)?.is_empty() {
            return Err(Error::refused("Something changed meanwhile. Lock the period once more."));
        }
        if store::lock(tx, period)? {
            let detail = json!({ "period_end": period.ends_on });
            audit::record(tx, "period.locked", ("period", 0), PROVIDER, &detail)?;
        }
        Ok(())
    })
}

/// Locks what ended long enough ago; run by the schedule.
pub fn lock_due(app: &App) -> Result<usize> {
    let due = app.db.read(|db| {
        let grace = today(db)?.plus_days(-LOCK_AFTER_DAYS);
        let ended = all(db)?.into_iter().filter(|standing| standing.state == State::Ended);
        Ok(ended.filter(|each| each.period.ends_on < grace).map(|each| each.period).collect())
    });
    let due: Vec<Period> = due?;
    let scope = Scope::of_system(Via::Job);
    for period in &due {
        lock_one(&app.db, &scope, period)?;
    }
    Ok(due.len())
}
