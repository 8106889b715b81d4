//! How a customer follows its directory: the set-up, a sync by hand, and the last reports.

use crate::auth::Scope;
use crate::auth::permissions::ConnectorsWrite;
use crate::brake;
use crate::error::{Complaint, Error, Result};
use crate::html::button::{button, cancel, link, primary};
use crate::html::field::{Opts, complaint_of, radio, textarea, tick};
use crate::html::form::{complaints_flash, fieldset, form_foot, post_form};
use crate::html::parts::{Tone, card, card_flush, flash};
use crate::html::table::{self, column, table};
use crate::html::text;
use crate::ids::CustomerId;
use crate::input::Input;
use crate::matching::Site;
use crate::matching::sync::rehearsal::rehearse;
use crate::matching::sync::{
    self, Every, Leavers, Newcomers, SetUp, begin, end, ground, ownable, put, reports,
};
use crate::places::{self, Tab};
use crate::users::form::LABELS as FIELDS;
use crate::web::{Cx, Response, response};
use maud::{Markup, html};

/// Rows of a look that are shown; the report has all.
const SHOWN: usize = 500;

const LABELS: &[(&str, &str)] = &[
    ("ous", "OUs"),
    ("fields", "Fields"),
    ("leavers", "People who left"),
    ("newcomers", "New accounts"),
    ("every", "How often"),
];

pub fn show(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    let site = match cx.db.read(|db| ground(db, scope, customer)) {
        Err(Error::Invalid(wrong)) => return nowhere(cx, scope, customer, &wrong),
        site => site?,
    };
    let now = cx.db.read(|db| sync::of(db, customer))?;
    let mut input = Input::default();
    match &now {
        Some(it) => fill(&mut input, it),
        None => {
            input.set("ous", site.area().unwrap_or(&site.base));
            input.set("leavers", Leavers::Report.word());
            input.set("newcomers", Newcomers::Propose.word());
            input.set("every", Every::Daily.word());
            ownable(&site).iter().for_each(|field| input.push("fields", field));
        }
    }
    page(cx, scope, &site, now.is_some(), &input, &[])
}

fn fill(input: &mut Input, it: &SetUp) {
    input.set("ous", it.ous.join("\n"));
    it.fields.iter().for_each(|field| input.push("fields", field));
    input.set("leavers", it.leavers.word());
    input.set("newcomers", it.newcomers.word());
    input.set("every", it.every.word());
}

fn nowhere(
    cx: &Cx,
    scope: &Scope<ConnectorsWrite>,
    customer: CustomerId,
    wrong: &[Complaint],
) -> Result<Response> {
    let place = cx.db.read(|db| places::customer(db, scope, customer))?;
    let said: Vec<&str> = wrong.iter().map(|each| each.message.as_str()).collect();
    let body = flash(Tone::Wait, html! { (said.join(" ")) }, None);
    Ok(places::customer_page(cx, &place, Tab::Settings, 200, html! {}, body))
}

fn page(
    cx: &Cx,
    scope: &Scope<ConnectorsWrite>,
    site: &Site,
    follows: bool,
    input: &Input,
    wrong: &[Complaint],
) -> Result<Response> {
    let customer = site.customer;
    let place = cx.db.read(|db| places::customer(db, scope, customer))?;
    let at = format!("/customers/{customer}/directory-sync");
    let actions = html! {
        @if follows {
            (button("End the sync").posts(&format!("{at}/end")))
            (button("Look what it would do").posts(&format!("{at}/check")))
            (button("Sync now").primary().posts(&format!("{at}/run")))
        }
    };
    let area = Opts {
        rows: 3,
        ltr: true,
        hint: "One a line. All below them is followed.",
        ..Opts::default()
    };
    let label = |field: &str| {
        FIELDS
            .iter()
            .find(|(name, _)| *name == field)
            .map_or(field.to_owned(), |(_, label)| (*label).to_owned())
    };
    let form = html! {
        div.form {
            (fieldset("What is followed", "", html! {
                (textarea(input, wrong, "ous", "OUs", area))
            }))
            (fieldset("What the directory owns", "These are changed there only, and read-only here.", html! {
                @for field in ownable(site) { div.field { (tick(input, "fields", field, &label(field), "")) } }
                (complaint_of(wrong, "fields", "Fields"))
            }))
            (fieldset("People who left", "Disabled or deleted there", html! {
                (radio(input, "leavers", "report", "Tell me", "The report names them"))
                (radio(input, "leavers", "suspend", "Disable them here too", "Never the last administrator nor accounts for emergencies. Where it would be many, the sync waits for a person"))
            }))
            (fieldset("New accounts", "That are nobody's here", html! {
                (radio(input, "newcomers", "propose", "Propose them", "They wait under Proposals"))
                (radio(input, "newcomers", "create", "Make users of them", "As an import does; no mail is sent"))
            }))
            (fieldset("How often", "", html! {
                (radio(input, "every", "never", "Only by hand", ""))
                (radio(input, "every", "hourly", "Every hour", ""))
                (radio(input, "every", "daily", "Every day", ""))
            }))
        }
        (form_foot(html! { (primary("Save")) (cancel(&format!("/customers/{customer}/location"))) }))
    };
    let held = cx.db.read(|db| brake::held_run(db, sync::KIND, customer))?;
    let body = html! {
        (complaints_flash(wrong, LABELS))
        @if let Some(run) = held {
            (flash(Tone::Wait, html! {
                "The last sync would take from many, so it waits until somebody has looked at its list: "
                a href={ "/runs/" (run) } { "what waits" } "."
            }, None))
        }
        (card("Sync with the directory", None, html! {
            p { (place.name) " follows " b { (site.name) } ": what changes there changes here. A sync has the rights of whoever saved it last." }
            (post_form(&cx.csrf, &at, form))
        }))
        (last(cx, customer)?)
    };
    let status = if wrong.is_empty() { 200 } else { 422 };
    Ok(places::customer_page(cx, &place, Tab::Settings, status, actions, body))
}

