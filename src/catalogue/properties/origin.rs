//! Where a value comes from, and who has one of its own. Nobody reads a name, a value or a hand from
//! above where it stands: there it says that something is set above.

use super::{Asked, Property, Stored, store, stored};
use crate::auth::permissions::CatalogueRead;
use crate::auth::{PROVIDER, Scope};
use crate::catalogue::Service;
use crate::catalogue::values::{Fate, Held, Holder, effective};
use crate::db::Read;
use crate::error::{Error, Result};
use crate::ids::{CustomerId, UserId};
use crate::kinds::said;
use crate::time::Instant;
use crate::web::Paging;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One who holds a value, or might.
#[derive(Debug, Serialize)]
pub struct Line {
    /// `above` where more may not be said.
    pub holder: &'static str,
    pub who: String,
    /// The plan it is for; none: for all.
    pub plan: Option<String>,
    /// Of a secret: set. Nothing: not set, or not to be seen from here.
    pub value: Option<Value>,
    /// The same for people.
    #[serde(skip)]
    pub text: String,
    pub locked: bool,
    pub by: Option<String>,
    pub at: Option<Instant>,
    /// Nothing where nothing is stored.
    pub fate: Option<Fate>,
    pub overruled_by: Option<String>,
}

/// A property for somebody, with everybody who holds a value.
pub struct Explanation {
    pub property: Property,
    /// What holds, for people; of a secret that it is set.
    pub text: Option<String>,
    pub value: Option<Value>,
    pub lines: Vec<Line>,
}

impl Explanation {
    /// As the API promises it.
    pub fn out(&self) -> Value {
        json!({
            "property": self.property.name, "label": self.property.label, "value": self.value,
            "holders": self.lines,
        })
    }
}

/// A row of a stored value, as it is told.
pub struct Origin {
    pub plan: Option<String>,
    pub at: Instant,
    pub by: Option<String>,
    /// Whether whoever set it belongs to where the viewer does, or below.
    pub near: bool,
}

/// A reseller of the way up, and how far away it is.
pub struct Hop {
    pub name: String,
    pub distance: i64,
}

/// Where somebody stands who looks.
struct Eye {
    provider: bool,
    distance: i64,
}

impl Eye {
    fn of(db: &Read, viewer: CustomerId, customer: CustomerId) -> Result<Eye> {
        let distance = store::distance(db, viewer, customer)?.unwrap_or(0);
        Ok(Eye { provider: viewer == PROVIDER, distance })
    }

    /// What was given to oneself was set above.
    fn sees(&self, holder: Holder, distance: i64) -> bool {
        match holder {
            _ if self.provider => true,
            Holder::UserService | Holder::CustomerService => true,
            Holder::Own => distance <= self.distance,
            Holder::Given => distance < self.distance,
            Holder::Plan | Holder::Default => false,
        }
    }
}

/// The property of that name for whom it is asked, as `viewer` may see it.
pub fn explain(
    db: &Read,
    viewer: CustomerId,
    asked: &Asked,
    property: &str,
) -> Result<Explanation> {
    let all = stored(db, asked)?;
    let found = all.into_iter().find(|each| each.property.name == property);
    let stored = found.ok_or(Error::NotFound)?;
    let eye = Eye::of(db, viewer, asked.customer)?;
    let hops = store::hops(db, asked.customer, asked.branch)?;
    let names = Names { customer: store::name(db, asked.customer)?, hops: &hops };
    let origins = store::origins(db, stored.property.id, viewer)?;
    let mut lines = Vec::new();
    for each in stored.explain() {
        let sees = eye.sees(each.holder, each.distance);
        let origin = origins.get(&each.id).filter(|_| sees);
        let wins = each.fate == Fate::Wins;
        let over = each.overruled_by.map(|_| match effective(&stored.held) {
            Some(held) if eye.sees(held.holder, held.distance) => {
                let plan = origins.get(&held.id).and_then(|origin| origin.plan.as_deref());
                names.who(held.holder, held.distance, plan)
            }
            _ => ABOVE.to_lowercase(),
        });
        lines.push(Line {
            holder: if sees { each.holder.word() } else { "above" },
            who: if sees {
                let plan = origin.and_then(|origin| origin.plan.as_deref());
                names.who(each.holder, each.distance, plan)
            } else {
                ABOVE.to_owned()
            },
            plan: origin.filter(|_| each.for_plan).and_then(|origin| origin.plan.clone()),
            text: if sees || wins { text(&stored, &each.value) } else { String::new() },
            value: (sees || wins).then(|| each.value.clone()),
            locked: each.locked,
            by: origin.filter(|origin| origin.near).and_then(|origin| origin.by.clone()),
            at: origin.map(|origin| origin.at),
            fate: Some(each.fate),
            overruled_by: over,
        });
    }
    empty_places(&stored, asked, &eye, &names, &mut lines);
    let winner = stored.effective();
    let value = winner.map(|value| match stored.property.secret {
        true => Value::from("set"),
        false => value.clone(),
    });
    let text = winner.map(|value| text(&stored, value));
    Ok(Explanation { property: stored.property, text, value, lines })
}

const ABOVE: &str = "Set above you";

fn text(stored: &Stored, value: &Value) -> String {
    match stored.property.secret {
        true => "set".to_owned(),
        false => said(stored.property.kind, &stored.property.validation, value),
    }
}

/// What the holders are called.
struct Names<'a> {
    customer: String,
    hops: &'a [Hop],
}

