//! Many users at once: from files, and by selection.
//!
//! Invariant: each user is touched by the function that touches one, with the rights and guards that
//! hold at that moment; what takes from many is stopped or typed.

pub mod import;
mod store;

use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::CustomerId;
use crate::mail::{self, Class, NewMessage};
use crate::users::lookup;

/// Whether so many lose something that nobody should do it by mistake: more than ten, or more than a
/// twentieth of the customer's users and three at least.
pub fn braked(db: &Read, customer: CustomerId, losing: usize) -> Result<bool> {
    let n = i64::try_from(losing).unwrap_or(i64::MAX);
    Ok(n > 10 || (n >= 3 && n.saturating_mul(20) > lookup::count(db, customer)?))
}

/// Mails those who administrate the customer's users.
fn tell_administrators(
    tx: &Write,
    customer: CustomerId,
    event: &str,
    subject: &str,
    text: &str,
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
