//! All users in scope, and those of one customer.

use crate::auth::Scope;
use crate::auth::permissions::{
    RolesGrant, RolesRead, ServicesRead, UserServicesWrite, UsersCreate, UsersDisable, UsersExport,
    UsersImport, UsersPassword, UsersRead, UsersTemplates, UsersUpdate,
};
use crate::error::Result;
use crate::html::Nav;
use crate::html::button::{Item, link, menu};
use crate::html::form::hidden;
use crate::html::parts::{Head, Tone, page_head, pill};
use crate::html::table::{self, Look, Picked, acts, bulk, column, pick, table_with};
use crate::html::text;
use crate::ids::CustomerId;
use crate::places::{self, State, Tab, capital};
use crate::users::finding::{self, More};
use crate::users::{Badge, Brief, FILTERS, Filter, api, list, reaches, store};
use crate::views::{self, List, View};
use crate::web::{Cx, Listing, PICKED, Response};
use maud::{Markup, html};

pub fn index(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let filter = api::filter(cx)?;
    let paging = cx.paging(crate::users::FILTERS)?;
    let (found, all, views, chosen) = cx.db.read(|db| {
        let found = list(db, scope, &filter, &paging)?;
        let all = match paging.is_first() && found.next.is_some() {
            true => finding::counting::count(db, scope, &filter)?,
            false => None,
        };
        let views = views::of(db, &cx.actor, List::Users)?;
        let chosen = match filter.customer {
            Some(id) => Some(places::customer(db, scope, id)?.name),
            None => None,
        };
        Ok((found, all, views, chosen))
    })?;
    let shown = Shown { found, all, views, first: paging.is_first() };
    let export = link("Export", &as_shown(cx, "/users/export")).download().icon("download");
    let actions = html! { @if cx.actor.may::<UsersExport>() { (export) } };
    let lede = chosen.map(|name| format!("Of {name}.")).unwrap_or_default();
    let body = html! {
        (page_head("Users", Head { lede: &lede, actions: Some(actions), ..Head::default() }))
        (filters(cx, "/users", &filter, &[]))
        (views::shown::bar(List::Users, &shown.views, "/users", &cx.request.query))
        (states(cx, "/users", &filter))
        (content(cx, &shown, &filter, None))
    };
    Ok(cx.page(Nav::Users, "Users", &[], body))
}

pub fn index_of(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let filter = Filter { customer: Some(id), ..api::filter(cx)? };
    let paging = cx.paging(crate::users::FILTERS)?;
    let (shown, place, departments, may_add, may_import, may_export, may_shape) =
        cx.db.read(|db| {
            let found = list(db, scope, &filter, &paging)?;
            let all = match paging.is_first() && found.next.is_some() {
                true => finding::counting::count(db, scope, &filter)?,
                false => None,
            };
            let mut views = views::of(db, &cx.actor, List::Users)?;
            // Those that name a customer are of the list of all users.
            views.retain(|view| !view.query.split('&').any(|each| each.starts_with("customer=")));
            Ok((
                Shown { found, all, views, first: paging.is_first() },
                places::customer(db, scope, id)?,
                store::departments(db, scope, id)?,
                reaches::<UsersCreate>(db, &cx.actor, id),
                reaches::<UsersImport>(db, &cx.actor, id),
                reaches::<UsersExport>(db, &cx.actor, id),
                reaches::<UsersTemplates>(db, &cx.actor, id),
            ))
        })?;
    let here = format!("/customers/{id}/users");
    let may_add = may_add && place.state == State::Active;
    let actions = html! {
        @if may_shape { (link("Templates", &format!("/customers/{id}/templates"))) }
        @if may_export {
            (link("Export", &as_shown(cx, &format!("{here}/export"))).download().icon("download"))
        }
        @if may_import {
            (link("Import", &format!("{here}/import")).icon("upload"))
        }
        @if may_add {
            (link("New user", &format!("{here}/new")).primary().icon("user-plus"))
        }
    };
    let body = html! {
        (filters(cx, &here, &filter, &departments))
        (views::shown::bar(List::Users, &shown.views, &here, &cx.request.query))
        (states(cx, &here, &filter))
        (content(cx, &shown, &filter, Some(id)))
    };
    Ok(places::customer_page(cx, &place, Tab::Users, 200, actions, body))
}

/// A page of the list, and what stands around it.
struct Shown {
    found: Listing<Brief>,
    /// How many the whole list has, where that is known.
    all: Option<i64>,
    views: Vec<View>,
    first: bool,
}

impl Shown {
    fn text(&self) -> String {
        let shown = i64::try_from(self.found.items.len()).unwrap_or(0);
        match self.first && self.found.next.is_some() {
            true => text::first_of(shown, self.all, "user", "users"),
            false => text::count(shown, "user", "users"),
        }
    }
}

/// Keeps what the list is narrowed by.
pub fn all_views(cx: &Cx, _: &Scope<UsersRead>) -> Result<Response> {
    views::shown::index(cx, List::Users)
}

pub fn save_view(cx: &Cx, _: &Scope<UsersRead>) -> Result<Response> {
    views::shown::create(cx, List::Users, &|query| finding::read(query, &cx.actor).map(|_| ()))
}

