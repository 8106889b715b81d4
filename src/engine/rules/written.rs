//! Rules as the document of a service has them: by names, without the numbers of this installation.

use super::actions::{self, Kind, Typed};
use super::{Rule, Slot, edit, store};
use crate::db::{By, Db, Read, Write};
use crate::engine::{Action, OnError};
use crate::error::{Complaint, Error, Result};
use crate::events;
use crate::ids::ServiceId;
use crate::input::{Field, Fields, Input};
use serde_json::{Map, Value, json};

pub const FIELDS: &[Field] = &[
    Field::text("event", "like user_service.provision").required(),
    Field::text("slot", "before, main or after; main if left out"),
    Field::integer("position", "1 to 1000, small numbers first; 100 if left out"),
    Field::text("key", "a–z, 0–9 and _, by which later rules name its answers").required(),
    Field::text("title", "at most 100 characters"),
    Field::text("condition", "like user.department == \"Sales\"; always if left out"),
    Field::text("action", "like dir.group_ensure or task.open").required(),
    Field::object("params", "what the action is told; connector is one’s name"),
    Field::text("on_error", "stop or continue; stop if left out"),
    Field::integer("tries", "1 to 20; 8 if left out"),
    Field::integer("time_limit", "seconds, 1 to 3600; the connector’s if left out"),
    Field::boolean("enabled", "true if left out"),
];

/// What a rule of a directory calls its connector: it is the one of where the customer lives.
const OWN_DIRECTORY: &str = "directory";

/// The service that a document describes.
pub struct Home<'a> {
    pub id: ServiceId,
    pub code: &'a str,
    /// Portico's own document is taken: what it says of its rules counts.
    pub taken: bool,
    /// Whether whoever brings the document may write rules.
    pub may: bool,
}

/// The rules of a service by their places; of two with one key what the provider says.
pub fn of_service(db: &Read, service: ServiceId) -> Result<Vec<Rule>> {
    let mut all: Vec<Rule> = Vec::new();
    for rule in store::of_service(db, service)? {
        match all.iter_mut().find(|other| other.event == rule.event && other.key == rule.key) {
            Some(other) if other.customer.is_none() => *other = rule,
            Some(_) => {}
            None => all.push(rule),
        }
    }
    let place = |event: &str| events::EVENTS.iter().position(|known| known.name == event);
    all.sort_by(|a, b| {
        (place(&a.event), a.slot, a.position, &a.key).cmp(&(
            place(&b.event),
            b.slot,
            b.position,
            &b.key,
        ))
    });
    Ok(all)
}

/// A rule as a table of a document.
pub fn fields(rule: &Rule) -> Vec<(&'static str, Value)> {
    let mut fields = vec![("event", json!(rule.event))];
    let mut say = |name: &'static str, value: Value, unless: Value| {
        if value != unless {
            fields.push((name, value));
        }
    };
    say("slot", json!(rule.slot), json!(Slot::Main));
    say("position", json!(rule.position), json!(100));
    say("key", json!(rule.key), Value::Null);
    say("title", json!(rule.own_title()), json!(""));
    say("condition", json!(rule.condition), json!(""));
    say("action", json!(rule.action), Value::Null);
    let mut params = said(rule.action, &rule.params);
    if let Some(connector) = &rule.connector_name {
        params.insert("connector".to_owned(), json!(connector));
    }
    say("params", Value::Object(params), json!({}));
    say("on_error", json!(rule.on_error), json!(OnError::Stop));
    say("tries", json!(rule.tries), Value::Null);
    say("time_limit", json!(rule.time_limit), Value::Null);
    say("enabled", json!(rule.enabled), json!(true));
    fields
}

/// Parameters as a document says them: lists as lists, names with texts as tables.
fn said(action: Action, typed: &Typed) -> Map<String, Value> {
    let lines = |text: &str| -> Vec<String> {
        let all = text.lines().map(str::trim).filter(|line| !line.is_empty());
        all.map(str::to_owned).collect()
    };
    let kind = |name: &str| actions::of(action, name).map(|param| param.kind);
    let value = |(name, text): (&String, &String)| {
        let value = match kind(name) {
            Some(Kind::List(_) | Kind::Secrets) => json!(lines(text)),
            Some(Kind::Map) => {
                let pairs = lines(text).into_iter().filter_map(|line| {
                    let (name, text) = line.split_once('=')?;
                    Some((name.trim().to_owned(), json!(text.trim())))
                });
                Value::Object(pairs.collect())
            }
            Some(Kind::Flag) => json!(text.trim() == "true"),
            Some(Kind::Number(..)) => match text.trim().parse::<i64>() {
                Ok(number) => json!(number),
                Err(_) => json!(text),
            },
            _ => json!(text),
        };
        (name.clone(), value)
    };
    typed.iter().filter(|(_, text)| !text.trim().is_empty()).map(value).collect()
}

/// The same back: as it would be typed.
fn typed(kind: Option<Kind>, value: &Value) -> String {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match (kind, value) {
        (Some(Kind::List(_) | Kind::Secrets), Value::Array(all)) => {
            all.iter().map(plain).collect::<Vec<_>>().join("\n")
        }
        (Some(Kind::Map), Value::Object(all)) => {
            let lines = all.iter().map(|(name, value)| format!("{name} = {}", plain(value)));
            lines.collect::<Vec<_>>().join("\n")
        }
        (_, value) => plain(value),
    }
}

