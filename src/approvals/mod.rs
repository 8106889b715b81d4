//! Orders that wait until people have agreed to them: their chains say who. What waits is held by the
//! engine with the plan it was ordered with; the decision here lets it go, or ends it.
//!
//! Invariants: nobody decides on what they ordered; one rejection ends it; a decision is final.

pub mod api;
pub mod chains;
pub mod deputies;
pub mod pages;
pub mod reminders;
mod shown;
mod store;

use crate::audit;
use crate::auth::permissions::{ApprovalsDecide, ApprovalsWrite, CostsRead, Permission};
use crate::auth::{self, Actor, Door, Own, Scope};
use crate::db::{Db, Read, Via, Write};
use crate::engine;
use crate::error::{Error, Result};
use crate::ids::{ApprovalId, ChainId, CustomerId, RequestId, ServiceId, UserId};
use crate::input::{Field, Fields, Input};
use crate::mail::Class;
use crate::mail::people::{self, Notice, Person};
use crate::prices;
use crate::secret::Key;
use crate::time::Instant;
use crate::web::{Listing, Paging};
use chains::{Chain, Kind};
use serde::Serialize;
use serde_json::{Value, json};
use shown::Reader;

words! {
    State {
        // Another chain is asked before.
        Later = "later",
        Open = "open", Approved = "approved", Rejected = "rejected",
        // Nobody decided in time.
        Expired = "expired",
        // Whoever ordered it took it back.
        Withdrawn = "withdrawn",
        // What was agreed to changed before it began.
        Again = "again",
    }
}

words! {
    Vote { Approve = "approve", Reject = "reject" }
}

words! {
    /// Which approvals one sees: those that wait for oneself, one's own orders, those that ended.
    View { Mine = "mine", Ordered = "ordered", Decided = "decided" }
}

/// An order that somebody may have to agree to.
pub struct Matter<'a> {
    pub customer: CustomerId,
    pub user: Option<UserId>,
    /// None: it is about the user.
    pub service: Option<ServiceId>,
    /// A word of [`chains::Verb`].
    pub verb: &'a str,
    pub by: UserId,
    /// Of whoever orders.
    pub home: CustomerId,
}

/// What a chain is to be asked, and whom.
#[derive(Clone, Debug)]
pub struct Ask {
    pub chain: Chain,
    pub needed: i64,
    pub people: Vec<Person>,
}

