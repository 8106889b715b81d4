use super::deputies::Deputy;
use super::{Approval, Ask, State, Vote, Voter};
use crate::auth::Own;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{ApprovalId, ChainId, CustomerId, DeputyId, RequestId, UserId};
use crate::mail::people::Person;
use crate::time::{Date, Instant};
use crate::web::Paging;
use rusqlite::{Row, named_params};
use serde_json::Value;

pub struct New<'a> {
    pub request: RequestId,
    pub customer: CustomerId,
    pub round: i64,
    pub position: i64,
    pub moved: &'a str,
    pub ask: &'a Ask,
}

pub fn next_round(db: &Read, request: RequestId) -> Result<i64> {
    db.value("SELECT coalesce(max(round), 0) + 1 FROM approvals WHERE request_id = ?1", [request])
}

/// What was asked before is asked anew.
pub fn close_round(tx: &Write, request: RequestId) -> Result<usize> {
    tx.run(
        "UPDATE approvals SET state = 'again', ended_at = :now
          WHERE request_id = :request AND state IN ('later', 'open', 'approved')",
        named_params! { ":request": request, ":now": tx.now },
    )
}

pub fn insert(tx: &Write, new: &New) -> Result<ApprovalId> {
    let chain = &new.ask.chain;
    tx.change(
        "INSERT INTO approvals (request_id, customer_id, chain_id, chain, round, position, needed, moved, state,
                                remind_days, reject_days)
         VALUES (:request, :customer, :chain, :name, :round, :position, :needed, :moved, 'later', :remind, :reject)
         RETURNING id",
        named_params! {
            ":request": new.request, ":customer": new.customer, ":chain": chain.id, ":name": chain.name,
            ":round": new.round, ":position": new.position, ":needed": new.ask.needed, ":moved": new.moved,
            ":remind": chain.remind_days, ":reject": chain.reject_days,
        },
    )
}

pub fn insert_voter(tx: &Write, id: ApprovalId, user: UserId) -> Result<usize> {
    tx.run("INSERT INTO votes (approval_id, user_id) VALUES (?1, ?2)", (id, user))
}

pub fn next(db: &Read, request: RequestId) -> Result<Option<ApprovalId>> {
    db.maybe(
        "SELECT id FROM approvals WHERE request_id = ?1 AND state = 'later' ORDER BY round, position LIMIT 1",
        [request],
        |row| row.get("id"),
    )
}

pub fn open(tx: &Write, id: ApprovalId) -> Result<ApprovalId> {
    let days: (i64, i64) =
        tx.one("SELECT remind_days, reject_days FROM approvals WHERE id = ?1", [id], |row| {
            Ok((row.get("remind_days")?, row.get("reject_days")?))
        })?;
    let remind = (days.0 > 0).then(|| tx.now.plus_days(days.0));
    tx.change(
        "UPDATE approvals SET state = 'open', asked_at = :now, remind_at = :remind, expires_at = :expires
          WHERE id = :id RETURNING id",
        named_params! {
            ":id": id, ":now": tx.now, ":remind": remind, ":expires": tx.now.plus_days(days.1),
        },
    )
}

pub fn end(tx: &Write, id: ApprovalId, state: State) -> Result<ApprovalId> {
    tx.change(
        "UPDATE approvals SET state = :state, ended_at = :now WHERE id = :id RETURNING id",
        named_params! { ":id": id, ":state": state, ":now": tx.now },
    )
}

pub fn vote(
    tx: &Write,
    id: ApprovalId,
    seat: UserId,
    by: UserId,
    vote: Vote,
    comment: &str,
) -> Result<usize> {
    tx.run(
        "UPDATE votes SET vote = :vote, by_id = nullif(:by, :seat), comment = :comment, at = :now
          WHERE approval_id = :id AND user_id = :seat AND vote = ''",
        named_params! {
            ":id": id, ":seat": seat, ":by": by, ":vote": vote, ":comment": comment, ":now": tx.now,
        },
    )
}

pub fn agreed(db: &Read, id: ApprovalId) -> Result<i64> {
    db.value("SELECT count(*) FROM votes WHERE approval_id = ?1 AND vote = 'approve'", [id])
}

