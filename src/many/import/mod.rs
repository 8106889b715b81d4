//! Import of users from a spreadsheet: every row is created, updated, left as it is, refused or
//! skipped, and says why. A check does all of it and keeps nothing.
//!
//! Invariant: the same file again changes nothing and writes nothing.

pub mod api;
pub mod held;
pub mod pages;
pub mod review;
pub mod run;
pub mod services;
mod along;
mod row;
mod said;
mod store;

pub use said::Said;

use crate::arrivals::templates::{self, Template};
use crate::auth::permissions::{
    RolesGrant, UserServicesWrite, UsersCreate, UsersImport, UsersPassword, UsersUpdate,
};
use crate::auth::{Actor, Scope};
use crate::customers::settings;
use crate::db::{Db, Read, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, RunId, UserId};
use crate::roles;
use crate::sheet::columns::Use;
use crate::sheet::field::Field;
use crate::sheet::{Cell, Format, Remark, Row, Sheet};
use crate::users::{Changed, Home, lookup, reaches};
use crate::web::App;
use row::{Known, Pending};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};

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
    #[serde(skip)]
    customer: Option<CustomerId>,
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
    /// Why it waits, or would: it takes from too many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// What waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
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
    /// For services, roles and welcomes. The shell beside a running program has none.
    pub app: Option<&'a App>,
    pub said: &'a Said,
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
/// Rows of one that is taken back: so few that what they touch stays in memory.
const CHECK: usize = 50;

/// Reads a file and imports it: what the shell does.
pub fn import_users(
    db: &Db,
    actor: &Actor,
    customer: CustomerId,
    bytes: &[u8],
    dry_run: bool,
) -> Result<Report> {
    let scope = actor.scope()?;
    let said = Said::default();
    let sheet = db.read(|db| {
        scope.reaches(db, customer)?;
        said.sheet(db, customer, bytes)
    })?;
    let order = Order {
        db,
        app: None,
        said: &said,
        actor,
        scope: &scope,
        customer,
        lines: None,
        dry_run,
        from: 0,
        earlier: &[],
    };
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
    let made = order.db.read(|db| lists_made(db, order, &rows))?;
    let held = match order.dry_run {
        true => held::why(order, sheet)?,
        false => None,
    };
    let mut all: Vec<RowOut> = Vec::with_capacity(rows.len());
    let mut pending: Vec<Pending> = waiting(order, &rows);
    let mut number = order.from;
    let mut coming = HashMap::new();
    let size = if order.dry_run { CHECK } else { BATCH };
    for batch in rows.get(order.from..).unwrap_or_default().chunks(size) {
        let before = all.len();
        let mut on = true;
        let work = |tx: &Write| {
            let mut sites = Sites { order, coming: &coming, open: HashMap::new() };
            for each in batch {
                let out = one(tx, &mut sites, &known, sheet, each, &mut pending)?;
                number += 1;
                on = told(tx, number, &out)?;
                all.push(out);
            }
            Ok(())
        };
        match order.dry_run {
            true => order.db.rehearse(by, work)?,
            false => order.db.write(by, work)?,
        }
        if order.dry_run {
            let made = all.iter().skip(before).filter(|out| out.result == Outcome::Created);
            for customer in made.filter_map(|out| out.customer) {
                *coming.entry(customer).or_insert(0) += 1;
            }
        }
        if !on {
            break;
        }
    }
    if !order.dry_run {
        for batch in pending.chunks(BATCH) {
            order.db.write(by, |tx| batch.iter().try_for_each(|each| each.settle(tx, &known)))?;
        }
    }
    let mut report = report(order, sheet, all);
    report.notices.extend(made);
    report.held = held;
    Ok(report)
}

/// The customers that rows of a batch belong to, each looked up once.
struct Sites<'a> {
    order: &'a Order<'a>,
    /// New users that earlier batches of a check counted and did not keep.
    coming: &'a HashMap<CustomerId, i64>,
    open: HashMap<CustomerId, Site>,
}

