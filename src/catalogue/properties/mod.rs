//! Properties: the named, typed settings of a service, and the values stored for them by whoever may.
//! Which stored value holds is decided in `values`. A secret is sealed, and read by the engine alone.

pub mod api;
pub mod origin;
pub mod pages;
mod define;
mod fan_out;
mod order;
mod store;
mod stored;

pub use define::{NEW, as_input, create, delete, update};
pub use fan_out::{APPLY, Under};
pub use order::{Change, Order, Typed, changes, let_go, store_values};
pub use stored::{Asked, Stored, missing, opened, stored, stored_of_all};

use super::{Level, Service};
use crate::auth::permissions::CatalogueRead;
use crate::auth::{Actor, PROVIDER, Scope};
use crate::db::Read;
use crate::error::Result;
use crate::ids::{CustomerId, CustomerServiceId, PlanId, PropertyId, ServiceId, UserServiceId};
use crate::kinds::{Type, Validation};
use crate::web::{Cx, Listing, Paging};
use serde_json::Value;

words! {
    /// A setting has a default and inherits; a captured value is typed when it is given; an output
    /// is written by the engine.
    Use { Setting = "setting", Captured = "captured", Output = "output" }
}

words! {
    /// How near somebody stands to the provider, seen from the customer it is about.
    Standing { Provider = "provider", Reseller = "reseller", Customer = "customer", User = "user" }
}

words! {
    /// Among whom no two may have the same value.
    Unique { No = "no", Customer = "customer", Installation = "installation" }
}

words! {
    /// Where a value may be kept.
    At { Plan = "plan", Reseller = "reseller", Customer = "customer", User = "user" }
}

#[derive(Clone, Debug)]
pub struct Property {
    pub id: PropertyId,
    pub service: ServiceId,
    pub name: String,
    pub label: String,
    pub help: String,
    /// Groups the fields of a form.
    pub category: String,
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
    /// Where values may be kept; empty: wherever they fit.
    pub at: Vec<At>,
    pub unique: Unique,
    /// Counted: what all have of it together may be limited.
    pub meter: bool,
    /// A default that nobody may overrule.
    pub default_locked: bool,
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
        self.takes(place.at())
    }

    /// Whether values may be kept at places of that kind at all.
    pub fn takes(&self, at: At) -> bool {
        let allowed = self.at.is_empty() || self.at.contains(&at);
        match (self.usage, self.unique) {
            (Use::Output, _) => false,
            (Use::Captured, _) | (_, Unique::Customer | Unique::Installation) => {
                allowed && at == self.nearest()
            }
            (Use::Setting, Unique::No) => allowed && (at != At::User || self.level == Level::User),
        }
    }

    /// The place that is nearest to who has it.
    fn nearest(&self) -> At {
        match self.level {
            Level::User => At::User,
            Level::Customer => At::Customer,
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

impl Place {
    fn at(self) -> At {
        match self {
            Place::Plan(_) => At::Plan,
            Place::Given(..) | Place::Own(..) => At::Reseller,
            Place::CustomerService(..) => At::Customer,
            Place::UserService(_) => At::User,
        }
    }
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

/// Whether anything of a service is counted by what its assignments are set to.
pub fn counts(db: &Read, service: ServiceId) -> Result<bool> {
    store::counts(db, service)
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

/// A page of those who have a value of their own, of the service and property that the path names.
fn deviating(
    cx: &Cx,
    scope: &Scope<CatalogueRead>,
    paging: &Paging,
) -> Result<(Service, Property, Listing<origin::Override>)> {
    let (code, name): (String, String) = (cx.param("code")?, cx.param("name")?);
    let standing = super::api::standing_at_home(cx);
    cx.db.read(|db| {
        let service = super::visible(db, scope, &code)?;
        let sees = |property: &Property| property.seen_by(standing);
        let (property, rows) = origin::overrides(db, scope, &service, &name, paging, sees)?;
        let page = paging.listing(rows, |row| (String::new(), row.id));
        Ok((service, property, page))
    })
}
