//! A user's photo: whatever is sent is decoded and written anew, so that neither what a camera notes
//! beside a picture nor anything that is no picture is kept or handed out.

pub mod api;
pub mod pages;
pub mod shown;
mod pixels;
mod store;

use super::{User, is_in_state, oneself, store as users_store};
use crate::audit;
use crate::auth::permissions::{AccountUpdate, UsersUpdate};
use crate::auth::{Own, Permission, Scope};
use crate::db::{Db, Read, Write};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::places::State;
use serde_json::json;

/// What is taken, at most.
pub const BYTES: usize = 512 * 1024;

/// The photo of a user within reach, as JPEG; NotFound where there is none.
pub fn of<P: Permission>(db: &Read, scope: &Scope<P>, id: UserId) -> Result<Vec<u8>> {
    users_store::one(db, scope, id)?;
    store::of(db, id)?.ok_or(Error::NotFound)
}

/// One's own.
pub fn of_oneself<P>(db: &Read, own: &Own<P>) -> Result<Vec<u8>> {
    store::of(db, own.user)?.ok_or(Error::NotFound)
}

/// Whether there is one.
pub fn is_there(db: &Read, id: UserId) -> Result<bool> {
    store::is_there(db, id)
}

/// Sets the photo of somebody else.
pub fn set(db: &Db, scope: &Scope<UsersUpdate>, id: UserId, sent: &[u8]) -> Result<()> {
    // Decoding takes its time: it is done before the store is held.
    db.read(|db| users_store::one(db, scope, id))?;
    let jpeg = pixels::square(sent)?;
    db.write(scope.by, |tx| put(tx, &users_store::one(tx, scope, id)?, Some(&jpeg)))
}

pub fn remove(db: &Db, scope: &Scope<UsersUpdate>, id: UserId) -> Result<()> {
    db.write(scope.by, |tx| put(tx, &users_store::one(tx, scope, id)?, None))
}

/// Sets one's own.
pub fn set_own(db: &Db, own: &Own<AccountUpdate>, sent: &[u8]) -> Result<()> {
    let jpeg = pixels::square(sent)?;
    db.write(own.by, |tx| put(tx, &oneself(tx, own)?, Some(&jpeg)))
}

pub fn remove_own(db: &Db, own: &Own<AccountUpdate>) -> Result<()> {
    db.write(own.by, |tx| put(tx, &oneself(tx, own)?, None))
}

fn put(tx: &Write, user: &User, jpeg: Option<&[u8]>) -> Result<()> {
    if matches!(user.state, State::Deleted | State::Purged) {
        return Err(is_in_state(user));
    }
    let (was, is) = (store::is_there(tx, user.id)?, jpeg.is_some());
    match jpeg {
        Some(jpeg) => store::put(tx, user.id, jpeg)?,
        None if !was => return Ok(()),
        None => store::remove(tx, user.id)?,
    }
    let detail = json!({ "photo": [was, is] });
    audit::record(tx, "user.changed", ("user", user.id.0), user.customer, &detail)
}
