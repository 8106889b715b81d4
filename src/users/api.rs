//! Users in the API.

use super::import::{self, Order};
use super::told::answer;
use super::{Brief, Filter, fields};
use crate::auth::permissions::{
    UsersDisable, UsersImport, UsersRead, UsersRename, UsersTestFlag, UsersUpdate,
};
use crate::auth::{Permission, Scope};
use crate::db::Write;
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use crate::input::{Field, Fields};
use crate::places::State;
use crate::secret;
use crate::sheet::{self, Options};
use crate::time::Instant;
use crate::web::{Cx, Response, response};

#[derive(serde::Serialize)]
struct BriefOut<'u> {
    id: UserId,
    customer_id: CustomerId,
    customer_name: &'u str,
    state: State,
    display_name: &'u str,
    upn: &'u str,
    mail: &'u str,
    job_title: &'u str,
    department: &'u str,
    last_sign_in_at: Option<Instant>,
}

pub const ITEM: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("customer_id", ""),
    Field::text("customer_name", ""),
    Field::text("state", "active, disabled, deprovisioned, deleted"),
    Field::text("display_name", ""),
    Field::text("upn", ""),
    Field::text("mail", ""),
    Field::text("job_title", ""),
    Field::text("department", ""),
    Field::text("last_sign_in_at", ""),
];

pub fn index(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    listing(cx, scope, filter(cx)?)
}

pub fn index_of(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let customer = Some(cx.param("id")?);
    listing(cx, scope, Filter { customer, ..filter(cx)? })
}

fn listing(cx: &Cx, scope: &Scope<UsersRead>, filter: Filter) -> Result<Response> {
    let paging = cx.paging(super::FILTERS)?;
    let found = cx.db.read(|db| super::list(db, scope, &filter, &paging))?;
    let items: Vec<BriefOut> = found.items.iter().map(BriefOut::from).collect();
    response::json(200, &serde_json::json!({ "items": items, "next": found.next }))
}

pub fn show(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let id = cx.param("id")?;
    cx.db.read(|db| answer(db, scope, id))
}

pub fn update(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let (id, mut input) = (cx.param("id")?, cx.input()?);
    let version = cx.expected_version(&mut input);
    super::update(cx.db, &cx.actor, scope, id, &input, version)?;
    cx.db.read(|db| answer(db, scope, id))
}

/// For those who may only rename.
pub fn names(cx: &Cx, scope: &Scope<UsersRename>) -> Result<Response> {
    some(cx, scope, fields::NAMES)
}

/// For those who may only disable: the last day.
pub fn account(cx: &Cx, scope: &Scope<UsersDisable>) -> Result<Response> {
    some(cx, scope, fields::DISABLE)
}

pub fn test_flag(cx: &Cx, scope: &Scope<UsersTestFlag>) -> Result<Response> {
    some(cx, scope, fields::TESTING)
}

fn some<P: Permission>(cx: &Cx, scope: &Scope<P>, group: &'static [Field]) -> Result<Response> {
    let (id, mut input) = (cx.param("id")?, cx.input()?);
    let version = cx.expected_version(&mut input);
    super::update_some(cx.db, &cx.actor, scope, id, &input, group, version)?;
    cx.db.read(|db| answer(db, scope, id))
}

/// What the query asks for. Pages read it the same way.
pub fn filter(cx: &Cx) -> Result<Filter> {
    let mut fields = Fields::of(&cx.request.query, QUERY);
    let (q, state) = (fields.text("q", 0..=100), fields.optional("state"));
    let (customer, department) = (fields.optional("customer"), fields.text("department", 0..=64));
    fields.finish(|| {
        Some(Filter { q: q?, state: state?, customer: customer?, department: department? })
    })
}

const QUERY: &[Field] = &[
    Field::text("q", ""),
    Field::text("state", ""),
    Field::integer("customer", ""),
    Field::text("department", ""),
    Field::integer("limit", ""),
    Field::text("after", ""),
];

impl<'u> From<&'u Brief> for BriefOut<'u> {
    fn from(u: &'u Brief) -> Self {
        BriefOut {
            id: u.id,
            customer_id: u.customer,
            customer_name: &u.customer_name,
            state: u.state,
            display_name: &u.display_name,
            upn: &u.upn,
            mail: &u.mail,
            job_title: &u.job_title,
            department: &u.department,
            last_sign_in_at: u.last_sign_in_at,
        }
    }
}

pub const IMPORT: &[Field] = &[
    Field::boolean("dry_run", "true checks and keeps nothing"),
    Field::text("lines", "only these lines of the file, like 2,5-9"),
    Field::boolean("all_or_nothing", "true writes nothing where a row is refused"),
    Field::text("sheet", "the sheet of a workbook, by name"),
    Field::text("encoding", "utf-8, utf-16le, utf-16be or windows-1252, where it is not found out"),
    Field::text("separator", "one character, where it is not found out"),
];

pub const REPORT: &[Field] = &[
    Field::list("rows", "line, result, name, upn, user_id, errors, notices, changes of each"),
    Field::integer("created", ""),
    Field::integer("updated", ""),
    Field::integer("unchanged", ""),
    Field::integer("refused", ""),
    Field::integer("skipped", ""),
    Field::boolean("written", "false for a check"),
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
    let (dry_run, strict) = (fields.flag("dry_run"), fields.flag("all_or_nothing"));
    let (encoding, sheet) = (fields.optional("encoding"), fields.text("sheet", 0..=60));
    let separator = match query.get("separator") {
        "" => Some(None),
        "tab" => Some(Some('\t')),
        text if text.chars().count() == 1 => Some(text.chars().next()),
        _ => fields.complain("separator", "must be one character"),
    };
    let lines = match import::lines(query.get("lines")) {
        Some(lines) => Some(lines),
        None => fields.complain("lines", "must be like 2,5-9"),
    };
    let (dry_run, strict, encoding, sheet, separator, lines) =
        fields.finish(|| Some((dry_run?, strict?, encoding?, sheet?, separator?, lines?)))?;
    let sheet = (!sheet.is_empty()).then_some(sheet);
    let options = Options { encoding, separator, sheet, ..Options::default() };
    let file = sheet::read(&cx.request.body, &options)?;
    let order = |dry_run| Order {
        db: cx.db,
        actor: &cx.actor,
        scope,
        customer,
        lines: (!lines.is_empty()).then_some(&lines),
        dry_run,
        from: 0,
        earlier: &[],
    };
    let keep_going = |_: &Write, _: usize, _: &import::RowOut| Ok(true);
    if strict && !dry_run {
        let checked = import::apply(&order(true), &file, keep_going)?;
        if checked.refused > 0 {
            return response::json(200, &checked);
        }
    }
    let report = import::apply(&order(dry_run), &file, keep_going)?;
    if report.written {
        cx.db.write(cx.actor.by, |tx| {
            import::record(tx, customer, &report, &hash(&cx.request.body))
        })?;
    }
    response::json(200, &report)
}

fn hash(bytes: &[u8]) -> String {
    secret::hex(&secret::sha256(bytes))
}
