//! Where a page is: the customer or the user it belongs to, with the head and the tabs that all
//! pages of that one share.

mod store;

use crate::auth::permissions::{
    AuditRead, BillingRead, CustomersRead, CustomersUpdate, PropertiesDefine, RequestsRead,
    RolesRead, ServicesRead, UsersRead,
};
use crate::auth::{Actor, Permission, Scope};
use crate::db::{Db, Read};
use crate::error::Result;
use crate::html::Nav;
use crate::html::parts::{Head, Tone, page_head, pill_tint, tabs, tag};
use crate::ids::{CustomerId, UserId};
use crate::time::Instant;
use crate::web::{Cx, Response, recent};
use maud::{Markup, html};

words! {
    State {
        Active = "active", Disabled = "disabled", Deprovisioned = "deprovisioned", Deleted = "deleted",
        Purged = "purged",
    }
}

/// A customer as its pages need it.
pub struct Place {
    pub id: CustomerId,
    pub name: String,
    pub code: String,
    pub state: State,
    pub reseller: bool,
    /// Those above it that the asker reaches, the farthest first.
    pub parents: Vec<(CustomerId, String)>,
}

/// A user as its pages need it.
pub struct Person {
    pub id: UserId,
    pub name: String,
    pub upn: String,
    pub state: State,
    /// When an offboarding that is not over began, or begins.
    pub leaving: Option<Instant>,
    pub customer: Place,
}

words! {
    Tab {
        Overview = "Overview", Users = "Users", Devices = "Devices", Services = "Services", Domains = "Domains", Billing = "Billing",
        Requests = "Requests", Customers = "Customers", Offers = "Offers", Access = "Access", Audit = "Audit",
        Settings = "Settings",
    }
}

words! {
    UserTab {
        Profile = "Profile", Services = "Services", Access = "Access", Devices = "Devices", Requests = "Requests", Memory = "Memory",
        Audit = "Audit",
    }
}

/// The customer `id`, if the scope reaches it.
pub fn customer<P: Permission>(db: &Read, scope: &Scope<P>, id: CustomerId) -> Result<Place> {
    store::customer(db, scope, id)
}

/// The user `id`, if the scope reaches its customer.
pub fn user<P: Permission>(db: &Read, scope: &Scope<P>, id: UserId) -> Result<Person> {
    store::user(db, scope, id)
}

pub fn state_pill(state: State) -> Markup {
    match state {
        State::Active => html! {},
        State::Disabled => pill_tint(Tone::Off, "Disabled"),
        other => pill_tint(Tone::Off, &capital(other.word())),
    }
}

/// A page of a customer: `actions` stand beside its name.
pub fn customer_page(
    cx: &Cx,
    place: &Place,
    tab: Tab,
    status: u16,
    actions: Markup,
    body: Markup,
) -> Response {
    let mut trail = vec![("Customers", "/customers".to_owned())];
    trail
        .extend(place.parents.iter().map(|(id, name)| (name.as_str(), format!("/customers/{id}"))));
    let state = html! { span.tag { (place.code) } (state_pill(place.state)) };
    let head = Head { state: Some(state), actions: Some(actions), ..Head::default() };
    let content = html! {
        (page_head(&place.name, head))
        (tabs(&place.name, &customer_tabs(&cx.actor, place), tab.word()))
        (body)
    };
    cx.page_with(
        status,
        Nav::Customers,
        &title(tab.word(), "Overview", &place.name),
        &trail,
        content,
    )
}

/// A page of a user.
pub fn user_page(
    cx: &Cx,
    person: &Person,
    tab: UserTab,
    status: u16,
    actions: Markup,
    body: Markup,
) -> Response {
    let customer = &person.customer;
    let users = format!("/customers/{}/users", customer.id);
    let trail = [
        ("Customers", "/customers".to_owned()),
        (customer.name.as_str(), format!("/customers/{}", customer.id)),
        ("Users", users),
    ];
    let state = html! {
        (tag(&person.upn)) (state_pill(person.state))
        @if person.leaving.is_some_and(|begins| begins > cx.db.now()) { (pill_tint(Tone::Wait, "To be offboarded")) }
        @else if person.leaving.is_some() { (pill_tint(Tone::Busy, "Being offboarded")) }
    };
    let head = Head { state: Some(state), actions: Some(actions), ..Head::default() };
    let content = html! {
        (page_head(&person.name, head))
        (tabs(&person.name, &user_tabs(&cx.actor, person), tab.word()))
        (body)
    };
    let title = title(tab.word(), "Profile", &person.name);
    let page = cx.page_with(status, Nav::Users, &title, &trail, content);
    recent::note(cx.request, cx.actor.user, customer.id, page)
}

fn title(tab: &str, first: &str, name: &str) -> String {
    if tab == first { name.to_owned() } else { format!("{tab} · {name}") }
}

fn customer_tabs(actor: &Actor, place: &Place) -> Vec<(&'static str, String, Option<i64>)> {
    let at = |tab: &str| format!("/customers/{}/{tab}", place.id);
    let all = [
        (Tab::Overview, actor.may::<CustomersRead>(), format!("/customers/{}", place.id)),
        (Tab::Users, actor.may::<UsersRead>(), at("users")),
        (Tab::Devices, actor.may::<UsersRead>(), at("devices")),
        (Tab::Services, actor.may::<ServicesRead>(), at("services")),
        (Tab::Domains, actor.may::<CustomersRead>(), at("domains")),
        (Tab::Billing, actor.may::<BillingRead>(), at("billing")),
        (Tab::Requests, actor.may::<RequestsRead>(), at("requests")),
        (Tab::Offers, place.reseller && actor.may::<ServicesRead>(), at("offers")),
        (Tab::Access, actor.may::<RolesRead>(), at("access")),
        (Tab::Audit, actor.may::<AuditRead>(), at("audit")),
        (Tab::Settings, actor.may::<CustomersUpdate>(), at("edit")),
        // Whoever defines properties and changes nothing else finds them where the others do.
        (
            Tab::Settings,
            actor.may::<PropertiesDefine>() && !actor.may::<CustomersUpdate>(),
            at("properties"),
        ),
    ];
    all.into_iter()
        .filter(|(_, may, _)| *may)
        .map(|(tab, _, href)| (tab.word(), href, None))
        .collect()
}

fn user_tabs(actor: &Actor, person: &Person) -> Vec<(&'static str, String, Option<i64>)> {
    let at = |tab: &str| format!("/users/{}/{tab}", person.id);
    let all = [
        (UserTab::Profile, true, format!("/users/{}", person.id)),
        (UserTab::Services, actor.may::<ServicesRead>(), at("services")),
        (UserTab::Access, actor.may::<RolesRead>(), at("access")),
        (UserTab::Devices, actor.may::<UsersRead>(), at("devices")),
        (UserTab::Requests, actor.may::<RequestsRead>(), at("requests")),
        (UserTab::Memory, actor.may::<UsersRead>(), at("memory")),
        (UserTab::Audit, actor.may::<AuditRead>(), at("audit")),
    ];
    all.into_iter()
        .filter(|(_, may, _)| *may)
        .map(|(tab, _, href)| (tab.word(), href, None))
        .collect()
}

/// `disabled` as `Disabled`.
pub fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The customer of `user`, if the scope reaches it.
pub fn home_of<P: Permission>(db: &Db, scope: &Scope<P>, user: UserId) -> Result<CustomerId> {
    db.read(|db| store::user(db, scope, user)).map(|person| person.customer.id)
}
