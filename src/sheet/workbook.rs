//! XLSX as we write it: one sheet, every cell a text, row by row without holding them all.

use crate::error::{Error, Result};
use rust_xlsxwriter::{Workbook as Book, Worksheet, XlsxError};

/// A workbook that is being written.
pub struct Workbook {
    book: Book,
    next: u32,
}

impl Workbook {
    pub fn new<H: AsRef<str>>(name: &str, headings: &[H]) -> Result<Workbook> {
        let mut book = Book::new();
        let sheet = book.add_worksheet_with_constant_memory().map_err(Error::internal)?;
        sheet.set_name(name).map_err(Error::internal)?;
        let mut new = Workbook { book, next: 0 };
        new.line(headings)?;
        Ok(new)
    }

    /// A further row. Texts stay texts, whatever they look like.
    pub fn line<C: AsRef<str>>(&mut self, cells: &[C]) -> Result<()> {
        let row = self.next;
        let sheet = self.book.worksheet_from_index(0).map_err(Error::internal)?;
        for (column, cell) in (0_u16..).zip(cells) {
            put(sheet, row, column, cell.as_ref()).map_err(Error::internal)?;
        }
        self.next += 1;
        Ok(())
    }

    pub fn finish(mut self) -> Result<Vec<u8>> {
        self.book.save_to_buffer().map_err(Error::internal)
    }
}

/// A workbook of several sheets, whose rows stand on given lines.
pub struct Sheets {
    book: Book,
    now: usize,
}

impl Sheets {
    pub fn new() -> Sheets {
        Sheets { book: Book::new(), now: 0 }
    }

    /// A further sheet: what follows is written to it.
    pub fn begin(&mut self, name: &str) -> Result<()> {
        self.now = self.book.worksheets().len();
        let sheet = self.book.add_worksheet_with_constant_memory().map_err(Error::internal)?;
        sheet.set_name(name).map_err(Error::internal)?;
        Ok(())
    }

    pub fn line<C: AsRef<str>>(&mut self, row: u32, cells: &[C]) -> Result<()> {
        let sheet = self.book.worksheet_from_index(self.now).map_err(Error::internal)?;
        for (column, cell) in (0_u16..).zip(cells) {
            put(sheet, row, column, cell.as_ref()).map_err(Error::internal)?;
        }
        Ok(())
    }

    pub fn finish(mut self) -> Result<Vec<u8>> {
        self.book.save_to_buffer().map_err(Error::internal)
    }
}

fn put(sheet: &mut Worksheet, row: u32, column: u16, text: &str) -> Result<(), XlsxError> {
    if !text.is_empty() {
        sheet.write_string(row, column, text)?;
    }
    Ok(())
}
