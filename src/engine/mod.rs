//! Provisioning: requests, the order in which they run, and what people may do about them.
//!
//! Invariants: what was accepted ends by itself, done or failed with a reason; requests that touch
//! the same thing run one after the other, in the order in which they were accepted; a step carries
//! one key in all its attempts; nothing goes outside within a transaction.

pub mod api;
pub mod callback;
pub mod feed;
pub mod figures;
pub mod freezes;
pub mod notices;
pub mod pages;
pub mod queues;
pub mod rules;
pub mod runner;
pub mod tasks;
pub mod view;
mod store;

pub use runner::{Handle, start};

use crate::audit;
use crate::auth::permissions::{RequestsRetry, SystemOperate};
use crate::auth::{PROVIDER, Scope};
use crate::crash;
use crate::db::{Db, Read, Work, Write};
use crate::directory;
use crate::directory::work::Verb;
use crate::error::{Error, Result};
use crate::events;
use crate::ids::{
    ConnectorId, CustomerId, CustomerServiceId, PreviewId, RequestId, RuleId, RunId, UserId,
    UserServiceId,
};
use crate::input::{Field, Fields, Input};
use crate::ledger::Source;
use crate::scim;
use crate::secret::{Key, Secret};
use crate::time::Instant;
use rules::Slot;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

words! {
    Status {
        WaitingApproval = "waiting_approval", Queued = "queued", Running = "running", Done = "done",
        Failed = "failed", Cancelled = "cancelled",
    }
}

words! {
    /// What an open request waits for.
    Turn {
        Ready = "ready", Busy = "busy", Sleeping = "sleeping", Blocked = "blocked", Over = "over",
    }
}

words! {
    /// What people have to agree to before a request begins.
    Hold {
        // Those of the chains that hold for it.
        Approval = "approval",
        // Somebody who lets go what takes from many.
        Brake = "brake",
    }
}

words! {
    /// Who goes first.
    Class { Security = "security", Interactive = "interactive", Sync = "sync", Bulk = "bulk" }
}

words! {
    /// What a step does.
    Action {
        ScriptRun = "script.run", WebhookSend = "webhook.send", MailSend = "mail.send",
        TaskOpen = "task.open", Wait = "wait", Check = "check", Refuse = "refuse",
        Reseller = "portico.reseller", RequireMfa = "portico.require_mfa", ValueSet = "value.set",
        ServiceGive = "service.give",
        Off = "off",
        DirOuEnsure = "dir.ou_ensure", DirOuRename = "dir.ou_rename",
        DirOuRemove = "dir.ou_remove_if_empty", DirUserEnsure = "dir.user_ensure",
        DirUserAttributes = "dir.user_attributes", DirUserRename = "dir.user_rename",
        DirUserMove = "dir.user_move", DirUserDelete = "dir.user_delete",
        DirPassword = "dir.password", DirEnable = "dir.enable", DirDisable = "dir.disable",
        DirUnlock = "dir.unlock", DirMustChange = "dir.must_change",
        DirGroupEnsure = "dir.group_ensure", DirGroupRename = "dir.group_rename",
        DirGroupRemove = "dir.group_remove", DirMemberAdd = "dir.member_add",
        DirMemberRemove = "dir.member_remove", DirPutBack = "dir.put_back",
        ScimUser = "scim.user", ScimGroup = "scim.group", ScimMember = "scim.member",
    }
}

words! {
    /// What becomes of the request when a step fails for good.
    OnError { Stop = "stop", Continue = "continue" }
}

words! {
    /// How a request ended, for whoever ordered it.
    End { Done = "done", Failed = "failed", Cancelled = "cancelled" }
}

impl Action {
    /// What it is in a directory, if it works there.
    pub fn in_directory(self) -> Option<Verb> {
        self.word().parse().ok()
    }

    /// What it is in a SCIM service, if it works there.
    pub fn in_scim(self) -> Option<scim::Verb> {
        self.word().parse().ok()
    }
}

