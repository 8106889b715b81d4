//! The pages of billing: the periods, one with its bills, a bill with its lines and their stories,
//! the items.

mod bill;
pub mod period;

use super::api::{items_filter, standing};
use super::items::{self, ShownItem};
use super::periods::{self, Standing, State};
use super::{Desk, Viewer, overview};
use crate::auth::Scope;
use crate::auth::permissions::{BillingRead, BillingRun};
use crate::error::{Error, Result};
use crate::html::Nav;
use crate::html::button::{button, cancel, link};
use crate::html::chart::{Chart, Shape, chart};
use crate::html::form::{form_foot, hidden, post_form};
use crate::html::parts::{Head, Tone, page_head, pill};
use crate::html::table::{column, empty, filters, paging, search, table};
use crate::html::text::{count, money, quantity};
use crate::money::{Currency, Money};
use crate::web::{Cx, Response};
use maud::{Markup, html};

fn state(standing: &Standing) -> (Tone, &'static str) {
    match standing.state {
        State::Open => (Tone::Busy, "Running"),
        State::Ended => (Tone::Wait, "Ended"),
        State::Locked => (Tone::Ok, "Locked"),
    }
}

pub fn index(cx: &Cx, scope: &Scope<BillingRead>) -> Result<Response> {
    let viewer = Viewer::of(&cx.actor, scope);
    let rows = cx.db.read(|db| overview(db, scope, &viewer))?;
    let sells = viewer.sellers().next().is_some();
    let mut columns = vec![column("Period"), column("State"), column("Total").class("num")];
    if sells {
        columns.push(column("Blockers").class("p2"));
    }
    let list = html! {
        @for row in rows.iter().rev() {
            @let (tone, word) = state(&row.standing);
            tr {
                th scope="row" {
                    a href={ "/billing/" (row.standing.period.ends_on) } {
                        (row.standing.period.ends_on.month_name())
                    }
                }
                td { (pill(tone, word)) }
                td.num {
                    @for (place, sum) in row.totals.iter().enumerate() {
                        @if place > 0 { br; } (money(*sum))
                    }
                    @if row.totals.is_empty() { "–" }
                }
                @if sells { td.p2 { (blockers(row)) } }
            }
        }
    };
    let body = html! {
        (page_head("Billing", Head { lede: "Each month, from the ledger. A line says where it comes from.", ..Head::default() }))
        (revenue(&rows))
        (table("Billing periods", &columns, list))
    };
    Ok(cx.page(Nav::Billing, "Billing", &[], body))
}

/// What keeps the invoices of a period from becoming final, and where to see it.
fn blockers(row: &super::PeriodTotal) -> Markup {
    let end = row.standing.period.ends_on;
    html! {
        @if row.unpriced > 0 {
            a href={ "/billing/" (end) "?show=unpriced" } {
                (count(row.unpriced, "line has no price", "lines have no price"))
            }
        }
        @if row.unpriced > 0 && row.blocked > 0 { br; }
        @if row.blocked > 0 {
            a href={ "/invoices?state=draft&period_end=" (end) } {
                (count(i64::try_from(row.blocked).unwrap_or(i64::MAX), "draft is blocked", "drafts are blocked"))
            }
        }
        @if row.unpriced == 0 && row.blocked == 0 { "–" }
    }
}

