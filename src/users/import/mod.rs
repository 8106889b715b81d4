//! Import of users from a spreadsheet: every row is created, updated, left as it is, refused or
//! skipped, and says why. A check does all of it and keeps nothing.
//!
//! Invariant: the same file again changes nothing and writes nothing.

mod row;
pub mod run;

use crate::auth::permissions::{UsersCreate, UsersImport, UsersUpdate};
use crate::auth::{Actor, Scope};
use crate::db::{Db, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, UserId};
use crate::sheet::columns::Use;
use crate::sheet::field::Field;
use crate::sheet::{self, Cell, Format, Options, Remark, Row, Sheet};
use crate::users::{Changed, Home, store};
use row::{Known, Pending};
use serde_json::json;
use std::collections::BTreeSet;

words! {
    Outcome {
        Created = "created", Updated = "updated", Unchanged = "unchanged", Refused = "refused",
        Skipped = "skipped",
    }
}

/// What became of a row.
#[derive(serde::Serialize)]
pub struct RowOut {
    pub line: u32,
    pub result: Outcome,
    pub name: String,
    pub upn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    pub errors: Vec<Remark>,
    pub notices: Vec<Remark>,
    /// Fields with old and new value, of a row that changes somebody.
    #[serde(skip_serializing_if = "Changed::is_empty")]
    pub changes: Changed,
}

/// What became of a file.
#[derive(serde::Serialize)]
pub struct Report {
    pub rows: Vec<RowOut>,
    pub created: usize,
    pub updated: usize,
    pub unchanged: usize,
    pub refused: usize,
    pub skipped: usize,
    /// False for a check, and where one refused row held the others back.
    pub written: bool,
    pub notices: Vec<String>,
    pub columns: Vec<ColumnOut>,
    pub encoding: Option<&'static str>,
    pub separator: Option<char>,
}

/// A column, and the field it is read as.
#[derive(serde::Serialize)]
pub struct ColumnOut {
    pub heading: String,
    pub field: Option<String>,
}

/// What is to be imported where, and by whom.
pub struct Order<'a> {
    pub db: &'a Db,
    pub actor: &'a Actor,
    pub scope: &'a Scope<UsersImport>,
    pub customer: CustomerId,
    /// Only these lines of the file.
    pub lines: Option<&'a BTreeSet<u32>>,
    pub dry_run: bool,
    /// Rows that were dealt with before.
    pub from: usize,
    /// The number of each of those that is about somebody, and who that is.
    pub earlier: &'a [(usize, UserId)],
}

/// Rows of one transaction.
const BATCH: usize = 200;

/// Reads a file and imports it: what the page, the API and the shell do.
pub fn import_users(
    db: &Db,
    actor: &Actor,
    customer: CustomerId,
    bytes: &[u8],
    dry_run: bool,
) -> Result<Report> {
    let scope = actor.scope()?;
    db.read(|db| scope.reaches(db, customer))?;
    let sheet = sheet::read(bytes, &Options::default())?;
    let order =
        Order { db, actor, scope: &scope, customer, lines: None, dry_run, from: 0, earlier: &[] };
    apply(&order, &sheet, |_, _, _| Ok(true))
}

/// Imports the rows of `sheet`. After each, `told` is given the transaction, the row's number and
/// what became of it; what it answers at the end of a batch says whether to go on.
pub fn apply(
    order: &Order,
    sheet: &Sheet,
    mut told: impl FnMut(&Write, usize, &RowOut) -> Result<bool>,
) -> Result<Report> {
    let by = order.scope.by;
    let known = Known::of(sheet);
    let chosen = |row: &&Row| order.lines.is_none_or(|lines| lines.contains(&row.line));
    let rows: Vec<&Row> = sheet.rows.iter().filter(chosen).collect();
    let mut all: Vec<RowOut> = Vec::with_capacity(rows.len());
    let mut pending: Vec<Pending> = waiting(order.earlier, &rows);
    let mut number = order.from;
    let mut coming = 0;
    for batch in rows.get(order.from..).unwrap_or_default().chunks(BATCH) {
        let before = all.len();
        let mut on = true;
        let result = order.db.write(by, |tx| {
            let mut home = Home::of(tx, order.scope, order.customer)?;
            home.coming = coming;
            let may = row::May::of(tx, order, &home);
            for each in batch {
                let out = one(order, &home, &may, &known, sheet, each, &mut pending)?;
                number += 1;
                on = told(tx, number, &out)?;
                all.push(out);
            }
            if order.dry_run { Err(Error::Conflict(CHECKED.into())) } else { Ok(()) }
        });
        match result {
            Err(Error::Conflict(text)) if text == CHECKED => {}
            other => other?,
        }
        if order.dry_run {
            let made = all.iter().skip(before).filter(|out| out.result == Outcome::Created).count();
            coming += i64::try_from(made).unwrap_or(0);
        }
        if !on {
            break;
        }
    }
    if !order.dry_run {
        for batch in pending.chunks(BATCH) {
            order.db.write(by, |tx| {
                batch.iter().try_for_each(|each| each.settle(tx, order.customer, &known))
            })?;
        }
    }
    Ok(report(sheet, all, !order.dry_run))
}

