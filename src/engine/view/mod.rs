//! Requests as people and programs see them: rows of a list, one with its steps, and why it waits.

pub mod store;

use crate::auth::permissions::RequestsRead;
use crate::auth::{Breadth, Scope};
use crate::db::{Db, Read};
use crate::engine::{Status, Turn};
use crate::error::Result;
use crate::html::parts::Tone;
use crate::html::text;
use crate::ids::{ConnectorId, CustomerId, RequestId, TaskId, UserId};
use crate::time::Instant;
use crate::web::{Listing, Paging};

words! {
    /// What an open request may be held by.
    Held {
        Approval = "approval", Brake = "brake", Freeze = "freeze",
        // A task that somebody has.
        Person = "person",
        // An instant, or the answer of another system, that a rule waits for.
        Date = "date",
        // Another request.
        After = "after",
    }
}

/// As many failures are told of at once.
const FEED: i64 = 100;

/// Which requests are asked for.
#[derive(Default)]
pub struct Filter {
    pub status: Option<Status>,
    pub hold: Option<Held>,
    pub queue: String,
    /// Who ordered it.
    pub by: Option<UserId>,
    /// Ordered then or later.
    pub from: Option<Instant>,
    /// Ordered before.
    pub until: Option<Instant>,
    pub event: String,
    /// A code.
    pub service: String,
    pub customer: Option<CustomerId>,
    pub user: Option<UserId>,
}

impl Filter {
    /// As the store has it.
    fn hold(&self) -> &'static str {
        match self.hold {
            None => "",
            Some(Held::Date) => "wait",
            Some(held) => held.word(),
        }
    }
}

/// One that failed, for those who are told of all that do.
pub struct Failed {
    pub id: RequestId,
    pub title: String,
    pub reason: String,
    pub customer_name: String,
    pub service_name: Option<String>,
    pub created_at: Instant,
    pub ended_at: Instant,
}

pub struct Row {
    pub id: RequestId,
    pub title: String,
    pub event: String,
    pub status: Status,
    pub reason: String,
    pub warnings: i64,
    pub customer: CustomerId,
    pub customer_name: String,
    pub user: Option<UserId>,
    pub user_name: Option<String>,
    pub service: Option<String>,
    pub service_name: Option<String>,
    pub by: Option<UserId>,
    pub by_name: Option<String>,
    pub created_at: Instant,
    pub started_at: Option<Instant>,
    pub ended_at: Option<Instant>,
    pub steps: i64,
    pub steps_done: i64,
    pub queue: String,
    pub turn: Turn,
    hold: String,
}

impl Row {
    /// What holds it, if it is open and held.
    pub fn held(&self) -> Option<Held> {
        match (self.turn, self.hold.as_str()) {
            (Turn::Over, _) => None,
            (Turn::Blocked, _) => Some(Held::After),
            (_, "wait") => Some(Held::Date),
            (_, hold) => hold.parse().ok(),
        }
    }
}

pub struct Step {
    pub id: i64,
    pub title: String,
    pub action: String,
    pub connector: Option<String>,
    pub connector_id: Option<ConnectorId>,
    pub status: String,
    pub attempts: i64,
    pub error: String,
    pub error_class: String,
    pub started_at: Option<Instant>,
    pub ended_at: Option<Instant>,
    pub next_at: Option<Instant>,
    pub tries: Vec<Try>,
}

pub struct Try {
    pub number: i64,
    pub started_at: Instant,
    pub ended_at: Option<Instant>,
    pub outcome: String,
    pub log: String,
}

/// What stands in a request's way.
#[derive(Default)]
pub struct Hurdle {
    pub blocked: Option<(RequestId, String)>,
    pub next_at: Option<Instant>,
    /// What it sleeps for, but for the next attempt.
    pub hold: String,
    /// The step that is answered later.
    pub called: Option<String>,
    pub freeze: Option<String>,
    pub task: Option<(TaskId, String)>,
    pub paused_by: Option<(String, Instant)>,
    pub connector: Option<(String, String, Option<Instant>)>,
    pub cancel_asked: bool,
    /// Who is asked for approval and has not said anything yet.
    pub asked: String,
    /// Steps of the customer in this queue, where there may be no more of them.
    pub full: Option<i64>,
    /// Calls of the connector, where there may be no more of them.
    pub busy: bool,
}

/// A request that is a part of another, or has it as its part.
pub struct Related {
    pub id: RequestId,
    pub title: String,
    pub status: Status,
    pub reason: String,
    /// Where what it could not remove is forgotten, if that is a way on.
    pub forget: Option<String>,
}

pub struct Shown {
    pub row: Row,
    /// What it is a part of.
    pub whole: Option<Related>,
    /// Its parts, those that failed first, as many as a page shows.
    pub parts: Vec<Related>,
    pub steps: Vec<Step>,
    pub hurdle: Hurdle,
}

/// A queue and how it is doing.
pub struct Queue {
    pub name: String,
    pub workers: i64,
    pub per_customer: i64,
    pub per_connector: i64,
    pub paused_at: Option<Instant>,
    pub paused_by: Option<String>,
    pub ready: i64,
    pub running: i64,
    pub sleeping: i64,
    pub blocked: i64,
    pub oldest_at: Option<Instant>,
}

/// A connector whose breaker is open.
pub struct Down {
    pub id: i64,
    pub name: String,
    pub since: Option<Instant>,
    pub until: Instant,
    pub error: String,
}

