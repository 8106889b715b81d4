//! How a plan comes about: what may not be done, what changes, what it takes.

mod change;
mod give;
mod needs;
mod remove;
mod steps;
mod store;
mod terms;

pub use needs::with_needs;
pub use store::has;

use crate::approvals::{self, Ask, Matter};
use crate::assignments::fields::Said;
use crate::assignments::plan::{Act, Diff, Plan, Seat};
use crate::assignments::state::{self, Live, Verb, Wanted};
use crate::assignments::{Held, HeldId, Order, Reason, store as rows};
use crate::auth::Actor;
use crate::catalogue::{self, Level, PlanState, Service};
use crate::db::Read;
use crate::error::{Complaint, Error, Result};
use crate::ids::{CustomerServiceId, PlanId, RequestId, ServiceId, UserServiceId};
use crate::offers::{self, Meter, Tally};
use crate::rating::quote::Change;
use crate::time::Instant;
use store::Holder;

/// A plan in the making.
pub struct Draft<'a> {
    db: &'a Read<'a>,
    actor: &'a Actor,
    order: &'a Order,
    /// The customer, and the user where it is one's service.
    customer: Holder,
    user: Option<Holder>,
    diffs: Vec<Diff>,
    seats: Vec<Seat>,
    changes: Vec<Change>,
    warnings: Vec<String>,
    refusals: Vec<Complaint>,
    basis: Vec<String>,
    after: Option<RequestId>,
    /// What is done for a user who loses it depends on the user.
    each_asks: bool,
    due: Option<Instant>,
    with: Vec<Plan>,
}

