//! Export of users, as a file that an import takes back without changing anything.

use super::finding::EXPORT;
use super::{Filter, User, finding, store};
use crate::audit;
use crate::auth::Scope;
use crate::auth::permissions::{UsersExport, UsersRead};
use crate::customers;
use crate::customers::properties::{Holder, Standing, holding, values};
use crate::db::Read;
use crate::error::{Error, Result};
use crate::ids::{CustomerId, UserId};
use crate::input::{Fields, Input};
use crate::places::State;
use crate::sheet::{Growing, field::Field};
use crate::web::{Cx, Response, response};
use serde_json::json;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use tempfile::NamedTempFile;

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

    fn begin(self, fields: &[&Field]) -> Result<Growing> {
        let headings: Vec<String> = fields.iter().map(|field| field.label()).collect();
        match self {
            Kind::Csv => Growing::csv(&headings),
            Kind::Xlsx => Growing::xlsx("Users", &headings),
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

/// As many as an import takes back.
const MOST: usize = 50_000;

/// What an export was asked for: how it is written, whom it names, and the filter of the others.
fn asked(cx: &Cx) -> Result<(Kind, Vec<UserId>, Input)> {
    let mut query = cx.request.query.clone();
    let kind = Kind::asked(&query)?;
    let named = Fields::of(&query, EXPORT).list::<UserId>("id", NAMED);
    let named = named.ok_or_else(|| Error::invalid("id", "has something that is no user"))?;
    ["format", "id"].iter().for_each(|name| query.remove(name));
    Ok((kind, named, query))
}

/// What page and API answer.
pub fn download(cx: &Cx, scope: &Scope<UsersExport>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let (kind, named, query) = asked(cx)?;
    let filter = Filter { customer: Some(id), ..finding::read(&query, &cx.actor)? };
    let whom = if named.is_empty() { Whom::Filter(&filter) } else { Whom::Named(&named) };
    let (code, sheet) = cx.db.read(|db| {
        let standing = Standing::of(db, &cx.actor, &Holder::new_user(id))?;
        write(db, scope, (id, standing), whom, kind, is_told)
    })?;
    sent(cx, scope, id, &format!("users-{code}"), (kind, &query, sheet))
}

/// The same of whichever customers are within reach, each user with the code of theirs. Properties
/// that customers define for themselves are in the file of each.
pub fn download_anywhere(cx: &Cx, scope: &Scope<UsersExport>) -> Result<Response> {
    let (kind, named, query) = asked(cx)?;
    let filter = finding::read(&query, &cx.actor)?;
    let read = cx.actor.scope::<UsersRead>()?;
    let sheet = cx.db.read(|db| {
        let ids = match named.is_empty() {
            true => finding::ids_of(db, &read, &filter, MOST + 1)?,
            false => named.clone(),
        };
        if ids.len() > MOST {
            let most = "One file holds 50,000 users. Narrow the list first.";
            return Err(Error::refused(most));
        }
        let fields: Vec<&Field> = told().collect();
        let mut sheet = kind.begin(&fields)?;
        let mut codes: BTreeMap<CustomerId, String> = BTreeMap::new();
        for id in ids {
            let user = match store::one(db, scope, id) {
                // Somebody may see more users than they may take along.
                Err(Error::NotFound) if named.is_empty() => continue,
                other => other?,
            };
            let code = match codes.entry(user.customer) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(customers::one(db, scope, user.customer)?.code),
            };
            sheet.line(&cells(db, &user, Input::default(), code, &fields)?)?;
        }
        Ok(sheet)
    })?;
    sent(cx, scope, cx.actor.home, "users", (kind, &query, sheet))
}

/// Notes what leaves the house, and sends it.
fn sent(
    cx: &Cx,
    scope: &Scope<UsersExport>,
    customer: CustomerId,
    name: &str,
    (kind, query, sheet): (Kind, &Input, Growing),
) -> Result<Response> {
    let detail = json!({ "users": sheet.lines, "format": kind, "filter": query.to_query() });
    cx.db.write(scope.by, |tx| {
        audit::record(tx, "users.exported", ("customer", customer.0), customer, &detail)
    })?;
    response::download_file(&format!("{name}.{}", kind.word()), kind.content_type(), sheet.close()?)
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
) -> Result<(String, Growing)> {
    let code = customers::one(db, scope, id)?.code;
    let properties = columns(db, standing, id)?;
    let plain = Field::PLAIN.iter().filter(|field| told(field));
    let fields: Vec<&Field> = plain.chain(&properties).collect();
    let mut sheet = kind.begin(&fields)?;
    let mut add = |user| {
        let user = store::one(db, scope, user)?;
        if user.customer != id {
            return Err(Error::NotFound);
        }
        let mut own = Input::default();
        if !properties.is_empty() {
            for kept in values::of(db, standing, &Holder::user(id, user.id))? {
                own.set(&Field::Custom(kept.property.key.clone()).to_string(), kept.typed());
            }
        }
        sheet.line(&cells(db, &user, own, &code, &fields)?)
    };
    match whom {
        Whom::Filter(filter) => finding::each_of(db, scope, filter, &mut add)?,
        Whom::Named(ids) => ids.iter().try_for_each(|user| add(*user))?,
    }
    Ok((code, sheet))
}

/// A user as a line; `own` are the values of custom properties.
fn cells(db: &Read, user: &User, own: Input, code: &str, fields: &[&Field]) -> Result<Vec<String>> {
    let manager = match user.details.manager {
        Some(boss) => store::upn(db, boss)?,
        None => String::new(),
    };
    let mut plain = own.over(user.details.input());
    plain.set("roles", super::roles_at_home(db, user)?.join(", "));
    Ok(fields.iter().map(|field| cell(user, &plain, code, &manager, field)).collect())
}

/// The file of all users of a customer, for another installation: without what counts here alone.
pub fn file(db: &Read, scope: &Scope<UsersExport>, id: CustomerId) -> Result<NamedTempFile> {
    let filter = Filter { customer: Some(id), ..Filter::default() };
    let told = |field: &Field| {
        is_told(field) && !matches!(field, Field::PorticoId | Field::Site | Field::Roles)
    };
    let whom = Whom::Filter(&filter);
    write(db, scope, (id, Standing::Above), whom, Kind::Csv, told)?.1.close()
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
