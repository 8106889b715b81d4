//! The tab Access of a customer: everybody whose rights reach it.

use crate::auth::Scope;
use crate::auth::permissions::{RolesRead, UsersRead};
use crate::error::Result;
use crate::html::button::link;
use crate::html::parts::{section, tag};
use crate::html::table::{column, empty, paging, table};
use crate::html::text::{count, date};
use crate::ids::CustomerId;
use crate::places::{self, Tab};
use crate::roles::outsiders;
use crate::web::{Cx, Response};
use maud::html;

pub fn index(cx: &Cx, scope: &Scope<RolesRead>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let part = cx.paging(&[])?;
    let (place, people, seen) = cx.db.read(|db| {
        let people = outsiders::list(db, scope, id, &part)?;
        let users = cx.actor.scope::<UsersRead>().ok();
        let seen: Vec<bool> = people
            .items
            .iter()
            .map(|each| users.as_ref().is_some_and(|users| users.reaches(db, each.home_id).is_ok()))
            .collect();
        Ok((places::customer(db, scope, id)?, people, seen))
    })?;
    let columns = [
        column("Name"),
        column("Belongs to"),
        column("Role"),
        column("Role stands at"),
        column("Until").class("p2"),
    ];
    let rows = html! {
        @for (each, seen) in people.items.iter().zip(&seen) {
            tr {
                th scope="row" {
                    @if *seen { a href={ "/users/" (each.user_id) "/access" } { (each.user) } }
                    @else { (each.user) }
                    @if let Some(why) = &each.why_not { small { "Not in force: " (why) } }
                }
                td { (each.home) @if each.home_id != id { " " (tag("From outside")) } }
                td { (each.role) }
                td { (each.customer) }
                td.p2 { @if let Some(day) = each.until_on { (date(day)) } @else { "–" } }
            }
        }
    };
    let shown = i64::try_from(people.items.len()).unwrap_or(i64::MAX);
    let actions = html! { (link("Allowed roles", &format!("/customers/{id}/allowed-roles"))) };
    let list = html! {
        @if people.items.is_empty() {
            (empty("shield", "Nobody", "No role of anybody reaches this customer.", None))
        } @else {
            (table("Everybody whose rights reach it", &columns, rows))
            (paging(&count(shown, "entry", "entries"), (!part.is_first()).then(|| cx.first_href()).as_deref(),
                    cx.next_href(people.next.as_ref()).as_deref()))
        }
    };
    let body = html! {
        p.muted { "Everybody whose rights reach " (place.name) ", from where and by which role, those above included." }
        (section("Who has access", None, list))
    };
    Ok(places::customer_page(cx, &place, Tab::Access, 200, actions, body))
}
