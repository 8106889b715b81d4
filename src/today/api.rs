use super::items;
use crate::auth::Own;
use crate::auth::permissions::AccountRead;
use crate::error::Result;
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde_json::{Value, json};

pub const OUT: &[Field] = &[
    Field::text("kind", "A stable word for what it is"),
    Field::text("tone", "bad, wait or busy"),
    Field::text("what", "In a sentence"),
    Field::text("why", "What is behind it"),
    Field::text("href", "The page to act on"),
];

pub fn index(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    let list = cx.db.read(|db| items(db, cx))?;
    let items: Vec<Value> = list
        .iter()
        .map(|item| {
            json!({
                "kind": item.kind, "tone": item.tone.class().trim_end_matches("-tone"),
                "what": item.what, "why": item.why, "href": item.href,
            })
        })
        .collect();
    response::json(200, &json!({ "items": items, "next": null }))
}
