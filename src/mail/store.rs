//! The messages: the outbox's own statements without a scope, everybody else's with one.

use super::{Class, Filter, Message, NewMessage};
use crate::auth::permissions::MessagesRead;
use crate::auth::{Breadth, Purpose, Scope};
use crate::db::{Read, Write, containing};
use crate::error::Result;
use crate::ids::{CustomerId, MessageId, UserId};
use crate::time::Instant;
use crate::web::Paging;
use rusqlite::{Row, named_params};

/// Who mails come from.
pub struct House {
    pub name: String,
    pub domain: String,
}

pub struct NewRow<'a> {
    pub message: &'a NewMessage<'a>,
    pub name: &'a str,
    pub subject: &'a str,
    pub text: &'a str,
    pub html: &'a str,
    pub secret: Option<&'a str>,
    pub message_id: &'a str,
}

/// A mail that is leased to be sent.
pub struct Due {
    pub id: MessageId,
    pub to: String,
    pub name: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub secret: Option<String>,
    pub message_id: String,
    pub class: Class,
    /// This try included.
    pub attempts: i64,
    pub expires_at: Option<Instant>,
}

/// Whom a link is for and where it may go.
pub struct Recipient {
    pub customer: CustomerId,
    pub name: String,
    pub address: Option<String>,
}

pub fn house(db: &Read) -> Result<House> {
    db.one(
        "SELECT customers.name, coalesce(domains.name, 'portico.invalid') AS domain
           FROM customers
           LEFT JOIN customer_domains main ON main.customer_id = customers.id AND main = 1
           LEFT JOIN domains ON domains.id = main.domain_id
          WHERE customers.id = 1",
        [],
        |row| Ok(House { name: row.get("name")?, domain: row.get("domain")? }),
    )
}

pub fn insert(tx: &Write, row: &NewRow) -> Result<MessageId> {
    let message = row.message;
    tx.change(
        "INSERT INTO messages (customer_id, user_id, event, class, to_address, to_name, subject, text,
                               html, secret, message_id, next_at, expires_at, created_at)
         VALUES (:customer, :user, :event, :class, :to, :name, :subject, :text,
                 :html, :secret, :message_id, :now, :expires, :now) RETURNING id",
        named_params! {
            ":customer": message.customer, ":user": message.user, ":event": message.event,
            ":class": message.class, ":to": message.to, ":name": row.name, ":subject": row.subject,
            ":text": row.text, ":html": row.html, ":secret": row.secret,
            ":message_id": row.message_id, ":now": tx.now, ":expires": message.expires,
        },
    )
}

/// A new mail like an old one.
pub fn again(
    tx: &Write,
    scope: &Scope<MessagesRead>,
    id: MessageId,
    message_id: &str,
) -> Result<MessageId> {
    tx.change(
        "INSERT INTO messages (customer_id, user_id, event, class, to_address, to_name, subject, text,
                               html, message_id, next_at, created_at)
         SELECT customer_id, user_id, event, class, to_address, to_name, subject, text,
                html, :message_id, :now, :now
           FROM messages
          WHERE id = :id AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = messages.customer_id
                                        AND scope IN (SELECT value FROM json_each(:scope)))
         RETURNING id",
        named_params! { ":id": id, ":scope": scope, ":message_id": message_id, ":now": tx.now },
    )
}

pub fn cancel(tx: &Write, scope: &Scope<MessagesRead>, id: MessageId) -> Result<bool> {
    let changed = tx.run(
        "UPDATE messages SET state = 'cancelled', secret = NULL
          WHERE id = :id AND state IN ('queued', 'held')
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = messages.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":id": id, ":scope": scope },
    )?;
    Ok(changed > 0)
}

