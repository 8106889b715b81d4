use super::{Entry, EntryId, List, Of};
use crate::auth::Scope;
use crate::auth::permissions::CustomersUpdate;
use crate::customers::pages::{Part, part_page};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{Item, button, cancel, menu, primary};
use crate::html::field::{Opts, choice_field, text_field, textarea};
use crate::html::form::{complaints_flash, form_foot, post_form};
use crate::html::parts::card;
use crate::html::table::{acts, column, empty, table};
use crate::html::text;
use crate::ids::CustomerId;
use crate::input::Input;
use crate::places::capital;
use crate::sheet::countries;
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[
    ("name", "Name"),
    ("street", "Street"),
    ("postcode", "Postcode"),
    ("city", "City"),
    ("region", "State or province"),
    ("country", "Country"),
    ("replace_by", "Users go to"),
];

pub fn index<L: Of>(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    list(cx, scope, L::LIST, cx.param("id")?, &Input::default(), &[])
}

pub fn create<L: Of>(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let (id, input): (CustomerId, Input) = (cx.param("id")?, cx.input()?);
    match super::create(cx.db, scope, L::LIST, id, &input) {
        Ok(_) => Ok(cx.done(at(L::LIST, id), "It was added.")),
        Err(Error::Invalid(all)) => list(cx, scope, L::LIST, id, &input, &all),
        Err(err) => Err(err),
    }
}

pub fn edit<L: Of>(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let (customer, id) = (cx.param("id")?, cx.param("entry")?);
    let entry = cx.db.read(|db| super::one(db, scope, L::LIST, customer, id))?;
    form(cx, scope, L::LIST, customer, id, &entry.input(), &[])
}

pub fn update<L: Of>(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let (customer, id, input) = (cx.param("id")?, cx.param("entry")?, cx.input()?);
    match super::update(cx.db, scope, L::LIST, customer, id, &input) {
        Ok(()) => Ok(cx.done(at(L::LIST, customer), "Saved.")),
        Err(Error::Invalid(all)) => form(cx, scope, L::LIST, customer, id, &input, &all),
        Err(err) => Err(err),
    }
}

pub fn ask_delete<L: Of>(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    question(cx, scope, L::LIST, cx.param("id")?, cx.param("entry")?, &Input::default(), &[])
}

pub fn delete<L: Of>(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let (customer, id, input) = (cx.param("id")?, cx.param("entry")?, cx.input()?);
    match super::remove(cx.db, scope, L::LIST, customer, id, &input) {
        Ok(()) => Ok(cx.done(at(L::LIST, customer), "It was deleted.")),
        Err(Error::Invalid(all)) => question(cx, scope, L::LIST, customer, id, &input, &all),
        Err(err) => Err(err),
    }
}

fn at(list: List, customer: CustomerId) -> String {
    format!("/customers/{customer}/{}", list.word())
}

fn part(list: List) -> Part {
    match list {
        List::Departments => Part::Departments,
        List::Locations => Part::Locations,
    }
}

fn list(
    cx: &Cx,
    scope: &Scope<CustomersUpdate>,
    list: List,
    id: CustomerId,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let all = cx.db.read(|db| super::all(db, scope, list, id))?;
    let here = at(list, id);
    let add = html! {
        div.fields { (fields(list, input, complaints)) }
        p {} (primary(&format!("Add {}", list.one())))
    };
    let body = html! {
        (complaints_flash(complaints, LABELS))
        div.stack {
            @if all.is_empty() { (nothing(list)) } @else { (rows(list, &here, &all)) }
            (card(&format!("Add a {}", list.one()), None, post_form(&cx.csrf, &here, add)))
        }
    };
    part_page(cx, scope, id, part(list), complaints.is_empty(), body)
}

fn nothing(list: List) -> Markup {
    let text = "A new one may also be typed where a user is added.";
    match list {
        List::Departments => empty("users", "No departments yet", text, None),
        List::Locations => empty("building", "No locations yet", text, None),
    }
}

