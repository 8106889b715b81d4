//! What one cell says, for the kind of field it is in.

use super::countries;

/// How a manager is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference<'a> {
    /// A distinguished name, and its first part for files that have no such column.
    Dn {
        whole: &'a str,
        name: String,
    },
    Address(&'a str),
    Name(&'a str),
}

impl Reference<'_> {
    pub fn of(text: &str) -> Reference<'_> {
        let text = text.trim();
        match common_name(text) {
            Some(name) => Reference::Dn { whole: text, name },
            None if text.contains('@') => Reference::Address(text),
            None => Reference::Name(text),
        }
    }
}

/// `Dubois, jr.` of `CN=Dubois\, jr.,OU=Staff,DC=example`.
fn common_name(dn: &str) -> Option<String> {
    let head = dn.get(..3).filter(|head| head.eq_ignore_ascii_case("CN="))?;
    let mut name = String::new();
    let mut letters = dn.get(head.len()..)?.chars();
    loop {
        match letters.next() {
            Some('\\') => name.extend(letters.next()),
            Some(',') => return Some(name),
            Some(letter) => name.push(letter),
            None => return None,
        }
    }
}

/// The text of a cell without the mark that keeps a spreadsheet from running it.
pub(super) fn plain(raw: &str) -> &str {
    let trimmed = raw.trim();
    match trimmed.strip_prefix('\'') {
        Some(rest) if is_run(rest.trim_start_matches('\'')) => rest,
        _ => trimmed,
    }
}

/// Would a spreadsheet take it for a formula?
pub(super) fn is_run(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

pub(super) fn is_clear(text: &str) -> bool {
    text.eq_ignore_ascii_case("<clear>")
}

/// What PowerShell writes for a property of several values.
pub(super) fn is_type_name(text: &str) -> bool {
    (text.starts_with("Microsoft.ActiveDirectory") && text.ends_with("Collection"))
        || (text.starts_with("System.") && text.ends_with("[]"))
}

/// What a formula leaves that came to nothing.
pub(super) fn is_error(text: &str) -> bool {
    matches!(
        text,
        "#N/A" | "#REF!" | "#VALUE!" | "#NAME?" | "#DIV/0!" | "#NULL!" | "#NUM!" | "#SPILL!"
    )
}

/// `4.9E+11`.
pub(super) fn is_shortened(text: &str) -> bool {
    let Some((head, power)) = text.split_once(['E', 'e']) else { return false };
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let (whole, part) = head.split_once(['.', ',']).unwrap_or((head, "0"));
    digits(whole) && digits(part) && power.strip_prefix('+').is_some_and(digits)
}

pub(super) fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "ja" | "1" | "x" | "wahr" => Some(true),
        "false" | "no" | "nein" | "0" | "falsch" => Some(false),
        _ => None,
    }
}

/// Yes and no, and the words of account states.
pub(super) fn enabled(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "active" | "enabled" => Some(true),
        "suspended" | "archived" | "disabled" | "inactive" => Some(false),
        other => yes_or_no(other),
    }
}

pub(super) fn country(text: &str) -> Option<&'static str> {
    countries::code(text)
}

/// `8-4-4-4-12`, in braces or not, in small letters.
pub(super) fn guid(text: &str) -> Option<String> {
    let text = text.trim_start_matches('{').trim_end_matches('}');
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    let hex = text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    (hex && parts == [8, 4, 4, 4, 12]).then(|| text.to_ascii_lowercase())
}

/// The addresses of one cell: the one marked as primary, the others, and kinds that are no mail.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Addresses {
    pub primary: Option<String>,
    pub further: Vec<String>,
    pub other_kinds: Vec<String>,
}

/// Reads `SMTP:a@b.example+smtp:c@b.example`; a plus parts only where a prefix follows, for it may
/// stand in an address. So do `;`, `|`, line ends and commas, everywhere.
pub(super) fn addresses(text: &str) -> Addresses {
    let mut found = Addresses::default();
    for piece in text.split([';', ',', '|', '\n', '\r']).flat_map(at_prefixes) {
        let piece = piece.trim();
        match piece.split_once(':') {
            _ if piece.is_empty() => {}
            Some(("SMTP", address)) if found.primary.is_none() => {
                found.primary = Some(address.trim().to_owned());
            }
            Some((kind, address)) if kind.eq_ignore_ascii_case("smtp") => {
                found.further.push(address.trim().to_owned());
            }
            Some((kind, _)) => found.other_kinds.push(kind.trim().to_owned()),
            None => found.further.push(piece.to_owned()),
        }
    }
    found
}

