//! Taking up what lies in a customer's part and is nobody's: an account becomes somebody's, or
//! somebody new; a group or an OU becomes the customer's as it is.

use super::reading::{in_group, listed};
use super::verbs::{needs, open};
use super::{Finding, Verb, store};
use crate::audit;
use crate::auth::permissions::{ConnectorsWrite, UsersCreate, UsersImport, UsersUpdate};
use crate::auth::{Actor, Scope};
use crate::connectors::call;
use crate::db::{Write, broken_unique};
use crate::directory::{Class, Flavour};
use crate::drivers::ldap::fault::Fault;
use crate::drivers::ldap::name::{Dn, Rdn, fold};
use crate::drivers::ldap::session::{At, Entry, Session};
use crate::error::{Error, Result};
use crate::ids::{DriftId, UserId};
use crate::input::{Field, Fields, Input};
use crate::matching::{import, links, seen, site};
use crate::users::{self, Home};
use crate::web::App;
use serde_json::json;
use std::collections::BTreeMap;

pub const ADOPT: &[Field] =
    &[Field::integer("user_id", "of an account: whose it is; left out, it becomes a new user")];

fn refused(fault: Fault) -> Error {
    Error::refused(fault.text)
}

pub fn adopt(
    app: &App,
    actor: &Actor,
    scope: &Scope<ConnectorsWrite>,
    id: DriftId,
    input: &Input,
) -> Result<Option<UserId>> {
    let it = app.db.read(|db| open(db, scope, id, Verb::Adopt))?;
    let mut fields = Fields::of(input, ADOPT);
    let user = fields.optional::<UserId>("user_id");
    let user = fields.finish(|| user)?;
    let line = app.db.read(|db| call::line(db, it.connector))?;
    let mut session = line.sign_in(&app.config)?.map_err(refused)?;
    let base = Dn::parse(&it.base).map_err(Error::refused)?;
    let mut wanted = seen::attributes(it.flavour);
    wanted.push("member");
    let entry =
        seen::by_id(&mut session, it.flavour, &base, &it.object, &wanted).map_err(refused)?;
    let entry = entry.ok_or_else(|| Error::refused("It is not there any more."))?;
    let members = match it.class {
        Class::Group => members(&mut session, &it, &base, &entry).map_err(refused)?,
        Class::User | Class::Ou => BTreeMap::new(),
    };
    app.db.write(scope.by, |tx| {
        let it = open(tx, scope, id, Verb::Adopt)?;
        let whose = match it.class {
            Class::User => Some(account(app, tx, actor, (&it, &entry), user)?),
            Class::Group | Class::Ou => {
                object(tx, &it, &entry, &members)?;
                None
            }
        };
        store::settle_object(tx, it.environment, &it.object, Verb::Adopt)?;
        let detail = json!({ "name": it.name, "place": entry.name, "user_id": whose });
        audit::record(tx, "drift.adopted", ("drift", id.0), it.customer, &detail)?;
        Ok(whose)
    })
}

fn members(
    session: &mut Session,
    it: &Finding,
    base: &Dn,
    entry: &Entry,
) -> Result<BTreeMap<String, String>, Fault> {
    match it.flavour {
        Flavour::OpenLdap => listed(session, &entry.texts("member"), &BTreeMap::new()),
        Flavour::Ad => {
            let root = session.read(&At::Root, &["defaultNamingContext"])?.unwrap_or_default();
            let domain = Dn::parse(&root.text("defaultNamingContext"));
            in_group(session, &domain.unwrap_or_else(|_| base.clone()), &entry.dn()?)
        }
    }
}

/// Whose the account is from now on. The link to one that was deleted, or that carries the same mark,
/// gives way to it.
fn account(
    app: &App,
    tx: &Write,
    actor: &Actor,
    (it, entry): (&Finding, &Entry),
    user: Option<UserId>,
) -> Result<UserId> {
    let importing: Scope<UsersImport> = needs(tx, actor, it.customer)?;
    let site = site(tx, it.customer)?.filter(|site| site.environment == it.environment);
    let site =
        site.ok_or_else(|| Error::refused("The customer lives in another directory now."))?;
    let account = seen::account(entry, it.flavour)
        .ok_or_else(|| Error::refused("It has no id that can be read."))?;
    let of = (account.object.as_str(), account.place.as_str());
    let Some(user) = user else {
        let _: Scope<UsersCreate> = needs(tx, actor, it.customer)?;
        let home = Home::open(tx, &importing, it.customer)?;
        let (user, _) = import::add(&app.db, tx, actor, &importing, &home, &account)?;
        links::tie(tx, &site, user, of, &json!("new"))?;
        links::comes_with(tx, &app.config.key, actor, (it.customer, user))?;
        return Ok(user);
    };
    let scope: Scope<UsersUpdate> = needs(tx, actor, it.customer)?;
    let person = match users::one(tx, &scope, user) {
        Ok(person) if person.customer == it.customer => person,
        Ok(_) | Err(Error::NotFound) => {
            return Err(Error::invalid("user_id", "is not a user of this customer"));
        }
        Err(err) => return Err(err),
    };
    if let Some((object, place)) = store::account_of(tx, it.connector, (it.customer, user))? {
        let replaced = it.user == Some(user) || store::is_gone(tx, it.environment, &object)?;
        if !replaced {
            return Err(Error::refused(format!(
                "{} has another account there: {place}. Forget it first.",
                person.details.display_name
            )));
        }
        links::unbound(tx, it.connector, (it.customer, user), (&object, &place))?;
        store::settle_object(tx, it.environment, &object, Verb::Forget)?;
    }
    links::tie(tx, &site, user, of, &json!("adopted"))?;
    links::comes_with(tx, &app.config.key, actor, (it.customer, user))?;
    Ok(user)
}

fn object(
    tx: &Write,
    it: &Finding,
    entry: &Entry,
    members: &BTreeMap<String, String>,
) -> Result<()> {
    let name = entry.dn().map_err(refused)?;
    let name = fold(name.first().map_or("", Rdn::value));
    let subject = match it.class {
        Class::Ou => format!("ou {name}"),
        Class::Group | Class::User => format!("group {name}"),
    };
    let of = (it.object.as_str(), subject.as_str(), entry.name.as_str());
    let binding = match store::bind(tx, it.connector, (it.customer, it.class), of) {
        Err(err) if broken_unique(&err).is_some() => {
            return Err(Error::refused("Something of that name is the customer's already."));
        }
        done => done?,
    };
    for (member, dn) in members {
        store::put_member(tx, binding, (member, dn))?;
    }
    Ok(())
}
