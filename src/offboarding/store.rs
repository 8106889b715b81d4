use super::order::Planned;
use super::report::sum;
use super::{Act, Offboarding, Params, Progress, Seal, State, Step};
use crate::auth::Scope;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{OffboardingId, OffboardingStepId, RunId, UserId};
use crate::time::Instant;
use crate::users::User;
use rusqlite::{Row, named_params};

pub fn insert(tx: &Write, user: &User, begins: Instant, meant: bool) -> Result<OffboardingId> {
    tx.change(
        "INSERT INTO offboardings (customer_id, user_id, ordered_at, ordered_by, acting_for, begins_at,
           without_administrator)
         VALUES (:customer, :user, :now, :by, :acting_for, :begins, :meant) RETURNING id",
        named_params! {
            ":customer": user.customer, ":user": user.id, ":now": tx.now, ":by": tx.by.user,
            ":acting_for": tx.by.acting_for, ":begins": begins, ":meant": meant,
        },
    )
}

pub fn insert_step(tx: &Write, id: OffboardingId, step: &Planned) -> Result<()> {
    tx.run(
        "INSERT INTO offboarding_steps (offboarding_id, act, subject, params, due_at)
         VALUES (:id, :act, :subject, :params, :due)",
        named_params! {
            ":id": id, ":act": step.act, ":subject": step.subject,
            ":params": serde_json::to_string(&step.params)?, ":due": step.due,
        },
    )?;
    Ok(())
}

/// What an offboarding is told with; the rest of the statement follows.
macro_rules! whole {
    ($rest:literal) => {
        concat!(
            "SELECT offboardings.id, offboardings.customer_id, offboardings.user_id, offboardings.state, ordered_by,
                    acting_for, ordered_at, begins_at, over_at, without_administrator, run_id, sealed_no, sealed_at, report, previous, hash,
                    coalesce((SELECT users.display_name FROM users WHERE users.id = ordered_by), 'Portico') AS ordered_by_name,
                    coalesce((SELECT prior.hash FROM offboardings prior WHERE prior.sealed_no = offboardings.sealed_no - 1), '') AS prior
               FROM offboardings ",
            $rest
        )
    };
}

/// Whatever it is of: for work that goes on by itself.
pub fn one(db: &Read, id: OffboardingId) -> Result<Offboarding> {
    let found = db.one(whole!("WHERE offboardings.id = ?1"), [id], offboarding)?;
    filled(db, found)
}

/// One of a user's, where it was made within reach.
pub fn seen<P>(
    db: &Read,
    scope: &Scope<P>,
    user: UserId,
    id: OffboardingId,
) -> Result<Offboarding> {
    let found = db.one(
        whole!(
            "WHERE offboardings.id = :id AND offboardings.user_id = :user
               AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = offboardings.customer_id
                              AND scope IN (SELECT value FROM json_each(:scope)))"
        ),
        named_params! { ":id": id, ":user": user, ":scope": scope },
        offboarding,
    )?;
    filled(db, found)
}

pub fn of_user<P>(db: &Read, scope: &Scope<P>, user: UserId) -> Result<Vec<Offboarding>> {
    let all = db.all(
        whole!(
            "WHERE offboardings.user_id = :user
               AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = offboardings.customer_id
                              AND scope IN (SELECT value FROM json_each(:scope)))
             ORDER BY offboardings.id DESC LIMIT 50"
        ),
        named_params! { ":user": user, ":scope": scope },
        offboarding,
    )?;
    all.into_iter().map(|each| filled(db, each)).collect()
}

fn filled(db: &Read, mut found: Offboarding) -> Result<Offboarding> {
    found.steps = steps(db, found.id)?;
    Ok(found)
}

fn offboarding(row: &Row) -> rusqlite::Result<Offboarding> {
    let number: Option<i64> = row.get("sealed_no")?;
    let seal = match number {
        None => None,
        Some(number) => {
            let (previous, hash, report): (String, String, String) =
                (row.get("previous")?, row.get("hash")?, row.get("report")?);
            let prior: String = row.get("prior")?;
            let intact = sum(&previous, &report) == hash && previous == prior;
            Some(Seal { number, sealed_at: row.get("sealed_at")?, previous, hash, report, intact })
        }
    };
    Ok(Offboarding {
        id: row.get("id")?,
        customer: row.get("customer_id")?,
        user_id: row.get("user_id")?,
        state: row.get("state")?,
        ordered: row.get("ordered_by")?,
        acting_for: row.get("acting_for")?,
        ordered_by: row.get("ordered_by_name")?,
        ordered_at: row.get("ordered_at")?,
        begins_at: row.get("begins_at")?,
        over_at: row.get("over_at")?,
        meant: row.get("without_administrator")?,
        run: row.get("run_id")?,
        steps: Vec::new(),
        seal,
    })
}

