//! What an order would do: read everything, change nothing. The same function serves the preview,
//! the act itself and each user of a bulk.

use super::draft::Draft;
use super::state::Verb;
use super::{Held, HeldId, Order, Reason, document, fields, held, store, unchanged};
use crate::approvals::Ask;
use crate::auth::{Actor, Permission, ServiceRights};
use crate::catalogue::properties::{Standing, Typed};
use crate::catalogue::{Level, Service};
use crate::db::Read;
use crate::engine::rules::plan::{Book, Planned, book};
use crate::engine::{Action, Class, Document, How, NewStep, OnError};
use crate::error::{Complaint, Error, Result};
use crate::ids::{ConnectorId, CustomerId, CustomerServiceId, PlanId, RequestId, ServiceId};
use crate::offers::Measure;
use crate::rating::quote::Change;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What would happen, and everything needed to make it happen.
pub struct Plan {
    pub order: Order,
    /// "Give Managed workplace to Theo Vane"
    pub title: String,
    pub steps: Vec<Step>,
    /// What changes, in words.
    pub diffs: Vec<Diff>,
    pub seats: Vec<Seat>,
    pub changes: Vec<Change>,
    pub warnings: Vec<String>,
    pub refusals: Vec<Complaint>,
    /// The versions of all that was read.
    pub basis: Vec<String>,
    pub act: Act,
    /// The request that has to be done before.
    pub after: Option<RequestId>,
    /// What is done for a user who loses it along with the customer depends on the user.
    pub each_asks: bool,
    /// How near to the provider whoever orders stands: what they may set.
    pub standing: Standing,
    /// When it is to happen, where that is not now.
    pub due: Option<Instant>,
    /// The chains that have to agree before it begins.
    pub asks: Vec<Ask>,
    /// What it needs and is given first.
    pub with: Vec<Plan>,
}

/// The change itself.
pub enum Act {
    Give(Gift),
    Change {
        held: Held,
        plan: Option<PlanId>,
        label: Option<String>,
        user_plans: Option<Vec<PlanId>>,
        values: Typed,
        limits: Limits,
    },
    Provision {
        held: Held,
    },
    Suspend {
        held: Held,
    },
    Resume {
        held: Held,
    },
    Remove {
        held: Held,
        users: Vec<Held>,
    },
    /// A removal of which nothing was done yet is taken back.
    Keep {
        held: Held,
        users: Vec<Held>,
    },
}

/// What limits of a customer's service become: the most, or none.
pub type Limits = Vec<(Measure, Option<i64>)>;

impl Act {
    /// What it is done to; none of a gift.
    pub fn held(&self) -> Option<&Held> {
        match self {
            Act::Give(_) => None,
            Act::Change { held, .. }
            | Act::Provision { held }
            | Act::Suspend { held }
            | Act::Resume { held }
            | Act::Remove { held, .. }
            | Act::Keep { held, .. } => Some(held),
        }
    }

    pub fn service(&self) -> ServiceId {
        match self {
            Act::Give(gift) => gift.service.id,
            Act::Change { held, .. }
            | Act::Provision { held }
            | Act::Suspend { held }
            | Act::Resume { held }
            | Act::Remove { held, .. }
            | Act::Keep { held, .. } => held.service,
        }
    }
}

pub struct Gift {
    pub service: Service,
    pub plan: Option<PlanId>,
    pub label: String,
    pub user_plans: Vec<PlanId>,
    pub values: Typed,
    pub limits: Limits,
    /// Of a user's service: what it stands below.
    pub below: Option<CustomerServiceId>,
    /// It arrives suspended for these.
    pub reasons: Vec<Reason>,
}

/// A step as it is shown and as it is run: one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub seq: i64,
    pub key: String,
    pub title: String,
    pub action: Action,
    pub connector: Option<String>,
    pub connector_id: Option<ConnectorId>,
    pub on_error: OnError,
    /// What it is told, filled in; of steps for many, as each of them has it.
    #[serde(default)]
    pub params: Value,
    #[serde(default)]
    pub how: How,
    /// How many do the same, each for itself.
    pub times: i64,
    /// `user_service.provision`
    pub event: String,
    /// Of what is given first: the code of that service.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub of: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    pub field: String,
    pub before: Option<String>,
    pub after: Option<String>,
    /// Of a value: not everybody who sees the assignment sees its properties.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_value: bool,
}

/// A counter that the order would move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    pub service: String,
    pub plan: Option<String>,
    pub before: i64,
    pub after: i64,
    pub max: Option<i64>,
    /// seats, instances, or sum:NAME of a property that is counted.
    #[serde(default)]
    pub meter: String,
    /// Of a property: what it is called, and whether it is said in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Counted>,
}

/// A property that is counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    pub label: String,
    pub size: bool,
}

/// What `order` would do if it were carried out now.
pub fn of<P: Permission>(
    db: &Read,
    actor: &Actor,
    rights: &ServiceRights<P>,
    order: &Order,
) -> Result<Plan> {
    rights.reaches(db, order.customer)?;
    let said = fields::read(order.verb, order.user.is_some(), &order.input)?;
    let mut draft = Draft::new(db, actor, order)?;
    let act = match (order.verb, order.held) {
        (Verb::Give, _) => draft.give(said)?,
        (_, None) => return Err(Error::NotFound),
        (verb, Some(id)) => {
            let scope = &rights.on(store::service_of(db, order.customer, id)?)?;
            let held = match (id, order.user) {
                (HeldId::Customer(id), None) => {
                    held::customer_service(db, scope, order.customer, id)?
                }
                (HeldId::User(id), Some(user)) => held::user_service(db, scope, user, id)?,
                _ => return Err(Error::NotFound),
            };
            unchanged(order, &held)?;
            draft.on_held(verb, held, said)?
        }
    };
    draft.finish(act)
}

