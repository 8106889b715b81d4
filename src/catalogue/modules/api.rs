use super::{Module, SHELF, Standing, find};
use crate::auth::Scope;
use crate::auth::permissions::CatalogueWrite;
use crate::catalogue::plans::Author;
use crate::db::Read;
use crate::error::{Error, Result};
use crate::input::Field;
use crate::web::{Cx, Response, response};
use serde_json::{Value, json};

pub const OUT: &[Field] = &[
    Field::text("code", ""),
    Field::text("name", ""),
    Field::text("about", "what it is for"),
    Field::integer("version", "that the program brings"),
    Field::integer("installed_version", "null where it is not installed"),
    Field::boolean("template", "it becomes a service under a code of one’s own"),
    Field::text("state", "open, taken, installed or older"),
];

pub const INSTALLED: &[Field] = &[
    Field::text("code", "of the service, which is a draft"),
    Field::boolean("applied", "false for a preview"),
    Field::list("changes", "service, what, change and keys of each"),
];

fn out(db: &Read, module: &Module) -> Result<Value> {
    let standing = module.standing(db)?;
    let (state, installed) = match &standing {
        Standing::Open => ("open", None),
        Standing::Taken(_) => ("taken", None),
        Standing::Installed(service) => ("installed", Some(service.module_version)),
        Standing::Older(service) => ("older", Some(service.module_version)),
    };
    Ok(json!({
        "code": module.code, "name": module.name()?, "about": module.about, "version": module.version,
        "installed_version": installed, "template": module.template, "state": state,
    }))
}

pub fn index(cx: &Cx, _: &Scope<CatalogueWrite>) -> Result<Response> {
    cx.paging(&[])?;
    let all = |db: &Read| SHELF.iter().map(|module| out(db, module)).collect::<Result<Vec<_>>>();
    let items = cx.db.read(all)?;
    response::json(200, &json!({ "items": items, "next": null }))
}

fn named(cx: &Cx) -> Result<&'static Module> {
    let code: String = cx.param("code")?;
    find(&code).ok_or(Error::NotFound)
}

pub fn show(cx: &Cx, _: &Scope<CatalogueWrite>) -> Result<Response> {
    let module = named(cx)?;
    let told = cx.db.read(|db| out(db, module))?;
    response::json(200, &told)
}

pub fn install(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let author = Author::of_files(scope, &cx.app.config.key, true);
    let input = cx.input()?;
    let looks = cx.only_looks()?;
    let (code, outcome) = super::install(cx.db, &author, named(cx)?, &input, looks)?;
    let status = if looks { 200 } else { 201 };
    let (applied, changes) = (outcome.applied, outcome.changes);
    response::json(status, &json!({ "code": code, "applied": applied, "changes": changes }))
}

pub fn upgrade(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let preview = cx.only_looks()?;
    let author = Author::of_files(scope, &cx.app.config.key, true);
    let outcome = super::upgrade(cx.db, &author, named(cx)?, preview)?;
    response::json(200, &outcome)
}
