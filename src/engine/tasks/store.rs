use super::{Filter, State, Task};
use crate::auth::Scope;
use crate::auth::permissions::RequestsRead;
use crate::db::{Read, Write};
use crate::engine::OnError;
use crate::error::Result;
use crate::ids::{CustomerId, RequestId, RoleId, StepId, TaskId, UserId};
use crate::settings;
use crate::time::Instant;
use crate::web::Paging;
use rusqlite::{Row, named_params};
use serde_json::Value;

/// A task to write.
pub struct New<'a> {
    pub step: StepId,
    pub request: RequestId,
    pub customer: CustomerId,
    pub title: &'a str,
    pub text: &'a str,
    pub checklist: Value,
    pub fields: Value,
    pub assignee: Option<UserId>,
    pub role: Option<RoleId>,
    pub due: Instant,
}

/// Somebody who can do it.
pub struct Person {
    pub id: UserId,
    pub name: String,
    pub mail: String,
}

pub fn insert(tx: &Write, new: &New) -> Result<TaskId> {
    tx.change(
        "INSERT INTO tasks (step_id, request_id, customer_id, title, text, checklist, fields, assignee_id, role_id, due_at, opened_at)
         VALUES (:step, :request, :customer, :title, :text, :checklist, :fields, :assignee, :role, :due, :now)
         RETURNING id",
        named_params! {
            ":step": new.step, ":request": new.request, ":customer": new.customer, ":title": new.title,
            ":text": new.text, ":checklist": new.checklist.to_string(), ":fields": new.fields.to_string(),
            ":assignee": new.assignee, ":role": new.role, ":due": new.due, ":now": tx.now,
        },
    )
}

pub fn page(
    db: &Read,
    scope: &Scope<RequestsRead>,
    filter: Filter,
    paging: &Paging,
) -> Result<Vec<Task>> {
    db.all(
        "SELECT tasks.id, request_id, tasks.customer_id, customers.name AS customer_name, title, text, checklist, fields,
                assignee_id, assignee.display_name AS assignee, role_id, roles.name AS role, tasks.state, reason, due_at, opened_at, ended_at,
                ender.display_name AS ended_by
           FROM tasks JOIN customers ON customers.id = tasks.customer_id
                LEFT JOIN users AS assignee ON assignee.id = assignee_id
                LEFT JOIN roles ON roles.id = role_id
                LEFT JOIN users AS ender ON ender.id = ended_by
          WHERE tasks.id > :after AND (:all OR tasks.state = 'open') AND (NOT :mine OR assignee_id = :me
                 OR EXISTS (SELECT 1 FROM role_grants JOIN customer_tree ON above = at_id
                             WHERE role_grants.user_id = :me AND role_grants.role_id = tasks.role_id
                               AND below = tasks.customer_id AND (until_on IS NULL OR until_on >= substr(:now, 1, 10))))
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = tasks.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY tasks.id LIMIT :most",
        named_params! {
            ":after": paging.id(), ":all": filter.all, ":mine": filter.mine, ":me": scope.by.user,
            ":now": db.now, ":scope": scope, ":most": paging.fetch(),
        },
        task,
    )
}

pub fn one(db: &Read, scope: &Scope<RequestsRead>, id: TaskId) -> Result<Task> {
    db.one(
        "SELECT tasks.id, request_id, tasks.customer_id, customers.name AS customer_name, title, text, checklist, fields,
                assignee_id, assignee.display_name AS assignee, role_id, roles.name AS role, tasks.state, reason, due_at, opened_at, ended_at,
                ender.display_name AS ended_by
           FROM tasks JOIN customers ON customers.id = tasks.customer_id
                LEFT JOIN users AS assignee ON assignee.id = assignee_id
                LEFT JOIN roles ON roles.id = role_id
                LEFT JOIN users AS ender ON ender.id = ended_by
          WHERE tasks.id = :id
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = tasks.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":id": id, ":scope": scope },
        task,
    )
}

fn task(row: &Row) -> rusqlite::Result<Task> {
    let json = |name: &str| row.get::<_, String>(name);
    Ok(Task {
        id: row.get("id")?,
        request_id: row.get("request_id")?,
        customer_id: row.get("customer_id")?,
        customer_name: row.get("customer_name")?,
        title: row.get("title")?,
        text: row.get("text")?,
        checklist: serde_json::from_str(&json("checklist")?).unwrap_or_default(),
        fields: serde_json::from_str(&json("fields")?).unwrap_or_default(),
        assignee_id: row.get("assignee_id")?,
        assignee: row.get("assignee")?,
        role: row.get("role")?,
        role_id: row.get("role_id")?,
        state: row.get("state")?,
        reason: row.get("reason")?,
        due_at: row.get("due_at")?,
        opened_at: row.get("opened_at")?,
        ended_at: row.get("ended_at")?,
        ended_by: row.get("ended_by")?,
    })
}

