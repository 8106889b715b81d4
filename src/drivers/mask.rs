//! Secrets, and the log that never shows one. Masking works on whole texts before anything is cut,
//! so that no half of a secret is left at the edge.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use regex::Regex;
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

/// A text that is neither printed nor serialised by itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text itself, for handing it to whom it is meant for.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

const STARS: &str = "***";

/// Finds secrets in the forms that logs show them in: plain, base64, URL and JSON.
#[derive(Clone, Default)]
pub struct Mask {
    forms: Vec<String>,
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
        let mut forms: Vec<String> = secrets.into_iter().flat_map(|s| forms_of(&s.0)).collect();
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
        let longest = self.forms.iter().map(String::len).max().unwrap_or(0);
        let mut end = text.len().saturating_sub(longest);
        while !text.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        self.upto(text, end)
    }

    /// Whether a secret that this knows is in it.
    pub fn finds(&self, text: &str) -> bool {
        self.forms.iter().any(|form| text.contains(form.as_str()))
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

    /// What to hide, in order, without overlaps.
    fn ranges(&self, text: &str) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = self
            .forms
            .iter()
            .flat_map(|form| text.match_indices(form.as_str()))
            .map(|(at, form)| at..at.saturating_add(form.len()))
            .collect();
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

fn forms_of(secret: &str) -> Vec<String> {
    if secret.is_empty() {
        return Vec::new();
    }
    let json = serde_json::to_string(secret).unwrap_or_default();
    let json = json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_owned();
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let percent = form.replace('+', "%20");
    let slashed = json.replace('/', "\\/");
    // Python and others write everything outside ASCII as an escape.
    let ascii: String = json.chars().map(escaped).collect();
    let mut forms = vec![
        secret.to_owned(),
        form.clone(),
        lower_escapes(&form),
        lower_escapes(&percent),
        percent,
        slashed,
        ascii.replace('/', "\\/"),
        ascii,
        json,
    ];
    for alphabet in [alphabet::STANDARD, alphabet::URL_SAFE] {
        forms.extend(base64_forms(secret.as_bytes(), &alphabet));
    }
    forms.retain(|form| !form.is_empty());
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

fn escaped(c: char) -> String {
    if c.is_ascii() {
        return c.to_string();
    }
    c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// `%2F` as `%2f`.
fn lower_escapes(text: &str) -> String {
    let mut left = 0;
    let lower = |c: char| {
        if c == '%' {
            left = 3;
        }
        left = i32::max(left - 1, -1);
        if left >= 0 { c.to_ascii_lowercase() } else { c }
    };
    text.chars().map(lower).collect()
}

const LINES: usize = 1_000;
const BYTES: usize = 64 * 1024;
const LINE: usize = 8 * 1024;

/// What was said while it ran: at most 1,000 lines and 64 KiB, masked.
#[derive(Clone)]
pub struct Log {
    mask: Mask,
    lines: Vec<String>,
    bytes: usize,
    left_out: usize,
}

impl Log {
    pub fn new(mask: Mask) -> Log {
        Log { mask, lines: Vec::new(), bytes: 0, left_out: 0 }
    }

    pub fn add(&mut self, text: &str) {
        let masked = self.mask.text(text);
        self.keep(&masked);
    }

    /// A text that was cut short where it was read.
    pub fn add_cut(&mut self, text: &str) {
        let masked = self.mask.cut_text(text);
        self.keep(&masked);
        self.keep("… the rest was not kept");
    }

    fn keep(&mut self, masked: &str) {
        for line in masked.lines() {
            let clean = line.chars().map(|c| if c.is_control() && c != '\t' { ' ' } else { c });
            let mut line: String = clean.collect();
            if line.len() > LINE {
                line = line.chars().take(LINE / 4).chain(['…']).collect();
            }
            let bytes = self.bytes.saturating_add(line.len()).saturating_add(1);
            // One line and 64 bytes stay free for saying how much is missing.
            let full = self.lines.len() >= LINES.saturating_sub(1)
                || bytes > BYTES.saturating_sub(64)
                || self.left_out > 0;
            if full {
                self.left_out = self.left_out.saturating_add(1);
            } else {
                self.bytes = bytes;
                self.lines.push(line);
            }
        }
    }

    pub fn text(&self) -> String {
        let mut text = self.lines.join("\n");
        if self.left_out > 0 {
            text.push_str(&format!("\n… {} more lines", self.left_out));
        }
        text
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}
