//! What may be said of a leaving, read field by field.

use super::{Act, Params};
use crate::assignments::{self, Held};
use crate::auth::permissions::{UsersDelete, UsersDeprovision, UsersUpdate};
use crate::auth::{Actor, LEAVES, Permission, Scope, WITHOUT};
use crate::db::Read;
use crate::error::Result;
use crate::ids::{UserId, UserServiceId};
use crate::input::{Field, Fields, Input};
use crate::places::State as Account;
use crate::time::{Date, Instant, Zone};
use crate::users::{self, User, lookup, reaches};

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
    Field::text("hand_to", "who gets the user's reports and devices, the same way"),
    Field::list("services", "numbers of the user's services that end"),
    Field::text("services_on", "the day at whose beginning they end; with the rest when left out"),
    Field::text("deprovision_after", "days until the account ends, 0 to 365; empty: never"),
    Field::text(
        "delete_after",
        "days after that until it goes into the bin, 0 to 365; empty: never",
    ),
    LEAVES,
];

/// What was said, checked.
pub struct Wish {
    pub begins: Instant,
    pub acts: Vec<Wanted>,
    pub services: Vec<UserServiceId>,
    pub services_on: Option<Date>,
    pub disable: bool,
    /// After so many days, and deleting after so many more.
    pub deprovision: Option<i64>,
    pub delete: Option<i64>,
    /// Were it the last administrator of the customer.
    pub meant: bool,
}

/// An act, whom it is about by number and name, and what it is told.
type Wanted = (Act, Option<(i64, String)>, Params);

pub fn read(
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
                acts.push((act, Some(whom.clone()), Params::default()));
                acts.push((Act::HandDevices, Some(whom), Params::default()));
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
    let meant = fields.flag(WITHOUT);
    if delete.flatten().is_some() {
        if deprovision == Some(None) {
            fields.complain::<()>("delete_after", "needs a day on which the account ends");
        }
        if !reaches::<UsersDelete>(db, actor, user.customer) {
            fields.complain::<()>("delete_after", format!("needs {}", UsersDelete::NAME));
        } else if actor.by.acting_for.is_some() {
            fields.complain::<()>("delete_after", "must be empty while acting as somebody else");
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
            meant: meant?,
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
}
