//! The pages of billing: periods, what each bill came to, its lines with their stories, its items.

use super::api::{filter, items_filter, standing};
use super::items::{self, ShownItem};
use super::periods::{self, Standing, State};
use super::story::{self, Story};
use super::summary::{Buyer, Filter, Look, Shown};
use super::{Desk, Viewer, overview};
use crate::auth::Scope;
use crate::auth::permissions::{BillingRead, BillingRun, InvoicesWrite};
use crate::error::{Error, Result};
use crate::html::Nav;
use crate::html::button::{button, cancel, link};
use crate::html::chart::{Chart, Shape, chart};
use crate::html::float::drawer;
use crate::html::form::{form_foot, hidden, post_form};
use crate::html::parts::{Head, Tone, facts, flash, page_head, pill, pill_tint, section, stats};
use crate::html::story::{Event, events};
use crate::html::table::{
    Look as TableLook, column, empty, filters, paging, search, table, table_with,
};
use crate::html::text::{change, date, money, quantity};
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
    let columns = [
        column("Period"),
        column("State"),
        column("Total").class("num"),
        column("Without a price").class("num p2"),
    ];
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
                td.num.p2 { (row.unpriced) }
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

pub fn show(cx: &Cx, scope: &Scope<BillingRead>) -> Result<Response> {
    let filter = filter(&cx.request.query)?;
    let viewer = Viewer::of(&cx.actor, scope);
    let why = cx.request.query.get("why").to_owned();
    cx.db.read(|db| {
        let standing = standing(cx, db)?;
        let look = Look::at(db, scope, &viewer, standing.period)?;
        let mut buyers = look.buyers(scope, &filter)?;
        let q = cx.request.query.get("q").to_lowercase();
        let own = viewer.sellers().next();
        if filter.seller.is_none() && filter.buyer.is_none() {
            buyers.retain(|buyer| own.is_none_or(|own| own == buyer.hop.seller_id));
        }
        buyers.retain(|buyer| q.is_empty() || buyer.name.to_lowercase().contains(&q));
        let content = match buyers.as_slice() {
            [buyer] if filter.buyer.is_some() || own.is_none() => {
                one_bill(cx, &look, buyer, &filter)?
            }
            _ => all_bills(cx, &standing, &buyers),
        };
        let body = html! {
            (head(cx, &standing))
            @if look.now.outdated {
                (flash(Tone::Wait, html! { p { "Much has changed since this was computed. Recalculate it to see all of it." } }, None))
            }
            (totals(&standing, &buyers)?)
            (content)
            @if !why.is_empty() {
                (told(cx, &standing, &story::of(db, scope, &viewer, standing.period, &why)?))
            }
        };
        let title = standing.period.ends_on.month_name();
        Ok(cx.page(Nav::Billing, &title, &[("Billing", "/billing".to_owned())], body))
    })
}

fn head(cx: &Cx, standing: &Standing) -> Markup {
    let end = standing.period.ends_on;
    let (tone, word) = state(standing);
    let at = |what: &str| format!("/billing/{end}/{what}");
    let actions = html! {
        (link("Items", &at("items")))
        @if cx.actor.may::<BillingRun>() && standing.state != State::Locked {
            (button("Recalculate").posts(&at("recalculate")))
            @if standing.state == State::Ended { (link("Lock…", &at("lock"))) }
        }
        @if cx.actor.may::<InvoicesWrite>() && standing.state != State::Open {
            (button("Make invoices").primary().posts(&at("invoices")))
        }
    };
    page_head(
        &end.month_name(),
        Head { state: Some(pill_tint(tone, word)), actions: Some(actions), ..Head::default() },
    )
}

