//! Writing rules. Each save is kept as a version, and counts from the next plan on.

use super::actions::{self, Typed};
use super::condition::Condition;
use super::names;
use super::store::{self, Draft};
use super::{Rule, Slot, events};
use crate::audit;
use crate::auth::permissions::RulesWrite;
use crate::auth::{PROVIDER, Scope};
use crate::db::{Db, Read, Write, unique};
use crate::engine::{Action, OnError};
use crate::error::{Error, Result};
use crate::ids::{ConnectorId, CustomerId, RuleId};
use crate::input::{Field, Fields, Input};
use serde_json::json;

pub const FIELDS: &[Field] = &[
    Field::integer(
        "customer_id",
        "in whose branch it holds; the provider’s, for everybody, if left out",
    ),
    Field::text("service", "a service’s code; left out, whatever the event is about"),
    Field::text("event", "like user_service.provision").required(),
    Field::text("slot", "before, main or after; main if left out"),
    Field::integer("position", "1 to 1000, small numbers first; 100 if left out"),
    Field::text("key", "a–z, 0–9 and _, by which later rules name its answers").required(),
    Field::text("title", "at most 100 characters; the connector’s name if left out"),
    Field::text("condition", "like user.department == \"Sales\"; always if left out"),
    Field::text(
        "action",
        "like script.run, webhook.send, scim.user, check, refuse, wait, mail.send, task.open, value.set, dir.user_ensure or off",
    )
    .required(),
    Field::integer("connector_id", "of script.run, webhook.send and scim.*"),
    Field::object("params", "what the action is told, each a text"),
    Field::text("on_error", "stop or continue; stop if left out"),
    Field::integer("tries", "1 to 20; 8 if left out"),
    Field::integer("time_limit", "seconds, 1 to 3600; the connector’s if left out"),
    Field::boolean("enabled", "true if left out"),
];

pub fn create(db: &Db, scope: &Scope<RulesWrite>, input: &Input) -> Result<RuleId> {
    db.write(scope.by, |tx| {
        scope.reaches(tx, PROVIDER)?;
        let draft = read(tx, input, Some(PROVIDER))?;
        add(tx, &draft)
    })
}

pub fn update(
    db: &Db,
    scope: &Scope<RulesWrite>,
    id: RuleId,
    expected: Option<i64>,
    input: &Input,
) -> Result<()> {
    db.write(scope.by, |tx| {
        let was = own(tx, scope, id)?;
        if expected.is_some_and(|version| version != was.version) {
            let text = format!("{} was changed meanwhile. Load the page again.", was.title());
            return Err(Error::Stale(text));
        }
        let mut base = was.input();
        // The parameters of one action are not those of another.
        if input.has("action") && input.get("action") != was.action.word() {
            was.params.keys().for_each(|name| base.remove(&format!("params.{name}")));
        }
        save(tx, &was, &read(tx, &input.over(base), was.customer)?, "rule.changed")
    })
}

/// Switches it on or off.
pub fn enable(db: &Db, scope: &Scope<RulesWrite>, id: RuleId, on: bool) -> Result<()> {
    db.write(scope.by, |tx| {
        let was = own(tx, scope, id)?;
        if was.enabled == on {
            return Ok(());
        }
        let mut input = was.input();
        input.set("enabled", i64::from(on));
        let draft = read(tx, &input, was.customer)?;
        save(tx, &was, &draft, if on { "rule.enabled" } else { "rule.disabled" })
    })
}

/// Saves it once more as it was.
pub fn revert(db: &Db, scope: &Scope<RulesWrite>, id: RuleId, number: i64) -> Result<()> {
    db.write(scope.by, |tx| {
        let was = own(tx, scope, id)?;
        let kept = store::versions(tx, id)?.into_iter().find(|each| each.number == number);
        let input = Input::from_kept(&kept.ok_or(Error::NotFound)?.document);
        save(tx, &was, &read(tx, &input, was.customer)?, "rule.reverted")
    })
}

pub fn delete(db: &Db, scope: &Scope<RulesWrite>, id: RuleId) -> Result<()> {
    db.write(scope.by, |tx| {
        let was = own(tx, scope, id)?;
        drop_rule(tx, &was)
    })
}

pub fn drop_rule(tx: &Write, was: &Rule) -> Result<()> {
    store::delete(tx, was.id)?;
    record(tx, "rule.deleted", was.id, &json!({ "rule": was.input().to_json() }))
}

/// One that is edited here, and not with its service.
fn own(tx: &Write, scope: &Scope<RulesWrite>, id: RuleId) -> Result<Rule> {
    scope.reaches(tx, PROVIDER)?;
    let rule = store::one(tx, id)?;
    if rule.part {
        let service = rule.service_name.as_deref().unwrap_or("its service");
        return Err(Error::refused(format!(
            "This rule belongs to {service}: add a rule Before or After, or one with its key."
        )));
    }
    Ok(rule)
}

pub fn add(tx: &Write, draft: &Draft) -> Result<RuleId> {
    let id = twice(store::insert(tx, draft))?;
    keep(tx, id, "rule.created", None)?;
    Ok(id)
}

pub fn save(tx: &Write, was: &Rule, draft: &Draft, action: &str) -> Result<()> {
    twice(store::update(tx, was.id, draft))?;
    keep(tx, was.id, action, Some(was))
}

