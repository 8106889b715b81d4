//! Secrets: random ones made, others sealed at rest with the installation's key. A sealed value says
//! what it belongs to, so that it cannot be moved to another row.

use crate::error::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use std::path::Path;

/// A value that is never printed: neither `Debug` nor `Display` nor `Serialize` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The value itself; only for handing it to whoever needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("•••")
    }
}

/// The installation's key, 32 bytes.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// Reads the key kept as hexadecimal text.
    pub fn parse(text: &str) -> Result<Key> {
        let bytes = from_hex(text.trim()).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Key).ok_or_else(|| Error::refused("The key must be 64 hexadecimal digits."))
    }

    /// Reads the key beside the store, or makes one that only its owner can read.
    pub fn beside(folder: &Path) -> Result<Key> {
        let path = folder.join("key");
        if path.exists() {
            return Key::parse(&std::fs::read_to_string(path)?);
        }
        let key = Key(random()?);
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(hex(&key.0).as_bytes())?;
        file.sync_all()?;
        Ok(key)
    }

    /// A few digits that tell keys apart and give nothing away.
    pub fn fingerprint(&self) -> String {
        hex(&sha256(&self.0)).chars().take(12).collect()
    }

    /// What is kept of a short secret: worth nothing without this key, so that it cannot be guessed
    /// from a stolen store.
    pub fn digest(&self, what: &str, secret: &Secret) -> [u8; 32] {
        let place = sha256(what.as_bytes());
        let inner = sha256(&[&self.0[..], &place, secret.0.as_bytes()].concat());
        sha256(&[&self.0[..], &inner].concat())
    }

    /// Seals `secret` for the place named by `what` ("credential 7").
    pub fn seal(&self, what: &str, secret: &Secret) -> Result<String> {
        let nonce: [u8; 24] = random()?;
        let payload = Payload { msg: secret.0.as_bytes(), aad: what.as_bytes() };
        let cipher = XChaCha20Poly1305::new(&self.0.into());
        let sealed = cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::internal("cannot seal"))?;
        Ok(STANDARD_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    pub fn open(&self, what: &str, sealed: &str) -> Result<Secret> {
        let unreadable = || Error::internal(format!("{what} was sealed with another key"));
        let bytes = STANDARD_NO_PAD.decode(sealed).map_err(|_| unreadable())?;
        let (nonce, text) = bytes.split_first_chunk::<24>().ok_or_else(unreadable)?;
        let cipher = XChaCha20Poly1305::new(&self.0.into());
        let payload = Payload { msg: text, aad: what.as_bytes() };
        let open = cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| unreadable())?;
        String::from_utf8(open).map(Secret).map_err(|_| unreadable())
    }
}

pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|err| Error::internal(err.to_string()))?;
    Ok(bytes)
}

/// 32 random bytes as 43 characters that fit into links and headers.
pub fn token() -> Result<Secret> {
    Ok(Secret(URL_SAFE_NO_PAD.encode(random::<32>()?)))
}

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|p| p.len() == 2)?, 16).ok()
        })
        .collect()
}

/// Whether two secrets are equal, in a time that does not tell where they differ.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |all, (x, y)| all | (x ^ y)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_where_it_belongs() {
        let key = Key([7; 32]);
        let sealed = key.seal("credential 7", &Secret::new("hunter2")).unwrap();
        assert!(!sealed.contains("hunter2"));
        assert_eq!(key.open("credential 7", &sealed).unwrap().reveal(), "hunter2");
        assert!(key.open("credential 8", &sealed).is_err());
        assert!(Key([8; 32]).open("credential 7", &sealed).is_err());
        assert!(key.open("credential 7", "AAAA").is_err());
    }

    #[test]
    fn a_key_is_made_once_and_only_for_its_owner() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let first = Key::beside(folder.path()).unwrap();
        assert_eq!(first.0, Key::beside(folder.path()).unwrap().0);
        let mode = std::fs::metadata(folder.path().join("key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "•••");
        assert!(Key::parse("xyz").is_err());
    }
}
