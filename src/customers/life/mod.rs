//! The life of a customer: disabled and enabled, deprovisioned and provisioned again, deleted,
//! restored and purged.
//!
//! Invariant: each verb is one transaction that writes state, audit, ledger, requests and notices, or
//! refuses with every reason there is. The provider goes through none of them.

mod end;
pub mod notice;
mod store;

pub use end::{
    BIN, DELETE, DEPROVISION, KIT, PURGE, delete, delete_in, deprovision, deprovision_in, purge,
    purge_in, reprovision, reprovision_in, restore, restore_in, still_running,
};

use super::{Customer, facts, is_in_state};
use crate::assignments::{self, Reason};
use crate::audit;
use crate::auth::permissions::{CustomersDisable, CustomersUpdate};
use crate::auth::{Permission, Scope};
use crate::customers::store as customers;
use crate::db::{Db, Read, Via, Write};
use crate::engine::{self, Class, Document, Job, NewRequest, NewStep, Settled, rules};
use crate::error::{Complaint, Error, Result};
use crate::html::text::count;
use crate::ids::{CustomerId, RequestId, UserId};
use crate::input::{Field, Fields, Input};
use crate::ledger::{self, Action, Kind, Row, Source};
use crate::places::State;
use serde_json::{Value, json};

/// What is asked when a customer is disabled.
pub const DISABLE: &[Field] = &[
    Field::text("reason", "at most 200 characters"),
    Field::boolean("everything_below", "its customers too, however far below"),
];

/// Nobody of the customer can sign in any more, and its services are suspended; with
/// `everything_below`, the same below it.
pub fn disable(
    db: &Db,
    scope: &Scope<CustomersDisable>,
    id: CustomerId,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| disable_in(tx, scope, id, input))
}

/// The same inside a transaction.
pub fn disable_in<P: Permission>(
    tx: &Write,
    scope: &Scope<P>,
    id: CustomerId,
    input: &Input,
) -> Result<()> {
    let mut fields = Fields::of(input, DISABLE);
    let (reason, below) = (fields.text("reason", 0..=200), fields.flag("everything_below"));
    let (reason, below) = fields.finish(|| Some((reason?, below?)))?;
    let customer = mortal(tx, scope, id)?;
    if customer.state != State::Active {
        return Err(is_in_state(&customer));
    }
    let branch = if below { store::branch(tx, scope, id, State::Active)? } else { vec![id] };
    for each in &branch {
        let through = (*each != id).then_some(id);
        disable_one(tx, scope, *each, through, &reason)?;
    }
    let name = &customer.details.name;
    let mut told = format!("{name} was disabled. Nobody of it can sign in now.");
    let more = i64::try_from(branch.len()).unwrap_or(1) - 1;
    if more > 0 {
        let what = count(more, "customer", "customers");
        told = format!("{name} was disabled, and {what} below it. Nobody of them can sign in now.");
    }
    if !reason.is_empty() {
        told = format!("{told}\n\nReason: {reason}");
    }
    notice::above(tx, id, "customer.disabled", &format!("{name} was disabled"), &told)
}

fn disable_one<P: Permission>(
    tx: &Write,
    scope: &Scope<P>,
    id: CustomerId,
    through: Option<CustomerId>,
    reason: &str,
) -> Result<()> {
    let customer = set_state(tx, scope, id, State::Disabled, through)?;
    let request =
        ordered(tx, Order::of(&customer, "customer.disable", "Disable", Class::Security))?;
    assignments::suspend_customer(tx, id, Reason::CustomerDisabled)?;
    store::adopt(tx, id, request)?;
    let detail = json!({ "reason": reason, "through": through, "request_id": request });
    audit::record(tx, "customer.disabled", ("customer", id.0), id, &detail)
}

/// Everybody as they were, services too, and what was disabled through it.
pub fn enable(db: &Db, scope: &Scope<CustomersDisable>, id: CustomerId) -> Result<()> {
    db.write(scope.by, |tx| enable_in(tx, scope, id))
}

/// The same inside a transaction.
pub fn enable_in<P: Permission>(tx: &Write, scope: &Scope<P>, id: CustomerId) -> Result<()> {
    let customer = mortal(tx, scope, id)?;
    if customer.state != State::Disabled {
        return Err(is_in_state(&customer));
    }
    if let Some(above) = customer.disabled_through
        && customers::state(tx, above)? == State::Disabled
    {
        let name = customers::name(tx, above)?;
        return Err(Error::refused(format!("{name} is disabled.")));
    }
    for each in store::disabled_through(tx, scope, id)?.into_iter().chain([id]) {
        let customer = set_state(tx, scope, each, State::Active, None)?;
        let request =
            ordered(tx, Order::of(&customer, "customer.enable", "Enable", Class::Interactive))?;
        assignments::resume_customer(tx, each, Reason::CustomerDisabled)?;
        store::adopt(tx, each, request)?;
        let detail = json!({ "request_id": request });
        audit::record(tx, "customer.enabled", ("customer", each.0), each, &detail)?;
    }
    let name = &customer.details.name;
    let told = format!("{name} was enabled. Everybody of it is as before.");
    notice::above(tx, id, "customer.enabled", &format!("{name} was enabled"), &told)
}

