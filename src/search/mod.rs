//! One box for everything: customers and users by any part of name, code or address, invoices by
//! number. What lies out of reach is not found, were its exact code typed.

pub mod api;
pub mod pages;
mod store;

use crate::auth::Actor;
use crate::auth::permissions::{CustomersRead, InvoicesRead, UsersRead};
use crate::db::Read;
use crate::error::Result;
use crate::ids::{CustomerId, InvoiceId, UserId};
use crate::input::one_line;

/// Hits of a kind that are shown at once.
const MOST: i64 = 8;
/// The longest text that is searched for.
const LONGEST: usize = 100;

pub struct CustomerHit {
    pub id: CustomerId,
    pub name: String,
    pub code: String,
}

pub struct UserHit {
    pub id: UserId,
    pub name: String,
    pub upn: String,
    pub customer: String,
}

pub struct InvoiceHit {
    pub id: InvoiceId,
    pub number: String,
    pub buyer: String,
}

#[derive(Default)]
pub struct Found {
    pub customers: Vec<CustomerHit>,
    pub users: Vec<UserHit>,
    pub invoices: Vec<InvoiceHit>,
}

/// What `actor` may see of what `text` finds.
pub fn find(db: &Read, actor: &Actor, text: &str) -> Result<Found> {
    let text: String = one_line(text).chars().take(LONGEST).collect();
    let mut found = Found::default();
    if text.is_empty() {
        return Ok(found);
    }
    if let Ok(scope) = actor.scope::<CustomersRead>() {
        found.customers = store::customers(db, &scope, &text, MOST)?;
    }
    if let Ok(scope) = actor.scope::<UsersRead>() {
        found.users = store::users(db, &scope, &text, MOST)?;
    }
    if let Ok(scope) = actor.scope::<InvoicesRead>() {
        found.invoices = store::invoices(db, &scope, &text, MOST)?;
    }
    Ok(found)
}

/// What the index of users is asked for `text`, to be rechecked with LIKE; `None` when that is too
/// short for it.
pub fn users_match(db: &Read, text: &str) -> Result<Option<String>> {
    store::users_match(db, text)
}

impl Found {
    pub fn is_empty(&self) -> bool {
        self.customers.is_empty() && self.users.is_empty() && self.invoices.is_empty()
    }
}
