//! One's own second factor: set, renewed, removed. A secret on its way to a device is not kept: it
//! stands sealed in the form until a code from the device proves that it arrived.

use crate::audit;
use crate::auth::factor::{
    SharedSecret, drop_factor, has_factor, new_recovery_codes, recovery_codes_left, set_factor,
};
use crate::auth::{self, Session};
use crate::db::{Read, Write};
use crate::error::{Error, Result};
use crate::mail::texts;
use crate::secret::Secret;
use crate::web::Cx;
use serde_json::json;

/// How long a secret that was shown may take to its device.
const SHOWN: i64 = 3600;

/// What there is of one's second factor.
pub struct Factor {
    pub set: bool,
    pub recovery_codes: i64,
}

pub fn of(db: &Read, cx: &Cx) -> Result<Factor> {
    let user = cx.actor.user;
    Ok(Factor { set: has_factor(db, user)?, recovery_codes: recovery_codes_left(db, user)? })
}

/// A secret to be shown, and its seal for the form.
pub fn offer(cx: &Cx) -> Result<(SharedSecret, String)> {
    let secret = SharedSecret::make()?;
    let sealed = Secret::new(format!("{} {}", cx.db.now().unix(), secret.text()));
    let seal = cx.app.config.key.seal(&seal_name(cx), &sealed)?;
    Ok((secret, seal))
}

/// The secret that was sealed into a form within the hour.
pub fn offered(cx: &Cx, seal: &str) -> Result<SharedSecret> {
    let old = || Error::refused("This page is too old. Begin again with the new secret below.");
    let opened = cx.app.config.key.open(&seal_name(cx), seal).map_err(|_| old())?;
    let (at, text) = opened.reveal().split_once(' ').ok_or_else(old)?;
    let age = cx.db.now().unix() - at.parse::<i64>().map_err(|_| old())?;
    if age > SHOWN {
        return Err(old());
    }
    SharedSecret::parse(text).ok_or_else(old)
}

/// Sets the factor once a code proves it, in the place of one before. Every other sign-in ends; what
/// comes back are this browser's new cookie and the recovery codes.
pub fn set(cx: &Cx, secret: &SharedSecret, code: &str) -> Result<(Secret, Vec<Secret>)> {
    let digits: String = code.chars().filter(char::is_ascii_digit).collect();
    let wrong = || Error::invalid("code", "is wrong or used up");
    let step = secret.step_of(&digits, cx.db.now()).ok_or_else(wrong)?;
    let session = here(cx)?;
    let key = &cx.app.config.key;
    change(cx, "user.factor_set", "A second factor was set for your account.", |tx| {
        set_factor(tx, key, cx.actor.user, secret, step)?;
        let codes = new_recovery_codes(tx, key, cx.actor.user)?;
        auth::end_sign_ins(tx, cx.actor.user, Some(session))?;
        Ok((session.rise(tx, true)?, codes))
    })
}

/// Ten new recovery codes; the old ones end.
pub fn renew_codes(cx: &Cx) -> Result<Vec<Secret>> {
    let key = &cx.app.config.key;
    change(cx, "user.codes_renewed", "Your recovery codes were renewed.", |tx| {
        if !has_factor(tx, cx.actor.user)? {
            return Err(Error::refused("Set a second factor first."));
        }
        new_recovery_codes(tx, key, cx.actor.user)
    })
}

/// Removes the factor, where no role asks for one. Every other sign-in ends.
pub fn remove(cx: &Cx) -> Result<()> {
    if let Some(role) = &cx.actor.requires_factor {
        return Err(Error::refused(format!("{role} requires a second factor.")));
    }
    let session = here(cx)?;
    change(cx, "user.factor_removed", "The second factor of your account was removed.", |tx| {
        drop_factor(tx, cx.actor.user)?;
        auth::end_sign_ins(tx, cx.actor.user, Some(session))
    })
}

fn change<T>(cx: &Cx, event: &str, what: &str, act: impl FnOnce(&Write) -> Result<T>) -> Result<T> {
    cx.db.write(cx.actor.by, |tx| {
        let done = act(tx)?;
        let (user, home) = (cx.actor.user, cx.actor.home);
        audit::record(tx, event, ("user", user.0), home, &json!({}))?;
        let subject = what.trim_end_matches('.');
        texts::tell_user(tx, home, user, event, subject, what)?;
        Ok(done)
    })
}

/// Own factors are a matter of pages: a token is no person.
fn here<'c>(cx: &'c Cx) -> Result<&'c Session> {
    cx.session.as_ref().ok_or(Error::LoginRequired)
}

fn seal_name(cx: &Cx) -> String {
    format!("offered factor {}", cx.actor.user)
}
