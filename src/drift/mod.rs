//! What others changed in a directory of ours: found by looking through what has changed there since
//! the last time, told, and brought together again one way or the other by somebody's word.
//!
//! Invariants: looking writes nothing there but what shuts out again who is disabled here; what a
//! finding says is looked at anew each time, and it goes when it is true no more.

pub mod adopt;
pub mod api;
pub mod compare;
pub mod look;
pub mod pages;
pub mod run;
pub mod verbs;
mod eyes;
mod judge;
mod keep;
mod reading;
mod store;

use crate::audit;
use crate::auth::Scope;
use crate::auth::permissions::{ConnectorsRead, ConnectorsWrite};
use crate::db::{Db, Read, Write};
use crate::directory::{Class, Disabling, Flavour, OnDrift};
use crate::engine::{End, Settled};
use crate::error::Result;
use crate::ids::{ConnectorId, CustomerId, DriftId, EnvironmentId, RequestId, RunId, UserId};
use crate::input::{Field, Fields, Input};
use crate::jobs;
use crate::time::{Date, Instant};
use crate::web::{Listing, Paging};
use serde_json::json;

words! {
    Kind {
        Attribute = "attribute", Moved = "moved", Renamed = "renamed", Disabled = "disabled",
        Enabled = "enabled", Deleted = "deleted", Unknown = "unknown",
        MemberAdded = "member_added", MemberRemoved = "member_removed", Double = "double",
    }
}

words! {
    State { Open = "open", Pushing = "pushing", Ignored = "ignored", Settled = "settled" }
}

words! {
    /// What somebody may say about a finding.
    Verb { Push = "push", Take = "take", Ignore = "ignore", Adopt = "adopt", Forget = "forget" }
}

pub const FILTERS: &[Field] = &[
    Field::text("state", "open (default, with those being pushed), ignored or settled"),
    Field::integer("customer_id", "of this customer only"),
];

/// What is different about an object that is called otherwise: its own name in the tree.
pub const NAME: &str = "name";

/// A directory as it is looked through.
#[derive(Clone)]
pub struct Ground {
    pub id: EnvironmentId,
    pub owner: CustomerId,
    pub connector: ConnectorId,
    pub name: String,
    pub flavour: Flavour,
    pub base: String,
    pub zone: String,
    pub mode: OnDrift,
    /// OpenLDAP: how accounts are kept out, and the attribute and its value that say so.
    pub disabling: Disabling,
    pub disable_attribute: String,
    pub lock_holds: bool,
}

impl Ground {
    /// The attribute of the directory's own choice that says that an account is off, and its value.
    pub fn off(&self) -> Option<(&str, &str)> {
        let said = (self.disabling == Disabling::Attribute).then_some(&self.disable_attribute)?;
        Some(said.split_once('=').unwrap_or((said, "TRUE")))
    }

    /// Whether an account that is on looks like one: not where people are kept out by a password
    /// that nobody knows.
    pub fn tells_who_is_on(&self) -> bool {
        match (self.flavour, self.disabling) {
            (Flavour::Ad, _) | (_, Disabling::Attribute) => true,
            (_, Disabling::Lock) => self.lock_holds,
            (_, Disabling::Password) => false,
        }
    }
}

/// One thing that is not as it is here.
pub struct Finding {
    pub id: DriftId,
    pub environment: EnvironmentId,
    pub directory: String,
    pub connector: ConnectorId,
    pub flavour: Flavour,
    pub base: String,
    pub customer: CustomerId,
    pub customer_name: String,
    pub user: Option<UserId>,
    pub class: Class,
    pub object: String,
    pub name: String,
    pub place: String,
    pub kind: Kind,
    pub what: String,
    pub ours: String,
    pub theirs: String,
    pub state: State,
    pub how: String,
    pub until: Option<Date>,
    pub request: Option<RequestId>,
    pub note: String,
    pub found_at: Instant,
    pub decided_at: Option<Instant>,
    pub decided_by: String,
}

pub struct Filter {
    pub state: State,
    pub customer: Option<CustomerId>,
}

impl Finding {
    /// What may be said about it.
    pub fn verbs(&self) -> &'static [Verb] {
        if !matches!(self.state, State::Open | State::Ignored) {
            return &[];
        }
        match self.kind {
            Kind::Attribute | Kind::Moved | Kind::Renamed | Kind::Disabled | Kind::Deleted => {
                &[Verb::Push, Verb::Take, Verb::Ignore, Verb::Forget]
            }
            // A directory lets in nobody who is shut out here.
            Kind::Enabled => &[Verb::Push, Verb::Ignore, Verb::Forget],
            Kind::MemberAdded | Kind::MemberRemoved => &[Verb::Push, Verb::Take, Verb::Ignore],
            Kind::Unknown | Kind::Double => &[Verb::Adopt, Verb::Ignore],
        }
    }
}

impl Kind {
    pub fn said(self) -> &'static str {
        match self {
            Kind::Attribute => "Changed",
            Kind::Moved => "Moved",
            Kind::Renamed => "Renamed",
            Kind::Disabled => "Disabled there",
            Kind::Enabled => "Enabled there",
            Kind::Deleted => "Deleted",
            Kind::Unknown => "Not ours",
            Kind::MemberAdded => "Member added",
            Kind::MemberRemoved => "Member taken out",
            Kind::Double => "There twice",
        }
    }
}

pub fn read_filter(input: &Input) -> Result<Filter> {
    let mut fields = Fields::of(input, FILTERS);
    let state = match input.get("state") {
        "" => Some(State::Open),
        _ => fields.parse("state"),
    };
    let customer = fields.optional("customer_id");
    fields.finish(|| Some(Filter { state: state?, customer: customer? }))
}

pub fn list(
    db: &Db,
    scope: &Scope<ConnectorsRead>,
    environment: EnvironmentId,
    filter: &Filter,
    paging: &Paging,
) -> Result<Listing<Finding>> {
    let rows = db.read(|db| store::list(db, scope, environment, filter, paging))?;
    Ok(paging.listing(rows, |row| (String::new(), row.id.0)))
}

pub fn one<P>(db: &Read, scope: &Scope<P>, id: DriftId) -> Result<Finding> {
    store::one(db, scope, id)
}

/// How many are open in a directory, of customers within the scope.
pub fn open_in(db: &Read, scope: &Scope<ConnectorsRead>, id: EnvironmentId) -> Result<i64> {
    store::open_in(db, scope, id)
}

/// Looks through all of a directory now, as a run.
pub fn begin(db: &Db, scope: &Scope<ConnectorsWrite>, id: EnvironmentId) -> Result<RunId> {
    db.write(scope.by, |tx| {
        let ground = store::ground(tx, id)?;
        scope.reaches(tx, ground.owner)?;
        let input = json!({ "directory": id, "whole": true });
        jobs::queue_run(tx, run::KIND, ground.owner, &input, None)
    })
}

/// The end of what was ordered to bring ours there: the finding is settled, or open again with the
/// reason.
pub fn settle(tx: &Write, settled: &Settled) -> Result<()> {
    let Some(it) = store::of_request(tx, settled.job.request)? else { return Ok(()) };
    match settled.end {
        End::Done => {
            store::settle(tx, it.id, Verb::Push.word())?;
            let detail = json!({ "kind": it.kind, "name": it.name, "what": it.what });
            audit::record(tx, "drift.settled", ("drift", it.id.0), it.customer, &detail)
        }
        End::Failed | End::Cancelled => store::reopen(tx, it.id, &settled.reason),
    }
}
