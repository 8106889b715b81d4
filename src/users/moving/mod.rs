//! The part of a move that is the user's own: the names it gets at the other customer, and the row;
//! and how both are had back where the move fails.

mod store;

pub use store::{HeldRole, Kept, anew, forget, kept, remember, roles, started};

use super::fields::{Details, EDIT, domain_of};
use super::{
    Changed, Home, User, can_be_written_to, complete, difference, facts, life, over_limit,
    store as users_store,
};
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
    let own = &user.details;
    let mut whole = own.input();
    for field in ["upn", "mail", "username", "manager", "main_contact", "break_glass"] {
        whole.remove(field);
    }
    // Names on a domain that both have come along.
    whole.remove("addresses");
    let stays = |name: &str| domain_of(name, &home.usable).is_some();
    for (field, name) in own.hosted().filter(|(_, name)| stays(name)) {
        whole.push(field, name);
    }
    for field in ["department", "location"] {
        let chosen = |place: &str| place == field;
        if said.has("places") && !said.all("places").any(chosen) {
            whole.remove(field);
        }
    }
    for field in ["upn", "mail", "addresses", "external_emails"] {
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
        if can_be_written_to(db, details).is_err() {
            let there = &home.customer.details.name;
            all.push(Complaint::new("external_emails", format!("is required at {there}")));
        }
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

/// Puts the row below the other customer. Roles, sign-ins and tokens end; services were seen to. What
/// the ledger is told of it comes with [`enter`].
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
    users_store::arrive(tx, scope, home, user, details)?;
    users_store::raise_epoch(tx, id)?;
    users_store::revoke_tokens(tx, id)?;
    users_store::end_links(tx, id)
}

/// One row for all that the user is from now on.
pub fn enter(tx: &Write, home: &Home, user: &User, details: &Details) -> Result<()> {
    let id = user.id;
    let row = Row {
        user: Some(id),
        facts: facts(tx, id, user.state, details)?,
        ..Row::new(Kind::User, id.0, Action::Changed, home.customer.id)
    };
    ledger::record(tx, &row).map(|_| ())
}

/// What of the user a move changes: fields with old and new value.
pub fn changes(user: &User, details: &Details) -> Changed {
    difference(&user.details.input(), &details.input())
}

/// Why the user cannot go back to where it was; none where it can.
pub fn why_not_back(db: &Read, kept: &Kept) -> Result<Option<String>> {
    let from = &kept.from_name;
    if !matches!(kept.from_state, State::Active | State::Disabled) {
        return Ok(Some(format!("{from} is {}.", kept.from_state.word())));
    }
    if let Some(domain) = store::lost_domain(db, kept)? {
        return Ok(Some(format!("{domain} is no longer a domain of {from}.")));
    }
    if let Some(what) = store::taken_elsewhere(db, kept)? {
        return Ok(Some(format!("{what} is somebody else’s there now.")));
    }
    Ok(None)
}

/// Whether the user is still where the move has brought it.
pub fn is_there(db: &Read, kept: &Kept) -> Result<bool> {
    let (customer, state, _) = users_store::billed(db, kept.user)?;
    Ok(customer == kept.to && matches!(state, State::Active | State::Disabled))
}

/// The row, its names, its roles and who reports to it, as they were. Sign-ins that ended stay so.
pub fn put_back(tx: &Write, kept: &Kept) -> Result<()> {
    store::put_back(tx, kept)?;
    users_store::raise_epoch(tx, kept.user)?;
    users_store::end_links(tx, kept.user)?;
    let (_, state, test_user) = users_store::billed(tx, kept.user)?;
    if (state, test_user) != (kept.state, kept.test_user) {
        super::roles_changed(tx, kept.user)?;
    }
    Ok(())
}

/// Refuses a user who was changed since it was looked at.
pub fn unchanged(db: &Read, user: &User, home: &Home, version: Option<i64>) -> Result<()> {
    if version.is_none_or(|version| version == user.version) {
        return Ok(());
    }
    let zone = Zone::named(&home.customer.details.time_zone).unwrap_or_else(Zone::utc);
    Err(audit::stale(db, ("user", user.id.0), &zone)?)
}
