use super::bulk::{self, Counts};
use super::previews::{self, Applied, Preview, Shown};
use super::state::{State, Verb};
use super::{Held, HeldId, Order, Reason, held, later, store};
use crate::auth::permissions::{
    AccountRead, CustomerServicesWrite, RequestsRetry, ServicesRead, UserServicesWrite,
};
use crate::auth::{self, Own, Permission, Scope, ServiceRights};
use crate::db::Read;
use crate::error::Result;
use crate::ids::{CustomerId, PreviewId, RequestId, RunId, UserId, UserServiceId};
use crate::input::{Field, Fields, Input};
use crate::time::Instant;
use crate::web::{Cx, Listing, Response, response};
use serde::Serialize;

/// A service that somebody has, as the API promises it.
#[derive(Serialize)]
pub struct HeldOut {
    id: i64,
    customer_id: CustomerId,
    user_id: Option<UserId>,
    service: String,
    name: String,
    plan: Option<String>,
    label: String,
    state: State,
    reasons: Vec<Reason>,
    /// The work that has not ended.
    request_id: Option<RequestId>,
    problem: Option<Problem>,
    users: i64,
    /// A removal on a later day.
    removal: Option<Later>,
    since: Instant,
    version: i64,
}

#[derive(Serialize)]
struct Later {
    run_id: RunId,
    at: Instant,
}

#[derive(Serialize)]
struct Problem {
    request_id: RequestId,
    message: String,
}

pub const HELD: &[Field] = &[
    Field::integer("id", "the assignment"),
    Field::integer("customer_id", "whose it is"),
    Field::integer("user_id", "of a user’s service"),
    Field::text("service", "code"),
    Field::text("name", "of the service"),
    Field::text("plan", "code"),
    Field::text("label", "of one of several"),
    Field::text(
        "state",
        "waiting_approval, provisioning, failed, active, changing, suspending, suspended, resuming, removing",
    ),
    Field::list("reasons", "why it is suspended"),
    Field::integer("request_id", "the work that has not ended"),
    Field::object("problem", "of a last request that went wrong: request_id, message"),
    Field::integer("users", "how many users have it, of a customer’s service"),
    Field::object("removal", "on a later day: run_id, at"),
    Field::text("since", "when it was ordered"),
    Field::integer("version", "for If-Match"),
];

pub const ACCEPTED: &[Field] = &[
    Field::integer("request_id", "the work that brings it about"),
    Field::integer("run_id", "of many: the run that gives each a request"),
];

pub const PLAN: &[Field] = &[
    Field::integer("id", "the plan"),
    Field::text("state", "ready, applied, stale, discarded, expired"),
    Field::text("action", "what would be done"),
    Field::text("title", "in words"),
    Field::object("subject", "customer_id, user_id, assignment_id"),
    Field::list("steps", "seq, title, action, connector, times"),
    Field::list("diffs", "field, before, after"),
    Field::list("seats", "service, plan, meter, before, after, max"),
    Field::object(
        "monthly",
        "currency, before_minor, after_minor, delta_minor, once_minor, first_period_minor",
    ),
    Field::list("warnings", "what to know"),
    Field::list("refusals", "field, message: why it cannot be applied"),
    Field::text("queue", "where it would wait for a worker; empty where nothing is done outside"),
    Field::object("users", "of many: gets, has, refused, not"),
    Field::list("losing", "user_id, name: who loses it because the customer does"),
    Field::list("approvals", "chain, who: the chains that have to agree before it begins"),
    Field::text("confirm", "what is to be sent as confirm when it is applied"),
    Field::text("digest", "for If-Match"),
    Field::text("expires_at", "a day after it was made"),
];

impl HeldOut {
    fn of(held: &Held, pending: &[(HeldId, RunId, Instant)]) -> HeldOut {
        let removal = pending.iter().find(|(id, _, _)| *id == held.id);
        let removal = removal.map(|(_, run, at)| Later { run_id: *run, at: *at });
        let problem = held
            .problem()
            .map(|last| Problem { request_id: last.request, message: last.reason.clone() });
        HeldOut {
            id: held.id.number(),
            customer_id: held.customer,
            user_id: held.user,
            service: held.code.clone(),
            name: held.name.clone(),
            plan: Some(held.plan.clone()).filter(|plan| !plan.is_empty()),
            label: held.label.clone(),
            state: held.state(),
            reasons: held.reasons.clone(),
            request_id: held.open.map(|open| open.request),
            problem,
            users: held.users,
            removal,
            since: held.since,
            version: held.version,
        }
    }
}

/// A plan, as the API promises it.
#[derive(Serialize)]
struct PlanOut {
    id: PreviewId,
    state: &'static str,
    action: String,
    #[serde(flatten)]
    shown: ShownOut,
    request_id: Option<RequestId>,
    run_id: Option<RunId>,
    digest: String,
    expires_at: Instant,
}

