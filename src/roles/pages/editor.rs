//! Making, copying, changing and deleting a role of a customer.

use super::list::{groups, shown};
use super::words;
use crate::auth::permissions::{RolesRead, RolesWrite, is_per_service};
use crate::auth::{Admits, PROVIDER, Right, Scope};
use crate::db::Read;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{button, cancel, primary};
use crate::html::field::{Opts, check, choice_field, complaint_of, text_field, tick};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form, sentence};
use crate::html::parts::{Head, Tone, flash, page_head, tag};
use crate::html::table::{Look, column, table_with};
use crate::ids::{CustomerId, RoleId, ServiceId};
use crate::input::Input;
use crate::places::{self, Place};
use crate::roles::custom::{self, HELD};
use crate::roles::{Role, store};
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[
    ("name", "Name"),
    ("description", "Description"),
    ("includes", "Consists of"),
    ("replace_by", "The role"),
    ("customer_id", "Belongs to"),
];

/// What the form of a role shows.
struct Form<'a> {
    owner: &'a Place,
    title: &'a str,
    action: &'a str,
    back: &'a str,
    id: Option<RoleId>,
    version: i64,
    status: u16,
    input: &'a Input,
    complaints: &'a [Complaint],
}

pub fn new(cx: &Cx, scope: &Scope<RolesWrite>) -> Result<Response> {
    new_form(cx, scope, 200, &Input::default(), &[])
}

pub fn create(cx: &Cx, scope: &Scope<RolesWrite>) -> Result<Response> {
    let (owner, input) = (cx.param("id")?, cx.input()?);
    match custom::create(cx.db, &cx.actor, scope, owner, &input) {
        Ok(id) => Ok(cx.done(format!("/roles/{id}"), "Made. It can be given now.")),
        Err(Error::Invalid(complaints)) => new_form(cx, scope, 422, &input, &complaints),
        Err(err) => Err(err),
    }
}

fn new_form(
    cx: &Cx,
    scope: &Scope<RolesWrite>,
    status: u16,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let owner: CustomerId = cx.param("id")?;
    let place = cx.db.read(|db| places::customer(db, scope, owner))?;
    let action = format!("/customers/{owner}/roles");
    let form = Form {
        owner: &place,
        title: "New role",
        action: &action,
        back: "/roles",
        id: None,
        version: 0,
        status,
        input,
        complaints,
    };
    editor(cx, &form)
}

pub fn edit(cx: &Cx, scope: &Scope<RolesWrite>) -> Result<Response> {
    edit_form(cx, scope, 200, None, &[])
}

pub fn update(cx: &Cx, scope: &Scope<RolesWrite>) -> Result<Response> {
    let (id, mut input): (RoleId, Input) = (cx.param("id")?, cx.input()?);
    let expected = cx.expected_version(&mut input);
    match custom::edit(cx.db, &cx.actor, scope, id, &input, expected) {
        Ok(()) => Ok(
            cx.done(format!("/roles/{id}"), "Saved. It holds from the next click of each holder.")
        ),
        Err(Error::Invalid(complaints)) => edit_form(cx, scope, 422, Some(&input), &complaints),
        Err(err) => Err(err),
    }
}

fn edit_form(
    cx: &Cx,
    scope: &Scope<RolesWrite>,
    status: u16,
    input: Option<&Input>,
    complaints: &[Complaint],
) -> Result<Response> {
    let (role, place) = custom_role(cx, scope)?;
    let stored = custom::as_input(&role);
    let (action, back) = (format!("/roles/{}/edit", role.id), format!("/roles/{}", role.id));
    let form = Form {
        owner: &place,
        title: &role.name,
        action: &action,
        back: &back,
        id: Some(role.id),
        version: role.version,
        status,
        input: input.unwrap_or(&stored),
        complaints,
    };
    editor(cx, &form)
}

pub fn ask_copy(cx: &Cx, _: &Scope<RolesWrite>) -> Result<Response> {
    let read = cx.actor.scope::<RolesRead>()?;
    let role = cx.db.read(|db| store::one(db, &read, cx.param("id")?))?;
    let mut input = Input::default();
    input.set("name", format!("{}, copied", role.name));
    copy_form(cx, 200, &role, &input, &[])
}

pub fn copy(cx: &Cx, scope: &Scope<RolesWrite>) -> Result<Response> {
    let (id, input): (RoleId, Input) = (cx.param("id")?, cx.input()?);
    let read = cx.actor.scope::<RolesRead>()?;
    match custom::copy(cx.db, &cx.actor, scope, &read, id, &input) {
        Ok(made) => Ok(cx.done(format!("/roles/{made}/edit"), "Copied. Change what differs.")),
        Err(Error::Invalid(complaints)) => {
            let role = cx.db.read(|db| store::one(db, &read, id))?;
            copy_form(cx, 422, &role, &input, &complaints)
        }
        Err(err) => Err(err),
    }
}

