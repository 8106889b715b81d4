//! Roles: what each permits, who holds them, giving and taking. The shipped ones are read-only; a
//! customer may have its own, and those above say which of all hold where.
//!
//! Invariant: nobody gives what they do not hold: every right the role would have where it stands is
//! covered by the giver's.

pub mod allowed;
pub mod api;
pub mod custom;
pub mod outsiders;
pub mod pages;
pub mod why;
mod store;

use crate::audit;
use crate::auth::permissions::{RolesGrant, RolesRead, SettingsWrite};
use crate::auth::{self, Actor, PROVIDER, Permission, Scope};
use crate::db::{Db, Read, Write, unique};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, GrantId, RoleId, UserId};
use crate::input::{Field, Fields, Input};
use crate::mail::texts;
use crate::places;
use crate::time::{Date, Instant};
use crate::users;
use crate::users::moving::HeldRole;
use serde_json::json;

/// What giving a role asks for.
pub const GRANT: &[Field] = &[
    Field::text("role", "its name or number").required(),
    Field::integer("customer_id", "where it stands; the user's own customer when left out"),
    Field::text("until_on", "its last day"),
];

/// What taking a role asks for.
pub const TAKE: &[Field] = &[auth::LEAVES];

/// A named set of rights.
#[derive(Clone, serde::Serialize)]
pub struct Role {
    pub id: RoleId,
    /// Whose it is; nobody's is shipped.
    pub customer_id: Option<CustomerId>,
    pub customer: Option<String>,
    pub name: String,
    pub description: String,
    pub held_in: String,
    pub requires_factor: bool,
    pub version: i64,
    /// How many of those within reach hold it.
    pub holders: i64,
    pub rights: Vec<Right>,
    pub includes: Vec<Part>,
}

#[derive(Clone, serde::Serialize)]
pub struct Right {
    pub permission: String,
    /// 1 own, 2 below, 3 both.
    pub reach: i64,
    /// Codes of the services it is limited to.
    pub services: Option<Vec<String>>,
}

/// A role that another one consists of.
#[derive(Clone, serde::Serialize)]
pub struct Part {
    pub id: RoleId,
    pub name: String,
}

/// A role that somebody holds.
#[derive(Clone, serde::Serialize)]
pub struct Grant {
    pub id: GrantId,
    pub user_id: UserId,
    pub role_id: RoleId,
    pub role: String,
    pub customer_id: CustomerId,
    pub customer: String,
    pub until_on: Option<Date>,
    pub granted_at: Instant,
    /// Why it is worth nothing at present.
    pub why_not: Option<String>,
}

struct NewGrant {
    role: String,
    at: Option<CustomerId>,
    until: Option<Date>,
}

/// Gives `user` a role. Their sign-ins end, so that it holds everywhere at once.
pub fn grant(
    db: &Db,
    actor: &Actor,
    scope: &Scope<RolesGrant>,
    user: UserId,
    input: &Input,
) -> Result<GrantId> {
    grant_telling(db, actor, scope, user, input, true)
}

/// The same; `tells` says whether the user hears of it by mail.
pub fn grant_telling(
    db: &Db,
    actor: &Actor,
    scope: &Scope<RolesGrant>,
    user: UserId,
    input: &Input,
    tells: bool,
) -> Result<GrantId> {
    auth::not_acting(actor)?;
    let home = places::home_of(db, scope, user)?;
    let new = NewGrant::read(input)?;
    let at = new.at.unwrap_or(home);
    db.write(scope.by, |tx| {
        auth::not_oneself(actor, user)?;
        auth::not_stronger(tx, actor, user)?;
        let place = places::customer(tx, scope, at)?;
        let choice = || Error::invalid("role", "is not one of the choices");
        let role = custom::store::usable(tx, at, &new.role)?.ok_or_else(choice)?;
        if let Some(why) = auth::standing(tx, role.id, home, at)? {
            let message = format!("{} is not allowed at {}: {why}", role.name, place.name);
            return Err(Error::invalid("role", message));
        }
        let more = beyond(tx, actor, &role, at)?;
        if !more.is_empty() {
            return Err(Error::invalid("role", custom::beyond(&role.name, &more)));
        }
        if new.until.is_some_and(|day| day < tx.now.day(&actor.zone)) {
            return Err(Error::invalid("until_on", "must not be past"));
        }
        let made = store::insert(tx, user, role.id, at, new.until);
        let id = unique(made, "role", "is already held")?;
        auth::end_sign_ins(tx, user, None)?;
        users::roles_changed(tx, user)?;
        let detail = json!({ "role": role.name, "at": at, "until_on": new.until });
        audit::record(tx, "role.granted", ("user", user.0), home, &detail)?;
        if tells {
            let what = format!("You were given the role {} at {}.", role.name, place.name);
            texts::tell_user(tx, home, user, "role.granted", "You were given a role", &what)?;
        }
        Ok(id)
    })
}

