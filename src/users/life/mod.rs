//! The life of a user: disabled and enabled, deprovisioned with a memory, deleted, brought back from
//! the bin. Each verb says from which states it goes; from any other it is refused.

pub mod api;
pub mod store;

use super::{Home, User, enter, is_in_state, over_limit, reaches, store as users_store};
use super::{consent, memory};
use crate::approvals::chains::Verb;
use crate::assignments::{self, Had, Reason};
use crate::audit;
use crate::auth::permissions::{UsersDelete, UsersDeprovision, UsersDisable, UsersUpdate};
use crate::auth::{
    self, Actor, LEAVES, Permission, Scope, WITHOUT, not_last_unless_meant, not_oneself,
    not_stronger, not_stronger_peer,
};
use crate::customers;
use crate::db::{Db, Read, Write};
use crate::error::{Error, Result};
use crate::html::text;
use crate::ids::{RequestId, UserId};
use crate::input::{Field, Fields, Input};
use crate::ledger::Action;
use crate::places::State;
use crate::time::Zone;
use serde_json::json;

/// What disabling and deprovisioning ask.
pub const SHUT: &[Field] = &[LEAVES];
/// What deleting asks.
pub const DELETE: &[Field] =
    &[Field::boolean("deprovision", "deprovisions first what is active or disabled"), LEAVES];

/// What a verb would touch, for the question before it.
#[derive(serde::Serialize)]
pub struct Effects {
    pub services: Vec<Had>,
    pub roles: Vec<String>,
    /// Those who report to the user.
    pub reports: Vec<(UserId, String)>,
    #[serde(skip)]
    pub warnings: Vec<String>,
    /// That no administrator would be left at a customer, where that has to be confirmed.
    #[serde(skip)]
    pub last: Option<String>,
}

/// Reads what ending the account of `user` would touch.
pub fn effects(db: &Read, actor: &Actor, user: &User) -> Result<Effects> {
    let reports = store::reports(db, user.id)?;
    let name = &user.details.display_name;
    let mut warnings = Vec::new();
    if user.details.main_contact {
        warnings.push(format!("{name} is a main contact of the customer."));
    }
    if !reports.is_empty() {
        let n = i64::try_from(reports.len()).unwrap_or(i64::MAX);
        warnings.push(format!("{name} is the manager of {}.", text::count(n, "user", "users")));
    }
    let (services, roles) = (assignments::had_by(db, user.id)?, users_store::roles(db, user.id)?);
    let last = auth::last_of_another(db, actor.home, user.id)?;
    Ok(Effects { services, roles, reports, warnings, last })
}

/// No door is open to the user any more, and their services are suspended.
pub fn disable(
    db: &Db,
    actor: &Actor,
    scope: &Scope<UsersDisable>,
    id: UserId,
    input: &Input,
) -> Result<()> {
    let meant = meant(input)?;
    db.write(scope.by, |tx| {
        let user = users_store::one(tx, scope, id)?;
        if user.state != State::Active {
            return Err(is_in_state(&user));
        }
        not_oneself(actor, id)?;
        not_stronger_peer::<UsersDisable>(tx, actor, id)?;
        not_last_unless_meant(tx, actor.home, id, meant)?;
        shut(tx, scope, &user, "user.disabled")
    })
}

/// Whether it is confirmed that a customer may be left without an administrator.
fn meant(input: &Input) -> Result<bool> {
    let mut fields = Fields::of(input, SHUT);
    let meant = fields.flag(WITHOUT);
    fields.finish(|| meant)
}

/// Ends every sign-in, link and token of the user, who may come in again.
pub fn end_sign_ins(tx: &Write, id: UserId) -> Result<()> {
    auth::end_sign_ins(tx, id, None)?;
    users_store::end_links(tx, id)?;
    users_store::revoke_tokens(tx, id)
}

/// The disabling itself, whoever decided it.
pub fn shut<P>(tx: &Write, scope: &Scope<P>, user: &User, action: &str) -> Result<()> {
    users_store::set_state(tx, scope, user.id, State::Disabled)?;
    users_store::raise_epoch(tx, user.id)?;
    users_store::revoke_tokens(tx, user.id)?;
    assignments::suspend_user(tx, user.id, Reason::UserDisabled)?;
    enter(tx, Action::Changed, user, State::Disabled)?;
    audit::record(tx, action, ("user", user.id.0), user.customer, &json!({}))
}

