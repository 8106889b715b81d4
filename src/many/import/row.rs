//! One row of an import: whose it is, what it says, and what it does.

use super::said::Mode;
use super::{Order, Outcome, RowOut, store};
use crate::arrivals::templates;
use crate::auth::Permission;
use crate::auth::permissions::{UserServicesWrite, UsersCreate};
use crate::customers::fields::LANGUAGES;
use crate::customers::properties::FIELD;
use crate::db::{Read, Write};
use crate::error::{Complaint, Error, Result};
use crate::ids::{CustomerId, UserId};
use crate::input::Input;
use crate::places::State;
use crate::sheet::cells::Reference;
use crate::sheet::field::Field;
use crate::sheet::{Cell, Remark, Row, Sheet};
use crate::users::fields::{EDIT, on_domain};
use crate::users::{self, Changed, Home, User, lookup};
use serde_json::json;
use std::collections::{HashMap, HashSet};

/// What the actor may do to users of the customer besides importing.
pub struct May {
    pub create: bool,
    pub update: bool,
    pub give: bool,
    pub grant: bool,
}

/// What is said of a row that is taken.
#[derive(Default)]
pub struct Beside {
    pub notices: Vec<Remark>,
    /// Cells that were refused while their row was taken.
    pub refused: Vec<Remark>,
}

/// Who else is in the file, for managers that come later in it.
pub struct Known {
    by_dn: HashMap<String, String>,
    names: HashSet<String>,
}

impl Known {
    pub fn of(sheet: &Sheet) -> Known {
        let (mut by_dn, mut names) = (HashMap::new(), HashSet::new());
        for row in &sheet.rows {
            let upn = row.text(&Field::Upn).or_else(|| row.text(&Field::Email));
            let shown = row.text(&Field::DisplayName);
            if let (Some(dn), Some(upn)) = (&row.dn, upn) {
                by_dn.insert(dn.to_lowercase(), upn.to_lowercase());
            }
            names.extend([upn, shown].into_iter().flatten().map(str::to_lowercase));
        }
        Known { by_dn, names }
    }

    /// The user that a cell names as somebody's manager.
    pub fn find(&self, db: &Read, customer: CustomerId, text: &str) -> Result<Option<UserId>> {
        match Reference::of(text) {
            Reference::Dn { whole, name } => match self.by_dn.get(&whole.to_lowercase()) {
                Some(upn) => lookup::by_name(db, customer, upn),
                None => store::by_display_name(db, customer, &name),
            },
            Reference::Address(address) => lookup::by_name(db, customer, &address.to_lowercase()),
            Reference::Name(name) => store::by_display_name(db, customer, name),
        }
    }

    fn is_in_file(&self, text: &str) -> bool {
        match Reference::of(text) {
            Reference::Dn { whole, name } => {
                self.by_dn.contains_key(&whole.to_lowercase())
                    || self.names.contains(&name.to_lowercase())
            }
            Reference::Address(name) | Reference::Name(name) => {
                self.names.contains(&name.to_lowercase())
            }
        }
    }
}

/// A manager who is made later.
pub struct Pending {
    pub user: UserId,
    pub customer: CustomerId,
    pub manager: String,
}

/// What a row did.
pub struct Done {
    /// None of a row that the order leaves out.
    pub id: Option<UserId>,
    pub outcome: Outcome,
    pub name: String,
    pub upn: String,
    pub changes: Changed,
}

pub struct Work<'a> {
    pub order: &'a Order<'a>,
    pub home: &'a Home,
    pub may: &'a May,
    pub known: &'a Known,
    pub sheet: &'a Sheet,
    pub row: &'a Row,
}

