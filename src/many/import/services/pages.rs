//! The file of services: where it is given, what each of its rows would do, and the button.

use super::columns::{self, HEADINGS};
use super::{Order, Outcome, RowOut, check, run};
use crate::auth::permissions::{ServicesRead, UserServicesWrite};
use crate::auth::{Scope, ServiceRights};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{cancel, primary};
use crate::html::field::{Opts, file_field};
use crate::html::form::{complaints_flash, form_foot, post_form, post_upload, sentence};
use crate::html::parts::{Tone, card, card_flush, pill, section, stats};
use crate::html::table::{column, table};
use crate::html::text::count;
use crate::ids::{CustomerId, UploadId};
use crate::many::import::store;
use crate::places::{self, Tab, capital};
use crate::sheet;
use crate::web::{Cx, Response, response};
use maud::{Markup, html};

pub fn new(cx: &Cx, rights: &ServiceRights<UserServicesWrite>) -> Result<Response> {
    upload_page(cx, rights, &[])
}

/// Keeps the file and leads to its check.
pub fn upload(cx: &Cx, rights: &ServiceRights<UserServicesWrite>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    cx.db.read(|db| rights.reaches(db, customer))?;
    let read = cx.actor.scope::<ServicesRead>()?;
    let (_, files) = match cx.request.header("Content-Type").starts_with("multipart/form-data") {
        true => cx.request.files()?,
        false => (cx.input()?, Vec::new()),
    };
    let Some(file) = files.iter().find(|file| file.field == "file" && !file.bytes.is_empty())
    else {
        return upload_page(cx, rights, &[Complaint::new("file", "is required: choose one")]);
    };
    match columns::read(&file.bytes) {
        Err(Error::Invalid(complaints)) => return upload_page(cx, rights, &complaints),
        other => drop(other?),
    }
    let name: String = file.name.chars().filter(|c| !c.is_control()).take(120).collect();
    let id = cx.db.write(cx.actor.by, |tx| {
        store::keep_upload(tx, &read, customer, cx.actor.user, &name, &file.bytes)
    })?;
    Ok(response::redirect(format!("/customers/{customer}/services/import/{id}")))
}

fn upload_page(
    cx: &Cx,
    rights: &ServiceRights<UserServicesWrite>,
    complaints: &[Complaint],
) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    let read = cx.actor.scope::<ServicesRead>()?;
    let place = cx.db.read(|db| {
        rights.reaches(db, customer)?;
        places::customer(db, &read, customer)
    })?;
    let base = format!("/customers/{customer}/services");
    let here = format!("{base}/import");
    let opts = Opts { hint: "CSV or XLSX with the headings below", ..Opts::default() };
    let form = post_upload(
        &cx.csrf,
        &here,
        html! {
            div.fields { (file_field(complaints, "file", "File", ".csv,.txt,.xlsx", opts)) }
            (form_foot(html! { (primary("Check the file")) (cancel(&base)) }))
        },
    );
    let about = html! {
        p {
            "The columns are user, service, label, plan, action and prop:NAME for each setting. "
            a href={ (here) "/template" } download { "A file with these headings" } "."
        }
        p.muted {
            "A row without a user is about the customer’s own service. The action may be give, change, suspend, resume or \
             remove; without one, what is missing is given and what differs is changed. An empty cell changes nothing, "
            code { "<clear>" } " lets a setting inherit again."
        }
    };
    let body = html! {
        (complaints_flash(complaints, &[("file", "File")]))
        (section("Import services", None, form))
        (card("What it may look like", None, about))
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::customer_page(cx, &place, Tab::Services, status, html! {}, body))
}

/// A file with every heading and no row.
pub fn template(cx: &Cx, rights: &ServiceRights<UserServicesWrite>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    cx.db.read(|db| rights.reaches(db, customer))?;
    let bytes = sheet::write_csv(&HEADINGS, std::iter::empty::<Vec<&str>>());
    Ok(response::download("services.csv", "text/csv; charset=utf-8", bytes))
}

