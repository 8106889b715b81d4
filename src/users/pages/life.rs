//! The questions before a user's verbs, and their answers. Each says what it would touch.

use crate::approvals::chains::Verb;
use crate::auth::permissions::{UsersDelete, UsersDeprovision, UsersDisable, UsersUpdate};
use crate::auth::{Permission, Scope, WITHOUT};
use crate::customers::rehearsal::shown::what_happens;
use crate::customers::rehearsal::{self, Preview};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{Button, button, cancel, link, primary};
use crate::html::field::{check, typed_field};
use crate::html::form::{complaints_flash, form_foot, post_form};
use crate::html::parts::{Tone, card, facts, flash};
use crate::html::text;
use crate::ids::UserId;
use crate::input::Input;
use crate::places::{self, Person, State, UserTab};
use crate::users::life::{self, Effects};
use crate::users::{self, User, consent, erase as erasing, reaches};
use crate::web::{Cx, Response};
use maud::{Markup, html};

/// A verb as it is asked about.
struct Question {
    verb: &'static str,
    from: &'static [State],
    says: &'static str,
}

const DISABLE: Question = Question {
    verb: "Disable",
    from: &[State::Active],
    says: "Every sign-in ends now, tokens are revoked, and services are suspended. Nothing is deleted, and billing goes on.",
};
const ENABLE: Question = Question {
    verb: "Enable",
    from: &[State::Disabled],
    says: "Signing in works again, and services run. Tokens that were revoked stay so.",
};
const DEPROVISION: Question = Question {
    verb: "Deprovision",
    from: &[State::Active, State::Disabled],
    says: "The account ends: services are removed outside and billed no more, roles and tokens go. What was there is remembered, and can be brought back.",
};
const DELETE: Question = Question {
    verb: "Delete",
    from: &[State::Active, State::Disabled, State::Deprovisioned],
    says: "The user goes into the bin for thirty days and is then erased. Until then names and addresses stay taken.",
};
const RESTORE: Question = Question {
    verb: "Restore",
    from: &[State::Deleted],
    says: "The user comes out of the bin, deprovisioned as before.",
};
const ERASE: Question = Question {
    verb: "Erase",
    from: &[State::Deleted],
    says: "Name, addresses, numbers and everything else personal go now, for good. Ledger and invoices keep their own text.",
};

pub fn ask_disable(cx: &Cx, scope: &Scope<UsersDisable>) -> Result<Response> {
    ask(cx, scope, &DISABLE, &[])
}

pub fn disable(cx: &Cx, scope: &Scope<UsersDisable>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let done = life::disable(cx.db, &cx.actor, scope, id, &cx.input()?);
    told(cx, scope, &DISABLE, done, "Disabled. Every sign-in was ended.")
}

pub fn ask_enable(cx: &Cx, scope: &Scope<UsersDisable>) -> Result<Response> {
    ask(cx, scope, &ENABLE, &[])
}

pub fn enable(cx: &Cx, scope: &Scope<UsersDisable>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let done = life::enable(cx.db, &cx.actor, scope, id);
    told(cx, scope, &ENABLE, done, "Enabled.")
}

/// A button of the menu: it only sends once more what is wanted anyhow.
pub fn provision(cx: &Cx, scope: &Scope<UsersUpdate>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let requests = life::provision(cx.db, scope, id)?;
    let n = i64::try_from(requests.len()).unwrap_or(0);
    let said = match n {
        0 => "There was nothing to bring to outside systems.".to_owned(),
        n => format!("{} under way.", text::count(n, "request is", "requests are")),
    };
    Ok(cx.done(format!("/users/{id}"), &said))
}

pub fn ask_deprovision(cx: &Cx, scope: &Scope<UsersDeprovision>) -> Result<Response> {
    cx.again()?;
    ask(cx, scope, &DEPROVISION, &[])
}

pub fn deprovision(cx: &Cx, scope: &Scope<UsersDeprovision>) -> Result<Response> {
    cx.again()?;
    let id: UserId = cx.param("id")?;
    let input = cx.input()?;
    let done = match consent::end(cx, scope, id, &input) {
        Ok(Some(_)) => return Ok(consent::told(cx)),
        Ok(None) => life::deprovision(cx.db, &cx.actor, scope, id, &input).map(|_| ()),
        Err(err) => Err(err),
    };
    told(cx, scope, &DEPROVISION, done, "Deprovisioned. What was there is remembered.")
}

