//! What a rule gives: an order of whoever ordered the work that the rule belongs to, with the rights
//! that they have by then.

use super::act::{self, Cause};
use super::plan::{self, Plan};
use super::state::Verb;
use super::{Order, draft};
use crate::auth::permissions::{CustomerServicesWrite, UserServicesWrite};
use crate::auth::{self, Actor, Door};
use crate::catalogue::Level;
use crate::db::{Via, Write};
use crate::engine::Job;
use crate::error::{Error, Result};
use crate::ids::RequestId;
use crate::input::Input;
use crate::secret::Key;
use serde_json::Value;

/// Says which request that is; nothing where the holder has it already.
pub fn give_by_rule(tx: &Write, key: &Key, job: &Job, params: &Value) -> Result<Option<RequestId>> {
    let said = |name: &str| params.get(name).and_then(Value::as_str).unwrap_or_default();
    let by = job.by.ok_or_else(|| {
        Error::refused("Nobody ordered this, so nothing can be given in their name.")
    })?;
    let actor = auth::actor(tx, by, Door::Job, Via::Job)
        .map_err(|_| Error::refused("Whoever ordered it may not enter any more."))?;
    let service = draft::known(tx, said("service"))?;
    let user = match service.kind {
        Level::User => Some(job.user.ok_or_else(|| {
            Error::refused(format!("{} is for users, and this is about none.", service.name))
        })?),
        Level::Customer => None,
    };
    let mut input = Input::default();
    input.set("service", &service.code);
    if !said("plan").is_empty() {
        input.set("plan", said("plan"));
    }
    for (name, value) in params.get("properties").and_then(Value::as_object).into_iter().flatten() {
        input.set(&format!("properties.{name}"), value.as_str().unwrap_or_default());
    }
    let (verb, customer) = (Verb::Give, job.customer);
    let order = Order { verb, customer, user, held: None, expected: None, input };
    if draft::has(tx, &order, service.id, "")? {
        return Ok(None);
    }
    let plan = planned(tx, &actor, &order).map_err(|err| match err {
        Error::Forbidden(text) => Error::refused(text),
        Error::NotFound => Error::refused(format!("{} cannot be given here.", service.name)),
        other => other,
    })?;
    let orderer = tx.on_behalf(actor.by);
    act::apply(&orderer, key, &actor, &plan, &Cause::default()).map(|done| Some(done.request))
}

fn planned(tx: &Write, actor: &Actor, order: &Order) -> Result<Plan> {
    match order.user {
        Some(_) => plan::of(tx, actor, &actor.service_rights::<UserServicesWrite>()?, order),
        None => plan::of(tx, actor, &actor.service_rights::<CustomerServicesWrite>()?, order),
    }
}
