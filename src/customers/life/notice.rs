//! Who is told what became of a customer: administrators above it, and its contact.

use super::store;
use crate::customers::store as customers;
use crate::db::Write;
use crate::error::Result;
use crate::ids::CustomerId;
use crate::mail::{self, Class, NewMessage};

/// Tells the administrators above a customer, but not whoever did it.
pub fn above(
    tx: &Write,
    customer: CustomerId,
    event: &str,
    subject: &str,
    text: &str,
) -> Result<()> {
    for person in store::administrators_above(tx, customer, tx.by.user)? {
        let text = format!("Hello {},\n\n{text}", person.name);
        mail::queue(
            tx,
            &NewMessage {
                customer: person.home,
                user: Some(person.user),
                event,
                class: Class::Notice,
                to: &person.mail,
                name: &person.name,
                subject,
                text: &text,
                link: None,
                expires: None,
            },
        )?;
    }
    Ok(())
}

/// Tells the customer's contact.
pub fn contact(
    tx: &Write,
    customer: CustomerId,
    event: &str,
    subject: &str,
    text: &str,
) -> Result<()> {
    let (name, to) = customers::contact(tx, customer)?;
    if to.is_empty() {
        return Ok(());
    }
    let text = format!("Hello {name},\n\n{text}");
    mail::queue(
        tx,
        &NewMessage {
            customer,
            user: None,
            event,
            class: Class::Notice,
            to: &to,
            name: &name,
            subject,
            text: &text,
            link: None,
            expires: None,
        },
    )?;
    Ok(())
}
