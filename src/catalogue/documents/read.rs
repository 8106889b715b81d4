//! Reading a document, TOML or JSON, so that every complaint can name its line.

use crate::error::Complaint;
use serde_json::Value;
use std::collections::BTreeMap;
use toml::de::{DeArray, DeTable, DeValue};

/// What a file says, and on which line each key stands: `service.0.property.1.least`.
pub struct Document {
    pub file: String,
    pub tree: Value,
    lines: BTreeMap<String, usize>,
}

impl Document {
    /// Reads it as JSON where it begins like that, and as TOML otherwise.
    pub fn read(file: &str, text: &str) -> Result<Document, Complaint> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (tree, lines) = match text.trim_start().starts_with('{') {
            true => json(text),
            false => toml(text),
        }
        .map_err(|(line, message)| complaint(file, line, "", &message))?;
        Ok(Document { file: file.to_owned(), tree, lines })
    }

    /// One that was put together here, and has no lines.
    pub fn of_tree(file: &str, tree: Value) -> Document {
        Document { file: file.to_owned(), tree, lines: BTreeMap::new() }
    }

    /// A complaint about a key, with the nearest line that is known.
    pub fn complain(&self, path: &str, message: &str) -> Complaint {
        let mut known = path;
        let line = loop {
            match (self.lines.get(known), known.rfind('.')) {
                (Some(line), _) => break *line,
                (None, Some(end)) => known = known.get(..end).unwrap_or_default(),
                (None, None) => break 1,
            }
        };
        let key = path.rsplit('.').find(|part| !part.chars().all(|c| c.is_ascii_digit()));
        complaint(&self.file, line, key.unwrap_or_default(), message)
    }
}

fn complaint(file: &str, line: usize, key: &str, message: &str) -> Complaint {
    let begins = message.chars().next().is_some_and(char::is_uppercase);
    let said = match key {
        "" => message.to_owned(),
        key if begins => format!("{key}: {message}"),
        key => format!("{key} {message}"),
    };
    Complaint::new("", format!("{file}, line {line}: {said}"))
}

type Read = Result<(Value, BTreeMap<String, usize>), (usize, String)>;

fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).map_or(1, |before| before.matches('\n').count() + 1)
}

fn toml(text: &str) -> Read {
    let wrong = |err: toml::de::Error| {
        (line_of(text, err.span().map_or(0, |span| span.start)), err.message().to_owned())
    };
    let table = DeTable::parse(text).map_err(wrong)?;
    let mut lines = BTreeMap::new();
    keys(table.get_ref(), "", text, &mut lines);
    let mut tree: Value = toml::from_str(text).map_err(wrong)?;
    dates(&mut tree);
    Ok((tree, lines))
}

fn keys(table: &DeTable, path: &str, text: &str, lines: &mut BTreeMap<String, usize>) {
    for (name, value) in table {
        let own = match path {
            "" => name.get_ref().to_string(),
            path => format!("{path}.{}", name.get_ref()),
        };
        lines.insert(own.clone(), line_of(text, name.span().start));
        match value.get_ref() {
            DeValue::Table(inner) => keys(inner, &own, text, lines),
            DeValue::Array(all) => elements(all, &own, text, lines),
            _ => {}
        }
    }
}

fn elements(all: &DeArray, path: &str, text: &str, lines: &mut BTreeMap<String, usize>) {
    for (n, each) in all.iter().enumerate() {
        if let DeValue::Table(inner) = each.get_ref() {
            let own = format!("{path}.{n}");
            lines.insert(own.clone(), line_of(text, each.span().start));
            keys(inner, &own, text, lines);
        }
    }
}

/// A date without quotes is a date of TOML; here it is a text like in JSON.
fn dates(tree: &mut Value) {
    match tree {
        Value::Object(object) => {
            if let (1, Some(Value::String(date))) =
                (object.len(), object.get("$__toml_private_datetime"))
            {
                *tree = Value::from(date.clone());
                return;
            }
            object.values_mut().for_each(dates);
        }
        Value::Array(all) => all.iter_mut().for_each(dates),
        _ => {}
    }
}

fn json(text: &str) -> Read {
    let tree: Value =
        serde_json::from_str(text).map_err(|err| (err.line(), "is not JSON as expected".into()))?;
    let mut lines = BTreeMap::new();
    let mut scan = Scan { text, bytes: text.as_bytes(), at: 0 };
    scan.value("", &mut lines);
    Ok((tree, lines))
}

/// Finds the keys in a text that was read as JSON already, so that nothing has to be checked again.
struct Scan<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&mut self) -> u8 {
        while self.bytes.get(self.at).is_some_and(|b| b.is_ascii_whitespace() || b",:".contains(b))
        {
            self.at += 1;
        }
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn string(&mut self) -> String {
        let from = self.at;
        self.at += 1;
        while let Some(b) = self.bytes.get(self.at) {
            match b {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let quoted = self.text.get(from..self.at).unwrap_or_default();
        serde_json::from_str(quoted).unwrap_or_default()
    }

    fn value(&mut self, path: &str, lines: &mut BTreeMap<String, usize>) {
        match self.peek() {
            b'"' => drop(self.string()),
            b'{' => {
                self.at += 1;
                while !matches!(self.peek(), b'}' | 0) {
                    let at = self.at;
                    let name = self.string();
                    let own = if path.is_empty() { name } else { format!("{path}.{name}") };
                    lines.insert(own.clone(), line_of(self.text, at));
                    self.value(&own, lines);
                }
                self.at += 1;
            }
            b'[' => {
                self.at += 1;
                let mut n = 0;
                while !matches!(self.peek(), b']' | 0) {
                    let own = format!("{path}.{n}");
                    lines.insert(own.clone(), line_of(self.text, self.at));
                    self.value(&own, lines);
                    n += 1;
                }
                self.at += 1;
            }
            _ => {
                while self.bytes.get(self.at).is_some_and(|b| !b",]}".contains(b)) {
                    self.at += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = "format = \"portico/1\"\n\n[[service]]\ncode = \"vpn\"\nfrom = 2026-01-31\n\n\
                        [[service.property]]\nname = \"a\"\n\n[[service.property]]\nname = \"b\"\nleast = 1\n";

    #[test]
    fn every_key_has_its_line() {
        let read = Document::read("vpn.toml", TOML).unwrap();
        assert_eq!(read.tree["service"][0]["property"][1]["least"], 1);
        assert_eq!(read.tree["service"][0]["from"], "2026-01-31");
        let text = serde_json::to_string_pretty(&read.tree).unwrap();
        let again = Document::read("vpn.json", &text).unwrap();
        assert_eq!(again.tree, read.tree);
        let said = |read: &Document, path: &str| read.complain(path, "is wrong").message;
        assert_eq!(said(&read, "service.0.property.1.least"), "vpn.toml, line 12: least is wrong");
        assert_eq!(said(&read, "service.0.property.0.label"), "vpn.toml, line 7: label is wrong");
        let line = text.lines().position(|line| line.contains("\"least\"")).unwrap() + 1;
        assert_eq!(
            said(&again, "service.0.property.1.least"),
            format!("vpn.json, line {line}: least is wrong")
        );
    }

    #[test]
    fn what_is_no_document_says_where() {
        let said = |text: &str| Document::read("x", text).err().unwrap().message;
        assert!(said("a = 1\nb =\n").starts_with("x, line 2: "), "{}", said("a = 1\nb =\n"));
        assert!(said("a = 1\na = 2\n").starts_with("x, line 2: "));
        assert_eq!(said("{\n\"a\": }\n"), "x, line 2: is not JSON as expected");
    }
}
