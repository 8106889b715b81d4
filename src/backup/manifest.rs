//! What a backup says of itself.

use crate::db::{SCHEMA_VERSION, backup as copy};
use crate::error::{Error, Result};
use crate::secret::{Key, hex};
use crate::time::Instant;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// The layout of the archive that this program writes and reads.
const FORMAT: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// The version of the program that wrote it.
    pub program: String,
    pub schema: i64,
    pub at: Instant,
    /// The provider's name.
    pub installation: String,
    /// The fingerprint of the key that sealed the secrets in it.
    pub key: String,
    /// Bytes of the store, and their SHA-256.
    pub bytes: u64,
    pub sha256: String,
    /// Rows of each table.
    pub rows: BTreeMap<String, i64>,
}

impl Manifest {
    /// Of the copy at `path`, which is changed no more.
    pub fn of(path: &Path, key: &Key, now: Instant) -> Result<Manifest> {
        let rows = copy::rows(path)?;
        let (installation, schema) = (copy::organisation(path)?, copy::version(path)?);
        Ok(Manifest {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            schema,
            at: now,
            installation,
            key: key.fingerprint(),
            bytes: std::fs::metadata(path)?.len(),
            sha256: digest(path)?,
            rows,
        })
    }

    /// Reads one, and refuses those that this program cannot restore.
    pub fn parse(text: &[u8]) -> Result<Manifest> {
        let format = serde_json::from_slice::<serde_json::Value>(text)
            .ok()
            .and_then(|value| value.get("format")?.as_u64());
        match format {
            None => return Err(Error::refused("This is not a backup of Portico.")),
            Some(format) if format > u64::from(FORMAT) => {
                return Err(Error::refused(format!(
                    "The backup is of format {format}; this program reads up to {FORMAT}. Use the newer program."
                )));
            }
            Some(_) => {}
        }
        let manifest: Manifest = serde_json::from_slice(text).map_err(|err| {
            Error::refused(format!("The backup's manifest cannot be read: {err}."))
        })?;
        let known = i64::try_from(SCHEMA_VERSION).unwrap_or(i64::MAX);
        if manifest.schema > known {
            return Err(Error::refused(format!(
                "The backup is of schema {}; this program knows {known}. Use the newer program.",
                manifest.schema
            )));
        }
        Ok(manifest)
    }
}

pub fn digest(path: &Path) -> Result<String> {
    let mut file = std::fs::File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(buffer.get(..read).unwrap_or_default());
    }
}
