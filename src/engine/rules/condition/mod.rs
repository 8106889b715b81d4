//! Conditions of rules: a total, statically typed subset of CEL's syntax.
//!
//! Reading one finds every name and type, so that judging it cannot fail, nor loop, nor take long:
//! at most 1,000 characters, 32 levels and 200 parts.

mod judge;
mod parse;
mod tokens;

use crate::input::distance;
use crate::time::Date;
use regex::Regex;
use std::collections::BTreeMap;
use std::fmt;

words! {
    Type {
        Text = "text", Integer = "integer", Boolean = "boolean", Date = "date", List = "list",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
    Date(Date),
    List(Vec<String>),
}

/// The names that may be used, each with its type. What earlier steps answer (`out.KEY.NAME`) is text
/// and may always be named.
#[derive(Clone, Debug, Default)]
pub struct Known(pub BTreeMap<String, Type>);

/// One that was read and makes sense.
#[derive(Clone, Debug)]
pub struct Condition {
    text: Vec<char>,
    root: Node,
    names: Vec<String>,
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Counted from 1.
    pub column: usize,
    pub text: String,
}

/// A part of a condition and what it came to, for people.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Part {
    pub text: String,
    pub value: String,
}

pub const MOST_CHARACTERS: usize = 1_000;
pub const MOST_LEVELS: usize = 32;
pub const MOST_PARTS: usize = 200;

#[derive(Clone, Debug)]
struct Node {
    kind: Kind,
    is: Type,
    from: usize,
    to: usize,
}

#[derive(Clone, Debug)]
enum Kind {
    Or(Vec<Node>),
    And(Vec<Node>),
    Not(Box<Node>),
    Compare(Sign, Box<Node>, Box<Node>),
    In(Box<Node>, Box<Node>),
    /// One of those that are written out.
    OneOf(Box<Node>, Vec<Node>),
    Is(Value),
    Path(String),
    Has(String),
    Size(Box<Node>),
    Lower(Box<Node>),
    Test(Test, Box<Node>, Box<Node>),
    Matches(Box<Node>, Regex),
}

words! {
    Sign { Eq = "==", Ne = "!=", Le = "<=", Lt = "<", Ge = ">=", Gt = ">" }
}

words! {
    Test { Starts = "startsWith", Ends = "endsWith", Contains = "contains" }
}

impl Condition {
    /// Reads it, with every name and type looked at. An empty one always holds.
    pub fn read(text: &str, known: &Known) -> Result<Condition, Wrong> {
        parse::read(text, known)
    }

    /// Whether it holds.
    pub fn holds(&self, value: &dyn Fn(&str) -> Option<Value>) -> bool {
        judge::truth(&self.root, value)
    }

    /// What each of its parts comes to, the whole last.
    pub fn explain(&self, value: &dyn Fn(&str) -> Option<Value>) -> Vec<Part> {
        judge::explain(&self.root, &self.text, value)
    }

    /// The names it uses.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether it waits for what an earlier step answers.
    pub fn is_late(&self) -> bool {
        self.names.iter().any(|name| name.starts_with("out."))
    }
}

impl Known {
    pub fn type_of(&self, name: &str) -> Option<Type> {
        let mut parts = name.split('.');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("out"), Some(_), Some(_), None) => Some(Type::Text),
            (Some("secret"), ..) => None,
            _ => self.0.get(name).copied(),
        }
    }

    /// Whether the service has a secret of that name.
    pub fn is_secret(&self, name: &str) -> bool {
        self.0.contains_key(&format!("secret.{name}"))
    }

    /// Why a name may not stand in a text or a condition.
    pub fn refusal(&self, name: &str) -> String {
        if name.strip_prefix("secret.").is_some_and(|of| self.is_secret(of)) {
            return format!("{name} is a secret, and may stand under Secrets alone");
        }
        match self.nearest(name) {
            Some(near) => format!("{name} is not known; {near}?"),
            None => format!("{name} is not known"),
        }
    }

    /// The known name that `name` may have been meant to be.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        if name.len() > 60 {
            return None;
        }
        let least = |known: &&String| distance(name, known);
        let best = self.0.keys().filter(|known| !known.starts_with("secret.")).min_by_key(least)?;
        (distance(name, best) <= 3).then_some(best)
    }
}

impl Value {
    pub fn kind(&self) -> Type {
        match self {
            Value::Text(_) => Type::Text,
            Value::Integer(_) => Type::Integer,
            Value::Boolean(_) => Type::Boolean,
            Value::Date(_) => Type::Date,
            Value::List(_) => Type::List,
        }
    }

    /// A value of the store as one of `kind`; none where it has none.
    pub fn of(json: &serde_json::Value, kind: Type) -> Option<Value> {
        match (kind, json) {
            (Type::Text, serde_json::Value::String(text)) => Some(Value::Text(text.clone())),
            (Type::Text, serde_json::Value::Number(number)) => {
                Some(Value::Text(number.to_string()))
            }
            (Type::Text, serde_json::Value::Bool(on)) => Some(Value::Text(on.to_string())),
            (Type::Integer, serde_json::Value::Number(number)) => {
                number.as_i64().map(Value::Integer)
            }
            (Type::Boolean, serde_json::Value::Bool(on)) => Some(Value::Boolean(*on)),
            (Type::Boolean, serde_json::Value::Number(number)) => {
                number.as_i64().map(|number| Value::Boolean(number != 0))
            }
            (Type::Date, serde_json::Value::String(text)) => text.parse().ok().map(Value::Date),
            (Type::List, serde_json::Value::Array(all)) => {
                let texts = all.iter().filter_map(|each| each.as_str().map(str::to_owned));
                Some(Value::List(texts.collect()))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => write!(f, "{text:?}"),
            Value::Integer(number) => number.fmt(f),
            Value::Boolean(on) => on.fmt(f),
            Value::Date(date) => date.fmt(f),
            Value::List(all) => write!(f, "{all:?}"),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.text)
    }
}
