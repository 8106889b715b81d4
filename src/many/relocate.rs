//! Many who move to another customer: each by the move of one, with names that the customer there makes
//! and with all that it can take along.

use super::acts::At;
use super::store;
use crate::auth::permissions::UsersMove;
use crate::auth::{Actor, LEAVES, WITHOUT};
use crate::db::{Read, Write};
use crate::error::{Error, Result};
use crate::ids::CustomerId;
use crate::input::{Field, Fields, Input};
use crate::moves::{self, Mover};
use crate::users::{Changed, User};
use serde_json::json;

pub const FIELDS: &[Field] = &[
    Field::text("to", "move: code or id of the customer they move to"),
    Field::boolean(
        "end_others",
        "move: true ends services that cannot come along; else those users are refused",
    ),
    LEAVES,
];

pub fn read(fields: &mut Fields) {
    fields.text("to", 1..=20);
    fields.flag("end_others");
}

/// The customer that is meant, within reach of whoever moves people.
pub fn destination(db: &Read, actor: &Actor, said: &Input) -> Result<CustomerId> {
    let scope = actor.scope::<UsersMove>()?;
    store::customer_called(db, &scope, said.get("to"))?
        .ok_or_else(|| Error::invalid("input.to", "is no customer that you may move users to"))
}

pub fn go(tx: &Write, at: &At, user: &User, said: &Input) -> Result<Changed> {
    let to = destination(tx, at.actor, said)?;
    if to == user.customer {
        return Ok(Changed::new());
    }
    let scope = at.actor.scope::<UsersMove>()?;
    let mut input = Input::default();
    input.set("customer_id", to);
    if said.has(WITHOUT) {
        input.set(WITHOUT, said.get(WITHOUT));
    }
    if ["1", "true", "on", "yes"].contains(&said.get("end_others")) {
        for number in moves::staying(tx, user, to)? {
            input.push("services", format!("{number}:end"));
        }
    }
    // The password was given when all of them were ordered.
    let again = || Ok(());
    let mover = Mover { app: at.app, actor: at.actor, scope: &scope, again: &again };
    let done = moves::go(mover, user.id, &input, None)?;
    let mut changed = Changed::new();
    let names = [store::customer_name(tx, user.customer)?, store::customer_name(tx, to)?];
    changed.insert("customer".to_owned(), json!(names));
    changed.insert("upn".to_owned(), json!([user.details.upn, done.upn]));
    if !done.ended.is_empty() {
        changed.insert("services".to_owned(), json!([done.ended.join(", "), ""]));
    }
    if !done.dropped.is_empty() {
        changed.insert("left behind".to_owned(), json!(["", done.dropped.join(" ")]));
    }
    Ok(changed)
}
