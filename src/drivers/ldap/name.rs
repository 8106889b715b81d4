//! Distinguished names (RFC 4514). They are put together from parts and never from text, so that no
//! value can become a part of its own.

use std::fmt;

/// One step of a name, like `OU=Sales`; seldom more than one pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rdn(Vec<(String, String)>);

/// The most specific step first.
#[derive(Clone, Debug)]
pub struct Dn(Vec<Rdn>);

/// Longer names no directory has.
const LONGEST: usize = 8 * 1024;

impl Rdn {
    pub fn new(kind: &str, value: &str) -> Result<Rdn, String> {
        if !is_kind(kind) {
            return Err(format!("“{kind}” is not the name of an attribute"));
        }
        if value.trim().is_empty() {
            return Err("is empty".into());
        }
        if value.contains('\0') {
            return Err("has a character that no directory takes".into());
        }
        Ok(Rdn(vec![(kind.to_owned(), value.to_owned())]))
    }

    /// The value of the first pair.
    pub fn value(&self) -> &str {
        self.0.first().map_or("", |(_, value)| value)
    }

    /// The attribute of the first pair.
    pub fn kind(&self) -> &str {
        self.0.first().map_or("", |(kind, _)| kind)
    }

    fn folded(&self) -> Vec<(String, String)> {
        let mut all: Vec<_> =
            self.0.iter().map(|(kind, value)| (kind.to_lowercase(), fold(value))).collect();
        all.sort();
        all
    }
}

