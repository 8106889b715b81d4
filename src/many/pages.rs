//! Many users in the browser: what is done to them, what it would do, and then the run.

use super::acts::{Act, SHARED};
use super::run::changed;
use super::{LOOKED_AT, One, Order, Verdict, start, users};
use crate::auth::permissions::{AccountRead, UsersRead};
use crate::auth::{Own, Scope};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{button, cancel, primary};
use crate::html::field::{Opts, check, choice_field, text_field, textarea};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{Tone, flash, pill};
use crate::html::table::{column, empty, table};
use crate::ids::CustomerId;
use crate::input::{CONFIRM, Input};
use crate::places::{self, Tab};
use crate::users::form::LABELS;
use crate::users::{self as people, Filter};
use crate::web::{Cx, Response, response};
use maud::{Markup, html};

/// Users of a preview that are shown; its counts are of all that were looked at.
const SHOWN: usize = 200;

const ACTS: [Act; 10] = [
    Act::Edit,
    Act::Enable,
    Act::Disable,
    Act::Unlock,
    Act::Provision,
    Act::AddRole,
    Act::TakeRole,
    Act::Link,
    Act::Expiry,
    Act::Upn,
];

/// Asks what is to be done to those who were ticked, or to all that match.
pub fn new(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let query = &cx.request.query;
    let mut input = Input::default();
    query.all("id").for_each(|id| input.push("ids", id));
    for name in ["action", "q", "state", "department"] {
        input.set(name, query.get(name));
    }
    if !input.has("ids") {
        input.set("all", "1");
    }
    if input.get("action").parse::<Act>().is_err() {
        input.set("action", Act::Edit.word());
    }
    ask(cx, scope, &input, &[])
}

/// Shows what the order would do, or starts it.
pub fn create(cx: &Cx, scope: &Scope<UsersRead>) -> Result<Response> {
    let (customer, mut input): (CustomerId, Input) = (cx.param("id")?, cx.input()?);
    let go = input.get("go").to_owned();
    input.remove("go");
    if go == "act" {
        return ask(cx, scope, &input, &[]);
    }
    let order = match cx.db.read(|db| Order::read(db, &cx.actor, scope, customer, &input)) {
        Ok(order) => order,
        Err(Error::Invalid(all)) => return ask(cx, scope, &input, &all),
        Err(other) => return Err(other),
    };
    if go != "run" {
        return preview(cx, scope, &order, &input, &[]);
    }
    if cx.db.read(|db| order.is_braked(db, customer))? {
        cx.again_for(order.act.permission())?;
    }
    match start(cx.db, cx.actor.by, customer, &order, &input) {
        Ok(run) => Ok(response::redirect(format!("/runs/{run}"))),
        Err(Error::Invalid(all)) => preview(cx, scope, &order, &input, &all),
        Err(other) => Err(other),
    }
}

fn ask(
    cx: &Cx,
    scope: &Scope<UsersRead>,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let act: Act = input.get("action").parse().unwrap_or(Act::Edit);
    let all = input.get("all") == "1";
    let (place, n, departments) = cx.db.read(|db| {
        let place = places::customer(db, scope, id)?;
        let n = match all {
            true => people::ids_of(db, scope, &filter(id, input)?, super::MOST + 1)?.len(),
            false => input.all("ids").count(),
        };
        Ok((place, n, people::departments(db, scope, id)?))
    })?;
    let status = if complaints.is_empty() { 200 } else { 422 };
    let acts: Vec<Act> = ACTS.into_iter().filter(|each| each.may(&cx.actor)).collect();
    if acts.is_empty() || n == 0 {
        let text = "Tick users in the list first.";
        let body = empty("users", "Nothing to do", text, None);
        return Ok(places::customer_page(cx, &place, Tab::Users, status, html! {}, body));
    }
    let choices: Vec<(&str, &str)> = acts.iter().map(|each| (each.word(), each.title())).collect();
    let here = format!("/customers/{id}/users/bulk");
    let body = html! {
        (complaints_flash(complaints, LABELS))
        (post_form(&cx.csrf, &here, html! {
            (whom(input))
            div.form {
                (fieldset(&format!("What is done to {}", users(n)), "", html! {
                    (choice_field(input, complaints, "action", "Do", &choices, Opts { width: 3, ..Opts::default() }))
                    div.field { (button("Show its fields").named("go", "act")) }
                }))
                (inputs(act, input, complaints, &departments))
            }
            (form_foot(html! { (primary("Show the preview")) (cancel(&format!("/customers/{id}/users"))) }))
        }))
    };
    Ok(places::customer_page(cx, &place, Tab::Users, status, html! {}, body))
}

fn filter(customer: CustomerId, input: &Input) -> Result<Filter> {
    let state = match input.get("state") {
        "" => None,
        word => Some(word.parse().map_err(|()| Error::NotFound)?),
    };
    Ok(Filter {
        customer: Some(customer),
        q: input.get("q").to_owned(),
        state,
        department: input.get("department").to_owned(),
    })
}

/// Who they are, carried from page to page.
fn whom(input: &Input) -> Markup {
    html! {
        @for id in input.all("ids") { (hidden("ids", id)) }
        @if input.get("all") == "1" {
            (hidden("all", "1"))
            @for name in ["q", "state", "department"] { (hidden(name, input.get(name))) }
        }
    }
}

