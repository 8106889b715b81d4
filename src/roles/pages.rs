//! What each role permits, and a user's tab of roles held.

use super::{GRANT, Grant, Role, ask_for_factor, choices, grant, store, take};
use crate::auth::Scope;
use crate::auth::permissions::{ALL, RolesGrant, RolesRead, SettingsWrite, UsersPassword};
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{button, link, primary};
use crate::html::field::{Opts, choice_field, text_field};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{Head, card, icon, page_head, section, tag};
use crate::html::table::{Look, acts, column, empty, table, table_with};
use crate::html::text::{count, date, when};
use crate::ids::{GrantId, RoleId, UserId};
use crate::input::Input;
use crate::places::{self, Person, UserTab};
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] =
    &[("role", "Role"), ("customer_id", "Customer"), ("until_on", "Last day")];

pub fn index(cx: &Cx, scope: &Scope<RolesRead>) -> Result<Response> {
    let roles = cx.db.read(|db| store::list(db, scope))?;
    let columns = [
        column("Role"),
        column("For").class("p2"),
        column("People").class("num"),
        column("Permissions").class("num p3"),
    ];
    let rows = html! {
        @for role in &roles {
            tr {
                th scope="row" { a href={ "/roles/" (role.id) } { (role.name) } small { (role.description) } }
                td.p2 { (held_in(role)) }
                td.num { (role.holders) }
                td.num.p3 { (role.rights.len()) }
            }
        }
    };
    let lede = "A role is a set of permissions, each with a reach: own customer, customers below, or both.";
    let body = html! {
        (page_head("Roles", Head { lede, ..Head::default() }))
        (table("Roles", &columns, rows))
    };
    Ok(cx.page(Nav::Roles, "Roles", &[], body))
}

pub fn show(cx: &Cx, scope: &Scope<RolesRead>) -> Result<Response> {
    let id: i64 = cx.param("id")?;
    let roles = cx.db.read(|db| store::list(db, scope))?;
    let role = roles.into_iter().find(|role| role.id.0 == id).ok_or(Error::NotFound)?;
    let lede = format!(
        "{} within your reach. Own means their own customer, below means every customer under it.",
        match role.holders {
            0 => "Nobody holds this role".to_owned(),
            1 => "1 person holds this role".to_owned(),
            many => format!("{} hold this role", count(many, "person", "people")),
        }
    );
    let state = html! { (tag(held_in(&role))) @if role.requires_factor { (tag("Asks for a second factor")) } };
    let body = html! {
        (page_head(&role.name, Head { state: Some(state), lede: &lede, ..Head::default() }))
        @if cx.actor.may::<SettingsWrite>() { (factor_switch(cx, &role)) }
        (matrix(&role))
    };
    Ok(cx.page(Nav::Roles, &role.name, &[("Roles", "/roles".to_owned())], body))
}

/// Turns the question for a second factor on or off.
pub fn factor(cx: &Cx, scope: &Scope<SettingsWrite>) -> Result<Response> {
    let id: RoleId = cx.param("id")?;
    let input = cx.input()?;
    ask_for_factor(cx.db, scope, id, &input)?;
    let told = match input.get("requires_factor") {
        "1" => "Who holds this role sets a second factor at the next sign-in.",
        _ => "This role asks for no second factor any more.",
    };
    Ok(cx.done(format!("/roles/{id}"), told))
}

fn factor_switch(cx: &Cx, role: &Role) -> Markup {
    let (say, verb, value) = match role.requires_factor {
        true => ("Whoever holds it signs in with a second factor.", "Do not require it", "0"),
        false => {
            ("Whoever holds it signs in with a password alone.", "Require a second factor", "1")
        }
    };
    card(
        "Second factor",
        None,
        post_form(
            &cx.csrf,
            &format!("/roles/{}/factor", role.id),
            html! {
                (hidden("requires_factor", value))
                div.row { p { (say) } (button(verb)) }
            },
        ),
    )
}

/// The tab Access of a user.
pub fn held(cx: &Cx, scope: &Scope<RolesRead>) -> Result<Response> {
    access(cx, scope, 200, &Input::default(), &[])
}

pub fn create(cx: &Cx, scope: &Scope<RolesGrant>) -> Result<Response> {
    let user: UserId = cx.param("id")?;
    let input = cx.input()?;
    match grant(cx.db, &cx.actor, scope, user, &input) {
        Ok(_) => {
            Ok(cx.done(format!("/users/{user}/access"), "Given. It holds from the next sign-in."))
        }
        Err(Error::Invalid(complaints)) => match cx.actor.scope::<RolesRead>() {
            Ok(read) => access(cx, &read, 422, &input, &complaints),
            Err(_) => Err(Error::Invalid(complaints)),
        },
        Err(err) => Err(err),
    }
}

