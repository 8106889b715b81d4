//! What becomes of services when their user moves to another customer: each is carried along, or ends
//! where it was.

use super::people::{order, own_steps};
use super::state::{Live, Wanted};
use super::{Held, HeldId, Reason, act, amounts, held, ledger_row, store};
use crate::db::{Read, Write};
use crate::engine::{self, Class, Overtaken};
use crate::error::Result;
use crate::ids::{
    CustomerId, CustomerServiceId, PlanId, RequestId, ServiceId, UserId, UserServiceId,
};
use crate::ledger::{self, Action};
use crate::offers::{self, Meter, Tally};

/// How a user's service stood before its user moved.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Stood {
    pub id: UserServiceId,
    pub below: CustomerServiceId,
    pub plan: PlanId,
    pub live_plan: Option<PlanId>,
    pub wanted: Wanted,
}

/// What the user has and is to keep, in the order it was given.
pub fn living(db: &Read, user: UserId) -> Result<Vec<Held>> {
    let mut all = Vec::new();
    for id in held::ids_of_user(db, user)? {
        let held = held::any(db, id)?;
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
    if held::any(db, HeldId::Customer(below))?.wanted != Wanted::On {
        return Ok(None);
    }
    Ok(Some(Standing { below, plans: store::enabled_plans(db, below)? }))
}

/// Gives back the seat of a service that is to be carried, before there is one elsewhere.
pub fn release(tx: &Write, held: &Held) -> Result<()> {
    amounts::give_back(tx, held)?;
    offers::give_back(tx, &held.seat(), 1)
}

/// Whether the customer and all above it have room for one more.
pub fn has_room(db: &Read, to: CustomerId, service: ServiceId, plan: PlanId) -> Result<bool> {
    let seats = Tally { customer: to, service, plan: Some(plan), meter: Meter::Seats };
    Ok(offers::left(db, &seats)?.is_none_or(|left| left > 0))
}

/// Seats of a service that a customer uses and may use.
pub fn seats(db: &Read, customer: CustomerId, service: ServiceId) -> Result<(i64, Option<i64>)> {
    store::usage(db, &Tally { customer, service, plan: None, meter: Meter::Seats })
}

/// Takes a service along that was released: counted, billed and worked on at the other customer from
/// now on. What was suspended because the old customer is disabled is so no more.
pub fn carry(
    tx: &Write,
    held: &Held,
    to: CustomerId,
    below: CustomerServiceId,
    plan: PlanId,
) -> Result<Vec<RequestId>> {
    offers::take(tx, &Tally { customer: to, ..held.seat().in_plan(plan) }, 1)?;
    store::carry(tx, held.id, to, below, plan)?;
    amounts::take(tx, &held::any(tx, held.id)?)?;
    let freed = held.reasons.contains(&Reason::CustomerDisabled);
    if freed {
        act::resume(tx, held, Reason::CustomerDisabled)?;
    }
    let after = held::any(tx, held.id)?;
    let kind = ledger_row::kind(held.id);
    if ledger::is_open(tx, kind, held.id.number())? {
        let by = ledger_row::By::now(&after, after.wanted == Wanted::Suspended);
        ledger_row::write(tx, &after, Action::Changed, &by)?;
    }
    let mut requests = vec![bring(tx, &after)?];
    if freed && after.wanted == Wanted::On && after.live == Live::Suspended {
        let steps = own_steps(tx, &after, "resume")?;
        requests.push(order(tx, &after, "resume", Class::Interactive, steps)?);
    }
    Ok(requests)
}

/// Brings the outside to what is wanted of a service now.
fn bring(tx: &Write, held: &Held) -> Result<RequestId> {
    let what = if held.live == Live::Never { "provision" } else { "update" };
    let steps = own_steps(tx, held, what)?;
    order(tx, held, what, Class::Interactive, steps)
}

/// Puts a service back that was carried along or has ended, as it stood below the old customer;
/// `disabled` says whether the user is, and that customer.
pub fn put_back(
    tx: &Write,
    stood: &Stood,
    from: CustomerId,
    disabled: (bool, bool),
) -> Result<Option<RequestId>> {
    let id = HeldId::User(stood.id);
    let Some(held) = held::any_kept(tx, id)? else { return Ok(None) };
    engine::cancel_open(tx, Overtaken::UserService(stood.id), "the move was taken back")?;
    if held.live != Live::Gone {
        release(tx, &held)?;
    }
    let seat = Tally { customer: from, ..held.seat().in_plan(stood.plan) };
    offers::take_again(tx, &seat, 1)?;
    store::put_back(tx, stood, from)?;
    for (reason, on) in [(Reason::UserDisabled, disabled.0), (Reason::CustomerDisabled, disabled.1)]
    {
        match on {
            true => store::add_reason(tx, id, reason)?,
            false => store::drop_reason(tx, id, reason)?,
        }
    }
    let now = held::any(tx, id)?;
    if now.wanted != stood.wanted && ledger::is_open(tx, ledger_row::kind(id), id.number())? {
        let by = ledger_row::By::now(&now, now.wanted == Wanted::Suspended);
        ledger_row::write(tx, &now, Action::Changed, &by)?;
    }
    if held.wanted == Wanted::Gone {
        let steps = own_steps(tx, &now, "provision")?;
        return order(tx, &now, "provision", Class::Interactive, steps).map(Some);
    }
    bring(tx, &now).map(Some)
}
