//! Directories: made of a connector, with the part of the tree that is ours.

use super::{Disabling, Environment, Flavour, OnDrift, store, work};
use crate::audit;
use crate::auth::Scope;
use crate::auth::permissions::{ConnectorsRead, ConnectorsWrite};
use crate::connectors::doctor::rights;
use crate::connectors::{call, forget_examination};
use crate::db::{Db, Read, unique};
use crate::drivers::ldap::fault::Fault;
use crate::drivers::ldap::name::Dn;
use crate::drivers::ldap::session::At;
use crate::error::{Error, Result};
use crate::ids::{ConnectorId, EnvironmentId};
use crate::input::{self, Field, Fields, Input};
use crate::time::Zone;
use crate::web::{App, Listing, Paging};
use serde_json::json;

const DISABLING: &str =
    "of OpenLDAP, how an account is disabled: password, lock or attribute; password if left out";
const ATTRIBUTE: &str = "of attribute: what is written then, like loginDisabled=TRUE";

pub const NEW: &[Field] = &[
    Field::integer("connector_id", "a connector of the kind ldap").required(),
    Field::text("name", "1 to 60 characters, unique for its owner").required(),
    Field::text("kind", "ad or openldap").required(),
    Field::text("base", "the name below which all of it lies, like DC=example,DC=com").required(),
    Field::text("zone", "the time zone in which accounts end, like Europe/Berlin; UTC if left out"),
    Field::boolean("marked", "whether what is made there carries a mark; yes if left out"),
    Field::text("drift", "report (default) or repair fields of accounts that others changed there"),
    Field::text("disabling", DISABLING),
    Field::text("disable_attribute", ATTRIBUTE),
    Field::text("confirm", "the account of the connector, typed, where that is an administrator"),
];

pub const EDIT: &[Field] = &[
    Field::text("name", "1 to 60 characters, unique for its owner"),
    Field::text("kind", "ad or openldap; not while something is bound there"),
    Field::text("base", "not while something is bound there"),
    Field::text("zone", "the time zone in which accounts end"),
    Field::boolean("marked", "whether what is made there carries a mark"),
    Field::text("drift", "report or repair fields of accounts that others changed there"),
    Field::text("disabling", DISABLING),
    Field::text("disable_attribute", ATTRIBUTE),
];

pub struct Wanted {
    pub name: String,
    pub flavour: Flavour,
    pub base: String,
    pub zone: String,
    pub marked: bool,
    pub drift: OnDrift,
    pub disabling: Disabling,
    pub disable_attribute: String,
}

pub fn list(
    db: &Db,
    scope: &Scope<ConnectorsRead>,
    paging: &Paging,
) -> Result<Listing<Environment>> {
    let rows = db.read(|db| store::environments(db, scope, paging))?;
    Ok(paging.listing(rows, |row| (row.name.clone(), row.id.0)))
}

/// The same within what is being read.
pub fn found<P>(db: &Read, scope: &Scope<P>, id: EnvironmentId) -> Result<Environment> {
    store::one_environment(db, scope, id)
}

pub fn one<P>(db: &Db, scope: &Scope<P>, id: EnvironmentId) -> Result<Environment> {
    db.read(|db| store::one_environment(db, scope, id))
}

/// The connectors that one can be made of.
pub fn connectors<P>(db: &Db, scope: &Scope<P>) -> Result<Vec<(ConnectorId, String)>> {
    db.read(|db| store::connectors(db, scope))
}

