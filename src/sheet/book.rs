//! XLSX. Whether it can be unpacked at all is settled before calamine, which trusts what a file
//! says about itself.

use super::{MAX_CELL, MAX_COLUMNS, Refusal, Taker};
use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx};
use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use zip::ZipArchive;

/// All parts together, unpacked.
const MAX_UNPACKED: u64 = 200_000_000;
/// Parts of the archive.
const MAX_PARTS: usize = 5_000;
/// Elements outside the sheets themselves, which calamine holds in memory.
const MAX_ELEMENTS: usize = 6_000_000;

/// Sheets that are offered.
const MAX_SHEETS: usize = 100;

type Unpacked<'a> = Xlsx<Cursor<&'a [u8]>>;

pub struct Book<'a> {
    inner: Unpacked<'a>,
    /// The sheets that a person sees.
    pub sheets: Vec<String>,
    /// The one that is read.
    pub sheet: String,
}

impl<'a> Book<'a> {
    pub fn open(bytes: &'a [u8], wanted: Option<&str>) -> Result<Book<'a>, Refusal> {
        check(bytes)?;
        let inner = guarded(|| Xlsx::new(Cursor::new(bytes)).map_err(damaged))?;
        let visible = inner.sheets_metadata().iter().filter(|sheet| {
            sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet
        });
        let sheets: Vec<String> =
            visible.map(|sheet| sheet.name.clone()).take(MAX_SHEETS).collect();
        let found = match wanted {
            None => sheets.first(),
            Some(name) => sheets.iter().find(|sheet| sheet.as_str() == name),
        };
        let Some(sheet) = found.cloned() else {
            return Err(match wanted {
                None => Refusal::new("has no sheet that can be seen"),
                Some(name) => {
                    Refusal::new(format!("has no sheet ‘{name}’. Found: {}", sheets.join(", ")))
                }
            });
        };
        Ok(Book { inner, sheets, sheet })
    }

    /// All sheets with cells, and whether a person sees them.
    pub fn all(&self) -> Vec<(String, bool)> {
        let sheets = self.inner.sheets_metadata().iter();
        let cells = sheets.filter(|sheet| sheet.typ == SheetType::WorkSheet);
        cells.map(|sheet| (sheet.name.clone(), sheet.visible == SheetVisible::Visible)).collect()
    }

    /// The same as [`Book::each`] of the sheet of that name.
    pub fn each_of(&mut self, sheet: &str, take: &mut Taker<'_>) -> Result<(), Refusal> {
        let inner = &mut self.inner;
        guarded(|| rows(inner, sheet, take))
    }

    /// Hands over each row that has a cell, with its number.
    pub fn each(&mut self, take: &mut Taker<'_>) -> Result<(), Refusal> {
        let Book { inner, sheet, .. } = self;
        guarded(|| rows(inner, sheet, take))
    }
}

fn rows(book: &mut Unpacked<'_>, sheet: &str, take: &mut Taker<'_>) -> Result<(), Refusal> {
    let mut reader = book.worksheet_cells_reader(sheet).map_err(damaged)?;
    let (mut row, mut cells): (u32, Vec<String>) = (0, Vec::new());
    while let Some(cell) = reader.next_cell().map_err(damaged)? {
        let (line, column) = cell.get_position();
        let line = line.saturating_add(1);
        let text = text(cell.get_value());
        if text.trim().is_empty() {
            continue;
        }
        if line < row {
            return Err(Refusal::new("has rows out of order: open it and save it again"));
        }
        if line > row {
            if row > 0 {
                take(row, &cells)?;
            }
            cells.clear();
            row = line;
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if column >= MAX_COLUMNS {
            return Err(Refusal::columns());
        }
        if text.chars().count() > MAX_CELL {
            return Err(Refusal::new(format!(
                "has a cell of more than 4,000 characters in line {line}"
            )));
        }
        if cells.len() <= column {
            cells.resize(column + 1, String::new());
        }
        if let Some(place) = cells.get_mut(column) {
            *place = text;
        }
    }
    if row > 0 { take(row, &cells) } else { Ok(()) }
}

/// A cell as a person sees it, dates apart, which come as `2026-01-31`.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(yes) => yes.to_string(),
        DataRef::Error(error) => error.to_string(),
        DataRef::DurationIso(text) => text.clone(),
        DataRef::DateTimeIso(text) => text.strip_suffix("T00:00:00").unwrap_or(text).to_owned(),
        DataRef::DateTime(at) if at.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
            let date = format!("{year:04}-{month:02}-{day:02}");
            match (hour, minute, second) {
                (0, 0, 0) => date,
                _ => format!("{date}T{hour:02}:{minute:02}:{second:02}"),
            }
        }
        DataRef::DateTime(span) => span.as_f64().to_string(),
    }
}

