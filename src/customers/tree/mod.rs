//! The hierarchy, opened level by level: what stands directly below a customer, with counts.

pub mod api;
pub mod pages;
mod store;

use crate::auth::Scope;
use crate::auth::permissions::CustomersRead;
use crate::db::Read;
use crate::error::Result;
use crate::ids::CustomerId;
use crate::input::Field;
use crate::places::{self, Place, State};
use crate::web::{Listing, Paging};

/// A customer of a level.
pub struct Node {
    pub id: CustomerId,
    pub name: String,
    pub code: String,
    pub state: State,
    pub reseller: bool,
    /// Directly below it.
    pub customers: i64,
    pub users: i64,
}

pub const FILTERS: &[Field] = &[Field::integer("at", "what is directly below; none: the top")];

/// A level: where it hangs, and a page of what hangs there by name.
pub fn level(
    db: &Read,
    scope: &Scope<CustomersRead>,
    at: Option<CustomerId>,
    paging: &Paging,
) -> Result<(Option<Place>, Listing<Node>)> {
    let (place, rows) = match at {
        Some(at) => (Some(places::customer(db, scope, at)?), store::below(db, scope, at, paging)?),
        None => (None, store::top(db, scope, paging)?),
    };
    Ok((place, paging.listing(rows, |node| (node.name.clone(), node.id.0))))
}
