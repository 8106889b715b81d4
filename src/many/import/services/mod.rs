//! Import of services from a spreadsheet: what a customer and its users are to have, a row each. Every
//! row says what becomes of it and goes through the order that its page gives.
//!
//! Invariant: the same file again changes nothing and orders nothing.

pub mod api;
pub mod pages;
pub mod run;
mod columns;
mod taken;
mod store;

use crate::assignments::state::{Verb, Wanted};
use crate::assignments::{self, Done, Held, Order as Wish, Reason};
use crate::auth::permissions::{CustomerServicesWrite, ServicesRead, UserServicesWrite};
use crate::auth::{Actor, Permission, Scope};
use crate::catalogue::properties::{self, Property};
use crate::catalogue::{self, Service};
use crate::db::{Read, Write};
use crate::error::{Complaint, Error, Result};
use crate::ids::{CustomerId, RequestId, RunId, UserId};
use crate::input::Input;
use crate::kinds::typed_as;
use crate::web::{App, Paging};
use columns::{Cell, Row};

words! {
    Outcome {
        Given = "given", Changed = "changed", Suspended = "suspended", Resumed = "resumed",
        Removed = "removed", Unchanged = "unchanged", Refused = "refused",
    }
}

/// What became of a row.
#[derive(serde::Serialize)]
pub struct RowOut {
    pub line: u32,
    pub result: Outcome,
    pub user: String,
    pub service: String,
    pub label: String,
    pub errors: Vec<Complaint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
}

/// What is to be imported where, and by whom.
pub struct Order<'a> {
    pub app: &'a App,
    pub actor: &'a Actor,
    pub read: &'a Scope<ServicesRead>,
    pub customer: CustomerId,
    pub run: Option<RunId>,
}

/// Rows of one transaction, and of one that is taken back.
const BATCH: usize = 50;

/// Looks at every row as if it were carried out, and takes it all back.
pub fn check(order: &Order, rows: &[Row]) -> Result<Vec<RowOut>> {
    let mut all = Vec::with_capacity(rows.len());
    for batch in rows.chunks(BATCH) {
        order.app.db.rehearse(order.actor.by, |_| {
            for row in batch {
                let mut out = one(order, row)?;
                // What was rehearsed has no number that lasts.
                out.request_id = None;
                all.push(out);
            }
            Ok(())
        })?;
    }
    Ok(all)
}

/// One row, in a savepoint of its own.
fn one(order: &Order, row: &Row) -> Result<RowOut> {
    let out = |result, errors, request_id| RowOut {
        line: row.line,
        result,
        user: row.user.clone(),
        service: row.service.clone(),
        label: row.label.clone(),
        errors,
        request_id,
    };
    match order.app.db.write(order.actor.by, |tx| carry_out(order, tx, row)) {
        Ok((result, request)) => Ok(out(result, Vec::new(), request)),
        Err(Error::Invalid(errors)) => Ok(out(Outcome::Refused, errors, None)),
        Err(Error::Internal(cause)) => Err(Error::Internal(cause)),
        Err(other) => Ok(out(Outcome::Refused, vec![Complaint::new("", other.to_string())], None)),
    }
}

type Came = (Outcome, Option<RequestId>);

