//! All of a move, before it is done.

use super::carried;
use crate::auth::Scope;
use crate::auth::permissions::UsersMove;
use crate::error::Result;
use crate::html::button::{button, cancel, primary};
use crate::html::form::{hidden, post_form};
use crate::html::parts::{card, card_flush, facts};
use crate::html::story::{Change, Sign, diff};
use crate::html::table::{column, table};
use crate::html::text::{change, count, money};
use crate::ids::{CustomerId, UserId};
use crate::input::Input;
use crate::money::Money;
use crate::moves::Outlook;
use crate::places::{self, UserTab};
use crate::users::{self, form::LABELS};
use crate::web::{Cx, Response};
use maud::{Markup, html};

pub fn page(
    cx: &Cx,
    scope: &Scope<UsersMove>,
    to: CustomerId,
    input: &Input,
    outlook: &Outlook,
) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let (person, version, there) = cx.db.read(|db| {
        let there = places::customer(db, scope, to)?;
        Ok((places::user(db, scope, id)?, users::one(db, scope, id)?.version, there.name))
    })?;
    let kept = html! { (hidden("version", version)) (carried(input, &[])) };
    let at = format!("/users/{id}/move");
    let decide = html! {
        div.stack {
            p { "Every sign-in ends, and tokens are revoked. Billing goes on at " (there) " from this moment. If a step outside fails, the whole move is taken back." }
            div.row {
                (post_form(&cx.csrf, &at, html! { (kept) (hidden("sure", "1")) (primary("Move")) }))
                (post_form(&cx.csrf, &at, html! { (kept) (button("Back").named("back", "belongings")) }))
                (cancel(&format!("/users/{id}")))
            }
        }
    };
    let count = Some(html! { span.muted { "Step 5 of 5" } });
    let outcome = &outlook.outcome;
    let mut list = vec![("From", html! { (person.customer.name) }), ("To", html! { (there) })];
    for (label, all) in [
        ("Moves along", &outcome.carried),
        ("Made anew", &outcome.anew),
        ("Ends", &outcome.ended),
        ("Roles there", &outcome.roles),
        ("Dropped", &outcome.dropped),
    ] {
        if !all.is_empty() {
            list.push((label, html! { @for each in all { div { (each) } } }));
        }
    }
    let body = html! {
        (card(&format!("Move {} to {there}?", person.name), count, html! {
            div.stack { (facts(&list)) (decide) }
        }))
        @if !outlook.changes.is_empty() { (card_flush("Changes", None, changes(outlook))) }
        @if !outlook.steps.is_empty() { (card_flush("Work", None, work(outlook))) }
        @if !outlook.seats.is_empty() { (card_flush("Seats", None, seats(outlook))) }
        @if !outlook.monthly.is_empty() { (card_flush("Cost of a whole month", None, costs(outlook))) }
    };
    Ok(places::user_page(cx, &person, UserTab::Profile, 200, html! {}, body))
}

/// Each field with its old and its new value.
fn changes(outlook: &Outlook) -> Markup {
    let lines: Vec<Change> = outlook
        .changes
        .iter()
        // The manager is named above, among what is dropped.
        .filter_map(|(name, both)| {
            let (_, label) =
                LABELS.iter().find(|(field, _)| field == name && *field != "manager")?;
            let value = |at: usize| both.get(at).and_then(|v| v.as_str()).unwrap_or_default();
            let (old, new) = (value(0), value(1));
            let (sign, text) = match (old, new) {
                ("", new) => (Sign::Add, html! { (label) ": " ins { (new) } }),
                (old, "") => (Sign::Remove, html! { (label) ": " del { (old) } }),
                (old, new) => {
                    (Sign::Change, html! { (label) ": " del { (old) } " → " ins { (new) } })
                }
            };
            Some(Change { sign, text, end: None, note: None })
        })
        .collect();
    diff(&lines)
}

fn work(outlook: &Outlook) -> Markup {
    let rows = html! {
        @for each in &outlook.steps {
            tr {
                th scope="row" { (each.title) }
                td { @if each.steps == 0 { "Nothing outside" } @else { (count(each.steps, "step outside", "steps outside")) } }
            }
        }
    };
    table("Work", &[column("What"), column("Outside")], rows)
}

fn seats(outlook: &Outlook) -> Markup {
    let rows = html! {
        @for each in &outlook.seats {
            tr {
                th scope="row" { (each.service) }
                td { (each.customer) }
                td.num { (each.before) " → " (each.after) @if let Some(max) = each.max { " of " (max) } }
            }
        }
    };
    table("Seats", &[column("Service"), column("Customer"), column("Seats").class("num")], rows)
}

fn costs(outlook: &Outlook) -> Markup {
    let rows = html! {
        @for each in &outlook.monthly {
            @let of = |minor: i64| Money { minor, currency: each.currency };
            tr {
                th scope="row" { (each.customer) }
                td.num { (money(of(each.before_minor))) }
                td.num { (money(of(each.after_minor))) }
                td.num { (change(of(each.after_minor.saturating_sub(each.before_minor)))) }
            }
        }
    };
    let columns = [
        column("Customer"),
        column("Before").class("num"),
        column("After").class("num"),
        column("Difference").class("num"),
    ];
    table("Cost of a whole month", &columns, rows)
}