/// Whose say is still open that this person may give: their own, else that of somebody whose deputy
/// they are today.
pub fn seat(db: &Read, id: ApprovalId, user: UserId) -> Result<Option<UserId>> {
    db.maybe(
        "SELECT votes.user_id FROM votes
          WHERE approval_id = :id AND vote = ''
            AND (votes.user_id = :user
              OR EXISTS (SELECT 1 FROM deputies
                          WHERE deputies.user_id = votes.user_id AND deputy_id = :user
                            AND from_on <= substr(:now, 1, 10) AND until_on >= substr(:now, 1, 10)))
          ORDER BY votes.user_id <> :user, votes.user_id LIMIT 1",
        named_params! { ":id": id, ":user": user, ":now": db.now },
        |row| row.get("user_id"),
    )
}

pub fn voters(db: &Read, id: ApprovalId) -> Result<Vec<Voter>> {
    db.all(
        "SELECT votes.user_id, users.display_name AS name, vote, deputy.display_name AS by_name, comment, at
           FROM votes JOIN users ON users.id = votes.user_id
                LEFT JOIN users AS deputy ON deputy.id = by_id
          WHERE approval_id = ?1 ORDER BY votes.user_id",
        [id],
        |row| {
            Ok(Voter {
                user_id: row.get("user_id")?,
                name: row.get("name")?,
                vote: row.get("vote")?,
                by: row.get("by_name")?,
                comment: row.get("comment")?,
                at: row.get("at")?,
            })
        },
    )
}

/// Those whose say is open, and their deputies of today.
pub fn waiting_for(db: &Read, id: ApprovalId) -> Result<Vec<Person>> {
    db.all(
        "SELECT DISTINCT users.id, users.customer_id, users.display_name, coalesce(users.mail, '') AS mail
           FROM votes
           LEFT JOIN deputies ON deputies.user_id = votes.user_id
                             AND from_on <= substr(:now, 1, 10) AND until_on >= substr(:now, 1, 10)
           JOIN users ON users.id IN (votes.user_id, deputies.deputy_id) AND users.state = 'active'
          WHERE approval_id = :id AND vote = ''
          ORDER BY users.id",
        named_params! { ":id": id, ":now": db.now },
        |row| {
            Ok(Person {
                id: row.get("id")?,
                home: row.get("customer_id")?,
                name: row.get("display_name")?,
                mail: row.get("mail")?,
            })
        },
    )
}

pub fn any(db: &Read, id: ApprovalId) -> Result<Approval> {
    db.one(
        "SELECT approvals.id, request_id, approvals.customer_id, customers.name AS customer_name, requests.title,
                chain, approvals.state, needed, moved, requests.by_id, orderer.display_name AS by_name,
                subject.display_name AS for_name, asked_at, expires_at, approvals.ended_at
           FROM approvals JOIN requests ON requests.id = request_id
                JOIN customers ON customers.id = approvals.customer_id
                LEFT JOIN users AS orderer ON orderer.id = requests.by_id
                LEFT JOIN users AS subject ON subject.id = requests.user_id
          WHERE approvals.id = ?1",
        [id],
        approval,
    )
}

/// Who is asked, stands in for one who is, or ordered it.
pub fn one<P>(db: &Read, own: &Own<P>, id: ApprovalId) -> Result<Approval> {
    db.one(
        "SELECT approvals.id, request_id, approvals.customer_id, customers.name AS customer_name, requests.title,
                chain, approvals.state, needed, moved, requests.by_id, orderer.display_name AS by_name,
                subject.display_name AS for_name, asked_at, expires_at, approvals.ended_at
           FROM approvals JOIN requests ON requests.id = request_id
                JOIN customers ON customers.id = approvals.customer_id
                LEFT JOIN users AS orderer ON orderer.id = requests.by_id
                LEFT JOIN users AS subject ON subject.id = requests.user_id
          WHERE approvals.id = :id
            AND (requests.by_id = :own
              OR (approvals.state <> 'later'
                  AND EXISTS (SELECT 1 FROM votes WHERE approval_id = approvals.id
                                 AND (votes.user_id = :own OR votes.by_id = :own
                                   OR EXISTS (SELECT 1 FROM deputies
                                               WHERE deputies.user_id = votes.user_id AND deputy_id = :own
                                                 AND from_on <= substr(:now, 1, 10)
                                                 AND until_on >= substr(:now, 1, 10))))))",
        named_params! { ":id": id, ":own": own, ":now": db.now },
        approval,
    )
}

