//! Rules: what is done when an event happens, for whom, and on which condition.
//!
//! Invariants: a rule that was saved can be read; what was planned runs with the rules it was planned
//! with, and a change counts from the next plan on; nearer owners' rules go before those above them.

pub mod actions;
pub mod api;
pub mod condition;
pub mod names;
pub mod pages;
pub mod plan;
pub mod text;
pub mod written;
mod directory;
mod dry;
mod edit;
mod scim;
mod store;

pub use dry::{DRY, Run, Subject, dry_run};
pub use edit::{FIELDS, create, delete, enable, revert, update};
pub use store::{told_customer, told_user};

use super::{Action, OnError};
use crate::auth::permissions::RulesWrite;
use crate::auth::{PROVIDER, Scope};
use crate::db::Read;
use crate::error::Result;
use crate::events;
use crate::ids::{ConnectorId, CustomerId, RuleId, ServiceId, UserId};
use crate::input::Input;
use crate::time::Instant;
use actions::Typed;
use serde_json::Value;

words! {
    Slot { Before = "before", Main = "main", After = "after" }
}

#[expect(clippy::derivable_impls, reason = "the words! macro writes the enum")]
impl Default for Slot {
    fn default() -> Slot {
        Slot::Main
    }
}

#[derive(Clone, Debug)]
pub struct Rule {
    pub id: RuleId,
    /// In whose branch it holds; none where it was written with the service.
    pub customer: Option<CustomerId>,
    pub customer_name: Option<String>,
    /// None: whatever the event is about.
    pub service: Option<ServiceId>,
    pub service_code: Option<String>,
    pub service_name: Option<String>,
    pub event: String,
    pub slot: Slot,
    pub position: i64,
    pub key: String,
    title: String,
    pub condition: String,
    pub action: Action,
    pub connector: Option<ConnectorId>,
    pub connector_name: Option<String>,
    pub params: Typed,
    pub on_error: OnError,
    pub tries: Option<i64>,
    pub time_limit: Option<i64>,
    pub enabled: bool,
    pub version: i64,
    /// It is changed with its service and not by itself.
    pub part: bool,
    /// Of its owner below the provider; -1 of one that was written with the service.
    depth: i64,
}

/// A state in which a rule was saved.
pub struct Version {
    pub number: i64,
    pub saved_at: Instant,
    pub saved_by: Option<UserId>,
    pub saver: Option<String>,
    pub document: Value,
}

/// What a list is narrowed by.
#[derive(Default)]
pub struct Filter {
    pub event: String,
    /// A code.
    pub service: String,
}

/// The events that start work by rules. What some others do is fixed.
pub fn events() -> impl Iterator<Item = &'static str> {
    let without =
        ["user.move", "user.order", "user.password", "user.reconcile", "customer.reconcile"];
    events::EVENTS.iter().map(|event| event.name).filter(move |name| !without.contains(name))
}

/// All rules, by event, slot and place.
pub fn list(db: &Read, scope: &Scope<RulesWrite>, filter: &Filter) -> Result<Vec<Rule>> {
    scope.reaches(db, PROVIDER)?;
    store::list(db, filter)
}

pub fn one(db: &Read, scope: &Scope<RulesWrite>, id: RuleId) -> Result<Rule> {
    scope.reaches(db, PROVIDER)?;
    store::one(db, id)
}

/// How it was saved, the newest first.
pub fn versions(db: &Read, scope: &Scope<RulesWrite>, id: RuleId) -> Result<Vec<Version>> {
    scope.reaches(db, PROVIDER)?;
    store::versions(db, id)
}

impl Rule {
    /// Its own title; empty where it is called by its connector or action.
    pub fn own_title(&self) -> &str {
        &self.title
    }

    /// As it would be typed.
    pub fn input(&self) -> Input {
        let mut input = Input::default();
        if let Some(customer) = self.customer {
            input.set("customer_id", customer);
        }
        input.set("service", self.service_code.as_deref().unwrap_or_default());
        input.set("event", &self.event);
        input.set("slot", self.slot.word());
        input.set("position", self.position);
        input.set("key", &self.key);
        input.set("title", &self.title);
        input.set("condition", &self.condition);
        input.set("action", self.action.word());
        input.set("connector_id", self.connector.map_or(String::new(), |id| id.to_string()));
        for (name, text) in &self.params {
            input.set(&format!("params.{name}"), text);
        }
        input.set("on_error", self.on_error.word());
        input.set("tries", self.tries.map_or(String::new(), |n| n.to_string()));
        input.set("time_limit", self.time_limit.map_or(String::new(), |n| n.to_string()));
        input.set("enabled", i64::from(self.enabled));
        input
    }
}
