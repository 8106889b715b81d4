//! Each step as it is done, with the rights of whoever ordered it.

use super::{Act, Step, guards};
use crate::assignments;
use crate::auth::Actor;
use crate::auth::permissions::UsersDelete;
use crate::db::Write;
use crate::devices;
use crate::error::{Error, Result};
use crate::html::text::count;
use crate::ids::{RequestId, UserId, UserServiceId};
use crate::places::State as Account;
use crate::users::{User, life, lookup};

/// Does it; says what came of it. What is there already is no failure.
pub fn carry_out(
    tx: &Write,
    actor: &Actor,
    user: &User,
    step: &Step,
    meant: bool,
) -> Result<String> {
    let scope = guards::scope_of(tx, actor, user)?;
    guards::of(tx, actor, user, meant)?;
    match step.act {
        Act::EndSignIns => {
            life::end_sign_ins(tx, user.id)?;
            Ok("Ended".to_owned())
        }
        Act::HandReports => {
            guards::may_lead(tx, actor, user)?;
            let n = lookup::hand_reports(tx, user, taker(tx, user, step)?)?;
            let n = i64::try_from(n).unwrap_or(i64::MAX);
            Ok(format!("{} handed over", count(n, "user", "users")))
        }
        Act::HandDevices => {
            guards::may_lead(tx, actor, user)?;
            let n = devices::hand_over(tx, user, taker(tx, user, step)?)?;
            let n = i64::try_from(n).unwrap_or(i64::MAX);
            Ok(format!("{} handed over", count(n, "device", "devices")))
        }
        Act::EndService => end_service(tx, user, UserServiceId(step.subject.unwrap_or_default())),
        Act::Disable if user.state != Account::Active => Ok("It was off already".to_owned()),
        Act::Disable => {
            life::shut(tx, &scope, user, "user.disabled")?;
            Ok("Disabled".to_owned())
        }
        Act::Deprovision if !matches!(user.state, Account::Active | Account::Disabled) => {
            Ok("It had ended already".to_owned())
        }
        Act::Deprovision => Ok(match life::end(tx, &scope, user)?.as_slice() {
            [] => "Ended".to_owned(),
            all => format!("Ended; {}", requests(all)),
        }),
        Act::Delete => delete(tx, actor, user),
        Act::HideFromLists
        | Act::OutOfOffice
        | Act::Forward
        | Act::Access
        | Act::ShareMailbox
        | Act::LeaveGroups => Err(Error::internal("a step that is done by hand")),
    }
}

/// Who takes what the user leaves.
fn taker(tx: &Write, user: &User, step: &Step) -> Result<UserId> {
    let whom = UserId(step.subject.unwrap_or_default());
    if !lookup::is_of(tx, user.customer, whom)? {
        return Err(Error::refused(
            "Whoever was to take them is no user of the customer any more.",
        ));
    }
    Ok(whom)
}

fn end_service(tx: &Write, user: &User, id: UserServiceId) -> Result<String> {
    let living = assignments::moving::living(tx, user.id)?;
    let Some(held) = living.iter().find(|held| held.id.number() == id.0) else {
        return Ok("It had ended already".to_owned());
    };
    if let Some(other) = assignments::needing(tx, held)?.first() {
        return Err(Error::refused(format!("{} needs it. End that first.", other.name)));
    }
    let request = assignments::end(tx, held)?;
    Ok(requests(&[request]))
}

fn delete(tx: &Write, actor: &Actor, user: &User) -> Result<String> {
    guards::may_delete(tx, actor, user)?;
    match user.state {
        Account::Deleted | Account::Purged => Ok("It was in the bin already".to_owned()),
        Account::Deprovisioned => {
            life::into_bin(tx, &actor.scope::<UsersDelete>()?, user)?;
            Ok("In the bin".to_owned())
        }
        _ => Err(Error::refused("The account has not ended.")),
    }
}

/// "requests 7, 8"
fn requests(all: &[RequestId]) -> String {
    let numbers: Vec<String> = all.iter().map(ToString::to_string).collect();
    let word = if all.len() == 1 { "request" } else { "requests" };
    format!("{word} {}", numbers.join(", "))
}
