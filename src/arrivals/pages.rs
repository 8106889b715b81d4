//! The form of a new user: from nothing, from a template, or like somebody else.

use super::templates::{self, Template};
use super::{
    Again, Along, Arrived, UNASKED, copy as copying, create as creating, like, may_give, plan,
};
use crate::assignments;
use crate::auth::permissions::{RolesGrant, RolesRead, UsersCreate, UsersPassword, UsersTestFlag};
use crate::auth::{Actor, Permission, Scope};
use crate::customers::properties::form::{labels, own_parts, with_labels};
use crate::customers::properties::{FIELD, Holder, Property, Standing, open_to};
use crate::customers::rehearsal::Preview;
use crate::customers::rehearsal::shown::{LOOK, Question, Wish, question, wish};
use crate::customers::settings;
use crate::db::Read;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{button, cancel, primary};
use crate::html::field::{check, complaint_of, options, tick};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{Head, page_head};
use crate::ids::{CustomerId, UserId};
use crate::input::Input;
use crate::places::{self, Place};
use crate::roles;
use crate::users::consent::{self, Door};
use crate::users::form::{Form, LABELS};
use crate::users::{self, reaches};
use crate::web::{Cx, Response};
use maud::{Markup, html};
use std::collections::BTreeSet;

/// What there is to choose from, and what is wished for and cannot be had.
struct Choices {
    place: Place,
    departments: Vec<String>,
    properties: Vec<Property>,
    templates: Vec<Template>,
    /// "workplace/standard" and its words.
    services: Vec<(String, String)>,
    roles: Vec<String>,
    /// Each with its reason.
    impossible: Vec<String>,
    may_test: bool,
    may_invite: bool,
}

/// A form to be shown.
struct Page<'a> {
    customer: CustomerId,
    /// Whom it is a copy of.
    model: Option<(UserId, &'a str)>,
    input: &'a Input,
    wished: &'a Along,
    complaints: &'a [Complaint],
}

pub fn new(cx: &Cx, scope: &Scope<UsersCreate>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    let (mut input, mut wished) = (Input::default(), Along::default());
    cx.db.read(|db| {
        tick_welcome(db, &mut input, customer)?;
        if !cx.request.query.get("template").is_empty() {
            let template = templates::chosen(db, scope, customer, &cx.request.query);
            let template = template.map_err(|_| Error::NotFound)?;
            input = template.input(db, scope, customer)?.over(input.clone());
            input.set("template", template.id);
            wished = template.along();
        } else if !users::has_administrator(db, customer)? {
            wished.roles.push("Customer administrator".to_owned());
        }
        Ok(())
    })?;
    // What a row of an import said that could not be taken as it was.
    for field in users::fields::NEW.iter().filter(|field| cx.request.query.has(field.name)) {
        input.set(field.name, cx.request.query.get(field.name));
    }
    for (key, value) in cx.request.query.members(FIELD) {
        input.set(&format!("{FIELD}.{key}"), value);
    }
    tick_wished(&mut input, &wished);
    show(
        cx,
        scope,
        &Page { customer, model: None, input: &input, wished: &wished, complaints: &[] },
    )
}

