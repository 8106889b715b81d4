//! Work that people do: a step waits for it without holding up anything else.
//!
//! Invariants: a task ends once, done or refused, and the step with it; it never ends by itself, but
//! with its request.

pub mod api;
pub mod pages;
mod store;

use super::{DEADLINE, End, Job, OnError, finish};
use crate::audit;
use crate::auth::permissions::{RequestsRead, RequestsRetry};
use crate::auth::{Actor, Scope};
use crate::db::{Db, Read, Work, Write};
use crate::error::{Complaint, Error, Result};
use crate::events;
use crate::ids::{CustomerId, RequestId, RoleId, StepId, TaskId, UserId};
use crate::input::{Field, Fields, Input};
use crate::mail::{self, Class, NewMessage};
use crate::time::Instant;
use crate::web::{Listing, Paging};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

words! {
    State { Open = "open", Done = "done", Refused = "refused", Cancelled = "cancelled" }
}

/// A point of a checklist.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Point {
    pub text: String,
    pub done: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct Task {
    pub id: TaskId,
    pub request_id: RequestId,
    pub customer_id: CustomerId,
    #[serde(skip)]
    pub customer_name: String,
    pub title: String,
    pub text: String,
    pub checklist: Vec<Point>,
    /// What is asked for at the end, by name.
    pub fields: Vec<String>,
    pub assignee_id: Option<UserId>,
    pub assignee: Option<String>,
    /// Everybody who holds it there may do it.
    pub role: Option<String>,
    #[serde(skip)]
    role_id: Option<RoleId>,
    pub state: State,
    /// Why it was refused.
    pub reason: String,
    pub due_at: Instant,
    pub opened_at: Instant,
    pub ended_at: Option<Instant>,
    #[serde(skip)]
    pub ended_by: Option<String>,
}

/// What a list is narrowed by.
#[derive(Clone, Copy, Default)]
pub struct Filter {
    pub mine: bool,
    /// Those that have ended, too.
    pub all: bool,
}

pub const COMPLETE: &[Field] = &[
    Field::list("ticked", "the numbers of the points that are done, from 1"),
    Field::object("fields", "what is asked for, by name"),
];

pub const REFUSE: &[Field] = &[Field::text("reason", "1 to 200 characters").required()];

pub const ASSIGN: &[Field] = &[
    Field::text("user", "somebody’s sign-in name; nobody if left out"),
    Field::text("role", "the name of a role; empty is none, and what is left out stays"),
];

/// What a rule says of a task.
#[derive(Deserialize)]
struct Asked {
    title: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    checklist: Vec<String>,
    assignee: Option<String>,
    role: Option<String>,
    due_days: Option<i64>,
    #[serde(default)]
    fields: Vec<String>,
}

/// Opens the task of a step, and mails whoever is to do it.
pub fn open(tx: &Write, step: StepId, job: &Job, params: &Value) -> Result<()> {
    let asked: Asked = serde_json::from_value(params.clone())?;
    let assignee = match &asked.assignee {
        Some(upn) => {
            let found = store::person(tx, upn)?;
            Some(found.ok_or_else(|| Error::refused(format!("{upn} is nobody who can do it.")))?)
        }
        None => None,
    };
    let role =
        match &asked.role {
            Some(name) => {
                let found = store::role(tx, job.customer, name)?;
                Some(found.ok_or_else(|| {
                    Error::refused(format!("{name} is no role that is held there."))
                })?)
            }
            None => None,
        };
    let new = store::New {
        role,
        step,
        request: job.request,
        customer: job.customer,
        title: &asked.title,
        text: &asked.text,
        checklist: json!(
            asked
                .checklist
                .iter()
                .map(|text| json!({ "text": text, "done": false }))
                .collect::<Vec<_>>()
        ),
        fields: json!(asked.fields),
        assignee: assignee.as_ref().map(|person| person.id),
        due: tx.now.plus_days(asked.due_days.unwrap_or(7)),
    };
    let id = store::insert(tx, &new)?;
    audit::record(
        tx,
        "task.opened",
        ("task", id.0),
        job.customer,
        &json!({ "title": asked.title }),
    )?;
    for person in &people(tx, job.customer, assignee, role)? {
        tell(tx, id, job.customer, person, "task.opened", &asked.title)?;
    }
    Ok(())
}

