//! A user's tab of roles held: giving and taking.

use crate::auth::permissions::{RolesGrant, RolesRead, TokensManage, UsersPassword};
use crate::auth::{Scope, WITHOUT};
use crate::error::{Complaint, Error, Result};
use crate::html::button::{button, cancel, link, primary};
use crate::html::field::{Opts, check, choice_field, text_field};
use crate::html::form::{complaints_flash, fieldset, form_foot, post_form};
use crate::html::parts::section;
use crate::html::table::{acts, column, empty, table};
use crate::html::text::{date, when};
use crate::ids::{GrantId, UserId};
use crate::input::Input;
use crate::places::{self, Person, UserTab};
use crate::roles::{Grant, Role, asks_for_factor, choices, grant, grants as held_by, store, take};
use crate::web::{Cx, Response};
use maud::{Markup, html};

const LABELS: &[(&str, &str)] =
    &[("role", "Role"), ("customer", "At"), ("until_on", "Last day"), (WITHOUT, "")];

/// The tab Access of a user.
pub fn held(cx: &Cx, scope: &Scope<RolesRead>) -> Result<Response> {
    access(cx, scope, 200, &Input::default(), &[])
}

pub fn create(cx: &Cx, scope: &Scope<RolesGrant>) -> Result<Response> {
    let user: UserId = cx.param("id")?;
    let input = cx.input()?;
    let home = places::home_of(cx.db, scope, user)?;
    let said = match input.get("customer") {
        "" => Ok((home, input.clone())),
        code => cx
            .db
            .read(|db| Ok(store::by_code(db, scope, code)?.map(|at| (at, input.clone()))))?
            .ok_or_else(|| {
                vec![Complaint::new("customer", "is not the code of a customer you reach")]
            }),
    };
    let given = said.map_err(Error::Invalid).and_then(|(at, mut said)| {
        said.remove("customer");
        said.set("customer_id", at);
        if cx.db.read(|db| asks_for_factor(db, at, said.get("role")))? {
            cx.again()?;
        }
        grant(cx.db, &cx.actor, scope, user, &said)
    });
    match given {
        Ok(_) => {
            Ok(cx.done(format!("/users/{user}/access"), "Given. It holds from the next sign-in."))
        }
        Err(Error::Invalid(complaints)) => match cx.actor.scope::<RolesRead>() {
            Ok(read) => access(cx, &read, 422, &input, &complaints),
            Err(_) => Err(Error::Invalid(complaints)),
        },
        Err(err) => Err(err),
    }
}

/// Taking a role: at once, or asked first where somewhere no administrator would be left.
pub fn destroy(cx: &Cx, scope: &Scope<RolesGrant>) -> Result<Response> {
    let (user, id): (UserId, GrantId) = (cx.param("id")?, cx.param("grant")?);
    let input = cx.input()?;
    match take(cx.db, &cx.actor, scope, user, id, &input) {
        Ok(()) => Ok(cx.done(format!("/users/{user}/access"), "Taken. Their sign-ins have ended.")),
        Err(Error::Invalid(complaints)) if complaints.iter().any(|c| c.field == WITHOUT) => {
            let person = cx.db.read(|db| places::user(db, scope, user))?;
            let action = format!("/users/{user}/roles/{id}/take");
            let body = html! {
                (complaints_flash(&complaints, LABELS))
                (post_form(&cx.csrf, &action, html! {
                    div.form { (fieldset("Take it all the same", "", html! {
                        (check(&input, &[], WITHOUT, "Go on though no administrator is left", ""))
                    })) }
                    (form_foot(html! {
                        (button("Take role").danger()) (cancel(&format!("/users/{user}/access")))
                    }))
                }))
            };
            Ok(places::user_page(cx, &person, UserTab::Access, 422, html! {}, body))
        }
        Err(Error::Invalid(complaints)) => match cx.actor.scope::<RolesRead>() {
            Ok(read) => access(cx, &read, 422, &Input::default(), &complaints),
            Err(_) => Err(Error::Invalid(complaints)),
        },
        Err(err) => Err(err),
    }
}

