//! The brake: work that would take from many waits, whole, until somebody who may has looked at the
//! list of what it takes and typed how many that are.
//!
//! Invariants: what is held has changed nothing yet; what is let go is no more than was looked at.

pub mod api;
pub mod pages;
mod store;

use crate::audit;
use crate::auth::Scope;
use crate::auth::permissions::{Permission, RequestsRelease};
use crate::db::{By, Db, Read, Via, Write};
use crate::error::{Error, Result};
use crate::html::text::count;
use crate::ids::{CustomerId, HoldId, RequestId, RunId};
use crate::input::{CONFIRM, Field, Fields, Input};
use crate::jobs::{self, RunCx};
use crate::mail::Class;
use crate::mail::people::{self, Notice};
use crate::time::Instant;
use crate::web::{Listing, Paging};
use serde::Serialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

words! {
    /// Of what there are too many.
    What {
        // Who are disabled, suspended, ended, or lose something.
        Users = "users",
        // That are removed.
        Groups = "groups",
        // Objects that go elsewhere.
        Moves = "moves",
        // Services that somebody has and that change.
        Assignments = "assignments",
    }
}

words! {
    State {
        Held = "held", Released = "released", Refused = "refused",
        // The work was taken back.
        Withdrawn = "withdrawn",
    }
}

/// One thing that the work would take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    pub what: What,
    #[serde(rename = "customer_id")]
    pub customer: CustomerId,
    /// Of users the user's; 0 where it has none here.
    #[serde(rename = "subject_id")]
    pub id: i64,
    /// For whoever looks: a name, and what becomes of it.
    pub text: String,
}

/// Work that is held, or was.
#[derive(Clone, Debug, Serialize)]
pub struct Hold {
    pub id: HoldId,
    pub run_id: Option<RunId>,
    pub request_id: Option<RequestId>,
    pub customer_id: CustomerId,
    #[serde(skip)]
    pub customer_name: String,
    #[serde(skip)]
    pub several: bool,
    pub title: String,
    pub number: i64,
    pub state: State,
    pub reason: String,
    pub made_at: Instant,
    /// Who ordered it; none: the clock.
    pub made_by: Option<crate::ids::UserId>,
    #[serde(skip)]
    pub made_by_name: Option<String>,
    pub decided_at: Option<Instant>,
    #[serde(skip)]
    pub decided_by_name: Option<String>,
}

pub const RELEASE: &[Field] =
    &[CONFIRM, Field::text("reason", "why, 5 to 200 characters").required()];

pub const REFUSE: &[Field] = &[
    Field::text("reason", "why, 5 to 200 characters").required(),
    Field::text("confirm", "not needed: nothing is taken"),
];

/// More users than these, more of a customer's users in a hundred, and so on are many.
const USERS: i64 = 10;
const PERCENT: i64 = 5;
/// Fewer users than these are never many.
const FEW: i64 = 3;
const GROUPS: usize = 5;
const MOVES: usize = 50;
pub const ASSIGNMENTS: usize = 500;
/// Held works that are counted; of more it is told that there are many.
const MOST_COUNTED: i64 = 20;
/// By hand, with the number typed, so many users lose something without somebody else looking.
const BY_HAND: i64 = 50;

/// Whether a run that takes the wish of nobody in particular (a sync, an import, a fan-out, the
/// repair of drift) may go on with `items`: all that it is about to take, in its whole.
///
/// How to use it: plan everything first; put what is disabled, suspended, ended or removed (users),
/// the groups removed, the objects moved and the assignments changed into `items`; ask, before the
/// first change; and where the answer is no, return `Ok(())` at once:
///
/// ```ignore
/// if !brake::may_go_on(cx, "Sync of Aldermoor", &items)? {
///     return Ok(());
/// }
/// ```
///
/// Then the run is `held`, those who may release it are mailed, and it begins anew, from the start,
/// when somebody does. It plans and asks again: what was looked at passes, anything more is held
/// anew. A run that was cancelled is told no, too.
pub fn may_go_on(cx: &RunCx, title: &str, items: &[Item]) -> Result<bool> {
    may_go_on_or(cx, title, items, |_| Ok(()))
}