/// What is to be done, with the steps that do it.
pub struct NewRequest {
    pub customer: CustomerId,
    /// A row of `events.rs`.
    pub event: &'static str,
    pub user: Option<UserId>,
    /// Also of a user service: the one it stands below.
    pub customer_service: Option<CustomerServiceId>,
    pub user_service: Option<UserServiceId>,
    /// For people: "Give Managed workplace to Theo Vane".
    pub title: String,
    pub class: Class,
    pub source: Source,
    /// Starts when that one is done, and fails if it does not get done.
    pub after: Option<RequestId>,
    pub parent: Option<RequestId>,
    pub preview: Option<PreviewId>,
    pub run: Option<RunId>,
    /// Who ordered it; none for Portico itself.
    pub by: Option<UserId>,
    pub steps: Vec<NewStep>,
}

#[derive(Clone, Debug)]
pub struct NewStep {
    /// The rule's, by which later steps find its outputs.
    pub key: String,
    pub title: String,
    pub action: Action,
    /// Of the actions that reach outside.
    pub connector: Option<ConnectorId>,
    /// As its action has them, filled in: `verb` (else the event's: create, change, suspend, resume,
    /// remove) and `inputs`, which go over the subject's properties; for `portico.reseller` `on`; for
    /// `dir.*` the parameters of the action.
    pub params: Value,
    pub on_error: OnError,
    pub how: How,
}

/// Where a step comes from and how it is tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct How {
    pub slot: Slot,
    /// The rule, and in which version.
    pub rule: Option<(RuleId, i64)>,
    /// What an earlier step has to have answered; empty: nothing.
    pub condition: String,
    pub tries: Option<i64>,
    /// Seconds.
    pub time_limit: Option<i64>,
}

/// One kind of work: how its subject is described to the outside, and what its end changes here.
pub struct Event {
    pub name: &'static str,
    /// The subject as it is wanted now.
    pub document: fn(&Read, &Job) -> Result<Document>,
    /// Writes what the end means: live state, seats, ledger. It is in one transaction with the end.
    pub settle: fn(&Write, &Settled) -> Result<()>,
    /// Whether one part that fails takes back the whole, rather than wait for somebody to mend it.
    pub undone: bool,
    /// Does what was only held so far, once people have agreed, within the transaction in which they
    /// do; says what has changed since it was planned where they have to look again. [`go`] where the
    /// steps are all there is to it.
    pub release: fn(&Write, &Key, &Job) -> Result<Option<String>>,
}

/// A request as its event needs it.
#[derive(Clone, Debug)]
pub struct Job {
    pub request: RequestId,
    pub event: String,
    pub customer: CustomerId,
    pub user: Option<UserId>,
    pub customer_service: Option<CustomerServiceId>,
    pub user_service: Option<UserServiceId>,
    pub by: Option<UserId>,
    pub source: Source,
}

/// What scripts and webhooks are told of the subject.
#[derive(Clone, Debug, Default)]
pub struct Document {
    pub customer: Value,
    pub user: Value,
    /// Code, name, label and plan.
    pub service: Value,
    /// Effective values by property; none that is secret.
    pub props: Map<String, Value>,
    /// Secret properties as they are kept, each with what it was sealed for.
    pub sealed: BTreeMap<String, (String, String)>,
    /// The state before: what was delivered last.
    pub previous: Value,
}

impl Document {
    /// Its secrets, opened: for one call and nothing longer. A step that names some is handed those.
    pub fn secrets(&self, key: &Key, params: &Value) -> Result<BTreeMap<String, Secret>> {
        let Some(named) = params.get("secrets").and_then(Value::as_object) else {
            let all = self.sealed.iter();
            return all
                .map(|(name, (text, what))| Ok((name.clone(), key.open(what, text)?)))
                .collect();
        };
        let mut some = BTreeMap::new();
        for (name, of) in named {
            if let Some((text, what)) = of.as_str().and_then(|of| self.sealed.get(of)) {
                some.insert(name.clone(), key.open(what, text)?);
            }
        }
        Ok(some)
    }
}

/// The step's own verb, or the one that the event stands for.
pub fn verb(params: &Value, event: &str) -> String {
    let own = params.get("verb").and_then(Value::as_str).filter(|verb| !verb.is_empty());
    let of_event = match event.rsplit_once('.').map_or(event, |(_, verb)| verb) {
        "provision" => "create",
        "update" => "change",
        "deprovision" => "remove",
        other => other,
    };
    own.unwrap_or(of_event).to_owned()
}

