//! Many users in the browser: what is done to them, what it would do, and then the run.

mod inputs;
mod preview;

use super::acts::Act;
use super::names::By;
use super::{Order, retrying, start, undoing, users, within_input};
use crate::auth::permissions::{AccountRead, UsersRead};
use crate::auth::{Own, Scope, WITHOUT};
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{button, cancel, primary};
use crate::html::field::{Opts, choice_field};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form, post_upload};
use crate::html::parts::{Head, page_head};
use crate::ids::{CustomerId, RunId};
use crate::input::Input;
use crate::many::import::Said;
use crate::places::{self, Tab};
use crate::sheet::field::Field;
use crate::users::{self as people, Filter, finding};
use crate::web::{Cx, Response, response};
use inputs::{Choices, inputs};
use maud::{Markup, html};
use preview::preview;

/// Which users a page is about: those of one customer, or any within reach.
type Of = Option<CustomerId>;

/// Asks what is to be done to those of the customer who were ticked, or to all that match.
pub fn new(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    begin(cx, scope, Some(cx.param("id")?))
}

pub fn new_anywhere(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    begin(cx, scope, None)
}

/// Shows what the order would do, or starts it.
pub fn create(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    go_on(cx, scope, Some(cx.param("id")?))
}

pub fn create_anywhere(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    go_on(cx, scope, None)
}

fn begin(cx: &Cx, scope: &Scope<UsersRead>, of: Of) -> Result<Response> {
    let query = &cx.request.query;
    let mut input = Input::default();
    query.all("id").for_each(|id| input.push("ids", id));
    for name in ["action", "all", "q", "state", "department"] {
        input.set(name, query.get(name));
    }
    input.set("filter", finding::beyond(query));
    if input.get("action").parse::<Act>().is_err() {
        input.set("action", Act::Edit.word());
    }
    ask(cx, scope, of, &input, &[])
}

fn go_on(cx: &Cx, scope: &Scope<UsersRead>, of: Of) -> Result<Response> {
    let mut input = cx.input()?;
    let (go, shown) = (input.get("go").to_owned(), input.get("shown").to_owned());
    ["go", "shown"].iter().for_each(|name| input.remove(name));
    inputs::take_settings(&mut input);
    if input.get("action") == Act::GiveService.word()
        && let Some(customer) = of
    {
        return Ok(response::redirect(to_give(cx, scope, customer, &input)?));
    }
    // The fields on the page were those of another action: they say nothing about this one.
    let other = !shown.is_empty() && shown != input.get("action");
    if other {
        let names: Vec<String> =
            input.members("input").map(|(name, _)| format!("input.{name}")).collect();
        names.iter().for_each(|name| input.remove(name));
    }
    // The tick about administrators is for those who come back for it.
    let asks = |act: Act| act.fields().iter().any(|field| field.name != WITHOUT);
    let wants = input.get("action").parse::<Act>().is_ok_and(asks);
    if go == "act" || (other && wants) {
        return ask(cx, scope, of, &input, &[]);
    }
    match names_of_file(cx, of, &mut input) {
        Err(Error::Invalid(all)) => return ask(cx, scope, of, &input, &all),
        other => other?,
    }
    let order = match cx.db.read(|db| Order::read(db, &cx.actor, scope, of, &input)) {
        Ok(order) => order,
        Err(Error::Invalid(all)) => return ask(cx, scope, of, &input, &all),
        Err(other) => return Err(other),
    };
    let here = here(of);
    let show = |complaints: &[Complaint]| {
        let shown = preview(cx, &order, &here, &input, complaints)?;
        frame(cx, scope, of, status(complaints), shown)
    };
    if go != "run" {
        return show(&[]);
    }
    run(cx, of.unwrap_or(cx.actor.home), &order, &input, show)
}

fn run(
    cx: &Cx,
    customer: CustomerId,
    order: &Order,
    input: &Input,
    show: impl Fn(&[Complaint]) -> Result<Response>,
) -> Result<Response> {
    if cx.db.read(|db| order.asks_again(db))? {
        cx.again_for(order.permission())?;
    }
    match start(cx.db, cx.actor.by, customer, order, input) {
        Ok(run) => Ok(response::redirect(format!("/runs/{run}"))),
        Err(Error::Invalid(all)) => show(&all),
        Err(other) => Err(other),
    }
}

/// The page that gives a service, for the same users.
fn to_give(cx: &Cx, scope: &Scope<UsersRead>, of: CustomerId, said: &Input) -> Result<String> {
    let mut query = Input::default();
    said.all("ids").for_each(|id| query.push("id", id));
    if said.get("all") == "1" && said.get("department").is_empty() && said.get("filter").is_empty()
    {
        ["all", "q", "state"].iter().for_each(|name| query.set(name, said.get(name)));
    } else if said.get("all") == "1" {
        let filter = filter(cx, Some(of), said)?;
        let ids = cx.db.read(|db| people::ids_of(db, scope, &filter, super::LOOKED_AT))?;
        ids.iter().for_each(|id| query.push("id", id));
    }
    Ok(format!("/customers/{of}/users/services?{}", query.to_query()))
}

/// Reads the file of new names, if one was sent along, into the order.
fn names_of_file(cx: &Cx, of: Of, input: &mut Input) -> Result<()> {
    if !cx.request.header("Content-Type").starts_with("multipart/form-data") {
        return Ok(());
    }
    let (_, files) = cx.request.files()?;
    let file = files.iter().find(|file| file.field == "file" && !file.bytes.is_empty());
    let Some(file) = file.filter(|_| input.get("input.by") == By::Names.word()) else {
        return Ok(());
    };
    let at = of.unwrap_or(cx.actor.home);
    let sheet = cx.db.read(|db| Said::default().sheet(db, at, &file.bytes))?;
    for row in &sheet.rows {
        if let (Some(old), Some(new)) = (row.text(&Field::Upn), row.text(&Field::NewUpn)) {
            input.set(&format!("input.names.{}", old.to_lowercase()), new);
        }
    }
    if within_input(input).members("names").next().is_none() {
        return Err(Error::invalid("file", "has no row with both UPN and NewUPN"));
    }
    Ok(())
}