pub fn destroy(cx: &Cx, scope: &Scope<RolesGrant>) -> Result<Response> {
    let (user, id): (UserId, GrantId) = (cx.param("id")?, cx.param("grant")?);
    match take(cx.db, &cx.actor, scope, user, id) {
        Ok(()) => Ok(cx.done(format!("/users/{user}/access"), "Taken. Their sign-ins have ended.")),
        Err(Error::Invalid(complaints)) => match cx.actor.scope::<RolesRead>() {
            Ok(read) => access(cx, &read, 422, &Input::default(), &complaints),
            Err(_) => Err(Error::Invalid(complaints)),
        },
        Err(err) => Err(err),
    }
}

fn access(
    cx: &Cx,
    scope: &Scope<RolesRead>,
    status: u16,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let may = cx.actor.scope::<RolesGrant>().ok();
    let (person, held, may, offered) = cx.db.read(|db| {
        let person = places::user(db, scope, id)?;
        let held = store::grants(db, scope, id)?;
        let may = match &may {
            Some(grant) => grant.reaches(db, person.customer.id).is_ok() && id != cx.actor.user,
            None => false,
        };
        let offered =
            if may { choices(db, &cx.actor, scope, &person.customer)? } else { Vec::new() };
        Ok((person, held, may, offered))
    })?;
    let actions = html! {
        @if cx.actor.may::<UsersPassword>() {
            (link("Password link…", &format!("/users/{id}/password-link")))
            (link("Welcome…", &format!("/users/{id}/welcome")))
        }
    };
    let body = html! {
        (complaints_flash(complaints, LABELS))
        (section("Roles", None, grants(cx, &person, &held, may)))
        @if may && !offered.is_empty() { (grant_form(cx, &person, &offered, input, complaints)) }
    };
    Ok(places::user_page(cx, &person, UserTab::Access, status, actions, body))
}

fn grants(cx: &Cx, person: &Person, held: &[Grant], may: bool) -> Markup {
    if held.is_empty() {
        let text = "Without a role somebody sees their own account and nothing else.";
        return empty("shield", "No roles", text, None);
    }
    let columns = [
        column("Role"),
        column("At"),
        column("Since").class("p2"),
        column("Last day").class("p2"),
        acts(),
    ];
    let rows = html! {
        @for each in held {
            tr {
                th scope="row" { (each.role) }
                td { (each.customer) }
                td.p2 { (when(each.granted_at, &cx.actor.zone, cx.db.now())) }
                td.p2 { @if let Some(day) = each.until_on { (date(day)) } @else { "–" } }
                td.acts {
                    @if may {
                        (button("Take").small().about(&each.role)
                            .posts(&format!("/users/{}/roles/{}/take", person.id, each.id)))
                    }
                }
            }
        }
    };
    table("Roles held", &columns, rows)
}

fn grant_form(
    cx: &Cx,
    person: &Person,
    offered: &[Role],
    input: &Input,
    complaints: &[Complaint],
) -> Markup {
    debug_assert!(GRANT.iter().all(|field| LABELS.iter().any(|(name, _)| *name == field.name)));
    let roles: Vec<(&str, &str)> =
        offered.iter().map(|role| (role.name.as_str(), role.name.as_str())).collect();
    let about = "Offered is what you hold yourself. Their sign-ins end, so that it holds at once.";
    post_form(
        &cx.csrf,
        &format!("/users/{}/roles", person.id),
        html! {
            div.form {
                (fieldset("Give a role", about, html! {
                    (choice_field(input, complaints, "role", "Role", &roles, Opts { width: 3, ..Opts::default() }))
                    (text_field(input, complaints, "until_on", "Last day", Opts { width: 3, kind: "date", optional: true, ..Opts::default() }))
                }))
            }
            (form_foot(html! { (primary("Give role")) }))
        },
    )
}

fn matrix(role: &Role) -> Markup {
    let level = |name| column(name).class("lvl");
    let columns =
        [column("Permission"), level("None"), level("Own"), level("Below"), level("Own and below")];
    let mut groups: Vec<(&str, Vec<(&str, i64)>)> = Vec::new();
    for (permission, _) in ALL {
        let (head, rest) = permission.split_once('.').unwrap_or((permission, ""));
        let reach = role.rights.iter().find(|r| r.permission == *permission).map_or(0, |r| r.reach);
        match groups.last_mut().filter(|(last, _)| *last == head) {
            Some((_, lines)) => lines.push((rest, reach)),
            None => groups.push((head, vec![(rest, reach)])),
        }
    }
    let words = |name: &str| places::capital(&name.replace('_', " "));
    let rows = html! {
        @for (head, lines) in &groups {
            tr.group { th scope="colgroup" colspan="5" { (words(head)) } }
            @for (name, reach) in lines {
                tr {
                    th scope="row" { (words(name)) }
                    @for bits in 0..=3 {
                        td.lvl { @if bits == *reach { (icon("check")) span.sr { "yes" } } }
                    }
                }
            }
        }
    };
    let caption = format!("Permissions of {}", role.name);
    let look = Look { class: "matrix", keep: true, ..Look::default() };
    table_with(&caption, &columns, rows, look)
}

fn held_in(role: &Role) -> &'static str {
    match role.held_in.as_str() {
        "provider" => "People of the provider",
        "reseller" => "Resellers",
        _ => "Anybody",
    }
}
