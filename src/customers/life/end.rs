//! The end of a customer, step by step, and the ways back.

use super::{Order, mortal, notice, ordered, ordered_behind, refuse, store, told};
use crate::assignments::{self, Ended};
use crate::audit;
use crate::auth::permissions::{CustomersDelete, CustomersDeprovision};
use crate::auth::{Permission, Scope};
use crate::customers::store as customers;
use crate::customers::{Customer, Type, is_in_state, over_limit};
use crate::db::{Db, Write};
use crate::engine::Class;
use crate::error::{Complaint, Error, Result};
use crate::html::text::count;
use crate::ids::{CustomerId, UserId};
use crate::input::{CONFIRM, Field, Fields, Input};
use crate::jobs;
use crate::ledger::{self, Action, Kind, Row};
use crate::places::State;
use crate::time::Zone;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub const DEPROVISION: &[Field] = &[CONFIRM];
pub const DELETE: &[Field] = &[CONFIRM];
pub const PURGE: &[Field] = &[CONFIRM];

/// What a customer was when it was deprovisioned.
#[derive(Serialize, Deserialize)]
struct Memory {
    /// Users that were active, and those that were disabled.
    active: Vec<UserId>,
    disabled: Vec<UserId>,
    services: Ended,
}

/// Ends everything outside and on the bill; all data stays here.
pub fn deprovision(
    db: &Db,
    scope: &Scope<CustomersDeprovision>,
    id: CustomerId,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let customer = mortal(tx, scope, id)?;
        let mut fields = Fields::of(input, DEPROVISION);
        let typed = fields.typed(&customer.code);
        match deprovision_in(tx, scope, &customer, "customer.deprovisioned") {
            Err(Error::Invalid(all)) => fields.complaints(all),
            other => other?,
        }
        fields.finish(|| typed)
    })
}

/// The same inside a transaction, for whoever has asked already.
pub fn deprovision_in<P: Permission>(
    tx: &Write,
    scope: &Scope<P>,
    customer: &Customer,
    event: &str,
) -> Result<()> {
    let (id, name) = (customer.id, &customer.details.name);
    if !matches!(customer.state, State::Active | State::Disabled) {
        return Err(is_in_state(customer));
    }
    let (n, three) = store::living_below(tx, id)?;
    if n > 0 {
        let what = count(n, "customer", "customers");
        let verb = if n == 1 { "is" } else { "are" };
        let text =
            format!("{name} has {what} below that {verb} not deprovisioned: {}.", three.join(", "));
        return Err(Error::refused(text));
    }
    let (services, parts) = assignments::end_customer(tx, id)?;
    let order = Order::of(customer, "customer.deprovision", "Deprovision", Class::Bulk);
    let request = ordered_behind(tx, order, &parts)?;
    let (active, disabled) = store::living_users(tx, id)?;
    for user in active.iter().chain(&disabled) {
        let row = Row { user: Some(*user), ..Row::new(Kind::User, user.0, Action::Removed, id) };
        ledger::record(tx, &row)?;
    }
    store::end_users(tx, id)?;
    for domain in store::owned_domains(tx, id)? {
        ledger::record(tx, &Row::new(Kind::Domain, domain.0, Action::Removed, id))?;
    }
    ledger::record(tx, &Row::new(Kind::Customer, id.0, Action::Removed, id))?;
    store::set_state(tx, scope, id, State::Deprovisioned, None)?;
    let users = active.len() + disabled.len();
    let held = services.customer_services.len() + services.user_services.len();
    let memory = Memory { active, disabled, services };
    store::remember(tx, id, &serde_json::to_string(&memory)?)?;
    let detail = json!({ "users": users, "services": held, "request_id": request });
    audit::record(tx, event, ("customer", id.0), id, &detail)?;
    let told = format!(
        "{name} was deprovisioned: its services have ended and nobody of it can sign in. \
         Its data is kept, and it can be provisioned again."
    );
    let subject = format!("{name} was deprovisioned");
    notice::contact(tx, id, "customer.deprovisioned", &subject, &told)?;
    notice::above(tx, id, "customer.deprovisioned", &subject, &told)
}

