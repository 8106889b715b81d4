//! What whoever imports a file says about it: how to read it, and what it may do.

use super::store;
use crate::customers::properties::{Holder, values};
use crate::db::Read;
use crate::error::{Error, Result};
use crate::ids::CustomerId;
use crate::input::{Field, Fields};
use crate::sheet::{self, Encoding, Options, Refusal, Sheet, field};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

words! {
    /// Whom a file may be about.
    Mode { Upsert = "upsert", New = "new", Existing = "existing" }
}

/// All of it; what is left out is found out, or not done.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    pub encoding: Option<Encoding>,
    pub separator: Option<char>,
    /// The sheet of a workbook; empty: the first that can be seen.
    pub sheet: String,
    pub mode: Option<Mode>,
    /// Whether the file switches existing accounts on and off.
    pub state: bool,
    /// Whether new users are mailed a link.
    pub welcome: bool,
    /// Whether rows say whose user they are.
    pub by_site: bool,
    /// Whether one refused row holds all others back.
    pub all_or_nothing: bool,
    /// Headings pointed at a field by hand, on top of those that are remembered.
    pub columns: BTreeMap<String, field::Field>,
}

macro_rules! said {
    ($($more:expr),* $(,)?) => {
        &[
            $($more,)*
            Field::text("mode", "upsert (default), new or existing"),
            Field::boolean("state", "true lets the file disable and enable those who exist"),
            Field::boolean("welcome", "true mails new users a link; left out: as the customer has it"),
            Field::boolean("by_site", "true adds each row to the customer its Site names"),
            Field::boolean("all_or_nothing", "true writes nothing where a row is refused"),
            Field::text("sheet", "the sheet of a workbook, by name"),
            Field::text("encoding", "utf-8, utf-16le, utf-16be or windows-1252, where it is not found out"),
            Field::text("separator", "one character or tab, where it is not found out"),
            Field::object("columns", "a field for each heading that is not known, remembered for that heading row"),
        ]
    };
}

/// What the API takes along with a file.
pub const IMPORT: &[Field] = said!(
    Field::boolean("dry_run", "true checks and keeps nothing"),
    Field::text("lines", "only these lines of the file, like 2,5-9"),
);

/// What the page of a check takes.
pub const READING: &[Field] = said!();

impl Said {
    pub fn read(fields: &mut Fields) -> Option<Said> {
        let (encoding, sheet) = (fields.optional("encoding"), fields.text("sheet", 0..=60));
        let separator = match fields.value("separator") {
            "" => Some(None),
            "tab" => Some(Some('\t')),
            text if text.chars().count() == 1 => Some(text.chars().next()),
            _ => fields.complain("separator", "must be one character"),
        };
        let (mode, state, welcome) =
            (fields.optional("mode"), fields.flag("state"), fields.flag("welcome"));
        let (by_site, strict) = (fields.flag("by_site"), fields.flag("all_or_nothing"));
        let columns = columns(fields);
        Some(Said {
            encoding: encoding?,
            separator: separator?,
            sheet: sheet?,
            mode: mode?,
            state: state?,
            welcome: welcome?,
            by_site: by_site?,
            all_or_nothing: strict?,
            columns: columns?,
        })
    }

    fn options(&self) -> Options {
        Options {
            encoding: self.encoding,
            separator: self.separator,
            sheet: (!self.sheet.is_empty()).then(|| self.sheet.clone()),
            mapping: self.columns.clone(),
            ..Options::default()
        }
    }

    /// The headings as they stand in the file.
    pub fn headings(&self, bytes: &[u8]) -> Result<(Vec<String>, String), Refusal> {
        sheet::headings(bytes, &self.options())
    }

    /// All that is known of how to read the file, what was remembered for its headings included.
    pub fn whole(&self, db: &Read, customer: CustomerId, bytes: &[u8]) -> Result<Options> {
        let mut options = self.options();
        options.properties =
            values::headings(db, &Holder::new_user(customer))?.into_iter().collect();
        let (_, key) = self.headings(bytes)?;
        if let Some(kept) = store::headings(db, customer, &key)? {
            let kept: BTreeMap<String, field::Field> = serde_json::from_str(&kept)?;
            for (heading, field) in kept {
                options.mapping.entry(heading).or_insert(field);
            }
        }
        Ok(options)
    }

    pub fn sheet(&self, db: &Read, customer: CustomerId, bytes: &[u8]) -> Result<Sheet> {
        let options = self.whole(db, customer, bytes)?;
        Ok(sheet::read(bytes, &options)?)
    }

    pub fn kept(text: &str) -> Result<Said> {
        serde_json::from_str(text).map_err(Error::internal)
    }
}

fn columns(fields: &mut Fields) -> Option<BTreeMap<String, field::Field>> {
    let mut found = BTreeMap::new();
    for (heading, word) in fields.members("columns") {
        if word.is_empty() {
            continue;
        }
        match word.parse() {
            Ok(field) => {
                found.insert(heading.to_owned(), field);
            }
            Err(()) => return fields.complain("columns", format!("has no field {word}")),
        }
    }
    Some(found)
}
