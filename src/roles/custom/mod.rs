//! Roles that customers make for themselves: new, copied, changed, deleted.
//!
//! Invariant: nobody puts into a role what they do not cover where it belongs and wherever it is held.

pub mod store;

use super::Role;
use crate::audit;
use crate::auth::permissions::{self, RolesRead, RolesWrite};
use crate::auth::{self, Actor, Admits, PROVIDER, Scope};
use crate::db::{Db, Read, Write, unique};
use crate::error::{Complaint, Error, Result};
use crate::ids::{CustomerId, RoleId, ServiceId};
use crate::input::{Field, Fields, Input};
use crate::places;
use crate::users;
use serde_json::json;
use std::collections::BTreeSet;

/// What a role says.
pub const ROLE: &[Field] = &[
    Field::text("name", "1 to 60 characters").required(),
    Field::text("description", ""),
    Field::object("rights", "permission: own, below, both, provider or self"),
    Field::object("services", "permission: the codes of the services it is limited to"),
    Field::list("includes", "names or numbers of the roles it consists of besides"),
    Field::boolean("requires_factor", ""),
];

/// The same for a change, which may name some of it only.
pub const EDIT: &[Field] = &[
    Field::text("name", "1 to 60 characters"),
    Field::text("description", ""),
    Field::object("rights", "all of them: permission: own, below, both, provider or self"),
    Field::object("services", "all of them: permission: codes of the services it is limited to"),
    Field::list("includes", "names or numbers of the roles it consists of besides"),
    Field::boolean("requires_factor", ""),
];

/// What copying asks for.
pub const COPY: &[Field] = &[
    Field::text("name", "of the copy").required(),
    Field::integer("customer_id", "whom it belongs to; one's own customer when left out"),
];

/// What deleting asks for.
pub const DELETE: &[Field] =
    &[Field::text("replace_by", "name or number of the role its holders get instead")];

/// In the place of service codes: those that the customer has.
pub const HELD: &str = "(held)";
/// How deep roles may include roles.
const DEPTH: i64 = 5;

/// A role as it was said, before it is written.
pub struct NewRole {
    pub name: String,
    pub description: String,
    pub requires_factor: bool,
    pub rights: Vec<NewRight>,
    pub includes: Vec<RoleId>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct NewRight {
    pub permission: &'static str,
    pub reach: i64,
    pub limit: Limit,
}

/// The services a right extends to.
#[derive(Clone, PartialEq, Eq)]
pub enum Limit {
    All,
    Held,
    Listed(Vec<ServiceId>),
}

pub fn create(
    db: &Db,
    actor: &Actor,
    scope: &Scope<RolesWrite>,
    owner: CustomerId,
    input: &Input,
) -> Result<RoleId> {
    db.write(scope.by, |tx| {
        places::customer(tx, scope, owner)?;
        let new = NewRole::read(tx, owner, input)?;
        let made = unique(store::insert(tx, owner, &new), "name", "is already taken")?;
        settle(tx, made, &new)?;
        within_own_rights(tx, actor, made, owner, &new.name, &[])?;
        audit::record(tx, "role.created", ("role", made.0), owner, &json!({ "name": new.name }))?;
        Ok(made)
    })
}

/// The same rights under another name; `COPY` says whose it is.
pub fn copy(
    db: &Db,
    actor: &Actor,
    scope: &Scope<RolesWrite>,
    seen: &Scope<RolesRead>,
    id: RoleId,
    input: &Input,
) -> Result<RoleId> {
    let from = db.read(|db| super::store::one(db, seen, id))?;
    let mut fields = Fields::of(input, COPY);
    let (name, owner) = (fields.text("name", 1..=60), fields.optional::<CustomerId>("customer_id"));
    let (name, owner) = fields.finish(|| Some((name?, owner?)))?;
    let mut said = as_input(&from);
    said.set("name", name);
    create(db, actor, scope, owner.unwrap_or(actor.home), &said)
}

pub fn edit(
    db: &Db,
    actor: &Actor,
    scope: &Scope<RolesWrite>,
    id: RoleId,
    input: &Input,
    expected: Option<i64>,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let was = own(tx, actor, scope, id)?;
        if expected.is_some_and(|version| version != was.version) {
            return Err(audit::stale(tx, ("role", id.0), &actor.zone)?);
        }
        let owner = was.customer_id.ok_or(Error::NotFound)?;
        let whole = said_over(&was, input);
        let new = NewRole::read(tx, owner, &whole)?;
        let before = worth(tx, id, owner)?;
        unique(store::update(tx, id, &new), "name", "is already taken")?;
        settle(tx, id, &new)?;
        within_own_rights(tx, actor, id, owner, &new.name, &before)?;
        let now = super::store::by_id(tx, id)?;
        audit::record(tx, "role.changed", ("role", id.0), owner, &difference(&was, &now))
    })
}

