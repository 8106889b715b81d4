//! Everybody whose rights reach a customer: its own people, those above, and those whose role stands
//! at one of them from elsewhere.

mod store;

use crate::auth::permissions::RolesRead;
use crate::auth::{self, Admits, PROVIDER, Scope, permissions};
use crate::db::Read;
use crate::error::Result;
use crate::ids::{CustomerId, GrantId, RoleId, UserId};
use crate::places;
use crate::time::Date;
use crate::web::{Listing, Paging};

/// Somebody who reaches a customer, and through what.
#[derive(serde::Serialize)]
pub struct Reaching {
    pub id: GrantId,
    pub user_id: UserId,
    pub user: String,
    /// Whose person it is.
    pub home_id: CustomerId,
    pub home: String,
    pub role_id: RoleId,
    pub role: String,
    /// Where the role stands: at the customer itself or above it.
    pub customer_id: CustomerId,
    pub customer: String,
    pub until_on: Option<Date>,
    /// Why it is worth nothing at present.
    pub why_not: Option<String>,
}

pub fn list(
    db: &Read,
    scope: &Scope<RolesRead>,
    customer: CustomerId,
    paging: &Paging,
) -> Result<Listing<Reaching>> {
    places::customer(db, scope, customer)?;
    let (own, below) = reaching_roles(db)?;
    let mut rows = store::list(db, scope, customer, &own, &below, paging)?;
    for row in &mut rows {
        let held = auth::held(db, row.user_id, row.home_id)?;
        let held = held.into_iter().find(|held| held.grant == Some(row.id));
        row.why_not = held.and_then(|held| held.why_not);
    }
    Ok(paging.listing(rows, |row| (row.user.clone(), row.id.0)))
}

/// The roles with a right over the customer they stand at, and those with one over customers below.
fn reaching_roles(db: &Read) -> Result<(Vec<RoleId>, Vec<RoleId>)> {
    let (mut own, mut below) = (Vec::new(), Vec::new());
    for role in store::roles(db)? {
        let rights = auth::rights_at(db, &[(role, PROVIDER)], PROVIDER, true)?;
        let over = |bit: i64| {
            rights.iter().any(|right| {
                (right.code % 4) & bit == bit
                    && permissions::admits(&right.permission) != Some(Admits::Oneself)
            })
        };
        if over(1) {
            own.push(role);
        }
        if over(2) {
            below.push(role);
        }
    }
    Ok((own, below))
}