fn keep(tx: &Write, id: RuleId, action: &str, was: Option<&Rule>) -> Result<()> {
    let now = store::one(tx, id)?;
    let document = now.input().to_json();
    store::keep(tx, id, now.version, &document.to_string())?;
    let old = was.map(|rule| rule.input().to_json());
    record(tx, action, id, &json!({ "version": now.version, "old": old, "new": document }))
}

fn record(tx: &Write, action: &str, id: RuleId, detail: &serde_json::Value) -> Result<()> {
    audit::record(tx, action, ("rule", id.0), PROVIDER, detail)
}

fn twice<T>(result: Result<T>) -> Result<T> {
    unique(result, "key", "is the key of another rule for this event there")
}

/// Everything that is typed, read against what there is.
/// `owner` is whose it is where nobody is named; none: it is written with its service.
pub fn read(db: &Read, input: &Input, owner: Option<CustomerId>) -> Result<Draft> {
    let mut fields = Fields::of(input, FIELDS);
    let customer = fields.optional::<CustomerId>("customer_id").map(|id| id.or(owner));
    let customer = match customer {
        Some(Some(id)) if !store::is_customer(db, id)? => {
            fields.complain("customer_id", "is not a customer")
        }
        other => other,
    };
    let event = fields.text("event", 1..=60);
    let event = match event {
        Some(event) if !events().any(|known| known == event) => {
            fields.complain("event", "is not an event that rules are for")
        }
        other => other,
    };
    let service = match fields.text("service", 0..=30) {
        Some(code) if code.is_empty() => Some(None),
        Some(code) => match store::service(db, &code)? {
            Some((id, kind)) => match event.as_deref() {
                Some(event) if !event.contains("_service.") => {
                    fields.complain("service", "is left empty: the event is not about a service")
                }
                Some(event) if event.starts_with("user_") && kind != "user" => {
                    fields.complain("service", "is not given to users, as the event says")
                }
                _ => Some(Some(id)),
            },
            None => fields.complain("service", "is not a service we sell"),
        },
        None => None,
    };
    let slot = fields.optional::<Slot>("slot").map(|slot| slot.unwrap_or(Slot::Main));
    let position = fields.optional_integer("position", 1..=1_000).map(|at| at.unwrap_or(100));
    let key = read_key(&mut fields);
    let title = fields.text("title", 0..=100);
    let condition = fields.lines("condition", 0..=1_000);
    let action = read_action(&mut fields, slot);
    let on_error = fields.optional::<OnError>("on_error").map(|on| on.unwrap_or(OnError::Stop));
    let tries = fields.optional_integer("tries", 1..=20);
    let time_limit = fields.optional_integer("time_limit", 1..=3_600);
    let enabled = match fields.has("enabled") {
        true => fields.flag("enabled"),
        false => Some(true),
    };
    let params: Typed = fields
        .members("params")
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| (name.to_owned(), text.replace("\r\n", "\n")))
        .collect();
    if let (Some(event), Some(service), Some(condition), Some(action)) =
        (&event, service, &condition, action)
    {
        let known = names::known(db, event, service)?;
        if let Err(wrong) = Condition::read(condition, &known) {
            let _: Option<()> = fields.complain("condition", wrong.to_string());
        }
        fields.complaints(actions::check(action, &params, &known));
    }
    let connector = match (action, customer) {
        (Some(action), Some(customer)) => {
            read_connector(db, &mut fields, action, customer.unwrap_or(PROVIDER))?
        }
        _ => None,
    };
    fields.finish(|| {
        Some(Draft {
            customer: customer?,
            service: service?,
            event: event?,
            slot: slot?,
            position: position?,
            key: key?,
            title: title?,
            condition: condition?,
            action: action?,
            connector: connector?,
            params: json!(params).to_string(),
            on_error: on_error?,
            tries: tries?,
            time_limit: time_limit?,
            enabled: enabled?,
        })
    })
}

fn read_key(fields: &mut Fields) -> Option<String> {
    let key = fields.text("key", 1..=40)?;
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    if key.chars().all(good) && key.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Some(key);
    }
    fields.complain("key", "begins with a letter and has a–z, 0–9, _ and - only")
}

fn read_action(fields: &mut Fields, slot: Option<Slot>) -> Option<Action> {
    let action = fields.parse::<Action>("action")?;
    if !Action::offered().any(|offered| offered == action) {
        return fields.complain("action", "is not one of the choices");
    }
    let judges = matches!(action, Action::Check | Action::Refuse);
    match slot {
        Some(slot) if judges && slot != Slot::Before => {
            fields.complain("slot", "is Before for what may refuse")
        }
        Some(Slot::Before) if !judges && action != Action::Off => {
            fields.complain("slot", "may not be Before: there rules only look and refuse")
        }
        _ => Some(action),
    }
}

/// Of an action that reaches outside: a connector of its kind that may be used in the owner's branch.
fn read_connector(
    db: &Read,
    fields: &mut Fields,
    action: Action,
    owner: CustomerId,
) -> Result<Option<Option<ConnectorId>>> {
    let chosen = fields.optional::<ConnectorId>("connector_id");
    Ok(match chosen {
        Some(None) if action.is_outside() => fields.complain("connector_id", "is required"),
        Some(Some(_)) if !action.is_outside() => {
            let text = format!("is not used by {}", action.word());
            fields.complain("connector_id", text)
        }
        Some(Some(id)) if !store::connectors(db, owner, action)?.iter().any(|c| c.0 == id) => {
            fields.complain("connector_id", "is not one of the choices")
        }
        other => other,
    })
}