impl Names<'_> {
    fn who(&self, holder: Holder, distance: i64, plan: Option<&str>) -> String {
        let hop = || {
            let found = self.hops.iter().find(|hop| hop.distance == distance);
            found.map_or("the reseller", |hop| hop.name.as_str())
        };
        match holder {
            Holder::UserService => "The user’s service".to_owned(),
            Holder::CustomerService => format!("The service of {}", self.customer),
            Holder::Own => format!("{}, for its customers", hop()),
            Holder::Given => format!("Given to {} with the offer", hop()),
            Holder::Plan => format!("Plan {}", plan.unwrap_or_default()),
            Holder::Default => "The default".to_owned(),
        }
    }
}

/// Those who might hold a value and hold none go last, so that it is seen where one could be set.
fn empty_places(stored: &Stored, asked: &Asked, eye: &Eye, names: &Names, lines: &mut Vec<Line>) {
    let mut places: Vec<(Holder, i64)> = Vec::new();
    if asked.user_service.is_some() {
        places.push((Holder::UserService, 0));
    }
    if asked.customer_service.is_some() {
        places.push((Holder::CustomerService, 0));
    }
    for hop in names.hops {
        places.extend([(Holder::Own, hop.distance), (Holder::Given, hop.distance)]);
    }
    places.push((Holder::Default, 0));
    for (holder, distance) in places {
        let at = match holder {
            Holder::UserService => super::At::User,
            Holder::CustomerService => super::At::Customer,
            _ => super::At::Reseller,
        };
        let own = &stored.property;
        let fits = match holder {
            Holder::Default => own.usage == super::Use::Setting && own.unique == super::Unique::No,
            _ => own.takes(at),
        };
        let there = |held: &Held| (held.holder, held.distance) == (holder, distance);
        if !fits || !eye.sees(holder, distance) || stored.held.iter().any(there) {
            continue;
        }
        lines.push(Line {
            holder: holder.word(),
            who: names.who(holder, distance, None),
            plan: None,
            value: None,
            text: "not set".to_owned(),
            locked: false,
            by: None,
            at: None,
            fate: None,
            overruled_by: None,
        });
    }
}

/// What a field would have without a value of its own.
#[derive(Clone, Debug)]
pub struct Inherited {
    /// "5, from the plan"
    pub text: String,
    /// Something farther is locked, so that an own value has no effect.
    pub held: bool,
}

/// By the names of the properties.
pub type Inherits = BTreeMap<String, Inherited>;

/// What holds for each property without what is kept nearest.
pub fn inherited(db: &Read, viewer: CustomerId, asked: &Asked) -> Result<Inherits> {
    let eye = Eye::of(db, viewer, asked.customer)?;
    let own = match (asked.user_service, asked.customer_service) {
        (Some(_), _) => Some(Holder::UserService),
        (None, Some(_)) => Some(Holder::CustomerService),
        (None, None) => None,
    };
    let mut all = Inherits::new();
    for mut each in stored(db, asked)? {
        let of_branch =
            |held: &Held| asked.branch && held.holder == Holder::Own && held.distance == 0;
        each.held.retain(|held| Some(held.holder) != own && !of_branch(held));
        let Some(held) = effective(&each.held) else { continue };
        let from = match held.holder {
            holder if !eye.sees(holder, held.distance) => "set above you",
            Holder::UserService => "from the user’s service",
            Holder::CustomerService => "from the customer’s service",
            Holder::Own => "from the reseller",
            Holder::Given => "given with the offer",
            Holder::Plan => "from the plan",
            Holder::Default => "the default",
        };
        let inherited =
            Inherited { text: format!("{}, {from}", text(&each, &held.value)), held: held.locked };
        all.insert(each.property.name, inherited);
    }
    Ok(all)
}

/// What a plan has without a value of its own.
pub fn defaults(all: &[Property]) -> Inherits {
    let one = |each: &Property| {
        let text = said(each.kind, &each.validation, each.default.as_ref()?);
        let held = each.default_locked;
        Some((each.name.clone(), Inherited { text: format!("{text}, the default"), held }))
    };
    all.iter().filter_map(one).collect()
}

/// Somebody who has a value of their own.
#[derive(Debug, Serialize)]
pub struct Override {
    #[serde(skip)]
    pub id: i64,
    pub holder: String,
    pub customer_id: CustomerId,
    pub customer: String,
    pub user_id: Option<UserId>,
    pub user: Option<String>,
    pub plan: Option<String>,
    pub value: Value,
    #[serde(skip)]
    pub text: String,
    pub locked: bool,
    pub at: Instant,
}

/// Who deviates from the definition, among those whom the asker reaches.
pub fn overrides(
    db: &Read,
    scope: &Scope<CatalogueRead>,
    service: &Service,
    property: &str,
    paging: &Paging,
    sees: impl Fn(&Property) -> bool,
) -> Result<(Property, Vec<Override>)> {
    let all = store::all(db, service.id)?;
    let found = all.into_iter().find(|each| each.name == property).filter(sees);
    let property = found.ok_or(Error::NotFound)?;
    let mut rows = store::overrides(db, scope, property.id, paging)?;
    for row in &mut rows {
        if property.secret {
            row.value = Value::from("set");
        }
        row.text = match property.secret {
            true => "set".to_owned(),
            false => said(property.kind, &property.validation, &row.value),
        };
    }
    Ok((property, rows))
}
