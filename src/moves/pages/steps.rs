//! Names, services, belongings: a page for each.

use super::{Step, carried};
use crate::assignments::{Held, moving as services};
use crate::auth::permissions::{CustomerServicesWrite, UsersMove};
use crate::auth::{Scope, WITHOUT};
use crate::catalogue::{self, OnMove};
use crate::customers::properties::Property;
use crate::customers::properties::form::{labels, value, with_labels};
use crate::db::Read;
use crate::devices;
use crate::error::{Complaint, Result};
use crate::html::button::{button, cancel, primary};
use crate::html::field::{Opts, check, radio, text_field, textarea, tick};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::card;
use crate::html::text::count;
use crate::ids::{CustomerId, UserId};
use crate::input::Input;
use crate::moves::missing;
use crate::places::{self, UserTab};
use crate::users::moving::HeldRole;
use crate::users::{self, Home, User, moving};
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[
    ("upn", "Sign-in name"),
    ("mail", "Primary address"),
    ("addresses", "Further addresses"),
    ("external_emails", "Addresses elsewhere"),
    (WITHOUT, ""),
];

/// What is needed to show any of the pages.
struct Shown {
    user: User,
    home: Home,
    choices: Vec<Choice>,
    roles: Vec<HeldRole>,
    reports: usize,
    devices: i64,
    /// What is required there and not known of the user.
    missing: Vec<Property>,
}