/// The last syncs, each with its report.
fn last(cx: &Cx, customer: CustomerId) -> Result<Markup> {
    let all = cx.db.read(|db| reports(db, customer))?;
    let columns = [column("When"), column("State"), column("What changed")];
    Ok(html! {
        @if !all.is_empty() {
            (card_flush("Last syncs", None, table("Last syncs", &columns, html! {
                @for each in &all {
                    tr {
                        th scope="row" { a href={ "/runs/" (each.run) } { (text::when(each.at, &cx.actor.zone, cx.db.now())) } }
                        td { (places::capital(&each.state)) }
                        td { (said(&each.numbers)) }
                    }
                }
            })))
        } @else { (table::empty("refresh", "No sync yet", "Its report shows here.", None)) }
    })
}

fn said(numbers: &std::collections::BTreeMap<String, i64>) -> String {
    let all: Vec<String> =
        numbers.iter().map(|(word, n)| format!("{n} {}", word.replace('_', " "))).collect();
    if all.is_empty() { "Nothing".to_owned() } else { all.join(", ") }
}

/// Lines of the box are OUs of their own.
fn typed(input: &mut Input) {
    let all: Vec<String> =
        input.all("ous").flat_map(str::lines).map(|line| line.trim().to_owned()).collect();
    input.remove("ous");
    all.iter().filter(|line| !line.is_empty()).for_each(|line| input.push("ous", line));
}

pub fn update(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    let said = cx.input()?;
    let mut input = said.clone();
    typed(&mut input);
    match put(cx.db, &cx.actor, scope, customer, &input) {
        Ok(()) => Ok(cx.done(format!("/customers/{customer}/directory-sync"), "Saved.")),
        Err(Error::Invalid(wrong)) => {
            let site = cx.db.read(|db| ground(db, scope, customer))?;
            let follows = cx.db.read(|db| sync::of(db, customer))?.is_some();
            page(cx, scope, &site, follows, &said, &wrong)
        }
        Err(err) => Err(err),
    }
}

pub fn run(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let run = begin(cx.db, scope, cx.param("id")?)?;
    Ok(response::redirect(format!("/runs/{run}")))
}

pub fn destroy(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    end(cx.db, scope, customer)?;
    Ok(cx.done(
        format!("/customers/{customer}/directory-sync"),
        "The sync is ended. Nothing else changed.",
    ))
}

/// What a sync would do now.
pub fn check(cx: &Cx, scope: &Scope<ConnectorsWrite>) -> Result<Response> {
    let customer: CustomerId = cx.param("id")?;
    let site = cx.db.read(|db| ground(db, scope, customer))?;
    let place = cx.db.read(|db| places::customer(db, scope, customer))?;
    let at = format!("/customers/{customer}/directory-sync");
    let told = match rehearse(cx.app, &cx.actor, customer) {
        Ok(told) => told,
        Err(Error::Invalid(wrong)) => {
            let mut input = Input::default();
            if let Some(it) = cx.db.read(|db| sync::of(db, customer))? {
                fill(&mut input, &it);
            }
            return page(cx, scope, &site, true, &input, &wrong);
        }
        Err(err) => return Err(err),
    };
    let columns = [column("Who"), column("What")];
    let rows = html! {
        @for each in told.rows.iter().take(SHOWN) {
            tr { th scope="row" { a href={ "/users/" (each.user_id) } { (each.name) } } td { (each.why) } }
        }
        @for each in told.accounts.iter().take(SHOWN) {
            tr { th scope="row" { (each.name) } td { (places::capital(each.result.word())) ". " (each.why) } }
        }
    };
    let all = told.rows.len() + told.accounts.len();
    let body = html! {
        @if let Some(held) = &told.held { (flash(Tone::Wait, html! { (held) }, None)) }
        (card("What a sync would do now", None, html! {
            p { "Nothing is written yet. " (text::count(i64::try_from(all).unwrap_or(i64::MAX), "thing", "things")) " would be done or told." }
            (link("Back to the sync", &at))
        }))
        @if all == 0 { (table::empty("check", "Nothing to do", "Both sides agree.", None)) }
        @else { (table("What a sync would do now", &columns, rows)) }
    };
    let actions = html! { (button("Sync now").primary().posts(&format!("{at}/run"))) };
    Ok(places::customer_page(cx, &place, Tab::Settings, 200, actions, body))
}
