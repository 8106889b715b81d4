//! Adding users through the API, with what goes along.

use super::{Arrived, UNASKED, copy as copying, create as creating, plan};
use crate::auth::permissions::{RolesGrant, UsersCreate};
use crate::auth::{Permission, Scope};
use crate::error::Result;
use crate::ids::UserId;
use crate::users;
use crate::users::consent::{self, Door, Wish};
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
    let wish = Wish { door: Door::Create, customer, user: None, input: &input };
    if cx.only_looks()? {
        let seen = consent::look(cx.db, &cx.actor, &wish, |actor| {
            let act = || creating(cx.app, actor, scope, customer, &input, UNASKED);
            plan(cx.app, actor, scope, customer, act)
        });
        return response::json(200, &seen?);
    }
    let held = consent::hold(cx.db, &cx.app.config.key, &cx.actor, &wish, |actor| {
        let act = || creating(cx.app, actor, scope, customer, &input, &again);
        plan(cx.app, actor, scope, customer, act)
    });
    if let Some(request) = held? {
        return consent::accepted(request);
    }
    let made = creating(cx.app, &cx.actor, scope, customer, &input, &again)?;
    answer(cx, scope, made)
}

pub fn copy(cx: &Cx, scope: &Scope<UsersCreate>) -> Result<Response> {
    let again = || cx.again_for(RolesGrant::NAME);
    let (model, input): (UserId, _) = (cx.param("id")?, cx.input()?);
    let customer = cx.db.read(|db| users::one(db, scope, model))?.customer;
    let wish = Wish { door: Door::Copy, customer, user: Some(model), input: &input };
    if cx.only_looks()? {
        let seen = consent::look(cx.db, &cx.actor, &wish, |actor| {
            let act = || copying(cx.app, actor, scope, model, &input, UNASKED);
            plan(cx.app, actor, scope, customer, act)
        });
        return response::json(200, &seen?);
    }
    let held = consent::hold(cx.db, &cx.app.config.key, &cx.actor, &wish, |actor| {
        let act = || copying(cx.app, actor, scope, model, &input, &again);
        plan(cx.app, actor, scope, customer, act)
    });
    if let Some(request) = held? {
        return consent::accepted(request);
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