pub fn delete_view(cx: &Cx, _: &Scope<UsersRead>) -> Result<Response> {
    views::shown::destroy(cx, List::Users)
}

fn filters(cx: &Cx, action: &str, filter: &Filter, departments: &[String]) -> Markup {
    let mut choices = vec![("", "Any department")];
    choices.extend(departments.iter().map(|name| (name.as_str(), name.as_str())));
    let body = html! {
        (table::search("Search name, address or job", &filter.q))
        @if !departments.is_empty() {
            (table::select("department", "Department", &choices, &filter.department))
        }
        @if let Some(state) = filter.state { (hidden("state", state.word())) }
        @for id in cx.request.query.all(PICKED) { (hidden(PICKED, id)) }
    };
    let open = filter.more != More::default();
    table::filters_and_more(action, body, open, more_filters(cx, action, &filter.more))
}

/// What few lists are narrowed by.
fn more_filters(cx: &Cx, action: &str, more: &More) -> Markup {
    let either = |said: Option<bool>| match said {
        Some(true) => "yes",
        Some(false) => "no",
        None => "",
    };
    let mut badges = vec![("", "Any badge")];
    badges.extend(Badge::ALL.iter().map(|badge| (badge.word(), badge.label())));
    let tests = [("", "Test users too"), ("yes", "Test users only"), ("no", "No test users")];
    let contacts = [("", "Everybody"), ("yes", "Main contacts"), ("no", "No main contacts")];
    let factor = [("", "With and without second factor"), ("yes", "Without second factor")];
    let within = more.expires_within.map(|days| days.to_string()).unwrap_or_default();
    let last = [
        ("", "Any last day"),
        ("7", "Ends in 7 days"),
        ("30", "Ends in 30 days"),
        ("90", "Ends in 90 days"),
    ];
    let before = more.last_sign_in_before.map(|day| day.to_string()).unwrap_or_default();
    html! {
        (table::select("badge", "Badge", &badges, more.badge.map_or("", Badge::word)))
        (table::select("test", "Test users", &tests, either(more.test)))
        (table::select("main_contact", "Main contacts", &contacts, either(more.main_contact)))
        (table::select("no_factor", "Second factor", &factor, if more.no_factor { "yes" } else { "" }))
        (table::select("expires_within", "Last day", &last, &within))
        @if cx.actor.may::<RolesRead>() { (table::word("role", "Role", "text", &more.role)) }
        @if cx.actor.may::<ServicesRead>() {
            (table::word("service", "Service, by code", "text", &more.service))
            (table::word("plan", "Plan, by code", "text", &more.plan))
        }
        (table::word("location", "Location", "text", &more.location))
        (table::word("manager", "Manager, by sign-in name", "text", &more.manager))
        label.inline { "Not signed in since" (table::word("last_sign_in_before", "Not signed in since", "date", &before)) }
        @if let Some(letter) = more.letter { (hidden("letter", letter)) }
        div.letters { (letters(cx, action, more)) }
    }
}

/// The beginnings of names.
fn letters(cx: &Cx, action: &str, more: &More) -> Markup {
    let href = |letter: &str| with_filters(cx, action, &[("letter", letter)]);
    let mut all = vec![("All".to_owned(), href(""))];
    all.extend(('A'..='Z').map(|letter| (letter.to_string(), href(&letter.to_string()))));
    let all: Vec<(&str, &str, Option<i64>)> =
        all.iter().map(|(text, href)| (text.as_str(), href.as_str(), None)).collect();
    let now = more.letter.map_or("All".to_owned(), String::from);
    table::chips("Users by first letter", &all, &now)
}

/// The same filters at another address.
fn as_shown(cx: &Cx, action: &str) -> String {
    with_filters(cx, action, &[])
}

fn with_filters(cx: &Cx, action: &str, more: &[(&str, &str)]) -> String {
    let mut query = cx.request.query.clone();
    ["after", "limit", PICKED].iter().for_each(|name| query.remove(name));
    more.iter().for_each(|(name, value)| query.set(name, value));
    match query.to_query().as_str() {
        "" => action.to_owned(),
        query => format!("{action}?{query}"),
    }
}

