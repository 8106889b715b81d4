//! Directories: the list, the form, one of them.

use crate::auth::Scope;
use crate::auth::permissions::{ConnectorsRead, ConnectorsWrite, SettingsWrite};
use crate::connectors::{Stage, frame};
use crate::directory::environments::{
    as_input, connectors, create as make, destroy as remove, list, one, update as change,
};
use crate::directory::{Disabling, Environment, Flavour, OnDrift};
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{Item, cancel, link, menu_button, primary};
use crate::html::field::{Opts, check, choice_field, complaint_of, radio, text_field};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{Head, card, facts, page_head, tag};
use crate::html::table::{self, column, table};
use crate::html::text;
use crate::ids::EnvironmentId;
use crate::input::{CONFIRM, Input};
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[
    ("connector_id", "Connector"),
    ("name", "Name"),
    ("kind", "Kind"),
    ("base", "Base"),
    ("zone", "Time zone"),
    ("marked", "Mark"),
    ("drift", "What others change"),
    ("disabling", "Disabled accounts"),
    ("disable_attribute", "Attribute"),
    ("confirm", "Confirmation"),
];

fn trail() -> Vec<(&'static str, String)> {
    vec![("Connectors", "/connectors".to_owned()), ("Directories", "/directories".to_owned())]
}

pub fn index(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let paging = cx.paging(&[])?;
    let found = list(cx.db, scope, &paging)?;
    let actions = html! {
        @if cx.actor.may::<ConnectorsWrite>() {
            (link("New directory", "/directories/new").primary().icon("plus"))
        }
    };
    let head = Head {
        actions: Some(actions),
        lede: "Which part of which directory holds customers' accounts.",
        ..Head::default()
    };
    let columns = [
        column("Name"),
        column("Kind").class("p2"),
        column("Base"),
        column("Connector").class("p2"),
        column("Customers").class("num"),
    ];
    let rows = html! {
        @for each in &found.items {
            tr {
                th scope="row" { a href={ "/directories/" (each.id) } { (each.name) } @if each.stage == Stage::Sandbox { " " (tag("Sandbox")) } }
                td.p2 { (each.flavour.said()) }
                td { span.mono { (each.base) } }
                td.p2 { a href={ "/connectors/" (each.connector) } { (each.connector_name) } }
                td.num { (text::grouped(each.inhabitants)) }
            }
        }
    };
    let next = cx.next_href(found.next.as_ref());
    let start = (!paging.is_first()).then(|| cx.first_href());
    let count = i64::try_from(found.items.len()).unwrap_or(0);
    let body = html! {
        (page_head("Directories", head))
        (frame::tabs(&cx.actor, "/directories"))
        @if found.items.is_empty() {
            (table::empty("database", "No directories yet", "Connect one first: a connector to Active Directory or OpenLDAP. Then say here which part of it is ours.", None))
        } @else {
            (table("Directories", &columns, rows))
            (table::paging(&text::count(count, "directory", "directories"), start.as_deref(), next.as_deref()))
        }
    };
    Ok(cx.page(Nav::Connectors, "Directories", &[("Connectors", "/connectors".to_owned())], body))
}

pub fn new(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let mut input = Input::default();
    for name in ["connector_id", "base", "kind"] {
        input.set(name, cx.request.query.get(name));
    }
    if input.get("kind").is_empty() {
        input.set("kind", Flavour::Ad.word());
    }
    input.set("zone", cx.actor.zone.name());
    input.set("marked", 1);
    input.set("drift", OnDrift::Report.word());
    input.set("disabling", Disabling::Password.word());
    form(cx, scope, None, &input, &[])
}

