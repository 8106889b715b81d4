//! Who is told of something because of what they may do, and the one way of telling them.

mod store;

use super::{Class, NewMessage, queue};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, UserId};

/// Somebody who can be mailed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: UserId,
    pub home: CustomerId,
    pub name: String,
    pub mail: String,
}

/// What they are told.
pub struct Notice<'a> {
    /// In whose branch the mail is listed.
    pub customer: CustomerId,
    pub event: &'a str,
    pub class: Class,
    pub subject: &'a str,
    pub text: &'a str,
    /// The page to look at; the mail says where it is.
    pub path: &'a str,
}

/// Those who may do `permission` at `customer`, wherever above it they hold that.
pub fn who_may(db: &Read, permission: &str, customer: CustomerId) -> Result<Vec<Person>> {
    let all = store::who_may(db, permission, customer)?;
    Ok(all.into_iter().map(|(_, person)| person).collect())
}

/// The same of the level that is nearest to the customer: those above rely on them.
pub fn nearest_who_may(db: &Read, permission: &str, customer: CustomerId) -> Result<Vec<Person>> {
    let mut all = store::who_may(db, permission, customer)?;
    let nearest = all.iter().map(|(depth, _)| *depth).min();
    all.retain(|(depth, _)| Some(*depth) == nearest);
    Ok(all.into_iter().map(|(_, person)| person).collect())
}

/// Somebody who is active, as they can be mailed.
pub fn one(db: &Read, user: UserId) -> Result<Option<Person>> {
    store::one(db, user)
}

/// Mails each of them.
pub fn tell(tx: &Write, people: &[Person], notice: &Notice) -> Result<()> {
    let place = address(tx, notice.path)?;
    for person in people.iter().filter(|person| !person.mail.is_empty()) {
        let text = format!("Hello {},\n\n{}\n\n{place}", person.name, notice.text);
        let message = NewMessage {
            customer: notice.customer,
            user: Some(person.id),
            event: notice.event,
            class: notice.class,
            to: &person.mail,
            name: &person.name,
            subject: notice.subject,
            text: text.trim_end(),
            link: None,
            expires: None,
        };
        queue(tx, &message)?;
    }
    Ok(())
}

/// Where a page is, as far as the program knows its own address.
pub fn address(db: &Read, path: &str) -> Result<String> {
    Ok(match store::base_url(db)? {
        _ if path.is_empty() => String::new(),
        url if url.is_empty() => format!("It is at {path} in Portico."),
        url => format!("{}{path}", url.trim_end_matches('/')),
    })
}