/// Who is told of a task: whoever it is given to, else everybody with its role.
fn people(
    db: &Read,
    customer: CustomerId,
    assignee: Option<store::Person>,
    role: Option<RoleId>,
) -> Result<Vec<store::Person>> {
    match (assignee, role) {
        (Some(person), _) => Ok(vec![person]),
        (None, Some(role)) => store::holders(db, role, customer),
        (None, None) => Ok(Vec::new()),
    }
}

/// Title and link, and nothing of what it is about.
fn tell(
    tx: &Write,
    id: TaskId,
    customer: CustomerId,
    person: &store::Person,
    event: &str,
    title: &str,
) -> Result<()> {
    let lead =
        if event == "task.due" { "This is still to be done" } else { "Something is to be done" };
    let place = match store::base_url(tx)? {
        url if url.is_empty() => format!("It is task {id} under Requests."),
        url => format!("{}/tasks/{id}", url.trim_end_matches('/')),
    };
    let text = format!("Hello {},\n\n{lead}: {title}\n\n{place}", person.name);
    let message = NewMessage {
        customer,
        user: Some(person.id),
        event,
        class: Class::Notice,
        to: &person.mail,
        name: &person.name,
        subject: title,
        text: &text,
        link: None,
        expires: None,
    };
    mail::queue(tx, &message).map(|_| ())
}

pub fn list(
    db: &Db,
    scope: &Scope<RequestsRead>,
    filter: Filter,
    paging: &Paging,
) -> Result<Listing<Task>> {
    let rows = db.read(|db| store::page(db, scope, filter, paging))?;
    Ok(paging.listing(rows, |task| (String::new(), task.id.0)))
}

pub fn one(db: &Read, scope: &Scope<RequestsRead>, id: TaskId) -> Result<Task> {
    store::one(db, scope, id)
}

/// Whether somebody may end it: it is theirs or their role's, or they may see to requests there.
pub fn may_end(db: &Read, actor: &Actor, task: &Task) -> Result<bool> {
    if task.assignee_id == Some(actor.user) {
        return Ok(true);
    }
    if let Some(role) = task.role_id
        && store::holds(db, actor.user, role, task.customer_id)?
    {
        return Ok(true);
    }
    match actor.scope::<RequestsRetry>() {
        Ok(scope) => Ok(scope.reaches(db, task.customer_id).is_ok()),
        Err(_) => Ok(false),
    }
}

/// One that is open, and that the actor may end.
fn open_one(tx: &Write, actor: &Actor, scope: &Scope<RequestsRead>, id: TaskId) -> Result<Task> {
    let task = store::one(tx, scope, id)?;
    if !may_end(tx, actor, &task)? {
        return Err(Error::Forbidden(
            "This task is another’s, and you may not see to requests there.".into(),
        ));
    }
    match task.state {
        State::Open => Ok(task),
        ended => {
            let by = task.ended_by.as_deref().unwrap_or("Portico");
            Err(Error::Conflict(format!("It is {} already, by {by}.", ended.word())))
        }
    }
}

/// Ends it well: all points ticked, all that was asked for given. The work goes on.
pub fn complete(
    db: &Db,
    actor: &Actor,
    scope: &Scope<RequestsRead>,
    id: TaskId,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let task = open_one(tx, actor, scope, id)?;
        let mut fields = Fields::of(input, COMPLETE);
        let ticked = fields.list::<usize>("ticked", 200).unwrap_or_default();
        for (number, point) in (1..).zip(&task.checklist) {
            if !ticked.contains(&number) {
                let text = format!("has an open point: {}", point.text);
                let _: Option<()> = fields.complain("ticked", text);
            }
        }
        let given = fields.members("fields");
        let mut outputs = Map::new();
        for name in &task.fields {
            let text = given.iter().find(|(known, _)| known == name).map_or("", |(_, text)| text);
            match text.chars().count() {
                1..=500 => {
                    outputs.insert(name.clone(), Value::from(text));
                }
                0 => fields.complaints([Complaint::new(format!("fields.{name}"), "is required")]),
                _ => fields.complaints([Complaint::new(
                    format!("fields.{name}"),
                    "must have at most 500 characters",
                )]),
            }
        }
        for (name, _) in given.iter().filter(|(name, _)| !task.fields.iter().any(|f| f == name)) {
            let text = "is not asked for";
            fields.complaints([Complaint::new(format!("fields.{name}"), text)]);
        }
        fields.finish(|| Some(()))?;
        store::end(tx, id, State::Done, "")?;
        store::step_done(tx, id, &Value::Object(outputs).to_string())?;
        go_on(tx, &task)?;
        record(tx, "task.done", &task, &json!({}))
    })
}

