//! New customers, and the settings of one.

use super::groups::{Form, LABELS};
use super::{Part, actions};
use crate::auth::permissions::{CustomersCreate, CustomersUpdate};
use crate::auth::{Permission, Scope};
use crate::customers::properties::form::{labels, own_parts, with_labels};
use crate::customers::properties::{Holder, Standing, open_to, values};
use crate::customers::rehearsal::shown::{LOOK, Question, Wish, question, wish};
use crate::customers::rehearsal::{self, Preview};
use crate::customers::{self, Customer, May, store};
use crate::db::{Read, Write};
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{cancel, primary};
use crate::html::field::{Opts, choice_field};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{Head, page_head};
use crate::ids::CustomerId;
use crate::input::Input;
use crate::places::{self, Tab};
use crate::settings;
use crate::web::{Cx, Response, response};
use maud::{Markup, html};

pub fn new(cx: &Cx, scope: &Scope<CustomersCreate>) -> Result<Response> {
    let mut input = Input::default();
    let parent = cx.request.query.get("parent").parse().unwrap_or(cx.actor.home);
    input.set("parent_id", parent);
    Ok(cx.page(Nav::Customers, "New customer", &trail(), new_form(cx, scope, &input, &[])?))
}

pub fn create(cx: &Cx, scope: &Scope<CustomersCreate>) -> Result<Response> {
    let mut input = cx.input()?;
    let may = May::of(&cx.actor);
    match wish(&mut input) {
        Wish::Act => {}
        Wish::Back => {
            let body = new_form(cx, scope, &input, &[])?;
            return Ok(cx.page(Nav::Customers, "New customer", &trail(), body));
        }
        Wish::Look => {
            let parent = input.get("parent_id").parse().unwrap_or(cx.actor.home);
            let plan = rehearsal::of_new(cx.db, &cx.actor, scope, parent, &may, &input)?;
            if plan.refusals.is_empty() {
                return Ok(planned(cx, &input, &plan));
            }
            let body = new_form(cx, scope, &input, &plan.refusals)?;
            return Ok(cx.refused(Nav::Customers, "New customer", &trail(), body));
        }
    }
    match customers::create(cx.db, scope, &may, &input) {
        Ok(id) => {
            let name = input.get("name");
            let odd = warnings(cx, scope, id)?;
            let text = format!("{name} was added. Add the first user, or import them.{odd}");
            Ok(cx.done(format!("/customers/{id}"), &text))
        }
        Err(Error::Invalid(all)) => {
            let body = new_form(cx, scope, &input, &all)?;
            Ok(cx.refused(Nav::Customers, "New customer", &trail(), body))
        }
        Err(err) => Err(err),
    }
}

/// What adding the customer would do.
fn planned(cx: &Cx, input: &Input, plan: &Preview) -> Response {
    let title = format!("Add {}?", input.get("name"));
    let body = question(
        plan,
        Question {
            title: &title,
            csrf: &cx.csrf,
            action: "/customers",
            input,
            leave: "/customers",
            act: primary("Add customer"),
            labels: LABELS,
        },
    );
    let body = html! { (page_head("New customer", Head::default())) (body) };
    cx.page(Nav::Customers, "New customer", &trail(), body)
}

/// The code that a name would get, shown while it is typed.
pub fn code(cx: &Cx, _: &Scope<CustomersCreate>) -> Result<Response> {
    let query = &cx.request.query;
    let typed = query.get("code");
    let code = match (typed, query.get("name")) {
        ("", "") => String::new(),
        ("", name) => cx
            .db
            .read(|db| customers::code::generate(name, |code| store::code_is_used(db, code)))?,
        (typed, _) => typed.to_ascii_uppercase(),
    };
    Ok(response::html(200, code_preview(&code)))
}

fn code_preview(code: &str) -> Markup {
    html! {
        @if !code.is_empty() { dl { dt { "Code" } dd.mono { (code) } } }
    }
}