#[derive(Serialize)]
struct ShownOut {
    title: String,
    subject: previews::Subject,
    steps: Vec<StepOut>,
    diffs: Vec<super::plan::Diff>,
    seats: Vec<super::plan::Seat>,
    monthly: Option<super::quote::Monthly>,
    warnings: Vec<String>,
    refusals: Vec<crate::error::Complaint>,
    queue: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<Counts>,
    losing: Vec<previews::Loser>,
    approvals: Vec<previews::Agrees>,
    confirm: Option<String>,
}

#[derive(Serialize)]
struct StepOut {
    seq: i64,
    title: String,
    action: &'static str,
    connector: Option<String>,
    times: i64,
}

impl ShownOut {
    fn of(shown: Shown) -> ShownOut {
        let step = |step: super::plan::Step| StepOut {
            seq: step.seq,
            title: step.title,
            action: step.action.word(),
            connector: step.connector,
            times: step.times,
        };
        ShownOut {
            title: shown.title,
            subject: shown.subject,
            steps: shown.steps.into_iter().map(step).collect(),
            diffs: shown.diffs,
            seats: shown.seats,
            monthly: shown.monthly,
            warnings: shown.warnings,
            refusals: shown.refusals,
            queue: shown.queue,
            users: shown.users,
            losing: shown.losing,
            approvals: shown.approvals,
            confirm: shown.confirm,
        }
    }
}

fn plan_out(cx: &Cx, preview: &Preview) -> Result<Response> {
    let out = PlanOut {
        id: preview.id,
        state: preview.state_at(cx.db.now()),
        action: preview.action.clone(),
        shown: ShownOut::of(preview.shown()?),
        request_id: preview.request,
        run_id: preview.run,
        digest: preview.digest(),
        expires_at: preview.expires_at,
    };
    Ok(response::json(200, &out)?.with("ETag", format!("\"{}\"", out.digest)))
}

pub fn of_customer(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    let (id, paging) = (cx.param("id")?, cx.paging(&[])?);
    let (list, pending) = cx.db.read(|db| {
        scope.reaches(db, id)?;
        with_removals(db, super::of_customer(db, scope, id, &paging)?)
    })?;
    response::json(200, &list.map(|held| HeldOut::of(&held, &pending)))
}

pub fn of_user(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    let (id, paging) = (cx.param("id")?, cx.paging(&[])?);
    let (list, pending) = cx.db.read(|db| {
        store::customer_of(db, scope, id)?;
        with_removals(db, super::of_user(db, scope, id, &paging)?)
    })?;
    response::json(200, &list.map(|held| HeldOut::of(&held, &pending)))
}

pub fn show_of_customer(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    let (id, aid) = (cx.param("id")?, cx.param("aid")?);
    let held = cx.db.read(|db| held::customer_service(db, scope, id, aid))?;
    one(cx, &held)
}

pub fn show_of_user(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    let (id, aid) = (cx.param("id")?, cx.param::<UserServiceId>("aid")?);
    let held = cx.db.read(|db| held::user_service(db, scope, id, aid))?;
    one(cx, &held)
}

type Pending = Vec<(HeldId, RunId, Instant)>;

/// A page of what is held, with the removals among it that are still to come.
fn with_removals(db: &Read, list: Listing<Held>) -> Result<(Listing<Held>, Pending)> {
    let ids: Vec<HeldId> = list.items.iter().map(|held| held.id).collect();
    let pending = later::pending(db, &ids)?;
    Ok((list, pending))
}

fn one(cx: &Cx, held: &Held) -> Result<Response> {
    let pending = cx.db.read(|db| later::pending(db, &[held.id]))?;
    Ok(response::json(200, &HeldOut::of(held, &pending))?
        .with("ETag", format!("\"{}\"", held.version)))
}

macro_rules! verbs {
    ($($customer:ident $user:ident $verb:ident;)+) => {
        $(pub fn $customer(cx: &Cx, scope: &ServiceRights<CustomerServicesWrite>) -> Result<Response> {
            for_customer(cx, scope, Verb::$verb)
        }

        pub fn $user(cx: &Cx, scope: &ServiceRights<UserServicesWrite>) -> Result<Response> {
            for_user(cx, scope, Verb::$verb)
        })+
    };
}

verbs! {
    give_customer      give_user      Give;
    change_customer    change_user    Change;
    provision_customer provision_user Provision;
    suspend_customer   suspend_user   Suspend;
    resume_customer    resume_user    Resume;
    remove_customer    remove_user    Remove;
}

fn for_customer(
    cx: &Cx,
    scope: &ServiceRights<CustomerServicesWrite>,
    verb: Verb,
) -> Result<Response> {
    let mut input = cx.input()?;
    let expected = cx.expected_version(&mut input);
    let id = cx.param("id")?;
    let held = if verb == Verb::Give { None } else { Some(cx.param("aid")?) };
    let order = cx.db.read(|db| super::for_customer(db, scope, id, verb, held, input))?;
    answer(cx, scope, &Order { expected, ..order })
}

