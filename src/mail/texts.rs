//! What the mails about an account say. Others queue their own texts with [`super::queue`].

use super::store::{self, Recipient};
use super::{Class, NewMessage, queue};
use crate::auth::{Purpose, make_link};
use crate::db::{Read, Write};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, MessageId, UserId};
use crate::secret::{Key, Secret};

/// How long a mailed link works: a welcome a week, a password link a day.
pub fn lifetime(purpose: Purpose) -> i64 {
    match purpose {
        Purpose::Welcome => 7 * 86_400,
        Purpose::Password => 86_400,
        Purpose::Verify => 600,
        Purpose::Recovery => 7 * 86_400,
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
    let Recipient { name, address, .. } = store::recipient(tx, user, purpose)?;
    let Some(address) = address else {
        return Err(Error::refused(format!("{name} has no address a link could go to.")));
    };
    send_link_to(tx, key, user, purpose, seconds, &address).map(|(id, _)| id)
}

/// The same to one address; what comes back with it is the link's path.
pub fn send_link_to(
    tx: &Write,
    key: &Key,
    user: UserId,
    purpose: Purpose,
    seconds: i64,
    address: &str,
) -> Result<(MessageId, Secret)> {
    let Recipient { customer, name, .. } = store::recipient(tx, user, purpose)?;
    let path = make_link(tx, user, purpose, seconds)?;
    let (event, subject, text) = words(tx, &name, user, purpose, seconds)?;
    let id = queue(
        tx,
        &NewMessage {
            customer,
            user: Some(user),
            event,
            class: if purpose == Purpose::Welcome { Class::Owed } else { Class::Security },
            to: address,
            name: &name,
            subject: &subject,
            text: &text,
            link: Some((key, &path)),
            expires: Some(tx.now.plus_seconds(seconds)),
        },
    )?;
    Ok((id, path))
}

/// Every address of `user` that mail can go to, as it is on file.
pub fn addresses(db: &Read, user: UserId) -> Result<Vec<String>> {
    store::addresses(db, user)
}

fn words(
    db: &Write,
    name: &str,
    user: UserId,
    purpose: Purpose,
    seconds: i64,
) -> Result<(&'static str, String, String)> {
    let house = store::house(db)?.name;
    let upn = store::upn(db, user)?;
    let staff = store::by_name(db)?;
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
        Purpose::Verify => (
            "user.verify_asked",
            format!("Are you speaking with {staff}?"),
            format!(
                "Hello {name},\n\n{staff} says that you are speaking with each other now, and wants to be \
                 sure that it is you. Open this page and press the button on it:\n\n[link]\n\n\
                 It works once, for {good}. If you are speaking with nobody, do nothing, and tell whoever \
                 looks after your account."
            ),
        ),
        Purpose::Recovery => (
            "user.recovery_asked",
            format!("Is this address yours? {house} wants to know"),
            format!(
                "Hello {name},\n\nthis address is on file for {upn}. If it is yours, say so here; links for \
                 a forgotten password can then go to it:\n\n[link]\n\nThe link works once, for {good}."
            ),
        ),
    })
}

/// Tells all provider administrators that somebody came in who is kept for emergencies.
pub fn tell_of_emergency(tx: &Write, user: UserId, address: &str) -> Result<()> {
    let Some((customer, name)) = store::kept_for_emergencies(tx, user)? else { return Ok(()) };
    let subject = format!("{name} signed in");
    let text = format!(
        "Hello,\n\n{name}, a user kept for emergencies, signed in from the address {address}.\n\n\
         If nobody told you why, find out now."
    );
    for (to, whom) in store::provider_administrators(tx)? {
        queue(
            tx,
            &NewMessage {
                customer,
                user: Some(user),
                event: "user.emergency",
                class: Class::Security,
                to: &to,
                name: &whom,
                subject: &subject,
                text: &text,
                link: None,
                expires: None,
            },
        )?;
    }
    Ok(())
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