/// The user may enter again and has the services back; sessions, tokens and links that ended stay so.
pub fn enable(db: &Db, actor: &Actor, scope: &Scope<UsersDisable>, id: UserId) -> Result<()> {
    db.write(scope.by, |tx| {
        let user = users_store::one(tx, scope, id)?;
        if user.state != State::Disabled {
            return Err(is_in_state(&user));
        }
        not_stronger_peer::<UsersDisable>(tx, actor, id)?;
        let customer = customers::one(tx, scope, user.customer)?;
        if customer.state != State::Active {
            return Err(customers::is_in_state(&customer));
        }
        let zone = Zone::named(&customer.details.time_zone).unwrap_or_else(Zone::utc);
        not_expired(tx, &user, &zone)?;
        users_store::set_state(tx, scope, id, State::Active)?;
        assignments::resume_user(tx, id, Reason::UserDisabled)?;
        memory::close(tx, id)?;
        enter(tx, Action::Changed, &user, State::Active)?;
        audit::record(tx, "user.enabled", ("user", id.0), user.customer, &json!({}))
    })
}

/// Brings the outside to what is wanted of the user once more, service by service.
pub fn provision(db: &Db, scope: &Scope<UsersUpdate>, id: UserId) -> Result<Vec<RequestId>> {
    db.write(scope.by, |tx| {
        let user = users_store::one(tx, scope, id)?;
        if !matches!(user.state, State::Active | State::Disabled) {
            return Err(is_in_state(&user));
        }
        let requests = assignments::provision_user(tx, id)?;
        let detail = json!({ "requests": requests });
        audit::record(tx, "user.provisioned_again", ("user", id.0), user.customer, &detail)?;
        Ok(requests)
    })
}

/// The account ends outside; what it was is remembered.
pub fn deprovision(
    db: &Db,
    actor: &Actor,
    scope: &Scope<UsersDeprovision>,
    id: UserId,
    input: &Input,
) -> Result<Vec<RequestId>> {
    let meant = meant(input)?;
    db.write(scope.by, |tx| {
        let user = users_store::one(tx, scope, id)?;
        if !matches!(user.state, State::Active | State::Disabled) {
            return Err(is_in_state(&user));
        }
        may_end(tx, actor, id, meant)?;
        consent::nobody_asks(tx, actor, user.customer, Some(id), Verb::UserDeprovision)?;
        end(tx, scope, &user)
    })
}

/// The guards before an account ends.
fn may_end(tx: &Write, actor: &Actor, id: UserId, meant: bool) -> Result<()> {
    not_oneself(actor, id)?;
    not_stronger(tx, actor, id)?;
    not_last_unless_meant(tx, actor.home, id, meant)
}

/// Remembers, then takes everything: services, roles, sign-ins, tokens.
pub fn end<P: Permission>(tx: &Write, scope: &Scope<P>, user: &User) -> Result<Vec<RequestId>> {
    let id = user.id;
    memory::keep(tx, user)?;
    let requests = assignments::remove_user(tx, id)?;
    let roles = users_store::roles(tx, id)?;
    store::end_roles(tx, id)?;
    users_store::raise_epoch(tx, id)?;
    users_store::revoke_tokens(tx, id)?;
    users_store::set_state(tx, scope, id, State::Deprovisioned)?;
    enter(tx, Action::Removed, user, State::Deprovisioned)?;
    let detail = json!({ "roles": roles, "requests": requests });
    audit::record(tx, "user.deprovisioned", ("user", id.0), user.customer, &detail)?;
    Ok(requests)
}

