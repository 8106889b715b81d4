//! Somebody comes back: the record as it is, with what the memory knows and can still be given. Who
//! rehires gives nothing that they could not give today.

pub mod api;
pub mod pages;

use super::{Again, Along, give};
use crate::auth::permissions::UsersDeprovision;
use crate::auth::{Actor, Scope, not_stronger};
use crate::db::Read;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::input::Field;
use crate::time::Instant;
use crate::users::memory::{self, Memory};
use crate::users::{self, life};
use crate::web::App;

pub const OUT: &[Field] = &[
    Field::list("back", "what is there again"),
    Field::list("left_out", "what is not, each with the reason"),
];

/// What came back, and what did not and why.
#[derive(serde::Serialize)]
pub struct Rehired {
    pub back: Vec<String>,
    pub left_out: Vec<String>,
}

/// The newest memory of the user.
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
    only_look: bool,
    again: Again,
) -> Result<Rehired> {
    let mut seen = None;
    let done = app.db.write(scope.by, |tx| {
        let user = users::one(tx, scope, id)?;
        not_stronger(tx, actor, id)?;
        let found = memory::newest(tx, &user)?.map(|(_, memory)| memory);
        life::revive(tx, scope, &user)?;
        let mut rehired = Rehired { back: Vec::new(), left_out: Vec::new() };
        if let Some(memory) = found {
            let named = |had: &crate::assignments::Had| match had.plan_name.as_str() {
                "" => had.name.clone(),
                plan => format!("{}, {plan}", had.name),
            };
            for had in memory.services {
                let name = named(&had);
                let one = Along { services: vec![had], ..Along::default() };
                let refused = give(tx, app, actor, user.customer, id, &one, again)?;
                if refused.is_empty() {
                    rehired.back.push(name)
                } else {
                    rehired.left_out.extend(refused)
                }
            }
            for had in memory.roles {
                if had.at != user.customer {
                    rehired.left_out.push(format!("{}: it stood at another customer", had.role));
                    continue;
                }
                let one = Along { roles: vec![had.role.clone()], ..Along::default() };
                let refused = give(tx, app, actor, user.customer, id, &one, again)?;
                if refused.is_empty() {
                    rehired.back.push(had.role)
                } else {
                    rehired.left_out.extend(refused)
                }
            }
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
