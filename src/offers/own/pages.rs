//! The form of a reseller's own values.

use super::Setter;
use crate::auth::permissions::ServiceSettingsWrite;
use crate::auth::{Scope, ServiceRights};
use crate::catalogue::fields::value_field;
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
    match super::set(cx.db, &setter, reseller, &code, &input) {
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
    let (place, (service, all)) = cx.db.read(|db| {
        let place = places::customer(db, scope, reseller)?;
        Ok((place, super::shown(db, scope, &cx.actor, reseller, &code)?))
    })?;
    let mut input = typed.cloned().unwrap_or_default();
    if typed.is_none() {
        for (property, value, locked) in &all {
            if let Some(value) = value.as_ref().filter(|_| !property.secret) {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                input.set(&format!("properties.{}", property.name), text);
            }
            if *locked {
                input.push("locks", &property.name);
            }
        }
    }
    let base = format!("/customers/{reseller}/offers");
    let fields = html! {
        (complaints_flash(complaints, &[]))
        (post_form(&cx.csrf, &format!("{base}/{code}/values"), html! {
            div.form {
                (fieldset("For all customers below", "Empty: as inherited", html! {
                    @for (property, _, _) in &all {
                        (value_field(property, &input, complaints))
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
