//! Moving a customer, with everything below it, to another reseller.
//!
//! Invariant: either nothing happens and every reason is told at once, or one transaction changes
//! parent, tree, seats, plans, ledger and roles.

mod store;

use super::life::{self, Order, notice};
use super::store as customers;
use super::{Customer, facts, is_in_state};
use crate::assignments;
use crate::audit;
use crate::auth::permissions::CustomersMove;
use crate::auth::{Permission, Scope};
use crate::catalogue;
use crate::db::{By, Db, Read, Via, Write};
use crate::engine::Class;
use crate::error::{Complaint, Error, Result};
use crate::html::text::count;
use crate::ids::{CustomerId, PlanId, RunId};
use crate::input::{Field, Fields, Input};
use crate::jobs::{self, Level, RunCx};
use crate::ledger::{self, Action, Kind, Row};
use crate::offers;
use crate::places::State;
use crate::time::{Date, Zone};
use serde_json::json;

pub const MOVE: &[Field] = &[
    Field::integer("parent_id", "the provider or a reseller").required(),
    Field::object("plans", "by service and plan, the plan to have there: {files: {old: new}}"),
    Field::text("on", "a day at whose start it happens; none: now"),
    Field::boolean("anyway", "also where that leaves nobody who administers it"),
];

/// The kind of run that moves on a day.
pub const KIND: &str = "customers.move";

