//! The parts of pages about a photo: others' and one's own.

use crate::error::{Complaint, Result};
use crate::html::button::{button, cancel, primary};
use crate::html::field::{Opts, file_field};
use crate::html::form::{complaints_flash, form_foot, post_upload};
use crate::html::parts::card;
use crate::web::Cx;
use maud::{Markup, html};

/// The picture on a page; its words are the name beside it.
pub fn picture(src: &str, name: &str) -> Markup {
    html! { img.photo src=(src) alt={ "Photo of " (name) } width="96" height="96"; }
}

/// The file of the form; empty where none was chosen.
pub fn sent(cx: &Cx) -> Result<Vec<u8>> {
    if !cx.request.header("Content-Type").starts_with("multipart/form-data") {
        return Ok(Vec::new());
    }
    let (_, files) = cx.request.files()?;
    Ok(files
        .into_iter()
        .find(|file| file.field == "photo")
        .map(|file| file.bytes)
        .unwrap_or_default())
}

/// What there is, and a field for another; `at` is where it is sent, and where one goes back to.
pub fn form(
    cx: &Cx,
    title: &str,
    name: &str,
    there: bool,
    (at, back): (&str, &str),
    complaints: &[Complaint],
) -> Markup {
    let opts = Opts {
        hint: "JPEG or PNG, at most 512 kB. It is cut to a square; where it was taken is not kept.",
        ..Opts::default()
    };
    let fields = html! {
        div.form { div.fields {
            (file_field(complaints, "photo", "File", "image/jpeg,image/png", opts))
        } }
        (form_foot(html! {
            (primary("Save photo"))
            @if there { (button("Remove the photo").posts(&format!("{at}/remove"))) }
            (cancel(back))
        }))
    };
    html! {
        (complaints_flash(complaints, &[("photo", "File")]))
        (card(title, None, html! {
            div.stack {
                @if there { (picture(at, name)) }
                (post_upload(&cx.csrf, at, fields))
            }
        }))
    }
}
