//! Giving, changing, closing and withdrawing offers. Nobody offers wider than he got.

use super::limits::{self, Limit, Measure};
use super::store::{self, Offer};
use super::{State, cascade};
use crate::audit;
use crate::auth::permissions::OffersWrite;
use crate::auth::{Actor, Scope};
use crate::catalogue::properties::{self, Place};
use crate::catalogue::{self, Plan, Service};
use crate::db::{Db, Read, Write};
use crate::error::{Complaint, Error, Result};
use crate::ids::{CustomerId, OfferId, PlanId};
use crate::input::{Field, Fields, Input};
use crate::secret::Key;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const LIMITS: &str = "plan code, all, sum:PROPERTY or PLAN/sum:PROPERTY to the most there may be below; null: no limit";
const PLAN_PROPERTIES: &str = "plan code to values given with the offer for that plan";

pub const NEW: &[Field] = &[
    Field::text("service", "its code").required(),
    Field::list("plans", "codes of the plans; of a service without plans none"),
    Field::object("limits", LIMITS),
    Field::object("properties", "values given with the offer, for every plan"),
    Field::object("plan_properties", PLAN_PROPERTIES),
    Field::list("locks", "names of properties whose given value nobody below may overrule"),
    Field::text(
        "confirm",
        "where over 500 below have the service and a value changes: how many, typed",
    ),
];

pub const EDIT: &[Field] = &[
    Field::list("plans", "codes of the plans"),
    Field::object("limits", LIMITS),
    Field::object("properties", "values given with the offer, for every plan"),
    Field::object("plan_properties", PLAN_PROPERTIES),
    Field::list("locks", "names of properties whose given value nobody below may overrule"),
    Field::text(
        "confirm",
        "where over 500 below have the service and a value changes: how many, typed",
    ),
];

/// Who gives, and the key that seals secrets given along.
pub struct Giver<'a> {
    pub scope: &'a Scope<OffersWrite>,
    pub actor: &'a Actor,
    pub key: &'a Key,
}

struct Terms<'m> {
    plans: Option<Vec<Plan>>,
    limits: Vec<Limit<'m>>,
}

/// Offers a service to a reseller.
pub fn give(db: &Db, giver: &Giver, reseller: CustomerId, input: &Input) -> Result<OfferId> {
    db.write(giver.scope.by, |tx| {
        giver.scope.reaches(tx, reseller)?;
        let target = store::reseller(tx, reseller)?;
        let code = Fields::of(input, NEW).value("service").to_owned();
        let service = match catalogue::service_of(tx, &code) {
            _ if code.is_empty() => return Err(Error::invalid("service", "is required")),
            Ok(service) if !service.builtin => service,
            Ok(_) | Err(Error::NotFound) => {
                return Err(Error::invalid("service", "is not one of the choices"));
            }
            Err(err) => return Err(err),
        };
        // What the asker may not see is not there for it.
        let got = got(tx, giver.actor.home, &target, &service)?;
        if !target.reseller {
            return Err(Error::refused(format!("{} is not a reseller.", target.name)));
        }
        if let Some(old) = store::offer(tx, reseller, service.id)?
            && old.state != State::Withdrawn
        {
            let text = format!("{} is offered to {} already.", service.name, target.name);
            return Err(Error::invalid("service", text));
        }
        let measures = measures(tx, giver, reseller, &service)?;
        let terms = read(input, NEW, &measures, &got)?;
        let plans = terms.plans.unwrap_or_default();
        if plans.is_empty() && !got.is_empty() {
            return Err(Error::invalid("plans", "must be one at least"));
        }
        let id = store::upsert(tx, reseller, service.id)?;
        set_plans(tx, id, reseller, &service, &plans)?;
        limits::set(tx, reseller, service.id, &terms.limits)?;
        set_values(tx, giver, reseller, &service, input)?;
        let detail = detail(&service, &plans, input);
        audit::record(tx, "offer.given", ("offer", id.0), reseller, &detail)?;
        Ok(id)
    })
}

