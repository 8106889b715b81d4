//! Services given to customers and to users.
//!
//! Every act is planned by one function and carried out from that plan, whether it was looked at
//! before or not; so what is shown is what is run. Nobody sets a state: see [`state`].

pub mod api;
pub mod bulk;
pub mod detach;
pub mod explain;
pub mod fanout;
pub mod forget;
pub mod later;
pub mod moving;
pub mod pages;
pub mod previews;
pub mod purge;
pub mod state;
mod act;
mod adopt;
mod amounts;
mod branch;
mod document;
mod draft;
mod fields;
mod given;
mod held;
mod ledger_row;
mod notices;
mod people;
mod plan;
mod properties;
mod quote;
mod settle;
mod store;
mod waiting;
mod whole;

pub use act::{Done, source};
pub use adopt::{Adopted, adopt};
pub use branch::{Ended, change_plan, end_customer, provision_customer, revive, tell_anew};
pub use document::document;
pub use fields::{CHANGE, GIVE, GIVE_USER, REASON, REMOVE, REMOVE_FROM_USER};
pub use given::give_by_rule;
pub use held::{Held, HeldId};
pub use people::{
    Had, created_user, deleted_user, end, ever_had_any, had_by, needing, offered, one_of_user,
    provision_user, remove_user, resume_customer, resume_user, suspend_customer, suspend_user,
    update_user,
};
pub use properties::outdated;
pub use settle::settle;
pub use waiting::release;
pub use whole::{document as document_of_user, settle as settle_user};

use crate::auth::permissions::{
    CustomerServicesWrite, RequestsRetry, ServicesRead, UserServicesWrite,
};
use crate::auth::{Actor, Permission, Scope, ServiceRights};
use crate::catalogue::Level;
use crate::db::{Db, Read};
use crate::engine;
use crate::error::{Error, Result};
use crate::ids::{
    CustomerId, CustomerServiceId, PreviewId, RequestId, RunId, UserId, UserServiceId,
};
use crate::input::{self, Input};
use crate::secret::Key;
use crate::web::{Listing, Paging};
use state::{Live, Verb, Wanted};
use std::collections::BTreeMap;

words! {
    /// Why something is suspended. While there is a reason, it is.
    Reason {
        Operator = "operator", UserDisabled = "user_disabled", CustomerDisabled = "customer_disabled",
        Expired = "expired", Dunning = "dunning",
    }
}

/// What is to be done, to whom: the same for a page, the API, a preview and a run.
#[derive(Clone, Debug)]
pub struct Order {
    pub verb: Verb,
    pub customer: CustomerId,
    /// Of a user's service.
    pub user: Option<UserId>,
    /// What it is done to; none for giving.
    pub held: Option<HeldId>,
    /// The version that was looked at, if any.
    pub expected: Option<i64>,
    pub input: Input,
}

impl Order {
    pub fn level(&self) -> Level {
        if self.user.is_some() { Level::User } else { Level::Customer }
    }

    /// `user_service.give`
    pub fn action(&self) -> String {
        format!("{}_service.{}", self.level().word(), self.verb.word())
    }
}

/// What a customer has.
pub fn of_customer(
    db: &Read,
    scope: &Scope<ServicesRead>,
    customer: CustomerId,
    paging: &Paging,
) -> Result<Listing<Held>> {
    let rows = held::of_customer(db, scope, customer, paging)?;
    Ok(paging.listing(rows, |held| (held.name.clone(), held.id.number())))
}

/// What a user has.
pub fn of_user(
    db: &Read,
    scope: &Scope<ServicesRead>,
    user: UserId,
    paging: &Paging,
) -> Result<Listing<Held>> {
    let rows = held::of_user(db, scope, user, paging)?;
    Ok(paging.listing(rows, |held| (held.name.clone(), held.id.number())))
}

/// Carries out an order at once: planned and applied in one transaction.
pub fn carry_out<P: Permission>(
    db: &Db,
    key: &Key,
    actor: &Actor,
    scope: &ServiceRights<P>,
    order: &Order,
) -> Result<Done> {
    carry_out_in(db, key, actor, scope, order, None)
}

