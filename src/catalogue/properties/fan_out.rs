//! Bringing a changed value to everybody for whom it holds, in a run of its own.

use super::{Place, store};
use crate::db::Write;
use crate::error::{Error, Result};
use crate::html::text::count;
use crate::ids::{CustomerId, CustomerServiceId, PlanId, ServiceId};
use crate::jobs;
use serde::{Deserialize, Serialize};

/// The kind of run in `schedule.rs` that brings a changed value to who has the service.
pub const APPLY: &str = "services.apply_values";

/// More than so many are not changed by a value without the number being typed.
const BRAKE: i64 = 500;

/// Where a value changed: who has the service below there may be in need of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Under {
    pub service: ServiceId,
    pub plan: Option<PlanId>,
    pub reseller: Option<CustomerId>,
    pub customer_service: Option<CustomerServiceId>,
}

impl Under {
    pub fn whole(service: ServiceId) -> Under {
        Under { service, plan: None, reseller: None, customer_service: None }
    }

    /// Nothing is below a user's own.
    pub fn place(service: ServiceId, place: Place) -> Option<Under> {
        let whole = Under::whole(service);
        match place {
            Place::Plan(plan) => Some(Under { plan: Some(plan), ..whole }),
            Place::Given(reseller, plan) | Place::Own(reseller, plan) => {
                Some(Under { reseller: Some(reseller), plan, ..whole })
            }
            Place::CustomerService(id, plan) => {
                Some(Under { customer_service: Some(id), plan, ..whole })
            }
            Place::UserService(_) => None,
        }
    }
}

/// Brings a change to those who have the service, in a run that looks at each. `confirm` is what was
/// typed: many are not changed by the way.
pub fn fan_out(tx: &Write, under: &Under, at: CustomerId, confirm: Option<&str>) -> Result<()> {
    let (number, customers) = store::live_under(tx, under)?;
    if number == 0 {
        return Ok(());
    }
    if number > BRAKE && confirm.is_some_and(|typed| typed.trim() != number.to_string()) {
        let whose = count(customers, "customer", "customers");
        let text = format!("must be {number}: so many have it, of {whose}");
        return Err(Error::invalid("confirm", text));
    }
    jobs::queue_run(tx, APPLY, at, &serde_json::to_value(under)?, None)?;
    Ok(())
}
