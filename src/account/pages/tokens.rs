//! Tokens: one's own, and those of people and programs whom one looks after.

use super::page;
use crate::account::{
    TOKEN, Token, holds, make_token, make_token_for, revoke_token, store, tokens,
};
use crate::auth::permissions::{ALL, AccountRead, TokensManage, TokensOwn, UsersRename};
use crate::auth::{self, Actor, Door, Own, Scope};
use crate::db::Via;
use crate::error::{Complaint, Error, Result};
use crate::html::button::{button, primary};
use crate::html::field::{Opts, complaint_of, text_field, tick};
use crate::html::form::{complaints_flash, fieldset, form_foot, post_form};
use crate::html::parts::{Tone, flash, pill, section};
use crate::html::table::{acts, column, empty, table};
use crate::html::text::when;
use crate::ids::UserId;
use crate::input::Input;
use crate::places::{self, UserTab, capital};
use crate::secret::Secret;
use crate::web::{Cx, Paging, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] = &[
    ("name", "Name"),
    ("permissions", "Permissions"),
    ("customer_id", "Customer"),
    ("days", "Days"),
];

pub fn index(cx: &Cx, own: &Own<TokensOwn>) -> Result<Response> {
    let mut input = Input::default();
    input.set("days", 90);
    own_page(cx, own, 200, &input, &[], None)
}

/// Shows the token just made; this answer is the only place it stands in.
pub fn create(cx: &Cx, own: &Own<TokensOwn>) -> Result<Response> {
    cx.again()?;
    let typed = cx.input()?;
    let made = said(cx, &typed).and_then(|input| make_token(cx.db, &cx.actor, own, &input));
    match made {
        Ok((_, text)) => own_page(cx, own, 200, &Input::default(), &[], Some(&text)),
        Err(Error::Invalid(complaints)) => own_page(cx, own, 422, &typed, &complaints, None),
        Err(err) => Err(err),
    }
}

pub fn destroy(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    revoke_token(cx.db, &cx.actor, cx.param("id")?)?;
    Ok(cx.done("/account/tokens", "Revoked. Whoever uses it is refused from now on."))
}

/// The tokens of somebody else, and a new one where that is a program.
pub fn of_user(cx: &Cx, scope: &Scope<TokensManage>) -> Result<Response> {
    let mut input = Input::default();
    input.set("days", 90);
    their_page(cx, scope, 200, &input, &[], None)
}

pub fn create_for(cx: &Cx, scope: &Scope<UsersRename>) -> Result<Response> {
    cx.again()?;
    let (user, typed): (UserId, Input) = (cx.param("id")?, cx.input()?);
    let manage = cx.actor.scope::<TokensManage>()?;
    let input = said(cx, &typed);
    match input.and_then(|input| make_token_for(cx.db, &cx.actor, scope, user, &input)) {
        Ok((_, text)) => their_page(cx, &manage, 200, &Input::default(), &[], Some(&text)),
        Err(Error::Invalid(complaints)) => their_page(cx, &manage, 422, &typed, &complaints, None),
        Err(err) => Err(err),
    }
}

pub fn destroy_of(cx: &Cx, scope: &Scope<TokensManage>) -> Result<Response> {
    let user: UserId = cx.param("id")?;
    let of_them = cx.db.read(|db| store::tokens(db, scope, user, &Paging::first(200)))?;
    let id = cx.param("token")?;
    if !of_them.iter().any(|token| token.id == id) {
        return Err(Error::NotFound);
    }
    revoke_token(cx.db, &cx.actor, id)?;
    let at = format!("/users/{user}/tokens");
    Ok(cx.done(at, "Revoked. Whoever uses it is refused from now on."))
}

/// What a form says, with the customer's code turned into its number.
fn said(cx: &Cx, typed: &Input) -> Result<Input> {
    let mut input = typed.clone();
    let code = typed.get("customer_id");
    if !code.is_empty() {
        let unknown = || Error::invalid("customer_id", "is not one of the choices");
        let found = cx.db.read(|db| store::by_code(db, &code.to_uppercase()))?;
        input.set("customer_id", found.ok_or_else(unknown)?);
    }
    Ok(input)
}

fn own_page(
    cx: &Cx,
    own: &Own<TokensOwn>,
    status: u16,
    input: &Input,
    complaints: &[Complaint],
    made: Option<&Secret>,
) -> Result<Response> {
    let list = cx.db.read(|db| tokens(db, &cx.actor, own.user, &Paging::first(200)))?;
    let hint = "A token lets a program of yours use the API. Make one below.";
    let body = html! {
        (shown_once(made))
        (complaints_flash(complaints, LABELS))
        (section("Tokens", None, rows(cx, &list, "/account/tokens", hint)))
        (form(cx, "/account/tokens", &cx.actor, input, complaints))
    };
    debug_assert!(TOKEN.iter().all(|field| LABELS.iter().any(|(name, _)| *name == field.name)));
    Ok(page(cx, status, "API tokens", body))
}

