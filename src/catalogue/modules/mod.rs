//! Services that Portico brings along as documents. Installing copies one into the catalogue, where
//! it stays as it was taken until somebody takes a newer version; what the provider added stays then.

pub mod api;
pub mod pages;
mod shelf;
mod store;

use super::documents::{self, Document, How, Outcome};
use super::plans::Author;
use super::{Service, store as catalogue};
use crate::audit;
use crate::auth::PROVIDER;
use crate::db::{Db, Read};
use crate::error::{Error, Result};
use crate::input::{Field, Fields, Input};
use serde_json::{Map, Value, json};

pub use shelf::{SHELF, find};

/// One of the documents that come with the program.
pub struct Module {
    pub code: &'static str,
    pub version: i64,
    /// What it is for, for somebody who sees it the first time.
    pub about: &'static str,
    /// What to do before it works.
    pub before: &'static str,
    /// It is copied under a name of one's own, as often as one likes.
    pub template: bool,
    pub text: &'static str,
}

/// How far one is.
pub enum Standing {
    /// Not there.
    Open,
    /// There is a service with its code that was not installed from it.
    Taken(Service),
    Installed(Service),
    /// Installed, and the program brings a newer version.
    Older(Service),
}

pub const INSTALL: &[Field] = &[
    Field::text("code", "of the new service, for a template; otherwise the module’s own"),
    Field::text("name", "of the new service, for a template"),
];

impl Module {
    /// What it says, read.
    pub fn document(&self) -> Result<Document> {
        let name = format!("{}.toml", self.code);
        Document::read(&name, self.text).map_err(|wrong| Error::internal(wrong.message))
    }

    /// The service that it describes.
    pub fn service(&self) -> Result<Value> {
        let tree = self.document()?.tree;
        Ok(tree.pointer("/service/0").cloned().unwrap_or_default())
    }

    pub fn name(&self) -> Result<String> {
        let service = self.service()?;
        Ok(service.get("name").and_then(Value::as_str).unwrap_or(self.code).to_owned())
    }

    pub fn standing(&self, db: &Read) -> Result<Standing> {
        if self.template || !catalogue::has(db, self.code)? {
            return Ok(Standing::Open);
        }
        let service = catalogue::service_of(db, self.code)?;
        Ok(match service.module == self.code {
            false => Standing::Taken(service),
            true if service.module_version < self.version => Standing::Older(service),
            true => Standing::Installed(service),
        })
    }
}

/// The services that are needed and are not there, by the names of their modules.
pub fn missing(db: &Read, module: &Module) -> Result<Vec<String>> {
    let mut missing = Vec::new();
    let service = module.service()?;
    let needs = service.get("needs").and_then(Value::as_array);
    for need in needs.into_iter().flatten() {
        let code = need.get("service").and_then(Value::as_str).unwrap_or_default();
        if !catalogue::has(db, code)? {
            let name = match find(code) {
                Some(module) => module.name()?,
                None => code.to_owned(),
            };
            missing.push(name);
        }
    }
    Ok(missing)
}

