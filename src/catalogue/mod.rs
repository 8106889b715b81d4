//! What is sold: services, their plans, their properties, and what the engine does for them. Money is
//! not kept here but in `prices`; who may sell what is in `offers`.

pub mod api;
pub mod defaults;
pub mod documents;
pub mod fields;
pub mod modules;
pub mod pages;
pub mod plans;
pub mod properties;
pub mod services;
pub mod values;
mod store;
mod views;

use crate::auth::Scope;
use crate::auth::permissions::CatalogueRead;
use crate::db::{By, Db, Read, Via, Write};
use crate::error::{Error, Result};
use crate::ids::{ConnectorId, PlanId, ServiceId};
use crate::rating;

words! {
    /// Whom a service is given to, whom a plan is for, whose a property is.
    Level { Customer = "customer", User = "user" }
}

words! {
    /// Drafts are the provider's alone; of retired ones nothing new is given.
    State { Draft = "draft", Active = "active", Retired = "retired" }
}

words! {
    /// What becomes of a user's service where the user moves to another customer.
    OnMove { Refuse = "refuse", Carry = "carry", Recreate = "recreate" }
}

words! {
    PlanState { Active = "active", Retired = "retired" }
}

/// The service that makes a customer a reseller; Portico's own.
pub const RESELLER: &str = "reseller";

/// The events that a service starts work for, after the dot.
pub const EVENTS: [&str; 5] = ["provision", "update", "suspend", "resume", "deprovision"];

#[derive(Clone, Debug)]
pub struct Service {
    pub id: ServiceId,
    pub code: String,
    pub name: String,
    pub category: String,
    pub description: String,
    pub icon: String,
    pub kind: Level,
    /// A holder may have several of it, told apart by their labels.
    pub multi: bool,
    /// Suggests a label, `{customer.domain}`; empty: none.
    pub label_pattern: String,
    pub state: State,
    /// Active though nothing is done for it anywhere: it is counted and billed.
    pub tracking_only: bool,
    pub on_move: OnMove,
    pub builtin: bool,
    /// The shipped module it was installed from, in that version; empty: one's own.
    pub module: String,
    pub module_version: i64,
    pub version: i64,
}

/// A service that must be held before another, and by whom.
#[derive(Clone, Debug)]
pub struct Need {
    pub service: Service,
    pub at: Level,
}

#[derive(Clone, Debug)]
pub struct Plan {
    pub id: PlanId,
    pub service: ServiceId,
    pub level: Level,
    pub code: String,
    pub name: String,
    pub sku: String,
    pub not_sold: bool,
    pub state: PlanState,
    pub sort: i64,
    pub version: i64,
}

words! {
    Action { Script = "script.run", Webhook = "webhook.send", Reseller = "portico.reseller" }
}

words! {
    OnError { Stop = "stop", Continue = "continue" }
}

/// One thing the engine does for an event, in its order.
#[derive(Clone, Debug)]
pub struct Rule {
    pub key: String,
    pub title: String,
    pub action: Action,
    pub connector: Option<ConnectorId>,
    pub on_error: OnError,
    pub version: i64,
}

impl Service {
    /// The event's whole name: `user_service.provision`.
    pub fn event(&self, what: &str) -> String {
        format!("{}_service.{what}", self.kind.word())
    }
}

/// The service of that number, whoever may see it: for work on what is given already.
pub fn service(db: &Read, id: ServiceId) -> Result<Service> {
    store::service(db, id)
}

/// The service of that code, whoever may see it.
pub fn service_of(db: &Read, code: &str) -> Result<Service> {
    store::service_of(db, code)
}

/// The service of that code, if the right sees it.
pub fn visible(db: &Read, scope: &Scope<CatalogueRead>, code: &str) -> Result<Service> {
    store::visible(db, scope, code)
}

/// Every service that the right sees, by name; what Portico brings along is not among them.
pub fn known(db: &Read, scope: &Scope<CatalogueRead>) -> Result<Vec<Service>> {
    let mut all = Vec::new();
    for (code, _) in store::names_of_all(db)? {
        match store::visible(db, scope, &code) {
            Ok(service) => all.push(service),
            Err(Error::NotFound) => {}
            Err(err) => return Err(err),
        }
    }
    Ok(all)
}

pub fn plan(db: &Read, id: PlanId) -> Result<Plan> {
    store::plan(db, id)
}

/// The plan of that code, in whichever case it is written.
pub fn plan_of(db: &Read, service: ServiceId, code: &str) -> Result<Plan> {
    store::plan_of(db, service, code)
}

/// The service, for whoever writes the catalogue.
fn own<P>(db: &Read, scope: &Scope<P>, code: &str) -> Result<Service> {
    store::own(db, scope, code)
}

/// Counts a change of something that belongs to the service.
fn touch(tx: &Write, id: ServiceId) -> Result<i64> {
    store::touch(tx, id)
}

/// All plans of a service, retired ones included, in their order.
pub fn plans(db: &Read, service: ServiceId) -> Result<Vec<Plan>> {
    store::plans(db, service)
}

/// The services that must be held before this one.
pub fn needs(db: &Read, service: ServiceId) -> Result<Vec<Need>> {
    store::needs(db, service)
}

/// The services that need this one, and at whom.
pub fn needed_by(db: &Read, service: ServiceId) -> Result<Vec<Need>> {
    store::needed_by(db, service)
}

/// What is done for an event (`user_service.provision`), in order.
pub fn rules_for(db: &Read, service: ServiceId, event: &str) -> Result<Vec<Rule>> {
    store::rules_for(db, service, event)
}

/// The names of everything that is or was sold, for bills.
pub fn names(db: &Read) -> Result<rating::Catalogue> {
    store::names(db)
}

/// Writes the services that Portico brings along; run at every start.
pub fn ship(db: &Db) -> Result<()> {
    db.write(By::portico(Via::Shell), |tx| {
        if store::has(tx, RESELLER)? {
            return Ok(());
        }
        store::ship_reseller(tx)
    })
}
