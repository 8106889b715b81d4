//! Moving a user through the API. With `?preview=true` nothing is kept.

use super::go;
use crate::auth::Scope;
use crate::auth::permissions::UsersMove;
use crate::error::Result;
use crate::web::{Cx, Response, response};

pub fn create(cx: &Cx, scope: &Scope<UsersMove>) -> Result<Response> {
    let (id, mut input) = (cx.param("id")?, cx.input()?);
    let version = cx.expected_version(&mut input);
    let only_look = cx.request.query.get("preview") == "true";
    if !only_look {
        cx.again()?;
    }
    let outcome = go(cx.app, &cx.actor, scope, id, &input, version, only_look)?;
    response::json(if only_look { 200 } else { 202 }, &outcome)
}
