//! Export of a customer's users, as a file that an import takes back without changing anything.

use super::{Filter, User, store};
use crate::auth::Scope;
use crate::auth::permissions::UsersExport;
use crate::customers;
use crate::db::Read;
use crate::error::{Error, Result};
use crate::ids::CustomerId;
use crate::input::Input;
use crate::places::State;
use crate::sheet::{self, field::Field};
use crate::users::api;
use crate::web::response::Body;
use crate::web::{Cx, Response, response};
use std::io::{BufWriter, Write};
use tempfile::NamedTempFile;

/// From this size on an answer goes through a file.
const LARGE: u64 = 1 << 20;

/// What page and API answer.
pub fn download(cx: &Cx, scope: &Scope<UsersExport>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let filter = Filter { customer: Some(id), ..api::filter(cx)? };
    let (code, file) = cx.db.read(|db| write(db, scope, id, &filter, is_told))?;
    let name = format!("users-{code}.csv");
    let mut answer = response::download(&name, "text/csv; charset=utf-8", Vec::new());
    answer.body = match file.as_file().metadata()?.len() {
        0..LARGE => Body::Bytes(std::fs::read(file.path())?),
        _ => Body::File(file.keep().map_err(Error::internal)?.1),
    };
    Ok(answer)
}

/// The customer's code, and the file.
fn write(
    db: &Read,
    scope: &Scope<UsersExport>,
    id: CustomerId,
    filter: &Filter,
    told: fn(&Field) -> bool,
) -> Result<(String, NamedTempFile)> {
    let code = customers::one(db, scope, id)?.code;
    let fields: Vec<&Field> = Field::PLAIN.iter().filter(|field| told(field)).collect();
    let headings: Vec<String> = fields.iter().map(|field| field.label()).collect();
    // The edge sends no file whose name begins with a dot, as temporary ones do by themselves.
    let mut file = BufWriter::new(tempfile::Builder::new().prefix("users-").tempfile()?);
    file.write_all(&sheet::write_csv(&headings, std::iter::empty::<Vec<&str>>()))?;
    store::each_of(db, scope, filter, &mut |user| {
        let user = store::one(db, scope, user)?;
        let manager = match user.details.manager {
            Some(boss) => store::upn(db, boss)?,
            None => String::new(),
        };
        let plain = user.details.input();
        let cells: Vec<String> =
            fields.iter().map(|field| cell(&user, &plain, &code, &manager, field)).collect();
        Ok(file.write_all(sheet::csv_line(&cells).as_bytes())?)
    })?;
    let file = file.into_inner().map_err(|err| Error::from(err.into_error()))?;
    Ok((code, file))
}

/// The file of all users of a customer, for another installation: without what counts here alone.
pub fn file(db: &Read, scope: &Scope<UsersExport>, id: CustomerId) -> Result<NamedTempFile> {
    let filter = Filter { customer: Some(id), ..Filter::default() };
    let told = |field: &Field| is_told(field) && !matches!(field, Field::PorticoId | Field::Site);
    Ok(write(db, scope, id, &filter, told)?.1)
}

/// Fields of which nothing is kept here.
fn is_told(field: &Field) -> bool {
    !matches!(
        field,
        Field::NewUpn
            | Field::MustChange
            | Field::TicketsByMail
            | Field::Template
            | Field::Roles
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
