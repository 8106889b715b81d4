//! From one customer to the next: those that somebody pinned, and those looked at last. The customer
//! in context is always the one in the path; this only leads there.

pub mod api;
pub mod pages;
mod store;

use crate::audit;
use crate::auth::Scope;
use crate::auth::permissions::CustomersRead;
use crate::db::{Db, Read};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, UserId};
use crate::places::State;
use serde_json::json;

/// A customer one may go to.
#[derive(serde::Serialize)]
pub struct Stop {
    pub id: CustomerId,
    pub code: String,
    pub name: String,
    pub state: State,
}

/// Customers that somebody may pin.
const MOST: i64 = 50;

/// Those that the user pinned and reaches, by name.
pub fn pinned(db: &Read, scope: &Scope<CustomersRead>, user: UserId) -> Result<Vec<Stop>> {
    store::pinned(db, scope, user)
}

/// Those of the ids that are within reach, in that order.
pub fn among(db: &Read, scope: &Scope<CustomersRead>, ids: &[CustomerId]) -> Result<Vec<Stop>> {
    store::among(db, scope, ids)
}

/// Whether the user pinned the customer.
pub fn is_pinned(db: &Read, user: UserId, id: CustomerId) -> Result<bool> {
    store::is_pinned(db, user, id)
}

/// Pins a customer for the user; nothing happens where it is pinned.
pub fn pin(db: &Db, scope: &Scope<CustomersRead>, user: UserId, id: CustomerId) -> Result<()> {
    db.write(scope.by, |tx| {
        scope.reaches(tx, id)?;
        if !store::add(tx, user, id)? {
            return Ok(());
        }
        if store::count(tx, user)? > MOST {
            return Err(Error::refused(format!(
                "You have pinned {MOST} customers. Let one go first."
            )));
        }
        audit::record(tx, "customer.pinned", ("customer", id.0), id, &json!({}))
    })
}

/// Lets it go.
pub fn unpin(db: &Db, scope: &Scope<CustomersRead>, user: UserId, id: CustomerId) -> Result<()> {
    db.write(scope.by, |tx| {
        scope.reaches(tx, id)?;
        if !store::remove(tx, user, id)? {
            return Ok(());
        }
        audit::record(tx, "customer.unpinned", ("customer", id.0), id, &json!({}))
    })
}
