//! The names of users: what they may look like. What they are made of where nobody chose one is the
//! customer's naming patterns.

const LOCAL: usize = 64;
const USERNAME: usize = 20;

/// Why a part before the @ cannot be.
pub const RULE: &str =
    "may have a–z, 0–9 and . _ - ' + before the @, at most 64, no dot at the ends and none doubled";

/// `{first} {last}`, whichever of them there are.
pub fn display(first: &str, last: &str) -> String {
    [first, last].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whether it can stand before the @ of a sign-in name.
pub fn is_local(text: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-'+".contains(c);
    (1..=LOCAL).contains(&text.len())
        && text.chars().all(good)
        && !text.starts_with('.')
        && !text.ends_with('.')
        && !text.contains("..")
}

pub fn is_username(text: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=USERNAME).contains(&text.len()) && text.chars().all(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_stand_before_the_at() {
        for good in ["a", "o'brien+x", "a.b_c-d", "0"] {
            assert!(is_local(good), "{good}");
        }
        for bad in ["", ".a", "a.", "a..b", "A", "zoë", "a b", &"a".repeat(65)] {
            assert!(!is_local(bad), "{bad}");
        }
    }
}