/// Deletes a role. Who holds it and what includes it get another one, if there is anybody.
pub fn delete(
    db: &Db,
    actor: &Actor,
    scope: &Scope<RolesWrite>,
    id: RoleId,
    input: &Input,
) -> Result<()> {
    let replace = {
        let mut fields = Fields::of(input, DELETE);
        let name = fields.text("replace_by", 0..=60);
        fields.finish(|| name)?
    };
    db.write(scope.by, |tx| {
        let role = own(tx, actor, scope, id)?;
        let owner = role.customer_id.ok_or(Error::NotFound)?;
        let (holders, parents) = (store::holders(tx, id)?, store::including(tx, id)?);
        if !replace.is_empty() {
            let choice = || Error::invalid("replace_by", "is not one of the choices");
            let other = store::usable(tx, owner, &replace)?.ok_or_else(choice)?;
            if other.id == id {
                return Err(choice());
            }
            within_places(tx, actor, &other, id)?;
            store::replace(tx, id, other.id)?;
            check_depth(tx, &parents.iter().map(|(id, _)| *id).collect::<Vec<_>>())?;
        } else if !holders.is_empty() || !parents.is_empty() {
            return Err(Error::invalid("replace_by", in_use(holders.len(), &parents)));
        }
        store::delete(tx, id)?;
        for user in holders {
            auth::end_sign_ins(tx, user, None)?;
            users::roles_changed(tx, user)?;
        }
        let detail = json!({ "name": role.name, "replaced_by": replace });
        audit::record(tx, "role.deleted", ("role", id.0), owner, &detail)
    })
}

/// The role as a form or PATCH would say it.
pub fn as_input(role: &Role) -> Input {
    let mut input = Input::default();
    input.set("name", &role.name);
    input.set("description", &role.description);
    input.set("requires_factor", u8::from(role.requires_factor));
    for right in &role.rights {
        let word = word(permissions::admits(&right.permission), right.reach);
        input.set(&format!("rights.{}", right.permission), word);
        for code in right.services.iter().flatten() {
            input.push(&format!("services.{}", right.permission), code);
        }
    }
    role.includes.iter().for_each(|part| input.push("includes", part.id));
    input
}

/// A reach in a word.
pub fn word(admits: Option<Admits>, reach: i64) -> &'static str {
    match (admits, reach) {
        (_, 0) => "",
        (Some(Admits::Provider), _) => "provider",
        (Some(Admits::Oneself), _) => "self",
        (_, 1) => "own",
        (_, 2) => "below",
        _ => "both",
    }
}

/// What an edit leaves out stays; rights and services are each said whole or not at all.
fn said_over(was: &Role, input: &Input) -> Input {
    let mut base = as_input(was);
    for group in ["rights", "services"] {
        if input.members(group).next().is_some() || input.has(group) {
            let own: Vec<String> =
                base.members(group).map(|(name, _)| format!("{group}.{name}")).collect();
            own.iter().for_each(|name| base.remove(name));
        }
    }
    input.over(base)
}

/// A custom role within reach that the actor does not hold.
fn own(db: &Read, actor: &Actor, scope: &Scope<RolesWrite>, id: RoleId) -> Result<Role> {
    let role = super::store::by_id(db, id)?;
    let Some(owner) = role.customer_id else {
        return Err(Error::refused(format!("{} is a shipped role: copy it", role.name)));
    };
    scope.reaches(db, owner)?;
    if store::holds(db, actor.by.user.unwrap_or(actor.user), id)? {
        return Err(Error::refused("You hold this role."));
    }
    Ok(role)
}

