//! Saved views in the API.

use super::{Check, List, View, delete, of, save};
use crate::error::Result;
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde_json::{Value, json};

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::text("name", ""),
    Field::text("query", "filters as in the address of the list"),
    Field::boolean("shared", "everybody of one’s own customer sees it"),
    Field::boolean("own", "saved by oneself"),
    Field::text("by", "who saved it"),
];

fn told(view: &View) -> Value {
    json!({
        "id": view.id, "name": view.name, "query": view.query, "shared": view.shared, "own": view.own,
        "by": view.by,
    })
}

pub fn index(cx: &Cx, list: List) -> Result<Response> {
    let all = cx.db.read(|db| of(db, &cx.actor, list))?;
    let items: Vec<Value> = all.iter().map(told).collect();
    response::json(200, &json!({ "items": items }))
}

pub fn create(cx: &Cx, list: List, check: Check) -> Result<Response> {
    let id = save(cx.db, &cx.actor, list, &cx.input()?, check)?;
    let all = cx.db.read(|db| of(db, &cx.actor, list))?;
    let view = all.iter().find(|view| view.id == id).map(told);
    response::created(format!("/api/v1/{}/views/{id}", list.word()), &view)
}

pub fn destroy(cx: &Cx, list: List) -> Result<Response> {
    delete(cx.db, &cx.actor, list, cx.param("view")?)?;
    Ok(response::no_content())
}
