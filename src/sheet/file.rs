//! A table that goes to a file line by line, so that memory does not grow with it.

use super::{Workbook, csv_line, write_csv};
use crate::error::{Error, Result};
use std::io::{BufWriter, Write};
use tempfile::{Builder, NamedTempFile};

pub struct Growing {
    file: BufWriter<NamedTempFile>,
    book: Option<Workbook>,
    /// Lines below the headings.
    pub lines: u64,
}

impl Growing {
    pub fn csv(headings: &[String]) -> Result<Growing> {
        let mut file = temporary()?;
        file.write_all(&write_csv(headings, std::iter::empty::<Vec<&str>>()))?;
        Ok(Growing { file, book: None, lines: 0 })
    }

    pub fn xlsx(name: &str, headings: &[String]) -> Result<Growing> {
        let book = Some(Workbook::new(name, headings)?);
        Ok(Growing { file: temporary()?, book, lines: 0 })
    }

    pub fn line(&mut self, cells: &[String]) -> Result<()> {
        self.lines += 1;
        match &mut self.book {
            Some(book) => book.line(cells),
            None => Ok(self.file.write_all(csv_line(cells).as_bytes())?),
        }
    }

    pub fn close(mut self) -> Result<NamedTempFile> {
        if let Some(book) = self.book {
            self.file.write_all(&book.finish()?)?;
        }
        self.file.into_inner().map_err(|err| Error::from(err.into_error()))
    }
}

/// The edge sends no file whose name begins with a dot, as temporary ones do by themselves.
fn temporary() -> Result<BufWriter<NamedTempFile>> {
    Ok(BufWriter::new(Builder::new().prefix("table-").tempfile()?))
}