pub fn edit(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let (customer, input) = cx.db.read(|db| as_it_is(db, scope, cx.param("id")?))?;
    settings(cx, scope, &customer, &input, &[])
}

pub fn update(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let (id, mut input): (CustomerId, Input) = (cx.param("id")?, cx.input()?);
    let wish = wish(&mut input);
    let typed = input.clone();
    let version = cx.expected_version(&mut input);
    let may = May::of(&cx.actor);
    if wish == Wish::Back {
        let (customer, was) = cx.db.read(|db| as_it_is(db, scope, id))?;
        return settings(cx, scope, &customer, &input.over(was), &[]);
    }
    let done = match wish {
        Wish::Look => {
            let act = |tx: &Write| customers::update_in(tx, scope, &may, id, &input, version);
            match rehearsal::of(cx.db, &cx.actor, id, act) {
                Ok(plan) if !plan.refusals.is_empty() => Err(Error::Invalid(plan.refusals)),
                Ok(plan) if !plan.is_quiet() => return changes(cx, scope, id, &typed, &plan),
                Ok(_) => customers::update(cx.db, scope, &may, id, &input, version),
                Err(err) => Err(err),
            }
        }
        _ => customers::update(cx.db, scope, &may, id, &input, version),
    };
    match done {
        Ok(()) => {
            let text = format!("Saved.{}", warnings(cx, scope, id)?);
            Ok(cx.done(format!("/customers/{id}/edit"), &text))
        }
        Err(Error::Invalid(all)) => {
            let (customer, was) = cx.db.read(|db| as_it_is(db, scope, id))?;
            settings(cx, scope, &customer, &input.over(was), &all)
        }
        Err(Error::Stale(who)) => {
            let (customer, was) = cx.db.read(|db| as_it_is(db, scope, id))?;
            let all = [Complaint::new("", format!("{who} What they saved is shown below."))];
            settings(cx, scope, &customer, &was, &all)
        }
        Err(err) => Err(err),
    }
}

/// What follows from a change beyond that it is noted.
fn changes(
    cx: &Cx,
    scope: &Scope<CustomersUpdate>,
    id: CustomerId,
    typed: &Input,
    plan: &Preview,
) -> Result<Response> {
    let (place, properties) = cx.db.read(|db| {
        let properties = open_to(db, standing(db, scope, id)?, &Holder::customer(id))?;
        Ok((places::customer(db, scope, id)?, properties))
    })?;
    let (action, own) = (format!("/customers/{id}/edit"), labels(&properties));
    let asked = Question {
        title: &format!("Change {}?", place.name),
        csrf: &cx.csrf,
        action: &action,
        input: typed,
        leave: &action,
        act: primary("Save settings"),
        labels: &with_labels(LABELS, &own),
    };
    let body = html! { (Part::Details.links(cx, id)) (question(plan, asked)) };
    Ok(places::customer_page(cx, &place, Tab::Settings, 200, html! {}, body))
}

/// The customer, and what its form begins with.
fn as_it_is(
    db: &Read,
    scope: &Scope<CustomersUpdate>,
    id: CustomerId,
) -> Result<(Customer, Input)> {
    let customer = customers::one(db, scope, id)?;
    let mut input = customer.details.input();
    let kept = values::of(db, standing(db, scope, id)?, &Holder::customer(id))?;
    values::fill(&kept, &mut input);
    Ok((customer, input))
}

fn standing(db: &Read, scope: &Scope<CustomersUpdate>, id: CustomerId) -> Result<Standing> {
    let above = customers::is_above(db, scope, id)?;
    Ok(if above { Standing::Above } else { Standing::Administrator })
}

/// What looks wrong and was taken all the same, for the end of a flash.
fn warnings<P: Permission>(cx: &Cx, scope: &Scope<P>, id: CustomerId) -> Result<String> {
    cx.db.read(|db| match customers::one(db, scope, id) {
        Ok(customer) => {
            let above = customers::is_above(db, scope, id)?;
            let all = customers::warnings(db, &customer, above)?;
            Ok(all.iter().map(|text| format!(" {text}")).collect())
        }
        Err(_) => Ok(String::new()),
    })
}