/// Everything back from memory, within the limits, offers and plans of today.
pub fn reprovision(db: &Db, scope: &Scope<CustomersDeprovision>, id: CustomerId) -> Result<()> {
    db.write(scope.by, |tx| reprovision_in(tx, scope, id))
}

/// The same inside a transaction.
pub fn reprovision_in<P: Permission>(tx: &Write, scope: &Scope<P>, id: CustomerId) -> Result<()> {
    let customer = mortal(tx, scope, id)?;
    if customer.state != State::Deprovisioned {
        return Err(is_in_state(&customer));
    }
    let memory = store::memory(tx, id)?;
    let memory: Memory =
        serde_json::from_str(&memory).map_err(|_| Error::internal("a memory cannot be read"))?;
    let mut against: Vec<Complaint> = Vec::new();
    if let Some(parent) = customer.parent {
        let state = customers::state(tx, parent)?;
        if state != State::Active {
            let text = format!("{} is {}.", customers::name(tx, parent)?, state.word());
            against.push(Complaint::new("", text));
        }
    }
    if let Some(day) = customer.details.expires_on
        && customer.details.kind == Type::Demo
    {
        let zone = Zone::named(&customer.details.time_zone).unwrap_or_else(Zone::utc);
        if day < tx.now.day(&zone) {
            let name = &customer.details.name;
            let text = format!("{name} expired on {}: set a new date.", day.long());
            against.push(Complaint::new("", text));
        }
    }
    let coming = i64::try_from(memory.active.len() + memory.disabled.len()).unwrap_or(i64::MAX);
    if let Some(limit) = customer.details.user_limit.filter(|limit| coming > *limit) {
        let text = over_limit(&customer.details.name, limit, coming);
        against.push(Complaint::new("", text));
    }
    store::set_state(tx, scope, id, State::Active, None)?;
    let customer = customers::one(tx, scope, id)?;
    let row = Row { facts: told(&customer), ..Row::new(Kind::Customer, id.0, Action::Added, id) };
    ledger::record(tx, &row)?;
    for domain in store::owned_domains(tx, id)? {
        ledger::record(tx, &Row::new(Kind::Domain, domain.0, Action::Added, id))?;
    }
    let users = store::return_users(tx, id, &memory.active, &memory.disabled)?;
    for user in users {
        let facts = store::user_facts(tx, user)?;
        let row = Row::new(Kind::User, user.0, Action::Added, id);
        ledger::record(tx, &Row { user: Some(user), facts, ..row })?;
    }
    let request =
        ordered(tx, Order::of(&customer, "customer.provision", "Provision", Class::Bulk))?;
    let viewer = store::home(tx, tx.by.user)?;
    against.extend(assignments::revive(tx, viewer, &memory.services)?);
    if !against.is_empty() {
        return Err(Error::Invalid(against));
    }
    store::adopt(tx, id, request)?;
    store::forget(tx, id)?;
    let detail = json!({ "request_id": request });
    audit::record(tx, "customer.reprovisioned", ("customer", id.0), id, &detail)?;
    let name = &customer.details.name;
    let text = format!("{name} was provisioned again, with the users and services it had.");
    notice::above(tx, id, "customer.reprovisioned", &format!("{name} is back"), &text)
}

/// Into the bin, for 30 days; a run makes the exit kit.
pub fn delete(
    db: &Db,
    scope: &Scope<CustomersDelete>,
    id: CustomerId,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let customer = mortal(tx, scope, id)?;
        let mut fields = Fields::of(input, DELETE);
        let typed = fields.typed(&customer.code);
        match delete_in(tx, scope, &customer) {
            Err(Error::Invalid(all)) => fields.complaints(all),
            other => other?,
        }
        fields.finish(|| typed)
    })
}

