//! The fields for the values of custom properties, on the forms of whatever has them.

use super::values::Kept;
use super::{FIELD, Property, Subject};
use crate::error::Complaint;
use crate::html::button::link;
use crate::html::field::{Opts, choice_field, complaint_of, text_field, textarea, tick};
use crate::html::form::{fieldset, hidden};
use crate::html::parts::{Tone, card, facts, flash};
use crate::input::Input;
use crate::kinds::Type;
use maud::{Markup, html};

/// A part of the form for each category. `prefix` is what stands before the key.
pub fn parts(all: &[Property], input: &Input, complaints: &[Complaint], prefix: &str) -> Markup {
    let mut categories: Vec<&str> = Vec::new();
    for property in all {
        if !categories.contains(&property.category.as_str()) {
            categories.push(&property.category);
        }
    }
    html! {
        @for category in categories {
            (fieldset(heading(category), "", html! {
                @for property in all.iter().filter(|each| each.category == category) {
                    (value(property, input, complaints, prefix))
                }
            }))
        }
    }
}

/// The same where all that holds has its own name.
pub fn own_parts(all: &[Property], input: &Input, complaints: &[Complaint]) -> Markup {
    parts(all, input, complaints, FIELD)
}

fn heading(category: &str) -> &str {
    if category.is_empty() { "Further details" } else { category }
}

/// One field.
pub fn value(property: &Property, input: &Input, complaints: &[Complaint], prefix: &str) -> Markup {
    let name = format!("{prefix}.{}", property.key);
    let optional = !property.required;
    let opts = Opts { hint: &property.help, optional, width: 3, ..Opts::default() };
    let label = property.label.as_str();
    let kind = |kind| Opts { kind, ..opts };
    match property.kind {
        Type::Lines => {
            textarea(input, complaints, &name, label, Opts { rows: 3, width: 0, ..opts })
        }
        Type::Boolean => {
            let choices = [("", "Not said"), ("true", "Yes"), ("false", "No")];
            choice_field(input, complaints, &name, label, &choices, opts)
        }
        Type::Choice => {
            let mut choices = vec![("", "Not said")];
            let own = &property.validation.choices;
            choices.extend(own.iter().map(|choice| (choice.value.as_str(), choice.label.as_str())));
            choice_field(input, complaints, &name, label, &choices, opts)
        }
        Type::Choices => html! {
            @let input = &parted(input, &name);
            div.field {
                (hidden(&name, ""))
                span.form-label { (label) @if optional { " " span.optional { "optional" } } }
                @for choice in &property.validation.choices {
                    (tick(input, &name, &choice.value, &choice.label, ""))
                }
                (complaint_of(complaints, &name, label))
                @if !property.help.is_empty() { span.form-hint { (property.help) } }
            }
        },
        Type::Integer => text_field(input, complaints, &name, label, kind("number")),
        Type::Date => text_field(input, complaints, &name, label, kind("date")),
        Type::Email => text_field(input, complaints, &name, label, kind("email")),
        Type::Web => text_field(input, complaints, &name, label, kind("url")),
        Type::Phone => text_field(input, complaints, &name, label, kind("tel")),
        Type::User => {
            let hint = if property.help.is_empty() { "The sign-in name." } else { &property.help };
            text_field(input, complaints, &name, label, Opts { hint, ltr: true, ..opts })
        }
        _ => text_field(input, complaints, &name, label, opts),
    }
}

/// Several choices that were said as one text, as a file or a template does.
fn parted(input: &Input, name: &str) -> Input {
    let mut parted = Input::default();
    for each in input.all(name).flat_map(|text| text.split([',', ';'])) {
        parted.push(name, each.trim());
    }
    parted
}

/// Name and label of each field, for the summary of complaints.
pub fn labels(all: &[Property]) -> Vec<(String, String)> {
    all.iter().map(|property| (property.field(), property.label.clone())).collect()
}

/// The labels of a form with those of its properties.
pub fn with_labels<'a>(
    own: &[(&'a str, &'a str)],
    more: &'a [(String, String)],
) -> Vec<(&'a str, &'a str)> {
    let more = more.iter().map(|(name, label)| (name.as_str(), label.as_str()));
    own.iter().copied().chain(more).collect()
}

/// What a page shows of them: a card for each category that has a value.
pub fn cards(all: &[Kept]) -> Markup {
    let mut categories: Vec<&str> = Vec::new();
    for kept in all.iter().filter(|kept| kept.value.is_some()) {
        if !categories.contains(&kept.property.category.as_str()) {
            categories.push(&kept.property.category);
        }
    }
    html! {
        @for category in categories {
            @let list: Vec<(&str, Markup)> = all
                .iter()
                .filter(|kept| kept.value.is_some() && kept.property.category == category)
                .map(|kept| (kept.property.label.as_str(), shown(kept)))
                .collect();
            (card(heading(category), None, facts(&list)))
        }
    }
}

fn shown(kept: &Kept) -> Markup {
    let text = kept.shown();
    html! {
        @match kept.property.kind {
            Type::Web => a href=(text) rel="noreferrer" { (text) },
            Type::Email => a href={ "mailto:" (text) } { (text) },
            _ => (text),
        }
        @if kept.property.archived_at.is_some() { " " span.muted { "archived" } }
    }
}

/// The badge *Incomplete*, with what is missing.
pub fn incomplete(missing: &[&str], edit: &str, may: bool) -> Markup {
    if missing.is_empty() {
        return html! {};
    }
    let open = link("Fill in", edit).small();
    let text = html! { b { "Incomplete." } " " (missing.join(", ")) " must be filled in." };
    flash(Tone::Wait, text, may.then(|| html! { (open) }))
}

/// What has it, in a sentence.
pub fn whose(subject: Subject) -> &'static str {
    match subject {
        Subject::Customer => "Customers",
        Subject::User => "Users",
    }
}