/// Makes one, after a look whether its base is there and its account is no administrator.
pub fn create(app: &App, scope: &Scope<ConnectorsWrite>, input: &Input) -> Result<EnvironmentId> {
    let mut fields = Fields::of(input, NEW);
    let connector: Option<ConnectorId> = fields.parse("connector_id");
    let wanted = read(&mut fields, None);
    let owner = match connector {
        Some(id) => app.db.read(|db| store::directory_connector(db, scope, id))?,
        None => None,
    };
    if connector.is_some() && owner.is_none() {
        let _: Option<()> = fields.complain("connector_id", "is not a connector to a directory");
    }
    let (connector, owner, wanted) = fields.finish(|| Some((connector?, owner?, wanted?)))?;
    let sign_in_as = look(app, connector, &wanted, input)?;
    app.db.write(scope.by, |tx| {
        scope.reaches(tx, owner)?;
        let through = sign_in_as.as_deref();
        let id = taken(store::insert_environment(tx, owner, connector, (&wanted, through)))?;
        forget_examination(tx, connector)?;
        let detail = json!({
            "name": wanted.name, "connector": connector, "base": wanted.base, "kind": wanted.flavour,
            "administrator": sign_in_as,
        });
        audit::record(tx, "directory.created", ("directory", id.0), owner, &detail)?;
        Ok(id)
    })
}

fn taken<T>(result: Result<T>) -> Result<T> {
    unique(result, "name", "is taken by another directory, or its base is")
}

fn read(fields: &mut Fields, old: Option<&Environment>) -> Option<Wanted> {
    let name = fields.text("name", 1..=60);
    let flavour = fields.parse("kind");
    let base = fields.text("base", 1..=1000).and_then(|text| match Dn::parse(&text) {
        Ok(name) => Some(name.to_string()),
        Err(why) => fields.complain("base", why),
    });
    let zone = match fields.value("zone") {
        "" => Some("UTC".to_owned()),
        zone => match Zone::named(zone) {
            Some(zone) => Some(zone.name().to_owned()),
            None => fields.complain("zone", "is not a time zone like Europe/Berlin"),
        },
    };
    let marked = match fields.has("marked") {
        true => fields.flag("marked"),
        false => Some(old.is_none_or(|old| old.marked)),
    };
    let drift = match fields.value("drift") {
        "" => Some(old.map_or(OnDrift::Report, |old| old.drift)),
        _ => fields.parse("drift"),
    };
    let (disabling, disable_attribute) = disabled_by(fields, flavour)?;
    Some(Wanted {
        name: name?,
        flavour: flavour?,
        base: base?,
        zone: zone?,
        marked: marked?,
        drift: drift?,
        disabling,
        disable_attribute,
    })
}

/// How accounts are disabled: Active Directory has a bit for that.
fn disabled_by(fields: &mut Fields, flavour: Option<Flavour>) -> Option<(Disabling, String)> {
    let disabling = match fields.value("disabling") {
        "" => Disabling::Password,
        _ if flavour == Some(Flavour::Ad) => Disabling::Password,
        _ => fields.parse("disabling")?,
    };
    if disabling != Disabling::Attribute {
        return Some((disabling, String::new()));
    }
    let said: String = fields.value("disable_attribute").chars().filter(|c| *c != ' ').collect();
    let (name, value) = said.split_once('=').unwrap_or((said.as_str(), ""));
    let named = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    match named && name.len() <= 60 && (1..=60).contains(&value.len()) {
        true if work::is_forbidden(name) => {
            fields.complain("disable_attribute", "is an attribute that is used for something else")
        }
        true => Some((disabling, said)),
        false => fields.complain("disable_attribute", "must be like loginDisabled=TRUE"),
    }
}

