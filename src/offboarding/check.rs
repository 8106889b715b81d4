//! The second look, a day after the last step: whether what was done still holds.

use super::{Act, Progress, Step, store};
use crate::assignments;
use crate::assignments::state::Live;
use crate::db::Read;
use crate::devices;
use crate::error::Result;
use crate::html::text::count;
use crate::ids::{UserId, UserServiceId};
use crate::places::State as Account;
use crate::users::lookup;

/// Whether the step holds, and what was found; nothing is said of what was not done.
pub fn step(
    db: &Read,
    user: UserId,
    state: Account,
    step: &Step,
) -> Result<(Option<bool>, String)> {
    match step.state {
        Progress::Done if step.act.is_by_hand() => {
            return Ok((None, "Portico cannot look at it".to_owned()));
        }
        Progress::Done => {}
        Progress::ByHand => return Ok((Some(false), "Nobody said that it was done".to_owned())),
        Progress::Failed => return Ok((Some(false), "It was not done".to_owned())),
        Progress::Cancelled | Progress::Planned => return Ok((None, String::new())),
    }
    let shut = state != Account::Active;
    let (holds, found) = match step.act {
        Act::EndSignIns => {
            let (sessions, tokens) = store::ways_in(db, user)?;
            let found = match (sessions, tokens) {
                (0, 0) => "No sign-in and no token".to_owned(),
                (n, 0) => count(n, "sign-in since", "sign-ins since"),
                (0, n) => count(n, "token since", "tokens since"),
                (n, m) => format!(
                    "{}, {}",
                    count(n, "sign-in", "sign-ins"),
                    count(m, "token since", "tokens since")
                ),
            };
            (sessions + tokens == 0, found)
        }
        Act::HandReports => {
            let left = lookup::reports(db, user)?.len();
            let left = i64::try_from(left).unwrap_or(i64::MAX);
            (
                left == 0,
                match left {
                    0 => "Nobody reports to the account".to_owned(),
                    n => count(n, "user reports to it", "users report to it"),
                },
            )
        }
        Act::HandDevices => {
            let left = i64::try_from(devices::count_of(db, user)?).unwrap_or(i64::MAX);
            (
                left == 0,
                match left {
                    0 => "It has no device".to_owned(),
                    n => format!("It has {}", count(n, "device", "devices")),
                },
            )
        }
        Act::EndService => service(db, user, UserServiceId(step.subject.unwrap_or_default()))?,
        Act::Disable => (shut, told(state)),
        Act::Deprovision => {
            let left = store::services_left(db, user)?;
            let ended = shut && state != Account::Disabled;
            (
                ended && left == 0,
                match left {
                    0 => told(state),
                    n => format!(
                        "{}; {} not gone outside",
                        told(state),
                        count(n, "service", "services")
                    ),
                },
            )
        }
        Act::Delete => (matches!(state, Account::Deleted | Account::Purged), told(state)),
        Act::HideFromLists
        | Act::OutOfOffice
        | Act::Forward
        | Act::Access
        | Act::ShareMailbox
        | Act::LeaveGroups => return Ok((None, String::new())),
    };
    Ok((Some(holds), found))
}

fn service(db: &Read, user: UserId, id: UserServiceId) -> Result<(bool, String)> {
    let Some(held) = assignments::one_of_user(db, user, id)? else {
        return Ok((true, "Gone".to_owned()));
    };
    Ok(match (held.live, held.open, held.problem()) {
        (Live::Gone, ..) => (true, "Gone".to_owned()),
        (_, Some(open), _) => (false, format!("Request {} is still at it", open.request)),
        (_, None, Some(last)) => (false, format!("Request {} {}", last.request, last.status)),
        _ => (false, "It is there".to_owned()),
    })
}

fn told(state: Account) -> String {
    format!("The account is {}", state.word())
}
