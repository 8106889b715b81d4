//! Reads the spreadsheets that people import users from, and writes the ones they get. Bytes become
//! rows of known fields with what is to be said about them; nothing here knows which users exist.
//! Whatever the bytes are, the answer is rows or one sentence, and memory stays bounded.

use crate::error::Error;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

mod book;
pub mod cells;
pub mod columns;
pub mod countries;
mod dates;
mod draft;
pub mod field;
mod file;
mod rows;
mod text;
mod workbook;
mod write;

pub use file::Growing;
pub use workbook::Workbook;

use columns::Column;
use field::Field;

/// The headings of a file that holds every field but services and custom properties.
pub const TEMPLATE_HEADINGS: &[&str] = field::LABELS;

const MAX_BYTES: usize = 20 * 1_048_576;
const MAX_ROWS: usize = 50_000;
const MAX_COLUMNS: usize = 300;
/// Letters of one cell.
const MAX_CELL: usize = 4_000;
/// Bytes that what was read may take up: a workbook can show one text in a million cells.
const MAX_KEPT: usize = 200_000_000;

words! {
    Encoding {
        Utf8 = "utf-8",
        Utf16Le = "utf-16le",
        Utf16Be = "utf-16be",
        Windows1252 = "windows-1252",
    }
}

words! {
    /// Whose object ids the file has.
    IdSource { Entra = "entra", Directory = "directory" }
}

/// What the person said about the file; the rest is found out.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub encoding: Option<Encoding>,
    pub separator: Option<char>,
    /// The sheet of a workbook, by name.
    pub sheet: Option<String>,
    /// Headings that were pointed at a field by hand.
    pub mapping: BTreeMap<String, Field>,
    /// Labels and directory attributes of custom properties, and their keys.
    pub properties: BTreeMap<String, String>,
}

/// A file that was read.
#[derive(Clone, Debug)]
pub struct Sheet {
    pub format: Format,
    pub columns: Vec<Column>,
    /// Where the headings stand.
    pub heading_line: u32,
    /// The same for every file with these headings; what was pointed at by hand is kept under it.
    pub heading_key: String,
    pub id_source: Option<IdSource>,
    pub rows: Vec<Row>,
    /// About the file as a whole.
    pub notices: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    Csv { encoding: Encoding, separator: char },
    Xlsx { sheet: String, sheets: Vec<String> },
}

/// What a row has for a field. A field without a cell stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Set(String),
    Clear,
}

impl Cell {
    pub fn text(&self) -> &str {
        match self {
            Cell::Set(text) => text,
            Cell::Clear => "",
        }
    }

    /// The values of a list field, which are kept with a comma between them.
    pub fn list(&self) -> impl Iterator<Item = &str> {
        self.text().split(',').map(str::trim).filter(|each| !each.is_empty())
    }
}

/// One row below the headings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// As a spreadsheet program numbers it: the first line of the file is 1.
    pub line: u32,
    pub cells: BTreeMap<Field, Cell>,
    /// Where the row stands in a directory; managers are named so.
    pub dn: Option<String>,
    /// Why it is left out.
    pub skip: Option<String>,
    /// Why it cannot be taken.
    pub complaints: Vec<Remark>,
    pub notices: Vec<Remark>,
}

impl Row {
    /// What the row sets a field to; nothing where it leaves or clears it.
    pub fn text(&self, field: &Field) -> Option<&str> {
        match self.cells.get(field) {
            Some(Cell::Set(text)) => Some(text),
            _ => None,
        }
    }
}

/// Something to say about a cell, or about the row where there is no column.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Remark {
    pub field: Option<Field>,
    /// The heading as it stands in the file.
    pub column: String,
    pub value: String,
    /// Follows the heading: "is ambiguous: use 2026-01-31".
    pub message: String,
}

/// Why a file cannot be read at all. Follows the file's name: "is not CSV or XLSX".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(String);

impl Refusal {
    fn new(message: impl Into<String>) -> Refusal {
        Refusal(message.into())
    }

    fn neither() -> Refusal {
        Refusal::new("is not CSV or XLSX")
    }

    fn encrypted() -> Refusal {
        Refusal::new("is encrypted: save it without a password")
    }

    fn too_much() -> Refusal {
        Refusal::new("has too much in it for one import: split it")
    }

    fn columns() -> Refusal {
        Refusal::new("has more than 300 columns")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        Error::invalid("file", refusal.0)
    }
}

/// Reads a whole file.
pub fn read(bytes: &[u8], options: &Options) -> Result<Sheet, Refusal> {
    let mut file = File::open(bytes, options)?;
    let mut reader = rows::Reader::new(options);
    file.each(&mut |line, cells| reader.take(line, cells))?;
    reader.finish(file.format())
}

/// The headings of a file, and the key that is the same for all files with them; also where nothing
/// in it names a user.
pub fn headings(bytes: &[u8], options: &Options) -> Result<(Vec<String>, String), Refusal> {
    let mut found: Option<Vec<String>> = None;
    let read = File::open(bytes, options)?.each(&mut |_, cells| {
        if is_blank(cells) || is_type_line(cells) {
            return Ok(());
        }
        found = Some(cells.iter().map(|each| each.trim().to_owned()).collect());
        Err(Refusal::new("has been read far enough"))
    });
    let Some(headings) = found else {
        return Err(read.err().unwrap_or_else(|| Refusal::new("is empty")));
    };
    let key = rows::heading_key(headings.iter().map(String::as_str));
    Ok((headings, key))
}