/// Brings one rule of a document in; whether that changed something.
pub fn put(db: &Db, by: By, home: &Home, said: &Map<String, Value>) -> Result<bool> {
    db.write(by, |tx| {
        let input = input(tx, home, said)?;
        let (event, key) = (input.get("event"), input.get("key"));
        let was = of_service(tx, home.id)?;
        let was = was.into_iter().find(|rule| rule.event == event && rule.key == key);
        // What Portico says of a service of its own is a rule of its own, beside the provider's.
        let was = was.filter(|was| !home.taken || was.customer.is_none());
        let modular = store::is_module(tx, home.id)?;
        let owner = match &was {
            Some(was) => was.customer,
            None if modular && !home.taken => Some(crate::auth::PROVIDER),
            None => None,
        };
        let draft = edit::read(tx, &input, owner).map_err(renamed)?;
        let Some(was) = was else {
            allowed(home)?;
            return edit::add(tx, &draft).map(|_| true);
        };
        if same(&was, &draft)? {
            return Ok(false);
        }
        allowed(home)?;
        if was.part && modular && !home.taken {
            return Err(Error::refused(
                "is a rule of the module and stays as it is: add one Before or After",
            ));
        }
        edit::save(tx, &was, &draft, "rule.changed")?;
        Ok(true)
    })
}

fn allowed(home: &Home) -> Result<()> {
    match home.may {
        true => Ok(()),
        false => Err(Error::refused("is a rule, which only those change who may write rules")),
    }
}

/// What the table says in the words of the editor.
fn input(db: &Read, home: &Home, said: &Map<String, Value>) -> Result<Input> {
    let action: Option<Action> =
        said.get("action").and_then(Value::as_str).and_then(|word| word.parse().ok());
    let mut input = Input::default();
    let mut connector = None;
    for (name, value) in said.iter().filter(|(name, _)| *name != "params") {
        input.set(name, typed(None, value));
    }
    let mut complaints = Vec::new();
    match said.get("params") {
        None => {}
        Some(Value::Object(params)) => {
            for (name, value) in params {
                if name == "connector" {
                    connector = value.as_str();
                    continue;
                }
                let param = action.and_then(|action| actions::of(action, name));
                input.set(&format!("params.{name}"), typed(param.map(|param| param.kind), value));
            }
        }
        Some(_) => complaints.push(Complaint::new("params", "must be a table")),
    }
    let checked = Fields::of(&input, FIELDS).finish(|| Some(()));
    if let Err(Error::Invalid(all)) = checked {
        complaints.extend(all);
    }
    if !complaints.is_empty() {
        return Err(Error::Invalid(complaints));
    }
    input.set("service", home.code);
    match connector {
        Some(OWN_DIRECTORY) if action.is_some_and(|action| action.in_directory().is_some()) => {}
        Some(name) if action.is_some() => {
            let known = match action {
                Some(action) => store::connectors(db, crate::auth::PROVIDER, action)?,
                None => Vec::new(),
            };
            let found = known.into_iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
            let (id, _) = found.ok_or_else(|| {
                let text = format!("“{name}” is not a connector of yours for this action");
                Error::invalid("params.connector", text)
            })?;
            input.set("connector_id", id);
        }
        _ => {}
    }
    Ok(input)
}

/// What the editor calls otherwise than a document.
fn renamed(err: Error) -> Error {
    let Error::Invalid(all) = err else { return err };
    let named = all.into_iter().map(|complaint| match &*complaint.field {
        "connector_id" => Complaint::new("params.connector", complaint.message),
        "service" => Complaint::new("event", complaint.message),
        _ => complaint,
    });
    Error::Invalid(named.collect())
}

fn same(was: &Rule, draft: &store::Draft) -> Result<bool> {
    let params: Typed = serde_json::from_str(&draft.params)?;
    let own = (&was.event, was.slot, was.position, &was.key, &was.title, &was.condition);
    let new =
        (&draft.event, draft.slot, draft.position, &draft.key, &draft.title, &draft.condition);
    let how = (was.action, was.connector, was.on_error, was.tries, was.time_limit, was.enabled);
    let then = (
        draft.action,
        draft.connector,
        draft.on_error,
        draft.tries,
        draft.time_limit,
        draft.enabled,
    );
    Ok(own == new && how == then && said(was.action, &was.params) == said(draft.action, &params))
}

/// Switches off what a document that is taken as a whole does not name; how many.
pub fn prune(tx: &Write, service: ServiceId, named: &[(String, String)]) -> Result<usize> {
    let mut off = 0;
    for rule in of_service(tx, service)? {
        let kept = named.iter().any(|(event, key)| *event == rule.event && *key == rule.key);
        if kept || rule.part || !rule.enabled {
            continue;
        }
        let mut input = rule.input();
        input.set("enabled", 0);
        let draft = edit::read(tx, &input, rule.customer)?;
        edit::save(tx, &rule, &draft, "rule.disabled")?;
        off += 1;
    }
    Ok(off)
}

/// Takes out what a newer version of a module no longer has.
pub fn sweep(tx: &Write, service: ServiceId, named: &[(String, String)]) -> Result<()> {
    for rule in store::of_service(tx, service)? {
        let kept = named.iter().any(|(event, key)| *event == rule.event && *key == rule.key);
        if !kept && rule.customer.is_none() && !rule.key.starts_with("connector-") {
            edit::drop_rule(tx, &rule)?;
        }
    }
    Ok(())
}
