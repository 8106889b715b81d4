//! The part of a move that is the user's own: the names it gets at the other customer, and the row.

mod store;

use super::fields::{Details, EDIT};
use super::{Home, User, complete, facts, life, over_limit, store as users_store};
use crate::audit;
use crate::auth::{Permission, Scope};
use crate::db::{Read, Write};
use crate::error::{Complaint, Error, Result};
use crate::input::{Fields, Input};
use crate::ledger::{self, Action, Kind, Row};
use crate::places::State;
use crate::time::Zone;

/// The user as it would be at `home`, and all that stands against it.
pub fn outlook(
    db: &Read,
    home: &Home,
    user: &User,
    said: &Input,
) -> Result<(Option<Details>, Vec<Complaint>)> {
    let mut all = Vec::new();
    let name = &user.details.display_name;
    if !matches!(user.state, State::Active | State::Disabled) {
        let state = user.state.word();
        let text = format!("{name} is {state}; only active or disabled users move.");
        all.push(Complaint::new("", text));
    }
    if home.customer.state != State::Active {
        let text = format!("{} is {}.", home.customer.details.name, home.customer.state.word());
        all.push(Complaint::new("customer_id", text));
    }
    all.extend(over_limit(db, home)?);
    let mut whole = user.details.input();
    for field in ["upn", "mail", "username", "manager", "main_contact", "break_glass"] {
        whole.remove(field);
    }
    whole.remove("addresses");
    for field in ["upn", "mail", "addresses"] {
        if said.has(field) {
            whole.remove(field);
            said.all(field).for_each(|value| whole.push(field, value));
        }
    }
    let mut fields = Fields::of(&whole, EDIT);
    let details = Details::read(&mut fields, &home.usable);
    let details = match fields.finish(|| details) {
        Ok(mut details) => match complete(db, home, &mut details) {
            Ok(()) => Some(details),
            Err(Error::Invalid(why)) => {
                all.extend(why);
                None
            }
            Err(err) => return Err(err),
        },
        Err(Error::Invalid(why)) => {
            all.extend(why);
            None
        }
        Err(err) => return Err(err),
    };
    if let Some(details) = &details {
        all.extend(taken(db, home, user, details)?);
    }
    Ok((details, all))
}

/// What somebody else there, or anywhere, has already.
fn taken(db: &Read, home: &Home, user: &User, details: &Details) -> Result<Vec<Complaint>> {
    let mut all = Vec::new();
    for (field, name) in details.hosted() {
        if users_store::is_taken(db, name)? && !user.details.hosted().any(|(_, own)| own == name) {
            all.push(Complaint::new(field, format!("{name} is taken")));
        }
    }
    for email in &details.external_emails {
        if store::has_external_email(db, home.customer.id, email)? {
            let text = format!("has an address of somebody else there: {email}");
            all.push(Complaint::new("external_emails", text));
        }
    }
    for (source, value) in &details.external_ids {
        if store::has_external_id(db, home.customer.id, source, value)? {
            let text = format!("has one of somebody else there: {source}:{value}");
            all.push(Complaint::new("external_ids", text));
        }
    }
    Ok(all)
}

/// Numbers of requests that are under way for the user.
pub fn running(db: &Read, user: &User) -> Result<Vec<i64>> {
    store::running(db, user.id)
}

/// Puts the row below the other customer. Roles, sign-ins and tokens end; services were seen to.
pub fn put<P: Permission>(
    tx: &Write,
    scope: &Scope<P>,
    home: &Home,
    user: &User,
    details: &Details,
) -> Result<()> {
    let id = user.id;
    scope.reaches(tx, user.customer)?;
    scope.reaches(tx, home.customer.id)?;
    life::store::end_roles(tx, id)?;
    store::leave(tx, user, home.customer.id, details)?;
    users_store::arrive(tx, scope, home, id, details)?;
    users_store::raise_epoch(tx, id)?;
    users_store::revoke_tokens(tx, id)?;
    users_store::end_links(tx, id)?;
    let row = Row {
        user: Some(id),
        facts: facts(tx, id, user.state, details)?,
        ..Row::new(Kind::User, id.0, Action::Changed, home.customer.id)
    };
    ledger::record(tx, &row).map(|_| ())
}

/// Refuses a user who was changed since it was looked at.
pub fn unchanged(db: &Read, user: &User, home: &Home, version: Option<i64>) -> Result<()> {
    if version.is_none_or(|version| version == user.version) {
        return Ok(());
    }
    let zone = Zone::named(&home.customer.details.time_zone).unwrap_or_else(Zone::utc);
    Err(audit::stale(db, ("user", user.id.0), &zone)?)
}
