//! What a move would do, found out by doing it in a transaction that is taken back.

use super::store::{self, Step};
use super::{Mover, Outcome, act, decide};
use crate::assignments::moving as services;
use crate::billing;
use crate::db::Read;
use crate::error::{Complaint, Error, Result};
use crate::ids::{CustomerId, ServiceId, UserId};
use crate::input::Input;
use crate::money::Currency;
use crate::users::{Changed, moving};

/// The whole of it.
#[derive(serde::Serialize)]
pub struct Outlook {
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Fields of the user with old and new value.
    pub changes: Changed,
    pub steps: Vec<Step>,
    pub seats: Vec<Seat>,
    /// What a whole month costs at both ends, as far as whoever looks buys or sells there.
    pub monthly: Vec<Monthly>,
}

/// Seats of a service at one end.
#[derive(serde::Serialize)]
pub struct Seat {
    pub customer: String,
    pub service: String,
    pub before: i64,
    pub after: i64,
    pub max: Option<i64>,
}

#[derive(serde::Serialize)]
pub struct Monthly {
    pub customer: String,
    pub currency: Currency,
    pub before_minor: i64,
    pub after_minor: i64,
}

/// Tries the move and keeps nothing of it.
pub fn look(mover: Mover, id: UserId, input: &Input, version: Option<i64>) -> Result<Outlook> {
    mover.app.db.rehearse(mover.scope.by, |tx| {
        // Its services give their seats back while it is decided: what there is now is counted first.
        let viewer = mover.actor.home;
        let to = input.get("customer_id").parse().unwrap_or(CustomerId(0));
        let ends: Vec<CustomerId> = store::ends(tx, mover.scope, id, to)?;
        let held: Vec<(ServiceId, String)> =
            services::living(tx, id)?.into_iter().map(|held| (held.service, held.name)).collect();
        let seats = counted(tx, &ends, &held)?;
        let costs = cost(tx, viewer, &ends)?;
        let decided = decide(tx, mover, id, input, version)?;
        let changes = moving::changes(&decided.user, &decided.details);
        let names = [&decided.from, &decided.home].map(|home| home.customer.details.name.clone());
        let outcome = act::carry_out(tx, mover, decided, input)?;
        let steps = store::steps(tx, &outcome.requests)?;
        let after = counted(tx, &ends, &held)?;
        let mut all = Vec::new();
        for (place, name) in names.iter().enumerate() {
            for (n, (_, service)) in held.iter().enumerate() {
                let at = place * held.len() + n;
                let (Some((before, max)), Some((after, _))) = (seats.get(at), after.get(at)) else {
                    continue;
                };
                if before != after {
                    let (customer, service) = (name.clone(), service.clone());
                    all.push(Seat { customer, service, before: *before, after: *after, max: *max });
                }
            }
        }
        let then = cost(tx, viewer, &ends)?;
        let monthly = names.into_iter().zip(costs.into_iter().zip(then));
        let monthly = monthly.filter_map(|(customer, both)| match both {
            (Some((currency, before_minor)), Some((same, after_minor))) if currency == same => {
                Some(Monthly { customer, currency, before_minor, after_minor })
            }
            _ => None,
        });
        Ok(Outlook { outcome, changes, steps, seats: all, monthly: monthly.collect() })
    })
}

/// All that stands against the move, also what only shows when it is done.
pub fn against(
    mover: Mover,
    id: UserId,
    input: &Input,
    version: Option<i64>,
) -> Result<Vec<Complaint>> {
    let tried = mover.app.db.rehearse(mover.scope.by, |tx| {
        let decided = decide(tx, mover, id, input, version)?;
        act::carry_out(tx, mover, decided, input).map(|_| ())
    });
    match tried {
        Ok(()) => Ok(Vec::new()),
        Err(Error::Invalid(all)) => Ok(all),
        Err(err) => Err(err),
    }
}

/// Used and most, customer by customer, service by service.
fn counted(
    db: &Read,
    ends: &[CustomerId],
    held: &[(ServiceId, String)],
) -> Result<Vec<(i64, Option<i64>)>> {
    let pairs = ends.iter().flat_map(|end| held.iter().map(move |(service, _)| (*end, *service)));
    pairs.map(|(end, service)| services::seats(db, end, service)).collect()
}

fn cost(
    db: &Read,
    viewer: CustomerId,
    ends: &[CustomerId],
) -> Result<Vec<Option<(Currency, i64)>>> {
    let mut all = Vec::new();
    for end in ends {
        let quote = billing::quote(db, viewer, *end, &[])?;
        all.push(quote.map(|quote| (quote.currency, quote.after_minor)));
    }
    Ok(all)
}
