//! The photo itself, and the page on which it is chosen.

use super::shown::{form, sent};
use crate::auth::Scope;
use crate::auth::permissions::{UsersRead, UsersUpdate};
use crate::error::{Complaint, Error, Result};
use crate::ids::UserId;
use crate::places::{self, UserTab};
use crate::web::{Cx, Response};
use maud::html;

pub fn image(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let id = cx.param("id")?;
    Ok(Response::new(200, "image/jpeg", cx.db.read(|db| super::of(db, scope, id))?))
}

pub fn edit(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    page(cx, scope, &[])
}

pub fn update(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    match super::set(cx.db, scope, id, &sent(cx)?) {
        Ok(()) => Ok(cx.done(format!("/users/{id}"), "The photo is changed.")),
        Err(Error::Invalid(all)) => page(cx, scope, &all),
        Err(err) => Err(err),
    }
}

pub fn destroy(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    super::remove(cx.db, scope, id)?;
    Ok(cx.done(format!("/users/{id}"), "The photo is gone."))
}

fn page(cx: &Cx, scope: &Scope<UsersUpdate>, complaints: &[Complaint]) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let (person, there) =
        cx.db.read(|db| Ok((places::user(db, scope, id)?, super::is_there(db, id)?)))?;
    let at = format!("/users/{id}/photo");
    let title = format!("Photo of {}", person.name);
    let body = form(cx, &title, &person.name, there, (&at, &format!("/users/{id}")), complaints);
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::user_page(cx, &person, UserTab::Profile, status, html! {}, body))
}
