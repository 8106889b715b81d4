//! Somebody comes back: the record as it is, with what the memory knows and can still be given. Who
//! rehires gives nothing that they could not give today.

pub mod api;
pub mod pages;
mod people;
mod things;

use super::Again;
use crate::approvals::chains::Verb;
use crate::auth::permissions::UsersDeprovision;
use crate::auth::{Actor, Scope, not_stronger};
use crate::customers::rehearsal::{Diff, Preview};
use crate::db::{Read, Write};
use crate::error::{Complaint, Error, Result};
use crate::ids::{RequestId, UserId};
use crate::input::{Field, Fields, Input};
use crate::offboarding;
use crate::time::Instant;
use crate::users::consent::{self, Door, Wish};
use crate::users::memory::{self, Memory};
use crate::users::{self, User, life};
use crate::web::{App, Cx};

pub const REHIRE: &[Field] = &[Field::object(
    "choices",
    "by the key of a choice, what was chosen; none of it where nothing is",
)];

pub const OUT: &[Field] = &[
    Field::list("back", "what is there again as it was"),
    Field::list(
        "choices",
        "what can be there again otherwise: key, text, why, options and what was chosen",
    ),
    Field::list("not_possible", "what is not, each with the reason"),
];

/// What came back, what may come back otherwise, and what cannot and why.
#[derive(Default, serde::Serialize)]
pub struct Rehired {
    pub back: Vec<String>,
    pub choices: Vec<Choice>,
    pub not_possible: Vec<String>,
}

/// Something that cannot be as it was.
#[derive(serde::Serialize)]
pub struct Choice {
    /// `service:backup`, `manager`, `reports`, `address:tv@aldermoor.example`
    pub key: String,
    pub text: String,
    pub why: String,
    /// Value and words; none: whatever is typed.
    pub options: Vec<(String, String)>,
    pub chosen: String,
}

/// Somebody on the way back.
struct Return<'a> {
    app: &'a App,
    actor: &'a Actor,
    again: Again<'a>,
    user: &'a User,
    said: &'a Input,
    seen: Rehired,
    complaints: Vec<Complaint>,
}

/// The memory that stands for the user.
pub fn remembered(
    db: &Read,
    scope: &Scope<UsersDeprovision>,
    id: UserId,
) -> Result<Option<(Instant, Memory)>> {
    let user = users::one(db, scope, id)?;
    memory::newest(db, &user)
}

/// Takes the user up again. With `only_look` everything is tried and nothing kept, so that what is
/// shown is what would be done.
pub fn rehire(
    app: &App,
    actor: &Actor,
    scope: &Scope<UsersDeprovision>,
    id: UserId,
    said: &Input,
    only_look: bool,
    again: Again,
) -> Result<Rehired> {
    Fields::of(said, REHIRE).finish(|| Some(()))?;
    let mut seen = None;
    let done = app.db.write(scope.by, |tx| {
        let user = users::one(tx, scope, id)?;
        not_stronger(tx, actor, id)?;
        consent::nobody_asks(tx, actor, user.customer, Some(id), Verb::UserCreate)?;
        let found = memory::newest(tx, &user)?.map(|(_, memory)| memory);
        offboarding::call_off_all(tx, &user)?;
        life::revive(tx, scope, &user)?;
        let (rehired, complaints) = bring_back(tx, app, actor, again, &user, said, found)?;
        if !complaints.is_empty() {
            return Err(Error::Invalid(complaints));
        }
        if only_look {
            seen = Some(rehired);
            return Err(Error::refused("Only looked at."));
        }
        Ok(rehired)
    });
    match seen {
        Some(seen) => Ok(seen),
        None => done,
    }
}

/// Keeps it for those who have to agree, after it was tried; nothing where nobody has to.
pub fn held(
    cx: &Cx,
    scope: &Scope<UsersDeprovision>,
    id: UserId,
    said: &Input,
    again: Again,
) -> Result<Option<RequestId>> {
    let customer = cx.db.read(|db| users::one(db, scope, id))?.customer;
    let wish = Wish { door: Door::Rehire, customer, user: Some(id), input: said };
    consent::hold(cx.db, &cx.app.config.key, &cx.actor, &wish, |actor| {
        let seen = rehire(cx.app, actor, scope, id, said, true, again)?;
        let back = |after: String| {
            let (field, before) = ("comes back".to_owned(), String::new());
            Diff { field, before, after }
        };
        let diffs = seen.back.into_iter().map(back).collect();
        Ok(Preview { diffs, warnings: seen.not_possible, ..Preview::default() })
    })
}

fn bring_back(
    tx: &Write,
    app: &App,
    actor: &Actor,
    again: Again,
    user: &User,
    said: &Input,
    memory: Option<Memory>,
) -> Result<(Rehired, Vec<Complaint>)> {
    let (seen, complaints) = (Rehired::default(), Vec::new());
    let mut way = Return { app, actor, again, user, said, seen, complaints };
    if let Some(memory) = memory {
        way.manager(tx, memory.manager)?;
        way.reports(tx, &memory.reports)?;
        way.addresses(tx, &Input::from_kept(&memory.fields))?;
        way.services(tx, memory.services)?;
        way.roles(tx, memory.roles)?;
    }
    Ok((way.seen, way.complaints))
}

impl Return<'_> {
    fn chosen(&self, key: &str) -> String {
        self.said.get(&format!("choices.{key}")).to_owned()
    }

    fn offer(&mut self, key: &str, text: String, why: String, options: Vec<(String, String)>) {
        let chosen = self.chosen(key);
        self.seen.choices.push(Choice { key: key.to_owned(), text, why, options, chosen });
    }

    fn complain(&mut self, key: &str, message: impl Into<String>) {
        self.complaints.push(Complaint::new(format!("choices.{key}"), message));
    }
}
