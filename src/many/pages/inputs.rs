//! The fields of each action.

use crate::assignments::offered;
use crate::auth::permissions::{ServicesRead, UsersRead};
use crate::auth::{Actor, Scope, WITHOUT};
use crate::catalogue::fields::{Around, value_field};
use crate::catalogue::properties::{Property as Setting, standing};
use crate::customers::properties::form::value;
use crate::customers::properties::{Holder, Property, Standing, open_to};
use crate::db::Read;
use crate::error::{Complaint, Result};
use crate::html::field::{
    Opts, check, choice_field, file_field, radio, text_field, textarea, tick,
};
use crate::html::form::fieldset;
use crate::ids::CustomerId;
use crate::input::Input;
use crate::many::acts::{Act, SHARED};
use crate::many::leave;
use crate::many::services::of_service;
use crate::users;
use crate::users::form::LABELS;
use maud::{Markup, html};

/// What fields are offered to choose from.
#[derive(Default)]
pub struct Choices {
    departments: Vec<String>,
    properties: Vec<Property>,
    /// Services by code, and what they are called.
    services: Vec<(String, String)>,
    /// Plans by code, each with its service before it.
    plans: Vec<(String, String)>,
    /// What of the chosen service many may share.
    settings: Vec<Setting>,
}

impl Choices {
    pub fn of(
        db: &Read,
        scope: &Scope<UsersRead>,
        of: Option<CustomerId>,
        (act, service): (Act, &str),
        actor: &Actor,
    ) -> Result<Choices> {
        let mut choices = Choices::default();
        if act == Act::ChangeService && actor.may::<ServicesRead>() && !service.is_empty() {
            choices.settings = of_service(db, service)?;
            let standing = standing(actor, of.unwrap_or(actor.home));
            choices.settings.retain(|each| !each.secret && each.written_by(standing));
        }
        let Some(customer) = of else { return Ok(choices) };
        if act == Act::Edit {
            choices.departments = users::departments(db, scope, customer)?;
            let holder = Holder::new_user(customer);
            choices.properties = open_to(db, Standing::of(db, actor, &holder)?, &holder)?;
        }
        if actor.may::<ServicesRead>() && act.fields().iter().any(|field| field.name == "service") {
            scope.reaches(db, customer)?;
            for (value, words, service) in offered(db, customer)? {
                if !choices.services.iter().any(|(code, _)| *code == service.code) {
                    choices.services.push((service.code.clone(), service.name.clone()));
                }
                let plan = value.rsplit('/').next().unwrap_or_default().to_owned();
                choices.plans.push((plan, words));
            }
        }
        Ok(choices)
    }
}

/// What the fields are called, by the names that complaints have.
pub fn labels(act: Act) -> Vec<(&'static str, &'static str)> {
    match act {
        Act::AddRole | Act::TakeRole => vec![("input.role", "Role")],
        Act::Expiry => vec![("input.expires_on", "Last day")],
        Act::Upn => vec![
            ("input.domain", "New domain"),
            ("input.pattern", "Pattern"),
            ("input.names", "The file"),
            ("file", "File"),
        ],
        Act::Offboard => OFFBOARD.to_vec(),
        Act::Move => vec![("input.to", "Customer they move to")],
        Act::ChangeService | Act::SuspendService | Act::ResumeService | Act::EndService => {
            vec![("input.service", "Service"), ("input.label", "Label"), ("input.plan", "New plan")]
        }
        _ => Vec::new(),
    }
}

pub fn inputs(act: Act, input: &Input, complaints: &[Complaint], choices: &Choices) -> Markup {
    html! {
        (own(act, input, complaints, choices))
        @if act.may_leave_nobody() {
            (fieldset("Administrators", "", check(
                input,
                complaints,
                &format!("input.{WITHOUT}"),
                "Go on though no administrator is left at a customer",
                "Otherwise the last one who can sign in is left as they are.",
            )))
        }
    }
}

