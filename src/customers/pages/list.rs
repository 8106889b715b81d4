//! All customers in scope.

use crate::auth::Scope;
use crate::auth::permissions::{
    CustomersCreate, CustomersRead, CustomersUpdate, RequestsRead, ServicesRead, UsersCreate,
};
use crate::customers::finding::{self, More, Sort};
use crate::customers::{Brief, Filter, Type, api, list, store};
use crate::error::Result;
use crate::html::Nav;
use crate::html::button::{Item, link, menu};
use crate::html::parts::{Head, Tone, page_head, pill, tag};
use crate::html::table::{self, acts, column, table};
use crate::html::text;
use crate::ids::CustomerId;
use crate::places::{State, capital};
use crate::settings;
use crate::views::{self, List};
use crate::web::{Cx, Listing, Response};
use maud::{Markup, html};

pub fn index(cx: &Cx, scope: &Scope<CustomersRead>) -> Result<Response> {
    let (filter, paging) = (api::filter(cx)?, cx.paging(crate::customers::FILTERS)?);
    let (found, all, views, resellers, ranks) = cx.db.read(|db| {
        let found = list(db, scope, &filter, &paging)?;
        let all = match paging.is_first() && found.next.is_some() {
            true => finding::count(db, scope, &filter)?,
            false => None,
        };
        let views = views::of(db, &cx.actor, List::Customers)?;
        Ok((found, all, views, store::resellers(db, scope)?, settings::ranks(db)?))
    })?;
    let may_add = cx.actor.may::<CustomersCreate>();
    let add = link("New customer", "/customers/new").primary().icon("plus");
    let tree = link("Tree", "/customers/tree");
    let export = link("Export", &as_shown(cx, "/customers/export")).download().icon("download");
    let actions = html! { (tree) (export) @if may_add { (add) } };
    let head = Head { actions: Some(actions), ..Head::default() };
    let body = html! {
        (page_head("Customers", head))
        (filters(cx, &filter, &resellers, &ranks))
        (views::shown::bar(List::Customers, &views, "/customers", &cx.request.query))
        (states(cx, &filter))
        @if let (true, Some(next)) = (found.items.is_empty(), cx.next_href(found.next.as_ref())) {
            (none_so_far(&next))
        } @else if found.items.is_empty() { (nothing(&filter, may_add)) }
        @else {
            (rows(cx, &found.items))
            (foot(cx, &found, paging.is_first(), all))
        }
    };
    Ok(cx.page(Nav::Customers, "Customers", &[], body))
}

fn filters(
    cx: &Cx,
    filter: &Filter,
    resellers: &[(CustomerId, String)],
    ranks: &[String],
) -> Markup {
    let mut below = vec![(String::new(), "Everyone".to_owned())];
    below.extend(resellers.iter().map(|(id, name)| (id.to_string(), format!("Below {name}"))));
    let mut kinds = vec![("", "Any type".to_owned())];
    kinds.extend(Type::ALL.iter().map(|kind| (kind.word(), capital(kind.word()))));
    let now = filter.reseller.map(|id| id.to_string()).unwrap_or_default();
    let sorts = [
        ("", "By name"),
        ("code", "By code"),
        ("created", "Newest first"),
        ("users", "Most users first"),
    ];
    let more = More { sort: None, ..filter.more.clone() };
    let body = html! {
        (table::search("Search name, code or domain", &filter.q))
        @if resellers.len() > 1 { (table::select("reseller", "Below", &below, &now)) }
        (table::select("type", "Type", &kinds, filter.kind.map_or("", Type::word)))
        (table::select("sort", "Order", &sorts, filter.more.sort.map_or("", Sort::word)))
        @if let Some(state) = filter.state { (crate::html::form::hidden("state", state.word())) }
    };
    let open = more != More::default();
    table::filters_and_more("/customers", body, open, more_filters(cx, &filter.more, ranks))
}

/// The same filters at another address.
fn as_shown(cx: &Cx, action: &str) -> String {
    match views::filters(&cx.request.query).as_str() {
        "" => action.to_owned(),
        query => format!("{action}?{query}"),
    }
}

/// Keeps what the list is narrowed by.
pub fn all_views(cx: &Cx, _: &Scope<CustomersRead>) -> Result<Response> {
    views::shown::index(cx, List::Customers)
}

pub fn save_view(cx: &Cx, _: &Scope<CustomersRead>) -> Result<Response> {
    views::shown::create(cx, List::Customers, &|query| finding::read(query, &cx.actor).map(|_| ()))
}

pub fn delete_view(cx: &Cx, _: &Scope<CustomersRead>) -> Result<Response> {
    views::shown::destroy(cx, List::Customers)
}

