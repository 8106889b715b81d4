//! Roles: what each permits, who holds them, giving and taking. The shipped ones are read-only.
//!
//! Invariant: nobody gives what they do not hold: every right the role would have where it stands is
//! covered by the giver's.

pub mod api;
pub mod pages;
mod store;

use crate::audit;
use crate::auth::permissions::{self, RolesGrant, RolesRead, SettingsWrite};
use crate::auth::{self, Actor, Admits, PROVIDER, Scope};
use crate::db::{Db, Read, unique};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, GrantId, RoleId, UserId};
use crate::input::{Field, Fields, Input};
use crate::mail::texts;
use crate::places;
use crate::time::{Date, Instant};
use serde_json::json;

/// What giving a role asks for.
pub const GRANT: &[Field] = &[
    Field::text("role", "its name or number").required(),
    Field::integer("customer_id", "where it stands; the user's own customer when left out"),
    Field::text("until_on", "its last day"),
];

/// A named set of rights.
#[derive(Clone, serde::Serialize)]
pub struct Role {
    pub id: RoleId,
    pub name: String,
    pub description: String,
    pub held_in: String,
    pub requires_factor: bool,
    /// How many of those within reach hold it.
    pub holders: i64,
    pub rights: Vec<Right>,
}

#[derive(Clone, serde::Serialize)]
pub struct Right {
    pub permission: String,
    /// 1 own, 2 below, 3 both.
    pub reach: i64,
}

/// A role that somebody holds.
#[derive(Clone, serde::Serialize)]
pub struct Grant {
    pub id: GrantId,
    pub user_id: UserId,
    pub role: String,
    pub customer_id: CustomerId,
    pub customer: String,
    pub until_on: Option<Date>,
    pub granted_at: Instant,
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
    let home = places::home_of(db, scope, user)?;
    let new = NewGrant::read(input)?;
    let at = new.at.unwrap_or(home);
    db.write(scope.by, |tx| {
        auth::not_oneself(actor, user)?;
        auth::not_stronger(tx, actor, user)?;
        let choice = || Error::invalid("role", "is not one of the choices");
        let role = store::named(tx, &new.role)?.ok_or_else(choice)?;
        let place = match places::customer(tx, scope, at) {
            Err(Error::NotFound) => {
                return Err(Error::invalid("customer_id", "is not one of the choices"));
            }
            other => other?,
        };
        if let Some(why) = not_here(&role, home, &place) {
            let message = format!("{} is not allowed at {}: {why}", role.name, place.name);
            return Err(Error::invalid("role", message));
        }
        let more = beyond(tx, actor, &role, at)?;
        if !more.is_empty() {
            let message =
                format!("{} contains rights that you do not have: {}", role.name, more.join(", "));
            return Err(Error::invalid("role", message));
        }
        if new.until.is_some_and(|day| day < tx.now.day(&actor.zone)) {
            return Err(Error::invalid("until_on", "must not be past"));
        }
        let made = store::insert(tx, user, role.id, at, new.until);
        let id = unique(made, "role", "is already held")?;
        auth::end_sign_ins(tx, user, None)?;
        let detail = json!({ "role": role.name, "at": at, "until_on": new.until });
        audit::record(tx, "role.granted", ("user", user.0), home, &detail)?;
        let what = format!("You were given the role {} at {}.", role.name, place.name);
        texts::tell_user(tx, home, user, "role.granted", "You were given a role", &what)?;
        Ok(id)
    })
}

/// Takes a role from `user`.
pub fn take(
    db: &Db,
    actor: &Actor,
    scope: &Scope<RolesGrant>,
    user: UserId,
    id: GrantId,
) -> Result<()> {
    let home = places::home_of(db, scope, user)?;
    db.write(scope.by, |tx| {
        let held = store::grant(tx, scope, user, id)?;
        auth::not_oneself(actor, user)?;
        auth::not_stronger(tx, actor, user)?;
        let topmost =
            ["Provider administrator", "Reseller administrator", "Customer administrator"];
        if topmost.contains(&held.role.as_str()) {
            auth::not_last_administrator(tx, actor.home, user)?;
        }
        store::delete(tx, scope, user, id)?;
        auth::end_sign_ins(tx, user, None)?;
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

/// The roles that the actor may give to somebody of `home` there.
pub fn choices(
    db: &Read,
    actor: &Actor,
    scope: &Scope<RolesRead>,
    place: &places::Place,
) -> Result<Vec<Role>> {
    let mut choices = Vec::new();
    for role in store::list(db, scope)? {
        if not_here(&role, place.id, place).is_none()
            && beyond(db, actor, &role, place.id)?.is_empty()
        {
            choices.push(role);
        }
    }
    Ok(choices)
}

/// Why a role cannot be held there by somebody of `home`.
fn not_here(role: &Role, home: CustomerId, at: &places::Place) -> Option<&'static str> {
    match role.held_in.as_str() {
        "provider" if home != PROVIDER || at.id != PROVIDER => {
            Some("only people of the provider hold it, at the provider")
        }
        "reseller" if !at.reseller => Some("it is not a reseller"),
        _ => None,
    }
}

/// Up to three rights that the role would have at `at` and the actor does not cover.
fn beyond(db: &Read, actor: &Actor, role: &Role, at: CustomerId) -> Result<Vec<String>> {
    let mut more = Vec::new();
    for right in &role.rights {
        let code = match permissions::admits(&right.permission) {
            None | Some(Admits::Oneself) => continue,
            Some(Admits::Provider) => PROVIDER.0 * 4 + 3,
            Some(admits) => at.0 * 4 + (right.reach & admits.bits()),
        };
        if code % 4 != 0 && more.len() < 3 && !auth::covers(db, actor, &right.permission, code)? {
            more.push(right.permission.clone());
        }
    }
    Ok(more)
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
