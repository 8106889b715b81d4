//! Offering a service at every hop from the provider down to a customer at once: all that is missing,
//! or nothing.

use super::give::{Giver, put_plans};
use super::store::{self, Level};
use super::{State, cascade};
use crate::audit;
use crate::auth::Permission;
use crate::auth::permissions::OffersWrite;
use crate::catalogue::{self, Plan, PlanState, Service};
use crate::db::{Db, Read, Write};
use crate::error::{Error, Result};
use crate::ids::CustomerId;
use crate::input::{Field, Fields, Input};
use serde_json::json;

pub const PATH: &[Field] = &[
    Field::integer("customer_id", "who is to be able to get it").required(),
    Field::list("plans", "codes of the plans; all that are on sale when left out"),
];

/// The resellers above a customer that lack the service or one of the plans, the topmost first.
fn lacking(
    db: &Read,
    customer: CustomerId,
    service: &Service,
    plans: &[Plan],
) -> Result<Vec<Level>> {
    let mut lacking = Vec::new();
    for level in store::levels(db, customer)?.into_iter().filter(|level| level.depth > 0) {
        let offer = store::offer(db, level.id, service.id)?;
        let whole = match offer.filter(|offer| offer.state == State::Active) {
            None => false,
            Some(offer) => {
                let held = store::offer_plans(db, offer.id)?;
                plans.iter().all(|plan| held.contains(&(plan.id, State::Active)))
            }
        };
        if !whole {
            lacking.push(level);
        }
    }
    lacking.reverse();
    Ok(lacking)
}

/// Whether there is something to offer on the way, and all of it is the giver's to offer.
pub fn is_open(db: &Read, giver: &Giver, customer: CustomerId, service: &Service) -> Result<bool> {
    let lacking = lacking(db, customer, service, &[])?;
    if lacking.is_empty() || service.builtin || service.state != catalogue::State::Active {
        return Ok(false);
    }
    for level in &lacking {
        if !store::reaches(db, giver.scope, level.id)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Offers it at every hop that lacks it; says to whom.
pub fn enable(db: &Db, giver: &Giver, code: &str, input: &Input) -> Result<Vec<CustomerId>> {
    let mut fields = Fields::of(input, PATH);
    let customer = fields.parse::<CustomerId>("customer_id");
    let codes = fields.list::<String>("plans", 200);
    let (customer, codes) = fields.finish(|| Some((customer?, codes?)))?;
    db.write(giver.scope.by, |tx| {
        giver.scope.reaches(tx, customer)?;
        let service = catalogue::service_of(tx, code)?;
        if service.builtin {
            return Err(Error::NotFound);
        }
        let mut plans = catalogue::plans(tx, service.id)?;
        plans.retain(|plan| plan.state == PlanState::Active);
        if let Some(code) =
            codes.iter().find(|code| !plans.iter().any(|plan| plan.code.eq_ignore_ascii_case(code)))
        {
            return Err(Error::invalid("plans", format!("has {code}, which is not on sale")));
        }
        if !codes.is_empty() {
            plans.retain(|plan| codes.iter().any(|code| plan.code.eq_ignore_ascii_case(code)));
        }
        let missing = lacking(tx, customer, &service, &plans)?;
        for level in &missing {
            if !store::reaches(tx, giver.scope, level.id)? {
                let name = OffersWrite::NAME;
                let text =
                    format!("This needs the permission {name} at every level above the customer.");
                return Err(Error::Forbidden(text));
            }
        }
        for level in &missing {
            cascade::require(tx, giver.actor.home, level.id, &service, None)?;
            offer(tx, level.id, &service, &plans)?;
        }
        Ok(missing.iter().map(|level| level.id).collect())
    })
}

fn offer(tx: &Write, reseller: CustomerId, service: &Service, plans: &[Plan]) -> Result<()> {
    let before = store::offer(tx, reseller, service.id)?;
    let old = before.filter(|offer| offer.state != State::Withdrawn);
    let action = if old.is_some() { "offer.changed" } else { "offer.given" };
    let id = store::upsert(tx, reseller, service.id)?;
    put_plans(tx, id, service, plans)?;
    let codes: Vec<&str> = plans.iter().map(|plan| plan.code.as_str()).collect();
    let detail = json!({ "service": service.code, "plans": codes, "path": true });
    audit::record(tx, action, ("offer", id.0), reseller, &detail)
}