/// The same; where it is held, `tell` does what else belongs to that, in the same transaction.
pub fn may_go_on_or(
    cx: &RunCx,
    title: &str,
    items: &[Item],
    tell: impl FnOnce(&Write) -> Result<()>,
) -> Result<bool> {
    if cx.cancelled()? {
        return Ok(false);
    }
    let by = By { user: cx.run.user, via: Via::Job, acting_for: cx.run.acting_for };
    let goes = cx.db.write(by, |tx| {
        if !is_too_much(tx, items)? {
            return Ok(true);
        }
        let seen = store::released(tx, cx.run.id)?;
        let known = |item: &Item| seen.iter().any(|other| same(other, item));
        if items.iter().all(known) {
            return Ok(true);
        }
        hold_run(tx, cx.run.id, title, items)?;
        tell(tx)?;
        Ok(false)
    })?;
    if !goes {
        cx.left_to_the_brake();
    }
    Ok(goes)
}

/// Why such a run would wait, for whoever looks at it beforehand; nothing where it would not.
pub fn would_hold(db: &Read, items: &[Item]) -> Result<Option<String>> {
    Ok(is_too_much(db, items)?.then(|| {
        format!(
            "It would take from {}, so it waits, whole, until somebody who may has looked at the list and typed its number.",
            in_words(items)
        )
    }))
}

/// The run of that kind that is held at the customer.
pub fn held_run(db: &Read, kind: &str, customer: CustomerId) -> Result<Option<RunId>> {
    store::held_run(db, kind, customer)
}

/// What is named differently the next time is the same thing still.
fn same(one: &Item, other: &Item) -> bool {
    let named = one.id != 0 && one.id == other.id;
    one.what == other.what
        && one.customer == other.customer
        && (named || (one.id == other.id && one.text == other.text))
}

/// Whether so much is taken that nobody should do it by mistake.
pub fn is_too_much(db: &Read, items: &[Item]) -> Result<bool> {
    let of = |what: What| items.iter().filter(move |item| item.what == what);
    if of(What::Groups).count() > GROUPS
        || of(What::Moves).count() > MOVES
        || of(What::Assignments).count() > ASSIGNMENTS
    {
        return Ok(true);
    }
    // Who loses several things is one who loses.
    let nameless = |item: &&Item| item.id == 0;
    let users: BTreeSet<(CustomerId, i64, &str)> = of(What::Users)
        .map(|item| (item.customer, item.id, if nameless(&item) { item.text.as_str() } else { "" }))
        .collect();
    let mut losing: BTreeMap<CustomerId, i64> = BTreeMap::new();
    for (customer, ..) in users {
        *losing.entry(customer).or_insert(0) += 1;
    }
    takes_from_many(db, losing)
}

