//! Somebody leaves: what is to be done of it, step by step, now or at a moment, and the proof of it.
//!
//! Invariant: a step is done with the rights that whoever ordered it has then. When all are over they
//! are looked at once more, and the report is sealed by a hash over itself and the one before.

pub mod api;
pub mod pages;
pub mod run;
mod check;
mod guards;
mod notice;
mod order;
mod paper;
mod report;
mod steps;
mod store;
mod wish;

pub use order::{order, outlook, usual};
pub use report::Seal;
pub use wish::OFFBOARD;

use crate::audit;
use crate::auth::permissions::{UsersDeprovision, UsersRead};
use crate::auth::{Actor, Permission, Scope};
use crate::db::{Db, Read, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, OffboardingId, OffboardingStepId, RunId, UserId};
use crate::input::Field;
use crate::jobs;
use crate::time::{Date, Instant, Zone};
use crate::users::{self, User, memory};
use serde_json::json;

words! {
    /// How far an offboarding is.
    State {
        Planned = "planned", Begun = "begun", Over = "over", Sealed = "sealed", Cancelled = "cancelled",
    }
}

words! {
    /// How far one step is.
    Progress {
        Planned = "planned", Done = "done", Failed = "failed", ByHand = "by_hand",
        Cancelled = "cancelled",
    }
}

words! {
    /// What can be done.
    Act {
        EndSignIns = "end_sign_ins", HideFromLists = "hide_from_lists", OutOfOffice = "out_of_office",
        Forward = "forward", Access = "access", ShareMailbox = "share_mailbox",
        LeaveGroups = "leave_groups", HandReports = "hand_reports", HandDevices = "hand_devices", EndService = "end_service",
        Disable = "disable", Deprovision = "deprovision", Delete = "delete",
    }
}

/// The second look comes so many seconds after the last step.
const SECOND_LOOK: i64 = 86_400;

pub const OUT: &[Field] = &[
    Field::integer("id", ""),
    Field::integer("user_id", ""),
    Field::text("state", "planned, begun, over, sealed, cancelled"),
    Field::text("ordered_by", ""),
    Field::text("ordered_at", ""),
    Field::text("begins_at", ""),
    Field::text("over_at", "since when nothing is left to do"),
    Field::list(
        "steps",
        "id, act, text, due_at, state, ended_at, by, result, and what the second look found",
    ),
    Field::object(
        "seal",
        "number, sealed_at, previous, hash, report as it was hashed, and whether it is intact",
    ),
];

/// One thing to be done.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Step {
    pub id: OffboardingStepId,
    pub act: Act,
    /// For people: "End Backup".
    pub text: String,
    /// The user or the service it is about.
    #[serde(skip)]
    pub subject: Option<i64>,
    #[serde(skip)]
    pub params: Params,
    pub due_at: Instant,
    pub state: Progress,
    pub ended_at: Option<Instant>,
    /// Who said that it was done by hand.
    pub by: Option<String>,
    pub result: String,
    /// What the second look found.
    pub holds: Option<bool>,
    pub found: String,
}

/// What a step is told besides whom it is about.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Params {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

/// A leaving, whole.
#[derive(serde::Serialize)]
pub struct Offboarding {
    pub id: OffboardingId,
    #[serde(skip)]
    pub customer: CustomerId,
    pub user_id: UserId,
    pub state: State,
    #[serde(skip)]
    pub ordered: Option<UserId>,
    /// In whose name, where that is somebody else's.
    #[serde(skip)]
    pub acting_for: Option<UserId>,
    pub ordered_by: String,
    pub ordered_at: Instant,
    pub begins_at: Instant,
    pub over_at: Option<Instant>,
    /// Whether the customer may be left without an administrator by it.
    #[serde(skip)]
    pub meant: bool,
    /// What goes on with it.
    #[serde(skip)]
    pub run: Option<RunId>,
    pub steps: Vec<Step>,
    pub seal: Option<Seal>,
}

impl Act {
    /// Whether no connector can do it, so that somebody has to.
    pub fn is_by_hand(self) -> bool {
        matches!(
            self,
            Act::HideFromLists
                | Act::OutOfOffice
                | Act::Forward
                | Act::Access
                | Act::ShareMailbox
                | Act::LeaveGroups
        )
    }

    /// Whether its subject is a user.
    fn is_about_user(self) -> bool {
        matches!(self, Act::Forward | Act::Access | Act::HandReports | Act::HandDevices)
    }

    /// "Hand reports to Maren Tolliver"
    fn text(self, subject: &str, params: &Params) -> String {
        let until = params.until.map(|day| format!(" until {}", day.long())).unwrap_or_default();
        match self {
            Act::EndSignIns => "End sign-ins and tokens".to_owned(),
            Act::HideFromLists => "Hide from address lists".to_owned(),
            Act::OutOfOffice => "Answer mail with an out-of-office note".to_owned(),
            Act::Forward => format!("Forward mail to {subject}{until}"),
            Act::Access => format!("Give {subject} access to the mailbox{until}"),
            Act::ShareMailbox => "Make the mailbox shared".to_owned(),
            Act::LeaveGroups => "Leave workspace and groups".to_owned(),
            Act::HandReports => format!("Hand reports to {subject}"),
            Act::HandDevices => format!("Hand devices to {subject}"),
            Act::EndService => format!("End {subject}"),
            Act::Disable => "Disable the account".to_owned(),
            Act::Deprovision => "Deprovision the account".to_owned(),
            Act::Delete => "Put the account into the bin".to_owned(),
        }
    }
}

