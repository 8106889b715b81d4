//! Told to whoever looks after a connector: that it does not answer or does again, and that what it
//! signs in with is about to end.

use super::store;
use crate::db::Write;
use crate::error::Result;
use crate::ids::{ConnectorId, CredentialId, CustomerId, UserId};
use crate::mail::{self, Class, NewMessage};
use crate::time::Zone;

/// Somebody who is told.
pub struct Keeper {
    pub id: UserId,
    pub name: String,
    pub mail: String,
}

/// A credential that ends, and what uses it.
pub struct Ending {
    pub id: CredentialId,
    pub customer: CustomerId,
    pub name: String,
    pub used_by: String,
}

/// Days before its end on which a credential is told of.
pub const DAYS: [i64; 4] = [30, 14, 7, 1];

pub fn down(tx: &Write, id: ConnectorId, why: &str) -> Result<()> {
    let (name, owner) = store::called(tx, id)?;
    let text = format!(
        "{name} has not answered several times in a row: {why}\n\nWhat needs it waits and is tried again \
         by itself; nothing is lost. Its page, under Connectors, says what is wrong and what to do."
    );
    tell(tx, owner, "connector.down", &format!("{name} does not answer"), &text)
}

pub fn up(tx: &Write, id: ConnectorId) -> Result<()> {
    let (name, owner) = store::called(tx, id)?;
    let text = format!("{name} answers again. What waited for it goes on.");
    tell(tx, owner, "connector.up", &format!("{name} answers again"), &text)
}

/// Tells of every credential that ends in so many days; their names.
pub fn credentials(tx: &Write, days: i64) -> Result<Vec<String>> {
    let zone = Zone::named(&store::zone(tx)?).unwrap_or_else(Zone::utc);
    let all = store::ending(tx, tx.now.day(&zone).plus_days(days))?;
    for each in &all {
        let when = if days == 1 { "tomorrow".to_owned() } else { format!("in {days} days") };
        let text = format!(
            "The credential {} ends {when}. {} signs in with it and stops working then.\n\nPut the new one \
             in its place under Connectors, Credentials: it is tried before it replaces the old one.",
            each.name, each.used_by
        );
        let subject = format!("The credential {} ends {when}", each.name);
        tell(tx, each.customer, "credential.expires", &subject, &text)?;
    }
    Ok(all.into_iter().map(|each| each.name).collect())
}

fn tell(tx: &Write, owner: CustomerId, event: &str, subject: &str, what: &str) -> Result<()> {
    for keeper in store::keepers(tx, owner)? {
        let message = NewMessage {
            customer: owner,
            user: Some(keeper.id),
            event,
            class: Class::Notice,
            to: &keeper.mail,
            name: &keeper.name,
            subject,
            text: &format!("Hello {},\n\n{what}", keeper.name),
            link: None,
            expires: None,
        };
        mail::queue(tx, &message)?;
    }
    Ok(())
}
