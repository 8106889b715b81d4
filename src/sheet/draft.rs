//! One row as it comes: what each cell says, and what has to wait until all rows were seen.

use super::cells;
use super::columns::{Column, Use, fold};
use super::dates::{self, Order, Written};
use super::field::Field;
use super::{Cell, Remark, Row};
use std::collections::{BTreeMap, BTreeSet};

const GUEST: &str = "is a guest of another organisation";

/// A row, and what waits for the other rows.
#[derive(Default)]
pub struct Draft {
    pub row: Row,
    pub user_name: Option<Cell>,
    pub date: Option<(usize, String, Written)>,
    pub primary: Option<(usize, String)>,
}

/// How much of a text a remark repeats, in letters.
const SHOWN: usize = 200;
/// Kinds of addresses that are named, and the length of one.
const KINDS: usize = 20;
const KIND: usize = 20;
/// What a cell or a remark takes up beside its text.
const PLACE: usize = 128;

/// What the rows have shown of their columns.
#[derive(Default)]
pub struct Seen {
    /// Of each column of dates.
    pub orders: BTreeMap<usize, Order>,
    /// Columns of type names; of ids that are none.
    pub type_names: BTreeSet<usize>,
    pub no_ids: BTreeSet<usize>,
    pub address_kinds: BTreeSet<String>,
    pub passwords: bool,
    pub nameless: bool,
    pub user_names_are_upns: bool,
}

impl Draft {
    /// About how many bytes of memory it holds.
    pub fn weight(&self) -> usize {
        let row = &self.row;
        let cells = row.cells.values().chain(&self.user_name).map(|cell| cell.text().len());
        let remarks = row.complaints.iter().chain(&row.notices);
        let remarks = remarks.map(|remark| remark.value.len() + remark.column.len());
        let others = [
            row.dn.as_ref().map(String::len),
            self.date.as_ref().map(|(_, text, _)| text.len()),
            self.primary.as_ref().map(|(_, text)| text.len()),
        ];
        cells.chain(remarks).chain(others.into_iter().flatten()).map(|bytes| bytes + PLACE).sum()
    }

    pub fn cell(&mut self, seen: &mut Seen, at: usize, column: &Column, text: &str) {
        let row = &mut self.row;
        let names = matches!(
            column.used,
            Use::UserName | Use::Field(Field::Upn | Field::Username | Field::Email)
        );
        if names && text.to_ascii_uppercase().contains("#EXT#") {
            row.skip.get_or_insert_with(|| GUEST.to_owned());
        }
        match &column.used {
            Use::Password => seen.passwords = true,
            Use::Nameless => seen.nameless = true,
            Use::Known | Use::Unknown | Use::Doubled => {}
            Use::DistinguishedName => row.dn = Some(text.to_owned()),
            Use::ObjectClass if text.eq_ignore_ascii_case("user") => {}
            Use::ObjectClass => {
                row.skip.get_or_insert_with(|| format!("is of the class {text}, not a user"));
            }
            Use::UserType => {
                if text.eq_ignore_ascii_case("guest") {
                    row.skip.get_or_insert_with(|| GUEST.to_owned());
                }
            }
            Use::SoftDeleted => {
                row.skip.get_or_insert_with(|| "was deleted where the file is from".to_owned());
            }
            Use::UserName => {
                seen.user_names_are_upns |= text.contains('@');
                let cell = match cells::is_clear(text) {
                    true => Cell::Clear,
                    false => Cell::Set(text.to_owned()),
                };
                self.user_name = Some(cell);
            }
            Use::Field(field) => self.field(seen, at, column, field, text, false),
            Use::Reversed(field) => self.field(seen, at, column, field, text, true),
        }
    }

