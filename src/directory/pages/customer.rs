//! Where one customer lives.

use crate::auth::Scope;
use crate::auth::permissions::{
    ConnectorsWrite, CustomersUpdate, UsersImport, UsersRead, UsersUpdate,
};
use crate::directory::LocationKind;
use crate::directory::locations::{live, may_choose, residence};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{cancel, link, primary};
use crate::html::field::{Opts, choice_field};
use crate::html::form::{complaints_flash, form_foot, post_form};
use crate::html::parts::{card, facts};
use crate::ids::CustomerId;
use crate::input::Input;
use crate::places::{self, Tab};
use crate::web::{Cx, Response};
use maud::html;

const LABELS: &[(&str, &str)] = &[("location_id", "Location")];

pub fn show(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    may_choose(cx)?;
    cx.db.read(|db| scope.reaches(db, id))?;
    let mut input = Input::default();
    if let Some(location) = residence(cx.db, id)?.0.location {
        input.set("location_id", location);
    }
    page(cx, scope, id, &input, &[])
}

fn page(
    cx: &Cx,
    scope: &Scope<CustomersUpdate>,
    id: CustomerId,
    input: &Input,
    wrong: &[Complaint],
) -> Result<Response> {
    let place = cx.db.read(|db| places::customer(db, scope, id))?;
    let (now, possible) = residence(cx.db, id)?;
    let at = format!("/customers/{id}/location");
    let mut choices = vec![(String::new(), "Nowhere yet".to_owned())];
    choices.extend(possible.iter().map(|each| {
        let text = match each.kind {
            LocationKind::None => format!("{}: no directory", each.name),
            kind => {
                format!("{}: {}, {}", each.name, kind.said().to_lowercase(), each.environment_name)
            }
        };
        (each.id.to_string(), text)
    }));
    let body = html! {
        (complaints_flash(wrong, LABELS))
        (card("Directory", None, html! {
            p { "Accounts, groups and OUs of this customer are made in the directory of its location." }
            @match now.kept() {
                Some(why) => {
                    (facts(&[("Lives in", html! { (now.name) }), ("Directory", html! { (now.environment) })]))
                    p { "This stays as it is: the customer " (why) "." }
                    @if !now.held.is_empty() && cx.actor.may::<UsersUpdate>() && cx.actor.may::<UsersRead>() {
                        p.muted { "After another structure is chosen, those who are there stay where they are until something of them changes." }
                        p { (link("Move everybody now", &format!("/customers/{id}/users/bulk?action=provision&all=1"))) }
                    }
                }
                None => (post_form(&cx.csrf, &at, html! {
                    div.fields { (choice_field(input, wrong, "location_id", "Location", &choices, Opts { width: 3, ..Opts::default() })) }
                    (form_foot(html! { (primary("Save")) (cancel(&format!("/customers/{id}/edit"))) }))
                })),
            }
            @if !now.environment.is_empty() {
                p {
                    @if cx.actor.may::<UsersImport>() {
                        (link("Import people from it", &format!("/customers/{id}/directory-import"))) " "
                    }
                    @if cx.actor.may::<ConnectorsWrite>() {
                        (link("Sync with it", &format!("/customers/{id}/directory-sync")))
                    }
                }
            }
            @if possible.is_empty() { p { (link("Make a location", "/locations/new")) } }
        }))
    };
    let status = if wrong.is_empty() { 200 } else { 422 };
    Ok(places::customer_page(cx, &place, Tab::Settings, status, html! {}, body))
}

pub fn update(cx: &Cx, scope: &Scope<CustomersUpdate>) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    may_choose(cx)?;
    let input = cx.input()?;
    match live(cx.db, scope, id, &input) {
        Ok(()) => Ok(cx.done(format!("/customers/{id}/location"), "Saved.")),
        Err(Error::Invalid(wrong)) => page(cx, scope, id, &input, &wrong),
        Err(err) => Err(err),
    }
}
