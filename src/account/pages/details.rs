//! What one says of oneself: numbers, where one lives, an address elsewhere.

use super::page;
use crate::auth::Own;
use crate::auth::permissions::AccountUpdate;
use crate::error::{Complaint, Error, Result};
use crate::html::button::{cancel, primary};
use crate::html::form::{complaints_flash, form_foot, post_form};
use crate::input::Input;
use crate::users::form::{Form, LABELS};
use crate::users::{oneself, update_oneself};
use crate::web::{Cx, Response};
use maud::html;

pub fn show(cx: &Cx, own: &Own<AccountUpdate>) -> Result<Response> {
    let input = cx.db.read(|db| oneself(db, own))?.details.input();
    form(cx, &input, &[])
}

pub fn update(cx: &Cx, own: &Own<AccountUpdate>) -> Result<Response> {
    let (input, was) = (cx.input()?, cx.db.read(|db| oneself(db, own))?.details.input());
    guarded(cx, &input, &was)?;
    match update_oneself(cx.db, own, &input) {
        Ok(()) => Ok(cx.done("/account/details", "Saved.")),
        Err(Error::Invalid(all)) => form(cx, &input.over(was), &all),
        Err(err) => Err(err),
    }
}

/// Links for a forgotten password go to the address elsewhere: whoever sits at an open browser does
/// not change it.
pub fn guarded(cx: &Cx, input: &Input, was: &Input) -> Result<()> {
    let field = "recovery_email";
    if input.has(field) && input.get(field) != was.get(field) {
        return cx.again();
    }
    Ok(())
}

fn form(cx: &Cx, input: &Input, complaints: &[Complaint]) -> Result<Response> {
    let form = Form { input, complaints, departments: &[], preview: None };
    let body = html! {
        (complaints_flash(complaints, LABELS))
        (post_form(&cx.csrf, "/account/details", html! {
            div.form { (form.own_numbers()) (form.address()) (form.own_address()) }
            (form_foot(html! { (primary("Save")) (cancel("/account")) }))
        }))
    };
    Ok(page(cx, if complaints.is_empty() { 200 } else { 422 }, "Details", body))
}
