//! What stands against the move of a customer to another reseller, and the seats that go with it.

mod store;

use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, PlanId, ServiceId};

/// Why what the branch of `id` has could not be had below `target`, with the plans in `instead`.
pub fn blockers(
    db: &Read,
    id: CustomerId,
    target: CustomerId,
    instead: &[(PlanId, PlanId)],
) -> Result<Vec<String>> {
    let to = crate::offers::store::name(db, target)?;
    let mut against = Vec::new();
    for used in store::used_services(db, id)? {
        if !store::offered_all_the_way(db, target, used.service)? {
            against.push(format!("{to} does not offer {}.", used.name));
            continue;
        }
        for (plan, name) in store::used_plans(db, id, used.service)? {
            let wanted = instead.iter().find(|(from, _)| *from == plan).map_or(plan, |(_, to)| *to);
            if store::plan_offered_all_the_way(db, target, wanted)? {
                continue;
            }
            let open = store::open_plans(db, target, plan)?;
            let open: Vec<String> = open.into_iter().map(|(_, name)| name).collect();
            against.push(match open.as_slice() {
                [] => format!("{name} is not offered."),
                _ => format!("{name} is not offered; choose one of {}.", open.join(", ")),
            });
        }
    }
    for tight in store::tight_counters(db, id, target, instead)? {
        against.push(format!(
            "{} at {} has {} left, {} are needed.",
            tight.what, tight.holder, tight.left, tight.needed
        ));
    }
    Ok(against)
}

/// Plans in use that could not be had there, with their services.
pub fn unoffered_plans(
    db: &Read,
    id: CustomerId,
    target: CustomerId,
) -> Result<Vec<(ServiceId, PlanId)>> {
    let mut all = Vec::new();
    for used in store::used_services(db, id)? {
        for (plan, _) in store::used_plans(db, id, used.service)? {
            if !store::plan_offered_all_the_way(db, target, plan)? {
                all.push((used.service, plan));
            }
        }
    }
    Ok(all)
}

/// Code and name of the plans that could be had instead of `plan`.
pub fn open_plans(db: &Read, target: CustomerId, plan: PlanId) -> Result<Vec<(String, String)>> {
    store::open_plans(db, target, plan)
}

/// Takes what the branch uses from the counters above it, and adds it to those above `target`.
/// Called before the tree changes.
pub fn shift(tx: &Write, id: CustomerId, target: CustomerId) -> Result<()> {
    store::leave_counters(tx, id, target)?;
    store::join_counters(tx, id, target)
}
