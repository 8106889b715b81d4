//! What a user was: one snapshot, taken before anything of it ends.

pub mod store;

use super::{User, life};
use crate::assignments::{self, Had};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use crate::places::State;
use crate::time::{Date, Instant};
use serde_json::Value;

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
