//! Queues and the way to them: how many workers each has, and which request waits in which.

pub mod api;
pub mod pages;
mod store;

use crate::audit;
use crate::auth::permissions::SystemOperate;
use crate::auth::{PROVIDER, Scope};
use crate::db::{Db, Read, Work, Write};
use crate::engine::{Action, Class, NewRequest};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, RouteId, ServiceId};
use crate::input::{Field, Fields, Input};
use crate::web::{Listing, Paging};
use serde::Serialize;
use serde_json::json;

/// Which requests wait in a queue: those for which all of it holds.
#[derive(Clone, Debug, Serialize)]
pub struct Route {
    pub id: RouteId,
    /// Small numbers first.
    pub position: i64,
    /// "user_service.*"
    pub event: String,
    /// A code; none for all.
    pub service: Option<String>,
    /// It and all below; none for all.
    pub customer_id: Option<CustomerId>,
    #[serde(skip)]
    pub customer_name: Option<String>,
    pub class: Option<Class>,
    pub action: Option<Action>,
    pub queue: String,
}

/// How much of a queue runs at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    pub workers: i64,
    pub per_customer: i64,
    pub per_connector: i64,
}

/// What a request is like, as far as routes ask.
pub struct Asked<'a> {
    pub event: &'a str,
    pub service: Option<ServiceId>,
    pub customer: CustomerId,
    pub class: Class,
    pub actions: Vec<Action>,
}

/// Where a request that no route is for waits.
pub const USUAL: &str = "interactive";

pub const QUEUE: &[Field] = &[
    Field::integer("workers", "1 to 64"),
    Field::integer("per_customer", "steps of one customer at once, 1 to 64"),
    Field::integer("per_connector", "calls of one connector at once, 1 to 64"),
];

pub const ROUTE: &[Field] = &[
    Field::integer("position", "1 to 1000, small numbers first").required(),
    Field::text("event", "like user_service.*; every event if left out"),
    Field::text("service", "a code; every service if left out"),
    Field::integer("customer_id", "it and all below; everybody if left out"),
    Field::text("class", "security, interactive, sync or bulk; every one if left out"),
    Field::text("action", "like script.run: one of its steps does that"),
    Field::text("queue", "interactive, bulk, sync or scripts").required(),
];

pub const ASKED: &[Field] = &[
    Field::text("event", "like user_service.provision"),
    Field::text("service", "a code"),
    Field::integer("customer_id", "the provider’s if left out"),
    Field::text("class", "interactive if left out"),
    Field::text("action", "what one of its steps does"),
];

/// A route to write.
struct Draft {
    position: i64,
    event: String,
    service: Option<ServiceId>,
    customer: Option<CustomerId>,
    class: Option<Class>,
    action: Option<Action>,
    queue: String,
}

/// The queue of a new request.
pub fn of(tx: &Write, new: &NewRequest) -> Result<String> {
    let service = new.customer_service.map(|id| store::service_of(tx, id)).transpose()?;
    let asked = Asked {
        event: new.event,
        service,
        customer: new.customer,
        class: new.class,
        actions: new.steps.iter().map(|step| step.action).collect(),
    };
    choose(tx, &asked)
}

/// The queue for work that is like that.
pub fn choose(db: &Read, asked: &Asked) -> Result<String> {
    Ok(store::route(db, asked)?.map_or_else(|| USUAL.to_owned(), |(_, queue)| queue))
}

/// Where such a request would wait, and by which route.
pub fn find(
    db: &Db,
    scope: &Scope<SystemOperate>,
    input: &Input,
) -> Result<(Option<Route>, String)> {
    db.read(|db| {
        scope.reaches(db, PROVIDER)?;
        let mut fields = Fields::of(input, ASKED);
        let event = fields.text("event", 0..=60);
        let customer =
            fields.optional::<CustomerId>("customer_id").map(|id| id.unwrap_or(PROVIDER));
        let class = fields.optional::<Class>("class").map(|one| one.unwrap_or(Class::Interactive));
        let action = fields.optional::<Action>("action");
        let service = service(db, &mut fields)?;
        let (event, customer, class, action, service) =
            fields.finish(|| Some((event?, customer?, class?, action?, service?)))?;
        let actions = action.into_iter().collect();
        let asked = Asked { event: &event, service, customer, class, actions };
        match store::route(db, &asked)? {
            Some((id, queue)) => Ok((Some(store::one(db, id)?), queue)),
            None => Ok((None, USUAL.to_owned())),
        }
    })
}

