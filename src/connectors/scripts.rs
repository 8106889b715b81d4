//! The scripts of this machine: what lies in their folder, and which of it was read and enabled.

use super::store;
use crate::audit;
use crate::auth::permissions::RulesWrite;
use crate::auth::{PROVIDER, Scope};
use crate::db::Db;
use crate::drivers::script::{self, Text};
use crate::error::{Error, Result};
use crate::time::Instant;
use serde_json::json;
use std::path::Path;

words! {
    Standing {
        Enabled = "enabled", Changed = "changed", New = "new", Broken = "broken", Missing = "missing",
    }
}

pub struct Program {
    pub name: String,
    pub standing: Standing,
    /// The files as they are now.
    pub text: Option<Text>,
    /// What is wrong with them.
    pub wrong: String,
    pub enabled_at: Option<Instant>,
    pub enabled_by: Option<String>,
}

/// What was enabled, by whom.
pub struct Enabled {
    pub name: String,
    pub digest: String,
    pub at: Instant,
    pub by: Option<String>,
}

/// All scripts by name, those that were enabled and are no longer there included.
pub fn list(db: &Db, folder: &Path) -> Result<Vec<Program>> {
    let mut enabled = db.read(store::enabled)?;
    let mut all = Vec::new();
    for listed in script::list(folder)? {
        let place = enabled.iter().position(|each| each.name == listed.name);
        let known = place.map(|place| enabled.swap_remove(place));
        all.push(one_of(listed.name, listed.found, known));
    }
    let missing = || Error::refused("Its files are no longer there.");
    all.extend(enabled.into_iter().map(|known| {
        let mut gone = one_of(known.name.clone(), Err(missing()), Some(known));
        gone.standing = Standing::Missing;
        gone
    }));
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

fn one_of(name: String, found: Result<Text>, known: Option<Enabled>) -> Program {
    let standing = match (&found, &known) {
        (Err(_), _) => Standing::Broken,
        (Ok(_), None) => Standing::New,
        (Ok(text), Some(known)) if text.digest == known.digest => Standing::Enabled,
        (Ok(_), Some(_)) => Standing::Changed,
    };
    let wrong = found.as_ref().err().map(ToString::to_string).unwrap_or_default();
    let (enabled_at, enabled_by) = known.map(|known| (known.at, known.by)).unzip();
    Program {
        name,
        standing,
        text: found.ok(),
        wrong,
        enabled_at,
        enabled_by: enabled_by.flatten(),
    }
}

/// Enables a script as it was read: `digest` is that of the text which was shown.
pub fn enable(
    db: &Db,
    scope: &Scope<RulesWrite>,
    folder: &Path,
    name: &str,
    digest: &str,
) -> Result<()> {
    let known = script::list(folder)?.into_iter().any(|listed| listed.name == name);
    if !known {
        return Err(Error::NotFound);
    }
    let now = script::digest(folder, name)?;
    if now != digest {
        return Err(Error::Stale(format!(
            "The script {name} changed while you read it. Read it again."
        )));
    }
    db.write(scope.by, |tx| {
        scope.reaches(tx, PROVIDER)?;
        store::enable(tx, name, &now)?;
        let detail = json!({ "script": name, "sha256": now });
        audit::record(tx, "script.enabled", ("script", 0), PROVIDER, &detail)
    })
}
