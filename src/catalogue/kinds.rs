//! The types a property may have, and what a value must be to fit.

use crate::input::{is_email, one_line};
use crate::time::Date;
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use serde_json::Value;

words! {
    Type {
        Text = "text", Lines = "lines", Integer = "integer", Boolean = "boolean", Date = "date",
        Choice = "choice", Email = "email", Domain = "domain", Host = "host", Url = "url",
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
                match (self.least, self.most) {
                    (Some(least), _) if number < least => Err(format!("must be {least} or more")),
                    (_, Some(most)) if number > most => Err(format!("must be {most} or less")),
                    _ => Ok(Value::from(number)),
                }
            }
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
            Type::Url => match url::Url::parse(&line) {
                Ok(url) if url.scheme() == "https" && url.host_str().is_some() => {
                    Ok(Value::from(line))
                }
                _ => Err("must be an address that begins with https://".to_owned()),
            },
        }
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
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.read(kind, &text).is_ok()
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
