//! Services as files: written from the catalogue, and brought into it. Applied twice, a file changes
//! nothing the second time; what it does not name stays. Secrets are never written.

pub mod api;
pub mod pages;
mod bench;
mod changes;
mod read;
mod write;

use super::plans::Author;
use super::properties::{self, At, Place, Property, Unique, Use};
use super::{Level, Need, Service, store};
use crate::db::{Db, Read, Write};
use crate::engine::rules::written;
use crate::error::{Error, Result};
use crate::ids::ServiceId;
use crate::kinds::typed_as;
use bench::Bench;
use changes::differences;
pub use read::Document;
use serde::Serialize;
use serde_json::{Map, Value, json};
use write::Node;

/// How documents of this kind say what they are.
pub const FORMAT: &str = "portico/1";

/// A file to apply.
pub struct File {
    pub name: String,
    pub text: String,
}

/// What was done, or would be.
#[derive(Serialize)]
pub struct Outcome {
    pub applied: bool,
    pub changes: Vec<Change>,
}

/// One thing that differs from what the catalogue had.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    pub service: String,
    /// "property quota", "plan gold", "rule user_service.provision member", or nothing where it is
    /// the service itself.
    pub what: String,
    /// added, changed, retired, removed
    pub change: &'static str,
    /// The keys that changed.
    pub keys: Vec<String>,
    /// The same with what they were and what they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Turned>,
}

/// A key that changed; empty where there was none or is none.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Turned {
    pub key: String,
    pub old: String,
    pub new: String,
}

/// One or all services as a document; what Portico brings along is not among them.
pub fn export(db: &Read, services: &[Service]) -> Result<Exported> {
    let all = services.iter().filter(|service| !service.builtin);
    let all = all.map(|service| node(db, service)).collect::<Result<Vec<_>>>()?;
    let fields = vec![("format", Value::from(FORMAT))];
    Ok(Exported(Node { fields, below: vec![("service", all)] }))
}

/// One service as it stands in a document.
pub fn tree(db: &Read, service: &Service) -> Result<Value> {
    Ok(node(db, service)?.to_json())
}

/// A document that was made.
pub struct Exported(Node);

impl Exported {
    pub fn toml(&self) -> String {
        self.0.to_toml()
    }

    pub fn json(&self) -> Result<String> {
        let mut text = serde_json::to_string_pretty(&self.0.to_json())?;
        text.push('\n');
        Ok(text)
    }
}

fn node(db: &Read, service: &Service) -> Result<Node> {
    let fields = vec![
        ("code", json!(service.code)),
        ("name", json!(service.name)),
        ("kind", json!(service.kind)),
        ("state", json!(service.state)),
        ("category", json!(service.category)),
        ("description", json!(service.description)),
        ("icon", json!(service.icon)),
        ("multi", json!(service.multi)),
        ("label_pattern", json!(service.label_pattern)),
        ("tracking_only", json!(service.tracking_only)),
        ("on_move", json!(service.on_move)),
    ];
    let needs = store::needs(db, service.id)?;
    let needs = needs.iter().map(|need| Node {
        fields: vec![("service", json!(need.service.code)), ("at", json!(need.at))],
        below: Vec::new(),
    });
    let all = properties::all(db, service.id)?;
    let properties = all.iter().map(property_node).collect();
    let plans = store::plans(db, service.id)?;
    let plans = plans.iter().map(|plan| plan_node(db, service, plan));
    let plans = plans.collect::<Result<Vec<_>>>()?;
    let rules = written::of_service(db, service.id)?;
    let rules = rules.iter().map(|rule| Node { fields: written::fields(rule), below: Vec::new() });
    let below = vec![
        ("needs", needs.collect()),
        ("property", properties),
        ("plan", plans),
        ("rule", rules.collect()),
    ];
    Ok(Node { fields, below })
}

