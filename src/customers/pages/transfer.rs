//! Moving a customer: where to, what stands against it, which plans it has there, and what happens.

use crate::auth::Scope;
use crate::auth::permissions::CustomersMove;
use crate::customers::rehearsal::shown::what_happens;
use crate::customers::rehearsal::{self, Preview};
use crate::customers::transfer::{self, Moved};
use crate::customers::{Customer, life};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{button, cancel, primary};
use crate::html::field::{Opts, check, choice_field, text_field};
use crate::html::form::{complaints_flash, form_foot, hidden, post_form};
use crate::html::parts::card;
use crate::html::table::{column, table};
use crate::ids::CustomerId;
use crate::input::Input;
use crate::places::{self, Tab};
use crate::web::{Cx, Response};
use maud::{Markup, html};

/// First where to, then what that means.
pub fn ask(cx: &Cx, scope: &Scope<CustomersMove>) -> Result<Response> {
    page(cx, scope, &cx.request.query, &[])
}

pub fn create(cx: &Cx, scope: &Scope<CustomersMove>) -> Result<Response> {
    let (id, input): (CustomerId, _) = (cx.param("id")?, cx.input()?);
    match transfer::transfer(cx.db, scope, id, &input) {
        Ok(Moved::Now) => Ok(cx.done(format!("/customers/{id}"), "It was moved.")),
        Ok(Moved::Planned(_)) => {
            let text = "It moves at the start of that day, if nothing stands against it then.";
            Ok(cx.done(format!("/customers/{id}"), text))
        }
        Err(Error::Invalid(all)) => page(cx, scope, &input, &all),
        Err(err) => Err(err),
    }
}

fn page(
    cx: &Cx,
    scope: &Scope<CustomersMove>,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let (customer, place, targets) = cx.db.read(|db| {
        let customer = life::mortal(db, scope, id)?;
        let targets = transfer::targets(db, scope, &customer)?;
        Ok((customer, places::customer(db, scope, id)?, targets))
    })?;
    let chosen = input.get("parent_id").parse::<CustomerId>().is_ok();
    let preview = match chosen && complaints.is_empty() {
        true => {
            Some(rehearsal::of(cx.db, &cx.actor, id, |tx| transfer::move_in(tx, scope, id, input))?)
        }
        false => None,
    };
    let against = preview.as_ref().map_or(complaints, |preview| &preview.refusals);
    let name = &customer.details.name;
    let body = html! {
        (complaints_flash(against, LABELS))
        (card(&format!("Move {name}?"), None, html! {
            (where_to(input, &targets, id))
        }))
        @if chosen { (and_then(cx, &customer, input, against, preview.as_ref())?) }
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::customer_page(cx, &place, Tab::Overview, status, html! {}, body))
}

const LABELS: &[(&str, &str)] =
    &[("parent_id", "Below"), ("on", "On"), ("plans", "Plans"), ("anyway", "Administrators")];

fn where_to(input: &Input, targets: &[(CustomerId, String)], id: CustomerId) -> Markup {
    let mut all = vec![(String::new(), "Choose".to_owned())];
    all.extend(targets.iter().map(|(id, name)| (id.to_string(), name.clone())));
    let half = Opts { width: 3, ..Opts::default() };
    let back = format!("/customers/{id}");
    html! {
        p { "It goes there with everything it has, and everything below it. Its bill there begins where the one here ends." }
        form method="get" action={ (back) "/move" } {
            div.fields { (choice_field(input, &[], "parent_id", "Below", &all, half)) }
            (form_foot(html! { (button("Look at it")) (cancel(&back)) }))
        }
    }
}

fn and_then(
    cx: &Cx,
    customer: &Customer,
    input: &Input,
    against: &[Complaint],
    preview: Option<&Preview>,
) -> Result<Markup> {
    let id = customer.id;
    let target: CustomerId = input.get("parent_id").parse().map_err(|_| Error::NotFound)?;
    let plans = cx.db.read(|db| transfer::plans(db, id, target))?;
    let day =
        Opts { kind: "date", optional: true, width: 2, hint: "Empty: now.", ..Opts::default() };
    let form = html! {
        (hidden("parent_id", target.to_string()))
        div.fields {
            (text_field(input, against, "on", "On", day))
            @for each in &plans {
                (choice_field(input, against, &each.field, &format!("{} instead of {}", each.service, each.plan),
                    &each.choices, Opts { width: 3, ..Opts::default() }))
            }
            @if against.iter().any(|each| each.message.contains("last administrator")) || input.has("anyway") {
                (check(input, against, "anyway", "Also where that leaves nobody who administers it", ""))
            }
        }
        (form_foot(html! { (primary("Move it")) (cancel(&format!("/customers/{id}"))) }))
    };
    let mendable = against.is_empty()
        || !plans.is_empty()
        || against.iter().any(|each| each.message.contains("last administrator"))
        || against.iter().any(|each| !each.field.is_empty());
    Ok(html! {
        @if let Some(preview) = preview.filter(|preview| preview.refusals.is_empty()) {
            (card("What happens", None, html! { (what_happens(preview)) (people(preview)) }))
        }
        @if mendable {
            (card("Go on", None, post_form(&cx.csrf, &format!("/customers/{id}/move"), form)))
        }
    })
}

/// Users whom something changes for.
fn people(preview: &Preview) -> Markup {
    let columns = [column("Name"), column("Changes")];
    let rows = html! {
        @for each in &preview.people {
            tr { th scope="row" { a href={ "/users/" (each.user_id) } { (each.name) } } td { (each.what) } }
        }
    };
    html! {
        @if preview.people.is_empty() { p.muted { "Nothing changes for its users." } }
        @else { (table("Users whom something changes for", &columns, rows)) }
    }
}