struct Site {
    home: Home,
    may: row::May,
}

impl Sites<'_> {
    fn of(&mut self, tx: &Write, customer: CustomerId) -> Result<&Site> {
        if !self.open.contains_key(&customer) {
            let mut home = Home::of(tx, self.order.scope, customer)?;
            home.coming = self.coming.get(&customer).copied().unwrap_or(0);
            let may = row::May::of(tx, self.order, &home);
            self.open.insert(customer, Site { home, may });
        }
        self.open.get(&customer).ok_or(Error::NotFound)
    }
}

/// Whose user a row is about. That a customer out of reach exists is not told.
fn customer_of(db: &Read, order: &Order, row: &Row) -> Result<CustomerId> {
    let Some(site) = row.text(&Field::Site).filter(|_| order.said.by_site) else {
        return Ok(order.customer);
    };
    let found = store::site(db, order.scope, site)?;
    found.ok_or_else(|| Error::invalid("site", "is not a customer of yours"))
}

/// Departments and locations that the file makes, in words.
fn lists_made(db: &Read, order: &Order, rows: &[&Row]) -> Result<Vec<String>> {
    let mut notices = Vec::new();
    if order.said.by_site {
        return Ok(notices);
    }
    for (field, words) in [
        (Field::Department, ("department", "departments")),
        (Field::Location, ("location", "locations")),
    ] {
        let good = rows.iter().filter(|row| row.skip.is_none() && row.complaints.is_empty());
        let names: BTreeSet<&str> = good.filter_map(|row| row.text(&field)).collect();
        if names.is_empty() {
            continue;
        }
        let names = serde_json::to_string(&names)?;
        let new = match field {
            Field::Department => store::new_departments(db, order.customer, &names)?,
            _ => store::new_locations(db, order.customer, &names)?,
        };
        match new.as_slice() {
            [] => {}
            [one] => notices.push(format!("The {} {one} is new and is made", words.0)),
            many => notices.push(format!(
                "{} {} are new and are made: {}",
                many.len(),
                words.1,
                many.iter().take(20).map(String::as_str).collect::<Vec<_>>().join(", ")
            )),
        }
    }
    Ok(notices)
}

/// Whether new people of a file are mailed a link where nobody says so: as the customer has it, and
/// as far as the actor may.
pub fn welcomes(db: &Read, actor: &Actor, customer: CustomerId) -> Result<bool> {
    Ok(reaches::<UsersPassword>(db, actor, customer)
        && settings::flag(db, customer, "welcome_by_import")?)
}

/// Whether the file gives a role that asks those who hold it for a second factor, by name or by a
/// template: that wants the password once more.
pub fn gives_factor_roles(order: &Order, sheet: &Sheet) -> Result<bool> {
    let mut given: BTreeSet<(CustomerId, String)> = BTreeSet::new();
    order.db.read(|db| {
        let mut open: HashMap<CustomerId, Vec<Template>> = HashMap::new();
        for row in &sheet.rows {
            let (roles, label) = (row.cells.get(&Field::Roles), row.text(&Field::Template));
            if roles.is_none() && label.is_none() {
                continue;
            }
            // A row of nobody's is refused when its turn comes.
            let Ok(customer) = customer_of(db, order, row) else { continue };
            given.extend(roles.iter().flat_map(|cell| cell.list()).map(|r| (customer, r.into())));
            let (Some(label), Ok(scope)) = (label, order.actor.scope::<UsersCreate>()) else {
                continue;
            };
            let usable = || templates::usable(db, &scope, customer).unwrap_or_default();
            let found = open.entry(customer).or_insert_with(usable).iter();
            let named = found.filter(|each| each.label.eq_ignore_ascii_case(label));
            given.extend(named.flat_map(|each| &each.roles).map(|role| (customer, role.clone())));
        }
        for (customer, role) in &given {
            if roles::asks_for_factor(db, *customer, role)? {
                return Ok(true);
            }
        }
        Ok(false)
    })
}

