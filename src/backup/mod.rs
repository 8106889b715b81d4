//! One file that holds the whole store, and the way back. The file is a tar archive through zstd:
//! `manifest.json`, then `portico.db`. The key that opens the secrets in it is never inside.

mod archive;
mod manifest;
mod replace;

pub use manifest::Manifest;
pub use replace::{Asked, Outcome, check, restore};

use crate::db::backup as copy;
use crate::error::{Error, Result};
use crate::secret::Key;
use crate::time::Instant;
use std::fs::File;
use std::path::Path;
use tempfile::Builder;

/// Writes a backup of the store at `store` to `to`, which must not exist, while the server goes on.
/// The file appears under its name only when it has been read back and found whole.
pub fn create(store: &Path, key: &Key, to: &Path, now: Instant) -> Result<Manifest> {
    if to.symlink_metadata().is_ok() {
        return Err(Error::refused(format!(
            "{} exists already. Choose another name.",
            to.display()
        )));
    }
    let folder = match to.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let cannot = |err: std::io::Error| {
        Error::refused(format!("{} cannot be written: {err}.", folder.display()))
    };
    let workplace = Builder::new().prefix(".portico-backup-").tempdir_in(folder).map_err(cannot)?;
    let snapshot = workplace.path().join("portico.db");
    copy::snapshot(store, &snapshot)?;
    let complaints = copy::complaints(&snapshot, false)?;
    if !complaints.is_empty() {
        return Err(Error::refused(format!(
            "The store is damaged, so no backup was made: {}. Run portico doctor.",
            complaints.join("; ")
        )));
    }
    let manifest = Manifest::of(&snapshot, key, now)?;
    let file = Builder::new().prefix("archive").tempfile_in(workplace.path()).map_err(cannot)?;
    archive::write(file.as_file(), &manifest, &snapshot)?;
    file.as_file().sync_all()?;
    let read_back = workplace.path().join("read-back.db");
    let found = archive::unpack(file.path(), &read_back)?;
    if found != manifest {
        return Err(Error::internal("the backup does not read back as it was written"));
    }
    file.persist_noclobber(to).map_err(|err| {
        Error::refused(format!("{} cannot be written: {}.", to.display(), err.error))
    })?;
    File::open(folder)?.sync_all()?;
    Ok(manifest)
}
