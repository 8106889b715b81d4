//! Properties: the named, typed settings of a service, and the values stored for them by whoever may.
//! Which stored value holds is decided in `values`. A secret is sealed, and read by the engine alone.

mod define;
mod store;

pub use define::{NEW, as_input, create, delete, update};

use super::values::{Explained, Held, Holder, effective, explain};
use super::{Level, Service};
use crate::audit;
use crate::auth::{Actor, PROVIDER};
use crate::db::{Read, Write};
use crate::error::{Complaint, Error, Result};
use crate::html::text::count;
use crate::ids::{CustomerId, CustomerServiceId, PlanId, PropertyId, ServiceId, UserServiceId};
use crate::jobs;
use crate::kinds::{Type, Validation};
use crate::secret::{Key, Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

words! {
    /// A setting has a default and inherits; a captured value is typed when it is given; an output
    /// is written by the engine.
    Use { Setting = "setting", Captured = "captured", Output = "output" }
}

words! {
    /// How near somebody stands to the provider, seen from the customer it is about.
    Standing { Provider = "provider", Reseller = "reseller", Customer = "customer", User = "user" }
}

#[derive(Clone, Debug)]
pub struct Property {
    pub id: PropertyId,
    pub service: ServiceId,
    pub name: String,
    pub label: String,
    pub help: String,
    pub level: Level,
    pub usage: Use,
    pub kind: Type,
    pub validation: Validation,
    pub default: Option<Value>,
    pub required: bool,
    pub secret: bool,
    /// The farthest from the provider that may change it …
    pub writable_by: Standing,
    /// … and that sees it. Who may change it sees it.
    pub visible_to: Standing,
    pub sort: i64,
}

impl Property {
    pub fn seen_by(&self, standing: Standing) -> bool {
        standing <= self.visible_to.max(self.writable_by)
    }

    pub fn written_by(&self, standing: Standing) -> bool {
        standing <= self.writable_by && self.usage != Use::Output
    }

    /// What a sealed value is sealed for.
    pub fn seal(&self) -> String {
        format!("property {}", self.id)
    }

    /// Whether a value may be kept there.
    fn fits(&self, place: Place) -> bool {
        match (self.usage, self.level, place) {
            (Use::Output, ..) => false,
            (Use::Captured, Level::User, Place::UserService(_)) => true,
            (Use::Captured, Level::Customer, Place::CustomerService(..)) => true,
            (Use::Captured, ..) => false,
            (Use::Setting, Level::Customer, Place::UserService(_)) => false,
            (Use::Setting, ..) => true,
        }
    }
}

/// Where a value is kept. Without a plan it is for all plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Plan(PlanId),
    /// With the offer, by whoever gave it.
    Given(CustomerId, Option<PlanId>),
    /// By the reseller, for its branch.
    Own(CustomerId, Option<PlanId>),
    CustomerService(CustomerServiceId, Option<PlanId>),
    UserService(UserServiceId),
}

/// How somebody of `actor`'s home stands to `customer`.
pub fn standing(actor: &Actor, customer: CustomerId) -> Standing {
    if actor.home == PROVIDER {
        Standing::Provider
    } else if actor.home == customer {
        Standing::Customer
    } else {
        Standing::Reseller
    }
}

/// All properties of a service, in their order.
pub fn all(db: &Read, service: ServiceId) -> Result<Vec<Property>> {
    store::all(db, service)
}

/// Those that somebody standing there sees.
pub fn seen(db: &Read, service: ServiceId, standing: Standing) -> Result<Vec<Property>> {
    let mut seen = store::all(db, service)?;
    seen.retain(|property| property.seen_by(standing));
    Ok(seen)
}

/// Values to store, by name; an empty one takes the stored one away.
pub struct Order<'a> {
    pub service: &'a Service,
    pub place: Place,
    pub standing: Standing,
    pub values: Vec<(&'a str, &'a str)>,
    /// The names that are locked from now on; none leaves locks as they are.
    pub locks: Option<Vec<String>>,
    /// Whose audit log says it.
    pub audited_at: CustomerId,
    /// What was typed in case many have it; none where that was asked before.
    pub confirm: Option<&'a str>,
}

/// The kind of run in `schedule.rs` that brings a changed value to who has the service.
pub const APPLY: &str = "services.apply_values";