/// Those that nothing goes on with: what was to do it has ended in the middle.
pub fn left_alone(db: &Read) -> Result<Vec<OffboardingId>> {
    db.all(
        "SELECT id FROM offboardings INDEXED BY offboardings_open
          WHERE state IN ('planned', 'begun', 'over')
            AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = run_id AND runs.state IN ('queued', 'running'))
          ORDER BY id",
        [],
        |row| row.get("id"),
    )
}

/// The one that is not over, of a user.
pub fn open_of(db: &Read, user: UserId) -> Result<Option<OffboardingId>> {
    db.maybe(
        "SELECT id FROM offboardings WHERE user_id = ?1 AND state IN ('planned', 'begun')",
        [user],
        |row| row.get("id"),
    )
}

/// Steps with the names of whom and what they are about; the rest of the statement follows.
macro_rules! of_steps {
    ($rest:literal) => {
        concat!(
            "SELECT offboarding_steps.id, act, subject, params, due_at, offboarding_steps.state, ended_at, result, holds, found,
                    (SELECT users.display_name FROM users WHERE users.id = ended_by) AS by_name,
                    (SELECT users.display_name FROM users WHERE users.id = subject) AS of_user,
                    (SELECT trim(services.name || ' ' || user_services.label) FROM user_services
                       JOIN services ON services.id = user_services.service_id
                      WHERE user_services.id = subject) AS of_service
               FROM offboarding_steps ",
            $rest
        )
    };
}

pub fn steps(db: &Read, id: OffboardingId) -> Result<Vec<Step>> {
    db.all(of_steps!("WHERE offboarding_id = ?1 ORDER BY due_at, offboarding_steps.id"), [id], step)
}

/// The first step that is due and was not looked at.
pub fn due(db: &Read, id: OffboardingId) -> Result<Option<Step>> {
    db.maybe(
        of_steps!(
            "WHERE offboarding_id = ?1 AND offboarding_steps.state = 'planned' AND due_at <= ?2
             ORDER BY due_at, offboarding_steps.id LIMIT 1"
        ),
        (id, db.now),
        step,
    )
}

fn step(row: &Row) -> rusqlite::Result<Step> {
    let act: Act = row.get("act")?;
    let params: String = row.get("params")?;
    let params: Params = serde_json::from_str(&params).unwrap_or_default();
    let subject: Option<String> =
        if act.is_about_user() { row.get("of_user")? } else { row.get("of_service")? };
    Ok(Step {
        id: row.get("id")?,
        act,
        text: act.text(&subject.unwrap_or_default(), &params),
        subject: row.get("subject")?,
        params,
        due_at: row.get("due_at")?,
        state: row.get("state")?,
        ended_at: row.get("ended_at")?,
        by: row.get("by_name")?,
        result: row.get("result")?,
        holds: row.get("holds")?,
        found: row.get("found")?,
    })
}

pub fn next_due(db: &Read, id: OffboardingId) -> Result<Option<Instant>> {
    db.maybe(
        "SELECT due_at FROM offboarding_steps
          WHERE offboarding_id = ?1 AND state = 'planned' ORDER BY due_at LIMIT 1",
        [id],
        |row| row.get("due_at"),
    )
}

pub fn end_step(
    tx: &Write,
    id: OffboardingStepId,
    state: Progress,
    result: &str,
    by: Option<UserId>,
) -> Result<()> {
    tx.run(
        "UPDATE offboarding_steps SET state = :state, ended_at = :now, ended_by = :by, result = :result
          WHERE id = :id AND state IN ('planned', 'by_hand')",
        named_params! { ":id": id, ":state": state, ":now": tx.now, ":by": by, ":result": result },
    )?;
    Ok(())
}

/// What the second look found.
pub fn note(tx: &Write, id: OffboardingStepId, holds: Option<bool>, found: &str) -> Result<()> {
    tx.run(
        "UPDATE offboarding_steps SET holds = :holds, found = :found WHERE id = :id",
        named_params! { ":id": id, ":holds": holds, ":found": found },
    )?;
    Ok(())
}

pub fn cancel_steps(tx: &Write, id: OffboardingId) -> Result<()> {
    tx.run(
        "UPDATE offboarding_steps SET state = 'cancelled', ended_at = :now
          WHERE offboarding_id = :id AND state = 'planned'",
        named_params! { ":id": id, ":now": tx.now },
    )?;
    Ok(())
}