/// As directories compare: without case, runs of blanks as one.
pub fn fold(value: &str) -> String {
    value.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_kind(text: &str) -> bool {
    let oid = text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    (oid || word) && text.len() <= 64
}

impl Dn {
    /// Reads a name that a directory or a person wrote.
    pub fn parse(text: &str) -> Result<Dn, String> {
        if text.len() > LONGEST {
            return Err("is too long".into());
        }
        let mut reader = Reader { rest: text };
        let mut steps = Vec::new();
        while !reader.rest.trim().is_empty() {
            let mut pairs = vec![reader.pair()?];
            while reader.take('+') {
                pairs.push(reader.pair()?);
            }
            steps.push(Rdn(pairs));
            if reader.rest.is_empty() {
                return Ok(Dn(steps));
            }
            if !(reader.take(',') || reader.take(';')) || reader.rest.trim().is_empty() {
                return Err("is not a name like OU=Customers,DC=example,DC=com".into());
            }
        }
        match steps.is_empty() {
            true => Err("is empty".into()),
            false => Ok(Dn(steps)),
        }
    }

    /// What lies directly below it by that name.
    pub fn child(&self, step: Rdn) -> Dn {
        let mut all = vec![step];
        all.extend(self.0.iter().cloned());
        Dn(all)
    }

    pub fn parent(&self) -> Option<Dn> {
        match self.0.split_first() {
            Some((_, rest)) if !rest.is_empty() => Some(Dn(rest.to_vec())),
            _ => None,
        }
    }

    pub fn first(&self) -> Option<&Rdn> {
        self.0.first()
    }

    /// Whether it lies below `other`, at any depth. Nothing lies below itself.
    pub fn is_below(&self, other: &Dn) -> bool {
        let (mine, theirs) = (self.folded(), other.folded());
        mine.len() > theirs.len() && mine.ends_with(&theirs)
    }

    fn folded(&self) -> Vec<Vec<(String, String)>> {
        self.0.iter().map(Rdn::folded).collect()
    }
}

impl PartialEq for Dn {
    fn eq(&self, other: &Dn) -> bool {
        self.folded() == other.folded()
    }
}

impl Eq for Dn {}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn take(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn pair(&mut self) -> Result<(String, String), String> {
        let (kind, rest) =
            self.rest.split_once('=').ok_or("is not a name like OU=Customers,DC=example,DC=com")?;
        let kind = kind.trim();
        if !is_kind(kind) {
            return Err("is not a name like OU=Customers,DC=example,DC=com".into());
        }
        self.rest = rest.trim_start_matches(' ');
        if self.rest.starts_with(['#', '"']) {
            return Err("has a value in a form that is not read here".into());
        }
        Ok((kind.to_owned(), self.value()?))
    }

    fn value(&mut self) -> Result<String, String> {
        let mut bytes = Vec::new();
        // Up to here nothing is a blank that may go.
        let mut kept = 0;
        while let Some(c) = self.rest.chars().next() {
            if matches!(c, ',' | ';' | '+') {
                break;
            }
            self.rest = self.rest.get(c.len_utf8()..).unwrap_or_default();
            if c != '\\' {
                bytes.extend(c.to_string().into_bytes());
                if c != ' ' {
                    kept = bytes.len();
                }
                continue;
            }
            let pair = self.rest.get(..2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
            match (pair, self.rest.chars().next()) {
                (Some(byte), Some(first)) if first.is_ascii_hexdigit() => {
                    bytes.push(byte);
                    self.rest = self.rest.get(2..).unwrap_or_default();
                }
                (_, Some(special)) if " \"#+,;<=>\\".contains(special) => {
                    bytes.extend(special.to_string().into_bytes());
                    self.rest = self.rest.get(special.len_utf8()..).unwrap_or_default();
                }
                _ => return Err("has a backslash that stands for nothing".into()),
            }
            kept = bytes.len();
        }
        bytes.truncate(kept);
        String::from_utf8(bytes).map_err(|_| "is not text".into())
    }
}

impl fmt::Display for Rdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (kind, value)) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("+")?;
            }
            write!(f, "{kind}=")?;
            let last = value.chars().count().saturating_sub(1);
            for (place, c) in value.chars().enumerate() {
                match c {
                    '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=' => write!(f, "\\{c}")?,
                    '#' if place == 0 => f.write_str("\\#")?,
                    ' ' if place == 0 || place == last => f.write_str("\\ ")?,
                    c if c.is_ascii_control() => write!(f, "\\{:02X}", u32::from(c))?,
                    c => write!(f, "{c}")?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            step.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dn(text: &str) -> Dn {
        Dn::parse(text).unwrap()
    }

    #[test]
    fn names_are_read_as_directories_write_them() {
        for (text, values) in [
            (
                "CN=Theo Vane,OU=Sales,DC=example,DC=com",
                vec!["Theo Vane", "Sales", "example", "com"],
            ),
            ("CN=Vane\\, Theo , DC=com", vec!["Vane, Theo", "com"]),
            ("CN=S\\C3\\B6hne \\+ Co,DC=com", vec!["Söhne + Co", "com"]),
            ("CN=\\ x\\ ,DC=com", vec![" x ", "com"]),
            ("CN=\\#x,DC=com", vec!["#x", "com"]),
            ("CN=a\\0ADEL:1,DC=com", vec!["a\nDEL:1", "com"]),
        ] {
            let read: Vec<String> = dn(text).0.iter().map(|step| step.value().to_owned()).collect();
            assert_eq!(read, values, "{text}");
        }
        for text in [
            "", "x", "=x", "CN", "CN=x,", "CN=x\\", "CN=x\\q", "CN=#04", "CN=\"x\"", "C N=x",
            ",CN=x",
        ] {
            assert!(Dn::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn below_is_judged_by_steps_and_not_by_text() {
        let base = dn("OU=Customers,DC=example,DC=com");
        assert!(dn("ou=acme,ou=customers,dc=EXAMPLE,dc=com").is_below(&base));
        assert!(!base.is_below(&base));
        for outside in [
            "OU=x,OU=Other,DC=example,DC=com",
            "CN=x\\,OU=Customers\\,DC=example\\,DC=com,DC=evil",
            "OU=xOU\\=Customers,DC=example,DC=com",
            "DC=example,DC=com",
        ] {
            assert!(!dn(outside).is_below(&base), "{outside}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_in_a_value_stays_in_it(values in prop::collection::vec("\\PC{1,40}|[ ,+\"\\\\<>;=#*()\\n\\t]{1,12}", 1..5)) {
            let mut name = dn("DC=example");
            let mut made = Vec::new();
            for value in &values {
                if let Ok(step) = Rdn::new("OU", value) {
                    name = name.child(step);
                    made.push(value.clone());
                }
            }
            let read = dn(&name.to_string());
            let back: Vec<String> = read.0.iter().rev().skip(1).map(|step| step.value().to_owned()).collect();
            prop_assert_eq!(back, made);
            prop_assert_eq!(read, name);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,60}|[A-C=,+\\\\ #\"0-9]{0,40}") {
            if let Ok(name) = Dn::parse(&text) {
                prop_assert_eq!(dn(&name.to_string()), name);
            }
        }
    }
}
