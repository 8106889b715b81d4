//! What is ordered: read field by field, with what is usual at the customer where nothing is said.

use super::{Act, Params, State, guards, proceed, store};
use crate::assignments::{self, Held};
use crate::audit;
use crate::auth::permissions::{UsersDelete, UsersDeprovision, UsersUpdate};
use crate::auth::{Actor, Permission, Scope};
use crate::customers::{self, settings};
use crate::db::{Db, Read};
use crate::error::{Error, Result};
use crate::ids::{OffboardingId, UserId, UserServiceId};
use crate::input::{Field, Fields, Input};
use crate::places::State as Account;
use crate::time::{Date, Instant, Zone};
use crate::users::{self, User, lookup, reaches};
use serde_json::json;

pub const OFFBOARD: &[Field] = &[
    Field::text(
        "at",
        "when it begins, like 2026-01-31T18:00 in the customer's time zone; now when left out",
    ),
    Field::boolean("end_sign_ins", "ends sign-ins, links and tokens"),
    Field::boolean("disable", "disables the account, which suspends its services"),
    Field::boolean("hide_from_lists", "out of address lists"),
    Field::boolean("out_of_office", "mail is answered"),
    Field::text("out_of_office_text", "with this, at most 2000 characters"),
    Field::text(
        "forward_to",
        "mail goes to this user of the customer: sign-in name, address or id",
    ),
    Field::text("access_to", "who gets access to the mailbox, the same way"),
    Field::text("mailbox_until", "the last day of both"),
    Field::boolean("share_mailbox", "the mailbox becomes a shared one"),
    Field::boolean("leave_groups", "out of workspace and groups"),
    Field::text(
        "hand_to",
        "whom those report to from then on who report to the user, the same way",
    ),
    Field::list("services", "numbers of the user's services that end"),
    Field::text("services_on", "the day at whose beginning they end; with the rest when left out"),
    Field::text("deprovision_after", "days until the account ends, 0 to 365; empty: never"),
    Field::text(
        "delete_after",
        "days after that until it goes into the bin, 0 to 365; empty: never",
    ),
];

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

/// What was said, checked.
struct Wish {
    begins: Instant,
    acts: Vec<(Act, Option<(i64, String)>, Params)>,
    services: Vec<UserServiceId>,
    services_on: Option<Date>,
    disable: bool,
    deprovision: Option<i64>,
    delete: Option<i64>,
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
        let (begins, steps) = plan(tx, actor, scope, &leaver, input)?;
        let id = store::insert(tx, &leaver, begins)?;
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
        plan(db, actor, scope, &leaver, input).map(|(_, steps)| steps)
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
) -> Result<(Instant, Vec<Planned>)> {
    let name = &user.details.display_name;
    if !matches!(user.state, Account::Active | Account::Disabled) {
        return Err(Error::refused(format!("{name} is {}.", user.state.word())));
    }
    guards::of(db, actor, user)?;
    if store::open_of(db, user.id)?.is_some() {
        return Err(Error::refused(format!("{name} is being offboarded already.")));
    }
    let customer = customers::one(db, scope, user.customer)?;
    let zone = Zone::named(&customer.details.time_zone).unwrap_or_else(Zone::utc);
    let whole = said.over(usual(db, user)?);
    let held = assignments::moving::living(db, user.id)?;
    let wish = read(db, actor, scope, user, &whole, &held, &zone)?;
    let hand = by_hand(&store::connectors_of(db, user.id)?);
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
    Ok((wish.begins, steps))
}

/// Why nobody but a person can do what reaches outside: what the user's services go through is told
/// of giving, changing, suspending and taking a service, and of nothing else.
fn by_hand(connectors: &[String]) -> String {
    match connectors {
        [] => "By hand: none of the user's services has a connector.".to_owned(),
        all => format!("By hand: {} cannot do this.", all.join(", ")),
    }
}