fn worth(db: &Read, id: RoleId, at: CustomerId) -> Result<Vec<auth::Right>> {
    auth::rights_at(db, &[(id, at)], at, true)
}

/// Refuses rights that came in and that the actor does not cover: at the owner, and wherever the
/// role is held, by itself or as a part of another.
fn within_own_rights(
    db: &Read,
    actor: &Actor,
    id: RoleId,
    owner: CustomerId,
    name: &str,
    before: &[auth::Right],
) -> Result<()> {
    let mut places = store::held_at(db, id)?;
    places.push(owner);
    for at in places {
        let moved = |right: &auth::Right| auth::Right {
            code: if right.code / 4 == owner.0 { at.0 * 4 + right.code % 4 } else { right.code },
            ..right.clone()
        };
        let before: Vec<auth::Right> = before.iter().map(moved).collect();
        let mut new = worth(db, id, at)?;
        new.retain(|right| !before.contains(right));
        let more = actor.lacks(db, &new)?;
        if !more.is_empty() {
            return Err(Error::invalid("rights", beyond(name, &more)));
        }
    }
    Ok(())
}

/// Refuses `other` in the place of `id` where it would give what the actor does not cover.
fn within_places(db: &Read, actor: &Actor, other: &Role, id: RoleId) -> Result<()> {
    for at in store::held_at(db, id)? {
        if let Some(why) = auth::standing(db, other.id, at, at)? {
            let place = store::name_of(db, at)?;
            let text = format!("{} is not allowed at {place}: {why}", other.name);
            return Err(Error::invalid("replace_by", text));
        }
        let more = actor.lacks(db, &worth(db, other.id, at)?)?;
        if !more.is_empty() {
            return Err(Error::invalid("replace_by", beyond(&other.name, &more)));
        }
    }
    Ok(())
}

pub fn beyond(name: &str, more: &[String]) -> String {
    format!("{name} contains rights that you do not have: {}", more.join(", "))
}

fn in_use(holders: usize, parents: &[(RoleId, String)]) -> String {
    let users = match holders {
        1 => "1 user".to_owned(),
        many => format!("{many} users"),
    };
    let names: Vec<&str> = parents.iter().map(|(_, name)| name.as_str()).collect();
    let what = match (holders, parents.is_empty()) {
        (0, _) => format!("is included in {}", names.join(", ")),
        (_, true) => format!("is held by {users}"),
        _ => format!("is held by {users} and included in {}", names.join(", ")),
    };
    format!("{what}; choose a role to replace it")
}

/// Writes rights and parts, and refuses circles and towers.
fn settle(tx: &Write, id: RoleId, new: &NewRole) -> Result<()> {
    store::set_rights(tx, id, &new.rights)?;
    if new.includes.contains(&id) {
        return Err(Error::invalid("includes", "would include itself"));
    }
    store::set_includes(tx, id, &new.includes)?;
    check_depth(tx, &[id])
}

fn check_depth(db: &Read, roles: &[RoleId]) -> Result<()> {
    for id in roles {
        if store::includes_itself(db, *id)? {
            return Err(Error::invalid("includes", "would include itself"));
        }
        if store::depth(db, *id)? > DEPTH {
            let text = format!("would be more than {DEPTH} deep");
            return Err(Error::invalid("includes", text));
        }
    }
    Ok(())
}

/// What came and what went, for the audit.
fn difference(was: &Role, now: &Role) -> serde_json::Value {
    let lines = |role: &Role| -> BTreeSet<String> {
        let rights = role.rights.iter().map(|right| {
            let services = right.services.as_ref().map_or(String::new(), |all| all.join(" "));
            let reach = word(permissions::admits(&right.permission), right.reach);
            format!("{} {reach} {services}", right.permission).trim().to_owned()
        });
        let parts = role.includes.iter().map(|part| format!("includes {}", part.name));
        rights.chain(parts).collect()
    };
    let (old, new) = (lines(was), lines(now));
    let name = |role: &Role| json!(role.name);
    json!({
        "name": if was.name == now.name { name(now) } else { json!([was.name, now.name]) },
        "removed": old.difference(&new).collect::<Vec<_>>(),
        "added": new.difference(&old).collect::<Vec<_>>(),
    })
}

