//! The types a property may have, of a service, a customer or a user, and what a value must be to fit.

mod define;
mod scale;

pub use define::bound;
pub use scale::{Bound, size, size_text};

use crate::input::{is_email, one_line};
use crate::time::Date;
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use serde_json::Value;

words! {
    Type {
        Text = "text", Lines = "lines", Integer = "integer", Boolean = "boolean", Date = "date",
        Choice = "choice", Email = "email", Domain = "domain", Host = "host", Url = "url",
        Choices = "choices", Web = "web_page", Phone = "phone", User = "user", Size = "size",
    }
}

impl Type {
    /// Those of the properties of a service.
    pub const OF_SERVICES: &[Type] = &[
        Type::Text,
        Type::Lines,
        Type::Integer,
        Type::Size,
        Type::Boolean,
        Type::Date,
        Type::Choice,
        Type::Choices,
        Type::Email,
        Type::Domain,
        Type::Host,
        Type::Url,
        Type::User,
    ];

    /// Those of the properties of customers and users.
    pub const OF_PEOPLE: &[Type] = &[
        Type::Text,
        Type::Lines,
        Type::Boolean,
        Type::Integer,
        Type::Date,
        Type::Choice,
        Type::Choices,
        Type::Email,
        Type::Web,
        Type::Phone,
        Type::User,
    ];

    /// Whether an empty text is a value of it.
    pub fn may_be_empty(self) -> bool {
        matches!(self, Type::Text | Type::Lines)
    }

    /// Whether it is counted: a number, or a size in bytes.
    pub fn is_number(self) -> bool {
        matches!(self, Type::Integer | Type::Size)
    }

    /// Whether there is something to choose from.
    pub fn offers_choices(self) -> bool {
        matches!(self, Type::Choice | Type::Choices)
    }
}

/// What besides its type a value must be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Validation {
    /// The whole of a text must fit it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Least and most: of a number itself, of a text its characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<i64>,
    /// A number goes in such steps from its least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<i64>,
    /// Of a date: `2026-01-31` or `today+7`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earliest: Option<Bound>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest: Option<Bound>,
    /// A domain must be one of the customer's.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub own_domain: bool,
    /// A web address may begin with http:// too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub http: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// Said instead of the built-in complaint.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    pub value: String,
    pub label: String,
}

impl Validation {
    /// Reads what was typed as a value of `kind`, or says what is wrong with it.
    pub fn read(&self, kind: Type, text: &str) -> Result<Value, String> {
        let value = self.value(kind, text);
        match value {
            Err(_) if !self.message.is_empty() => Err(self.message.clone()),
            other => other,
        }
    }

    fn value(&self, kind: Type, text: &str) -> Result<Value, String> {
        let line = one_line(text);
        match kind {
            Type::Text => self.text(line, 255),
            Type::Lines => self.text(text.replace("\r\n", "\n"), 4_000),
            Type::Integer => {
                let number: i64 = line.parse().map_err(|_| "must be a whole number".to_owned())?;
                self.number(kind, number)
            }
            Type::Size => match size(&line) {
                Some(bytes) => self.number(kind, bytes),
                None => Err("must be a size like 50 GiB".to_owned()),
            },
            Type::Boolean => match line.as_str() {
                "1" | "true" | "on" | "yes" => Ok(Value::Bool(true)),
                "0" | "false" | "off" | "no" => Ok(Value::Bool(false)),
                _ => Err("must be true or false".to_owned()),
            },
            Type::Date => match line.parse::<Date>() {
                Ok(date) => Ok(Value::from(date.to_string())),
                Err(_) => Err("is not a date like 2026-01-31".to_owned()),
            },
            Type::Choice if self.choices.iter().any(|choice| choice.value == line) => {
                Ok(Value::from(line))
            }
            Type::Choice => Err("is not one of the choices".to_owned()),
            Type::Email if is_email(&line) => Ok(Value::from(line)),
            Type::Email => Err("is not an e-mail address".to_owned()),
            Type::Domain | Type::Host => {
                let name = line.to_lowercase();
                let least = if kind == Type::Domain { 2 } else { 1 };
                if is_host(&name, least) {
                    Ok(Value::from(name))
                } else if kind == Type::Domain {
                    Err("is not a domain like example.com".to_owned())
                } else {
                    Err("is not the name of a computer".to_owned())
                }
            }
            Type::Choices => self.several(text),
            Type::Phone if line.chars().count() > 40 => {
                Err("must have at most 40 characters".to_owned())
            }
            Type::Phone => {
                let good = |c: char| c.is_ascii_digit() || "+()-./ ".contains(c);
                match !line.is_empty() && line.chars().all(good) {
                    true => Ok(Value::from(line)),
                    false => Err("may have digits and + ( ) - . / only".to_owned()),
                }
            }
            Type::Web => match url::Url::parse(&line) {
                Ok(url)
                    if ["https", "http"].contains(&url.scheme()) && url.host_str().is_some() =>
                {
                    self.text(line, 200)
                }
                _ => Err("must begin with https:// or http://".to_owned()),
            },
            // Whether there is such a user is asked where the store is at hand.
            Type::User => match line.parse::<i64>() {
                Ok(id) if id > 0 => Ok(Value::from(id)),
                _ => Err("is not a user who can be chosen".to_owned()),
            },
            Type::Url => match url::Url::parse(&line) {
                Ok(url)
                    if (url.scheme() == "https" || (self.http && url.scheme() == "http"))
                        && url.host_str().is_some() =>
                {
                    self.text(line, 2_000)
                }
                _ if self.http => Err("must begin with https:// or http://".to_owned()),
                _ => Err("must be an address that begins with https://".to_owned()),
            },
        }
    }

