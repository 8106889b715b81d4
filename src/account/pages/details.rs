//! What one says of oneself: numbers, where one lives, an address elsewhere.

use super::page;
use crate::auth::Own;
use crate::auth::permissions::AccountUpdate;
use crate::customers::properties::form::{cards, labels, own_parts, with_labels};
use crate::customers::properties::values;
use crate::error::{Complaint, Error, Result};
use crate::html::button::{cancel, primary};
use crate::html::form::{complaints_flash, form_foot, post_form};
use crate::input::Input;
use crate::users::form::{Form, LABELS};
use crate::users::{oneself, own_properties, owned_fields, update_oneself};
use crate::web::{Cx, Response};
use maud::html;

pub fn show(cx: &Cx, own: &Own<AccountUpdate>) -> Result<Response> {
    form(cx, own, &as_it_is(cx, own)?, &[])
}

pub fn update(cx: &Cx, own: &Own<AccountUpdate>) -> Result<Response> {
    let (input, was) = (cx.input()?, as_it_is(cx, own)?);
    guarded(cx, &input, &was)?;
    match update_oneself(cx.db, own, &input) {
        Ok(()) => Ok(cx.done("/account/details", "Saved.")),
        Err(Error::Invalid(all)) => form(cx, own, &input.over(was), &all),
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

fn as_it_is(cx: &Cx, own: &Own<AccountUpdate>) -> Result<Input> {
    cx.db.read(|db| {
        let user = oneself(db, own)?;
        let mut input = user.details.input();
        values::fill(&own_properties(db, own, &user)?.0, &mut input);
        Ok(input)
    })
}

fn form(
    cx: &Cx,
    own: &Own<AccountUpdate>,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let (kept, mine) = cx.db.read(|db| own_properties(db, own, &oneself(db, own)?))?;
    // What one sees and others keep stands below.
    let others: Vec<_> = kept
        .into_iter()
        .filter(|kept| !mine.iter().any(|property| property.id == kept.property.id))
        .collect();
    let labels = labels(&mine);
    let owned = cx.db.read(|db| owned_fields(db, cx.actor.home, own.user))?;
    let owned = owned.map(|(_, fields)| fields).unwrap_or_default();
    let form = Form { input, complaints, departments: &[], preview: None, owned: &owned };
    let body = html! {
        (complaints_flash(complaints, &with_labels(LABELS, &labels)))
        (post_form(&cx.csrf, "/account/details", html! {
            div.form { (form.own_numbers()) (form.address()) (own_parts(&mine, input, complaints)) (form.own_address()) }
            (form_foot(html! { (primary("Save")) (cancel("/account")) }))
        }))
        (cards(&others))
    };
    Ok(page(cx, if complaints.is_empty() { 200 } else { 422 }, "Details", body))
}
