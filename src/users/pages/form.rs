//! The edit form of a user, and the names that a new one would get.

use crate::auth::permissions::{
    SettingsWrite, UsersCreate, UsersDisable, UsersRename, UsersTestFlag, UsersUpdate,
};
use crate::auth::{Actor, PROVIDER, Scope, WITHOUT};
use crate::customers::properties::form::{labels, own_parts, with_labels};
use crate::customers::properties::{Holder, Standing, open_to, values};
use crate::customers::rehearsal::Preview;
use crate::customers::rehearsal::shown::{LOOK, Question, Wish, question, wish};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{cancel, primary};
use crate::html::field::check;
use crate::html::form::{complaints_flash, form_foot, hidden, post_form};
use crate::ids::{CustomerId, UserId};
use crate::input::{Fields, Input};
use crate::places::{self, UserTab};
use crate::users::consent::{self, Door};
use crate::users::fields::{Details, NEW};
use crate::users::form::{Form, LABELS};
use crate::users::{self, Home, complete, reaches, store};
use crate::web::{Cx, Response, response};
use maud::{Markup, html};

/// The names that somebody would get, shown while they are typed.
pub fn preview(cx: &Cx, scope: &Scope<UsersCreate>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    let mut input = Input::default();
    for field in ["first_name", "last_name", "display_name", "upn", "mail", "username"] {
        input.set(field, cx.request.query.get(field));
    }
    input.set("sign_in", "everything");
    cx.db.read(|db| {
        let home = Home::of(db, scope, customer)?;
        let mut fields = Fields::of(&input, NEW);
        let said = ["first_name", "last_name", "display_name", "upn"];
        let body = match Details::read(&mut fields, &home.usable) {
            Some(mut details) if said.iter().any(|field| !input.get(field).is_empty()) => {
                let free = details.upn.is_empty() || !store::is_taken(db, &details.upn)?;
                match complete(db, &home, &mut details) {
                    Ok(()) => preview_of(&details, free),
                    Err(_) => html! { p.muted { "Choose a sign-in name yourself." } },
                }
            }
            _ => html! {},
        };
        Ok(response::html(200, body))
    })
}

fn preview_of(details: &Details, free: bool) -> Markup {
    html! {
        dl {
            dt { "Signs in as" }
            dd {
                b { (details.upn) } " "
                @if free { span.muted { "is free" } } @else { span.muted { "is taken" } }
            }
            dt { "User name" } dd.mono { (details.username) }
            dt { "Shown as" } dd { (details.display_name) }
            dt { "First address" } dd { (details.mail) }
        }
    }
}

pub fn edit(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let id = cx.param("id")?;
    edit_page(cx, scope, id, &as_it_is(cx, scope, id)?, &[])
}

pub fn update(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let (id, mut input): (UserId, Input) = (cx.param("id")?, cx.input()?);
    let wish = wish(&mut input);
    let typed = input.clone();
    let version = cx.expected_version(&mut input);
    let customer = cx.db.read(|db| users::one(db, scope, id))?.customer;
    let order = consent::Wish { door: Door::Change, customer, user: Some(id), input: &input };
    let plan = |actor: &Actor| users::plan_of_change(cx.db, actor, scope, id, &input, version);
    let save = || match consent::hold(cx.db, &cx.app.config.key, &cx.actor, &order, plan)? {
        Some(_) => Ok(true),
        None => users::update(cx.db, &cx.actor, scope, id, &input, version).map(|()| false),
    };
    let done = match wish {
        Wish::Back => {
            return edit_page(cx, scope, id, &input.over(as_it_is(cx, scope, id)?), &[]);
        }
        Wish::Act => save(),
        Wish::Look => match consent::look(cx.db, &cx.actor, &order, plan) {
            Ok(plan) if !plan.refusals.is_empty() => Err(Error::Invalid(plan.refusals)),
            Ok(plan) if !plan.is_quiet() => return changes(cx, scope, id, &typed, &plan),
            Ok(_) => save(),
            Err(err) => Err(err),
        },
    };
    match done {
        Ok(true) => Ok(consent::told(cx)),
        Ok(false) => Ok(cx.done(format!("/users/{id}"), "Saved.")),
        Err(Error::Invalid(all)) => {
            edit_page(cx, scope, id, &input.over(as_it_is(cx, scope, id)?), &all)
        }
        Err(Error::Stale(who)) => {
            let all = [Complaint::new("", format!("{who} What they saved is shown below."))];
            edit_page(cx, scope, id, &as_it_is(cx, scope, id)?, &all)
        }
        Err(err) => Err(err),
    }
}

