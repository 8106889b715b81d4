use super::give::{self, Giver};
use super::store::{self, Offer};
use super::{Subject, limits, path, sellable, why_not};
use crate::auth::permissions::{OffersWrite, PricesRead, ServicesRead};
use crate::auth::{Actor, PROVIDER, Scope};
use crate::catalogue::properties::{self, Place, Standing};
use crate::catalogue::{self, Level, Plan, Service};
use crate::db::Read;
use crate::error::{Error, Result};
use crate::ids::{CustomerId, PlanId, UserId};
use crate::input::Field;
use crate::places;
use crate::prices;
use crate::rating::periods::Period;
use crate::rating::prices::Wanted;
use crate::rating::{Charge, Kind};
use crate::time::Date;
use crate::web::{Cx, Response, response};
use serde_json::{Map, Value, json};

pub const NEW: &[Field] = give::NEW;
pub const EDIT: &[Field] = give::EDIT;

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::text("service", "its code"),
    Field::text("name", ""),
    Field::text("state", "active or closed"),
    Field::list("plans", "code, name and state of each"),
    Field::object("limits", "plan code, all, sum:PROPERTY or PLAN/sum:PROPERTY: max, used"),
    Field::object("properties", "values given along; of a secret: set"),
    Field::object("plan_properties", "the same for one plan each, by its code"),
    Field::list("locks", "names of properties whose given value nobody below may overrule"),
    Field::integer("version", ""),
];

pub const WHY: &[Field] = &[
    Field::list("checks", "ok and text of each, in order"),
    Field::boolean("ok", "whether all are"),
];

pub const PLAN_FILTER: &[Field] = &[Field::text("plan", "its code")];

pub const ON: &[Field] = &[Field::text("on", "a day like 2026-01-31; without, today")];

pub const PRICE_OUT: &[Field] = &[
    Field::text("service", ""),
    Field::text("plan", "null: the service has none"),
    Field::text("charge", ""),
    Field::text("price", "a decimal; null: it has none"),
    Field::text("currency", ""),
    Field::text("counting", ""),
    Field::text("valid_from", "null: the seller's own price and its mark-up"),
];

/// An offer with its plans and counters.
pub fn whole(db: &Read, actor: &Actor, reseller: CustomerId, offer: &Offer) -> Result<Value> {
    let service = catalogue::service(db, offer.service)?;
    let plans = catalogue::plans(db, service.id)?;
    let held = store::offer_plans(db, offer.id)?;
    let mut out = Vec::new();
    for plan in &plans {
        if let Some((_, state)) = held.iter().find(|(id, _)| *id == plan.id) {
            out.push(json!({ "code": plan.code, "name": plan.name, "state": state }));
        }
    }
    let mut limits = Map::new();
    let standing = super::own::standing(actor);
    let measures = limits::seen(db, &service, standing)?;
    for each in limits::stand(db, reseller, service.id, measures)? {
        if each.counted {
            limits.insert(each.measure.key, json!({ "max": each.max, "used": each.used }));
        }
    }
    let (given, mut locks) = given(db, standing, &service, reseller, None)?;
    let mut for_plans = Map::new();
    for plan in &plans {
        let (values, locked) = self::given(db, standing, &service, reseller, Some(plan.id))?;
        if !values.is_empty() {
            for_plans.insert(plan.code.clone(), Value::Object(values));
            locks.extend(locked);
        }
    }
    locks.sort();
    locks.dedup();
    Ok(json!({
        "id": offer.id, "service": service.code, "name": service.name, "state": offer.state,
        "plans": out, "limits": limits, "properties": given, "plan_properties": for_plans, "locks": locks,
        "version": offer.version,
    }))
}

