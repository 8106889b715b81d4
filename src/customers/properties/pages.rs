use super::define::{self, as_input};
use super::form::whose;
use super::{Property, Reach, SeenBy, Subject, uses};
use crate::auth::Scope;
use crate::auth::permissions::PropertiesDefine;
use crate::customers::pages::{Part, part_page};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{Item, button, cancel, link, menu, primary};
use crate::html::field::{Opts, check, choice_field, text_field, textarea, typed_field};
use crate::html::form::{complaints_flash, fieldset, form_foot, post_form};
use crate::html::parts::{Tone, card, card_flush, pill};
use crate::html::table::{acts, column, empty, table};
use crate::html::text;
use crate::ids::CustomerId;
use crate::input::Input;
use crate::kinds::Type;
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[
    ("key", "Key"),
    ("label", "Label"),
    ("subject", "Whose"),
    ("type", "Type"),
    ("help", "Help"),
    ("category", "Category"),
    ("order", "Order"),
    ("reach", "Where it holds"),
    ("seen_by", "Seen by"),
    ("required", "Required"),
    ("least", "Least"),
    ("most", "Most"),
    ("pattern", "Pattern"),
    ("message", "Message"),
    ("choices", "Choices"),
    ("archived", "Archived"),
    ("confirm", "Confirmation"),
];

const TYPES: &[(Type, &str)] = &[
    (Type::Text, "Text"),
    (Type::Lines, "Text of several lines"),
    (Type::Boolean, "Yes or no"),
    (Type::Integer, "Whole number"),
    (Type::Date, "Date"),
    (Type::Choice, "One of several"),
    (Type::Choices, "Some of several"),
    (Type::Email, "E-mail address"),
    (Type::Web, "Web address"),
    (Type::Phone, "Phone number"),
    (Type::User, "A user"),
];

fn reach(reach: Reach) -> &'static str {
    match reach {
        Reach::Own => "Here only",
        Reach::Below => "Below only",
        Reach::Both => "Here and below",
    }
}

fn seen_by(by: SeenBy) -> &'static str {
    match by {
        SeenBy::Above => "Staff above only",
        SeenBy::Administrators => "Administrators too",
        SeenBy::User => "The user too",
        SeenBy::Edited => "The user too, who may change it",
    }
}

fn type_of(kind: Type) -> &'static str {
    TYPES.iter().find(|(each, _)| *each == kind).map_or("", |(_, words)| words)
}

pub fn index(cx: &Cx, scope: &Scope<PropertiesDefine>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let (own, above) = cx.db.read(|db| super::defined(db, scope, id))?;
    let here = at(id);
    let add = link("New property", &format!("{here}/new")).primary().icon("plus");
    let text =
        "Ask of customers or users what is not among their fields: a badge number, a contract.";
    let body = html! {
        div.stack {
            @if own.is_empty() { (empty("stack-2", "No properties yet", text, Some(html! { (add) }))) }
            @else { (rows(&here, &own)) p { (add) } }
            @if !above.is_empty() { (card_flush("From above", None, inherited(&above))) }
        }
    };
    part_page(cx, scope, id, Part::Properties, true, body)
}

fn rows(here: &str, all: &[Property]) -> Markup {
    let columns = [
        column("Property"),
        column("Whose").class("p2"),
        column("Type").class("p2"),
        column("Where it holds").class("p3"),
        column("Seen by").class("p3"),
        column("State"),
        acts(),
    ];
    let body = html! {
        @for each in all {
            @let href = format!("{here}/{}", each.key);
            tr {
                th scope="row" {
                    a href={ (href) "/edit" } { (each.label) }
                    small { (each.key) @if !each.category.is_empty() { " · " (each.category) } }
                }
                td.p2 { (whose(each.subject)) }
                td.p2 { (type_of(each.kind)) }
                td.p3 { (reach(each.reach)) }
                td.p3 { (seen_by(each.seen_by)) }
                td { (state(each)) }
                td.acts {
                    (menu(&format!("property-{}", each.id), &format!("Actions for {}", each.label), &[
                        Item::link("Edit", format!("{href}/edit")),
                        Item::danger("Delete…", format!("{href}/delete")),
                    ]))
                }
            }
        }
    };
    table("Properties", &columns, body)
}

fn state(property: &Property) -> Markup {
    match (property.archived_at.is_some(), property.required) {
        (true, _) => pill(Tone::Off, "Archived"),
        (false, true) => pill(Tone::Ok, "Required"),
        (false, false) => pill(Tone::Ok, "In use"),
    }
}