/// Gives somebody a role that they held where they were before, as it was: the same role, until the
/// same day. Says why it cannot be had there, or cannot be given by whoever moves them. Nobody is told
/// of it but of the move.
pub fn keep(
    tx: &Write,
    actor: &Actor,
    user: UserId,
    home: CustomerId,
    held: &HeldRole,
) -> Result<Option<String>> {
    let place = store::customer_name(tx, home)?;
    let found = custom::store::usable(tx, home, &held.id.to_string())?;
    let Some(role) = found.filter(|role| role.id == held.id) else {
        return Ok(Some(format!("is not a role of {place}")));
    };
    if let Some(why) = auth::standing(tx, role.id, home, home)? {
        return Ok(Some(format!("is not allowed at {place}: {why}")));
    }
    if !users::reaches::<RolesGrant>(tx, actor, home) {
        return Ok(Some(format!("needs {}", RolesGrant::NAME)));
    }
    let more = beyond(tx, actor, &role, home)?;
    if !more.is_empty() {
        return Ok(Some(format!("gives rights that you do not have: {}", more.join(", "))));
    }
    if held.until.is_some_and(|day| day < tx.now.day(&actor.zone)) {
        return Ok(Some("has ended".to_owned()));
    }
    store::insert(tx, user, role.id, home, held.until)?;
    Ok(None)
}

/// Whether the role, or a part of it, asks for a second factor: giving it wants the password once
/// more.
pub fn asks_for_factor(db: &Read, at: CustomerId, role: &str) -> Result<bool> {
    match custom::store::usable(db, at, role)? {
        Some(role) => store::asks_for_factor(db, role.id),
        None => Ok(false),
    }
}

/// Takes a role from `user`. The last administrator of another customer goes only if it is `meant`.
pub fn take(
    db: &Db,
    actor: &Actor,
    scope: &Scope<RolesGrant>,
    user: UserId,
    id: GrantId,
    input: &Input,
) -> Result<()> {
    auth::not_acting(actor)?;
    let home = places::home_of(db, scope, user)?;
    let mut fields = Fields::of(input, TAKE);
    let meant = fields.flag(auth::WITHOUT);
    let meant = fields.finish(|| meant)?;
    db.write(scope.by, |tx| {
        let held = store::grant(tx, scope, user, id)?;
        auth::not_oneself(actor, user)?;
        auth::not_stronger(tx, actor, user)?;
        if is_topmost(&held.role) {
            auth::not_last_administrator(tx, actor.home, user)?;
            if !meant && let Some(name) = store::only_administrator(tx, &held)? {
                return Err(Error::invalid(auth::WITHOUT, auth::is_last(&name, &held.customer)));
            }
        }
        store::delete(tx, scope, user, id)?;
        auth::end_sign_ins(tx, user, None)?;
        users::roles_changed(tx, user)?;
        let detail = json!({ "role": held.role, "at": held.customer_id });
        audit::record(tx, "role.taken", ("user", user.0), home, &detail)?;
        let what = format!("The role {} at {} was taken from you.", held.role, held.customer);
        texts::tell_user(tx, home, user, "role.taken", "A role was taken from you", &what)
    })
}

/// What says whether a role asks for a second factor.
pub const FACTOR: &[Field] = &[Field::boolean("requires_factor", "whether its holders need one")];

/// Whether a role asks those who hold it for a second factor: the one thing about shipped roles that
/// an installation decides. Who lacks one is led to setting it at the next request.
pub fn ask_for_factor(
    db: &Db,
    scope: &Scope<SettingsWrite>,
    id: RoleId,
    input: &Input,
) -> Result<()> {
    let mut fields = Fields::of(input, FACTOR);
    let on = fields.flag("requires_factor");
    let on = fields.finish(|| on)?;
    db.write(scope.by, |tx| {
        scope.reaches(tx, PROVIDER)?;
        let name = store::ask_for_factor(tx, id, on)?;
        let detail = json!({ "name": name, "requires_factor": on });
        audit::record(tx, "role.changed", ("role", id.0), PROVIDER, &detail)
    })
}

fn is_topmost(role: &str) -> bool {
    ["Provider administrator", "Reseller administrator", "Customer administrator"].contains(&role)
}

/// What somebody holds, with why it is worth nothing where it is.
pub fn grants(db: &Read, scope: &Scope<RolesRead>, user: UserId) -> Result<Vec<Grant>> {
    let home = places::user(db, scope, user)?.customer.id;
    let worth = auth::held(db, user, home)?;
    let mut grants = store::grants(db, scope, user)?;
    for grant in &mut grants {
        let held = worth.iter().find(|held| held.grant == Some(grant.id));
        grant.why_not = held.and_then(|held| held.why_not.clone());
    }
    Ok(grants)
}

/// The roles that the actor may give to somebody of that place there.
pub fn choices(
    db: &Read,
    actor: &Actor,
    scope: &Scope<RolesRead>,
    place: &places::Place,
) -> Result<Vec<Role>> {
    let mut choices = Vec::new();
    for role in store::list(db, scope)? {
        if !["flag", "all"].contains(&role.held_in.as_str())
            && auth::standing(db, role.id, place.id, place.id)?.is_none()
            && beyond(db, actor, &role, place.id)?.is_empty()
        {
            choices.push(role);
        }
    }
    Ok(choices)
}

/// Up to three rights that the role would have at `at` and the actor does not cover.
fn beyond(db: &Read, actor: &Actor, role: &Role, at: CustomerId) -> Result<Vec<String>> {
    actor.lacks(db, &auth::rights_at(db, &[(role.id, at)], at, true)?)
}

impl NewGrant {
    fn read(input: &Input) -> Result<NewGrant> {
        let mut fields = Fields::of(input, GRANT);
        let role = fields.text("role", 1..=60);
        let at = fields.optional("customer_id");
        let until = fields.optional_date("until_on");
        fields.finish(|| Some(NewGrant { role: role?, at: at?, until: until? }))
    }
}