fn copy_form(
    cx: &Cx,
    status: u16,
    role: &Role,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let title = format!("Copy {}", role.name);
    let back = format!("/roles/{}", role.id);
    let opts = Opts { width: 3, most: Some(60), ..Opts::default() };
    let body = html! {
        (page_head(&title, Head { lede: "The copy belongs to your customer and can be changed.", ..Head::default() }))
        (refusals(complaints))
        (post_form(&cx.csrf, &format!("/roles/{}/copy", role.id), html! {
            div.form { (fieldset("The copy", "", text_field(input, complaints, "name", "Name", opts))) }
            (form_foot(html! { (primary("Copy")) (cancel(&back)) }))
        }))
    };
    let trail = [("Roles", "/roles".to_owned()), (role.name.as_str(), back)];
    Ok(cx.page_with(status, Nav::Roles, &title, &trail, body))
}

pub fn ask_delete(cx: &Cx, scope: &Scope<RolesWrite>) -> Result<Response> {
    delete_form(cx, scope, 200, &Input::default(), &[])
}

pub fn destroy(cx: &Cx, scope: &Scope<RolesWrite>) -> Result<Response> {
    let (id, input): (RoleId, Input) = (cx.param("id")?, cx.input()?);
    match custom::delete(cx.db, &cx.actor, scope, id, &input) {
        Ok(()) => Ok(cx.done("/roles", "Deleted.")),
        Err(Error::Invalid(complaints)) => delete_form(cx, scope, 422, &input, &complaints),
        Err(err) => Err(err),
    }
}

fn delete_form(
    cx: &Cx,
    scope: &Scope<RolesWrite>,
    status: u16,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let (role, place) = custom_role(cx, scope)?;
    let (holders, others) = cx.db.read(|db| {
        Ok((custom::store::holders(db, role.id)?.len(), usable(db, place.id, Some(role.id))?))
    })?;
    let mut choices = vec![(String::new(), "Nobody holds it; replace it by none".to_owned())];
    choices.extend(others);
    let title = format!("Delete {}", role.name);
    let back = format!("/roles/{}", role.id);
    let lede = match holders {
        0 => "Nobody holds it.".to_owned(),
        1 => "1 person holds it, and gets the role chosen here instead.".to_owned(),
        many => format!("{many} people hold it, and get the role chosen here instead."),
    };
    let body = html! {
        (page_head(&title, Head { lede: &lede, ..Head::default() }))
        (refusals(complaints))
        (post_form(&cx.csrf, &format!("/roles/{}/delete", role.id), html! {
            div.form { (fieldset("In its place", "", html! {
                (choice_field(input, complaints, "replace_by", "Replace it by", &choices, Opts { width: 3, ..Opts::default() }))
            })) }
            (form_foot(html! { (button("Delete role").danger()) (cancel(&back)) }))
        }))
    };
    let trail = [("Roles", "/roles".to_owned()), (role.name.as_str(), back)];
    Ok(cx.page_with(status, Nav::Roles, &title, &trail, body))
}

/// The role of the path with its owner, if one may write the roles of that one.
fn custom_role(cx: &Cx, scope: &Scope<RolesWrite>) -> Result<(Role, Place)> {
    let id: RoleId = cx.param("id")?;
    cx.db.read(|db| {
        let role = store::by_id(db, id)?;
        let owner = role.customer_id.ok_or(Error::NotFound)?;
        Ok((role, places::customer(db, scope, owner)?))
    })
}

/// What a role of `owner` may include or be replaced by: number and name.
fn usable(db: &Read, owner: CustomerId, but: Option<RoleId>) -> Result<Vec<(String, String)>> {
    let all = custom::store::all_usable(db, owner)?;
    let rest = all.into_iter().filter(|(id, _)| Some(*id) != but);
    Ok(rest.map(|(id, name)| (id.to_string(), name)).collect())
}

/// What is wrong, the rows of the matrix named by their permission.
fn refusals(complaints: &[Complaint]) -> Markup {
    let of_matrix = |field: &str| {
        let name = field.strip_prefix("rights.").or(field.strip_prefix("services."))?;
        let (head, rest) = name.split_once('.')?;
        Some(format!("{}: {}", words(head), words(rest)))
    };
    let mut plain = Vec::new();
    for complaint in complaints {
        match of_matrix(&complaint.field) {
            Some(label) => plain.push(Complaint::new("", sentence(&label, &complaint.message))),
            None if complaint.field == "rights" => {
                plain.push(Complaint::new("", complaint.message.clone()));
            }
            None => plain.push(complaint.clone()),
        }
    }
    complaints_flash(&plain, LABELS)
}

