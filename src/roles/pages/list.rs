//! All roles, and what each permits.

use super::words;
use crate::auth::permissions::{ALL, RolesRead, RolesWrite, SettingsWrite};
use crate::auth::{Admits, Scope};
use crate::error::Result;
use crate::html::Nav;
use crate::html::button::{button, link};
use crate::html::form::{hidden, post_form};
use crate::html::parts::{Head, card, icon, page_head, tag};
use crate::html::table::{Look, column, table, table_with};
use crate::html::text::count;
use crate::ids::RoleId;
use crate::roles::{Role, ask_for_factor, custom, store};
use crate::web::{Cx, Response};
use maud::{Markup, html};

pub fn index(cx: &Cx, scope: &Scope<RolesRead>) -> Result<Response> {
    let roles = cx.db.read(|db| store::list(db, scope))?;
    let columns = [
        column("Role"),
        column("Belongs to"),
        column("For").class("p2"),
        column("People").class("num"),
        column("Permissions").class("num p3"),
    ];
    let rows = html! {
        @for role in &roles {
            tr {
                th scope="row" { a href={ "/roles/" (role.id) } { (role.name) } small { (role.description) } }
                td { (role.customer.as_deref().unwrap_or("Portico")) }
                td.p2 { (held_in(role)) }
                td.num { (role.holders) }
                td.num.p3 {
                    @if role.rights.is_empty() && !role.includes.is_empty() {
                        (role.includes.len()) " roles included"
                    } @else { (role.rights.len()) }
                }
            }
        }
    };
    let new = format!("/customers/{}/roles/new", cx.actor.home);
    let actions = html! {
        @if cx.actor.may::<RolesWrite>() { (link("New role", &new).primary().icon("plus")) }
    };
    let lede = "A role is a set of permissions, each with a reach: own customer, customers below, or both.";
    let body = html! {
        (page_head("Roles", Head { lede, actions: Some(actions), ..Head::default() }))
        (table("Roles", &columns, rows))
    };
    Ok(cx.page(Nav::Roles, "Roles", &[], body))
}

pub fn show(cx: &Cx, scope: &Scope<RolesRead>) -> Result<Response> {
    let id: RoleId = cx.param("id")?;
    let (role, changeable) = cx.db.read(|db| {
        let role = store::one(db, scope, id)?;
        let changeable = match (cx.actor.scope::<RolesWrite>(), role.customer_id) {
            (Ok(write), Some(owner)) => write.reaches(db, owner).is_ok(),
            _ => false,
        };
        Ok((role, changeable))
    })?;
    let lede = format!(
        "{} within your reach. Own means their own customer, below means every customer under it.",
        match role.holders {
            0 => "Nobody holds this role".to_owned(),
            1 => "1 person holds this role".to_owned(),
            many => format!("{} hold this role", count(many, "person", "people")),
        }
    );
    let state = html! {
        (tag(role.customer.as_deref().unwrap_or("Shipped")))
        (tag(held_in(&role)))
        @if role.requires_factor { (tag("Asks for a second factor")) }
    };
    let actions = html! {
        @if changeable { (link("Change", &format!("/roles/{id}/edit")).primary()) }
        @if cx.actor.may::<RolesWrite>() && role.held_in != "all" {
            (link("Copy", &format!("/roles/{id}/copy")))
        }
        @if changeable { (link("Delete…", &format!("/roles/{id}/delete")).danger_quiet()) }
    };
    let head = Head { state: Some(state), lede: &lede, actions: Some(actions) };
    let body = html! {
        (page_head(&role.name, head))
        @if !role.description.is_empty() { p { (role.description) "." } }
        @if !role.includes.is_empty() {
            p { "Consists of "
                @for (place, part) in role.includes.iter().enumerate() {
                    @if place > 0 { ", " }
                    a href={ "/roles/" (part.id) } { (part.name) }
                }
                @if role.rights.is_empty() { "." } @else { " and of what follows." }
            }
        }
        @if cx.actor.may::<SettingsWrite>() && role.customer_id.is_none() { (factor_switch(cx, &role)) }
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

fn matrix(role: &Role) -> Markup {
    let level = |name| column(name).class("lvl");
    let columns =
        [column("Permission"), level("None"), level("Own"), level("Below"), level("Own and below")];
    let rows = html! {
        @for (head, lines) in groups() {
            tr.group { th scope="colgroup" colspan="5" { (words(head)) } }
            @for (name, permission, admits) in lines {
                @let right = role.rights.iter().find(|right| right.permission == permission);
                @let reach = right.map_or(0, |right| shown(admits, right.reach));
                tr {
                    th scope="row" {
                        (words(name))
                        @if let Some(services) = right.and_then(|right| right.services.as_ref()) {
                            small { "Only " (limits(services)) }
                        }
                    }
                    @for bits in 0..=3 {
                        td.lvl { @if bits == reach { (icon("check")) span.sr { "yes" } } }
                    }
                }
            }
        }
    };
    let caption = format!("Permissions of {}", role.name);
    let look = Look { class: "matrix", keep: true, ..Look::default() };
    table_with(&caption, &columns, rows, look)
}

/// In which column a reach stands: what is everywhere or about oneself has one column only.
pub fn shown(admits: Admits, reach: i64) -> i64 {
    match admits {
        _ if reach == 0 => 0,
        Admits::Oneself => 1,
        Admits::Provider => 3,
        Admits::Below => 2,
        Admits::OwnAndBelow => reach,
    }
}

/// A permission: its word within its group, its whole name, and what it admits.
type Line = (&'static str, &'static str, Admits);

/// The permissions by what they are about: head, and each with its own word.
pub fn groups() -> Vec<(&'static str, Vec<Line>)> {
    let mut groups: Vec<(&str, Vec<Line>)> = Vec::new();
    for (permission, admits) in ALL {
        let (head, rest) = permission.split_once('.').unwrap_or((permission, ""));
        match groups.last_mut().filter(|(last, _)| *last == head) {
            Some((_, lines)) => lines.push((rest, permission, *admits)),
            None => groups.push((head, vec![(rest, permission, *admits)])),
        }
    }
    groups
}

fn limits(services: &[String]) -> String {
    let word = |code: &String| {
        if code == custom::HELD { "services that are held".to_owned() } else { code.clone() }
    };
    services.iter().map(word).collect::<Vec<_>>().join(", ")
}

fn held_in(role: &Role) -> &'static str {
    match role.held_in.as_str() {
        "provider" => "People of the provider",
        "reseller" => "Resellers",
        "flag" => "Main contacts",
        "all" => "Everybody who signs in",
        _ => "Anybody",
    }
}
