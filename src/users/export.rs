//! Export of a customer's users, as a file that an import takes back without changing anything.

use super::finding::EXPORT;
use super::{Filter, User, finding, store};
use crate::auth::Scope;
use crate::auth::permissions::UsersExport;
use crate::customers;
use crate::customers::properties::{Holder, Standing, holding, values};
use crate::db::Read;
use crate::error::{Error, Result};
use crate::ids::{CustomerId, UserId};
use crate::input::{Fields, Input};
use crate::places::State;
use crate::sheet::{self, field::Field};
use crate::web::response::Body;
use crate::web::{Cx, Response, response};
use std::io::{BufWriter, Write};
use tempfile::NamedTempFile;

/// From this size on an answer goes through a file.
const LARGE: u64 = 1 << 20;

words! {
    /// How a file is written.
    Kind { Csv = "csv", Xlsx = "xlsx" }
}

impl Kind {
    /// What browsers are told of it.
    pub fn content_type(self) -> &'static str {
        match self {
            Kind::Csv => "text/csv; charset=utf-8",
            Kind::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// As the query names it; CSV where it does not.
    pub fn asked(query: &Input) -> Result<Kind> {
        match query.get("format") {
            "" => Ok(Kind::Csv),
            word => {
                word.parse().map_err(|()| Error::invalid("format", "is not one of the choices"))
            }
        }
    }
}

/// As many as can be named one by one.
const NAMED: usize = 5_000;

/// What page and API answer.
pub fn download(cx: &Cx, scope: &Scope<UsersExport>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let mut query = cx.request.query.clone();
    let kind = Kind::asked(&query)?;
    let named = Fields::of(&query, EXPORT).list::<UserId>("id", NAMED);
    let named = named.ok_or_else(|| Error::invalid("id", "has something that is no user"))?;
    ["format", "id"].iter().for_each(|name| query.remove(name));
    let filter = Filter { customer: Some(id), ..finding::read(&query, &cx.actor)? };
    let whom = if named.is_empty() { Whom::Filter(&filter) } else { Whom::Named(&named) };
    let (code, file) = cx.db.read(|db| {
        let standing = Standing::of(db, &cx.actor, &Holder::new_user(id))?;
        write(db, scope, (id, standing), whom, kind, is_told)
    })?;
    let name = format!("users-{code}.{}", kind.word());
    let mut answer = response::download(&name, kind.content_type(), Vec::new());
    answer.body = match file.as_file().metadata()?.len() {
        0..LARGE => Body::Bytes(std::fs::read(file.path())?),
        _ => Body::File(file.keep().map_err(Error::internal)?.1),
    };
    Ok(answer)
}

/// Whom a file is of.
#[derive(Clone, Copy)]
enum Whom<'a> {
    Filter(&'a Filter),
    Named(&'a [UserId]),
}

/// The customer's code, and the file.
fn write(
    db: &Read,
    scope: &Scope<UsersExport>,
    (id, standing): (CustomerId, Standing),
    whom: Whom,
    kind: Kind,
    told: fn(&Field) -> bool,
) -> Result<(String, NamedTempFile)> {
    let code = customers::one(db, scope, id)?.code;
    let properties = columns(db, standing, id)?;
    let plain = Field::PLAIN.iter().filter(|field| told(field));
    let fields: Vec<&Field> = plain.chain(&properties).collect();
    let headings: Vec<String> = fields.iter().map(|field| field.label()).collect();
    let mut book = match kind {
        Kind::Csv => None,
        Kind::Xlsx => Some(sheet::Workbook::new("Users", &headings)?),
    };
    // The edge sends no file whose name begins with a dot, as temporary ones do by themselves.
    let mut file = BufWriter::new(tempfile::Builder::new().prefix("users-").tempfile()?);
    if book.is_none() {
        file.write_all(&sheet::write_csv(&headings, std::iter::empty::<Vec<&str>>()))?;
    }
    let mut add = |user| {
        let user = store::one(db, scope, user)?;
        if user.customer != id {
            return Err(Error::NotFound);
        }
        let manager = match user.details.manager {
            Some(boss) => store::upn(db, boss)?,
            None => String::new(),
        };
        let mut plain = user.details.input();
        plain.set("roles", super::roles_at_home(db, &user)?.join(", "));
        if !properties.is_empty() {
            for kept in values::of(db, standing, &Holder::user(id, user.id))? {
                plain.set(&Field::Custom(kept.property.key.clone()).to_string(), kept.typed());
            }
        }
        let cells: Vec<String> =
            fields.iter().map(|field| cell(&user, &plain, &code, &manager, field)).collect();
        match &mut book {
            Some(book) => book.line(&cells),
            None => Ok(file.write_all(sheet::csv_line(&cells).as_bytes())?),
        }
    };
    match whom {
        Whom::Filter(filter) => finding::each_of(db, scope, filter, &mut add)?,
        Whom::Named(ids) => ids.iter().try_for_each(|user| add(*user))?,
    }
    if let Some(book) = book {
        file.write_all(&book.finish()?)?;
    }
    let file = file.into_inner().map_err(|err| Error::from(err.into_error()))?;
    Ok((code, file))
}

/// The file of all users of a customer, for another installation: without what counts here alone.
pub fn file(db: &Read, scope: &Scope<UsersExport>, id: CustomerId) -> Result<NamedTempFile> {
    let filter = Filter { customer: Some(id), ..Filter::default() };
    let told = |field: &Field| {
        is_told(field) && !matches!(field, Field::PorticoId | Field::Site | Field::Roles)
    };
    let whom = Whom::Filter(&filter);
    Ok(write(db, scope, (id, Standing::Above), whom, Kind::Csv, told)?.1)
}

/// The columns of custom properties, archived ones too.
pub fn columns(db: &Read, standing: Standing, id: CustomerId) -> Result<Vec<Field>> {
    let all = holding(db, &Holder::new_user(id))?.into_iter();
    let seen = all.filter(|property| property.seen_from(standing));
    Ok(seen.map(|property| Field::Custom(property.key)).collect())
}

/// The columns of our own files, an export's and an empty one's.
pub fn told() -> impl Iterator<Item = &'static Field> {
    Field::PLAIN.iter().filter(|field| is_told(field))
}

/// Fields of which nothing is kept here.
fn is_told(field: &Field) -> bool {
    !matches!(
        field,
        Field::NewUpn
            | Field::MustChange
            | Field::TicketsByMail
            | Field::Template
            | Field::ObjectId
    )
}

fn cell(user: &User, plain: &Input, code: &str, manager: &str, field: &Field) -> String {
    let details = &user.details;
    let word = |flag: bool| if flag { "yes" } else { "no" }.to_owned();
    match field {
        Field::PorticoId => user.id.to_string(),
        Field::Site => code.to_owned(),
        Field::Manager => manager.to_owned(),
        Field::Enabled => word(user.state == State::Active),
        Field::MainContact => word(details.main_contact),
        Field::TestUser => word(details.test_user),
        Field::Addresses => joined(&details.addresses),
        Field::ExternalEmails => joined(&details.external_emails),
        other => plain.get(&other.to_string()).to_owned(),
    }
}

fn joined(all: &std::collections::BTreeSet<String>) -> String {
    all.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