pub fn ask_delete(cx: &Cx, scope: &Scope<UsersDelete>) -> Result<Response> {
    cx.again()?;
    ask(cx, scope, &DELETE, &[])
}

pub fn destroy(cx: &Cx, scope: &Scope<UsersDelete>) -> Result<Response> {
    cx.again()?;
    let (id, input): (UserId, Input) = (cx.param("id")?, cx.input()?);
    let done = life::delete(cx.db, &cx.actor, scope, id, &input).map(|_| ());
    told(cx, scope, &DELETE, done, "Deleted. The bin keeps the user for thirty days.")
}

pub fn ask_restore(cx: &Cx, scope: &Scope<UsersDelete>) -> Result<Response> {
    ask(cx, scope, &RESTORE, &[])
}

pub fn restore(cx: &Cx, scope: &Scope<UsersDelete>) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let done = life::restore(cx.db, &cx.actor, scope, id);
    told(cx, scope, &RESTORE, done, "Restored, deprovisioned as before.")
}

pub fn ask_erase(cx: &Cx, scope: &Scope<UsersDelete>) -> Result<Response> {
    cx.again()?;
    ask(cx, scope, &ERASE, &[])
}

pub fn erase(cx: &Cx, scope: &Scope<UsersDelete>) -> Result<Response> {
    cx.again()?;
    let id: UserId = cx.param("id")?;
    let home = places::home_of(cx.db, scope, id)?;
    match erasing::erase(cx.db, &cx.actor, scope, id, &cx.input()?) {
        Ok(()) => Ok(cx.done(format!("/customers/{home}/users"), "Erased.")),
        Err(Error::Invalid(all)) => ask(cx, scope, &ERASE, &all),
        Err(err) => Err(err),
    }
}

fn told<P: Permission>(
    cx: &Cx,
    scope: &Scope<P>,
    question: &Question,
    done: Result<()>,
    said: &str,
) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    match done {
        Ok(()) => Ok(cx.done(format!("/users/{id}"), said)),
        Err(Error::Invalid(all)) => ask(cx, scope, question, &all),
        Err(err) => Err(err),
    }
}

fn ask<P: Permission>(
    cx: &Cx,
    scope: &Scope<P>,
    question: &Question,
    complaints: &[Complaint],
) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let (person, user, effects, may_end) = cx.db.read(|db| {
        let user = users::one(db, scope, id)?;
        let effects = life::effects(db, &cx.actor, &user)?;
        let may_end = reaches::<UsersDeprovision>(db, &cx.actor, user.customer);
        Ok((places::user(db, scope, id)?, user, effects, may_end))
    })?;
    let ends = !matches!(question.verb, "Enable" | "Restore" | "Erase");
    let living = matches!(user.state, State::Active | State::Disabled);
    let both = living && may_end;
    let fits = question.from.contains(&user.state);
    let plan = match fits && complaints.is_empty() && question.verb != "Erase" {
        true => Some(rehearsed(cx, question, &user, both)?),
        false => None,
    };
    let against = plan.as_ref().map_or(&[][..], |plan| &plan.refusals);
    let form = if fits && against.is_empty() {
        let more = html! {
            @if let Some(why) = effects.last.as_ref().filter(|_| ends) {
                (flash(Tone::Wait, html! { (why) }, None))
                (check(&Input::default(), complaints, WITHOUT, "Go on though no administrator is left", ""))
            }
            @if question.verb == "Delete" && both {
                (check(&Input::default(), complaints, "deprovision",
                    &format!("Deprovision {} first", person.name),
                    "Needed while the account is there."))
            }
            @if question.verb == "Erase" { div.fields { (typed_field(complaints, &user.details.upn)) } }
        };
        let touched = html! {
            @if ends { (effects_of(&effects)) }
            @if let Some(plan) = &plan { (what_happens(plan)) }
        };
        form(cx, &person, question, touched, more)
    } else {
        let back = format!("/users/{id}");
        html! {
            @if !fits && complaints.is_empty() { p { (person.name) " is " (user.state.word()) "." } }
            p { (link("Back", &back)) }
        }
    };
    let body = html! {
        (complaints_flash(complaints, LABELS))
        (complaints_flash(against, LABELS))
        (form)
    };
    let status = if complaints.is_empty() { 200 } else { 422 };
    Ok(places::user_page(cx, &person, UserTab::Profile, status, html! {}, body))
}