/// Who was written before a stop and named a manager, who may have come only later in the file.
fn waiting(earlier: &[(usize, UserId)], rows: &[&Row]) -> Vec<Pending> {
    let one = |(number, user): &(usize, UserId)| {
        let row = rows.get(number.checked_sub(1)?)?;
        match row.cells.get(&Field::Manager) {
            Some(Cell::Set(manager)) => Some(Pending { user: *user, manager: manager.clone() }),
            _ => None,
        }
    };
    earlier.iter().filter_map(one).collect()
}

/// What a check says to have everything rolled back.
const CHECKED: &str = "checked";

/// One row, in a savepoint of its own: a refused one leaves nothing behind.
fn one(
    order: &Order,
    home: &Home,
    may: &row::May,
    known: &Known,
    sheet: &Sheet,
    row: &Row,
    pending: &mut Vec<Pending>,
) -> Result<RowOut> {
    let mut out = row::start(row);
    if row.skip.is_some() || !row.complaints.is_empty() {
        return Ok(out);
    }
    let mut waits = None;
    let mut notices = Vec::new();
    let result = order.db.write(order.scope.by, |tx| {
        let work = row::Work { order, home, may, known, sheet, row };
        work.run(tx, &mut notices, &mut waits)
    });
    out.notices.extend(notices);
    match result {
        Ok(done) => {
            out.result = done.outcome;
            out.name = done.name;
            out.upn = done.upn;
            out.changes = done.changes;
            out.user_id = (!order.dry_run || done.outcome != Outcome::Created).then_some(done.id);
            pending.extend(waits);
        }
        Err(Error::Invalid(complaints)) => {
            out.result = Outcome::Refused;
            out.errors = complaints.iter().map(|c| row::remark(sheet, row, c)).collect();
        }
        Err(Error::Forbidden(text)) => {
            out.result = Outcome::Refused;
            out.errors = vec![row::whole(&text)];
        }
        Err(err) => return Err(err),
    }
    Ok(out)
}

fn report(sheet: &Sheet, rows: Vec<RowOut>, written: bool) -> Report {
    let count = |outcome| rows.iter().filter(|row| row.result == outcome).count();
    let (encoding, separator) = match &sheet.format {
        Format::Csv { encoding, separator } => (Some(encoding.word()), Some(*separator)),
        Format::Xlsx { .. } => (None, None),
    };
    let field = |used: &Use| match used {
        Use::Field(field) | Use::Reversed(field) => Some(field.to_string()),
        _ => None,
    };
    let columns = sheet
        .columns
        .iter()
        .map(|column| ColumnOut { heading: column.heading.clone(), field: field(&column.used) });
    let mut notices = sheet.notices.clone();
    notices.extend(row::without_use(sheet));
    Report {
        created: count(Outcome::Created),
        updated: count(Outcome::Updated),
        unchanged: count(Outcome::Unchanged),
        refused: count(Outcome::Refused),
        skipped: count(Outcome::Skipped),
        rows,
        written,
        notices,
        columns: columns.collect(),
        encoding,
        separator,
    }
}

/// `2,5-9` as lines.
pub fn lines(text: &str) -> Option<BTreeSet<u32>> {
    let mut all = BTreeSet::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to): (u32, u32) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
        if from > to || to > 60_000 {
            return None;
        }
        all.extend(from..=to);
    }
    Some(all)
}

/// Says in the audit log that a file was imported; nothing where nothing changed.
pub fn record(tx: &Write, customer: CustomerId, report: &Report, hash: &str) -> Result<()> {
    if report.created + report.updated == 0 {
        return Ok(());
    }
    let detail = json!({
        "created": report.created, "updated": report.updated, "unchanged": report.unchanged,
        "refused": report.refused, "skipped": report.skipped, "sha256": hash,
    });
    crate::audit::record(tx, "users.imported", ("customer", customer.0), customer, &detail)
}

impl row::May {
    fn of(tx: &Write, order: &Order, home: &Home) -> row::May {
        let at = home.customer.id;
        row::May {
            create: crate::users::reaches::<UsersCreate>(tx, order.actor, at),
            update: crate::users::reaches::<UsersUpdate>(tx, order.actor, at),
        }
    }
}

impl Pending {
    /// Sets the manager that came later in the file, unless that made a circle.
    fn settle(&self, tx: &Write, customer: CustomerId, known: &Known) -> Result<()> {
        let Some(boss) = known.find(tx, customer, &self.manager)? else { return Ok(()) };
        if store::reports_to(tx, boss, self.user)? {
            return Ok(());
        }
        if !store::set_manager(tx, customer, self.user, boss)? {
            return Ok(());
        }
        let detail = json!({ "manager": ["", boss.to_string()] });
        crate::audit::record(tx, "user.changed", ("user", self.user.0), customer, &detail)
    }
}
