//! What is ordered: read field by field, with what is usual at the customer where nothing is said.

use super::{Act, Params, State, guards, proceed, store, wish};
use crate::approvals::chains::Verb;
use crate::assignments;
use crate::audit;
use crate::auth::permissions::UsersDeprovision;
use crate::auth::{Actor, Scope};
use crate::customers::{self, settings};
use crate::db::{Db, Read};
use crate::error::{Error, Result};
use crate::ids::{OffboardingId, UserId};
use crate::input::Input;
use crate::places::State as Account;
use crate::time::{Instant, Zone};
use crate::users::{self, User, consent};
use serde_json::json;

/// A step before it is kept.
pub struct Planned {
    pub act: Act,
    pub text: String,
    pub subject: Option<i64>,
    pub params: Params,
    pub due: Instant,
    /// Why somebody has to do it by hand.
    pub by_hand: Option<String>,
}

/// What an order comes to.
struct Plan {
    begins: Instant,
    steps: Vec<Planned>,
    meant: bool,
}

/// Orders an offboarding. What is due at once is done within seconds.
pub fn order(
    db: &Db,
    actor: &Actor,
    scope: &Scope<UsersDeprovision>,
    user: UserId,
    input: &Input,
) -> Result<OffboardingId> {
    db.write(scope.by, |tx| {
        let leaver = users::one(tx, scope, user)?;
        let at = leaver.customer;
        consent::nobody_asks(tx, actor, at, Some(user), Verb::UserDeprovision)?;
        let Plan { begins, steps, meant } = plan(tx, actor, scope, &leaver, input)?;
        let id = store::insert(tx, &leaver, begins, meant)?;
        for step in &steps {
            store::insert_step(tx, id, step)?;
        }
        proceed(tx, &store::one(tx, id)?, begins)?;
        let acts: Vec<Act> = steps.iter().map(|step| step.act).collect();
        let detail = json!({ "offboarding": id, "begins_at": begins, "steps": acts });
        audit::record(tx, "user.offboarding_ordered", ("user", user.0), leaver.customer, &detail)?;
        Ok(id)
    })
}

/// What would be done, in its order.
pub fn outlook(
    db: &Db,
    actor: &Actor,
    scope: &Scope<UsersDeprovision>,
    user: UserId,
    input: &Input,
) -> Result<Vec<Planned>> {
    db.read(|db| {
        let leaver = users::one(db, scope, user)?;
        plan(db, actor, scope, &leaver, input).map(|plan| plan.steps)
    })
}

/// What is usual at the customer: what stands in the form before anything is said.
pub fn usual(db: &Read, user: &User) -> Result<Input> {
    let mut input = Input::default();
    for (key, field) in [
        ("offboard_end_sign_ins", "end_sign_ins"),
        ("offboard_disable", "disable"),
        ("offboard_hide_from_lists", "hide_from_lists"),
        ("offboard_out_of_office", "out_of_office"),
        ("offboard_share_mailbox", "share_mailbox"),
        ("offboard_leave_groups", "leave_groups"),
    ] {
        let on = settings::flag(db, user.customer, key)?;
        input.set(field, if on { "1" } else { "0" });
    }
    for (key, field) in [
        ("offboard_deprovision_after", "deprovision_after"),
        ("offboard_delete_after", "delete_after"),
    ] {
        let days = settings::number(db, user.customer, key)?;
        input.set(field, days.map(|days| days.to_string()).unwrap_or_default());
    }
    if settings::flag(db, user.customer, "offboard_end_services")? {
        for held in assignments::moving::living(db, user.id)? {
            input.push("services", held.id.number());
        }
    }
    Ok(input)
}

fn plan(
    db: &Read,
    actor: &Actor,
    scope: &Scope<UsersDeprovision>,
    user: &User,
    said: &Input,
) -> Result<Plan> {
    let name = &user.details.display_name;
    if !matches!(user.state, Account::Active | Account::Disabled) {
        return Err(Error::refused(format!("{name} is {}.", user.state.word())));
    }
    guards::of(db, actor, user, true)?;
    if store::open_of(db, user.id)?.is_some() {
        return Err(Error::refused(format!("{name} is being offboarded already.")));
    }
    let customer = customers::one(db, scope, user.customer)?;
    let zone = Zone::named(&customer.details.time_zone).unwrap_or_else(Zone::utc);
    let whole = said.over(usual(db, user)?);
    let held = assignments::moving::living(db, user.id)?;
    let wish = wish::read(db, actor, scope, user, &whole, &held, &zone)?;
    guards::of(db, actor, user, wish.meant)?;
    let hand = why_by_hand(db, user.id)?;
    let mut steps = Vec::new();
    let mut add = |act: Act, subject: Option<(i64, String)>, params: Params, due: Instant| {
        let (subject, shown) = subject.unzip();
        steps.push(Planned {
            act,
            text: act.text(&shown.unwrap_or_default(), &params),
            subject,
            params,
            due,
            by_hand: act.is_by_hand().then(|| hand.clone()),
        });
    };
    for (act, subject, params) in wish.acts {
        add(act, subject, params, wish.begins);
    }
    let end = wish.services_on.map_or(wish.begins, |day| day.start(&zone).max(wish.begins));
    // What was given last first: it may need what was given before.
    for each in held.iter().rev() {
        if wish.services.iter().any(|id| id.0 == each.id.number()) {
            add(Act::EndService, Some((each.id.number(), each.title())), Params::default(), end);
        }
    }
    if wish.disable {
        add(Act::Disable, None, Params::default(), wish.begins);
    }
    if let Some(days) = wish.deprovision {
        let due = wish.begins.plus_days(days).max(end);
        add(Act::Deprovision, None, Params::default(), due);
        if let Some(more) = wish.delete {
            add(Act::Delete, None, Params::default(), due.plus_days(more));
        }
    }
    if steps.is_empty() {
        return Err(Error::refused("Choose what is to be done."));
    }
    steps.sort_by_key(|step| step.due);
    Ok(Plan { begins: wish.begins, steps, meant: wish.meant })
}

/// Why nobody but a person can do what reaches outside: what the user's services go through is told
/// of giving, changing, suspending and taking a service, and of nothing else.
pub fn why_by_hand(db: &Read, user: UserId) -> Result<String> {
    Ok(by_hand(&store::connectors_of(db, user)?))
}

fn by_hand(connectors: &[String]) -> String {
    match connectors {
        [] => "None of the user’s services has a connector".to_owned(),
        all => format!("{} cannot do this", all.join(", ")),
    }
}

/// Whether it can still be called off.
pub fn is_open(state: State) -> bool {
    matches!(state, State::Planned | State::Begun)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_connector_can_do_says_why() {
        assert_eq!(by_hand(&[]), "None of the user’s services has a connector");
        let two = ["Post hook".to_owned(), "Directory".to_owned()];
        assert_eq!(by_hand(&two), "Post hook, Directory cannot do this");
    }
}