const LABELS: &[(&str, &str)] = &[("confirm", "Confirmation"), (WITHOUT, "")];

/// What the verb would do; a tick that it needs counts as set.
fn rehearsed(cx: &Cx, question: &Question, user: &User, both: bool) -> Result<Preview> {
    let agreed = cx.actor.agreed_to();
    // Deleting does not wait: it is refused where others have to agree that the account ends.
    let (id, actor) = (user.id, if question.verb == "Delete" { &cx.actor } else { &agreed });
    let mut input = Input::default();
    input.set(WITHOUT, "1");
    let seen = rehearsal::of(cx.db, actor, user.customer, |_| match question.verb {
        "Disable" => life::disable(cx.db, actor, &actor.scope::<UsersDisable>()?, id, &input),
        "Enable" => life::enable(cx.db, actor, &actor.scope::<UsersDisable>()?, id),
        "Deprovision" => {
            let scope = actor.scope::<UsersDeprovision>()?;
            life::deprovision(cx.db, actor, &scope, id, &input).map(|_| ())
        }
        "Delete" => {
            let mut input = input.clone();
            input.set("deprovision", if both { "1" } else { "0" });
            life::delete(cx.db, actor, &actor.scope::<UsersDelete>()?, id, &input).map(|_| ())
        }
        _ => life::restore(cx.db, actor, &actor.scope::<UsersDelete>()?, id),
    })?;
    if question.verb != "Deprovision" {
        return Ok(seen);
    }
    let (at, verb) = (user.customer, Verb::UserDeprovision);
    let approvals = cx.db.read(|db| consent::named(db, &cx.actor, at, Some(id), verb));
    match approvals {
        Err(Error::Invalid(refusals)) => Ok(Preview { refusals, ..seen }),
        approvals => Ok(Preview { approvals: approvals?, ..seen }),
    }
}

fn form(cx: &Cx, person: &Person, question: &Question, touched: Markup, more: Markup) -> Markup {
    let back = format!("/users/{}", person.id);
    let at = format!("{back}/{}", question.verb.to_lowercase());
    let act: Button = match question.verb {
        "Enable" | "Restore" => primary(question.verb),
        verb => button(verb).danger(),
    };
    card(
        &format!("{} {}?", question.verb, person.name),
        None,
        html! {
            div.stack {
                p { (question.says) }
                (touched)
                (post_form(&cx.csrf, &at, html! {
                    (more)
                    (form_foot(html! { (act) (cancel(&back)) }))
                }))
            }
        },
    )
}

/// What would be touched, where there is anything.
pub fn effects_of(effects: &Effects) -> Markup {
    let mut list = Vec::new();
    if !effects.services.is_empty() {
        let names = effects.services.iter().map(|had| match had.plan_name.as_str() {
            "" => had.name.clone(),
            plan => format!("{}, {plan}", had.name),
        });
        let names: Vec<String> = names.collect();
        list.push(("Services", html! { (names.join(" · ")) }));
    }
    if !effects.roles.is_empty() {
        list.push(("Roles", html! { (effects.roles.join(" · ")) }));
    }
    if !effects.reports.is_empty() {
        let people = html! {
            @for (n, (id, name)) in effects.reports.iter().take(20).enumerate() {
                @if n > 0 { " · " }
                a href={ "/users/" (id) } { (name) }
            }
            @if effects.reports.len() > 20 { " …" }
        };
        list.push(("Reports", people));
    }
    html! {
        @for warning in &effects.warnings { (flash(Tone::Wait, html! { (warning) }, None)) }
        @if !list.is_empty() { (facts(&list)) }
    }
}
