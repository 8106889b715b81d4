//! What one sees first of a customer.

use super::actions;
use crate::auth::Scope;
use crate::auth::permissions::{
    AuditRead, CustomersMove, CustomersRead, CustomersUpdate, RequestsRead,
};
use crate::customers::life::BIN;
use crate::customers::properties::form::{cards, incomplete};
use crate::customers::properties::{Holder, Standing, values};
use crate::customers::store::{self, Counts, Happened};
use crate::customers::{self, Customer, Type, transfer};
use crate::error::Result;
use crate::html::button::link;
use crate::html::parts::{Tone, card, facts, flash, stats};
use crate::html::story::{Event, events};
use crate::html::text;
use crate::places::{self, Place, State, Tab};
use crate::time::Instant;
use crate::web::{Cx, Response};
use maud::{Markup, html};

pub fn show(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<Response> {
    let id = cx.param("id")?;
    let (customer, place, counts, happened, failed, planned, properties) = cx.db.read(|db| {
        let customer = customers::one(db, scope, id)?;
        let happened = match cx.actor.scope::<AuditRead>() {
            Ok(scope) => Some(store::happened(db, &scope, id)?),
            Err(_) => None,
        };
        let failed = match cx.actor.scope::<RequestsRead>() {
            Ok(scope) => store::failed_requests(db, &scope, id)?,
            Err(_) => 0,
        };
        let counts = store::counts(db, scope, id)?;
        let planned = transfer::planned(db, scope, id)?;
        let standing = match customers::is_above(db, scope, id)? {
            true => Standing::Above,
            false => Standing::Reader,
        };
        let properties = values::of(db, standing, &Holder::customer(id))?;
        let place = places::customer(db, scope, id)?;
        Ok((customer, place, counts, happened, failed, planned, properties))
    })?;
    let above = cx.actor.may::<CustomersMove>();
    let body = html! {
        @if let Some(at) = customer.deleted_at { (in_bin(cx, at)) }
        @if let Some(planned) = planned.filter(|_| above) { (moving(cx, &planned)) }
        (incomplete(&values::missing(&properties), &format!("/customers/{id}/edit"), cx.actor.may::<CustomersUpdate>()))
        @if failed > 0 { (failed_flash(&customer, failed)) }
        (figures(&customer, &counts))
        div.cols {
            div.stack {
                @if let Some(list) = happened { (history(cx, &list)) }
            }
            div.stack { (details(cx, &customer, &place)) (cards(&properties)) }
        }
    };
    Ok(places::customer_page(cx, &place, Tab::Overview, 200, actions(cx, &customer), body))
}

/// Until when it can be had back.
fn in_bin(cx: &Cx, since: Instant) -> Markup {
    let day = since.plus_days(BIN).day(&cx.actor.zone).long();
    let text = html! { "It is in the bin and can be restored until " b { (day) } ". Then everything personal is erased." };
    flash(Tone::Wait, text, None)
}

/// What waits for its day.
fn moving(cx: &Cx, planned: &transfer::Planned) -> Markup {
    let day = planned.due.day(&cx.actor.zone).long();
    let open = link("Open the run", &format!("/runs/{}", planned.run)).small();
    flash(
        Tone::Wait,
        html! { "It moves to " b { (planned.target) } " on " (day) "." },
        Some(html! { (open) }),
    )
}

fn failed_flash(customer: &Customer, failed: i64) -> Markup {
    let href = format!("/customers/{}/requests?status=failed", customer.id);
    let text = html! {
        b { (text::count(failed, "request", "requests")) " failed." }
        " Each says why and can be tried again."
    };
    let open = link("Open requests", &href).small();
    flash(Tone::Bad, text, Some(html! { (open) }))
}

fn figures(customer: &Customer, counts: &Counts) -> Markup {
    let limit = customer.details.user_limit;
    let users = limit.map(|limit| html! { "of " (text::grouped(limit)) " allowed" });
    let mut list = vec![
        ("Users", html! { (text::grouped(counts.users)) }, users),
        ("Domains", html! { (counts.domains) }, None),
    ];
    if customer.reseller || customer.parent.is_none() {
        list.push(("Customers below", html! { (text::grouped(counts.below)) }, None));
    }
    stats(&list)
}

fn details(cx: &Cx, customer: &Customer, place: &Place) -> Markup {
    let d = &customer.details;
    let edit = link("Edit", &format!("/customers/{}/edit", customer.id)).small();
    let may = cx.actor.may::<CustomersUpdate>() && customer.state != State::Deleted;
    let edit = may.then(|| html! { (edit) });
    let mut list = vec![(
        "Contact",
        html! { (d.contact_name) br; a href={ "mailto:" (d.contact_email) } { (d.contact_email) } },
    )];
    let mut add = |name: &'static str, value: &str| {
        if !value.is_empty() {
            list.push((name, html! { (value) }));
        }
    };
    add("Phone", &d.phone);
    add("Fax", &d.fax);
    add("Website", &d.website);
    let lines = [d.street.as_str(), &d.postcode, &d.city, &d.country];
    let lines: Vec<&str> = lines.into_iter().filter(|part| !part.is_empty()).collect();
    add("Address", &lines.join(", "));
    add("Billing id", d.billing_id.as_deref().unwrap_or_default());
    if d.kind != Type::Standard {
        add("Type", &places::capital(d.kind.word()));
    }
    if let Some(day) = d.expires_on {
        add("Ends on", &day.long());
    }
    for link in &d.links {
        list.push(("Link", html! { a href=(link.url) rel="noreferrer" { (link.label) } }));
    }
    if let Some(parent) = customer.parent.filter(|parent| parent.0 != 1) {
        let reached = place.parents.iter().any(|(id, _)| *id == parent);
        let name = html! {
            @if reached { a href={ "/customers/" (parent) } { (customer.parent_name) } }
            @else { (customer.parent_name) }
        };
        list.push(("Reseller", name));
    }
    list.push(("Customer since", text::date(customer.created_at.day(&cx.actor.zone))));
    card("Details", edit, facts(&list))
}

fn history(cx: &Cx, list: &[Happened]) -> Markup {
    let zone = &cx.actor.zone;
    let mut all = Vec::new();
    let mut day = None;
    for each in list {
        let today = each.at.day(zone);
        if day != Some(today) {
            all.push(Event::Day(format!("{} {}", today.weekday(), today.long())));
            day = Some(today);
        }
        let what = html! { (sentence(each)) " " small { (each.who) } };
        all.push(Event::At(tone(&each.action), text::clock(each.at, zone), what));
    }
    let body = html! {
        @if all.is_empty() { p.muted { "Nothing yet." } } @else { (events(&all)) }
    };
    card("What happened", None, body)
}

/// `user.created` on Ann as "User created: Ann".
fn sentence(each: &Happened) -> String {
    if each.action.starts_with("request.") && !each.subject.is_empty() {
        return text::act_on(&each.action, Some(&each.subject));
    }
    let words = text::act(&each.action);
    match each.subject.as_str() {
        "" => words,
        subject => format!("{words}: {subject}"),
    }
}

fn tone(action: &str) -> Tone {
    if action.ends_with("failed") {
        Tone::Bad
    } else if action.ends_with("disabled") || action.ends_with("removed") {
        Tone::Wait
    } else {
        Tone::Ok
    }
}
