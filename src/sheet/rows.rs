//! From rows of texts to rows of fields. Some columns mean something only as a whole, so each row
//! is drafted as it comes and finished when all have been seen.

use super::cells;
use super::columns::{self, Column, Use, fold};
use super::draft::{Draft, Seen};
use super::field::Field;
use super::{Cell, Format, IdSource, MAX_KEPT, MAX_ROWS, Options, Refusal, Row, Sheet};
use super::{is_blank, is_type_line};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

pub struct Reader<'a> {
    options: &'a Options,
    columns: Vec<Column>,
    heading_line: u32,
    next_line: u32,
    notices: Vec<String>,
    drafts: Vec<Draft>,
    kept: usize,
    seen: Seen,
}

impl<'a> Reader<'a> {
    pub fn new(options: &'a Options) -> Reader<'a> {
        Reader {
            options,
            columns: Vec::new(),
            heading_line: 0,
            next_line: 0,
            notices: Vec::new(),
            drafts: Vec::new(),
            kept: 0,
            seen: Seen::default(),
        }
    }

    pub fn take(&mut self, line: u32, cells: &[String]) -> Result<(), Refusal> {
        if is_blank(cells) {
            return Ok(());
        }
        if self.columns.is_empty() {
            if !is_type_line(cells) {
                let (columns, notices) = columns::recognise(cells, self.options)?;
                (self.columns, self.notices) = (columns, notices);
                self.heading_line = line;
                self.next_line = line.saturating_add(1);
            }
            return Ok(());
        }
        for blank in self.next_line..line {
            let skip = Some("blank line".to_owned());
            self.push(Draft {
                row: Row { line: blank, skip, ..Row::default() },
                ..Draft::default()
            })?;
        }
        self.next_line = line.saturating_add(1);
        let draft = self.draft(line, cells);
        self.kept += draft.weight();
        if self.kept > MAX_KEPT {
            return Err(Refusal::too_much());
        }
        self.push(draft)
    }

    fn push(&mut self, draft: Draft) -> Result<(), Refusal> {
        if self.drafts.len() >= MAX_ROWS {
            return Err(Refusal::new("has more than 50,000 rows"));
        }
        self.drafts.push(draft);
        Ok(())
    }

    fn draft(&mut self, line: u32, cells: &[String]) -> Draft {
        let mut draft = Draft { row: Row { line, ..Row::default() }, ..Draft::default() };
        let columns = std::mem::take(&mut self.columns);
        for (at, (column, raw)) in columns.iter().zip(cells).enumerate() {
            let text = cells::plain(raw);
            if !text.trim().is_empty() {
                draft.cell(&mut self.seen, at, column, text);
            }
        }
        if cells.iter().skip(columns.len()).any(|cell| !cell.trim().is_empty()) {
            draft.row.complain(None, "", "", "The row has more cells than there are headings");
        }
        self.columns = columns;
        draft
    }

    pub fn finish(mut self, format: Format) -> Result<Sheet, Refusal> {
        if self.columns.is_empty() {
            return Err(Refusal::new("is empty"));
        }
        if self.drafts.is_empty() {
            return Err(Refusal::new("has headings but no rows"));
        }
        let user_name = self.settle_user_name();
        let splits = !self.has(&Field::FirstName) && !self.has(&Field::LastName);
        let mut seen = HashMap::new();
        let mut rows = Vec::with_capacity(self.drafts.len());
        for draft in std::mem::take(&mut self.drafts) {
            let mut row = self.settle(draft, user_name.as_ref());
            if splits {
                split_display_name(&mut row);
            }
            skip_built_in(&mut row);
            if row.skip.is_some() {
                row.complaints.clear();
                row.notices.clear();
            } else {
                self.same_user(&mut row, &mut seen);
            }
            rows.push(row);
        }
        self.closing_notices();
        Ok(Sheet {
            format,
            heading_line: self.heading_line,
            heading_key: heading_key(self.columns.iter().map(|each| each.heading.as_str())),
            id_source: self.id_source(),
            columns: self.columns,
            rows,
            notices: self.notices,
        })
    }

    /// Decides what a column "User Name" is: a UPN where it holds an @, else a username.
    fn settle_user_name(&mut self) -> Option<Field> {
        let at = self.columns.iter().position(|column| column.used == Use::UserName)?;
        let field = if self.seen.user_names_are_upns { Field::Upn } else { Field::Username };
        let rival = self.columns.iter().position(|column| column.field() == Some(&field));
        let heading = |at: usize| self.columns.get(at).map_or("", |c| c.heading.as_str());
        let twice = |not: usize, used: usize| {
            let (not, used) = (heading(not), heading(used));
            format!("‘{not}’ is not used: ‘{used}’ gives the same field")
        };
        // "Username" is our own heading, and comes before what others call it; "UPN" before both.
        let (taken, dropped) = match (rival, &field) {
            (None, _) => (Some(at), None),
            (Some(rival), Field::Upn) => (None, Some((at, twice(at, rival)))),
            (Some(rival), _) => (Some(at), Some((rival, twice(rival, at)))),
        };
        if let Some((place, notice)) = dropped {
            self.notices.push(notice);
            if let Some(column) = self.columns.get_mut(place) {
                column.used = Use::Doubled;
            }
        }
        let column = self.columns.get_mut(taken?)?;
        column.used = Use::Field(field.clone());
        Some(field)
    }

    fn has(&self, field: &Field) -> bool {
        self.columns.iter().any(|column| column.field() == Some(field))
    }

    fn settle(&self, draft: Draft, user_name: Option<&Field>) -> Row {
        let Draft { mut row, user_name: cell, date, primary } = draft;
        if let (Some(field), Some(cell)) = (user_name, cell) {
            row.cells.insert(field.clone(), cell);
        }
        if let Some((at, text, written)) = date {
            match self.seen.orders.get(&at).copied().unwrap_or_default().day(written) {
                Ok(Some(day)) => row.set(&Field::ExpiresOn, &day.to_string()),
                Ok(None) => {
                    row.cells.insert(Field::ExpiresOn, Cell::Clear);
                }
                Err(why) => row.complain(Some(&Field::ExpiresOn), self.heading(at), &text, why),
            }
        }
        if let Some((at, address)) = primary {
            match row.cells.get(&Field::Email) {
                None => row.set(&Field::Email, &address),
                Some(cell) if cell.text().eq_ignore_ascii_case(&address) => {}
                Some(cell) => {
                    let message = format!(
                        "names another primary address than {}, which is used",
                        cell.text()
                    );
                    row.add(&Field::Addresses, vec![&address]);
                    row.notice(&Field::Addresses, self.heading(at), &address, &message);
                }
            }
        }
        row
    }

    fn heading(&self, at: usize) -> &str {
        self.columns.get(at).map_or("", |column| column.heading.as_str())
    }

    /// The names that find a user, the surest first; a row that repeats one is a complaint.
    fn same_user(&self, row: &mut Row, seen: &mut HashMap<(usize, String), u32>) {
        let by = [Field::PorticoId, Field::ObjectId, Field::Upn, Field::Email];
        for (kind, field) in by.iter().enumerate() {
            // People may share an address here; it tells users apart only where nothing else does.
            if *field == Field::Email && self.has(&Field::Upn) {
                continue;
            }
            let Some(name) = row.text(field).map(str::to_lowercase) else { continue };
            let first = *seen.entry((kind, name)).or_insert(row.line);
            if first != row.line {
                let column = self.columns.iter().find(|c| c.field() == Some(field));
                let heading = column.map_or("", |c| c.heading.as_str());
                let value = row.text(field).unwrap_or("").to_owned();
                row.complain(Some(field), heading, &value, &format!("same user as line {first}"));
                return;
            }
        }
    }

    fn closing_notices(&mut self) {
        for at in &self.seen.type_names {
            let heading = self.heading(*at).to_owned();
            self.notices.push(format!(
                "‘{heading}’ holds the name of a type where its values should be, and is left as it is"
            ));
        }
        for at in &self.seen.no_ids {
            let heading = self.heading(*at).to_owned();
            self.notices.push(format!("‘{heading}’ holds ids that are not used"));
        }
        if !self.seen.address_kinds.is_empty() {
            let kinds: Vec<&str> = self.seen.address_kinds.iter().map(String::as_str).collect();
            self.notices.push(format!("Addresses of kind {} are not used", kinds.join(", ")));
        }
        if self.seen.nameless {
            self.notices.push("A column without a heading is not used".to_owned());
        }
        if self.seen.passwords {
            self.notices.push(
                "Passwords in the file were not used; people set their own by link.".to_owned(),
            );
        }
    }

    fn id_source(&self) -> Option<IdSource> {
        let column = self.columns.iter().find(|c| c.field() == Some(&Field::ObjectId))?;
        let directory = fold(&column.heading) == "objectguid"
            || self.columns.iter().any(|c| c.used == Use::DistinguishedName);
        Some(if directory { IdSource::Directory } else { IdSource::Entra })
    }
}

fn split_display_name(row: &mut Row) {
    let Some(whole) = row.text(&Field::DisplayName).map(str::to_owned) else { return };
    if let Some((first, last)) = cells::split_name(&whole) {
        row.set(&Field::FirstName, first);
        row.set(&Field::LastName, last);
    }
}

/// Accounts that every directory has, and those of computers.
fn skip_built_in(row: &mut Row) {
    let Some(name) = row.text(&Field::Username) else { return };
    let built_in = ["krbtgt", "guest"].iter().any(|known| name.eq_ignore_ascii_case(known));
    if built_in || name.ends_with('$') {
        let why = format!("{name} is an account of the directory itself");
        row.skip.get_or_insert(why);
    }
}

/// The same for every file with these headings.
pub fn heading_key<'h>(headings: impl Iterator<Item = &'h str>) -> String {
    let mut hash = Sha256::new();
    for heading in headings {
        hash.update(fold(heading).as_bytes());
        hash.update(b"\n");
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