/// An active user of the provider or of a reseller, who works for others.
pub fn person(db: &Read, upn: &str) -> Result<Option<Person>> {
    db.maybe(
        "SELECT users.id, display_name, mail
           FROM users JOIN customers ON customers.id = customer_id
          WHERE upn = lower(?1) AND users.state = 'active' AND (customers.id = 1 OR reseller)",
        [upn],
        |row| {
            Ok(Person {
                id: row.get("id")?,
                name: row.get("display_name")?,
                mail: row.get("mail")?,
            })
        },
    )
}

pub fn end(tx: &Write, id: TaskId, state: State, reason: &str) -> Result<usize> {
    tx.run(
        "UPDATE tasks SET state = :state, reason = :reason, ended_at = :now, ended_by = :by
          WHERE id = :id AND state = 'open'",
        named_params! {
            ":id": id, ":state": state, ":reason": reason, ":now": tx.now, ":by": tx.by.user,
        },
    )
}

pub fn step_done(tx: &Write, id: TaskId, outputs: &str) -> Result<usize> {
    tx.run(
        "UPDATE steps SET status = 'done', outputs = :outputs, next_at = NULL, ended_at = :now
          WHERE id = (SELECT step_id FROM tasks WHERE id = :id) AND status = 'waiting'",
        named_params! { ":id": id, ":outputs": outputs, ":now": tx.now },
    )
}

/// What becomes of the request, and the step's title.
pub fn step_failed(tx: &Write, id: TaskId, why: &str) -> Result<(OnError, String)> {
    tx.run(
        "UPDATE steps SET status = 'failed', error = :why, error_class = 'permanent', next_at = NULL, ended_at = :now
          WHERE id = (SELECT step_id FROM tasks WHERE id = :id) AND status = 'waiting'",
        named_params! { ":id": id, ":why": why, ":now": tx.now },
    )?;
    tx.one(
        "SELECT on_error, title FROM steps WHERE id = (SELECT step_id FROM tasks WHERE id = ?1)",
        [id],
        |row| Ok((row.get("on_error")?, row.get("title")?)),
    )
}

pub fn warn(tx: &Write, id: RequestId) -> Result<usize> {
    tx.run("UPDATE requests SET warnings = warnings + 1 WHERE id = ?1", [id])
}

/// It waits for a worker again.
pub fn go_on(tx: &Write, id: RequestId, deadline: Instant) -> Result<usize> {
    tx.run(
        "UPDATE requests
            SET turn = 'ready', hold = '', next_at = :now, deadline_at = :deadline, version = version + 1,
                connector_id = (SELECT connector_id FROM steps
                                 WHERE request_id = :id AND status = 'pending' ORDER BY seq LIMIT 1)
          WHERE id = :id AND hold = 'person'",
        named_params! { ":id": id, ":now": tx.now, ":deadline": deadline },
    )
}

pub fn event_of(db: &Read, id: RequestId) -> Result<String> {
    db.value("SELECT event FROM requests WHERE id = ?1", [id])
}

pub fn name_of(db: &Read, id: UserId) -> Result<String> {
    db.value("SELECT display_name FROM users WHERE id = ?1", [id])
}

pub fn assign(tx: &Write, id: TaskId, user: Option<UserId>, role: Option<RoleId>) -> Result<usize> {
    tx.run("UPDATE tasks SET assignee_id = ?2, role_id = ?3 WHERE id = ?1", (id, user, role))
}

pub fn role_of(db: &Read, id: TaskId) -> Result<Option<String>> {
    db.value(
        "SELECT (SELECT name FROM roles WHERE roles.id = role_id) FROM tasks WHERE id = ?1",
        [id],
    )
}

/// Names of the roles that people hold at a customer or above it.
pub fn roles(db: &Read, customer: CustomerId) -> Result<Vec<String>> {
    db.all(
        "SELECT DISTINCT roles.name
           FROM customer_tree JOIN role_grants ON at_id = above
                JOIN roles ON roles.id = role_grants.role_id
          WHERE below = :customer AND (until_on IS NULL OR until_on >= substr(:now, 1, 10))
          ORDER BY roles.name LIMIT 200",
        named_params! { ":customer": customer, ":now": db.now },
        |row| row.get("name"),
    )
}

