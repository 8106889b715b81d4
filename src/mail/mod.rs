//! Mails: written with the change that causes them, sent by the outbox, kept as their own log.
//!
//! Invariant: the secret of a link never lies in a message's body. `[link]` stands for it, and its
//! sealed address beside it goes when the mail is sent or given up.

pub mod api;
pub mod pages;
pub mod people;
pub mod smtp;
pub mod texts;
mod compose;
mod layout;
mod outbox;
mod store;

pub use outbox::{Handle, send_due, start};

use crate::audit;
use crate::auth::permissions::{MessagesRead, UsersPassword};
use crate::auth::{Actor, Purpose, Scope};
use crate::db::{Db, Work, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, MessageId, UserId};
use crate::input::one_line;
use crate::secret::{self, Key, Secret};
use crate::time::Instant;
use lettre::address::Envelope;
use serde_json::json;

words! {
    /// How much a mail matters: what it may be switched off by, and what goes first.
    Class { Security = "security", Owed = "owed", Notice = "notice", Digest = "digest" }
}

words! {
    State {
        Queued = "queued", Sending = "sending", Sent = "sent", Held = "held", Failed = "failed",
        Suppressed = "suppressed", Cancelled = "cancelled",
    }
}

/// A mail to be sent. Its text is paragraphs with an empty line between them; one that is `[link]`
/// and nothing else becomes the address of `link`.
pub struct NewMessage<'a> {
    /// In whose branch it is listed.
    pub customer: CustomerId,
    pub user: Option<UserId>,
    /// "user.invited"
    pub event: &'a str,
    pub class: Class,
    pub to: &'a str,
    pub name: &'a str,
    pub subject: &'a str,
    pub text: &'a str,
    /// A path of this installation that is a secret, and what to seal it with.
    pub link: Option<(&'a Key, &'a Secret)>,
    /// After it the mail would be useless.
    pub expires: Option<Instant>,
}

/// A mail as it is listed.
#[derive(Clone, serde::Serialize)]
pub struct Message {
    pub id: MessageId,
    pub customer_id: CustomerId,
    pub user_id: Option<UserId>,
    pub event: String,
    pub class: Class,
    pub to: String,
    pub to_name: String,
    pub subject: String,
    pub state: State,
    pub attempts: i64,
    pub next_at: Instant,
    /// What the server said last, or why the mail waits.
    pub answer: String,
    pub created_at: Instant,
    pub sent_at: Option<Instant>,
}

/// Which of them a list shows.
#[derive(Default)]
pub struct Filter {
    /// In the address or the subject.
    pub q: String,
    pub state: Option<State>,
    pub event: String,
    pub customer: Option<CustomerId>,
    pub user: Option<UserId>,
}

/// Writes a mail into the outbox, in the transaction of what caused it.
pub fn queue(tx: &Write, message: &NewMessage) -> Result<MessageId> {
    let house = store::house(tx)?;
    let message_id = fresh_id(&house.domain)?;
    let sealed = match message.link {
        Some((key, path)) => Some(key.seal(&secret_name(&message_id), path)?),
        None => None,
    };
    let (text, html) = layout::bodies(&house.name, message.text);
    let row = store::NewRow {
        message,
        name: &plain_line(message.name, 100),
        subject: &plain_line(message.subject, 200),
        text: &text,
        html: &html,
        secret: sealed.as_deref(),
        message_id: &message_id,
    };
    let id = store::insert(tx, &row)?;
    tx.wake(Work::Mail);
    Ok(id)
}

/// Envelope and content of a mail that says that mails arrive, for trying a mail server.
pub fn trial_mail(
    server: &smtp::Server,
    to: &str,
    house: &str,
    installation: &str,
) -> Result<(Envelope, Vec<u8>)> {
    let (text, html) =
        layout::bodies(house, "This is a test.\n\nMails of this installation arrive here.");
    let domain = server.from.rsplit_once('@').map_or("portico.invalid", |(_, domain)| domain);
    let mail = compose::Outgoing {
        to,
        name: "",
        subject: "Test mail",
        text: &text,
        html: &html,
        message_id: &fresh_id(domain)?,
        class: Class::Owed,
        installation,
    };
    compose::compose(server, &mail)
}

/// Sends a mail once more: a new mail, with a fresh link where the first one had one.
///
/// A fresh link is sent by those alone who may send one from the user's own page.
pub fn resend(
    db: &Db,
    actor: &Actor,
    scope: &Scope<MessagesRead>,
    key: &Key,
    id: MessageId,
) -> Result<MessageId> {
    db.write(scope.by, |tx| {
        let (old, text) = store::one(tx, scope, id)?;
        if matches!(old.state, State::Queued | State::Sending | State::Held) {
            return Err(Error::refused("This mail is still waiting to be sent."));
        }
        let purpose = match old.event.as_str() {
            "user.invited" => Some(Purpose::Welcome),
            "user.link_sent" => Some(Purpose::Password),
            _ => None,
        };
        let new = match (purpose, old.user_id) {
            (Some(purpose), Some(user)) => {
                actor.scope::<UsersPassword>()?.reaches(tx, old.customer_id)?;
                texts::send_link(tx, key, user, purpose)?
            }
            _ if text.contains("[link]") => {
                return Err(Error::refused("Its link has ended, and no new one can be made here."));
            }
            _ => store::again(tx, scope, id, &fresh_id(&store::house(tx)?.domain)?)?,
        };
        tx.wake(Work::Mail);
        audit::record(
            tx,
            "message.resent",
            ("message", new.0),
            old.customer_id,
            &json!({ "of": id }),
        )?;
        Ok(new)
    })
}

/// Takes back a mail that was not sent yet.
pub fn cancel(db: &Db, scope: &Scope<MessagesRead>, id: MessageId) -> Result<()> {
    db.write(scope.by, |tx| {
        let (old, _) = store::one(tx, scope, id)?;
        if !store::cancel(tx, scope, id)? {
            return Err(Error::refused("Only a mail that waits can be cancelled."));
        }
        audit::record(tx, "message.cancelled", ("message", id.0), old.customer_id, &json!({}))
    })
}

fn fresh_id(domain: &str) -> Result<String> {
    Ok(format!("{}@{domain}", secret::hex(&secret::random::<16>()?)))
}

/// What the sealed address of a mail's link belongs to.
fn secret_name(message_id: &str) -> String {
    format!("message {message_id}")
}

/// One line for a header: nothing in it can end the header.
fn plain_line(text: &str, most: usize) -> String {
    let visible: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    one_line(&visible).chars().take(most).collect()
}
