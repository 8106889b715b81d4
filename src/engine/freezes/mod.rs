//! Freeze windows: times in which no step begins. What is in hand ends; what waits goes on in its
//! order when the window is over.

pub mod api;
pub mod pages;
mod store;

use crate::audit;
use crate::auth::permissions::SystemOperate;
use crate::auth::{PROVIDER, Scope};
use crate::db::{Db, Read, Work, Write};
use crate::error::Result;
use crate::ids::{CustomerId, FreezeId, ServiceId};
use crate::input::{Field, Fields, Input};
use crate::time::{Date, Instant, Zone};
use crate::web::{Listing, Paging};
use serde_json::json;

words! {
    /// What goes on in spite of it: disabling, suspending and passwords, or nothing.
    Lets { Security = "security", Nothing = "nothing" }
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct Freeze {
    pub id: FreezeId,
    pub name: String,
    /// It holds for that one and all below.
    pub customer_id: CustomerId,
    #[serde(skip)]
    pub customer_name: String,
    /// A code; none for all.
    pub service: Option<String>,
    pub queue: Option<String>,
    pub from_at: Instant,
    pub until_at: Instant,
    pub lets: Lets,
    #[serde(skip)]
    pub by: Option<String>,
}

pub const FIELDS: &[Field] = &[
    Field::text("name", "1 to 60 characters").required(),
    Field::integer(
        "customer_id",
        "for it and all below; the provider’s, for everybody, if left out",
    ),
    Field::text("service", "a code; all services if left out"),
    Field::text("queue", "interactive, bulk, sync or scripts; all if left out"),
    Field::text("from", "like 2026-12-24 18:00, or an instant").required(),
    Field::text("until", "like 2027-01-02 08:00, or an instant").required(),
    Field::text("lets", "what goes on: security, which is meant by leaving it out, or nothing"),
];

/// A freeze lasts no longer than this.
const LONGEST: i64 = 90 * 24 * 3600;

/// A window to write.
struct Draft {
    name: String,
    customer: CustomerId,
    service: Option<ServiceId>,
    queue: Option<String>,
    from: Instant,
    until: Instant,
    lets: Lets,
}

pub fn list(db: &Db, scope: &Scope<SystemOperate>, paging: &Paging) -> Result<Listing<Freeze>> {
    let rows = db.read(|db| {
        scope.reaches(db, PROVIDER)?;
        store::page(db, paging)
    })?;
    Ok(paging.listing(rows, |freeze| (String::new(), freeze.id.0)))
}

pub fn one(db: &Read, scope: &Scope<SystemOperate>, id: FreezeId) -> Result<Freeze> {
    scope.reaches(db, PROVIDER)?;
    store::one(db, id)
}

/// Times without a zone are those of `zone`.
pub fn create(
    db: &Db,
    scope: &Scope<SystemOperate>,
    zone: &Zone,
    input: &Input,
) -> Result<FreezeId> {
    db.write(scope.by, |tx| {
        scope.reaches(tx, PROVIDER)?;
        let draft = read(tx, zone, input)?;
        let id = store::insert(tx, &draft)?;
        record(tx, "freeze.created", &store::one(tx, id)?)?;
        tx.wake(Work::Requests);
        Ok(id)
    })
}

/// Ends it, or takes it back before it begins. What it held goes on.
pub fn lift(db: &Db, scope: &Scope<SystemOperate>, id: FreezeId) -> Result<()> {
    db.write(scope.by, |tx| {
        let freeze = one(tx, scope, id)?;
        store::delete(tx, id)?;
        store::wake(tx)?;
        tx.wake(Work::Requests);
        record(tx, "freeze.lifted", &freeze)
    })
}

fn record(tx: &Write, action: &str, freeze: &Freeze) -> Result<()> {
    let subject: (&str, i64) = ("freeze", freeze.id.0);
    audit::record(tx, action, subject, freeze.customer_id, &json!(freeze))
}

fn read(db: &Read, zone: &Zone, input: &Input) -> Result<Draft> {
    let mut fields = Fields::of(input, FIELDS);
    let name = fields.text("name", 1..=60);
    let customer = match fields.optional::<CustomerId>("customer_id") {
        Some(id) => {
            let id = id.unwrap_or(PROVIDER);
            match store::is_customer(db, id)? {
                true => Some(id),
                false => fields.complain("customer_id", "is not a customer"),
            }
        }
        None => None,
    };
    let service = match fields.value("service") {
        "" => Some(None),
        code => match store::service(db, code)? {
            Some(id) => Some(Some(id)),
            None => fields.complain("service", "is not a service we sell"),
        },
    };
    let queue = match fields.value("queue") {
        "" => Some(None),
        queue if store::is_queue(db, queue)? => Some(Some(queue.to_owned())),
        _ => fields.complain("queue", "is not a queue"),
    };
    let from = at(&mut fields, "from", zone);
    let until = at(&mut fields, "until", zone);
    if let (Some(from), Some(until)) = (from, until) {
        let _: Option<()> = match until.since(from) {
            ..=0 => fields.complain("until", "must be later than it begins"),
            1..=LONGEST if until <= db.now => fields.complain("until", "is over already"),
            1..=LONGEST => None,
            _ => fields.complain("until", "must be within 90 days"),
        };
    }
    let lets = fields.optional::<Lets>("lets").map(|lets| lets.unwrap_or(Lets::Security));
    fields.finish(|| {
        Some(Draft {
            name: name?,
            customer: customer?,
            service: service?,
            queue: queue?,
            from: from?,
            until: until?,
            lets: lets?,
        })
    })
}

/// An instant, or a day and a time where somebody is.
fn at(fields: &mut Fields, field: &'static str, zone: &Zone) -> Option<Instant> {
    let text = fields.value(field);
    if text.is_empty() {
        return fields.complain(field, "is required");
    }
    match text.parse().ok().or_else(|| local(text, zone)) {
        Some(at) => Some(at),
        None => fields.complain(field, "is not a time like 2026-12-24 18:00"),
    }
}

fn local(text: &str, zone: &Zone) -> Option<Instant> {
    let (day, time) = text.split_once(['T', ' '])?;
    let (hours, minutes) = time.split_once(':')?;
    let minutes = minutes.split(':').next()?;
    let day: Date = day.parse().ok()?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    let good = (0..24).contains(&hours) && (0..60).contains(&minutes);
    good.then(|| day.at(zone, hours.saturating_mul(60).saturating_add(minutes).saturating_mul(60)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_zone() {
        let zone = Zone::named("Europe/Amsterdam").unwrap();
        let said = |text: &str| local(text, &zone).map(|at| at.to_string());
        assert_eq!(said("2026-12-24 18:00").as_deref(), Some("2026-12-24T17:00:00Z"));
        assert_eq!(said("2026-07-01T08:30").as_deref(), Some("2026-07-01T06:30:00Z"));
        for text in ["2026-12-24", "2026-12-24 25:00", "tomorrow 8:00", "2026-12-24 8"] {
            assert_eq!(said(text), None, "{text}");
        }
    }
}
