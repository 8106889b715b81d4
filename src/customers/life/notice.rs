//! Who is told what became of a customer: administrators above it, and its contact.

use super::store::{self, Administrator};
use crate::customers::{contacts, store as customers};
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
        tell(tx, &person, event, subject, text)?;
    }
    Ok(())
}

/// Tells those who administer these customers, but not whoever did it.
pub fn at(
    tx: &Write,
    customers: &[CustomerId],
    event: &str,
    subject: &str,
    text: &str,
) -> Result<()> {
    for person in store::administrators_at(tx, customers, tx.by.user)? {
        tell(tx, &person, event, subject, text)?;
    }
    Ok(())
}

/// Tells whoever made the customer.
pub fn maker(
    tx: &Write,
    customer: CustomerId,
    event: &str,
    subject: &str,
    text: &str,
) -> Result<()> {
    match store::maker(tx, customer)? {
        Some(person) => tell(tx, &person, event, subject, text),
        None => Ok(()),
    }
}

fn tell(tx: &Write, person: &Administrator, event: &str, subject: &str, text: &str) -> Result<()> {
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
    Ok(())
}

/// Tells the customer's contact, and those who are told what becomes of it.
pub fn contact(
    tx: &Write,
    customer: CustomerId,
    event: &str,
    subject: &str,
    text: &str,
) -> Result<()> {
    let (name, to) = customers::contact(tx, customer)?;
    contacts::tell(tx, customer, contacts::For::Owner, &to, (event, subject, text))?;
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