/// The end of a request.
pub struct Settled {
    pub job: Job,
    pub end: End,
    /// Why it failed or was cancelled.
    pub reason: String,
    /// What its steps answered, by their keys.
    pub outputs: BTreeMap<String, Map<String, Value>>,
}

/// A request fails by itself after so many seconds.
const DEADLINE: i64 = 24 * 3600;

/// Takes a request in, within the transaction that orders it. One without steps is done at once.
pub fn accept(tx: &Write, new: NewRequest) -> Result<RequestId> {
    accept_behind(tx, new, &[])
}

/// The same for one that begins when all of `children` are done: one of them that fails holds it.
pub fn accept_behind(tx: &Write, mut new: NewRequest, children: &[RequestId]) -> Result<RequestId> {
    place(tx, &mut new)?;
    let times = (tx.now, tx.now.plus_seconds(DEADLINE));
    let id = store::insert(tx, &new, &queues::of(tx, &new)?, None, times)?;
    plan(tx, id, &new.steps)?;
    store::adopt(tx, id, children)?;
    begin(tx, id, &new)?;
    Ok(id)
}

/// Takes in what begins when people have agreed to it, and not before.
pub fn accept_held(tx: &Write, mut new: NewRequest, hold: Hold) -> Result<RequestId> {
    place(tx, &mut new)?;
    let queue = queues::of(tx, &new)?;
    let id = store::insert(tx, &new, &queue, Some(hold), (never(), never()))?;
    plan(tx, id, &new.steps)?;
    Ok(id)
}

/// Lets a held request begin with what was planned in the end, behind `children`.
pub fn begin_held(
    tx: &Write,
    id: RequestId,
    mut new: NewRequest,
    children: &[RequestId],
) -> Result<()> {
    plan_held(tx, id, &mut new)?;
    store::adopt(tx, id, children)?;
    store::let_go(tx, id, tx.now.plus_seconds(DEADLINE))?;
    begin(tx, id, &new)
}

/// Puts another plan in the place of a held request's.
pub fn plan_held(tx: &Write, id: RequestId, new: &mut NewRequest) -> Result<()> {
    place(tx, new)?;
    store::plan_anew(tx, id, new)?;
    plan(tx, id, &new.steps)
}

/// What a request waits for people for.
pub fn held_for(db: &Read, id: RequestId) -> Result<Option<Hold>> {
    Ok(store::hold_of(db, id)?.parse().ok())
}

/// Holds it for another reason than before.
pub fn hold_for(tx: &Write, id: RequestId, hold: Hold) -> Result<()> {
    store::hold(tx, id, hold, never())?;
    Ok(())
}

/// People have agreed: what was held is done, or begins. Says what has changed meanwhile, where they
/// have to look again.
pub fn released(tx: &Write, key: &Key, id: RequestId) -> Result<Option<String>> {
    let job = store::job(tx, id)?;
    if store::status(tx, id)? != Status::WaitingApproval {
        return Err(Error::Conflict("It does not wait for anybody any more.".into()));
    }
    (events::find(&job.event)?.release)(tx, key, &job)
}

/// Whether it waits for people still.
pub fn is_held(db: &Read, id: RequestId) -> Result<bool> {
    Ok(store::status(db, id)? == Status::WaitingApproval)
}

/// What was held has been done, by other means than steps of its own.
pub fn carried_out(tx: &Write, id: RequestId) -> Result<()> {
    let job = store::job(tx, id)?;
    store::let_go(tx, id, tx.now.plus_seconds(DEADLINE))?;
    finish(tx, events::find(&job.event)?, id, End::Done, "")
}

/// For events whose steps are all there is to them.
pub fn go(tx: &Write, _: &Key, job: &Job) -> Result<Option<String>> {
    let id = job.request;
    store::let_go(tx, id, tx.now.plus_seconds(DEADLINE))?;
    let free = store::is_free(tx, id)? && store::children(tx, id)?.not_done == 0;
    if free {
        finish(tx, events::find(&job.event)?, id, End::Done, "")?;
    } else {
        tx.wake(Work::Requests);
    }
    Ok(None)
}

