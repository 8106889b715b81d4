//! Import of a file: upload, check, choose, run.

use crate::auth::Scope;
use crate::auth::permissions::UsersImport;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{cancel, link, primary};
use crate::html::field::{Opts, file_field};
use crate::html::form::{complaints_flash, form_foot, post_form, post_upload};
use crate::html::parts::{Head, Tone, card, flash, page_head, pill};
use crate::html::table::{Look, Picked, bulk, column, pick, table_with};
use crate::html::text;
use crate::ids::{CustomerId, UploadId};
use crate::jobs;
use crate::places;
use crate::sheet::{self, Options, Remark};
use crate::users::import::{self, Order, Outcome, Report, RowOut};
use crate::users::store;
use crate::web::{Cx, Response, response};
use maud::{Markup, html};
use serde_json::json;
use std::collections::BTreeMap;

/// Rows of a check that are shown; the file of refused ones has all.
const SHOWN: usize = 500;

pub fn new(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    upload_page(cx, scope, cx.param("id")?, &[])
}

/// Keeps the file and leads to its check.
pub fn upload(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    cx.db.read(|db| scope.reaches(db, customer))?;
    let (_, files) = match cx.request.header("Content-Type").starts_with("multipart/form-data") {
        true => cx.request.files()?,
        false => (cx.input()?, Vec::new()),
    };
    let Some(file) = files.iter().find(|file| file.field == "file" && !file.bytes.is_empty())
    else {
        let all = [Complaint::new("file", "is required: choose one")];
        return upload_page(cx, scope, customer, &all);
    };
    if let Err(refusal) = sheet::read(&file.bytes, &Options::default()) {
        let all = [Complaint::new("file", refusal.to_string())];
        return upload_page(cx, scope, customer, &all);
    }
    let name: String = file.name.chars().filter(|c| !c.is_control()).take(120).collect();
    let id = cx.db.write(cx.actor.by, |tx| {
        store::keep_upload(tx, scope, customer, cx.actor.user, &name, &file.bytes)
    })?;
    Ok(response::redirect(format!("/customers/{customer}/users/import/{id}")))
}