fn inherited(all: &[Property]) -> Markup {
    let columns = [
        column("Property"),
        column("Whose").class("p2"),
        column("Type").class("p2"),
        column("Defined by"),
    ];
    let body = html! {
        @for each in all {
            tr {
                th scope="row" { (each.label) small { (each.key) } }
                td.p2 { (whose(each.subject)) }
                td.p2 { (type_of(each.kind)) }
                td { (each.owner) }
            }
        }
    };
    table("Properties from above", &columns, body)
}

pub fn new(cx: &Cx, scope: &Scope<PropertiesDefine>) -> Result<Response> {
    let mut input = Input::default();
    for (name, value) in
        [("subject", "user"), ("type", "text"), ("reach", "both"), ("seen_by", "administrators")]
    {
        input.set(name, value);
    }
    form(cx, scope, None, &input, &[])
}

pub fn create(cx: &Cx, scope: &Scope<PropertiesDefine>) -> Result<Response> {
    let (id, input): (CustomerId, Input) = (cx.param("id")?, cx.input()?);
    match define::create(cx.db, scope, id, &input) {
        Ok(_) => Ok(cx.done(at(id), "The property was added.")),
        Err(Error::Invalid(all)) => form(cx, scope, None, &input, &all),
        Err(err) => Err(err),
    }
}

pub fn edit(cx: &Cx, scope: &Scope<PropertiesDefine>) -> Result<Response> {
    let property = found(cx, scope)?;
    form(cx, scope, Some(&property), &as_input(&property), &[])
}

pub fn update(cx: &Cx, scope: &Scope<PropertiesDefine>) -> Result<Response> {
    let (id, input): (CustomerId, Input) = (cx.param("id")?, cx.input()?);
    let property = found(cx, scope)?;
    match define::update(cx.db, scope, id, &property.key, &input) {
        Ok(()) => Ok(cx.done(at(id), "Saved.")),
        Err(Error::Invalid(all)) => {
            let input = input.over(as_input(&property));
            form(cx, scope, Some(&property), &input, &all)
        }
        Err(err) => Err(err),
    }
}

pub fn ask_delete(cx: &Cx, scope: &Scope<PropertiesDefine>) -> Result<Response> {
    question(cx, scope, &[])
}

pub fn delete(cx: &Cx, scope: &Scope<PropertiesDefine>) -> Result<Response> {
    let (id, property) = (cx.param("id")?, found(cx, scope)?);
    match define::delete(cx.db, scope, id, &property.key) {
        Ok(()) => Ok(cx.done(at(id), "The property was deleted.")),
        Err(Error::Invalid(all)) => question(cx, scope, &all),
        Err(err) => Err(err),
    }
}

pub fn erase(cx: &Cx, scope: &Scope<PropertiesDefine>) -> Result<Response> {
    let (id, property): (CustomerId, _) = (cx.param("id")?, found(cx, scope)?);
    match define::erase(cx.db, scope, id, &property.key, &cx.input()?) {
        Ok(()) => {
            let to = format!("{}/{}/delete", at(id), property.key);
            Ok(cx.done(to, "The values were erased."))
        }
        Err(Error::Invalid(all)) => question(cx, scope, &all),
        Err(err) => Err(err),
    }
}

fn at(customer: CustomerId) -> String {
    format!("/customers/{customer}/properties")
}

fn found(cx: &Cx, scope: &Scope<PropertiesDefine>) -> Result<Property> {
    let (id, key): (CustomerId, String) = (cx.param("id")?, cx.param("key")?);
    cx.db.read(|db| super::one(db, scope, id, &key))
}

fn form(
    cx: &Cx,
    scope: &Scope<PropertiesDefine>,
    property: Option<&Property>,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let here = at(id);
    let action = property.map_or(here.clone(), |each| format!("{here}/{}/edit", each.key));
    let verb = if property.is_some() { "Save property" } else { "Add property" };
    let fields = html! {
        div.form {
            (what(input, complaints, property.is_none()))
            (who(input, complaints, property.is_some()))
            (rules(input, complaints))
        }
        (form_foot(html! { (primary(verb)) (cancel(&here)) }))
    };
    let body = html! {
        (complaints_flash(complaints, LABELS))
        (post_form(&cx.csrf, &action, fields))
    };
    part_page(cx, scope, id, Part::Properties, complaints.is_empty(), body)
}

