//! The file: what it may look like, and where it is given.

use super::{Said, store, welcomes};
use crate::auth::Scope;
use crate::auth::permissions::{UsersExport, UsersImport};
use crate::customers::properties::{Holder, Standing};
use crate::error::{Complaint, Result};
use crate::html::Nav;
use crate::html::button::{cancel, primary};
use crate::html::field::{Opts, file_field};
use crate::html::form::{complaints_flash, form_foot, post_upload};
use crate::html::parts::{Head, card, page_head};
use crate::ids::CustomerId;
use crate::places;
use crate::sheet::{self, Options};
use crate::users::export;
use crate::users::export::Kind;
use crate::web::{Cx, Response, response};
use maud::html;

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
    // A file in which no heading is known is kept: somebody can say what they mean.
    if let Err(refusal) = Said::default().headings(&file.bytes) {
        let all = [Complaint::new("file", refusal.to_string())];
        return upload_page(cx, scope, customer, &all);
    }
    // Passwords are neither taken nor kept, not even until somebody has looked at the check.
    let masked = match sheet::masked(&file.bytes, &Options::default()) {
        Ok(masked) => masked,
        Err(refusal) => {
            let all = [Complaint::new("file", refusal.to_string())];
            return upload_page(cx, scope, customer, &all);
        }
    };
    let bytes = masked.as_ref().unwrap_or(&file.bytes);
    let name: String = file.name.chars().filter(|c| !c.is_control()).take(120).collect();
    let id = cx.db.write(cx.actor.by, |tx| {
        let id = store::keep_upload(tx, scope, customer, cx.actor.user, &name, bytes)?;
        if welcomes(tx, &cx.actor, customer)? {
            let said = Said { welcome: true, ..Said::default() };
            store::set_options(tx, cx.actor.user, id, &serde_json::to_string(&said)?)?;
        }
        Ok(id)
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
    let may_export = cx.actor.may::<UsersExport>();
    let files = html! {
        p {
            "A file with every heading and no row: "
            a href={ (here) "/template" } download { "CSV" } " or "
            a href={ (here) "/template?format=xlsx" } download { "XLSX" } "."
            @if may_export {
                " One with the users there are, to change and give back: "
                a href={ "/customers/" (customer) "/users/export" } download { "CSV" } " or "
                a href={ "/customers/" (customer) "/users/export?format=xlsx" } download { "XLSX" } "."
            }
        }
        p {
            "Those who have accounts in a directory already need no file: "
            a href={ "/customers/" (customer) "/directory-import" } { "import from the directory" } "."
        }
        p.muted {
            "Empty cells change nothing, " code { "<clear>" } " empties a field. Passwords are never taken: people choose \
             theirs by link."
        }
    };
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
        (card("What it may look like", None, files))
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(cx.page_with(status, Nav::Customers, "Import users", &trail(customer, &place.name), body))
}

pub fn trail(customer: CustomerId, name: &str) -> [(&str, String); 3] {
    [
        ("Customers", "/customers".to_owned()),
        (name, format!("/customers/{customer}")),
        ("Users", format!("/customers/{customer}/users")),
    ]
}

/// A file with every heading and no row.
pub fn template(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    let properties = cx.db.read(|db| {
        scope.reaches(db, customer)?;
        let standing = Standing::of(db, &cx.actor, &Holder::new_user(customer))?;
        export::columns(db, standing, customer)
    })?;
    let kind = Kind::asked(&cx.request.query)?;
    let own = properties.iter().map(|field| field.label());
    let headings: Vec<String> = export::told().map(|field| field.label()).chain(own).collect();
    let bytes = match kind {
        Kind::Csv => sheet::write_csv(&headings, std::iter::empty::<Vec<&str>>()),
        Kind::Xlsx => sheet::Workbook::new("Users", &headings)?.finish()?,
    };
    Ok(response::download(&format!("users.{}", kind.word()), kind.content_type(), bytes))
}
