//! Acting as somebody else: whose name a session works in, for how long, and what is left of the
//! rights of both.

use super::permissions::UsersActAs;
use super::{Actor, Door, Session, actor, may_enter};
use crate::db::{Read, Via, Write};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::time::Instant;
use rusqlite::named_params;

/// How long somebody may act as another at a stretch.
const MINUTES: i64 = 60;

/// In whose name a session works besides its own.
pub struct Acting {
    /// Who really sits there.
    pub own_name: String,
    /// Whom they act as.
    pub user: UserId,
    pub name: String,
    pub ends_at: Instant,
    /// The hour is over, or a right or an account is gone: from now on they are themselves.
    pub over: bool,
}

/// The actor behind a session: its owner, or what owner and somebody else may both do.
pub fn of_session(db: &Read, session: &Session) -> Result<(Actor, Option<Acting>)> {
    let own = actor(db, session.user, Door::Session, Via::Page)?;
    let found = db.maybe(
        "SELECT user_id, display_name, ends_at
           FROM acting JOIN users ON users.id = user_id
          WHERE session_hash = :hash",
        named_params! { ":hash": session.hash() },
        |row| {
            Ok(Acting {
                own_name: own.name.clone(),
                user: row.get("user_id")?,
                name: row.get("display_name")?,
                ends_at: row.get("ends_at")?,
                over: false,
            })
        },
    )?;
    let Some(acting) = found else { return Ok((own, None)) };
    let other = actor(db, acting.user, Door::Session, Via::Page);
    match other {
        Ok(other) if acting.ends_at > db.now && may_act_as(db, &own, &other)? => {
            Ok((own.acting_for(db, other)?, Some(acting)))
        }
        _ => Ok((own, Some(Acting { over: true, ..acting }))),
    }
}

/// What is left of the rights of `user` who works in the name of `other`, as long as they may.
pub fn actor_for(db: &Read, user: UserId, other: UserId, door: Door, via: Via) -> Result<Actor> {
    let (own, other) = (actor(db, user, door, via)?, actor(db, other, door, via)?);
    if !may_act_as(db, &own, &other)? {
        return Err(Error::LoginRequired);
    }
    own.acting_for(db, other)
}

fn may_act_as(db: &Read, own: &Actor, other: &Actor) -> Result<bool> {
    match own.scope::<UsersActAs>() {
        Ok(scope) => Ok(scope.reaches(db, other.home).is_ok()),
        Err(_) => Ok(false),
    }
}

/// Whether `user` could be at work now: nobody acts as somebody who may not enter.
pub fn may_be_acted_as(db: &Read, user: UserId) -> bool {
    may_enter(db, user, Door::Session).is_ok()
}

/// From now on the session works in the name of `user`, for an hour.
pub fn act_as(tx: &Write, session: &Session, user: UserId, reason: &str) -> Result<()> {
    tx.run(
        "INSERT OR REPLACE INTO acting (session_hash, user_id, reason, started_at, ends_at)
         VALUES (:hash, :user, :reason, :now, :end)",
        named_params! {
            ":hash": session.hash(), ":user": user, ":reason": reason, ":now": tx.now,
            ":end": tx.now.plus_seconds(MINUTES * 60),
        },
    )?;
    Ok(())
}

/// The session is its owner's alone again.
pub fn stop_acting(tx: &Write, session: &Session) -> Result<()> {
    tx.run("DELETE FROM acting WHERE session_hash = ?1", [session.hash()])?;
    Ok(())
}