/// More than so many are not changed by a value without the number being typed.
const BRAKE: i64 = 500;

/// Where a value changed: who has the service below there may be in need of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Under {
    pub service: ServiceId,
    pub plan: Option<PlanId>,
    pub reseller: Option<CustomerId>,
    pub customer_service: Option<CustomerServiceId>,
}

impl Under {
    pub fn whole(service: ServiceId) -> Under {
        Under { service, plan: None, reseller: None, customer_service: None }
    }

    /// Nothing is below a user's own.
    fn place(service: ServiceId, place: Place) -> Option<Under> {
        let whole = Under::whole(service);
        match place {
            Place::Plan(plan) => Some(Under { plan: Some(plan), ..whole }),
            Place::Given(reseller, plan) | Place::Own(reseller, plan) => {
                Some(Under { reseller: Some(reseller), plan, ..whole })
            }
            Place::CustomerService(id, plan) => {
                Some(Under { customer_service: Some(id), plan, ..whole })
            }
            Place::UserService(_) => None,
        }
    }
}

/// Brings a change to those who have the service, in a run that looks at each. `confirm` is what was
/// typed: many are not changed by the way.
pub fn fan_out(tx: &Write, under: &Under, at: CustomerId, confirm: Option<&str>) -> Result<()> {
    let (number, customers) = store::live_under(tx, under)?;
    if number == 0 {
        return Ok(());
    }
    if number > BRAKE && confirm.is_some_and(|typed| typed.trim() != number.to_string()) {
        let whose = count(customers, "customer", "customers");
        let text = format!("must be {number}: so many have it, of {whose}");
        return Err(Error::invalid("confirm", text));
    }
    jobs::queue_run(tx, APPLY, at, &serde_json::to_value(under)?, None)?;
    Ok(())
}

/// A value that would be stored, or taken away, and is not so yet.
pub struct Change {
    pub label: String,
    /// For people; a secret is only said to be set.
    pub before: Option<String>,
    pub after: Option<String>,
}

/// What storing them would change, and all that speaks against it. Nothing is written.
pub fn changes(db: &Read, order: &Order) -> Result<(Vec<Change>, Vec<Complaint>)> {
    let properties = store::all(db, order.service.id)?;
    let (wanted, complaints) = judge(&properties, order);
    let mut changes = Vec::new();
    for (property, value) in wanted {
        let old = store::value(db, property.id, order.place)?;
        let kept = property.secret && value.is_none();
        if kept || (!property.secret && old == value) {
            continue;
        }
        let show = |value: Option<Value>| match value {
            Some(_) if property.secret => Some("set".to_owned()),
            Some(Value::String(text)) => Some(text),
            other => other.map(|value| value.to_string()),
        };
        changes.push(Change {
            label: property.label.clone(),
            before: show(old),
            after: show(value),
        });
    }
    Ok((changes, complaints))
}

