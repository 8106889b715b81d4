//! Services as files: written from the catalogue, and brought into it. Applied twice, a file changes
//! nothing the second time; what it does not name stays. Secrets are never written.

pub mod api;
pub mod pages;
mod read;
mod write;

use super::plans::{self, Author};
use super::properties::{self, At, Place, Property, Unique, Use};
use super::{Level, Need, PlanState, Service, State, services, store};
use crate::auth::Scope;
use crate::auth::permissions::CatalogueWrite;
use crate::db::{Db, Read, Write};
use crate::error::{Complaint, Error, Result};
use crate::ids::ServiceId;
use crate::input::{Field, Input};
use crate::kinds::typed_as;
use read::Document;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
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
    /// "property quota", "plan gold", or nothing where it is the service itself.
    pub what: String,
    /// added, changed, retired
    pub change: &'static str,
    /// The keys that changed.
    pub keys: Vec<String>,
}

/// One or all services as a document; what Portico brings along is not among them.
pub fn export(db: &Read, services: &[Service]) -> Result<Exported> {
    let all = services.iter().filter(|service| !service.builtin);
    let all = all.map(|service| node(db, service)).collect::<Result<Vec<_>>>()?;
    let fields = vec![("format", Value::from(FORMAT))];
    Ok(Exported(Node { fields, below: vec![("service", all)] }))
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
    let below = vec![("needs", needs.collect()), ("property", properties), ("plan", plans)];
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
    let all = |tx: &Write| {
        let before = everything(tx)?;
        let mut bench = Bench { db, author, complaints: Vec::new(), named: BTreeSet::new() };
        bench.bring(&documents)?;
        if prune {
            bench.prune(&documents)?;
        }
        if !bench.complaints.is_empty() {
            return Err(Error::Invalid(bench.complaints));
        }
        Ok(differences(&before, &everything(tx)?))
    };
    let by = author.scope.by;
    let changes = if dry_run { db.rehearse(by, all)? } else { db.write(by, all)? };
    Ok(Outcome { applied: !dry_run, changes })
}

fn everything(db: &Read) -> Result<Value> {
    let mut all = Vec::new();
    for (code, _) in store::names_of_all(db)? {
        all.push(store::service_of(db, &code)?);
    }
    Ok(export(db, &all)?.0.to_json())
}

/// Files on their way into the catalogue.
struct Bench<'a> {
    db: &'a Db,
    author: &'a Author<'a>,
    complaints: Vec<Complaint>,
    /// The services that some file names.
    named: BTreeSet<String>,
}

/// A table of a document: where it stands and what it says.
#[derive(Clone, Copy)]
struct Table<'d> {
    document: &'d Document,
    said: &'d Map<String, Value>,
}

impl<'d> Table<'d> {
    fn text(&self, key: &str) -> &'d str {
        self.said.get(key).and_then(Value::as_str).unwrap_or_default()
    }
}

