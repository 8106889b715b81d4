//! Giving something new: whether it may be, in which plan, below what.

use super::{Draft, known, store, titled};
use crate::assignments::fields::Said;
use crate::assignments::plan::{Act, Gift};
use crate::assignments::state::State;
use crate::assignments::{HeldId, Reason, held, quote, store as rows};
use crate::catalogue::{self, Level, Service};
use crate::error::{Error, Result};
use crate::ids::{CustomerServiceId, ServiceId};
use crate::offers;

impl Draft<'_> {
    pub fn give(&mut self, mut said: Said) -> Result<Act> {
        let (db, order) = (self.db, self.order);
        let service = known(db, &said.service)?;
        if self.level() == Level::User && service.kind == Level::Customer {
            return Err(Error::invalid("service", format!("{} is for customers", service.name)));
        }
        if let Some(like) = said.like {
            self.as_before(&service, like, &mut said)?;
        }
        let along = self.along(&service, std::mem::take(&mut said.with))?;
        let plan = self.chosen(&service, said.plan.as_deref())?;
        let subject = match order.user {
            Some(user) => offers::Subject::User(order.customer, user),
            None => offers::Subject::Customer(order.customer),
        };
        let checks = offers::why_not(db, self.actor, subject, &service, plan.as_ref())?;
        let comes = |need: Option<ServiceId>| need.is_some_and(|need| along.contains(&need));
        for check in checks.into_iter().filter(|check| !check.ok && !comes(check.need)) {
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
        self.counted(
            &service,
            plan.as_ref().map(|plan| (plan.id, plan.code.as_str())),
            below,
            &values,
        )?;
        for need in catalogue::needs(db, service.id)? {
            let open = store::open_at_customer(db, order.customer, need.service.id)?;
            self.after = self.after.max(open);
        }
        let limits = self.limits(&service, &said.limits)?;
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
            limits,
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

    /// The customer service that a user service stands below. What is not there, `why_not` says.
    fn below(&mut self, service: &Service) -> Result<Option<CustomerServiceId>> {
        if self.level() == Level::Customer {
            return Ok(None);
        }
        let Some(id) = rows::below(self.db, self.order.customer, service.id)? else {
            return Ok(None);
        };
        let held = held::any(self.db, HeldId::Customer(id))?;
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
}
