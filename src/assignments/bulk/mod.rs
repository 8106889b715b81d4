//! One service to many users at once: planned as a whole, seats for all taken when it is accepted,
//! then a run gives each user a request of its own, with the steps that were shown.

mod run;
mod store;

pub use run::{KIND, give};

use super::amounts::{self, Amount};
use super::plan::{self, Act, Seat, Step};
use super::previews::{self, Agrees, NewPreview, Preview, Shown, Subject};
use super::state::Verb;
use super::{HeldId, Order, draft, properties, quote};
use crate::approvals::Ask;
use crate::approvals::chains::Kind;
use crate::audit;
use crate::auth::permissions::UserServicesWrite;
use crate::auth::{Actor, ServiceRights};
use crate::catalogue::{Level, Service};
use crate::db::{Db, Read, Write};
use crate::engine::Class;
use crate::error::{Complaint, Error, Result};
use crate::html::text::count;
use crate::ids::{CustomerId, PlanId, PreviewId, RunId, UserId, UserServiceId};
use crate::input::{Field, Fields, Input};
use crate::jobs;
use crate::offers::{self, Meter, Tally};
use crate::rating::quote::Change;
use crate::secret::{self, Key};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The action of a preview for many.
pub const ACTION: &str = "user_service.give_many";

/// At most so many users in one order.
pub const MOST: i64 = 5_000;

words! {
    /// What becomes of an order for more users than there are seats.
    OnLimit { Refuse = "refuse", Fill = "fill" }
}

pub const GIVE_MANY: &[Field] = &[
    Field::text("service", "the code of a user service that the customer has").required(),
    Field::text("plan", "the code of a user plan that the customer may use").required(),
    Field::text("label", "tells several of a multi-instance service apart, 1–60 characters"),
    Field::object("properties", "values by name; an empty one inherits"),
    Field::list("ids", "ids of users; at most 5,000"),
    Field::boolean("all", "all users that match instead"),
    Field::text("q", "of all: whose name or address has this in it"),
    Field::text("state", "of all: active or disabled"),
    Field::text("on_limit", "refuse (default): all or none; fill: as many as there are seats"),
];

/// The users an order is for.
pub struct Chosen {
    pub customer: CustomerId,
    pub ids: Option<Vec<UserId>>,
    pub q: String,
    pub state: String,
    pub label: String,
}

pub struct Candidate {
    pub user: UserId,
    pub name: String,
    pub state: String,
    pub has: bool,
    /// A service of the user that is needed before.
    pub lacks: Option<String>,
}

words! {
    Verdict { Gets = "gets", Has = "has", Refused = "refused" }
}

/// What an order means for one user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct One {
    pub user_id: UserId,
    pub name: String,
    pub verdict: Verdict,
    /// Why not.
    pub reason: String,
}

/// What it means for all of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Counts {
    pub gets: i64,
    pub has: i64,
    pub refused: i64,
    /// Those who do not get it, the first of them.
    pub not: Vec<One>,
}

/// A plan for many.
pub struct Many {
    pub customer: CustomerId,
    pub title: String,
    pub button: String,
    pub service: Service,
    pub plan: Option<PlanId>,
    pub users: Vec<One>,
    pub steps: Vec<Step>,
    pub seats: Vec<Seat>,
    /// What each is to have of properties that are counted.
    pub amounts: Vec<Amount>,
    pub changes: Vec<Change>,
    pub warnings: Vec<String>,
    pub refusals: Vec<Complaint>,
    pub basis: Vec<String>,
    /// Who has to agree to each of them.
    pub asks: Vec<Agrees>,
    /// What each user's order says.
    said: Input,
    /// The whole of what was asked, to plan it again.
    asked: Input,
}

/// Shows what giving a service to many would do.
pub fn preview(
    db: &Db,
    key: &Key,
    actor: &Actor,
    scope: &ServiceRights<UserServicesWrite>,
    customer: CustomerId,
    asked: &Input,
) -> Result<PreviewId> {
    db.write(scope.by, |tx| {
        let many = of(tx, actor, scope, customer, asked)?;
        keep(tx, key, actor, &many)
    })
}

