//! The accounts of a user in directories.

use crate::auth::Scope;
use crate::auth::permissions::UsersImport;
use crate::error::Result;
use crate::html::button::button;
use crate::html::form::{hidden, post_form};
use crate::html::parts::card_flush;
use crate::html::table::{self, column, table};
use crate::html::text;
use crate::ids::UserId;
use crate::matching::links::{of, untie};
use crate::places::{self, UserTab};
use crate::web::{Cx, Response};
use maud::html;

pub fn show(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let person = cx.db.read(|db| places::user(db, scope, id))?;
    let all = of(cx.db, scope, id)?;
    let columns =
        [column("Directory"), column("Where"), column("Since").class("p2"), table::acts()];
    let rows = html! {
        @for each in &all {
            tr {
                th scope="row" { (each.directory) }
                td { span.mono { (each.place) } br; span.muted { (each.object) } }
                td.p2 { (text::when(each.since, &cx.actor.zone, cx.db.now())) }
                td.acts {
                    (post_form(&cx.csrf, &format!("/users/{id}/directory/unlink"), html! {
                        (hidden("connector_id", each.connector.0))
                        (button("Unlink").small().about(&format!("from {}", each.directory)))
                    }))
                }
            }
        }
    };
    let body = html! {
        @if all.is_empty() {
            (table::empty("database", "No account in a directory", "An import finds the accounts that people have already.", None))
        } @else {
            (card_flush("Accounts in directories", None, html! {
                (table("Accounts in directories", &columns, rows))
            }))
            p.muted { "Unlinking changes nothing in the directory, and the user stays. An import can link them again." }
        }
    };
    Ok(places::user_page(cx, &person, UserTab::Profile, 200, html! {}, body))
}

pub fn unlink(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    untie(cx.db, scope, id, &cx.input()?)?;
    Ok(cx.done(format!("/users/{id}/directory"), "The account is unlinked. It stays as it is."))
}
