//! A directory that is given up: what its customers have there by services is forgotten, a customer
//! after the other, and they live nowhere. Nothing outside is touched.

pub mod api;
pub mod pages;
pub mod run;
mod store;

use crate::audit;
use crate::auth::Scope;
use crate::auth::permissions::ConnectorsWrite;
use crate::db::{Db, Read};
use crate::directory::{Environment, environments};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, EnvironmentId, RunId};
use crate::input::{Field, Fields, Input};
use crate::jobs;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The kind of run in `schedule.rs`.
pub const KIND: &str = "directories.detach";

pub const DETACH: &[Field] = &[Field::text("confirm", "the directory’s name, typed").required()];

/// What the run is to do.
#[derive(Serialize, Deserialize)]
struct Work {
    directory: EnvironmentId,
    name: String,
    customers: Vec<CustomerId>,
}

/// What it would come to.
pub struct Outlook {
    pub directory: Environment,
    /// Services of customers and of users.
    pub services: i64,
    pub objects: i64,
}

pub fn outlook(db: &Db, scope: &Scope<ConnectorsWrite>, id: EnvironmentId) -> Result<Outlook> {
    db.read(|db| looked_at(db, scope, id))
}

fn looked_at(db: &Read, scope: &Scope<ConnectorsWrite>, id: EnvironmentId) -> Result<Outlook> {
    let directory = environments::found(db, scope, id)?;
    let services = store::services(db, id)?;
    let objects = store::objects(db, id)?;
    Ok(Outlook { directory, services, objects })
}

/// Begins it, once its name was typed.
pub fn order(
    db: &Db,
    scope: &Scope<ConnectorsWrite>,
    id: EnvironmentId,
    input: &Input,
) -> Result<RunId> {
    db.write(scope.by, |tx| {
        let found = looked_at(tx, scope, id)?;
        let mut fields = Fields::of(input, DETACH);
        let typed = fields.typed(&found.directory.name);
        fields.finish(|| typed)?;
        let customers = store::inhabitants(tx, id)?;
        if customers.is_empty() {
            return Err(Error::refused("No customer lives here, so there is nothing to detach."));
        }
        let (owner, name) = (found.directory.customer, found.directory.name);
        let total = i64::try_from(customers.len()).ok();
        let work = Work { directory: id, name: name.clone(), customers };
        let run = jobs::queue_run(tx, KIND, owner, &serde_json::to_value(&work)?, total)?;
        let detail = json!({
            "name": name, "customers": total, "services": found.services,
            "stays_outside": found.objects, "run_id": run,
        });
        audit::record(tx, "directory.detached", ("directory", id.0), owner, &detail)?;
        Ok(run)
    })
}