/// Where to, and how.
struct Wish {
    target: CustomerId,
    /// Service, plan and the plan instead, by their codes.
    plans: Vec<(String, String, String)>,
    on: Option<Date>,
    anyway: bool,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Moved {
    Now,
    Planned(RunId),
}

/// A move that waits for its day.
pub struct Planned {
    pub run: RunId,
    pub target: String,
    pub due: crate::time::Instant,
}

fn read(input: &Input) -> Result<Wish> {
    let mut fields = Fields::of(input, MOVE);
    let target = fields.parse("parent_id");
    let (on, anyway) = (fields.optional_date("on"), fields.flag("anyway"));
    let plans = fields.members("plans").into_iter().filter(|(_, to)| !to.is_empty());
    let plans = plans.filter_map(|(from, to)| {
        let (service, plan) = from.split_once('.')?;
        Some((service.to_owned(), plan.to_owned(), to.to_owned()))
    });
    let plans: Vec<_> = plans.collect();
    fields.finish(|| Some(Wish { target: target?, plans, on: on?, anyway: anyway? }))
}

/// Moves it now, or plans that for a day.
pub fn transfer(
    db: &Db,
    scope: &Scope<CustomersMove>,
    id: CustomerId,
    input: &Input,
) -> Result<Moved> {
    let wish = read(input)?;
    let customer = db.read(|db| life::mortal(db, scope, id))?;
    let zone = Zone::named(&customer.details.time_zone).unwrap_or_else(Zone::utc);
    let today = db.now().day(&zone);
    match wish.on {
        Some(day) if day < today => Err(Error::invalid("on", "must not be in the past")),
        Some(day) if day > today => {
            db.rehearse(scope.by, |tx| move_in(tx, scope, id, input))?;
            db.write(scope.by, |tx| plan(tx, scope, id, &wish, input, day, &zone))
        }
        _ => db.write(scope.by, |tx| move_in(tx, scope, id, input)).map(|()| Moved::Now),
    }
}

/// Where a customer might go, by name.
pub fn targets(
    db: &Read,
    scope: &Scope<CustomersMove>,
    customer: &Customer,
) -> Result<Vec<(CustomerId, String)>> {
    store::targets(db, scope, customer.id)
}

/// A plan that is in use and not offered there, with what could be had instead.
pub struct Unoffered {
    pub field: String,
    pub service: String,
    pub plan: String,
    pub choices: Vec<(String, String)>,
}

pub fn plans(db: &Read, id: CustomerId, target: CustomerId) -> Result<Vec<Unoffered>> {
    let mut all = Vec::new();
    for (service, plan) in offers::unoffered_plans(db, id, target)? {
        let open = offers::open_plans(db, target, plan)?;
        let of = catalogue::service(db, service)?;
        let (code, name) = catalogue::plan(db, plan).map(|plan| (plan.code, plan.name))?;
        let mut choices = vec![(String::new(), "Choose".to_owned())];
        choices.extend(open);
        let field = format!("plans.{}.{code}", of.code);
        all.push(Unoffered { field, service: of.name, plan: name, choices });
    }
    Ok(all)
}

fn plan(
    tx: &Write,
    scope: &Scope<CustomersMove>,
    id: CustomerId,
    wish: &Wish,
    input: &Input,
    day: Date,
    zone: &Zone,
) -> Result<Moved> {
    if let Some(planned) = planned(tx, scope, id)? {
        let text = format!("A move to {} is planned already.", planned.target);
        return Err(Error::refused(text));
    }
    let mut order = input.clone();
    order.remove("on");
    let order = json!({ "order": order.to_json(), "to": customers::name(tx, wish.target)? });
    let run = jobs::queue_run_at(tx, KIND, id, &order, None, day.start(zone))?;
    let detail = json!({ "to": wish.target, "on": day, "run_id": run });
    audit::record(tx, "customer.move_planned", ("customer", id.0), id, &detail)?;
    Ok(Moved::Planned(run))
}

/// The move that waits for its day, if there is one.
pub fn planned<P: Permission>(
    db: &Read,
    scope: &Scope<P>,
    id: CustomerId,
) -> Result<Option<Planned>> {
    scope.reaches(db, id)?;
    store::planned(db, id)
}

/// A planned move on its day: checked again, with the rights its planner has now.
pub fn run(cx: &RunCx) -> Result<()> {
    let id = cx.run.customer;
    let input = Input::from_kept(cx.run.input.get("order").unwrap_or(&serde_json::Value::Null));
    let done = cx.actor().and_then(|actor| {
        let scope = actor.scope::<CustomersMove>()?;
        cx.db.write(actor.by, |tx| {
            move_in(tx, &scope, id, &input)?;
            cx.unit(tx, 1, Level::Info, "moved", "It was moved", Some(("customer", id.0)))
        })
    });
    let Err(why) = done else { return Ok(()) };
    // Whoever waits for it hears of it.
    cx.db.write(By::portico(Via::Job), |tx| {
        let name = customers::name(tx, id)?;
        let text = format!("{name} was to be moved today, and was not: {why}");
        notice::above(tx, id, "customer.move_failed", &format!("{name} was not moved"), &text)
    })?;
    Err(why)
}

/// The move itself, inside a transaction.
pub fn move_in<P: Permission>(
    tx: &Write,
    scope: &Scope<P>,
    id: CustomerId,
    input: &Input,
) -> Result<()> {
    let wish = read(input)?;
    let customer = life::mortal(tx, scope, id)?;
    if matches!(customer.state, State::Deleted | State::Purged) {
        return Err(is_in_state(&customer));
    }
    if !customers::reaches_below(tx, scope, wish.target)? {
        return Err(Error::NotFound);
    }
    let plans = resolve(tx, &wish)?;
    let mut against = misplaced(tx, &customer, wish.target)?;
    if against.is_empty() {
        against.extend(offers::blockers(tx, id, wish.target, &plans)?);
    }
    against.extend(store::foreign_domains(tx, id, wish.target)?.into_iter().map(|used| {
        let what = match used.users {
            0 => "add a domain of its own".to_owned(),
            n => format!("rename {}", count(n, "user", "users")),
        };
        format!("uses {} of {}; {what} first.", used.domain, used.owner)
    }));
    against.extend(life::still_running(&store::open_requests(tx, id)?));
    let ending = store::ending_grants(tx, id, wish.target)?;
    if !wish.anyway {
        against.extend(store::last_administrators(tx, &ending)?.into_iter().map(|(name, at)| {
            format!(
                "{name} is the last administrator of {at} who can sign in. Make another one first."
            )
        }));
    }
    if !against.is_empty() {
        let all = against.into_iter().map(|text| Complaint::new("", text));
        return Err(Error::Invalid(all.collect()));
    }
    carry_out(tx, &customer, &wish, &plans, &ending)
}

/// Why it cannot stand there, whatever it has.
fn misplaced(tx: &Read, customer: &Customer, target: CustomerId) -> Result<Vec<String>> {
    let place = store::place(tx, target)?;
    let (name, to) = (&customer.details.name, &place.name);
    let mut against = Vec::new();
    if customer.parent == Some(target) {
        against.push(format!("{name} is below {to} already."));
    }
    if !place.reseller && !place.provider {
        against.push(format!("{to} is not a reseller."));
    }
    if place.state != State::Active {
        against.push(format!("{to} is {}.", place.state.word()));
    }
    if store::lies_below(tx, target, customer.id)? {
        against.push(format!("{to} lies below {name}."));
    } else if customers::level(tx, target)? + store::height(tx, customer.id)? > 8 {
        against.push("The hierarchy may be 8 levels deep.".to_owned());
    }
    Ok(against)
}

/// The plans that were named, as the catalogue knows them.
fn resolve(tx: &Write, wish: &Wish) -> Result<Vec<(PlanId, PlanId)>> {
    let mut plans = Vec::new();
    for (service, from, to) in &wish.plans {
        let pair = (store::plan(tx, service, from)?, store::plan(tx, service, to)?);
        match pair {
            (Some(from), Some(to)) if from.1 == to.1 => plans.push((from.0, to.0)),
            _ => {
                let text = format!("{from} of {service} cannot become {to}");
                return Err(Error::invalid("plans", text));
            }
        }
    }
    Ok(plans)
}

fn carry_out(
    tx: &Write,
    customer: &Customer,
    wish: &Wish,
    plans: &[(PlanId, PlanId)],
    ending: &[store::Grant],
) -> Result<()> {
    let (id, name) = (customer.id, &customer.details.name);
    let old = customer.parent.ok_or_else(|| Error::internal("the provider moves"))?;
    let (from, to) = (customers::name(tx, old)?, customers::name(tx, wish.target)?);
    let branch = store::branch(tx, id)?;
    // What resellers set differs between the two ways up: those services are told anew.
    let changed = store::services_set_differently(tx, id, wish.target)?;
    offers::shift(tx, id, wish.target)?;
    store::leave_domains(tx, id, wish.target)?;
    store::set_parent(tx, id, wish.target)?;
    let request = life::ordered(
        tx,
        Order { customer: id, name, event: "customer.move", verb: "Move", class: Class::Bulk },
    )?;
    if !matches!(customer.state, State::Deprovisioned) {
        let facts = facts(Some(wish.target), customer.state, &customer.details);
        let row = Row { facts, ..Row::new(Kind::Customer, id.0, Action::Changed, id) };
        ledger::record(tx, &row)?;
    }
    for each in &branch {
        ledger::carry_on(tx, *each, &[Kind::CustomerService, Kind::UserService])?;
        for (from, to) in plans {
            assignments::change_plan(tx, *each, *from, *to)?;
        }
        assignments::tell_anew(tx, *each, &changed)?;
        life::adopt(tx, *each, request)?;
    }
    let ended: Vec<String> =
        ending.iter().map(|grant| format!("{} of {}", grant.role, grant.name)).collect();
    for grant in ending {
        end_role(tx, grant)?;
    }
    let detail = json!({
        "from": old, "to": wish.target, "customers": branch.len(), "roles": ended, "request_id": request,
    });
    for seen_in in [id, old, wish.target] {
        audit::record(tx, "customer.moved", ("customer", id.0), seen_in, &detail)?;
    }
    let subject = format!("{name} was moved");
    let mut text = format!("{name} was moved from {from} to {to}, with everything it has.");
    notice::contact(tx, id, "customer.moved", &subject, &text)?;
    if !ended.is_empty() {
        text = format!("{text}\n\nThese roles ended with it: {}.", life::listed(&ended));
    }
    notice::at(tx, &[old, wish.target], "customer.moved", &subject, &text)
}

fn end_role(tx: &Write, grant: &store::Grant) -> Result<()> {
    store::drop_grant(tx, grant)?;
    let detail = json!({ "role": grant.role, "at": grant.at, "why": "moved" });
    audit::record(tx, "role.taken", ("user", grant.user.0), grant.home, &detail)?;
    if ledger::is_open(tx, Kind::User, grant.user.0)? {
        let facts = life::user_facts(tx, grant.user)?;
        let row = Row::new(Kind::User, grant.user.0, Action::Changed, grant.home);
        ledger::record(tx, &Row { user: Some(grant.user), facts, ..row })?;
    }
    Ok(())
}
