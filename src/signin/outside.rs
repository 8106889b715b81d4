//! A password that somebody chooses here is also that of their account in the directory: it goes
//! there sealed, by a request of its own, and is kept nowhere.

use super::store;
use crate::assignments;
use crate::db::{Read, Write};
use crate::directory::{self, work};
use crate::engine::{self, Action, Class, End, How, NewRequest, NewStep, OnError, Settled};
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use crate::mail::texts;
use crate::secret::{Key, Secret};
use serde_json::json;

/// Orders that the directory takes it over, where the user has an account in one.
pub fn hand_over(
    tx: &Write,
    key: &Key,
    (customer, user): (CustomerId, UserId),
    new: &Secret,
) -> Result<()> {
    let Some(place) = directory::keeper(tx, customer, user)? else { return Ok(()) };
    let name = store::display_name(tx, user)?;
    let step = NewStep {
        key: "password".into(),
        title: format!("Set the password in {place}"),
        action: Action::DirPassword,
        connector: None,
        params: json!({ "value": work::sealed(key, user, new)? }),
        on_error: OnError::Stop,
        how: How::default(),
    };
    let request = NewRequest {
        customer,
        event: "user.password",
        user: Some(user),
        customer_service: None,
        user_service: None,
        title: format!("Set the password of {name} in {place}"),
        class: Class::Security,
        source: assignments::source(tx.by.via),
        after: None,
        parent: None,
        preview: None,
        run: None,
        by: tx.by.user,
        steps: vec![step],
    };
    engine::accept(tx, request)?;
    Ok(())
}

/// Whose password the directory did not take is told so: the old one holds there.
pub fn settle(tx: &Write, settled: &Settled) -> Result<()> {
    let (Some(user), End::Failed) = (settled.job.user, settled.end) else { return Ok(()) };
    let customer = settled.job.customer;
    let place = directory::keeper(tx, customer, user)?.unwrap_or_else(|| "the directory".into());
    let what = format!(
        "You chose a new password. It holds here, but not in {place}, where the old one stays: {} \
         Choose another one under My account, Password.",
        settled.reason
    );
    let title = "Your new password was not taken everywhere";
    texts::tell_user(tx, customer, user, "user.password_refused", title, &what)
}

/// What a password page says of it; empty where the password stays here.
pub fn hint(db: &Read, customer: CustomerId, user: UserId) -> Result<String> {
    let place = directory::keeper(db, customer, user)?;
    Ok(place.map_or_else(String::new, |place| {
        format!(" It becomes that of your account in {place} too.")
    }))
}