/// The file of the path, as somebody who may import here kept it.
fn kept(
    cx: &Cx,
    rights: &ServiceRights<UserServicesWrite>,
    read: &Scope<ServicesRead>,
) -> Result<(CustomerId, UploadId, Vec<columns::Row>)> {
    let (customer, id): (CustomerId, UploadId) = (cx.param("id")?, cx.param("upload")?);
    let (_, bytes) = cx.db.read(|db| {
        rights.reaches(db, customer)?;
        store::upload(db, read, customer, cx.actor.user, id)
    })?;
    Ok((customer, id, columns::read(&bytes)?))
}

/// What each row would do.
pub fn look(cx: &Cx, rights: &ServiceRights<UserServicesWrite>) -> Result<Response> {
    let read = cx.actor.scope::<ServicesRead>()?;
    let (customer, id, rows) = kept(cx, rights, &read)?;
    let place = cx.db.read(|db| places::customer(db, &read, customer))?;
    let order = Order { app: cx.app, actor: &cx.actor, read: &read, customer, run: None };
    let rows = check(&order, &rows)?;
    let of = |outcome: Outcome| rows.iter().filter(|row| row.result == outcome).count();
    let idle = of(Outcome::Unchanged) + of(Outcome::Refused);
    let busy = i64::try_from(rows.len().saturating_sub(idle)).unwrap_or(i64::MAX);
    let figures: Vec<(&str, Markup, Option<Markup>)> = [
        ("Would be done", rows.len().saturating_sub(idle)),
        ("Already so", of(Outcome::Unchanged)),
        ("Refused", of(Outcome::Refused)),
    ]
    .into_iter()
    .map(|(label, n)| (label, html! { (n) }, None))
    .collect();
    let here = format!("/customers/{customer}/services/import");
    let go = html! {
        @if busy == 0 { p { "Nothing in it would be done." } (cancel(&here)) }
        @else {
            (post_form(&cx.csrf, &format!("{here}/{id}"), html! {
                (form_foot(html! {
                    (primary(&format!("Carry out {}", count(busy, "row", "rows")))) (cancel(&here))
                }))
            }))
        }
    };
    let body = html! {
        (stats(&figures))
        (card("Nothing was done yet", None, go))
        (card_flush("Rows", None, table_of(&rows)))
    };
    Ok(places::customer_page(cx, &place, Tab::Services, 200, html! {}, body))
}

fn table_of(rows: &[RowOut]) -> Markup {
    // Those that need a look come first; a long file is told by its numbers.
    let refused = rows.iter().filter(|row| row.result == Outcome::Refused);
    let others = rows.iter().filter(|row| row.result != Outcome::Refused);
    let shown = refused.chain(others).take(200);
    let body = html! {
        @for row in shown {
            tr {
                th scope="row" { "Row " (row.line) }
                td { @if row.user.is_empty() { "The customer" } @else { (row.user) } }
                td { (row.service) @if !row.label.is_empty() { " " (row.label) } }
                td {
                    @match row.result {
                        Outcome::Refused => (pill(Tone::Bad, "Refused")),
                        Outcome::Unchanged => (pill(Tone::Off, "Already so")),
                        other => (pill(Tone::Ok, &capital(other.word()))),
                    }
                    @for each in &row.errors { small { (sentence(&capital(&each.field), &each.message)) } }
                }
            }
        }
    };
    let columns = [column("Row"), column("User"), column("Service"), column("What becomes of it")];
    table("What each row would do", &columns, body)
}

/// Hands the file to a run.
pub fn start(cx: &Cx, rights: &ServiceRights<UserServicesWrite>) -> Result<Response> {
    let read = cx.actor.scope::<ServicesRead>()?;
    let (customer, id, rows) = kept(cx, rights, &read)?;
    let run = cx.db.write(cx.actor.by, |tx| run::queue(tx, customer, id, rows.len()))?;
    Ok(response::redirect(format!("/runs/{run}")))
}
