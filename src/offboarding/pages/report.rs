//! One leaving: how far it is, and the report as it prints.

use crate::auth::Scope;
use crate::auth::permissions::{UsersDeprovision, UsersRead};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{button, cancel as back_to, link};
use crate::html::form::{complaints_flash, form_foot, post_form};
use crate::html::parts::{Tone, card, flash, pill};
use crate::html::table::{column, table};
use crate::html::text::moment;
use crate::ids::{OffboardingId, UserId};
use crate::offboarding::order::is_open;
use crate::offboarding::paper::state_word;
use crate::offboarding::report::{self, Line, Report};
use crate::offboarding::{
    Offboarding, Progress, Seal, State, call_off, one, pdf, tick as done_by_hand,
};
use crate::places::{self, Person, UserTab};
use crate::time::Zone;
use crate::users::reaches;
use crate::web::{Cx, Response, response};
use maud::{Markup, html};
use serde_json::json;

/// A state as pages show it.
pub fn state_pill(state: State) -> Markup {
    match state {
        State::Planned => pill(Tone::Wait, "Planned"),
        State::Begun => pill(Tone::Busy, "Under way"),
        State::Over => pill(Tone::Busy, "To be sealed"),
        State::Sealed => pill(Tone::Ok, "Sealed"),
        State::Cancelled => pill(Tone::Off, "Cancelled"),
    }
}

pub fn show(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let (user, id): (UserId, OffboardingId) = (cx.param("id")?, cx.param("offboarding")?);
    let (person, it, report, may) = cx.db.read(|db| {
        let person = places::user(db, scope, user)?;
        let it = one(db, scope, user, id)?;
        let report = report::of(db, &it)?;
        let may = reaches::<UsersDeprovision>(db, &cx.actor, person.customer.id);
        Ok((person, it, report, may))
    })?;
    let at = format!("/users/{user}/offboardings/{id}");
    let actions = html! {
        @if may && is_open(it.state) { (link("Cancel…", &format!("{at}/cancel")).danger_quiet()) }
        @if it.seal.is_some() {
            (link("PDF", &format!("{at}/pdf")).download().icon("download"))
            (link("JSON", &format!("{at}/report")).download())
        }
    };
    let waiting: Vec<_> = it.steps.iter().filter(|step| step.state == Progress::ByHand).collect();
    let by_hand = html! {
        @for step in &waiting {
            div {
                (step.text) " "
                @if !step.params.text.is_empty() { p.muted { "“" (step.params.text) "”" } }
                (button("Mark as done").small().about(&step.text).posts(&format!("{at}/steps/{}/done", step.id)))
            }
        }
    };
    let body = html! {
        @if let Some(seal) = it.seal.as_ref().filter(|seal| !seal.intact) {
            (flash(Tone::Bad, html! {
                p { b { "The report does not fit its seal." } " Report " (seal.number) ", or the chain before it, was changed." }
            }, None))
        }
        @if may && it.state != State::Sealed && !waiting.is_empty() {
            div.no-print { (card("To be done by hand", None, html! { div.stack { (by_hand) } })) }
        }
        (sheet(&it, &report, &cx.actor.zone))
    };
    Ok(places::user_page(cx, &person, UserTab::Memory, 200, actions, body))
}

/// The report on paper.
fn sheet(it: &Offboarding, report: &Report, zone: &Zone) -> Markup {
    let columns = [column("Step"), column("State"), column("When"), column("Result")];
    let rows = html! { @for line in &report.steps { (row(line, zone)) } };
    html! {
        article.sheet aria-label={ "Offboarding " (it.id) } {
            header {
                div {
                    h2 { "Offboarding of " (report.name) }
                    p { (report.upn) @if !report.upn.is_empty() { ", " } (report.customer_name) }
                }
                div { span.no-print { (state_pill(it.state)) } }
            }
            div.stack {
            dl.facts {
                dt { "Ordered" } dd { (moment(report.ordered_at, zone)) ", " (report.ordered_by) }
                dt { "Begins" } dd { (moment(report.begins_at, zone)) }
                @if let Some(at) = report.over_at { dt { "Last step" } dd { (moment(at, zone)) } }
                @if let Some(at) = report.looked_at { dt { "Looked at again" } dd { (moment(at, zone)) } }
            }
            (table("Steps", &columns, rows))
            @match &it.seal {
                Some(seal) => (sealed(seal, zone)),
                None => p.small { "This report is not sealed yet: that is done a day after the last step." },
            }
            }
        }
    }
}

