//! What even somebody with the right may not do, asked when it is ordered and again when it is done.

use crate::auth::permissions::{UsersDelete, UsersDeprovision, UsersUpdate};
use crate::auth::{
    Actor, Permission, Scope, not_acting, not_last_unless_meant, not_oneself, not_stronger,
};
use crate::db::Read;
use crate::error::{Error, Result};
use crate::users::{User, reaches};

/// Self, stronger, last; of another customer's last administrator it must be `meant`.
pub fn of(db: &Read, actor: &Actor, user: &User, meant: bool) -> Result<()> {
    of_subject(db, actor, user)?;
    not_last_unless_meant(db, actor.home, user.id, meant)
}

/// The same where nobody goes by it.
pub fn of_subject(db: &Read, actor: &Actor, user: &User) -> Result<()> {
    not_oneself(actor, user.id)?;
    not_stronger(db, actor, user.id)
}

/// The right itself, which reaches the user.
pub fn scope_of(db: &Read, actor: &Actor, user: &User) -> Result<Scope<UsersDeprovision>> {
    let scope = actor.scope::<UsersDeprovision>()?;
    scope.reaches(db, user.customer)?;
    Ok(scope)
}

/// What handing over reports needs besides.
pub fn may_lead(db: &Read, actor: &Actor, user: &User) -> Result<()> {
    needs::<UsersUpdate>(db, actor, user)
}

/// What deleting needs besides. Nobody deletes in another's name.
pub fn may_delete(db: &Read, actor: &Actor, user: &User) -> Result<()> {
    not_acting(actor)?;
    needs::<UsersDelete>(db, actor, user)
}

fn needs<P: Permission>(db: &Read, actor: &Actor, user: &User) -> Result<()> {
    if reaches::<P>(db, actor, user.customer) {
        return Ok(());
    }
    Err(Error::Forbidden(format!("This needs the permission {}.", P::NAME)))
}