fn their_page(
    cx: &Cx,
    scope: &Scope<TokensManage>,
    status: u16,
    input: &Input,
    complaints: &[Complaint],
    made: Option<&Secret>,
) -> Result<Response> {
    let user: UserId = cx.param("id")?;
    let rename = cx.actor.scope::<UsersRename>().ok().filter(|_| user != cx.actor.user);
    let (person, list, program) = cx.db.read(|db| {
        let person = places::user(db, scope, user)?;
        let list = store::tokens(db, scope, user, &Paging::first(200))?;
        let is_program = match &rename {
            Some(scope) => store::program_within(db, scope, user).is_ok_and(|home| home.is_some()),
            None => false,
        };
        let program =
            if is_program { auth::actor(db, user, Door::Token, Via::Api).ok() } else { None };
        Ok((person, list, program))
    })?;
    let at = format!("/users/{user}/tokens");
    let hint = "People make their own under My account. A user for programs gets them here.";
    let body = html! {
        (shown_once(made))
        (complaints_flash(complaints, LABELS))
        (section("API tokens", None, rows(cx, &list, &at, hint)))
        @if let Some(program) = &program { (form(cx, &at, program, input, complaints)) }
    };
    Ok(places::user_page(cx, &person, UserTab::Access, status, html! {}, body))
}

fn shown_once(made: Option<&Secret>) -> Markup {
    html! {
        @if let Some(text) = made {
            (flash(Tone::Wait, html! { b { "Copy this token now." } " It is shown this once." }, None))
            pre.log tabindex="0" { (text.reveal()) }
        }
    }
}

fn form(cx: &Cx, at: &str, whose: &Actor, input: &Input, complaints: &[Complaint]) -> Markup {
    let field = |name, label, opts| text_field(input, complaints, name, label, opts);
    let half = Opts { width: 3, ..Opts::default() };
    let mut groups: Vec<(&str, Vec<(&str, &str)>)> = Vec::new();
    for (name, _) in ALL.iter().filter(|(name, _)| holds(whose, name)) {
        let (head, rest) = name.split_once('.').unwrap_or((name, ""));
        match groups.last_mut().filter(|(last, _)| *last == head) {
            Some((_, names)) => names.push((name, rest)),
            None => groups.push((head, vec![(name, rest)])),
        }
    }
    let words = |text: &str| capital(&text.replace('_', " "));
    let chosen = input.all("permissions").next().is_some();
    post_form(
        &cx.csrf,
        at,
        html! {
            div.form {
                (fieldset("New token", "A program that shows it may do what its owner may, or less.", html! {
                    (field("name", "Name", Opts { most: Some(60), hint: "What uses it.", ..half }))
                    (field("days", "Days", Opts { kind: "number", hint: "Until it ends, at most 365.", ..half }))
                    (field("customer_id", "Customer", Opts { optional: true, ltr: true, most: Some(20), hint: "Its code. Left empty: all that are reached.", ..half }))
                }))
                (fieldset("Permissions", "Nothing ticked: all there are, but not what asks for the password again.", html! {
                    div.field {
                        @for (head, names) in &groups {
                            details open[chosen && names.iter().any(|(name, _)| input.all("permissions").any(|on| on == *name))] {
                                summary { (words(head)) }
                                @for (name, rest) in names { (tick(input, "permissions", name, &words(rest), "")) }
                            }
                        }
                        (complaint_of(complaints, "permissions", "Permissions"))
                    }
                }))
            }
            (form_foot(html! { (primary("Make token")) }))
        },
    )
}

fn rows(cx: &Cx, list: &[Token], at: &str, hint: &str) -> Markup {
    if list.is_empty() {
        return empty("key", "No tokens yet", hint, None);
    }
    let (zone, now) = (&cx.actor.zone, cx.db.now());
    let columns = [
        column("Name"),
        column("May").class("p3"),
        column("Last used").class("p2"),
        column("Ends"),
        acts(),
    ];
    let body = html! {
        @for token in list {
            tr {
                th scope="row" {
                    (token.name)
                    @if let Some(at) = token.customer_id { small { "customer " (at) " only" } }
                }
                td.p3 { (if token.permissions == ["*"] { "All there are".to_owned() } else { token.permissions.join(", ") }) }
                td.p2 { @if let Some(at) = token.last_used_at { (when(at, zone, now)) } @else { "Never" } }
                td {
                    @if token.revoked_at.is_some() { (pill(Tone::Off, "Revoked")) }
                    @else if token.expires_at <= now { (pill(Tone::Off, "Ended")) }
                    @else { (when(token.expires_at, zone, now)) }
                }
                td.acts {
                    @if token.revoked_at.is_none() && token.expires_at > now {
                        (button("Revoke").small().about(&token.name).posts(&format!("{at}/{}/revoke", token.id)))
                    }
                }
            }
        }
    };
    table("API tokens", &columns, body)
}