/// Open ones that wait for this person, or for whom they stand in.
pub fn waiting<P>(db: &Read, own: &Own<P>, paging: &Paging) -> Result<Vec<Approval>> {
    db.all(
        "SELECT approvals.id, request_id, approvals.customer_id, customers.name AS customer_name, requests.title,
                chain, approvals.state, needed, moved, requests.by_id, orderer.display_name AS by_name,
                subject.display_name AS for_name, asked_at, expires_at, approvals.ended_at
           FROM (SELECT approval_id FROM votes WHERE user_id = :own AND vote = ''
                  UNION
                 SELECT approval_id FROM deputies CROSS JOIN votes ON votes.user_id = deputies.user_id AND vote = ''
                  WHERE deputy_id = :own AND from_on <= substr(:now, 1, 10) AND until_on >= substr(:now, 1, 10)) AS mine
           CROSS JOIN approvals ON approvals.id = mine.approval_id
                JOIN requests ON requests.id = request_id
                JOIN customers ON customers.id = approvals.customer_id
                LEFT JOIN users AS orderer ON orderer.id = requests.by_id
                LEFT JOIN users AS subject ON subject.id = requests.user_id
          WHERE approvals.state = 'open' AND requests.by_id IS NOT :own AND approvals.id > :after
          ORDER BY approvals.id LIMIT :most",
        named_params! {
            ":own": own, ":now": db.now, ":after": paging.id(), ":most": paging.fetch(),
        },
        approval,
    )
}

/// What this person ordered and that waits.
pub fn ordered<P>(db: &Read, own: &Own<P>, paging: &Paging) -> Result<Vec<Approval>> {
    db.all(
        "SELECT approvals.id, request_id, approvals.customer_id, customers.name AS customer_name, requests.title,
                chain, approvals.state, needed, moved, requests.by_id, orderer.display_name AS by_name,
                subject.display_name AS for_name, asked_at, expires_at, approvals.ended_at
           FROM requests INDEXED BY requests_by_status
           CROSS JOIN approvals ON approvals.request_id = requests.id
                JOIN customers ON customers.id = approvals.customer_id
                LEFT JOIN users AS orderer ON orderer.id = requests.by_id
                LEFT JOIN users AS subject ON subject.id = requests.user_id
          WHERE requests.status = 'waiting_approval' AND requests.by_id = :own
            AND approvals.state IN ('open', 'later') AND approvals.id > :after
          ORDER BY approvals.id LIMIT :most",
        named_params! { ":own": own, ":after": paging.id(), ":most": paging.fetch() },
        approval,
    )
}

/// What ended since `since` and that this person was asked about.
pub fn decided<P>(
    db: &Read,
    own: &Own<P>,
    since: Instant,
    paging: &Paging,
) -> Result<Vec<Approval>> {
    db.all(
        "SELECT approvals.id, request_id, approvals.customer_id, customers.name AS customer_name, requests.title,
                chain, approvals.state, needed, moved, requests.by_id, orderer.display_name AS by_name,
                subject.display_name AS for_name, asked_at, expires_at, approvals.ended_at
           FROM votes INDEXED BY votes_by_user
           CROSS JOIN approvals ON approvals.id = approval_id
                JOIN requests ON requests.id = request_id
                JOIN customers ON customers.id = approvals.customer_id
                LEFT JOIN users AS orderer ON orderer.id = requests.by_id
                LEFT JOIN users AS subject ON subject.id = requests.user_id
          WHERE votes.user_id = :own AND approval_id < :below
            AND approvals.state NOT IN ('open', 'later') AND approvals.ended_at >= :since
          ORDER BY approval_id DESC LIMIT :most",
        named_params! {
            ":own": own, ":since": since, ":most": paging.fetch(),
            ":below": if paging.is_first() { i64::MAX } else { paging.id() },
        },
        approval,
    )
}

fn approval(row: &Row) -> rusqlite::Result<Approval> {
    Ok(Approval {
        id: row.get("id")?,
        request_id: row.get("request_id")?,
        customer_id: row.get("customer_id")?,
        customer_name: row.get("customer_name")?,
        title: row.get("title")?,
        chain: row.get("chain")?,
        state: row.get("state")?,
        needed: row.get("needed")?,
        moved: row.get("moved")?,
        ordered_by: row.get("by_id")?,
        ordered_by_name: row.get("by_name")?,
        for_name: row.get("for_name")?,
        asked_at: row.get("asked_at")?,
        expires_at: row.get("expires_at")?,
        ended_at: row.get("ended_at")?,
        plan: Value::Null,
        voters: Vec::new(),
    })
}

