//! Giving to many users: whom and what, then the plan.

use super::form::{around_chosen, chosen_settings, joined, split, still_to_set, what_field};
use crate::assignments::bulk;
use crate::assignments::offered;
use crate::auth::ServiceRights;
use crate::auth::permissions::{ServicesRead, UserServicesWrite};
use crate::catalogue::fields::value_fields;
use crate::error::{Complaint, Error, Result};
use crate::html::button::{cancel, primary};
use crate::html::field::{Opts, check, choice_field, text_field};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::table::empty;
use crate::html::text::count;
use crate::ids::CustomerId;
use crate::input::Input;
use crate::places::{self, Tab};
use crate::web::{Cx, Response, response};
use maud::html;

const LABELS: &[(&str, &str)] = &[
    ("what", "Service and plan"),
    ("label", "Label"),
    ("ids", "Users"),
    ("on_limit", "When seats run out"),
];

pub fn many(cx: &Cx, scope: &ServiceRights<UserServicesWrite>) -> Result<Response> {
    let query = &cx.request.query;
    let mut input = query.clone();
    query.all("id").for_each(|id| input.push("ids", id));
    input.remove("id");
    if input.all("ids").next().is_none() {
        input.set("all", "1");
    }
    form(cx, scope, &input, &[])
}

pub fn plan_many(cx: &Cx, scope: &ServiceRights<UserServicesWrite>) -> Result<Response> {
    let (id, mut input) = (cx.param("id")?, cx.input()?);
    cx.db.read(|db| scope.reaches(db, id))?;
    if still_to_set(cx, id, &mut input)? {
        return form(cx, scope, &input, &[]);
    }
    match bulk::preview(cx.db, &cx.app.config.key, &cx.actor, scope, id, &split(&input)) {
        Ok(preview) => Ok(response::redirect(format!("/previews/{preview}"))),
        Err(Error::Invalid(complaints)) => form(cx, scope, &input, &joined(complaints)),
        Err(other) => Err(other),
    }
}

fn form(
    cx: &Cx,
    scope: &ServiceRights<UserServicesWrite>,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let read = cx.actor.scope::<ServicesRead>()?;
    let (place, open) = cx.db.read(|db| {
        scope.reaches(db, id)?;
        let mut open = offered(db, id)?;
        open.retain(|(_, _, service)| scope.extends_to(service.id));
        Ok((places::customer(db, &read, id)?, open))
    })?;
    let status = if complaints.is_empty() { 200 } else { 422 };
    if open.is_empty() {
        let text = format!("{} has no service that its users could be given.", place.name);
        let body = empty("stack-2", "Nothing to give", &text, None);
        return Ok(places::customer_page(cx, &place, Tab::Users, status, html! {}, body));
    }
    let own = chosen_settings(cx, id, &open, input)?;
    let around = around_chosen(cx, id, &open, input)?;
    let here = format!("/customers/{id}/users/services");
    let ticked: Vec<&str> = input.all("ids").collect();
    let limits =
        [("refuse", "Give it to nobody"), ("fill", "Give it to as many as there are seats")];
    let multi = open.iter().any(|(_, _, service)| service.multi);
    let fields = html! {
        (fieldset("Give a service to many users", "", html! {
            (what_field(input, complaints, &open, &own, &here))
            (value_fields(&own, input, complaints, &around))
            @if multi {
                (text_field(input, complaints, "label", "Label",
                            Opts { hint: "Tells several apart.", most: Some(60), ..Opts::default() }))
            }
            @if ticked.is_empty() {
                (check(input, complaints, "all", "All users of the customer", ""))
                (text_field(input, complaints, "q", "Of these, whose name or address has",
                            Opts { optional: true, most: Some(100), ..Opts::default() }))
                (hidden("state", input.get("state")))
            } @else {
                p { (count(i64::try_from(ticked.len()).unwrap_or(i64::MAX), "user is", "users are")) " chosen." }
                @for user in &ticked { (hidden("ids", user)) }
            }
            (choice_field(input, complaints, "on_limit", "When there are not enough seats", &limits, Opts::default()))
        }))
    };
    let back = format!("/customers/{id}/users");
    let body = html! {
        (complaints_flash(complaints, LABELS))
        (post_form(&cx.csrf, &here, html! {
            div.form { (fields) }
            (form_foot(html! { (primary("Show the plan")) (cancel(&back)) }))
        }))
    };
    Ok(places::customer_page(cx, &place, Tab::Users, status, html! {}, body))
}
