//! What a new password must be like, and what ends an old one: the rules of the customer, which it
//! inherits.

use super::{outside, store};
use crate::auth::password::{self, Hasher, Rules};
use crate::auth::{self, Session};
use crate::customers::settings;
use crate::db::{Db, Read, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, UserId};
use crate::secret::{Key, Secret};

/// Earlier passwords that are kept for comparing at most.
const KEPT: i64 = 24;

/// What the customer of `user` asks of a new password.
pub fn rules(db: &Read, home: CustomerId) -> Result<Rules> {
    let number = |key| settings::number(db, home, key);
    let size = |number: Option<i64>, default| {
        number.and_then(|n| usize::try_from(n).ok()).unwrap_or(default)
    };
    Ok(Rules {
        length: size(number("password_length")?, Rules::default().length),
        classes: size(number("password_classes")?, 0),
    })
}

/// Complains about a password that is too short, too easy to guess for this person, or was theirs
/// before. Comparing takes the hasher's time: never inside a transaction.
pub fn check_password(db: &Db, hasher: &Hasher, user: UserId, new: &Secret) -> Result<()> {
    let (rules, hints, earlier) = db.read(|db| {
        let home = store::home(db, user)?;
        let kept = settings::number(db, home, "password_history")?.unwrap_or(0);
        Ok((rules(db, home)?, store::hints(db, user)?, store::earlier(db, user, kept)?))
    })?;
    let hints: Vec<&str> =
        hints.iter().map(String::as_str).filter(|hint| !hint.is_empty()).collect();
    if let Some(message) = password::complaint(new, rules, &hints) {
        return Err(Error::invalid("password", message));
    }
    for kept in earlier {
        if hasher.matches(new, Some(&kept))? {
            return Err(Error::invalid("password", "was used before"));
        }
    }
    Ok(())
}

/// A password that somebody has chosen: as it is compared here, and as the directory is told it.
pub struct Chosen<'c> {
    pub hash: &'c str,
    pub text: &'c Secret,
}

/// Puts a password in its place, here and where the user has an account in a directory, and ends
/// every sign-in and link but `kept`; says whose user it is.
pub fn put_password(
    tx: &Write,
    key: &Key,
    user: UserId,
    chosen: &Chosen<'_>,
    kept: Option<&Session>,
) -> Result<CustomerId> {
    store::remember_password(tx, user, KEPT)?;
    let home = store::put_password(tx, user, chosen.hash)?;
    auth::end_sign_ins(tx, user, kept)?;
    outside::hand_over(tx, key, (home, user), chosen.text)?;
    Ok(home)
}

/// In how many days the password of `user` ends; none where it does not.
pub fn days_left(db: &Read, user: UserId, home: CustomerId) -> Result<Option<i64>> {
    let Some(age) = settings::number(db, home, "password_max_age")? else { return Ok(None) };
    let exempt = settings::flag(db, home, "never_expires_allowed")?;
    let Some(since) = store::password_since(db, user, exempt)? else { return Ok(None) };
    Ok(Some(age - db.now.since(since).div_euclid(86_400)))
}

/// A password that is too old must be replaced before anything else.
pub fn end_old(tx: &Write, user: UserId, home: CustomerId) -> Result<()> {
    if days_left(tx, user, home)?.is_some_and(|days| days <= 0) {
        store::require_password(tx, user, true)?;
    }
    Ok(())
}
