//! Documents on their way into the catalogue: each table is given to the operation that the page and
//! the API use, and what that says becomes a complaint about a line.

use super::FORMAT;
use super::read::Document;
use crate::auth::Scope;
use crate::auth::permissions::CatalogueWrite;
use crate::catalogue::plans::{self, Author};
use crate::catalogue::{PlanState, State, properties, services, store};
use crate::db::Db;
use crate::engine::rules::written;
use crate::error::{Complaint, Error, Result};
use crate::input::{Field, Input};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Files on their way into the catalogue.
pub struct Bench<'a> {
    db: &'a Db,
    author: &'a Author<'a>,
    /// The documents are Portico's own.
    taken: bool,
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
    pub fn new(db: &'a Db, author: &'a Author<'a>, taken: bool) -> Bench<'a> {
        Bench { db, author, taken, complaints: Vec::new(), named: BTreeSet::new() }
    }

    /// Refuses the whole with everything that was found.
    pub fn end(self) -> Result<()> {
        match self.complaints.is_empty() {
            true => Ok(()),
            false => Err(Error::Invalid(self.complaints)),
        }
    }

    fn scope(&self) -> &'a Scope<CatalogueWrite> {
        self.author.scope
    }

    /// Services first, then what they need of each other, then whether they are on sale.
    pub fn bring(&mut self, documents: &[Document]) -> Result<()> {
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
        let input = input_of(table, services::NEW, &["needs", "state", "property", "plan", "rule"]);
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
        self.shape(path, table, "rule");
        for (n, said) in below(table, "property") {
            let own = Table { document: table.document, said };
            self.property(&format!("{path}.property.{n}"), code, own)?;
        }
        for (n, said) in below(table, "plan") {
            let own = Table { document: table.document, said };
            self.plan(&format!("{path}.plan.{n}"), code, own)?;
        }
        self.rules(path, code, table)
    }

    /// After all else: rules name settings, and stand in the order of their places.
    fn rules(&mut self, path: &str, code: &str, table: Table) -> Result<()> {
        if table.said.get("rule").is_none() && !self.taken {
            return Ok(());
        }
        let id = self.db.read(|db| store::service_of(db, code))?.id;
        let home = written::Home { id, code, taken: self.taken, may: self.author.rules };
        let by = self.scope().by;
        let mut changed = false;
        let mut seen = BTreeSet::new();
        for (n, said) in below(table, "rule") {
            let own = Table { document: table.document, said };
            let path = format!("{path}.rule.{n}");
            if !seen.insert((own.text("event"), own.text("key"))) {
                let text = "is the key of another rule for this event";
                self.complaints.push(own.document.complain(&format!("{path}.key"), text));
                continue;
            }
            let done = written::put(self.db, by, &home, said);
            changed |= self.heard(&path, own, done)?.unwrap_or(false);
        }
        let taken = self.taken;
        self.db.write(by, |tx| {
            if taken {
                written::sweep(tx, id, &named_rules(table))?;
            }
            if changed {
                store::touch(tx, id)?;
                super::keep(tx, id)?;
            }
            Ok(())
        })
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
    pub fn prune(&mut self, documents: &[Document]) -> Result<()> {
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
            let rules: Vec<(String, String)> = documents
                .iter()
                .flat_map(|document| self.quietly(document, &document.tree, "", "service"))
                .filter(|(_, table)| table.text("code") == code)
                .flat_map(|(_, table)| named_rules(table))
                .collect();
            self.db.write(self.scope().by, |tx| match self.author.rules {
                true => written::prune(tx, service.id, &rules).map(drop),
                false => Ok(()),
            })?;
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

/// The rules that a service's table names, by event and key.
fn named_rules(table: Table) -> Vec<(String, String)> {
    let text = |said: &Map<String, Value>, key: &str| {
        said.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    below(table, "rule").map(|(_, said)| (text(said, "event"), text(said, "key"))).collect()
}
