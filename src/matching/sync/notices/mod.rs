//! Who is told of a sync: whoever looks after the directory of what it did, and those who look after
//! the customer's people of who left and of accounts that wait for them. What the last sync said
//! already is not said again.

mod store;

use super::KIND;
use crate::auth::Permission;
use crate::auth::permissions::{ConnectorsWrite, UsersDisable, UsersImport};
use crate::db::Write;
use crate::error::Result;
use crate::html::text::count;
use crate::ids::RunId;
use crate::mail::Class;
use crate::mail::people::{self, Notice};
use crate::matching::Site;
use std::collections::BTreeMap;

/// A sync that has ended.
pub struct Ended<'a> {
    pub run: RunId,
    pub site: &'a Site,
    /// The customer's.
    pub name: &'a str,
    pub numbers: &'a BTreeMap<String, i64>,
}

pub fn tell(tx: &Write, it: &Ended) -> Result<()> {
    let last = store::last_done(tx, KIND, it.site.customer, it.run)?;
    left(tx, it, last.as_ref().map(|(run, _)| *run))?;
    waiting(tx, it)?;
    let same = last.is_some_and(|(_, numbers)| numbers == *it.numbers);
    let worth = it.numbers.keys().any(|word| word != "changed");
    if same || !worth {
        return Ok(());
    }
    let done: Vec<String> =
        it.numbers.iter().map(|(word, n)| format!("{n} {}", word.replace('_', " "))).collect();
    let notice = Notice {
        customer: it.site.owner,
        event: "sync.report",
        class: Class::Notice,
        subject: &format!("Sync of {} with {}", it.name, it.site.name),
        text: &format!("{} was synced with {}: {}.", it.name, it.site.name, done.join(", ")),
        path: &format!("/customers/{}/directory-sync", it.site.customer),
    };
    let who = people::nearest_who_may(tx, ConnectorsWrite::NAME, it.site.owner)?;
    people::tell(tx, &who, &notice)
}

/// People whose account was disabled or is gone there.
fn left(tx: &Write, it: &Ended, last: Option<RunId>) -> Result<()> {
    let all = store::leavers(tx, it.run, last)?;
    if all.is_empty() {
        return Ok(());
    }
    let n = count(i64::try_from(all.len()).unwrap_or(i64::MAX), "user", "users");
    let notice = Notice {
        customer: it.site.customer,
        event: "directory.leaver",
        class: Class::Notice,
        subject: &format!("{n} left the directory {}", it.site.name),
        text: &format!("Of {}, found by the last sync:\n\n{}", it.name, all.join("\n")),
        path: &format!("/customers/{}/users", it.site.customer),
    };
    let who = people::nearest_who_may(tx, UsersDisable::NAME, it.site.customer)?;
    people::tell(tx, &who, &notice)
}

/// Accounts of which somebody has to say whose they are.
fn waiting(tx: &Write, it: &Ended) -> Result<()> {
    let n = store::tell_of_proposals(tx, it.site.environment, it.site.customer)?;
    let n = i64::try_from(n).unwrap_or(i64::MAX);
    if n == 0 {
        return Ok(());
    }
    let what = count(n, "account waits", "accounts wait");
    let notice = Notice {
        customer: it.site.customer,
        event: "proposals.waiting",
        class: Class::Notice,
        subject: &format!("{what} for you to say whose they are"),
        text: &format!(
            "The last sync of {} with {} found what is nobody’s for certain: {what} until somebody links it to a user, makes one of it, or sets it aside.",
            it.name, it.site.name
        ),
        path: "/proposals",
    };
    let who = people::nearest_who_may(tx, UsersImport::NAME, it.site.customer)?;
    people::tell(tx, &who, &notice)
}