/// The last twelve months in the currency of the newest.
fn revenue(rows: &[super::PeriodTotal]) -> Markup {
    let currency: Option<Currency> =
        rows.iter().rev().find_map(|row| row.totals.first()).map(|sum| sum.currency);
    let Some(currency) = currency else { return html! {} };
    let of = |row: &super::PeriodTotal| {
        row.totals.iter().find(|sum| sum.currency == currency).map_or(0, |sum| sum.minor)
    };
    let points: Vec<(String, i64)> =
        rows.iter().map(|row| (row.standing.period.ends_on.month_short(), of(row))).collect();
    let now = Money::new(points.last().map_or(0, |(_, minor)| *minor), currency);
    chart(Chart {
        id: "revenue",
        title: "Billed",
        now: money(now),
        delta: None,
        each: "Month",
        points: &points,
        shape: Shape::Bars,
        format: &|minor| Money::new(minor, currency).to_string(),
    })
}
fn known(minor: Option<i64>, currency: Currency) -> Markup {
    html! {
        @if let Some(minor) = minor { (money(Money::new(minor, currency))) }
        @else { span.muted { "not known" } }
    }
}
pub fn items(cx: &Cx, scope: &Scope<BillingRead>) -> Result<Response> {
    let (filter, part) = (items_filter(&cx.request.query)?, cx.paging(super::api::ITEMS)?);
    let viewer = Viewer::of(&cx.actor, scope);
    cx.db.read(|db| {
        let standing = standing(cx, db)?;
        let desk = Desk::open_unread(db, standing.period)?;
        let (mut found, fetch) = (Vec::new(), part.fetch());
        items::each(&desk, scope, &viewer, &filter, part.value(), &mut |key, item| {
            found.push((key, item));
            Ok(i64::try_from(found.len()).is_ok_and(|found| found < fetch))
        })?;
        let list = part.listing(found, |(key, _)| (key.clone(), 0));
        let end = standing.period.ends_on;
        let csv = format!("/billing/{end}/items.csv?{}", cx.request.query.to_query());
        let download = html! { (link("Download CSV", &csv).icon("download").download()) };
        let body = html! {
            (page_head(&format!("Items of {}", end.month_name()), Head { actions: Some(download), ..Head::default() }))
            (filters(&cx.request.path, html! { (search("Search items", &filter.q)) }))
            (item_table(&list.items))
            (paging("", None, cx.next_href(list.next.as_ref()).as_deref()))
        };
        let trail = [("Billing", "/billing".to_owned()), ("Period", format!("/billing/{end}"))];
        Ok(cx.page(Nav::Billing, "Items", &trail, body))
    })
}

fn item_table(list: &[(String, ShownItem)]) -> Markup {
    if list.is_empty() {
        return empty("receipt", "No items", "Nothing in this period fits these filters.", None);
    }
    let columns = [
        column("Item"),
        column("Customer").class("p2"),
        column("Days").class("num p2"),
        column("Quantity").class("num"),
        column("Amount").class("num"),
        column("What happened").class("p2"),
    ];
    let rows = html! {
        @for (_, shown) in list {
            @let item = shown.item();
            tr {
                th scope="row" {
                    (item.line_text)
                    @if item.unpriced { " " (pill(Tone::Bad, "No price")) }
                    @if !item.billable { " " (pill(Tone::Off, &item.reason)) }
                }
                td.p2 { (item.customer_code) }
                td.num.p2 { (item.days) }
                td.num { (quantity(&item.quantity)) }
                td.num { (money(Money::new(item.amount_minor, item.currency))) }
                td.p2 { (crate::places::capital(item.action.word())) }
            }
        }
    };
    table("Items", &columns, rows)
}

pub fn recalculate(cx: &Cx, scope: &Scope<BillingRun>) -> Result<Response> {
    let standing = cx.db.read(|db| standing(cx, db))?;
    let done = super::recalculate(cx.db, scope, &standing.period)?;
    let text =
        format!("Computed {} customers anew, {} have another bill.", done.customers, done.changed);
    Ok(cx.done(format!("/billing/{}", standing.period.ends_on), &text))
}

pub fn ask_lock(cx: &Cx, _: &Scope<BillingRun>) -> Result<Response> {
    let standing = cx.db.read(|db| standing(cx, db))?;
    let (end, back) = (standing.period.ends_on, format!("/billing/{}", standing.period.ends_on));
    let body = html! {
        (page_head(&format!("Lock {}?", end.month_name()), Head::default()))
        p { "Every bill of this period is fixed as it is now. This cannot be taken back; what turns out to be wrong is put right in later periods." }
        (post_form(&cx.csrf, &format!("{back}/lock"), html! {
            (hidden("sure", "1"))
            (form_foot(html! { (button("Lock period").danger()) (cancel(&back)) }))
        }))
    };
    Ok(cx.page(Nav::Billing, "Lock", &[("Billing", "/billing".to_owned())], body))
}

pub fn lock(cx: &Cx, scope: &Scope<BillingRun>) -> Result<Response> {
    let end: String = cx.param("end")?;
    match periods::lock(cx.db, scope, &end) {
        Ok(()) => Ok(cx.done(format!("/billing/{end}"), "Locked.")),
        Err(Error::Invalid(complaints)) => {
            let text = complaints.first().map_or("", |complaint| complaint.message.as_str());
            Ok(cx.tell(format!("/billing/{end}"), Tone::Bad, text))
        }
        Err(other) => Err(other),
    }
}