/// A file that is no list of users: its headings, and its rows with their lines.
pub struct Plain {
    pub headings: Vec<String>,
    pub rows: Vec<(u32, Vec<String>)>,
}

/// Reads a whole file as it is, up to `most` rows.
pub fn plain(bytes: &[u8], most: usize) -> Result<Plain, Refusal> {
    let mut file = Plain { headings: Vec::new(), rows: Vec::new() };
    File::open(bytes, &Options::default())?.each(&mut |line, cells| {
        if is_blank(cells) {
            return Ok(());
        }
        if file.headings.is_empty() {
            file.headings = cells.iter().map(|each| each.trim().to_owned()).collect();
        } else if file.rows.len() == most {
            return Err(Refusal::too_much());
        } else {
            file.rows.push((line, cells.to_vec()));
        }
        Ok(())
    })?;
    match file.headings.is_empty() {
        true => Err(Refusal::new("is empty")),
        false => Ok(file),
    }
}

/// The file as it may be kept: with a star for each password, its rows on the same lines. Nothing
/// where there is no password in it.
pub fn masked(bytes: &[u8], options: &Options) -> Result<Option<Vec<u8>>, Refusal> {
    write::masked(bytes, options)
}

/// A file of our own: UTF-8 with its mark, commas, CRLF. What a spreadsheet would run gets a `'` in
/// front, which `read` takes away again.
pub fn write_csv<H, R, C>(headings: &[H], rows: R) -> Vec<u8>
where
    H: AsRef<str>,
    R: IntoIterator<Item = Vec<C>>,
    C: AsRef<str>,
{
    write::csv(headings, rows)
}

/// A further line of such a file.
pub fn csv_line<C: AsRef<str>>(cells: &[C]) -> String {
    let mut text = String::new();
    write::line(&mut text, cells);
    text
}

/// The given lines of a file under its own headings, each with its reason in a last column. A
/// column of passwords comes out empty.
pub fn write_refused(
    bytes: &[u8],
    options: &Options,
    reasons: &BTreeMap<u32, String>,
) -> Result<Vec<u8>, Refusal> {
    write::refused(bytes, options, reasons)
}

/// Is handed a row and its number.
type Taker<'a> = dyn FnMut(u32, &[String]) -> Result<(), Refusal> + 'a;

/// A file before anything in it has a meaning: numbered rows of texts.
enum File<'a> {
    Csv { text: Cow<'a, str>, starts: usize, encoding: Encoding, separator: char },
    Xlsx(Box<book::Book<'a>>),
}

impl<'a> File<'a> {
    /// Tells by content what it is.
    fn open(bytes: &'a [u8], options: &Options) -> Result<File<'a>, Refusal> {
        if bytes.len() > MAX_BYTES {
            return Err(Refusal::new("is larger than 20 MB"));
        }
        match bytes {
            [b'P', b'K', 3 | 5, 4 | 6, ..] => {
                let book = book::Book::open(bytes, options.sheet.as_deref())?;
                return Ok(File::Xlsx(Box::new(book)));
            }
            [0xD0, 0xCF, 0x11, 0xE0, ..] => return Err(old_or_encrypted(bytes)),
            [0x89, b'P', b'N', b'G', ..]
            | [0xFF, 0xD8, 0xFF, ..]
            | [b'G', b'I', b'F', b'8', ..]
            | [b'%', b'P', b'D', b'F', ..]
            | [0x1F, 0x8B, ..] => return Err(Refusal::neither()),
            _ => {}
        }
        let (text, encoding) = text::decode(bytes, options.encoding)?;
        if text.trim().is_empty() {
            return Err(Refusal::new("is empty"));
        }
        let (separator, rest) = text::separator(&text, options.separator)?;
        let starts = text.len() - rest.len();
        Ok(File::Csv { text, starts, encoding, separator })
    }

    /// Hands over the rows in order. Blank ones may be left out; their numbers are not given again.
    fn each(&mut self, take: &mut Taker<'_>) -> Result<(), Refusal> {
        match self {
            File::Xlsx(book) => book.each(take),
            File::Csv { text, starts, separator, .. } => {
                let mut records = text::Records::new(text.get(*starts..).unwrap_or(""), *separator);
                let mut cells = Vec::new();
                while records.next(&mut cells)? {
                    take(records.row, &cells)?;
                }
                Ok(())
            }
        }
    }

    fn format(self) -> Format {
        match self {
            File::Csv { encoding, separator, .. } => Format::Csv { encoding, separator },
            File::Xlsx(book) => Format::Xlsx { sheet: book.sheet, sheets: book.sheets },
        }
    }
}

/// Both an XLS file and an encrypted XLSX file are of the older kind of container.
fn old_or_encrypted(bytes: &[u8]) -> Refusal {
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    if bytes.windows(name.len()).any(|window| window == name) {
        Refusal::encrypted()
    } else {
        Refusal::new("is not CSV or XLSX: save it as XLSX first")
    }
}

fn is_blank(cells: &[String]) -> bool {
    cells.iter().all(|cell| cell.trim().is_empty())
}

/// PowerShell writes what the rows are, above the headings.
fn is_type_line(cells: &[String]) -> bool {
    cells.first().is_some_and(|cell| cell.trim_start().starts_with("#TYPE"))
}