fn rows(list: List, here: &str, all: &[Entry]) -> Markup {
    let columns = [column("Name"), column("Users").class("num"), acts()];
    let body = html! {
        @for entry in all {
            tr {
                th scope="row" {
                    a href={ (here) "/" (entry.id) "/edit" } { (entry.name) }
                    @let address = address(entry);
                    @if !address.is_empty() { small { (address) } }
                }
                td.num { (text::grouped(entry.users)) }
                td.acts {
                    (menu(&format!("entry-{}", entry.id), &format!("Actions for {}", entry.name), &[
                        Item::link("Edit", format!("{here}/{}/edit", entry.id)),
                        Item::danger("Delete…", format!("{here}/{}/delete", entry.id)),
                    ]))
                }
            }
        }
    };
    table(&capital(list.word()), &columns, body)
}

fn address(entry: &Entry) -> String {
    let town = format!("{} {}", entry.postcode, entry.city);
    let parts = [entry.street.replace('\n', ", "), town.trim().to_owned(), entry.country.clone()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn fields(list: List, input: &Input, complaints: &[Complaint]) -> Markup {
    let third = Opts { width: 2, optional: true, ..Opts::default() };
    let mut lands = vec![("", "None")];
    lands.extend(countries::all());
    html! {
        (text_field(input, complaints, "name", "Name", Opts { width: 4, most: Some(64), ..Opts::default() }))
        @if list == List::Locations {
            (textarea(input, complaints, "street", "Street", Opts { rows: 2, optional: true, ..Opts::default() }))
            (text_field(input, complaints, "postcode", "Postcode", third))
            (text_field(input, complaints, "city", "City", third))
            (text_field(input, complaints, "region", "State or province", third))
            (choice_field(input, complaints, "country", "Country", &lands, Opts { width: 3, ..Opts::default() }))
        }
    }
}

fn form(
    cx: &Cx,
    scope: &Scope<CustomersUpdate>,
    list: List,
    customer: CustomerId,
    id: EntryId,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let was = cx.db.read(|db| super::one(db, scope, list, customer, id))?;
    let here = at(list, customer);
    let inside = html! {
        div.fields { (fields(list, input, complaints)) }
        (form_foot(html! { (primary("Save")) (cancel(&here)) }))
    };
    let body = html! {
        (complaints_flash(complaints, LABELS))
        (card(&format!("Edit {}", was.name), None, post_form(&cx.csrf, &format!("{here}/{id}/edit"), inside)))
    };
    part_page(cx, scope, customer, part(list), complaints.is_empty(), body)
}

/// The question before one is deleted: where its users go.
fn question(
    cx: &Cx,
    scope: &Scope<CustomersUpdate>,
    list: List,
    customer: CustomerId,
    id: EntryId,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let all = cx.db.read(|db| super::all(db, scope, list, customer))?;
    let was = all.iter().find(|entry| entry.id == id).ok_or(Error::NotFound)?;
    let mut others = vec![(String::new(), "Choose".to_owned())];
    let rest = all.iter().filter(|entry| entry.id != id);
    others.extend(rest.map(|entry| (entry.id.to_string(), entry.name.clone())));
    others.push(("none".to_owned(), format!("No {}", list.one())));
    let here = at(list, customer);
    let opts = Opts { width: 4, ..Opts::default() };
    let inside = html! {
        @if was.users > 0 {
            p { (text::count(was.users, "user is", "users are")) " in it." }
            div.fields { (choice_field(input, complaints, "replace_by", "Users go to", &others, opts)) }
        } @else {
            p { "Nobody is in it." }
        }
        (form_foot(html! { (button("Delete").danger()) (cancel(&here)) }))
    };
    let body = html! {
        (complaints_flash(complaints, LABELS))
        (card(&format!("Delete {}?", was.name), None, post_form(&cx.csrf, &format!("{here}/{id}/delete"), inside)))
    };
    part_page(cx, scope, customer, part(list), complaints.is_empty(), body)
}
