//! Exit kits: everything there is of a customer, in one file, kept for 90 days behind the sign-in.
//!
//! Invariant: nothing in it is a secret, and no customer is erased before there is one.

pub mod api;
pub mod pages;
mod content;
mod store;

use crate::audit;
use crate::auth::permissions::{CustomersDeprovision, CustomersExport};
use crate::auth::{Permission, Scope};
use crate::customers::life::{self, BIN, KIT, notice};
use crate::db::{By, Db, Read, Via};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, KitId, RunId};
use crate::jobs::{self, Level, RunCx};
use crate::mail::{self, Class, NewMessage};
use crate::secret;
use crate::time::Instant;
use serde_json::json;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Days that a kit is kept.
const KEPT: i64 = 90;

/// A kit that was made.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Kit {
    pub id: KitId,
    pub customer_id: CustomerId,
    pub name: String,
    pub code: String,
    pub bytes: i64,
    pub made_at: Instant,
    pub until: Instant,
    #[serde(skip)]
    file: String,
}

/// Orders one; a run makes it.
pub fn order(db: &Db, scope: &Scope<CustomersExport>, id: CustomerId) -> Result<RunId> {
    db.write(scope.by, |tx| {
        scope.reaches(tx, id)?;
        let run = jobs::queue_run(tx, KIT, id, &json!({}), None)?;
        let detail = json!({ "run_id": run });
        audit::record(tx, "customer.export_ordered", ("customer", id.0), id, &detail)?;
        Ok(run)
    })
}

/// Those of a customer that are kept, the newest first.
pub fn of<P: Permission>(db: &Read, scope: &Scope<P>, id: CustomerId) -> Result<Vec<Kit>> {
    store::of(db, scope, id)
}

/// One of them, if the scope reaches its customer, and where it lies.
pub fn one(
    db: &Read,
    scope: &Scope<CustomersExport>,
    data: &Path,
    id: KitId,
) -> Result<(Kit, PathBuf)> {
    let kit = store::one(db, scope, id)?;
    let path = folder(data).join(&kit.file);
    Ok((kit, path))
}

fn folder(data: &Path) -> PathBuf {
    data.join("kits")
}

/// Makes one. Whoever ordered it must still be allowed to; for a deleted customer nobody is asked.
pub fn run(cx: &RunCx) -> Result<()> {
    let id = cx.run.customer;
    let deleted = cx.run.input.get("deleted").is_some();
    if !deleted {
        let scope = cx.actor()?.scope::<CustomersExport>()?;
        cx.db.read(|db| scope.reaches(db, id))?;
    }
    match make(cx, id) {
        Err(why) if deleted => {
            alarm(cx, id, &why)?;
            Err(why)
        }
        done => done,
    }
}

fn make(cx: &RunCx, id: CustomerId) -> Result<()> {
    let folder = folder(&cx.app.config.data);
    let unwritable =
        |err: std::io::Error| Error::refused(format!("The file could not be written: {err}."));
    fs::create_dir_all(&folder).map_err(unwritable)?;
    let file = tempfile::NamedTempFile::new_in(&folder).map_err(unwritable)?;
    content::write(cx.db, id, file.as_file()).map_err(|err| match err {
        Error::Internal(cause) => {
            Error::refused(format!("The file could not be written: {cause}."))
        }
        other => other,
    })?;
    file.as_file().sync_all().map_err(unwritable)?;
    let digest = digest(file.path()).map_err(unwritable)?;
    let bytes = i64::try_from(file.as_file().metadata()?.len()).unwrap_or(i64::MAX);
    let name = format!("kit-{}-{}.zip", id, cx.run.id);
    file.persist(folder.join(&name)).map_err(|err| unwritable(err.error))?;
    let base = cx.app.settings()?.base_url.clone();
    cx.db.write(By::portico(Via::Job), |tx| {
        let until = tx.now.plus_days(KEPT);
        let new = store::New { customer: id, run: cx.run.id, file: &name, bytes, digest, until };
        let kit = store::insert(tx, &new, cx.run.user)?;
        let detail = json!({ "kit_id": kit, "bytes": bytes, "sha256": secret::hex(&digest) });
        audit::record(tx, "customer.exported", ("customer", id.0), id, &detail)?;
        if let Some(person) = store::requester(tx, cx.run.user)? {
            let customer = store::name(tx, id)?;
            let text = format!(
                "Hello {},\n\nthe file with all data of {customer} is ready, and kept for {KEPT} days. \
                 Sign in and open it here: {base}/exit-kits/{kit}",
                person.name
            );
            mail::queue(
                tx,
                &NewMessage {
                    customer: person.home,
                    user: cx.run.user,
                    event: "customer.exported",
                    class: Class::Owed,
                    to: &person.mail,
                    name: &person.name,
                    subject: &format!("The data of {customer} is ready"),
                    text: &text,
                    link: None,
                    expires: None,
                },
            )?;
        }
        cx.unit(tx, 1, Level::Info, "made", "The file is ready", Some(("customer", id.0)))
    })
}

