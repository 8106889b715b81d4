//! What waits for one's yes or no, with the plan of each; and who stands in.

use super::{
    Approval, State, View, Vote, Voter, api, decide, deputies, list, one, said, waits_for,
};
use crate::auth::permissions::{AccountRead, ApprovalsDecide, ApprovalsWrite, RequestsRead};
use crate::auth::{Own, Scope};
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{button, link, primary};
use crate::html::field::{Opts, choice_field, text_field, textarea};
use crate::html::form::{complaints_flash, form_foot, post_form};
use crate::html::parts::{
    Head, Tone, card, card_flush, facts, flash, page_head, pill, pill_tint, tabs,
};
use crate::html::story::{Change, Sign, diff};
use crate::html::table::{self, acts, column, table};
use crate::html::text;
use crate::ids::ApprovalId;
use crate::input::Input;
use crate::money::{Currency, Money};
use crate::places::capital;
use crate::web::{Cx, Response};
use maud::{Markup, html};
use serde::Deserialize;

/// What of a plan is shown to those who decide.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Plan {
    diffs: Vec<Diff>,
    steps: Vec<Step>,
    work: Vec<String>,
    monthly: Option<Monthly>,
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Diff {
    field: String,
    before: Option<String>,
    after: Option<String>,
}

#[derive(Deserialize)]
struct Step {
    title: String,
    times: i64,
}

#[derive(Deserialize)]
struct Monthly {
    currency: Currency,
    before_minor: i64,
    after_minor: i64,
    delta_minor: i64,
}

pub fn index(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let view = api::view(cx)?;
    let paging = cx.paging(api::FILTERS)?;
    let found = list(cx.db, own, view, &paging)?;
    let decides = cx.actor.may::<ApprovalsDecide>();
    let actions = html! {
        @if decides { (link("Deputies", "/approvals/deputies")) }
        @if cx.actor.may::<ApprovalsWrite>() { (link("Chains", "/approvals/chains")) }
    };
    let head = Head {
        lede: "Orders that begin when people have agreed to them.",
        actions: Some(actions),
        ..Head::default()
    };
    let views = [
        ("Wait for me", "/approvals", None),
        ("Ordered by me", "/approvals?view=ordered", None),
        ("Decided", "/approvals?view=decided", None),
    ];
    let (now, nothing) = match view {
        View::Mine => ("Wait for me", "What others order and you are asked about is listed here."),
        View::Ordered => {
            ("Ordered by me", "What you order and others have to agree to is listed here.")
        }
        View::Decided => ("Decided", "What ended within 30 days is listed here."),
    };
    let start = (!paging.is_first()).then(|| cx.first_href());
    let next = cx.next_href(found.next.as_ref());
    let body = html! {
        (page_head("Approvals", head))
        (tabs("Which approvals", &views, now))
        @if found.items.is_empty() {
            (table::empty("list-check", "Nothing here", nothing, None))
        } @else {
            (rows(cx, &found.items))
            (table::paging("", start.as_deref(), next.as_deref()))
        }
    };
    Ok(cx.page(Nav::Approvals, "Approvals", &[], body))
}

fn rows(cx: &Cx, all: &[Approval]) -> Markup {
    let (zone, now) = (&cx.actor.zone, cx.db.now());
    let columns = [
        column("What"),
        column("Ordered by").class("p2"),
        column("Customer").class("p3"),
        column("Until").class("p2"),
        column("State"),
    ];
    let body = html! {
        @for it in all {
            tr {
                th scope="row" {
                    a href={ "/approvals/" (it.id) } { (it.title) }
                    small { (it.chain) }
                }
                td.p2 { (it.ordered_by_name.as_deref().unwrap_or("Portico")) }
                td.p3 { (it.customer_name) }
                td.p2 { @if let Some(at) = it.expires_at { (text::when(at, zone, now)) } @else { "–" } }
                td { @let (tone, word) = toned(it.state); (pill(tone, &word)) }
            }
        }
    };
    table("Approvals", &columns, body)
}

fn toned(state: State) -> (Tone, String) {
    let tone = match state {
        State::Open | State::Later => Tone::Wait,
        State::Approved => Tone::Ok,
        State::Rejected | State::Expired => Tone::Bad,
        State::Withdrawn | State::Again => Tone::Off,
    };
    (tone, capital(said(state)))
}

pub fn show(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    page(cx, own, cx.param("id")?, &Input::default(), &[])
}

pub fn approve(cx: &Cx, scope: &Scope<ApprovalsDecide>) -> Result<Response> {
    act(cx, scope, Vote::Approve)
}

pub fn reject(cx: &Cx, scope: &Scope<ApprovalsDecide>) -> Result<Response> {
    act(cx, scope, Vote::Reject)
}

