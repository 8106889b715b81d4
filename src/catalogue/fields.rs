//! A form field for the value of a property, and where a value comes from: the same on plans, offers,
//! customers and users.

use super::properties::Property;
use super::properties::origin::{Explanation, Inherits};
use super::values::Fate;
use crate::error::Complaint;
use crate::html::button::link;
use crate::html::field::{Opts, choice_field, text_field, textarea, tick};
use crate::html::form::hidden;
use crate::html::parts::{Tone, pill, tag};
use crate::html::table::{column, table};
use crate::html::text::when;
use crate::input::Input;
use crate::kinds::{Type, typed_as};
use crate::time::{Instant, Zone};
use maud::{Markup, html};
use serde_json::Value;

/// What stands around the fields of a form.
#[derive(Default)]
pub struct Around<'a> {
    /// What holds without a value of its own.
    pub inherits: Inherits,
    /// Where the explanation of each is found: `/users/7/services/3`; empty where there is none yet.
    pub explained_at: &'a str,
    /// The object that the fields are members of; empty: `properties`.
    pub under: &'a str,
}

/// The values that are stored where the form writes, each as its field is called.
const STORED: &str = "stored";

/// Those of them that are to stay.
const OWN: &str = "own";

/// Fills a form with what is stored where it writes; a secret's field begins empty. `under` is the
/// object that the fields are members of.
pub fn fill(input: &mut Input, stored: &[(Property, Value, bool)], under: &str) {
    for (property, value, locked) in stored {
        let text = if property.secret { String::new() } else { typed_as(property.kind, value) };
        let field = format!("{under}.{}", property.name);
        input.set(&field, text);
        input.push(STORED, &field);
        input.push(OWN, &field);
        if *locked {
            input.push("locks", &property.name);
        }
    }
}

/// What a form says in the words of an order: an own value that is no longer ticked goes, and a field
/// that was empty and still is says nothing.
pub fn settle(input: &mut Input) {
    let all = |name: &str| input.all(name).map(str::to_owned).collect::<Vec<String>>();
    let (stored, own) = (all(STORED), all(OWN));
    for object in ["properties", "plan_properties"] {
        for (name, wish) in input.wishes(object) {
            let field = format!("{object}.{name}");
            if stored.contains(&field) {
                if !own.contains(&field) {
                    input.set_null(&field);
                }
            } else if wish.is_none_or(|text| text.is_empty()) {
                input.remove(&field);
            }
        }
    }
    input.remove(STORED);
    input.remove(OWN);
}

