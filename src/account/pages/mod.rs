//! One's own pages: who one is here, how pages look, password, sign-ins, API tokens.

mod browser;
pub mod details;
pub mod factor;
pub mod photo;
pub mod tokens;

use super::{SignedIn, change_details, change_password, end_sign_ins, prove_recovery, store};
use crate::acting;
use crate::assignments::{self, Had};
use crate::auth::permissions::{AccountRead, AccountUpdate, TokensOwn};
use crate::auth::{Own, Stage};
use crate::customers::fields::LANGUAGES;
use crate::customers::properties::form::cards;
use crate::customers::properties::{Holder, Standing, values};
use crate::customers::settings;
use crate::error::{Complaint, Error, Result};
use crate::html::Nav;
use crate::html::button::{button, link, primary};
use crate::html::field::{Opts, check, choice_field, text_field};
use crate::html::form::{complaints_flash, fieldset, form_foot, post_form};
use crate::html::parts::{
    Head, Tone, card, datagrid, facts, flash, page_head, pill, section, tabs,
};

use crate::html::table::{acts, column, table};
use crate::html::text::{count, moment, when};
use crate::input::Input;
use crate::secret::{self, Secret};
use crate::signin::{self, outside};
use crate::web::{Cx, Response};
use maud::{Markup, Render, html};

const LABELS: &[(&str, &str)] = &[
    ("current", "Current password"),
    ("password", "New password"),
    ("time_zone", "Time zone"),
    ("language", "Language"),
];

pub fn show(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let (upn, _) = cx.db.read(|db| store::profile(db, own))?;
    account_page(cx, own, 200, &upn, None, &[])
}

/// Saves how pages speak to one.
pub fn update(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let input = cx.input()?;
    let (upn, _) = cx.db.read(|db| store::profile(db, own))?;
    match change_details(cx, own, &input) {
        Ok(()) => Ok(cx.done("/account", "Saved.")),
        Err(Error::Invalid(complaints)) => {
            account_page(cx, own, 422, &upn, Some(&input), &complaints)
        }
        Err(err) => Err(err),
    }
}

/// Mails a link that proves one's own address elsewhere.
pub fn send_proof(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let to = prove_recovery(cx, own)?;
    Ok(cx.done("/account", &format!("A link is on its way to {to}.")))
}

fn account_page(
    cx: &Cx,
    own: &Own<AccountRead>,
    status: u16,
    upn: &str,
    typed: Option<&Input>,
    complaints: &[Complaint],
) -> Result<Response> {
    let (details, days, acted, properties, services) = cx.db.read(|db| {
        let days = signin::days_left(db, own.user, cx.actor.home)?;
        let warned = settings::number(db, cx.actor.home, "password_banner_days")?.unwrap_or(0);
        let days = days.filter(|days| *days <= warned);
        let holder = Holder::user(cx.actor.home, own.user);
        let properties = values::of(db, Standing::Oneself, &holder)?;
        let services = assignments::had_by(db, own.user)?;
        Ok((store::details(db, own)?, days, acting::history(db, own)?, properties, services))
    })?;
    let mut kept = Input::default();
    kept.set("time_zone", &details.time_zone);
    kept.set("language", &details.language);
    let input = typed.unwrap_or(&kept);
    let zone_hint =
        format!("Like Europe/Amsterdam. Empty: your company’s, {}.", cx.actor.zone.name());
    let languages: Vec<(&str, &str)> =
        [("", "Your company’s")].into_iter().chain(LANGUAGES.iter().copied()).collect();
    let roles = if cx.actor.roles.is_empty() { "–" } else { &cx.actor.roles };
    let now = cx.request.cookie("portico-theme").unwrap_or("system");
    let body = html! {
        (complaints_flash(complaints, LABELS))
        @if let Some(days) = days {
            (flash(Tone::Wait, html! { "Your password ends in " (count(days.max(0), "day", "days")) "." }, Some(link("Change it", "/account/password").small().render())))
        }
        (datagrid(&[
            ("Name", html! { (cx.actor.name) }),
            ("Sign-in name", html! { span dir="ltr" { (upn) } }),
            ("Roles", html! { (roles) }),
            ("Private address", html! {
                @if details.recovery.is_empty() { "–" } @else {
                    span dir="ltr" { (details.recovery) } " "
                    @if details.proven { (pill(Tone::Ok, "Proven")) }
                    @else { (button("Prove that it is yours").small().posts("/account/recovery")) }
                }
            }),
        ]))
        (card("Language and time", None, post_form(&cx.csrf, "/account", html! {
            div.stack {
                div.fields {
                    (text_field(input, complaints, "time_zone", "Time zone", Opts { width: 3, optional: true, ltr: true, hint: &zone_hint, ..Opts::default() }))
                    (choice_field(input, complaints, "language", "Language", &languages, Opts { width: 3, ..Opts::default() }))
                }
                div.row { (primary("Save")) }
            }
        })))
        @if !services.is_empty() { (card("My services", None, had(&services))) }
        (cards(&properties))
        (acting::pages::history(&acted, &cx.actor.zone))
        div id="appearance" {
            (card("Appearance", None, post_form(&cx.csrf, "/account/theme", html! {
                div.row role="group" aria-label="Appearance" {
                    @for (word, label) in [("system", "As the system"), ("light", "Light"), ("dark", "Dark")] {
                        (if word == now { primary(label) } else { button(label) }.named("theme", word))
                    }
                }
            })))
        }
    };
    Ok(page(cx, status, "Account", body))
}