impl NewRole {
    fn read(db: &Read, owner: CustomerId, input: &Input) -> Result<NewRole> {
        let mut fields = Fields::of(input, ROLE);
        let name = fields.text("name", 1..=60);
        let description = fields.text("description", 0..=200);
        let requires_factor = fields.flag("requires_factor");
        let mut complaints = Vec::new();
        let mut rights = Vec::new();
        for (permission, said) in fields.members("rights") {
            match one_right(db, owner, input, permission, said)? {
                Ok(Some(right)) => rights.push(right),
                Ok(None) => {}
                Err(complaint) => complaints.push(complaint),
            }
        }
        for (permission, _) in fields.members("services") {
            if !rights.iter().any(|right| right.permission == permission)
                && !input.get(&format!("services.{permission}")).is_empty()
                && !permissions::is_per_service(permission)
            {
                let field = format!("services.{permission}");
                complaints.push(Complaint::new(field, "is not limited by service"));
            }
        }
        let mut includes = Vec::new();
        for text in fields.list::<String>("includes", 20).unwrap_or_default() {
            match store::usable(db, owner, &text)? {
                Some(role) if !includes.contains(&role.id) => includes.push(role.id),
                Some(_) => {}
                None => complaints.push(Complaint::new(
                    "includes",
                    format!("has {text}, which is not one of the choices"),
                )),
            }
        }
        if name.as_ref().is_some_and(|name| super::store::is_shipped(db, name).unwrap_or(false)) {
            complaints.push(Complaint::new("name", "is already taken"));
        }
        fields.complaints(complaints);
        fields.finish(|| {
            Some(NewRole {
                name: name?,
                description: description?,
                requires_factor: requires_factor?,
                rights,
                includes,
            })
        })
    }
}

/// One row of the matrix; nothing for a permission that is not in the role.
fn one_right(
    db: &Read,
    owner: CustomerId,
    input: &Input,
    permission: &str,
    said: &str,
) -> Result<Result<Option<NewRight>, Complaint>> {
    let field = format!("rights.{permission}");
    let known = permissions::ALL.iter().find(|(name, _)| *name == permission);
    let Some((permission, admits)) = known.copied() else {
        return Ok(Err(Complaint::new(field, "is not a permission")));
    };
    let reach = match (admits, said) {
        (_, "" | "none" | "0") => return Ok(Ok(None)),
        (Admits::OwnAndBelow, "own" | "1") => 1,
        (Admits::OwnAndBelow | Admits::Below, "below" | "2") => 2,
        (Admits::OwnAndBelow, "both" | "3") => 3,
        (Admits::Provider, "provider" | "3") if owner == PROVIDER => 3,
        (Admits::Oneself, "self" | "1" | "3") => 1,
        _ => {
            let admitted = match admits {
                Admits::Below => "below",
                Admits::Provider if owner == PROVIDER => "provider",
                Admits::Oneself => "self",
                _ => "own, below",
            };
            return Ok(Err(Complaint::new(field, format!("reach must be one of {admitted}"))));
        }
    };
    let name = format!("services.{permission}");
    let mut codes: Vec<&str> = input.all(&name).collect();
    codes.dedup();
    let limit = match codes.as_slice() {
        [] => Limit::All,
        _ if !permissions::is_per_service(permission) => {
            return Ok(Err(Complaint::new(name, "is not limited by service")));
        }
        [HELD] => Limit::Held,
        codes => {
            let mut found = Vec::new();
            for (id, code, _) in store::services(db, owner)? {
                if codes.contains(&code.as_str()) {
                    found.push(id);
                }
            }
            if found.len() != codes.len() {
                let text = "has something that is not one of the choices";
                return Ok(Err(Complaint::new(name, text)));
            }
            Limit::Listed(found)
        }
    };
    Ok(Ok(Some(NewRight { permission, reach, limit })))
}
