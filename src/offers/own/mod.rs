//! What a reseller sets of an offered service for its own branch: nearer than what was given along
//! with the offer, unless that is locked.

pub mod api;
pub mod pages;

use super::give;
use crate::auth::permissions::{ServiceSettingsWrite, ServicesRead};
use crate::auth::{Actor, PROVIDER, Scope, ServiceRights};
use crate::catalogue::properties::origin::{self, Explanation};
use crate::catalogue::properties::{self, Asked, Place, Property, Standing, Use};
use crate::catalogue::{self, Service};
use crate::db::{Db, Read};
use crate::error::{Error, Result};
use crate::ids::CustomerId;
use crate::input::{Field, Fields, Input};
use crate::secret::Key;
use serde_json::Value;

pub const EDIT: &[Field] = &[
    Field::object("properties", "values by name for the reseller’s branch; null inherits"),
    Field::list("locks", "names of properties whose value nobody below may overrule"),
    Field::text(
        "confirm",
        "where over 500 below have the service and a value changes: how many, typed",
    ),
];

/// Who sets them.
pub struct Setter<'a> {
    pub scope: &'a Scope<ServiceSettingsWrite>,
    pub actor: &'a Actor,
    pub key: &'a Key,
}

/// The scope of the rights on the service of that code; absent where there is no such service.
pub fn on(
    db: &Read,
    rights: &ServiceRights<ServiceSettingsWrite>,
    code: &str,
) -> Result<Scope<ServiceSettingsWrite>> {
    rights.on(catalogue::service_of(db, code)?.id)
}

/// The reseller's people stand above its customers, and it is about those.
pub fn standing(actor: &Actor) -> Standing {
    if actor.home == PROVIDER { Standing::Provider } else { Standing::Reseller }
}

/// A property that may be set, its value of the reseller's own if there is one, and whether that is
/// locked.
pub type Own = (Property, Option<Value>, bool);

/// The service of an offer in reach, and what may be set of it.
pub fn shown(
    db: &Read,
    scope: &Scope<ServiceSettingsWrite>,
    actor: &Actor,
    reseller: CustomerId,
    code: &str,
) -> Result<(Service, Vec<Own>)> {
    let (service, _) = give::find(db, scope, reseller, code)?;
    let mut seen = properties::seen(db, service.id, standing(actor))?;
    seen.retain(|each| each.usage == Use::Setting && each.written_by(standing(actor)));
    let stored = properties::at(db, service.id, Place::Own(reseller, None))?;
    let with_value = |property: Property| {
        let own = stored.iter().find(|(known, _, _)| known.id == property.id);
        let (value, locked) =
            own.map_or((None, false), |(_, value, locked)| (Some(value.clone()), *locked));
        (property, value, locked)
    };
    Ok((service, seen.into_iter().map(with_value).collect()))
}

/// What is asked for a reseller's branch.
pub fn asked(service: &Service, reseller: CustomerId) -> Asked {
    Asked {
        service: service.id,
        customer: reseller,
        customer_service: None,
        customer_plan: None,
        user_service: None,
        user_plan: None,
        branch: true,
    }
}

/// Where the branch of a reseller has the value of a property from.
pub fn explained(
    db: &Read,
    scope: &Scope<ServicesRead>,
    actor: &Actor,
    reseller: CustomerId,
    code: &str,
    name: &str,
) -> Result<(Service, Explanation)> {
    let (service, _) = give::find(db, scope, reseller, code)?;
    let found = origin::explain(db, actor.home, &asked(&service, reseller), name)?;
    match found.property.seen_by(standing(actor)) {
        true => Ok((service, found)),
        false => Err(Error::NotFound),
    }
}

/// Stores them; whoever has the service below is brought in line.
pub fn set(
    db: &Db,
    setter: &Setter,
    reseller: CustomerId,
    code: &str,
    input: &Input,
) -> Result<()> {
    db.write(setter.scope.by, |tx| {
        let (service, _) = give::find(tx, setter.scope, reseller, code)?;
        let fields = Fields::of(input, EDIT);
        let values = &input.wishes("properties");
        let locks = fields.has("locks").then(|| {
            input.all("locks").filter(|name| !name.is_empty()).map(str::to_owned).collect()
        });
        fields.finish(|| Some(()))?;
        let order = properties::Order {
            service: &service,
            place: Place::Own(reseller, None),
            standing: standing(setter.actor),
            values,
            locks,
            audited_at: reseller,
            confirm: Some(input.get("confirm")),
        };
        properties::store_values(tx, setter.key, &order).map(drop)
    })
}