fn own(act: Act, input: &Input, complaints: &[Complaint], choices: &Choices) -> Markup {
    let half = Opts { width: 3, optional: true, ..Opts::default() };
    match act {
        Act::Edit => edit(input, complaints, choices),
        Act::AddRole | Act::TakeRole => fieldset(
            "Role",
            "At the customer itself; each is refused or given as by hand.",
            text_field(input, complaints, "input.role", "Role", Opts { width: 3, ..half }),
        ),
        Act::Expiry => fieldset(
            "Last day",
            "Empty: nobody’s access ends by itself.",
            text_field(
                input,
                complaints,
                "input.expires_on",
                "Last day",
                Opts { kind: "date", ..half },
            ),
        ),
        Act::Delete => fieldset(
            "Into the bin",
            "For thirty days each can be taken out again.",
            check(
                input,
                complaints,
                "input.deprovision",
                "Deprovision first who is active or disabled",
                "Their services end.",
            ),
        ),
        Act::Upn => names(&ticked(input), complaints),
        Act::Offboard => offboard(input, complaints),
        Act::Move => fieldset(
            "Where they move to",
            "Names are made anew by the patterns there. What else comes along, and what does not, is told of each.",
            html! {
                (text_field(input, complaints, "input.to", "Customer they move to",
                            Opts { hint: "Its code or number.", width: 3, ltr: true, ..Opts::default() }))
                (check(input, complaints, "input.end_others", "End services that cannot come along",
                       "Otherwise whoever has one is not moved."))
            },
        ),
        Act::ChangeService | Act::SuspendService | Act::ResumeService | Act::EndService => {
            service(act, input, complaints, choices)
        }
        _ => html! {},
    }
}

fn edit(input: &Input, complaints: &[Complaint], choices: &Choices) -> Markup {
    let half = Opts { width: 3, optional: true, ..Opts::default() };
    let about = "What stays empty is left as it is. Emptying a field is a tick of its own.";
    html! {
        (fieldset("Set", about, html! {
            datalist id="departments" { @for name in &choices.departments { option value=(name) {} } }
            @for field in SHARED {
                @let name = format!("input.set.{field}");
                @let label = label(field);
                @let list = if *field == "department" { "departments" } else { "" };
                @if *field == "notes" {
                    (textarea(input, complaints, &name, label, Opts { rows: 3, ..half }))
                } @else {
                    (text_field(input, complaints, &name, label, Opts { list, ..half }))
                }
            }
            @for property in &choices.properties {
                // Left alone is not emptied: nobody need say anything here.
                (value(&Property { required: false, ..property.clone() }, input, complaints, "input.set.properties"))
            }
        }))
        (fieldset("Empty", "", html! {
            div.field.ticks {
                @for field in SHARED { (tick(input, "input.clear", field, label(field), "")) }
                @for property in choices.properties.iter().filter(|each| !each.required) {
                    (tick(input, "input.clear", &property.field(), &property.label, ""))
                }
            }
        }))
    }
}

fn names(input: &Input, complaints: &[Complaint]) -> Markup {
    let third = Opts { width: 3, optional: true, ltr: true, ..Opts::default() };
    let list = "CSV or XLSX with the columns UPN and NewUPN. It says by itself who is meant.";
    let about = "People sign in with the new name from then on.";
    html! {
        (fieldset("New sign-in names", about, html! {
            div.field {
                (radio(input, "input.by", "domain", "The same name on another domain", ""))
                (radio(input, "input.by", "pattern", "Made from the person’s name", ""))
                (radio(input, "input.by", "names", "From a file", ""))
            }
            (text_field(input, complaints, "input.domain", "New domain", third))
            (text_field(input, complaints, "input.from", "Only names on",
                        Opts { hint: "Of those on another domain nothing changes.", ..third }))
            (text_field(input, complaints, "input.pattern", "Pattern",
                        Opts { hint: "Like {first}.{last}. Empty: the customer’s own.", ..third }))
            (file_field(complaints, "file", "File", ".csv,.xlsx",
                        Opts { hint: list, width: 3, optional: true, ..Opts::default() }))
        }))
        (fieldset("What stays", "", html! {
            (check(input, complaints, "input.keep_address", "Keep the old name as an address", ""))
            (check(input, complaints, "input.follow", "The primary address follows",
                   "Where it is the same as the sign-in name."))
            (check(input, complaints, "input.tell", "Mail each of them", ""))
        }))
    }
}

/// Two ticks of a renaming are on until somebody takes them off.
fn ticked(input: &Input) -> Input {
    let mut input = input.clone();
    for (name, unsaid) in
        [("input.keep_address", "1"), ("input.follow", "1"), ("input.by", "domain")]
    {
        if !input.has(name) {
            input.set(name, unsaid);
        }
    }
    input
}

fn service(act: Act, input: &Input, complaints: &[Complaint], choices: &Choices) -> Markup {
    let half = Opts { width: 3, ..Opts::default() };
    let about = "Who does not have it stays as they are.";
    let mut plans = vec![(String::new(), "The plan that each has".to_owned())];
    plans.extend(choices.plans.iter().cloned());
    let half_optional = Opts { optional: true, ..half };
    let service = fieldset(
        "Service",
        about,
        html! {
            @if choices.services.is_empty() {
                (text_field(input, complaints, "input.service", "Code of the service", half))
            } @else {
                (choice_field(input, complaints, "input.service", "Service", &choices.services, half))
            }
            (text_field(input, complaints, "input.label", "Label",
                        Opts { hint: "Where somebody has several of it.", optional: true, ..half }))
            @if act == Act::ChangeService {
                @if choices.plans.is_empty() {
                    (text_field(input, complaints, "input.plan", "Code of the new plan", half_optional))
                } @else {
                    (choice_field(input, complaints, "input.plan", "New plan", &plans, half))
                }
            }
        },
    );
    html! { (service) @if act == Act::ChangeService { (settings(input, complaints, choices)) } }
}