/// Copies it into the catalogue, as a draft, or says what that would add; its code there.
pub fn install(
    db: &Db,
    author: &Author,
    module: &Module,
    input: &Input,
    dry_run: bool,
) -> Result<(String, Outcome)> {
    let mut fields = Fields::of(input, INSTALL);
    let (code, name) = (fields.text("code", 0..=30), fields.text("name", 0..=60));
    let (code, name) = fields.finish(|| Some((code?, name?)))?;
    let mut document = module.document()?;
    if module.template {
        if code.is_empty() || name.is_empty() {
            let field = if code.is_empty() { "code" } else { "name" };
            return Err(Error::invalid(
                field,
                "is required: the template becomes a service of yours",
            ));
        }
        if db.read(|db| catalogue::has(db, &code))? {
            return Err(Error::invalid("code", "is used by another service"));
        }
        let service = document.tree.pointer_mut("/service/0").and_then(Value::as_object_mut);
        if let Some(service) = service {
            service.insert("code".to_owned(), json!(code));
            service.insert("name".to_owned(), json!(name));
        }
    } else if !code.is_empty() && code != module.code {
        return Err(Error::invalid("code", "is the module’s own"));
    }
    let code = if module.template { code } else { module.code.to_owned() };
    db.read(|db| {
        if let Standing::Taken(service) | Standing::Installed(service) | Standing::Older(service) =
            module.standing(db)?
        {
            let text =
                format!("There is a service with the code {code} already: {}.", service.name);
            return Err(Error::refused(text));
        }
        let missing = missing(db, module)?;
        if !missing.is_empty() {
            let text =
                format!("{} needs {}. Install that first.", module.name()?, missing.join(" and "));
            return Err(Error::refused(text));
        }
        Ok(())
    })?;
    let author = Author { rules: true, ..*author };
    let how = How { dry_run, prune: false, taken: !module.template };
    let outcome = documents::bring(db, &author, &[document], &how, |tx| {
        let id = catalogue::service_of(tx, &code)?.id;
        let pinned = if module.template { 0 } else { module.version };
        if !module.template {
            store::pin(tx, id, module.code, module.version)?;
        }
        let detail = json!({ "module": module.code, "version": pinned });
        audit::record(tx, "module.installed", ("service", id.0), PROVIDER, &detail)
    })?;
    Ok((code, outcome))
}

/// Takes the version that the program brings, or says what that would change. What the provider
/// called things, its plans and values, and its rules Before and After stay.
pub fn upgrade(db: &Db, author: &Author, module: &Module, dry_run: bool) -> Result<Outcome> {
    let document = db.read(|db| match module.standing(db)? {
        Standing::Older(service) => newer(db, module, &service),
        Standing::Installed(_) => {
            Err(Error::refused(format!("{} is the newest version already.", module.name()?)))
        }
        _ => Err(Error::NotFound),
    })?;
    let author = Author { rules: true, ..*author };
    let how = How { dry_run, prune: false, taken: true };
    documents::bring(db, &author, &[document], &how, |tx| {
        let service = catalogue::service_of(tx, module.code)?;
        store::pin(tx, service.id, module.code, module.version)?;
        let detail = json!({ "old": service.module_version, "new": module.version });
        audit::record(tx, "module.upgraded", ("service", service.id.0), PROVIDER, &detail)
    })
}

/// The newer document with what is the provider's own put over it.
fn newer(db: &Read, module: &Module, service: &Service) -> Result<Document> {
    let now = documents::tree(db, service)?;
    let brought = module.service()?;
    let mut own: Map<String, Value> = now.as_object().cloned().unwrap_or_default();
    let list = |tree: &Value, name: &str| {
        tree.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let like = |all: &[Value], key: &str, one: &Value| {
        let found = |other: &&Value| {
            other[key].as_str().map(str::to_lowercase) == one[key].as_str().map(str::to_lowercase)
        };
        all.iter().find(found).cloned()
    };
    let mut properties = list(&brought, "property");
    for property in &mut properties {
        let Some(kept) = like(&list(&now, "property"), "name", property) else { continue };
        let Some(property) = property.as_object_mut() else { continue };
        for key in ["default", "default_locked"] {
            match kept.get(key) {
                Some(value) => property.insert(key.to_owned(), value.clone()),
                None => property.remove(key),
            };
        }
    }
    let held = list(&now, "plan");
    let plans =
        list(&brought, "plan").into_iter().filter(|plan| like(&held, "code", plan).is_none());
    own.insert("property".to_owned(), properties.into());
    own.insert("plan".to_owned(), plans.collect());
    own.insert("rule".to_owned(), list(&brought, "rule").into());
    own.insert("needs".to_owned(), list(&brought, "needs").into());
    own.remove("state");
    let tree = json!({ "format": documents::FORMAT, "service": [own] });
    Ok(Document::of_tree(&format!("{}.toml", module.code), tree))
}
