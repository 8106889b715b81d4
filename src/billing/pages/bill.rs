//! One bill: its lines, and beside the page why one of them is there.

use super::known;
use crate::billing::names;
use crate::billing::periods::Standing;
use crate::billing::story::{self, Story};
use crate::billing::summary::{Buyer, Filter, Look, Shown};
use crate::error::Result;
use crate::html::chart::{Chart, Shape, chart};
use crate::html::float::drawer;
use crate::html::form::hidden;
use crate::html::parts::{Tone, facts, pill, section, tag};
use crate::html::story::{Event, events};
use crate::html::table::{Look as TableLook, column, filters, select, table_with};
use crate::html::text::{count, date, money, quantity};
use crate::ids::CustomerId;
use crate::money::Money;
use crate::web::Cx;
use maud::{Markup, html};
use std::collections::BTreeMap;

pub(super) fn one_bill(cx: &Cx, look: &Look, buyer: &Buyer, filter: &Filter) -> Result<Markup> {
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
    let foot = html! { tr { td { (count(i64::try_from(lines.len()).unwrap_or(0), "line", "lines")) } td {} td.p2 {} td.p2 {} td.p2 {} td.num { (money(sum)) } @if buyer.sees_cost { td.p3 {} td.p3 {} } } };
    Ok(html! {
        p.muted {
            (buyer.seller) " bills " a href={ "/customers/" (buyer.hop.buyer_id) "/billing" } { (buyer.name) } ". "
            a href=(cx.request.path) { "All bills of this month" }
        }
        (bill_filters(cx, look, buyer, filter)?)
        (table_with("Lines of the bill", &columns, rows, TableLook { foot: Some(foot), ..TableLook::default() }))
    })
}

/// Narrows one bill to a service, or to one of the customers that are on it together.
fn bill_filters(cx: &Cx, look: &Look, buyer: &Buyer, filter: &Filter) -> Result<Markup> {
    let whole = Filter { seller: filter.seller, buyer: filter.buyer, ..Filter::default() };
    let (mut services, mut customers) = (BTreeMap::new(), BTreeMap::new());
    for line in &look.lines(&buyer.hop, &whole)? {
        let line = line.line();
        if let Some(code) = &line.service {
            let name = line.text.split_once(", ").map_or(line.text.as_str(), |(name, _)| name);
            services.entry(code.clone()).or_insert_with(|| name.to_owned());
        }
        customers.insert(line.customer_id, line.customer_code.clone());
    }
    let ids: Vec<CustomerId> = customers.keys().copied().collect();
    let names = names(look.now.db, &ids)?;
    let mut whose = vec![(String::new(), "Every customer".to_owned())];
    whose.extend(names.iter().map(|(id, name)| (id.to_string(), name.clone())));
    let mut what = vec![(String::new(), "Every service".to_owned())];
    what.extend(services);
    let query = &cx.request.query;
    Ok(html! {
        @if what.len() > 2 || whose.len() > 2 {
            (filters(&cx.request.path, html! {
                (hidden("seller_id", buyer.hop.seller_id.0)) (hidden("buyer_id", buyer.hop.buyer_id.0))
                @if whose.len() > 2 { (select("customer_id", "Customer", &whose, query.get("customer_id"))) }
                @if what.len() > 2 { (select("service", "Service", &what, query.get("service"))) }
            }))
        }
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
            td.num.p2 {
                @if let Some(price) = &line.unit_price { (line.currency.symbol().unwrap_or_default()) (price) }
                @else { "–" }
            }
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
pub(super) fn told(cx: &Cx, standing: &Standing, story: &Story) -> Markup {
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
            @if let Some(plan) = &event.plan { " " (tag(plan)) }
            small {
                (event.by.as_deref().unwrap_or("Portico"))
                @if let Some(request) = event.request_id {
                    " · " a href={ "/requests/" (request) } { "request " (request) }
                }
            }
        };
        Event::At(tone, date(event.day), what)
    };
    story.events.iter().map(one).collect()
}
