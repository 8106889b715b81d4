use super::{File, Outcome, apply, export};
use crate::auth::Scope;
use crate::auth::permissions::{CatalogueRead, CatalogueWrite, RulesWrite};
use crate::catalogue::plans::Author;
use crate::catalogue::store;
use crate::error::{Error, Result};
use crate::input::{Field, Fields};
use crate::web::{Cx, Response, response};
use serde_json::{Value, json};

pub const EXPORT: &[Field] = &[Field::text("format", "toml or json; json if left out")];

pub const EXPORT_OUT: &[Field] = &[
    Field::text("format", "portico/1"),
    Field::list("service", "the service, with its needs, properties, plans and rules"),
];

pub const APPLY: &[Field] = &[
    Field::boolean("dry_run", "only say what would change"),
    Field::boolean("prune", "retire services and plans that the document does not name"),
];

pub const APPLIED: &[Field] = &[
    Field::boolean("applied", "false for a dry run"),
    Field::list("changes", "service, what, change and keys of each; empty: nothing differs"),
];

pub const VERSION: &[Field] = &[
    Field::integer("version", ""),
    Field::text("at", "when it was saved"),
    Field::text("by", "who saved it; null: Portico"),
];

/// A service as a document, with names instead of numbers and without secrets.
pub fn exported(cx: &Cx, scope: &Scope<CatalogueRead>) -> Result<Response> {
    let code: String = cx.param("code")?;
    let document = cx.db.read(|db| export(db, &[store::own(db, scope, &code)?]))?;
    match cx.request.query.get("format") {
        "toml" => {
            let name = format!("{code}.toml");
            Ok(response::download(&name, "application/toml", document.toml()))
        }
        "" | "json" => {
            let name = format!("{code}.json");
            Ok(response::download(&name, "application/json", document.json()?))
        }
        _ => Err(Error::invalid("format", "must be toml or json")),
    }
}

/// Takes the document itself as the body, TOML or JSON; which it is shows in its content.
pub fn applied(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let mut fields = Fields::of(&cx.request.query, APPLY);
    let (dry_run, prune) = (fields.flag("dry_run"), fields.flag("prune"));
    let (dry_run, prune) = fields.finish(|| Some((dry_run?, prune?)))?;
    let text = String::from_utf8(cx.request.body.to_vec())
        .map_err(|_| Error::Malformed("The document is not UTF-8.".to_owned()))?;
    let files = [File { name: "document".to_owned(), text }];
    let author = Author::of_files(scope, &cx.app.config.key, cx.actor.may::<RulesWrite>());
    let outcome: Outcome = apply(cx.db, &author, &files, dry_run, prune)?;
    response::json(200, &outcome)
}

pub fn versions(cx: &Cx, scope: &Scope<CatalogueRead>) -> Result<Response> {
    let code: String = cx.param("code")?;
    let paging = cx.paging(&[])?;
    let rows = cx.db.read(|db| {
        let service = store::own(db, scope, &code)?;
        store::versions(db, service.id, &paging)
    })?;
    let page = paging.listing(rows, |row| (String::new(), row.version));
    let items: Vec<Value> = page
        .items
        .iter()
        .map(|row| json!({ "version": row.version, "at": row.at, "by": row.by }))
        .collect();
    response::json(200, &json!({ "items": items, "next": page.next }))
}

/// The whole document of a service as it was saved.
pub fn version(cx: &Cx, scope: &Scope<CatalogueRead>) -> Result<Response> {
    let (code, version): (String, i64) = (cx.param("code")?, cx.param("version")?);
    let text =
        cx.db.read(|db| store::version_document(db, store::own(db, scope, &code)?.id, version))?;
    let name = format!("{code}-{version}.json");
    Ok(response::download(&name, "application/json", text))
}
