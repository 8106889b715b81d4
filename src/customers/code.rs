//! A customer's code, made from its name.
//! Pure: whether a code is taken is asked of the caller.

use crate::letters::fold;

/// Words that say nothing about whom they name.
const LITTLE: &[&str] = &[
    "a", "an", "the", "of", "and", "for", "der", "die", "das", "und", "la", "le", "les", "de",
    "du", "des", "et", "el", "y", "e", "i", "van", "von", "en",
];

/// The most a code may have.
pub const LENGTH: usize = 20;

/// The first code of `name` that is neither reserved nor taken.
pub fn generate<E>(
    name: &str,
    mut taken: impl FnMut(&str) -> Result<bool, E>,
) -> Result<String, E> {
    let base = base(name);
    let mut number: u64 = if base.is_empty() { 100 } else { 1 };
    loop {
        let code = match (base.is_empty(), number) {
            (true, _) => format!("C{number}"),
            (false, 1) => base.clone(),
            (false, _) => numbered(&base, number),
        };
        if !is_reserved(&code) && !taken(&code)? {
            return Ok(code);
        }
        number += 1;
    }
}

/// Letters and digits, at most 20.
pub fn is_well_formed(code: &str) -> bool {
    (1..=LENGTH).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Names of devices, which directories and file shares cannot use.
pub fn is_reserved(code: &str) -> bool {
    let code = code.to_ascii_uppercase();
    let numbered = |head: &str| {
        code.strip_prefix(head).is_some_and(|rest| matches!(rest.as_bytes(), [b'0'..=b'9']))
    };
    ["CON", "PRN", "AUX", "NUL"].contains(&code.as_str()) || numbered("COM") || numbered("LPT")
}

fn base(name: &str) -> String {
    let folded = fold(name);
    let words: Vec<&str> = folded
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let telling: Vec<&str> = words.iter().copied().filter(|word| !LITTLE.contains(word)).collect();
    let words = if telling.is_empty() { words } else { telling };
    let code: String = match words.as_slice() {
        [] => String::new(),
        [word] => word.chars().take(4).collect(),
        words => words.iter().take(6).map(|word| start(word)).collect(),
    };
    code.to_ascii_uppercase()
}

/// The first letter of a word; of a number, up to four digits.
fn start(word: &str) -> String {
    let number = word.bytes().all(|b| b.is_ascii_digit());
    word.chars().take(if number { 4 } else { 1 }).collect()
}

fn numbered(base: &str, number: u64) -> String {
    let number = number.to_string();
    let room = LENGTH.saturating_sub(number.len());
    format!("{}{number}", base.chars().take(room).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn code(name: &str, taken: &[&str]) -> String {
        let is_taken = |code: &str| Ok::<_, Infallible>(taken.contains(&code));
        generate(name, is_taken).unwrap()
    }

    #[test]
    fn the_examples_of_the_specification() {
        for (name, taken, want) in [
            ("Jones the Baker Ltd", &[][..], "JBL"),
            ("Jones the Baker Ltd", &["JBL"], "JBL2"),
            ("Contoso", &[], "CONT"),
            ("Bäckerei Müller & Söhne GmbH", &[], "BMSG"),
            ("3M Deutschland GmbH", &[], "3DG"),
            ("O'Brien & Partners", &[], "OP"),
            ("Area 51", &[], "A51"),
            ("Con", &[], "CON2"),
            ("株式会社東京", &[], "C100"),
            ("株式会社東京", &["C100"], "C101"),
        ] {
            assert_eq!(code(name, taken), want, "{name}");
        }
    }

    #[test]
    fn odd_names_have_codes_too() {
        for (name, want) in [
            ("The The", "TT"),
            ("la", "LA"),
            ("Łódź Żółw", "LZ"),
            ("Αθήνα", "ATHI"),
            ("Ёлка и Ко", "EK"),
            ("🦷 Dental", "DENT"),
            ("a b c d e f g h", "BCDFGH"),
            ("Expo 202612", "E2026"),
            ("lpt1", "LPT12"),
        ] {
            assert_eq!(code(name, &[]), want, "{name}");
        }
    }

    #[test]
    fn equal_names_get_codes_of_their_own() {
        let mut all: Vec<String> = Vec::new();
        for _ in 0..200 {
            let next = generate("Jones Ltd", |code| {
                Ok::<_, Infallible>(all.iter().any(|each| each == code))
            });
            all.push(next.unwrap());
        }
        assert_eq!((all[0].as_str(), all[199].as_str()), ("JL", "JL200"));
        assert_eq!(numbered("ABCDEFGHIJKLMNOPQRST", 12), "ABCDEFGHIJKLMNOPQR12");
    }
}