pub fn list(
    db: &Db,
    scope: &Scope<RequestsRead>,
    filter: &Filter,
    paging: &Paging,
) -> Result<Listing<Row>> {
    db.read(|db| {
        let ids = match (filter.user, filter.customer, scope.breadth(db)?) {
            (Some(user), _, _) => store::of_user(db, scope, user, filter, paging)?,
            (None, Some(customer), _) => store::of_customer(db, scope, customer, filter, paging)?,
            (None, None, Breadth::Narrow) => store::of_few(db, scope, filter, paging)?,
            (None, None, Breadth::Wide | Breadth::All) => match filter.status {
                Some(status) => store::by_status(db, scope, status, filter, paging)?,
                None => store::newest(db, scope, filter, paging)?,
            },
        };
        let page = paging.listing(ids, |id| (String::new(), id.0));
        let rows = store::rows(db, scope, &page.items)?;
        Ok(Listing { items: rows, next: page.next })
    })
}

/// Those within reach that failed last, the newest first.
pub fn failed(db: &Db, scope: &Scope<RequestsRead>) -> Result<Vec<Failed>> {
    db.read(|db| store::failed(db, scope, FEED))
}

pub fn one(db: &Db, scope: &Scope<RequestsRead>, id: RequestId) -> Result<Shown> {
    db.read(|db| shown(db, scope, id))
}

fn shown(db: &Read, scope: &Scope<RequestsRead>, id: RequestId) -> Result<Shown> {
    let row = store::rows(db, scope, &[id])?.pop().ok_or(crate::error::Error::NotFound)?;
    let mut steps = store::steps(db, id)?;
    for step in &mut steps {
        step.tries = store::tries(db, step.id)?;
    }
    let (whole, parts) = (store::whole(db, scope, id)?, store::parts(db, scope, id)?);
    Ok(Shown { row, whole, parts, steps, hurdle: store::hurdle(db, id)? })
}

impl Shown {
    pub fn is_open(&self) -> bool {
        self.row.turn != Turn::Over
    }

    /// Why it waits, in a sentence; `clock` says an instant. Empty where it does not.
    pub fn waits(&self, now: Instant, clock: impl Fn(Instant) -> String) -> String {
        let hurdle = &self.hurdle;
        match self.row.turn {
            Turn::Over => String::new(),
            Turn::Busy if hurdle.cancel_asked => {
                "Ends when the step in hand has ended, because it was cancelled.".to_owned()
            }
            Turn::Busy => String::new(),
            Turn::Blocked => match &hurdle.blocked {
                Some((id, title)) => format!("Waits for request {id}, “{title}”."),
                None => String::new(),
            },
            Turn::Sleeping if hurdle.hold == "wait" => match hurdle.next_at {
                Some(at) if hurdle.called.is_some() => {
                    let called = hurdle.called.as_deref().unwrap_or_default();
                    format!("“{called}” is answered later, by {} at the latest.", clock(at))
                }
                Some(at) => format!("Waits until {}, as its rule says.", clock(at)),
                None => String::new(),
            },
            Turn::Sleeping if hurdle.hold == "person" => match &hurdle.task {
                Some((id, title)) => format!("Waits for somebody to do task {id}, “{title}”."),
                None => String::new(),
            },
            Turn::Sleeping if hurdle.hold == "freeze" => match hurdle.next_at {
                Some(at) => {
                    let name = hurdle.freeze.as_deref().unwrap_or("a freeze");
                    format!("Nothing is begun until {}, because of “{name}”.", clock(at))
                }
                None => String::new(),
            },
            Turn::Sleeping if hurdle.hold == "approval" && !hurdle.asked.is_empty() => {
                format!("Waits for approval by {}.", hurdle.asked)
            }
            Turn::Sleeping if hurdle.hold == "approval" => "Waits for approval.".to_owned(),
            Turn::Sleeping if hurdle.hold == "brake" => {
                "It would take from many, so it waits until somebody has looked at the list and lets it go.".to_owned()
            }
            Turn::Sleeping => match hurdle.next_at {
                Some(at) => format!("The last attempt failed. It is tried again at {}.", clock(at)),
                None => String::new(),
            },
            Turn::Ready => self.waits_for_worker(now, clock),
        }
    }

    fn waits_for_worker(&self, now: Instant, clock: impl Fn(Instant) -> String) -> String {
        let queue = &self.row.queue;
        if let Some((who, since)) = &self.hurdle.paused_by {
            return format!("Queue {queue} is paused by {who} since {}.", clock(*since));
        }
        match &self.hurdle.connector {
            Some((name, state, _)) if state == "paused" => {
                format!("The connector {name} is paused.")
            }
            Some((name, _, Some(until))) if *until > now => {
                format!("{name} does not answer. It is tried again at {}.", clock(*until))
            }
            Some((name, _, _)) if self.hurdle.busy => {
                format!("Waits until {name} is free: it has as many calls in hand as it may.")
            }
            _ => match self.hurdle.full {
                Some(n) => format!(
                    "Waits for other work of {}: {} at once run in the queue {queue}, as many as may.",
                    self.row.customer_name,
                    text::count(n, "step", "steps")
                ),
                None => format!("Waits for a free worker of the queue {queue}."),
            },
        }
    }
}

/// The word for a status, and its tone.
pub fn said(status: Status, warnings: i64) -> (Tone, &'static str) {
    match status {
        Status::WaitingApproval => (Tone::Wait, "Needs approval"),
        Status::Queued => (Tone::Wait, "Waiting"),
        Status::Running => (Tone::Busy, "Running"),
        Status::Done if warnings > 0 => (Tone::Wait, "Done with warnings"),
        Status::Done => (Tone::Ok, "Done"),
        Status::Failed => (Tone::Bad, "Failed"),
        Status::Cancelled => (Tone::Off, "Cancelled"),
    }
}