fn service(db: &Read, fields: &mut Fields) -> Result<Option<Option<ServiceId>>> {
    Ok(match fields.value("service") {
        "" => Some(None),
        code => match store::service(db, code)? {
            Some(id) => Some(Some(id)),
            None => fields.complain("service", "is not a service we sell"),
        },
    })
}

pub fn list(db: &Db, scope: &Scope<SystemOperate>, paging: &Paging) -> Result<Listing<Route>> {
    let rows = db.read(|db| {
        scope.reaches(db, PROVIDER)?;
        store::page(db, paging)
    })?;
    Ok(paging.listing(rows, |route| (String::new(), route.id.0)))
}

pub fn one(db: &Read, scope: &Scope<SystemOperate>, id: RouteId) -> Result<Route> {
    scope.reaches(db, PROVIDER)?;
    store::one(db, id)
}

/// It counts for requests that come from now on.
pub fn create(db: &Db, scope: &Scope<SystemOperate>, input: &Input) -> Result<RouteId> {
    db.write(scope.by, |tx| {
        scope.reaches(tx, PROVIDER)?;
        let draft = read(tx, input)?;
        let id = store::insert(tx, &draft)?;
        record(tx, "queue_route.created", &store::one(tx, id)?)?;
        Ok(id)
    })
}

pub fn delete(db: &Db, scope: &Scope<SystemOperate>, id: RouteId) -> Result<()> {
    db.write(scope.by, |tx| {
        let route = one(tx, scope, id)?;
        store::delete(tx, id)?;
        record(tx, "queue_route.deleted", &route)
    })
}

fn record(tx: &Write, action: &str, route: &Route) -> Result<()> {
    audit::record(tx, action, ("queue_route", route.id.0), PROVIDER, &json!(route))
}

/// Says how much of a queue runs at once, from now on. What is not said stays.
pub fn limit(db: &Db, scope: &Scope<SystemOperate>, queue: &str, input: &Input) -> Result<()> {
    db.write(scope.by, |tx| {
        scope.reaches(tx, PROVIDER)?;
        let old = store::limits(tx, queue)?.ok_or(Error::NotFound)?;
        let said = input.over(old.typed());
        let mut fields = Fields::of(&said, QUEUE);
        let workers = fields.integer("workers", 1..=64);
        let per_customer = fields.integer("per_customer", 1..=64);
        let per_connector = fields.integer("per_connector", 1..=64);
        let new = fields.finish(|| {
            Some(Limits {
                workers: workers?,
                per_customer: per_customer?,
                per_connector: per_connector?,
            })
        })?;
        if old == new {
            return Ok(());
        }
        store::set_limits(tx, queue, &new)?;
        tx.wake(Work::Requests);
        let detail = json!({ "queue": queue, "old": old, "new": new });
        audit::record(tx, "queue.changed", ("queue", 0), PROVIDER, &detail)
    })
}

impl Limits {
    fn typed(self) -> Input {
        let mut all = Input::default();
        all.set("workers", self.workers);
        all.set("per_customer", self.per_customer);
        all.set("per_connector", self.per_connector);
        all
    }
}

fn read(db: &Read, input: &Input) -> Result<Draft> {
    let mut fields = Fields::of(input, ROUTE);
    let position = fields.integer("position", 1..=1_000);
    let event = match fields.text("event", 0..=60) {
        Some(event) if event.is_empty() => Some("*".to_owned()),
        Some(event) => {
            let good = |c: char| c.is_ascii_lowercase() || "_.*".contains(c);
            match event.chars().all(good) {
                true => Some(event),
                false => fields.complain("event", "is not like user_service.*"),
            }
        }
        None => None,
    };
    let service = service(db, &mut fields)?;
    let customer = match fields.optional::<CustomerId>("customer_id") {
        Some(Some(id)) if !store::is_customer(db, id)? => {
            fields.complain("customer_id", "is not a customer")
        }
        other => other,
    };
    let (class, action) = (fields.optional::<Class>("class"), fields.optional::<Action>("action"));
    let queue = match fields.value("queue") {
        queue if store::limits(db, queue)?.is_some() => Some(queue.to_owned()),
        _ => fields.complain("queue", "is not a queue"),
    };
    fields.finish(|| {
        Some(Draft {
            position: position?,
            event: event?,
            service: service?,
            customer: customer?,
            class: class?,
            action: action?,
            queue: queue?,
        })
    })
}