impl<'a> Draft<'a> {
    pub fn new(db: &'a Read<'a>, actor: &'a Actor, order: &'a Order) -> Result<Draft<'a>> {
        let customer = store::customer(db, order.customer)?;
        let user = order.user.map(|id| store::user(db, order.customer, id)).transpose()?;
        let mut basis = vec![format!("customer {} {}", order.customer, customer.version)];
        if let (Some(id), Some(user)) = (order.user, &user) {
            basis.push(format!("user {id} {}", user.version));
        }
        Ok(Draft {
            db,
            actor,
            order,
            customer,
            user,
            diffs: Vec::new(),
            seats: Vec::new(),
            changes: Vec::new(),
            warnings: Vec::new(),
            refusals: Vec::new(),
            basis,
            after: None,
            each_asks: false,
            due: None,
            with: Vec::new(),
        })
    }

    fn refuse(&mut self, field: &'static str, text: impl Into<String>) {
        self.refusals.push(Complaint::new(field, text));
    }

    /// Who gets it or has it.
    fn holder(&self) -> &str {
        self.user.as_ref().map_or(&self.customer.name, |user| &user.name)
    }

    fn level(&self) -> Level {
        self.order.level()
    }

    /// The plan that was asked for, or the only one there is.
    fn chosen(&mut self, service: &Service, code: Option<&str>) -> Result<Option<catalogue::Plan>> {
        let level = self.level();
        if let Some(code) = code {
            let found = catalogue::plans(self.db, service.id)?
                .into_iter()
                .find(|plan| plan.level == level && plan.code.eq_ignore_ascii_case(code));
            return match found {
                Some(plan) => Ok(Some(plan)),
                None => Err(Error::invalid("plan", format!("is not a plan of {}", service.name))),
            };
        }
        let mut plans = catalogue::plans(self.db, service.id)?;
        plans.retain(|plan| plan.level == level && plan.state == PlanState::Active);
        let only = plans.pop();
        if !plans.is_empty() {
            self.refuse("plan", "is required");
        }
        Ok(only.filter(|_| plans.is_empty()))
    }

    /// The user plans a customer may use: those that are named, or all that it may have.
    fn user_plans(&mut self, service: &Service, codes: Option<Vec<String>>) -> Result<Vec<PlanId>> {
        if self.level() == Level::User || service.kind == Level::Customer {
            if codes.is_some_and(|codes| !codes.is_empty()) {
                self.refuse("user_plans", format!("are not a matter of {}", service.name));
            }
            return Ok(Vec::new());
        }
        let sellable = offers::sellable(self.db, self.order.customer)?;
        let open = sellable.into_iter().find(|each| each.service.id == service.id);
        let mut open = open.map_or(Vec::new(), |each| each.plans);
        open.retain(|plan| plan.level == Level::User);
        let Some(codes) = codes.filter(|codes| !codes.is_empty()) else {
            return Ok(open.iter().map(|plan| plan.id).collect());
        };
        let mut plans = Vec::new();
        for code in codes {
            match open.iter().find(|plan| plan.code.eq_ignore_ascii_case(&code)) {
                Some(plan) => plans.push(plan.id),
                None => self
                    .refuse("user_plans", format!("may not hold {code}: it is not offered here")),
            }
        }
        Ok(plans)
    }

    pub fn on_held(&mut self, verb: Verb, held: Held, said: Said) -> Result<Act> {
        let own = held.reasons.contains(&Reason::Operator);
        let name = held.title();
        if let Some(text) = state::refusal(verb, held.state(), held.open, own) {
            self.refuse("", format!("{name} {text}."));
        }
        self.basis.push(format!("held {} {}", held.id.number(), held.version));
        let service = catalogue::service(self.db, held.service)?;
        self.basis.push(format!("service {} {}", service.id, service.version));
        match verb {
            Verb::Change => self.change(held, &service, said),
            Verb::Suspend => {
                self.differ(&name, Some("on"), Some("suspended"));
                Ok(Act::Suspend { held })
            }
            Verb::Resume => {
                let left = held.reasons.iter().filter(|reason| **reason != Reason::Operator);
                if left.count() > 0 {
                    self.warnings.push(format!("{name} stays suspended for another reason."));
                }
                self.differ(&name, Some("suspended"), Some("on"));
                Ok(Act::Resume { held })
            }
            Verb::Remove => {
                self.later(&held, said.not_before)?;
                self.remove(held, &service)
            }
            Verb::Provision if held.wanted == Wanted::Gone => self.keep(held),
            Verb::Provision | Verb::Give => {
                let below = Some(held.customer_service);
                self.require(&service, held.plan_id, below, &Vec::new())?;
                self.differ(&name, None, Some("as it is wanted, once more"));
                Ok(Act::Provision { held })
            }
        }
    }

    fn differ(&mut self, field: &str, before: Option<&str>, after: Option<&str>) {
        let (before, after) = (before.map(str::to_owned), after.map(str::to_owned));
        self.diffs.push(Diff { field: field.to_owned(), before, after, of_value: false });
    }

    /// What is about to be given has no number yet.
    fn own_id(&self) -> HeldId {
        self.order.held.unwrap_or(match self.level() {
            Level::User => HeldId::User(UserServiceId(0)),
            Level::Customer => HeldId::Customer(CustomerServiceId(0)),
        })
    }

    /// Notes the counters that go up by `n`.
    fn takes(&mut self, service: &Service, plan: Option<(PlanId, &str)>, n: i64) -> Result<()> {
        let customer = self.order.customer;
        self.seats.extend(seats(self.db, customer, service, self.level(), plan, n)?);
        Ok(())
    }

    fn gives_back(
        &mut self,
        service: &Service,
        plan: Option<(PlanId, &str)>,
        n: i64,
    ) -> Result<()> {
        self.takes(service, plan, -n)
    }

    /// What is read at the end of every plan: its title, the steps, the versions.
    pub fn finish(mut self, act: Act) -> Result<Plan> {
        let (service, name, event) = match &act {
            Act::Give(gift) => {
                (gift.service.id, titled(&gift.service.name, &gift.label), "provision")
            }
            Act::Change { held, .. } if held.live == Live::Never => {
                (held.service, held.title(), "provision")
            }
            Act::Change { held, .. } => (held.service, held.title(), "update"),
            Act::Provision { held } | Act::Keep { held, .. } => {
                (held.service, held.title(), "provision")
            }
            Act::Suspend { held } => (held.service, held.title(), "suspend"),
            Act::Resume { held } => (held.service, held.title(), "resume"),
            Act::Remove { held, .. } => (held.service, held.title(), "deprovision"),
        };
        let steps = self.steps(&act, service, event)?;
        let asks = self.asks(&act, service)?;
        if !asks.is_empty() && !self.with.is_empty() {
            let text = "cannot be given along, because people have to agree to this first. Order it by itself.";
            self.refuse("with", text);
        }
        self.basis.push(store::price_basis(self.db, service, self.order.customer)?);
        let holders = match &act {
            Act::Give(gift) => (gift.below, None),
            _ => act.held().map_or((None, None), |held| match held.id {
                HeldId::User(id) => (Some(held.customer_service), Some(id)),
                HeldId::Customer(id) => (Some(id), None),
            }),
        };
        self.basis.push(store::values_basis(self.db, service, self.order.customer, holders)?);
        let holder = self.holder();
        let title = match self.order.verb {
            Verb::Give => format!("Give {name} to {holder}"),
            Verb::Change => format!("Change {name} of {holder}"),
            Verb::Provision if matches!(act, Act::Keep { .. }) => {
                format!("Keep {name} of {holder}")
            }
            Verb::Provision => format!("Provision {name} of {holder} again"),
            Verb::Suspend => format!("Suspend {name} of {holder}"),
            Verb::Resume => format!("Resume {name} of {holder}"),
            Verb::Remove => format!("Remove {name} from {holder}"),
        };
        Ok(Plan {
            order: self.order.clone(),
            title,
            steps,
            diffs: self.diffs,
            seats: self.seats,
            changes: self.changes,
            warnings: self.warnings,
            refusals: self.refusals,
            basis: self.basis,
            act,
            after: self.after,
            each_asks: self.each_asks,
            standing: catalogue::properties::standing(self.actor, self.order.customer),
            due: self.due,
            asks,
            with: self.with,
        })
    }

    /// Who has to agree to it. What was never begun is taken back without asking anybody.
    fn asks(&mut self, act: &Act, service: ServiceId) -> Result<Vec<Ask>> {
        let waits = |held: &Held| held.open.is_some_and(|open| open.waits_for_approval);
        let taken_back = matches!(act, Act::Remove { held, .. } if is_idle(held) || waits(held));
        if taken_back
            || matches!(act, Act::Suspend { .. } | Act::Provision { .. } | Act::Keep { .. })
        {
            return Ok(Vec::new());
        }
        let matter = Matter {
            customer: self.order.customer,
            user: self.order.user,
            service: Some(service),
            verb: self.order.verb.word(),
            by: self.actor.user,
            home: self.actor.home,
        };
        let (asks, against) = approvals::needed(self.db, &matter)?;
        for text in against {
            self.refuse("", text);
        }
        Ok(asks)
    }
}