/// What is given along with the offer, as far as somebody standing there sees it, and what of it is
/// locked.
fn given(
    db: &Read,
    standing: Standing,
    service: &Service,
    reseller: CustomerId,
    plan: Option<PlanId>,
) -> Result<(Map<String, Value>, Vec<String>)> {
    let (mut values, mut locks) = (Map::new(), Vec::new());
    for (property, value, locked) in properties::at(db, service.id, Place::Given(reseller, plan))? {
        if !property.seen_by(standing) {
            continue;
        }
        if locked {
            locks.push(property.name.clone());
        }
        values.insert(property.name, value);
    }
    Ok((values, locks))
}

pub fn index(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    let paging = cx.paging(&[])?;
    let reseller: CustomerId = cx.param("id")?;
    let (rows, next) = cx.db.read(|db| {
        places::customer(db, scope, reseller)?;
        let after = (paging.value(), paging.id());
        let rows = store::offers(db, scope, reseller, after, paging.fetch())?;
        let page = paging.listing(rows, |(name, offer)| (name.clone(), offer.id.0));
        let all = page.items.iter().map(|(_, offer)| whole(db, &cx.actor, reseller, offer));
        Ok((all.collect::<Result<Vec<_>>>()?, page.next))
    })?;
    response::json(200, &json!({ "items": rows, "next": next }))
}

fn giver<'a>(cx: &'a Cx, scope: &'a Scope<OffersWrite>) -> Giver<'a> {
    Giver { scope, actor: &cx.actor, key: &cx.app.config.key }
}

fn shown(cx: &Cx, reseller: CustomerId, code: &str) -> Result<Value> {
    cx.db.read(|db| {
        let service = catalogue::service_of(db, code)?;
        let offer = store::offer(db, reseller, service.id)?.ok_or(Error::NotFound)?;
        whole(db, &cx.actor, reseller, &offer)
    })
}

pub const PATH_OUT: &[Field] =
    &[Field::list("offered_to", "numbers of the resellers, topmost first")];

/// Offers a service at every level above a customer.
pub fn enable_path(cx: &Cx, scope: &Scope<OffersWrite>) -> Result<Response> {
    let code: String = cx.param("code")?;
    let offered = path::enable(cx.db, &giver(cx, scope), &code, &cx.input()?)?;
    response::json(200, &json!({ "offered_to": offered }))
}

pub fn create(cx: &Cx, scope: &Scope<OffersWrite>) -> Result<Response> {
    let (reseller, input) = (cx.param("id")?, cx.input()?);
    give::give(cx.db, &giver(cx, scope), reseller, &input)?;
    let code = input.get("service");
    let place = format!("/api/v1/customers/{reseller}/offers/{code}");
    response::created(place, &shown(cx, reseller, code)?)
}

pub fn update(cx: &Cx, scope: &Scope<OffersWrite>) -> Result<Response> {
    let (reseller, code): (CustomerId, String) = (cx.param("id")?, cx.param("code")?);
    let mut input = cx.input()?;
    let expected = cx.expected_version(&mut input);
    give::change(cx.db, &giver(cx, scope), reseller, &code, &input, expected)?;
    response::json(200, &shown(cx, reseller, &code)?)
}

pub fn close(cx: &Cx, scope: &Scope<OffersWrite>) -> Result<Response> {
    let (reseller, code): (CustomerId, String) = (cx.param("id")?, cx.param("code")?);
    give::close(cx.db, scope, reseller, &code)?;
    response::json(200, &shown(cx, reseller, &code)?)
}

pub fn reopen(cx: &Cx, scope: &Scope<OffersWrite>) -> Result<Response> {
    let (reseller, code): (CustomerId, String) = (cx.param("id")?, cx.param("code")?);
    give::reopen(cx.db, &giver(cx, scope), reseller, &code)?;
    response::json(200, &shown(cx, reseller, &code)?)
}

pub fn destroy(cx: &Cx, scope: &Scope<OffersWrite>) -> Result<Response> {
    give::withdraw(cx.db, scope, cx.param("id")?, &cx.param::<String>("code")?)?;
    Ok(response::no_content())
}