/// Signs in and reads the base. Says which administrator was let through by typing its name.
fn look(
    app: &App,
    connector: ConnectorId,
    wanted: &Wanted,
    input: &Input,
) -> Result<Option<String>> {
    let line = app.db.read(|db| call::line(db, connector))?;
    let wrong = |field: &'static str, fault: Fault| Error::invalid(field, fault.text);
    let mut session = line.sign_in(&app.config)?.map_err(|fault| wrong("connector_id", fault))?;
    let base = Dn::parse(&wanted.base).map_err(|why| Error::invalid("base", why))?;
    let there =
        session.read(&At::Named(base), &["objectClass"]).map_err(|fault| wrong("base", fault))?;
    if there.is_none() {
        return Err(Error::invalid("base", "is not there, or the account may not read it"));
    }
    let root = session.read(&At::Root, &["defaultNamingContext"]);
    let root = root.map_err(|fault| wrong("connector_id", fault))?.unwrap_or_default();
    let domain = Dn::parse(&root.text("defaultNamingContext")).ok();
    if domain.is_some() != (wanted.flavour == Flavour::Ad) {
        let is = if domain.is_some() { "Active Directory" } else { "not Active Directory" };
        return Err(Error::invalid("kind", format!("does not fit: the directory is {is}")));
    }
    let (Some(domain), Some(directory)) = (domain, &line.directory) else { return Ok(None) };
    let groups = rights::administrator_of(&mut session, &directory.sign_in_as, &domain);
    let groups = groups.map_err(|fault| wrong("connector_id", fault))?;
    if groups.is_empty() {
        return Ok(None);
    }
    if input.get(input::CONFIRM.name) == directory.sign_in_as {
        return Ok(Some(directory.sign_in_as.clone()));
    }
    Err(Error::invalid(
        input::CONFIRM.name,
        format!(
            "is needed: {} is in {}. Use a service account with rights below the customers' OU only, or type {} to go on with this one",
            directory.sign_in_as,
            groups.join(", "),
            directory.sign_in_as
        ),
    ))
}

pub fn update(
    db: &Db,
    scope: &Scope<ConnectorsWrite>,
    id: EnvironmentId,
    version: Option<i64>,
    input: &Input,
) -> Result<()> {
    let old = one(db, scope, id)?;
    let whole = input.over(as_input(&old));
    let mut fields = Fields::of(&whole, EDIT);
    let wanted = read(&mut fields, Some(&old));
    let wanted = fields.finish(|| wanted)?;
    db.write(scope.by, |tx| {
        let now = store::one_environment(tx, scope, id)?;
        if version.is_some_and(|version| version != now.version) || now.version != old.version {
            return Err(Error::Stale("Somebody changed this meanwhile. Load it again.".into()));
        }
        let other = wanted.base != now.base || wanted.flavour != now.flavour;
        if other && store::has_bindings(tx, now.connector)? {
            return Err(Error::invalid(
                "base",
                "stays: customers have accounts, groups or OUs there",
            ));
        }
        taken(store::update_environment(tx, id, &wanted))?;
        if other || wanted.disabling != now.disabling {
            forget_examination(tx, now.connector)?;
        }
        let detail = json!({
            "name": [now.name, wanted.name], "base": [now.base, wanted.base],
            "drift": [now.drift, wanted.drift],
        });
        audit::record(tx, "directory.changed", ("directory", id.0), now.customer, &detail)
    })
}

pub fn as_input(old: &Environment) -> Input {
    let mut input = Input::default();
    input.set("name", &old.name);
    input.set("kind", old.flavour.word());
    input.set("base", &old.base);
    input.set("zone", &old.zone);
    input.set("marked", i64::from(old.marked));
    input.set("drift", old.drift.word());
    input.set("disabling", old.disabling.word());
    input.set("disable_attribute", &old.disable_attribute);
    input
}

pub fn destroy(db: &Db, scope: &Scope<ConnectorsWrite>, id: EnvironmentId) -> Result<()> {
    db.write(scope.by, |tx| {
        let found = store::one_environment(tx, scope, id)?;
        if found.inhabitants > 0 {
            let noun = if found.inhabitants == 1 { "customer lives" } else { "customers live" };
            return Err(Error::refused(format!("{} {noun} here.", found.inhabitants)));
        }
        if found.locations > 0 {
            return Err(Error::refused("Locations are made of it. Delete those first."));
        }
        store::delete_environment(tx, id)?;
        let detail = json!({ "name": found.name });
        audit::record(tx, "directory.deleted", ("directory", id.0), found.customer, &detail)
    })
}
