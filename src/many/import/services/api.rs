use super::columns;
use super::{Order, Outcome, RowOut, check, run};
use crate::auth::ServiceRights;
use crate::auth::permissions::UserServicesWrite;
use crate::error::Result;
use crate::ids::CustomerId;
use crate::input::{Field, Fields};
use crate::web::{Cx, Response, response};
use serde_json::json;

pub const IMPORT: &[Field] = &[Field::boolean("dry_run", "only say what each row would do")];

pub const REPORT: &[Field] = &[
    Field::list("rows", "of a check: line, result, user, service, label, errors of each"),
    Field::object("counts", "of a check: rows by result"),
    Field::integer("run_id", "the run that does it; its lines say what became of each row"),
];

/// Takes the file itself as the body, CSV or XLSX.
pub fn import(cx: &Cx, rights: &ServiceRights<UserServicesWrite>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    cx.db.read(|db| rights.reaches(db, customer))?;
    let mut fields = Fields::of(&cx.request.query, IMPORT);
    let dry_run = fields.flag("dry_run");
    let dry_run = fields.finish(|| dry_run)?;
    let bytes = &cx.request.body;
    let rows = columns::read(bytes)?;
    let read = cx.actor.scope()?;
    if dry_run {
        let order = Order { app: cx.app, actor: &cx.actor, read: &read, customer, run: None };
        let rows = check(&order, &rows)?;
        return response::json(200, &json!({ "counts": counts(&rows), "rows": rows }));
    }
    let run = cx.db.write(cx.actor.by, |tx| {
        let upload = super::super::store::keep_upload(
            tx,
            &read,
            customer,
            cx.actor.user,
            "services",
            bytes,
        )?;
        run::queue(tx, customer, upload, rows.len())
    })?;
    let place = format!("/api/v1/runs/{run}");
    Ok(response::json(202, &json!({ "run_id": run }))?.with("Location", place))
}

/// How many rows come to what.
pub fn counts(rows: &[RowOut]) -> serde_json::Map<String, serde_json::Value> {
    let of = |outcome: &Outcome| rows.iter().filter(|row| row.result == *outcome).count();
    let all = Outcome::ALL.iter().map(|outcome| (outcome.word().to_owned(), of(outcome).into()));
    all.collect()
}