/// People have not agreed: a held request ends without having begun.
pub fn turned_down(tx: &Write, id: RequestId, reason: &str) -> Result<()> {
    let job = store::job(tx, id)?;
    if store::status(tx, id)? != Status::WaitingApproval {
        return Err(Error::Conflict("It does not wait for anybody any more.".into()));
    }
    finish(tx, events::find(&job.event)?, id, End::Cancelled, reason)
}

/// Nothing of the clock's wakes a request that people hold.
fn never() -> Instant {
    Instant::from_unix(253_370_764_800)
}

/// Work in a directory is done where the customer lives.
fn place(tx: &Write, new: &mut NewRequest) -> Result<()> {
    if new.steps.iter().any(|step| step.connector.is_none() && step.action.in_directory().is_some())
    {
        let connector = directory::connector_of(tx, new.customer)?;
        for step in new.steps.iter_mut().filter(|step| step.action.in_directory().is_some()) {
            step.connector = step.connector.or(connector);
        }
    }
    Ok(())
}

fn plan(tx: &Write, id: RequestId, steps: &[NewStep]) -> Result<()> {
    for (place, step) in (1..).zip(steps) {
        store::insert_step(tx, id, place, step)?;
    }
    Ok(())
}

/// One without steps is done at once.
fn begin(tx: &Write, id: RequestId, new: &NewRequest) -> Result<()> {
    let free = new.after.is_none() && store::children(tx, id)?.not_done == 0;
    if new.steps.is_empty() && free {
        finish(tx, events::find(new.event)?, id, End::Done, "")?;
    } else {
        tx.wake(Work::Requests);
    }
    Ok(())
}

/// How far a request has come.
pub fn status(db: &Read, id: RequestId) -> Result<Status> {
    store::status(db, id)
}

/// What a removal overtakes.
#[derive(Clone, Copy, Debug)]
pub enum Overtaken {
    CustomerService(CustomerServiceId),
    UserService(UserServiceId),
}

/// Takes back every open request of an assignment, because `reason` ("superseded by the removal").
/// What waits is cancelled here, without its event being asked: the caller is changing the
/// assignment in this very transaction. What runs ends after the step in hand, and is settled then.
pub fn cancel_open(tx: &Write, what: Overtaken, reason: &str) -> Result<()> {
    cancel_open_but(tx, what, reason, None)
}

/// The same but for the request that orders it, where that has waited for people among them.
pub fn cancel_open_but(
    tx: &Write,
    what: Overtaken,
    reason: &str,
    but: Option<RequestId>,
) -> Result<()> {
    let all = store::open_of(tx, what)?;
    for (id, held) in all.into_iter().filter(|(id, _)| Some(*id) != but) {
        if held {
            store::ask_to_cancel(tx, id, reason)?;
        } else {
            let job = close(tx, id, End::Cancelled, reason)?;
            record(tx, &job, End::Cancelled, reason)?;
        }
    }
    Ok(())
}

/// Makes requests parts of one that was accepted before them.
pub fn adopt(tx: &Write, whole: RequestId, parts: &[RequestId]) -> Result<()> {
    store::adopt(tx, whole, parts).map(|_| ())
}

/// What may be said of where a request goes on.
pub const RETRY: &[Field] = &[Field::integer(
    "from",
    "the step to go on from, 1 for the first; the one that failed if left out",
)];

