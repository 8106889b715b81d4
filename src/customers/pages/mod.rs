//! The pages of customers, a file a screen.

pub mod form;
pub mod groups;
pub mod life;
pub mod list;
pub mod show;
pub mod transfer;
mod part;

pub use part::{Part, part_page};

use super::Customer;
use crate::auth::Permission;
use crate::auth::permissions::{
    CustomersDelete, CustomersDeprovision, CustomersDisable, CustomersExport, CustomersMove,
    CustomersUpdate, UsersCreate,
};
use crate::html::button::{Item, link, menu_button};
use crate::ids::CustomerId;
use crate::pins;
use crate::places::State;
use crate::web::Cx;
use maud::{Markup, html};

/// What can be done to the customer, beside its name.
pub fn actions(cx: &Cx, customer: &Customer) -> Markup {
    let id = customer.id;
    let may_add = cx.actor.may::<UsersCreate>() && customer.state == State::Active;
    let items = if customer.parent.is_some() { verbs(cx, customer) } else { Vec::new() };
    html! {
        @if !items.is_empty() { (menu_button("customer", "Actions", &items)) }
        @if may_add {
            (link("New user", &format!("/customers/{id}/users/new")).primary().icon("user-plus"))
        }
    }
}

/// What its state and the actor's rights allow.
fn verbs(cx: &Cx, customer: &Customer) -> Vec<Item> {
    let at = |verb: &str| format!("/customers/{}/{verb}", customer.id);
    let id = customer.id;
    let (disable, end, delete) = (
        may::<CustomersDisable>(cx, id),
        may::<CustomersDeprovision>(cx, id),
        may::<CustomersDelete>(cx, id),
    );
    let update = may::<CustomersUpdate>(cx, id);
    let mut items = Vec::new();
    let mut add = |may: bool, item: Item| {
        if may {
            items.push(item);
        }
    };
    match customer.state {
        State::Active | State::Disabled => {
            let off = customer.state == State::Disabled;
            add(update, Item::post("Apply again", at("provision")));
            add(may::<CustomersMove>(cx, id), Item::link("Move…", at("move")));
            add(disable && off, Item::link("Enable…", at("enable")));
            add(disable && !off, Item::danger("Disable…", at("disable")));
            add(end, Item::danger("Deprovision…", at("deprovision")));
        }
        State::Deprovisioned => {
            add(end, Item::link("Provision again…", at("reprovision")));
            add(delete, Item::danger("Delete…", at("delete")));
        }
        State::Deleted => {
            add(delete, Item::link("Restore…", at("restore")));
            add(delete, Item::danger("Erase for good…", at("purge")));
        }
        State::Purged => {}
    }
    if may::<CustomersExport>(cx, id) {
        items.push(Item::link("Exit kit…", at("export")));
    }
    match cx.db.read(|db| pins::is_pinned(db, cx.actor.user, id)) {
        Ok(true) => items.push(Item::post("Unpin", at("pin/remove"))),
        _ => items.push(Item::post("Pin to the switcher", at("pin"))),
    }
    items
}

/// Whether the right reaches this one: it may stand below one's own company only.
fn may<P: Permission>(cx: &Cx, id: CustomerId) -> bool {
    cx.actor.scope::<P>().is_ok_and(|scope| cx.db.read(|db| scope.reaches(db, id)).is_ok())
}
