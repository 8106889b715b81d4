//! The form of a reseller's own values.

use super::Setter;
use crate::auth::permissions::{ServiceSettingsWrite, ServicesRead};
use crate::auth::{Scope, ServiceRights};
use crate::catalogue::fields::{Around, draw_explanation, fill, settle, value_field};
use crate::catalogue::properties::origin;
use crate::error::{Complaint, Error, Result};
use crate::html::button::{cancel, primary};
use crate::html::field::{brake_field, tick};
use crate::html::form::{complaints_flash, fieldset, form_foot, post_form};
use crate::html::parts::section;
use crate::html::table::empty;
use crate::ids::CustomerId;
use crate::input::Input;
use crate::places::{self, Tab};
use crate::web::{Cx, Response};
use maud::html;

pub fn edit(cx: &Cx, rights: &ServiceRights<ServiceSettingsWrite>) -> Result<Response> {
    let code: String = cx.param("code")?;
    let scope = cx.db.read(|db| super::on(db, rights, &code))?;
    form(cx, &scope, None, &[])
}

pub fn update(cx: &Cx, rights: &ServiceRights<ServiceSettingsWrite>) -> Result<Response> {
    let (reseller, code): (CustomerId, String) = (cx.param("id")?, cx.param("code")?);
    let scope = &cx.db.read(|db| super::on(db, rights, &code))?;
    let mut input = cx.input()?;
    // Boxes that are not ticked say nothing.
    if !input.has("locks") {
        input.set("locks", "");
    }
    let setter = Setter { scope, actor: &cx.actor, key: &cx.app.config.key };
    let mut said = input.clone();
    settle(&mut said);
    match super::set(cx.db, &setter, reseller, &code, &said) {
        Ok(()) => Ok(cx.done(format!("/customers/{reseller}/offers"), "Saved.")),
        Err(Error::Invalid(complaints)) => form(cx, scope, Some(&input), &complaints),
        Err(err) => Err(err),
    }
}

fn form(
    cx: &Cx,
    scope: &Scope<ServiceSettingsWrite>,
    typed: Option<&Input>,
    complaints: &[Complaint],
) -> Result<Response> {
    let (reseller, code): (CustomerId, String) = (cx.param("id")?, cx.param("code")?);
    let (place, (service, all), inherits) = cx.db.read(|db| {
        let place = places::customer(db, scope, reseller)?;
        let shown = super::shown(db, scope, &cx.actor, reseller, &code)?;
        let inherits = origin::inherited(db, cx.actor.home, &super::asked(&shown.0, reseller))?;
        Ok((place, shown, inherits))
    })?;
    let explained_at = format!("/customers/{reseller}/offers/{code}");
    let around = Around { inherits, explained_at: &explained_at, under: "" };
    let mut input = typed.cloned().unwrap_or_default();
    if typed.is_none() {
        let kept = all.iter().filter_map(|(property, value, locked)| {
            Some((property.clone(), value.clone()?, *locked))
        });
        fill(&mut input, &kept.collect::<Vec<_>>(), "properties");
    }
    let base = format!("/customers/{reseller}/offers");
    let fields = html! {
        (complaints_flash(complaints, &[]))
        (post_form(&cx.csrf, &format!("{base}/{code}/values"), html! {
            div.form {
                (fieldset("For all customers below", "", html! {
                    @for (property, _, _) in &all {
                        (value_field(property, &input, complaints, &around))
                        (tick(&input, "locks", &property.name, &format!("Lock {}", property.label),
                              "Nobody below may overrule it"))
                    }
                    (brake_field(complaints))
                }))
                (form_foot(html! { (primary("Save settings")) (cancel(&base)) }))
            }
        }))
    };
    let body = match all.is_empty() {
        true => empty(
            "stack-2",
            "Nothing to set",
            "The service has no settings that you may change.",
            None,
        ),
        false => fields,
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    let body = section(&format!("Own settings of {}", service.name), None, body);
    Ok(places::customer_page(cx, &place, Tab::Offers, status, html! {}, body))
}

/// Where the branch has the value of a property from.
pub fn explain(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    let (reseller, code): (CustomerId, String) = (cx.param("id")?, cx.param("code")?);
    let name: String = cx.param("name")?;
    let (place, (service, found)) = cx.db.read(|db| {
        let place = places::customer(db, scope, reseller)?;
        Ok((place, super::explained(db, scope, &cx.actor, reseller, &code, &name)?))
    })?;
    let title = format!("Where does it come from? {} of {}", found.property.label, service.name);
    let drawn = draw_explanation(&found, &cx.actor.zone, cx.db.now());
    let body = section(&title, None, drawn);
    Ok(places::customer_page(cx, &place, Tab::Offers, 200, html! {}, body))
}
