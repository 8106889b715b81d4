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

/// The newest snapshot of the user, and when it was taken.
pub fn newest(db: &Read, user: &User) -> Result<Option<(Instant, Memory)>> {
    match store::newest(db, user.id)? {
        Some((at, text)) => Ok(Some((at, serde_json::from_str(&text)?))),
        None => Ok(None),
    }
}

/// Takes the snapshot.
pub fn keep(tx: &Write, user: &User) -> Result<()> {
    let reports = life::store::reports(tx, user.id)?;
    let memory = Memory {
        state: user.state,
        fields: user.details.input().to_json(),
        roles: store::roles(tx, user.id)?,
        services: assignments::had_by(tx, user.id)?,
        manager: user.details.manager,
        reports: reports.into_iter().map(|(report, _)| report).collect(),
    };
    store::keep(tx, user, &serde_json::to_string(&memory)?)
}
