//! Accounts in the directory that have a user's name and are not theirs: adopt one, or choose another
//! name.

use crate::auth::Scope;
use crate::auth::permissions::{UsersImport, UsersRename};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{button, link};
use crate::html::form::{complaints_flash, hidden, post_form};
use crate::html::parts::{card, card_flush};
use crate::html::table::{self, column, table};
use crate::ids::UserId;
use crate::matching::adopt::{Same, adopt as take_up, same};
use crate::places::{self, UserTab};
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[("object", "Account")];

pub fn show(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    page(cx, scope, &[])
}

fn page(cx: &Cx, scope: &Scope<UsersImport>, wrong: &[Complaint]) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let person = cx.db.read(|db| places::user(db, scope, id))?;
    let (all, unreached) = match same(cx.app, &cx.actor, scope, id) {
        Ok(all) => (all, Vec::new()),
        Err(Error::Invalid(complaints)) => (Vec::new(), complaints),
        Err(err) => return Err(err),
    };
    let body = html! {
        (complaints_flash(wrong, LABELS))
        (complaints_flash(&unreached, LABELS))
        @if unreached.is_empty() && all.is_empty() {
            (table::empty("check", "No account of that name", "Nothing in the directory has the user name or the sign-in name of this user.", None))
        } @else if !all.is_empty() {
            (card_flush("Accounts of the same name", None, rows(cx, id, &all)))
            p.muted {
                "Adopting changes nothing there yet. The next work on the user brings the account to the customer's OU and writes what is known here; its id, password and groups stay."
            }
        }
        @if cx.actor.may::<UsersRename>() {
            (card("Or another name", None, html! {
                p { "With another user name the user gets an account of their own, and the one that is there stays untouched. Try the work again afterwards." }
                (link("Change the user name", &format!("/users/{id}/edit")))
            }))
        }
    };
    let status = if wrong.is_empty() { 200 } else { 422 };
    Ok(places::user_page(cx, &person, UserTab::Profile, status, html! {}, body))
}

fn rows(cx: &Cx, user: UserId, all: &[Same]) -> Markup {
    let columns = [column("Account"), column("Where"), table::acts()];
    table(
        "Accounts of the same name",
        &columns,
        html! {
            @for each in all {
                tr {
                    th scope="row" { (each.username) br; span.muted { (each.upn) } @if each.disabled { " (disabled)" } }
                    td {
                        @if each.place.is_empty() { "–" } @else { span.mono { (each.place) } }
                        @if each.outside && each.why_not.is_empty() { br; span.muted { "Outside the customer's OU" } }
                    }
                    td.acts {
                        @if each.why_not.is_empty() {
                            (post_form(&cx.csrf, &format!("/users/{user}/directory/adopt"), html! {
                                (hidden("object", &each.object))
                                (button("Adopt").small().about(&each.username))
                            }))
                        } @else { (each.why_not) }
                    }
                }
            }
        },
    )
}

pub fn adopt(cx: &Cx, scope: &Scope<UsersImport>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    match take_up(cx.app, &cx.actor, scope, id, &cx.input()?) {
        Ok(()) => Ok(cx.done(
            format!("/users/{id}/directory"),
            "The account is theirs. Try the work that failed again.",
        )),
        Err(Error::Invalid(wrong)) => page(cx, scope, &wrong),
        Err(err) => Err(err),
    }
}
