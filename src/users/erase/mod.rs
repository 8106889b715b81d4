//! The end of a user's personal data: thirty days after deleting, or at once by hand. The row stays
//! as a number; the ledger and invoices keep their own text.

pub mod store;

use super::{User, is_in_state, store as users_store};
use crate::audit;
use crate::auth::permissions::UsersDelete;
use crate::auth::{Actor, Scope, not_oneself, not_stronger};
use crate::db::{Db, Via, Write};
use crate::error::Result;
use crate::ids::UserId;
use crate::input::{Input, typed};
use crate::jobs::{Level, RunCx};
use crate::places::State;
use serde_json::json;

/// Days in the bin.
pub const BIN: i64 = 30;

/// Users of one look at what is due.
const BATCH: i64 = 200;

/// Erases what lies in the bin, at once. The sign-in name is typed to confirm.
pub fn erase(
    db: &Db,
    actor: &Actor,
    scope: &Scope<UsersDelete>,
    id: UserId,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let user = users_store::one(tx, scope, id)?;
        if user.state != State::Deleted {
            return Err(is_in_state(&user));
        }
        not_oneself(actor, id)?;
        not_stronger(tx, actor, id)?;
        typed(input, &user.details.upn)?;
        purge(tx, &user)
    })
}

/// The job: erases everybody who has been in the bin for thirty days.
pub fn run(cx: &RunCx) -> Result<()> {
    let scope: Scope<UsersDelete> = Scope::of_system(Via::Job);
    let mut done = cx.done()?;
    loop {
        let before = cx.db.now().plus_days(-BIN);
        let due = cx.db.read(|db| store::due(db, before, BATCH))?;
        if due.is_empty() || cx.cancelled()? {
            return Ok(());
        }
        for id in due {
            done += 1;
            cx.db.write(scope.by, |tx| {
                let user = users_store::one(tx, &scope, id)?;
                purge(tx, &user)?;
                let text = format!("User {id}");
                cx.unit(tx, done, Level::Info, "purged", &text, Some(("user", id.0)))
            })?;
        }
    }
}

/// Takes every personal value out of the store, also out of what others wrote about the user.
fn purge(tx: &Write, user: &User) -> Result<()> {
    let d = &user.details;
    let mut said: Vec<String> =
        vec![d.display_name.clone(), d.username.clone(), d.recovery_email.clone()];
    said.extend(d.hosted().map(|(_, name)| name.to_owned()));
    said.extend(d.external_emails.iter().cloned());
    said.extend(["first_name", "last_name"].map(|name| d.text(name).to_owned()));
    // A text of two letters would be found in everything.
    said.retain(|text| text.chars().count() > 2);
    said.sort_by_key(|text| std::cmp::Reverse(text.len()));
    said.dedup();
    store::forget(tx, user)?;
    store::forget_elsewhere(tx, user, &said)?;
    audit::record(tx, "user.purged", ("user", user.id.0), user.customer, &json!({}))
}
