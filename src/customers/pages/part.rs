//! The parts of a customer's settings: one tab, several pages with links between them.

use super::actions;
use crate::auth::permissions::{ApprovalsWrite, CustomersUpdate, PropertiesDefine, SettingsWrite};
use crate::auth::{Permission, Scope};
use crate::customers;
use crate::error::Result;
use crate::html::table::chips;
use crate::ids::CustomerId;
use crate::places::{self, Tab};
use crate::web::{Cx, Response};
use maud::{Markup, html};

words! {
    /// A page of the tab *Settings*.
    Part {
        Details = "Details", Departments = "Departments", Locations = "Locations", Contacts = "Contacts",
        Patterns = "Names", Settings = "Policies", Properties = "Properties", Directory = "Directory",
        Approvals = "Approvals",
    }
}

impl Part {
    fn path(self) -> &'static str {
        match self {
            Part::Details => "edit",
            Part::Departments => "departments",
            Part::Locations => "locations",
            Part::Contacts => "contacts",
            Part::Patterns => "patterns",
            Part::Settings => "settings",
            Part::Properties => "properties",
            Part::Directory => "location",
            Part::Approvals => "approvals",
        }
    }

    fn may(self, cx: &Cx) -> bool {
        match self {
            Part::Properties => cx.actor.may::<PropertiesDefine>(),
            Part::Directory => cx.actor.may::<SettingsWrite>() && cx.actor.may::<CustomersUpdate>(),
            Part::Approvals => cx.actor.may::<ApprovalsWrite>(),
            _ => cx.actor.may::<CustomersUpdate>(),
        }
    }

    /// Links to the parts that may be opened.
    pub fn links(self, cx: &Cx, id: CustomerId) -> Markup {
        let all: Vec<(&str, String, Option<i64>)> = Part::ALL
            .iter()
            .filter(|part| part.may(cx))
            .map(|part| (part.word(), format!("/customers/{id}/{}", part.path()), None))
            .collect();
        chips("Parts of the settings", &all, self.word())
    }
}

/// A page of the tab *Settings*; one that was refused answers 422.
pub fn part_page<P: Permission>(
    cx: &Cx,
    scope: &Scope<P>,
    id: CustomerId,
    part: Part,
    good: bool,
    body: Markup,
) -> Result<Response> {
    let (customer, place) =
        cx.db.read(|db| Ok((customers::one(db, scope, id)?, places::customer(db, scope, id)?)))?;
    let body = html! { (part.links(cx, id)) (body) };
    let status = if good { 200 } else { 422 };
    Ok(places::customer_page(cx, &place, Tab::Settings, status, actions(cx, &customer), body))
}