pub fn create(cx: &Cx, scope: &Scope<UsersCreate>) -> Result<Response> {
    let (customer, mut input): (CustomerId, Input) = (cx.param("id")?, cx.input()?);
    let (wish, wished) = (wish(&mut input), Along::default());
    let order = consent::Wish { door: Door::Create, customer, user: None, input: &input };
    let tried = |actor: &Actor, again: Again| {
        let act = || creating(cx.app, actor, scope, customer, &input, again);
        plan(cx.app, actor, scope, customer, act)
    };
    let form = |complaints: &[Complaint]| {
        show(cx, scope, &Page { customer, model: None, input: &input, wished: &wished, complaints })
    };
    match wish {
        Wish::Act => {}
        Wish::Back => return form(&[]),
        Wish::Look => {
            let seen = consent::look(cx.db, &cx.actor, &order, |actor| tried(actor, UNASKED))?;
            if !seen.refusals.is_empty() {
                return form(&seen.refusals);
            }
            let page =
                Page { customer, model: None, input: &input, wished: &wished, complaints: &[] };
            return planned(cx, scope, &page, &seen);
        }
    }
    let again = || cx.again_for(RolesGrant::NAME);
    let key = &cx.app.config.key;
    match consent::hold(cx.db, key, &cx.actor, &order, |actor| tried(actor, &again)) {
        Ok(Some(_)) => return Ok(consent::told(cx)),
        Ok(None) => {}
        Err(Error::Invalid(all)) => return form(&all),
        Err(err) => return Err(err),
    }
    match creating(cx.app, &cx.actor, scope, customer, &input, &again) {
        Ok(made) => Ok(done(cx, &made)),
        Err(Error::Invalid(all)) => form(&all),
        Err(err) => Err(err),
    }
}

pub fn ask_copy(cx: &Cx, scope: &Scope<UsersCreate>) -> Result<Response> {
    let model: UserId = cx.param("id")?;
    let (user, (mut input, wished)) = cx.db.read(|db| {
        let user = users::one(db, scope, model)?;
        let (mut base, wished) = like(db, &user, &Input::default())?;
        if let Some(boss) = user.details.manager {
            base.set("manager", users::sign_in_name(db, boss)?);
        }
        tick_welcome(db, &mut base, user.customer)?;
        Ok((user, (base, wished)))
    })?;
    tick_wished(&mut input, &wished);
    let model = Some((model, user.details.display_name.as_str()));
    let page =
        Page { customer: user.customer, model, input: &input, wished: &wished, complaints: &[] };
    show(cx, scope, &page)
}

pub fn copy(cx: &Cx, scope: &Scope<UsersCreate>) -> Result<Response> {
    let (model, mut input): (UserId, Input) = (cx.param("id")?, cx.input()?);
    let user = cx.db.read(|db| users::one(db, scope, model))?;
    let (wish, wished, customer) = (wish(&mut input), Along::default(), user.customer);
    let whose = Some((model, user.details.display_name.as_str()));
    let order = consent::Wish { door: Door::Copy, customer, user: Some(model), input: &input };
    let tried = |actor: &Actor, again: Again| {
        let act = || copying(cx.app, actor, scope, model, &input, again);
        plan(cx.app, actor, scope, customer, act)
    };
    let form = |complaints: &[Complaint]| {
        show(
            cx,
            scope,
            &Page { customer, model: whose, input: &input, wished: &wished, complaints },
        )
    };
    match wish {
        Wish::Act => {}
        Wish::Back => return form(&[]),
        Wish::Look => {
            let seen = consent::look(cx.db, &cx.actor, &order, |actor| tried(actor, UNASKED))?;
            if !seen.refusals.is_empty() {
                return form(&seen.refusals);
            }
            let page =
                Page { customer, model: whose, input: &input, wished: &wished, complaints: &[] };
            return planned(cx, scope, &page, &seen);
        }
    }
    let again = || cx.again_for(RolesGrant::NAME);
    let key = &cx.app.config.key;
    match consent::hold(cx.db, key, &cx.actor, &order, |actor| tried(actor, &again)) {
        Ok(Some(_)) => return Ok(consent::told(cx)),
        Ok(None) => {}
        Err(Error::Invalid(all)) => return form(&all),
        Err(err) => return Err(err),
    }
    match copying(cx.app, &cx.actor, scope, model, &input, &again) {
        Ok(made) => Ok(done(cx, &made)),
        Err(Error::Invalid(all)) => form(&all),
        Err(err) => Err(err),
    }
}