fn form(
    cx: &Cx,
    scope: &Scope<ConnectorsWrite>,
    old: Option<&Environment>,
    input: &Input,
    wrong: &[Complaint],
) -> Result<Response> {
    let title = old.map_or("New directory".to_owned(), |old| format!("Edit {}", old.name));
    let at = old.map_or("/directories".to_owned(), |old| format!("/directories/{}", old.id));
    let known = connectors(cx.db, scope)?;
    let choices: Vec<(String, String)> =
        known.into_iter().map(|(id, name)| (id.to_string(), name)).collect();
    let base = Opts {
        ltr: true,
        placeholder: "DC=example,DC=com",
        hint: "The name below which everything lies. A check of the connector shows it",
        ..Opts::default()
    };
    let fields = html! {
        @if let Some(old) = old { (hidden("version", old.version)) }
        div.form {
            (fieldset("Directory", "", html! {
                (text_field(input, wrong, "name", "Name", Opts { most: Some(60), ..Opts::default() }))
                @if old.is_none() {
                    (choice_field(input, wrong, "connector_id", "Connector", &choices, Opts::default()))
                }
                (radio(input, "kind", "ad", "Active Directory", "Or Samba in its place"))
                (radio(input, "kind", "openldap", "OpenLDAP", ""))
                (complaint_of(wrong, "kind", "Kind"))
                (text_field(input, wrong, "base", "Base", base))
                (text_field(input, wrong, "zone", "Time zone", Opts { hint: "In which the last day of an account ends, like Europe/Berlin", width: 3, ..Opts::default() }))
            }))
            (fieldset("What is ours there", "", html! {
                (check(input, wrong, "marked", "Mark what Portico makes", "A mark in one attribute lets it be found again after a crash. Without it every object that is found has to be confirmed by hand"))
                (radio(input, "drift", "report", "Tell of what others change there", "Somebody then says which side holds"))
                (radio(input, "drift", "repair", "Write fields of accounts back by itself", "Names, phones, titles and the like. Of many at once somebody is asked first; all else is told of"))
                (complaint_of(wrong, "drift", "What others change"))
                @if wrong.iter().any(|each| each.field == CONFIRM.name) {
                    (text_field(input, wrong, CONFIRM.name, "Confirmation", Opts { autocomplete: "off", ..Opts::default() }))
                }
            }))
            (fieldset("Disabled accounts", "Active Directory knows them. In OpenLDAP they are kept out in one of these ways.", html! {
                (radio(input, "disabling", "password", "Another password", "One that nobody knows; once enabled, the user chooses a new one"))
                (radio(input, "disabling", "lock", "A lock", "For the overlay ppolicy. The check tries it on an account that it makes and deletes again"))
                (radio(input, "disabling", "attribute", "An attribute", "For those who look at one before they let people in"))
                (complaint_of(wrong, "disabling", "Disabled accounts"))
                (text_field(input, wrong, "disable_attribute", "Attribute", Opts { ltr: true, placeholder: "loginDisabled=TRUE", width: 3, hint: "What is written where an account is disabled", ..Opts::default() }))
            }))
        }
        (form_foot(html! { (primary(if old.is_some() { "Save" } else { "Look at it and make it" })) (cancel(&at)) }))
    };
    let body = html! {
        (page_head(&title, Head::default()))
        (complaints_flash(wrong, LABELS))
        @if old.is_none() && choices.is_empty() {
            (table::empty("plug", "No connector to a directory yet", "A directory is reached through a connector.", Some(html! { (link("Connect a directory", "/connectors/new?kind=ldap").primary()) })))
        } @else { (post_form(&cx.csrf, &at, fields)) }
    };
    let mut trail = trail();
    if let Some(old) = old {
        trail.push((old.name.as_str(), at.clone()));
    }
    let status = if wrong.is_empty() { 200 } else { 422 };
    Ok(cx.page_with(status, Nav::Connectors, &title, &trail, body))
}

pub fn create(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let input = cx.input()?;
    match make(cx.app, scope, &input) {
        Ok(id) => Ok(cx.done(
            format!("/directories/{id}"),
            "The directory is made. Make a location of it next, so that customers can live there.",
        )),
        Err(Error::Invalid(wrong)) => form(cx, scope, None, &input, &wrong),
        Err(err) => Err(err),
    }
}

pub fn show(cx: &Cx, scope: &Scope<ConnectorsRead>) -> Result<Response> {
    let it = one(cx.db, scope, cx.param("id")?)?;
    Ok(page(cx, &it, &[]))
}

fn page(cx: &Cx, it: &Environment, wrong: &[Complaint]) -> Response {
    let at = format!("/directories/{}", it.id);
    let items = [
        Item::link("Edit", format!("{at}/edit")),
        Item::link("Detach", format!("{at}/detach")),
        Item::post("Delete", format!("{at}/delete")),
    ];
    let actions = html! {
        @if cx.actor.may::<ConnectorsWrite>() { (menu_button("more", "More", &items)) }
        (link("Changed by others", &format!("{at}/drift")))
        (primary("Check it").posts(&format!("/connectors/{}/doctor", it.connector)))
    };
    let list = [
        ("Kind", html! { (it.flavour.said()) }),
        ("Base", html! { span.mono { (it.base) } }),
        (
            "Connector",
            html! { a href={ "/connectors/" (it.connector) } { (it.connector_name) } @if it.stage == Stage::Sandbox { " " (tag("Sandbox")) } },
        ),
        ("Owner", html! { (it.customer_name) }),
        ("Time zone", html! { (it.zone) }),
        ("Mark", html! { @if it.marked { "What Portico makes carries a mark" } @else { "None" } }),
        (
            "What others change",
            html! { @match it.drift { OnDrift::Report => "Told of", OnDrift::Repair => "Fields are written back" } },
        ),
        ("Disabled accounts", disabled(it)),
        (
            "Locations",
            html! {
                (text::count(it.locations, "location", "locations"))
                @if it.locations == 0 && cx.actor.may::<SettingsWrite>() {
                    " " a href="/locations/new" { "Make a location" }
                }
            },
        ),
        (
            "Customers",
            html! { (text::count(it.inhabitants, "customer lives here", "customers live here")) },
        ),
    ];
    let body = html! {
        (page_head(&it.name, Head { actions: Some(actions), ..Head::default() }))
        (complaints_flash(wrong, LABELS))
        (card("Details", None, facts(&list)))
        (rights(it))
    };
    let status = if wrong.is_empty() { 200 } else { 422 };
    cx.page_with(status, Nav::Connectors, &it.name, &trail(), body)
}

