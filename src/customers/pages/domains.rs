//! The domains of a customer.

use super::actions;
use crate::auth::Scope;
use crate::auth::permissions::{CustomersDomains, CustomersRead};
use crate::customers::domains::{self, Domain, readable};
use crate::customers::{self, is_above};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{Item, button, cancel, menu, primary};
use crate::html::field::{Opts, text_field};
use crate::html::form::{complaints_flash, form_foot, hidden, post_form};
use crate::html::parts::{Tone, card, card_flush, pill};
use crate::html::table::{acts, column, table};
use crate::html::text;
use crate::ids::{CustomerId, DomainId};
use crate::input::Input;
use crate::places::{self, Tab};
use crate::web::{Cx, Response};
use maud::{Markup, html};

pub fn index(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<Response> {
    page(cx, scope, cx.param("id")?, &Input::default(), &[])
}

pub fn create(cx: &Cx, scope: &Scope<CustomersDomains>) -> Result<Response> {
    let (id, input): (CustomerId, Input) = (cx.param("id")?, cx.input()?);
    match domains::create(cx.db, scope, id, &input) {
        Ok(_) => Ok(cx.done(format!("/customers/{id}/domains"), "The domain was added.")),
        Err(Error::Invalid(all)) => page(cx, &cx.actor.scope()?, id, &input, &all),
        Err(err) => Err(err),
    }
}

pub fn make_main(cx: &Cx, scope: &Scope<CustomersDomains>) -> Result<Response> {
    change(cx, scope, "main", "It is the domain of new users now.")
}

/// Confirms a domain by hand.
pub fn verify(cx: &Cx, scope: &Scope<CustomersDomains>) -> Result<Response> {
    change(cx, scope, "verified", "The domain is confirmed and can be used.")
}

fn change(
    cx: &Cx,
    scope: &Scope<CustomersDomains>,
    field: &'static str,
    done: &str,
) -> Result<Response> {
    let (customer, id) = (cx.param("id")?, cx.param("domain")?);
    let mut input = cx.input()?;
    input.set(field, "true");
    match domains::update(cx.db, scope, customer, id, &input) {
        Ok(()) => Ok(cx.done(format!("/customers/{customer}/domains"), done)),
        Err(Error::Invalid(all)) => page(cx, &cx.actor.scope()?, customer, &Input::default(), &all),
        Err(err) => Err(err),
    }
}

pub fn ask_remove(cx: &Cx, scope: &Scope<CustomersDomains>) -> Result<Response> {
    let (customer, id): (CustomerId, DomainId) = (cx.param("id")?, cx.param("domain")?);
    let (place, domain) = cx.db.read(|db| {
        Ok((places::customer(db, scope, customer)?, domains::one(db, scope, customer, id)?))
    })?;
    let back = format!("/customers/{customer}/domains");
    let shown = readable(&domain.name);
    let body = card(
        &format!("Remove {shown}?"),
        None,
        html! {
            p { "Nobody of " (place.name) " can have names on it afterwards." }
            (post_form(&cx.csrf, &format!("{back}/{id}/remove"), html! {
                (form_foot(html! { (button("Remove").danger()) (cancel(&back)) }))
            }))
        },
    );
    Ok(places::customer_page(cx, &place, Tab::Domains, 200, html! {}, body))
}

pub fn remove(cx: &Cx, scope: &Scope<CustomersDomains>) -> Result<Response> {
    let (customer, id): (CustomerId, DomainId) = (cx.param("id")?, cx.param("domain")?);
    match domains::remove(cx.db, scope, customer, id) {
        Ok(()) => Ok(cx.done(format!("/customers/{customer}/domains"), "The domain was removed.")),
        Err(Error::Invalid(all)) => page(cx, &cx.actor.scope()?, customer, &Input::default(), &all),
        Err(err) => Err(err),
    }
}

fn page(
    cx: &Cx,
    scope: &Scope<CustomersRead>,
    id: CustomerId,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let may = cx.actor.scope::<CustomersDomains>().ok();
    let (customer, place, all, may_change, above) = cx.db.read(|db| {
        let may_change = may.as_ref().is_some_and(|scope| scope.reaches(db, id).is_ok());
        let above = match &may {
            Some(scope) => is_above(db, scope, id)?,
            None => false,
        };
        let all = domains::list(db, scope, id)?;
        let customer = customers::one(db, scope, id)?;
        Ok((customer, places::customer(db, scope, id)?, all, may_change, above))
    })?;
    let columns = [column("Domain"), column("Used by").class("num p2"), column("State"), acts()];
    let rows = html! {
        @for domain in &all {
            tr {
                th scope="row" { (readable(&domain.name)) }
                td.num.p2 { (used(domain)) }
                td { (state(domain)) }
                td.acts { @if may_change { (acts_on(id, domain, above)) } }
            }
        }
    };
    let hint = if above {
        "It can be used at once."
    } else {
        "Somebody above confirms it before it can be used."
    };
    let name =
        Opts { width: 4, ltr: true, placeholder: "company.example", hint, ..Opts::default() };
    let add = html! {
        div.fields { (text_field(input, complaints, "name", "Domain name", name)) }
        (hidden("receives_mail", "1"))
        p {} (primary("Add domain"))
    };
    let body = html! {
        (complaints_flash(complaints, &[("name", "Domain name")]))
        div.stack {
            (card_flush("Domains", None, table(&format!("Domains of {}", place.name), &columns, rows)))
            @if may_change {
                (card("Add a domain", None,
                    post_form(&cx.csrf, &format!("/customers/{id}/domains"), add)))
            }
        }
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::customer_page(cx, &place, Tab::Domains, status, actions(cx, &customer), body))
}

fn used(domain: &Domain) -> String {
    match (domain.sign_in_names, domain.addresses) {
        (0, 0) => "–".to_owned(),
        (names, addresses) => format!(
            "{}, {}",
            text::count(names, "user", "users"),
            text::count(addresses, "address", "addresses")
        ),
    }
}

fn state(domain: &Domain) -> Markup {
    match (domain.verified_at, domain.main) {
        (None, _) => pill(Tone::Wait, "Waits for confirmation"),
        (_, true) => pill(Tone::Ok, "Primary"),
        _ => pill(Tone::Ok, "Confirmed"),
    }
}

fn acts_on(customer: CustomerId, domain: &Domain, above: bool) -> Markup {
    let at = |verb: &str| format!("/customers/{customer}/domains/{}/{verb}", domain.id);
    let mut items = Vec::new();
    if domain.verified_at.is_none() && above {
        items.push(Item::post("Confirm by hand", at("verify")));
    }
    if domain.verified_at.is_some() && !domain.main {
        items.push(Item::post("Make primary", at("main")));
    }
    if !domain.main {
        items.push(Item::danger("Remove…", at("remove")));
    }
    let label = format!("Actions for {}", readable(&domain.name));
    html! { @if !items.is_empty() { (menu(&format!("domain-{}", domain.id), &label, &items)) } }
}