fn property_node(property: &Property) -> Node {
    let rule = &property.validation;
    let kind = property.kind;
    let number = |n: i64| match kind {
        crate::kinds::Type::Size => Value::from(typed_as(kind, &Value::from(n))),
        _ => Value::from(n),
    };
    let mut fields = vec![("name", json!(property.name)), ("label", json!(property.label))];
    let mut say = |name: &'static str, value: Value, unless: Value| {
        if value != unless {
            fields.push((name, value));
        }
    };
    say("help", json!(property.help), json!(""));
    say("category", json!(property.category), json!(""));
    say("on", json!(property.level), Value::Null);
    say("use", json!(property.usage), json!(Use::Setting));
    say("type", json!(kind), Value::Null);
    say("least", rule.least.map_or(Value::Null, number), Value::Null);
    say("most", rule.most.map_or(Value::Null, number), Value::Null);
    say("step", rule.step.map_or(Value::Null, number), Value::Null);
    say("earliest", json!(rule.earliest), Value::Null);
    say("latest", json!(rule.latest), Value::Null);
    say("own_domain", json!(rule.own_domain), json!(false));
    say("http", json!(rule.http), json!(false));
    say("pattern", json!(rule.pattern), Value::Null);
    let choices = rule.choices.iter().map(|each| format!("{} = {}", each.value, each.label));
    say("choices", json!(choices.collect::<Vec<_>>()), json!([]));
    say("message", json!(rule.message), json!(""));
    let default = property.default.as_ref().map(|value| said(kind, value));
    say("default", default.unwrap_or_default(), Value::Null);
    say("default_locked", json!(property.default_locked), json!(false));
    say("required", json!(property.required), json!(false));
    say("secret", json!(property.secret), json!(false));
    say("writable_by", json!(property.writable_by), Value::Null);
    say("visible_to", json!(property.visible_to), Value::Null);
    say("at", json!(property.at), json!(Vec::<At>::new()));
    say("unique", json!(property.unique), json!(Unique::No));
    say("meter", json!(property.meter), json!(false));
    say("sort", json!(property.sort), json!(0));
    Node { fields, below: Vec::new() }
}

/// A value in a document: sizes as people say them.
fn said(kind: crate::kinds::Type, value: &Value) -> Value {
    match kind {
        crate::kinds::Type::Size => Value::from(typed_as(kind, value)),
        _ => value.clone(),
    }
}

fn plan_node(db: &Read, service: &Service, plan: &super::Plan) -> Result<Node> {
    let (mut values, mut locks) = (Map::new(), Vec::new());
    for (property, value, locked) in properties::at(db, service.id, Place::Plan(plan.id))? {
        if locked {
            locks.push(property.name.clone());
        }
        if !property.secret {
            values.insert(property.name, said(property.kind, &value));
        }
    }
    let mut fields = vec![
        ("level", json!(plan.level)),
        ("code", json!(plan.code)),
        ("name", json!(plan.name)),
        ("sku", json!(plan.sku)),
        ("state", json!(plan.state)),
        ("not_sold", json!(plan.not_sold)),
        ("sort", json!(plan.sort)),
    ];
    if !values.is_empty() {
        fields.push(("values", Value::Object(values)));
    }
    if !locks.is_empty() {
        fields.push(("locks", json!(locks)));
    }
    Ok(Node { fields, below: Vec::new() })
}

/// Brings all files into the catalogue, or none of them. A dry run says what would change.
pub fn apply(
    db: &Db,
    author: &Author,
    files: &[File],
    dry_run: bool,
    prune: bool,
) -> Result<Outcome> {
    let mut documents = Vec::new();
    let mut complaints = Vec::new();
    for file in files {
        match Document::read(&file.name, &file.text) {
            Ok(document) => documents.push(document),
            Err(complaint) => complaints.push(complaint),
        }
    }
    if !complaints.is_empty() {
        return Err(Error::Invalid(complaints));
    }
    bring(db, author, &documents, &How { dry_run, prune, taken: false }, |_| Ok(()))
}

/// What is done with documents that were read.
pub struct How {
    pub dry_run: bool,
    pub prune: bool,
    /// They are Portico's own: its rules are part of the service.
    pub taken: bool,
}

/// Brings documents in, with what `then` adds in the same transaction.
pub fn bring(
    db: &Db,
    author: &Author,
    documents: &[Document],
    how: &How,
    then: impl FnOnce(&Write) -> Result<()>,
) -> Result<Outcome> {
    let all = |tx: &Write| {
        let before = everything(tx)?;
        let mut bench = Bench::new(db, author, how.taken);
        bench.bring(documents)?;
        if how.prune {
            bench.prune(documents)?;
        }
        bench.end()?;
        then(tx)?;
        Ok(differences(&before, &everything(tx)?))
    };
    let by = author.scope.by;
    let changes = if how.dry_run { db.rehearse(by, all)? } else { db.write(by, all)? };
    Ok(Outcome { applied: !how.dry_run, changes })
}

fn everything(db: &Read) -> Result<Value> {
    let mut all = Vec::new();
    for (code, _) in store::names_of_all(db)? {
        all.push(store::service_of(db, &code)?);
    }
    Ok(export(db, &all)?.0.to_json())
}

/// Keeps the document of a service, as one of its versions.
pub fn keep(tx: &Write, service: ServiceId) -> Result<()> {
    let exported = export(tx, &[store::service(tx, service)?])?;
    store::keep_version(tx, service, &exported.json()?).map(drop)
}

/// What a service needs, as its form and the API say it: `directory` where it is held by whoever
/// holds this one, `directory@customer` where the customer is to hold what users hold too.
pub fn need_code(service: Level, need: &Need) -> String {
    match (service, need.service.kind, need.at) {
        (Level::User, Level::User, Level::Customer) => format!("{}@customer", need.service.code),
        _ => need.service.code.clone(),
    }
}