/// Changes what the input names: plans, limits, given values.
pub fn change(
    db: &Db,
    giver: &Giver,
    reseller: CustomerId,
    code: &str,
    input: &Input,
    expected: Option<i64>,
) -> Result<()> {
    db.write(giver.scope.by, |tx| {
        let (service, offer) = find(tx, giver.scope, reseller, code)?;
        if expected.is_some_and(|version| version != offer.version) {
            return Err(Error::Stale("Somebody changed this offer meanwhile.".to_owned()));
        }
        let target = store::reseller(tx, reseller)?;
        let mut got = got(tx, giver.actor.home, &target, &service)?;
        // What was offered before and is closed further up since may stay as it is.
        let held = store::offer_plans(tx, offer.id)?;
        for plan in catalogue::plans(tx, service.id)? {
            let stays = held.iter().any(|(id, _)| *id == plan.id);
            if stays && !got.iter().any(|each| each.id == plan.id) {
                got.push(plan);
            }
        }
        let measures = measures(tx, giver, reseller, &service)?;
        let terms = read(input, EDIT, &measures, &got)?;
        if let Some(plans) = &terms.plans {
            if plans.is_empty() && !got.is_empty() {
                return Err(Error::invalid("plans", "must be one at least"));
            }
            set_plans(tx, offer.id, reseller, &service, plans)?;
        }
        limits::set(tx, reseller, service.id, &terms.limits)?;
        set_values(tx, giver, reseller, &service, input)?;
        store::touch(tx, offer.id)?;
        let detail = detail(&service, terms.plans.as_deref().unwrap_or_default(), input);
        audit::record(tx, "offer.changed", ("offer", offer.id.0), reseller, &detail)
    })
}

fn detail(service: &Service, plans: &[Plan], input: &Input) -> Value {
    let codes: Vec<&str> = plans.iter().map(|plan| plan.code.as_str()).collect();
    let limits: BTreeMap<&str, &str> = input.members("limits").collect();
    json!({ "service": service.code, "plans": codes, "limits": limits })
}

/// The plans the giver itself was offered, once the service was: the target's parent gives.
fn got(
    db: &Read,
    viewer: CustomerId,
    target: &store::Target,
    service: &Service,
) -> Result<Vec<Plan>> {
    cascade::require(db, viewer, target.id, service, None)?;
    let mut missing = Vec::new();
    for catalogue::Need { service: need, .. } in catalogue::needs(db, service.id)? {
        if cascade::require(db, viewer, target.id, &need, None).is_err() {
            let text = format!("needs {}, which is not offered to whoever gives it", need.name);
            missing.push(Complaint::new("service", text));
        }
    }
    if !missing.is_empty() {
        return Err(Error::Invalid(missing));
    }
    let mut plans = catalogue::plans(db, service.id)?;
    let mut open = Vec::new();
    for plan in plans.drain(..) {
        if cascade::require(db, viewer, target.id, service, Some(&plan)).is_ok() {
            open.push(plan);
        }
    }
    Ok(open)
}

/// The plans of a service that `reseller` can be offered.
pub fn givable(
    db: &Read,
    viewer: CustomerId,
    reseller: CustomerId,
    service: &Service,
) -> Result<Vec<Plan>> {
    got(db, viewer, &store::reseller(db, reseller)?, service)
}

/// What the giver can limit.
fn measures(
    db: &Read,
    giver: &Giver,
    reseller: CustomerId,
    service: &Service,
) -> Result<Vec<Measure>> {
    limits::seen(db, service, properties::standing(giver.actor, reseller))
}

fn read<'m>(
    input: &Input,
    declared: &'static [Field],
    measures: &'m [Measure],
    got: &[Plan],
) -> Result<Terms<'m>> {
    let mut fields = Fields::of(input, declared);
    let find = |code: &str| got.iter().find(|plan| plan.code.eq_ignore_ascii_case(code));
    let mut plans = None;
    if fields.has("plans") {
        let mut chosen: Vec<Plan> = Vec::new();
        for code in fields.list::<String>("plans", 200).unwrap_or_default() {
            match find(&code) {
                Some(plan) if chosen.iter().any(|other| other.id == plan.id) => {}
                Some(plan) => chosen.push(plan.clone()),
                None => {
                    let text = format!("has {code}, which you are not offered");
                    fields.complain::<()>("plans", text);
                }
            }
        }
        plans = Some(chosen);
    }
    let limits = limits::read(&mut fields, measures);
    fields.finish(|| Some(Terms { plans, limits }))
}

/// A plan that is left out goes, or is closed where somebody below has it.
fn set_plans(
    tx: &Write,
    offer: OfferId,
    reseller: CustomerId,
    service: &Service,
    plans: &[Plan],
) -> Result<()> {
    for (held, _) in store::offer_plans(tx, offer)? {
        if plans.iter().any(|plan| plan.id == held) {
            continue;
        }
        if store::plan_used_below(tx, reseller, held)? {
            store::put_plan(tx, offer, service.id, held, State::Closed)?;
        } else {
            store::drop_plan(tx, offer, held)?;
        }
    }
    put_plans(tx, offer, service, plans)
}

/// Opens plans of an offer.
pub fn put_plans(tx: &Write, offer: OfferId, service: &Service, plans: &[Plan]) -> Result<()> {
    for plan in plans {
        store::put_plan(tx, offer, service.id, plan.id, State::Active)?;
    }
    Ok(())
}