/// The same for one of many: the request belongs to the run and lets others go first.
pub fn carry_out_in<P: Permission>(
    db: &Db,
    key: &Key,
    actor: &Actor,
    scope: &ServiceRights<P>,
    order: &Order,
    run: Option<RunId>,
) -> Result<Done> {
    db.write(scope.by, |tx| {
        let plan = plan::of(tx, actor, scope, order)?;
        plan.may_go()?;
        if let Some(text) = plan.confirm() {
            input::typed(&order.input, &text)?;
        }
        let cause = act::Cause { run, ..act::Cause::default() };
        act::apply(tx, key, actor, &plan, &cause)
    })
}

/// Whether the password is asked for once more before an order: where it takes from many.
pub fn is_braked<P: Permission>(
    db: &Db,
    actor: &Actor,
    scope: &ServiceRights<P>,
    order: &Order,
) -> Result<bool> {
    if order.verb != Verb::Remove || order.user.is_some() {
        return Ok(false);
    }
    db.read(|db| previews::braked(db, &plan::of(db, actor, scope, order)?))
}

/// Shows what an order would do and keeps it, so that the same can be applied.
pub fn preview<P: Permission>(
    db: &Db,
    key: &Key,
    actor: &Actor,
    scope: &ServiceRights<P>,
    order: &Order,
) -> Result<PreviewId> {
    db.write(scope.by, |tx| {
        let plan = plan::of(tx, actor, scope, &draft::with_needs(tx, actor, order)?)?;
        previews::keep(tx, key, actor, &plan)
    })
}

/// The order that does anew, with the rules of today, what a request that failed or was cancelled was
/// to do.
pub fn planned_anew(db: &Read, scope: &Scope<RequestsRetry>, request: RequestId) -> Result<Order> {
    let job = engine::ended_badly(db, scope, request)?;
    let id = settle::subject(&job)
        .map_err(|_| Error::refused("Only work on a service can be planned again."))?;
    let held = held::any_kept(db, id)?.filter(|held| held.live != Live::Gone);
    let Some(held) = held else {
        return Err(Error::refused("What it was for is not there any more."));
    };
    let verb = if held.wanted == Wanted::Gone { Verb::Remove } else { Verb::Provision };
    Ok(Order {
        verb,
        customer: held.customer,
        user: held.user,
        held: Some(held.id),
        expected: None,
        input: Input::default(),
    })
}

/// An order about a customer's services, for somebody who may give one.
pub fn for_customer(
    db: &Read,
    scope: &ServiceRights<CustomerServicesWrite>,
    customer: CustomerId,
    verb: Verb,
    held: Option<CustomerServiceId>,
    input: Input,
) -> Result<Order> {
    scope.reaches(db, customer)?;
    let held = held.map(HeldId::Customer);
    Ok(Order { verb, customer, user: None, held, expected: None, input })
}

/// An order about a user's services.
pub fn for_user(
    db: &Read,
    scope: &ServiceRights<UserServicesWrite>,
    user: UserId,
    verb: Verb,
    held: Option<UserServiceId>,
    input: Input,
) -> Result<Order> {
    let customer = scope.home_of(db, user)?;
    let held = held.map(HeldId::User);
    Ok(Order { verb, customer, user: Some(user), held, expected: None, input })
}

/// The settings that are kept for the assignment itself, by name as they would be typed; none that is
/// secret.
pub fn own_settings(db: &Read, held: &Held) -> Result<BTreeMap<String, String>> {
    properties::own(db, held)
}

/// Refuses what was changed since it was looked at.
fn unchanged(order: &Order, held: &Held) -> Result<()> {
    match order.expected {
        Some(version) if version != held.version => Err(Error::Stale(format!(
            "{} changed since you looked at it. Load the page again.",
            held.title()
        ))),
        _ => Ok(()),
    }
}