pub fn set_state(tx: &Write, id: OffboardingId, state: State) -> Result<()> {
    tx.run("UPDATE offboardings SET state = ?1 WHERE id = ?2", (state, id))?;
    Ok(())
}

pub fn end(tx: &Write, id: OffboardingId) -> Result<()> {
    tx.run(
        "UPDATE offboardings SET state = 'over', over_at = :now WHERE id = :id",
        named_params! { ":now": tx.now, ":id": id },
    )?;
    Ok(())
}

pub fn set_run(tx: &Write, id: OffboardingId, run: RunId) -> Result<()> {
    tx.run("UPDATE offboardings SET run_id = ?1 WHERE id = ?2", (run, id))?;
    Ok(())
}

/// Number and hash of the report that was sealed last.
pub fn last_seal(db: &Read) -> Result<Option<(i64, String)>> {
    db.maybe(
        "SELECT sealed_no, hash FROM offboardings WHERE sealed_no IS NOT NULL ORDER BY sealed_no DESC LIMIT 1",
        [],
        |row| Ok((row.get("sealed_no")?, row.get("hash")?)),
    )
}

pub fn seal(
    tx: &Write,
    id: OffboardingId,
    number: i64,
    (previous, report, hash): (&str, &str, &str),
) -> Result<()> {
    tx.run(
        "UPDATE offboardings
            SET state = 'sealed', sealed_no = :number, sealed_at = :now, previous = :previous, report = :report,
                hash = :hash
          WHERE id = :id AND sealed_no IS NULL",
        named_params! {
            ":id": id, ":number": number, ":now": tx.now, ":previous": previous, ":report": report,
            ":hash": hash,
        },
    )?;
    Ok(())
}

/// Whom a report is about, by their names of now.
pub struct Whose {
    pub customer: String,
    pub time_zone: String,
    pub name: String,
    pub upn: String,
}

pub fn whose(db: &Read, it: &Offboarding) -> Result<Whose> {
    db.one(
        "SELECT customers.name AS customer, customers.time_zone, display_name, coalesce(upn, '') AS upn
           FROM users, customers WHERE users.id = ?1 AND customers.id = ?2",
        (it.user_id, it.customer),
        |row| {
            Ok(Whose {
                customer: row.get("customer")?,
                time_zone: row.get("time_zone")?,
                name: row.get("display_name")?,
                upn: row.get("upn")?,
            })
        },
    )
}

/// The connectors that the rules of the user's services go through, by name.
pub fn connectors_of(db: &Read, user: UserId) -> Result<Vec<String>> {
    db.all(
        "SELECT DISTINCT connectors.name
           FROM user_services
           JOIN rules ON rules.service_id = user_services.service_id
           JOIN connectors ON connectors.id = rules.connector_id
          WHERE user_services.user_id = ?1 AND user_services.live <> 'gone'
          ORDER BY connectors.name",
        [user],
        |row| row.get("name"),
    )
}

/// Sign-ins that hold and tokens that work.
pub fn ways_in(db: &Read, user: UserId) -> Result<(i64, i64)> {
    db.one(
        "SELECT (SELECT count(*) FROM sessions
                  WHERE sessions.user_id = users.id AND sessions.epoch = users.epoch) AS sessions,
                (SELECT count(*) FROM tokens
                  WHERE tokens.user_id = users.id AND revoked_at IS NULL AND expires_at > :now) AS tokens
           FROM users WHERE users.id = :user",
        named_params! { ":user": user, ":now": db.now },
        |row| Ok((row.get("sessions")?, row.get("tokens")?)),
    )
}

/// Services of the user that outside systems still have.
pub fn services_left(db: &Read, user: UserId) -> Result<i64> {
    db.value(
        "SELECT count(*) FROM user_services WHERE user_id = ?1 AND live NOT IN ('gone', 'never')",
        [user],
    )
}

/// Address and name of whoever ordered it and of those who administrate the customer's users, the
/// leaver not among them.
pub fn to_tell(db: &Read, it: &Offboarding) -> Result<Vec<(String, String)>> {
    db.all(
        "SELECT mail, display_name FROM users
          WHERE state = 'active' AND mail IS NOT NULL AND id <> :user
            AND (id = :by
                 OR id IN (SELECT user_id FROM role_grants
                            WHERE at_id = :customer AND role_id IN
                              (SELECT id FROM roles WHERE customer_id IS NULL AND name IN
                                ('Customer administrator', 'Reseller administrator', 'Provider administrator',
                                 'User administrator', 'User and service administrator'))))
          ORDER BY id LIMIT 50",
        named_params! { ":user": it.user_id, ":by": it.ordered, ":customer": it.customer },
        |row| Ok((row.get("mail")?, row.get("display_name")?)),
    )
}