fn digest(path: &Path) -> std::io::Result<[u8; 32]> {
    use sha2::{Digest, Sha256};
    let (mut file, mut hash) = (fs::File::open(path)?, Sha256::new());
    let mut part = [0; 65_536];
    loop {
        let n = file.read(&mut part)?;
        let Some(read) = part.get(..n).filter(|read| !read.is_empty()) else {
            return Ok(hash.finalize().into());
        };
        hash.update(read);
    }
}

/// A deleted customer is not erased without a kit: somebody has to look.
fn alarm(cx: &RunCx, id: CustomerId, why: &Error) -> Result<()> {
    cx.db.write(By::portico(Via::Job), |tx| {
        let name = store::name(tx, id)?;
        let subject = format!("There is no exit kit of {name}");
        let text = format!(
            "{name} was deleted, and the file with its data could not be made: {why} \
             It stays in the bin until there is one."
        );
        notice::above(tx, id, "customer.export_failed", &subject, &text)
    })
}

/// Erases what lay in the bin for 30 days and has its kit, makes kits that are missing, and drops
/// files whose time is over.
pub fn empty_bin(cx: &RunCx) -> Result<()> {
    let scope: Scope<CustomersDeprovision> = Scope::of_system(Via::Job);
    for (seq, id) in (1..).zip(cx.db.read(|db| store::due(db, db.now.plus_days(-BIN)))?) {
        let purged = cx.db.write(By::portico(Via::Job), |tx| {
            let customer = life::mortal(tx, &scope, id)?;
            life::purge_in(tx, &customer)?;
            let text = format!("{} was erased", customer.details.name);
            cx.unit(tx, seq, Level::Info, "erased", &text, Some(("customer", id.0)))
        });
        let Err(Error::Invalid(why)) = purged else {
            purged?;
            continue;
        };
        let why: Vec<&str> = why.iter().map(|each| each.message.as_str()).collect();
        cx.db.write(By::portico(Via::Job), |tx| {
            jobs::queue_run(tx, KIT, id, &json!({ "deleted": true }), None)?;
            let name = store::name(tx, id)?;
            notice::above(
                tx,
                id,
                "customer.export_failed",
                &format!("{name} cannot be erased yet"),
                &format!("{} It stays in the bin, and the file is tried again.", why.join(" ")),
            )?;
            cx.unit(tx, seq, Level::Error, "refused", &why.join(" "), Some(("customer", id.0)))
        })?;
    }
    let folder = folder(&cx.app.config.data);
    for (kit, file) in cx.db.read(store::over)? {
        match fs::remove_file(folder.join(&file)) {
            Err(err) if err.kind() != std::io::ErrorKind::NotFound => return Err(err.into()),
            _ => cx.db.write(By::portico(Via::Job), |tx| store::drop(tx, kit))?,
        }
    }
    Ok(())
}