/// One that is asked.
#[derive(Clone, Debug, Serialize)]
pub struct Voter {
    pub user_id: UserId,
    pub name: String,
    /// Nothing yet, approve or reject.
    pub vote: String,
    /// Who said it in their place.
    pub by: Option<String>,
    pub comment: String,
    pub at: Option<Instant>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Approval {
    pub id: ApprovalId,
    pub request_id: RequestId,
    pub customer_id: CustomerId,
    #[serde(skip)]
    pub customer_name: String,
    pub title: String,
    pub chain: String,
    pub state: State,
    pub needed: i64,
    /// What changed since it was agreed to before.
    pub moved: String,
    #[serde(skip)]
    pub ordered_by: Option<UserId>,
    pub ordered_by_name: Option<String>,
    pub for_name: Option<String>,
    pub asked_at: Option<Instant>,
    pub expires_at: Option<Instant>,
    pub ended_at: Option<Instant>,
    /// What would be done, as far as whoever reads it may know.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub plan: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub voters: Vec<Voter>,
}

pub const COMMENT: &[Field] = &[Field::text("comment", "up to 500 characters; required to reject")];

/// Decided ones leave the list after so many days; the audit log keeps them.
const SHOWN: i64 = 30;
/// Nobody has more managers above them.
const HIGHEST: usize = 20;

/// Which chains have to agree to an order, the nearest first; or why nobody could.
pub fn needed(db: &Read, matter: &Matter) -> Result<(Vec<Ask>, Vec<String>)> {
    let (mut asks, mut against) = (Vec::new(), Vec::new());
    for chain in chains::matching(db, matter)? {
        let group = group(db, matter, &chain)?;
        let (people, needed) = match chain.kind {
            Kind::Group => {
                let all = i64::try_from(group.len()).unwrap_or(1).max(1);
                (group, chain.needed.unwrap_or(all))
            }
            Kind::Manager => {
                let above = managers(db, matter, chain.levels)?;
                let people = if above.is_empty() { group } else { above };
                let all = i64::try_from(people.len()).unwrap_or(1).max(1);
                (people, all)
            }
        };
        if people.is_empty() && chain.kind == Kind::Manager {
            let who = store::name(db, matter.user.unwrap_or(matter.by))?;
            against.push(format!("Nobody can approve this: {who} has no manager who may."));
            continue;
        }
        asks.push(Ask { chain, needed, people });
    }
    Ok((asks, against))
}

/// Who of those that a chain names can decide; whoever orders does not count.
fn group(db: &Read, matter: &Matter, chain: &Chain) -> Result<Vec<Person>> {
    let mut all = Vec::new();
    for id in chains::members(db, chain.id)? {
        if id != matter.by && may_decide(db, id, matter.customer)? {
            all.extend(people::one(db, id)?);
        }
    }
    Ok(all)
}

/// The managers above whoever it is for, so many of them; who cannot decide is passed over.
fn managers(db: &Read, matter: &Matter, levels: i64) -> Result<Vec<Person>> {
    let mut at = matter.user.unwrap_or(matter.by);
    let (mut seen, mut found) = (vec![at], Vec::new());
    let most = usize::try_from(levels).unwrap_or(1);
    while found.len() < most && seen.len() < HIGHEST {
        let Some(above) = store::manager(db, at)? else { break };
        if seen.contains(&above) {
            break;
        }
        seen.push(above);
        at = above;
        if above != matter.by && may_decide(db, above, matter.customer)? {
            found.extend(people::one(db, above)?);
        }
    }
    Ok(found)
}

fn may_decide(db: &Read, user: UserId, customer: CustomerId) -> Result<bool> {
    match auth::actor(db, user, Door::Job, Via::Job) {
        Ok(actor) => Ok(actor
            .scope::<ApprovalsDecide>()
            .is_ok_and(|scope| scope.reaches(db, customer).is_ok())),
        Err(Error::Internal(cause)) => Err(Error::Internal(cause)),
        Err(_) => Ok(false),
    }
}

/// Asks the chains about a request that is held for them: the first now, the others after it.
/// `moved` says what has changed since they agreed, where they did before.
pub fn ask(
    tx: &Write,
    request: RequestId,
    customer: CustomerId,
    asks: &[Ask],
    moved: &str,
) -> Result<()> {
    store::close_round(tx, request)?;
    let round = store::next_round(tx, request)?;
    for (position, ask) in (1..).zip(asks) {
        let new = store::New { request, customer, round, position, moved, ask };
        let id = store::insert(tx, &new)?;
        for person in &ask.people {
            store::insert_voter(tx, id, person.id)?;
        }
    }
    open_next(tx, request)?;
    Ok(())
}

/// Opens the next of the chains that wait, and tells those whom it asks. Says whether there was one.
fn open_next(tx: &Write, request: RequestId) -> Result<bool> {
    let Some(id) = store::next(tx, request)? else { return Ok(false) };
    store::open(tx, id)?;
    let it = store::any(tx, id)?;
    tell_voters(tx, &it, "approval.asked", "Your approval is asked for")?;
    let asked = i64::try_from(store::voters(tx, id)?.len()).unwrap_or(0);
    if asked < it.needed {
        let text = format!(
            "“{}” waits for {} to agree, but the chain {} has {asked} who can.",
            it.title, it.needed, it.chain
        );
        let notice = Notice {
            customer: it.customer_id,
            event: "approval.short",
            class: Class::Owed,
            subject: "A chain has too few people",
            text: &text,
            path: "/approvals/chains",
        };
        let owner = store::owner(tx, id)?.unwrap_or(it.customer_id);
        people::tell(tx, &people::nearest_who_may(tx, ApprovalsWrite::NAME, owner)?, &notice)?;
    }
    let detail = json!({ "title": it.title, "chain": it.chain, "request_id": request });
    audit::record(tx, "approval.asked", ("approval", id.0), it.customer_id, &detail)?;
    Ok(true)
}

/// Mails those who have not said anything yet, and whoever stands in for them.
fn tell_voters(tx: &Write, it: &Approval, event: &str, subject: &str) -> Result<()> {
    let who = it.ordered_by_name.as_deref().unwrap_or("Portico");
    let text = format!("{who} ordered “{}”, which begins when you agree to it.", it.title);
    let notice = Notice {
        customer: it.customer_id,
        event,
        class: Class::Owed,
        subject: &format!("{subject}: {}", it.title),
        text: &text,
        path: &format!("/approvals/{}", it.id),
    };
    people::tell(tx, &store::waiting_for(tx, it.id)?, &notice)
}

/// Tells whoever ordered it what became of it.
fn tell_orderer(tx: &Write, it: &Approval, event: &str, text: &str) -> Result<()> {
    let Some(person) = it.ordered_by.map(|id| people::one(tx, id)).transpose()?.flatten() else {
        return Ok(());
    };
    let notice = Notice {
        customer: it.customer_id,
        event,
        class: Class::Owed,
        subject: &format!(
            "{}: {}",
            if event == "approval.expired" { "Not decided" } else { "Decided" },
            it.title
        ),
        text,
        path: "/approvals?view=ordered",
    };
    people::tell(tx, &[person], &notice)
}

/// What one sees of them.
pub fn list<P>(db: &Db, own: &Own<P>, view: View, paging: &Paging) -> Result<Listing<Approval>> {
    let rows = db.read(|db| match view {
        View::Mine => store::waiting(db, own, paging),
        View::Ordered => store::ordered(db, own, paging),
        View::Decided => store::decided(db, own, db.now.plus_days(-SHOWN), paging),
    })?;
    Ok(paging.listing(rows, |it| (String::new(), it.id.0)))
}

/// One that one is asked about, stands in for, or ordered; any other is as good as absent.
pub fn one<P>(db: &Read, own: &Own<P>, viewer: &Actor, id: ApprovalId) -> Result<Approval> {
    let mut it = store::one(db, own, id)?;
    let costs = viewer.is_provider() && viewer.may::<CostsRead>();
    if let Some((plan, home)) = store::plan(db, it.request_id)? {
        let edge = prices::edge(db, viewer.home, it.customer_id)?;
        let same_edge = edge.is_some() && edge == prices::edge(db, home, it.customer_id)?;
        let reader = Reader { same_edge, values: same_edge || viewer.is_provider(), costs };
        it.plan = shown::told(serde_json::from_str(&plan)?, reader);
    }
    it.voters = store::voters(db, id)?;
    Ok(it)
}

/// Whether it waits for this person.
pub fn waits_for<P>(db: &Read, own: &Own<P>, it: &Approval) -> Result<bool> {
    Ok(it.state == State::Open
        && it.ordered_by != Some(own.user)
        && store::seat(db, it.id, own.user)?.is_some())
}

/// Says yes or no, for oneself or in the place of somebody. The last yes lets the order begin. Says how
/// it stands then.
pub fn decide(
    db: &Db,
    key: &Key,
    scope: &Scope<ApprovalsDecide>,
    own: &Own<impl Sized>,
    id: ApprovalId,
    vote: Vote,
    input: &Input,
) -> Result<State> {
    db.write(scope.by, |tx| {
        let it = store::one(tx, own, id)?;
        if it.ordered_by == Some(own.user) {
            return Err(Error::Forbidden("Somebody else decides on what you ordered.".into()));
        }
        scope.reaches(tx, it.customer_id)?;
        if it.state != State::Open {
            return Err(Error::Conflict(format!("It is {} already.", said(it.state))));
        }
        let Some(seat) = store::seat(tx, id, own.user)? else {
            return Err(Error::Conflict("You have decided already.".into()));
        };
        let mut fields = Fields::of(input, COMMENT);
        let least = if vote == Vote::Reject { 1 } else { 0 };
        let comment = fields.lines("comment", least..=500);
        let comment = fields.finish(|| comment)?;
        store::vote(tx, id, seat, own.user, vote, &comment)?;
        let me = store::name(tx, own.user)?;
        let detail = json!({
            "title": it.title, "chain": it.chain, "comment": comment, "for": seat,
            "request_id": it.request_id,
        });
        let action = if vote == Vote::Reject { "approval.rejected" } else { "approval.approved" };
        audit::record(tx, action, ("approval", id.0), it.customer_id, &detail)?;
        if vote == Vote::Reject {
            store::end(tx, id, State::Rejected)?;
            let reason = format!("rejected by {me}: {comment}");
            engine::turned_down(tx, it.request_id, &reason)?;
            let text = format!("“{}” was {reason}", it.title);
            tell_orderer(tx, &it, "approval.decided", &text)?;
        } else if store::agreed(tx, id)? >= it.needed {
            store::end(tx, id, State::Approved)?;
            if !open_next(tx, it.request_id)? {
                let moved = engine::released(tx, key, it.request_id)?;
                let text = match &moved {
                    None => format!("“{}” was approved. It begins now.", it.title),
                    Some(what) => format!(
                        "“{}” was approved, but has changed since: {what}. Those who approve look at it again.",
                        it.title
                    ),
                };
                tell_orderer(tx, &it, "approval.decided", &text)?;
            }
        }
        Ok(store::one(tx, own, id)?.state)
    })
}

/// Takes back what one ordered, while it waits.
pub fn withdraw<P>(db: &Db, own: &Own<P>, id: ApprovalId) -> Result<()> {
    db.write(own.by, |tx| {
        let it = store::one(tx, own, id)?;
        if it.ordered_by != Some(own.user) {
            return Err(Error::Forbidden("Only whoever ordered it takes it back.".into()));
        }
        if !matches!(it.state, State::Open | State::Later) {
            return Err(Error::Conflict(format!("It is {} already.", said(it.state))));
        }
        let me = store::name(tx, own.user)?;
        engine::turned_down(tx, it.request_id, &format!("withdrawn by {me}"))?;
        let detail = json!({ "title": it.title, "request_id": it.request_id });
        audit::record(tx, "approval.withdrawn", ("approval", id.0), it.customer_id, &detail)
    })
}

/// How it stands, in the middle of a sentence.
pub fn said(state: State) -> &'static str {
    match state {
        State::Later => "waiting for another chain",
        State::Open => "waiting",
        State::Approved => "approved",
        State::Rejected => "rejected",
        State::Expired => "over",
        State::Withdrawn => "withdrawn",
        State::Again => "asked anew",
    }
}

/// Whether approvals are on: for the installation, and at this customer by its own wish.
pub fn are_on(db: &Read, customer: CustomerId) -> Result<(bool, bool)> {
    store::are_on(db, customer)
}

/// The chain that an approval is of, while there is one.
pub fn chain_of(db: &Read, id: ApprovalId) -> Result<Option<ChainId>> {
    store::chain_of(db, id)
}
