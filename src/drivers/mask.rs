//! Hides secrets in texts. It works on whole texts before anything is cut, so that no half of a
//! secret is left at the edge.

use crate::secret::Secret;
use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

const STARS: &str = "***";

/// Finds secrets in the forms that logs show them in: plain, base64, URL and JSON.
#[derive(Clone, Default)]
pub struct Mask {
    /// Plain and in base64; the other forms are undone in the text instead, because everybody
    /// escapes something else.
    forms: Vec<Vec<u8>>,
}

/// The name of a field whose value nobody may see, up to that value; quotes may be escaped, as in
/// JSON that is itself a JSON string.
static FIELD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)(\\*)(["'])[^"'\\\n]{0,100}(?:password|passwd|secret|token|authorization|cookie)[^"'\\\n]{0,100}\\*["']\s*[:=]\s*"#,
    )
    .ok()
});

/// The same in header lines, queries and assignments.
static PAIR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:(?:proxy-)?authorization|(?:set-)?cookie)\s*:[ \t]*([^\r\n]+)|[\w-]*(?:password|passwd|secret|token|authorization|cookie)[\w-]*=([^\s&;,]+)",
    )
    .ok()
});

impl Mask {
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Mask {
        let mut forms: Vec<Vec<u8>> =
            secrets.into_iter().flat_map(|s| forms_of(s.reveal())).collect();
        forms.sort_unstable();
        forms.dedup();
        Mask { forms }
    }

    /// The text with every secret replaced by stars.
    pub fn text(&self, text: &str) -> String {
        self.upto(text, text.len())
    }

    /// The same of a text that was cut short: a secret that its end may have broken goes too.
    pub fn cut_text(&self, text: &str) -> String {
        let longest = self.forms.iter().map(Vec::len).max().unwrap_or(0);
        // An escaped character takes twelve at most.
        let mut end = text.len().saturating_sub(longest.saturating_mul(12));
        while !text.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        self.upto(text, end)
    }

    /// Whether a secret that this knows is in it.
    pub fn finds(&self, text: &str) -> bool {
        !self.secrets_in(text).is_empty()
    }

    fn upto(&self, text: &str, end: usize) -> String {
        let mut shown = String::with_capacity(end);
        let mut from = 0;
        for range in self.ranges(text) {
            if range.start >= end {
                break;
            }
            shown.push_str(text.get(from..range.start).unwrap_or_default());
            shown.push_str(STARS);
            from = range.end;
        }
        shown.push_str(text.get(from..end).unwrap_or_default());
        shown
    }

    fn secrets_in(&self, text: &str) -> Vec<Range<usize>> {
        let plain = View::of(text);
        let once = plain.undone(unescape_json);
        let views = [
            plain.undone(|bytes| unescape_url(bytes, false)),
            plain.undone(|bytes| unescape_url(bytes, true)),
            once.undone(unescape_json),
            once,
            plain,
        ];
        let found = |view: &View| -> Vec<Range<usize>> {
            self.forms.iter().flat_map(|form| view.places(form)).collect()
        };
        views.iter().flat_map(found).collect()
    }