/// At most so many user services go with a customer's in one order.
pub const MOST_AT_ONCE: i64 = 5_000;

/// Whether nothing was delivered yet and nobody is at it.
fn is_idle(held: &Held) -> bool {
    held.live == Live::Never && held.open.is_none_or(|open| open.waits_for_approval)
}

pub fn titled(name: &str, label: &str) -> String {
    if label.is_empty() { name.to_owned() } else { format!("{name} {label}") }
}

/// The service of that code; one that is not there is the field's fault.
pub fn known(db: &Read, code: &str) -> Result<Service> {
    catalogue::service_of(db, code).map_err(|err| match err {
        Error::NotFound => Error::invalid("service", "is not a service we sell"),
        other => other,
    })
}

/// How the counters of a customer would move by `n`.
pub fn seats(
    db: &Read,
    customer: crate::ids::CustomerId,
    service: &Service,
    level: Level,
    plan: Option<(PlanId, &str)>,
    n: i64,
) -> Result<Option<Seat>> {
    counter(db, customer, service, Meter::of(level), plan, n).map(Some)
}

fn counter(
    db: &Read,
    customer: crate::ids::CustomerId,
    service: &Service,
    meter: Meter,
    plan: Option<(PlanId, &str)>,
    n: i64,
) -> Result<Seat> {
    let plan_id = plan.map(|(id, _)| id);
    let tally = Tally { customer, service: service.id, plan: plan_id, meter };
    let (used, max) = rows::usage(db, &tally)?;
    Ok(Seat {
        service: service.code.clone(),
        plan: plan.map(|(_, code)| code.to_owned()),
        before: used,
        after: (used + n).max(0),
        max,
        meter: meter.word(),
        of: None,
    })
}
