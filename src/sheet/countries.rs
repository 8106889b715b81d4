//! Countries by code or by name, in English and in the words that exports of our neighbours use.

use super::columns::fold;
use std::collections::HashMap;
use std::sync::LazyLock;

/// A line a country: its ISO 3166 code, then names with `|` between them.
const COUNTRIES: &str = include_str!("countries.txt");

static BY_NAME: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let mut known = HashMap::new();
    for (code, names) in COUNTRIES.lines().filter_map(|line| line.split_once(' ')) {
        known.insert(fold(code), code);
        for name in names.split('|') {
            known.insert(key(name), code);
        }
    }
    known
});

/// Every country as (code, name), by name.
pub fn all() -> &'static [(&'static str, &'static str)] {
    static ALL: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
        let named = |line: &'static str| {
            let (code, names) = line.split_once(' ')?;
            Some((code, names.split('|').next().unwrap_or(names)))
        };
        let mut all: Vec<_> = COUNTRIES.lines().filter_map(named).collect();
        all.sort_by_key(|(_, name)| *name);
        all
    });
    &ALL
}

/// `DE` for `de`, `Germany` and `Deutschland`.
pub fn code(text: &str) -> Option<&'static str> {
    BY_NAME.get(&key(text)).copied()
}

/// What is in brackets tells one Korea from the other, so it stays.
fn key(name: &str) -> String {
    let name = name.to_lowercase().replace('&', "and").replace("(the)", "");
    let name = name.strip_prefix("the ").unwrap_or(&name);
    fold(&name.replace(['(', ')'], " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_known_by_code_and_by_name() {
        for (text, want) in [
            ("nl", "NL"),
            ("Netherlands", "NL"),
            ("The Netherlands", "NL"),
            ("deutschland", "DE"),
            ("United Kingdom", "GB"),
            ("UK", "GB"),
            ("Bosnia and Herzegovina", "BA"),
            ("Korea (South)", "KR"),
            ("North Korea", "KP"),
            ("Samoa", "WS"),
            ("Netherlands (the)", "NL"),
            ("ÖSTERREICH", "AT"),
        ] {
            assert_eq!(code(text), Some(want), "{text}");
        }
        assert_eq!((code("Atlantis"), code(""), code("ZZ")), (None, None, None));
        assert_eq!(COUNTRIES.lines().count(), 249);
    }
}
