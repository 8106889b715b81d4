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
const MAY_WAIT: usize = 20;
/// Threads that hashing may hold at once: those in the line, and those at work on two cores.
pub const LINE: usize = MAY_WAIT + 2;
const PATIENCE: Duration = Duration::from_secs(5);

pub struct Hasher {
    room: Mutex<Room>,
    free: Condvar,
    made: AtomicU64,
    arenas: usize,
}

struct Room {
    arenas: Vec<Vec<Block>>,
    waiting: usize,
}

impl Hasher {
    /// As many hashes at once as there are arenas, each of 19 MiB.
    pub fn new(arenas: usize) -> Hasher {
        let arenas = vec![Vec::new(); arenas.max(1)];
        Hasher {
            arenas: arenas.len(),
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
        let (salt, expected, cost) = parts.unwrap_or(([0; 16], [0; 32], COST));
        let hash = self.compute_at(password, &salt, cost)?;
        Ok(secret::same(&hash, &expected) && kept.is_some())
    }

    /// How many hashes were computed since the start.
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// How many can be computed at once: memory is held for so many and no more.
    pub fn arenas(&self) -> usize {
        self.arenas
    }

    /// Whether `kept` was made with other parameters than those of today.
    pub fn is_outdated(kept: &str) -> bool {
        parse(kept).is_none_or(|(.., cost)| cost != COST)
    }

    fn compute(&self, password: &Secret, salt: &[u8]) -> Result<[u8; 32]> {
        self.compute_at(password, salt, COST)
    }

    fn compute_at(
        &self,
        password: &Secret,
        salt: &[u8],
        (memory, passes): Cost,
    ) -> Result<[u8; 32]> {
        let text: String = password.reveal().nfkc().collect();
        if text.len() > LONGEST {
            return Ok([0xff; 32]);
        }
        let mut arena = self.take()?;
        // Its memory is taken when it is first needed: where few sign in at once, one does.
        let blocks = usize::try_from(MEMORY_KIB).unwrap_or(0);
        if arena.is_empty() {
            arena.resize(blocks, Block::default());
        }
        self.made.fetch_add(1, Ordering::Relaxed);
        let params = Params::new(memory, passes, 1, Some(32));
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

/// Memory in KiB and passes.
type Cost = (u32, u32);
const COST: Cost = (MEMORY_KIB, PASSES);

/// Salt, hash and cost of a kept text; one that would need more memory than there is counts as none.
fn parse(kept: &str) -> Option<([u8; 16], [u8; 32], Cost)> {
    let rest = kept.strip_prefix("$argon2id$v=19$m=")?;
    let (memory, rest) = rest.split_once(",t=")?;
    let (passes, rest) = rest.split_once(",p=1$")?;
    let cost: Cost = (memory.parse().ok()?, passes.parse().ok()?);
    let (salt, hash) = rest.split_once('$')?;
    let bytes = |text| B64.decode(text).ok();
    (cost.0 <= MEMORY_KIB && cost.1 <= 10).then_some((
        bytes(salt)?.try_into().ok()?,
        bytes(hash)?.try_into().ok()?,
        cost,
    ))
}

/// What a customer asks of new passwords.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub length: usize,
    /// Of lower case, upper case, digits and other characters; 0 asks for none.
    pub classes: usize,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules { length: 12, classes: 0 }
    }
}

/// What is wrong with a new password, as a message that follows its label; `hints` are texts of the
/// person's own (names, addresses) that must not be all there is to it.
pub fn complaint(password: &Secret, rules: Rules, hints: &[&str]) -> Option<String> {
    let text: String = password.reveal().nfkc().collect();
    let (length, least) = (text.chars().count(), rules.length);
    if length < least {
        return Some(format!("must have at least {least} characters"));
    }
    if text.len() > LONGEST {
        return Some(format!("must have at most {LONGEST} bytes"));
    }
    if classes(&text) < rules.classes {
        return Some("needs three of: lower case, upper case, digits, other characters".into());
    }
    let strength = zxcvbn::zxcvbn(&text, hints);
    if strength.score() >= zxcvbn::Score::Three {
        return None;
    }
    let why = strength.feedback().and_then(|f| f.warning()).map(|w| w.to_string());
    Some(format!("is too easy to guess: {}", why.as_deref().unwrap_or("add a few unusual words")))
}

fn classes(text: &str) -> usize {
    let other = |c: char| !c.is_lowercase() && !c.is_uppercase() && !c.is_numeric();
    [
        text.contains(char::is_lowercase),
        text.contains(char::is_uppercase),
        text.contains(char::is_numeric),
        text.contains(other),
    ]
    .iter()
    .filter(|has| **has)
    .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { length: 12, classes: 0 };

    #[test]
    fn three_kinds_of_characters_can_be_asked_for() {
        let strict = Rules { length: 8, classes: 3 };
        let say = |text: &str| complaint(&Secret::new(text), strict, &[]);
        assert!(say("quiet harbour lantern").unwrap().starts_with("needs three of: lower case"));
        assert_eq!(say("quiet harbour lantern 7"), None);
        assert_eq!(say("Quiet harbour lantern"), None);
        assert!(say("Qh7lant").unwrap().contains("at least 8 characters"));
    }

    #[test]
    fn a_hash_of_other_parameters_still_counts_and_is_known_to_be_old() {
        let hasher = Hasher::new(1);
        let (password, salt) = (Secret::new("quiet harbour lantern 7"), [7; 16]);
        let hash = hasher.compute_at(&password, &salt, (8192, 1)).unwrap();
        let kept =
            format!("$argon2id$v=19$m=8192,t=1,p=1${}${}", B64.encode(salt), B64.encode(hash));
        assert!(hasher.matches(&password, Some(&kept)).unwrap() && Hasher::is_outdated(&kept));
        let fresh = hasher.hash(&password).unwrap();
        assert!(!Hasher::is_outdated(&fresh));
        let greedy = fresh.replace("m=19456", "m=4000000");
        assert!(!hasher.matches(&password, Some(&greedy)).unwrap());
    }

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
        assert!(complaint(&Secret::new("short"), RULES, &[]).unwrap().contains("12 characters"));
        assert!(complaint(&Secret::new("Password1234!"), RULES, &[]).unwrap().contains("too easy"));
        assert!(
            complaint(&Secret::new("aldermoordental"), RULES, &["Aldermoor", "Dental"]).is_some()
        );
        assert_eq!(complaint(&Secret::new("correct horse battery lantern"), RULES, &[]), None);
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