fn disabled(it: &Environment) -> Markup {
    html! {
        @match (it.flavour, it.disabling) {
            (Flavour::Ad, _) => "Known to the directory",
            (_, Disabling::Password) => "Get a password that nobody knows",
            (_, Disabling::Attribute) => { "Carry " span.mono { (it.disable_attribute) } },
            (_, Disabling::Lock) => {
                "Are locked"
                @match it.lock_holds {
                    Some(true) => ", which was tried",
                    Some(false) => ": that was tried and keeps nobody out, so their password is replaced",
                    None => " once a check has tried it; until then their password is replaced",
                }
            }
        }
    }
}

/// What the account needs there, as it can be typed on a controller.
fn rights(it: &Environment) -> Markup {
    let script = delegation(&it.base);
    html! {
        @if it.flavour == Flavour::Ad {
            (card("Rights of the account", None, html! {
                p { "The account of the connector needs these rights below the OU of the customers and none elsewhere. The check of the connector has a line for each." }
                (table("Rights of the account", &[column("Right"), column("For")], html! {
                    @for (right, what) in RIGHTS { tr { th scope="row" { (right) } td { (what) } } }
                }))
                p { "On a controller, as an administrator, with the account's own name in the first line:" }
                pre.log tabindex="0" { (script) }
            }))
        }
    }
}

/// The same in words.
const RIGHTS: [(&str, &str); 7] = [
    ("Create and delete organizationalUnit objects", "OUs of customers, and those within them"),
    ("Create and delete user objects", "Accounts, and moving them to another OU"),
    ("Create and delete group objects", "Groups of services"),
    ("Write all properties of organizationalUnit objects", "Renaming OUs"),
    (
        "Write all properties of user objects",
        "Keeping accounts up to date, enabling and disabling them",
    ),
    ("Write all properties of group objects", "Renaming groups, and who is in them"),
    ("Reset Password of user objects", "First passwords, and those that users choose"),
];

/// The rights that the doctor asks for, for `dsacls`.
pub fn delegation(base: &str) -> String {
    let place = format!("OU=Customers,{base}");
    let mut lines =
        vec!["set ACCOUNT=EXAMPLE\\portico".to_owned(), format!("dsadd ou \"{place}\"")];
    for class in ["organizationalUnit", "user", "group"] {
        lines.push(format!("dsacls \"{place}\" /I:T /G \"%ACCOUNT%:CCDC;{class}\""));
        lines.push(format!("dsacls \"{place}\" /I:S /G \"%ACCOUNT%:WP;;{class}\""));
    }
    lines.push(format!("dsacls \"{place}\" /I:S /G \"%ACCOUNT%:CA;Reset Password;user\""));
    lines.join("\n")
}

pub fn edit(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let it = one(cx.db, scope, cx.param("id")?)?;
    form(cx, scope, Some(&it), &as_input(&it), &[])
}

pub fn update(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let id: EnvironmentId = cx.param("id")?;
    let it = one(cx.db, scope, id)?;
    let mut input = cx.input()?;
    let version = cx.expected_version(&mut input);
    match change(cx.db, scope, id, version, &input) {
        Ok(()) => Ok(cx.done(format!("/directories/{id}"), "Saved.")),
        Err(Error::Invalid(wrong)) => form(cx, scope, Some(&it), &input, &wrong),
        Err(err) => Err(err),
    }
}

pub fn destroy(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let it = one(cx.db, scope, cx.param("id")?)?;
    match remove(cx.db, scope, it.id) {
        Ok(()) => {
            Ok(cx.done("/directories", "The directory is deleted here; nothing changed there."))
        }
        Err(Error::Invalid(wrong)) => Ok(page(cx, &it, &wrong)),
        Err(err) => Err(err),
    }
}