pub fn anything_waits(db: &Read) -> Result<bool> {
    let found = db.maybe(
        "SELECT 1 FROM messages
          WHERE state IN ('queued', 'sending', 'held') AND next_at <= ?1 LIMIT 1",
        [db.now],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

pub fn anything_to_hold(db: &Read, all: bool) -> Result<bool> {
    let found = db.maybe(
        "SELECT 1 FROM messages
          WHERE state IN ('queued', 'sending', 'held') AND state <> 'held' AND next_at <= :now AND (:all OR secret IS NOT NULL)
          LIMIT 1",
        named_params! { ":all": all, ":now": db.now },
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// Holds what waits: all of it, or what has a link.
pub fn hold(tx: &Write, all: bool, why: &str) -> Result<()> {
    tx.run(
        "UPDATE messages SET state = 'held', answer = :why
          WHERE state IN ('queued', 'sending', 'held') AND state <> 'held' AND next_at <= :now AND (:all OR secret IS NOT NULL)",
        named_params! { ":all": all, ":why": why, ":now": tx.now },
    )?;
    Ok(())
}

/// What was held may go, but for links while they would lead nowhere.
pub fn release(tx: &Write, but_links: bool) -> Result<()> {
    tx.run(
        "UPDATE messages SET state = 'queued', answer = ''
          WHERE state = 'held' AND NOT (:but_links AND secret IS NOT NULL)",
        named_params! { ":but_links": but_links },
    )?;
    Ok(())
}

/// Gives up what came too late. The list of states is the one the index of waiting mails is made by.
pub fn expire(tx: &Write) -> Result<()> {
    tx.run(
        "UPDATE messages SET state = 'failed', secret = NULL, answer = 'The link would have expired.'
          WHERE state IN ('queued', 'sending', 'held') AND next_at <= ?1 AND expires_at <= ?1",
        [tx.now],
    )?;
    Ok(())
}

/// Takes the mail that matters most and waits longest.
pub fn lease(tx: &Write, until: Instant) -> Result<Option<Due>> {
    tx.maybe(
        "UPDATE messages SET state = 'sending', attempts = attempts + 1, next_at = :until
          WHERE id = (SELECT id FROM messages
                       WHERE state IN ('queued', 'sending', 'held') AND state <> 'held' AND next_at <= :now
                       ORDER BY CASE class WHEN 'security' THEN 0 WHEN 'owed' THEN 1
                                           WHEN 'notice' THEN 2 ELSE 3 END, id
                       LIMIT 1)
         RETURNING id, to_address, to_name, subject, text, html, secret, message_id, class, attempts,
                   expires_at",
        named_params! { ":until": until, ":now": tx.now },
        |row| {
            Ok(Due {
                id: row.get("id")?,
                to: row.get("to_address")?,
                name: row.get("to_name")?,
                subject: row.get("subject")?,
                text: row.get("text")?,
                html: row.get("html")?,
                secret: row.get("secret")?,
                message_id: row.get("message_id")?,
                class: row.get("class")?,
                attempts: row.get("attempts")?,
                expires_at: row.get("expires_at")?,
            })
        },
    )
}

pub fn sent(tx: &Write, id: MessageId, answer: &str) -> Result<()> {
    tx.run(
        "UPDATE messages SET state = 'sent', sent_at = :now, answer = :answer, secret = NULL
          WHERE id = :id",
        named_params! { ":id": id, ":answer": answer, ":now": tx.now },
    )?;
    Ok(())
}

pub fn failed(tx: &Write, id: MessageId, why: &str) -> Result<()> {
    tx.run(
        "UPDATE messages SET state = 'failed', answer = :why, secret = NULL WHERE id = :id",
        named_params! { ":id": id, ":why": why },
    )?;
    Ok(())
}

pub fn later(tx: &Write, id: MessageId, at: Instant, why: &str) -> Result<()> {
    tx.run(
        "UPDATE messages SET state = 'queued', next_at = :at, answer = :why WHERE id = :id",
        named_params! { ":id": id, ":at": at, ":why": why },
    )?;
    Ok(())
}

pub fn list(
    db: &Read,
    scope: &Scope<MessagesRead>,
    filter: &Filter,
    paging: &Paging,
) -> Result<Vec<Message>> {
    let before = if paging.is_first() { i64::MAX } else { paging.id() };
    let params = named_params! {
        ":scope": scope, ":before": before, ":state": filter.state, ":event": filter.event,
        ":customer": filter.customer, ":user": filter.user, ":all": filter.q.is_empty(),
        ":like": containing(&filter.q), ":limit": paging.fetch(),
    };
    if scope.breadth(db)? == Breadth::Narrow {
        db.all(
            "SELECT id, customer_id, user_id, event, class, to_address, to_name, subject, state,
                    attempts, next_at, answer, created_at, sent_at
               FROM messages
              WHERE id < :before AND (:state IS NULL OR state = :state) AND (:event = '' OR event = :event)
                AND (:customer IS NULL OR customer_id = :customer) AND (:user IS NULL OR user_id = :user)
                AND (:all OR to_address LIKE :like ESCAPE '\\' OR subject LIKE :like ESCAPE '\\')
                AND customer_id IN (SELECT customer_id FROM reach
                                     WHERE scope IN (SELECT value FROM json_each(:scope)))
              ORDER BY id DESC LIMIT :limit",
            params,
            message,
        )
    } else {
        db.all(
            "SELECT id, customer_id, user_id, event, class, to_address, to_name, subject, state,
                    attempts, next_at, answer, created_at, sent_at
               FROM messages
              WHERE id < :before AND (:state IS NULL OR state = :state) AND (:event = '' OR event = :event)
                AND (:customer IS NULL OR customer_id = :customer) AND (:user IS NULL OR user_id = :user)
                AND (:all OR to_address LIKE :like ESCAPE '\\' OR subject LIKE :like ESCAPE '\\')
                AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = messages.customer_id
                               AND scope IN (SELECT value FROM json_each(:scope)))
              ORDER BY id DESC LIMIT :limit",
            params,
            message,
        )
    }
}

/// A mail and its text.
pub fn one(db: &Read, scope: &Scope<MessagesRead>, id: MessageId) -> Result<(Message, String)> {
    db.one(
        "SELECT id, customer_id, user_id, event, class, to_address, to_name, subject, state,
                attempts, next_at, answer, created_at, sent_at, text
           FROM messages
          WHERE id = :id AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = messages.customer_id
                                        AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":id": id, ":scope": scope },
        |row| Ok((message(row)?, row.get("text")?)),
    )
}

fn message(row: &Row) -> rusqlite::Result<Message> {
    Ok(Message {
        id: row.get("id")?,
        customer_id: row.get("customer_id")?,
        user_id: row.get("user_id")?,
        event: row.get("event")?,
        class: row.get("class")?,
        to: row.get("to_address")?,
        to_name: row.get("to_name")?,
        subject: row.get("subject")?,
        state: row.get("state")?,
        attempts: row.get("attempts")?,
        next_at: row.get("next_at")?,
        answer: row.get("answer")?,
        created_at: row.get("created_at")?,
        sent_at: row.get("sent_at")?,
    })
}

/// Where a link for `user` goes: the proven recovery address, else one elsewhere, else the primary
/// one. A welcome may go to a recovery address that nobody has proven yet: there is no other way to
/// reach somebody whose mailbox is not open.
pub fn recipient(db: &Read, user: UserId, purpose: Purpose) -> Result<Recipient> {
    db.one(
        "SELECT customer_id, display_name,
                coalesce(
                  CASE WHEN recovery_email <> '' AND (recovery_proven = 1 OR :unproven)
                       THEN recovery_email END,
                  (SELECT email FROM user_external_emails WHERE user_id = users.id ORDER BY email LIMIT 1),
                  CASE WHEN (SELECT receives_mail FROM domains JOIN user_names ON domain_id = domains.id
                              WHERE user_names.name = users.mail) = 1 THEN mail END) AS address
           FROM users WHERE id = :user",
        named_params! { ":user": user, ":unproven": purpose == Purpose::Welcome },
        |row| {
            Ok(Recipient {
                customer: row.get("customer_id")?,
                name: row.get("display_name")?,
                address: row.get("address")?,
            })
        },
    )
}

/// Every address of `user` that mail can go to: for telling what concerns the account itself.
pub fn addresses(db: &Read, user: UserId) -> Result<Vec<String>> {
    db.all(
        "SELECT recovery_email AS address FROM users
          WHERE id = :user AND recovery_email <> '' AND recovery_proven = 1
          UNION
         SELECT email FROM user_external_emails WHERE user_id = :user
          UNION
         SELECT mail FROM users
           JOIN user_names ON user_names.name = mail JOIN domains ON domains.id = domain_id
          WHERE users.id = :user AND receives_mail = 1
          ORDER BY 1 LIMIT 20",
        named_params! { ":user": user },
        |row| row.get("address"),
    )
}

pub fn upn(db: &Read, user: UserId) -> Result<String> {
    db.value("SELECT coalesce(upn, '') FROM users WHERE id = ?1", [user])
}

/// The name of whoever acts.
pub fn by_name(tx: &Write) -> Result<String> {
    let found = tx.maybe("SELECT display_name FROM users WHERE id = ?1", [tx.by.user], |row| {
        row.get::<_, String>("display_name")
    })?;
    Ok(found.unwrap_or_else(|| "Portico".to_owned()))
}

/// Whose user it is and its name, if it is kept for emergencies.
pub fn kept_for_emergencies(db: &Read, user: UserId) -> Result<Option<(CustomerId, String)>> {
    db.maybe(
        "SELECT customer_id, display_name FROM users WHERE id = ?1 AND break_glass = 1",
        [user],
        |row| Ok((row.get("customer_id")?, row.get("display_name")?)),
    )
}

/// Address and name of every administrator of the provider.
pub fn provider_administrators(db: &Read) -> Result<Vec<(String, String)>> {
    db.all(
        "SELECT DISTINCT mail, display_name FROM role_grants
           JOIN roles ON roles.id = role_id AND roles.customer_id IS NULL AND roles.name = 'Provider administrator'
           JOIN users ON users.id = user_id AND users.state = 'active' AND users.mail IS NOT NULL
          WHERE at_id = 1 ORDER BY users.id",
        [],
        |row| Ok((row.get("mail")?, row.get("display_name")?)),
    )
}
