//! Which roles may be used at a customer, and what saying otherwise would do.

use crate::auth::permissions::{RolesAllow, RolesRead};
use crate::auth::{Scope, WITHOUT};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{button, cancel, link};
use crate::html::field::{check, complaint_of, radio};
use crate::html::form::{complaints_flash, fieldset, form_foot, post_form};
use crate::html::parts::Tone;
use crate::html::parts::{pill_tint, section};
use crate::html::table::{acts, column, table};
use crate::html::text::count;
use crate::ids::{CustomerId, RoleId};
use crate::input::Input;
use crate::places::{self, Tab};
use crate::roles::allowed::store;
use crate::roles::allowed::{self, Rule};
use crate::web::{Cx, Response};
use maud::{Markup, html};

pub fn index(cx: &Cx, scope: &Scope<RolesRead>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let (place, roles, may) = cx.db.read(|db| {
        let may = match cx.actor.scope::<RolesAllow>() {
            Ok(allow) => allow.reaches(db, id).is_ok(),
            Err(_) => false,
        };
        Ok((places::customer(db, scope, id)?, allowed::list(db, scope, id)?, may))
    })?;
    let columns =
        [column("Role"), column("Here"), column("Says"), column("People").class("num p2"), acts()];
    let rows = html! {
        @for role in &roles {
            tr {
                th scope="row" { a href={ "/roles/" (role.role_id) } { (role.role) } }
                td {
                    @match &role.why_not {
                        None => (pill_tint(Tone::Ok, "Allowed")),
                        Some(why) => { (pill_tint(Tone::Off, "Not allowed")) " " small.muted { (places::capital(why)) } },
                    }
                }
                td { (places::capital(role.rule)) }
                td.num.p2 { (role.holders) }
                td.acts { @if may {
                    (link("Change…", &format!("/customers/{id}/allowed-roles/{}", role.role_id)).small().about(&role.role))
                } }
            }
        }
    };
    let lede = "A role works here unless it is denied here or above. Nothing has to be said for a role to be inherited.";
    let body = html! {
        p.muted { (lede) }
        (section("Allowed roles", None, table("Allowed roles", &columns, rows)))
    };
    Ok(places::customer_page(cx, &place, Tab::Access, 200, html! {}, body))
}

pub fn ask(cx: &Cx, scope: &Scope<RolesAllow>) -> Result<Response> {
    form(cx, scope, 200, &cx.request.query, &[])
}

pub fn set(cx: &Cx, scope: &Scope<RolesAllow>) -> Result<Response> {
    let (id, role): (CustomerId, RoleId) = (cx.param("id")?, cx.param("role")?);
    let (seen, input) = (cx.actor.scope::<RolesRead>()?, cx.input()?);
    match allowed::set(cx.db, scope, &seen, id, role, &input) {
        Ok(effect) => {
            let text = format!("Saved. {}", stopped(effect.stops, effect.starts));
            Ok(cx.done(format!("/customers/{id}/allowed-roles"), &text))
        }
        Err(Error::Invalid(complaints)) => form(cx, scope, 422, &input, &complaints),
        Err(err) => Err(err),
    }
}

/// The three answers; once one is chosen, what it would do, and the button that does it.
fn form(
    cx: &Cx,
    scope: &Scope<RolesAllow>,
    status: u16,
    said: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let (id, role): (CustomerId, RoleId) = (cx.param("id")?, cx.param("role")?);
    let seen = cx.actor.scope::<RolesRead>()?;
    let chosen: Option<Rule> = said.get("rule").parse().ok();
    let (place, role, now, effect) = cx.db.read(|db| {
        let place = places::customer(db, scope, id)?;
        let role = allowed::known(db, &seen, role, id)?;
        let effect = chosen.map(|rule| allowed::effect(db, role.id, id, rule)).transpose()?;
        let now = store::rule(db, role.id, id)?;
        Ok((place, role, now, effect))
    })?;
    let mut input = said.clone();
    input.set("rule", chosen.unwrap_or(now).word());
    let action = format!("/customers/{id}/allowed-roles/{}", role.id);
    let back = format!("/customers/{id}/allowed-roles");
    let about = format!("At {} and below it.", place.name);
    let choices = html! {
        (fieldset(&role.name, &about, html! {
            div.field {
                (radio(&input, "rule", "inherit", "Inherit", "What those above say; if they say nothing, what the role says."))
                (radio(&input, "rule", "allow", "Allow", "Works unless somebody above denies it."))
                (radio(&input, "rule", "deny", "Deny", "Works for nobody here or below. Nothing is lost: allowed again, it is back."))
                (complaint_of(complaints, "rule", "Rule"))
            }
        }))
    };
    let body = html! {
        (complaints_flash(complaints, &[("rule", "Rule"), (WITHOUT, "")]))
        @match &effect {
            None => form method="get" action=(action) {
                div.form { (choices) }
                (form_foot(html! { (button("Show what it does").primary()) (cancel(&back)) }))
            },
            Some(effect) => (post_form(&cx.csrf, &action, html! {
                div.form {
                    (choices)
                    (fieldset("What it does", "", html! {
                        div.field { p { (stopped(effect.stops, effect.starts)) } (names(&effect.names, effect.stops)) }
                        (check(&input, complaints, WITHOUT, "Go on though no administrator is left somewhere", ""))
                    }))
                }
                (form_foot(html! { (button("Save").primary()) (cancel(&back)) }))
            })),
        }
    };
    Ok(places::customer_page(cx, &place, Tab::Access, status, html! {}, body))
}

fn stopped(stops: usize, starts: usize) -> String {
    let people =
        |number: usize| count(i64::try_from(number).unwrap_or(i64::MAX), "person", "people");
    match (stops, starts) {
        (0, 0) => "The role of nobody changes.".to_owned(),
        (0, starts) => format!("The role works again for {}.", people(starts)),
        (stops, _) => format!("The role stops working for {}.", people(stops)),
    }
}

fn names(names: &[String], all: usize) -> Markup {
    html! {
        @if !names.is_empty() {
            p.muted { (names.join(", ")) @if all > names.len() { " and others" } }
        }
    }
}
