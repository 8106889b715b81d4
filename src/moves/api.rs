//! Moving a user through the API. With `?preview=true` nothing is kept.

use super::{Mover, go};
use crate::auth::permissions::{RolesGrant, UsersMove};
use crate::auth::{Permission, Scope};
use crate::error::Result;
use crate::web::{Cx, Response, response};

pub fn create(cx: &Cx, scope: &Scope<UsersMove>) -> Result<Response> {
    let (id, mut input) = (cx.param("id")?, cx.input()?);
    let version = cx.expected_version(&mut input);
    let only_look = cx.request.query.get("preview") == "true";
    if !only_look {
        cx.again()?;
    }
    let again = || cx.again_for(RolesGrant::NAME);
    let mover = Mover { app: cx.app, actor: &cx.actor, scope, again: &again };
    let outcome = go(mover, id, &input, version, only_look)?;
    response::json(if only_look { 200 } else { 202 }, &outcome)
}
