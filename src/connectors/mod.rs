//! Connectors: how outside systems are reached, with the secret that each of them holds.

pub mod call;
mod store;

use crate::db::Read;
use crate::error::Result;
use crate::ids::{ConnectorId, CustomerId};

words! {
    Kind { Script = "script", Webhook = "webhook" }
}

words! {
    /// Steps of a paused one wait; those of one that is gone fail.
    State { Active = "active", Paused = "paused", Gone = "gone" }
}

/// A connector that rules may name.
pub struct Choice {
    pub id: ConnectorId,
    pub name: String,
    pub kind: Kind,
    pub state: State,
}

/// The connectors of `owner`, by name.
pub fn choices(db: &Read, owner: CustomerId) -> Result<Vec<Choice>> {
    store::choices(db, owner)
}