/// The same where it is known how many users of which customers lose something: more than ten, or
/// more than a twentieth of a customer's users and three at least. Branches may be stricter.
pub fn takes_from_many(
    db: &Read,
    losing: impl IntoIterator<Item = (CustomerId, i64)>,
) -> Result<bool> {
    let mut all: i64 = 0;
    for (customer, n) in losing {
        all = all.saturating_add(n);
        if all > USERS {
            return Ok(true);
        }
        if n < FEW.min(store::tightest(db, customer, "brake_users", USERS)?.saturating_add(1)) {
            continue;
        }
        let users = store::users(db, customer)?;
        let percent = store::tightest(db, customer, "brake_percent", PERCENT)?;
        if n > store::tightest(db, customer, "brake_users", USERS)?
            || (n >= FEW && n.saturating_mul(100) > users.saturating_mul(percent))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether somebody has to look at what was ordered by hand, with its number typed: it takes from
/// very many, or two people have to agree there.
pub fn needs_another_look(db: &Read, losing: &[(CustomerId, i64)]) -> Result<bool> {
    let all: i64 = losing.iter().map(|(_, n)| *n).sum();
    if all > BY_HAND {
        return Ok(true);
    }
    needs_two(db, losing.iter().map(|(customer, _)| *customer))
}

/// Whether whoever lets it go must be another than who ordered it.
fn needs_two(db: &Read, mut customers: impl Iterator<Item = CustomerId>) -> Result<bool> {
    customers.try_fold(false, |two, customer| Ok(two || store::two_persons(db, customer)?))
}

/// The users of these ids, as things that lose something.
pub fn users(db: &Read, ids: &[crate::ids::UserId], what: &str) -> Result<Vec<Item>> {
    store::named(db, ids, what)
}

/// Holds a run that has changed nothing yet.
pub fn hold_run(tx: &Write, run: RunId, title: &str, items: &[Item]) -> Result<HoldId> {
    let id = insert(tx, (Some(run), None), title, items)?;
    jobs::hold(tx, run)?;
    Ok(id)
}

/// Notes that a request is held; the caller has seen to it that it does not begin.
pub fn hold_request(tx: &Write, request: RequestId, title: &str, items: &[Item]) -> Result<HoldId> {
    insert(tx, (None, Some(request)), title, items)
}

fn insert(
    tx: &Write,
    of: (Option<RunId>, Option<RequestId>),
    title: &str,
    items: &[Item],
) -> Result<HoldId> {
    let customers: BTreeSet<CustomerId> = items.iter().map(|item| item.customer).collect();
    let customers: Vec<CustomerId> = customers.into_iter().collect();
    let customer = store::above_all(tx, &customers)?;
    let number = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let id = store::insert(tx, of, customer, customers.len() > 1, title, number)?;
    for (seq, item) in (1..).zip(items) {
        store::insert_item(tx, id, seq, item)?;
    }
    let detail = json!({
        "title": title, "number": number, "run_id": of.0, "request_id": of.1,
    });
    audit::record(tx, "bulk.held", ("hold", id.0), customer, &detail)?;
    let text = format!(
        "“{title}” would take from {}. It waits, whole, until somebody has looked at the list and lets it go.",
        in_words(items)
    );
    let notice = Notice {
        customer,
        event: "bulk.held",
        class: Class::Notice,
        subject: &format!("Held: {title}"),
        text: &text,
        path: &format!("/held/{id}"),
    };
    people::tell(tx, &people::nearest_who_may(tx, RequestsRelease::NAME, customer)?, &notice)?;
    Ok(id)
}

/// "12 users and 6 groups"
pub fn in_words(items: &[Item]) -> String {
    let of = |what: What| {
        let n = items.iter().filter(|item| item.what == what).count();
        i64::try_from(n).unwrap_or(i64::MAX)
    };
    let parts = [
        (What::Users, "user", "users"),
        (What::Groups, "group", "groups"),
        (What::Moves, "object that moves", "objects that move"),
        (What::Assignments, "service", "services"),
    ];
    let said: Vec<String> = parts
        .iter()
        .filter(|(what, ..)| of(*what) > 0)
        .map(|(what, one, many)| count(of(*what), one, many))
        .collect();
    said.join(" and ")
}

/// How many wait within reach, and the one that waits longest.
pub fn waiting(db: &Read, scope: &Scope<RequestsRelease>) -> Result<Option<(i64, Hold)>> {
    let first = store::page(db, scope, &Paging::first(MOST_COUNTED))?;
    let n = i64::try_from(first.len()).unwrap_or(i64::MAX);
    Ok(first.into_iter().next().map(|hold| (n, hold)))
}

/// What is held now, within reach.
pub fn list(db: &Db, scope: &Scope<RequestsRelease>, paging: &Paging) -> Result<Listing<Hold>> {
    let rows = db.read(|db| store::page(db, scope, paging))?;
    Ok(paging.listing(rows, |hold| (String::new(), hold.id.0)))
}

pub fn one(db: &Read, scope: &Scope<RequestsRelease>, id: HoldId) -> Result<Hold> {
    store::one(db, scope, id)
}

/// The last of a run or a request.
pub fn last_of_run(db: &Read, scope: &Scope<RequestsRelease>, run: RunId) -> Result<Hold> {
    store::one(db, scope, store::of_run(db, run)?)
}

pub fn last_of_request(
    db: &Read,
    scope: &Scope<RequestsRelease>,
    request: RequestId,
) -> Result<Hold> {
    store::one(db, scope, store::of_request(db, request)?)
}

/// The whole list, page by page.
pub fn items(db: &Read, hold: &Hold, paging: &Paging) -> Result<Listing<(i64, Item)>> {
    let rows = store::items(db, hold.id, paging)?;
    Ok(paging.listing(rows, |(seq, _)| (String::new(), *seq)))
}

/// Lets it go, all of it; `go` does that for a request. Where it is another one by now, what comes back
/// is held.
pub fn release(
    db: &Db,
    scope: &Scope<RequestsRelease>,
    id: HoldId,
    input: &Input,
    go: impl FnOnce(&Write, RequestId) -> Result<Option<String>>,
) -> Result<Hold> {
    db.write(scope.by, |tx| {
        let hold = open_one(tx, scope, id)?;
        let mine = hold.made_by.is_some() && hold.made_by == scope.by.user;
        if mine && needs_two(tx, store::customers(tx, id)?.into_iter())? {
            return Err(Error::Forbidden(
                "Two people have to agree to this: somebody else lets it go, since you ordered it."
                    .into(),
            ));
        }
        let mut fields = Fields::of(input, RELEASE);
        let (typed, reason) =
            (fields.typed(&hold.number.to_string()), fields.text("reason", 5..=200));
        let reason = fields.finish(|| typed.and(reason))?;
        store::decide(tx, id, State::Released, &reason)?;
        record(tx, "bulk.released", &hold, &reason)?;
        if let Some(run) = hold.run_id {
            jobs::let_go(tx, run)?;
        }
        let moved = hold.request_id.map(|request| go(tx, request)).transpose()?.flatten();
        match (moved, hold.request_id) {
            // Another list than the one that was looked at is held in its place.
            (Some(_), Some(request)) => store::one(tx, scope, store::of_request(tx, request)?),
            _ => store::one(tx, scope, id),
        }
    })
}

/// Takes it back, all of it: nothing is changed.
pub fn refuse(
    db: &Db,
    scope: &Scope<RequestsRelease>,
    id: HoldId,
    input: &Input,
    end: impl FnOnce(&Write, RequestId, &str) -> Result<()>,
) -> Result<Hold> {
    db.write(scope.by, |tx| {
        let hold = open_one(tx, scope, id)?;
        let mut fields = Fields::of(input, REFUSE);
        let reason = fields.text("reason", 5..=200);
        let reason = fields.finish(|| reason)?;
        store::decide(tx, id, State::Refused, &reason)?;
        record(tx, "bulk.refused", &hold, &reason)?;
        if let Some(run) = hold.run_id {
            jobs::cancel(tx, run)?;
        }
        if let Some(request) = hold.request_id {
            end(tx, request, &reason)?;
        }
        store::one(tx, scope, id)
    })
}

fn open_one(tx: &Write, scope: &Scope<RequestsRelease>, id: HoldId) -> Result<Hold> {
    let hold = store::one(tx, scope, id)?;
    match hold.state {
        State::Held => Ok(hold),
        ended => {
            let by = hold.decided_by_name.as_deref().unwrap_or("Portico");
            Err(Error::Conflict(format!("It was {} already, by {by}.", ended.word())))
        }
    }
}

fn record(tx: &Write, action: &str, hold: &Hold, reason: &str) -> Result<()> {
    let detail = json!({
        "title": hold.title, "number": hold.number, "reason": reason, "run_id": hold.run_id,
        "request_id": hold.request_id,
    });
    audit::record(tx, action, ("hold", hold.id.0), hold.customer_id, &detail)
}