/// The leavings of a user where the scope reaches them, the newest first.
pub fn of_user(db: &Read, scope: &Scope<UsersRead>, user: UserId) -> Result<Vec<Offboarding>> {
    users::one(db, scope, user)?;
    store::of_user(db, scope, user)
}

/// One of them.
pub fn one<P: Permission>(
    db: &Read,
    scope: &Scope<P>,
    user: UserId,
    id: OffboardingId,
) -> Result<Offboarding> {
    users::one(db, scope, user)?;
    store::seen(db, scope, user, id)
}

/// A sealed report on paper.
pub fn pdf(
    db: &Read,
    scope: &Scope<UsersRead>,
    user: UserId,
    id: OffboardingId,
) -> Result<Vec<u8>> {
    let it = one(db, scope, user, id)?;
    let zone = Zone::named(&store::whose(db, &it)?.time_zone);
    paper::pdf(&it, &report::of(db, &it)?, &zone.unwrap_or_else(Zone::utc))
}

/// Ends what was not begun. Where something was done already, its report is made all the same.
pub fn call_off(
    db: &Db,
    actor: &Actor,
    scope: &Scope<UsersDeprovision>,
    user: UserId,
    id: OffboardingId,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let leaver = users::one(tx, scope, user)?;
        let it = store::seen(tx, scope, user, id)?;
        guards::of(tx, actor, &leaver, true)?;
        if !matches!(it.state, State::Planned | State::Begun) {
            let name = &leaver.details.display_name;
            return Err(Error::refused(format!("{name} is not being offboarded.")));
        }
        stop(tx, &it)?;
        memory::close(tx, user)
    })
}

/// Whether the user is to leave, or is leaving.
pub fn is_ordered(db: &Read, user: UserId) -> Result<bool> {
    Ok(store::open_of(db, user)?.is_some())
}

/// The same for whoever is taken up again: nothing of a leaving may come after that.
pub fn call_off_all(tx: &Write, user: &User) -> Result<()> {
    match store::open_of(tx, user.id)? {
        Some(id) => stop(tx, &store::one(tx, id)?),
        None => Ok(()),
    }
}

fn stop(tx: &Write, it: &Offboarding) -> Result<()> {
    store::cancel_steps(tx, it.id)?;
    match it.state {
        State::Planned => store::set_state(tx, it.id, State::Cancelled)?,
        _ => end(tx, it)?,
    }
    let detail = json!({ "offboarding": it.id });
    let subject = ("user", it.user_id.0);
    audit::record(tx, "user.offboarding_cancelled", subject, it.customer, &detail)
}

/// Nothing of it is left to do: it waits for the second look.
fn end(tx: &Write, it: &Offboarding) -> Result<()> {
    store::end(tx, it.id)?;
    proceed(tx, it, tx.now.plus_seconds(SECOND_LOOK))?;
    let steps = store::steps(tx, it.id)?;
    let of = |state| steps.iter().filter(|step| step.state == state).count();
    let detail = json!({
        "offboarding": it.id, "done": of(Progress::Done), "failed": of(Progress::Failed),
        "by_hand": of(Progress::ByHand), "cancelled": of(Progress::Cancelled),
    });
    audit::record(tx, "user.offboarded", ("user", it.user_id.0), it.customer, &detail)
}

/// Queues what goes on with it then.
fn proceed(tx: &Write, it: &Offboarding, due: Instant) -> Result<()> {
    let input = json!({ "offboarding": it.id });
    let run = jobs::queue_run_at(tx, run::KIND, it.customer, &input, None, due)?;
    store::set_run(tx, it.id, run)
}

/// Notes that somebody did what no connector could.
pub fn tick(
    db: &Db,
    actor: &Actor,
    scope: &Scope<UsersDeprovision>,
    (user, id, step): (UserId, OffboardingId, OffboardingStepId),
) -> Result<()> {
    db.write(scope.by, |tx| {
        let leaver = users::one(tx, scope, user)?;
        let it = store::seen(tx, scope, user, id)?;
        guards::of_subject(tx, actor, &leaver)?;
        let step = it.steps.iter().find(|each| each.id == step).ok_or(Error::NotFound)?;
        if step.state != Progress::ByHand || it.state == State::Sealed {
            return Err(Error::refused(format!("{} does not wait for anybody.", step.text)));
        }
        store::end_step(tx, step.id, Progress::Done, "Done by hand", actor_of(actor))?;
        let detail = json!({ "offboarding": id, "act": step.act });
        audit::record(tx, "user.offboarding_step_done", ("user", user.0), it.customer, &detail)
    })
}

fn actor_of(actor: &Actor) -> Option<UserId> {
    actor.by.user
}
