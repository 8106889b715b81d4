//! Links for other people, asked for by programs. A token is no person: it signs nobody in.

use super::others::{self, Standing, Verification};
use super::{Sent, send};
use crate::auth::permissions::{UsersDisable, UsersMfa, UsersPassword, UsersRead};
use crate::auth::{Purpose, Scope};
use crate::error::Result;
use crate::ids::UserId;
use crate::input::{Field, Fields};
use crate::web::{Cx, Response, response};
use serde::Serialize;

pub const SEND: &[Field] =
    &[Field::boolean("show", "answer with the link instead of mailing it; it is shown this once")];

pub const OUT: &[Field] = &[
    Field::text("to", "the address the link goes to; empty when it is shown"),
    Field::text("link", "only where it was asked to be shown"),
];

#[derive(Serialize)]
struct SentOut {
    to: String,
    link: Option<String>,
}

pub fn password_link(cx: &Cx, scope: &Scope<UsersPassword>) -> Result<Response> {
    answer(cx, scope, Purpose::Password)
}

pub fn welcome(cx: &Cx, scope: &Scope<UsersPassword>) -> Result<Response> {
    answer(cx, scope, Purpose::Welcome)
}

fn answer(cx: &Cx, scope: &Scope<UsersPassword>, purpose: Purpose) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let input = cx.input()?;
    let mut fields = Fields::of(&input, SEND);
    let show = fields.flag("show");
    let show = fields.finish(|| show)?;
    if show {
        cx.again()?;
    }
    let Sent { to, shown } = send(cx.app, &cx.actor, scope, id, purpose, show)?;
    let out = SentOut { to, link: shown.map(|link| link.reveal().to_owned()) };
    Ok(response::json(200, &out)?.showing_once("link"))
}

pub const STANDING: &[Field] = &[
    Field::text("locked_until", "while too many tries failed"),
    Field::boolean("has_factor", ""),
    Field::boolean("has_password", ""),
    Field::boolean("password_due", "it has to be replaced before anything else"),
    Field::boolean("password_stays", "it has no end, where the customer allows that"),
    Field::text("password_set_at", ""),
    Field::text("last_sign_in_at", ""),
    Field::integer("sign_ins", "browsers signed in at present"),
];

pub const ASKED: &[Field] = &[
    Field::list("addresses", "those on file, masked"),
    Field::object(
        "asked",
        "the latest question within a quarter of an hour: address, asked_at, verified_at",
    ),
];

#[derive(Serialize)]
struct AskedOut {
    addresses: Vec<String>,
    asked: Option<Verification>,
}

pub fn standing(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let found: Standing = cx.db.read(|db| others::standing(db, scope, cx.param("id")?))?;
    response::json(200, &found)
}

pub fn end_sessions(cx: &Cx, scope: &Scope<UsersDisable>) -> Result<Response> {
    others::end_sessions(cx.db, &cx.actor, scope, cx.param("id")?)?;
    Ok(response::no_content())
}

pub fn unlock(cx: &Cx, scope: &Scope<UsersDisable>) -> Result<Response> {
    others::unlock(cx.app, &cx.actor, scope, cx.param("id")?)?;
    Ok(response::no_content())
}

pub fn require_password(cx: &Cx, scope: &Scope<UsersPassword>) -> Result<Response> {
    others::require_password(cx.db, scope, cx.param("id")?)?;
    Ok(response::no_content())
}

pub fn let_password_stay(cx: &Cx, scope: &Scope<UsersPassword>) -> Result<Response> {
    others::let_password_stay(cx.db, scope, cx.param("id")?, &cx.input()?)?;
    Ok(response::no_content())
}

pub fn reset_factor(cx: &Cx, scope: &Scope<UsersMfa>) -> Result<Response> {
    cx.again()?;
    others::reset_factor(cx.db, &cx.actor, scope, cx.param("id")?, &cx.input()?)?;
    Ok(response::no_content())
}

pub fn asked(cx: &Cx, scope: &Scope<UsersPassword>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let out = cx.db.read(|db| {
        let addresses = others::masked_addresses(db, scope, id)?;
        Ok(AskedOut { addresses, asked: others::asked(db, scope, id)? })
    })?;
    response::json(200, &out)
}

pub fn ask_who(cx: &Cx, scope: &Scope<UsersPassword>) -> Result<Response> {
    others::ask_who(cx.app, scope, cx.param("id")?, &cx.input()?)?;
    asked(cx, scope)
}