fn here(of: Of) -> String {
    match of {
        Some(customer) => format!("/customers/{customer}/users/bulk"),
        None => "/users/bulk".to_owned(),
    }
}

fn list(of: Of) -> String {
    match of {
        Some(customer) => format!("/customers/{customer}/users"),
        None => "/users".to_owned(),
    }
}

fn status(complaints: &[Complaint]) -> u16 {
    if complaints.is_empty() { 200 } else { 422 }
}

/// The page around: the customer's, or that of all users.
fn frame(cx: &Cx, scope: &Scope<UsersRead>, of: Of, status: u16, body: Markup) -> Result<Response> {
    let Some(customer) = of else { return Ok(plain(cx, status, "Many users", body)) };
    let place = cx.db.read(|db| places::customer(db, scope, customer))?;
    Ok(places::customer_page(cx, &place, Tab::Users, status, html! {}, body))
}

fn plain(cx: &Cx, status: u16, title: &str, body: Markup) -> Response {
    let trail = [("Users", "/users".to_owned())];
    let body = html! { (page_head(title, Head::default())) (body) };
    cx.page_with(status, Nav::Users, title, &trail, body)
}

fn ask(
    cx: &Cx,
    scope: &Scope<UsersRead>,
    of: Of,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let act = input.get("action").parse::<Act>().unwrap_or(Act::Edit);
    let filter = filter(cx, of, input)?;
    let (n, choices) = cx.db.read(|db| {
        let n = match input.get("all") {
            "1" => people::ids_of(db, scope, &filter, super::MOST + 1)?.len(),
            _ => input.all("ids").count(),
        };
        Ok((n, Choices::of(db, scope, of, (act, input.get("input.service")), &cx.actor)?))
    })?;
    let acts: Vec<(&str, &str)> = Act::ALL
        .iter()
        .filter(|act| **act != Act::Undo && act.may(&cx.actor))
        .filter(|act| **act != Act::GiveService || of.is_some())
        .map(|act| (act.word(), act.title()))
        .collect();
    let names = act == Act::Upn;
    let form = html! {
        (whom(input))
        (hidden("shown", act.word()))
        div.form {
            (fieldset(&format!("What is done to {}", users(n)), "", html! {
                (choice_field(input, complaints, "action", "Do", &acts, Opts { width: 3, ..Opts::default() }))
                div.field { (button("Show its fields").named("go", "act")) }
            }))
            (inputs(act, input, complaints, &choices))
        }
        (form_foot(html! { (primary("Show the preview")) (cancel(&list(of))) }))
    };
    let body = html! {
        (complaints_flash(complaints, &inputs::labels(act)))
        @if n == 0 && !names {
            p { "Nobody was chosen. Tick users in the list, or choose all that match." }
            p { a href=(list(of)) { "Back to the list" } }
        } @else if names { (post_upload(&cx.csrf, &here(of), form)) }
        @else { (post_form(&cx.csrf, &here(of), form)) }
    };
    frame(cx, scope, of, status(complaints), body)
}

fn filter(cx: &Cx, of: Of, input: &Input) -> Result<Filter> {
    let state = match input.get("state") {
        "" => None,
        word => Some(word.parse().map_err(|()| Error::NotFound)?),
    };
    Ok(Filter {
        customer: of,
        q: input.get("q").to_owned(),
        state,
        department: input.get("department").to_owned(),
        more: finding::read(&Input::from_form(input.get("filter").as_bytes()), &cx.actor)?.more,
    })
}

/// Who they are, carried from page to page.
fn whom(input: &Input) -> Markup {
    html! {
        @for id in input.all("ids") { (hidden("ids", id)) }
        @if input.get("all") == "1" {
            (hidden("all", "1"))
            @for name in ["q", "state", "department", "filter"] { (hidden(name, input.get(name))) }
        }
    }
}

/// What trying again would do to those who were refused.
pub fn ask_retry(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let id: RunId = cx.param("id")?;
    let (_, order) = cx.db.read(|db| retrying(db, own, id))?;
    after(cx, id, "retry", "Try again", &order, &[])
}

pub fn retry(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let (id, input): (RunId, _) = (cx.param("id")?, cx.input()?);
    let (customer, order) = cx.db.read(|db| retrying(db, own, id))?;
    let show = |all: &[Complaint]| after(cx, id, "retry", "Try again", &order, all);
    run(cx, customer, &order, &input, show)
}

/// What putting back would do, and what it would spare.
pub fn ask_undo(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let id: RunId = cx.param("id")?;
    let (_, order) = cx.db.read(|db| undoing(db, own, id))?;
    after(cx, id, "undo", "Undo", &order, &[])
}

pub fn undo(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let (id, input): (RunId, _) = (cx.param("id")?, cx.input()?);
    let (customer, order) = cx.db.read(|db| undoing(db, own, id))?;
    let show = |all: &[Complaint]| after(cx, id, "undo", "Undo", &order, all);
    run(cx, customer, &order, &input, show)
}

fn after(
    cx: &Cx,
    id: RunId,
    verb: &str,
    title: &str,
    order: &Order,
    complaints: &[Complaint],
) -> Result<Response> {
    let here = format!("/runs/{id}/{verb}");
    let shown = preview(cx, order, &here, &Input::default(), complaints)?;
    Ok(plain(cx, status(complaints), title, shown))
}