    fn field(
        &mut self,
        seen: &mut Seen,
        at: usize,
        column: &Column,
        field: &Field,
        text: &str,
        reversed: bool,
    ) {
        let row = &mut self.row;
        let heading = column.heading.as_str();
        if cells::is_clear(text) {
            row.cells.entry(field.clone()).or_insert(Cell::Clear);
            return;
        }
        if cells::is_type_name(text) {
            seen.type_names.insert(at);
            return;
        }
        if cells::is_error(text) {
            row.complain(Some(field), heading, text, "is an error of the spreadsheet");
            return;
        }
        if field.is_number_text() && cells::is_shortened(text) {
            row.complain(Some(field), heading, text, "was shortened by a spreadsheet");
            return;
        }
        match field {
            field if field.is_flag() => {
                let said = match field {
                    Field::Enabled => cells::enabled(text),
                    _ => cells::yes_or_no(text),
                };
                match said {
                    Some(yes) if yes != reversed => row.set(field, "yes"),
                    Some(_) => row.set(field, "no"),
                    None => row.complain(Some(field), heading, text, "is neither yes nor no"),
                }
            }
            Field::ExpiresOn => {
                let written = dates::parse(text);
                seen.orders.entry(at).or_default().see(written);
                self.date = Some((at, text.to_owned(), written));
            }
            Field::Country | Field::UsageLocation => match cells::country(text) {
                Some(code) => row.set(field, code),
                None => row.notice(field, heading, text, "is not a known country and is left out"),
            },
            Field::ObjectId => match cells::guid(text) {
                Some(guid) => row.set(field, &guid),
                None if fold(heading) == "id" => {
                    seen.no_ids.insert(at);
                }
                None => row.complain(Some(field), heading, text, "is not an object id"),
            },
            Field::RecoveryEmail => {
                let found = cells::mails(text);
                if let Some(first) = found.first() {
                    row.set(field, first);
                }
                if found.len() > 1 {
                    row.notice(field, heading, text, "has several addresses: the first is used");
                }
            }
            Field::ExternalEmails => row.add(field, cells::mails(text)),
            Field::Roles => row.add(field, text.split(',').collect()),
            Field::Addresses => {
                let found = cells::addresses(text);
                row.add(field, found.further.iter().map(String::as_str).collect());
                let kinds = found.other_kinds.into_iter().filter(|kind| kind.len() <= KIND);
                seen.address_kinds.extend(kinds.take(KINDS - KINDS.min(seen.address_kinds.len())));
                if let Some(primary) = found.primary {
                    self.primary = Some((at, primary));
                }
            }
            field => row.set(field, text),
        }
    }
}

impl Row {
    pub(super) fn set(&mut self, field: &Field, text: &str) {
        self.cells.insert(field.clone(), Cell::Set(text.to_owned()));
    }

    /// Adds to a list, each value once.
    pub(super) fn add(&mut self, field: &Field, values: Vec<&str>) {
        let mut all: Vec<&str> = match self.cells.get(field) {
            Some(cell) => cell.list().collect(),
            None => Vec::new(),
        };
        for value in values.into_iter().map(str::trim).filter(|value| !value.is_empty()) {
            if !all.iter().any(|known| known.eq_ignore_ascii_case(value)) {
                all.push(value);
            }
        }
        if !all.is_empty() {
            let text = all.join(",");
            self.cells.insert(field.clone(), Cell::Set(text));
        }
    }

    pub(super) fn complain(
        &mut self,
        field: Option<&Field>,
        column: &str,
        value: &str,
        message: &str,
    ) {
        self.complaints.push(remark(field, column, value, message));
    }

    pub(super) fn notice(&mut self, field: &Field, column: &str, value: &str, message: &str) {
        self.notices.push(remark(Some(field), column, value, message));
    }
}

fn remark(field: Option<&Field>, column: &str, value: &str, message: &str) -> Remark {
    Remark {
        field: field.cloned(),
        column: shown(column),
        value: shown(value),
        message: message.to_owned(),
    }
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or("")),
        None => text.to_owned(),
    }
}
