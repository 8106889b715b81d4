//! An account that was there before: whoever imports it lets the user have the service that makes
//! such accounts, live at once and without any work. It is billed from now on.

use super::act::{self, Cause};
use super::state::Verb;
use super::{Order, plan, store};
use crate::auth::Actor;
use crate::auth::permissions::{Permission, UserServicesWrite};
use crate::db::Write;
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use crate::input::Input;
use crate::secret::Key;

/// What became of it.
pub enum Adopted {
    /// The customer has no such service, or the user has it already.
    Nothing,
    Given(String),
    /// The user stays without it, and why.
    Not(String, String),
}

pub fn adopt(
    tx: &Write,
    key: &Key,
    actor: &Actor,
    (customer, user): (CustomerId, UserId),
) -> Result<Adopted> {
    let Some((service, name, plan)) = store::makes_accounts(tx, customer, user)? else {
        return Ok(Adopted::Nothing);
    };
    if !actor.may::<UserServicesWrite>() {
        let why = format!("it needs the permission {}", UserServicesWrite::NAME);
        return Ok(Adopted::Not(name, why));
    }
    let rights = actor.service_rights::<UserServicesWrite>()?;
    let mut input = Input::default();
    input.set("service", service);
    input.set("plan", plan);
    let order =
        Order { verb: Verb::Give, customer, user: Some(user), held: None, expected: None, input };
    let mut plan = plan::of(tx, actor, &rights, &order)?;
    if !plan.refusals.is_empty() {
        let said: Vec<&str> = plan.refusals.iter().map(|each| each.message.as_str()).collect();
        return Ok(Adopted::Not(name, said.join("; ")));
    }
    // The account is there: nothing is to be made, and nobody has to agree to what is.
    plan.steps.clear();
    plan.after = None;
    act::at_once(tx, key, &plan, &Cause::default())?;
    Ok(Adopted::Given(name))
}
