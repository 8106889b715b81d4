//! The columns of the file, by their headings: nothing that is not known is passed over.

use crate::error::{Error, Result};
use crate::sheet;

/// A row of the file.
#[derive(Clone)]
pub struct Row {
    pub line: u32,
    /// Sign-in name; empty: it is about the customer's own service.
    pub user: String,
    pub service: String,
    pub label: String,
    pub plan: String,
    pub action: String,
    /// By the name of the property.
    pub values: Vec<(String, Cell)>,
}

/// What a cell says of a value.
#[derive(Clone, PartialEq, Eq)]
pub enum Cell {
    Leave,
    /// It inherits again.
    Clear,
    Set(String),
}

/// At most so many rows in one file.
const MOST: usize = 5_000;

pub const HEADINGS: [&str; 5] = ["user", "service", "label", "plan", "action"];

enum Column {
    Known(usize),
    Property(String),
}

/// Reads the whole file, or says what is wrong with it as one.
pub fn read(bytes: &[u8]) -> Result<Vec<Row>> {
    let file = sheet::plain(bytes, MOST)?;
    let mut columns = Vec::new();
    for heading in &file.headings {
        columns.push(column(heading)?);
    }
    if !columns.iter().any(|column| matches!(column, Column::Known(1))) {
        return Err(Error::invalid("file", "has no column service"));
    }
    Ok(file.rows.into_iter().map(|(line, cells)| row(line, &columns, &cells)).collect())
}

fn column(heading: &str) -> Result<Column> {
    let folded = heading.trim().to_lowercase();
    if let Some(place) = HEADINGS.iter().position(|known| *known == folded) {
        return Ok(Column::Known(place));
    }
    match folded.strip_prefix("prop:").map(str::trim) {
        Some(name) if !name.is_empty() => Ok(Column::Property(name.to_owned())),
        _ => {
            let known = HEADINGS.join(", ");
            let text = format!("has the column {heading}; known are {known} and prop:NAME");
            Err(Error::invalid("file", text))
        }
    }
}

fn row(line: u32, columns: &[Column], cells: &[String]) -> Row {
    let mut texts: [String; 5] = Default::default();
    let mut values = Vec::new();
    for (column, cell) in columns.iter().zip(cells) {
        // What we write for spreadsheets not to run it.
        let text = match cell.trim().strip_prefix('\'') {
            Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest,
            _ => cell.trim(),
        };
        match column {
            Column::Known(place) => {
                if let Some(slot) = texts.get_mut(*place) {
                    text.clone_into(slot);
                }
            }
            Column::Property(name) => {
                let cell = match text {
                    "" => Cell::Leave,
                    "<clear>" => Cell::Clear,
                    text => Cell::Set(text.to_owned()),
                };
                values.push((name.clone(), cell));
            }
        }
    }
    let [user, service, label, plan, action] = texts;
    let action = action.to_lowercase();
    let (user, service) = (user.to_lowercase(), service.to_lowercase());
    Row { line, user, service, label, plan, action, values }
}
