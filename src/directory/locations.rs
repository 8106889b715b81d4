//! Locations, and which of them a customer lives in.

use super::{Inhabited, Location, LocationKind, Residence, store};
use crate::audit;
use crate::auth::permissions::{CustomersUpdate, SettingsWrite};
use crate::auth::{PROVIDER, Scope};
use crate::db::{Db, Read, unique};
use crate::drivers::ldap::name::{Dn, Rdn};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, EnvironmentId, PlaceId};
use crate::input::{Field, Fields, Input};
use crate::web::{Cx, Listing, Paging};
use serde_json::json;

pub const NEW: &[Field] = &[
    Field::text("name", "1 to 60 characters, unique").required(),
    Field::text("kind", "shared, private or none").required(),
    Field::integer("directory_id", "of shared and private: which directory"),
    Field::text(
        "root",
        "shared: the OU with the customers' OUs, OU=Customers below the base if left out; private: the OU with the users",
    ),
];

pub const EDIT: &[Field] = &[
    Field::text("name", "1 to 60 characters, unique"),
    Field::text("kind", "shared, private or none; not while customers live here"),
    Field::integer("directory_id", "not while customers live here"),
    Field::text(
        "root",
        "of shared ones it counts for new customers; of private ones not while a customer lives here",
    ),
];

pub const LIVE: &[Field] = &[Field::integer("location_id", "where it lives; left out: nowhere")];

pub struct Wanted {
    pub name: String,
    pub kind: LocationKind,
    pub environment: Option<EnvironmentId>,
    pub root: String,
}

pub fn list(db: &Db, scope: &Scope<SettingsWrite>, paging: &Paging) -> Result<Listing<Location>> {
    let rows = db.read(|db| {
        scope.reaches(db, PROVIDER)?;
        store::locations(db, paging)
    })?;
    Ok(paging.listing(rows, |row| (row.name.clone(), row.id.0)))
}

pub fn one(db: &Db, scope: &Scope<SettingsWrite>, id: PlaceId) -> Result<Location> {
    db.read(|db| {
        scope.reaches(db, PROVIDER)?;
        store::one_location(db, id)
    })
}

/// Some of those who live there, by name.
pub fn inhabitants(db: &Db, id: PlaceId, most: i64) -> Result<Vec<Inhabited>> {
    db.read(|db| store::inhabitants(db, id, most))
}

/// The directories that a location can be made of: id, name and base.
pub fn choices(db: &Db) -> Result<Vec<(EnvironmentId, String, String)>> {
    db.read(store::environment_choices)
}

pub fn create(db: &Db, scope: &Scope<SettingsWrite>, input: &Input) -> Result<PlaceId> {
    let wanted = db.read(|db| {
        scope.reaches(db, PROVIDER)?;
        read(db, Fields::of(input, NEW))
    })?;
    db.write(scope.by, |tx| {
        let id = taken(store::insert_location(tx, &wanted))?;
        let detail = json!({ "name": wanted.name, "kind": wanted.kind, "root": wanted.root });
        audit::record(tx, "location.created", ("location", id.0), PROVIDER, &detail)?;
        Ok(id)
    })
}

fn taken<T>(result: Result<T>) -> Result<T> {
    unique(result, "name", "is taken by another location")
}

fn read(db: &Read, mut fields: Fields) -> Result<Wanted> {
    let name = fields.text("name", 1..=60);
    let kind: Option<LocationKind> = fields.parse("kind");
    let environment = fields.optional::<EnvironmentId>("directory_id").flatten();
    let known = store::environment_choices(db)?;
    let found = environment.and_then(|id| known.into_iter().find(|(known, _, _)| *known == id));
    let mut root = fields.value("root").trim().to_owned();
    match kind {
        Some(LocationKind::None) => {
            if environment.is_some() {
                let _: Option<()> =
                    fields.complain("directory_id", "is left out where there is none");
            }
            root.clear();
        }
        Some(_) if environment.is_none() => {
            let _: Option<()> = fields.complain("directory_id", "is required");
        }
        Some(_) if found.is_none() => {
            let _: Option<()> = fields.complain("directory_id", "is not a directory");
        }
        Some(kind) => {
            let base = found.as_ref().map_or("", |(_, _, base)| base.as_str());
            match place(kind, &root, base) {
                Ok(name) => root = name,
                Err(why) => {
                    let _: Option<()> = fields.complain("root", why);
                }
            }
        }
        None => {}
    }
    fields.finish(|| Some(Wanted { name: name?, kind: kind?, environment, root }))
}

