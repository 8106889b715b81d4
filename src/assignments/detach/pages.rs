//! The question before a directory is given up.

use super::{Outlook, order, outlook};
use crate::auth::Scope;
use crate::auth::permissions::ConnectorsWrite;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{button, cancel};
use crate::html::field::typed_field;
use crate::html::form::{complaints_flash, fieldset, form_foot, post_form};
use crate::html::parts::{Head, page_head};
use crate::html::text;
use crate::web::{Cx, Response};
use maud::html;

pub fn ask(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    question(cx, &outlook(cx.db, scope, cx.param("id")?)?, &[])
}

pub fn create(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id = cx.param("id")?;
    match order(cx.db, scope, id, &cx.input()?) {
        Ok(run) => Ok(cx.done(format!("/runs/{run}"), "It has begun.")),
        Err(Error::Invalid(wrong)) => question(cx, &outlook(cx.db, scope, id)?, &wrong),
        Err(err) => Err(err),
    }
}

fn question(cx: &Cx, it: &Outlook, wrong: &[Complaint]) -> Result<Response> {
    let directory = &it.directory;
    let at = format!("/directories/{}", directory.id);
    let title = format!("Detach {}?", directory.name);
    let body = html! {
        (page_head(&title, Head::default()))
        (complaints_flash(wrong, &[("confirm", "Confirmation")]))
        p {
            (text::count(directory.inhabitants, "customer lives", "customers live")) " here, with "
            (text::count(it.services, "service", "services")) " of theirs and of their users. "
            "Portico forgets those services: they are no longer billed, and their seats are free. "
            "The customers live nowhere then, and can be given another location."
        }
        p {
            "Nothing in the directory is touched: "
            (text::count(it.objects, "account, group or OU stays", "accounts, groups and OUs stay"))
            " as they are, and people go on signing in there."
        }
        @if directory.inhabitants == 0 {
            (form_foot(html! { (cancel(&at)) }))
        } @else {
            (post_form(&cx.csrf, &format!("{at}/detach"), html! {
                div.form { (fieldset("Detach it", "This cannot be taken back", html! { (typed_field(wrong, &directory.name)) })) }
                (form_foot(html! { (button("Detach it").danger()) (cancel(&at)) }))
            }))
        }
    };
    let trail = [
        ("Connectors", "/connectors".to_owned()),
        ("Directories", "/directories".to_owned()),
        (directory.name.as_str(), at.clone()),
    ];
    let status = if wrong.is_empty() { 200 } else { 422 };
    Ok(cx.page_with(status, Nav::Connectors, &title, &trail, body))
}