/// Somebody new as they would be, before they are.
fn planned(cx: &Cx, scope: &Scope<UsersCreate>, page: &Page, seen: &Preview) -> Result<Response> {
    let choices = choices(cx, scope, page)?;
    let here = format!("/customers/{}/users", page.customer);
    let action = match page.model {
        Some((id, _)) => format!("/users/{id}/copy"),
        None => here.clone(),
    };
    let of = |field: &str| seen.diffs.iter().find(|diff| diff.field == field);
    let shown = of("display_name").map_or("", |diff| diff.after.as_str());
    let title = format!("Add {shown}?");
    let own = labels(&choices.properties);
    let asked = Question {
        title: &title,
        csrf: &cx.csrf,
        action: &action,
        input: page.input,
        leave: &here,
        act: primary("Add user"),
        labels: &with_labels(LABELS, &own),
    };
    let name = &choices.place.name;
    let lede = format!("At {name}. Nothing is done yet.");
    let body = html! {
        (page_head("New user", Head { lede: &lede, ..Head::default() }))
        (question(seen, asked))
    };
    let trail = trail(name, page.customer);
    Ok(cx.page(Nav::Customers, &format!("{title} · {name}"), &trail, body))
}

fn trail(name: &str, customer: CustomerId) -> [(&str, String); 3] {
    let at = format!("/customers/{customer}");
    [("Customers", "/customers".to_owned()), (name, at.clone()), ("Users", format!("{at}/users"))]
}

fn done(cx: &Cx, made: &Arrived) -> Response {
    let mut said = "The user was added.".to_owned();
    if !made.left_out.is_empty() {
        said = format!("{said} Left out: {}", made.left_out.join(" "));
    }
    cx.done(format!("/users/{}", made.id), &said)
}

/// The tick stands as the customer has it, until somebody says otherwise.
fn tick_welcome(db: &Read, input: &mut Input, customer: CustomerId) -> Result<()> {
    if settings::flag(db, customer, "welcome_by_hand")? {
        input.set("welcome", "1");
    }
    Ok(())
}

fn tick_wished(input: &mut Input, wished: &Along) {
    for had in &wished.services {
        input.push("services", format!("{}/{}", had.service, had.plan));
    }
    wished.roles.iter().for_each(|role| input.push("roles", role));
}

fn choices(cx: &Cx, scope: &Scope<UsersCreate>, page: &Page) -> Result<Choices> {
    let (customer, actor) = (page.customer, &cx.actor);
    cx.db.read(|db| {
        let place = places::customer(db, scope, customer)?;
        let mut services = Vec::new();
        if may_give(db, actor, customer) {
            let open = assignments::offered(db, customer)?.into_iter();
            let open = open.filter(|(_, _, service)| !service.multi);
            services.extend(open.map(|(value, words, _)| (value, words)));
        }
        let mut grantable = Vec::new();
        if reaches::<RolesGrant>(db, actor, customer)
            && let Ok(reading) = actor.scope::<RolesRead>()
        {
            let all = roles::choices(db, actor, &reading, &place)?;
            grantable.extend(all.into_iter().map(|role| role.name));
        }
        let mut impossible = Vec::new();
        for had in &page.wished.services {
            let value = format!("{}/{}", had.service, had.plan);
            if !services.iter().any(|(offered, _)| *offered == value) {
                impossible.push(format!(
                    "{value}: {} does not have it, or not in this plan.",
                    place.name
                ));
            }
        }
        for role in page.wished.roles.iter().filter(|role| !grantable.contains(role)) {
            impossible.push(format!("{role}: is not yours to give here."));
        }
        // The first administrator is an offer, not a wish of anybody's.
        if page.model.is_none() && page.input.get("template").is_empty() {
            impossible.clear();
        }
        let holder = Holder::new_user(customer);
        Ok(Choices {
            properties: open_to(db, Standing::of(db, actor, &holder)?, &holder)?,
            departments: users::departments(db, scope, customer)?,
            templates: templates::usable(db, scope, customer)?,
            services,
            roles: grantable,
            impossible,
            may_test: reaches::<UsersTestFlag>(db, actor, customer),
            may_invite: reaches::<UsersPassword>(db, actor, customer),
            place,
        })
    })
}

