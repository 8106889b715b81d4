//! Passwords: argon2id in a fixed number of reusable arenas, with a line of bounded length before
//! them, so that a storm of sign-ins costs bounded memory. Never called inside a transaction.

use crate::error::{Error, Result};
use crate::secret::{self, Secret};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as B64;
use parking_lot::{Condvar, Mutex};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use unicode_normalization::UnicodeNormalization;

/// OWASP's parameters: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// Longer ones cost nothing: they are refused before hashing.
pub const LONGEST: usize = 1024;
pub const SHORTEST: usize = 12;
const MAY_WAIT: usize = 20;
/// Threads that hashing may hold at once: those in the line, and those at work on two cores.
pub const LINE: usize = MAY_WAIT + 2;
const PATIENCE: Duration = Duration::from_secs(5);

pub struct Hasher {
    room: Mutex<Room>,
    free: Condvar,
    made: AtomicU64,
}

struct Room {
    arenas: Vec<Vec<Block>>,
    waiting: usize,
}

impl Hasher {
    /// As many hashes at once as there are arenas, each of 19 MiB.
    pub fn new(arenas: usize) -> Hasher {
        let blocks = usize::try_from(MEMORY_KIB).unwrap_or(0);
        let arenas = (0..arenas.max(1)).map(|_| vec![Block::default(); blocks]).collect();
        Hasher {
            room: Mutex::new(Room { arenas, waiting: 0 }),
            free: Condvar::new(),
            made: AtomicU64::new(0),
        }
    }

    /// The text to keep for `password`: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
    pub fn hash(&self, password: &Secret) -> Result<String> {
        let salt: [u8; 16] = secret::random()?;
        let hash = self.compute(password, &salt)?;
        Ok(format!(
            "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${}${}",
            B64.encode(salt),
            B64.encode(hash)
        ))
    }

    /// Whether `password` is the one kept as `kept`. Without one it takes as long and is not.
    pub fn matches(&self, password: &Secret, kept: Option<&str>) -> Result<bool> {
        let parts = kept.and_then(parse);
        let (salt, expected) = parts.unwrap_or(([0; 16], [0; 32]));
        let hash = self.compute(password, &salt)?;
        Ok(secret::same(&hash, &expected) && kept.is_some())
    }

    /// How many hashes were computed since the start.
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    fn compute(&self, password: &Secret, salt: &[u8]) -> Result<[u8; 32]> {
        let text: String = password.reveal().nfkc().collect();
        if text.len() > LONGEST {
            return Ok([0xff; 32]);
        }
        let mut arena = self.take()?;
        self.made.fetch_add(1, Ordering::Relaxed);
        let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32));
        let mut out = [0; 32];
        let done = params.and_then(|params| {
            let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            argon.hash_password_into_with_memory(text.as_bytes(), salt, &mut out, &mut arena)
        });
        self.room.lock().arenas.push(arena);
        self.free.notify_one();
        done.map_err(|err| Error::internal(err.to_string()))?;
        Ok(out)
    }

    fn take(&self) -> Result<Vec<Block>> {
        let busy = || {
            Error::TooMany(
                5,
                "Too many people are signing in right now. Try again in a moment.".into(),
            )
        };
        let mut room = self.room.lock();
        if room.arenas.is_empty() && room.waiting >= MAY_WAIT {
            return Err(busy());
        }
        let until = std::time::Instant::now() + PATIENCE;
        loop {
            if let Some(arena) = room.arenas.pop() {
                return Ok(arena);
            }
            room.waiting += 1;
            let late = self.free.wait_until(&mut room, until).timed_out();
            room.waiting -= 1;
            if late && room.arenas.is_empty() {
                return Err(busy());
            }
        }
    }
}

fn parse(kept: &str) -> Option<([u8; 16], [u8; 32])> {
    let rest = kept.strip_prefix(&format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1$"))?;
    let (salt, hash) = rest.split_once('$')?;
    Some((B64.decode(salt).ok()?.try_into().ok()?, B64.decode(hash).ok()?.try_into().ok()?))
}

/// What is wrong with a new password, as a message that follows its label; `hints` are texts of the
/// person's own (names, addresses) that must not be all there is to it.
pub fn complaint(password: &Secret, hints: &[&str]) -> Option<String> {
    let text: String = password.reveal().nfkc().collect();
    let length = text.chars().count();
    if length < SHORTEST {
        return Some(format!("must have at least {SHORTEST} characters"));
    }
    if text.len() > LONGEST {
        return Some(format!("must have at most {LONGEST} bytes"));
    }
    let strength = zxcvbn::zxcvbn(&text, hints);
    if strength.score() >= zxcvbn::Score::Three {
        return None;
    }
    let why = strength.feedback().and_then(|f| f.warning()).map(|w| w.to_string());
    Some(format!("is too easy to guess: {}", why.as_deref().unwrap_or("add a few unusual words")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_recognised_and_others_are_not() {
        let hasher = Hasher::new(2);
        let kept = hasher.hash(&Secret::new("quiet harbour lantern 7")).unwrap();
        assert!(hasher.matches(&Secret::new("quiet harbour lantern 7"), Some(&kept)).unwrap());
        assert!(!hasher.matches(&Secret::new("quiet harbour lantern 8"), Some(&kept)).unwrap());
        assert!(!hasher.matches(&Secret::new("x"), None).unwrap());
        assert!(!hasher.matches(&Secret::new("x".repeat(1_000_000)), Some(&kept)).unwrap());
        assert_ne!(kept, hasher.hash(&Secret::new("quiet harbour lantern 7")).unwrap());
    }

    #[test]
    fn easy_ones_are_refused_with_a_reason() {
        assert!(complaint(&Secret::new("short"), &[]).unwrap().contains("12 characters"));
        assert!(complaint(&Secret::new("Password1234!"), &[]).unwrap().contains("too easy"));
        assert!(complaint(&Secret::new("aldermoordental"), &["Aldermoor", "Dental"]).is_some());
        assert_eq!(complaint(&Secret::new("correct horse battery lantern"), &[]), None);
    }

    #[test]
    fn a_storm_waits_in_a_bounded_line() {
        let hasher = Hasher::new(1);
        let refused = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..60 {
                scope.spawn(|| {
                    if hasher.matches(&Secret::new("x"), None).is_err() {
                        refused.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                });
            }
        });
        assert!(refused.into_inner() > 0);
        assert!(hasher.matches(&Secret::new("x"), None).is_ok());
    }
}
