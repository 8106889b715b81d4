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
    if text.is_ascii() && q.len() >= 3 {
        return q.is_ascii() && holds(text.as_bytes(), q.as_bytes());
    }
    let text = fold(text);
    if q.chars().nth(2).is_some() {
        return text.contains(q);
    }
    text.match_indices(q).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|c| !c.is_alphanumeric())
    })
}

/// Parts of an index of names without case, in its order: from here up to there.
pub struct Spans(Vec<(String, String)>);

impl Spans {
    pub fn whole() -> Spans {
        Spans::of(vec![String::new()])
    }

    /// The names that begin with the letter.
    pub fn of_letter(letter: char) -> Spans {
        Spans::of(vec![letter.to_ascii_lowercase().to_string()])
    }

    /// The names that begin with the text, whatever accents they have: for one or two letters.
    pub fn beginning(q: &str) -> Spans {
        Spans::of(beginnings(q))
    }

    fn of(all: Vec<String>) -> Spans {
        Spans(all.into_iter().map(|from| (from.clone(), from + "\u{10FFFF}")).collect())
    }

    /// At most so many rows after a key: `fetch` is given where to begin, after which id, where to end
    /// and how many.
    pub fn walk<T>(
        &self,
        at: Option<(&str, i64)>,
        most: i64,
        mut fetch: impl FnMut(&str, i64, &str, i64) -> Result<Vec<T>>,
    ) -> Result<Vec<T>> {
        let (mut rows, mut left) = (Vec::new(), most);
        let reached = at.map(|(value, id)| (value.to_ascii_lowercase(), id));
        for (from, until) in &self.0 {
            let (after, id) = match &reached {
                Some((value, _)) if value >= until => continue,
                Some((value, id)) if value >= from => (value, *id),
                _ => (from, 0),
            };
            let found = fetch(after, id, until, left)?;
            left -= i64::try_from(found.len()).unwrap_or(left);
            rows.extend(found);
            if left <= 0 {
                break;
            }
        }
        Ok(rows)
    }
}

/// How a text may begin that is found by one or two letters: as they are, and with each accent that
/// European languages put on them; in the order of an index without case.
fn beginnings(q: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    for base in fold(q).chars() {
        let accented = ('\u{c0}'..='\u{17f}').filter(|c| *c != base && one(*c) == Some(base));
        let letters: Vec<char> = std::iter::once(base).chain(accented).collect();
        all =
            all.iter().flat_map(|head| letters.iter().map(move |c| format!("{head}{c}"))).collect();
    }
    all.sort();
    all
}

/// The letter that one with an accent stands for, where it stands for one.
fn one(letter: char) -> Option<char> {
    let mut bare = letter.to_lowercase().nfd().filter(|c| !('\u{300}'..='\u{36f}').contains(c));
    bare.next().filter(|_| bare.next().is_none())
}

/// The same for ASCII alone, which is most of what is searched: nothing is copied.
fn holds(text: &[u8], q: &[u8]) -> bool {
    let Some((first, rest)) = q.split_first() else { return true };
    let begins = |at: &usize| text.get(*at).is_some_and(|b| b.to_ascii_lowercase() == *first);
    (0..=text.len().saturating_sub(q.len())).filter(begins).any(|at| {
        text.get(at + 1..at + q.len()).is_some_and(|part| part.eq_ignore_ascii_case(rest))
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
    fn short_texts_begin_with_any_accent() {
        let of = |q: &str| beginnings(q);
        assert_eq!(of(""), [""]);
        assert_eq!(of("Q"), ["q"]);
        assert_eq!(of("李"), ["李"]);
        assert_eq!(of("ñ"), of("N"));
        let mu = of("mü");
        assert!(["mu", "mü", "mÜ", "mů"].iter().all(|each| mu.iter().any(|m| m == each)), "{mu:?}");
        assert!(mu.is_sorted() && mu.len() < 40);
        assert!(of("ae").len() < 800 && of("ł").contains(&"Ł".to_owned()));
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
