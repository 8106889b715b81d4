//! Telling the people of customers that work upon their users waits.

use super::store;
use crate::auth::PROVIDER;
use crate::brake::Item;
use crate::customers::contacts;
use crate::db::Write;
use crate::error::Result;
use crate::html::text::count;
use crate::ids::CustomerId;
use crate::mail::{self, Class, NewMessage};
use std::collections::BTreeMap;

/// Tells the administrators of the customers that would lose something, and those contacts that
/// asked for it. Whoever lets it go is told by the brake.
pub fn of_hold(tx: &Write, title: &str, items: &[Item]) -> Result<()> {
    let mut all: BTreeMap<CustomerId, i64> = BTreeMap::new();
    for item in items.iter().filter(|item| item.customer != PROVIDER) {
        *all.entry(item.customer).or_insert(0) += 1;
    }
    for (customer, n) in all {
        let text = format!(
            "“{title}” would take from {} of yours. It waits, whole, until somebody has looked at the list and lets it go.",
            count(n, "user", "users")
        );
        let subject = format!("Held: {title}");
        let told = ("bulk.held", subject.as_str(), text.as_str());
        contacts::tell(tx, customer, contacts::For::Security, "", told)?;
        administrators(tx, customer, told)?;
    }
    Ok(())
}

/// Mails those who administrate the customer's users.
fn administrators(
    tx: &Write,
    customer: CustomerId,
    (event, subject, text): (&str, &str, &str),
) -> Result<()> {
    for (user, to, name) in store::administrators(tx, customer)? {
        let text = format!("Hello {name},\n\n{text}");
        let message = NewMessage {
            customer,
            user: Some(user),
            event,
            class: Class::Notice,
            to: &to,
            name: &name,
            subject,
            text: &text,
            link: None,
            expires: None,
        };
        mail::queue(tx, &message)?;
    }
    Ok(())
}
