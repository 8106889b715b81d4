use crate::auth::permissions::{AccountRead, AccountUpdate, UsersRead, UsersUpdate};
use crate::auth::{Own, Scope};
use crate::error::Result;
use crate::web::{Cx, Response, response};

/// A JPEG of 256 by 256 pixels.
pub fn show(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let id = cx.param("id")?;
    Ok(Response::new(200, "image/jpeg", cx.db.read(|db| super::of(db, scope, id))?))
}

/// The body is the file.
pub fn update(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    super::set(cx.db, scope, cx.param("id")?, &cx.request.body)?;
    Ok(response::no_content())
}

pub fn destroy(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    super::remove(cx.db, scope, cx.param("id")?)?;
    Ok(response::no_content())
}

pub fn show_own(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    Ok(Response::new(200, "image/jpeg", cx.db.read(|db| super::of_oneself(db, own))?))
}

pub fn update_own(cx: &Cx, own: &Own<AccountUpdate>) -> Result<Response> {
    super::set_own(cx.db, own, &cx.request.body)?;
    Ok(response::no_content())
}

pub fn destroy_own(cx: &Cx, own: &Own<AccountUpdate>) -> Result<Response> {
    super::remove_own(cx.db, own)?;
    Ok(response::no_content())
}