/// What would be done, as it was shown to somebody of that customer.
pub fn plan(db: &Read, request: RequestId) -> Result<Option<(String, CustomerId)>> {
    db.maybe(
        "SELECT document, users.customer_id AS home
           FROM requests
           JOIN previews ON previews.id = preview_id
           JOIN users ON users.id = previews.user_id
          WHERE requests.id = ?1",
        [request],
        |row| Ok((row.get("document")?, row.get("home")?)),
    )
}

/// Open ones whose time for a reminder has come, or whose time is over.
pub fn due(db: &Read, expired: bool) -> Result<Vec<ApprovalId>> {
    db.all(
        "SELECT id FROM approvals
          WHERE state = 'open' AND iif(:expired, expires_at <= :now, remind_at <= :now AND expires_at > :now)
          ORDER BY id LIMIT 500",
        named_params! { ":expired": expired, ":now": db.now },
        |row| row.get("id"),
    )
}

pub fn reminded(tx: &Write, id: ApprovalId) -> Result<usize> {
    let days: i64 = tx.value("SELECT remind_days FROM approvals WHERE id = ?1", [id])?;
    tx.run(
        "UPDATE approvals SET remind_at = :next WHERE id = :id",
        named_params! { ":id": id, ":next": tx.now.plus_days(days.max(1)) },
    )
}

pub fn owner(db: &Read, id: ApprovalId) -> Result<Option<CustomerId>> {
    db.maybe(
        "SELECT chains.customer_id FROM approvals JOIN chains ON chains.id = chain_id WHERE approvals.id = ?1",
        [id],
        |row| row.get("customer_id"),
    )
}

pub fn chain_of(db: &Read, id: ApprovalId) -> Result<Option<ChainId>> {
    db.one("SELECT chain_id FROM approvals WHERE id = ?1", [id], |row| row.get("chain_id"))
}

pub fn name(db: &Read, user: UserId) -> Result<String> {
    let found = db.maybe("SELECT display_name FROM users WHERE id = ?1", [user], |row| {
        row.get("display_name")
    })?;
    Ok(found.unwrap_or_else(|| "Portico".to_owned()))
}

pub fn manager(db: &Read, user: UserId) -> Result<Option<UserId>> {
    db.maybe("SELECT manager_id FROM users WHERE id = ?1", [user], |row| {
        row.get::<_, Option<UserId>>("manager_id")
    })
    .map(Option::flatten)
}

pub fn are_on(db: &Read, customer: CustomerId) -> Result<(bool, bool)> {
    db.one(
        "SELECT EXISTS (SELECT 1 FROM settings WHERE key = 'approvals' AND value = 'on') AS everywhere,
                EXISTS (SELECT 1 FROM customer_settings
                         WHERE customer_id = ?1 AND key = 'approvals' AND value = 'yes') AS here",
        [customer],
        |row| Ok((row.get("everywhere")?, row.get("here")?)),
    )
}

pub fn deputies<P>(db: &Read, own: &Own<P>) -> Result<Vec<Deputy>> {
    db.all(
        "SELECT deputies.id, deputy_id, display_name, from_on, until_on
           FROM deputies JOIN users ON users.id = deputy_id
          WHERE deputies.user_id = :own AND until_on >= substr(:now, 1, 10)
          ORDER BY from_on, deputies.id LIMIT 50",
        named_params! { ":own": own, ":now": db.now },
        |row| {
            Ok(Deputy {
                id: row.get("id")?,
                deputy_id: row.get("deputy_id")?,
                deputy: row.get("display_name")?,
                from_on: row.get("from_on")?,
                until_on: row.get("until_on")?,
            })
        },
    )
}

pub fn insert_deputy(
    tx: &Write,
    user: UserId,
    deputy: UserId,
    from: Date,
    until: Date,
) -> Result<DeputyId> {
    tx.change(
        "INSERT INTO deputies (user_id, deputy_id, from_on, until_on)
         VALUES (:user, :deputy, :from, :until) RETURNING id",
        named_params! { ":user": user, ":deputy": deputy, ":from": from, ":until": until },
    )
}

pub fn delete_deputy<P>(tx: &Write, own: &Own<P>, id: DeputyId) -> Result<DeputyId> {
    tx.change(
        "DELETE FROM deputies WHERE id = :id AND user_id = :own RETURNING id",
        named_params! { ":id": id, ":own": own },
    )
}
