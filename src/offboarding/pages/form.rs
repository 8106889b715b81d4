//! What is to be done of it, what that would do step by step, then the order.

use crate::assignments::{self, Held};
use crate::auth::permissions::{UsersDelete, UsersDeprovision, UsersUpdate};
use crate::auth::{Scope, WITHOUT, last_of_another};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{button, cancel, primary};
use crate::html::field::{Opts, check, complaint_of, text_field, textarea, tick};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::card;
use crate::html::table::{column, table};
use crate::html::text::{count, moment};
use crate::ids::UserId;
use crate::input::{Input, Kind};
use crate::offboarding::order::Planned;
use crate::offboarding::{OFFBOARD, order, outlook, usual};
use crate::places::{self, UserTab};
use crate::users::{self, reaches};
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[
    ("at", "Begins"),
    ("out_of_office_text", "Text of the note"),
    ("forward_to", "Forward mail to"),
    ("access_to", "Access to the mailbox for"),
    ("mailbox_until", "Both until"),
    ("hand_to", "Hand reports and devices to"),
    ("services", "Services"),
    ("services_on", "Services end on"),
    ("deprovision_after", "The account ends after"),
    ("delete_after", "Into the bin after"),
    (WITHOUT, ""),
];

pub fn ask(cx: &Cx, scope: &Scope<UsersDeprovision>) -> Result<Response> {
    cx.again()?;
    let id: UserId = cx.param("id")?;
    let input = cx.db.read(|db| usual(db, &users::one(db, scope, id)?))?;
    page(cx, scope, &input, &[])
}

/// Shows what would be done, and orders it where that was seen.
pub fn create(cx: &Cx, scope: &Scope<UsersDeprovision>) -> Result<Response> {
    cx.again()?;
    let (id, mut input): (UserId, Input) = (cx.param("id")?, cx.input()?);
    let (sure, back) = (input.get("sure") == "1", input.has("back"));
    input.remove("sure");
    input.remove("back");
    if back {
        return page(cx, scope, &input, &[]);
    }
    let done = match sure {
        true => order(cx.db, &cx.actor, scope, id, &input).map(|new| (Some(new), Vec::new())),
        false => outlook(cx.db, &cx.actor, scope, id, &input).map(|steps| (None, steps)),
    };
    match done {
        Ok((Some(new), _)) => Ok(cx.done(
            format!("/users/{id}/offboardings/{new}"),
            "Ordered. What is due is done within a minute.",
        )),
        Ok((None, steps)) => shown(cx, scope, &input, &steps),
        Err(Error::Invalid(all)) => page(cx, scope, &input, &all),
        Err(err) => Err(err),
    }
}

/// What of the form depends on who looks at it.
struct Looks {
    name: String,
    /// That no administrator would be left, where that has to be confirmed.
    last: Option<String>,
    held: Vec<Held>,
    may_lead: bool,
    may_delete: bool,
}

fn page(
    cx: &Cx,
    scope: &Scope<UsersDeprovision>,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let (person, looks) = cx.db.read(|db| {
        let person = places::user(db, scope, id)?;
        let at = person.customer.id;
        let looks = Looks {
            name: person.name.clone(),
            last: last_of_another(db, cx.actor.home, id)?,
            held: assignments::moving::living(db, id)?,
            may_lead: reaches::<UsersUpdate>(db, &cx.actor, at),
            may_delete: reaches::<UsersDelete>(db, &cx.actor, at),
        };
        Ok((person, looks))
    })?;
    let fields = html! {
        div.form {
            (when(input, complaints))
            (account(input, complaints, &looks))
            (mailbox(input, complaints))
            @if looks.may_lead {
                (fieldset("Work", "", text_field(input, complaints, "hand_to", "Hand reports and devices to", Opts {
                    width: 3, optional: true, ltr: true, hint: "Sign-in name of a user of the same customer.",
                    ..Opts::default()
                })))
            }
            @if !looks.held.is_empty() { (services(input, complaints, &looks)) }
        }
        (form_foot(html! {
            (primary("Show the plan")) (cancel(&format!("/users/{id}")))
        }))
    };
    let body = html! {
        (complaints_flash(complaints, LABELS))
        (card(&format!("Offboard {}", looks.name), None,
            post_form(&cx.csrf, &format!("/users/{id}/offboard"), fields)))
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::user_page(cx, &person, UserTab::Profile, status, html! {}, body))
}

fn when(input: &Input, complaints: &[Complaint]) -> Markup {
    let opts = Opts {
        width: 3,
        optional: true,
        kind: "datetime-local",
        hint: "By the customer’s clock. Empty: now.",
        ..Opts::default()
    };
    fieldset("When", "", text_field(input, complaints, "at", "Begins", opts))
}

