//! Putting back what a run did to one user; what was changed since is spared and named.

use super::acts::{Act, At, Doing, change, give_role, holds, is_property};
use crate::auth::permissions::{UsersRead, UsersUpdate};
use crate::customers::properties::{Holder, values};
use crate::db::Write;
use crate::error::Result;
use crate::ids::UserId;
use crate::input::Input;
use crate::users::fields::{EDIT, shown};
use crate::users::{self, Changed};

/// What was put back, and the fields that were spared.
pub fn put(tx: &Write, at: &At, id: UserId, did: &Changed) -> Result<(Changed, Vec<String>)> {
    let user = users::one(tx, &at.actor.scope::<UsersRead>()?, id)?;
    let (mut done, mut spared) = (Changed::new(), Vec::new());
    let (now, mut input) = (user.details.input(), Input::default());
    let said = |field: &str, at: usize| {
        let pair = did.get(field).and_then(|pair| pair.get(at));
        pair.and_then(|value| value.as_str()).unwrap_or_default()
    };
    for field in did.keys() {
        let (old, new) = (said(field, 0), said(field, 1));
        match field.as_str() {
            "state" if user.state.word() != new => spared.push(field.clone()),
            "state" => {
                let act = if old == "active" { Act::Enable } else { Act::Disable };
                done.extend(Doing::read(act, &Input::default())?.to(tx, at, id)?);
            }
            "role" if new.is_empty() && holds(tx, &user, old)? => spared.push(field.clone()),
            "role" if new.is_empty() => {
                let until = said("until_on", 0);
                done.extend(give_role(&at.app.db, at.actor, id, old, until)?);
            }
            "role" => {
                let mut role = Input::default();
                role.set("role", new);
                let taken = Doing::read(Act::TakeRole, &role)?.to(tx, at, id)?;
                if taken.is_empty() {
                    spared.push(field.clone());
                }
                done.extend(taken);
            }
            // It belongs to the role.
            "until_on" => {}
            name if is_property(name) => {
                match values::told(tx, &Holder::user(user.customer, id))?.get(name) {
                    now if now.map_or("", String::as_str) == new => input.set(name, old),
                    _ => spared.push(field.clone()),
                }
            }
            name => match EDIT.iter().find(|each| each.name == name) {
                Some(known) if shown(&now, known) == new => input.set(name, old),
                _ => spared.push(field.clone()),
            },
        }
    }
    if !input.is_empty() {
        done.extend(change::<UsersUpdate>(tx, at.actor, &user, &input)?);
    }
    Ok((done, spared))
}
