//! CSV: which bytes are which letters, what separates the cells, and where rows end. Read by hand
//! because the `csv` crate tells neither an open quote nor a blank line.

use super::{Encoding, MAX_CELL, MAX_COLUMNS, Refusal};
use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Chars;

/// How much of a file decides on zero bytes.
const SAMPLE: usize = 4_096;

/// The letters of a file and the encoding they were in.
pub fn decode(bytes: &[u8], wanted: Option<Encoding>) -> Result<(Cow<'_, str>, Encoding), Refusal> {
    let encoding = wanted.unwrap_or_else(|| detect(bytes));
    let (text, damaged) = match encoding {
        Encoding::Utf8 => encoding_rs::UTF_8.decode_with_bom_removal(bytes),
        Encoding::Utf16Le => encoding_rs::UTF_16LE.decode_with_bom_removal(bytes),
        Encoding::Utf16Be => encoding_rs::UTF_16BE.decode_with_bom_removal(bytes),
        Encoding::Windows1252 => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes),
    };
    if damaged {
        let name = encoding.word();
        return Err(Refusal::new(format!("is not {name} throughout: choose another encoding")));
    }
    if text.contains('\0') {
        return Err(Refusal::new("is not CSV or XLSX: it has zero bytes in it"));
    }
    Ok((text, encoding))
}

fn detect(bytes: &[u8]) -> Encoding {
    match bytes {
        [0xEF, 0xBB, 0xBF, ..] => return Encoding::Utf8,
        [0xFF, 0xFE, ..] => return Encoding::Utf16Le,
        [0xFE, 0xFF, ..] => return Encoding::Utf16Be,
        _ => {}
    }
    let (mut even, mut odd) = (0_usize, 0_usize);
    for (place, byte) in bytes.iter().take(SAMPLE).enumerate() {
        if *byte == 0 {
            if place % 2 == 0 { even += 1 } else { odd += 1 }
        }
    }
    if odd > 4 * even && odd >= bytes.len().min(SAMPLE) / 4 {
        Encoding::Utf16Le
    } else if std::str::from_utf8(bytes).is_ok() {
        Encoding::Utf8
    } else {
        Encoding::Windows1252
    }
}

/// What separates the cells, and the text without a line that only says so.
pub fn separator(text: &str, wanted: Option<char>) -> Result<(char, &str), Refusal> {
    let line = text.split(['\r', '\n']).next().unwrap_or("");
    let said = line.trim_matches('"').strip_prefix("sep=").and_then(|rest| {
        let mut letters = rest.chars();
        let first =
            letters.next().filter(|c| *c == '\t' || (c.is_ascii_punctuation() && *c != '"'));
        letters.next().is_none().then_some(first).flatten()
    });
    let rest = match said {
        None => text,
        Some(_) => {
            let rest = text.get(line.len()..).unwrap_or("");
            rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(['\r', '\n'])).unwrap_or("")
        }
    };
    match wanted.or(said) {
        Some(separator) => Ok((separator, rest)),
        None => Ok((guess(rest)?, rest)),
    }
}

/// The one of comma, semicolon and tab that splits the heading most, outside quotes.
fn guess(text: &str) -> Result<char, Refusal> {
    let mut best = (0, ',');
    let heading = heading(text);
    if heading.trim().is_empty() {
        return Ok(',');
    }
    for candidate in [',', ';', '\t'] {
        let mut quoted = false;
        let splits = heading.chars().filter(|c| {
            quoted ^= *c == '"';
            !quoted && *c == candidate
        });
        let splits = splits.count();
        if splits > best.0 {
            best = (splits, candidate);
        }
    }
    match best {
        (0, _) => Err(Refusal::new("has only one column: choose what separates its cells")),
        (_, separator) => Ok(separator),
    }
}

/// The first line that is neither blank nor a type name, with the line ends that are in quotes.
fn heading(text: &str) -> &str {
    let mut rest = text;
    loop {
        let mut quoted = false;
        let end = rest.find(|c| {
            quoted ^= c == '"';
            !quoted && matches!(c, '\r' | '\n')
        });
        let (line, tail) = end.and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, ""));
        let typed = line.trim_start_matches('"').starts_with("#TYPE");
        if tail.is_empty() || !(typed || line.trim().is_empty()) {
            return line;
        }
        rest = tail.trim_start_matches(['\r', '\n']);
    }
}

/// The rows of a text, one at a time.
pub struct Records<'a> {
    chars: Peekable<Chars<'a>>,
    separator: char,
    /// The row that was read last, blank ones counted, the first is 1.
    pub row: u32,
}