    fn number(&self, kind: Type, number: i64) -> Result<Value, String> {
        let show = |n: i64| if kind == Type::Size { size_text(n) } else { n.to_string() };
        let step = self.step.filter(|step| *step > 0);
        match (self.least, self.most) {
            (Some(least), _) if number < least => Err(format!("must be {} or more", show(least))),
            (_, Some(most)) if number > most => Err(format!("must be {} or less", show(most))),
            _ => match step {
                Some(step)
                    if number
                        .checked_sub(self.least.unwrap_or(0))
                        .is_none_or(|n| n % step != 0) =>
                {
                    let from = self.least.map_or(String::new(), |n| format!(" from {}", show(n)));
                    Err(format!("must go in steps of {}{from}", show(step)))
                }
                _ => Ok(Value::from(number)),
            },
        }
    }

    /// Whether a date that is typed today is neither too early nor too late; other values are.
    pub fn timely(&self, value: &Value, today: Date) -> Result<(), String> {
        let Some(day) = value.as_str().and_then(|text| text.parse::<Date>().ok()) else {
            return Ok(());
        };
        let own = |text: String| if self.message.is_empty() { text } else { self.message.clone() };
        match (self.earliest.map(|by| by.on(today)), self.latest.map(|by| by.on(today))) {
            (Some(first), _) if day < first => Err(own(format!("must be {first} or later"))),
            (_, Some(last)) if day > last => Err(own(format!("must be {last} or earlier"))),
            _ => Ok(()),
        }
    }

    /// Each of those named, once, in the order in which they are offered.
    fn several(&self, text: &str) -> Result<Value, String> {
        let said: Vec<String> =
            text.split([',', ';', '\n']).map(one_line).filter(|each| !each.is_empty()).collect();
        let offered = |said: &String| self.choices.iter().any(|choice| choice.value == *said);
        if said.is_empty() || !said.iter().all(offered) {
            return Err("has something that is not one of the choices".to_owned());
        }
        let named = self.choices.iter().filter(|choice| said.contains(&choice.value));
        Ok(named.map(|choice| choice.value.clone()).collect())
    }

    fn text(&self, text: String, longest: i64) -> Result<Value, String> {
        let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        let most = self.most.unwrap_or(longest).min(longest);
        let least = self.least.unwrap_or(0);
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return Err("must not contain control characters".to_owned());
        }
        if length < least {
            return Err(format!("must have at least {least} characters"));
        }
        if length > most {
            return Err(format!("must have at most {most} characters"));
        }
        match &self.pattern {
            Some(pattern) if !whole(pattern).is_some_and(|regex| regex.is_match(&text)) => {
                Err(format!("must fit {pattern}"))
            }
            _ => Ok(Value::from(text)),
        }
    }

    /// Whether a stored value would still be taken.
    pub fn fits(&self, kind: Type, value: &Value) -> bool {
        self.read(kind, &typed(value)).is_ok()
    }
}

/// A value as it would be typed.
pub fn typed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(typed).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The same as people type it: sizes with their unit.
pub fn typed_as(kind: Type, value: &Value) -> String {
    match (kind, value.as_i64()) {
        (Type::Size, Some(bytes)) => size_text(bytes),
        _ => typed(value),
    }
}

