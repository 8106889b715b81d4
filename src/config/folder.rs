//! The data directory: ours alone, because whoever writes there owns every customer.

use crate::error::{Error, Result};
use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Makes the data directory, mode 0700, and an empty store, mode 0600, where there is none yet.
/// Refuses a directory that others can write.
pub fn prepare(data: &Path) -> Result<()> {
    if !data.exists() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data)
            .map_err(|err| Error::refused(format!("{} cannot be made: {err}.", data.display())))?;
    }
    let about = std::fs::metadata(data)?;
    if !about.is_dir() {
        return Err(Error::refused(format!("{} is not a directory.", data.display())));
    }
    if about.permissions().mode() & 0o022 != 0 {
        return Err(Error::refused(format!(
            "Others can write to {}. Take that away first: chmod go-w {}",
            data.display(),
            data.display()
        )));
    }
    // SQLite would make it readable for everybody; its other files take over the mode of this one.
    let store =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(data.join("portico.db"));
    match store {
        Ok(_) => Ok(()),
        Err(err) if err.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(err) => Err(Error::refused(format!("{} cannot be written: {err}.", data.display()))),
    }
}

/// The process that serves this directory, if one does.
pub fn holder(data: &Path) -> Option<String> {
    let lock = std::fs::File::open(data.join("lock")).ok()?;
    let shared = rustix::fs::FlockOperation::NonBlockingLockShared;
    match rustix::fs::flock(&lock, shared) {
        Ok(()) => None,
        Err(_) => std::io::read_to_string(&lock).ok().map(|text| text.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_is_ours_alone() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("a").join("data");
        prepare(&data).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&data), mode(&data.join("portico.db"))), (0o700, 0o600));
        prepare(&data).unwrap();
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o770)).unwrap();
        let refusal = prepare(&data).unwrap_err().to_string();
        assert!(refusal.starts_with("Others can write to "), "{refusal}");
    }
}
