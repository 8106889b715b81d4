//! Following a directory: what it says of linked people is taken over as far as it owns it, new
//! accounts come as an import would bring them, and who left is told of or suspended.
//!
//! Invariant: a sync enables nobody, gives and takes no role, and twice in a row changes nothing.

pub mod follow;
pub mod rehearsal;
pub mod run;
mod notices;

use super::{Areas, Site, site, store};
use crate::audit;
use crate::auth::permissions::ConnectorsWrite;
use crate::auth::{Actor, PROVIDER, Scope};
use crate::brake;
use crate::db::{By, Db, Read, Via};
use crate::directory::work;
use crate::drivers::ldap::name::Dn;
use crate::error::{Error, Result};
use crate::ids::{CustomerId, EnvironmentId, RunId, UserId};
use crate::input::{Field, Fields, Input};
use crate::jobs;
use crate::time::Instant;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// The kinds of run in `schedule.rs`: one customer, and what begins those that are due.
pub const KIND: &str = "directory.sync";
pub const DUE: &str = "directory.syncs";

words! {
    /// What happens to people whose account is disabled or gone there.
    Leavers { Report = "report", Suspend = "suspend" }
}

words! {
    /// What happens to accounts that are nobody's.
    Newcomers { Propose = "propose", Create = "create" }
}

words! {
    Every { Never = "never", Hourly = "hourly", Daily = "daily" }
}

pub const EDIT: &[Field] = &[
    Field::list("ous", "names of OUs that are followed, with all below them").required(),
    Field::list("fields", "fields that the directory owns: they are changed there only"),
    Field::text("leavers", "report (default) or suspend those disabled or gone there"),
    Field::text("newcomers", "propose (default) or create users of accounts that are nobody's"),
    Field::text("every", "never (default), hourly or daily"),
];

/// How a customer follows its directory.
pub struct SetUp {
    pub customer: CustomerId,
    pub environment: EnvironmentId,
    pub ous: Vec<String>,
    pub fields: BTreeSet<String>,
    pub leavers: Leavers,
    pub newcomers: Newcomers,
    pub every: Every,
    /// Whose rights it has.
    pub user: UserId,
    pub queued_at: Option<Instant>,
}

/// What a set-up says.
pub struct Wanted {
    pub ous: Vec<String>,
    pub fields: BTreeSet<String>,
    pub leavers: Leavers,
    pub newcomers: Newcomers,
    pub every: Every,
}

/// The customer's directory; within reach only for whoever looks after both.
pub fn ground(db: &Read, scope: &Scope<ConnectorsWrite>, customer: CustomerId) -> Result<Site> {
    scope.reaches(db, customer)?;
    let site =
        site(db, customer)?.ok_or_else(|| Error::refused("The customer lives in no directory."))?;
    scope.reaches(db, site.owner)?;
    Ok(site)
}

pub fn of(db: &Read, customer: CustomerId) -> Result<Option<SetUp>> {
    store::set_up(db, customer)
}

/// The fields that a directory of that kind can own, the sign-in name first.
pub fn ownable(site: &Site) -> Vec<&'static str> {
    let all = work::attributes(site.flavour).into_iter().map(|(field, _)| field);
    std::iter::once("upn").chain(all).collect()
}

/// Lets a customer follow its directory, with the rights of whoever says so.
pub fn put(
    db: &Db,
    actor: &Actor,
    scope: &Scope<ConnectorsWrite>,
    customer: CustomerId,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let site = ground(tx, scope, customer)?;
        let wanted = read(tx, &site, input)?;
        if customer == PROVIDER {
            return Err(Error::refused("A sync never touches the provider's own people."));
        }
        store::put_set_up(tx, &site, actor.user, &wanted)?;
        let detail = json!({
            "directory": site.name, "ous": wanted.ous, "fields": wanted.fields, "leavers": wanted.leavers,
            "newcomers": wanted.newcomers, "every": wanted.every,
        });
        audit::record(tx, "sync.changed", ("customer", customer.0), customer, &detail)
    })
}