/// Unpacks everything once, into nothing, and counts.
fn check(bytes: &[u8]) -> Result<(), Refusal> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    if archive.len() > MAX_PARTS {
        return Err(Refusal::new("has more than 5,000 parts: open it and save it again"));
    }
    if archive.index_for_name("[Content_Types].xml").is_none()
        || !archive
            .file_names()
            .any(|name| name.is_ok_and(|name| name.to_ascii_lowercase().ends_with("workbook.xml")))
    {
        return Err(Refusal::neither());
    }
    let (mut total, mut elements) = (0_u64, 0_usize);
    for place in 0..archive.len() {
        let part = archive.by_index_raw(place).map_err(damaged)?;
        if part.encrypted() {
            return Err(Refusal::encrypted());
        }
        total = total.saturating_add(part.size());
    }
    if total > MAX_UNPACKED {
        return Err(too_large());
    }
    total = 0;
    let mut chunk = vec![0; 65_536];
    for place in 0..archive.len() {
        let mut part = archive.by_index(place).map_err(damaged)?;
        let in_sheet = part.name().map_err(damaged)?.to_ascii_lowercase().contains("worksheets/");
        let mut promises = Promises::default();
        loop {
            let read = part.read(&mut chunk).map_err(damaged)?;
            let bytes = chunk.get(..read).unwrap_or(&[]);
            if bytes.is_empty() {
                break;
            }
            total = total.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            if !in_sheet {
                elements += bytes.iter().filter(|byte| **byte == b'<').count();
                promises.see(bytes)?;
            }
            if total > MAX_UNPACKED || elements > MAX_ELEMENTS {
                return Err(too_large());
            }
        }
    }
    Ok(())
}

/// `uniqueCount="…"` in the table of texts: calamine makes room for so many before it has seen one.
#[derive(Default)]
struct Promises {
    tail: Vec<u8>,
}

impl Promises {
    const WORD: &[u8] = b"uniqueCount=";
    const DIGITS: usize = 7;

    fn see(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let solid = bytes.iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != 0);
        self.tail.extend(solid);
        let length = Self::WORD.len();
        for (at, window) in self.tail.windows(length).enumerate() {
            if window != Self::WORD {
                continue;
            }
            // The sign of quotation, then the number.
            let number = self.tail.iter().skip(at + length + 1);
            if number.take_while(|byte| byte.is_ascii_digit()).count() > Self::DIGITS {
                return Err(too_large());
            }
        }
        let keep = length + 1 + Self::DIGITS + 1;
        self.tail.drain(..self.tail.len().saturating_sub(keep));
        Ok(())
    }
}

fn too_large() -> Refusal {
    Refusal::new("unpacks to more than 200 MB")
}

fn damaged(_: impl std::fmt::Display) -> Refusal {
    Refusal::new("cannot be read as XLSX: open it in a spreadsheet and save it again")
}

/// calamine does arithmetic on numbers that stand in the file, and panics where they overflow.
fn guarded<T>(work: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(damaged("")))
}