/// This month, last month and the difference, per currency.
fn totals(standing: &Standing, buyers: &[Buyer]) -> Result<Markup> {
    let mut sums: std::collections::BTreeMap<Currency, (i64, i64)> =
        std::collections::BTreeMap::new();
    let too_large = || Error::internal("an amount is too large to count");
    for buyer in buyers {
        let sum = sums.entry(buyer.hop.currency).or_default();
        sum.0 = sum.0.checked_add(buyer.now.amount_minor).ok_or_else(too_large)?;
        sum.1 = sum.1.checked_add(buyer.last.amount_minor).ok_or_else(too_large)?;
    }
    let month = standing.period.ends_on.month_name();
    let before = periods::before(&standing.period).ends_on.month_name();
    Ok(html! {
        @for (currency, (now, last)) in sums {
            (stats(&[
                (month.as_str(), money(Money::new(now, currency)), None),
                (before.as_str(), money(Money::new(last, currency)), None),
                ("Difference", change(Money::new(now.saturating_sub(last), currency)), None),
            ]))
        }
    })
}

fn all_bills(cx: &Cx, standing: &Standing, buyers: &[Buyer]) -> Markup {
    if buyers.is_empty() && cx.request.query.get("q").is_empty() {
        let text = "Nothing that is billed was there in this month.";
        return empty("receipt", "No bills in this period", text, None);
    }
    let end = standing.period.ends_on;
    let costs = buyers.iter().any(|buyer| buyer.sees_cost);
    let mut columns = vec![
        column("Customer"),
        column("This month").class("num"),
        column("Last month").class("num p2"),
        column("Difference").class("num"),
    ];
    if costs {
        columns.extend([column("Cost").class("num p3"), column("Margin").class("num p3")]);
    }
    let rows = html! {
        @for buyer in buyers {
            @let sum = |minor: i64| Money::new(minor, buyer.hop.currency);
            tr {
                th scope="row" {
                    a href={ "/billing/" (end) "?seller_id=" (buyer.hop.seller_id) "&buyer_id=" (buyer.hop.buyer_id) } { (buyer.name) }
                    @if buyer.now.unpriced > 0 { " " (pill(Tone::Bad, "No price")) }
                }
                td.num { (money(sum(buyer.now.amount_minor))) }
                td.num.p2.muted { (money(sum(buyer.last.amount_minor))) }
                td.num { (change(sum(buyer.now.amount_minor.saturating_sub(buyer.last.amount_minor)))) }
                @if costs {
                    @let cost = buyer.now.cost_minor.filter(|_| buyer.sees_cost);
                    td.num.p3 { (known(cost, buyer.hop.currency)) }
                    td.num.p3 { (known(cost.map(|cost| buyer.now.amount_minor.saturating_sub(cost)), buyer.hop.currency)) }
                }
            }
        }
    };
    html! {
        (filters(&cx.request.path, html! { (search("Search customer", cx.request.query.get("q"))) }))
        (table("Bills", &columns, rows))
    }
}

fn known(minor: Option<i64>, currency: Currency) -> Markup {
    html! {
        @if let Some(minor) = minor { (money(Money::new(minor, currency))) }
        @else { span.muted { "not known" } }
    }
}

fn one_bill(cx: &Cx, look: &Look, buyer: &Buyer, filter: &Filter) -> Result<Markup> {
    let lines = look.lines(&buyer.hop, filter)?;
    let mut columns = vec![
        column("What"),
        column("Quantity").class("num"),
        column("Last").class("num p2"),
        column("Difference").class("num p2"),
        column("Price").class("num p2"),
        column("Amount").class("num"),
    ];
    if buyer.sees_cost {
        columns.extend([column("Cost").class("num p3"), column("Margin").class("num p3")]);
    }
    let several = lines.iter().any(|line| line.line().customer_id != buyer.hop.buyer_id);
    let rows = html! { @for line in &lines { (bill_line(cx, line, several, buyer.sees_cost)) } };
    let sum = Money::new(buyer.now.amount_minor, buyer.hop.currency);
    let foot = html! { tr { td { (lines.len()) " lines" } td {} td.p2 {} td.p2 {} td.p2 {} td.num { (money(sum)) } @if buyer.sees_cost { td.p3 {} td.p3 {} } } };
    Ok(html! {
        p.muted { (buyer.seller) " bills " a href={ "/customers/" (buyer.hop.buyer_id) "/billing" } { (buyer.name) } }
        (table_with("Lines of the bill", &columns, rows, TableLook { foot: Some(foot), ..TableLook::default() }))
    })
}

