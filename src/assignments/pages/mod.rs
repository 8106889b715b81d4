//! What a customer or a user has, what can be given, and the plan between asking and doing.

mod form;
mod many;
mod shown;

pub use form::{
    change_customer, change_user, edit_customer, edit_user, give_customer, give_user, new_customer,
    new_user,
};
pub use many::{many, plan_many};
pub use shown::{apply, discard, replan, show};

use super::state::{State, Verb};
use super::{Held, HeldId, Order, later};
use crate::auth::permissions::{
    CatalogueRead, CustomerServicesWrite, ResellersMake, ServicesForget, ServicesRead,
    UserServicesWrite,
};
use crate::auth::{Permission, Scope, ServiceRights};
use crate::billing;
use crate::catalogue::{self, Level};
use crate::error::Result;
use crate::html::button::{Item, link, menu};
use crate::html::form::act_form;
use crate::html::parts::{Tone, card_flush, pill};
use crate::html::table::{acts, column, empty, paging as pages_of, table};
use crate::html::text::{count, when};
use crate::ids::{CustomerId, UserId};
use crate::offers;
use crate::places::{self, Person, Place, Tab, UserTab};
use crate::web::{Cx, Listing, Response};
use maud::{Markup, html};

pub fn of_customer(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    let (id, paging) = (cx.param::<CustomerId>("id")?, cx.paging(&[])?);
    let (place, list, mut open) = cx.db.read(|db| {
        let place = places::customer(db, scope, id)?;
        let list = super::of_customer(db, scope, id, &paging)?;
        Ok((place, list, offers::sellable(db, id)?))
    })?;
    let reached = |scope: Scope<ResellersMake>| cx.db.read(|db| scope.reaches(db, id)).is_ok();
    if !cx.actor.scope().is_ok_and(reached) {
        open.retain(|each| !each.service.builtin);
    }
    let may = cx.actor.may::<CustomerServicesWrite>();
    let base = format!("/customers/{id}/services");
    let many = list.items.iter().any(|held| held.by_user);
    let import = cx.actor.may::<UserServicesWrite>();
    let actions = html! {
        @if import { (link("Import…", &format!("{base}/import")).ghost()) }
        @if may { (link("Not listed?", &format!("{base}/not-listed")).ghost()) }
        @if many && cx.actor.may::<UserServicesWrite>() {
            (link("Give to users", &format!("/customers/{id}/users/services")))
        }
    };
    let held: Vec<&str> =
        list.items.iter().filter(|each| !each.multi).map(|each| each.code.as_str()).collect();
    let addable: Vec<_> =
        open.iter().filter(|each| !held.contains(&each.service.code.as_str())).collect();
    let body = html! {
        (act_form(&cx.csrf))
        @if list.items.is_empty() {
            (empty("stack-2", "No services yet", "What is given to this customer stands here, with its state.", None))
        } @else { (held_table(cx, &list, &base, may, &format!("Services of {}", place.name))?) }
        @if may && !addable.is_empty() {
            (card_flush("Can be added", None, table(
                "Services that can be added", &[column("Service"), column("For").class("p2"), acts()],
                html! { @for each in &addable {
                    tr {
                        th scope="row" { (each.service.name) }
                        td.p2 { @if each.service.kind == Level::User { "Users" } @else { "The customer" } }
                        td.acts {
                            (link("Add…", &format!("{base}/new?service={}", each.service.code))
                                .small().about(&each.service.name))
                        }
                    }
                } },
            )))
        }
    };
    Ok(places::customer_page(cx, &place, Tab::Services, 200, actions, body))
}