/// The service and plan a why is asked for. A draft is nobody's business below the provider.
pub fn asked(cx: &Cx, db: &Read) -> Result<(Service, Option<Plan>)> {
    let service = catalogue::service_of(db, &cx.param::<String>("code")?)?;
    if service.state == catalogue::State::Draft && cx.actor.home != PROVIDER {
        return Err(Error::NotFound);
    }
    let plan = match cx.request.query.get("plan") {
        "" => None,
        code => Some(catalogue::plan_of(db, service.id, code)?),
    };
    Ok((service, plan))
}

pub fn why(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    answer(cx, scope, |_| Ok(Subject::Customer(customer)), customer)
}

pub fn why_user(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    let user: UserId = cx.param("id")?;
    let home = places::home_of(cx.db, scope, user)?;
    answer(cx, scope, |_| Ok(Subject::User(home, user)), home)
}

fn answer(
    cx: &Cx,
    scope: &Scope<ServicesRead>,
    subject: impl FnOnce(&Read) -> Result<Subject>,
    customer: CustomerId,
) -> Result<Response> {
    let checks = cx.db.read(|db| {
        scope.reaches(db, customer)?;
        let (service, plan) = asked(cx, db)?;
        why_not(db, &cx.actor, subject(db)?, &service, plan.as_ref())
    })?;
    let ok = checks.iter().all(|check| check.ok);
    response::json(200, &json!({ "checks": checks, "ok": ok }))
}

/// What a customer pays for what it may get, by whoever bills it.
pub fn effective_prices(cx: &Cx, scope: &Scope<PricesRead>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    let on: Option<Date> = match cx.request.query.get("on") {
        "" => None,
        text => {
            let wrong = || Error::invalid("on", "is not a date like 2026-01-31");
            Some(text.parse().map_err(|_| wrong())?)
        }
    };
    let items = cx.db.read(|db| {
        scope.reaches(db, customer)?;
        let hops = prices::chain(db, customer)?;
        let Some(hop) = hops.first() else { return Ok(Vec::new()) };
        // What others sell past the asker is not its to see.
        let seller = hop.seller_id == cx.actor.home || cx.actor.home == PROVIDER;
        let below_seller = store::lies_below(db, hop.seller_id, cx.actor.home)?;
        if customer != cx.actor.home && !seller && !below_seller {
            return Ok(Vec::new());
        }
        let sellers: Vec<CustomerId> = hops.iter().map(|hop| hop.seller_id).collect();
        let book = prices::book(db, Some(&sellers))?;
        let period = Period::month_of(on.map_or_else(|| prices::today(db), Ok)?);
        let mut items = Vec::new();
        for each in sellable(db, customer)? {
            let mut plans: Vec<Option<&Plan>> = each.plans.iter().map(Some).collect();
            if plans.is_empty() {
                plans.push(None);
            }
            for plan in plans.into_iter().filter(|plan| plan.is_none_or(|plan| !plan.not_sold)) {
                let by_user = plan.is_some_and(|plan| plan.level == Level::User);
                for charge in [Charge::Recurring, Charge::Setup] {
                    let wanted = Wanted {
                        customer_id: customer,
                        kind: if by_user { Kind::UserService } else { Kind::CustomerService },
                        service: Some(&each.service.code),
                        plan: plan.map(|plan| plan.code.as_str()),
                        charge,
                    };
                    let found = book.find(&hops, &wanted, &period)?;
                    if found.is_none() && charge == Charge::Setup {
                        continue;
                    }
                    items.push(json!({
                        "service": each.service.code,
                        "plan": plan.map(|plan| plan.code.as_str()),
                        "charge": charge,
                        "price": found.as_ref().map(|found| found.unit_price.plain(hop.currency)),
                        "currency": hop.currency,
                        "counting": found.as_ref().map(|found| found.counting),
                        "valid_from": found.as_ref().and_then(|found| found.valid_from),
                    }));
                }
            }
        }
        Ok(items)
    })?;
    response::json(200, &json!({ "items": items, "next": null }))
}
