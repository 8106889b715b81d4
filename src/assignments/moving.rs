//! What becomes of services when their user moves to another customer: each is carried along, or ends
//! where it was.

use super::people::{order, own_steps};
use super::state::Wanted;
use super::{Held, HeldId, ledger_row, store};
use crate::db::{Read, Write};
use crate::engine::Class;
use crate::error::Result;
use crate::ids::{CustomerId, CustomerServiceId, PlanId, RequestId, ServiceId, UserId};
use crate::ledger::{self, Action};
use crate::offers::{self, Meter};

/// What the user has and is to keep, in the order it was given.
pub fn living(db: &Read, user: UserId) -> Result<Vec<Held>> {
    let mut all = Vec::new();
    for id in store::ids_of_user(db, user)? {
        let held = store::any(db, id)?;
        if held.wanted != Wanted::Gone {
            all.push(held);
        }
    }
    Ok(all)
}

/// A service as a customer has it: what its users' stand on, and the plans they may have.
pub struct Standing {
    pub below: CustomerServiceId,
    pub plans: Vec<(PlanId, String, String)>,
}

/// How the customer has the service; none where it does not.
pub fn standing(db: &Read, customer: CustomerId, service: ServiceId) -> Result<Option<Standing>> {
    let Some(below) = store::below(db, customer, service)? else { return Ok(None) };
    if store::any(db, HeldId::Customer(below))?.wanted != Wanted::On {
        return Ok(None);
    }
    Ok(Some(Standing { below, plans: store::enabled_plans(db, below)? }))
}

/// Gives back the seat of a service that is to be carried, before there is one elsewhere.
pub fn release(tx: &Write, held: &Held) -> Result<()> {
    offers::give_back(tx, held.customer, held.service, held.plan_id, Meter::Seats, 1)
}

/// Whether the customer and all above it have room for one more.
pub fn has_room(db: &Read, to: CustomerId, service: ServiceId, plan: PlanId) -> Result<bool> {
    Ok(offers::left(db, to, service, Some(plan), Meter::Seats)?.is_none_or(|left| left > 0))
}

/// Takes a service along that was released: counted, billed and worked on at the other customer from now on.
pub fn carry(
    tx: &Write,
    held: &Held,
    to: CustomerId,
    below: CustomerServiceId,
    plan: PlanId,
) -> Result<RequestId> {
    offers::take(tx, to, held.service, Some(plan), Meter::Seats, 1)?;
    store::carry(tx, held.id, to, below, plan)?;
    let after = store::any(tx, held.id)?;
    let kind = ledger_row::kind(held.id);
    if ledger::is_open(tx, kind, held.id.number())? {
        let by = ledger_row::By::now(&after, after.wanted == Wanted::Suspended);
        ledger_row::write(tx, &after, Action::Changed, &by)?;
    }
    let steps = own_steps(tx, &after, "update")?;
    order(tx, &after, "update", Class::Interactive, steps)
}
