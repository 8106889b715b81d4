//! Acting as another user: for a reason, for an hour, with no more than both may do.

pub mod pages;
mod store;

use crate::audit;
use crate::auth::permissions::{AccountRead, UsersActAs};
use crate::auth::{self, Own, Scope};
use crate::customers::settings;
use crate::db::Read;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::input::{Field, Fields, Input};
use crate::places;
use crate::time::Instant;
use crate::web::Cx;
use serde_json::json;

pub const ACT: &[Field] = &[Field::text("reason", "5 to 200 characters").required()];

/// That somebody acted as the reader.
pub struct Acted {
    pub at: Instant,
    pub by: String,
    pub reason: String,
}

/// Begins to act as `user` in this browser's session.
pub fn start(cx: &Cx, scope: &Scope<UsersActAs>, user: UserId, input: &Input) -> Result<()> {
    let session = cx
        .session
        .as_ref()
        .ok_or_else(|| Error::refused("A token acts as nobody but its owner: use a browser."))?;
    let mut fields = Fields::of(input, ACT);
    let reason = fields.text("reason", 5..=200);
    let reason = fields.finish(|| reason)?;
    cx.db.write(scope.by, |tx| {
        auth::not_oneself(&cx.actor, user)?;
        let person = places::user(tx, scope, user)?;
        if !auth::may_be_acted_as(tx, user) {
            return Err(Error::refused(format!("{} cannot sign in at present.", person.name)));
        }
        if !settings::flag(tx, person.customer.id, "act_as")? {
            let customer = &person.customer.name;
            return Err(Error::refused(format!("{customer} does not allow acting as its users.")));
        }
        auth::act_as(tx, session, user, &reason)?;
        let detail = json!({ "reason": reason });
        audit::record(tx, "user.acted_as", ("user", user.0), person.customer.id, &detail)
    })
}

/// Is oneself again.
pub fn stop(cx: &Cx) -> Result<()> {
    let Some(session) = &cx.session else { return Ok(()) };
    cx.db.write(cx.actor.by, |tx| auth::stop_acting(tx, session))
}

/// Who acted as the reader, the latest first.
pub fn history(db: &Read, own: &Own<AccountRead>) -> Result<Vec<Acted>> {
    store::history(db, own)
}
