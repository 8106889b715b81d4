//! Adding users through the API, with what goes along.

use super::{Arrived, UNASKED, copy as copying, create as creating, plan};
use crate::auth::permissions::{RolesGrant, UsersCreate};
use crate::auth::{Permission, Scope};
use crate::error::Result;
use crate::ids::UserId;
use crate::users;
use crate::users::told::UserOut;
use crate::web::{Cx, Response, response};

/// A user, and what a template or model wished for and was left out.
#[derive(serde::Serialize)]
struct ArrivedOut<'u> {
    #[serde(flatten)]
    user: UserOut<'u>,
    left_out: Vec<String>,
}

pub fn create(cx: &Cx, scope: &Scope<UsersCreate>) -> Result<Response> {
    let again = || cx.again_for(RolesGrant::NAME);
    let (customer, input) = (cx.param("id")?, cx.input()?);
    if cx.only_looks()? {
        let act = || creating(cx.app, &cx.actor, scope, customer, &input, UNASKED);
        return response::json(200, &plan(cx.app, &cx.actor, scope, customer, act)?);
    }
    let made = creating(cx.app, &cx.actor, scope, customer, &input, &again)?;
    answer(cx, scope, made)
}

pub fn copy(cx: &Cx, scope: &Scope<UsersCreate>) -> Result<Response> {
    let again = || cx.again_for(RolesGrant::NAME);
    let (model, input): (UserId, _) = (cx.param("id")?, cx.input()?);
    if cx.only_looks()? {
        let customer = cx.db.read(|db| users::one(db, scope, model))?.customer;
        let act = || copying(cx.app, &cx.actor, scope, model, &input, UNASKED);
        return response::json(200, &plan(cx.app, &cx.actor, scope, customer, act)?);
    }
    let made = copying(cx.app, &cx.actor, scope, model, &input, &again)?;
    answer(cx, scope, made)
}

fn answer(cx: &Cx, scope: &Scope<UsersCreate>, made: Arrived) -> Result<Response> {
    cx.db.read(|db| {
        let user = users::one(db, scope, made.id)?;
        let out = ArrivedOut { user: UserOut::of(db, &cx.actor, &user)?, left_out: made.left_out };
        response::created(format!("/api/v1/users/{}", made.id), &out)
    })
}
