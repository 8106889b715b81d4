//! Counters: how many of a service a customer, and every reseller above it, uses and may use. They
//! move in the transaction of the order, by updates that say themselves whether there was room.

use super::store;
use crate::catalogue;
use crate::db::{Read, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, PlanId, ServiceId};

words! {
    /// What is counted: user services by the seat, customer services by the instance.
    Meter { Seats = "seats", Instances = "instances" }
}

impl Meter {
    fn one(self) -> &'static str {
        match self {
            Meter::Seats => "seat",
            Meter::Instances => "instance",
        }
    }

    fn some(self, n: i64) -> String {
        if n == 1 { format!("1 {}", self.one()) } else { format!("{n} {}", self.word()) }
    }

    /// What a service or plan of this level is counted by.
    pub fn of(level: catalogue::Level) -> Meter {
        match level {
            catalogue::Level::User => Meter::Seats,
            catalogue::Level::Customer => Meter::Instances,
        }
    }
}

/// Takes `n` at the customer and at every reseller above it, or nothing and says who has no room.
pub fn take(
    tx: &Write,
    customer: CustomerId,
    service: ServiceId,
    plan: Option<PlanId>,
    meter: Meter,
    n: i64,
) -> Result<()> {
    store::make_counters(tx, customer, service, plan, meter)?;
    let viewer = store::home(tx, tx.by.user)?;
    for counter in store::counters(tx, customer, service, plan, meter)? {
        if !store::count_up(tx, &counter, service, meter, n)? {
            let text = full(tx, viewer, service, &counter, meter, n)?;
            return Err(Error::invalid("plan", text));
        }
    }
    Ok(())
}

/// Takes what was had before and is had again, whether or not there is room: a seat that others took
/// meanwhile makes it one too many, which stops further ones.
pub fn take_again(
    tx: &Write,
    customer: CustomerId,
    service: ServiceId,
    plan: Option<PlanId>,
    meter: Meter,
    n: i64,
) -> Result<()> {
    store::make_counters(tx, customer, service, plan, meter)?;
    store::count_up_anyway(tx, customer, service, plan, meter, n)?;
    Ok(())
}

/// Gives `n` back at the customer and above it.
pub fn give_back(
    tx: &Write,
    customer: CustomerId,
    service: ServiceId,
    plan: Option<PlanId>,
    meter: Meter,
    n: i64,
) -> Result<()> {
    store::count_down(tx, customer, service, plan, meter, n)?;
    Ok(())
}

/// How many there is room for at the customer and above it; `None`: no limit.
pub fn left(
    db: &Read,
    customer: CustomerId,
    service: ServiceId,
    plan: Option<PlanId>,
    meter: Meter,
) -> Result<Option<i64>> {
    let counters = store::counters(db, customer, service, plan, meter)?;
    Ok(counters.iter().filter_map(|each| Some((each.max? - each.used).max(0))).min())
}

/// Why there is no room for `n`; none where there is.
pub fn refusal(
    db: &Read,
    viewer: CustomerId,
    customer: CustomerId,
    service: ServiceId,
    plan: Option<PlanId>,
    meter: Meter,
    n: i64,
) -> Result<Option<String>> {
    let counters = store::counters(db, customer, service, plan, meter)?;
    let tight = counters.iter().find(|each| each.max.is_some_and(|max| each.used + n > max));
    tight.map(|counter| full(db, viewer, service, counter, meter, n)).transpose()
}

/// The refusal: above the viewer's own customer nobody is named.
fn full(
    db: &Read,
    viewer: CustomerId,
    service: ServiceId,
    counter: &store::Counter,
    meter: Meter,
    n: i64,
) -> Result<String> {
    let what = match counter.plan {
        0 => catalogue::service(db, service)?.name,
        plan => catalogue::plan(db, PlanId(plan))?.name,
    };
    let (used, max) = (counter.used, counter.max.unwrap_or(i64::MAX));
    let left = (max - used).max(0);
    if store::lies_below(db, counter.holder, viewer)? {
        let name = &counter.holder_name;
        return Ok(match left {
            0 => format!("{what} at {name} has no {} left ({used} of {max}).", meter.one()),
            _ => format!("{what} at {name} has {} left, {n} are needed.", meter.some(left)),
        });
    }
    Ok(match left {
        0 => format!("No {} left at your provider.", meter.one()),
        _ => format!("Not enough {} left at your provider.", meter.word()),
    })
}