/// The same inside a transaction, for whoever has asked already.
pub fn delete_in<P: Permission>(tx: &Write, scope: &Scope<P>, customer: &Customer) -> Result<()> {
    let (id, name) = (customer.id, &customer.details.name);
    let mut against = Vec::new();
    match customer.state {
        State::Deprovisioned => {}
        State::Active | State::Disabled => against.push(format!("Deprovision {name} first.")),
        _ => return Err(is_in_state(customer)),
    }
    let n = store::undeleted_below(tx, id)?;
    if n > 0 {
        let what = count(n, "customer", "customers");
        let verb = if n == 1 { "is" } else { "are" };
        against.push(format!("{what} below {verb} not deleted."));
    }
    against.extend(still_running(&store::open_requests(tx, id)?));
    refuse(against)?;
    store::set_state(tx, scope, id, State::Deleted, None)?;
    let request = ordered(tx, Order::of(customer, "customer.delete", "Delete", Class::Bulk))?;
    let run = jobs::queue_run(tx, KIT, id, &json!({ "deleted": true }), None)?;
    let detail = json!({ "request_id": request, "run_id": run });
    audit::record(tx, "customer.deleted", ("customer", id.0), id, &detail)?;
    let text = format!(
        "{name} was deleted. It lies in the bin for 30 days and can be restored until then; \
         a file with all of its data is being made."
    );
    notice::above(tx, id, "customer.deleted", &format!("{name} was deleted"), &text)
}

/// Days that a deleted customer lies in the bin.
pub const BIN: i64 = 30;
/// The kind of run that makes an exit kit.
pub const KIT: &str = "customers.export";

/// "Requests 4, 5 and 6 are still running."
pub fn still_running(requests: &[i64]) -> Option<String> {
    let ids: Vec<String> = requests.iter().map(i64::to_string).collect();
    match ids.as_slice() {
        [] => None,
        [one] => Some(format!("Request {one} is still running.")),
        many => Some(format!("Requests {} are still running.", super::listed(many))),
    }
}

/// Out of the bin.
pub fn restore(db: &Db, scope: &Scope<CustomersDelete>, id: CustomerId) -> Result<()> {
    db.write(scope.by, |tx| restore_in(tx, scope, id))
}

/// The same inside a transaction.
pub fn restore_in<P: Permission>(tx: &Write, scope: &Scope<P>, id: CustomerId) -> Result<()> {
    let customer = mortal(tx, scope, id)?;
    if customer.state != State::Deleted {
        return Err(is_in_state(&customer));
    }
    let name = &customer.details.name;
    let lost = store::unshared(tx, id)?.into_iter();
    let mut against: Vec<String> =
        lost.map(|domain| format!("{domain} is no longer shared with {name}.")).collect();
    if let Some(parent) = customer.parent {
        let state = customers::state(tx, parent)?;
        if matches!(state, State::Deleted | State::Purged) {
            against.push(format!("{} is {}.", customers::name(tx, parent)?, state.word()));
        }
    }
    refuse(against)?;
    store::set_state(tx, scope, id, State::Deprovisioned, None)?;
    audit::record(tx, "customer.restored", ("customer", id.0), id, &json!({}))
}

/// Erases a deleted customer by hand, before its 30 days are over.
pub fn purge(db: &Db, scope: &Scope<CustomersDelete>, id: CustomerId, input: &Input) -> Result<()> {
    db.write(scope.by, |tx| {
        let customer = mortal(tx, scope, id)?;
        let mut fields = Fields::of(input, PURGE);
        let typed = fields.typed(&customer.code);
        match purge_in(tx, &customer) {
            Err(Error::Invalid(all)) => fields.complaints(all),
            other => other?,
        }
        fields.finish(|| typed)
    })
}

/// Erases what is personal; the row keeps what ledger and invoices name.
pub fn purge_in(tx: &Write, customer: &Customer) -> Result<()> {
    let id = customer.id;
    if customer.state != State::Deleted {
        return Err(is_in_state(customer));
    }
    if let Some(why) = store::why_no_kit(tx, id)? {
        return Err(Error::refused(format!("There is no exit kit yet: {why}.")));
    }
    store::erase(tx, id)?;
    audit::record(tx, "customer.purged", ("customer", id.0), id, &json!({}))
}
