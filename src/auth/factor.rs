//! The second factor: codes of six digits from a shared secret (RFC 6238, SHA-1, 30 seconds), and
//! recovery codes for the day the device is lost. Each is taken once, also when two come at once.

use crate::db::{Read, Write};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::secret::{self, Key, Secret};
use crate::time::Instant;
use hmac::{Hmac, KeyInit, Mac};
use rusqlite::named_params;
use sha1::Sha1;

/// Seconds that a code is shown for.
const STEP: i64 = 30;
/// How many recovery codes there are, of ten characters each.
const CODES: usize = 10;
/// What they are made of: nothing that is mistaken for something else.
const LETTERS: &[u8; 32] = b"023456789abcdefghjkmnpqrstuvwxyz";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A secret shared with somebody's device, not yet proven to be there.
pub struct SharedSecret([u8; 20]);

impl SharedSecret {
    pub fn make() -> Result<SharedSecret> {
        secret::random().map(SharedSecret)
    }

    /// As people type it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for five in self.0.chunks(5) {
            let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            for place in (0..8).rev() {
                text.push(letter(BASE32, bits >> (place * 5)));
            }
        }
        text
    }

    pub fn parse(text: &str) -> Option<SharedSecret> {
        let mut bytes = Vec::new();
        let places: Option<Vec<u64>> = text
            .bytes()
            .map(|byte| BASE32.iter().position(|each| *each == byte))
            .map(|place| place.and_then(|place| u64::try_from(place).ok()))
            .collect();
        for eight in places?.chunks_exact(8) {
            let bits = eight.iter().fold(0_u64, |bits, place| bits << 5 | place);
            bytes.extend(bits.to_be_bytes().get(3..)?);
        }
        bytes.try_into().ok().map(SharedSecret)
    }

    /// The address a device reads from a picture.
    pub fn address(&self, house: &str, name: &str) -> String {
        let quoted = |text: &str| {
            let plus: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
            plus.replace('+', "%20")
        };
        let house = quoted(house);
        format!("otpauth://totp/{house}:{}?secret={}&issuer={house}", quoted(name), self.text())
    }

    /// The half minute, among the last, this one and the next, whose code this is.
    pub fn step_of(&self, code: &str, now: Instant) -> Option<i64> {
        let present = now.unix().div_euclid(STEP);
        let right = |step: &i64| {
            let expected = self.code(*step).unwrap_or_default();
            !expected.is_empty() && secret::same(expected.as_bytes(), code.as_bytes())
        };
        (present - 1..=present + 1).find(right)
    }

    /// The code of the half minute that begins `step` half minutes after 1970.
    pub fn code(&self, step: i64) -> Result<String> {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0)
            .map_err(|err| Error::internal(err.to_string()))?;
        mac.update(&step.to_be_bytes());
        let hash = mac.finalize().into_bytes();
        let offset = usize::from(hash.last().copied().unwrap_or(0) & 0x0f);
        let four = hash.get(offset..offset + 4).unwrap_or_default();
        let number = four.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        Ok(format!("{:06}", (number & 0x7fff_ffff) % 1_000_000))
    }
}

fn letter(alphabet: &[u8; 32], bits: u64) -> char {
    let place = usize::try_from(bits & 31).unwrap_or(0);
    alphabet.get(place).map_or('A', |byte| char::from(*byte))
}

/// Whether `user` has a second factor.
pub fn has_factor(db: &Read, user: UserId) -> Result<bool> {
    db.value("SELECT EXISTS (SELECT 1 FROM factors WHERE user_id = ?1)", [user])
}

/// Gives `user` a second factor in the place of any before; `step` is the one just shown.
pub fn set_factor(
    tx: &Write,
    key: &Key,
    user: UserId,
    secret: &SharedSecret,
    step: i64,
) -> Result<()> {
    drop_factor(tx, user)?;
    let sealed = key.seal(&place(user), &Secret::new(secret.text()))?;
    tx.run(
        "INSERT INTO factors (user_id, secret, step, set_at) VALUES (:user, :secret, :step, :now)",
        named_params! { ":user": user, ":secret": sealed, ":step": step, ":now": tx.now },
    )?;
    Ok(())
}

/// Takes the second factor away, with its recovery codes.
pub fn drop_factor(tx: &Write, user: UserId) -> Result<()> {
    tx.run("DELETE FROM factors WHERE user_id = ?1", [user])?;
    Ok(())
}

