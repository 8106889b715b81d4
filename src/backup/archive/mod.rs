//! The archive itself. Reading trusts nothing: two entries by name and in order, of the sizes that
//! the manifest says, and never a path of the archive's own.

use super::manifest::Manifest;
use crate::error::{Error, Result};
use crate::secret::hex;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const MANIFEST: &[u8] = b"manifest.json";
const STORE: &[u8] = b"portico.db";
/// A manifest has a line a table.
const MANIFEST_BYTES: u64 = 1 << 20;
/// What may follow the entries: the archive's end is padded with zeros.
const TAIL_BYTES: u64 = 1 << 20;
/// Room to leave on the disk.
const ROOM: u64 = 64 << 20;
/// A window of 128 MiB is the most that zstd's own tool writes unasked.
const WINDOW: u32 = 27;

pub fn write(to: &File, manifest: &Manifest, store: &Path) -> Result<()> {
    let mut packer = zstd::Encoder::new(BufWriter::new(to), 3)?;
    packer.include_checksum(true)?;
    let mut tar = tar::Builder::new(packer);
    let text = serde_json::to_vec_pretty(manifest)?;
    let at = u64::try_from(manifest.at.unix()).unwrap_or(0);
    let header = |bytes: u64| {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes);
        header.set_mode(0o600);
        header.set_mtime(at);
        header
    };
    let length = u64::try_from(text.len()).map_err(Error::internal)?;
    tar.append_data(&mut header(length), "manifest.json", text.as_slice())?;
    tar.append_data(&mut header(manifest.bytes), "portico.db", File::open(store)?)?;
    tar.into_inner()?.finish()?.flush()?;
    Ok(())
}

/// Reads the archive at `path`, writes its store to `to`, which must not exist, and hands over the
/// manifest once the bytes are what it says.
pub fn unpack(path: &Path, to: &Path) -> Result<Manifest> {
    let file = File::open(path)
        .map_err(|err| Error::refused(format!("{} cannot be read: {err}.", path.display())))?;
    let mut unpacker = zstd::Decoder::new(BufReader::new(file)).map_err(damaged)?;
    unpacker.window_log_max(WINDOW)?;
    let mut tar = tar::Archive::new(unpacker);
    let manifest = entries(&mut tar, to)?;
    // Reading to the end makes zstd compare its checksum, and finds what somebody appended.
    let mut tail = Vec::new();
    tar.into_inner().take(TAIL_BYTES).read_to_end(&mut tail).map_err(damaged)?;
    if tail.iter().any(|byte| *byte != 0) || tail.len() >= usize::try_from(TAIL_BYTES).unwrap_or(0)
    {
        return Err(Error::refused("The backup holds more than it should."));
    }
    Ok(manifest)
}

fn entries(tar: &mut tar::Archive<impl Read>, to: &Path) -> Result<Manifest> {
    // Raw: no long names, no sparse files, no links are made sense of.
    let mut entries = tar.entries().map_err(damaged)?.raw(true);
    let mut next = |name: &[u8]| -> Result<_> {
        let entry = entries.next().ok_or_else(|| Error::refused("The backup is not whole."))?;
        let entry = entry.map_err(damaged)?;
        let header = entry.header();
        let ours = header.entry_type() == tar::EntryType::Regular && *header.path_bytes() == *name;
        if ours {
            Ok(entry)
        } else {
            Err(Error::refused("The backup holds something that is not of a backup."))
        }
    };
    let entry = next(MANIFEST)?;
    if entry.size() > MANIFEST_BYTES {
        return Err(Error::refused("The backup's manifest is too large."));
    }
    let mut text = Vec::new();
    entry.take(MANIFEST_BYTES).read_to_end(&mut text).map_err(damaged)?;
    let manifest = Manifest::parse(&text)?;
    let entry = next(STORE)?;
    if entry.size() != manifest.bytes {
        return Err(Error::refused(
            "The backup's store is not of the size that its manifest says.",
        ));
    }
    store(entry, &manifest, to)?;
    match entries.next() {
        None => Ok(manifest),
        Some(_) => Err(Error::refused("The backup holds more than it should.")),
    }
}

/// Writes the store out, after a look at whether it can be one at all.
fn store(mut from: impl Read, manifest: &Manifest, to: &Path) -> Result<()> {
    let mut head = [0; 100];
    from.read_exact(&mut head).map_err(damaged)?;
    if sqlite_bytes(&head) != Some(manifest.bytes) {
        return Err(Error::refused("The backup's store is not a store."));
    }
    let folder = to.parent().unwrap_or(Path::new("."));
    let disk = rustix::fs::statvfs(folder).map_err(std::io::Error::from)?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if manifest.bytes.saturating_add(ROOM) > free {
        return Err(Error::refused(format!(
            "The backup needs {} MB in {}; {} MB are free.",
            manifest.bytes >> 20,
            folder.display(),
            free >> 20
        )));
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let (mut hash, mut from) = (Sha256::new(), head.chain(from));
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = from.read(&mut buffer).map_err(damaged)?;
        if read == 0 {
            break;
        }
        let part = buffer.get(..read).unwrap_or_default();
        hash.update(part);
        file.write_all(part)?;
    }
    file.sync_all()?;
    if hex(&hash.finalize()) != manifest.sha256 {
        return Err(Error::refused(
            "The backup is damaged: its store is not the one that was written.",
        ));
    }
    Ok(())
}

/// The size that a SQLite file says of itself in its first hundred bytes.
fn sqlite_bytes(head: &[u8; 100]) -> Option<u64> {
    head.starts_with(b"SQLite format 3\0").then_some(())?;
    let page = match u16::from_be_bytes(head.get(16..18)?.try_into().ok()?) {
        1 => 65_536,
        bytes => u64::from(bytes),
    };
    let pages = u32::from_be_bytes(head.get(28..32)?.try_into().ok()?);
    Some(page * u64::from(pages))
}

fn damaged(err: std::io::Error) -> Error {
    Error::refused(format!("The backup is damaged or is none: {err}."))
}

#[cfg(test)]
mod tests;