/// Below the base of the directory, and never that base itself.
fn place(kind: LocationKind, root: &str, base: &str) -> Result<String, String> {
    let base = Dn::parse(base)?;
    if root.is_empty() {
        return match kind {
            LocationKind::Private => Err("is required: the OU in which the users are".into()),
            _ => Ok(base.child(Rdn::new("OU", "Customers")?).to_string()),
        };
    }
    let root = Dn::parse(root)?;
    match root.is_below(&base) {
        true => Ok(root.to_string()),
        false => Err(format!("must lie below {base}")),
    }
}

pub fn update(
    db: &Db,
    scope: &Scope<SettingsWrite>,
    id: PlaceId,
    version: Option<i64>,
    input: &Input,
) -> Result<()> {
    let old = one(db, scope, id)?;
    let whole = input.over(as_input(&old));
    let wanted = db.read(|db| read(db, Fields::of(&whole, EDIT)))?;
    db.write(scope.by, |tx| {
        let now = store::one_location(tx, id)?;
        if version.is_some_and(|version| version != now.version) || now.version != old.version {
            return Err(Error::Stale("Somebody changed this meanwhile. Load it again.".into()));
        }
        let moved = wanted.kind != now.kind
            || wanted.environment != now.environment
            || (now.kind == LocationKind::Private && wanted.root != now.root);
        if moved && now.inhabitants > 0 {
            return Err(Error::refused(lived_in(now.inhabitants)));
        }
        taken(store::update_location(tx, id, &wanted))?;
        let detail = json!({ "name": [now.name, wanted.name], "root": [now.root, wanted.root] });
        audit::record(tx, "location.changed", ("location", id.0), PROVIDER, &detail)
    })
}

fn lived_in(count: i64) -> String {
    match count {
        1 => "1 customer lives here.".to_owned(),
        count => format!("{count} customers live here."),
    }
}

pub fn as_input(old: &Location) -> Input {
    let mut input = Input::default();
    input.set("name", &old.name);
    input.set("kind", old.kind.word());
    if let Some(environment) = old.environment {
        input.set("directory_id", environment);
    }
    input.set("root", &old.root);
    input
}

pub fn destroy(db: &Db, scope: &Scope<SettingsWrite>, id: PlaceId) -> Result<()> {
    db.write(scope.by, |tx| {
        scope.reaches(tx, PROVIDER)?;
        let found = store::one_location(tx, id)?;
        if found.inhabitants > 0 {
            return Err(Error::refused(lived_in(found.inhabitants)));
        }
        store::delete_location(tx, id)?;
        let detail = json!({ "name": found.name });
        audit::record(tx, "location.deleted", ("location", id.0), PROVIDER, &detail)
    })
}

/// Where a customer lives, and where else it could.
pub fn residence(db: &Db, customer: CustomerId) -> Result<(Residence, Vec<Location>)> {
    db.read(|db| Ok((store::residence(db, customer)?, store::possible(db, customer)?)))
}

/// Where customers live is for those who may change the settings of the installation.
pub fn may_choose(cx: &Cx) -> Result<()> {
    match cx.actor.may::<SettingsWrite>() {
        true => Ok(()),
        false => {
            Err(Error::Forbidden("Locations are chosen by those who may change settings.".into()))
        }
    }
}

/// Lets a customer live there, until something of it is in a directory.
pub fn live(
    db: &Db,
    scope: &Scope<CustomersUpdate>,
    customer: CustomerId,
    input: &Input,
) -> Result<()> {
    let mut fields = Fields::of(input, LIVE);
    let wanted = fields.optional::<PlaceId>("location_id");
    let wanted = fields.finish(|| wanted)?;
    db.write(scope.by, |tx| {
        scope.reaches(tx, customer)?;
        let now = store::residence(tx, customer)?;
        if now.location == wanted {
            return Ok(());
        }
        if let Some(why) = now.kept() {
            return Err(Error::invalid(
                "location_id",
                format!("stays as it is: the customer {why}"),
            ));
        }
        if let Some(id) = wanted
            && !store::possible(tx, customer)?.iter().any(|each| each.id == id)
        {
            return Err(Error::invalid(
                "location_id",
                "is taken by another customer, or not for this one",
            ));
        }
        store::settle(tx, customer, wanted)?;
        let detail = json!({ "location": [now.location, wanted] });
        audit::record(tx, "customer.changed", ("customer", customer.0), customer, &detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customers_are_always_below_the_base() {
        let base = "DC=example,DC=com";
        assert_eq!(
            place(LocationKind::Shared, "", base).unwrap(),
            "OU=Customers,DC=example,DC=com"
        );
        assert!(place(LocationKind::Private, "", base).is_err());
        assert!(place(LocationKind::Shared, base, base).is_err());
        assert!(place(LocationKind::Private, "OU=Staff,DC=other,DC=com", base).is_err());
        assert!(place(LocationKind::Private, "OU=Staff", base).is_err());
        assert!(place(LocationKind::Private, "ou=Staff, dc=example, dc=COM", base).is_ok());
    }
}