fn carry_out(order: &Order, tx: &Write, row: &Row) -> Result<Came> {
    let user = match row.user.as_str() {
        "" => None,
        name => match store::user(tx, order.read, order.customer, name)? {
            Some(user) => Some(user),
            None => return Err(Error::invalid("user", "is not a user of the customer")),
        },
    };
    let service = match catalogue::service_of(tx, &row.service) {
        Err(Error::NotFound) => {
            return Err(Error::invalid("service", "is not a service we sell"));
        }
        other => other?,
    };
    let held = held(order, tx, user, &service, &row.label)?;
    let reasons = held.as_ref().map(|held| held.reasons.contains(&Reason::Operator));
    let (verb, result, input) = match (row.action.as_str(), &held) {
        ("" | "give", None) => (Verb::Give, Outcome::Given, given(row)),
        ("" | "give" | "change", Some(held)) => match changed(order, tx, row, &service, held)? {
            Some(input) => (Verb::Change, Outcome::Changed, input),
            None => return Ok((Outcome::Unchanged, None)),
        },
        ("suspend", Some(_)) if reasons == Some(true) => return Ok((Outcome::Unchanged, None)),
        ("suspend", Some(_)) => (Verb::Suspend, Outcome::Suspended, Input::default()),
        ("resume", Some(_)) if reasons == Some(false) => return Ok((Outcome::Unchanged, None)),
        ("resume", Some(_)) => (Verb::Resume, Outcome::Resumed, Input::default()),
        ("remove", Some(_)) => (Verb::Remove, Outcome::Removed, Input::default()),
        ("remove", None) => return Ok((Outcome::Unchanged, None)),
        ("change" | "suspend" | "resume", None) => {
            return Err(Error::invalid("service", format!("{} is not held", service.name)));
        }
        _ => {
            let text = "must be give, change, suspend, resume or remove";
            return Err(Error::invalid("action", text));
        }
    };
    let wish = Wish {
        verb,
        customer: order.customer,
        user,
        held: held.map(|held| held.id),
        expected: None,
        input,
    };
    let done = match user {
        Some(_) => ordered::<UserServicesWrite>(order, &wish)?,
        None => ordered::<CustomerServicesWrite>(order, &wish)?,
    };
    Ok((result, Some(done.request)))
}

fn ordered<P: Permission>(order: &Order, wish: &Wish) -> Result<Done> {
    let rights = order.actor.service_rights::<P>()?;
    let App { db, config, .. } = order.app;
    assignments::carry_out_in(db, &config.key, order.actor, &rights, wish, order.run)
}

/// What the holder has of the service under that label, and is to keep.
fn held(
    order: &Order,
    db: &Read,
    user: Option<UserId>,
    service: &Service,
    label: &str,
) -> Result<Option<Held>> {
    let all = match user {
        Some(user) => assignments::of_user(db, order.read, user, &Paging::first(1_000))?,
        None => assignments::of_customer(db, order.read, order.customer, &Paging::first(1_000))?,
    };
    let label = label.to_lowercase();
    Ok(all.items.into_iter().find(|held| {
        held.service == service.id
            && held.wanted != Wanted::Gone
            && held.label.to_lowercase() == label
    }))
}

fn given(row: &Row) -> Input {
    let mut input = Input::default();
    input.set("service", &row.service);
    if !row.plan.is_empty() {
        input.set("plan", &row.plan);
    }
    if !row.label.is_empty() {
        input.set("label", &row.label);
    }
    for (name, cell) in &row.values {
        if let Cell::Set(text) = cell {
            input.set(&format!("properties.{name}"), text);
        }
    }
    input
}

/// What differs from what is there; nothing where nothing does.
fn changed(
    order: &Order,
    tx: &Write,
    row: &Row,
    service: &Service,
    held: &Held,
) -> Result<Option<Input>> {
    let mut input = Input::default();
    let mut any = false;
    if !row.plan.is_empty() && !row.plan.eq_ignore_ascii_case(&held.plan) {
        input.set("plan", &row.plan);
        any = true;
    }
    let standing = properties::standing(order.actor, order.customer);
    let seen = properties::seen(tx, service.id, standing)?;
    let own = assignments::own_settings(tx, held)?;
    for (name, cell) in &row.values {
        let field = format!("properties.{name}");
        let known = seen.iter().find(|property| property.name == *name);
        match (cell, own.get(name)) {
            (Cell::Leave, _) | (Cell::Clear, None) => continue,
            (Cell::Set(_), _) if known.is_some_and(|property| property.secret) => {
                return Err(Error::invalid(field, "is secret: set it on the page"));
            }
            (Cell::Set(text), Some(old)) if same(known, text, old) => continue,
            (Cell::Clear, Some(_)) => input.set_null(&field),
            (Cell::Set(text), _) => input.set(&field, text),
        }
        any = true;
    }
    Ok(any.then_some(input))
}

/// Whether a text says the value that is kept: `50 GiB` is `51200 MiB`.
fn same(property: Option<&Property>, text: &str, old: &str) -> bool {
    let said = |property: &Property| {
        let value = property.validation.read(property.kind, text).ok()?;
        Some(typed_as(property.kind, &value))
    };
    text == old || property.and_then(said).is_some_and(|said| said == old)
}