fn read(db: &Read, site: &Site, input: &Input) -> Result<Wanted> {
    let mut fields = Fields::of(input, EDIT);
    let ous = fields.list::<String>("ous", 200);
    let owned = fields.list::<String>("fields", 60);
    let or = |name: &str, word: &str| match input.get(name) {
        "" => word.to_owned(),
        said => said.to_owned(),
    };
    let (leavers, newcomers, every) =
        (or("leavers", "report"), or("newcomers", "propose"), or("every", "never"));
    let (leavers, newcomers, every) = (leavers.parse(), newcomers.parse(), every.parse());
    for (name, good) in
        [("leavers", leavers.is_ok()), ("newcomers", newcomers.is_ok()), ("every", every.is_ok())]
    {
        if !good {
            fields.complain::<()>(name, "is not one of the choices");
        }
    }
    let known = ownable(site);
    for field in owned.iter().flatten() {
        if !known.contains(&field.as_str()) {
            fields.complain::<()>("fields", format!("has what no directory owns: {field}"));
        }
    }
    let base = site.base()?;
    let areas = Areas::of(db, site)?;
    for text in ous.iter().flatten() {
        let place = Dn::parse(text).ok().filter(|place| *place == base || place.is_below(&base));
        match place {
            None => {
                fields.complain::<()>("ous", format!("has what is not in the directory: {text}"));
            }
            Some(place) if areas.holder(&place).is_some_and(|whose| whose != site.customer) => {
                fields.complain::<()>("ous", format!("has what is another customer's: {text}"));
            }
            Some(_) => {}
        }
    }
    fields.finish(|| {
        Some(Wanted {
            ous: ous?,
            fields: owned?.into_iter().collect(),
            leavers: leavers.ok()?,
            newcomers: newcomers.ok()?,
            every: every.ok()?,
        })
    })
}

/// Ends the following; nothing changes here or there.
pub fn end(db: &Db, scope: &Scope<ConnectorsWrite>, customer: CustomerId) -> Result<()> {
    db.write(scope.by, |tx| {
        let site = ground(tx, scope, customer)?;
        if !store::delete_set_up(tx, customer)? {
            return Err(Error::NotFound);
        }
        let detail = json!({ "directory": site.name });
        audit::record(tx, "sync.ended", ("customer", customer.0), customer, &detail)
    })
}

/// Begins one now, with the rights of whoever asks. One that waits for somebody is that one still.
pub fn begin(db: &Db, scope: &Scope<ConnectorsWrite>, customer: CustomerId) -> Result<RunId> {
    db.write(scope.by, |tx| {
        ground(tx, scope, customer)?;
        store::set_up(tx, customer)?
            .ok_or_else(|| Error::refused("The customer follows no directory yet."))?;
        if let Some(held) = brake::held_run(tx, KIND, customer)? {
            return Ok(held);
        }
        jobs::queue_run(tx, KIND, customer, &json!({}), None)
    })
}

/// Customers who follow the directory.
pub fn followers(
    db: &Read,
    scope: &Scope<ConnectorsWrite>,
    environment: EnvironmentId,
) -> Result<Vec<CustomerId>> {
    store::followers(db, scope, environment)
}

/// Seconds after which one is due again.
fn pause(every: Every) -> Option<i64> {
    match every {
        Every::Never => None,
        // A little less than the hour and the day: the clock that begins them is not exact.
        Every::Hourly => Some(50 * 60),
        Every::Daily => Some(23 * 3600),
    }
}

/// Begins those that are due, each with the rights of whoever set it up.
pub fn due(cx: &jobs::RunCx) -> Result<()> {
    let all = cx.db.read(store::set_ups)?;
    for each in all {
        let Some(pause) = pause(each.every) else { continue };
        if each.queued_at.is_some_and(|then| then.plus_seconds(pause) > cx.db.now()) {
            continue;
        }
        let by = By { user: Some(each.user), via: Via::Job, acting_for: None };
        cx.db.write(by, |tx| {
            if brake::held_run(tx, KIND, each.customer)?.is_some() {
                return Ok(());
            }
            store::queued(tx, each.customer)?;
            jobs::queue_run(tx, KIND, each.customer, &json!({}), None).map(|_| ())
        })?;
    }
    Ok(())
}

/// A sync that was.
pub struct Report {
    pub run: RunId,
    pub state: String,
    pub at: Instant,
    pub numbers: BTreeMap<String, i64>,
}

/// The last syncs of a customer.
pub fn reports(db: &Read, customer: CustomerId) -> Result<Vec<Report>> {
    store::reports(db, customer)
}