impl Work<'_> {
    pub fn run(
        &self,
        tx: &Write,
        beside: &mut Beside,
        waits: &mut Option<Pending>,
    ) -> Result<Done> {
        let customer = self.home.customer.id;
        let found = identify(tx, self.sheet, self.row, customer)?;
        let was = match found {
            Some(id) => Some(users::one(tx, self.order.scope, id)?),
            None => None,
        };
        self.belongs_here()?;
        if let Some(done) = self.left_out(was.as_ref(), beside) {
            return Ok(done);
        }
        let notices = &mut beside.notices;
        let mut input = self.input(was.as_ref(), notices);
        let mut later = None;
        match self.row.cells.get(&Field::Manager) {
            Some(Cell::Clear) => input.set("manager", ""),
            Some(Cell::Set(text)) => match self.known.find(tx, customer, text)? {
                Some(boss) => input.set("manager", boss),
                None if self.known.is_in_file(text) => later = Some(text.clone()),
                None => notices.push(self.notice(
                    &Field::Manager,
                    text,
                    "was not found and is left empty",
                )),
            },
            None => {}
        }
        let (id, mut done) = match &was {
            Some(was) => (was.id, self.update(tx, was, &input)?),
            None => self.create(tx, &input, beside)?,
        };
        if let (Some(source), Some(value)) = (self.sheet.id_source, self.row.text(&Field::ObjectId))
            && store::set_external_id(tx, customer, id, source.word(), value)?
        {
            done.changes.insert("object_id".to_owned(), json!(["", value]));
        }
        self.along(tx, id, was.as_ref(), &mut done.changes, beside)?;
        if done.outcome == Outcome::Unchanged && !done.changes.is_empty() {
            done.outcome = Outcome::Updated;
        }
        if done.outcome == Outcome::Created {
            done.changes = Changed::new();
        }
        *waits = later.map(|manager| Pending { user: id, customer, manager });
        Ok(done)
    }

    /// A row that is about somebody whom the order does not want.
    fn left_out(&self, was: Option<&User>, beside: &mut Beside) -> Option<Done> {
        let why = match (self.order.said.mode.unwrap_or(Mode::Upsert), was) {
            (Mode::New, Some(_)) => "exists already",
            (Mode::Existing, None) => "is not a user here",
            _ => return None,
        };
        beside.refused.push(whole(why));
        let (name, upn) = match was {
            Some(was) => (was.details.display_name.clone(), was.details.upn.clone()),
            None => (shown_name(self.row), String::new()),
        };
        let id = was.map(|was| was.id);
        Some(Done { id, outcome: Outcome::Skipped, name, upn, changes: Changed::new() })
    }

    fn create(&self, tx: &Write, input: &Input, beside: &mut Beside) -> Result<(UserId, Done)> {
        if !self.may.create {
            return Err(Error::Forbidden("This needs the permission users.create.".into()));
        }
        let customer = self.home.customer.id;
        crate::customers::is_open(&self.home.customer)?;
        let template = match self.row.text(&Field::Template) {
            Some(label) => {
                let scope = self.order.actor.scope::<UsersCreate>()?;
                let all = templates::usable(tx, &scope, customer)?;
                let found = all.into_iter().find(|each| each.label.eq_ignore_ascii_case(label));
                Some(found.ok_or_else(|| Error::invalid("template", "is not one of the choices"))?)
            }
            None => None,
        };
        let whole = match &template {
            Some(template) => input.over(template.input(tx, self.order.scope, customer)?),
            None => input.clone(),
        };
        let (id, details) = users::add(tx, self.order.actor, self.order.scope, self.home, &whole)?;
        if let Some(template) = &template {
            self.give_along(tx, id, template.along(), beside)?;
        }
        let (name, upn) = (details.display_name, details.upn);
        let outcome = Outcome::Created;
        Ok((id, Done { id: Some(id), outcome, name, upn, changes: Changed::new() }))
    }

    fn update(&self, tx: &Write, was: &User, input: &Input) -> Result<Done> {
        let Order { actor, scope, said, .. } = self.order;
        let changes = users::change_telling(tx, actor, scope, self.home, was, input, said.welcome)?;
        if !changes.is_empty() && !self.may.update {
            return Err(Error::Forbidden("This needs the permission users.update.".into()));
        }
        let outcome = if changes.is_empty() { Outcome::Unchanged } else { Outcome::Updated };
        let (name, upn) = (was.details.display_name.clone(), was.details.upn.clone());
        Ok(Done { id: Some(was.id), outcome, name, upn, changes })
    }

    fn belongs_here(&self) -> Result<()> {
        let customer = &self.home.customer;
        match self.row.text(&Field::Site) {
            _ if self.order.said.by_site => Ok(()),
            Some(site)
                if !site.eq_ignore_ascii_case(&customer.code)
                    && site.to_lowercase() != customer.details.name.to_lowercase() =>
            {
                Err(Error::invalid("site", format!("belongs to {site}")))
            }
            _ => Ok(()),
        }
    }

    /// What the row says, as a form would.
    fn input(&self, was: Option<&User>, notices: &mut Vec<Remark>) -> Input {
        let mut input = Input::default();
        for (field, cell) in &self.row.cells {
            let word = field.to_string();
            if is_plain(field) && EDIT.iter().any(|known| known.name == word) {
                input.set(&word, cell.text());
            }
        }
        for (field, cell) in &self.row.cells {
            match field {
                Field::Custom(key) if self.home.properties.contains(key) => {
                    input.set(&format!("{FIELD}.{key}"), cell.text());
                }
                // Otherwise the whole column is told of once.
                Field::Custom(_) if self.order.said.by_site => {
                    notices.push(self.notice(field, cell.text(), "is not a property here"));
                }
                _ => {}
            }
        }
        if let Some(new) = self.row.text(&Field::NewUpn) {
            input.set("upn", new);
        }
        let usable = &self.home.usable;
        let mut elsewhere: Vec<String> = Vec::new();
        if let Some(mail) = self.row.text(&Field::Email) {
            match on_domain(mail, usable) {
                Ok(mail) => {
                    if !input.has("upn") && was.is_none() {
                        input.set("upn", &mail);
                    }
                    input.set("mail", mail);
                }
                Err(_) => {
                    elsewhere.push(mail.to_lowercase());
                    let text =
                        "is not on a domain of the customer and is kept as an address elsewhere";
                    notices.push(self.notice(&Field::Email, mail, text));
                }
            }
        }
        if let Some(cell) = self.row.cells.get(&Field::ExternalEmails) {
            elsewhere.extend(cell.list().map(str::to_lowercase));
            input.set("external_emails", "");
        }
        if !elsewhere.is_empty() {
            let old = was.into_iter().flat_map(|was| was.details.external_emails.iter().cloned());
            input.remove("external_emails");
            old.chain(elsewhere).for_each(|each| input.push("external_emails", each));
        }
        if let Some(cell) = self.row.cells.get(&Field::Addresses) {
            let old = was.into_iter().flat_map(|was| was.details.addresses.iter().cloned());
            old.for_each(|each| input.push("addresses", each));
            for each in cell.list() {
                match on_domain(each, usable) {
                    Ok(name) => input.push("addresses", name),
                    Err(_) => {
                        let text = "is not on a domain of the customer and is left out";
                        notices.push(self.notice(&Field::Addresses, each, text));
                    }
                }
            }
        }
        if let Some(language) = self.row.text(&Field::Language) {
            let short = language.to_lowercase();
            let short = short.split(['-', '_']).next().unwrap_or_default();
            if LANGUAGES.iter().any(|(code, _)| *code == short) {
                input.set("language", short);
            } else {
                input.remove("language");
                let text = "is not a language of Portico and is left out";
                notices.push(self.notice(&Field::Language, language, text));
            }
        }
        for field in [&Field::FirstName, &Field::LastName, &Field::DisplayName] {
            if let Some(text) = self.row.text(field).filter(|t| t.starts_with(['=', '+', '-', '@']))
            {
                let said = "looks like a formula and is taken as text";
                notices.push(self.notice(field, text, said));
            }
        }
        self.state(was, &mut input, notices);
        input
    }

    /// Whether an account is on counts for new rows; an existing one is left as it is.
    fn state(&self, was: Option<&User>, input: &mut Input, notices: &mut Vec<Remark>) {
        let Some(text) = self.row.text(&Field::Enabled) else { return };
        match was {
            None if text == "no" => input.set("disabled", "1"),
            None => {}
            Some(was) if (was.state == State::Active) == (text == "yes") => {}
            Some(_) if self.order.said.state => {}
            Some(was) => {
                let said = format!("is left as it is here: {}", was.state.word());
                notices.push(self.notice(&Field::Enabled, text, &said));
            }
        }
    }

    pub fn notice(&self, field: &Field, value: &str, message: &str) -> Remark {
        Remark {
            field: Some(field.clone()),
            column: heading(self.sheet, field),
            value: value.to_owned(),
            message: message.to_owned(),
        }
    }
}