/// The settings of the chosen service: what is left empty stays.
fn settings(input: &Input, complaints: &[Complaint], choices: &Choices) -> Markup {
    if choices.settings.is_empty() {
        return fieldset(
            "Settings",
            "Choose a service and press “Show its fields” to change its settings too.",
            html! {},
        );
    }
    let mut own = Input::default();
    for (name, value) in input.members("input.properties") {
        own.set(&format!("properties.{name}"), value);
    }
    let complaints: Vec<Complaint> = complaints
        .iter()
        .map(|each| match each.field.strip_prefix("input.") {
            Some(name) if name.starts_with("properties.") => {
                Complaint::new(name.to_owned(), &*each.message)
            }
            _ => Complaint::new(each.field.clone(), &*each.message),
        })
        .collect();
    html! {
        (fieldset("Settings", "What is left empty stays as each has it.", html! {
            @for each in &choices.settings {
                (value_field(&Setting { required: false, ..each.clone() }, &own, &complaints, &Around::default()))
            }
        }))
        (fieldset("Inherit again", "", html! {
            div.field.ticks {
                @for each in &choices.settings { (tick(input, "input.clear", &each.name, &each.label, "")) }
            }
        }))
    }
}

/// The fields of settings have the names that they have wherever a service is given; here they are part
/// of what the action takes.
pub fn take_settings(input: &mut Input) {
    let typed: Vec<(String, String)> = input
        .members("properties")
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    for (name, value) in typed {
        input.remove(&format!("properties.{name}"));
        input.set(&format!("input.properties.{name}"), value);
    }
}

const OFFBOARD: &[(&str, &str)] = &[
    ("input.at", "Begins"),
    ("input.out_of_office_text", "Text of the note"),
    ("input.mailbox_until", "Both until"),
    ("input.services_on", "Services end on"),
    ("input.deprovision_after", "The account ends after"),
    ("input.delete_after", "Into the bin after"),
    ("input.forward_to", "Forward mail to"),
    ("input.access_to", "Access to the mailbox for"),
    ("input.hand_to", "Hand reports and devices to"),
];

fn offboard(input: &Input, complaints: &[Complaint]) -> Markup {
    let label = |field: &str| {
        let field = format!("input.{field}");
        OFFBOARD.iter().find(|(name, _)| *name == field).map_or("", |(_, label)| label)
    };
    let half = Opts { width: 3, optional: true, ..Opts::default() };
    let text = |field: &str, opts: Opts| {
        text_field(input, complaints, &format!("input.{field}"), label(field), opts)
    };
    let usual = [("", "As is usual"), ("true", "Yes"), ("false", "No")];
    let ticks = [
        "End sign-ins and tokens",
        "Disable the account",
        "Hide from address lists",
        "Answer mail with a note",
        "Make the mailbox shared",
        "Leave workspace and groups",
        "End all services",
    ];
    html! {
        (fieldset("When", "Each begins at the same time; every one can be cancelled until then.", html! {
            (text("at", Opts { kind: "datetime-local", hint: "Empty: now.", ..half }))
        }))
        (fieldset("What is done", "What is usual is set at each customer.", html! {
            @for (field, words) in leave::TICKS.iter().zip(ticks) {
                (choice_field(input, complaints, &format!("input.{field}"), words, &usual,
                              Opts { width: 3, ..Opts::default() }))
            }
            (textarea(input, complaints, "input.out_of_office_text", label("out_of_office_text"),
                      Opts { optional: true, ..Opts::default() }))
            (text("services_on", Opts { kind: "date", ..half }))
            (text("deprovision_after", Opts { unit: "days", hint: "Empty: as is usual. “never” keeps it.", ..half }))
            (text("delete_after", Opts { unit: "days", hint: "After that. Empty: as is usual.", ..half }))
        }))
        (fieldset("Who takes over", "Users of the same customer, by sign-in name.", html! {
            (text("forward_to", Opts { ltr: true, ..half }))
            (text("access_to", Opts { ltr: true, ..half }))
            (text("mailbox_until", Opts { kind: "date", ..half }))
            (text("hand_to", Opts { ltr: true, ..half }))
        }))
    }
}

fn label(field: &str) -> &str {
    LABELS.iter().find(|(name, _)| *name == field).map_or(field, |(_, label)| label)
}
