//! A user's verbs in the API. With `?preview=true` they change nothing and say what they would touch.

use super::{Effects, effects};
use crate::approvals::chains::Verb;
use crate::auth::permissions::{UsersDelete, UsersDeprovision, UsersDisable, UsersUpdate};
use crate::auth::{Permission, Scope};
use crate::customers::rehearsal::{self, Preview};
use crate::db::Read;
use crate::error::Result;
use crate::ids::{RequestId, UserId};
use crate::input::{CONFIRM, Field, Fields, Input};
use crate::users::told::answer;
use crate::users::{self, consent, erase, merge};
use crate::web::{Cx, Response, response};
use serde::Serialize;
use serde_json::json;

pub const REQUESTS: &[Field] = &[
    Field::text("state", "active, disabled, deprovisioned, deleted"),
    Field::list("requests", "numbers of the work this has ordered"),
];

pub const DELETED: &[Field] =
    &[Field::text("state", ""), Field::list("reports", "those whose manager is empty now")];

pub const ERASE: &[Field] = &[CONFIRM];

pub const MERGED: &[Field] = &[Field::integer("deleted", "the one that went")];

/// What the verb would do, and what of the user it would touch.
#[derive(Serialize)]
struct Plan {
    #[serde(flatten)]
    effects: Effects,
    #[serde(flatten)]
    preview: Preview,
}

fn plan<P: Permission, T>(
    cx: &Cx,
    scope: &Scope<P>,
    id: UserId,
    act: impl Fn() -> Result<T>,
    verb: Option<Verb>,
) -> Result<Response> {
    let (home, mut effects) = cx.db.read(|db| {
        let user = users::one(db, scope, id)?;
        Ok((user.customer, effects(db, &cx.actor, &user)?))
    })?;
    let mut preview = rehearsal::of(cx.db, &cx.actor, home, |_| act())?;
    preview.warnings = std::mem::take(&mut effects.warnings);
    if let Some(verb) = verb {
        let named = |db: &Read| consent::named(db, &cx.actor, home, Some(id), verb);
        preview.approvals = cx.db.read(named)?;
    }
    response::json(200, &Plan { effects, preview })
}

pub fn disable(cx: &Cx, scope: &Scope<UsersDisable>) -> Result<Response> {
    let (id, input) = (cx.param("id")?, cx.input()?);
    let act = || super::disable(cx.db, &cx.actor, scope, id, &input);
    if cx.only_looks()? {
        return plan(cx, scope, id, act, None);
    }
    act()?;
    cx.db.read(|db| answer(db, &cx.actor, scope, id))
}

pub fn enable(cx: &Cx, scope: &Scope<UsersDisable>) -> Result<Response> {
    let id = cx.param("id")?;
    nothing_said(cx)?;
    super::enable(cx.db, &cx.actor, scope, id)?;
    cx.db.read(|db| answer(db, &cx.actor, scope, id))
}

pub fn provision(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let id = cx.param("id")?;
    nothing_said(cx)?;
    let requests = super::provision(cx.db, scope, id)?;
    accepted(cx, scope, id, &requests)
}

pub fn deprovision(cx: &Cx, scope: &Scope<UsersDeprovision>) -> Result<Response> {
    let (id, input) = (cx.param("id")?, cx.input()?);
    if cx.only_looks()? {
        let actor = cx.actor.agreed_to();
        let act = || super::deprovision(cx.db, &actor, scope, id, &input);
        return plan(cx, scope, id, act, Some(Verb::UserDeprovision));
    }
    cx.again()?;
    if let Some(request) = consent::end(cx, scope, id, &input)? {
        return consent::accepted(request);
    }
    let requests = super::deprovision(cx.db, &cx.actor, scope, id, &input)?;
    accepted(cx, scope, id, &requests)
}

fn accepted<P: Permission>(
    cx: &Cx,
    scope: &Scope<P>,
    id: UserId,
    requests: &[RequestId],
) -> Result<Response> {
    let state = cx.db.read(|db| users::one(db, scope, id))?.state;
    response::json(202, &json!({ "state": state, "requests": requests }))
}

/// The body is not needed; `?deprovision=true` does both in their order.
pub fn destroy(cx: &Cx, scope: &Scope<UsersDelete>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let mut input = cx.input()?;
    for field in super::DELETE.iter().filter(|field| cx.request.query.has(field.name)) {
        input.set(field.name, cx.request.query.get(field.name));
    }
    let act = || super::delete(cx.db, &cx.actor, scope, id, &input);
    if cx.only_looks()? {
        return plan(cx, scope, id, act, None);
    }
    cx.again()?;
    let reports = act()?;
    response::json(200, &json!({ "state": "deleted", "reports": reports }))
}

pub fn restore(cx: &Cx, scope: &Scope<UsersDelete>) -> Result<Response> {
    let id = cx.param("id")?;
    nothing_said(cx)?;
    super::restore(cx.db, &cx.actor, scope, id)?;
    cx.db.read(|db| answer(db, &cx.actor, scope, id))
}

pub fn erase(cx: &Cx, scope: &Scope<UsersDelete>) -> Result<Response> {
    let id = cx.param("id")?;
    let input = cx.input()?;
    Fields::of(&input, ERASE).finish(|| Some(()))?;
    cx.again()?;
    erase::erase(cx.db, &cx.actor, scope, id, &input)?;
    Ok(response::no_content())
}

pub fn merge(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let id = cx.param("id")?;
    let input: Input = cx.input()?;
    if cx.only_looks()? {
        let outlook = cx.db.read(|db| merge::outlook(db, &cx.actor, scope, id, &input))?;
        return response::json(
            200,
            &json!({ "deleted": outlook.other.id, "addresses": outlook.addresses() }),
        );
    }
    let gone = merge::merge(cx.db, &cx.actor, scope, id, &input)?;
    response::json(200, &json!({ "deleted": gone }))
}

/// A field that would have no effect is refused.
fn nothing_said(cx: &Cx) -> Result<()> {
    Fields::of(&cx.input()?, &[]).finish(|| Some(()))
}
