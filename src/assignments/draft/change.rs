//! Changing what is there: another plan, label, settings, limits, plans for users.

use super::{Draft, store, titled};
use crate::assignments::fields::Said;
use crate::assignments::plan::Act;
use crate::assignments::{Held, HeldId, quote, store as rows};
use crate::catalogue::{self, Level, Service};
use crate::error::Result;
use crate::ids::PlanId;
use crate::offers::{self, More};

impl Draft<'_> {
    pub(super) fn change(&mut self, held: Held, service: &Service, said: Said) -> Result<Act> {
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
            let (seat, more) = (held.seat().in_plan(new.id), More { all: 0, plan: 1 });
            let full = offers::refusal(self.db, self.actor.home, &seat, more)?;
            self.refusals.extend(full);
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
        let before = rows::enabled_plans(self.db, id)?;
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
}
