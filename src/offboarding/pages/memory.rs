//! What is remembered of a user, and every leaving with its report.

use super::report::state_pill;
use crate::auth::Scope;
use crate::auth::permissions::UsersRead;
use crate::error::Result;
use crate::html::parts::{Tone, card, card_flush, facts, pill};
use crate::html::table::{column, empty, table};
use crate::html::text::{count, moment, when};
use crate::ids::UserId;
use crate::offboarding::{Offboarding, of_user};
use crate::places::{self, UserTab};
use crate::time::Instant;
use crate::users;
use crate::users::memory::{self, Memory};
use crate::web::{Cx, Response};
use maud::{Markup, html};

pub fn index(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let (person, all, kept) = cx.db.read(|db| {
        let user = users::one(db, scope, id)?;
        Ok((places::user(db, scope, id)?, of_user(db, scope, id)?, memory::newest(db, &user)?))
    })?;
    let body = html! {
        @if all.is_empty() && kept.is_none() {
            (empty("user", "Nothing is remembered", "What a user was is remembered when the account ends, or when somebody offboards them.", None))
        }
        div.stack {
            @if !all.is_empty() { (leavings(cx, &all)) }
            @if let Some((at, memory)) = &kept { (remembered(cx, *at, memory)) }
        }
    };
    Ok(places::user_page(cx, &person, UserTab::Memory, 200, html! {}, body))
}

fn leavings(cx: &Cx, all: &[Offboarding]) -> Markup {
    let now = cx.db.now();
    let columns = [
        column("Offboarding"),
        column("State"),
        column("Begins"),
        column("Ordered by").class("p2"),
        column("Seal").class("p3"),
    ];
    let rows = html! {
        @for each in all {
            tr {
                th scope="row" {
                    a href={ "/users/" (each.user_id) "/offboardings/" (each.id) } { "Offboarding " (each.id) }
                }
                td { (state_pill(each.state)) }
                td { (when(each.begins_at, &cx.actor.zone, now)) }
                td.p2 { (each.ordered_by) }
                td.p3 {
                    @match &each.seal {
                        Some(seal) if seal.intact => (pill(Tone::Ok, "Fits")),
                        Some(_) => (pill(Tone::Bad, "Does not fit")),
                        None => "–",
                    }
                }
            }
        }
    };
    card_flush("Offboardings", None, table("Offboardings", &columns, rows))
}

fn remembered(cx: &Cx, at: Instant, memory: &Memory) -> Markup {
    let names = |all: Vec<String>| html! { @for each in &all { div { (each) } } };
    let mut list = vec![("Remembered", moment(at, &cx.actor.zone))];
    if !memory.services.is_empty() {
        let all = memory.services.iter().map(|had| match had.plan_name.as_str() {
            "" => had.name.clone(),
            plan => format!("{}, {plan}", had.name),
        });
        list.push(("Services", names(all.collect())));
    }
    if !memory.roles.is_empty() {
        list.push(("Roles", names(memory.roles.iter().map(|had| had.role.clone()).collect())));
    }
    if !memory.reports.is_empty() {
        let n = i64::try_from(memory.reports.len()).unwrap_or(i64::MAX);
        list.push(("Reports", html! { (count(n, "user", "users")) }));
    }
    card("What there was", None, facts(&list))
}
