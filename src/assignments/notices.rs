//! Who is told that a service has started or ended: the customer's contact of the customer's own, the
//! user of theirs. Each customer says whether it wants that. Written with the end of the work, so that
//! it holds whatever the rules do.

use super::{Held, HeldId, store};
use crate::db::Write;
use crate::error::Result;
use crate::mail::{self, Class, NewMessage};

/// It is there for the first time.
pub fn live(tx: &Write, held: &Held) -> Result<()> {
    let name = held.title();
    match held.id {
        HeldId::Customer(_) => {
            let subject = format!("{name} is ready");
            let text = format!("{name} has been set up and can be used from now on.");
            to_contact(tx, held, "customer_service.live", &subject, &text)
        }
        HeldId::User(_) => to_user(tx, held, &name),
    }
}

/// It is gone.
pub fn removed(tx: &Write, held: &Held) -> Result<()> {
    match held.id {
        HeldId::Customer(_) => {
            let name = held.title();
            let subject = format!("{name} has ended");
            let text = format!("{name} has been removed and cannot be used any more.");
            to_contact(tx, held, "customer_service.removed", &subject, &text)
        }
        HeldId::User(_) => Ok(()),
    }
}

fn to_contact(tx: &Write, held: &Held, event: &str, subject: &str, text: &str) -> Result<()> {
    if held.builtin || !wanted(tx, held, "service_mails_to_contact", "yes")? {
        return Ok(());
    }
    let Some((name, to)) = store::contact(tx, held.customer)? else { return Ok(()) };
    let greeting = if name.is_empty() { "Hello".to_owned() } else { format!("Hello {name}") };
    let message = NewMessage {
        customer: held.customer,
        user: None,
        event,
        class: Class::Notice,
        to: &to,
        name: &name,
        subject,
        text: &format!("{greeting},\n\n{text}"),
        link: None,
        expires: None,
    };
    mail::queue(tx, &message).map(|_| ())
}

fn to_user(tx: &Write, held: &Held, name: &str) -> Result<()> {
    let Some(user) = held.user else { return Ok(()) };
    if !wanted(tx, held, "service_mails_to_users", "no")? {
        return Ok(());
    }
    let Some(person) = mail::people::one(tx, user)?.filter(|person| !person.mail.is_empty()) else {
        return Ok(());
    };
    let text = format!(
        "Hello {},\n\n{name} has been set up for you and can be used from now on.",
        person.name
    );
    let message = NewMessage {
        customer: held.customer,
        user: Some(user),
        event: "user_service.live",
        class: Class::Notice,
        to: &person.mail,
        name: &person.name,
        subject: &format!("{name} is ready for you"),
        text: &text,
        link: None,
        expires: None,
    };
    mail::queue(tx, &message).map(|_| ())
}

fn wanted(tx: &Write, held: &Held, key: &str, usual: &str) -> Result<bool> {
    let said = store::said(tx, held.customer, key)?;
    Ok(said.as_deref().unwrap_or(usual) == "yes")
}