impl Plan {
    /// The steps of the order's own request, without those of the users that go along.
    pub fn own_steps(&self, level: Level) -> Vec<NewStep> {
        let own = format!("{}_service.", level.word());
        let of_own = self.steps.iter().filter(|step| step.event.starts_with(&own));
        // What Portico does by itself is done when the request is settled.
        of_own.filter(|step| step.action != Action::Reseller).map(Step::to_run).collect()
    }

    /// The steps of a user's part in it.
    pub fn steps_of_user(&self, db: &Read, held: &Held) -> Result<Vec<NewStep>> {
        match self.each_asks {
            true => steps_of(db, held, super::act::event(Level::User, "deprovision")),
            false => Ok(self.own_steps(Level::User)),
        }
    }

    pub fn class(&self) -> Class {
        if matches!(self.act, Act::Suspend { .. }) { Class::Security } else { Class::Interactive }
    }

    /// Of a removal that takes users along: who loses it.
    pub fn losing(&self) -> &[Held] {
        match &self.act {
            Act::Remove { users, .. } => users,
            _ => &[],
        }
    }

    /// What is to be typed before it is done: the number of those who lose it.
    pub fn confirm(&self) -> Option<String> {
        Some(self.losing().len()).filter(|n| *n > 0).map(|n| n.to_string())
    }

    /// The code of what is given.
    fn code(&self) -> &str {
        match &self.act {
            Act::Give(gift) => &gift.service.code,
            _ => "",
        }
    }

    /// Itself, after all that is given first.
    pub fn whole(&self) -> impl Iterator<Item = &Plan> {
        self.with.iter().chain([self])
    }

    /// The steps of the whole, each with what it is of.
    pub fn shown_steps(&self) -> Vec<Step> {
        let mut all = Vec::new();
        for each in &self.with {
            let of = || each.code().to_owned();
            all.extend(each.steps.iter().map(|step| Step { of: of(), ..step.clone() }));
        }
        all.extend(self.steps.iter().cloned());
        for (seq, step) in (1..).zip(&mut all) {
            step.seq = seq;
        }
        all
    }

    /// Runs what was shown, and nothing else.
    pub fn run_as_shown(&mut self, shown: &[Step]) {
        let of = |code: &str| shown.iter().filter(|step| step.of == code).cloned().collect();
        for each in &mut self.with {
            each.steps = of(each.code());
        }
        self.steps = of("");
    }

    /// Refuses it as a whole, with everything that is wrong.
    pub fn may_go(&self) -> Result<()> {
        if self.refusals.is_empty() {
            return Ok(());
        }
        Err(Error::Invalid(self.refusals.clone()))
    }
}

impl Step {
    pub fn to_run(&self) -> NewStep {
        NewStep {
            key: self.key.clone(),
            title: self.title.clone(),
            action: self.action,
            connector: self.connector_id,
            params: self.params.clone(),
            on_error: self.on_error,
            how: self.how.clone(),
        }
    }
}

/// The rules for an event of a service.
pub fn rules(db: &Read, customer: CustomerId, service: ServiceId, event: &str) -> Result<Book> {
    book(db, customer, Some(service), event)
}

/// What they come to. The subject is described only where a rule asks for something of it.
pub fn planned(
    db: &Read,
    book: &Book,
    describe: impl FnOnce() -> Result<Document>,
) -> Result<Planned> {
    let document = if book.asks() { describe()? } else { Document::default() };
    Ok(book.plan(&document, db.now))
}

/// The same as it is shown.
pub fn shown(db: &Read, steps: Vec<NewStep>, event: &str, times: i64) -> Result<Vec<Step>> {
    let mut all = Vec::new();
    for (seq, step) in (1..).zip(steps) {
        all.push(Step {
            seq,
            key: step.key,
            title: step.title,
            action: step.action,
            connector: step.connector.map(|id| store::connector(db, id)).transpose()?,
            connector_id: step.connector,
            on_error: step.on_error,
            params: step.params,
            how: step.how,
            times,
            event: event.to_owned(),
            of: String::new(),
        });
    }
    Ok(all)
}

/// The versions of the rules of an event, for a plan's basis.
pub fn rule_versions(book: &Book, service: ServiceId, event: &str) -> String {
    format!("rules {service} {event} {}", book.versions())
}

/// What the work on an assignment takes that is there already; what rules refuse does not stop work
/// that follows from something decided elsewhere, and is left out.
pub fn steps_of(db: &Read, held: &Held, event: &str) -> Result<Vec<NewStep>> {
    let book = rules(db, held.customer, held.service, event)?;
    let mut planned = planned(db, &book, || document::of_held(db, held, &[]))?;
    // What Portico does by itself is done when the request is settled.
    planned.steps.retain(|step| step.action != Action::Reseller);
    Ok(planned.steps)
}
