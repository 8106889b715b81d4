use super::said::Said;
use super::{Order, RowOut, apply, gives_factor_roles, held, lines, record, welcomes};
use crate::auth::permissions::{RolesGrant, UsersImport};
use crate::auth::{Permission, Scope};
use crate::db::Write;
use crate::error::Result;
use crate::ids::CustomerId;
use crate::input::{Field, Fields};
use crate::secret;
use crate::web::{Cx, Response, response};

pub const IMPORT: &[Field] = super::said::IMPORT;

pub const TEMPLATE: &[Field] = &[Field::text("format", "csv (default) or xlsx")];

pub const REPORT: &[Field] = &[
    Field::list("rows", "line, result, name, upn, user_id, errors, notices, changes of each"),
    Field::integer("created", ""),
    Field::integer("updated", ""),
    Field::integer("unchanged", ""),
    Field::integer("refused", ""),
    Field::integer("skipped", ""),
    Field::boolean("written", "false for a check"),
    Field::text("held", "why it waits, or would wait: it takes from too many"),
    Field::integer("run_id", "the run that waits, where it does"),
    Field::list("notices", "about the file"),
    Field::list("columns", "headings, and the field each is read as"),
    Field::text("encoding", ""),
    Field::text("separator", ""),
];

/// Takes the file itself as the body, CSV or XLSX; which it is shows in its content.
pub fn import(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    cx.db.read(|db| scope.reaches(db, customer))?;
    let query = &cx.request.query;
    let mut fields = Fields::of(query, IMPORT);
    let dry_run = fields.flag("dry_run");
    let said = Said::read(&mut fields);
    let chosen = match lines(query.get("lines")) {
        Some(lines) => Some(lines),
        None => fields.complain("lines", "must be like 2,5-9"),
    };
    let (dry_run, mut said, chosen) = fields.finish(|| Some((dry_run?, said?, chosen?)))?;
    if !query.has("welcome") {
        said.welcome = cx.db.read(|db| welcomes(db, &cx.actor, customer))?;
    }
    let file = cx.db.read(|db| said.sheet(db, customer, &cx.request.body))?;
    let order = |dry_run| Order {
        db: cx.db,
        app: Some(cx.app),
        said: &said,
        actor: &cx.actor,
        scope,
        customer,
        lines: (!chosen.is_empty()).then_some(&chosen),
        dry_run,
        from: 0,
        earlier: &[],
    };
    if !dry_run && gives_factor_roles(&order(false), &file)? {
        cx.again_for(RolesGrant::NAME)?;
    }
    if !dry_run {
        super::remember(cx.db, scope, customer, &said, &cx.request.body)?;
    }
    let keep_going = |_: &Write, _: usize, _: &RowOut| Ok(true);
    if said.all_or_nothing && !dry_run {
        let checked = apply(&order(true), &file, keep_going)?;
        if checked.refused > 0 {
            return response::json(200, &checked);
        }
    }
    if !dry_run && let Some(run) = held::keep(&order(false), &file, &cx.request.body)? {
        let mut report = apply(&order(true), &file, keep_going)?;
        report.run_id = Some(run);
        let place = format!("/api/v1/runs/{run}");
        return Ok(response::json(202, &report)?.with("Location", place));
    }
    let report = apply(&order(dry_run), &file, keep_going)?;
    if report.written {
        let hash = secret::hex(&secret::sha256(&cx.request.body));
        cx.db.write(cx.actor.by, |tx| record(tx, customer, &report, &hash))?;
    }
    response::json(200, &report)
}