/// Gives it without a look before: planned by the same function, and applied.
pub fn carry_out(
    db: &Db,
    key: &Key,
    actor: &Actor,
    scope: &ServiceRights<UserServicesWrite>,
    customer: CustomerId,
    asked: &Input,
) -> Result<RunId> {
    db.write(scope.by, |tx| {
        let many = of(tx, actor, scope, customer, asked)?;
        queue(tx, key, &many, None)
    })
}

/// The plan of a kept order, as it would be now.
pub fn plan_again(
    db: &Read,
    actor: &Actor,
    scope: &ServiceRights<UserServicesWrite>,
    customer: CustomerId,
    kept: &Value,
) -> Result<Many> {
    let asked = Input::from_kept(kept.get("asked").unwrap_or(&Value::Null));
    of(db, actor, scope, customer, &asked)
}

/// Who gets it, who has it, who cannot, and what it costs.
pub fn of(
    db: &Read,
    actor: &Actor,
    scope: &ServiceRights<UserServicesWrite>,
    customer: CustomerId,
    asked: &Input,
) -> Result<Many> {
    scope.reaches(db, customer)?;
    let (chosen, on_limit) = read(customer, asked)?;
    let service = draft::known(db, asked.get("service"))?;
    let on = scope.on(service.id)?;
    let candidates = store::candidates(db, &on, &chosen, service.id, MOST + 1)?;
    check_number(&chosen, candidates.len())?;
    let said = said(asked);
    let mut users: Vec<One> = candidates.iter().map(|each| verdict(each, &service)).collect();
    let mut refusals = Vec::new();
    let mut warnings = Vec::new();
    let example = users.iter().find(|one| one.verdict == Verdict::Gets).or(users.first());
    let sample = match example {
        Some(one) => {
            let order = order(customer, one.user_id, &said);
            plan::of(db, actor, scope, &order)?
        }
        None => return Err(Error::refused("No user matches.")),
    };
    let plan = match &sample.act {
        Act::Give(gift) => gift.plan,
        _ => None,
    };
    // Room for all is judged below; the rest of what speaks against one speaks against each.
    let seats = Tally { customer, service: service.id, plan, meter: Meter::Seats };
    let left = offers::left(db, &seats)?;
    let nobody = users.iter().all(|one| one.verdict != Verdict::Gets);
    if !nobody {
        refusals.extend(sample.refusals.iter().filter(|_| left != Some(0)).cloned());
    }
    let amounts = match &sample.act {
        Act::Give(gift) => each_counts(db, customer, gift)?,
        _ => Vec::new(),
    };
    let (mut left, mut short_of) = (left, None);
    for Amount { property, n } in amounts.iter().filter(|each| each.n > 0) {
        let meter = Meter::Sum(property);
        let room = offers::left(db, &Tally { meter, ..seats })?.map(|room| room / n);
        if room.is_some_and(|room| left.is_none_or(|left| room < left)) {
            left = room;
            short_of = Some(property.label.clone());
        }
    }
    let wanting = number(users.iter().filter(|one| one.verdict == Verdict::Gets).count());
    if let Some(left) = left.filter(|left| *left < wanting) {
        match on_limit {
            OnLimit::Refuse => {
                let text = match short_of {
                    Some(what) => {
                        format!("{what} is left for {left} of {}.", count(wanting, "user", "users"))
                    }
                    None => format!(
                        "{} needed, {} left.",
                        count(wanting, "seat is", "seats are"),
                        count(left, "is", "are")
                    ),
                };
                refusals.push(Complaint::new("on_limit", text));
            }
            OnLimit::Fill => fill(&mut users, left),
        }
    }
    let gets: Vec<&One> = users.iter().filter(|one| one.verdict == Verdict::Gets).collect();
    let n = number(gets.len());
    if n == 0 {
        refusals.push(Complaint::new("", "Nobody would get it."));
    }
    let disabled = candidates.iter().filter(|each| each.state == "disabled" && !each.has).count();
    if disabled > 0 {
        let who = count(number(disabled), "user is", "users are");
        warnings.push(format!("{who} disabled, so it arrives suspended there."));
    }
    let mut steps = sample.steps.clone();
    steps.iter_mut().for_each(|step| step.times = n);
    let plan_code = asked.get("plan").to_owned();
    let seat = plan.map(|id| (id, plan_code.as_str()));
    let seats = draft::seats(db, customer, &service, Level::User, seat, n)?;
    let mut counted: Vec<Seat> =
        sample.seats.iter().filter(|seat| seat.of.is_some()).cloned().collect();
    for seat in &mut counted {
        seat.after = seat.before + (seat.after - seat.before).saturating_mul(n);
    }
    let changes = gets.iter().filter_map(|one| {
        let change = sample.changes.first()?;
        Some(quote::for_user(change, one.user_id))
    });
    let changes = changes.collect();
    let mut basis: Vec<String> =
        sample.basis.iter().filter(|each| !each.starts_with("user ")).cloned().collect();
    basis.push(users_basis(&users));
    let whole = draft::titled(&service.name, &chosen.label);
    let title = format!("Give {whole} to {}", count(n, "user", "users"));
    Ok(Many {
        customer,
        button: title.clone(),
        title,
        service,
        plan,
        steps,
        asks: sample.asks.iter().map(agrees).collect(),
        amounts,
        seats: seats.into_iter().chain(counted).collect(),
        changes,
        warnings,
        refusals,
        basis,
        said,
        asked: asked.clone(),
        users,
    })
}