fn at_prefixes(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut from = 0;
    while let Some(at) = rest.get(from..).and_then(|t| t.find('+')).map(|at| at + from) {
        let tail = rest.get(at + 1..).unwrap_or("");
        let kind = tail.split([':', '+', '@']).next().unwrap_or("");
        let prefixed = !kind.is_empty()
            && kind.bytes().all(|b| b.is_ascii_alphanumeric())
            && tail.get(kind.len()..).is_some_and(|t| t.starts_with(':'));
        if prefixed {
            pieces.push(rest.get(..at).unwrap_or(""));
            rest = tail;
            from = 0;
        } else {
            from = at + 1;
        }
    }
    pieces.push(rest);
    pieces
}

/// A list of plain addresses.
pub(super) fn mails(text: &str) -> Vec<&str> {
    let pieces = text.split([';', ',', '|', '\n', '\r', ' ']).map(str::trim);
    pieces.filter(|each| !each.is_empty()).collect()
}

/// First and last name of a whole one: "Last, First", or parted at the last blank.
pub(super) fn split_name(whole: &str) -> Option<(&str, &str)> {
    let (first, last) = match whole.split_once(',') {
        Some((last, first)) => (first, last),
        None => whole.rsplit_once(char::is_whitespace)?,
    };
    let (first, last) = (first.trim(), last.trim());
    (!first.is_empty() && !last.is_empty() && !first.contains(',')).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_before_a_formula_goes_and_nothing_else() {
        for (raw, want) in [
            ("'=1+1", "=1+1"),
            ("'+49 30 1", "+49 30 1"),
            ("'\tx", "\tx"),
            ("''=x", "'=x"),
            ("'s-Gravenhage", "'s-Gravenhage"),
            ("=1+1", "=1+1"),
            (" \u{a0}a ", "a"),
        ] {
            assert_eq!(plain(raw), want);
        }
    }

    #[test]
    fn numbers_that_a_spreadsheet_shortened_are_seen() {
        assert!(["4.9E+11", "4,9E+11", "4E+11"].iter().all(|t| is_shortened(t)));
        assert!(!["4.9", "E+11", "0049E", "4.9E11", "+49"].iter().any(|t| is_shortened(t)));
    }

    #[test]
    fn addresses_part_at_prefixes_not_at_every_plus() {
        let found = addresses("smtp:a+b@x.example+SMTP:c@x.example+SIP:d@x.example;e@x.example");
        assert_eq!(found.primary.as_deref(), Some("c@x.example"));
        assert_eq!(found.further, ["a+b@x.example", "e@x.example"]);
        assert_eq!(found.other_kinds, ["SIP"]);
    }

    #[test]
    fn a_manager_is_named_in_three_ways() {
        let dn = "CN=Dubois\\, jr.,OU=Staff,DC=example";
        let want = Reference::Dn { whole: dn, name: "Dubois, jr.".into() };
        assert_eq!(Reference::of(dn), want);
        assert_eq!(Reference::of("a@b.example"), Reference::Address("a@b.example"));
        assert_eq!(Reference::of("Maren Tolliver"), Reference::Name("Maren Tolliver"));
    }

    #[test]
    fn whole_names_split_once() {
        assert_eq!(split_name("Zoë van den Berg"), Some(("Zoë van den", "Berg")));
        assert_eq!(split_name("Berg, Zoë"), Some(("Zoë", "Berg")));
        assert_eq!((split_name("Plato"), split_name("a, b, c")), (None, None));
    }

    #[test]
    fn object_ids_are_guids() {
        let id = "6513270E-269e-4d37-b2a7-4de452e6b438";
        assert_eq!(guid(&format!("{{{id}}}")), Some(id.to_lowercase()));
        assert_eq!((guid("42"), guid("6513270e269e4d37b2a74de452e6b438")), (None, None));
    }
}
