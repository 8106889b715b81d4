//! One service of many: changed, suspended, resumed or ended, by the order that does it to one.

use super::acts::{Act, At, one};
use crate::assignments::state::{Verb, Wanted};
use crate::assignments::{self, Held, HeldId, Reason};
use crate::auth::permissions::{ServicesRead, UserServicesWrite};
use crate::db::Write;
use crate::error::{Error, Result};
use crate::input::Input;
use crate::users::{Changed, User};
use crate::web::Paging;

/// More than anybody has.
const MOST: i64 = 500;

/// Who does not have it, or has it so already, stays as they are; only a plan that somebody without
/// the service was to get is refused.
pub fn act(tx: &Write, at: &At, user: &User, act: Act, said: &Input) -> Result<Changed> {
    let scope = at.actor.service_rights::<UserServicesWrite>()?;
    let read = at.actor.scope::<ServicesRead>()?;
    let (code, label) = (said.get("service"), said.get("label"));
    let mut all = assignments::of_user(tx, &read, user.id, &Paging::first(MOST))?.items;
    all.retain(|held| held.wanted != Wanted::Gone);
    let same = |held: &&Held| held.code.eq_ignore_ascii_case(code) && held.label == label;
    let Some(held) = all.iter().find(same) else {
        return match act {
            Act::ChangeService => {
                let name = &user.details.display_name;
                Err(Error::refused(format!("{name} does not have {code}.")))
            }
            _ => Ok(Changed::new()),
        };
    };
    let plan = said.get("plan");
    let suspended = held.reasons.contains(&Reason::Operator);
    let mut input = Input::default();
    let (verb, old, new) = match act {
        Act::ChangeService if held.plan.eq_ignore_ascii_case(plan) => return Ok(Changed::new()),
        Act::ChangeService => {
            input.set("plan", plan);
            (Verb::Change, held.plan.as_str(), plan)
        }
        Act::SuspendService if suspended => return Ok(Changed::new()),
        Act::SuspendService => (Verb::Suspend, "on", "suspended"),
        Act::ResumeService if !suspended => return Ok(Changed::new()),
        Act::ResumeService => (Verb::Resume, "suspended", "on"),
        _ => (Verb::Remove, held.plan.as_str(), ""),
    };
    let HeldId::User(number) = held.id else { return Err(Error::NotFound) };
    let order = assignments::for_user(tx, &scope, user.id, verb, Some(number), input)?;
    let (db, key) = (&at.app.db, &at.app.config.key);
    assignments::carry_out_in(db, key, at.actor, &scope, &order, at.run)?;
    let old = if old.is_empty() { "on" } else { old };
    Ok(one(&held.title(), old, new))
}
