//! What a verb would do, found out by doing it in a transaction that is taken back: so what is shown
//! is what is done.

mod store;

use crate::db::{By, Db, Write};
use crate::error::{Complaint, Error, Result};
use crate::ids::CustomerId;
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
    /// Users whom something changes for, and what; 200 at most.
    pub people: Vec<Person>,
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
        act(tx)?;
        store::since(tx, customer, &mark)
    });
    match seen {
        Err(Error::Invalid(refusals)) => Ok(Preview { refusals, ..Preview::default() }),
        seen => seen,
    }
}
