//! What is done to a user as a whole is one request: the steps of the account, and the work on each
//! service as its parts.

use super::act::source;
use super::store;
use crate::db::{Read, Via, Write};
use crate::engine::rules::{self, plan};
use crate::engine::{self, Class, Document, Job, NewRequest, NewStep, Settled, Status};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, RequestId, UserId};

/// An event of a user.
#[derive(Clone, Copy)]
pub struct Act {
    pub event: &'static str,
    /// "Disable"
    pub verb: &'static str,
    pub class: Class,
    /// Whether the account comes last.
    pub last: bool,
}

pub const PROVISION: Act =
    Act { event: "user.provision", verb: "Provision", class: Class::Interactive, last: false };
pub const DISABLE: Act =
    Act { event: "user.disable", verb: "Disable", class: Class::Security, last: false };
pub const ENABLE: Act =
    Act { event: "user.enable", verb: "Enable", class: Class::Interactive, last: false };
pub const DEPROVISION: Act =
    Act { event: "user.deprovision", verb: "Deprovision", class: Class::Interactive, last: true };
pub const DELETE: Act =
    Act { event: "user.delete", verb: "Delete", class: Class::Interactive, last: true };

/// Orders the whole with its `parts`, and says all that was ordered: the whole first. Without steps of
/// its own it is there only to hold together several parts that are still to be done.
pub fn of_user(
    tx: &Write,
    user: UserId,
    act: Act,
    parts: impl FnOnce() -> Result<Vec<RequestId>>,
) -> Result<Vec<RequestId>> {
    let (customer, name) = store::person(tx, user)?;
    let steps = steps(tx, customer, user, act.event)?;
    // Nobody waits for what a run over many has ordered.
    let by_run = tx.by.via == Via::Job && act.class == Class::Interactive;
    let new = NewRequest {
        customer,
        event: act.event,
        user: Some(user),
        customer_service: None,
        user_service: None,
        title: format!("{} {name}", act.verb),
        class: if by_run { Class::Bulk } else { act.class },
        source: source(tx.by.via),
        after: None,
        parent: None,
        preview: None,
        run: None,
        by: tx.by.user,
        steps,
    };
    let (whole, parts) = if new.steps.is_empty() || act.last {
        let parts = parts()?;
        if new.steps.is_empty() && (parts.len() < 2 || !any_is_open(tx, &parts)?) {
            return Ok(parts);
        }
        (engine::accept_behind(tx, new, &parts)?, parts)
    } else {
        let whole = engine::accept(tx, new)?;
        let parts = parts()?;
        engine::adopt(tx, whole, &parts)?;
        (whole, parts)
    };
    Ok(std::iter::once(whole).chain(parts).collect())
}

/// What rules want done; one that would refuse comes too late for what was decided here.
fn steps(db: &Read, customer: CustomerId, user: UserId, event: &str) -> Result<Vec<NewStep>> {
    let book = plan::book(db, customer, None, event)?;
    if book.rules.is_empty() {
        return Ok(Vec::new());
    }
    Ok(book.plan(&told(db, customer, user)?, db.now).steps)
}

fn any_is_open(db: &Read, parts: &[RequestId]) -> Result<bool> {
    for part in parts {
        let status = engine::status(db, *part)?;
        if !matches!(status, Status::Done | Status::Failed | Status::Cancelled) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn told(db: &Read, customer: CustomerId, user: UserId) -> Result<Document> {
    Ok(Document {
        customer: rules::told_customer(db, customer)?,
        user: rules::told_user(db, user)?,
        ..Document::default()
    })
}

/// What scripts and webhooks are told of a user.
pub fn document(db: &Read, job: &Job) -> Result<Document> {
    let user = job
        .user
        .ok_or_else(|| Error::internal(format!("request {} is about no user", job.request)))?;
    told(db, job.customer, user)
}

/// What is done to a user is done when it is ordered; its end changes nothing here.
pub fn settle(_: &Write, _: &Settled) -> Result<()> {
    Ok(())
}
