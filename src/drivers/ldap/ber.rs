//! The little of the encoding that is read here by hand: the answer to StartTLS, and until when a
//! certificate holds.

use crate::time::Instant;

/// The first element: its tag, what is in it, and what follows. None while it is not whole.
pub fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        short if *short < 0x80 => (usize::from(*short), rest),
        long => {
            let count = usize::from(long & 0x7f);
            if count == 0 || count > 4 {
                return None;
            }
            let (number, rest) = rest.split_at_checked(count)?;
            let length = number.iter().fold(0_usize, |sum, byte| {
                sum.saturating_mul(256).saturating_add(usize::from(*byte))
            });
            (length, rest)
        }
    };
    let (inner, after) = rest.split_at_checked(length)?;
    Some((*tag, inner, after))
}

/// The result code of the answer to an extended request.
pub fn extended_code(message: &[u8]) -> Option<u32> {
    let (0x30, message, _) = element(message)? else { return None };
    let (0x02, _, rest) = element(message)? else { return None };
    let (0x78, answer, _) = element(rest)? else { return None };
    let (0x0a, code, _) = element(answer)? else { return None };
    Some(
        code.iter()
            .fold(0_u32, |sum, byte| sum.saturating_mul(256).saturating_add(u32::from(*byte))),
    )
}

/// From when to when a certificate holds.
pub fn validity(certificate: &[u8]) -> Option<(Instant, Instant)> {
    let (0x30, whole, _) = element(certificate)? else { return None };
    let (0x30, mut rest, _) = element(whole)? else { return None };
    if let (0xa0, _, after) = element(rest)? {
        rest = after;
    }
    // Serial number, algorithm, issuer.
    for _ in 0..3 {
        (_, _, rest) = element(rest)?;
    }
    let (0x30, times, _) = element(rest)? else { return None };
    let (kind, from, rest) = element(times)?;
    let (other, to, _) = element(rest)?;
    Some((moment(kind, from)?, moment(other, to)?))
}

/// Two digits of a year or four, in universal time.
fn moment(kind: u8, text: &[u8]) -> Option<Instant> {
    let text = std::str::from_utf8(text).ok()?;
    let whole = match kind {
        0x17 => {
            let year: u32 = text.get(..2)?.parse().ok()?;
            format!("{}{text}", if year < 50 { "20" } else { "19" })
        }
        _ => text.to_owned(),
    };
    generalized(&whole)
}

/// A time as directories write it: `20260310080000.0Z`.
pub fn generalized(text: &str) -> Option<Instant> {
    let part = |from: usize, to: usize| text.get(from..to);
    let written = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?
    );
    text.ends_with('Z').then(|| written.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_starttls_is_read_in_both_ways_of_writing_lengths() {
        let short = [0x30, 0x0c, 2, 1, 1, 0x78, 7, 0x0a, 1, 0, 4, 0, 4, 0];
        assert_eq!(extended_code(&short), Some(0));
        let long =
            [0x30, 0x84, 0, 0, 0, 16, 2, 1, 1, 0x78, 0x84, 0, 0, 0, 7, 0x0a, 1, 52, 4, 0, 4, 0];
        assert_eq!(extended_code(&long), Some(52));
        for cut in 0..short.len() {
            assert_eq!(extended_code(&short[..cut]), None, "{cut}");
        }
        assert_eq!(element(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 1]), None);
    }

    #[test]
    fn a_certificate_says_until_when_it_holds() {
        let mut wanted = rcgen::CertificateParams::new(vec!["dc1.example".to_owned()]).unwrap();
        wanted.not_before = rcgen::date_time_ymd(2025, 1, 2);
        wanted.not_after = rcgen::date_time_ymd(2051, 3, 4);
        let key = rcgen::KeyPair::generate().unwrap();
        let made = wanted.self_signed(&key).unwrap();
        let (from, to) = validity(made.der()).unwrap();
        assert_eq!(
            (from.to_string(), to.to_string()),
            ("2025-01-02T00:00:00Z".into(), "2051-03-04T00:00:00Z".into())
        );
        assert_eq!(generalized("20260310080000.0Z").unwrap().to_string(), "2026-03-10T08:00:00Z");
        assert!(generalized("20260310").is_none());
    }
}