fn trail() -> [(&'static str, String); 1] {
    [("Customers", "/customers".to_owned())]
}

fn settings(
    cx: &Cx,
    scope: &Scope<CustomersUpdate>,
    customer: &Customer,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let id = customer.id;
    let may = May::of(&cx.actor);
    let (place, above, billing, limits, ranks, properties) = cx.db.read(|db| {
        let properties = open_to(db, standing(db, scope, id)?, &Holder::customer(id))?;
        let above = customers::is_above(db, scope, id)?;
        let (billing, limits) = (may.billing(db, id), may.limits(db, id));
        let place = places::customer(db, scope, id)?;
        Ok((place, above, billing, limits, settings::ranks(db)?, properties))
    })?;
    let form = Form { known: true, input, complaints };
    let fields = html! {
        (hidden("version", customer.version))
        (hidden(LOOK, "1"))
        div.form {
            (form.name(form.id_elsewhere()))
            (form.address())
            (own_parts(&properties, input, complaints))
            @if limits { (form.limits()) }
            @if billing { (form.billing()) }
            @if above { (form.for_us(&ranks)) }
        }
        (form_foot(html! {
            (primary("Save settings")) (cancel(&format!("/customers/{id}")))
        }))
    };
    let labels = labels(&properties);
    let body = html! {
        (Part::Details.links(cx, id))
        (complaints_flash(complaints, &with_labels(LABELS, &labels)))
        (post_form(&cx.csrf, &format!("/customers/{id}/edit"), fields))
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::customer_page(cx, &place, Tab::Settings, status, actions(cx, customer), body))
}

fn new_form(
    cx: &Cx,
    scope: &Scope<CustomersCreate>,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Markup> {
    let may = May::of(&cx.actor);
    let (parents, billing, limits, ranks, properties) = cx.db.read(|db| {
        let parents = store::resellers(db, scope)?;
        let parent = input.get("parent_id").parse().unwrap_or(cx.actor.home);
        // What holds differs from place to place: this is as below the one that is chosen.
        let properties = match scope.reaches(db, parent) {
            Ok(()) => open_to(db, Standing::Above, &Holder::new_customer(parent))?,
            Err(_) => Vec::new(),
        };
        let (billing, limits) = may.below(db, parent)?;
        Ok((parents, billing, limits, settings::ranks(db)?, properties))
    })?;
    let parents: Vec<(String, String)> =
        parents.into_iter().map(|(id, name)| (id.to_string(), name)).collect();
    let form = Form { known: false, input, complaints };
    let half = Opts { width: 3, ..Opts::default() };
    let code = Opts {
        width: 2,
        optional: true,
        ltr: true,
        most: Some(20),
        hint: "Fixed once saved. Empty: made from the name.",
        ..half
    };
    let fields = html! {
        (hidden(LOOK, "1"))
        div.form {
            (fieldset("Place", "Where the customer stands, and who bills it.", html! {
                (choice_field(input, complaints, "parent_id", "Below", &parents, Opts { width: 4, ..half }))
            }))
            (form.name(html! {
                (form.text("code", "Code", code))
                div.field { output.preview id="code-preview" for="name code" {} }
                (form.text("domain", "Domain", Opts {
                    width: 4,
                    ltr: true,
                    placeholder: "company.example",
                    hint: "New users sign in with names on it.",
                    ..half
                }))
                (form.id_elsewhere())
            }))
            (form.told())
            (form.address())
            (own_parts(&properties, input, complaints))
            @if limits { (form.limits()) }
            @if billing { (form.billing()) }
            (form.for_us(&ranks))
        }
        (form_foot(html! { (primary("Show the plan")) (cancel("/customers")) }))
    };
    let labels = labels(&properties);
    Ok(html! {
        (page_head("New customer", Head::default()))
        (complaints_flash(complaints, &with_labels(LABELS, &labels)))
        (post_form(&cx.csrf, "/customers", fields))
    })
}