/// By our id, the other system's, the sign-in name, else an address. Nothing fuzzy.
pub fn identify(
    db: &Read,
    sheet: &Sheet,
    row: &Row,
    customer: CustomerId,
) -> Result<Option<UserId>> {
    if let Some(text) = row.text(&Field::PorticoId) {
        let id = text.parse::<UserId>().ok();
        return match id {
            Some(id) if lookup::is_of(db, customer, id)? => Ok(Some(id)),
            _ => Err(Error::invalid("portico_id", "is not a user of this customer")),
        };
    }
    if let (Some(source), Some(value)) = (sheet.id_source, row.text(&Field::ObjectId))
        && let Some(id) = store::by_external_id(db, customer, source.word(), value)?
    {
        return Ok(Some(id));
    }
    if let Some(upn) = row.text(&Field::Upn) {
        return lookup::by_name(db, customer, &upn.to_lowercase());
    }
    match row.text(&Field::Email) {
        Some(mail) => match lookup::by_name(db, customer, &mail.to_lowercase())? {
            Some(id) => Ok(Some(id)),
            None => store::by_external_email(db, customer, &mail.to_lowercase()),
        },
        None => Ok(None),
    }
}

/// A cell that goes into the form's field of the same word as it is.
fn is_plain(field: &Field) -> bool {
    !matches!(
        field,
        Field::Email
            | Field::ExternalEmails
            | Field::Addresses
            | Field::Manager
            | Field::Enabled
            | Field::NewUpn
            | Field::Roles
            | Field::Template
            | Field::Service { .. }
            | Field::Custom(_)
    )
}

