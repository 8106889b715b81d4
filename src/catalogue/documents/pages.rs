//! Files that are brought in: what they would change first, then the change. And the versions a
//! service had.

use super::{Change, File, apply};
use crate::auth::Scope;
use crate::auth::permissions::{CatalogueRead, CatalogueWrite, RulesWrite};
use crate::catalogue::pages::trail_of;
use crate::catalogue::plans::Author;
use crate::catalogue::store;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{cancel, link, primary};
use crate::html::field::{Opts, check, file_field};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form, post_upload};
use crate::html::parts::{Head, card, card_flush, page_head, tag};
use crate::html::table::{acts, column, empty, paging, table};
use crate::html::text::{count, when};
use crate::input::Input;
use crate::web::{Cx, Response};
use maud::{Markup, html};

const TITLE: &str = "Bring in services from files";

fn trail() -> [(&'static str, String); 1] {
    [("Services", "/services".to_owned())]
}

pub fn new(cx: &Cx, _: &Scope<CatalogueWrite>) -> Result<Response> {
    Ok(upload_page(cx, 200, &[]))
}

fn upload_page(cx: &Cx, status: u16, complaints: &[Complaint]) -> Response {
    let hint = "TOML or JSON, as Export of a service writes it. One after the other may be added on the next page.";
    let form = post_upload(
        &cx.csrf,
        "/apply",
        html! {
            div.form {
                (fieldset("File", "Nothing changes before you have seen what would", html! {
                    (file_field(complaints, "file", "File", ".toml,.json", Opts { hint, ..Opts::default() }))
                }))
                (form_foot(html! { (primary("Show what would change")) (cancel("/services")) }))
            }
        },
    );
    let body = html! {
        (page_head(TITLE, Head::default()))
        (complaints_flash(complaints, &[("file", "File")]))
        (form)
    };
    cx.page_with(status, Nav::Services, TITLE, &trail(), body)
}

/// First shows what would change; with `sure` it is done.
pub fn create(cx: &Cx, scope: &Scope<CatalogueWrite>) -> Result<Response> {
    let upload = cx.request.header("Content-Type").starts_with("multipart/form-data");
    let (input, uploads) = if upload { cx.request.files()? } else { (cx.input()?, Vec::new()) };
    let mut files: Vec<File> = input
        .all("name")
        .zip(input.all("text"))
        .map(|(name, text)| File { name: name.to_owned(), text: text.to_owned() })
        .collect();
    for each in uploads.into_iter().filter(|each| !each.bytes.is_empty()) {
        let name: String = each.name.chars().filter(|c| !c.is_control()).take(120).collect();
        match String::from_utf8(each.bytes) {
            Ok(text) if !text.trim().is_empty() => files.push(File { name, text }),
            _ => {
                let all = [Complaint::new("file", "is not a text in UTF-8")];
                return Ok(upload_page(cx, 422, &all));
            }
        }
    }
    if files.is_empty() {
        return Ok(upload_page(cx, 422, &[Complaint::new("file", "is required: choose one")]));
    }
    let sure = input.get("sure") == "1";
    let prune = input.get("prune") == "1";
    let author = Author::of_files(scope, &cx.app.config.key, cx.actor.may::<RulesWrite>());
    match apply(cx.db, &author, &files, !sure, prune) {
        Ok(_) if sure => Ok(cx.done("/services", "The files are in the catalogue.")),
        Ok(outcome) => Ok(checked_page(cx, 200, &files, prune, &outcome.changes, &[])),
        Err(Error::Invalid(complaints)) => {
            Ok(checked_page(cx, 422, &files, prune, &[], &complaints))
        }
        Err(err) => Err(err),
    }
}

fn checked_page(
    cx: &Cx,
    status: u16,
    files: &[File],
    prune: bool,
    changes: &[Change],
    complaints: &[Complaint],
) -> Response {
    let mut input = Input::default();
    input.set("prune", i64::from(prune));
    let kept = html! {
        @for file in files { (hidden("name", &file.name)) (hidden("text", &file.text)) }
    };
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let opts = Opts { optional: true, ..Opts::default() };
    let again = post_upload(
        &cx.csrf,
        "/apply",
        html! {
            (kept)
            div.form {
                (fieldset("Look again", "", html! {
                    (file_field(&[], "file", "One more file", ".toml,.json", opts))
                    (check(&input, &[], "prune", "Retire what no file names", "Services and plans; who has them keeps them"))
                }))
                (form_foot(html! { (primary("Show what would change")) (cancel("/services")) }))
            }
        },
    );
    let body = html! {
        (page_head(TITLE, Head { lede: &format!("From {}.", names.join(", ")), ..Head::default() }))
        (complaints_flash(complaints, &[]))
        @if complaints.is_empty() {
            @if changes.is_empty() {
                (empty("check", "Nothing differs", "The catalogue is as the files say.", None))
            } @else {
                (card_flush("What would change", None, drawn(changes)))
                (post_form(&cx.csrf, "/apply", html! {
                    (kept)
                    (hidden("prune", i64::from(prune)))
                    (hidden("sure", 1))
                    (form_foot(html! { (primary("Apply")) (cancel("/services")) }))
                }))
            }
        }
        (card("Files", None, again))
    };
    cx.page_with(status, Nav::Services, TITLE, &trail(), body)
}

/// Changes as a table, with what was and what would be.
pub fn drawn(changes: &[Change]) -> Markup {
    let columns =
        [column("Service"), column("What"), column("Change"), column("From and to").class("p2")];
    let rows = html! {
        @for each in changes {
            tr {
                th scope="row" { (tag(&each.service)) }
                td { @if each.what.is_empty() { "The service" } @else { (each.what) } }
                td { (each.change) }
                td.p2 {
                    @for value in &each.values {
                        div { b { (value.key) } ": " @if value.old.is_empty() { "nothing" } @else { (value.old) }
                            " → " @if value.new.is_empty() { "nothing" } @else { (value.new) } }
                    }
                }
            }
        }
    };
    table("What would change", &columns, rows)
}

/// The states a service was saved in.
pub fn versions(cx: &Cx, scope: &Scope<CatalogueRead>) -> Result<Response> {
    let code: String = cx.param("code")?;
    let pages = cx.paging(&[])?;
    let (service, rows) = cx.db.read(|db| {
        let service = store::own(db, scope, &code)?;
        let rows = store::versions(db, service.id, &pages)?;
        Ok((service, rows))
    })?;
    let page = pages.listing(rows, |row| (String::new(), row.version));
    let rows = html! {
        @for row in &page.items {
            tr {
                th scope="row" { "Version " (row.version) }
                td { (when(row.at, &cx.actor.zone, cx.db.now())) }
                td.p2 { (row.by.as_deref().unwrap_or("Portico")) }
                td.acts {
                    (link("Document", &format!("/services/{code}/versions/{}", row.version))
                        .small().ghost().about(&format!("of version {}", row.version)))
                }
            }
        }
    };
    let columns = [column("Version"), column("Saved"), column("By").class("p2"), acts()];
    let title = format!("Versions of {}", service.name);
    let next = cx.next_href(page.next.as_ref());
    let body = html! {
        (page_head(&title, Head { lede: "Each save keeps the whole service.", ..Head::default() }))
        @if page.items.is_empty() {
            (empty("history", "No version yet", "The next save is kept.", None))
        } @else {
            (table("Versions", &columns, rows))
            (paging(&count(i64::try_from(page.items.len()).unwrap_or(0), "version", "versions"), None, next.as_deref()))
        }
    };
    Ok(cx.page(Nav::Services, &title, &trail_of(&service), body))
}
