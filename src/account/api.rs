//! API tokens through the API: list, make for oneself, revoke.

use super::{TOKEN, Token, make_token, revoke_token, tokens};
use crate::auth::Own;
use crate::auth::permissions::{AccountRead, TokensOwn};
use crate::error::{Error, Result};
use crate::ids::{TokenId, UserId};
use crate::input::Field;
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

pub fn create(cx: &Cx, own: &Own<TokensOwn>) -> Result<Response> {
    if cx.param::<UserId>("id")? != own.user {
        return Err(Error::NotFound);
    }
    if !cx.request.header("Idempotency-Key").is_empty() {
        let why = "is not taken here: its answer holds a secret, which would have to be kept";
        return Err(Error::invalid("Idempotency-Key", why));
    }
    cx.again()?;
    let (id, text) = make_token(cx.db, &cx.actor, own, &cx.input()?)?;
    let made = cx.db.read(|db| super::one(db, own, id))?;
    let at = format!("/api/v1/tokens/{id}");
    response::created(at, &MadeOut { made, token: text.reveal().to_owned() })
}

pub fn destroy(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    let id: TokenId = cx.param("id")?;
    revoke_token(cx.db, &cx.actor, id)?;
    Ok(response::no_content())
}
