//! Finding text as people do: case and accents do not matter. SQLite compares so with the function
//! `finds(q, text, …)`, which queries use and nothing that is stored does.

use crate::error::Result;
use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;

/// Small letters without accents; what letters they stand on stays.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return match text.bytes().any(|b| b.is_ascii_uppercase()) {
            true => Cow::Owned(text.to_ascii_lowercase()),
            false => Cow::Borrowed(text),
        };
    }
    let bare = |c: &char| !('\u{300}'..='\u{36f}').contains(c);
    Cow::Owned(text.to_lowercase().nfd().filter(bare).nfc().collect())
}

/// Whether `q`, which is folded, is in `text`: anywhere from three characters on, else where a word
/// begins.
pub fn finds(q: &str, text: &str) -> bool {
    let text = fold(text);
    if q.chars().nth(2).is_some() {
        return text.contains(q);
    }
    text.match_indices(q).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|c| !c.is_alphanumeric())
    })
}

/// The digits of a phone number that somebody looks for: four at least, and nothing that is in none.
pub fn digits(q: &str) -> String {
    let digits: String = q.chars().filter(char::is_ascii_digit).collect();
    let phone = q.chars().all(|c| c.is_ascii_digit() || "+()-./ ".contains(c));
    if phone && digits.len() >= 4 { digits } else { String::new() }
}

/// Teaches a connection the function.
pub fn teach(conn: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    conn.create_scalar_function("finds", -1, flags, |cx: &Context| {
        let text = |at: usize| cx.get_raw(at).as_str_or_null().ok().flatten().unwrap_or_default();
        let q = text(0);
        Ok((1..cx.len()).any(|at| finds(q, text(at))))
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_and_accents_do_not_matter() {
        for (q, text, found) in [
            ("mull", "Bäckerei Müller", true),
            ("muller", "MÜLLER", true),
            ("żół", "Łukasz Żółć", true),
            ("mu", "Bäckerei Müller", true),
            ("ul", "Bäckerei Müller", false),
            ("zoe", "Zoë", true),
            ("zoé", "Zoë", true),
            ("李", "李小龍", true),
            ("brien", "O'Brien", true),
            ("", "anything", true),
        ] {
            assert_eq!(finds(&fold(q), text), found, "{q} in {text}");
        }
    }

    #[test]
    fn a_phone_number_is_its_digits() {
        for (q, digits_of) in
            [("+31 (0)20-555", "31020555"), ("0177", "0177"), ("177", ""), ("a1774", ""), ("", "")]
        {
            assert_eq!(digits(q), digits_of, "{q}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_cut_out_of_a_text_is_found_in_it(
            text in "[a-zA-Z0-9äöüéÈłŁßñÇÅøæ '.-]{3,20}", at in 0usize..17, upper in any::<bool>(),
        ) {
            let part: String = text.chars().skip(at).take(5).collect();
            prop_assume!(part.chars().count() >= 3 && !part.contains('ß'));
            let part = if upper { part.to_uppercase() } else { part };
            prop_assert!(finds(&fold(&part), &text), "{} in {}", part, text);
        }
    }
}
