//! The files that people get: templates, exports, rows that were refused.

use super::book::Book;
use super::workbook::Sheets;
use super::{File, MAX_KEPT, Options, Refusal, cells, columns, is_blank, is_type_line};
use crate::error::Error;
use std::collections::BTreeMap;

pub fn csv<H, R, C>(headings: &[H], rows: R) -> Vec<u8>
where
    H: AsRef<str>,
    R: IntoIterator<Item = Vec<C>>,
    C: AsRef<str>,
{
    let mut file = String::from('\u{FEFF}');
    line(&mut file, headings);
    for row in rows {
        line(&mut file, &row);
    }
    file.into_bytes()
}

pub fn line<C: AsRef<str>>(file: &mut String, cells: &[C]) {
    for (place, cell) in cells.iter().enumerate() {
        if place > 0 {
            file.push(',');
        }
        push(file, cell.as_ref(), cells.len() == 1);
    }
    file.push_str("\r\n");
}

/// A lone empty cell would be a blank line, so it is quoted.
fn push(file: &mut String, cell: &str, alone: bool) {
    let mark = if cells::is_run(cell.trim_start_matches('\'')) { "'" } else { "" };
    let quoted = cell.contains([',', ';', '"', '\r', '\n', '\t'])
        || cell.trim().len() != cell.len()
        || (alone && cell.is_empty());
    if quoted {
        file.push('"');
        file.push_str(mark);
        file.push_str(&cell.replace('"', "\"\""));
        file.push('"');
    } else {
        file.push_str(mark);
        file.push_str(cell);
    }
}

pub fn refused(
    bytes: &[u8],
    options: &Options,
    reasons: &BTreeMap<u32, String>,
) -> Result<Vec<u8>, Refusal> {
    let mut headings: Option<(Vec<String>, Vec<bool>)> = None;
    let (mut rows, mut kept) = (Vec::new(), 0);
    File::open(bytes, options)?.each(&mut |line, cells| {
        let Some((heads, secret)) = &headings else {
            if !is_blank(cells) && !is_type_line(cells) {
                let (found, _) = columns::recognise(cells, options)?;
                let secret = found.iter().map(|c| c.used == columns::Use::Password).collect();
                headings = Some((cells.to_vec(), secret));
            }
            return Ok(());
        };
        if let Some(reason) = reasons.get(&line) {
            let shown = |(at, cell): (usize, &String)| match secret.get(at) {
                Some(false) => cells::plain(cell).to_owned(),
                _ => String::new(),
            };
            let mut row: Vec<String> = cells.iter().enumerate().map(shown).collect();
            row.resize(heads.len(), String::new());
            row.push(reason.clone());
            kept += row.iter().map(String::len).sum::<usize>();
            if kept > MAX_KEPT {
                return Err(Refusal::too_much());
            }
            rows.push(row);
        }
        Ok(())
    })?;
    let (mut heads, _) = headings.unwrap_or_default();
    heads.push("Reason".to_owned());
    Ok(csv(&heads, rows))
}

/// The same rows on the same lines with a star for each password; nothing where there is none.
pub fn masked(bytes: &[u8], options: &Options) -> Result<Option<Vec<u8>>, Refusal> {
    match File::open(bytes, options)? {
        File::Xlsx(mut book) => masked_book(&mut book, options),
        mut file => masked_text(&mut file, options),
    }
}

/// Rows among which the headings of a sheet are looked for.
const HEADS: u32 = 30;

/// The passwords of a sheet: which columns, once a row has named them.
#[derive(Default)]
struct Secrets {
    columns: Vec<bool>,
    /// Whether a row that is not blank was seen.
    begun: bool,
}

impl Secrets {
    /// What is kept of a row, and whether that hides something.
    fn hide(&mut self, line: u32, cells: &[String], options: &Options) -> (Vec<String>, bool) {
        let mut any = false;
        let shown = |(at, cell): (usize, &String)| {
            let hidden = self.columns.get(at) == Some(&true) && !cell.trim().is_empty();
            any |= hidden;
            if hidden { "*".to_owned() } else { cell.clone() }
        };
        let kept: Vec<String> = cells.iter().enumerate().map(shown).collect();
        let first = !self.begun && !is_blank(cells) && !is_type_line(cells);
        self.begun |= first;
        if self.columns.is_empty() && (first || line <= HEADS) {
            let found = columns::secrets(cells, options);
            if found.contains(&true) && (first || columns::are_headings(cells, options)) {
                self.columns = found;
            }
        }
        (kept, any)
    }
}