/// Columns whose meaning is known and that change nothing here.
pub fn without_use(order: &Order, sheet: &Sheet) -> Vec<String> {
    let gives = order.app.is_some()
        && order
            .db
            .read(|db| Ok(users::reaches::<UserServicesWrite>(db, order.actor, order.customer)))
            .unwrap_or(false);
    let known = order.db.read(|db| users::property_keys(db, order.customer)).unwrap_or_default();
    let one = |column: &crate::sheet::columns::Column| match column.field()? {
        Field::TicketsByMail => Some(format!("‘{}’ is not used", column.heading)),
        // Where rows say whose they are, each customer has its own.
        Field::Custom(key) if !order.said.by_site && !known.contains(key) => {
            Some(format!("‘{}’ is not used", column.heading))
        }
        Field::Service { .. } if !gives => {
            Some(format!("‘{}’ is not taken: needs {}", column.heading, UserServicesWrite::NAME))
        }
        _ => None,
    };
    sheet.columns.iter().filter_map(one).collect()
}

fn shown_name(row: &Row) -> String {
    let shown = [Field::DisplayName, Field::FirstName, Field::LastName];
    shown.iter().find_map(|field| row.text(field)).unwrap_or_default().to_owned()
}

/// The row before anything is done with it.
pub fn start(row: &Row) -> RowOut {
    let result = if row.skip.is_some() { Outcome::Skipped } else { Outcome::Refused };
    let mut errors = row.complaints.clone();
    errors.extend(row.skip.iter().map(|why| whole(why)));
    RowOut {
        line: row.line,
        result,
        name: shown_name(row),
        upn: row.text(&Field::Upn).unwrap_or_default().to_owned(),
        user_id: None,
        errors,
        notices: row.notices.clone(),
        changes: Changed::new(),
        customer: None,
    }
}

/// A complaint about the row, or about why it is left out.
pub fn whole(text: &str) -> Remark {
    Remark { field: None, column: String::new(), value: String::new(), message: text.to_owned() }
}

/// A form's complaint with the column and the cell it is about.
pub fn remark(sheet: &Sheet, row: &Row, complaint: &Complaint) -> Remark {
    let custom = complaint.field.strip_prefix(FIELD).and_then(|rest| rest.strip_prefix('.'));
    let field = match custom {
        Some(key) => Ok(Field::Custom(key.to_owned())),
        None => complaint.field.parse::<Field>(),
    };
    let Ok(field) = field else { return whole(&complaint.message) };
    Remark {
        column: heading(sheet, &field),
        value: row.cells.get(&field).map(|cell| cell.text().to_owned()).unwrap_or_default(),
        field: Some(field),
        message: complaint.message.clone(),
    }
}

fn heading(sheet: &Sheet, field: &Field) -> String {
    let column = sheet.columns.iter().find(|column| column.field() == Some(field));
    column.map_or_else(|| field.label(), |column| column.heading.clone())
}