/// What somebody has, by name and plan.
fn had(services: &[Had]) -> Markup {
    let list: Vec<(&str, Markup)> = services
        .iter()
        .map(|had| {
            let plan = if had.plan_name.is_empty() { "–" } else { had.plan_name.as_str() };
            let shown = html! {
                (plan) @if !had.label.is_empty() { " " span.muted { (had.label) } }
            };
            (had.name.as_str(), shown)
        })
        .collect();
    facts(&list)
}

pub fn set_theme(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    let input = cx.input()?;
    let (value, age) = match input.get("theme") {
        "light" => ("light", 31_536_000),
        "dark" => ("dark", 31_536_000),
        "system" => ("", 0),
        _ => return Err(Error::invalid("theme", "is not one of the choices")),
    };
    let cookie = format!("portico-theme={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax");
    Ok(cx.done("/account", "Saved.").with("Set-Cookie", cookie))
}

pub fn password(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    Ok(password_page(cx, 200, &Input::default(), &[]))
}

pub fn set_password(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    let input = cx.input()?;
    let (current, new) = (Secret::new(input.get("current")), Secret::new(input.get("password")));
    match change_password(cx, &current, &new, input.get("revoke") == "1") {
        Ok(risen) => {
            let said = "Your password is changed. Other sign-ins have ended.";
            let answer = cx.done("/account/password", said);
            Ok(match risen {
                Some(session) => answer.with("Set-Cookie", signin::cookie(cx.request, &session)),
                None => answer,
            })
        }
        Err(Error::Invalid(complaints)) => Ok(password_page(cx, 422, &input, &complaints)),
        Err(err) => Err(err),
    }
}

pub fn sign_ins(cx: &Cx, own: &Own<AccountRead>) -> Result<Response> {
    let (sessions, tries) =
        cx.db.read(|db| Ok((store::sessions(db, own)?, store::tries(db, own)?)))?;
    let zone = &cx.actor.zone;
    let others = button("End all others").posts("/account/sessions/end-others");
    let rows = html! {
        @for session in &sessions {
            (session_row(cx, session))
        }
    };
    let tried = html! {
        @for each in &tries {
            tr {
                th scope="row" { (moment(each.at, zone)) }
                td { (each.address) }
                td.p2 { (browser::words(&each.browser)) }
                td {
                    @match each.outcome.as_str() {
                        "in" => (pill(Tone::Ok, "Signed in")),
                        "code" => (pill(Tone::Wait, "Code asked for")),
                        "link" => (pill(Tone::Busy, "Link asked for")),
                        "throttled" => (pill(Tone::Wait, "Had to wait")),
                        _ => (pill(Tone::Bad, "Refused")),
                    }
                }
            }
        }
    };
    let open = [
        column("Browser"),
        column("Address"),
        column("Since").class("p2"),
        column("Last seen"),
        acts(),
    ];
    let past = [column("When"), column("Address"), column("Browser").class("p2"), column("What")];
    let body = html! {
        (section("Signed in now", Some(html! { (others) }), table("Sign-ins", &open, rows)))
        @if !tries.is_empty() { (section("Latest tries", None, table("Tries", &past, tried))) }
    };
    Ok(page(cx, 200, "Sign-ins", body))
}

