//! The pages of customers, a file a screen.

pub mod form;
pub mod list;
pub mod show;
mod part;

pub use part::{Part, part_page};

use super::Customer;
use crate::auth::Scope;
use crate::auth::permissions::{CustomersDisable, UsersCreate};
use crate::html::button::{Item, link, menu_button};
use crate::places::State;
use crate::web::Cx;
use maud::{Markup, html};

/// What can be done to the customer, beside its name.
pub fn actions(cx: &Cx, customer: &Customer) -> Markup {
    let id = customer.id;
    // The right may stand below one's own company only.
    let reached = |scope: Scope<CustomersDisable>| cx.db.read(|db| scope.reaches(db, id)).is_ok();
    let may_disable = customer.parent.is_some() && cx.actor.scope().is_ok_and(reached);
    let mut items = Vec::new();
    if may_disable && customer.state == State::Active {
        items.push(Item::danger("Disable…", format!("/customers/{id}/disable")));
    }
    if may_disable && customer.state == State::Disabled {
        items.push(Item::link("Enable…", format!("/customers/{id}/enable")));
    }
    let may_add = cx.actor.may::<UsersCreate>() && customer.state == State::Active;
    html! {
        @if !items.is_empty() { (menu_button("customer", "Actions", &items)) }
        @if may_add {
            (link("New user", &format!("/customers/{id}/users/new")).primary().icon("user-plus"))
        }
    }
}
