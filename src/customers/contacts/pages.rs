use super::{Contact, ContactId, For};
use crate::auth::Scope;
use crate::auth::permissions::CustomersUpdate;
use crate::customers::pages::{Part, part_page};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{Item, button, cancel, menu, primary};
use crate::html::field::{Opts, complaint_of, text_field, tick};
use crate::html::form::{complaints_flash, form_foot, post_form};
use crate::html::parts::{card, tag};
use crate::html::table::{acts, column, empty, table};
use crate::ids::CustomerId;
use crate::input::Input;
use crate::places::capital;
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] =
    &[("user", "User"), ("name", "Name"), ("email", "Email"), ("told", "Told of")];

pub fn index(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    list(cx, scope, cx.param("id")?, &Input::default(), &[])
}

pub fn create(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let (id, input): (CustomerId, Input) = (cx.param("id")?, cx.input()?);
    match super::create(cx.db, scope, id, &input) {
        Ok(_) => Ok(cx.done(at(id), "The contact was added.")),
        Err(Error::Invalid(all)) => list(cx, scope, id, &input, &all),
        Err(err) => Err(err),
    }
}

pub fn edit(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let (customer, id) = (cx.param("id")?, cx.param("contact")?);
    let contact = cx.db.read(|db| super::one(db, scope, customer, id))?;
    form(cx, scope, customer, id, &contact.input(), &[])
}

pub fn update(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let (customer, id, mut input): (CustomerId, ContactId, Input) =
        (cx.param("id")?, cx.param("contact")?, cx.input()?);
    // A form with no box ticked says nothing of them at all.
    if !input.has("told") {
        input.set("told", "");
    }
    match super::update(cx.db, scope, customer, id, &input) {
        Ok(()) => Ok(cx.done(at(customer), "Saved.")),
        Err(Error::Invalid(all)) => form(cx, scope, customer, id, &input, &all),
        Err(err) => Err(err),
    }
}

pub fn ask_delete(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let (customer, id): (CustomerId, ContactId) = (cx.param("id")?, cx.param("contact")?);
    let contact = cx.db.read(|db| super::one(db, scope, customer, id))?;
    let body = card(
        &format!("Remove {}?", contact.name),
        None,
        html! {
            p { "They are no longer told of anything." }
            (post_form(&cx.csrf, &format!("{}/{id}/delete", at(customer)), html! {
                (form_foot(html! { (button("Remove").danger()) (cancel(&at(customer))) }))
            }))
        },
    );
    part_page(cx, scope, customer, Part::Contacts, true, body)
}

pub fn delete(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let customer = cx.param("id")?;
    super::remove(cx.db, scope, customer, cx.param("contact")?)?;
    Ok(cx.done(at(customer), "The contact was removed."))
}

fn at(customer: CustomerId) -> String {
    format!("/customers/{customer}/contacts")
}

fn list(
    cx: &Cx,
    scope: &Scope<CustomersUpdate>,
    id: CustomerId,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let all = cx.db.read(|db| super::all(db, scope, id))?;
    let add = html! { (fields(input, complaints)) p {} (primary("Add contact")) };
    let body = html! {
        (complaints_flash(complaints, LABELS))
        div.stack {
            @if all.is_empty() {
                (empty("users", "No contacts besides the main one", "Name up to 20 people and what each is told of.", None))
            } @else { (rows(id, &all)) }
            (card("Add a contact", None, post_form(&cx.csrf, &at(id), add)))
        }
    };
    part_page(cx, scope, id, Part::Contacts, complaints.is_empty(), body)
}

fn rows(customer: CustomerId, all: &[Contact]) -> Markup {
    let columns = [column("Name"), column("Told of"), acts()];
    let body = html! {
        @for contact in all {
            tr {
                th scope="row" {
                    @match contact.user {
                        Some(user) => a href={ "/users/" (user) } { (contact.name) },
                        None => (contact.name),
                    }
                    small { (contact.email) }
                }
                td { @for what in &contact.told { (tag(what.word())) " " } }
                td.acts {
                    (menu(&format!("contact-{}", contact.id), &format!("Actions for {}", contact.name), &[
                        Item::link("Edit", format!("{}/{}/edit", at(customer), contact.id)),
                        Item::danger("Remove…", format!("{}/{}/delete", at(customer), contact.id)),
                    ]))
                }
            }
        }
    };
    table("Contacts", &columns, body)
}

fn fields(input: &Input, complaints: &[Complaint]) -> Markup {
    let half = Opts { width: 3, optional: true, ..Opts::default() };
    let user = Opts {
        ltr: true,
        hint: "A user’s sign-in name; or fill in name and email.",
        width: 0,
        ..half
    };
    html! {
        div.fields {
            (text_field(input, complaints, "user", "User", user))
            (text_field(input, complaints, "name", "Name", Opts { most: Some(100), ..half }))
            (text_field(input, complaints, "email", "Email", Opts { kind: "email", ..half }))
        }
        fieldset {
            legend { "Told of" }
            @for what in For::ALL { (tick(input, "told", what.word(), &capital(what.word()), what.about())) }
            (complaint_of(complaints, "told", "Told of"))
        }
    }
}

fn form(
    cx: &Cx,
    scope: &Scope<CustomersUpdate>,
    customer: CustomerId,
    id: ContactId,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let was = cx.db.read(|db| super::one(db, scope, customer, id))?;
    let inside = html! {
        (fields(input, complaints))
        (form_foot(html! { (primary("Save")) (cancel(&at(customer))) }))
    };
    let body = html! {
        (complaints_flash(complaints, LABELS))
        (card(&format!("Edit {}", was.name), None,
            post_form(&cx.csrf, &format!("{}/{id}/edit", at(customer)), inside)))
    };
    part_page(cx, scope, customer, Part::Contacts, complaints.is_empty(), body)
}
