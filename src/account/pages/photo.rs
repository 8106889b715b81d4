//! One's own photo.

use super::page;
use crate::auth::Own;
use crate::auth::permissions::{AccountRead, AccountUpdate};
use crate::error::{Complaint, Error, Result};
use crate::users::photo;
use crate::users::photo::shown::{form, sent};
use crate::web::{Cx, Response};

pub fn image(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    Ok(Response::new(200, "image/jpeg", cx.db.read(|db| photo::of_oneself(db, own))?))
}

pub fn edit(cx: &Cx, _: &Own<AccountUpdate>) -> Result<Response> {
    show(cx, &[])
}

pub fn update(cx: &Cx, own: &Own<AccountUpdate>) -> Result<Response> {
    match photo::set_own(cx.db, own, &sent(cx)?) {
        Ok(()) => Ok(cx.done("/account/photo/edit", "Your photo is changed.")),
        Err(Error::Invalid(all)) => show(cx, &all),
        Err(err) => Err(err),
    }
}

pub fn destroy(cx: &Cx, own: &Own<AccountUpdate>) -> Result<Response> {
    photo::remove_own(cx.db, own)?;
    Ok(cx.done("/account/photo/edit", "Your photo is gone."))
}

fn show(cx: &Cx, complaints: &[Complaint]) -> Result<Response> {
    let there = cx.db.read(|db| photo::is_there(db, cx.actor.user))?;
    let to = ("/account/photo", "/account");
    let body = form(cx, "Your photo", &cx.actor.name, there, to, complaints);
    Ok(page(cx, if complaints.is_empty() { 200 } else { 422 }, "Photo", body))
}