/// Who agrees: everybody has managers of their own, who are named where each waits.
fn agrees(ask: &Ask) -> Agrees {
    match ask.chain.kind {
        Kind::Group => Agrees::of(ask),
        Kind::Manager => {
            Agrees { chain: ask.chain.name.clone(), who: vec!["the managers of each".to_owned()] }
        }
    }
}

/// What one user is to have of properties that are counted.
fn each_counts(db: &Read, customer: CustomerId, gift: &plan::Gift) -> Result<Vec<Amount>> {
    let own = HeldId::User(UserServiceId(0));
    let asked = properties::wanted(db, customer, gift.service.id, own, gift.plan, gift.below)?;
    amounts::wanted(db, &asked, Level::User, &gift.values)
}

fn read(customer: CustomerId, asked: &Input) -> Result<(Chosen, OnLimit)> {
    let mut f = Fields::of(asked, GIVE_MANY);
    f.text("service", 1..=30);
    f.text("plan", 1..=30);
    let label = f.text("label", 0..=60);
    f.members("properties");
    let all = f.flag("all");
    let ids = f.list::<UserId>("ids", usize::try_from(MOST).unwrap_or(usize::MAX));
    let q = f.text("q", 0..=100);
    let state = f.text("state", 0..=20);
    let on_limit = f.optional::<OnLimit>("on_limit");
    if let (Some(false), Some(ids)) = (all, &ids)
        && ids.is_empty()
    {
        f.complain::<()>("ids", "is required: say who gets it");
    }
    f.finish(move || {
        let ids = if all? { None } else { Some(ids?) };
        let chosen = Chosen { customer, ids, q: q?, state: state?, label: label? };
        Some((chosen, on_limit?.unwrap_or(OnLimit::Refuse)))
    })
}

/// Ids of somebody else's users, or of nobody, are as good as absent.
fn check_number(chosen: &Chosen, found: usize) -> Result<()> {
    if number(found) > MOST {
        return Err(Error::refused(format!("That is more than {MOST} users. Choose fewer.")));
    }
    match &chosen.ids {
        Some(ids) if chosen.q.is_empty() && chosen.state.is_empty() => {
            let mut ids = ids.clone();
            ids.sort_unstable();
            ids.dedup();
            if ids.len() == found { Ok(()) } else { Err(Error::NotFound) }
        }
        _ => Ok(()),
    }
}

/// The part of the order that is the same for each user.
fn said(asked: &Input) -> Input {
    let mut said = asked.clone();
    for name in ["ids", "all", "q", "state", "on_limit"] {
        said.remove(name);
    }
    said
}

fn order(customer: CustomerId, user: UserId, said: &Input) -> Order {
    let input = said.clone();
    Order { verb: Verb::Give, customer, user: Some(user), held: None, expected: None, input }
}

fn verdict(candidate: &Candidate, service: &Service) -> One {
    let (verdict, reason) = if candidate.has {
        (Verdict::Has, format!("has {} already", service.name))
    } else if candidate.state == "deprovisioned" {
        (Verdict::Refused, "is deprovisioned".to_owned())
    } else if let Some(need) = &candidate.lacks {
        (Verdict::Refused, format!("needs {need} first"))
    } else {
        (Verdict::Gets, String::new())
    };
    One { user_id: candidate.user, name: candidate.name.clone(), verdict, reason }
}

