//! Which answers are sent as gzip, and how: level 2 takes a twentieth of what making a page takes.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// Below this a page fits a packet anyway.
const SMALLEST: usize = 1 << 10;

/// Whether bytes of this type get smaller.
pub fn is_worth_it(content_type: &str, length: usize) -> bool {
    let name = content_type.split(';').next().unwrap_or_default().trim();
    length > SMALLEST
        && (name.starts_with("text/")
            || name.ends_with("json")
            || name.ends_with("+xml")
            || matches!(name, "application/javascript" | "application/xml"))
}

/// Whether an `Accept-Encoding` lets us.
pub fn is_accepted(accept_encoding: &str) -> bool {
    accept_encoding.split(',').any(|item| {
        let mut parts = item.split(';').map(str::trim);
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"))
            && !parts.any(|part| {
                let weight = part.strip_prefix("q=").or(part.strip_prefix("Q="));
                weight.is_some_and(|w| w.starts_with('0') && w.bytes().all(|b| b"0.".contains(&b)))
            })
    })
}

pub fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::new(2));
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::{is_accepted, is_worth_it};

    #[test]
    fn gzip_is_accepted_unless_its_weight_is_nothing() {
        for (header, accepted) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5, br", true),
            ("gzip; q=0.001", true),
            ("gzip;q=0", false),
            ("gzip;q=0.000", false),
            ("br, x-gzip", false),
            ("", false),
        ] {
            assert_eq!(is_accepted(header), accepted, "{header}");
        }
    }

    #[test]
    fn only_text_of_some_length_is_worth_it() {
        assert!(is_worth_it("text/html; charset=utf-8", 1025));
        assert!(is_worth_it("application/problem+json", 5000));
        assert!(!is_worth_it("text/html", 1024));
        assert!(!is_worth_it("image/png", 5000));
    }
}
