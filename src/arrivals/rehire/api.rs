//! Rehiring through the API. With `?preview=true` nothing is kept.

use super::{held, rehire as take_up};
use crate::auth::permissions::{RolesGrant, UsersDeprovision};
use crate::auth::{Permission, Scope};
use crate::error::Result;
use crate::users::consent;
use crate::web::{Cx, Response, response};

pub fn rehire(cx: &Cx, scope: &Scope<UsersDeprovision>) -> Result<Response> {
    let (id, input) = (cx.param("id")?, cx.input()?);
    let only_look = cx.only_looks()?;
    let again = || cx.again_for(RolesGrant::NAME);
    if !only_look && let Some(request) = held(cx, scope, id, &input, &again)? {
        return consent::accepted(request);
    }
    let actor = cx.actor.agreed_to();
    let seen = take_up(cx.app, &actor, scope, id, &input, only_look, &again)?;
    response::json(200, &seen)
}