fn states(cx: &Cx, action: &str, filter: &Filter) -> Markup {
    let href = |state: &str| {
        let mut query = cx.request.query.clone();
        query.remove("after");
        query.set("state", state);
        match query.to_query().as_str() {
            "" => action.to_owned(),
            query => format!("{action}?{query}"),
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
    table::chips("Users by state", &all, &now)
}

fn content(cx: &Cx, page: &Shown, filter: &Filter, of: Option<CustomerId>) -> Markup {
    let (found, first) = (&page.found, page.first);
    let filtered = !filter.is_empty();
    if let (true, Some(next)) = (found.items.is_empty(), cx.next_href(found.next.as_ref())) {
        let text = "Nobody among the first thousands of names. The rest were not looked at yet.";
        let on = link("Look further", &next).primary();
        return table::empty("search", "None so far", text, Some(html! { (on) }));
    }
    if found.items.is_empty() && filtered {
        let text = "Look for a part of the name, or the beginning of an address.";
        return table::empty("search", "No user matches", text, None);
    }
    if found.items.is_empty() {
        let text = "Add one by hand, or import a file that another system wrote.";
        return table::empty("users", "No users yet", text, None);
    }
    let columns = [
        column("Name"),
        column("Job").class("p3"),
        column("Department").class("p2"),
        column("Last sign-in").class("p3"),
        column("State"),
        acts(),
    ];
    // A service is given within one customer: what can be given differs from one to the next.
    let gives = of.is_some() && cx.actor.may::<UserServicesWrite>();
    let changes = cx.actor.may::<UsersUpdate>()
        || cx.actor.may::<UsersDisable>()
        || cx.actor.may::<RolesGrant>()
        || cx.actor.may::<UsersPassword>();
    let exports = cx.actor.may::<UsersExport>();
    let picks = gives || changes || exports;
    let picked: Vec<&str> = cx.request.query.all(PICKED).collect();
    let is_picked = |user: &Brief| picked.iter().any(|id| *id == user.id.to_string());
    let rows = html! {
        @for user in &found.items {
            (row(cx, user, of.is_none(), picks.then(|| is_picked(user))))
        }
    };
    let look = Look { picks, ..Look::default() };
    let users = table_with("Users", &columns, rows, look);
    let shown = page.text();
    if !picks {
        let (start, next) = ((!first).then(|| cx.first_href()), cx.next_href(found.next.as_ref()));
        return html! { (users) (table::paging(&shown, start.as_deref(), next.as_deref())) };
    }
    let here = of.map_or("/users".to_owned(), |customer| format!("/customers/{customer}/users"));
    let many = match filter.customer {
        Some(customer) => format!("/customers/{customer}/users/bulk"),
        None => "/users/bulk".to_owned(),
    };
    let elsewhere: Vec<&str> = picked
        .iter()
        .copied()
        .filter(|id| !found.items.iter().any(|user| user.id.to_string() == *id))
        .collect();
    let whole = !first || found.next.is_some();
    html! {
        form action=(many) {
            @for name in FILTERS.iter().map(|field| field.name).chain(["limit"]) {
                @if !cx.request.query.get(name).is_empty() { (hidden(name, cx.request.query.get(name))) }
            }
            (users)
            (table::picked_elsewhere(&elsewhere, &as_shown(cx, &here)))
            (bulk(html! {
                @if gives {
                    button.btn.btn-primary.btn-sm formaction={ (here) "/services" } { "Give service" }
                }
                @if changes {
                    button.btn.btn-sm { "Change…" }
                    @if cx.actor.may::<UsersDisable>() {
                        button.btn.btn-danger-quiet.btn-sm name="action" value="disable" { "Disable…" }
                    }
                }
                @if exports {
                    button.btn.btn-sm formaction={ (here) "/export" } { "Export" }
                }
            }))
            (table::paging_picked(&shown, &here, first, found.next.as_deref()))
        }
        @if changes && (whole || filtered) {
            p { a href=(with_filters(cx, &many, &[("all", "1")])) { "Change all that match" } }
        } @else if changes {
            p { a href=(with_filters(cx, &many, &[("all", "1")])) { "Change all " (shown) } }
        }
    }
}

fn row(cx: &Cx, user: &Brief, with_customer: bool, picked: Option<bool>) -> Markup {
    let id = user.id;
    let mut items = Vec::new();
    if cx.actor.may::<UsersUpdate>() && !matches!(user.state, State::Deleted | State::Purged) {
        items.push(Item::link("Edit", format!("/users/{id}/edit")));
    }
    if cx.actor.may::<UsersDisable>() && user.state == State::Active {
        items.push(Item::danger("Disable…", format!("/users/{id}/disable")));
    }
    if cx.actor.may::<UsersDisable>() && user.state == State::Disabled {
        items.push(Item::link("Enable…", format!("/users/{id}/enable")));
    }
    let label = format!("Actions for {}", user.display_name);
    html! {
        tr {
            @if let Some(picked) = picked {
                (pick(&user.display_name, id, match user.state {
                    State::Deleted | State::Purged => Picked::Never,
                    _ if picked => Picked::Yes,
                    _ => Picked::No,
                }))
            }
            th scope="row" {
                a href={ "/users/" (id) } { (user.display_name) }
                small {
                    (user.upn)
                    @if with_customer { " · " (user.customer_name) }
                }
            }
            td.p3 { (user.job_title) }
            td.p2 { (user.department) }
            td.p3.muted {
                @match user.last_sign_in_at {
                    Some(at) => (text::when(at, &cx.actor.zone, cx.db.now())),
                    None => "Never",
                }
            }
            td { (state(user.state)) @for badge in &user.badges { " " (pill(Tone::Wait, badge.label())) } }
            td.acts { @if !items.is_empty() { (menu(&format!("user-{id}"), &label, &items)) } }
        }
    }
}

fn state(state: State) -> Markup {
    match state {
        State::Active => pill(Tone::Ok, "Active"),
        other => pill(Tone::Off, &capital(other.word())),
    }
}
