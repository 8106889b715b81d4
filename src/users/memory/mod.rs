//! What a user was: one snapshot, taken before anything of it ends.

pub mod store;

use super::{User, life};
use crate::assignments::{self, Had};
use crate::customers::settings;
use crate::db::{By, Read, Via, Write};
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use crate::jobs::{Level, RunCx};
use crate::places::State;
use crate::time::{Date, Instant};
use serde_json::Value;

/// What is kept for the shortest time there is, and where nobody says otherwise.
const LEAST: i64 = 1;
const MONTHS: i64 = 24;
/// Rows of one transaction.
const BATCH: i64 = 500;

/// Everything that can be brought back.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Memory {
    pub state: State,
    /// As the form has them.
    pub fields: Value,
    pub roles: Vec<HadRole>,
    pub services: Vec<Had>,
    pub manager: Option<UserId>,
    pub reports: Vec<UserId>,
}

/// A role that was held, and where it stood.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct HadRole {
    pub role: String,
    pub at: CustomerId,
    pub until: Option<Date>,
}

/// The snapshot that stands for the user, and when it was taken.
pub fn newest(db: &Read, user: &User) -> Result<Option<(Instant, Memory)>> {
    match store::standing(db, user.id)? {
        Some((_, at, text)) => Ok(Some((at, serde_json::from_str(&text)?))),
        None => Ok(None),
    }
}

/// Takes the snapshot. Where one stands already, of a leaving that goes on, what came since is added.
pub fn keep(tx: &Write, user: &User) -> Result<()> {
    let reports = life::store::reports(tx, user.id)?;
    let now = Memory {
        state: user.state,
        fields: user.details.input().to_json(),
        roles: store::roles(tx, user.id)?,
        services: assignments::had_by(tx, user.id)?,
        manager: user.details.manager,
        reports: reports.into_iter().map(|(report, _)| report).collect(),
    };
    match store::standing(tx, user.id)? {
        None => store::keep(tx, user, &serde_json::to_string(&now)?),
        Some((id, _, text)) => {
            let mut whole: Memory = serde_json::from_str(&text)?;
            whole.add(now);
            store::change(tx, id, &serde_json::to_string(&whole)?)
        }
    }
}

/// The job: forgets what users were once that was long ago, as their customer has it.
pub fn forget(cx: &RunCx) -> Result<()> {
    let by = By::portico(Via::Job);
    let due = cx.db.read(|db| store::customers(db, db.now.plus_days(-days(LEAST))))?;
    for (seq, customer) in (1..).zip(due) {
        let months = cx.db.read(|db| settings::number(db, customer, "memory_months"))?;
        let before = cx.db.now().plus_days(-days(months.unwrap_or(MONTHS)));
        let mut gone = 0;
        loop {
            let batch = cx.db.write(by, |tx| store::forget(tx, customer, before, BATCH))?;
            gone += batch;
            if batch < BATCH || cx.cancelled()? {
                break;
            }
        }
        let text = format!("{gone} at customer {customer}");
        cx.db.write(by, |tx| {
            cx.unit(tx, seq, Level::Info, "forgotten", &text, Some(("customer", customer.0)))
        })?;
    }
    Ok(())
}

/// Twenty-four months are 730 days.
fn days(months: i64) -> i64 {
    months * 730 / 24
}

/// Nothing is brought back from what stood for the user: they are there again.
pub fn close(tx: &Write, user: UserId) -> Result<()> {
    store::end(tx, user)
}

impl Memory {
    fn add(&mut self, later: Memory) {
        for had in later.services {
            let same = |old: &Had| old.service == had.service && old.label == had.label;
            if !self.services.iter().any(same) {
                self.services.push(had);
            }
        }
        for had in later.roles {
            if !self.roles.iter().any(|old| old.role == had.role && old.at == had.at) {
                self.roles.push(had);
            }
        }
        for report in later.reports {
            if !self.reports.contains(&report) {
                self.reports.push(report);
            }
        }
        self.manager = self.manager.or(later.manager);
    }
}
