//! What is particular to Active Directory: its forms of ids, its bits, which of its attributes we
//! write, and passwords as it wants them.

use crate::error::Result;
use crate::secret::{self, Secret};

/// Of `userAccountControl`.
pub const DISABLED: i64 = 2;
/// An account like any other, disabled: how each is made.
pub const NEW_ACCOUNT: i64 = 514;

/// Domain, schema and enterprise administrators, and those of the machines.
pub const ADMINISTRATORS: [(u32, &str); 4] = [
    (512, "Domain Admins"),
    (518, "Schema Admins"),
    (519, "Enterprise Admins"),
    (544, "Administrators"),
];

/// Our fields of a user, the attribute each is written to, and how much that holds.
pub const ATTRIBUTES: &[(&str, &str, usize)] = &[
    ("first_name", "givenName", 64),
    ("last_name", "sn", 64),
    ("display_name", "displayName", 256),
    ("description", "description", 1024),
    ("job_title", "title", 128),
    ("department", "department", 64),
    ("company", "company", 64),
    ("office", "physicalDeliveryOfficeName", 128),
    ("phone", "telephoneNumber", 64),
    ("mobile", "mobile", 64),
    ("home_phone", "homePhone", 64),
    ("fax", "facsimileTelephoneNumber", 64),
    ("pager", "pager", 64),
    ("ip_phone", "ipPhone", 64),
    ("street", "streetAddress", 1024),
    ("po_box", "postOfficeBox", 40),
    ("city", "l", 128),
    ("region", "st", 128),
    ("postcode", "postalCode", 40),
    ("country", "c", 3),
    ("web_page", "wWWHomePage", 2048),
    ("employee_id", "employeeID", 16),
    ("employee_type", "employeeType", 256),
    ("mail", "mail", 256),
];

/// An id as people and `<GUID=…>` write it: the first three parts are stored the other way round.
pub fn guid(bytes: &[u8]) -> Option<String> {
    let [a, b, c, d, e, f, g, h, rest @ ..] = bytes else { return None };
    let rest: &[u8; 8] = rest.try_into().ok()?;
    let text = secret::hex(&[*d, *c, *b, *a, *f, *e, *h, *g]) + &secret::hex(rest);
    let part = |from: usize, to: usize| text.get(from..to);
    Some(format!(
        "{}-{}-{}-{}-{}",
        part(0, 8)?,
        part(8, 12)?,
        part(12, 16)?,
        part(16, 20)?,
        part(20, 32)?
    ))
}

/// The last number of a security id.
pub fn rid(bytes: &[u8]) -> Option<u32> {
    let count = usize::from(*bytes.get(1)?);
    let end = count.checked_mul(4)?.checked_add(8)?;
    let last = bytes.get(end.checked_sub(4)?..end)?;
    Some(u32::from_le_bytes(last.try_into().ok()?))
}

/// A security id as people write it.
pub fn sid(bytes: &[u8]) -> Option<String> {
    let [revision, count, authority @ ..] = bytes else { return None };
    let (authority, parts) = authority.split_at_checked(6)?;
    let number = authority
        .iter()
        .fold(0_u64, |sum, byte| sum.saturating_mul(256).saturating_add(u64::from(*byte)));
    let mut text = format!("S-{revision}-{number}");
    for part in parts.chunks_exact(4).take(usize::from(*count)) {
        text.push_str(&format!("-{}", u32::from_le_bytes(part.try_into().ok()?)));
    }
    Some(text)
}

/// `unicodePwd`: in quotes, two bytes a character.
pub fn password(secret: &Secret) -> Vec<u8> {
    format!("\"{}\"", secret.reveal()).encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Characters of a first password, one of each class among them.
pub const LENGTH: usize = 24;

/// One that nobody will ever see: no policy of either side can refuse it.
pub fn random_password() -> Result<Secret> {
    const CLASSES: [&[u8]; 4] =
        [b"abcdefghijkmnpqrstuvwxyz", b"ABCDEFGHJKLMNPQRSTUVWXYZ", b"23456789", b"!#%+-=?@_~"];
    let bytes = secret::random::<{ LENGTH * 2 }>()?;
    let mut text = String::with_capacity(LENGTH);
    for (place, pair) in bytes.chunks_exact(2).enumerate() {
        let [a, b] = pair else { continue };
        let class = CLASSES.iter().cycle().nth(place % CLASSES.len()).copied().unwrap_or_default();
        let number = usize::from(u16::from_be_bytes([*a, *b]));
        let letter = class.iter().cycle().nth(number % class.len().max(1)).copied();
        text.extend(letter.map(char::from));
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_windows_writes_them() {
        let bytes: Vec<u8> = (0..16).collect();
        assert_eq!(guid(&bytes).unwrap(), "03020100-0504-0706-0809-0a0b0c0d0e0f");
        assert!(guid(&bytes[..15]).is_none());
        let domain_admins =
            [1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 2, 0, 0];
        assert_eq!(sid(&domain_admins).unwrap(), "S-1-5-21-1-2-3-512");
        assert_eq!(rid(&domain_admins), Some(512));
        assert_eq!(rid(&domain_admins[..10]), None);
    }

    #[test]
    fn passwords_are_of_all_classes_and_never_the_same() {
        let (one, other) = (random_password().unwrap(), random_password().unwrap());
        assert_ne!(one.reveal(), other.reveal());
        for text in [one.reveal(), other.reveal()] {
            assert_eq!(text.len(), LENGTH);
            assert!(text.contains(|c: char| c.is_ascii_lowercase()));
            assert!(text.contains(|c: char| c.is_ascii_uppercase()));
            assert!(text.contains(|c: char| c.is_ascii_digit()));
            assert!(text.contains(|c: char| c.is_ascii_punctuation()));
        }
        assert_eq!(password(&Secret::new("ä\"")), [34, 0, 0xe4, 0, 34, 0, 34, 0]);
    }
}