/// Reads what was typed.
fn judge<'p>(
    properties: &'p [Property],
    order: &Order,
) -> (Vec<(&'p Property, Option<Value>)>, Vec<Complaint>) {
    let mut complaints = Vec::new();
    let find = |name: &str| {
        let found = properties.iter().find(|property| property.name == name);
        found.filter(|property| property.seen_by(order.standing))
    };
    let unknown = |name: &str| {
        let text = format!("is not a property of {}", order.service.name);
        Complaint::new(format!("properties.{name}"), text)
    };
    let mut changes = Vec::new();
    for (name, text) in &order.values {
        let Some(property) = find(name) else {
            complaints.push(unknown(name));
            continue;
        };
        match read(property, order, text) {
            Ok(value) => changes.push((property, value)),
            Err(message) => complaints.push(Complaint::new(format!("properties.{name}"), message)),
        }
    }
    for name in order.locks.iter().flatten() {
        if find(name).is_none_or(|property| !property.written_by(order.standing)) {
            complaints.push(unknown(name));
        }
    }
    (changes, complaints)
}

/// Stores them all, or refuses with every complaint.
pub fn store_values(tx: &Write, key: &Key, order: &Order) -> Result<()> {
    let properties = store::all(tx, order.service.id)?;
    let (changes, complaints) = judge(&properties, order);
    if !complaints.is_empty() {
        return Err(Error::Invalid(complaints));
    }
    let mut touched = 0;
    for (property, value) in changes {
        // A secret's field begins empty, and stays what it is when nothing is typed.
        let forget = value.is_none() && !property.secret;
        let stored = match value {
            Some(Value::String(text)) if property.secret => {
                Some(Value::from(key.seal(&property.seal(), &Secret::new(text))?))
            }
            other => other,
        };
        let old = store::value(tx, property.id, order.place)?;
        let changed = match &stored {
            Some(value) if old.as_ref() != Some(value) => {
                store::put(tx, property.id, order.place, value)?
            }
            None if forget && old.is_some() => store::remove(tx, property.id, order.place)?,
            _ => 0,
        };
        touched += changed;
        if changed > 0 {
            let show = |value: Option<Value>| match value {
                Some(_) if property.secret => Value::from("changed"),
                Some(value) => value,
                None => Value::Null,
            };
            let detail = json!({
                "service": order.service.code, "property": property.name,
                "old": show(old), "new": show(stored),
            });
            let subject = ("property", property.id.0);
            audit::record(tx, "property_value.changed", subject, order.audited_at, &detail)?;
        }
    }
    if let Some(locks) = &order.locks {
        for property in &properties {
            touched += store::lock(tx, property.id, order.place, locks.contains(&property.name))?;
        }
    }
    match Under::place(order.service.id, order.place) {
        Some(under) if touched > 0 => fan_out(tx, &under, order.audited_at, order.confirm),
        _ => Ok(()),
    }
}

/// What was typed as a value, nothing where it is to go, or what is wrong with it.
fn read(property: &Property, order: &Order, text: &str) -> Result<Option<Value>, String> {
    if !property.written_by(order.standing) {
        return Err(match (property.usage, property.writable_by) {
            (Use::Output, _) => "is written by Portico alone".to_owned(),
            (_, Standing::Provider) => "may be changed by the provider only".to_owned(),
            (_, by) => format!("may be changed by a {} or above only", by.word()),
        });
    }
    if !property.fits(order.place) {
        return Err("cannot be set here".to_owned());
    }
    if text.is_empty() {
        return Ok(None);
    }
    property.validation.read(property.kind, text).map(Some)
}

/// For what a value is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub service: ServiceId,
    pub customer: CustomerId,
    pub customer_service: Option<CustomerServiceId>,
    pub customer_plan: Option<PlanId>,
    pub user_service: Option<UserServiceId>,
    pub user_plan: Option<PlanId>,
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

/// Everything stored for an assignment, property by property, in two statements.
pub fn stored(db: &Read, asked: &Asked) -> Result<Vec<Stored>> {
    let properties = store::all(db, asked.service)?;
    let mut values = store::along_the_way(db, asked)?;
    let mut all = Vec::new();
    for property in properties {
        let plan = match property.level {
            Level::User => asked.user_plan,
            Level::Customer => asked.customer_plan,
        };
        let mut held: Vec<Held> = values
            .remove(&property.id)
            .unwrap_or_default()
            .into_iter()
            .filter(|(of, _)| of.is_none() || *of == plan)
            .map(|(_, held)| held)
            .collect();
        if property.usage != Use::Setting {
            let own = match property.level {
                Level::User => Holder::UserService,
                Level::Customer => Holder::CustomerService,
            };
            held.retain(|each| each.holder == own);
        } else if let Some(value) = &property.default {
            let holder = Holder::Default;
            let (for_plan, locked) = (false, false);
            held.push(Held { holder, distance: 0, for_plan, value: value.clone(), locked });
        }
        all.push(Stored { property, held });
    }
    Ok(all)
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
            Some((_, text)) if !text.is_empty() => continue,
            // It is about to be taken away.
            Some(_) if !secret => {
                let own = match level {
                    Level::User => Holder::UserService,
                    Level::Customer => Holder::CustomerService,
                };
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

/// The values stored at one place, by name; a secret's is only said to be set.
pub fn at(db: &Read, service: ServiceId, place: Place) -> Result<Vec<(Property, Value, bool)>> {
    let mut found = Vec::new();
    for property in store::all(db, service)? {
        if let Some((value, locked)) = store::value_and_lock(db, property.id, place)? {
            let value = if property.secret { Value::from("set") } else { value };
            found.push((property, value, locked));
        }
    }
    Ok(found)
}
