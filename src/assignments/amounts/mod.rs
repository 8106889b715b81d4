//! What assignments occupy of properties that are counted, like mailbox space. It is taken with the
//! order, as seats are; what becomes less is given back when it is so outside too.

mod store;

pub use store::amount;

use super::properties::asked;
use super::{Held, store as rows};
use crate::catalogue::Level;
use crate::catalogue::properties::{self, Asked, Property, Typed};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::PlanId;
use crate::offers::{self, Meter, Tally};

/// A counted property, and how much of it an assignment is to have.
pub struct Amount {
    pub property: Property,
    pub n: i64,
}

/// How much is wanted for an assignment of `level`, once `typed` is stored for it.
pub fn wanted(db: &Read, asked: &Asked, level: Level, typed: &Typed) -> Result<Vec<Amount>> {
    if !properties::counts(db, asked.service)? {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    for mut stored in properties::stored(db, asked)? {
        if !stored.property.meter || stored.property.level != level {
            continue;
        }
        if let Some((_, text)) = typed.iter().find(|(name, _)| *name == stored.property.name) {
            stored.store(level, text.as_deref());
        }
        let n = stored.effective().and_then(serde_json::Value::as_i64).unwrap_or(0).max(0);
        all.push(Amount { property: stored.property, n });
    }
    Ok(all)
}

fn of(tx: &Write, held: &Held) -> Result<Vec<Amount>> {
    wanted(tx, &asked(tx, held)?, held.id.level(), &Typed::new())
}

/// Takes what an assignment is to have more than it has; refuses where there is no room for it.
pub fn take(tx: &Write, held: &Held) -> Result<()> {
    more(tx, held, offers::take)
}

/// The same whether or not there is room: for what follows from something decided elsewhere.
pub fn take_anyway(tx: &Write, held: &Held) -> Result<()> {
    more(tx, held, offers::take_again)
}

/// How something is taken.
type Taking = fn(&Write, &Tally, i64) -> Result<()>;

fn more(tx: &Write, held: &Held, taking: Taking) -> Result<()> {
    for Amount { property, n } in of(tx, held)? {
        let has = store::amount(tx, held.id, property.id)?;
        if n > has {
            taking(tx, &held.tally(Meter::Sum(&property)), n - has)?;
            store::set_amount(tx, held.id, property.id, n)?;
        }
    }
    Ok(())
}

/// What it has counts with another plan from now on.
pub fn change_plan(tx: &Write, held: &Held, new: PlanId) -> Result<()> {
    for Amount { property, n } in kept(tx, held)? {
        let tally = held.tally(Meter::Sum(&property));
        offers::give_back(tx, &tally, n)?;
        offers::take(tx, &tally.in_plan(new), n)?;
    }
    Ok(())
}

/// It is outside what it is to be: what it has no more is given back, unless there is more to come.
pub fn settle(tx: &Write, held: &Held) -> Result<()> {
    if !properties::counts(tx, held.service)? || rows::open_of(tx, held.id, "")? > 0 {
        return Ok(());
    }
    for Amount { property, n } in of(tx, held)? {
        let has = store::amount(tx, held.id, property.id)?;
        if has > n {
            offers::give_back(tx, &held.tally(Meter::Sum(&property)), has - n)?;
            store::set_amount(tx, held.id, property.id, n)?;
        }
    }
    Ok(())
}

/// Gives back all it has, at the customer where it is.
pub fn give_back(tx: &Write, held: &Held) -> Result<()> {
    for Amount { property, n } in kept(tx, held)? {
        offers::give_back(tx, &held.tally(Meter::Sum(&property)), n)?;
        store::set_amount(tx, held.id, property.id, 0)?;
    }
    Ok(())
}

fn kept(tx: &Write, held: &Held) -> Result<Vec<Amount>> {
    let mut all = Vec::new();
    for (id, n) in store::amounts(tx, held.id)? {
        let mut known = properties::all(tx, held.service)?;
        known.retain(|property| property.id == id);
        all.extend(known.pop().map(|property| Amount { property, n }));
    }
    Ok(all)
}
