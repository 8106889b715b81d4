//! Mailed links: one purpose, one use, one end. Looking at one uses nothing up, because programs
//! that guard mailboxes open every link they see.

use super::{Door, is_known, may_enter};
use crate::db::{Read, Write};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::secret::{self, Secret};
use rusqlite::named_params;

words! {
    /// What a link is for. *Verify*: to say that it is they whom a colleague speaks with; *recovery*: that
    /// an address elsewhere is theirs.
    Purpose {
        Welcome = "welcome", Password = "password",
        Verify = "verify",
        Recovery = "recovery",
    }
}

/// A link that still works.
pub struct Link {
    pub user: UserId,
    pub purpose: Purpose,
    hash: [u8; 32],
}

impl Purpose {
    /// Where its links lead.
    pub fn place(self) -> &'static str {
        match self {
            Purpose::Welcome => "/welcome/",
            Purpose::Password => "/reset/",
            Purpose::Verify => "/verify/",
            Purpose::Recovery => "/recovery/",
        }
    }
}

/// Makes the one live link of `user` for `purpose`, good for `seconds`; older ones end. What comes
/// back is its path on this installation.
pub fn make_link(tx: &Write, user: UserId, purpose: Purpose, seconds: i64) -> Result<Secret> {
    let token = secret::token()?;
    tx.run(
        "DELETE FROM links WHERE user_id = :user AND purpose = :purpose AND used_at IS NULL",
        named_params! { ":user": user, ":purpose": purpose },
    )?;
    tx.run(
        "INSERT INTO links (hash, user_id, purpose, epoch, made_at, expires_at)
         SELECT :hash, id, :purpose, epoch, :now, :expires FROM users WHERE id = :user",
        named_params! {
            ":hash": secret::sha256(token.reveal().as_bytes()), ":user": user, ":purpose": purpose,
            ":now": tx.now, ":expires": tx.now.plus_seconds(seconds),
        },
    )?;
    Ok(Secret::new(format!("{}{}", purpose.place(), token.reveal())))
}

/// The live link of `token`: unused, of the user's present epoch, of somebody who may enter. `known`
/// is the cookie that tells browsers they signed in with before.
pub fn link(db: &Read, purpose: Purpose, token: &str, known: Option<&str>) -> Result<Link> {
    let hash = secret::sha256(token.as_bytes());
    let user = db.one(
        "SELECT user_id FROM links JOIN users ON users.id = user_id
          WHERE hash = :hash AND purpose = :purpose AND used_at IS NULL AND expires_at > :now
            AND links.epoch = users.epoch",
        named_params! { ":hash": hash, ":purpose": purpose, ":now": db.now },
        |row| row.get("user_id"),
    )?;
    let known = known.is_some_and(|cookie| is_known(db, user, cookie).unwrap_or(false));
    match may_enter(db, user, if known { Door::Known } else { Door::Link }) {
        Ok(_) => Ok(Link { user, purpose, hash }),
        Err(Error::LoginRequired) => Err(Error::NotFound),
        Err(err) => Err(err),
    }
}

impl Link {
    /// Its row's key.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Uses it up.
    pub fn use_up(&self, tx: &Write) -> Result<()> {
        tx.change(
            "UPDATE links SET used_at = :now WHERE hash = :hash AND used_at IS NULL RETURNING 1",
            named_params! { ":now": tx.now, ":hash": self.hash },
        )
        .map(|_: i64| ())
    }
}