fn editor(cx: &Cx, form: &Form) -> Result<Response> {
    let (parts, services, rows) = cx.db.read(|db| {
        let services = custom::store::services(db, form.owner.id)?;
        let mut rows = Vec::new();
        for (head, lines) in groups() {
            let mut offered = Vec::new();
            for (name, permission, admits) in lines {
                let cells = cells(cx, db, form, permission, admits)?;
                if cells.iter().any(Option::is_some) {
                    offered.push((name, permission, cells));
                }
            }
            if !offered.is_empty() {
                rows.push((head, offered));
            }
        }
        Ok((usable(db, form.owner.id, form.id)?, services, rows))
    })?;
    let (input, complaints) = (form.input, form.complaints);
    let half = Opts { width: 3, ..Opts::default() };
    let fields = html! {
        (fieldset("The role", "", html! {
            (text_field(input, complaints, "name", "Name", Opts { most: Some(60), ..half }))
            (text_field(input, complaints, "description", "Description", Opts { most: Some(200), optional: true, ..half }))
            (check(input, complaints, "requires_factor", "Asks for a second factor", ""))
        }))
        (fieldset("Consists of", "All that these permit, besides what is chosen below.", html! {
            div.field {
                (hidden("includes", ""))
                details open[input.all("includes").next().is_some()] {
                    summary { "Other roles" }
                    @for (id, name) in &parts { (tick(input, "includes", id, name, "")) }
                }
                (complaint_of(complaints, "includes", "Consists of"))
            }
        }))
    };
    let note = html! { b { "You can give only what you have yourself." } " Rights you lack are not offered here." };
    let level = |name| column(name).class("lvl");
    let columns =
        [column("Permission"), level("None"), level("Own"), level("Below"), level("Own and below")];
    let look = Look { class: "matrix", keep: true, ..Look::default() };
    let body = html! {
        @for (head, lines) in &rows {
            tr.group { th scope="colgroup" colspan="5" { (words(head)) } }
            @for (name, permission, cells) in lines {
                tr {
                    th scope="row" {
                        (words(name))
                        @if is_per_service(permission) { (limit(input, permission, &services)) }
                    }
                    @for cell in cells {
                        td.lvl { @if let Some((value, text, on)) = cell {
                            label {
                                span.sr { (words(head)) " " (words(name).to_lowercase()) ": " (text) }
                                input.form-check-input type="radio" name={ "rights." (permission) }
                                    value=(value) checked[*on];
                            }
                        } }
                    }
                }
            }
        }
    };
    let caption = format!("Permissions of {}", form.title);
    let content = html! {
        (page_head(form.title, Head { state: Some(tag(&form.owner.name)), ..Head::default() }))
        (flash(Tone::Busy, note, None))
        (refusals(complaints))
        (post_form(&cx.csrf, form.action, html! {
            @if form.id.is_some() { (hidden("version", form.version)) }
            (hidden("services", ""))
            div.form { (fields) }
            (table_with(&caption, &columns, body, look))
            (form_foot(html! { (primary("Save role")) (cancel(form.back)) }))
        }))
    };
    let trail = [("Roles", "/roles".to_owned())];
    Ok(cx.page_with(form.status, Nav::Roles, form.title, &trail, content))
}

type Cell = Option<(&'static str, &'static str, bool)>;

/// None, own, below, both: the value to send, its word, whether it is chosen. What the actor does not
/// cover is not offered unless it is there already.
fn cells(cx: &Cx, db: &Read, form: &Form, permission: &str, admits: Admits) -> Result<[Cell; 4]> {
    let now = form.input.get(&format!("rights.{permission}")).to_owned();
    let at = form.owner.id;
    let mut cells: [Cell; 4] = [Some(("", "None", now.is_empty())), None, None, None];
    let choices = [(1, "own", "Own"), (2, "below", "Below"), (3, "both", "Own and below")];
    let mut offered = false;
    for ((bits, value, text), cell) in choices.into_iter().zip(cells.iter_mut().skip(1)) {
        if shown(admits, bits) != bits || (admits == Admits::Provider && at != PROVIDER) {
            continue;
        }
        let (value, text) = match admits {
            Admits::Provider => ("provider", "Everywhere"),
            Admits::Oneself => ("self", "Oneself"),
            _ => (value, text),
        };
        let right =
            Right { permission: permission.to_owned(), code: at.0 * 4 + bits, service: None };
        let covered = cx.actor.covers(db, &right)? || limited(cx, db, &right)?;
        if covered || now == value {
            offered = true;
            *cell = Some((value, text, now == value));
        }
    }
    if !offered {
        return Ok([None; 4]);
    }
    Ok(cells)
}

/// Whether the actor has the right for some service.
fn limited(cx: &Cx, db: &Read, right: &Right) -> Result<bool> {
    for own in cx.actor.all_rights() {
        let service: Option<ServiceId> = own.service.filter(|_| own.permission == right.permission);
        if service.is_some() && cx.actor.covers(db, &Right { service, ..right.clone() })? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn limit(input: &Input, permission: &str, services: &[(ServiceId, String, String)]) -> Markup {
    let name = format!("services.{permission}");
    html! {
        details open[input.all(&name).next().is_some()] {
            summary { small { "Only some services" } }
            (tick(input, &name, HELD, "Those the customer has", ""))
            @for (_, code, text) in services { (tick(input, &name, code, text, "")) }
        }
    }
}