impl<'a> Bench<'a> {
    fn scope(&self) -> &'a Scope<CatalogueWrite> {
        self.author.scope
    }

    /// Services first, then what they need of each other, then whether they are on sale.
    fn bring(&mut self, documents: &[Document]) -> Result<()> {
        for document in documents {
            self.format(document);
            for (path, table) in self.tables(document, &document.tree, "", "service") {
                self.service(&path, table)?;
            }
        }
        for document in documents {
            for (path, table) in self.quietly(document, &document.tree, "", "service") {
                self.needs(&path, table)?;
            }
        }
        for document in documents {
            for (path, table) in self.quietly(document, &document.tree, "", "service") {
                self.state(&path, table)?;
            }
        }
        Ok(())
    }

    fn format(&mut self, document: &Document) {
        let known = ["format", "service"];
        let empty = Map::new();
        for name in document.tree.as_object().unwrap_or(&empty).keys() {
            if !known.contains(&name.as_str()) {
                self.complaints.push(document.complain(name, "is not a key here"));
            }
        }
        if document.tree.get("format").and_then(Value::as_str) != Some(FORMAT) {
            let text = format!("must be \"{FORMAT}\"");
            self.complaints.push(document.complain("format", &text));
        }
    }

    /// The tables of that name, with their paths; complains of what is none.
    fn tables<'d>(
        &mut self,
        document: &'d Document,
        tree: &'d Value,
        path: &str,
        name: &str,
    ) -> Vec<(String, Table<'d>)> {
        let own = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        match tree.get(name) {
            None => Vec::new(),
            Some(Value::Array(all)) if all.iter().all(Value::is_object) => {
                self.quietly(document, tree, path, name)
            }
            Some(_) => {
                let text = format!("must be tables, each below [[{name}]]");
                self.complaints.push(document.complain(&own, &text));
                Vec::new()
            }
        }
    }

    fn quietly<'d>(
        &self,
        document: &'d Document,
        tree: &'d Value,
        path: &str,
        name: &str,
    ) -> Vec<(String, Table<'d>)> {
        let own = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let all = tree.get(name).and_then(Value::as_array).into_iter().flatten();
        let tables = all.enumerate().filter_map(|(n, each)| {
            Some((format!("{own}.{n}"), Table { document, said: each.as_object()? }))
        });
        tables.collect()
    }

    /// What an operation says, as complaints about the lines of the table.
    fn heard<T>(&mut self, path: &str, table: Table, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(done) => Ok(Some(done)),
            Err(Error::Invalid(all)) => {
                for each in all {
                    let key = match each.field.strip_prefix("properties.") {
                        Some(name) => format!(".values.{name}"),
                        None if each.field.is_empty() => String::new(),
                        None if each.field == "level" && path.contains(".property.") => {
                            ".on".to_owned()
                        }
                        None => format!(".{}", each.field),
                    };
                    let at = format!("{path}{key}");
                    self.complaints.push(table.document.complain(&at, &each.message));
                }
                Ok(None)
            }
            Err(Error::NotFound) => {
                self.complaints.push(table.document.complain(path, "is not there"));
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    fn service(&mut self, path: &str, table: Table) -> Result<()> {
        let code = table.text("code");
        let input = input_of(table, services::NEW, &["needs", "state", "property", "plan"]);
        if !self.named.insert(code.to_owned()) {
            let text = "is the code of a service that is described twice";
            self.complaints.push(table.document.complain(&format!("{path}.code"), text));
            return Ok(());
        }
        let known = self.db.read(|db| store::has(db, code))?;
        let done = match known {
            true => services::update(self.db, self.scope(), code, &input, None),
            false => services::create(self.db, self.scope(), &input).map(drop),
        };
        if self.heard(path, table, done)?.is_none() {
            return Ok(());
        }
        self.shape(path, table, "property");
        self.shape(path, table, "plan");
        for (n, said) in below(table, "property") {
            let own = Table { document: table.document, said };
            self.property(&format!("{path}.property.{n}"), code, own)?;
        }
        for (n, said) in below(table, "plan") {
            let own = Table { document: table.document, said };
            self.plan(&format!("{path}.plan.{n}"), code, own)?;
        }
        Ok(())
    }

    fn shape(&mut self, path: &str, table: Table, name: &str) {
        let good = |all: &Vec<Value>| all.iter().all(Value::is_object);
        if table.said.get(name).is_some_and(|value| !value.as_array().is_some_and(good)) {
            let text = format!("must be tables, each below [[service.{name}]]");
            self.complaints.push(table.document.complain(&format!("{path}.{name}"), &text));
        }
    }

    fn property(&mut self, path: &str, service: &str, table: Table) -> Result<()> {
        let mut said = table.said.clone();
        if said.contains_key("level") {
            self.complaints.push(table.document.complain(&format!("{path}.level"), "is called on"));
            return Ok(());
        }
        if let Some(level) = said.remove("on") {
            said.insert("level".to_owned(), level);
        }
        if let Some(Value::Array(all)) = said.get("choices") {
            let lines: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
            let text = Value::from(lines.join("\n"));
            said.insert("choices".to_owned(), text);
        }
        let name = table.text("name");
        let turned = Table { document: table.document, said: &said };
        let input = input_of(turned, properties::NEW, &["drop_values", "confirm"]);
        let known = self.db.read(|db| {
            let all = properties::all(db, store::service_of(db, service)?.id)?;
            Ok(all.iter().any(|each| each.name == name))
        })?;
        let done = match known {
            true => properties::update(self.db, self.scope(), service, name, &input),
            false => properties::create(self.db, self.scope(), service, &input).map(drop),
        };
        self.heard(path, table, done).map(drop)
    }

    fn plan(&mut self, path: &str, service: &str, table: Table) -> Result<()> {
        let skipped = ["state", "values", "price", "cost", "setup_price", "counting", "valid_from"];
        let input = {
            let mut input =
                input_of(table, plans::NEW, &[&skipped[..], &["properties", "confirm"]].concat());
            for name in &skipped[2..] {
                if table.said.contains_key(*name) {
                    let text = "is not a key here: prices are set on the plan’s page";
                    self.complaints.push(table.document.complain(&format!("{path}.{name}"), text));
                }
            }
            if let Some(Value::Object(values)) = table.said.get("values") {
                for (name, value) in values {
                    put(&mut input, &format!("properties.{name}"), value);
                }
            }
            input
        };
        let code = table.text("code");
        let known = self.db.read(|db| {
            let service = store::service_of(db, service)?;
            Ok(store::plan_of(db, service.id, code).is_ok())
        })?;
        let done = match known {
            true => plans::update(self.db, self.author, service, code, &input, None),
            false => plans::create(self.db, self.author, service, &input).map(drop),
        };
        if self.heard(path, table, done)?.is_none() {
            return Ok(());
        }
        let state = match table.text("state") {
            "" if known => return Ok(()),
            "" => PlanState::Active,
            word => match word.parse() {
                Ok(state) => state,
                Err(()) => {
                    let at = format!("{path}.state");
                    self.complaints.push(table.document.complain(&at, "is not one of the choices"));
                    return Ok(());
                }
            },
        };
        let done = plans::set_state(self.db, self.scope(), service, code, state);
        self.heard(path, table, done).map(drop)
    }

    fn needs(&mut self, path: &str, table: Table) -> Result<()> {
        let Some(said) = table.said.get("needs") else { return Ok(()) };
        let mut input = Input::default();
        input.set("needs", "");
        for (n, each) in said.as_array().into_iter().flatten().enumerate() {
            let own = format!("{path}.needs.{n}");
            for key in each.as_object().into_iter().flat_map(|each| each.keys()) {
                if !["service", "at"].contains(&key.as_str()) {
                    let at = format!("{own}.{key}");
                    self.complaints.push(table.document.complain(&at, "is not a key here"));
                }
            }
            let service = each.get("service").and_then(Value::as_str).unwrap_or_default();
            match each.get("at").and_then(Value::as_str) {
                _ if service.is_empty() => {
                    let at = format!("{own}.service");
                    self.complaints.push(table.document.complain(&at, "is required"));
                }
                Some(at) => input.push("needs", format!("{service}@{at}")),
                None => input.push("needs", service),
            }
        }
        if self.db.read(|db| store::has(db, table.text("code")))? {
            let done = services::update(self.db, self.scope(), table.text("code"), &input, None);
            self.heard(path, table, done)?;
        }
        Ok(())
    }

    fn state(&mut self, path: &str, table: Table) -> Result<()> {
        let (code, at) = (table.text("code"), format!("{path}.state"));
        if !self.complaints.is_empty() || !self.db.read(|db| store::has(db, code))? {
            return Ok(());
        }
        let now = self.db.read(|db| store::service_of(db, code))?.state;
        let done = match table.text("state").parse::<State>() {
            Ok(state) if state == now => Ok(()),
            Ok(State::Active) => services::activate(self.db, self.scope(), code),
            Ok(State::Retired) => services::retire(self.db, self.scope(), code),
            Ok(State::Draft) => Err(Error::refused("cannot be draft again")),
            Err(()) if table.text("state").is_empty() => Ok(()),
            Err(()) => Err(Error::refused("is not one of the choices")),
        };
        self.heard(&at, table, done).map(drop)
    }

    /// Retires what no file names.
    fn prune(&mut self, documents: &[Document]) -> Result<()> {
        for (code, _) in self.db.read(store::names_of_all)? {
            let service = self.db.read(|db| store::service_of(db, &code))?;
            if service.builtin {
                continue;
            }
            if !self.named.contains(&code) {
                services::retire(self.db, self.scope(), &code)?;
                continue;
            }
            let plans: BTreeSet<String> = documents
                .iter()
                .flat_map(|document| self.quietly(document, &document.tree, "", "service"))
                .filter(|(_, table)| table.text("code") == code)
                .flat_map(|(_, table)| table.said.get("plan").and_then(Value::as_array))
                .flatten()
                .filter_map(|plan| Some(plan.get("code")?.as_str()?.to_lowercase()))
                .collect();
            for plan in self.db.read(|db| store::plans(db, service.id))? {
                if !plans.contains(&plan.code.to_lowercase()) {
                    let state = PlanState::Retired;
                    plans::set_state(self.db, self.scope(), &code, &plan.code, state)?;
                }
            }
        }
        Ok(())
    }
}

/// The tables of that name below another, with their numbers.
fn below<'d>(
    table: Table<'d>,
    name: &str,
) -> impl Iterator<Item = (usize, &'d Map<String, Value>)> + use<'d> {
    let all = table.said.get(name).and_then(Value::as_array).into_iter().flatten();
    all.enumerate().filter_map(|(n, each)| Some((n, each.as_object()?)))
}

/// What a table says in the words of an operation. What it leaves out is as in a new thing, so that
/// a file says the whole of what it names.
fn input_of(table: Table, declared: &'static [Field], without: &[&str]) -> Input {
    let mut input = Input::default();
    for field in declared.iter().filter(|field| !without.contains(&field.name)) {
        input.set(field.name, "");
    }
    for (name, value) in table.said {
        if !without.contains(&name.as_str()) {
            put(&mut input, name, value);
        }
    }
    input
}

fn put(input: &mut Input, name: &str, value: &Value) {
    match value {
        Value::Array(all) => {
            input.set(name, "");
            all.iter().for_each(|each| input.push(name, plain(each)));
        }
        other => input.set(name, plain(other)),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What of a document is another than before, by the names of its tables.
fn differences(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    for new in after["service"].as_array().into_iter().flatten() {
        let code = new["code"].as_str().unwrap_or_default();
        let old = named(before, "service", "code", code);
        note(&mut changes, code, String::new(), old, new);
        for (kind, key) in [("property", "name"), ("plan", "code")] {
            for each in new[kind].as_array().into_iter().flatten() {
                let name = each[key].as_str().unwrap_or_default();
                let was = old.and_then(|old| named(old, kind, key, name));
                note(&mut changes, code, format!("{kind} {name}"), was, each);
            }
        }
    }
    changes
}

fn named<'v>(tree: &'v Value, list: &str, key: &str, name: &str) -> Option<&'v Value> {
    tree[list].as_array()?.iter().find(|each| each[key] == name)
}

fn note(changes: &mut Vec<Change>, service: &str, what: String, old: Option<&Value>, new: &Value) {
    let lists = ["property", "plan"];
    let own = |value: &Value| -> Map<String, Value> {
        let all = value.as_object().cloned().unwrap_or_default();
        all.into_iter().filter(|(name, _)| !lists.contains(&name.as_str())).collect()
    };
    let new = own(new);
    let (change, keys) = match old.map(own) {
        None => ("added", Vec::new()),
        Some(old) if old == new => return,
        Some(old) => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let differs = |name: &&&String| old.get(**name) != new.get(**name);
            let keys: Vec<String> =
                names.iter().filter(differs).map(|name| (*name).clone()).collect();
            let retired = keys == ["state"] && new.get("state") == Some(&json!("retired"));
            (if retired { "retired" } else { "changed" }, keys)
        }
    };
    changes.push(Change { service: service.to_owned(), what, change, keys });
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