/// A service with what can become of it there.
struct Choice {
    held: Held,
    /// What is posted, in words, and a remark.
    options: Vec<(String, String, &'static str)>,
    /// What is chosen unless somebody chooses otherwise.
    first: String,
    /// The other customer does not have it.
    missing: bool,
}

pub fn page(
    cx: &Cx,
    scope: &Scope<UsersMove>,
    to: CustomerId,
    step: Step,
    typed: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let (person, shown, made) = cx.db.read(|db| {
        let user = users::one(db, scope, id)?;
        let home = Home::of(db, scope, to)?;
        let mut choices = Vec::new();
        for held in services::living(db, id)? {
            choices.push(choice(db, held, to)?);
        }
        let (made, _) = moving::outlook(db, &home, &user, &Input::default())?;
        let roles = moving::roles(db, id)?;
        let reports = users::lookup::reports(db, id)?.len();
        let devices = i64::try_from(devices::count_of(db, id)?).unwrap_or(i64::MAX);
        let missing = missing(db, &user, to)?;
        let shown = Shown { user, home, choices, roles, reports, devices, missing };
        Ok((places::user(db, scope, id)?, shown, made))
    })?;
    let mut input = Input::default();
    if let Some(made) = &made {
        input.set("upn", &made.upn);
        input.set("mail", &made.mail);
        made.addresses.iter().for_each(|each| input.push("addresses", each));
        made.external_emails.iter().for_each(|each| input.push("external_emails", each));
    }
    let input = typed.over(input);
    // Nobody is asked about services where there are none.
    let step = match step {
        Step::Services if shown.choices.is_empty() => Step::Belongings,
        step => step,
    };
    let before = match step {
        Step::Names | Step::Preview => None,
        Step::Belongings if !shown.choices.is_empty() => Some(Step::Services),
        Step::Services | Step::Belongings => Some(Step::Names),
    };
    let (place, next, fields, body) = match step {
        Step::Names => (2, Step::Services, NAMES, names(&shown, &input, complaints)),
        Step::Services => (3, Step::Belongings, SERVICES, all_services(cx, &shown, &input)),
        Step::Belongings | Step::Preview => {
            (4, Step::Preview, BELONGINGS, belongings(&person.customer.name, &shown, &input))
        }
    };
    let at = format!("/users/{id}/move");
    let form = html! {
        (hidden("version", shown.user.version)) (carried(&input, fields)) (hidden("step", next.word()))
        div.form { (body) }
        (form_foot(html! {
            (primary(if next == Step::Preview { "Show the plan" } else { "Next" }))
            @if let Some(before) = before { (button("Back").named("back", before.word())) }
            (cancel(&at))
        }))
    };
    let there = &shown.home.customer.details.name;
    let title = format!("Move {} to {there}", person.name);
    let count = html! { span.muted { "Step " (place) " of 5" } };
    let body = html! {
        (complaints_flash(complaints, &with_labels(LABELS, &labels(&shown.missing))))
        (card(&title, Some(count), post_form(&cx.csrf, &at, form)))
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::user_page(cx, &person, UserTab::Profile, status, html! {}, body))
}

const NAMES: &[&str] = &["upn", "mail", "addresses", "external_emails", "properties", WITHOUT];
const SERVICES: &[&str] = &["services"];
const BELONGINGS: &[&str] = &["roles", "places"];

/// Old names beside new ones.
fn names(shown: &Shown, input: &Input, complaints: &[Complaint]) -> Markup {
    let own = &shown.user.details;
    let (upn, mail) = (format!("Now {}.", own.upn), format!("Now {}.", own.mail));
    let wide = |hint| Opts { width: 3, ltr: true, hint, ..Opts::default() };
    let mut input = input.clone();
    for field in ["addresses", "external_emails"] {
        let lines = input.all(field).collect::<Vec<_>>().join("\n");
        input.set(field, lines);
    }
    let lines = |hint| Opts { rows: 2, optional: true, ltr: true, hint, ..Opts::default() };
    let elsewhere = complaints.iter().any(|each| each.field == "external_emails");
    fieldset(
        "Names",
        "What is not kept here ends with the move.",
        html! {
            (text_field(&input, complaints, "upn", "Sign-in name", wide(&upn)))
            (text_field(&input, complaints, "mail", "Primary address", wide(&mail)))
            (textarea(&input, complaints, "addresses", "Further addresses", lines("One a line.")))
            @if elsewhere || !own.external_emails.is_empty() {
                (textarea(&input, complaints, "external_emails", "Addresses elsewhere", lines("One a line.")))
            }
            @for property in &shown.missing { (value(property, &input, complaints, "properties")) }
            @if input.has(WITHOUT) || complaints.iter().any(|each| each.field == WITHOUT) {
                (check(&input, complaints, WITHOUT, "Go on though no administrator is left", ""))
            }
        },
    )
}

fn choice(db: &Read, held: Held, to: CustomerId) -> Result<Choice> {
    let on_move = catalogue::service(db, held.service)?.on_move;
    let standing = services::standing(db, to, held.service)?;
    let missing = standing.is_none();
    let mut plans = standing.map_or(Vec::new(), |standing| standing.plans);
    // The equal plan first.
    plans.sort_by_key(|(_, code, _)| *code != held.plan);
    let mut options = Vec::new();
    for (_, code, name) in &plans {
        if on_move == OnMove::Carry {
            options.push((format!("move:{code}"), format!("Moves along, {name}"), ""));
        }
    }
    for (_, code, name) in &plans {
        let remark = "Its data stays behind.";
        options.push((format!("anew:{code}"), format!("Made anew, {name}"), remark));
    }
    options.push(("end".to_owned(), "Ends".to_owned(), ""));
    let same = format!("move:{}", held.plan);
    let first = options.iter().find(|(value, ..)| *value == same);
    let first = first.map_or(String::new(), |(value, ..)| value.clone());
    Ok(Choice { held, options, first, missing })
}

fn all_services(cx: &Cx, shown: &Shown, input: &Input) -> Markup {
    let to = &shown.home.customer;
    let missing = html! {
        p {
            (to.details.name) " does not have it. "
            @if cx.actor.may::<CustomerServicesWrite>() {
                a href={ "/customers/" (to.id) "/services" } { "Services of " (to.details.name) }
            }
        }
    };
    html! { @for choice in &shown.choices { (service(choice, input, &missing)) } }
}

/// What can become of one, each to be chosen by itself.
fn service(choice: &Choice, input: &Input, missing: &Markup) -> Markup {
    let number = choice.held.id.number();
    let (name, mark) = (format!("services.{number}"), format!("{number}:"));
    let said = input.all("services").find_map(|text| text.strip_prefix(&mark));
    let mut now = Input::default();
    now.set(&name, said.unwrap_or(&choice.first));
    let body = html! {
        @if choice.missing { (missing) }
        div.field {
            @for (value, words, remark) in &choice.options {
                (radio(&now, &name, value, words, remark))
            }
        }
    };
    fieldset(&choice.held.title(), &choice.held.plan_name, body)
}

fn belongings(from: &str, shown: &Shown, input: &Input) -> Markup {
    let details = &shown.user.details;
    let mut now = input.clone();
    if !input.has("roles") {
        shown.roles.iter().for_each(|role| now.push("roles", &role.name));
    }
    if !input.has("places") {
        ["department", "location", "devices"].iter().for_each(|place| now.push("places", place));
    }
    let own: Vec<&HeldRole> =
        shown.roles.iter().filter(|role| role.at == shown.user.customer).collect();
    let places = [
        ("department", "Department", &details.department),
        ("location", "Location", &details.location),
    ];
    let places: Vec<_> = places.into_iter().filter(|(_, _, name)| !name.is_empty()).collect();
    html! {
        (hidden("roles", "")) (hidden("places", ""))
        @if !own.is_empty() { (fieldset("Roles", "", html! {
            @for role in &own {
                (tick(&now, "roles", &role.name, &role.name, "Where it is allowed and yours to give."))
            }
        })) }
        @if !places.is_empty() { (fieldset("Place", "", html! {
            @for (value, label, name) in &places {
                (tick(&now, "places", value, &format!("{label} {name}"), "By its name; made where it is new."))
            }
        })) }
        @if shown.devices > 0 { (fieldset("Devices", "", html! {
            (tick(&now, "places", "devices", &count(shown.devices, "device", "devices"), "What is not ticked stays with the customer."))
        })) }
        (fieldset("Stays behind", "", html! {
            p {
                @if details.manager.is_some() { "The manager " (shown.user.manager_name) " is left. " }
                @if shown.reports > 0 { "Those who report to " (details.display_name) " have no manager then. " }
                "Roles elsewhere end. Requests and history stay with " (from) "."
            }
        }))
    }
}
