//! How a plan comes about: what may not be done, what changes, what it takes.

use super::fields::Said;
use super::plan::{self, Act, Diff, Gift, Plan, Seat, Step};
use super::properties;
use super::state::{self, Live, State, Verb, Wanted};
use super::store::{self, Holder};
use super::{Held, HeldId, Order, Reason, document, quote};
use crate::auth::permissions::ResellersMake;
use crate::auth::{Actor, Permission};
use crate::catalogue::properties::Typed;
use crate::catalogue::{self, Level, PlanState, Service};
use crate::db::Read;
use crate::engine::rules::plan::Book;
use crate::engine::{Document, NewStep};
use crate::error::{Complaint, Error, Result};
use crate::html::text::count;
use crate::ids::{CustomerServiceId, PlanId, RequestId, ServiceId, UserServiceId};
use crate::offers;
use crate::rating::quote::Change;

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

    pub fn give(&mut self, mut said: Said) -> Result<Act> {
        let (db, order) = (self.db, self.order);
        let service = known(db, &said.service)?;
        if self.level() == Level::User && service.kind == Level::Customer {
            return Err(Error::invalid("service", format!("{} is for customers", service.name)));
        }
        let plan = self.chosen(&service, said.plan.as_deref())?;
        let subject = match order.user {
            Some(user) => offers::Subject::User(order.customer, user),
            None => offers::Subject::Customer(order.customer),
        };
        let checks = offers::why_not(db, self.actor, subject, &service, plan.as_ref())?;
        for check in checks.into_iter().filter(|check| !check.ok) {
            self.refusals.push(check.complaint());
        }
        let user_plans = self.user_plans(&service, said.user_plans)?;
        if service.multi && said.label.is_empty() && !service.label_pattern.is_empty() {
            said.label = self.suggested(&service.label_pattern)?;
        }
        if service.multi && said.label.is_empty() {
            self.refuse("label", "is required, because there may be several");
        } else if !service.multi && !said.label.is_empty() {
            self.refuse("label", format!("is not used: there is only one {}", service.name));
        }
        if store::has(db, order, service.id, &said.label)? {
            let (name, title) = (self.holder().to_owned(), titled(&service.name, &said.label));
            self.refuse(
                if service.multi { "label" } else { "service" },
                format!("{name} has {title} already."),
            );
        }
        let values = self.values(&service, said.properties)?;
        let below = self.below(&service)?;
        self.require(&service, plan.as_ref().map(|plan| plan.id), below, &values)?;
        for need in catalogue::needs(db, service.id)? {
            let open = store::open_at_customer(db, order.customer, need.service.id)?;
            self.after = self.after.max(open);
        }
        let reasons = match &self.user {
            Some(user) if user.state == "disabled" => vec![Reason::UserDisabled],
            _ => Vec::new(),
        };
        if !reasons.is_empty() {
            let name = self.holder().to_owned();
            self.warnings.push(format!("{name} is disabled, so it arrives suspended."));
        }
        let plan_name = plan.as_ref().map(|plan| plan.name.clone());
        self.differ(&service.name, None, Some(plan_name.as_deref().unwrap_or("given")));
        if !said.label.is_empty() {
            self.differ("Label", None, Some(&said.label));
        }
        self.takes(&service, plan.as_ref().map(|plan| (plan.id, plan.code.as_str())), 1)?;
        self.changes.push(quote::gift(order, &service, plan.as_ref(), &said.label));
        self.basis.push(format!("service {} {}", service.id, service.version));
        if let Some(plan) = &plan {
            self.basis.push(format!("plan {} {}", plan.id, plan.version));
        }
        Ok(Act::Give(Gift {
            service,
            plan: plan.map(|plan| plan.id),
            label: said.label,
            user_plans,
            values,
            below,
            reasons,
        }))
    }

    /// The label that the service suggests.
    fn suggested(&self, pattern: &str) -> Result<String> {
        let words = store::label_words(self.db, self.order.customer, self.order.user)?;
        let mut label = pattern.to_owned();
        for (word, text) in words {
            label = label.replace(&format!("{{{word}}}"), &text);
        }
        let good = |c: &char| c.is_alphanumeric() || " ._@-".contains(*c);
        let label: String = label.chars().filter(good).take(60).collect();
        Ok(label.trim().to_owned())
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

    /// The customer service that a user service stands below. What is not there, `why_not` says.
    fn below(&mut self, service: &Service) -> Result<Option<CustomerServiceId>> {
        if self.level() == Level::Customer {
            return Ok(None);
        }
        let Some(id) = store::below(self.db, self.order.customer, service.id)? else {
            return Ok(None);
        };
        let held = store::any(self.db, HeldId::Customer(id))?;
        match held.state() {
            State::Removing => {
                let text = format!("{} is being removed at {}.", held.name, self.customer.name);
                self.refuse("service", text);
            }
            State::Failed => {
                let text =
                    format!("{} failed at {}. Mend it there first.", held.name, self.customer.name);
                self.refuse("service", text);
            }
            State::Provisioning => self.after = self.after.max(held.open.map(|open| open.request)),
            _ => {}
        }
        self.basis.push(format!("held {} {}", id, held.version));
        Ok(Some(id))
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
            Verb::Remove => self.remove(held, &service),
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
            let of_plan = checks.into_iter().filter(|check| !check.ok);
            self.refusals
                .extend(of_plan.map(|check| check.complaint()).filter(|c| c.field == "plan"));
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
        let same = plan.is_none() && label.is_none() && user_plans.is_none() && values.is_empty();
        if same && self.refusals.is_empty() {
            self.refuse("", "Nothing would change.");
        }
        Ok(Act::Change { held, plan, label, user_plans, values })
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
        for code in &new {
            self.differ("User plan", None, Some(code));
        }
        Ok((!new.is_empty() || plans.len() != before.len()).then_some(plans))
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

    /// What is to be stored of the service's properties; nothing where that changes nothing.
    fn values(&mut self, service: &Service, typed: Typed) -> Result<Typed> {
        let id = self.order.held.unwrap_or(match self.level() {
            Level::User => HeldId::User(UserServiceId(0)),
            Level::Customer => HeldId::Customer(CustomerServiceId(0)),
        });
        let standing = catalogue::properties::standing(self.actor, self.order.customer);
        let order = properties::order(service, id, standing, &typed, self.order.customer);
        let (changes, complaints) = catalogue::properties::changes(self.db, &order)?;
        self.refusals.extend(complaints);
        let none = changes.is_empty();
        self.diffs.extend(changes.into_iter().map(|change| Diff {
            field: change.label,
            before: change.before,
            after: change.after,
            of_value: true,
        }));
        Ok(if none { Vec::new() } else { typed })
    }

    /// Refuses what would have to do without a value that it needs.
    fn require(
        &mut self,
        service: &Service,
        plan: Option<PlanId>,
        below: Option<CustomerServiceId>,
        typed: &Typed,
    ) -> Result<()> {
        let order = self.order;
        let own = order.held.unwrap_or(match self.level() {
            Level::User => HeldId::User(UserServiceId(0)),
            Level::Customer => HeldId::Customer(CustomerServiceId(0)),
        });
        let asked = properties::wanted(self.db, order.customer, service.id, own, plan, below)?;
        let standing = catalogue::properties::standing(self.actor, order.customer);
        let typed = properties::order(service, own, standing, typed, order.customer);
        let level = self.level();
        self.refusals.extend(catalogue::properties::missing(self.db, &asked, level, &typed)?);
        Ok(())
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
            Act::Provision { held } => (held.service, held.title(), "provision"),
            Act::Suspend { held } => (held.service, held.title(), "suspend"),
            Act::Resume { held } => (held.service, held.title(), "resume"),
            Act::Remove { held, .. } => (held.service, held.title(), "deprovision"),
        };
        let steps = self.steps(&act, service, event)?;
        self.basis.push(store::price_basis(self.db, service, self.order.customer)?);
        self.basis.push(store::values_basis(self.db, service, self.order.customer)?);
        let holder = self.holder();
        let title = match self.order.verb {
            Verb::Give => format!("Give {name} to {holder}"),
            Verb::Change => format!("Change {name} of {holder}"),
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
        })
    }

    /// The work outside; none where nothing outside would change.
    fn steps(&mut self, act: &Act, service: ServiceId, what: &str) -> Result<Vec<Step>> {
        let idle = match act {
            Act::Give(_) | Act::Change { .. } | Act::Provision { .. } => false,
            Act::Suspend { held } => held.wanted != Wanted::On || is_idle(held),
            Act::Resume { held } => held.reasons.len() > 1 || is_idle(held),
            Act::Remove { held, .. } => is_idle(held) && !store::anything_made(self.db, held.id)?,
        };
        let mut all = Vec::new();
        if let Act::Remove { users, .. } = act
            && !users.is_empty()
        {
            let event = format!("user_service.{what}");
            let book = plan::rules(self.db, self.order.customer, service, &event)?;
            self.basis.push(plan::rule_versions(&book, service, &event));
            all.extend(self.for_many(&book, users, &event)?);
            self.each_asks = book.asks();
        }
        if !idle {
            let event = format!("{}_service.{what}", self.level().word());
            let book = plan::rules(self.db, self.order.customer, service, &event)?;
            self.basis.push(plan::rule_versions(&book, service, &event));
            let planned = plan::planned(self.db, &book, || self.described(act))?;
            self.refusals.extend(planned.refusals.into_iter().map(|text| Complaint::new("", text)));
            all.extend(plan::shown(self.db, planned.steps, &event, 1)?);
        }
        for (seq, step) in (1..).zip(all.iter_mut()) {
            step.seq = seq;
        }
        Ok(all)
    }

    /// What is done for each of those who lose it, and for how many: what a rule asks of one may not
    /// hold for another.
    fn for_many(&mut self, book: &Book, users: &[Held], event: &str) -> Result<Vec<Step>> {
        let mut times: Vec<(NewStep, i64)> = Vec::new();
        if book.asks() {
            for held in users {
                let planned =
                    plan::planned(self.db, book, || document::of_held(self.db, held, &[]))?;
                for text in planned.refusals {
                    let who = store::holder_name(self.db, held)?;
                    self.refuse("", format!("{who}: {text}"));
                }
                for step in planned.steps {
                    match times.iter_mut().find(|(other, _)| other.key == step.key) {
                        Some((_, times)) => *times += 1,
                        None => times.push((step, 1)),
                    }
                }
            }
        } else {
            let all = i64::try_from(users.len()).unwrap_or(i64::MAX);
            let planned = book.plan(&Document::default(), self.db.now);
            times.extend(planned.steps.into_iter().map(|step| (step, all)));
        }
        let mut shown = Vec::new();
        for (step, times) in times {
            shown.extend(plan::shown(self.db, vec![step], event, times)?);
        }
        Ok(shown)
    }

    /// The assignment as the plan leaves it, for rules that ask.
    fn described(&self, act: &Act) -> Result<Document> {
        match act {
            Act::Give(gift) => match self.gifted(gift) {
                Some(held) => document::of_held(self.db, &held, &gift.values),
                None => Ok(Document::default()),
            },
            Act::Change { held, plan, values, .. } => {
                let held = Held { plan_id: plan.or(held.plan_id), ..held.clone() };
                document::of_held(self.db, &held, values)
            }
            Act::Provision { held }
            | Act::Suspend { held }
            | Act::Resume { held }
            | Act::Remove { held, .. } => document::of_held(self.db, held, &[]),
        }
    }

    /// What is given, as if it were there; none where what it would stand on is missing, which is
    /// refused anyway.
    fn gifted(&self, gift: &Gift) -> Option<Held> {
        let id = match self.level() {
            Level::User => HeldId::User(UserServiceId(0)),
            Level::Customer => HeldId::Customer(CustomerServiceId(0)),
        };
        let below = match self.level() {
            Level::User => gift.below?,
            Level::Customer => CustomerServiceId(0),
        };
        Some(Held {
            id,
            customer: self.order.customer,
            user: self.order.user,
            customer_service: below,
            service: gift.service.id,
            code: gift.service.code.clone(),
            name: gift.service.name.clone(),
            by_user: gift.service.kind == Level::User,
            multi: gift.service.multi,
            builtin: gift.service.builtin,
            plan_id: gift.plan,
            plan: String::new(),
            plan_name: String::new(),
            label: gift.label.clone(),
            wanted: if gift.reasons.is_empty() { Wanted::On } else { Wanted::Suspended },
            live: Live::Never,
            live_plan_id: None,
            version: 0,
            since: self.db.now,
            reasons: gift.reasons.clone(),
            open: None,
            last: None,
            users: 0,
        })
    }
}

/// At most so many user services go with a customer's in one order.
pub const MOST_AT_ONCE: i64 = 5_000;

/// Whether nothing was delivered yet and nobody is at it.
fn is_idle(held: &Held) -> bool {
    held.live == Live::Never && held.open.is_none()
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
    let meter = offers::Meter::of(level);
    let (used, max) = store::usage(db, customer, service.id, plan.map(|(id, _)| id), meter)?;
    Ok(Some(Seat {
        service: service.code.clone(),
        plan: plan.map(|(_, code)| code.to_owned()),
        before: used,
        after: (used + n).max(0),
        max,
    }))
}
