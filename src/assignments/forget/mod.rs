//! Forgetting what cannot be taken away any more: a service whose outside is gone, or whose removal
//! failed. Nothing is done outside; what stays there is named.

pub mod api;
pub mod pages;

use super::state::{State, Wanted};
use super::{Held, HeldId, act, held, ledger_row, settle, store};
use crate::audit;
use crate::auth::Scope;
use crate::auth::permissions::ServicesForget;
use crate::db::{Db, Read, Write};
use crate::engine::{self, Overtaken};
use crate::error::{Error, Result};
use crate::html::text::count;
use crate::ids::{CustomerId, CustomerServiceId, UserId, UserServiceId};
use crate::input::{Field, Fields, Input};
use crate::ledger::{self, Action};
use serde_json::json;

pub const FORGET: &[Field] = &[
    Field::text("confirm", "the service’s name, with its label where there are several, typed")
        .required(),
    Field::text("reason", "1 to 200 characters").required(),
];

/// Whose it is: a customer's or a user's.
#[derive(Clone, Copy)]
pub enum Whose {
    Customer(CustomerId, CustomerServiceId),
    User(UserId, UserServiceId),
}

/// What would be forgotten, and what of it stays outside.
pub fn outlook(
    db: &Read,
    scope: &Scope<ServicesForget>,
    whose: Whose,
) -> Result<(Held, Vec<String>)> {
    let held = match whose {
        Whose::Customer(customer, id) => held::customer_service(db, scope, customer, id)?,
        Whose::User(user, id) => held::user_service(db, scope, user, id)?,
    };
    let outside = store::made(db, held.id)?;
    Ok((held, outside))
}

/// Why it cannot be forgotten; nothing where it can.
pub fn refusal(db: &Read, held: &Held) -> Result<Option<String>> {
    let name = held.title();
    let request = || held.open.map_or(String::new(), |open| format!(" (request {})", open.request));
    if held.builtin {
        return Ok(Some(format!("{name} is part of Portico and has nothing outside.")));
    }
    let text = match held.state() {
        State::WaitingApproval => format!("{name} waits for approval: withdraw it first."),
        State::Provisioning => format!("{name} is being provisioned{}.", request()),
        State::Changing | State::Suspending | State::Resuming => {
            format!("{name} is being changed{}.", request())
        }
        State::Removing if held.open.is_some() => format!("{name} is being removed{}.", request()),
        State::Removed => return Err(Error::NotFound),
        State::Removing => String::new(),
        _ if store::connector_gone(db, held)? => String::new(),
        State::Failed => format!("{name} was not set up: remove it."),
        State::Active | State::Suspended => format!("{name} is live: remove it first."),
    };
    if !text.is_empty() {
        return Ok(Some(text));
    }
    if let HeldId::Customer(id) = held.id {
        let users = held::users_of(db, id, 1_000)?;
        let n = users.iter().filter(|each| each.wanted != Wanted::Gone).count();
        let left = i64::try_from(users.len().max(n)).unwrap_or(i64::MAX);
        if left > 0 {
            let who = count(left, "user has", "users have");
            return Ok(Some(format!("{who} it at {name}: remove or forget theirs first.")));
        }
    }
    Ok(None)
}

/// Takes it out of the books: no step runs, its seat is free, its money stops.
pub fn forget(db: &Db, scope: &Scope<ServicesForget>, whose: Whose, input: &Input) -> Result<Held> {
    db.write(scope.by, |tx| {
        let (held, outside) = outlook(tx, scope, whose)?;
        let mut fields = Fields::of(input, FORGET);
        let (reason, typed) = (fields.text("reason", 1..=200), fields.typed(&held.title()));
        if let Some(text) = refusal(tx, &held)? {
            return Err(Error::refused(text));
        }
        let reason = fields.finish(|| {
            typed?;
            reason
        })?;
        drop_it(tx, &held, &reason)?;
        let detail = json!({
            "service": held.code, "plan": held.plan, "label": held.label, "user_id": held.user,
            "reason": reason, "stays_outside": outside,
        });
        let action = format!("{}_service.forgotten", held.id.level().word());
        audit::record(tx, &action, act::subject(held.id), held.customer, &detail)?;
        Ok(held)
    })
}

pub fn drop_it(tx: &Write, held: &Held, reason: &str) -> Result<()> {
    let overtaken = match held.id {
        HeldId::Customer(id) => Overtaken::CustomerService(id),
        HeldId::User(id) => Overtaken::UserService(id),
    };
    engine::cancel_open(tx, overtaken, &format!("forgotten: {reason}"))?;
    let kind = ledger_row::kind(held.id);
    if ledger::is_open(tx, kind, held.id.number())? {
        ledger_row::write(tx, held, Action::Removed, &ledger_row::By::now(held, false))?;
    }
    settle::release(tx, held)
}
