//! The way through a move: where to, under which names and with what, then all of it once more, then
//! the act. Each step is a page, and nothing is kept before the last.

use super::{MOVE, Mover, Outcome, go, store};
use crate::assignments::{Held, moving as services};
use crate::auth::permissions::{RolesGrant, UsersMove};
use crate::auth::{Permission, Scope};
use crate::catalogue::{self, OnMove};
use crate::db::Read;
use crate::error::{Complaint, Error, Result};
use crate::html::button::{cancel, link, primary};
use crate::html::field::{Opts, complaint_of, field, options, text_field, textarea, tick};
use crate::html::form::{complaints_flash, fieldset, form_foot, hidden, post_form};
use crate::html::parts::{card, facts};
use crate::html::table::{acts, column, empty, filters, search, table};
use crate::ids::{CustomerId, UserId};
use crate::input::Input;
use crate::places::{self, UserTab};
use crate::users::{self, Home, User, moving};
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[
    ("customer_id", "Customer"),
    ("upn", "Sign-in name"),
    ("mail", "Primary address"),
    ("addresses", "Further addresses"),
    ("services", "Services"),
    ("external_emails", "Addresses elsewhere"),
    ("external_ids", "Known elsewhere as"),
];

/// Where to, and once that is chosen, under which names and with what.
pub fn ask(cx: &Cx, scope: &Scope<UsersMove>) -> Result<Response> {
    cx.again()?;
    match cx.request.query.get("customer_id").parse() {
        Ok(to) => form(cx, scope, to, &cx.request.query, &[]),
        Err(_) => choose(cx, scope),
    }
}