fn row(line: &Line, zone: &Zone) -> Markup {
    let word = state_word(&line.state);
    let tone = match line.state.as_str() {
        "done" => Tone::Ok,
        "failed" => Tone::Bad,
        "cancelled" => Tone::Off,
        _ => Tone::Wait,
    };
    html! {
        tr {
            th scope="row" { (line.text) }
            td { (pill(tone, word)) }
            td { (moment(line.ended_at.filter(|_| word != "By hand").unwrap_or(line.due_at), zone)) }
            td {
                (line.result)
                @if let Some(by) = &line.by { ", " (by) }
                @if !line.found.is_empty() {
                    small {
                        @match line.holds {
                            Some(true) => "Holds: ",
                            Some(false) => "Does not hold: ",
                            None => "",
                        }
                        (line.found)
                    }
                }
            }
        }
    }
}

fn sealed(seal: &Seal, zone: &Zone) -> Markup {
    html! {
        dl.facts {
            dt { "Report" } dd { (seal.number) ", sealed " (moment(seal.sealed_at, zone)) }
            dt { "Seal" } dd.mono { (seal.hash) }
            @if !seal.previous.is_empty() { dt { "Seal before" } dd.mono { (seal.previous) } }
            dt { "Fits" } dd { @if seal.intact { "Yes" } @else { "No: it was changed" } }
        }
    }
}

/// The report as it was hashed: SHA-256 of the hash before, a line end, and the text.
pub fn download(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let (user, id): (UserId, OffboardingId) = (cx.param("id")?, cx.param("offboarding")?);
    let it = cx.db.read(|db| one(db, scope, user, id))?;
    let seal = it.seal.ok_or(Error::NotFound)?;
    let whole = json!({
        "number": seal.number, "sealed_at": seal.sealed_at, "previous": seal.previous,
        "hash": seal.hash, "report": seal.report,
    });
    let name = format!("offboarding-{id}.json");
    Ok(response::download(&name, "application/json", serde_json::to_vec_pretty(&whole)?))
}

/// The same on paper.
pub fn paper(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let (user, id): (UserId, OffboardingId) = (cx.param("id")?, cx.param("offboarding")?);
    let bytes = cx.db.read(|db| pdf(db, scope, user, id))?;
    Ok(response::download(&format!("offboarding-{id}.pdf"), "application/pdf", bytes))
}

pub fn ask_cancel(cx: &Cx, scope: &Scope<UsersDeprovision>) -> Result<Response> {
    let (user, id): (UserId, OffboardingId) = (cx.param("id")?, cx.param("offboarding")?);
    let (person, it) =
        cx.db.read(|db| Ok((places::user(db, scope, user)?, one(db, scope, user, id)?)))?;
    question(cx, &person, &it, &[])
}

pub fn cancel(cx: &Cx, scope: &Scope<UsersDeprovision>) -> Result<Response> {
    let (user, id): (UserId, OffboardingId) = (cx.param("id")?, cx.param("offboarding")?);
    match call_off(cx.db, &cx.actor, scope, user, id) {
        Ok(()) => Ok(cx.done(format!("/users/{user}/offboardings/{id}"), "Cancelled.")),
        Err(Error::Invalid(all)) => {
            let (person, it) =
                cx.db.read(|db| Ok((places::user(db, scope, user)?, one(db, scope, user, id)?)))?;
            question(cx, &person, &it, &all)
        }
        Err(err) => Err(err),
    }
}

fn question(
    cx: &Cx,
    person: &Person,
    it: &Offboarding,
    complaints: &[Complaint],
) -> Result<Response> {
    let at = format!("/users/{}/offboardings/{}", person.id, it.id);
    let says = match it.state {
        State::Planned => "Nothing of it has been done, and nothing will be.",
        _ => "What was done stays done; what is left is not done. The report is made all the same.",
    };
    let body = html! {
        (complaints_flash(complaints, &[]))
        (card(&format!("Cancel the offboarding of {}?", person.name), None, html! {
            div.stack {
                p { (says) }
                (post_form(&cx.csrf, &format!("{at}/cancel"), form_foot(html! {
                    (button("Cancel the offboarding").danger()) (back_to(&at))
                })))
            }
        }))
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::user_page(cx, person, UserTab::Memory, status, html! {}, body))
}

/// What no connector could do was done by somebody.
pub fn tick(cx: &Cx, scope: &Scope<UsersDeprovision>) -> Result<Response> {
    let (user, id): (UserId, OffboardingId) = (cx.param("id")?, cx.param("offboarding")?);
    done_by_hand(cx.db, &cx.actor, scope, (user, id, cx.param("step")?))?;
    Ok(cx.done(format!("/users/{user}/offboardings/{id}"), "Noted as done."))
}