fn read(
    db: &Read,
    actor: &Actor,
    scope: &Scope<UsersDeprovision>,
    user: &User,
    input: &Input,
    held: &[Held],
    zone: &Zone,
) -> Result<Wish> {
    let mut fields = Fields::of(input, OFFBOARD);
    let begins = begins(db.now, &mut fields, zone);
    let mut acts = Vec::new();
    let mut good = true;
    for (field, act) in [
        ("end_sign_ins", Act::EndSignIns),
        ("hide_from_lists", Act::HideFromLists),
        ("out_of_office", Act::OutOfOffice),
        ("share_mailbox", Act::ShareMailbox),
        ("leave_groups", Act::LeaveGroups),
    ] {
        match fields.flag(field) {
            Some(true) => acts.push((act, None, Params::default())),
            Some(false) => {}
            None => good = false,
        }
    }
    let text = fields.lines("out_of_office_text", 0..=2_000);
    if let Some((_, _, params)) = acts.iter_mut().find(|(act, ..)| *act == Act::OutOfOffice) {
        params.text = text.clone().unwrap_or_default();
    }
    let until = fields.optional_date("mailbox_until");
    if until.flatten().is_some_and(|day| day < db.now.day(zone)) {
        fields.complain::<()>("mailbox_until", "must not be past");
    }
    for (field, act) in
        [("forward_to", Act::Forward), ("access_to", Act::Access), ("hand_to", Act::HandReports)]
    {
        let params = Params { until: until.flatten(), ..Params::default() };
        match person(db, scope, user, &mut fields, field)? {
            Some(Some(whom)) if act == Act::HandReports => {
                acts.push((act, Some(whom), Params::default()));
            }
            Some(Some(whom)) => acts.push((act, Some(whom), params)),
            Some(None) => {}
            None => good = false,
        }
    }
    if !fields.value("hand_to").is_empty() && !reaches::<UsersUpdate>(db, actor, user.customer) {
        fields.complain::<()>("hand_to", format!("needs {}", UsersUpdate::NAME));
    }
    let disable = fields.flag("disable").map(|on| on && user.state == Account::Active);
    let services = services(db, &mut fields, held)?;
    let services_on = fields.optional_date("services_on");
    let deprovision = days(&mut fields, "deprovision_after");
    let delete = days(&mut fields, "delete_after");
    if delete.flatten().is_some() {
        if deprovision == Some(None) {
            fields.complain::<()>("delete_after", "needs a day on which the account ends");
        }
        if !reaches::<UsersDelete>(db, actor, user.customer) {
            fields.complain::<()>("delete_after", format!("needs {}", UsersDelete::NAME));
        }
    }
    acts.sort_by_key(|(act, ..)| *act);
    fields.finish(|| {
        good.then_some(())?;
        text?;
        until?;
        Some(Wish {
            begins: begins?,
            acts,
            services: services?,
            services_on: services_on?,
            disable: disable?,
            deprovision: deprovision?,
            delete: delete?,
        })
    })
}

/// An instant, or a time of the customer's clock, or the beginning of a day.
fn begins(now: Instant, fields: &mut Fields, zone: &Zone) -> Option<Instant> {
    let text = fields.value("at");
    if text.is_empty() {
        return Some(now);
    }
    let Some(at) = instant(text, zone) else {
        return fields.complain("at", "must be like 2026-01-31T18:00");
    };
    match at {
        at if at < now => fields.complain("at", "must not be past"),
        at if at > now.plus_days(366) => fields.complain("at", "must be within a year"),
        at => Some(at),
    }
}

