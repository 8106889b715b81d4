//! Finding one user of a customer by what others call them, for files and for work over many.

use super::store;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, UserId};

/// By sign-in name or hosted address.
pub fn by_name(db: &Read, customer: CustomerId, name: &str) -> Result<Option<UserId>> {
    store::by_name(db, customer, name)
}

/// Whether it is a user of the customer.
pub fn is_of(db: &Read, customer: CustomerId, id: UserId) -> Result<bool> {
    store::is_of(db, customer, id)
}

/// Sets the manager unless that made a circle; says whether that changed anything.
pub fn set_manager(tx: &Write, customer: CustomerId, id: UserId, boss: UserId) -> Result<bool> {
    Ok(!store::reports_to(tx, boss, id)? && store::set_manager(tx, customer, id, boss)?)
}

/// Active and disabled users of a customer.
pub fn count(db: &Read, customer: CustomerId) -> Result<i64> {
    store::count(db, customer)
}
