//! Counters: how many of a service a customer, and every reseller above it, uses and may use. They
//! move in the transaction of the order, by updates that say themselves whether there was room.

mod measures;
mod notices;
mod store;

pub use measures::{Limit, Measure, Stand, is_offered, measures, read, seen, set, stand};

use crate::auth::PROVIDER;
use crate::catalogue;
use crate::catalogue::properties::{Property, Standing};
use crate::db::{Read, Write};
use crate::error::{Complaint, Error, Result};
use crate::html::text::grouped;
use crate::ids::{CustomerId, PlanId, ServiceId};
use crate::kinds::{Type, size_text};

/// What is counted: user services by the seat, customer services by the instance, and what all of
/// them have of a property together.
#[derive(Clone, Copy, Debug)]
pub enum Meter<'p> {
    Seats,
    Instances,
    Sum(&'p Property),
}

impl<'p> Meter<'p> {
    /// As it is kept and said in limits.
    pub fn word(self) -> String {
        match self {
            Meter::Seats => "seats".to_owned(),
            Meter::Instances => "instances".to_owned(),
            Meter::Sum(property) => format!("sum:{}", property.name),
        }
    }

    /// "seat", or the name of what there is no more of.
    fn one(self) -> &'p str {
        match self {
            Meter::Seats => "seat",
            Meter::Instances => "instance",
            Meter::Sum(property) => &property.label,
        }
    }

    fn many(self) -> String {
        match self {
            Meter::Sum(property) => property.label.clone(),
            counted => counted.word(),
        }
    }

    fn some(self, n: i64) -> String {
        match self {
            Meter::Sum(property) => format!("{} of {}", self.number(n), property.label),
            _ if n == 1 => format!("1 {}", self.one()),
            _ => format!("{n} {}", self.many()),
        }
    }

    /// A number of it for people.
    pub fn number(self, n: i64) -> String {
        match self {
            Meter::Sum(property) if property.kind == Type::Size => size_text(n),
            _ => grouped(n),
        }
    }

    /// What a service or plan of this level is counted by.
    pub fn of(level: catalogue::Level) -> Meter<'static> {
        match level {
            catalogue::Level::User => Meter::Seats,
            catalogue::Level::Customer => Meter::Instances,
        }
    }

    /// The field that a refusal is about.
    fn field(self) -> String {
        match self {
            Meter::Sum(property) => format!("properties.{}", property.name),
            _ => "plan".to_owned(),
        }
    }
}

/// What is counted: at the customer it is of, and at every reseller above it.
#[derive(Clone, Copy, Debug)]
pub struct Tally<'p> {
    pub customer: CustomerId,
    pub service: ServiceId,
    /// Counted for the plan besides for all; none: for all alone.
    pub plan: Option<PlanId>,
    pub meter: Meter<'p>,
}

impl Tally<'_> {
    /// The same in another plan.
    pub fn in_plan(self, plan: PlanId) -> Self {
        Tally { plan: Some(plan), ..self }
    }
}

/// Takes `n` at the customer and at every reseller above it, or nothing and says who has no room.
pub fn take(tx: &Write, of: &Tally, n: i64) -> Result<()> {
    store::make_counters(tx, of)?;
    let viewer = crate::offers::store::home(tx, tx.by.user)?;
    for counter in store::counters(tx, of)? {
        if !store::count_up(tx, of, &counter, n)? {
            return Err(Error::Invalid(vec![full(tx, viewer, of, &counter, n)?]));
        }
        notices::taken(tx, of.service, &counter, of.meter, n)?;
    }
    Ok(())
}

/// Takes what was had before and is had again, whether or not there is room: a seat that others took
/// meanwhile makes it one too many, which stops further ones.
pub fn take_again(tx: &Write, of: &Tally, n: i64) -> Result<()> {
    store::make_counters(tx, of)?;
    store::count_up_anyway(tx, of, n)?;
    Ok(())
}

/// Gives `n` back at the customer and above it.
pub fn give_back(tx: &Write, of: &Tally, n: i64) -> Result<()> {
    store::count_down(tx, of, n)?;
    Ok(())
}

/// How many there is room for at the customer and above it; `None`: no limit.
pub fn left(db: &Read, of: &Tally) -> Result<Option<i64>> {
    let counters = store::counters(db, of)?;
    Ok(counters.iter().filter_map(|each| Some((each.max? - each.used).max(0))).min())
}

/// Seats of services and of their plans that a customer has left, where there is a limit.
pub fn seats_left(db: &Read, customer: CustomerId) -> Result<store::Left> {
    store::seats_left(db, customer)
}

/// How much more is wanted of a counter for all plans, and of that for one.
#[derive(Clone, Copy)]
pub struct More {
    pub all: i64,
    pub plan: i64,
}

impl More {
    pub fn of(n: i64) -> More {
        More { all: n, plan: n }
    }
}

/// Why there is no room for so much more; none where there is.
pub fn refusal(db: &Read, viewer: CustomerId, of: &Tally, more: More) -> Result<Option<Complaint>> {
    for counter in &store::counters(db, of)? {
        let n = if counter.plan == 0 { more.all } else { more.plan };
        if n > 0 && counter.max.is_some_and(|max| counter.used.saturating_add(n) > max) {
            return full(db, viewer, of, counter, n).map(Some);
        }
    }
    Ok(None)
}

/// What there is room for at the customer and above it, in words; nothing where there is no limit.
pub fn left_said(db: &Read, of: &Tally) -> Result<Option<String>> {
    Ok(left(db, of)?.map(|n| of.meter.some(n)))
}

/// The refusal: above the viewer's own customer nobody is named, and what the viewer does not see is
/// not either.
fn full(
    db: &Read,
    viewer: CustomerId,
    of: &Tally,
    counter: &store::Counter,
    n: i64,
) -> Result<Complaint> {
    let meter = of.meter;
    let what = match counter.plan {
        0 => catalogue::service(db, of.service)?.name,
        plan => catalogue::plan(db, PlanId(plan))?.name,
    };
    if let Meter::Sum(property) = meter
        && !property.seen_by(standing(viewer, counter.holder))
    {
        return Ok(Complaint::new("", format!("There is no room for more of {what}.")));
    }
    let (used, max) = (counter.used, counter.max.unwrap_or(i64::MAX));
    let left = (max - used).max(0);
    let text = if crate::offers::store::lies_below(db, counter.holder, viewer)? {
        let name = &counter.holder_name;
        match left {
            0 => format!(
                "{what} at {name} has no {} left ({} of {}).",
                meter.one(),
                meter.number(used),
                meter.number(max)
            ),
            _ => format!(
                "{what} at {name} has {} left, {} are needed.",
                meter.some(left),
                meter.number(n)
            ),
        }
    } else {
        match left {
            0 => format!("No {} left at your provider.", meter.one()),
            _ => format!("Not enough {} left at your provider.", meter.many()),
        }
    };
    Ok(Complaint::new(meter.field(), text))
}

/// How somebody of `viewer` stands to `holder`.
fn standing(viewer: CustomerId, holder: CustomerId) -> Standing {
    match viewer {
        PROVIDER => Standing::Provider,
        own if own == holder => Standing::Customer,
        _ => Standing::Reseller,
    }
}
