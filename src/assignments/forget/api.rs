use super::{Whose, forget};
use crate::auth::Scope;
use crate::auth::permissions::ServicesForget;
use crate::error::Result;
use crate::web::{Cx, Response, response};

pub fn customer(cx: &Cx, scope: &Scope<ServicesForget>) -> Result<Response> {
    answer(cx, scope, Whose::Customer(cx.param("id")?, cx.param("aid")?))
}

pub fn user(cx: &Cx, scope: &Scope<ServicesForget>) -> Result<Response> {
    answer(cx, scope, Whose::User(cx.param("id")?, cx.param("aid")?))
}

fn answer(cx: &Cx, scope: &Scope<ServicesForget>, whose: Whose) -> Result<Response> {
    cx.again()?;
    forget(cx.db, scope, whose, &cx.input()?)?;
    Ok(response::no_content())
}
