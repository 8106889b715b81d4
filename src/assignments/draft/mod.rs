//! How a plan comes about: what may not be done, what changes, what it takes.

mod give;
mod steps;
mod terms;

use crate::approvals::{self, Ask, Matter};
use crate::assignments::fields::{Said, When};
use crate::assignments::plan::{Act, Diff, Plan, Seat};
use crate::assignments::state::{self, Live, Verb, Wanted};
use crate::assignments::store::{self, Holder};
use crate::assignments::{Held, HeldId, Order, Reason, later, quote};
use crate::auth::permissions::ResellersMake;
use crate::auth::{Actor, Permission};
use crate::billing;
use crate::catalogue::{self, Level, PlanState, Service};
use crate::db::Read;
use crate::error::{Complaint, Error, Result};
use crate::html::text::count;
use crate::ids::{CustomerServiceId, PlanId, RequestId, ServiceId, UserServiceId};
use crate::offers::{self, Meter, More};
use crate::rating::quote::Change;
use crate::time::Instant;

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

    fn change(&mut self, held: Held, service: &Service, said: Said) -> Result<Act> {
        let mut plan = None;
        if let Some(code) = &said.plan
            && !held.plan.eq_ignore_ascii_case(code)
            && let Some(new) = self.chosen(service, Some(code))?
        {
            let subject = match self.order.user {
                Some(user) => offers::Subject::User(held.customer, user),
                None => offers::Subject::Customer(held.customer),
            };
            let checks = offers::why_not(self.db, self.actor, subject, service, Some(&new))?;
            // Its seat is changed, not added: room is asked for below.
            let of_plan = checks.into_iter().filter(|check| !check.ok && !check.of_room);
            self.refusals
                .extend(of_plan.map(|check| check.complaint()).filter(|c| c.field == "plan"));
            let (meter, more) = (Meter::of(self.level()), More { all: 0, plan: 1 });
            let (viewer, customer) = (self.actor.home, held.customer);
            self.refusals.extend(offers::refusal(
                self.db,
                viewer,
                customer,
                service.id,
                Some(new.id),
                meter,
                more,
            )?);
            self.differ("Plan", Some(&held.plan_name), Some(&new.name));
            self.basis.push(format!("plan {} {}", new.id, new.version));
            self.takes(service, Some((new.id, &new.code)), 1)?;
            self.gives_back(service, held.plan_id.map(|id| (id, held.plan.as_str())), 1)?;
            self.changes.extend(quote::change(&held, &new));
            plan = Some(new.id);
        }
        let label = match said.labelled {
            true => self.changed_label(&held, service, said.label)?,
            false => None,
        };
        let user_plans = self.changed_user_plans(&held, service, said.user_plans)?;
        let values = self.values(service, said.properties)?;
        let below = Some(held.customer_service);
        self.require(service, plan.or(held.plan_id), below, &values)?;
        let code = match &said.plan {
            Some(code) if plan.is_some() => code.clone(),
            _ => held.plan.clone(),
        };
        let of_plan = plan.or(held.plan_id).map(|plan| (plan, code.as_str()));
        self.counted(service, of_plan, below, &values)?;
        let limits = self.limits(service, &said.limits)?;
        let same = plan.is_none()
            && label.is_none()
            && user_plans.is_none()
            && values.is_empty()
            && limits.is_empty();
        if same && self.refusals.is_empty() {
            self.refuse("", "Nothing would change.");
        }
        Ok(Act::Change { held, plan, label, user_plans, values, limits })
    }

    /// Which of several it is, is said by its number: its label may change.
    fn changed_label(
        &mut self,
        held: &Held,
        service: &Service,
        label: String,
    ) -> Result<Option<String>> {
        if label == held.label {
            return Ok(None);
        }
        if !service.multi {
            self.refuse("label", format!("is not used: there is only one {}", service.name));
            return Ok(None);
        }
        if label.is_empty() {
            self.refuse("label", "is required, because there may be several");
            return Ok(None);
        }
        let same = label.to_lowercase() == held.label.to_lowercase();
        if !same && store::has(self.db, self.order, service.id, &label)? {
            let (name, title) = (self.holder().to_owned(), titled(&service.name, &label));
            self.refuse("label", format!("{name} has {title} already."));
        }
        self.differ("Label", Some(&held.label), Some(&label));
        Ok(Some(label))
    }

    fn changed_user_plans(
        &mut self,
        held: &Held,
        service: &Service,
        codes: Option<Vec<String>>,
    ) -> Result<Option<Vec<PlanId>>> {
        let Some(codes) = codes.filter(|codes| !codes.is_empty()) else { return Ok(None) };
        let HeldId::Customer(id) = held.id else {
            self.refuse("user_plans", "are a matter of the customer’s service");
            return Ok(None);
        };
        let before = store::enabled_plans(self.db, id)?;
        let mut kept: Vec<String> = Vec::new();
        kept.extend(before.iter().map(|(_, code, _)| code.clone()));
        let new: Vec<String> = codes
            .iter()
            .filter(|code| !kept.iter().any(|old| old.eq_ignore_ascii_case(code)))
            .cloned()
            .collect();
        let mut plans = match new.is_empty() {
            true => Vec::new(),
            false => self.user_plans(service, Some(new.clone()))?,
        };
        for (plan, code, name) in &before {
            if codes.iter().any(|wanted| wanted.eq_ignore_ascii_case(code)) {
                plans.push(*plan);
                continue;
            }
            let holders = store::holders_of_plan(self.db, id, *plan)?;
            if holders > 0 {
                let text = format!("must keep {name}: {holders} of its users have it");
                self.refuse("user_plans", text);
            }
            self.differ("User plan", Some(name), None);
        }
        let known = catalogue::plans(self.db, service.id)?;
        for code in &new {
            let plan = known
                .iter()
                .find(|plan| plan.level == Level::User && plan.code.eq_ignore_ascii_case(code));
            self.differ("User plan", None, Some(plan.map_or(code, |plan| &plan.name)));
        }
        Ok((!new.is_empty() || plans.len() != before.len()).then_some(plans))
    }

    /// A removal is taken back as long as nothing of it was done.
    fn keep(&mut self, held: Held) -> Result<Act> {
        let name = held.title();
        let users = store::going_along(self.db, &held)?;
        let mut begun = store::removal_begun(self.db, &held)?;
        for each in &users {
            begun = begun || store::removal_begun(self.db, each)?;
        }
        if begun {
            let request =
                held.open.map_or(String::new(), |open| format!(" (request {})", open.request));
            self.refuse("", format!("{name} is being removed{request}."));
        }
        self.differ(&name, Some("being removed"), Some("kept"));
        if !users.is_empty() {
            let n = i64::try_from(users.len()).unwrap_or(i64::MAX);
            self.differ(
                &format!("{name} of {}", count(n, "user", "users")),
                Some("being removed"),
                Some("kept"),
            );
        }
        Ok(Act::Keep { held, users })
    }

    /// A removal on a later day.
    fn later(&mut self, held: &Held, when: Option<When>) -> Result<()> {
        let zone = billing::zone(self.db)?;
        if let Some((run, at)) = later::pending_of(self.db, held.id)?
            && when.is_some()
        {
            let (name, day) = (held.title(), at.day(&zone).long());
            self.refuse(
                "not_before",
                format!("{name} is to be removed on {day} already (run {run})."),
            );
        }
        let at = match when {
            None => return Ok(()),
            Some(When::Day(day)) => day.start(&zone),
            Some(When::At(at)) => at,
        };
        if at <= self.db.now {
            self.refuse("not_before", "must be later than now");
            return Ok(());
        }
        let day = at.day(&zone).long();
        self.differ("On", None, Some(&day));
        self.warnings.push(format!("It stays as it is, and is billed, until {day}."));
        self.due = Some(at);
        Ok(())
    }

    fn remove(&mut self, held: Held, service: &Service) -> Result<Act> {
        let name = held.title();
        if service.builtin {
            let scope = self.actor.scope::<ResellersMake>();
            if !scope.is_ok_and(|scope| scope.reaches(self.db, held.customer).is_ok()) {
                let needed = ResellersMake::NAME;
                self.refuse(
                    "",
                    format!("You may not take it: this needs the permission {needed}."),
                );
            }
            let n = store::children(self.db, held.customer)?;
            if n > 0 {
                let (who, what) = (&self.customer.name, count(n, "customer", "customers"));
                let text = format!("{who} still has {what}. Move or delete them first.");
                self.refuse("", text);
            }
        }
        for other in catalogue::needed_by(self.db, service.id)? {
            if store::holds_beside(self.db, &held, &other)? {
                self.refuse("", format!("{} needs {name}. Remove that first.", other.service.name));
            }
        }
        let users = match held.id {
            HeldId::Customer(id) => store::users_of(self.db, id, MOST_AT_ONCE + 1)?,
            HeldId::User(_) => Vec::new(),
        };
        let n = i64::try_from(users.len()).unwrap_or(i64::MAX);
        if n > MOST_AT_ONCE {
            self.refuse(
                "",
                format!("More than {MOST_AT_ONCE} users have it. Take it from some first."),
            );
        }
        self.differ(
            &name,
            Some(if held.plan_name.is_empty() { "given" } else { &held.plan_name }),
            None,
        );
        if n > 0 {
            let who = count(n, "user", "users");
            self.differ(&format!("{name} of its users"), Some(&who), None);
            self.warnings.push(format!("{who} of {} lose it too.", self.customer.name));
        }
        for each in users.iter().chain([&held]).filter(|each| each.wanted != Wanted::Gone) {
            self.changes.push(quote::removal(each));
        }
        self.gives_back(service, held.plan_id.map(|id| (id, held.plan.as_str())), 1)?;
        Ok(Act::Remove { held, users })
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
    let (used, max) = store::usage(db, customer, service.id, plan.map(|(id, _)| id), meter)?;
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
