//! The ledger: every billable change, appended in the transaction that makes it, never touched again.

pub mod store;

use crate::auth::Scope;
use crate::db::{By, Db, Read, Via, Write};
use crate::error::Result;
use crate::ids::{CustomerId, LedgerId, RequestId, UserId};
use crate::time::{Date, Instant};
use serde_json::Value;

words! {
    Kind {
        Customer = "customer", User = "user", CustomerService = "customer_service",
        UserService = "user_service", Domain = "domain",
    }
}

words! {
    Action { Added = "added", Changed = "changed", Removed = "removed" }
}

words! {
    /// Through what a change came.
    Source {
        Page = "page", Api = "api", Engine = "engine", Import = "import", Job = "job", Shell = "shell",
    }
}

/// The state of a subject after a change, whole.
pub struct Row<'a> {
    pub kind: Kind,
    pub subject: i64,
    pub action: Action,
    pub customer: CustomerId,
    pub user: Option<UserId>,
    /// Codes of service and plan.
    pub service: Option<&'a str>,
    pub plan: Option<&'a str>,
    /// The label of a multi-instance service.
    pub instance: Option<&'a str>,
    /// In thousandths.
    pub quantity: i64,
    /// What rating reads besides: `type`, `billed_by`, `disabled`, `test_user`, `suspended` …
    pub facts: Value,
    /// Who ordered it, where that is not who writes it (the engine settles what a person ordered).
    pub ordered_by: Option<UserId>,
    pub source: Option<Source>,
    pub request: Option<RequestId>,
}

impl<'a> Row<'a> {
    /// One of something, as of now, by whoever writes.
    pub fn new(kind: Kind, subject: i64, action: Action, customer: CustomerId) -> Row<'a> {
        Row {
            kind,
            subject,
            action,
            customer,
            user: None,
            service: None,
            plan: None,
            instance: None,
            quantity: 1000,
            facts: Value::Object(serde_json::Map::new()),
            ordered_by: None,
            source: None,
            request: None,
        }
    }
}

/// A row of the ledger, told to somebody: a person outside their reach is named by its organisation.
pub struct Told {
    pub id: LedgerId,
    pub at: Instant,
    pub day: Date,
    pub kind: Kind,
    pub subject_id: i64,
    pub action: String,
    pub customer_id: CustomerId,
    pub user_id: Option<UserId>,
    pub user: Option<String>,
    pub service: Option<String>,
    pub plan: Option<String>,
    pub instance: Option<String>,
    pub quantity: i64,
    pub actor: Option<String>,
    pub source: String,
    pub request: Option<RequestId>,
}

/// Which rows of the ledger a list shows.
#[derive(Default)]
pub struct Filter {
    pub customer: Option<CustomerId>,
    pub kind: Option<Kind>,
    pub subject: Option<i64>,
    pub from: Option<Date>,
    pub until: Option<Date>,
}

/// Appends a row and keeps the spans in step. A second `added` of the living or a change of the
/// dead is refused by the store.
pub fn record(tx: &Write, row: &Row) -> Result<LedgerId> {
    let id = store::append(tx, row)?;
    if row.action != Action::Added {
        store::close_span(tx, row, id)?;
    }
    if row.action != Action::Removed {
        store::open_span(tx, row, id)?;
    }
    Ok(id)
}

/// Writes down for every open span of these kinds that what they hang in is another from now on: a
/// `changed` row each, with the state as it was.
pub fn carry_on(tx: &Write, customer: CustomerId, kinds: &[Kind]) -> Result<()> {
    for kind in kinds {
        store::carry_on(tx, customer, *kind)?;
    }
    Ok(())
}

/// The newest row there is: what is written from now on comes after it.
pub fn last(db: &Read) -> Result<LedgerId> {
    store::last(db)
}

/// Takes back all that was written of a subject after a row, as if it never was: what was so then is
/// so without a gap.
pub fn take_back(
    tx: &Write,
    kind: Kind,
    subject: i64,
    after: LedgerId,
    reason: &str,
) -> Result<()> {
    if store::cancel(tx, kind, subject, after, reason)? > 0 {
        store::reopen(tx, kind, subject, after)?;
    }
    Ok(())
}

/// Takes back that a subject ended, where that is the last that is written of it.
pub fn take_back_end(tx: &Write, kind: Kind, subject: i64, reason: &str) -> Result<()> {
    match store::newest(tx, kind, subject)? {
        Some((id, Action::Removed)) => take_back(tx, kind, subject, LedgerId(id.0 - 1), reason),
        _ => Ok(()),
    }
}

/// Says whether a subject has an open span: whether it is being billed now.
pub fn is_open(tx: &Write, kind: Kind, subject: i64) -> Result<bool> {
    store::is_open(tx, kind, subject)
}

/// Some rows, in the order in which they counted, for somebody's eyes.
pub fn told<P>(db: &Read, scope: &Scope<P>, ids: &[LedgerId]) -> Result<Vec<Told>> {
    store::told(db, scope, ids)
}

/// The rows of those the scope reaches, the newest first.
pub fn list<P>(
    db: &Read,
    scope: &Scope<P>,
    filter: &Filter,
    before: i64,
    limit: i64,
) -> Result<Vec<Told>> {
    store::list(db, scope, filter, before, limit)
}

/// How many complaints are told apart.
const TOLD: i64 = 20;

/// Replays the ledger and compares: says what is wrong with it or with its spans, a sentence each.
pub fn check(db: &Db) -> Result<Vec<String>> {
    let found = db.read(|db| {
        let mut found = store::misfits(db, TOLD)?;
        found.extend(store::strays(db, TOLD)?);
        Ok(found)
    })?;
    let say = |each: store::Misfit| {
        format!("row {} of {} {} {}", each.row, each.kind, each.subject, each.what)
    };
    Ok(found.into_iter().map(say).collect())
}

/// Makes the spans anew from the rows, which are what counts.
pub fn rebuild(db: &Db) -> Result<()> {
    db.write(By::portico(Via::Shell), store::rebuild)
}
