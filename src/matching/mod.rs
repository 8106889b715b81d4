//! Matching people: which account of a directory is whose. What exists is imported, doubtful cases
//! wait for a decision, and nothing is ever joined by a name that only looks alike.
//!
//! Invariant: the directory is read outside every transaction; what is decided of an account is one.

pub mod adopt;
pub mod api;
pub mod evidence;
pub mod import;
pub mod links;
pub mod pages;
pub mod proposals;
pub mod seen;
pub mod sync;
mod store;

use crate::auth::permissions::{ConnectorsRead, UsersImport};
use crate::auth::{Actor, Scope};
use crate::connectors::call;
use crate::db::Read;
use crate::directory::{Flavour, LocationKind};
use crate::drivers::ldap::fault::Fault;
use crate::drivers::ldap::name::Dn;
use crate::drivers::ldap::session::Session;
use crate::error::{Error, Result};
use crate::ids::{ConnectorId, CustomerId, EnvironmentId};
use crate::web::App;
use evidence::people::People;
use evidence::{Account, Ground, Verdict};

/// The directory that a customer lives in.
#[derive(Clone)]
pub struct Site {
    pub customer: CustomerId,
    pub environment: EnvironmentId,
    pub name: String,
    /// Whose directory it is.
    pub owner: CustomerId,
    pub connector: ConnectorId,
    pub flavour: Flavour,
    pub base: String,
    pub kind: LocationKind,
    pub root: String,
    /// Where the customer's own OU was seen last.
    pub own: Option<String>,
}

/// Where a customer lives; nothing where that is no directory.
pub fn site(db: &Read, customer: CustomerId) -> Result<Option<Site>> {
    store::site(db, customer)
}

impl Site {
    /// The customer's own part of the tree.
    pub fn area(&self) -> Option<&str> {
        match self.kind {
            LocationKind::Private => Some(&self.root),
            LocationKind::Shared | LocationKind::None => self.own.as_deref(),
        }
    }

    /// Where somebody may look around: whoever looks after the directory everywhere, others in the
    /// customer's own part.
    pub fn opens(&self, db: &Read, actor: &Actor) -> Option<String> {
        match actor.reaches::<ConnectorsRead>(db, self.owner) {
            true => Some(self.base.clone()),
            false => self.area().map(str::to_owned),
        }
    }

    pub fn base(&self) -> Result<Dn> {
        parse(&self.base)
    }

    /// Connects and signs in.
    pub fn sign_in(&self, app: &App) -> Result<Session> {
        sign_in(app, self.connector)
    }
}

fn parse(text: &str) -> Result<Dn> {
    Dn::parse(text).map_err(|why| Error::refused(format!("“{text}” {why}.")))
}

fn sign_in(app: &App, connector: ConnectorId) -> Result<Session> {
    let line = app.db.read(|db| call::line(db, connector))?;
    line.sign_in(&app.config)?.map_err(told)
}

/// What a directory answered, as a refusal.
fn told(fault: Fault) -> Error {
    Error::refused(fault.text)
}

/// The parts of a directory that are customers', each with whose it is.
pub struct Areas(Vec<(CustomerId, Dn)>);

impl Areas {
    pub fn of(db: &Read, site: &Site) -> Result<Areas> {
        Areas::within(db, site.connector, site.environment)
    }

    pub fn within(db: &Read, connector: ConnectorId, environment: EnvironmentId) -> Result<Areas> {
        let all = store::areas(db, connector, environment)?.into_iter();
        Ok(Areas(all.filter_map(|(id, text)| Some((id, Dn::parse(&text).ok()?))).collect()))
    }

    /// Those that lie in no other.
    pub fn outermost(&self) -> Vec<Dn> {
        let mut all: Vec<Dn> = Vec::new();
        for (_, area) in &self.0 {
            let inside = self.0.iter().any(|(_, other)| area.is_below(other));
            if !inside && !all.contains(area) {
                all.push(area.clone());
            }
        }
        all
    }

    /// Whose part a name lies in; the innermost counts.
    pub fn holder(&self, place: &Dn) -> Option<CustomerId> {
        let around = self.0.iter().filter(|(_, area)| place == area || place.is_below(area));
        around
            .fold(None::<&(CustomerId, Dn)>, |best, each| match best {
                Some((_, inner)) if inner.is_below(&each.1) => best,
                _ => Some(each),
            })
            .map(|(customer, _)| *customer)
    }
}

/// An account with what it is here.
pub struct Judged {
    pub account: Account,
    pub verdict: Verdict,
}

/// Reads the accounts and says of each who it is.
pub fn look(
    app: &App,
    scope: &Scope<UsersImport>,
    site: &Site,
    chosen: (&[Dn], &[String]),
    only_enabled: bool,
) -> Result<Vec<Judged>> {
    let base = site.base()?;
    let mut session = site.sign_in(app)?;
    let mut accounts = seen::scan(&mut session, site.flavour, &base, chosen).map_err(told)?;
    let (mut people, ground) = app.db.read(|db| {
        let areas = Areas::of(db, site)?;
        let objects: Vec<&str> = accounts.iter().map(|each| each.object.as_str()).collect();
        let strange = store::bound_elsewhere(db, site.connector, site.customer, &objects)?;
        for account in &mut accounts {
            let place = Dn::parse(&account.place).ok();
            let holder = place.and_then(|place| areas.holder(&place));
            account.foreign = strange.contains(&account.object)
                || holder.is_some_and(|holder| holder != site.customer);
        }
        let names: Vec<&str> = accounts.iter().map(|each| each.upn.as_str()).collect();
        let ground = Ground {
            domains: store::domains(db, scope, site.customer)?,
            elsewhere: store::names_elsewhere(db, site.customer, &names)?,
            only_enabled,
        };
        Ok((People::of(store::people(db, site.connector, site.customer)?), ground))
    })?;
    let doubted = people.doubted(&accounts);
    for gone in seen::vanished(&mut session, site.flavour, &base, &doubted).map_err(told)? {
        people.has_vanished(&gone);
    }
    let verdicts = evidence::judge(&accounts, &people, &ground);
    let both = accounts.into_iter().zip(verdicts);
    Ok(both.map(|(account, verdict)| Judged { account, verdict }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_part_says_whose_something_is() {
        let dn = |text: &str| Dn::parse(text).unwrap();
        let areas = Areas(vec![
            (CustomerId(2), dn("OU=Reseller,DC=example")),
            (CustomerId(3), dn("OU=Below,OU=Reseller,DC=example")),
        ]);
        for (place, holder) in [
            ("CN=a,DC=example", None),
            ("CN=a,OU=Reseller,DC=example", Some(CustomerId(2))),
            ("CN=a,OU=x,OU=Below,OU=Reseller,DC=example", Some(CustomerId(3))),
            ("OU=Below,OU=Reseller,DC=example", Some(CustomerId(3))),
        ] {
            assert_eq!(areas.holder(&dn(place)), holder, "{place}");
        }
        let turned = Areas(areas.0.into_iter().rev().collect());
        let inner = dn("CN=a,OU=Below,OU=Reseller,DC=example");
        assert_eq!(turned.holder(&inner), Some(CustomerId(3)));
    }
}