fn act(cx: &Cx, scope: &Scope<ApprovalsDecide>, vote: Vote) -> Result<Response> {
    let own = cx.actor.own::<AccountRead>()?;
    let (id, input): (ApprovalId, Input) = (cx.param("id")?, cx.input()?);
    let at = format!("/approvals/{id}");
    match decide(cx.db, &cx.app.config.key, scope, &own, id, vote, &input) {
        Ok(state) => {
            let text = match (vote, state) {
                (Vote::Reject, _) => "Rejected. It does not begin.",
                (Vote::Approve, State::Open) => "Noted. Others have to agree too.",
                (Vote::Approve, _) => "Approved.",
            };
            Ok(cx.done(at, text))
        }
        Err(Error::Conflict(why)) => Ok(cx.tell(at, Tone::Bad, &why)),
        Err(Error::Invalid(all)) => page(cx, &own, id, &input, &all),
        Err(err) => Err(err),
    }
}

pub fn withdraw(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let id: ApprovalId = cx.param("id")?;
    let at = format!("/approvals/{id}");
    match super::withdraw(cx.db, own, id) {
        Ok(()) => Ok(cx.done(at, "Withdrawn. It does not begin.")),
        Err(Error::Conflict(why)) => Ok(cx.tell(at, Tone::Bad, &why)),
        Err(err) => Err(err),
    }
}

fn page(
    cx: &Cx,
    own: &Own<AccountRead>,
    id: ApprovalId,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let (it, mine) = cx.db.read(|db| {
        let it = one(db, own, &cx.actor, id)?;
        let mine = waits_for(db, own, &it)?;
        Ok((it, mine))
    })?;
    let plan: Plan = serde_json::from_value(it.plan.clone()).unwrap_or_default();
    let (tone, word) = toned(it.state);
    let ordered = it.ordered_by == Some(own.user) && matches!(it.state, State::Open | State::Later);
    let head = Head { state: Some(pill_tint(tone, &word)), ..Head::default() };
    let body = html! {
        (page_head(&it.title, head))
        (complaints_flash(complaints, &[("comment", "Comment")]))
        @if !it.moved.is_empty() {
            (flash(Tone::Wait, html! { "It was agreed to before. Since then this has changed: " (it.moved) }, None))
        }
        @for warning in &plan.warnings { (flash(Tone::Wait, html! { (warning) }, None)) }
        div.cols {
            div.stack {
                @if !plan.diffs.is_empty() { (card_flush("Changes", None, changes(&plan.diffs))) }
                @if plan.work.is_empty() { (card("Work outside", None, steps(&plan.steps))) }
                @else { (card("What is done along with it", None, html! { ul { @for each in &plan.work { li { (each) } } } })) }
                @if let Some(monthly) = &plan.monthly { (card("Price a month", None, price(monthly))) }
            }
            div.stack {
                @if mine && cx.actor.may::<ApprovalsDecide>() {
                    (card("Decide", None, deciding(cx, &it, input, complaints)))
                }
                @if ordered {
                    (card("Take it back", None, html! {
                        p { "It does not begin, and nobody is asked any more." }
                        (button("Withdraw").danger_quiet().posts(&format!("/approvals/{id}/withdraw")))
                    }))
                }
                (card("Who is asked", None, voters(cx, &it)))
                (card("Details", None, details(cx, &it)))
            }
        }
    };
    let trail = [("Approvals", "/approvals".to_owned())];
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(cx.page_with(status, Nav::Approvals, &it.title, &trail, body))
}

fn changes(diffs: &[Diff]) -> Markup {
    let lines: Vec<Change> = diffs
        .iter()
        .map(|each| {
            let (sign, text) = match (&each.before, &each.after) {
                (Some(before), Some(after)) => (
                    Sign::Change,
                    html! { (each.field) ": " del { (before) } " → " ins { (after) } },
                ),
                (Some(before), None) => (Sign::Remove, html! { (each.field) ": " (before) }),
                (None, after) => {
                    let after = after.as_deref().unwrap_or_default();
                    (Sign::Add, html! { (each.field) ": " (after) })
                }
            };
            Change { sign, text, end: None, note: None }
        })
        .collect();
    diff(&lines)
}

fn steps(steps: &[Step]) -> Markup {
    html! {
        @if steps.is_empty() { p.muted { "There is nothing to do outside." } }
        @else {
            ol { @for step in steps {
                li { (step.title) @if step.times > 1 { " (" (step.times) " times)" } }
            } }
        }
    }
}

fn price(monthly: &Monthly) -> Markup {
    let of = |minor: i64| Money { minor, currency: monthly.currency };
    facts(&[
        ("Now", text::money(of(monthly.before_minor))),
        ("Then", text::money(of(monthly.after_minor))),
        ("Difference", text::change(of(monthly.delta_minor))),
    ])
}

fn deciding(cx: &Cx, it: &Approval, input: &Input, complaints: &[Complaint]) -> Markup {
    let hint = "Whoever ordered it reads it. Needed to reject.";
    let opts = Opts { hint, optional: true, most: Some(500), rows: 3, ..Opts::default() };
    let inside = html! {
        div.form { div.fields { (textarea(input, complaints, "comment", "Comment", opts)) } }
        (form_foot(html! {
            (primary("Approve"))
            (button("Reject").danger().to(&format!("/approvals/{}/reject", it.id)))
        }))
    };
    post_form(&cx.csrf, &format!("/approvals/{}/approve", it.id), inside)
}