/// The values given along, for all plans and for one each; locks hold for both.
fn set_values(
    tx: &Write,
    giver: &Giver,
    reseller: CustomerId,
    service: &Service,
    input: &Input,
) -> Result<()> {
    let locks = input.has("locks").then(|| input.all("locks").map(str::to_owned).collect());
    let values = |plan: Option<PlanId>, field: &str| {
        let order = properties::Order {
            service,
            place: Place::Given(reseller, plan),
            standing: properties::standing(giver.actor, reseller),
            values: &input.wishes(field),
            locks: locks.clone(),
            audited_at: reseller,
            confirm: Some(input.get("confirm")),
        };
        properties::store_values(tx, giver.key, &order).map(drop)
    };
    values(None, "properties")?;
    let mut codes: Vec<&str> = Vec::new();
    for (name, _) in input.members("plan_properties") {
        let Some((code, _)) = name.split_once('.') else {
            return Err(Error::invalid("plan_properties", "must be an object of plans"));
        };
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    for code in codes {
        let Ok(plan) = catalogue::plan_of(tx, service.id, code) else {
            let text = format!("has {code}, which is not a plan");
            return Err(Error::invalid("plan_properties", text));
        };
        let field = format!("plan_properties.{code}");
        values(Some(plan.id), &field).map_err(|err| at_plan(err, &field))?;
    }
    Ok(())
}

/// What is wrong with the value for one plan is told at its own field.
fn at_plan(err: Error, field: &str) -> Error {
    let Error::Invalid(complaints) = err else { return err };
    let moved = complaints.into_iter().map(|each| match each.field.strip_prefix("properties.") {
        Some(name) => Complaint::new(format!("{field}.{name}"), each.message),
        None => each,
    });
    Error::Invalid(moved.collect())
}

/// The offer of a service to a reseller in reach, unless it was withdrawn.
pub fn find<P>(
    db: &Read,
    scope: &Scope<P>,
    reseller: CustomerId,
    code: &str,
) -> Result<(Service, Offer)> {
    scope.reaches(db, reseller)?;
    let service = catalogue::service_of(db, code)?;
    match store::offer(db, reseller, service.id)? {
        Some(offer) if offer.state != State::Withdrawn => Ok((service, offer)),
        _ => Err(Error::NotFound),
    }
}

/// Nothing new below from now on; what exists goes on.
pub fn close(db: &Db, scope: &Scope<OffersWrite>, reseller: CustomerId, code: &str) -> Result<()> {
    db.write(scope.by, |tx| {
        let (service, offer) = find(tx, scope, reseller, code)?;
        if offer.state == State::Closed {
            return Ok(());
        }
        store::set_state(tx, offer.id, State::Closed)?;
        let detail = json!({ "service": service.code });
        audit::record(tx, "offer.closed", ("offer", offer.id.0), reseller, &detail)
    })
}

/// Opens it again, if every hop above is open.
pub fn reopen(db: &Db, giver: &Giver, reseller: CustomerId, code: &str) -> Result<()> {
    db.write(giver.scope.by, |tx| {
        let (service, offer) = find(tx, giver.scope, reseller, code)?;
        if offer.state == State::Active {
            return Ok(());
        }
        cascade::require(tx, giver.actor.home, reseller, &service, None)?;
        store::set_state(tx, offer.id, State::Active)?;
        let detail = json!({ "service": service.code });
        audit::record(tx, "offer.reopened", ("offer", offer.id.0), reseller, &detail)
    })
}

/// Takes it back, if nobody below uses it.
pub fn withdraw(
    db: &Db,
    scope: &Scope<OffersWrite>,
    reseller: CustomerId,
    code: &str,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let (service, offer) = find(tx, scope, reseller, code)?;
        let users = store::users_below(tx, reseller, service.id)?;
        let resellers = store::resellers_below(tx, reseller, service.id)?;
        if !users.is_empty() || !resellers.is_empty() {
            let number = |n: usize, one: &str| match n {
                0 => None,
                1 => Some(format!("1 {one}")),
                n => Some(format!("{n} {one}s")),
            };
            let counts: Vec<String> =
                [number(users.len(), "customer"), number(resellers.len(), "reseller")]
                    .into_iter()
                    .flatten()
                    .collect();
            let names: Vec<String> = users.into_iter().chain(resellers).take(100).collect();
            return Err(Error::refused(format!(
                "{} is used by {}: {}. Close it instead.",
                service.name,
                counts.join(" and "),
                names.join(", ")
            )));
        }
        store::set_state(tx, offer.id, State::Withdrawn)?;
        let detail = json!({ "service": service.code });
        audit::record(tx, "offer.withdrawn", ("offer", offer.id.0), reseller, &detail)
    })
}

/// Whether this viewer is the one who gives to `reseller`: nobody sets one's own offers.
pub fn may_give(db: &Read, actor: &Actor, reseller: CustomerId) -> Result<bool> {
    match actor.scope::<OffersWrite>() {
        Ok(scope) => store::reaches(db, &scope, reseller),
        Err(_) => Ok(false),
    }
}