impl<'a> Records<'a> {
    pub fn new(text: &'a str, separator: char) -> Records<'a> {
        Records { chars: text.chars().peekable(), separator, row: 0 }
    }

    /// Reads the next row into `cells`; false when there is none.
    pub fn next(&mut self, cells: &mut Vec<String>) -> Result<bool, Refusal> {
        cells.clear();
        if self.chars.peek().is_none() {
            return Ok(false);
        }
        self.row = self.row.saturating_add(1);
        let mut cell = String::new();
        let (mut letters, mut fresh, mut quoted) = (0, true, false);
        loop {
            let Some(letter) = self.chars.next() else {
                if quoted {
                    let row = self.row;
                    return Err(Refusal::new(format!(
                        "has a quote in line {row} that is never closed"
                    )));
                }
                break;
            };
            if quoted {
                if letter != '"' || self.chars.next_if_eq(&'"').is_some() {
                    cell.push(letter);
                    letters += 1;
                } else {
                    quoted = false;
                }
            } else if letter == '"' && fresh {
                quoted = true;
                fresh = false;
            } else if letter == self.separator {
                push(cells, std::mem::take(&mut cell))?;
                (letters, fresh) = (0, true);
            } else if letter == '\n' {
                break;
            } else if letter == '\r' {
                self.chars.next_if_eq(&'\n');
                break;
            } else {
                cell.push(letter);
                letters += 1;
                fresh = false;
            }
            if letters > MAX_CELL {
                return Err(too_long(self.row, quoted));
            }
        }
        push(cells, cell)?;
        Ok(true)
    }
}

/// Cells beyond the last column are let go while they are empty.
fn push(cells: &mut Vec<String>, cell: String) -> Result<(), Refusal> {
    if cells.len() < MAX_COLUMNS {
        cells.push(cell);
    } else if !cell.trim().is_empty() {
        return Err(Refusal::columns());
    }
    Ok(())
}

fn too_long(row: u32, quoted: bool) -> Refusal {
    let quote = if quoted { ", or a quote that is never closed" } else { "" };
    Refusal::new(format!("has a cell of more than 4,000 characters in line {row}{quote}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, separator: char) -> Result<Vec<Vec<String>>, Refusal> {
        let mut records = Records::new(text, separator);
        let (mut cells, mut all) = (Vec::new(), Vec::new());
        while records.next(&mut cells)? {
            all.push(cells.clone());
        }
        Ok(all)
    }

    #[test]
    fn quotes_hold_separators_line_ends_and_quotes() {
        let read = rows("a,\"b,\"\"c\"\"\r\nd\"\r\n,e\"f\r\rlast\n", ',').unwrap();
        let want: [&[&str]; 4] = [&["a", "b,\"c\"\r\nd"], &["", "e\"f"], &[""], &["last"]];
        assert_eq!(read, want);
    }

    #[test]
    fn an_open_quote_names_its_line() {
        let refusal = rows("a,b\n1,\"2\n3,4\n", ',').unwrap_err();
        assert_eq!(refusal.to_string(), "has a quote in line 2 that is never closed");
    }

    #[test]
    fn the_separator_is_the_one_that_splits_the_heading_most() {
        assert_eq!(separator("\"a;b;c\",d\n1;2", None).unwrap().0, ',');
        assert_eq!(separator("#TYPE x,y,z\n\"a\";b\n", None).unwrap().0, ';');
        assert_eq!(separator("a,b\tc\td\n", None).unwrap().0, '\t');
        assert_eq!(separator("sep=|\r\na|b", None).unwrap(), ('|', "a|b"));
        assert_eq!(separator("sep=;\na;b", Some(',')).unwrap(), (',', "a;b"));
        assert!(separator("one\ntwo\n", None).is_err());
    }

    #[test]
    fn letters_are_told_from_the_bytes() {
        let wide: Vec<u8> = "Müller;x".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let told = |bytes: &[u8]| decode(bytes, None).map(|(text, e)| (text.into_owned(), e));
        assert_eq!(told(&wide).unwrap(), ("Müller;x".into(), Encoding::Utf16Le));
        assert_eq!(told(b"M\xFCller").unwrap(), ("Müller".into(), Encoding::Windows1252));
        assert_eq!(told("\u{FEFF}Müller".as_bytes()).unwrap(), ("Müller".into(), Encoding::Utf8));
        assert!(decode(b"M\xFCller", Some(Encoding::Utf8)).is_err());
        assert!(told(b"a,b\0c").is_err());
    }
}
