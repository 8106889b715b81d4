//! Moving a user through the API. With `?preview=true` nothing is kept.

use super::{Mover, go, look};
use crate::auth::permissions::{RolesGrant, UsersMove};
use crate::auth::{Permission, Scope};
use crate::error::Result;
use crate::web::{Cx, Response, response};

pub fn create(cx: &Cx, scope: &Scope<UsersMove>) -> Result<Response> {
    let (id, mut input) = (cx.param("id")?, cx.input()?);
    let version = cx.expected_version(&mut input);
    let again = || cx.again_for(RolesGrant::NAME);
    let mover = Mover { app: cx.app, actor: &cx.actor, scope, again: &again };
    if cx.only_looks()? {
        return response::json(200, &look(mover, id, &input, version)?);
    }
    cx.again()?;
    response::json(202, &go(mover, id, &input, version)?)
}
