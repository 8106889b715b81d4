//! The templates of a customer, and the form of one.

use super::{FIELDS, Template, create as make, delete, list, one, properties_of, update as change};
use crate::auth::Scope;
use crate::auth::permissions::{RolesRead, UsersTemplates};
use crate::catalogue::Level;
use crate::customers::fields::LANGUAGES;
use crate::customers::properties::form::{labels as labels_of, parts, with_labels};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{Item, cancel, link, menu, primary};
use crate::html::field::{Opts, choice_field, complaint_of, radio, text_field, textarea, tick};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::table::{acts, column, empty, table};
use crate::ids::{CustomerId, TemplateId};
use crate::input::Input;
use crate::offers;
use crate::places::{self, Tab};
use crate::roles;
use crate::sheet::countries;
use crate::users::form::LABELS as USER_LABELS;
use crate::web::{Cx, Response};
use maud::{Markup, html};

const REACHES: &[(&str, &str, &str)] = &[
    ("self", "This customer", ""),
    ("below", "Customers below", "Not this one itself."),
    ("both", "Both", ""),
];

pub fn index(cx: &Cx, scope: &Scope<UsersTemplates>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let (place, all) =
        cx.db.read(|db| Ok((places::customer(db, scope, id)?, list(db, scope, id)?)))?;
    let here = format!("/customers/{id}/templates");
    let actions = html! { (link("New template", &format!("{here}/new")).primary().icon("plus")) };
    let columns = [
        column("Template"),
        column("For"),
        column("Services").class("p2"),
        column("Roles").class("p3"),
        acts(),
    ];
    let rows = html! {
        @for each in &all {
            tr {
                th scope="row" { a href={ (here) "/" (each.id) "/edit" } { (each.label) } }
                td { (for_whom(each)) }
                td.p2 { (each.services.join(", ")) }
                td.p3 { (each.roles.join(", ")) }
                td.acts {
                    (menu(&format!("template-{}", each.id), &format!("Actions for {}", each.label), &[
                        Item::link("Edit", format!("{here}/{}/edit", each.id)),
                        Item::post("Delete", format!("{here}/{}/delete", each.id)),
                    ]))
                }
            }
        }
    };
    let body = if all.is_empty() {
        let text = "A template fills in what new users of a kind have in common: department, services, roles.";
        empty("users", "No templates yet", text, None)
    } else {
        table("Templates", &columns, rows)
    };
    Ok(places::customer_page(cx, &place, Tab::Users, 200, actions, body))
}

fn for_whom(template: &Template) -> &'static str {
    let word = template.reach.word();
    REACHES.iter().find(|(value, ..)| *value == word).map_or("", |(_, words, _)| words)
}

pub fn new(cx: &Cx, scope: &Scope<UsersTemplates>) -> Result<Response> {
    let mut input = Input::default();
    input.set("reach", "self");
    form(cx, scope, None, &input, &[])
}

pub fn create(cx: &Cx, scope: &Scope<UsersTemplates>) -> Result<Response> {
    let (customer, input): (CustomerId, Input) = (cx.param("id")?, cx.input()?);
    match make(cx.db, &cx.actor, scope, customer, &input) {
        Ok(_) => Ok(cx.done(format!("/customers/{customer}/templates"), "The template was added.")),
        Err(Error::Invalid(all)) => form(cx, scope, None, &input, &all),
        Err(err) => Err(err),
    }
}

pub fn edit(cx: &Cx, scope: &Scope<UsersTemplates>) -> Result<Response> {
    let found = cx.db.read(|db| one(db, scope, cx.param("id")?, cx.param("tid")?))?;
    form(cx, scope, Some(&found), &found.as_input(true), &[])
}

pub fn update(cx: &Cx, scope: &Scope<UsersTemplates>) -> Result<Response> {
    let (customer, id): (CustomerId, TemplateId) = (cx.param("id")?, cx.param("tid")?);
    let mut input = cx.input()?;
    let version = cx.expected_version(&mut input);
    match change(cx.db, &cx.actor, scope, customer, id, &input, version) {
        Ok(()) => Ok(cx.done(format!("/customers/{customer}/templates"), "Saved.")),
        Err(Error::Invalid(all)) => {
            let found = cx.db.read(|db| one(db, scope, customer, id))?;
            form(cx, scope, Some(&found), &input, &all)
        }
        Err(Error::Stale(who)) => {
            let found = cx.db.read(|db| one(db, scope, customer, id))?;
            let all = [Complaint::new("", format!("{who} What they saved is shown below."))];
            form(cx, scope, Some(&found), &found.as_input(true), &all)
        }
        Err(err) => Err(err),
    }
}

pub fn destroy(cx: &Cx, scope: &Scope<UsersTemplates>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    delete(cx.db, scope, customer, cx.param("tid")?)?;
    Ok(cx.done(format!("/customers/{customer}/templates"), "The template was deleted."))
}