/// Ends it badly: the step fails for good.
pub fn refuse(
    db: &Db,
    actor: &Actor,
    scope: &Scope<RequestsRead>,
    id: TaskId,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let task = open_one(tx, actor, scope, id)?;
        let mut fields = Fields::of(input, REFUSE);
        let reason = fields.text("reason", 1..=200);
        let reason = fields.finish(|| reason)?;
        store::end(tx, id, State::Refused, &reason)?;
        let who = store::name_of(tx, actor.user)?;
        let why = format!("Refused by {who}: {reason}");
        let (on_error, title) = store::step_failed(tx, id, &why)?;
        record(tx, "task.refused", &task, &json!({ "reason": reason }))?;
        if on_error == OnError::Continue {
            store::warn(tx, task.request_id)?;
            return go_on(tx, &task);
        }
        let event = store::event_of(tx, task.request_id)?;
        finish(tx, events::find(&event)?, task.request_id, End::Failed, &format!("{title}: {why}"))
    })
}

/// The roles it could be given to, by name.
pub fn roles(db: &Read, task: &Task) -> Result<Vec<String>> {
    store::roles(db, task.customer_id)
}

/// Gives it to somebody else, to everybody with a role, or to nobody.
pub fn assign(
    db: &Db,
    actor: &Actor,
    scope: &Scope<RequestsRead>,
    id: TaskId,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let task = open_one(tx, actor, scope, id)?;
        let mut fields = Fields::of(input, ASSIGN);
        let (user, role) = (fields.text("user", 0..=320), fields.text("role", 0..=100));
        let said = input.has("role");
        let (user, role) = fields.finish(|| Some((user?, role?)))?;
        let role = match role.as_str() {
            _ if !said => task.role_id,
            "" => None,
            name => match store::role(tx, task.customer_id, name)? {
                Some(role) => Some(role),
                None => return Err(Error::invalid("role", "is no role that is held there")),
            },
        };
        let person = match user.as_str() {
            "" => None,
            upn => match store::person(tx, upn)? {
                Some(person) => Some(person),
                None => return Err(Error::invalid("user", "is nobody who can do it")),
            },
        };
        store::assign(tx, id, person.as_ref().map(|person| person.id), role)?;
        let now = store::role_of(tx, id)?;
        let detail = json!({ "to": person.as_ref().map(|each| &each.name), "role": now });
        record(tx, "task.assigned", &task, &detail)?;
        for person in &people(tx, task.customer_id, person, role)? {
            tell(tx, id, task.customer_id, person, "task.opened", &task.title)?;
        }
        Ok(())
    })
}

/// Reminds of what is due, once a day: whoever has it, else everybody with its role, else those who
/// run the engine. Says of what.
pub fn remind(tx: &Write) -> Result<Vec<(TaskId, String)>> {
    let mut told = Vec::new();
    for due in store::due(tx, tx.now.plus_seconds(-23 * 3600))? {
        let mut people = people(tx, due.customer, due.person, due.role)?;
        if people.is_empty() {
            people = store::operators(tx)?;
        }
        for person in &people {
            tell(tx, due.id, due.customer, person, "task.due", &due.title)?;
        }
        store::reminded(tx, due.id)?;
        told.push((due.id, due.title));
    }
    Ok(told)
}

/// The request queues again, with a day of the engine's time.
fn go_on(tx: &Write, task: &Task) -> Result<()> {
    store::go_on(tx, task.request_id, tx.now.plus_seconds(DEADLINE))?;
    tx.wake(Work::Requests);
    Ok(())
}

fn record(tx: &Write, action: &str, task: &Task, detail: &Value) -> Result<()> {
    audit::record(tx, action, ("task", task.id.0), task.customer_id, detail)
}
