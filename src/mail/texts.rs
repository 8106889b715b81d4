//! What the mails about an account say. Others queue their own texts with [`super::queue`].

use super::store::{self, Recipient};
use super::{Class, NewMessage, queue};
use crate::auth::{Purpose, make_link};
use crate::db::{Read, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, MessageId, UserId};
use crate::secret::Key;

/// How long a mailed link works: a welcome a week, a password link a day.
pub fn lifetime(purpose: Purpose) -> i64 {
    match purpose {
        Purpose::Welcome => 7 * 86_400,
        Purpose::Password => 86_400,
    }
}

/// The address a link for `user` would go to, if there is one.
pub fn link_address(db: &Read, user: UserId, purpose: Purpose) -> Result<Option<String>> {
    Ok(store::recipient(db, user, purpose)?.address)
}

/// Mails `user` a fresh link for setting a password; older links of the kind end.
pub fn send_link(tx: &Write, key: &Key, user: UserId, purpose: Purpose) -> Result<MessageId> {
    send_link_for(tx, key, user, purpose, lifetime(purpose))
}

/// The same with a link that works for `seconds`.
pub fn send_link_for(
    tx: &Write,
    key: &Key,
    user: UserId,
    purpose: Purpose,
    seconds: i64,
) -> Result<MessageId> {
    let Recipient { customer, name, address } = store::recipient(tx, user, purpose)?;
    let Some(address) = address else {
        return Err(Error::refused(format!("{name} has no address a link could go to.")));
    };
    let path = make_link(tx, user, purpose, seconds)?;
    let (event, subject, text) = words(tx, &name, user, purpose, seconds)?;
    queue(
        tx,
        &NewMessage {
            customer,
            user: Some(user),
            event,
            class: if purpose == Purpose::Welcome { Class::Owed } else { Class::Security },
            to: &address,
            name: &name,
            subject: &subject,
            text: &text,
            link: Some((key, &path)),
            expires: Some(tx.now.plus_seconds(seconds)),
        },
    )
}

fn words(
    db: &Read,
    name: &str,
    user: UserId,
    purpose: Purpose,
    seconds: i64,
) -> Result<(&'static str, String, String)> {
    let house = store::house(db)?.name;
    let upn = store::upn(db, user)?;
    let good = match seconds / 3600 {
        0 => format!("{} minutes", seconds / 60),
        1..=48 => format!("{} hours", seconds / 3600),
        hours => format!("{} days", hours / 24),
    };
    Ok(match purpose {
        Purpose::Welcome => (
            "user.invited",
            format!("Your account at {house}"),
            format!(
                "Hello {name},\n\nan account was made for you. Your sign-in name is {upn}.\n\n\
                 Choose a password here to begin:\n\n[link]\n\n\
                 The link works once, for {good}. If it has ended, ask whoever looks after your account."
            ),
        ),
        Purpose::Password => (
            "user.link_sent",
            "Set a new password".to_owned(),
            format!(
                "Hello {name},\n\nhere you can set a new password for {upn}:\n\n[link]\n\n\
                 The link works once, for {good}. If you did not ask for it, you can ignore this mail: \
                 nothing has changed."
            ),
        ),
    })
}

/// Tells every address of `user` about something that was done to the account itself.
pub fn tell_user(
    tx: &Write,
    customer: CustomerId,
    user: UserId,
    event: &str,
    subject: &str,
    what: &str,
) -> Result<()> {
    let name = store::recipient(tx, user, Purpose::Password)?.name;
    let text = format!(
        "Hello {name},\n\n{what}\n\nIf this was not you and nobody told you of it, \
         turn to whoever looks after your account."
    );
    for to in store::addresses(tx, user)? {
        queue(
            tx,
            &NewMessage {
                customer,
                user: Some(user),
                event,
                class: Class::Security,
                to: &to,
                name: &name,
                subject,
                text: &text,
                link: None,
                expires: None,
            },
        )?;
    }
    Ok(())
}
