//! The fields of each action.

use crate::assignments::offered;
use crate::auth::permissions::{ServicesRead, UsersRead};
use crate::auth::{Actor, Scope};
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
}

impl Choices {
    pub fn of(
        db: &Read,
        scope: &Scope<UsersRead>,
        of: Option<CustomerId>,
        act: Act,
        actor: &Actor,
    ) -> Result<Choices> {
        let mut choices = Choices::default();
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
        Act::ChangeService | Act::SuspendService | Act::ResumeService | Act::EndService => {
            vec![("input.service", "Service"), ("input.label", "Label"), ("input.plan", "New plan")]
        }
        _ => Vec::new(),
    }
}

pub fn inputs(act: Act, input: &Input, complaints: &[Complaint], choices: &Choices) -> Markup {
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
    fieldset(
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
                    (text_field(input, complaints, "input.plan", "Code of the new plan", half))
                } @else {
                    (choice_field(input, complaints, "input.plan", "New plan", &choices.plans, half))
                }
            }
        },
    )
}

fn label(field: &str) -> &str {
    LABELS.iter().find(|(name, _)| *name == field).map_or(field, |(_, label)| label)
}