/// Shows what would be done, and does it where that was seen.
pub fn create(cx: &Cx, scope: &Scope<UsersMove>) -> Result<Response> {
    cx.again()?;
    let (id, mut input): (UserId, Input) = (cx.param("id")?, cx.input()?);
    let version = cx.expected_version(&mut input);
    let sure = input.get("sure") == "1";
    let change = input.get("change") == "1";
    ["sure", "change"].iter().for_each(|field| input.remove(field));
    // A line for each address, one list for all of them.
    let addresses: Vec<String> =
        input.all("addresses").flat_map(str::lines).map(|line| line.trim().to_owned()).collect();
    input.remove("addresses");
    addresses.iter().filter(|each| !each.is_empty()).for_each(|each| input.push("addresses", each));
    let to = input.get("customer_id").parse().map_err(|_| Error::NotFound)?;
    if change {
        return form(cx, scope, to, &input, &[]);
    }
    let again = || cx.again_for(RolesGrant::NAME);
    let mover = Mover { app: cx.app, actor: &cx.actor, scope, again: &again };
    match go(mover, id, &input, version, !sure) {
        Ok(outcome) if sure => {
            let said = match outcome.requests.len() {
                0 => "Moved.".to_owned(),
                _ => "Moved. What its services need is under way.".to_owned(),
            };
            Ok(cx.done(format!("/users/{id}"), &said))
        }
        Ok(outcome) => outlook(cx, scope, to, &input, &outcome),
        Err(Error::Invalid(all)) => form(cx, scope, to, &input, &all),
        Err(err) => Err(err),
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
    let rows = html! {
        @for each in &all {
            @let why = match (each.state.word(), each.full) {
                ("active", false) => None,
                ("active", true) => Some("has as many users as it may have".to_owned()),
                (state, _) => Some(format!("is {state}")),
            };
            tr {
                th scope="row" { (each.name) " " span.tag { (each.code) } }
                td.muted { @if let Some(why) = &why { (why) } }
                td.acts { @if why.is_none() { (link("Choose", &format!("/users/{id}/move?customer_id={}", each.id)).small()) } }
            }
        }
    };
    let body = html! {
        (filters(&format!("/users/{id}/move"), search("Customer", q)))
        @if all.is_empty() {
            (empty("building", "No customer", "There is none that you may move users to.", None))
        } @else {
            (table("Customers", &[column("Customer"), column("Why not"), acts()], rows))
        }
    };
    let title = format!("Move {} where?", person.name);
    let body = card(&title, None, html! { div.stack { (body) } });
    Ok(places::user_page(cx, &person, UserTab::Profile, 200, html! {}, body))
}

/// A service with what can become of it.
struct Choice {
    held: Held,
    options: Vec<(String, String)>,
}

fn form(
    cx: &Cx,
    scope: &Scope<UsersMove>,
    to: CustomerId,
    typed: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let (person, user, home, choices, roles, made) = cx.db.read(|db| {
        let user = users::one(db, scope, id)?;
        let home = Home::of(db, scope, to)?;
        let mut choices = Vec::new();
        for held in services::living(db, id)? {
            choices.push(choice(db, held, to)?);
        }
        let (made, _) = moving::outlook(db, &home, &user, &Input::default())?;
        let roles = users::roles_at_home(db, &user)?;
        Ok((places::user(db, scope, id)?, user, home, choices, roles, made))
    })?;
    let mut input = Input::default();
    if let Some(made) = &made {
        input.set("upn", &made.upn);
        input.set("mail", &made.mail);
    }
    if !typed.has("roles") {
        roles.iter().for_each(|role| input.push("roles", role));
    }
    let mut input = typed.over(input);
    let lines = input.all("addresses").collect::<Vec<_>>().join("\n");
    input.set("addresses", lines);
    let there = &home.customer.details.name;
    let body = html! {
        (hidden("customer_id", to.0)) (hidden("version", user.version))
        div.form {
            (names(&user, &input, complaints))
            @if !choices.is_empty() { (fieldset("Services", "", html! {
                @for choice in &choices { (service(choice, &input)) }
                (complaint_of(complaints, "services", "Services"))
            })) }
            (fieldset("What comes along", "", html! {
                input type="hidden" name="roles" value="";
                @for role in &roles { (tick(&input, "roles", role, role, "Where it is allowed and yours to give.")) }
                p.muted { "Department and location come by their names. Manager and reports end. Requests and history stay with " (person.customer.name) "." }
            }))
        }
        (form_foot(html! { (primary("Show what would happen")) (cancel(&format!("/users/{id}/move"))) }))
    };
    let body = html! {
        (complaints_flash(complaints, LABELS))
        (card(&format!("Move {} to {there}", person.name), None,
            post_form(&cx.csrf, &format!("/users/{id}/move"), body)))
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::user_page(cx, &person, UserTab::Profile, status, html! {}, body))
}

fn names(user: &User, input: &Input, complaints: &[Complaint]) -> Markup {
    let (upn, mail) = (format!("Now {}.", user.details.upn), format!("Now {}.", user.details.mail));
    let wide = |hint| Opts { width: 3, ltr: true, hint, ..Opts::default() };
    fieldset(
        "Names",
        "The old ones end with the move.",
        html! {
            (text_field(input, complaints, "upn", "Sign-in name", wide(&upn)))
            (text_field(input, complaints, "mail", "Primary address", wide(&mail)))
            (textarea(input, complaints, "addresses", "Further addresses",
                Opts { rows: 2, optional: true, ltr: true, hint: "One a line.", ..Opts::default() }))
        },
    )
}

fn choice(db: &Read, held: Held, to: CustomerId) -> Result<Choice> {
    let on_move = catalogue::service(db, held.service)?.on_move;
    let number = held.id.number();
    let mut plans = match services::standing(db, to, held.service)? {
        Some(standing) => standing.plans,
        None => Vec::new(),
    };
    // The equal plan first.
    plans.sort_by_key(|(_, code, _)| *code != held.plan);
    let mut options = Vec::new();
    if on_move != OnMove::Carry {
        options.push((format!("{number}:choose"), "Choose …".to_owned()));
    }
    for (verb, words) in [("move", "Moves along"), ("anew", "Made anew, data stays behind")] {
        if verb == "move" && on_move != OnMove::Carry {
            continue;
        }
        for (_, code, name) in &plans {
            options.push((format!("{number}:{verb}:{code}"), format!("{words}: {name}")));
        }
    }
    options.push((format!("{number}:end"), "Ends".to_owned()));
    Ok(Choice { held, options })
}

fn service(choice: &Choice, input: &Input) -> Markup {
    let number = choice.held.id.number();
    let said = input.all("services").find(|text| text.starts_with(&format!("{number}:")));
    let id = format!("service-{number}");
    let label = format!("{}, {}", choice.held.title(), choice.held.plan_name);
    let control = html! {
        select.form-select id=(id) name="services" { (options(&choice.options, said.unwrap_or(""))) }
    };
    field(&[], &id, &label, Opts { width: 4, ..Opts::default() }, control)
}

fn outlook(
    cx: &Cx,
    scope: &Scope<UsersMove>,
    to: CustomerId,
    input: &Input,
    outcome: &Outcome,
) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let (person, user, there) = cx.db.read(|db| {
        let there = places::customer(db, scope, to)?;
        Ok((places::user(db, scope, id)?, users::one(db, scope, id)?, there.name))
    })?;
    let lines = |all: &[String]| html! { @for each in all { div { (each) } } };
    let mut list = vec![
        ("From", html! { (person.customer.name) }),
        ("To", html! { (there) }),
        ("Sign-in name", html! { (user.details.upn) " → " b { (outcome.upn) } }),
        ("Primary address", html! { (user.details.mail) " → " b { (outcome.mail) } }),
    ];
    for (label, all) in [
        ("Moves along", &outcome.carried),
        ("Made anew", &outcome.anew),
        ("Ends", &outcome.ended),
        ("Roles there", &outcome.roles),
        ("Dropped", &outcome.dropped),
    ] {
        if !all.is_empty() {
            list.push((label, lines(all)));
        }
    }
    let kept = html! {
        (hidden("version", user.version))
        @for field in MOVE { @for value in input.all(field.name) { (hidden(field.name, value)) } }
    };
    let at = format!("/users/{id}/move");
    let body = card(
        &format!("Move {} to {there}?", person.name),
        None,
        html! {
            div.stack {
                p { "Every sign-in ends, and tokens are revoked. Billing goes on at " (there) " from this moment." }
                (facts(&list))
                div.row {
                    (post_form(&cx.csrf, &at, html! { (kept) (hidden("sure", "1")) (primary("Move")) }))
                    (post_form(&cx.csrf, &at, html! { (kept) (hidden("change", "1")) button.btn { "Change something" } }))
                    (cancel(&format!("/users/{id}")))
                }
            }
        },
    );
    Ok(places::user_page(cx, &person, UserTab::Profile, 200, html! {}, body))
}
