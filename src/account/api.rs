//! One's own account through the API: details; tokens to list, make for oneself, revoke.

use super::pages::details::guarded;
use super::{TOKEN, Token, make_token, make_token_for, revoke_token, tokens};
use crate::auth::permissions::{AccountRead, AccountUpdate, TokensOwn, UsersRename};
use crate::auth::{Own, Permission};
use crate::error::{Error, Result};
use crate::ids::{TokenId, UserId};
use crate::input::Field;
use crate::users::{oneself, update_oneself};
use crate::web::{Cx, Response, response};
use serde::Serialize;

pub const MAKE: &[Field] = TOKEN;

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("user_id", ""),
    Field::text("name", ""),
    Field::list("permissions", "*, or names"),
    Field::integer("customer_id", "the one customer it reaches, where there is one"),
    Field::text("created_at", ""),
    Field::text("expires_at", ""),
    Field::text("last_used_at", "to the hour"),
    Field::text("revoked_at", ""),
    Field::text("token", "the token itself, in the answer that made it only"),
];

#[derive(Serialize)]
struct MadeOut {
    #[serde(flatten)]
    made: Token,
    token: String,
}

pub fn index(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    let user: UserId = cx.param("id")?;
    let paging = cx.paging(&[])?;
    let rows = cx.db.read(|db| tokens(db, &cx.actor, user, &paging))?;
    response::json(200, &paging.listing(rows, |token| (String::new(), token.id.0)))
}

pub fn create(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    let user: UserId = cx.param("id")?;
    if !cx.request.header("Idempotency-Key").is_empty() {
        let why = "is not taken here: its answer holds a secret, which would have to be kept";
        return Err(Error::invalid("Idempotency-Key", why));
    }
    let input = cx.input()?;
    let (made, text) = if user == cx.actor.user {
        let own = cx.actor.own::<TokensOwn>()?;
        cx.again_for(TokensOwn::NAME)?;
        let (id, text) = make_token(cx.db, &cx.actor, &own, &input)?;
        (cx.db.read(|db| super::one(db, &own, id))?, text)
    } else {
        let scope = cx.actor.scope::<UsersRename>().map_err(|_| Error::NotFound)?;
        cx.again_for(UsersRename::NAME)?;
        make_token_for(cx.db, &cx.actor, &scope, user, &input)?
    };
    let at = format!("/api/v1/tokens/{}", made.id);
    response::created(at, &MadeOut { made, token: text.reveal().to_owned() })
}

/// Takes what everybody may say of themselves.
pub fn details(cx: &Cx, own: &Own<AccountUpdate>) -> Result<Response> {
    let (input, was) = (cx.input()?, cx.db.read(|db| oneself(db, own))?.details.input());
    guarded(cx, &input, &was)?;
    update_oneself(cx.db, own, &input)?;
    Ok(response::no_content())
}

pub fn destroy(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    let id: TokenId = cx.param("id")?;
    revoke_token(cx.db, &cx.actor, id)?;
    Ok(response::no_content())
}