fn what(input: &Input, complaints: &[Complaint], new: bool) -> Markup {
    let half = Opts { width: 3, ..Opts::default() };
    let subjects: Vec<(&str, &str)> =
        Subject::ALL.iter().rev().map(|each| (each.word(), whose(*each))).collect();
    let types: Vec<(&str, &str)> =
        TYPES.iter().map(|(kind, words)| (kind.word(), *words)).collect();
    let key = Opts {
        ltr: true,
        most: Some(40),
        hint: "Small letters, digits and _. Its name in files and in the API; fixed once saved.",
        ..half
    };
    let label = Opts { most: Some(60), ..half };
    let third = Opts { optional: true, width: 2, ..half };
    fieldset(
        "Property",
        "",
        html! {
            (text_field(input, complaints, "label", "Label", label))
            @if new { (text_field(input, complaints, "key", "Key", key)) }
            (choice_field(input, complaints, "subject", "Whose", &subjects, half))
            (choice_field(input, complaints, "type", "Type", &types, half))
            (text_field(input, complaints, "category", "Category", Opts {
                width: 3, hint: "The heading it stands under.", ..third
            }))
            (text_field(input, complaints, "order", "Order", Opts {
                kind: "number", hint: "Lower comes first.", ..third
            }))
            (text_field(input, complaints, "help", "Help", Opts { optional: true, ..Opts::default() }))
        },
    )
}

fn who(input: &Input, complaints: &[Complaint], saved: bool) -> Markup {
    let half = Opts { width: 3, ..Opts::default() };
    let reaches: Vec<(&str, &str)> =
        Reach::ALL.iter().map(|each| (each.word(), reach(*each))).collect();
    let viewers: Vec<(&str, &str)> =
        SeenBy::ALL.iter().map(|each| (each.word(), seen_by(*each))).collect();
    let required = "Forms are not saved without it. Who has no value yet is marked as incomplete.";
    fieldset(
        "Where and for whom",
        "",
        html! {
            (choice_field(input, complaints, "reach", "Where it holds", &reaches, half))
            (choice_field(input, complaints, "seen_by", "Seen by", &viewers, half))
            (check(input, complaints, "required", "Required", required))
            @if saved {
                (check(input, complaints, "archived", "Archived", "Values are kept and exported; nobody is asked for it."))
            }
        },
    )
}

fn rules(input: &Input, complaints: &[Complaint]) -> Markup {
    let third = Opts { width: 2, optional: true, ..Opts::default() };
    let number = Opts { kind: "number", ..third };
    let wide = Opts { width: 3, optional: true, ..Opts::default() };
    fieldset(
        "What a value may be",
        "Least and most are of a number itself, and of the characters of a text.",
        html! {
            (text_field(input, complaints, "least", "Least", number))
            (text_field(input, complaints, "most", "Most", number))
            (text_field(input, complaints, "pattern", "Pattern", Opts {
                ltr: true, hint: "A regular expression that the whole of a text must fit.", ..wide
            }))
            (text_field(input, complaints, "message", "Message", Opts {
                hint: "Said instead of the built-in one, like: must begin with NL.", ..wide
            }))
            (textarea(input, complaints, "choices", "Choices", Opts {
                rows: 4, optional: true, hint: "One a line, like kiosk = Kiosk.", ..Opts::default()
            }))
        },
    )
}

/// The question before one is deleted; while there are values, how they go.
fn question(
    cx: &Cx,
    scope: &Scope<PropertiesDefine>,
    complaints: &[Complaint],
) -> Result<Response> {
    let (id, property): (CustomerId, _) = (cx.param("id")?, found(cx, scope)?);
    let n = cx.db.read(|db| uses(db, property.id))?;
    let here = at(id);
    let path = |verb: &str| format!("{here}/{}/{verb}", property.key);
    let values = text::count(n, "value", "values");
    let archive = link("Archive it instead", &path("edit"));
    let inside = if n == 0 {
        let foot = form_foot(html! { (button("Delete").danger()) (cancel(&here)) });
        post_form(&cx.csrf, &path("delete"), html! { p { "Nobody has a value of it." } (foot) })
    } else {
        let fields = html! {
            p { "It has " (values) ". Archived, they are kept and exported; erased, they are gone." }
            div.fields { (typed_field(complaints, &n.to_string())) }
            (form_foot(html! { (button("Erase the values").danger()) (archive) (cancel(&here)) }))
        };
        post_form(&cx.csrf, &path("erase"), fields)
    };
    let body = html! {
        (complaints_flash(complaints, LABELS))
        (card(&format!("Delete {}?", property.label), None, inside))
    };
    part_page(cx, scope, id, Part::Properties, complaints.is_empty(), body)
}