pub fn of_user(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    let (id, paging) = (cx.param::<UserId>("id")?, cx.paging(&[])?);
    let (person, list) = cx.db.read(|db| {
        let person = places::user(db, scope, id)?;
        Ok((person, super::of_user(db, scope, id, &paging)?))
    })?;
    let may = cx.actor.may::<UserServicesWrite>();
    let base = format!("/users/{id}/services");
    let give = || link("Give service", &format!("{base}/new"));
    let actions = html! {
        @if may { (link("Not listed?", &format!("{base}/not-listed")).ghost()) (give().primary()) }
    };
    let body = html! {
        (act_form(&cx.csrf))
        @if list.items.is_empty() {
            (empty("stack-2", "No services yet", "What is given to this user stands here, with its state.",
                   may.then(|| html! { (give()) })))
        } @else { (held_table(cx, &list, &base, may, &format!("Services of {}", person.name))?) }
    };
    Ok(places::user_page(cx, &person, UserTab::Services, 200, actions, body))
}

fn held_table(
    cx: &Cx,
    list: &Listing<Held>,
    base: &str,
    may: bool,
    caption: &str,
) -> Result<Markup> {
    let ids: Vec<HeldId> = list.items.iter().map(|held| held.id).collect();
    let (pending, zone) = cx.db.read(|db| Ok((later::pending(db, &ids)?, billing::zone(db)?)))?;
    let with_users = list.items.iter().any(|held| held.by_user && held.user.is_none());
    let mut columns = vec![column("Service"), column("Plan").class("p2")];
    if with_users {
        columns.push(column("Users").class("num"));
    }
    columns.extend([column("Since").class("p3"), column("State")]);
    if may {
        columns.push(acts());
    }
    let rows = html! {
        @for held in &list.items {
            tr {
                th scope="row" {
                    (held.title())
                    @if let Some(last) = held.problem() {
                        small {
                            a href={ "/requests/" (last.request) } { "Request " (last.request) " " (last.status) }
                            @if !last.reason.is_empty() { ": " (last.reason) }
                        }
                    }
                }
                td.p2 { (held.plan_name) }
                @if with_users { td.num { @if held.by_user { (held.users) } } }
                td.p3 { (when(held.since, &cx.actor.zone, cx.db.now())) }
                td {
                    (state_pill(held))
                    @for (_, run, at) in pending.iter().filter(|(id, _, _)| *id == held.id) {
                        small { a href={ "/runs/" (run) } { "Goes on " (at.day(&zone).long()) } }
                    }
                    @if let Some(open) = held.open {
                        " " a href={ "/requests/" (open.request) } { "Request " (open.request) }
                    }
                }
                @if may { td.acts { (row_menu(held, base, cx.actor.may::<ServicesForget>())) } }
            }
        }
    };
    let shown = i64::try_from(list.items.len()).unwrap_or(i64::MAX);
    Ok(html! {
        (table(caption, &columns, rows))
        @if list.next.is_some() {
            (pages_of(&count(shown, "service", "services"), None, cx.next_href(list.next.as_ref()).as_deref()))
        }
    })
}

fn row_menu(held: &Held, base: &str, forgets: bool) -> Markup {
    let number = held.id.number();
    let at = |verb: &str| format!("{base}/{number}/{verb}");
    let state = held.state();
    let suspended = held.reasons.contains(&super::Reason::Operator);
    let mut items = Vec::new();
    if state == State::Removing {
        items.push(Item::post("Keep it…", at("provision")));
    } else {
        items.push(Item::link("Change…", at("edit")));
        items.push(Item::post("Provision again…", at("provision")));
        items.push(match suspended {
            true => Item::post("Resume…", at("resume")),
            false => Item::post("Suspend…", at("suspend")),
        });
        items.push(Item::Line);
    }
    items.push(Item::post("Remove…", at("remove")));
    if forgets && held.open.is_none() && !held.builtin {
        items.push(Item::danger("Forget…", at("forget")));
    }
    menu(&format!("held-{number}"), &format!("Actions for {}", held.title()), &items)
}

