//! What a sync would do, done and taken back.

use super::follow::{Finding, Order, Outcome, RowOut, find, leavers, one};
use crate::auth::Actor;
use crate::brake;
use crate::error::{Error, Result};
use crate::ids::CustomerId;
use crate::matching::import;
use crate::users::Home;
use crate::web::App;
use serde::Serialize;

/// Findings of one transaction that is taken back.
const CHECK: usize = 50;

#[derive(Serialize)]
pub struct Told {
    pub customer_id: CustomerId,
    /// Linked people of whom something would be done or told.
    pub rows: Vec<RowOut>,
    /// Accounts that are nobody's yet.
    pub accounts: Vec<import::RowOut>,
    /// Why it would wait for a person.
    pub held: Option<String>,
}

pub fn rehearse(app: &App, actor: &Actor, customer: CustomerId) -> Result<Told> {
    let scope = actor.scope()?;
    let (site, set_up) = app.db.read(|db| {
        scope.reaches(db, customer)?;
        Ok((super::site(db, customer)?, super::of(db, customer)?))
    })?;
    let both = site.zip(set_up).filter(|(site, it)| it.environment == site.environment);
    let (site, set_up) =
        both.ok_or_else(|| Error::refused("The customer follows no directory yet."))?;
    let order = Order { app, actor, scope: &scope, site: &site, set_up: &set_up };
    let found = find(&order)?;
    let held = app.db.read(|db| brake::would_hold(db, &leavers(&order, &found)))?;
    let mut rows = Vec::new();
    for batch in found.linked.chunks(CHECK) {
        let more = app.db.rehearse(actor.by, |tx| {
            let home = Home::of(tx, &scope, customer)?;
            batch.iter().map(|each| one(&order, &home, each)).collect::<Result<Vec<_>>>()
        })?;
        let both = batch.iter().zip(more).map(|(finding, row)| match finding {
            Finding::Enabled(_) => RowOut {
                result: Outcome::Pushed,
                why: "Is enabled there, and would be disabled again.".to_owned(),
                ..row
            },
            _ => row,
        });
        rows.extend(both.filter(|row| row.result != Outcome::Unchanged));
    }
    let newcomers = import::Order { app, actor, scope: &scope, site: &site, dry_run: true };
    let report = import::apply(&newcomers, &found.others, |_, _, _| Ok(true))?;
    Ok(Told { customer_id: customer, rows, accounts: report.rows, held })
}
