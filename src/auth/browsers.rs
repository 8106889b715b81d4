//! Browsers that somebody signed in with before. A guess from one of them is counted apart, so that
//! strangers who guess cannot lock a colleague out.

use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::UserId;
use crate::secret;
use rusqlite::named_params;

/// Whether `user` signed in with the browser of this cookie within a year.
pub fn is_known(db: &Read, user: UserId, cookie: &str) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM known_browsers
                         WHERE user_id = :user AND hash = :hash AND last_seen_at > :since)",
        named_params! {
            ":user": user, ":hash": secret::sha256(cookie.as_bytes()), ":since": db.now.plus_days(-365),
        },
    )
}

/// Knows the browser of this cookie from now on.
pub fn know(tx: &Write, user: UserId, cookie: &str) -> Result<()> {
    tx.run(
        "INSERT INTO known_browsers (user_id, hash, since, last_seen_at) VALUES (:user, :hash, :now, :now)
         ON CONFLICT DO UPDATE SET last_seen_at = excluded.last_seen_at",
        named_params! { ":user": user, ":hash": secret::sha256(cookie.as_bytes()), ":now": tx.now },
    )?;
    Ok(())
}

/// All browsers are strange again: somebody else may have one of them.
pub fn forget_browsers(tx: &Write, user: UserId) -> Result<()> {
    tx.run("DELETE FROM known_browsers WHERE user_id = ?1", [user])?;
    Ok(())
}
