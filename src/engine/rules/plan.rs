//! Which steps an event takes: the rules that hold for it, in order, judged and filled in for one
//! subject. Nothing is written.

use super::actions;
use super::condition::{Condition, Known, Value};
use super::{Rule, Slot, names, store, text};
use crate::db::Read;
use crate::directory::{self, Surroundings};
use crate::engine::{Action, Document, How, NewStep};
use crate::error::Result;
use crate::ids::{CustomerId, ServiceId};
use crate::time::{Date, Instant, Zone};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// The rules for an event of a customer, in order.
pub struct Book {
    pub rules: Vec<Rule>,
    known: Known,
    /// The directory that the customer lives in, where a rule works there or names it.
    home: Option<Surroundings>,
}

/// What they come to for one subject.
#[derive(Default)]
pub struct Planned {
    pub steps: Vec<NewStep>,
    /// Why it may not be done.
    pub refusals: Vec<String>,
}

/// A condition that waits for an answer, with all else it asks for.
#[derive(Debug, Serialize, Deserialize)]
struct Late {
    text: String,
    types: BTreeMap<String, super::condition::Type>,
    values: BTreeMap<String, Value>,
}

/// The rules that hold, the nearest of each key, by slot and position, the farther owner's first.
pub fn book(
    db: &Read,
    customer: CustomerId,
    service: Option<ServiceId>,
    event: &str,
) -> Result<Book> {
    let mut nearest: BTreeMap<String, Rule> = BTreeMap::new();
    for rule in store::holding(db, customer, service, event)? {
        let farther =
            nearest.get(&rule.key).is_some_and(|other| other.nearness() > rule.nearness());
        if !farther {
            nearest.insert(rule.key.clone(), rule);
        }
    }
    let mut rules: Vec<Rule> =
        nearest.into_values().filter(|rule| rule.action != Action::Off).collect();
    rules.sort_by(|a, b| {
        (a.slot, a.position, a.nearness(), &a.key).cmp(&(b.slot, b.position, b.nearness(), &b.key))
    });
    let known = match rules.iter().any(Rule::asks) {
        true => names::known(db, event, service)?,
        false => Known::default(),
    };
    let home = match rules.iter().any(Rule::is_of_directory) {
        true => directory::surroundings(db, customer)?,
        false => None,
    };
    Ok(Book { rules, known, home })
}

impl Book {
    /// Whether what is done depends on whom it is done for.
    pub fn asks(&self) -> bool {
        self.rules.iter().any(Rule::asks)
    }

    /// The versions of all, for a plan's basis.
    pub fn versions(&self) -> String {
        let each = self.rules.iter().map(|rule| format!("{}:{}", rule.id, rule.version));
        each.collect::<Vec<_>>().join(",")
    }

    /// What they come to for the subject that `document` describes.
    pub fn plan(&self, document: &Document, now: Instant) -> Planned {
        let today = today(document, now);
        let home = self.home.as_ref();
        let value = |name: &str| match name.starts_with("env.") {
            true => names::of_home(home, name),
            false => names::value(document, today, &self.known, name),
        };
        let mut planned = Planned::default();
        for rule in &self.rules {
            match self.one(rule, &value) {
                Ok(Some(Made::Step(step))) => planned.steps.push(*step),
                Ok(Some(Made::Refusal(text))) => planned.refusals.push(text),
                Ok(None) => {}
                Err(why) => planned.refusals.push(format!("The rule “{}”: {why}", rule.title())),
            }
        }
        planned
    }

    fn one(
        &self,
        rule: &Rule,
        value: &dyn Fn(&str) -> Option<Value>,
    ) -> Result<Option<Made>, String> {
        let mut late = String::new();
        if !rule.condition.is_empty() {
            let read = Condition::read(&rule.condition, &self.known);
            let condition = read.map_err(|wrong| wrong.to_string())?;
            if condition.is_late() {
                late = put_off(&rule.condition, &condition, &self.known, value);
            } else if !condition.holds(value) {
                return Ok(None);
            }
        }
        let works = rule.action.in_directory().is_some();
        let connector = match (works, &self.home) {
            (true, Some(home)) => rule.connector.or(Some(home.connector)),
            (true, None) => return Err(NOWHERE.to_owned()),
            (false, _) => rule.connector,
        };
        let params = actions::fill(rule.action, &rule.params, &self.known, value)?;
        let said = || params.get("message").and_then(Json::as_str).unwrap_or_default().to_owned();
        match rule.action {
            Action::Refuse => return Ok(Some(Made::Refusal(said()))),
            Action::Check => {
                let asked = rule.params.get("holds").map_or("", String::as_str);
                let read = Condition::read(asked, &self.known);
                let holds = read.map_err(|wrong| wrong.to_string())?.holds(value);
                return Ok((!holds).then(|| Made::Refusal(said())));
            }
            _ => {}
        }
        Ok(Some(Made::Step(Box::new(NewStep {
            key: rule.key.clone(),
            title: rule.title(),
            action: rule.action,
            connector,
            params,
            on_error: rule.on_error,
            how: How {
                slot: rule.slot,
                rule: Some((rule.id, rule.version)),
                condition: late,
                tries: rule.tries,
                time_limit: rule.time_limit,
            },
        }))))
    }
}