fn voters(cx: &Cx, it: &Approval) -> Markup {
    html! {
        p { (it.needed) " of " (it.voters.len()) " have to agree, for the chain " (it.chain) "." }
        ul { @for voter in &it.voters { li { (vote(cx, voter)) } } }
    }
}

fn vote(cx: &Cx, voter: &Voter) -> Markup {
    html! {
        b { (voter.name) }
        @match voter.vote.as_str() {
            "approve" => " approved",
            "reject" => " rejected",
            _ => " was asked",
        }
        @if let Some(by) = &voter.by { ", said by the deputy " (by) }
        @if let Some(at) = voter.at { ", " (text::when_in_words(at, &cx.actor.zone, cx.db.now())) }
        @if !voter.comment.is_empty() { small { "“" (voter.comment) "”" } }
    }
}

fn details(cx: &Cx, it: &Approval) -> Markup {
    let (zone, now) = (&cx.actor.zone, cx.db.now());
    let mut list = vec![
        ("Customer", html! { (it.customer_name) }),
        ("Ordered by", html! { (it.ordered_by_name.as_deref().unwrap_or("Portico")) }),
    ];
    if let Some(name) = &it.for_name {
        list.push(("For", html! { (name) }));
    }
    let request = match cx.actor.may::<RequestsRead>() {
        true => html! { a href={ "/requests/" (it.request_id) } { "#" (it.request_id) } },
        false => html! { "#" (it.request_id) },
    };
    list.push(("Request", request));
    if let Some(at) = it.asked_at {
        list.push(("Asked", text::when(at, zone, now)));
    }
    match (it.ended_at, it.expires_at) {
        (Some(at), _) => list.push(("Ended", text::when(at, zone, now))),
        (None, Some(at)) => list.push(("Cancelled unless decided by", text::when(at, zone, now))),
        (None, None) => {}
    }
    facts(&list)
}

pub fn deputies_page(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    of_deputies(cx, own, &Input::default(), &[])
}

pub fn name_deputy(cx: &Cx, scope: &Scope<ApprovalsDecide>) -> Result<Response> {
    let own = cx.actor.own::<AccountRead>()?;
    let input = cx.input()?;
    match deputies::create(cx.db, scope, &own, cx.actor.home, &input) {
        Ok(_) => Ok(cx.done("/approvals/deputies", "The deputy was named.")),
        Err(Error::Invalid(all)) => of_deputies(cx, &own, &input, &all),
        Err(err) => Err(err),
    }
}

pub fn drop_deputy(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    deputies::delete(cx.db, own, cx.actor.home, cx.param("id")?)?;
    Ok(cx.done("/approvals/deputies", "The deputy decides no more in your place."))
}

fn of_deputies(
    cx: &Cx,
    own: &Own<AccountRead>,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let (all, people) = cx.db.read(|db| {
        Ok((deputies::list(db, own)?, deputies::candidates(db, cx.actor.home, own.user)?))
    })?;
    let labels = [("deputy_id", "Deputy"), ("from_on", "From"), ("until_on", "Until")];
    let columns = [column("Deputy"), column("From"), column("Until"), acts()];
    let mut choices = vec![(String::new(), "Choose somebody".to_owned())];
    choices.extend(people.iter().map(|person| (person.id.to_string(), person.name.clone())));
    let day = Opts { kind: "date", width: 3, ..Opts::default() };
    let inside = html! {
        div.form { div.fields {
            (choice_field(input, complaints, "deputy_id", "Deputy", &choices, Opts::default()))
            (text_field(input, complaints, "from_on", "From", day))
            (text_field(input, complaints, "until_on", "Until", day))
        } }
        (form_foot(html! { (primary("Name deputy")) }))
    };
    let head = Head {
        lede: "Somebody of your customer who decides in your place while you are away. Each decision shows both names.",
        ..Head::default()
    };
    let body = html! {
        (page_head("Deputies", head))
        (complaints_flash(complaints, &labels))
        div.stack {
            @if all.is_empty() {
                (table::empty("users", "No deputy", "Name one before you are away.", None))
            } @else {
                (table("Deputies", &columns, html! {
                    @for each in &all {
                        tr {
                            th scope="row" { (each.deputy) }
                            td { (text::date(each.from_on)) }
                            td { (text::date(each.until_on)) }
                            td.acts { (button("End").small().about(&each.deputy)
                                .posts(&format!("/approvals/deputies/{}/delete", each.id))) }
                        }
                    }
                }))
            }
            @if cx.actor.may::<ApprovalsDecide>() {
                (card("Name a deputy", None, post_form(&cx.csrf, "/approvals/deputies", inside)))
            }
        }
    };
    let trail = [("Approvals", "/approvals".to_owned())];
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(cx.page_with(status, Nav::Approvals, "Deputies", &trail, body))
}
