//! May this customer or user have that service? One function answers in ordered sentences; listings
//! and refusals are made from it, so they cannot disagree. Nobody reads a name from above its own
//! parent: there it says "further up".

use super::State;
use super::limits::{self, Meter, More, Tally};
use super::store::{self, Level};
use crate::auth::permissions::{
    CustomerServicesWrite, OffersWrite, ResellersMake, UserServicesWrite,
};
use crate::auth::{Actor, PROVIDER, Permission, Scope};
use crate::catalogue::{self, Plan, PlanState, Service};
use crate::db::Read;
use crate::error::{Complaint, Error, Result};
use crate::ids::{CustomerId, PlanId, ServiceId, UserId};
use std::collections::{BTreeMap, BTreeSet};

/// For whom it is asked.
#[derive(Clone, Copy, Debug)]
pub enum Subject {
    Customer(CustomerId),
    User(CustomerId, UserId),
}

/// One condition, as a sentence, and where it can be mended by whoever asks.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Check {
    pub ok: bool,
    pub text: String,
    /// Label and address.
    pub mend: Option<(String, String)>,
    /// The field a refusal belongs to.
    #[serde(skip)]
    field: &'static str,
    /// The service that is needed and not there.
    #[serde(skip)]
    pub need: Option<ServiceId>,
    /// Whether it is about limits, which depend on how much is wanted.
    #[serde(skip)]
    pub of_room: bool,
}

impl Check {
    /// A failed one as a complaint about its field.
    pub fn complaint(&self) -> Complaint {
        Complaint::new(self.field, self.text.clone())
    }
}

/// A service that a customer may get, with the plans it may get.
pub struct Sellable {
    pub service: Service,
    pub plans: Vec<Plan>,
}

/// What the resellers above a customer were offered.
struct Way {
    levels: Vec<Level>,
    offers: BTreeMap<(CustomerId, ServiceId), State>,
    plans: BTreeSet<(CustomerId, PlanId)>,
    /// Where the asker belongs, as a depth of this way: names up to one above it may be said.
    eye: i64,
}

/// What `customer` may get.
pub fn sellable(db: &Read, customer: CustomerId) -> Result<Vec<Sellable>> {
    let way = Way::of(db, customer, PROVIDER)?;
    let mut all = Vec::new();
    for id in store::catalogue(db)? {
        let service = catalogue::service(db, id)?;
        if !way.service(&service).iter().all(|check| check.ok) {
            continue;
        }
        let plans = catalogue::plans(db, id)?;
        let any = !plans.is_empty();
        let open = |plan: &Plan| way.plan(&service, plan).iter().all(|check| check.ok);
        let plans: Vec<Plan> = plans.into_iter().filter(open).collect();
        if !any || plans.iter().any(|plan| plan.level == service.kind) {
            all.push(Sellable { service, plans });
        }
    }
    Ok(all)
}

/// Refuses what [`sellable`] does not list, by the first reason `viewer` may read.
pub fn require(
    db: &Read,
    viewer: CustomerId,
    customer: CustomerId,
    service: &Service,
    plan: Option<&Plan>,
) -> Result<()> {
    let way = Way::of(db, customer, viewer)?;
    let mut checks = way.service(service);
    checks.extend(plan.into_iter().flat_map(|plan| way.plan(service, plan)));
    refuse(checks)
}

/// The first of the checks that failed, as a refusal.
pub fn refuse(checks: Vec<Check>) -> Result<()> {
    match checks.into_iter().find(|check| !check.ok) {
        Some(check) => Err(Error::invalid(check.field, check.text)),
        None => Ok(()),
    }
}

/// Every condition in its order, each with yes or no.
pub fn why_not(
    db: &Read,
    actor: &Actor,
    subject: Subject,
    service: &Service,
    plan: Option<&Plan>,
) -> Result<Vec<Check>> {
    let (Subject::Customer(customer) | Subject::User(customer, _)) = subject;
    let way = Way::of(db, customer, actor.home)?;
    let mut checks = way.service(service);
    way.mend(db, actor, service, &mut checks)?;
    match plan {
        Some(plan) => checks.extend(way.plan(service, plan)),
        None => checks.extend(way.some_plan(db, service)?),
    }
    checks.extend(held(db, &way, subject, service, plan)?);
    checks.extend(works(db, actor, customer, service)?);
    let meter = match subject {
        Subject::Customer(_) => Meter::Instances,
        Subject::User(..) => Meter::Seats,
    };
    let plan = plan.map(|plan| plan.id);
    let seat = Tally { customer, service: service.id, plan, meter };
    let room = match limits::refusal(db, actor.home, &seat, More::of(1))? {
        Some(complaint) => no("plan", complaint.message),
        None => yes("There is room within every limit."),
    };
    checks.push(Check { of_room: true, ..room });
    checks.extend(alive(db, &way, subject)?);
    checks.push(right(db, actor, subject, service)?);
    Ok(checks)
}

