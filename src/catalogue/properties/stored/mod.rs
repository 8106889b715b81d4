//! What is stored for an assignment, from itself up to the definition, and what of it holds.

mod store;

use super::{Order, Property, Use};
use crate::catalogue::Level;
use crate::catalogue::values::{Explained, Held, Holder, effective, explain};
use crate::db::Read;
use crate::error::{Complaint, Result};
use crate::ids::{CustomerId, CustomerServiceId, PlanId, ServiceId, UserServiceId};
use crate::secret::Key;
use serde_json::Value;
use std::collections::BTreeMap;

/// For what a value is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub service: ServiceId,
    pub customer: CustomerId,
    pub customer_service: Option<CustomerServiceId>,
    pub customer_plan: Option<PlanId>,
    pub user_service: Option<UserServiceId>,
    pub user_plan: Option<PlanId>,
    /// Asked for a reseller's branch: what was given to that reseller itself, and its own, count.
    pub branch: bool,
}

/// A property, and everything that is stored for it along the way.
pub struct Stored {
    pub property: Property,
    pub held: Vec<Held>,
}

impl Stored {
    pub fn effective(&self) -> Option<&Value> {
        effective(&self.held).map(|held| &held.value)
    }

    /// As it will be with `text` typed for the assignment itself; nothing takes its own value away.
    /// A secret is sealed when it is stored, and nobody asks for it before.
    pub fn store(&mut self, level: Level, text: Option<&str>) {
        if self.property.secret {
            return;
        }
        let holder = own_holder(level);
        self.held.retain(|held| held.holder != holder || held.for_plan);
        let text = text.filter(|text| !text.is_empty());
        let read = text.map(|text| self.property.validation.read(self.property.kind, text));
        if let Some(Ok(value)) = read {
            let (for_plan, locked) = (false, false);
            self.held.push(Held { id: 0, holder, distance: 0, for_plan, value, locked });
        }
    }

    /// Where the value comes from; a secret's is only said to be set.
    pub fn explain(&self) -> Vec<Explained> {
        let mut all = explain(&self.held);
        if self.property.secret {
            all.iter_mut().for_each(|each| each.value = Value::from("set"));
        }
        all
    }

    /// The refusal of a required one without value.
    pub fn missing(&self) -> Option<Complaint> {
        if !self.property.required || self.effective().is_some() {
            return None;
        }
        let text = format!(
            "{} has no value; set it on the plan, the customer or the user.",
            self.property.label
        );
        Some(Complaint::new(format!("properties.{}", self.property.name), text))
    }
}

/// Everything stored for an assignment, property by property.
pub fn stored(db: &Read, asked: &Asked) -> Result<Vec<Stored>> {
    let all = stored_of_all(db, asked.service, std::slice::from_ref(asked))?;
    Ok(all.into_iter().next().unwrap_or_default())
}

/// The same for each of many assignments of one service, in as many statements as for one.
pub fn stored_of_all(db: &Read, service: ServiceId, asked: &[Asked]) -> Result<Vec<Vec<Stored>>> {
    let properties = super::all(db, service)?;
    let values = store::values(db, service, asked)?;
    let of = |asked: &Asked| {
        properties.iter().map(|property| one(property, asked, &values)).collect::<Vec<Stored>>()
    };
    Ok(asked.iter().map(of).collect())
}

/// What of `values` is along the way of one assignment.
fn one(property: &Property, asked: &Asked, values: &store::Values) -> Stored {
    let plan = match property.level {
        Level::User => asked.user_plan,
        Level::Customer => asked.customer_plan,
    };
    let fits = |of: Option<PlanId>| of.is_none() || of == plan;
    let mut held: Vec<Held> = values
        .along_the_way(property.id, asked)
        .filter(|(value, _)| fits(value.plan))
        .map(|(value, distance)| value.held(distance))
        .collect();
    if property.usage != Use::Setting {
        let own = own_holder(property.level);
        held.retain(|each| each.holder == own);
    } else if let Some(value) = &property.default {
        let holder = Holder::Default;
        let (for_plan, locked) = (false, property.default_locked);
        held.push(Held { id: 0, holder, distance: 0, for_plan, value: value.clone(), locked });
    }
    Stored { property: property.clone(), held }
}

/// Where an assignment of `level` keeps its own values.
fn own_holder(level: Level) -> Holder {
    match level {
        Level::User => Holder::UserService,
        Level::Customer => Holder::CustomerService,
    }
}

/// The values that hold, secrets opened: for the engine's eyes only.
pub fn opened(key: &Key, stored: &[Stored]) -> Result<BTreeMap<String, Value>> {
    let mut values = BTreeMap::new();
    for each in stored {
        let Some(value) = each.effective() else { continue };
        let value = match value {
            Value::String(sealed) if each.property.secret => {
                Value::from(key.open(&each.property.seal(), sealed)?.reveal())
            }
            other => other.clone(),
        };
        values.insert(each.property.name.clone(), value);
    }
    Ok(values)
}

/// What speaks against an order for an assignment of `level` because a required property would have
/// no value; `order` is stored with it.
pub fn missing(db: &Read, asked: &Asked, level: Level, order: &Order) -> Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for mut each in stored(db, asked)? {
        let Property { name, usage, secret, .. } = &each.property;
        if *usage == Use::Output || (level == Level::Customer && each.property.level == Level::User)
        {
            continue;
        }
        let typed = order.values.iter().find(|(known, _)| known == name);
        match typed {
            Some((_, Some(text))) if !text.is_empty() || each.property.kind.may_be_empty() => {
                continue;
            }
            // It is about to be taken away.
            Some((_, wish)) if wish.is_none() || !secret => {
                let own = own_holder(level);
                each.held.retain(|held| held.holder != own);
            }
            _ => {}
        }
        let hidden = !each.property.seen_by(order.standing);
        complaints.extend(each.missing().map(|complaint| match hidden {
            false => complaint,
            true => Complaint::new(
                "",
                format!("{} is not set up completely. Ask your provider.", order.service.name),
            ),
        }));
    }
    Ok(complaints)
}