/// Takes a deprovisioned user up again: active, with a span of its own. The memory is closed.
pub fn revive<P: Permission>(tx: &Write, scope: &Scope<P>, user: &User) -> Result<()> {
    if user.state != State::Deprovisioned {
        return Err(is_in_state(user));
    }
    let home = Home::open(tx, scope, user.customer)?;
    let over = over_limit(tx, &home)?;
    if !over.is_empty() {
        return Err(Error::Invalid(over));
    }
    let zone = Zone::named(&home.customer.details.time_zone).unwrap_or_else(Zone::utc);
    not_expired(tx, user, &zone)?;
    users_store::set_state(tx, scope, user.id, State::Active)?;
    users_store::raise_epoch(tx, user.id)?;
    memory::close(tx, user.id)?;
    enter(tx, Action::Added, user, State::Active)?;
    audit::record(tx, "user.rehired", ("user", user.id.0), user.customer, &json!({}))
}

fn not_expired(db: &Read, user: &User, zone: &Zone) -> Result<()> {
    let Some(day) = user.details.expires_on.filter(|day| *day < db.now.day(zone)) else {
        return Ok(());
    };
    let name = &user.details.display_name;
    Err(Error::refused(format!("{name} expired on {}: set a new date.", day.long())))
}

/// Puts the user into the bin; says who reported to them. One that is active or disabled must be
/// deprovisioned first, which the same order may ask for; one that never had a service need not.
pub fn delete(
    db: &Db,
    actor: &Actor,
    scope: &Scope<UsersDelete>,
    id: UserId,
    input: &Input,
) -> Result<Vec<UserId>> {
    let mut fields = Fields::of(input, DELETE);
    let (first, meant) = (fields.flag("deprovision"), fields.flag(WITHOUT));
    let (first, meant) = fields.finish(|| Some((first?, meant?)))?;
    db.write(scope.by, |tx| {
        let user = users_store::one(tx, scope, id)?;
        if matches!(user.state, State::Deleted | State::Purged) {
            return Err(is_in_state(&user));
        }
        may_end(tx, actor, id, meant)?;
        if user.state != State::Deprovisioned {
            if first && !reaches::<UsersDeprovision>(tx, actor, user.customer) {
                let text = format!("This needs the permission {}.", UsersDeprovision::NAME);
                return Err(Error::Forbidden(text));
            }
            if !first && assignments::ever_had_any(tx, id)? {
                let name = &user.details.display_name;
                return Err(Error::refused(format!("Deprovision {name} first.")));
            }
            consent::nobody_asks(tx, actor, user.customer, Some(id), Verb::UserDeprovision)?;
            end(tx, scope, &user)?;
        }
        into_bin(tx, scope, &user)
    })
}

/// The deleting itself. The trigger lets the reports go.
pub fn into_bin<P>(tx: &Write, scope: &Scope<P>, user: &User) -> Result<Vec<UserId>> {
    let reports: Vec<UserId> =
        store::reports(tx, user.id)?.into_iter().map(|(report, _)| report).collect();
    users_store::set_state(tx, scope, user.id, State::Deleted)?;
    store::note_deleted(tx, user.id, true)?;
    assignments::deleted_user(tx, user.id)?;
    let detail = json!({ "reports": reports });
    audit::record(tx, "user.deleted", ("user", user.id.0), user.customer, &detail)?;
    Ok(reports)
}

/// Takes the user out of the bin, deprovisioned, with the memory as it was.
pub fn restore(db: &Db, actor: &Actor, scope: &Scope<UsersDelete>, id: UserId) -> Result<()> {
    db.write(scope.by, |tx| {
        let user = users_store::one(tx, scope, id)?;
        if user.state != State::Deleted {
            return Err(is_in_state(&user));
        }
        not_stronger(tx, actor, id)?;
        let home = Home::of(tx, scope, user.customer)?;
        for (_, name) in user.details.hosted() {
            let host = name.rsplit_once('@').map_or(name, |(_, host)| host);
            if !home.usable.iter().any(|(_, domain)| domain == host) {
                let customer = &home.customer.details.name;
                let text = format!("{host} is no longer a domain of {customer}.");
                return Err(Error::refused(text));
            }
        }
        users_store::set_state(tx, scope, id, State::Deprovisioned)?;
        store::note_deleted(tx, id, false)?;
        audit::record(tx, "user.restored", ("user", id.0), user.customer, &json!({}))
    })
}