/// Lets a failed request go on with what was planned for it: from the step that failed, or from one
/// before, all after which is done once more. Its parts that failed go on where they failed. Says from
/// which step.
pub fn retry(
    db: &Db,
    scope: &Scope<RequestsRetry>,
    id: RequestId,
    input: &Input,
) -> Result<Option<i64>> {
    db.write(scope.by, |tx| {
        let found = store::standing(tx, scope, id)?;
        if found.status != Status::Failed {
            return Err(Error::Conflict("Only a failed request can be tried again.".into()));
        }
        if let Some(newer) = store::newer(tx, id)? {
            let text = format!("A newer request has taken its place: request {newer}.");
            return Err(Error::Conflict(text));
        }
        let stopped = store::stopped_at(tx, id)?;
        let mut fields = Fields::of(input, RETRY);
        let from = match stopped {
            Some(last) => fields.optional_integer("from", 1..=last),
            None => fields.optional::<i64>("from").map(|_| None),
        };
        let from = fields.finish(|| from)?.filter(|from| Some(*from) != stopped);
        // What it waits for goes first.
        for part in store::failed_parts(tx, id)? {
            store::reopen(tx, part, None, tx.now.plus_seconds(DEADLINE))?;
        }
        store::reopen(tx, id, from, tx.now.plus_seconds(DEADLINE))?;
        tx.wake(Work::Requests);
        let detail = json!({ "from": from.or(stopped) });
        audit::record(tx, "request.retried", ("request", id.0), found.customer, &detail)?;
        Ok(from.or(stopped))
    })
}

/// What a request was about that failed or was cancelled, for planning it again.
pub fn ended_badly(db: &Read, scope: &Scope<RequestsRetry>, id: RequestId) -> Result<Job> {
    match store::standing(db, scope, id)?.status {
        Status::Failed | Status::Cancelled => store::job(db, id),
        _ => Err(Error::Conflict("Only what failed or was cancelled can be planned again.".into())),
    }
}

/// Ends a request: at once, or after the step that a worker has in hand. Says whether it has ended.
pub fn cancel(db: &Db, scope: &Scope<RequestsRetry>, id: RequestId) -> Result<bool> {
    db.write(scope.by, |tx| {
        let found = store::standing(tx, scope, id)?;
        let who = match scope.by.user {
            Some(user) => store::name_of(tx, user)?,
            None => "Portico".to_owned(),
        };
        let reason = format!("Cancelled by {who}.");
        match found.turn {
            Turn::Over => Err(Error::Conflict("It has ended already.".into())),
            Turn::Busy => {
                store::ask_to_cancel(tx, id, &reason)?;
                let subject = ("request", id.0);
                audit::record(tx, "request.cancel_asked", subject, found.customer, &json!({}))?;
                Ok(false)
            }
            Turn::Ready | Turn::Sleeping | Turn::Blocked => {
                finish(tx, events::find(&found.event)?, id, End::Cancelled, &reason)?;
                Ok(true)
            }
        }
    })
}

/// Stops a queue from starting steps, or lets it go on. Those who waited get their time back.
pub fn pause(db: &Db, scope: &Scope<SystemOperate>, queue: &str, on: bool) -> Result<()> {
    db.write(scope.by, |tx| {
        scope.reaches(tx, PROVIDER)?;
        if !store::pause(tx, queue, on)? {
            return Ok(());
        }
        if !on {
            store::extend_queue(tx, queue, tx.now.plus_seconds(DEADLINE))?;
        }
        tx.wake(Work::Requests);
        let action = if on { "queue.paused" } else { "queue.resumed" };
        audit::record(tx, action, ("queue", 0), PROVIDER, &json!({ "queue": queue }))
    })
}

/// Ends a request and settles what it was for.
fn finish(tx: &Write, event: &Event, id: RequestId, end: End, reason: &str) -> Result<()> {
    let job = close(tx, id, end, reason)?;
    record(tx, &job, end, reason)?;
    let outputs = store::outputs(tx, id)?;
    crash::at("settle");
    (event.settle)(tx, &Settled { job, end, reason: reason.to_owned(), outputs })
}

/// Writes the end, and lets go on what waited for it.
fn close(tx: &Write, id: RequestId, end: End, reason: &str) -> Result<Job> {
    store::end(tx, id, end, reason)?;
    if end != End::Done {
        store::forget_passwords(tx, id)?;
    }
    if store::unblock(tx, id)? > 0 {
        tx.wake(Work::Requests);
    }
    notices::ended(tx, id, end, reason)?;
    store::job(tx, id)
}

fn record(tx: &Write, job: &Job, end: End, reason: &str) -> Result<()> {
    let action = match end {
        End::Done => "request.done",
        End::Failed => "request.failed",
        End::Cancelled => "request.cancelled",
    };
    let detail = json!({ "event": job.event, "reason": reason });
    audit::record(tx, action, ("request", job.request.0), job.customer, &detail)
}