    /// What to hide, in order, without overlaps.
    fn ranges(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = self.secrets_in(text);
        if let Some(field) = FIELD.as_ref() {
            for name in field.captures_iter(text) {
                let (Some(whole), Some(slashes)) = (name.get(0), name.get(1)) else { continue };
                found.push(value_at(text, whole.end(), slashes.len()));
            }
        }
        if let Some(pair) = PAIR.as_ref() {
            for hit in pair.captures_iter(text) {
                found.extend(hit.get(1).or(hit.get(2)).map(|value| value.range()));
            }
        }
        found.retain(|range| !range.is_empty());
        found.sort_unstable_by_key(|range| range.start);
        let mut merged: Vec<Range<usize>> = Vec::new();
        for range in found {
            match merged.last_mut() {
                Some(last) if range.start < last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged
    }
}

/// The JSON value that begins at `start`: a string's inside, a whole list or object, or one word.
/// `slashes` stand before each quote at this depth.
fn value_at(text: &str, start: usize, slashes: usize) -> Range<usize> {
    let bytes = text.as_bytes();
    let mut depth: usize = 0;
    let mut quote: Option<u8> = None;
    let mut opened = start;
    let mut run: usize = 0;
    for (at, byte) in bytes.iter().copied().enumerate().skip(start) {
        if byte == b'\\' {
            run = run.saturating_add(1);
            continue;
        }
        let before = std::mem::take(&mut run);
        // At depth n of JSON in JSON a quote has 2ⁿ-1 backslashes; whole doublings are data.
        let doubled = slashes.saturating_add(1).saturating_mul(2);
        let real =
            before >= slashes && before.saturating_sub(slashes).checked_rem(doubled) == Some(0);
        match quote {
            Some(open) if byte == open && real => {
                if depth == 0 {
                    return opened..at.saturating_sub(slashes);
                }
                quote = None;
            }
            Some(_) => {}
            None if matches!(byte, b'"' | b'\'') && real => {
                quote = Some(byte);
                if depth == 0 {
                    opened = at.saturating_add(1);
                }
            }
            None if matches!(byte, b'{' | b'[') => depth = depth.saturating_add(1),
            None if matches!(byte, b'}' | b']') => {
                if depth <= 1 {
                    let end = if depth == 0 { at } else { at.saturating_add(1) };
                    return start..end;
                }
                depth = depth.saturating_sub(1);
            }
            None if depth == 0 && (byte == b',' || byte.is_ascii_whitespace()) => {
                return start..at;
            }
            None => {}
        }
    }
    opened..text.len()
}

/// A text with one kind of escape undone, which knows where each byte came from.
struct View {
    bytes: Vec<u8>,
    /// Where each byte began, and where the text ended.
    from: Vec<usize>,
}

impl View {
    fn of(text: &str) -> View {
        View { bytes: text.as_bytes().to_vec(), from: (0..=text.len()).collect() }
    }

    /// `step` takes what the next byte or escape stands for, and how long it is.
    fn undone(&self, step: impl Fn(&[u8]) -> Option<(Vec<u8>, usize)>) -> View {
        let mut view = View { bytes: Vec::new(), from: Vec::new() };
        let mut at: usize = 0;
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let plain = || (rest.iter().take(1).copied().collect(), 1);
            let (bytes, length) = step(rest).unwrap_or_else(plain);
            let from = self.from.get(at).copied().unwrap_or_default();
            view.from.extend(std::iter::repeat_n(from, bytes.len()));
            view.bytes.extend(bytes);
            at = at.saturating_add(length);
        }
        view.from.extend(self.from.last());
        view
    }

    /// Where `wanted` is, as places in the text.
    fn places(&self, wanted: &[u8]) -> Vec<Range<usize>> {
        let windows = self.bytes.windows(wanted.len().max(1)).enumerate();
        let place = |at: usize| {
            let end = at.saturating_add(wanted.len());
            Some(*self.from.get(at)?..*self.from.get(end)?)
        };
        windows.filter(|(_, bytes)| *bytes == wanted).filter_map(|(at, _)| place(at)).collect()
    }
}

/// `%2F`, and in forms `+` for a space.
fn unescape_url(bytes: &[u8], form: bool) -> Option<(Vec<u8>, usize)> {
    match bytes {
        [b'+', ..] if form => Some((vec![b' '], 1)),
        [b'%', high, low, ..] => Some((vec![hex_byte(*high, *low)?], 3)),
        _ => None,
    }
}

/// `\n`, `\"`, `\u00fc`, and pairs of those for what needs two.
fn unescape_json(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let unit = |bytes: &[u8]| match bytes {
        [b'\\', b'u', a, b, c, d, ..] => {
            Some(u16::from_be_bytes([hex_byte(*a, *b)?, hex_byte(*c, *d)?]))
        }
        _ => None,
    };
    if let Some(first) = unit(bytes) {
        let second = bytes.get(6..).and_then(unit);
        let units = [Some(first), second];
        let decoded = |count: usize| {
            let units = units.iter().take(count).flatten().copied();
            let text: String = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
            Some((text.into_bytes(), count.saturating_mul(6)))
        };
        return decoded(1).or_else(|| decoded(2));
    }
    let byte = match bytes {
        [b'\\', b'n', ..] => b'\n',
        [b'\\', b'r', ..] => b'\r',
        [b'\\', b't', ..] => b'\t',
        [b'\\', b'b', ..] => 8,
        [b'\\', b'f', ..] => 12,
        [b'\\', same @ (b'"' | b'\\' | b'/' | b'\''), ..] => *same,
        _ => return None,
    };
    Some((vec![byte], 2))
}

fn hex_byte(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    Some(digit(high)?.checked_mul(16)?.saturating_add(digit(low)?))
}

fn forms_of(secret: &str) -> Vec<Vec<u8>> {
    if secret.is_empty() {
        return Vec::new();
    }
    let mut forms = vec![secret.as_bytes().to_vec()];
    for alphabet in [alphabet::STANDARD, alphabet::URL_SAFE] {
        let base64 = base64_forms(secret.as_bytes(), &alphabet);
        forms.extend(base64.into_iter().map(String::into_bytes));
    }
    forms
}

/// What stays the same of its base64 wherever it begins within three bytes.
fn base64_forms(secret: &[u8], alphabet: &alphabet::Alphabet) -> Vec<String> {
    let engine = GeneralPurpose::new(alphabet, NO_PAD);
    let aligned = |before: usize| {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(secret);
        let text = engine.encode(&bytes);
        // Characters that share bits with the neighbours differ; the rest is always there.
        let first = before.saturating_mul(8).div_ceil(6);
        let last = bytes.len().saturating_mul(8) / 6;
        text.get(first..last).map(str::to_owned)
    };
    (0..3).filter_map(aligned).filter(|text| text.len() >= 4).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(secret: &str, text: &str) -> String {
        Mask::new([&Secret::new(secret)]).text(text)
    }

    #[test]
    fn every_form_of_a_secret_is_hidden() {
        let secret = "p a/ß\"+€😀x";
        let python = "p a/\\u00df\\\"+\\u20ac\\ud83d\\ude00x";
        let twice = serde_json::to_string(&serde_json::to_string(secret).unwrap()).unwrap();
        let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let json = serde_json::to_string(secret).unwrap();
        let forms = [
            secret.to_owned(),
            json.replace('/', "\\/"),
            json,
            twice,
            python.into(),
            python.replace("00df", "00DF"),
            form.replace('+', "%20"),
            form.replace("%2F", "/"),
            form.to_ascii_lowercase(),
            form,
        ];
        for form in forms {
            let shown = masked(secret, &format!("before {form} after"));
            let bare = shown.replace(['"', '\\'], "");
            assert_eq!(bare, "before *** after", "{form}");
        }
    }

    #[test]
    fn base64_is_hidden_wherever_it_begins() {
        let secret = "??>>correct horse??>>";
        let engines = [alphabet::STANDARD, alphabet::URL_SAFE]
            .map(|alphabet| GeneralPurpose::new(&alphabet, NO_PAD));
        for engine in engines {
            for (before, after) in [("", ""), ("u:", "x"), ("user:", "yy"), ("k", "zzz")] {
                let text = engine.encode(format!("{before}{secret}{after}"));
                let shown = masked(secret, &text);
                assert!(shown.contains("***") && shown.len() < 16, "{text}: {shown}");
                let query = text.replace('/', "%2F").replace('+', "%2B");
                assert!(masked(secret, &query).len() < 20, "{query}");
            }
        }
    }

    #[test]
    fn telling_fields_are_hidden_and_others_are_not() {
        for (text, shown) in [
            (r#"{"password":"a\"b","n":1}"#, r#"{"password":"***","n":1}"#),
            (r#"{"new_Password" : "a\\", "n":1}"#, r#"{"new_Password" : "***", "n":1}"#),
            (r#"{"accessToken":12345,"n":1}"#, r#"{"accessToken":***,"n":1}"#),
            (r#"{"secrets":{"a":["}",2],"b":3},"n":1}"#, r#"{"secrets":***,"n":1}"#),
            (r#"{"cookies":["a","b"]}"#, r#"{"cookies":***}"#),
            (r#""{\"token\":\"a\\\"b\",\"n\":1}""#, r#""{\"token\":\"***\",\"n\":1}""#),
            ("{'password': 'x y', 'n': 1}", "{'password': '***', 'n': 1}"),
            ("Authorization: Bearer a.b", "Authorization: ***"),
            ("Set-Cookie: a=b; Path=/", "Set-Cookie: ***"),
            ("GET /?access_token=abc&n=1", "GET /?access_token=***&n=1"),
            ("PASSWORD=abc n=1", "PASSWORD=*** n=1"),
            (r#"{"password":"cut of"#, r#"{"password":"***"#),
            ("The password is too short: 8 at least", "The password is too short: 8 at least"),
        ] {
            assert_eq!(Mask::default().text(text), shown, "{text}");
        }
    }

    #[test]
    fn no_half_of_a_secret_is_left_where_a_text_was_cut() {
        let mask = Mask::new([&Secret::new("0123456789abcdef")]);
        let text = format!("{} 0123456789abcdef {} 01234567", "x".repeat(300), "y".repeat(300));
        let shown = mask.cut_text(&text);
        assert!(shown.starts_with("xxx") && shown.contains("***") && !shown.contains("0123"));
        let across = format!("{}{}", "é".repeat(200), "0123456789abcdef".repeat(20));
        assert!(!mask.cut_text(&across).contains('0'));
    }
}
