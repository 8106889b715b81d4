//! A period: what each bill came to, this month beside the last.

use super::bill::{one_bill, told};
use super::{known, state};
use crate::auth::Scope;
use crate::auth::permissions::{BillingRead, BillingRun, InvoicesWrite};
use crate::billing::api::{filter, standing};
use crate::billing::periods::{self, Standing, State};
use crate::billing::summary::{Buyer, Filter, Look};
use crate::billing::{Viewer, story};
use crate::error::{Error, Result};
use crate::html::Nav;
use crate::html::button::{button, link};
use crate::html::form::hidden;
use crate::html::parts::{Head, Tone, flash, page_head, pill, pill_tint, stats};
use crate::html::table::{chips, column, empty, filters, search, select, table};
use crate::html::text::{change, money};
use crate::ids::CustomerId;
use crate::money::{Currency, Money};
use crate::time::Date;
use crate::web::{Cx, Response};
use maud::{Markup, html};
use std::collections::BTreeMap;

pub fn show(cx: &Cx, scope: &Scope<BillingRead>) -> Result<Response> {
    let filter = filter(&cx.request.query)?;
    let viewer = Viewer::of(&cx.actor, scope);
    let why = cx.request.query.get("why").to_owned();
    cx.db.read(|db| {
        let standing = standing(cx, db)?;
        let look = Look::at(db, scope, &viewer, standing.period)?;
        let mut buyers = look.buyers(scope, &filter)?;
        let own = viewer.sellers().next();
        let one = filter.buyer.is_some() || own.is_none();
        if filter.seller.is_none() && filter.buyer.is_none() {
            buyers.retain(|buyer| own.is_none_or(|own| own == buyer.hop.seller_id));
        }
        let q = cx.request.query.get("q").to_lowercase();
        buyers.retain(|buyer| q.is_empty() || buyer.name.to_lowercase().contains(&q));
        let content = match buyers.as_slice() {
            [buyer] if one => one_bill(cx, &look, buyer, &filter)?,
            _ => {
                let sellers = match own {
                    Some(own) => sellers(&look.buyers(scope, &Filter::default())?, own),
                    None => Vec::new(),
                };
                let (bar, shown) = narrowed(cx, &standing, buyers, &sellers);
                buyers = shown;
                html! { (bar) (all_bills(cx, &standing, &buyers)) }
            }
        };
        let body = html! {
            (head(cx, &standing, beside(&periods::all(db)?, &standing)))
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

/// The ends of the periods before and after this one.
fn beside(all: &[Standing], standing: &Standing) -> (Option<Date>, Option<Date>) {
    let end = |each: &Standing| each.period.ends_on;
    let before = all.iter().map(end).filter(|day| *day < end(standing)).max();
    let after = all.iter().map(end).filter(|day| *day > end(standing)).min();
    (before, after)
}

fn head(cx: &Cx, standing: &Standing, beside: (Option<Date>, Option<Date>)) -> Markup {
    let end = standing.period.ends_on;
    let (tone, word) = state(standing);
    let at = |what: &str| format!("/billing/{end}/{what}");
    let actions = html! {
        @if let Some(day) = beside.0 {
            (link(&day.month_name(), &format!("/billing/{day}")).icon("chevron-left"))
        }
        @if let Some(day) = beside.1 { (link(&day.month_name(), &format!("/billing/{day}"))) }
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
    let mut sums: BTreeMap<Currency, (i64, i64)> = BTreeMap::new();
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

/// Who else sells what is seen, besides oneself, which is what one sees first.
fn sellers(all: &[Buyer], own: CustomerId) -> Vec<(String, String)> {
    let others: BTreeMap<CustomerId, &str> = all
        .iter()
        .filter(|buyer| buyer.hop.seller_id != own)
        .map(|buyer| (buyer.hop.seller_id, buyer.seller.as_str()))
        .collect();
    let mut list = vec![(String::new(), "Our own bills".to_owned())];
    list.extend(others.iter().map(|(id, name)| (id.to_string(), format!("Bills of {name}"))));
    list
}

/// The filters above the bills, and the bills that they let through.
fn narrowed(
    cx: &Cx,
    standing: &Standing,
    buyers: Vec<Buyer>,
    sellers: &[(String, String)],
) -> (Markup, Vec<Buyer>) {
    let query = &cx.request.query;
    let fits = |buyer: &Buyer, show: &str| match show {
        "changed" => buyer.now.amount_minor != buyer.last.amount_minor,
        "unpriced" => buyer.now.unpriced > 0,
        _ => true,
    };
    let shows =
        [("", "All bills"), ("changed", "With a difference"), ("unpriced", "Without a price")];
    let now = query.get("show");
    let chip = |(show, text): (&str, &'static str)| {
        let mut query = query.clone();
        query.set("show", show);
        let number = buyers.iter().filter(|buyer| fits(buyer, show)).count();
        let href = format!("{}?{}", cx.request.path, query.to_query());
        (text, href, i64::try_from(number).ok())
    };
    let list: Vec<(&str, String, Option<i64>)> = shows.into_iter().map(chip).collect();
    let open = shows.iter().find(|(show, _)| *show == now).map_or("", |(_, text)| *text);
    let bar = html! {
        (filters(&cx.request.path, html! {
            (search("Search customer", query.get("q")))
            @if sellers.len() > 1 { (select("seller_id", "Whose bills", sellers, query.get("seller_id"))) }
            @if !now.is_empty() { (hidden("show", now)) }
        }))
        (chips(&format!("Bills of {}", standing.period.ends_on.month_name()), &list, open))
    };
    let shown = buyers.into_iter().filter(|buyer| fits(buyer, now)).collect();
    (bar, shown)
}

fn all_bills(cx: &Cx, standing: &Standing, buyers: &[Buyer]) -> Markup {
    if buyers.is_empty() {
        let query = &cx.request.query;
        let filtered = ["q", "show", "seller_id"].iter().any(|name| !query.get(name).is_empty());
        return match filtered {
            true => {
                empty("receipt", "No bill fits", "Nothing in this period fits these filters.", None)
            }
            false => {
                let text = "Nothing that is billed was there in this month.";
                empty("receipt", "No bills in this period", text, None)
            }
        };
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
    table("Bills", &columns, rows)
}
