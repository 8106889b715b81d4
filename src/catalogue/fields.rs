//! A form field for the value of a property: the same on plans, offers, customers and users.

use super::properties::Property;
use crate::error::Complaint;
use crate::html::field::{Opts, choice_field, text_field, textarea};
use crate::input::Input;
use crate::kinds::Type;
use maud::Markup;

/// The field is called `properties.NAME`. An empty one means: as inherited.
pub fn value_field(property: &Property, input: &Input, complaints: &[Complaint]) -> Markup {
    let name = format!("properties.{}", property.name);
    let opts = Opts { hint: &property.help, optional: !property.required, ..Opts::default() };
    let label = property.label.as_str();
    let kind = |kind| Opts { kind, ..opts };
    match property.kind {
        _ if property.secret => {
            let hint = "Empty: stays as it is";
            let opts = Opts { kind: "password", autocomplete: "new-password", hint, ..opts };
            text_field(input, complaints, &name, label, opts)
        }
        Type::Lines => textarea(input, complaints, &name, label, opts),
        Type::Boolean => {
            let choices = [("", "As inherited"), ("true", "Yes"), ("false", "No")];
            choice_field(input, complaints, &name, label, &choices, opts)
        }
        Type::Choice => {
            let mut choices = vec![("", "As inherited")];
            let own = &property.validation.choices;
            choices.extend(own.iter().map(|choice| (choice.value.as_str(), choice.label.as_str())));
            choice_field(input, complaints, &name, label, &choices, opts)
        }
        Type::Integer => text_field(input, complaints, &name, label, kind("number")),
        Type::Date => text_field(input, complaints, &name, label, kind("date")),
        Type::Email => text_field(input, complaints, &name, label, kind("email")),
        Type::Url => text_field(input, complaints, &name, label, kind("url")),
        // The rest is not offered for services.
        _ => text_field(input, complaints, &name, label, opts),
    }
}