/// Ten new recovery codes in the place of the old ones, to be shown once.
pub fn new_recovery_codes(tx: &Write, key: &Key, user: UserId) -> Result<Vec<Secret>> {
    tx.run("DELETE FROM recovery_codes WHERE user_id = ?1", [user])?;
    let mut codes = Vec::new();
    while codes.len() < CODES {
        let code: String =
            secret::random::<10>()?.iter().map(|byte| letter(LETTERS, u64::from(*byte))).collect();
        let code = Secret::new(code);
        tx.run(
            "INSERT INTO recovery_codes (user_id, hash) VALUES (:user, :hash)",
            named_params! { ":user": user, ":hash": key.digest(&place(user), &code) },
        )?;
        codes.push(code);
    }
    Ok(codes)
}

/// How many recovery codes are left.
pub fn recovery_codes_left(db: &Read, user: UserId) -> Result<i64> {
    db.value("SELECT count(*) FROM recovery_codes WHERE user_id = ?1 AND used_at IS NULL", [user])
}

/// Uses up a code of six digits or a recovery code; whether it was one that still counts.
pub fn take_code(tx: &Write, key: &Key, user: UserId, typed: &Secret) -> Result<bool> {
    let code: String = typed.reveal().chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    match code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()) {
        true => take_one_time_code(tx, key, user, &Secret::new(code)),
        false => take_recovery_code(tx, key, user, &Secret::new(code)),
    }
}

/// A code of the device alone.
pub fn take_one_time_code(tx: &Write, key: &Key, user: UserId, code: &Secret) -> Result<bool> {
    let sealed: Option<String> =
        tx.maybe("SELECT secret FROM factors WHERE user_id = ?1", [user], |row| row.get("secret"))?;
    let Some(sealed) = sealed else { return Ok(false) };
    let opened = key.open(&place(user), &sealed)?;
    let shared =
        SharedSecret::parse(opened.reveal()).ok_or_else(|| Error::internal("a broken factor"))?;
    let Some(step) = shared.step_of(code.reveal().trim(), tx.now) else { return Ok(false) };
    let taken = tx.run(
        "UPDATE factors SET step = :step WHERE user_id = :user AND step < :step",
        named_params! { ":step": step, ":user": user },
    )?;
    Ok(taken == 1)
}

/// A recovery code alone, where a one-time code was given before it.
pub fn take_recovery_code(tx: &Write, key: &Key, user: UserId, code: &Secret) -> Result<bool> {
    let plain: String = code.reveal().chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let hash = key.digest(&place(user), &Secret::new(plain.to_ascii_lowercase()));
    let taken = tx.run(
        "UPDATE recovery_codes SET used_at = :now
          WHERE user_id = :user AND hash = :hash AND used_at IS NULL",
        named_params! { ":now": tx.now, ":user": user, ":hash": hash },
    )?;
    Ok(taken == 1)
}

fn place(user: UserId) -> String {
    format!("factor {user}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret and the times of RFC 6238, appendix B; six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = SharedSecret(*b"12345678901234567890");
        for (at, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret.code(at / STEP).unwrap(), code, "{at}");
        }
        assert_eq!(secret.text(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(SharedSecret::parse(&secret.text()).unwrap().0, secret.0);
        assert!(SharedSecret::parse("GEZDGNB1").is_none() && SharedSecret::parse("").is_none());
    }

    #[test]
    fn a_clock_may_be_half_a_minute_off_and_no_more() {
        let secret = SharedSecret([7; 20]);
        let now = Instant::from_unix(1_000_000_000);
        let step = 1_000_000_000 / STEP;
        for (off, right) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let code = secret.code(step + off).unwrap();
            assert_eq!(secret.step_of(&code, now), right.then_some(step + off), "{off}");
        }
        assert_eq!(secret.step_of("", now), None);
    }

    #[test]
    fn the_picture_names_house_and_person() {
        let address = SharedSecret([0; 20]).address("Nine & Nines", "ada@x.example");
        let secret = "A".repeat(32);
        assert_eq!(
            address,
            format!(
                "otpauth://totp/Nine%20%26%20Nines:ada%40x.example?secret={secret}&issuer=Nine%20%26%20Nines"
            )
        );
    }
}
