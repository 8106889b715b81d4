use super::Kit;
use crate::auth::Scope;
use crate::auth::permissions::CustomersExport;
use crate::error::{Error, Result};
use crate::ids::{CustomerId, KitId};
use crate::input::Field;
use crate::web::response::Body;
use crate::web::{Cx, Response, response};
use std::fs;

pub const ORDERED: &[Field] = &[Field::integer("run_id", "what makes it")];

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("customer_id", ""),
    Field::text("name", "the customer's"),
    Field::text("code", "the customer's"),
    Field::integer("bytes", ""),
    Field::text("made_at", ""),
    Field::text("until", "it is kept until then"),
];

/// From this size on an answer goes through a file.
const LARGE: i64 = 1 << 20;

pub fn create(cx: &Cx, scope: &Scope<CustomersExport>) -> Result<Response> {
    let run = super::order(cx.db, scope, cx.param("id")?)?;
    response::json(202, &serde_json::json!({ "run_id": run }))
}

pub fn index(cx: &Cx, scope: &Scope<CustomersExport>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let items: Vec<Kit> = cx.db.read(|db| {
        scope.reaches(db, id)?;
        super::of(db, scope, id)
    })?;
    response::json(200, &serde_json::json!({ "items": items, "next": null }))
}

/// The file itself; for pages too.
pub fn show(cx: &Cx, scope: &Scope<CustomersExport>) -> Result<Response> {
    let id: KitId = cx.param("kit")?;
    let (kit, path) = cx.db.read(|db| super::one(db, scope, &cx.app.config.data, id))?;
    let name = format!("{}-{}.zip", kit.code, kit.made_at.day(&cx.actor.zone));
    let mut answer = response::download(&name, "application/zip", Vec::new());
    let gone = |_| Error::NotFound;
    answer.body = if kit.bytes < LARGE {
        Body::Bytes(fs::read(&path).map_err(gone)?)
    } else {
        // What is sent from a file is removed afterwards; the kit stays.
        let copy = tempfile::NamedTempFile::new()?;
        fs::copy(&path, copy.path()).map_err(gone)?;
        Body::File(copy.keep().map_err(Error::internal)?.1)
    };
    Ok(answer)
}