fn inputs(act: Act, input: &Input, complaints: &[Complaint], departments: &[String]) -> Markup {
    let half = Opts { width: 3, optional: true, ..Opts::default() };
    match act {
        Act::Edit => fieldset(
            "Fields",
            "What stays empty is left as it is. Emptying a field is a tick of its own.",
            html! {
                datalist id="departments" { @for name in departments { option value=(name) {} } }
                @for field in SHARED {
                    @let name = format!("input.set.{field}");
                    @let label = label(field);
                    @let list = if *field == "department" { "departments" } else { "" };
                    @if *field == "notes" {
                        (textarea(input, complaints, &name, label, Opts { rows: 3, ..half }))
                    } @else {
                        (text_field(input, complaints, &name, label, Opts { list, ..half }))
                    }
                }
                div.field {
                    span.form-label { "Empty these" }
                    @for field in SHARED {
                        (crate::html::field::tick(input, "input.clear", field, label(field), ""))
                    }
                }
            },
        ),
        Act::AddRole | Act::TakeRole => fieldset(
            "Role",
            "At the customer itself; each is refused or given as by hand.",
            text_field(input, complaints, "input.role", "Role", half),
        ),
        Act::Expiry => fieldset(
            "Last day",
            "Empty: nobody's access ends by itself.",
            text_field(
                input,
                complaints,
                "input.expires_on",
                "Last day",
                Opts { kind: "date", ..half },
            ),
        ),
        Act::Upn => fieldset(
            "Sign-in names",
            "People sign in with the new name from then on, and are told.",
            html! {
                (text_field(input, complaints, "input.domain", "New domain", Opts { ltr: true, ..half }))
                // A tick that is taken off is not sent: the last of what is sent counts.
                (hidden("input.keep_address", "0"))
                (hidden("input.follow", "0"))
                (check(&ticked(input), complaints, "input.keep_address", "Keep the old name as an address", ""))
                (check(&ticked(input), complaints, "input.follow", "The primary address follows", ""))
            },
        ),
        _ => html! {},
    }
}

/// Both ticks of a renaming are on until somebody takes them off.
fn ticked(input: &Input) -> Input {
    let mut input = input.clone();
    for name in ["input.keep_address", "input.follow"] {
        if !input.has(name) {
            input.set(name, "1");
        }
    }
    input
}

fn label(field: &str) -> &str {
    LABELS.iter().find(|(name, _)| *name == field).map_or(field, |(_, label)| label)
}

fn preview(
    cx: &Cx,
    scope: &Scope<UsersRead>,
    order: &Order,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let id: CustomerId = cx.param("id")?;
    let (place, braked) =
        cx.db.read(|db| Ok((places::customer(db, scope, id)?, order.is_braked(db, id)?)))?;
    let all = order.preview(cx.app, &cx.actor)?;
    let of = |verdict| all.iter().filter(|one| one.result == verdict).count();
    let (will, same, cannot) = (of(Verdict::Changed), of(Verdict::Unchanged), of(Verdict::Refused));
    let n = order.ids.len();
    let columns = [column("Name"), column("What happens")];
    let rows = html! { @for one in all.iter().take(SHOWN) { (line(one)) } };
    let here = format!("/customers/{id}/users/bulk");
    let verb = format!("{}: {}", order.act.title(), users(n));
    let hint = "So many are touched at once. Type the number to confirm.";
    let body = html! {
        (complaints_flash(complaints, &[(CONFIRM.name, "Number of users")]))
        p { b { (order.act.title()) } ": " (will) " will change, " (same) " unchanged, " (cannot) " cannot." }
        @if n > LOOKED_AT {
            (flash(Tone::Wait, html! { "The first " (LOOKED_AT) " of " (n) " were looked at; the run tells of each." }, None))
        }
        @if all.len() > SHOWN { p.muted { "The first " (SHOWN) " are shown." } }
        (table("What it would do", &columns, rows))
        (post_form(&cx.csrf, &here, html! {
            (carried(input))
            @if input.get("all") == "1" { (hidden("expected", n)) }
            @if braked {
                div.form { div.fields {
                    (text_field(&Input::default(), complaints, CONFIRM.name, "Number of users",
                                Opts { hint, width: 3, autocomplete: "off", ..Opts::default() }))
                } }
            }
            (form_foot(html! {
                @if will > 0 || n > LOOKED_AT {
                    @if order.act.takes() { (button(&verb).danger().named("go", "run")) }
                    @else { (primary(&verb).named("go", "run")) }
                }
                (button("Back").named("go", "act"))
                (cancel(&format!("/customers/{id}/users")))
            }))
        }))
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::customer_page(cx, &place, Tab::Users, status, html! {}, body))
}

/// All that was said, for the next step.
fn carried(input: &Input) -> Markup {
    html! {
        (whom(input))
        (hidden("action", input.get("action")))
        @for (name, value) in input.members("input") {
            @if name != "clear" { (hidden(&format!("input.{name}"), value)) }
        }
        @for each in input.all("input.clear") { (hidden("input.clear", each)) }
    }
}

fn line(one: &One) -> Markup {
    let (tone, word) = match one.result {
        Verdict::Changed => (Tone::Busy, "Changes"),
        Verdict::Unchanged => (Tone::Off, "Unchanged"),
        Verdict::Refused => (Tone::Bad, "Cannot"),
    };
    html! {
        tr {
            th scope="row" { a href={ "/users/" (one.user_id) } { (one.name) } }
            td {
                (pill(tone, word))
                @for (field, pair) in &one.changes { small { (changed(field, pair)) } }
                @if !one.why.is_empty() { small { (one.why) } }
            }
        }
    }
}

pub fn retry(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let run = super::retry(cx.db, &cx.actor, own, cx.param("id")?)?;
    Ok(cx.done(format!("/runs/{run}"), "Those that failed are tried again."))
}

pub fn undo(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let run = super::undo(cx.db, &cx.actor, own, cx.param("id")?)?;
    Ok(cx.done(format!("/runs/{run}"), "It is being put back."))
}