/// The role of that name that people hold at a customer or above it, the nearest of several.
pub fn role(db: &Read, customer: CustomerId, name: &str) -> Result<Option<RoleId>> {
    db.maybe(
        "SELECT roles.id
           FROM customer_tree JOIN role_grants ON at_id = above
                JOIN roles ON roles.id = role_grants.role_id
          WHERE below = :customer AND roles.name = :name
            AND (until_on IS NULL OR until_on >= substr(:now, 1, 10))
          ORDER BY depth, roles.id LIMIT 1",
        named_params! { ":customer": customer, ":name": name.trim(), ":now": db.now },
        |row| row.get("id"),
    )
}

/// Who holds a role at a customer or above it.
pub fn holders(db: &Read, role: RoleId, customer: CustomerId) -> Result<Vec<Person>> {
    db.all(
        "SELECT DISTINCT users.id, display_name, mail
           FROM customer_tree JOIN role_grants ON at_id = above AND role_grants.role_id = :role
                JOIN users ON users.id = role_grants.user_id AND users.state = 'active'
          WHERE below = :customer AND mail <> '' AND (until_on IS NULL OR until_on >= substr(:now, 1, 10))
          ORDER BY users.id LIMIT 50",
        named_params! { ":role": role, ":customer": customer, ":now": db.now },
        |row| {
            Ok(Person {
                id: row.get("id")?,
                name: row.get("display_name")?,
                mail: row.get("mail")?,
            })
        },
    )
}

pub fn holds(db: &Read, user: UserId, role: RoleId, customer: CustomerId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM role_grants JOIN customer_tree ON above = at_id
                         WHERE user_id = :user AND role_id = :role AND below = :customer
                           AND (until_on IS NULL OR until_on >= substr(:now, 1, 10)))",
        named_params! { ":user": user, ":role": role, ":customer": customer, ":now": db.now },
    )
}

/// A task that is due, and whose it is.
pub struct Due {
    pub id: TaskId,
    pub customer: CustomerId,
    pub title: String,
    pub person: Option<Person>,
    pub role: Option<RoleId>,
}

/// Open tasks past their time that nobody was reminded of since `since`.
pub fn due(db: &Read, since: Instant) -> Result<Vec<Due>> {
    db.all(
        "SELECT tasks.id, tasks.customer_id, title, role_id, users.id AS user_id, display_name, mail
           FROM tasks LEFT JOIN users ON users.id = assignee_id AND users.state = 'active'
          WHERE tasks.state = 'open' AND due_at <= :now AND (reminded_at IS NULL OR reminded_at <= :since)
          ORDER BY tasks.id LIMIT 500",
        named_params! { ":now": db.now, ":since": since },
        |row| {
            let user: Option<UserId> = row.get("user_id")?;
            let (name, mail): (Option<String>, Option<String>) =
                (row.get("display_name")?, row.get("mail")?);
            let person = user.zip(name).zip(mail).map(|((id, name), mail)| Person { id, name, mail });
            Ok(Due {
                id: row.get("id")?,
                customer: row.get("customer_id")?,
                title: row.get("title")?,
                person,
                role: row.get("role_id")?,
            })
        },
    )
}

pub fn reminded(tx: &Write, id: TaskId) -> Result<usize> {
    tx.run("UPDATE tasks SET reminded_at = ?2 WHERE id = ?1", (id, tx.now))
}

/// Those of the provider who may see to any request: whoever is told where a task is nobody's.
pub fn operators(db: &Read) -> Result<Vec<Person>> {
    db.all(
        "SELECT DISTINCT users.id, display_name, mail
           FROM role_grants JOIN role_rights ON role_rights.role_id = role_grants.role_id
                JOIN users ON users.id = role_grants.user_id
          WHERE permission = 'system.operate' AND users.customer_id = 1 AND users.state = 'active'
          ORDER BY users.id LIMIT 20",
        [],
        |row| {
            Ok(Person {
                id: row.get("id")?,
                name: row.get("display_name")?,
                mail: row.get("mail")?,
            })
        },
    )
}

/// What links begin with.
pub fn base_url(db: &Read) -> Result<String> {
    Ok(settings::store::all(db)?.remove("base_url").unwrap_or_default())
}