const NOWHERE: &str =
    "the customer lives in no directory; choose a location with one on its Location page";

/// Among the answers of steps what is known of the directory; no step has that key.
pub const ENVIRONMENT: &str = " env";

enum Made {
    Step(Box<NewStep>),
    Refusal(String),
}

/// The day where the customer is.
pub fn today(document: &Document, now: Instant) -> Date {
    let zone = document.customer.get("time_zone").and_then(Json::as_str).and_then(Zone::named);
    now.day(&zone.unwrap_or_else(Zone::utc))
}

fn put_off(
    text: &str,
    condition: &Condition,
    known: &Known,
    value: &dyn Fn(&str) -> Option<Value>,
) -> String {
    let (mut types, mut values) = (BTreeMap::new(), BTreeMap::new());
    for name in condition.names().iter().filter(|name| !name.starts_with("out.")) {
        if let Some(is) = known.type_of(name) {
            types.insert(name.clone(), is);
        }
        if let Some(found) = value(name) {
            values.insert(name.clone(), found);
        }
    }
    json!(Late { text: text.to_owned(), types, values }).to_string()
}

/// What a step is, once it is known what those before it answered.
pub enum Ready {
    Go(Json),
    /// Its condition does not hold; with the values that decided.
    Skip(String),
    Wrong(String),
}

/// Judges and fills in what was left open. `outputs` are the answers of the steps before, by key.
pub fn ready(
    condition: &str,
    params: &Json,
    request: i64,
    outputs: &BTreeMap<String, serde_json::Map<String, Json>>,
) -> Ready {
    let answer = |name: &str| {
        if name == "request.id" {
            return Some(Value::Integer(request));
        }
        let name =
            name.strip_prefix("out.").or_else(|| name.starts_with("env.").then_some(name))?;
        let (key, name) = name.split_once('.')?;
        // A step may be called env too.
        let key = if key == "env" { ENVIRONMENT } else { key };
        Value::of(outputs.get(key)?.get(name)?, super::condition::Type::Text)
    };
    if !condition.is_empty() {
        let Ok(late) = serde_json::from_str::<Late>(condition) else {
            return Ready::Wrong("Its condition cannot be read.".to_owned());
        };
        let value = |name: &str| late.values.get(name).cloned().or_else(|| answer(name));
        match Condition::read(&late.text, &Known(late.types.clone())) {
            Err(wrong) => return Ready::Wrong(wrong.to_string()),
            Ok(condition) if !condition.holds(&value) => {
                let parts = condition.explain(&value);
                let said: Vec<String> =
                    parts.iter().map(|part| format!("{} is {}", part.text, part.value)).collect();
                return Ready::Skip(format!("Left out: {}.", said.join("; ")));
            }
            Ok(_) => {}
        }
    }
    match text::close(params, &answer) {
        Ok(params) => Ready::Go(params),
        Err(why) => Ready::Wrong(format!("What it is told cannot be put together: {why}.")),
    }
}

impl Rule {
    /// Farther owners first: the service's own, the provider's, down to the customer's; of one owner
    /// the rule of a service is nearer than that of all.
    fn nearness(&self) -> (i64, bool) {
        (self.depth, self.service.is_some())
    }

    /// Whether it depends on whom it is for.
    pub fn asks(&self) -> bool {
        !self.condition.is_empty()
            || self.params.values().any(|text| text.contains('{'))
            || self.action == Action::Check
    }

    /// Whether it works in a directory or names one.
    fn is_of_directory(&self) -> bool {
        self.action.in_directory().is_some()
            || self.condition.contains("env.")
            || self.params.values().any(|text| text.contains("{env."))
    }

    pub fn title(&self) -> String {
        if !self.title.is_empty() {
            return self.title.clone();
        }
        let named = self.connector_name.clone();
        named.unwrap_or_else(|| self.action.label().to_owned())
    }
}

impl Slot {
    pub fn label(self) -> &'static str {
        match self {
            Slot::Before => "Before",
            Slot::Main => "Main",
            Slot::After => "After",
        }
    }
}
