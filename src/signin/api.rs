//! Links for other people, asked for by programs. A token is no person: it signs nobody in.

use super::{Sent, send};
use crate::auth::permissions::UsersPassword;
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