/// What few lists are narrowed by.
fn more_filters(cx: &Cx, more: &More, ranks: &[String]) -> Markup {
    let yes = |on: bool| if on { "yes" } else { "" };
    let within = more.expires_within.map(|days| days.to_string()).unwrap_or_default();
    let last = [
        ("", "Any end"),
        ("7", "Ends in 7 days"),
        ("30", "Ends in 30 days"),
        ("90", "Ends in 90 days"),
    ];
    let mut all = vec![("", "Any rank")];
    all.extend(ranks.iter().map(|rank| (rank.as_str(), rank.as_str())));
    html! {
        (table::select("direct", "How far below", &[("", "However far below"), ("yes", "Directly below")], yes(more.direct)))
        (table::select("unverified", "Domains", &[("", "Any domains"), ("yes", "With a domain to confirm")], yes(more.unverified)))
        @if cx.actor.may::<RequestsRead>() {
            (table::select("failed", "Requests", &[("", "Any requests"), ("yes", "With a failed request")], yes(more.failed)))
        }
        (table::select("over_limit", "User limit", &[("", "Any number of users"), ("yes", "Over the limit")], yes(more.over_limit)))
        (table::select("expires_within", "End", &last, &within))
        @if all.len() > 1 { (table::select("rank", "Rank", &all, &more.rank)) }
        (table::word("tag", "Tag", "text", &more.tag))
        @if cx.actor.may::<ServicesRead>() {
            (table::word("service", "Service, by code", "text", &more.service))
            (table::word("plan", "Plan, by code", "text", &more.plan))
        }
    }
}

fn states(cx: &Cx, filter: &Filter) -> Markup {
    let href = |state: &str| {
        let mut query = cx.request.query.clone();
        query.remove("after");
        query.set("state", state);
        match query.to_query().as_str() {
            "" => "/customers".to_owned(),
            query => format!("/customers?{query}"),
        }
    };
    let all = [
        ("All", href(""), None),
        ("Active", href("active"), None),
        ("Disabled", href("disabled"), None),
        ("Deprovisioned", href("deprovisioned"), None),
        ("Deleted", href("deleted"), None),
    ];
    let now = filter.state.map_or("All".to_owned(), |state| capital(state.word()));
    table::chips("Customers by state", &all, &now)
}

fn none_so_far(next: &str) -> Markup {
    let text = "None among the first thousands. The rest were not looked at yet.";
    let on = link("Look further", next).primary();
    table::empty("search", "None so far", text, Some(html! { (on) }))
}

fn nothing(filter: &Filter, may_add: bool) -> Markup {
    if !filter.is_empty() {
        let all = link("Show all customers", "/customers");
        return table::empty(
            "search",
            "No customer matches",
            "Look for a part of the name, the code or the domain.",
            Some(html! { (all) }),
        );
    }
    let add = link("New customer", "/customers/new").primary();
    table::empty(
        "building",
        "No customers yet",
        "A customer holds its users, its services and its bill.",
        may_add.then(|| html! { (add) }),
    )
}

fn rows(cx: &Cx, customers: &[Brief]) -> Markup {
    let columns = [
        column("Name"),
        column("Code").class("p2"),
        column("Kind").class("p3"),
        column("Users").class("num p2"),
        column("State"),
        acts(),
    ];
    let body = html! { @for customer in customers { (row(cx, customer)) } };
    table("Customers", &columns, body)
}

fn row(cx: &Cx, customer: &Brief) -> Markup {
    let id = customer.id;
    let below = match customer.parent {
        Some(parent) if parent.0 != 1 => customer.parent_name.as_str(),
        _ => "",
    };
    let mut items = Vec::new();
    if cx.actor.may::<UsersCreate>() && customer.state == State::Active {
        items.push(Item::link("New user", format!("/customers/{id}/users/new")));
    }
    items.push(Item::link("Users", format!("/customers/{id}/users")));
    items.push(Item::link("Domains", format!("/customers/{id}/domains")));
    if cx.actor.may::<CustomersUpdate>() {
        items.push(Item::link("Settings", format!("/customers/{id}/edit")));
    }
    html! {
        tr {
            th scope="row" {
                a href={ "/customers/" (id) } { (customer.name) }
                @match (customer.domain.as_str(), below) {
                    ("", "") => {},
                    (domain, "") => small { (domain) },
                    ("", below) => small { (below) },
                    (domain, below) => small { (domain) " · " (below) },
                }
            }
            td.p2.muted { (customer.code) }
            td.p3 { (kind(customer)) }
            td.num.p2 { (text::grouped(customer.users)) }
            td { (state(customer.state)) }
            td.acts { (menu(&format!("customer-{id}"), &format!("Actions for {}", customer.name), &items)) }
        }
    }
}

fn kind(customer: &Brief) -> Markup {
    let word = match (customer.parent, customer.reseller) {
        (None, _) => "Provider",
        (_, true) => "Reseller",
        _ => "Customer",
    };
    html! {
        (word)
        @if customer.kind != Type::Standard { " " (tag(customer.kind.word())) }
    }
}

/// A state in a list.
pub fn state(state: State) -> Markup {
    match state {
        State::Active => pill(Tone::Ok, "Active"),
        other => pill(Tone::Off, &capital(other.word())),
    }
}

fn foot(cx: &Cx, found: &Listing<Brief>, first: bool, all: Option<i64>) -> Markup {
    let shown = i64::try_from(found.items.len()).unwrap_or(0);
    let next = cx.next_href(found.next.as_ref());
    let start = (!first).then(|| cx.first_href());
    let text = match first && next.is_some() {
        true => text::first_of(shown, all, "customer", "customers"),
        false => text::count(shown, "customer", "customers"),
    };
    table::paging(&text, start.as_deref(), next.as_deref())
}
