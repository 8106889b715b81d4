//! Two users who are one person: who goes, what changes hands, then the act.

use crate::auth::Scope;
use crate::auth::permissions::UsersUpdate;
use crate::error::{Complaint, Error, Result};
use crate::html::button::{button, cancel, primary};
use crate::html::field::{Opts, text_field};
use crate::html::form::{complaints_flash, form_foot, hidden, post_form};
use crate::html::parts::{card, facts};
use crate::ids::UserId;
use crate::input::Input;
use crate::places::{self, Person, UserTab};
use crate::users::merge::{self, Outlook};
use crate::web::{Cx, Response};
use maud::{Markup, html};

pub fn new(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let mut input = Input::default();
    input.set("user", cx.request.query.get("user"));
    page(cx, scope, &input, &[])
}

pub fn create(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let (id, mut input): (UserId, Input) = (cx.param("id")?, cx.input()?);
    let sure = input.get("sure") == "1";
    input.remove("sure");
    let asked = cx.db.read(|db| merge::outlook(db, &cx.actor, scope, id, &input));
    match asked {
        Ok(outlook) if !sure => return shown(cx, scope, &outlook),
        Ok(_) => {}
        Err(Error::Invalid(all)) => return page(cx, scope, &input, &all),
        Err(err) => return Err(err),
    }
    match merge::merge(cx.db, &cx.actor, scope, id, &input) {
        Ok(_) => Ok(cx.done(format!("/users/{id}"), "Merged. The other is in the bin.")),
        Err(Error::Invalid(all)) => page(cx, scope, &input, &all),
        Err(err) => Err(err),
    }
}

fn page(
    cx: &Cx,
    scope: &Scope<UsersUpdate>,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let person = cx.db.read(|db| places::user(db, scope, id))?;
    let hint = "Sign-in name or address of a user of the same customer.";
    let fields = html! {
        div.fields {
            (text_field(input, complaints, "user", "The record that goes", Opts {
                width: 4, ltr: true, hint, ..Opts::default()
            }))
        }
        (form_foot(html! { (primary("Show what changes")) (cancel(&format!("/users/{id}"))) }))
    };
    let says = format!(
        "For two records of one person. {} stays; addresses of the other come here, and the other goes into the bin.",
        person.name
    );
    let body = html! {
        (complaints_flash(complaints, &[("user", "The record that goes")]))
        (card(&format!("Merge another user into {}", person.name), None, html! {
            div.stack { p { (says) } (post_form(&cx.csrf, &format!("/users/{id}/merge"), fields)) }
        }))
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(answer(cx, &person, status, body))
}

fn shown(cx: &Cx, scope: &Scope<UsersUpdate>, outlook: &Outlook) -> Result<Response> {
    let id = outlook.survivor.id;
    let person = cx.db.read(|db| places::user(db, scope, id))?;
    let (other, stays) = (&outlook.other.details, &outlook.survivor.details);
    let addresses = outlook.addresses().join(" · ");
    let mut list = vec![
        ("Stays", html! { b { (stays.display_name) } " " span.muted { (stays.upn) } }),
        ("Goes", html! { b { (other.display_name) } " " span.muted { (other.upn) } }),
        ("Addresses", html! { (addresses) }),
    ];
    if !other.external_emails.is_empty() {
        let all: Vec<&str> = other.external_emails.iter().map(String::as_str).collect();
        list.push(("Elsewhere", html! { (all.join(" · ")) }));
    }
    let body = card(
        &format!("Merge {} into {}?", other.display_name, stays.display_name),
        None,
        html! {
            div.stack {
                (facts(&list))
                (post_form(&cx.csrf, &format!("/users/{id}/merge"), html! {
                    (hidden("user", outlook.other.id.0)) (hidden("sure", "1"))
                    (form_foot(html! { (button("Merge").danger()) (cancel(&format!("/users/{id}"))) }))
                }))
            }
        },
    );
    Ok(answer(cx, &person, 200, body))
}

fn answer(cx: &Cx, person: &Person, status: u16, body: Markup) -> Response {
    places::user_page(cx, person, UserTab::Profile, status, html! {}, body)
}