fn bill_line(cx: &Cx, shown: &Shown, several: bool, costs: bool) -> Markup {
    let line = shown.line();
    let mut query = cx.request.query.clone();
    query.set("why", &line.id);
    let href = format!("{}?{}", cx.request.path, query.to_query());
    html! {
        tr {
            th scope="row" {
                a href=(href) { (line.text) }
                @if several { small { (line.customer_code) } }
                @if line.unpriced { " " (pill(Tone::Bad, "No price")) }
                @if !line.billable { " " (pill(Tone::Off, &line.reason)) }
            }
            td.num { (quantity(&line.quantity)) }
            td.num.p2.muted { (quantity(&line.last_quantity)) }
            td.num.p2 { (quantity(&line.difference)) }
            td.num.p2 { (line.unit_price.as_deref().unwrap_or("–")) }
            td.num { (money(Money::new(line.amount_minor, line.currency))) }
            @if costs {
                @if let Shown::Sold(sold) = shown {
                    td.num.p3 { (known(sold.cost_minor, line.currency)) }
                    td.num.p3 { (known(sold.margin_minor, line.currency)) }
                } @else { td.p3 {} td.p3 {} }
            }
        }
    }
}

/// The story beside the page, at the page's own address.
fn told(cx: &Cx, standing: &Standing, story: &Story) -> Markup {
    let line = story.line.line();
    let mut query = cx.request.query.clone();
    query.remove("why");
    let back = format!("{}?{}", cx.request.path, query.to_query());
    let amount = Money::new(line.amount_minor, line.currency);
    let sub =
        format!("{} · {} · {amount}", line.customer_code, standing.period.ends_on.month_name());
    let points: Vec<(String, i64)> =
        story.days.iter().map(|day| (day.day.day().to_string(), day.thousandths)).collect();
    let each = |thousandths: i64| {
        crate::money::quantity(i128::from(thousandths), 1_000).unwrap_or_default()
    };
    let body = html! {
        @for sentence in &story.arithmetic { p { (sentence) } }
        (section("Day by day", None, chart(Chart {
            id: "days", title: "Counted", now: html! { (quantity(&line.quantity)) }, delta: None, each: "Day",
            points: &points, shape: Shape::Bars, format: &each,
        })))
        (section("What happened", None, events(&happened(story))))
        @if let Some(price) = &story.price {
            (section("The price", None, facts(&[
                ("Price", html! { (price.unit_price) " " (line.currency) }),
                ("Since", html! { @if let Some(day) = price.valid_from { (date(day)) } @else { "–" } }),
                ("SKU", html! { (price.sku) }),
            ])))
        }
    };
    drawer(&format!("Why: {}", line.text), &sub, &back, body)
}

fn happened(story: &Story) -> Vec<Event> {
    let one = |event: &story::Event| {
        let (tone, word) = match event.action.as_str() {
            "added" => (Tone::Ok, "added"),
            "removed" => (Tone::Bad, "removed"),
            _ => (Tone::Wait, "changed"),
        };
        let what = html! {
            @if let Some(user) = &event.user { (user) ": " }
            (word)
            @if let Some(plan) = &event.plan { " " (plan) }
            small {
                (event.by.as_deref().unwrap_or("Portico")) ", " (event.source)
                @if let Some(request) = event.request_id {
                    " · " a href={ "/requests/" (request) } { "request " (request) }
                }
            }
        };
        Event::At(tone, date(event.day), what)
    };
    story.events.iter().map(one).collect()
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
