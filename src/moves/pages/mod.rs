//! The way through a move: where to, under which names, with which services and belongings, then all
//! of it once more, then the act. Each step is a page that is checked, and nothing is kept before the
//! last.

mod outlook;
mod steps;

use super::{MOVE, Mover, against, go, look, store};
use crate::auth::permissions::{RolesGrant, UsersMove};
use crate::auth::{Permission, Scope};
use crate::error::{Complaint, Error, Result};
use crate::html::button::link;
use crate::html::parts::card;
use crate::html::table::{acts, column, empty, filters, search, table};
use crate::ids::UserId;
use crate::input::Input;
use crate::places::{self, UserTab};
use crate::web::{Cx, Response};
use maud::html;

words! {
    /// The pages after the choice of a customer.
    Step { Names = "names", Services = "services", Belongings = "belongings", Preview = "preview" }
}

impl Step {
    /// On which page a complaint can be mended.
    fn of(complaint: &Complaint) -> Step {
        match complaint.field.as_ref() {
            "services" => Step::Services,
            "roles" | "places" => Step::Belongings,
            _ => Step::Names,
        }
    }
}

/// Where to, and once that is chosen, under which names.
pub fn ask(cx: &Cx, scope: &Scope<UsersMove>) -> Result<Response> {
    cx.again()?;
    let typed = &cx.request.query;
    match typed.get("customer_id").parse() {
        Ok(to) => steps::page(cx, scope, to, Step::Names, typed, &[]),
        Err(_) => choose(cx, scope),
    }
}

/// Leads to the step that was asked for, or back to the first that something is wrong on; does it
/// where all was seen.
pub fn create(cx: &Cx, scope: &Scope<UsersMove>) -> Result<Response> {
    cx.again()?;
    let (id, mut input): (UserId, Input) = (cx.param("id")?, cx.input()?);
    let version = cx.expected_version(&mut input);
    let sure = input.get("sure") == "1";
    let asked: Option<Step> = input.get("step").parse().ok();
    let back = input.get("back").parse().ok();
    ["sure", "step", "back"].iter().for_each(|field| input.remove(field));
    told_plainly(&mut input);
    let to = input.get("customer_id").parse().map_err(|_| Error::NotFound)?;
    if let Some(step) = back {
        return steps::page(cx, scope, to, step, &input, &[]);
    }
    let again = || cx.again_for(RolesGrant::NAME);
    let mover = Mover { app: cx.app, actor: &cx.actor, scope, again: &again };
    let step = asked.unwrap_or(Step::Preview);
    let wrong = if sure {
        match go(mover, id, &input, version) {
            Ok(outcome) => {
                let said = match outcome.requests.len() {
                    0 | 1 => "Moved.",
                    _ => "Moved. What its services need is under way.",
                };
                return Ok(cx.done(format!("/users/{id}"), said));
            }
            Err(Error::Invalid(all)) => all,
            Err(err) => return Err(err),
        }
    } else {
        against(mover, id, &input, version)?
    };
    let here: Vec<Complaint> = wrong.into_iter().filter(|each| Step::of(each) < step).collect();
    if let Some(first) = here.iter().map(Step::of).min() {
        return steps::page(cx, scope, to, first, &input, &here);
    }
    match step {
        Step::Preview => outlook::page(cx, scope, to, &input, &look(mover, id, &input, version)?),
        step => steps::page(cx, scope, to, step, &input, &[]),
    }
}

/// As the API says it: a list of addresses in the place of lines, one of services in that of a choice
/// for each.
fn told_plainly(input: &mut Input) {
    for field in ["addresses", "external_emails"] {
        if input.has(field) {
            let lines =
                |text: &str| text.lines().map(str::trim).map(str::to_owned).collect::<Vec<_>>();
            let all: Vec<String> = input.all(field).flat_map(lines).collect();
            input.set(field, "");
            all.iter().filter(|each| !each.is_empty()).for_each(|each| input.push(field, each));
        }
    }
    let chosen: Vec<(String, String)> =
        input.members("services").map(|(id, fate)| (id.to_owned(), fate.to_owned())).collect();
    for (id, fate) in chosen {
        input.remove(&format!("services.{id}"));
        if !fate.is_empty() {
            input.push("services", format!("{id}:{fate}"));
        }
    }
}

fn choose(cx: &Cx, scope: &Scope<UsersMove>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let q = cx.request.query.get("q");
    let (person, all) = cx.db.read(|db| {
        let person = places::user(db, scope, id)?;
        let all = store::destinations(db, scope, person.customer.id, q)?;
        Ok((person, all))
    })?;
    let at = format!("/users/{id}/move");
    let rows = html! {
        @for each in &all {
            @let why = each.why_not();
            tr.muted[why.is_some()] {
                th scope="row" { (each.name) " " span.tag { (each.code) } }
                td { @if let Some(why) = &why { (why) } }
                td.acts {
                    @if why.is_none() {
                        (link("Choose", &format!("{at}?customer_id={}", each.id)).about(&each.name).small())
                    }
                }
            }
        }
    };
    let body = html! {
        (filters(&at, search("Customer", q)))
        @if all.is_empty() {
            (empty("building", "No customer", "There is none that you may move users to.", None))
        } @else {
            (table("Customers", &[column("Customer"), column("Why not"), acts()], rows))
            @if all.len() >= 50 { p.muted { "Search to see others." } }
        }
    };
    let title = format!("Move {} where?", person.name);
    let body =
        card(&title, Some(html! { span.muted { "Step 1 of 5" } }), html! { div.stack { (body) } });
    Ok(places::user_page(cx, &person, UserTab::Profile, 200, html! {}, body))
}

/// What was said so far, for the next page: all but the fields that are shown on it.
fn carried(input: &Input, shown: &[&str]) -> maud::Markup {
    html! {
        @for field in MOVE.iter().filter(|field| !shown.contains(&field.name)) {
            @if input.has(field.name) && field.name != "customer_id" {
                (crate::html::form::hidden(field.name, ""))
            }
            @for value in input.all(field.name) { (crate::html::form::hidden(field.name, value)) }
        }
        @if !shown.contains(&"properties") {
            @for (key, _) in input.members("properties") {
                @let name = format!("properties.{key}");
                @for value in input.all(&name) { (crate::html::form::hidden(&name, value)) }
            }
        }
    }
}