fn yes(text: impl Into<String>) -> Check {
    Check { ok: true, text: text.into(), mend: None, field: "", need: None, of_room: false }
}

fn no(field: &'static str, text: impl Into<String>) -> Check {
    Check { ok: false, text: text.into(), mend: None, field, need: None, of_room: false }
}

impl Way {
    fn of(db: &Read, customer: CustomerId, viewer: CustomerId) -> Result<Way> {
        let levels = store::levels(db, customer)?;
        let offers = store::offers_above(db, customer)?;
        let eye = if viewer == PROVIDER {
            i64::MAX - 1
        } else {
            levels.iter().find(|level| level.id == viewer).map_or(0, |level| level.depth)
        };
        Ok(Way {
            offers: offers.into_iter().map(|(who, what, state)| ((who, what), state)).collect(),
            plans: store::plans_above(db, customer)?.into_iter().collect(),
            levels,
            eye,
        })
    }

    /// The resellers that must have been offered it, the topmost first.
    fn hops(&self) -> impl Iterator<Item = &Level> {
        self.levels.iter().rev().filter(|level| level.depth > 0)
    }

    /// "to Northwind", or where no name may be said, "further up".
    fn to(&self, level: &Level) -> String {
        if level.depth <= self.eye + 1 {
            format!("to {}", level.name)
        } else {
            "further up".to_owned()
        }
    }

    /// Whether the definition is active and every reseller above was offered it.
    fn service(&self, service: &Service) -> Vec<Check> {
        let name = &service.name;
        let mut checks = vec![match service.state {
            catalogue::State::Active => yes(format!("{name} is on sale.")),
            catalogue::State::Draft => no("service", format!("{name} is a draft.")),
            catalogue::State::Retired => no("service", format!("{name} is retired.")),
        }];
        // Who becomes a reseller is the provider's to decide, so nobody is offered that.
        let hops = self.hops().filter(|_| !service.builtin);
        checks.extend(hops.map(|level| {
            let to = self.to(level);
            match self.offers.get(&(level.id, service.id)) {
                Some(State::Active) => yes(format!("{name} is offered {to}.")),
                Some(State::Closed) => {
                    no("service", format!("The offer of {name} {to} is closed."))
                }
                _ => no("service", format!("{name} is not offered {to}.")),
            }
        }));
        checks
    }

    /// The same for a plan.
    fn plan(&self, service: &Service, plan: &Plan) -> Vec<Check> {
        let name = &plan.name;
        let mut checks = vec![match plan.state {
            _ if plan.service != service.id => {
                no("plan", format!("is not a plan of {}", service.name))
            }
            PlanState::Active => yes(format!("Plan {name} is on sale.")),
            PlanState::Retired => no("plan", format!("Plan {name} is retired.")),
        }];
        let hops = self.hops().filter(|_| !service.builtin);
        checks.extend(hops.map(|level| {
            let to = self.to(level);
            if self.plans.contains(&(level.id, plan.id)) {
                yes(format!("Plan {name} is offered {to}."))
            } else {
                no("plan", format!("Plan {name} is not offered {to}."))
            }
        }));
        checks
    }

    /// Whether any plan can be had, where there are plans to choose from.
    fn some_plan(&self, db: &Read, service: &Service) -> Result<Option<Check>> {
        let plans = catalogue::plans(db, service.id)?;
        let mut own = plans.iter().filter(|plan| plan.level == service.kind).peekable();
        if own.peek().is_none() {
            return Ok(None);
        }
        let open = own.any(|plan| self.plan(service, plan).iter().all(|check| check.ok));
        Ok(Some(if open {
            yes("At least one plan is offered at every level.")
        } else {
            no("plan", format!("No plan of {} is offered at every level.", service.name))
        }))
    }

    /// Adds to failed offers where they can be made, if the asker may make them.
    fn mend(
        &self,
        db: &Read,
        actor: &Actor,
        service: &Service,
        checks: &mut [Check],
    ) -> Result<()> {
        let Ok(scope) = actor.scope::<OffersWrite>() else { return Ok(()) };
        for (level, check) in self.hops().zip(checks.iter_mut().skip(1)) {
            if !check.ok && store::reaches(db, &scope, level.id)? {
                let offers = format!("/customers/{}/offers", level.id);
                check.mend = Some(match self.offers.get(&(level.id, service.id)) {
                    Some(State::Closed) => (format!("Offers of {}", level.name), offers),
                    _ => (
                        format!("Offer it to {}", level.name),
                        format!("{offers}/new?service={}", service.code),
                    ),
                });
            }
        }
        Ok(())
    }

