//! The pages about outside systems, as tabs of one place.

use crate::auth::Actor;
use crate::auth::permissions::{ConnectorsRead, RulesWrite, SettingsWrite, UsersImport};
use crate::html::parts;
use maud::Markup;

/// Those that the asker may open; `now` is the address of the present one.
pub fn tabs(actor: &Actor, now: &str) -> Markup {
    let mut list = Vec::new();
    if actor.may::<ConnectorsRead>() {
        list.push(("Connectors", "/connectors", None));
        list.push(("Directories", "/directories", None));
    }
    if actor.may::<SettingsWrite>() {
        list.push(("Locations", "/locations", None));
    }
    if actor.may::<UsersImport>() {
        list.push(("Proposals", "/proposals", None));
    }
    if actor.may::<ConnectorsRead>() {
        list.push(("Credentials", "/credentials", None));
    }
    if actor.may::<RulesWrite>() && actor.is_provider() {
        list.push(("Scripts", "/scripts", None));
        list.push(("Rules", "/rules", None));
    }
    let name =
        list.iter().find(|(_, href, _)| *href == now).map_or("Connectors", |(name, _, _)| name);
    parts::tabs("Connectors", &list, name)
}
