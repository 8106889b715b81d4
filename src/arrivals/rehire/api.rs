//! Rehiring through the API. With `?preview=true` nothing is kept.

use super::rehire as take_up;
use crate::auth::permissions::{RolesGrant, UsersDeprovision};
use crate::auth::{Permission, Scope};
use crate::error::Result;
use crate::input::Fields;
use crate::web::{Cx, Response, response};

pub fn rehire(cx: &Cx, scope: &Scope<UsersDeprovision>) -> Result<Response> {
    let id = cx.param("id")?;
    Fields::of(&cx.input()?, &[]).finish(|| Some(()))?;
    let only_look = cx.request.query.get("preview") == "true";
    let again = || cx.again_for(RolesGrant::NAME);
    response::json(200, &take_up(cx.app, &cx.actor, scope, id, only_look, &again)?)
}