pub fn state_pill(held: &Held) -> Markup {
    let bad = held.problem().is_some();
    let (tone, word) = match held.state() {
        State::WaitingApproval => (Tone::Wait, "Waits for approval"),
        State::Provisioning => (Tone::Busy, "Being set up"),
        State::Failed => (Tone::Bad, "Failed"),
        State::Active if bad => (Tone::Bad, "Active, change failed"),
        State::Active => (Tone::Ok, "Active"),
        State::Changing => (Tone::Busy, "Being changed"),
        State::Suspending => (Tone::Busy, "Being suspended"),
        State::Suspended => (Tone::Off, "Suspended"),
        State::Resuming => (Tone::Busy, "Being resumed"),
        State::Removing if bad => (Tone::Bad, "Removal failed"),
        State::Removing => (Tone::Busy, "Being removed"),
        State::Removed => (Tone::Off, "Removed"),
    };
    pill(tone, word)
}

/// Plans an act on what is there, and leads to the plan.
fn plan_for<P: Permission>(cx: &Cx, scope: &ServiceRights<P>, order: &Order) -> Result<Response> {
    let id = super::preview(cx.db, &cx.app.config.key, &cx.actor, scope, order)?;
    Ok(crate::web::response::redirect(format!("/previews/{id}")))
}

macro_rules! plans {
    ($($customer:ident $user:ident $verb:ident;)+) => {
        $(pub fn $customer(cx: &Cx, scope: &ServiceRights<CustomerServicesWrite>) -> Result<Response> {
            let (id, held) = (cx.param("id")?, Some(cx.param("aid")?));
            let input = cx.input()?;
            let order =
                cx.db.read(|db| super::for_customer(db, scope, id, Verb::$verb, held, input))?;
            plan_for(cx, scope, &order)
        }

        pub fn $user(cx: &Cx, scope: &ServiceRights<UserServicesWrite>) -> Result<Response> {
            let (id, held) = (cx.param("id")?, Some(cx.param("aid")?));
            let input = cx.input()?;
            let order = cx.db.read(|db| super::for_user(db, scope, id, Verb::$verb, held, input))?;
            plan_for(cx, scope, &order)
        })+
    };
}

plans! {
    provision_customer provision_user Provision;
    suspend_customer   suspend_user   Suspend;
    resume_customer    resume_user    Resume;
    remove_customer    remove_user    Remove;
}

/// Everything that the asker knows of, with the way to why it is not among what can be given.
pub fn not_listed_at_customer(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let place = cx.db.read(|db| places::customer(db, scope, id))?;
    let body = not_listed(cx, &format!("/customers/{id}/services"))?;
    Ok(places::customer_page(cx, &place, Tab::Services, 200, html! {}, body))
}

pub fn not_listed_at_user(cx: &Cx, scope: &Scope<ServicesRead>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let person = cx.db.read(|db| places::user(db, scope, id))?;
    let body = not_listed(cx, &format!("/users/{id}/services"))?;
    Ok(places::user_page(cx, &person, UserTab::Services, 200, html! {}, body))
}

fn not_listed(cx: &Cx, base: &str) -> Result<Markup> {
    let of_user = base.starts_with("/users");
    let mut all = match cx.actor.scope::<CatalogueRead>() {
        Ok(scope) => cx.db.read(|db| catalogue::known(db, &scope))?,
        Err(_) => Vec::new(),
    };
    all.retain(|service| !of_user || service.kind == Level::User);
    let rows = html! {
        @for service in &all {
            tr {
                th scope="row" {
                    (service.name)
                    @if !service.category.is_empty() { small { (service.category) } }
                }
                td.acts {
                    (link("Why?", &format!("{base}/{}/why", service.code)).small().about(&service.name))
                }
            }
        }
    };
    Ok(html! {
        p { "Each condition that a service must meet to be given here, with what mends it." }
        @if all.is_empty() {
            (empty("stack-2", "No service", "Nothing is sold here.", None))
        } @else {
            (card_flush("Services", None, table("Services", &[column("Service"), acts()], rows)))
        }
    })
}
