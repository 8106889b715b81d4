//! Many who leave: each is offboarded by the order that does it to one, as is usual at their customer
//! where nothing else is said.

use super::acts::{At, one};
use crate::assignments;
use crate::auth::LEAVES;
use crate::auth::permissions::{UsersDeprovision, UsersRead};
use crate::db::Write;
use crate::error::Result;
use crate::input::{Field, Fields, Input};
use crate::offboarding;
use crate::users::{Changed, User};

pub const FIELDS: &[Field] = &[
    Field::text("at", "offboard: when it begins, like 2026-01-31T18:00; now when left out"),
    Field::boolean(
        "end_sign_ins",
        "offboard: ends sign-ins; as is usual when left out, as all of these",
    ),
    Field::boolean("disable", "offboard: disables the account"),
    Field::boolean("hide_from_lists", "offboard: out of address lists"),
    Field::boolean("out_of_office", "offboard: mail is answered"),
    Field::text("out_of_office_text", "offboard: with this"),
    Field::boolean("share_mailbox", "offboard: the mailbox becomes a shared one"),
    Field::boolean("leave_groups", "offboard: out of workspace and groups"),
    Field::text("forward_to", "offboard: mail goes to this user of the same customer"),
    Field::text("access_to", "offboard: who gets access to the mailbox"),
    Field::text("mailbox_until", "offboard: the last day of both"),
    Field::text("hand_to", "offboard: who gets reports and devices"),
    Field::boolean("end_services", "offboard: ends all services of each"),
    Field::text("services_on", "offboard: the day at whose beginning they end"),
    Field::text("deprovision_after", "offboard: days until the account ends, or never"),
    Field::text("delete_after", "offboard: days after that until it goes into the bin, or never"),
    LEAVES,
];

/// What is yes, no, or as is usual.
pub const TICKS: &[&str] = &[
    "end_sign_ins",
    "disable",
    "hide_from_lists",
    "out_of_office",
    "share_mailbox",
    "leave_groups",
    "end_services",
];

/// Whatever depends on whom it is about is told of each.
pub fn read(fields: &mut Fields) {
    for field in TICKS {
        fields.flag(field);
    }
    fields.lines("out_of_office_text", 0..=2_000);
    for field in ["mailbox_until", "services_on"] {
        fields.optional_date(field);
    }
    for field in ["deprovision_after", "delete_after"] {
        if fields.value(field) != NEVER {
            fields.optional_integer(field, 0..=365);
        }
    }
}

const NEVER: &str = "never";

pub fn order(tx: &Write, at: &At, user: &User, said: &Input) -> Result<Changed> {
    let scope = at.actor.scope::<UsersDeprovision>()?;
    let mut input = Input::default();
    for field in FIELDS.iter().map(|field| field.name).filter(|name| *name != "end_services") {
        match said.get(field) {
            "" => {}
            NEVER => input.set(field, ""),
            value => input.set(field, value),
        }
    }
    match said.get("end_services") {
        "" => {}
        "1" | "true" | "on" | "yes" => {
            for held in assignments::moving::living(tx, user.id)? {
                input.push("services", held.id.number());
            }
        }
        _ => input.set("services", ""),
    }
    let id = offboarding::order(&at.app.db, at.actor, &scope, user.id, &input)?;
    let it = offboarding::one(tx, &at.actor.scope::<UsersRead>()?, user.id, id)?;
    let begins = it.begins_at.local(&at.actor.zone).strftime("%-d %b %Y %H:%M");
    let steps: Vec<&str> = it.steps.iter().map(|step| step.text.as_str()).collect();
    Ok(one("offboarding", "", &format!("{begins}: {}", steps.join(", "))))
}
