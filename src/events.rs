//! What an event of provisioning means: how its subject is described to outside systems, and what
//! changes here when the work has ended. The engine reads this table and nothing else of the slices
//! it works for.

use crate::agreed;
use crate::assignments;
use crate::customers::life;
use crate::db::{Read, Write};
use crate::drift;
use crate::engine::{self, Event, Job};
use crate::error::{Error, Result};
use crate::ids::RequestId;
use crate::moves;
use crate::secret::Key;
use crate::signin::outside;
use crate::users::consent;
use serde_json::Value;

pub static EVENTS: &[Event] = &[
    assigned("customer_service.provision"),
    assigned("customer_service.update"),
    assigned("customer_service.suspend"),
    assigned("customer_service.resume"),
    assigned("customer_service.deprovision"),
    assigned("user_service.provision"),
    assigned("user_service.update"),
    assigned("user_service.suspend"),
    assigned("user_service.resume"),
    assigned("user_service.deprovision"),
    assigned("user_service.purge"),
    of_customer("customer.provision"),
    of_customer("customer.disable"),
    of_customer("customer.enable"),
    of_customer("customer.deprovision"),
    of_customer("customer.delete"),
    of_customer("customer.move"),
    of_user("user.provision"),
    of_user("user.disable"),
    of_user("user.enable"),
    of_user("user.deprovision"),
    of_user("user.delete"),
    reconciled("user.reconcile", assignments::document_of_user),
    reconciled("customer.reconcile", life::document),
    Event {
        name: "user.password",
        document: assignments::document_of_user,
        settle: outside::settle,
        undone: false,
        release: engine::go,
    },
    Event {
        name: "user.move",
        document: moves::document,
        settle: moves::settle,
        undone: true,
        release: engine::go,
    },
    Event {
        name: consent::EVENT,
        document: agreed::document,
        settle: agreed::settle,
        undone: false,
        release: agreed::release,
    },
];

/// All events of a service that somebody has are told and settled alike.
const fn assigned(name: &'static str) -> Event {
    Event {
        name,
        document: assignments::document,
        settle: assignments::settle,
        undone: false,
        release: assignments::release,
    }
}

/// What is done to a customer is done when it is ordered; its end changes nothing here.
const fn of_customer(name: &'static str) -> Event {
    Event {
        name,
        document: life::document,
        settle: life::settle,
        undone: false,
        release: engine::go,
    }
}

/// The same of a user.
const fn of_user(name: &'static str) -> Event {
    Event {
        name,
        document: assignments::document_of_user,
        settle: assignments::settle_user,
        undone: false,
        release: engine::go,
    }
}

/// What others changed in a directory is brought back there.
const fn reconciled(
    name: &'static str,
    document: fn(&Read, &engine::Job) -> Result<engine::Document>,
) -> Event {
    Event { name, document, settle: drift::settle, undone: false, release: engine::go }
}

/// What a rule gives, in the name of whoever ordered the work that it belongs to; nothing where it is
/// there already.
pub fn give(tx: &Write, key: &Key, job: &Job, params: &Value) -> Result<Option<RequestId>> {
    assignments::give_by_rule(tx, key, job, params)
}

/// The row for `name`.
pub fn find(name: &str) -> Result<&'static Event> {
    of(EVENTS, name)
}

/// The same in a table of the caller's.
pub fn of(events: &'static [Event], name: &str) -> Result<&'static Event> {
    let found = events.iter().find(|event| event.name == name);
    found.ok_or_else(|| Error::internal(format!("events.rs has no {name}")))
}