fn show(cx: &Cx, scope: &Scope<UsersCreate>, page: &Page) -> Result<Response> {
    let choices = choices(cx, scope, page)?;
    let (input, complaints) = (page.input, page.complaints);
    let name = &choices.place.name;
    let here = format!("/customers/{}/users", page.customer);
    let (action, title) = match page.model {
        Some((id, model)) => (format!("/users/{id}/copy"), format!("New user like {model}")),
        None => (here.clone(), "New user".to_owned()),
    };
    let form = Form {
        input,
        complaints,
        departments: &choices.departments,
        preview: Some(page.customer),
        owned: &BTreeSet::new(),
    };
    let fields = html! {
        (hidden(LOOK, "1"))
        @if !input.get("template").is_empty() { (hidden("template", input.get("template"))) }
        div.form {
            (form.person())
            (form.account(html! {
                div.field { output.preview id="names" for="first_name last_name display_name upn" {} }
                @if choices.may_invite {
                    (check(input, complaints, "welcome", "Mail an invitation to choose a password",
                        "To the private address, else one elsewhere, else the primary one. The link works for 7 days."))
                }
            }))
            (along(input, complaints, &choices))
            (form.contact())
            (form.address())
            (own_parts(&choices.properties, input, complaints))
            (form.more(choices.may_test, html! {
                (form.last_day())
                (check(input, complaints, "disabled", "Add as disabled", "Nobody can sign in until it is enabled."))
            }))
        }
        (form_foot(html! { (primary("Show the plan")) (cancel(&here)) }))
    };
    let lede = format!("At {name}. Names that you leave empty are made from the name.");
    let labels = labels(&choices.properties);
    let body = html! {
        (page_head(&title, Head { lede: &lede, ..Head::default() }))
        (complaints_flash(complaints, &with_labels(LABELS, &labels)))
        @if page.model.is_none() && !choices.templates.is_empty() { (start_from(&here, input, &choices.templates)) }
        (post_form(&cx.csrf, &action, fields))
    };
    let trail = trail(name, page.customer);
    let status = if complaints.is_empty() { 200 } else { 422 };
    let title = format!("{title} · {name}");
    Ok(cx.page_with(status, Nav::Customers, &title, &trail, body))
}

/// Leads to the same form, filled in.
fn start_from(here: &str, input: &Input, all: &[Template]) -> Markup {
    let mut list = vec![(String::new(), "Nothing".to_owned())];
    list.extend(all.iter().map(|each| (each.id.to_string(), each.label.clone())));
    html! {
        form action={ (here) "/new" } {
            div.form {
                (fieldset("Start from", "Fills in the rest; everything can be changed.", html! {
                    div.field.w4 {
                        label.form-label for="template" { "Template" }
                        div.joined {
                            select.form-select id="template" name="template" { (options(&list, input.get("template"))) }
                            (button("Use"))
                        }
                    }
                }))
            }
        }
    }
}

/// Services and roles, each with what was wished for and cannot be had.
fn along(input: &Input, complaints: &[Complaint], choices: &Choices) -> Markup {
    html! {
        @if !choices.services.is_empty() {
            (hidden("services", ""))
            (fieldset("Services", "Given at once, each for itself.", html! {
                div.field.stack {
                    @for (value, words) in &choices.services { (tick(input, "services", value, words, "")) }
                    (complaint_of(complaints, "services", "Services"))
                }
            }))
        }
        @if !choices.roles.is_empty() {
            (hidden("roles", ""))
            (fieldset("Roles", "What the user may do here.", html! {
                div.field.stack {
                    @for role in &choices.roles { (tick(input, "roles", role, role, "")) }
                    (complaint_of(complaints, "roles", "Roles"))
                }
            }))
        }
        @if !choices.impossible.is_empty() {
            (fieldset("Left out", "Wished for, and not possible.", html! {
                div.field.stack { @for each in &choices.impossible { p.muted { (each) } } }
            }))
        }
    }
}