/// Every sheet of a workbook is looked at, also those that nobody sees: these are left out of what is
/// kept, as is one that cannot be read.
fn masked_book(book: &mut Book, options: &Options) -> Result<Option<Vec<u8>>, Refusal> {
    let (mut any, mut good) = (false, Vec::new());
    for (name, visible) in book.all() {
        let mut secrets = Secrets::default();
        let read = book.each_of(&name, &mut |line, cells| {
            any |= secrets.hide(line, cells, options).1;
            Ok(())
        });
        match read {
            Ok(()) if visible => good.push(name),
            Ok(()) => {}
            Err(refusal) if name == book.sheet => return Err(refusal),
            Err(_) => any = true,
        }
    }
    if !any {
        return Ok(None);
    }
    let mut sheets = Sheets::new();
    for name in good {
        let mut secrets = Secrets::default();
        sheets.begin(&name).map_err(unwritten)?;
        book.each_of(&name, &mut |line, cells| {
            let (kept, _) = secrets.hide(line, cells, options);
            sheets.line(line.saturating_sub(1), &kept).map_err(unwritten)
        })?;
    }
    sheets.finish().map(Some).map_err(unwritten)
}

fn unwritten(_: Error) -> Refusal {
    Refusal::new("cannot be kept without its passwords: take them out first")
}

fn masked_text(file: &mut File, options: &Options) -> Result<Option<Vec<u8>>, Refusal> {
    let mut secret: Option<Vec<bool>> = None;
    let (mut text, mut at, mut any) = (String::from('\u{FEFF}'), 1, false);
    file.each(&mut |line, cells| {
        while at < line {
            text.push_str("\r\n");
            at += 1;
        }
        at += 1;
        let heading = secret.is_none() && !is_blank(cells) && !is_type_line(cells);
        for (place, cell) in cells.iter().enumerate() {
            let hidden = secret.as_ref().and_then(|secret| secret.get(place)) == Some(&true);
            let hidden = hidden && !cell.trim().is_empty();
            any |= hidden;
            let shown = if hidden { "*" } else { cell };
            text.push_str(if place > 0 { ",\"" } else { "\"" });
            text.push_str(&shown.replace('"', "\"\""));
            text.push('"');
        }
        text.push_str("\r\n");
        if heading {
            let found = columns::secrets(cells, options);
            if !found.contains(&true) {
                return Err(Refusal::new(NOTHING));
            }
            secret = Some(found);
        }
        Ok(())
    })
    .or_else(|refusal| if refusal.to_string() == NOTHING { Ok(()) } else { Err(refusal) })?;
    Ok(any.then(|| text.into_bytes()))
}

/// What ends the look at a file whose headings name no password.
const NOTHING: &str = "names no password";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_marked() {
        let cells = vec!["=1+1", "+49", "-1", "@x", "\tt", "\rr", "a,b", "", "'=", "'s"];
        let file = String::from_utf8(csv(&["a"], [cells])).unwrap();
        let want = "\u{FEFF}a\r\n'=1+1,'+49,'-1,'@x,\"'\tt\",\"'\rr\",\"a,b\",,''=,'s\r\n";
        assert_eq!(file, want);
    }

    #[test]
    fn refused_rows_come_back_with_their_reason_and_without_passwords() {
        let file = b"UPN;Password;Phone\na@x.example;s3cret;'+49\nb@x.example;s3cret;\n";
        let reasons = BTreeMap::from([(2, "is taken".to_owned())]);
        let refused = super::refused(file, &Options::default(), &reasons).unwrap();
        let want = "\u{FEFF}UPN,Password,Phone,Reason\r\na@x.example,,'+49,is taken\r\n";
        assert_eq!(String::from_utf8(refused).unwrap(), want);
    }

    #[test]
    fn passwords_are_masked_and_every_row_stays_on_its_line() {
        let file = "#TYPE x\nUPN;Password;Notes\n\na@x.example;s3cret;=1+1\n\nb@x.example;;\"say \"\"hi\"\"\"\n";
        let masked = super::masked(file.as_bytes(), &Options::default()).unwrap().unwrap();
        let text = String::from_utf8(masked.clone()).unwrap();
        assert!(!text.contains("s3cret") && text.contains("\"=1+1\""), "{text}");
        let rows = |bytes: &[u8]| {
            let sheet = crate::sheet::read(bytes, &Options::default()).unwrap();
            let told = sheet.notices.join(" ");
            (
                sheet
                    .rows
                    .iter()
                    .map(|row| format!("{} {:?}", row.line, row.cells))
                    .collect::<Vec<_>>(),
                told,
            )
        };
        assert_eq!(rows(&masked), rows(file.as_bytes()));
        let plain = b"UPN,Notes\na@x.example,Password\n";
        assert!(super::masked(plain, &Options::default()).unwrap().is_none());
    }
}