    fn customer(&self) -> &str {
        self.levels.first().map_or("", |level| level.name.as_str())
    }
}

/// Whether what it needs is held; for a user, that its customer has it and that plan.
fn held(
    db: &Read,
    way: &Way,
    subject: Subject,
    service: &Service,
    plan: Option<&Plan>,
) -> Result<Vec<Check>> {
    let mut checks = Vec::new();
    let (Subject::Customer(customer) | Subject::User(customer, _)) = subject;
    if let Subject::User(..) = subject {
        let name = way.customer();
        checks.push(match (store::customer_holds(db, customer, service.id)?, plan) {
            (false, _) => Check {
                mend: Some(("Services".to_owned(), format!("/customers/{customer}/services"))),
                ..no("service", format!("{name} does not have {}.", service.name))
            },
            (true, Some(plan)) if !store::customer_enables(db, customer, plan.id)? => {
                no("plan", format!("{name} has not enabled plan {}.", plan.name))
            }
            (true, _) => yes(format!("{name} has {}.", service.name)),
        });
    }
    for catalogue::Need { service: need, at } in catalogue::needs(db, service.id)? {
        let (has, at) = match subject {
            Subject::User(_, user) if at == catalogue::Level::User => {
                (store::user_holds(db, user, need.id)?, "user")
            }
            _ => (store::customer_holds(db, customer, need.id)?, "customer"),
        };
        checks.push(if has {
            yes(format!("The {at} has {}, which it needs.", need.name))
        } else {
            Check {
                need: Some(need.id),
                ..no("service", format!("needs {} at the {at}", need.name))
            }
        });
    }
    Ok(checks)
}

/// Whether what does the work for it can be used, as far as was found out. Whose it is not is not
/// told what is wrong with it.
fn works(db: &Read, actor: &Actor, customer: CustomerId, service: &Service) -> Result<Vec<Check>> {
    let broken = store::broken_connectors(db, service.id, customer)?;
    let said = |it: store::Broken| {
        if actor.home != PROVIDER && actor.home != it.owner {
            let text = format!(
                "A system that {} needs cannot be used now. Whoever runs it can see why.",
                service.name
            );
            return no("service", text);
        }
        let mend = Some((it.name.clone(), format!("/connectors/{}", it.id)));
        Check { mend, ..no("service", format!("{} cannot be used now. {}", it.name, it.text)) }
    };
    Ok(broken.into_iter().map(said).collect())
}

fn alive(db: &Read, way: &Way, subject: Subject) -> Result<Vec<Check>> {
    let state = way.levels.first().map_or("", |level| level.state.as_str());
    let mut checks = vec![stands(way.customer(), state, &["active"])];
    if let Subject::User(_, user) = subject {
        let (name, state) = store::user(db, user)?;
        checks.push(stands(&name, &state, &["active", "disabled"]));
    }
    Ok(checks)
}

fn stands(name: &str, state: &str, good: &[&str]) -> Check {
    let text = format!("{name} is {state}.");
    if good.contains(&state) { yes(text) } else { no("", text) }
}

fn right(db: &Read, actor: &Actor, subject: Subject, service: &Service) -> Result<Check> {
    let (Subject::Customer(customer) | Subject::User(customer, _)) = subject;
    match subject {
        Subject::Customer(_) if service.builtin => permitted::<ResellersMake>(db, actor, customer),
        Subject::Customer(_) => permitted_on::<CustomerServicesWrite>(db, actor, customer, service),
        Subject::User(..) => permitted_on::<UserServicesWrite>(db, actor, customer, service),
    }
}

fn permitted<P: Permission>(db: &Read, actor: &Actor, customer: CustomerId) -> Result<Check> {
    reached(db, actor.scope::<P>().ok(), customer)
}

fn permitted_on<P: Permission>(
    db: &Read,
    actor: &Actor,
    customer: CustomerId,
    service: &Service,
) -> Result<Check> {
    let scope = actor.service_rights::<P>().and_then(|rights| rights.on(service.id));
    reached(db, scope.ok(), customer)
}

fn reached<P: Permission>(
    db: &Read,
    scope: Option<Scope<P>>,
    customer: CustomerId,
) -> Result<Check> {
    let may = match scope {
        Some(scope) => store::reaches(db, &scope, customer)?,
        None => false,
    };
    Ok(if may {
        yes("You may give it.")
    } else {
        no("", format!("You may not give it: this needs the permission {}.", P::NAME))
    })
}