/// Who was written before a stop and named a manager, who may have come only later in the file.
fn waiting(order: &Order, rows: &[&Row]) -> Vec<Pending> {
    let one = |(number, user): &(usize, UserId)| {
        let row = rows.get(number.checked_sub(1)?)?;
        let customer = order.db.read(|db| customer_of(db, order, row)).ok()?;
        match row.cells.get(&Field::Manager) {
            Some(Cell::Set(manager)) => {
                Some(Pending { user: *user, customer, manager: manager.clone() })
            }
            _ => None,
        }
    };
    order.earlier.iter().filter_map(one).collect()
}

/// One row, in a savepoint of its own: a refused one leaves nothing behind.
fn one(
    tx: &Write,
    sites: &mut Sites,
    known: &Known,
    sheet: &Sheet,
    row: &Row,
    pending: &mut Vec<Pending>,
) -> Result<RowOut> {
    let mut out = row::start(row);
    if row.skip.is_some() || !row.complaints.is_empty() {
        return Ok(out);
    }
    let order = sites.order;
    let mut waits = None;
    let mut beside = row::Beside::default();
    let result = customer_of(tx, order, row).and_then(|customer| {
        out.customer = Some(customer);
        let Site { home, may } = sites.of(tx, customer)?;
        order.db.write(order.scope.by, |tx| {
            let work = row::Work { order, home, may, known, sheet, row };
            work.run(tx, &mut beside, &mut waits)
        })
    });
    out.notices.extend(beside.notices);
    match result {
        Ok(done) => {
            out.result = done.outcome;
            out.name = done.name;
            out.upn = done.upn;
            out.changes = done.changes;
            let kept = !order.dry_run || done.outcome != Outcome::Created;
            out.user_id = done.id.filter(|_| kept);
            // What a cell could not give is told, and the row is taken.
            out.errors.extend(beside.refused);
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

fn report(order: &Order, sheet: &Sheet, rows: Vec<RowOut>) -> Report {
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
    notices.extend(row::without_use(order, sheet));
    Report {
        created: count(Outcome::Created),
        updated: count(Outcome::Updated),
        unchanged: count(Outcome::Unchanged),
        refused: count(Outcome::Refused),
        skipped: count(Outcome::Skipped),
        rows,
        written: !order.dry_run,
        held: None,
        run_id: None,
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

/// Keeps what was pointed at by hand, for the next file with the same headings.
pub fn remember(
    db: &Db,
    scope: &Scope<UsersImport>,
    customer: CustomerId,
    said: &Said,
    bytes: &[u8],
) -> Result<()> {
    if said.columns.is_empty() {
        return Ok(());
    }
    let (headings, key) = said.headings(bytes)?;
    let known = said.columns.iter().filter(|(heading, _)| headings.contains(heading));
    let known: BTreeMap<_, _> = known.collect();
    let fields = serde_json::to_string(&known)?;
    db.write(scope.by, |tx| {
        scope.reaches(tx, customer)?;
        store::remember_headings(tx, customer, &key, &fields)
    })
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
            create: reaches::<UsersCreate>(tx, order.actor, at),
            update: reaches::<UsersUpdate>(tx, order.actor, at),
            give: reaches::<UserServicesWrite>(tx, order.actor, at),
            grant: reaches::<RolesGrant>(tx, order.actor, at),
        }
    }
}

impl Pending {
    /// Sets the manager that came later in the file, unless that made a circle.
    fn settle(&self, tx: &Write, known: &Known) -> Result<()> {
        let Some(boss) = known.find(tx, self.customer, &self.manager)? else { return Ok(()) };
        if !lookup::set_manager(tx, self.customer, self.user, boss)? {
            return Ok(());
        }
        let detail = json!({ "manager": ["", boss.to_string()] });
        crate::audit::record(tx, "user.changed", ("user", self.user.0), self.customer, &detail)
    }
}
