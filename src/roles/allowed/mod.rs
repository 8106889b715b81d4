//! Which roles may be used at a customer and below: inherited, allowed or denied there by those
//! above. A hop can only narrow.

pub mod store;

use super::Role;
use crate::audit;
use crate::auth::permissions::{RolesAllow, RolesRead};
use crate::auth::{self, PROVIDER, Scope, WITHOUT, is_last};
use crate::db::{Db, Read};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, RoleId, UserId};
use crate::input::{Field, Fields, Input};
use crate::places;
use serde_json::json;

/// What saying so asks for.
pub const ALLOW: &[Field] = &[
    Field::text("rule", "inherit, allow or deny").required(),
    Field::boolean(WITHOUT, "go on though somewhere no administrator is left"),
];

words! {
    /// What is said of a role at a customer.
    Rule { Inherit = "inherit", Allow = "allow", Deny = "deny" }
}

/// A role as it stands at a customer.
#[derive(serde::Serialize)]
pub struct Allowed {
    pub role_id: RoleId,
    pub role: String,
    /// inherit, allow or deny.
    pub rule: &'static str,
    pub allowed: bool,
    /// Why it is not.
    pub why_not: Option<String>,
    /// How many hold it there and below.
    pub holders: i64,
}

/// What a change of the rule would do.
#[derive(serde::Serialize)]
pub struct Effect {
    pub rule: &'static str,
    /// Users whose role stops working.
    pub stops: usize,
    /// Users whose role works again.
    pub starts: usize,
    /// Up to five of those it stops for.
    pub names: Vec<String>,
    #[serde(skip)]
    without: Option<String>,
}

/// Every role that could be used at `customer`, with what is said of it.
pub fn list(db: &Read, scope: &Scope<RolesRead>, customer: CustomerId) -> Result<Vec<Allowed>> {
    places::customer(db, scope, customer)?;
    let mut all = Vec::new();
    for role in super::store::list(db, scope)? {
        let elsewhere = role.held_in == "provider" && customer != PROVIDER;
        let by_mark = ["flag", "all"].contains(&role.held_in.as_str());
        if by_mark || elsewhere || !belongs(db, &role, customer)? {
            continue;
        }
        let why_not = auth::standing(db, role.id, customer, customer)?;
        all.push(Allowed {
            rule: store::rule(db, role.id, customer)?.word(),
            holders: store::grants(db, role.id, customer)?.len().try_into().unwrap_or(i64::MAX),
            role_id: role.id,
            role: role.name,
            allowed: why_not.is_none(),
            why_not,
        });
    }
    Ok(all)
}

/// What the rule would change, nothing changed.
pub fn effect(db: &Read, role: RoleId, customer: CustomerId, rule: Rule) -> Result<Effect> {
    let (mut stops, mut starts) = (Vec::<(UserId, String)>::new(), Vec::<UserId>::new());
    let mut without = None;
    let name = super::store::by_id(db, role)?.name;
    for held in store::grants(db, role, customer)? {
        let now = auth::standing(db, role, held.home, held.at)?.is_none();
        let then = auth::standing_if(db, role, held.home, held.at, Some((customer, rule.word())))?;
        if now && then.is_some() {
            if super::is_topmost(&name) && without.is_none() {
                without = store::only_by_this(db, role, &held)?
                    .then(|| is_last(&held.name, &held.at_name));
            }
            if !stops.iter().any(|(user, _)| *user == held.user) {
                stops.push((held.user, held.name));
            }
        } else if !now && then.is_none() && !starts.contains(&held.user) {
            starts.push(held.user);
        }
    }
    Ok(Effect {
        rule: rule.word(),
        stops: stops.len(),
        starts: starts.len(),
        names: stops.into_iter().map(|(_, name)| name).take(5).collect(),
        without,
    })
}

/// Says it. Nobody says it for the own customer: the permission reaches below only.
pub fn set(
    db: &Db,
    scope: &Scope<RolesAllow>,
    seen: &Scope<RolesRead>,
    customer: CustomerId,
    role: RoleId,
    input: &Input,
) -> Result<Effect> {
    db.read(|db| {
        scope.reaches(db, customer)?;
        known(db, seen, role, customer)
    })?;
    let mut fields = Fields::of(input, ALLOW);
    let (rule, meant) = (fields.parse::<Rule>("rule"), fields.flag(WITHOUT));
    let (rule, meant) = fields.finish(|| Some((rule?, meant?)))?;
    db.write(scope.by, |tx| {
        scope.reaches(tx, customer)?;
        let role = known(tx, seen, role, customer)?;
        let effect = effect(tx, role.id, customer, rule)?;
        if let (Some(text), false) = (&effect.without, meant) {
            return Err(Error::invalid(WITHOUT, text.clone()));
        }
        store::set(tx, role.id, customer, rule)?;
        let detail = json!({ "role": role.name, "rule": rule.word(), "stops": effect.stops });
        audit::record(tx, "role.allowed", ("customer", customer.0), customer, &detail)?;
        Ok(effect)
    })
}

/// A role that could be used at `customer` and that the asker may see.
pub fn known(
    db: &Read,
    seen: &Scope<RolesRead>,
    role: RoleId,
    customer: CustomerId,
) -> Result<Role> {
    let role = super::store::one(db, seen, role)?;
    let grantable = !["flag", "all"].contains(&role.held_in.as_str());
    if grantable && belongs(db, &role, customer)? { Ok(role) } else { Err(Error::NotFound) }
}

fn belongs(db: &Read, role: &Role, customer: CustomerId) -> Result<bool> {
    match role.customer_id {
        None => Ok(true),
        Some(owner) => store::is_at_or_below(db, owner, customer),
    }
}
