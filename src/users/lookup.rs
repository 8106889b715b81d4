//! Finding one user of a customer by what others call them, for files and for work over many.

use super::{User, life, store};
use crate::audit;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use serde_json::json;

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

/// Whom somebody of the customer reports to; none too where it is no user of it any more.
pub fn manager_of(db: &Read, customer: CustomerId, id: UserId) -> Result<Option<UserId>> {
    store::manager_of(db, customer, id)
}

/// The name that is shown, whoever's it is.
pub fn shown_name(db: &Read, id: UserId) -> Result<String> {
    store::shown_name(db, id)
}

/// Those who report to the user, by name.
pub fn reports(db: &Read, id: UserId) -> Result<Vec<(UserId, String)>> {
    life::store::reports(db, id)
}

/// Makes those who report to `user` report to `boss`, and those above whom that would put themselves
/// to whom `user` reports; says how many.
pub fn hand_reports(tx: &Write, user: &User, boss: UserId) -> Result<usize> {
    let all = life::store::reports(tx, user.id)?;
    for (report, _) in &all {
        let circle = store::reports_to(tx, boss, *report)?;
        let new = if circle { user.details.manager } else { Some(boss) };
        store::put_manager(tx, user.customer, *report, new)?;
        let detail = json!({ "manager": [user.id.to_string(), new.map(|id| id.to_string())] });
        audit::record(tx, "user.changed", ("user", report.0), user.customer, &detail)?;
    }
    Ok(all.len())
}