/// A value in a sentence: a choice by its label, yes and no in words.
pub fn said(kind: Type, validation: &Validation, value: &Value) -> String {
    let label = |value: &Value| {
        let text = typed(value);
        let named = validation.choices.iter().find(|choice| choice.value == text);
        named.map_or(text, |choice| choice.label.clone())
    };
    match (kind, value) {
        (Type::Boolean, Value::Bool(true)) => "yes".to_owned(),
        (Type::Boolean, Value::Bool(false)) => "no".to_owned(),
        (Type::Choice, one) => label(one),
        (Type::Choices, Value::Array(all)) => all.iter().map(label).collect::<Vec<_>>().join(", "),
        (_, Value::String(text)) if text.is_empty() => "nothing".to_owned(),
        _ => typed_as(kind, value),
    }
}

/// The pattern as one that must fit the whole text; none if it is not a pattern.
pub fn whole(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(1 << 20).build().ok()
}

fn is_host(name: &str, least: usize) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    name.len() <= 253 && name.split('.').count() >= least && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Field, Fields, Input};
    use proptest::prelude::*;

    fn ours() -> impl Strategy<Value = Validation> {
        let bound = || proptest::option::of(-20i64..60);
        let pattern = prop_oneof![
            Just(None),
            Just(Some("[a-z ]*".to_owned())),
            Just(Some("a|.{3}".to_owned()))
        ];
        let choices = proptest::collection::btree_set("[a-z]{1,3}( [a-z])?", 0..6);
        (bound(), bound(), pattern, choices).prop_map(|(least, most, pattern, choices)| {
            Validation {
                least,
                most,
                pattern,
                choices: choices
                    .into_iter()
                    .map(|value| Choice { label: value.to_uppercase(), value })
                    .collect(),
                ..Validation::default()
            }
        })
    }

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[ a-zA-Z0-9,;.@:/+-]{0,40}",
            "-?[0-9]{1,22}",
            "20[0-9]{2}-[0-1][0-9]-[0-3][0-9]",
            "[a-z]{1,3}([,;] ?[a-z]{1,3}){0,4}",
            "https?://[a-z]{1,8}\\.example/[a-z]*",
        ]
    }

    proptest! {
        /// What is taken is kept as it is when it is read back, and fits: nothing that was stored is
        /// refused when the form is saved again unchanged.
        #[test]
        fn what_was_taken_is_taken_again(rule in ours(), kind in 0..Type::ALL.len(), text in texts()) {
            let kind = Type::ALL[kind];
            if let Ok(value) = rule.read(kind, &text) {
                prop_assert!(rule.fits(kind, &value), "{kind:?} {value}");
                prop_assert_eq!(rule.read(kind, &typed(&value)), Ok(value));
            }
        }

        /// Whatever is typed: bounds, choices and control characters are never passed over.
        #[test]
        fn nothing_gets_past_the_bounds(rule in ours(), kind in 0..Type::ALL.len(), text in texts()) {
            let kind = Type::ALL[kind];
            let Ok(value) = rule.read(kind, &text) else { return Ok(()) };
            match (&value, kind) {
                (Value::Number(n), Type::Integer | Type::Size) => {
                    let n = n.as_i64().unwrap();
                    prop_assert!(rule.least.is_none_or(|least| n >= least));
                    prop_assert!(rule.most.is_none_or(|most| n <= most));
                }
                (Value::Number(n), Type::User) => prop_assert!(n.as_i64().unwrap() > 0),
                (Value::String(text), _) => {
                    let n = i64::try_from(text.chars().count()).unwrap();
                    if matches!(kind, Type::Text | Type::Lines) {
                        prop_assert!(rule.least.is_none_or(|least| n >= least));
                        prop_assert!(rule.most.is_none_or(|most| n <= most));
                    }
                    if kind == Type::Choice {
                        prop_assert!(rule.choices.iter().any(|choice| choice.value == *text));
                    }
                    prop_assert!(n <= 4_000);
                    let breaks = |c: char| kind == Type::Lines && (c == '\n' || c == '\t');
                    prop_assert!(!text.chars().any(|c| c.is_control() && !breaks(c)), "{text:?}");
                }
                (Value::Array(all), Type::Choices) => {
                    prop_assert!(!all.is_empty());
                    for each in all {
                        prop_assert!(rule.choices.iter().any(|choice| each == &choice.value));
                    }
                }
                (Value::Bool(_), Type::Boolean) => {}
                (other, _) => prop_assert!(false, "{kind:?} gave {other}"),
            }
        }

        /// What a definition says is read back from the form as it was.
        #[test]
        fn a_definition_is_told_and_read_back(rule in ours(), kind in 0..Type::ALL.len()) {
            const FIELDS: &[Field] = &[
                Field::integer("least", ""), Field::integer("most", ""), Field::text("pattern", ""),
                Field::text("choices", ""), Field::text("message", ""),
            ];
            let kind = Type::ALL[kind];
            let mut input = Input::default();
            rule.tell(kind, &mut input);
            let mut fields = Fields::of(&input, FIELDS);
            let read = Validation::define(&mut fields, Some(kind));
            let turned = matches!((rule.least, rule.most), (Some(least), Some(most)) if least > most);
            let bare = kind.offers_choices() && rule.choices.is_empty();
            let negative = |bound: Option<i64>| bound.is_some_and(|n| n < 0);
            let below = kind == Type::Size && (negative(rule.least) || negative(rule.most));
            match fields.finish(|| read) {
                Ok(read) => prop_assert_eq!(read, rule),
                Err(_) => prop_assert!(turned || bare || below),
            }
        }
    }

    #[test]
    fn values_fit_their_type_or_hear_why_not() {
        let rule = Validation::default();
        let bounded = Validation { least: Some(1), most: Some(50), ..Validation::default() };
        let choice = Validation {
            choices: vec![Choice { value: "kiosk".into(), label: "Kiosk".into() }],
            ..Validation::default()
        };
        let own = Validation { message: "must be one of ours".into(), ..choice.clone() };
        let pattern = Validation { pattern: Some("a|bc".into()), ..Validation::default() };
        for (rule, kind, text, expected) in [
            (&rule, Type::Text, "  a  b ", Ok(Value::from("a b"))),
            (&rule, Type::Text, "", Ok(Value::from(""))),
            (&bounded, Type::Integer, "50", Ok(Value::from(50))),
            (&bounded, Type::Integer, "51", Err("must be 50 or less")),
            (&bounded, Type::Integer, "1.5", Err("must be a whole number")),
            (&bounded, Type::Text, "", Err("must have at least 1 characters")),
            (&pattern, Type::Text, "bc", Ok(Value::from("bc"))),
            (&pattern, Type::Text, "abc", Err("must fit a|bc")),
            (&rule, Type::Boolean, "on", Ok(Value::Bool(true))),
            (&rule, Type::Boolean, "maybe", Err("must be true or false")),
            (&rule, Type::Date, "2026-02-30", Err("is not a date like 2026-01-31")),
            (&choice, Type::Choice, "kiosk", Ok(Value::from("kiosk"))),
            (&choice, Type::Choice, "Kiosk", Err("is not one of the choices")),
            (&rule, Type::Phone, "+31 (0)20-1", Ok(Value::from("+31 (0)20-1"))),
            (&rule, Type::Phone, "12a", Err("may have digits and + ( ) - . / only")),
            (&rule, Type::Web, "http://a.example", Ok(Value::from("http://a.example"))),
            (&rule, Type::Web, "javascript:alert(1)", Err("must begin with https:// or http://")),
            (&choice, Type::Choices, " kiosk;kiosk ", Ok(Value::from(vec!["kiosk"]))),
            (
                &choice,
                Type::Choices,
                "kiosk, x",
                Err("has something that is not one of the choices"),
            ),
            (&rule, Type::User, "7", Ok(Value::from(7))),
            (&rule, Type::User, "0", Err("is not a user who can be chosen")),
            (&own, Type::Choice, "desk", Err("must be one of ours")),
            (&rule, Type::Email, "nobody", Err("is not an e-mail address")),
            (&rule, Type::Domain, "Aldermoor.Example", Ok(Value::from("aldermoor.example"))),
            (&rule, Type::Domain, "aldermoor", Err("is not a domain like example.com")),
            (&rule, Type::Host, "dc-1", Ok(Value::from("dc-1"))),
            (&rule, Type::Host, "-dc", Err("is not the name of a computer")),
            (&rule, Type::Url, "https://a.example/x", Ok(Value::from("https://a.example/x"))),
            (
                &rule,
                Type::Url,
                "http://a.example",
                Err("must be an address that begins with https://"),
            ),
        ] {
            assert_eq!(rule.read(kind, text), expected.map_err(str::to_owned), "{kind:?} {text}");
        }
    }
}