/// The field is called `properties.NAME` unless it is a member of another object. An empty one means: as inherited.
pub fn value_field(
    property: &Property,
    input: &Input,
    complaints: &[Complaint],
    around: &Around,
) -> Markup {
    let under = if around.under.is_empty() { "properties" } else { around.under };
    let name = format!("{under}.{}", property.name);
    let inherited = around.inherits.get(&property.name);
    let stored = input.all(STORED).any(|each| each == name);
    let above = match inherited {
        Some(above) if above.held => {
            format!("Locked above: {}. A value here has no effect.", above.text)
        }
        Some(above) if stored => format!("Without a value of its own: {}.", above.text),
        Some(above) => format!("Empty: {}.", above.text),
        None => String::new(),
    };
    let hint = format!("{} {above}", property.help);
    let opts = Opts { hint: hint.trim(), optional: !property.required, ..Opts::default() };
    let label = property.label.as_str();
    let kind = |kind| Opts { kind, ..opts };
    let usual = match inherited {
        Some(above) => format!("As inherited: {}", above.text),
        None => "As inherited".to_owned(),
    };
    let (control, chosen) = match property.kind {
        _ if property.secret => {
            let said = if stored { "Set. Empty: stays as it is." } else { "Not set here." };
            let hint = format!("{} {said}", property.help);
            let opts =
                Opts { kind: "password", autocomplete: "new-password", hint: hint.trim(), ..opts };
            (text_field(input, complaints, &name, label, opts), false)
        }
        Type::Lines => (textarea(input, complaints, &name, label, opts), false),
        Type::Boolean => {
            let choices = [("", usual.as_str()), ("true", "Yes"), ("false", "No")];
            let opts = Opts { hint: &property.help, ..opts };
            (choice_field(input, complaints, &name, label, &choices, opts), true)
        }
        Type::Choice => {
            let mut choices = vec![("", usual.as_str())];
            let own = &property.validation.choices;
            choices.extend(own.iter().map(|choice| (choice.value.as_str(), choice.label.as_str())));
            let opts = Opts { hint: &property.help, ..opts };
            (choice_field(input, complaints, &name, label, &choices, opts), true)
        }
        Type::Choices => {
            let known: Vec<&str> =
                property.validation.choices.iter().map(|choice| choice.value.as_str()).collect();
            let known = format!("Of {}, with commas between. {}", known.join(", "), hint.trim());
            (
                text_field(input, complaints, &name, label, Opts { hint: known.trim(), ..opts }),
                false,
            )
        }
        Type::Integer => (text_field(input, complaints, &name, label, kind("number")), false),
        Type::Size => {
            // An example beside the hint would be taken for what is inherited.
            let placeholder = if inherited.is_some() { "" } else { "50 GiB" };
            let opts = Opts { placeholder, ltr: true, ..opts };
            (text_field(input, complaints, &name, label, opts), false)
        }
        Type::User => {
            let hint = format!("The sign-in name. {}", hint.trim());
            let opts = Opts { hint: hint.trim(), ltr: true, ..opts };
            (text_field(input, complaints, &name, label, opts), false)
        }
        Type::Date => (text_field(input, complaints, &name, label, kind("date")), false),
        Type::Email => (text_field(input, complaints, &name, label, kind("email")), false),
        Type::Url => (text_field(input, complaints, &name, label, kind("url")), false),
        // The rest is not offered for services.
        _ => (text_field(input, complaints, &name, label, opts), false),
    };
    html! {
        (control)
        @if stored {
            (hidden(STORED, &name))
            @if chosen { (hidden(OWN, &name)) }
            @else {
                (tick(input, OWN, &name, &format!("Own value of {label}"), "Untick it to inherit again"))
            }
        }
        @if !around.explained_at.is_empty() {
            @let href = format!("{}/properties/{}/explain", around.explained_at, property.name);
            p.field { (link("Where does it come from?", &href).small().ghost().about(label)) }
        }
    }
}

/// Fields one after the other, parted by what they are about.
pub fn value_fields<'p>(
    all: impl IntoIterator<Item = &'p Property>,
    input: &Input,
    complaints: &[Complaint],
    around: &Around,
) -> Markup {
    let mut category = "";
    html! {
        @for each in all {
            @if each.category != category {
                p.field.muted { (each.category) }
                ({ category = each.category.as_str(); "" })
            }
            (value_field(each, input, complaints, around))
        }
    }
}

/// Everybody who holds a value of a property, or might.
pub fn draw_explanation(explained: &Explanation, zone: &Zone, now: Instant) -> Markup {
    let columns =
        [column("Where"), column("Value"), column("Set").class("p2"), column("What comes of it")];
    let rows = html! {
        @for line in &explained.lines {
            tr {
                th scope="row" {
                    (line.who)
                    @if let (Some(plan), false) = (&line.plan, line.holder == "plan") { " " (tag(plan)) }
                }
                td { (line.text) @if line.locked { " " (tag("Locked")) } }
                td.p2 {
                    @if let Some(at) = line.at { (when(at, zone, now)) }
                    @if let Some(by) = &line.by { small { "by " (by) } }
                }
                td {
                    @match (line.fate, &line.overruled_by) {
                        (Some(Fate::Wins), _) => (pill(Tone::Ok, "Holds")),
                        (Some(Fate::Overruled), Some(by)) => { (pill(Tone::Off, "Overruled")) small { "by: " (by) } },
                        _ => "–",
                    }
                }
            }
        }
    };
    html! {
        p {
            @match &explained.text {
                Some(text) => { strong { (text) } " is what holds." },
                None => "It has no value.",
            }
        }
        (table(&format!("Values of {}", explained.property.label), &columns, rows))
    }
}
