//! What somebody who defines a property says of its values, read from a form and told to one.

use super::{Choice, Type, Validation, size, size_text, whole};
use crate::input::{Fields, Input, one_line};

impl Validation {
    /// Reads what somebody who defines a property says of its values: `least`, `most`, `pattern`,
    /// `choices` and `message`.
    pub fn define(fields: &mut Fields, kind: Option<Type>) -> Option<Validation> {
        let least = bound(fields, "least", kind);
        let most = bound(fields, "most", kind);
        if let (Some(Some(least)), Some(Some(most))) = (least, most)
            && least > most
        {
            fields.complain::<()>("most", "must not be less than the least");
        }
        let pattern = fields.text("pattern", 0..=255);
        if let Some(pattern) = pattern.as_deref().filter(|pattern| !pattern.is_empty())
            && whole(pattern).is_none()
        {
            fields.complain::<()>("pattern", "is not a pattern that can be read");
        }
        let message = fields.text("message", 0..=200);
        let choices = choices(fields, kind);
        let pattern = Some(pattern?).filter(|pattern| !pattern.is_empty());
        let (least, most, message) = (least?, most?, message?);
        Some(Validation { pattern, least, most, choices, message, ..Validation::default() })
    }

    /// The same as the form has it.
    pub fn tell(&self, kind: Type, input: &mut Input) {
        let show = |n: i64| if kind == Type::Size { size_text(n) } else { n.to_string() };
        for (name, number) in [("least", self.least), ("most", self.most)] {
            input.set(name, number.map(show).unwrap_or_default());
        }
        input.set("pattern", self.pattern.as_deref().unwrap_or_default());
        let line = |choice: &Choice| format!("{} = {}", choice.value, choice.label);
        let lines: Vec<String> = self.choices.iter().map(line).collect();
        input.set("choices", lines.join("\n"));
        input.set("message", &self.message);
    }
}

/// A number, or for sizes one with its unit.
pub fn bound(fields: &mut Fields, name: &'static str, kind: Option<Type>) -> Option<Option<i64>> {
    if kind != Some(Type::Size) {
        return fields.optional_integer(name, i64::MIN..=i64::MAX);
    }
    match (fields.value(name), size(fields.value(name))) {
        ("", _) => Some(None),
        (_, Some(bytes)) => Some(Some(bytes)),
        _ => fields.complain(name, "must be a size like 50 GiB"),
    }
}

fn choices(fields: &mut Fields, kind: Option<Type>) -> Vec<Choice> {
    let mut choices: Vec<Choice> = Vec::new();
    for line in fields.value("choices").lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (value, label) = line.split_once('=').unwrap_or((line, line));
        let (value, label) = (one_line(value), one_line(label));
        if value.is_empty() || label.is_empty() || choices.iter().any(|c| c.value == value) {
            fields.complain::<()>("choices", "must be a line each, like kiosk = Kiosk, none twice");
            break;
        }
        // Several that are chosen are written with these between them.
        if kind == Some(Type::Choices) && value.contains([',', ';']) {
            fields.complain::<()>("choices", "must have no comma or semicolon before the =");
            break;
        }
        choices.push(Choice { value, label });
    }
    if kind.is_some_and(Type::offers_choices) && choices.is_empty() {
        fields.complain::<()>("choices", "must be one at least");
    }
    if choices.len() > 200 {
        fields.complain::<()>("choices", "must be 200 at most");
    }
    choices
}