fn for_user(cx: &Cx, scope: &ServiceRights<UserServicesWrite>, verb: Verb) -> Result<Response> {
    let mut input = cx.input()?;
    let expected = cx.expected_version(&mut input);
    let id = cx.param("id")?;
    let held = if verb == Verb::Give { None } else { Some(cx.param("aid")?) };
    let order = cx.db.read(|db| super::for_user(db, scope, id, verb, held, input))?;
    answer(cx, scope, &Order { expected, ..order })
}

fn answer<P: Permission>(cx: &Cx, scope: &ServiceRights<P>, order: &Order) -> Result<Response> {
    if cx.only_looks()? {
        let id = super::preview(cx.db, &cx.app.config.key, &cx.actor, scope, order)?;
        return preview_of(cx, id);
    }
    if super::is_braked(cx.db, &cx.actor, scope, order)? {
        cx.again()?;
    }
    let (applied, held) = later::carry_out(cx.db, &cx.app.config.key, &cx.actor, scope, order)?;
    accepted(applied, Some(held.number()))
}

/// A new plan, with today's rules, for what a request was to do.
pub fn replan(cx: &Cx, scope: &Scope<RequestsRetry>) -> Result<Response> {
    preview_of(cx, plan_anew(cx, scope)?)
}

pub fn plan_anew(cx: &Cx, scope: &Scope<RequestsRetry>) -> Result<PreviewId> {
    let order = cx.db.read(|db| super::planned_anew(db, scope, cx.param("id")?))?;
    let (db, key, actor) = (cx.db, &cx.app.config.key, &cx.actor);
    match order.user {
        Some(_) => {
            super::preview(db, key, actor, &actor.service_rights::<UserServicesWrite>()?, &order)
        }
        None => super::preview(
            db,
            key,
            actor,
            &actor.service_rights::<CustomerServicesWrite>()?,
            &order,
        ),
    }
}

fn preview_of(cx: &Cx, id: PreviewId) -> Result<Response> {
    let own = cx.actor.own::<AccountRead>()?;
    let preview = cx.db.read(|db| previews::find(db, &own, id))?;
    plan_out(cx, &preview)
}

/// 202: what was started, and where it can be watched.
fn accepted(applied: Applied, id: Option<i64>) -> Result<Response> {
    let (body, place) = match applied {
        Applied::Request(request) => {
            let mut body = serde_json::json!({ "request_id": request });
            if let (Some(id), Some(body)) = (id, body.as_object_mut()) {
                body.insert("id".to_owned(), id.into());
            }
            (body, format!("/api/v1/requests/{request}"))
        }
        Applied::Run(run) => {
            let mut body = serde_json::json!({ "run_id": run });
            if let (Some(id), Some(body)) = (id, body.as_object_mut()) {
                body.insert("id".to_owned(), id.into());
            }
            (body, format!("/api/v1/runs/{run}"))
        }
    };
    Ok(response::json(202, &body)?.with("Location", place))
}

pub fn give_many(cx: &Cx, scope: &ServiceRights<UserServicesWrite>) -> Result<Response> {
    give_to(cx, scope, cx.param("id")?, &cx.input()?, cx.only_looks()?)
}

/// The same for those who order it among other work over many.
pub fn give_to(
    cx: &Cx,
    scope: &ServiceRights<UserServicesWrite>,
    id: CustomerId,
    input: &Input,
    preview: bool,
) -> Result<Response> {
    if preview {
        let preview = bulk::preview(cx.db, &cx.app.config.key, &cx.actor, scope, id, input)?;
        return preview_of(cx, preview);
    }
    let run = bulk::carry_out(cx.db, &cx.app.config.key, &cx.actor, scope, id, input)?;
    accepted(Applied::Run(run), None)
}

pub fn show_preview(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    preview_of(cx, cx.param("id")?)
}

pub fn apply_preview(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let digest = cx.request.header("If-Match").trim_matches('"').to_owned();
    let digest = Some(digest.as_str()).filter(|digest| !digest.is_empty());
    let (id, typed) = (cx.param("id")?, cx.input()?);
    Fields::of(&typed, super::REMOVE).finish(|| Some(()))?;
    again(cx, &cx.db.read(|db| previews::find(db, own, id))?)?;
    let key = &cx.app.config.key;
    let applied = previews::apply(cx.db, key, &cx.actor, own, id, digest, &typed)?;
    accepted(applied, None)
}

/// Asks for the password once more where the plan takes from many.
pub fn again(cx: &Cx, preview: &Preview) -> Result<()> {
    if !preview.shown()?.again {
        return Ok(());
    }
    auth::again(&cx.actor, cx.session.as_ref(), CustomerServicesWrite::NAME, cx.db.now())
}

pub fn discard_preview(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    previews::discard(cx.db, own, cx.param("id")?)?;
    Ok(response::no_content())
}