fn access(
    cx: &Cx,
    scope: &Scope<RolesRead>,
    status: u16,
    input: &Input,
    complaints: &[Complaint],
) -> Result<Response> {
    let id: UserId = cx.param("id")?;
    let may = cx.actor.scope::<RolesGrant>().ok();
    let (person, held, may, offered) = cx.db.read(|db| {
        let person = places::user(db, scope, id)?;
        let held = held_by(db, scope, id)?;
        let may = match &may {
            Some(grant) => grant.reaches(db, person.customer.id).is_ok() && id != cx.actor.user,
            None => false,
        };
        let offered =
            if may { choices(db, &cx.actor, scope, &person.customer)? } else { Vec::new() };
        Ok((person, held, may, offered))
    })?;
    let actions = html! {
        (link("Sign-in", &format!("/users/{id}/sign-in")))
        @if cx.actor.may::<TokensManage>() { (link("API tokens", &format!("/users/{id}/tokens"))) }
        (link("Why can’t they?", &format!("/access/why?user={id}")))
        @if cx.actor.may::<UsersPassword>() {
            (link("Password link…", &format!("/users/{id}/password-link")))
            (link("Welcome…", &format!("/users/{id}/welcome")))
        }
    };
    let body = html! {
        (complaints_flash(complaints, LABELS))
        (section("Roles", None, grants(cx, &person, &held, may)))
        @if may && !offered.is_empty() { (grant_form(cx, &person, &offered, input, complaints)) }
    };
    Ok(places::user_page(cx, &person, UserTab::Access, status, actions, body))
}

fn grants(cx: &Cx, person: &Person, held: &[Grant], may: bool) -> Markup {
    if held.is_empty() {
        let text = "Without a role somebody sees their own account and nothing else.";
        return empty("shield", "No roles", text, None);
    }
    let columns = [
        column("Role"),
        column("At"),
        column("Since").class("p2"),
        column("Last day").class("p2"),
        acts(),
    ];
    let rows = html! {
        @for each in held {
            tr {
                th scope="row" {
                    a href={ "/roles/" (each.role_id) } { (each.role) }
                    @if let Some(why) = &each.why_not { small { "Not in force: " (why) } }
                }
                td { (each.customer) }
                td.p2 { (when(each.granted_at, &cx.actor.zone, cx.db.now())) }
                td.p2 { @if let Some(day) = each.until_on { (date(day)) } @else { "–" } }
                td.acts {
                    @if may {
                        (button("Take").small().about(&each.role)
                            .posts(&format!("/users/{}/roles/{}/take", person.id, each.id)))
                    }
                }
            }
        }
    };
    table("Roles held", &columns, rows)
}

fn grant_form(
    cx: &Cx,
    person: &Person,
    offered: &[Role],
    input: &Input,
    complaints: &[Complaint],
) -> Markup {
    let roles: Vec<(&str, &str)> =
        offered.iter().map(|role| (role.name.as_str(), role.name.as_str())).collect();
    let at = format!("Its code. Left empty, the role stands at {}.", person.customer.name);
    let about = "Offered is what you hold yourself. Their sign-ins end, so that it holds at once.";
    post_form(
        &cx.csrf,
        &format!("/users/{}/roles", person.id),
        html! {
            div.form {
                (fieldset("Give a role", about, html! {
                    (choice_field(input, complaints, "role", "Role", &roles, Opts { width: 3, ..Opts::default() }))
                    (text_field(input, complaints, "customer", "At another customer",
                                Opts { width: 3, hint: &at, optional: true, most: Some(20), ..Opts::default() }))
                    (text_field(input, complaints, "until_on", "Last day", Opts { width: 3, kind: "date", optional: true, ..Opts::default() }))
                }))
            }
            (form_foot(html! { (primary("Give role")) }))
        },
    )
}