pub fn end_session(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    let key: String = cx.param("key")?;
    end_sign_ins(cx, Some(&key))?;
    Ok(cx.done("/account/sign-ins", "Ended."))
}

pub fn end_other_sessions(cx: &Cx, _: &Own<AccountRead>) -> Result<Response> {
    end_sign_ins(cx, None)?;
    Ok(cx.done("/account/sign-ins", "All other sign-ins have ended."))
}

fn page(cx: &Cx, status: u16, tab: &str, body: Markup) -> Response {
    let mut all = vec![
        ("Account", "/account", None),
        ("Details", "/account/details", None),
        ("Photo", "/account/photo/edit", None),
        ("Password", "/account/password", None),
        ("Second factor", "/account/factor", None),
        ("Sign-ins", "/account/sign-ins", None),
    ];
    if cx.actor.own::<AccountUpdate>().is_err() {
        all.retain(|(tab, ..)| !["Details", "Photo"].contains(tab));
    }
    if cx.actor.own::<TokensOwn>().is_ok() {
        all.push(("API tokens", "/account/tokens", None));
    }
    if cx.stage != Stage::Whole {
        return cx.page_with(status, Nav::Elsewhere, tab, &[], body);
    }
    let content = html! {
        (page_head("My account", Head::default()))
        (tabs("My account", &all, tab))
        (body)
    };
    cx.page_with(status, Nav::Elsewhere, "My account", &[], content)
}

fn password_page(cx: &Cx, status: u16, input: &Input, complaints: &[Complaint]) -> Response {
    let rules = cx.db.read(|db| signin::rules(db, cx.actor.home)).unwrap_or_default();
    let has_tokens = cx.db.read(|db| store::has_tokens(db, cx.actor.user)).unwrap_or(true);
    let besides = cx.db.read(|db| outside::hint(db, cx.actor.home, cx.actor.user));
    let besides = besides.unwrap_or_default();
    let hint = format!("At least {} characters. A sentence is fine.{besides}", rules.length);
    let field = |name, label, autocomplete, hint: &str| {
        let opts = Opts { kind: "password", autocomplete, hint, width: 3, ..Opts::default() };
        text_field(input, complaints, name, label, opts)
    };
    let body = html! {
        @if cx.stage == Stage::Password {
            h1 { "Choose a new password" }
            p { "Your password has to be replaced before you go on." }
        }
        (complaints_flash(complaints, LABELS))
        (post_form(&cx.csrf, "/account/password", html! {
            div.form {
                (fieldset("Password", "Other browsers are signed out; this one stays.", html! {
                    (field("current", "Current password", "current-password", ""))
                    (field("password", "New password", "new-password", &hint))
                    @if has_tokens {
                        (check(input, complaints, "revoke", "Revoke my API tokens", "Tick it if somebody may have seen the password."))
                    }
                }))
            }
            (form_foot(html! { (primary("Change password")) }))
        }))
    };
    page(cx, status, "Password", body)
}

fn session_row(cx: &Cx, session: &SignedIn) -> Markup {
    let own = cx.session.as_ref().is_some_and(|own| own.hash() == &session.key);
    let (zone, now) = (&cx.actor.zone, cx.db.now());
    let end = format!("/account/sessions/{}/end", secret::hex(&session.key));
    html! {
        tr {
            th scope="row" { (browser::words(&session.browser)) }
            td { (session.address) }
            td.p2 { (when(session.created_at, zone, now)) }
            td { (when(session.last_seen_at, zone, now)) }
            td.acts {
                @if own { (pill(Tone::Ok, "This browser")) }
                @else { (button("End").small().about(&format!("the sign-in from {}", session.address)).posts(&end)) }
            }
        }
    }
}