fn upload_page(
    cx: &Cx,
    scope: &Scope<UsersImport>,
    customer: CustomerId,
    complaints: &[Complaint],
) -> Result<Response> {
    let place = cx.db.read(|db| places::customer(db, scope, customer))?;
    let here = format!("/customers/{customer}/users/import");
    let hint =
        "CSV or XLSX as Microsoft 365, Entra, Active Directory or Google write it; up to 20 MB.";
    let opts = Opts { hint, ..Opts::default() };
    let form = post_upload(
        &cx.csrf,
        &here,
        html! {
            div.fields { (file_field(complaints, "file", "File", ".csv,.txt,.xlsx", opts)) }
            (form_foot(html! {
                (primary("Check the file")) (cancel(&format!("/customers/{customer}/users")))
            }))
        },
    );
    let body = html! {
        (page_head("Import users", Head {
            lede: &format!("Into {}. Nothing is written before you have seen what each row does.", place.name),
            ..Head::default()
        }))
        (complaints_flash(complaints, &[("file", "File")]))
        (card("Choose a file", None, form))
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(cx.page_with(status, Nav::Customers, "Import users", &trail(customer, &place.name), body))
}

fn trail(customer: CustomerId, name: &str) -> [(&str, String); 3] {
    [
        ("Customers", "/customers".to_owned()),
        (name, format!("/customers/{customer}")),
        ("Users", format!("/customers/{customer}/users")),
    ]
}

/// What each row of the file would do.
pub fn check(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let (customer, id): (CustomerId, UploadId) = (cx.param("id")?, cx.param("upload")?);
    let (place, file) = cx.db.read(|db| {
        let file = store::upload(db, scope, customer, cx.actor.user, id)?;
        Ok((places::customer(db, scope, customer)?, file))
    })?;
    let report = checked(cx, scope, customer, &file.1)?;
    let here = format!("/customers/{customer}/users/import/{id}");
    let good = report.created + report.updated;
    let (shown, hidden) = (report.rows.len().min(SHOWN), report.rows.len().saturating_sub(SHOWN));
    let columns = [
        column("Row").class("num"),
        column("Name"),
        column("Sign-in name").class("p2"),
        column("Result"),
    ];
    let rows = html! { @for row in report.rows.iter().take(shown) { (line(row)) } };
    let look = Look { picks: true, ..Look::default() };
    let choose = html! {
        (table_with("Rows of the file", &columns, rows, look))
        (bulk(html! { button.btn.btn-primary.btn-sm name="what" value="picked" { "Import these" } }))
        (form_foot(html! {
            @if good > 0 {
                button.btn.btn-primary name="what" value="all" { "Import all good rows" }
            }
            (cancel(&format!("/customers/{customer}/users")))
        }))
    };
    let actions = html! {
        @if report.refused > 0 {
            (link("Download refused", &format!("{here}/refused")).icon("download").download())
        }
        (link("Upload again", &format!("/customers/{customer}/users/import")).icon("upload"))
    };
    let lede = format!(
        "{} for {}: {} new, {} changed, {} unchanged, {} refused, {} skipped.",
        text::count(i64::try_from(report.rows.len()).unwrap_or(0), "row", "rows"),
        place.name,
        report.created,
        report.updated,
        report.unchanged,
        report.refused,
        report.skipped,
    );
    let body = html! {
        (page_head(&file.0, Head { actions: Some(actions), lede: &lede, ..Head::default() }))
        @if !report.notices.is_empty() {
            (flash(Tone::Wait, html! { @for text in &report.notices { p { (text) } } }, None))
        }
        @if hidden > 0 {
            p.muted { "The first " (shown) " rows are shown; " (hidden) " more are checked and imported the same way." }
        }
        (post_form(&cx.csrf, &here, choose))
    };
    Ok(cx.page(Nav::Customers, &file.0, &trail(customer, &place.name), body))
}

fn checked(
    cx: &Cx,
    scope: &Scope<UsersImport>,
    customer: CustomerId,
    bytes: &[u8],
) -> Result<Report> {
    let file = sheet::read(bytes, &Options::default())?;
    let order = Order {
        db: cx.db,
        actor: &cx.actor,
        scope,
        customer,
        lines: None,
        dry_run: true,
        from: 0,
        earlier: &[],
    };
    import::apply(&order, &file, |_, _, _| Ok(true))
}

fn line(row: &RowOut) -> Markup {
    let (tone, word) = match row.result {
        Outcome::Created => (Tone::Ok, "New"),
        Outcome::Updated => (Tone::Busy, "Changes"),
        Outcome::Unchanged => (Tone::Off, "Unchanged"),
        Outcome::Refused => (Tone::Bad, "Refused"),
        Outcome::Skipped => (Tone::Off, "Skipped"),
    };
    let picked = match row.result {
        Outcome::Created | Outcome::Updated => Picked::Yes,
        _ => Picked::Never,
    };
    html! {
        tr {
            (pick(&format!("row {}", row.line), row.line, picked))
            td.num.muted { (row.line) }
            th scope="row" { @if row.name.is_empty() { span.muted { "no name" } } @else { (row.name) } }
            td.p2 { (row.upn) }
            td {
                (pill(tone, word))
                @for each in row.errors.iter().chain(&row.notices) { small { (sentence(each)) } }
                @for (field, change) in &row.changes {
                    small { (field) ": " (change[0].as_str().unwrap_or_default()) " → " (change[1].as_str().unwrap_or_default()) }
                }
            }
        }
    }
}

/// "User Name someone@elsewhere.example must end in one of aldermoor.example".
fn sentence(remark: &Remark) -> String {
    let all = [remark.column.as_str(), &remark.value, &remark.message];
    all.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Queues the import of the rows that were chosen.
pub fn run(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let (customer, id): (CustomerId, UploadId) = (cx.param("id")?, cx.param("upload")?);
    let input = cx.input()?;
    let picked: Vec<u32> = input.all("id").filter_map(|line| line.parse().ok()).collect();
    let all = input.get("what") != "picked";
    if !all && picked.is_empty() {
        return Err(Error::refused("No row was chosen."));
    }
    let run = cx.db.write(cx.actor.by, |tx| {
        store::upload(tx, scope, customer, cx.actor.user, id)?;
        let lines = (!all).then_some(picked);
        jobs::queue_run(
            tx,
            "users.import",
            customer,
            &json!({ "upload": id, "lines": lines }),
            None,
        )
    })?;
    Ok(response::redirect(format!("/runs/{run}")))
}

/// The refused rows under their own headings, each with its reason.
pub fn refused(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let (customer, id): (CustomerId, UploadId) = (cx.param("id")?, cx.param("upload")?);
    let (_, bytes) = cx.db.read(|db| store::upload(db, scope, customer, cx.actor.user, id))?;
    let report = checked(cx, scope, customer, &bytes)?;
    let bad = report.rows.iter().filter(|row| row.result == Outcome::Refused);
    let reasons: BTreeMap<u32, String> = bad
        .map(|row| (row.line, row.errors.iter().map(sentence).collect::<Vec<_>>().join("; ")))
        .collect();
    let file = sheet::write_refused(&bytes, &Options::default(), &reasons)?;
    Ok(response::download("refused.csv", "text/csv; charset=utf-8", file))
}