fn instant(text: &str, zone: &Zone) -> Option<Instant> {
    let Some((day, clock)) = text.split_once('T') else {
        return text.parse::<Date>().ok().map(|day| day.start(zone));
    };
    if let Ok(at) = text.parse::<Instant>() {
        return Some(at);
    }
    let day: Date = day.parse().ok()?;
    let mut seconds = 0;
    let parts: Vec<&str> = clock.split(':').collect();
    if !(2..=3).contains(&parts.len()) {
        return None;
    }
    for (part, (most, worth)) in parts.iter().zip([(23, 3600), (59, 60), (59, 1)]) {
        let number: i64 = part.parse().ok().filter(|n| (0..=most).contains(n))?;
        seconds += number * worth;
    }
    Some(day.at(zone, seconds))
}

/// A number of days; empty or off is never.
fn days(fields: &mut Fields, field: &'static str) -> Option<Option<i64>> {
    match fields.value(field) {
        "" | "off" => Some(None),
        text => match text.parse::<i64>() {
            Ok(days) if (0..=365).contains(&days) => Some(Some(days)),
            _ => fields.complain(field, "must be a whole number from 0 to 365"),
        },
    }
}

/// Somebody else of the customer, who can take it.
fn person(
    db: &Read,
    scope: &Scope<UsersDeprovision>,
    user: &User,
    fields: &mut Fields,
    field: &'static str,
) -> Result<Option<Option<(i64, String)>>> {
    let text = fields.value(field);
    if text.is_empty() {
        return Ok(Some(None));
    }
    let found = match text.parse::<UserId>() {
        Ok(id) => lookup::is_of(db, user.customer, id)?.then_some(id),
        Err(_) => lookup::by_name(db, user.customer, &text.to_lowercase())?,
    };
    let found = found.filter(|found| *found != user.id);
    let found = found.map(|id| users::one(db, scope, id)).transpose()?;
    Ok(match found.filter(|found| found.state == Account::Active) {
        Some(found) => Some(Some((found.id.0, found.details.display_name))),
        None => fields.complain(field, "is not an active user of this customer"),
    })
}

/// Those of the user's services that end; none that another needs which stays.
fn services(db: &Read, fields: &mut Fields, held: &[Held]) -> Result<Option<Vec<UserServiceId>>> {
    let Some(ids) = fields.list::<UserServiceId>("services", 200) else { return Ok(None) };
    let ends = |held: &Held| ids.iter().any(|id| id.0 == held.id.number());
    if ids.iter().any(|id| !held.iter().any(|held| held.id.number() == id.0)) {
        return Ok(fields.complain("services", "has something that is not one of the choices"));
    }
    for each in held.iter().filter(|each| ends(each)) {
        for other in assignments::needing(db, each)? {
            let stays = held.iter().any(|held| held.service == other.id && !ends(held));
            if stays {
                let text = format!("{} needs {}. End both.", other.name, each.name);
                return Ok(fields.complain("services", text));
            }
        }
    }
    Ok(Some(ids))
}

/// Whether it can still be called off.
pub fn is_open(state: State) -> bool {
    matches!(state, State::Planned | State::Begun)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_as_the_customers_clock_shows_it() {
        let zone = Zone::named("Europe/Amsterdam").unwrap();
        let at = |text| instant(text, &zone).map(|at| at.to_string());
        assert_eq!(at("2026-03-11T18:00").as_deref(), Some("2026-03-11T17:00:00Z"));
        assert_eq!(at("2026-03-11T18:00:30").as_deref(), Some("2026-03-11T17:00:30Z"));
        assert_eq!(at("2026-07-01T18:00:00Z").as_deref(), Some("2026-07-01T18:00:00Z"));
        assert_eq!(at("2026-07-01").as_deref(), Some("2026-06-30T22:00:00Z"));
        for wrong in ["tomorrow", "2026-03-11T", "2026-03-11T24:00", "2026-03-11T18", "T18:00"] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_no_connector_can_do_says_why() {
        assert_eq!(by_hand(&[]), "By hand: none of the user's services has a connector.");
        let two = ["Post hook".to_owned(), "Directory".to_owned()];
        assert_eq!(by_hand(&two), "By hand: Post hook, Directory cannot do this.");
    }
}
