//! An account that has a user's name and is not theirs yet: it is shown before anything of it is
//! touched, and becomes theirs only when somebody says so.

use super::evidence::{Account, Nature};
use super::{Areas, Site, links, parse, seen, site, store, told};
use crate::auth::permissions::{UsersImport, UsersUpdate};
use crate::auth::{Actor, Permission, Scope};
use crate::directory::Flavour;
use crate::drivers::ldap::filter::Filter;
use crate::drivers::ldap::name::Dn;
use crate::drivers::ldap::session::{At, Depth, Session};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::input::{Field, Fields, Input};
use crate::places;
use crate::users::{self, User, reaches};
use crate::web::App;
use serde_json::json;

pub const ADOPT: &[Field] =
    &[Field::text("object", "the id of the account, as the list of those of the same name has it")
        .required()];

/// One account of the same name.
pub struct Same {
    pub object: String,
    /// Empty where the asker may not know.
    pub place: String,
    pub username: String,
    pub upn: String,
    pub disabled: bool,
    /// It lies outside the customer's part, and is brought there when it is adopted.
    pub outside: bool,
    /// Why it cannot be adopted; empty: it can.
    pub why_not: String,
}

/// Accounts in all of the directory that have the user's name.
pub fn same(
    app: &App,
    actor: &Actor,
    scope: &Scope<UsersImport>,
    user: UserId,
) -> Result<Vec<Same>> {
    let (user, site) = ground(app, scope, user)?;
    let mut session = site.sign_in(app)?;
    let filter = match site.flavour {
        Flavour::Ad => {
            let mut any = vec![Filter::is("userPrincipalName", &user.details.upn)];
            if !user.details.username.is_empty() {
                any.push(Filter::is("sAMAccountName", &user.details.username));
            }
            Filter::Any(any)
        }
        Flavour::OpenLdap => Filter::is("uid", &user.details.username),
    };
    let at = At::Named(whole(&mut session, &site)?);
    let wanted = seen::attributes(site.flavour);
    let found = session.search(&at, Depth::Everything, &filter, &wanted, 20).map_err(told)?;
    let accounts = found.iter().filter_map(|entry| seen::account(entry, site.flavour));
    accounts.map(|account| judged(app, actor, &site, &user, &account)).collect()
}

fn ground(app: &App, scope: &Scope<UsersImport>, user: UserId) -> Result<(User, Site)> {
    let customer = places::home_of(&app.db, scope, user)?;
    app.db.read(|db| {
        let site = site(db, customer)?
            .ok_or_else(|| Error::refused("The customer lives in no directory."))?;
        Ok((users::one(db, scope, user)?, site))
    })
}

/// Names are one of their kind in the whole domain.
fn whole(session: &mut Session, site: &Site) -> Result<Dn> {
    if site.flavour == Flavour::OpenLdap {
        return site.base();
    }
    let root = session.read(&At::Root, &["defaultNamingContext"]).map_err(told)?;
    parse(&root.unwrap_or_default().text("defaultNamingContext"))
}

/// What may be known of it, and whether it may be theirs.
fn judged(app: &App, actor: &Actor, site: &Site, user: &User, account: &Account) -> Result<Same> {
    let place = Dn::parse(&account.place).map_err(Error::refused)?;
    app.db.read(|db| {
        let strange =
            store::bound_elsewhere(db, site.connector, site.customer, &[&account.object])?;
        let holder = Areas::of(db, site)?.holder(&place);
        let foreign = !strange.is_empty() || holder.is_some_and(|holder| holder != site.customer);
        let opens = site.opens(db, actor).and_then(|text| Dn::parse(&text).ok());
        let base = opens.as_ref().is_some_and(|open| place.is_below(open));
        // Whoever looks after the directory may look everywhere in it.
        let seen = !foreign && (base || sees_all(db, actor, site));
        let owner = store::user_of(db, site.connector, &account.object)?;
        let own = store::object_of(db, site.connector, (site.customer, user.id))?;
        let why_not = if foreign {
            "It belongs to somebody else.".to_owned()
        } else if owner == Some(user.id) {
            "It is theirs already.".to_owned()
        } else if owner.is_some() {
            "It is somebody else's here.".to_owned()
        } else if !seen {
            "It lies elsewhere in the directory. Whoever looks after the directory can adopt it."
                .to_owned()
        } else if let Some((_, place)) = own {
            format!("The user has another account there: {place}. Unlink it first.")
        } else {
            match account.nature.unwrap_or(Nature::Person) {
                Nature::Person => String::new(),
                Nature::Administrator => "It is protected there as an administrator.".to_owned(),
                _ => "It is no person's account.".to_owned(),
            }
        };
        let area = site.area().and_then(|text| Dn::parse(text).ok());
        Ok(Same {
            object: account.object.clone(),
            place: if seen { account.place.clone() } else { String::new() },
            username: account.username.clone(),
            upn: account.upn.clone(),
            disabled: account.disabled,
            outside: !area.is_some_and(|area| place.is_below(&area)),
            why_not,
        })
    })
}

fn sees_all(db: &crate::db::Read, actor: &Actor, site: &Site) -> bool {
    actor.reaches::<crate::auth::permissions::ConnectorsRead>(db, site.owner)
}

/// The account is theirs from now on. Nothing of it changes yet: the next work on the user brings it
/// to the customer's part and writes what is known here.
pub fn adopt(
    app: &App,
    actor: &Actor,
    scope: &Scope<UsersImport>,
    user: UserId,
    input: &Input,
) -> Result<()> {
    ground(app, scope, user)?;
    let mut fields = Fields::of(input, ADOPT);
    let object = fields.text("object", 1..=40);
    let object = fields.finish(|| object)?;
    let (person, site) = ground(app, scope, user)?;
    let may = app.db.read(|db| Ok(reaches::<UsersUpdate>(db, actor, person.customer)))?;
    if !may {
        let text = format!("This needs the permission {}.", UsersUpdate::NAME);
        return Err(Error::Forbidden(text));
    }
    let all = same(app, actor, scope, user)?;
    let Some(it) = all.into_iter().find(|each| each.object == object) else {
        return Err(Error::invalid("object", "is no account of the same name"));
    };
    if !it.why_not.is_empty() {
        return Err(Error::refused(it.why_not));
    }
    app.db.write(scope.by, |tx| {
        let evidence = json!("adopted");
        links::tie(tx, &site, user, (&it.object, &it.place), &evidence)?;
        store::adopted(tx, site.connector, &it.object)
    })
}
