//! The ledger: every billable change, appended in the transaction that makes it, never touched again.

pub mod store;

use crate::db::Write;
use crate::error::Result;
use crate::ids::{CustomerId, LedgerId, RequestId, UserId};
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
    store::mark_dirty(tx, row.customer)?;
    Ok(id)
}

/// Says whether a subject has an open span: whether it is being billed now.
pub fn is_open(tx: &Write, kind: Kind, subject: i64) -> Result<bool> {
    store::is_open(tx, kind, subject)
}