fn account(input: &Input, complaints: &[Complaint], looks: &Looks) -> Markup {
    let days = Opts { width: 3, optional: true, kind: "number", unit: "days", ..Opts::default() };
    fieldset(
        "Account",
        "",
        html! {
            @if let Some(why) = &looks.last {
                (check(input, complaints, WITHOUT, "Go on though no administrator is left", why))
            }
            (check(input, complaints, "end_sign_ins", "End sign-ins and tokens", ""))
            (check(input, complaints, "disable", "Disable the account", "Its services are suspended."))
            (text_field(input, complaints, "deprovision_after", "The account ends after", Opts {
                hint: "0 to 365. What is left of its services ends with it. Empty: never.", ..days
            }))
            @if looks.may_delete {
                (text_field(input, complaints, "delete_after", "Into the bin after", Opts {
                    hint: "0 to 365, counted from there. Empty: never.", ..days
                }))
            }
        },
    )
}

fn mailbox(input: &Input, complaints: &[Complaint]) -> Markup {
    let about = "What no connector of the user can do is listed for somebody to do by hand.";
    let person = Opts {
        width: 3,
        optional: true,
        ltr: true,
        hint: "Sign-in name of a user of the same customer.",
        ..Opts::default()
    };
    let until = Opts { width: 3, optional: true, kind: "date", ..Opts::default() };
    let text = Opts { optional: true, most: Some(2_000), ..Opts::default() };
    fieldset(
        "Mailbox and groups",
        about,
        html! {
            (check(input, complaints, "hide_from_lists", "Hide from address lists", ""))
            (check(input, complaints, "out_of_office", "Answer mail with an out-of-office note", ""))
            (textarea(input, complaints, "out_of_office_text", "Text of the note", text))
            (text_field(input, complaints, "forward_to", "Forward mail to", person))
            (text_field(input, complaints, "access_to", "Access to the mailbox for", person))
            (text_field(input, complaints, "mailbox_until", "Both until", until))
            (check(input, complaints, "share_mailbox", "Make the mailbox shared", ""))
            (check(input, complaints, "leave_groups", "Leave workspace and groups", ""))
        },
    )
}

fn services(input: &Input, complaints: &[Complaint], looks: &Looks) -> Markup {
    let on = Opts {
        width: 3,
        optional: true,
        kind: "date",
        hint: "At the beginning of that day. Empty: with the rest.",
        ..Opts::default()
    };
    fieldset(
        "Services that end before the account",
        "",
        html! {
            // An empty choice is a choice: without it what is usual would be ticked again.
            (hidden("services", ""))
            div.field {
                @for each in &looks.held {
                    (tick(input, "services", &each.id.number().to_string(), &each.title(), &each.plan_name))
                }
                (complaint_of(complaints, "services", "Services"))
            }
            (text_field(input, complaints, "services_on", "Services end on", on))
        },
    )
}

fn shown(
    cx: &Cx,
    scope: &Scope<UsersDeprovision>,
    input: &Input,
    steps: &[Planned],
) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let person = cx.db.read(|db| places::user(db, scope, id))?;
    let rows = html! {
        @for step in steps {
            tr {
                th scope="row" { (step.text) }
                td { (moment(step.due, &cx.actor.zone)) }
                td {
                    @match &step.by_hand {
                        Some(why) => { "By hand" small { (why) } },
                        None => "By itself",
                    }
                }
            }
        }
    };
    let by_hand = steps.iter().filter(|step| step.by_hand.is_some()).count();
    let by_hand = i64::try_from(by_hand).unwrap_or(i64::MAX);
    let kept = html! {
        @for field in OFFBOARD.iter().filter(|field| input.has(field.name)) {
            @if field.kind == Kind::List { (hidden(field.name, "")) }
            @else { (hidden(field.name, input.get(field.name))) }
            @if field.kind == Kind::List {
                @for value in input.all(field.name) { (hidden(field.name, value)) }
            }
        }
        (form_foot(html! {
            (button("Offboard").danger().named("sure", "1"))
            (button("Change").named("back", "1"))
            (cancel(&format!("/users/{id}")))
        }))
    };
    let columns = [column("Step"), column("When"), column("How")];
    let body = card(
        &format!("Offboard {}?", person.name),
        None,
        html! {
            div.stack {
                p {
                    "What there is before the first step is remembered, so that it can be brought back. "
                    @if by_hand > 0 {
                        (count(by_hand, "step is", "steps are")) " left to somebody's hand."
                    }
                }
                (table("Steps", &columns, rows))
                (post_form(&cx.csrf, &format!("/users/{id}/offboard"), kept))
            }
        },
    );
    Ok(places::user_page(cx, &person, UserTab::Profile, 200, html! {}, body))
}
