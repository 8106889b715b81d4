//! The values of a service's properties that an assignment stores, and those that hold for it.

use super::{Held, HeldId, held, store};
use crate::catalogue::Service;
use crate::catalogue::properties::{self, Asked, Place, Property, Stored, Typed, Use};
use crate::catalogue::values::Holder;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, CustomerServiceId, PlanId, ServiceId};
use crate::kinds::typed_as;
use crate::secret::{self, Key};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What holds, as the engine hands it on: secrets as they are kept, with what they are sealed for.
#[derive(Default)]
pub struct Effective {
    pub plain: Map<String, Value>,
    pub sealed: BTreeMap<String, (String, String)>,
}

/// Where an assignment keeps its own values.
pub fn place(id: HeldId) -> Place {
    match id {
        HeldId::Customer(id) => Place::CustomerService(id, None),
        HeldId::User(id) => Place::UserService(id),
    }
}

pub fn order<'a>(
    service: &'a Service,
    id: HeldId,
    standing: properties::Standing,
    typed: &'a Typed,
    customer: CustomerId,
) -> properties::Order<'a> {
    properties::Order {
        service,
        place: place(id),
        standing,
        values: typed,
        locks: None,
        audited_at: customer,
        confirm: None,
    }
}

/// Stores what was typed.
pub fn keep(tx: &Write, key: &Key, order: &properties::Order) -> Result<()> {
    properties::store_values(tx, key, order).map(drop)
}

/// What holds for an assignment, once `typed` is stored for it.
pub fn effective(db: &Read, held: &Held, typed: &[(String, Option<String>)]) -> Result<Effective> {
    let mut all = properties::stored(db, &asked(db, held)?)?;
    for stored in &mut all {
        let said = typed.iter().find(|(name, _)| *name == stored.property.name);
        if let Some((_, text)) = said {
            stored.store(held.id.level(), text.as_deref());
        }
    }
    Ok(Effective::of(&all))
}

impl Effective {
    fn of(all: &[Stored]) -> Effective {
        let mut effective = Effective::default();
        for stored in all {
            let name = stored.property.name.clone();
            match stored.effective() {
                Some(Value::String(sealed)) if stored.property.secret => {
                    effective.sealed.insert(name, (sealed.clone(), stored.property.seal()));
                }
                Some(plain) => {
                    effective.plain.insert(name, plain.clone());
                }
                None => {}
            }
        }
        effective
    }

    /// Names it: another value, another digest.
    fn digest(&self) -> Result<String> {
        let text = serde_json::to_vec(&(&self.plain, &self.sealed))?;
        Ok(secret::hex(&secret::sha256(&text)).chars().take(24).collect())
    }
}

/// The settings that are kept for the assignment itself, as they would be typed; none that is secret.
pub fn own(db: &Read, held: &Held) -> Result<BTreeMap<String, String>> {
    let mut all = typed_of(db, held)?;
    all.retain(|(property, _)| property.usage == Use::Setting);
    Ok(all.into_iter().map(|(property, text)| (property.name, text)).collect())
}

/// The same with what was captured when it was given.
pub fn typed_of(db: &Read, held: &Held) -> Result<Vec<(Property, String)>> {
    let mut all = Vec::new();
    let holder = match held.id {
        HeldId::Customer(_) => Holder::CustomerService,
        HeldId::User(_) => Holder::UserService,
    };
    for stored in properties::stored(db, &asked(db, held)?)? {
        if stored.property.secret || stored.property.usage == Use::Output {
            continue;
        }
        let found = stored.held.iter().find(|each| each.holder == holder && !each.for_plan);
        if let Some(value) = found.map(|each| &each.value) {
            let text = typed_as(stored.property.kind, value);
            all.push((stored.property, text));
        }
    }
    Ok(all)
}

/// Names what holds for an assignment: another value, another digest.
pub fn digest(db: &Read, held: &Held) -> Result<String> {
    effective(db, held, &[])?.digest()
}

/// What decides which values hold for an assignment, and how it was ordered last.
pub struct Standing {
    pub id: HeldId,
    pub asked: Asked,
    pub ordered_with: String,
}

/// Those of the assignments for which other values hold than they were ordered with last; however
/// many they are, of one service they take the same number of statements.
pub fn outdated(db: &Read, ids: &[HeldId]) -> Result<Vec<HeldId>> {
    let mut of_service: BTreeMap<ServiceId, Vec<Standing>> = BTreeMap::new();
    for standing in store::standings(db, ids)? {
        of_service.entry(standing.asked.service).or_default().push(standing);
    }
    let mut outdated = Vec::new();
    for (service, all) in of_service {
        let asked: Vec<Asked> = all.iter().map(|standing| standing.asked).collect();
        let values = properties::stored_of_all(db, service, &asked)?;
        for (standing, stored) in all.iter().zip(&values) {
            if Effective::of(stored).digest()? != standing.ordered_with {
                outdated.push(standing.id);
            }
        }
    }
    Ok(outdated)
}

pub fn asked(db: &Read, held: &Held) -> Result<Asked> {
    wanted(db, held.customer, held.service, held.id, held.plan_id, Some(held.customer_service))
}

/// What is asked for an assignment in `plan`, which may not be there yet.
pub fn wanted(
    db: &Read,
    customer: CustomerId,
    service: ServiceId,
    id: HeldId,
    plan: Option<PlanId>,
    below: Option<CustomerServiceId>,
) -> Result<Asked> {
    let (user_service, user_plan, customer_plan) = match id {
        HeldId::User(id) => {
            let below = below.map(|id| held::any(db, HeldId::Customer(id))).transpose()?;
            (Some(id), plan, below.and_then(|below| below.plan_id))
        }
        HeldId::Customer(_) => (None, None, plan),
    };
    Ok(Asked {
        service,
        customer,
        customer_service: below,
        customer_plan,
        user_service,
        user_plan,
        branch: false,
    })
}