/// Brings the wanted state to the outside once more.
pub fn apply_again(db: &Db, scope: &Scope<CustomersUpdate>, id: CustomerId) -> Result<RequestId> {
    db.write(scope.by, |tx| {
        let customer = customers::one(tx, scope, id)?;
        if !matches!(customer.state, State::Active | State::Disabled) {
            return Err(is_in_state(&customer));
        }
        let request = ordered(
            tx,
            Order::of(&customer, "customer.provision", "Provision", Class::Interactive),
        )?;
        assignments::provision_customer(tx, id)?;
        store::adopt(tx, id, request)?;
        let detail = json!({ "request_id": request });
        audit::record(tx, "customer.provisioned_again", ("customer", id.0), id, &detail)?;
        Ok(request)
    })
}

/// Says to the outside that a customer is new or called otherwise.
pub fn provision(tx: &Write, id: CustomerId, name: &str) -> Result<RequestId> {
    ordered(
        tx,
        Order {
            customer: id,
            name,
            event: "customer.provision",
            verb: "Provision",
            class: Class::Interactive,
        },
    )
}

/// The request of what is done to a customer as a whole; what is done to its services hangs below it.
pub fn ordered(tx: &Write, order: Order) -> Result<RequestId> {
    ordered_behind(tx, order, &[])
}

/// The same, to begin when all of `parts` are done.
fn ordered_behind(tx: &Write, order: Order, parts: &[RequestId]) -> Result<RequestId> {
    let Order { customer, name, event, verb, class } = order;
    let steps = steps(tx, customer, event)?;
    engine::accept_behind(
        tx,
        NewRequest {
            customer,
            event,
            user: None,
            customer_service: None,
            user_service: None,
            title: format!("{verb} {name}"),
            class,
            source: match tx.by.via {
                Via::Page | Via::Link => Source::Page,
                Via::Api => Source::Api,
                Via::Engine => Source::Engine,
                Via::Job => Source::Job,
                Via::Shell => Source::Shell,
            },
            after: None,
            parent: None,
            preview: None,
            run: None,
            by: tx.by.user,
            steps,
        },
        parts,
    )
}

/// What rules want done; one that would refuse comes too late for what was decided here.
fn steps(db: &Read, customer: CustomerId, event: &str) -> Result<Vec<NewStep>> {
    let book = rules::plan::book(db, customer, None, event)?;
    if book.rules.is_empty() {
        return Ok(Vec::new());
    }
    let customer = rules::told_customer(db, customer)?;
    Ok(book.plan(&Document { customer, ..Document::default() }, db.now).steps)
}

/// What is asked for a customer as a whole.
pub struct Order<'a> {
    pub customer: CustomerId,
    pub name: &'a str,
    pub event: &'static str,
    pub verb: &'a str,
    pub class: Class,
}

impl<'a> Order<'a> {
    fn of(customer: &'a Customer, event: &'static str, verb: &'a str, class: Class) -> Order<'a> {
        Order { customer: customer.id, name: &customer.details.name, event, verb, class }
    }
}

/// The requests made for a customer since `parent` are parts of it.
pub fn adopt(tx: &Write, customer: CustomerId, parent: RequestId) -> Result<()> {
    store::adopt(tx, customer, parent)
}

/// Where somebody belongs; Portico itself belongs to the provider.
pub fn home(db: &Read, user: Option<UserId>) -> Result<CustomerId> {
    store::home(db, user)
}

/// What rating reads of a user.
pub fn user_facts(db: &Read, user: UserId) -> Result<Value> {
    store::user_facts(db, user)
}

/// What scripts and webhooks are told of a customer.
pub fn document(db: &Read, job: &Job) -> Result<Document> {
    Ok(Document { customer: rules::told_customer(db, job.customer)?, ..Document::default() })
}

/// Nothing here follows from how it ended outside.
pub fn settle(_: &Write, _: &Settled) -> Result<()> {
    Ok(())
}

/// The customer, where it is not the provider: that one is never disabled, ended or moved.
pub fn mortal<P: Permission>(db: &Read, scope: &Scope<P>, id: CustomerId) -> Result<Customer> {
    let customer = customers::one(db, scope, id)?;
    if customer.parent.is_none() {
        let name = &customer.details.name;
        return Err(Error::refused(format!("{name} is the provider.")));
    }
    Ok(customer)
}

fn set_state<P: Permission>(
    tx: &Write,
    scope: &Scope<P>,
    id: CustomerId,
    state: State,
    through: Option<CustomerId>,
) -> Result<Customer> {
    store::set_state(tx, scope, id, state, through)?;
    let now = customers::one(tx, scope, id)?;
    let row = Row { facts: told(&now), ..Row::new(Kind::Customer, id.0, Action::Changed, id) };
    ledger::record(tx, &row)?;
    Ok(now)
}

fn told(customer: &Customer) -> Value {
    facts(customer.parent, customer.state, &customer.details)
}

/// Several reasons at once, each for the whole form.
fn refuse(reasons: Vec<String>) -> Result<()> {
    if reasons.is_empty() {
        return Ok(());
    }
    Err(Error::Invalid(reasons.into_iter().map(|text| Complaint::new("", text)).collect()))
}

/// "A, B and C"
pub fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
