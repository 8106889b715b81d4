//! What of a service can be limited, and how a limit is said: `all`, the code of a plan, `sum:quota`
//! for a property that is counted, `standard/sum:quota` for that of one plan.

use super::{Meter, store};
use crate::catalogue::properties::{self, Property, Standing};
use crate::catalogue::{self, Level, Service};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, PlanId, ServiceId};
use crate::input::Fields;
use crate::kinds::{Type, size, size_text};
use crate::offers::State;

/// One of the things that can be limited.
pub struct Measure {
    pub key: String,
    /// "In all", "Standard", "Mailbox size", "Standard: Mailbox size".
    pub label: String,
    pub plan: Option<PlanId>,
    pub property: Option<Property>,
    level: Level,
}

impl Measure {
    pub fn meter(&self) -> Meter<'_> {
        match &self.property {
            Some(property) => Meter::Sum(property),
            None => Meter::of(self.level),
        }
    }

    /// A number of it as it would be typed.
    pub fn typed(&self, n: i64) -> String {
        if self.is_size() { size_text(n) } else { n.to_string() }
    }

    pub fn is_size(&self) -> bool {
        self.property.as_ref().is_some_and(|property| property.kind == Type::Size)
    }

    fn read(&self, text: &str) -> Option<i64> {
        let most = if self.is_size() { 1 << 60 } else { 1_000_000_000 };
        let number = if self.is_size() { size(text) } else { text.parse().ok() };
        number.filter(|number| (0..=most).contains(number))
    }
}

/// All that can be limited of a service.
pub fn measures(db: &Read, service: &Service) -> Result<Vec<Measure>> {
    let plans = catalogue::plans(db, service.id)?;
    let mut all = vec![Measure {
        key: "all".to_owned(),
        label: "In all".to_owned(),
        plan: None,
        property: None,
        level: service.kind,
    }];
    all.extend(plans.iter().map(|plan| Measure {
        key: plan.code.clone(),
        label: plan.name.clone(),
        plan: Some(plan.id),
        property: None,
        level: plan.level,
    }));
    let mut counted = properties::all(db, service.id)?;
    counted.retain(|property| property.meter);
    for property in counted {
        let level = property.level;
        all.push(Measure {
            key: format!("sum:{}", property.name),
            label: property.label.clone(),
            plan: None,
            property: Some(property.clone()),
            level,
        });
        all.extend(plans.iter().filter(|plan| plan.level == level).map(|plan| Measure {
            key: format!("{}/sum:{}", plan.code, property.name),
            label: format!("{}: {}", plan.name, property.label),
            plan: Some(plan.id),
            property: Some(property.clone()),
            level,
        }));
    }
    Ok(all)
}

/// The same without what somebody standing there does not see.
pub fn seen(db: &Read, service: &Service, standing: Standing) -> Result<Vec<Measure>> {
    let mut all = measures(db, service)?;
    all.retain(|each| each.property.as_ref().is_none_or(|property| property.seen_by(standing)));
    Ok(all)
}

/// A limit as it was said; none: as much as one likes.
pub struct Limit<'m> {
    pub measure: &'m Measure,
    pub max: Option<i64>,
}

/// Reads the object `limits`.
pub fn read<'m>(fields: &mut Fields, measures: &'m [Measure]) -> Vec<Limit<'m>> {
    let mut limits = Vec::new();
    for (name, text) in fields.members("limits") {
        let Some(measure) = measures.iter().find(|each| each.key.eq_ignore_ascii_case(name)) else {
            let not = if name.contains("sum:") { "counted" } else { "a plan" };
            fields.complain::<()>("limits", format!("has {name}, which is not {not}"));
            continue;
        };
        match measure.read(text) {
            _ if text.is_empty() => limits.push(Limit { measure, max: None }),
            Some(max) => limits.push(Limit { measure, max: Some(max) }),
            None if measure.is_size() => {
                fields.complain::<()>("limits", "must be sizes like 50 GiB, or empty");
            }
            None => {
                fields.complain::<()>("limits", "must be whole numbers from 0, or empty");
            }
        }
    }
    limits
}

pub fn set(tx: &Write, holder: CustomerId, service: ServiceId, limits: &[Limit]) -> Result<()> {
    for Limit { measure, max } in limits {
        store::set_limit(tx, holder, service, measure.plan, measure.meter(), *max)?;
    }
    Ok(())
}

/// Whether a customer was offered a service: its limits are then those of the offer.
pub fn is_offered(db: &Read, customer: CustomerId, service: ServiceId) -> Result<bool> {
    let offer = crate::offers::store::offer(db, customer, service)?;
    Ok(offer.is_some_and(|offer| offer.state != State::Withdrawn))
}

/// How a holder stands with something that can be limited.
pub struct Stand {
    pub measure: Measure,
    pub max: Option<i64>,
    pub used: i64,
    /// Whether there is a counter at all.
    pub counted: bool,
}

/// How a holder stands with each of `measures`.
pub fn stand(
    db: &Read,
    holder: CustomerId,
    service: ServiceId,
    measures: Vec<Measure>,
) -> Result<Vec<Stand>> {
    let counters = store::own_counters(db, holder, service)?;
    let of = |measure: Measure| {
        let (plan, word) = (measure.plan.map_or(0, |plan| plan.0), measure.meter().word());
        let own = counters.iter().find(|own| own.plan == plan && own.meter == word);
        let (max, used) = own.map_or((None, 0), |own| (own.max, own.used));
        Stand { measure, max, used, counted: own.is_some() }
    };
    Ok(measures.into_iter().map(of).collect())
}
