//! The log of mails as JSON. A body is shown as it is kept: with `[link]` where its secret was.

use super::{Message, cancel, pages, resend, store};
use crate::auth::Scope;
use crate::auth::permissions::MessagesRead;
use crate::error::{Error, Result};
use crate::ids::MessageId;
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde::Serialize;

pub const FILTERS: &[Field] = &[
    Field::text("q", "in the address or the subject"),
    Field::text("state", "queued, sending, sent, held, failed, suppressed or cancelled"),
    Field::text("event", "like user.invited"),
    Field::integer("customer_id", "of one customer"),
    Field::integer("user_id", "to one user"),
];

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("customer_id", "in whose branch it is listed"),
    Field::integer("user_id", "whom it is for, where that is a user"),
    Field::text("event", "what it tells of"),
    Field::text("class", "security, owed, notice or digest"),
    Field::text("to", "the address"),
    Field::text("to_name", ""),
    Field::text("subject", ""),
    Field::text("state", "queued, sending, sent, held, failed, suppressed or cancelled"),
    Field::integer("attempts", "tries so far"),
    Field::text("next_at", "when the next try is due"),
    Field::text("answer", "what the server said last"),
    Field::text("created_at", ""),
    Field::text("sent_at", ""),
    Field::text("text", "of one mail: its body, with [link] for a secret address"),
];

#[derive(Serialize)]
struct MessageOut {
    #[serde(flatten)]
    message: Message,
    text: String,
}

pub fn index(cx: &Cx, scope: &Scope<MessagesRead>) -> Result<Response> {
    let filter = pages::filter(cx);
    if filter.state.is_none() && !cx.request.query.get("state").is_empty() {
        return Err(Error::invalid("state", "is not one of the choices"));
    }
    let paging = cx.paging(FILTERS)?;
    let rows = cx.db.read(|db| store::list(db, scope, &filter, &paging))?;
    response::json(200, &paging.listing(rows, |mail| (String::new(), mail.id.0)))
}

pub fn show(cx: &Cx, scope: &Scope<MessagesRead>) -> Result<Response> {
    one(cx, scope, cx.param("id")?, 200)
}

pub fn send_again(cx: &Cx, scope: &Scope<MessagesRead>) -> Result<Response> {
    let new = resend(cx.db, &cx.actor, scope, &cx.app.config.key, cx.param("id")?)?;
    Ok(one(cx, scope, new, 201)?.with("Location", format!("/api/v1/messages/{new}")))
}

pub fn stop(cx: &Cx, scope: &Scope<MessagesRead>) -> Result<Response> {
    let id: MessageId = cx.param("id")?;
    cancel(cx.db, scope, id)?;
    one(cx, scope, id, 200)
}

fn one(cx: &Cx, scope: &Scope<MessagesRead>, id: MessageId, status: u16) -> Result<Response> {
    let (message, text) = cx.db.read(|db| store::one(db, scope, id))?;
    response::json(status, &MessageOut { message, text })
}