/// The first get it, the others hear why not.
fn fill(users: &mut [One], left: i64) {
    let mut seats = left;
    for one in users.iter_mut().filter(|one| one.verdict == Verdict::Gets) {
        if seats == 0 {
            one.verdict = Verdict::Refused;
            one.reason = "no seat is left".to_owned();
        } else {
            seats -= 1;
        }
    }
}

/// Which rules were read, in which versions.
fn rules(basis: &[String]) -> Vec<String> {
    basis.iter().filter(|each| each.starts_with("rules ")).cloned().collect()
}

fn number(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn users_basis(users: &[One]) -> String {
    let all: Vec<String> =
        users.iter().map(|one| format!("{}{}", one.user_id, one.verdict.word())).collect();
    format!("users {}", secret::hex(&secret::sha256(all.join(",").as_bytes())))
}

/// So many of those who do not get it are named in the plan; the run names all.
const NAMED: usize = 100;

impl Many {
    fn counts(&self) -> Counts {
        let of = |verdict| number(self.users.iter().filter(|one| one.verdict == verdict).count());
        let not = self.users.iter().filter(|one| one.verdict != Verdict::Gets);
        Counts {
            gets: of(Verdict::Gets),
            has: of(Verdict::Has),
            refused: of(Verdict::Refused),
            not: not.take(NAMED).cloned().collect(),
        }
    }
}

pub fn keep(tx: &Write, key: &Key, actor: &Actor, many: &Many) -> Result<PreviewId> {
    let (steps, class) = (&many.steps, Class::Bulk);
    let queue = match steps.first() {
        Some(Step { event, .. }) => {
            previews::would_wait(tx, many.customer, many.service.id, event, class, steps)?
        }
        None => String::new(),
    };
    let shown = Shown {
        title: many.title.clone(),
        button: many.button.clone(),
        subject: Subject { customer_id: many.customer, user_id: None, assignment_id: None },
        steps: many.steps.clone(),
        diffs: Vec::new(),
        seats: many.seats.clone(),
        monthly: quote::monthly(tx, actor, many.customer, &many.changes)?,
        warnings: many.warnings.clone(),
        refusals: many.refusals.clone(),
        queue,
        users: Some(many.counts()),
        work: Vec::new(),
        losing: Vec::new(),
        approvals: many.asks.clone(),
        confirm: None,
        again: false,
        due: None,
    };
    let new = NewPreview {
        customer: many.customer,
        user: actor.user,
        action: ACTION,
        input: previews::seal(key, &json!({ "asked": many.asked.to_json() }))?,
        shown: &shown,
        basis: &many.basis,
    };
    previews::insert(tx, &new)
}

/// Accepts a plan that was looked at: the steps are those that were shown, each with what is of its
/// user in it.
pub fn start(tx: &Write, key: &Key, many: &Many, preview: &Preview) -> Result<RunId> {
    queue(tx, key, many, Some(preview.id))
}

/// Takes seats for all and queues the run.
fn queue(tx: &Write, key: &Key, many: &Many, preview: Option<PreviewId>) -> Result<RunId> {
    if !many.refusals.is_empty() {
        return Err(Error::Invalid(many.refusals.clone()));
    }
    let n = many.counts().gets;
    let (customer, service, plan) = (many.customer, many.service.id, many.plan);
    let seats = Tally { customer, service, plan, meter: Meter::Seats };
    offers::take(tx, &seats, n)?;
    for Amount { property, n: each } in &many.amounts {
        let (meter, all) = (Meter::Sum(property), each.saturating_mul(n));
        offers::take(tx, &Tally { meter, ..seats }, all)?;
    }
    let work = run::Work {
        service: many.service.id,
        plan: many.plan,
        said: previews::seal(key, &many.said.to_json())?,
        rules: rules(&many.basis),
        users: many.users.clone(),
        seats: n,
        amounts: many.amounts.iter().map(|each| (each.property.name.clone(), each.n)).collect(),
        preview,
    };
    let total = number(many.users.len());
    let run = jobs::queue_run(tx, KIND, many.customer, &serde_json::to_value(&work)?, Some(total))?;
    let detail = json!({ "service": many.service.code, "users": n, "preview_id": preview });
    audit::record(tx, "user_service.given_to_many", ("run", run.0), many.customer, &detail)?;
    Ok(run)
}
