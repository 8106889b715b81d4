//! What is needed and given along, each planned as an order of its own; and what was there before,
//! given again as it was.

use super::{Draft, known};
use crate::assignments::fields::Said;
use crate::assignments::plan::{self, Plan};
use crate::assignments::state::Verb;
use crate::assignments::{HeldId, Order, held, properties, store as rows};
use crate::auth::Actor;
use crate::auth::permissions::{CustomerServicesWrite, UserServicesWrite};
use crate::catalogue::{self, Level, Need, Service};
use crate::db::Read;
use crate::error::{Complaint, Error, Result};
use crate::ids::{CustomerServiceId, ServiceId, UserServiceId};
use crate::input::Input;
use crate::offers;

impl Draft<'_> {
    /// Plans what is to be given first; says which services that are.
    pub(super) fn along(
        &mut self,
        service: &Service,
        with: Vec<(String, Input)>,
    ) -> Result<Vec<ServiceId>> {
        let needs = catalogue::needs(self.db, service.id)?;
        let mut given = Vec::new();
        for (code, input) in with {
            let Some(need) = needs.iter().find(|need| need.service.code == code) else {
                let text = format!("has {code}, which {} does not need", service.name);
                self.refuse("with", text);
                continue;
            };
            given.push(need.service.id);
            match self.first(need, input) {
                Ok(plan) => self.take_along(&code, plan),
                Err(Error::Invalid(all)) => self.refusals.extend(within(&code, all)),
                Err(Error::Forbidden(text)) => self.refuse("with", text),
                Err(other) => return Err(other),
            }
        }
        Ok(given)
    }

    fn first(&self, need: &Need, mut input: Input) -> Result<Plan> {
        input.set("service", &need.service.code);
        let user = self.order.user.filter(|_| need.at == Level::User);
        let (verb, customer) = (Verb::Give, self.order.customer);
        let order = Order { verb, customer, user, held: None, expected: None, input };
        match user {
            Some(_) => {
                let rights = self.actor.service_rights::<UserServicesWrite>()?;
                rights.on(need.service.id)?;
                plan::of(self.db, self.actor, &rights, &order)
            }
            None => {
                let rights = self.actor.service_rights::<CustomerServicesWrite>()?;
                rights.on(need.service.id)?;
                plan::of(self.db, self.actor, &rights, &order)
            }
        }
    }

    fn take_along(&mut self, code: &str, mut plan: Plan) {
        self.refusals.extend(within(code, std::mem::take(&mut plan.refusals)));
        self.warnings.append(&mut plan.warnings);
        self.basis.append(&mut plan.basis);
        self.changes.append(&mut plan.changes);
        if !plan.asks.is_empty() {
            self.refuse(
                "with",
                format!("has {code}, which people have to agree to. Order it first."),
            );
        }
        self.with.append(&mut plan.with);
        self.with.push(plan);
    }

    /// Takes over what the same holder had of the service, where nothing else is said.
    pub(super) fn as_before(
        &mut self,
        service: &Service,
        like: i64,
        said: &mut Said,
    ) -> Result<()> {
        let id = match self.level() {
            Level::User => HeldId::User(UserServiceId(like)),
            Level::Customer => HeldId::Customer(CustomerServiceId(like)),
        };
        let order = self.order;
        let had = held::any_kept(self.db, id)?.filter(|had| {
            had.customer == order.customer && had.user == order.user && had.service == service.id
        });
        let Some(had) = had else {
            let text = format!("is not a {} that {} had", service.name, self.holder());
            self.refuse("like", text);
            return Ok(());
        };
        if said.plan.is_none() {
            said.plan = Some(had.plan.clone()).filter(|plan| !plan.is_empty());
        }
        if said.label.is_empty() {
            said.label.clone_from(&had.label);
        }
        if let (HeldId::Customer(id), None) = (id, &said.user_plans) {
            let codes = rows::enabled_plans(self.db, id)?.into_iter().map(|(_, code, _)| code);
            said.user_plans = Some(codes.collect());
        }
        let standing = catalogue::properties::standing(self.actor, order.customer);
        for (property, text) in properties::typed_of(self.db, &had)? {
            let again = said.properties.iter().any(|(name, _)| *name == property.name);
            if !again && property.written_by(standing) {
                said.properties.push((property.name, Some(text)));
            }
        }
        Ok(())
    }
}

/// Complaints about something that is given along.
fn within(code: &str, all: Vec<Complaint>) -> Vec<Complaint> {
    let named = |each: Complaint| match &*each.field {
        "" | "service" => Complaint::new("with", format!("has {code}: {}", each.message)),
        field => Complaint::new(format!("with.{code}.{field}"), each.message),
    };
    all.into_iter().map(named).collect()
}

/// A gift with all that it needs besides, where there is one way to give that; as it was otherwise.
pub fn with_needs(db: &Read, actor: &Actor, order: &Order) -> Result<Order> {
    let mut order = order.clone();
    if order.verb != Verb::Give {
        return Ok(order);
    }
    let service = match known(db, order.input.get("service")) {
        Ok(service) => service,
        Err(Error::Invalid(_)) => return Ok(order),
        Err(other) => return Err(other),
    };
    let subject = match order.user {
        Some(user) => offers::Subject::User(order.customer, user),
        None => offers::Subject::Customer(order.customer),
    };
    let needs = catalogue::needs(db, service.id)?;
    if needs.is_empty() {
        return Ok(order);
    }
    let checks = offers::why_not(db, actor, subject, &service, None)?;
    let missing: Vec<ServiceId> =
        checks.into_iter().filter(|check| !check.ok).filter_map(|check| check.need).collect();
    let open = offers::sellable(db, order.customer)?;
    for need in needs.iter().filter(|need| missing.contains(&need.service.id)) {
        let field = format!("with.{}", need.service.code);
        if !order.input.inner(&field).is_empty() {
            continue;
        }
        let level = if order.user.is_some() { need.at } else { Level::Customer };
        let Some(offered) = open.iter().find(|each| each.service.id == need.service.id) else {
            continue;
        };
        let mut plans = offered.plans.iter().filter(|plan| plan.level == level);
        match (plans.next(), plans.next()) {
            (Some(only), None) => order.input.set(&format!("{field}.plan"), &only.code),
            (None, _) if level == Level::Customer => order.input.set(&format!("{field}.plan"), ""),
            _ => {}
        }
    }
    Ok(order)
}