/// What follows from a change beyond that it is noted.
fn changes(
    cx: &Cx,
    scope: &Scope<UsersUpdate>,
    id: UserId,
    typed: &Input,
    plan: &Preview,
) -> Result<Response> {
    let (person, properties) = cx.db.read(|db| {
        let person = places::user(db, scope, id)?;
        let holder = Holder::user(person.customer.id, id);
        Ok((person, open_to(db, Standing::of(db, &cx.actor, &holder)?, &holder)?))
    })?;
    let own = labels(&properties);
    let asked = Question {
        title: &format!("Change {}?", person.name),
        csrf: &cx.csrf,
        action: &format!("/users/{id}/edit"),
        input: typed,
        leave: &format!("/users/{id}"),
        act: primary("Save"),
        labels: &with_labels(LABELS, &own),
    };
    let body = question(plan, asked);
    Ok(places::user_page(cx, &person, UserTab::Profile, 200, html! {}, body))
}

/// What the form begins with.
fn as_it_is(cx: &Cx, scope: &Scope<UsersUpdate>, id: UserId) -> Result<Input> {
    cx.db.read(|db| {
        let user = users::one(db, scope, id)?;
        let mut input = form_input(&user.details);
        let holder = Holder::user(user.customer, id);
        let kept = values::of(db, Standing::of(db, &cx.actor, &holder)?, &holder)?;
        values::fill(&kept, &mut input);
        Ok(input)
    })
}

/// Lists are one address a line in a form.
fn form_input(details: &Details) -> Input {
    let mut input = details.input();
    for (field, list) in
        [("addresses", &details.addresses), ("external_emails", &details.external_emails)]
    {
        input.set(field, list.iter().cloned().collect::<Vec<_>>().join("\n"));
    }
    let ids = details.external_ids.iter().map(|(source, value)| format!("{source}:{value}"));
    input.set("external_ids", ids.collect::<Vec<_>>().join("\n"));
    input.set("keep_address", "1");
    input
}

fn edit_page(
    cx: &Cx,
    scope: &Scope<UsersUpdate>,
    id: UserId,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let (user, person, departments, properties, may_rename, may_expire, may_test) =
        cx.db.read(|db| {
            let user = users::one(db, scope, id)?;
            let at = user.customer;
            let departments = store::departments(db, scope, at)?;
            let rename = reaches::<UsersRename>(db, &cx.actor, at);
            let expire = reaches::<UsersDisable>(db, &cx.actor, at);
            let test = reaches::<UsersTestFlag>(db, &cx.actor, at);
            let holder = Holder::user(at, id);
            let properties = open_to(db, Standing::of(db, &cx.actor, &holder)?, &holder)?;
            let person = places::user(db, scope, id)?;
            Ok((user, person, departments, properties, rename, expire, test))
        })?;
    let mut input = input.clone();
    if let Some(boss) = user.details.manager.filter(|boss| input.get("manager") == boss.to_string())
    {
        input.set("manager", cx.db.read(|db| store::upn(db, boss))?);
    }
    let input = &input;
    let owned = cx.db.read(|db| users::owned_fields(db, user.customer, id))?;
    let owned = owned.map(|(_, fields)| fields).unwrap_or_default();
    let form = Form { input, complaints, departments: &departments, preview: None, owned: &owned };
    let keep = html! {
        (check(input, complaints, "keep_address", "Keep the old sign-in name as an address", ""))
    };
    let fields = html! {
        (hidden("version", user.version))
        (hidden(LOOK, "1"))
        div.form {
            (form.person())
            @if may_rename { (form.account(keep)) }
            (form.contact())
            (form.address())
            (own_parts(&properties, input, complaints))
            (form.more(may_test, html! {
                @if may_expire { (form.last_day()) }
                @if cx.actor.may::<SettingsWrite>() && user.customer == PROVIDER {
                    (check(input, complaints, "break_glass", "For emergencies",
                        "No last day ends it, and each sign-in is told to all provider administrators."))
                }
                @if input.has(WITHOUT) || complaints.iter().any(|each| each.field == WITHOUT) {
                    (check(input, complaints, WITHOUT, "Go on though no administrator is left", ""))
                }
            }))
        }
        (form_foot(html! { (primary("Save")) (cancel(&format!("/users/{id}"))) }))
    };
    let labels = labels(&properties);
    let body = html! {
        (complaints_flash(complaints, &with_labels(LABELS, &labels)))
        (post_form(&cx.csrf, &format!("/users/{id}/edit"), fields))
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::user_page(cx, &person, UserTab::Profile, status, html! {}, body))
}
