//! The way back: prove that a backup is whole, make it fit, put it in the place of the store. There
//! is a store at every moment, and what was replaced is kept.

use super::archive;
use super::manifest::Manifest;
use crate::audit;
use crate::auth::PROVIDER;
use crate::config::Config;
use crate::db::{By, Db, Via, backup as copy};
use crate::error::{Error, Result};
use crate::time::Instant;
use serde_json::json;
use std::fs::{self, DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// What SQLite keeps beside the store.
const BESIDE: [&str; 2] = ["portico.db-wal", "portico.db-shm"];

/// What whoever restores decided beforehand.
pub struct Asked {
    /// Clear what was sealed with a key that is not here.
    pub without_secrets: bool,
}

pub struct Outcome {
    pub manifest: Manifest,
    /// Where the store lies that was here before; none if there was none.
    pub replaced: Option<PathBuf>,
}

/// Proves that the backup at `file` is whole, in a folder of its own below `workplace`.
pub fn check(file: &Path, workplace: &Path) -> Result<Manifest> {
    let folder = tempfile::Builder::new().prefix(".portico-check-").tempdir_in(workplace)?;
    unpacked(file, &folder.path().join("portico.db"))
}

/// Unpacks the backup and compares everything that can be compared.
fn unpacked(file: &Path, to: &Path) -> Result<Manifest> {
    let manifest = archive::unpack(file, to)?;
    let schema = copy::version(to)?;
    let mut wrong = copy::complaints(to, true)?;
    if schema != manifest.schema {
        wrong.push(format!("its schema is {schema}, the manifest says {}", manifest.schema));
    }
    if usize::try_from(schema) == Ok(crate::db::SCHEMA_VERSION) {
        wrong.extend(copy::schema_differences(to)?);
    }
    if wrong.is_empty() && copy::rows(to)? != manifest.rows {
        wrong.push("it has not as many rows as the manifest says".to_owned());
    }
    if wrong.is_empty() {
        return Ok(manifest);
    }
    Err(Error::refused(format!("The backup is damaged: {}.", wrong.join("; "))))
}

/// Puts the backup at `file` in the place of the store. The caller holds the data directory, and
/// `agreed` is asked once all is proven. Whatever fails, the present store stays or comes back.
pub fn restore(
    config: &Config,
    file: &Path,
    asked: &Asked,
    now: Instant,
    agreed: impl FnOnce(&Manifest) -> Result<()>,
) -> Result<Outcome> {
    let folder = tempfile::Builder::new().prefix(".portico-restore-").tempdir_in(&config.data)?;
    let fresh = folder.path().join("portico.db");
    let manifest = unpacked(file, &fresh)?;
    let here = config.key.fingerprint();
    if manifest.key != here && !asked.without_secrets {
        return Err(Error::refused(format!(
            "The secrets in the backup are sealed with key {}; here is {here}. Give that key with PORTICO_KEY_FILE, or use --without-secrets.",
            manifest.key
        )));
    }
    agreed(&manifest)?;
    copy::make_fit(&fresh, manifest.key != here)?;
    // Opening brings an older one up to date.
    let db = Db::open(&fresh)?;
    if !manifest.installation.is_empty() {
        db.write(By::portico(Via::Shell), |tx| {
            let detail = json!({ "backup_of": manifest.at, "secrets": manifest.key == here });
            audit::record(tx, "system.restored", ("customer", PROVIDER.0), PROVIDER, &detail)
        })?;
    }
    drop(db);
    copy::settle(&fresh)?;
    if fresh.with_file_name("portico.db-wal").exists() {
        return Err(Error::internal("the copy still has a log of its own"));
    }
    File::open(&fresh)?.sync_all()?;
    let replaced = put_in_place(&config.data, &fresh, now)?;
    Ok(Outcome { manifest, replaced })
}

/// Renames `fresh` over the store of `data`, after a second name keeps what was there.
fn put_in_place(data: &Path, fresh: &Path, now: Instant) -> Result<Option<PathBuf>> {
    let store = data.join("portico.db");
    let empty = fs::metadata(&store).is_ok_and(|about| about.len() == 0);
    if empty || !store.exists() {
        fs::rename(fresh, &store)?;
        File::open(data)?.sync_all()?;
        return Ok(None);
    }
    // A log left beside would be played into the new store. If the old one is too damaged to take
    // it in, the log goes along with it.
    let _ = copy::settle(&store);
    let keep = kept_folder(data, now)?;
    let undo = |err: std::io::Error| {
        for name in BESIDE {
            let _ = fs::rename(keep.join(name), data.join(name));
        }
        let _ = fs::remove_file(keep.join("portico.db"));
        let _ = fs::remove_dir(&keep);
        Error::refused(format!("The store could not be replaced, and is as it was: {err}."))
    };
    let moved = || -> std::io::Result<()> {
        for name in BESIDE {
            match fs::rename(data.join(name), keep.join(name)) {
                Err(err) if err.kind() != ErrorKind::NotFound => return Err(err),
                _ => {}
            }
        }
        fs::hard_link(&store, keep.join("portico.db"))?;
        File::open(&keep)?.sync_all()?;
        fs::rename(fresh, &store)
    };
    moved().map_err(undo)?;
    File::open(data)?.sync_all()?;
    Ok(Some(keep))
}

/// `replaced/2026-03-10T08-00-00Z`, with a number behind it where that is taken.
fn kept_folder(data: &Path, now: Instant) -> Result<PathBuf> {
    let all = data.join("replaced");
    DirBuilder::new().recursive(true).mode(0o700).create(&all)?;
    let name = now.to_string().replace(':', "-");
    for n in 1..1000 {
        let folder = all.join(if n == 1 { name.clone() } else { format!("{name}-{n}") });
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(err) if err.kind() == ErrorKind::AlreadyExists => {}
            Err(err) => return Err(err.into()),
        }
    }
    Err(Error::refused(format!("{} is full.", all.display())))
}