fn form(
    cx: &Cx,
    scope: &Scope<UsersTemplates>,
    template: Option<&Template>,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let (place, services, roles, properties) = cx.db.read(|db| {
        let place = places::customer(db, scope, id)?;
        let mut services = Vec::new();
        for each in offers::sellable(db, id)? {
            for plan in each.plans.iter().filter(|plan| plan.level == Level::User) {
                let value = format!("{}/{}", each.service.code, plan.code);
                services.push((value, format!("{}, {}", each.service.name, plan.name)));
            }
        }
        let mut names = Vec::new();
        if let Ok(reading) = cx.actor.scope::<RolesRead>() {
            let all = roles::choices(db, &cx.actor, &reading, &place)?;
            names.extend(all.into_iter().map(|role| role.name));
        }
        let mut properties = properties_of(db, scope, &cx.actor, id)?;
        properties.iter_mut().for_each(|property| property.required = false);
        Ok((place, services, names, properties))
    })?;
    let roles = with_chosen(roles, input);
    let here = format!("/customers/{id}/templates");
    let action = template.map_or(here.clone(), |found| format!("{here}/{}/edit", found.id));
    let wide = Opts { width: 4, most: Some(60), ..Opts::default() };
    let days = Opts { width: 2, kind: "number", unit: "days", optional: true, ..Opts::default() };
    let fields = html! {
        @if let Some(found) = template { (hidden("version", found.version)) }
        div.form {
            (fieldset("Template", "", html! {
                (text_field(input, complaints, "label", "Label", wide))
                div.field.stack {
                    p.form-label { "Who may use it" }
                    @for (value, words, hint) in REACHES { (radio(input, "reach", value, words, hint)) }
                    (complaint_of(complaints, "reach", "Who may use it"))
                }
                (text_field(input, complaints, "days", "Last day after", days))
            }))
            (user_fields(input, complaints))
            (parts(&properties, input, complaints, "fields.properties"))
            (ticks("Services", "services", &services, input, complaints))
            (ticks("Roles", "roles", &roles, input, complaints))
        }
        (form_foot(html! { (primary(if template.is_some() { "Save template" } else { "Add template" })) (cancel(&here)) }))
    };
    let labels = [("label", "Label"), ("reach", "Who may use it"), ("days", "Last day after")];
    let more: Vec<(String, String)> = labels_of(&properties)
        .into_iter()
        .map(|(name, label)| (format!("fields.{name}"), label))
        .collect();
    let labels = with_labels(&labels, &more);
    let body = html! {
        (complaints_flash(complaints, &labels))
        (post_form(&cx.csrf, &action, fields))
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::customer_page(cx, &place, Tab::Users, status, html! {}, body))
}

/// What is in the template stays to be seen, were it not the editor's to give.
fn with_chosen(roles: Vec<String>, input: &Input) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> =
        roles.into_iter().map(|role| (role.clone(), role)).collect();
    for role in input.all("roles") {
        if !all.iter().any(|(value, _)| value == role) {
            all.push((role.to_owned(), role.to_owned()));
        }
    }
    all
}

fn ticks(
    title: &str,
    name: &'static str,
    all: &[(String, String)],
    input: &Input,
    complaints: &[Complaint],
) -> Markup {
    html! {
        (hidden(name, ""))
        @if !all.is_empty() {
            (fieldset(title, "", html! {
                div.field.stack {
                    @for (value, words) in all { (tick(input, name, value, words, "")) }
                    (complaint_of(complaints, name, title))
                }
            }))
        }
    }
}

fn user_fields(input: &Input, complaints: &[Complaint]) -> Markup {
    let half = Opts { width: 3, optional: true, ..Opts::default() };
    let mut all_countries = vec![("", "None")];
    all_countries.extend(countries::all());
    let mut languages = vec![("", "The customer's")];
    languages.extend(LANGUAGES);
    let doors = [("", "Everywhere"), ("api_only", "API only"), ("nothing", "Nowhere")];
    fieldset(
        "New users get",
        "Empty fields are left to whoever adds the user.",
        html! {
            @for name in FIELDS {
                @let field = format!("fields.{name}");
                @let label = label(name);
                @match *name {
                    "country" | "usage_location" => (choice_field(input, complaints, &field, label, &all_countries, half)),
                    "language" => (choice_field(input, complaints, &field, label, &languages, half)),
                    "sign_in" => (choice_field(input, complaints, &field, label, &doors, half)),
                    "street" | "notes" => (textarea(input, complaints, &field, label, Opts { rows: 2, ..half })),
                    _ => (text_field(input, complaints, &field, label, half)),
                }
            }
            (complaint_of(complaints, "fields", "These fields"))
        },
    )
}

fn label(name: &str) -> &'static str {
    match name {
        "employee_type" => "Employee type",
        "usage_location" => "Licences used in",
        "po_box" => "PO box",
        _ => USER_LABELS.iter().find(|(field, _)| *field == name).map_or("", |(_, label)| label),
    }
}
