//! The question before a service is forgotten.

use super::{Whose, forget, outlook, refusal};
use crate::auth::Scope;
use crate::auth::permissions::ServicesForget;
use crate::error::{Complaint, Error, Result};
use crate::html::button::{button, cancel};
use crate::html::field::{Opts, text_field, typed_field};
use crate::html::form::{complaints_flash, fieldset, form_foot, post_form};
use crate::html::parts::section;
use crate::input::Input;
use crate::places::{self, Tab, UserTab};
use crate::web::{Cx, Response};
use maud::{Markup, html};

fn of_customer(cx: &Cx) -> Result<Whose> {
    Ok(Whose::Customer(cx.param("id")?, cx.param("aid")?))
}

fn of_user(cx: &Cx) -> Result<Whose> {
    Ok(Whose::User(cx.param("id")?, cx.param("aid")?))
}

pub fn ask_customer(cx: &Cx, scope: &Scope<ServicesForget>) -> Result<Response> {
    cx.again()?;
    question(cx, scope, of_customer(cx)?, &Input::default(), &[])
}

pub fn ask_user(cx: &Cx, scope: &Scope<ServicesForget>) -> Result<Response> {
    cx.again()?;
    question(cx, scope, of_user(cx)?, &Input::default(), &[])
}

pub fn customer(cx: &Cx, scope: &Scope<ServicesForget>) -> Result<Response> {
    act(cx, scope, of_customer(cx)?)
}

pub fn user(cx: &Cx, scope: &Scope<ServicesForget>) -> Result<Response> {
    act(cx, scope, of_user(cx)?)
}

fn home(whose: Whose) -> String {
    match whose {
        Whose::Customer(id, _) => format!("/customers/{id}/services"),
        Whose::User(id, _) => format!("/users/{id}/services"),
    }
}

fn act(cx: &Cx, scope: &Scope<ServicesForget>, whose: Whose) -> Result<Response> {
    cx.again()?;
    let input = cx.input()?;
    match forget(cx.db, scope, whose, &input) {
        Ok(held) => Ok(cx.done(
            home(whose),
            &format!("{} is forgotten. Nothing was done outside.", held.title()),
        )),
        Err(Error::Invalid(all)) => question(cx, scope, whose, &input, &all),
        Err(err) => Err(err),
    }
}

fn question(
    cx: &Cx,
    scope: &Scope<ServicesForget>,
    whose: Whose,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let (held, outside, against) = cx.db.read(|db| {
        let (held, outside) = outlook(db, scope, whose)?;
        let against = refusal(db, &held)?;
        Ok((held, outside, against))
    })?;
    let number = held.id.number();
    let body = html! {
        (complaints_flash(complaints, &[("confirm", "Confirmation"), ("reason", "Reason")]))
        p {
            "Portico stops looking after it: its seat is free and it is no longer billed. Nothing is done outside."
        }
        (stays(&outside))
        @match &against {
            Some(text) => {
                p { strong { (text) } }
                (form_foot(html! { (cancel(&home(whose))) }))
            },
            None => (post_form(&cx.csrf, &format!("{}/{number}/forget", home(whose)), html! {
                div.form {
                    (fieldset("Forget it", "This cannot be taken back", html! {
                        (text_field(input, complaints, "reason", "Reason", Opts { most: Some(200), ..Opts::default() }))
                        (typed_field(complaints, &held.title()))
                    }))
                    (form_foot(html! { (button("Forget it").danger()) (cancel(&home(whose))) }))
                }
            })),
        }
    };
    let body = section(&format!("Forget {}?", held.title()), None, body);
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(match whose {
        Whose::Customer(id, _) => {
            let place = cx.db.read(|db| places::customer(db, scope, id))?;
            places::customer_page(cx, &place, Tab::Services, status, html! {}, body)
        }
        Whose::User(id, _) => {
            let person = cx.db.read(|db| places::user(db, scope, id))?;
            places::user_page(cx, &person, UserTab::Services, status, html! {}, body)
        }
    })
}

fn stays(outside: &[String]) -> Markup {
    html! {
        @if outside.is_empty() { p.muted { "Nothing was made outside." } }
        @else {
            p { "What was done outside stays there:" }
            ul { @for each in outside { li { (each) } } }
        }
    }
}
